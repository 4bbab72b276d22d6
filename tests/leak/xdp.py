# SPDX-License-Identifier: BSD-2-Clause
"""xdp.py: frames out by AF_XDP in copy mode, past tc and netfilter. See
linux/if_xdp.h; Python's socket module has no such addresses, libc does.
"""
import ctypes
import mmap
import os
import socket
import struct

AF_XDP, SOL_XDP = 44, 283
MMAP_OFFSETS, TX_RING, UMEM_REG, FILL_RING, COMPLETION_RING = 1, 3, 4, 5, 6
XDP_COPY = 2
PGOFF_TX_RING = 0x80000000
CHUNK, RING = 2048, 64


def transmit(ifname, frames):
    """Raises OSError where the kernel or a filter refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    s = socket.socket(AF_XDP, socket.SOCK_RAW)
    umem = mmap.mmap(-1, CHUNK * RING)
    base = ctypes.addressof(ctypes.c_char.from_buffer(umem))
    s.setsockopt(SOL_XDP, UMEM_REG,
                 struct.pack("=QQIII4x", base, CHUNK * RING, CHUNK, 0, 0))
    for ring in FILL_RING, COMPLETION_RING, TX_RING:
        s.setsockopt(SOL_XDP, ring, RING)
    offsets = s.getsockopt(SOL_XDP, MMAP_OFFSETS, 128)
    producer, _, desc, _ = struct.unpack_from("=QQQQ", offsets, 32)
    ring = mmap.mmap(s.fileno(), desc + RING * 16, offset=PGOFF_TX_RING)
    addr = struct.pack("=HHIII", AF_XDP, XDP_COPY, socket.if_nametoindex(ifname),
                       0, 0)
    if libc.bind(s.fileno(), addr, len(addr)):
        raise OSError(ctypes.get_errno(), "bind")
    for i, frame in enumerate(frames[:RING]):
        umem[i * CHUNK:i * CHUNK + len(frame)] = frame
        struct.pack_into("=QII", ring, desc + i * 16, i * CHUNK, len(frame), 0)
    struct.pack_into("=I", ring, producer, len(frames[:RING]))
    # A few at a time: until all are gone.
    for _ in range(8):
        if libc.sendto(s.fileno(), None, 0, socket.MSG_DONTWAIT, None, 0) < 0 \
                and ctypes.get_errno() not in (11, 16):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
