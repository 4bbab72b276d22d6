#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""inject.py: frames of frames.py, out by a way of choice.

    inject.py WAY IF MAC SHAPE [count=N]

SHAPE is a method of frames.Shapes; MAC is the next hop's. Each frame is tried N
times (4). WAY is one of
    raw      AF_PACKET, the whole frame       bypass  the same, past the qdisc
    dgram    AF_PACKET, without its header    xdp     AF_XDP
    rawip    SOCK_RAW bound to IF, from the IP header on
    gso      AF_PACKET, segments cut by the kernel (shape: plain)
    ring     AF_PACKET, a ring of mapped memory
    file     IF is a macvtap device's file; behind a virtio header
    old      AF_PACKET's older kind, SOCK_PACKET
    tun      IF is a tun device of the caller's: what it hands to the host
    options  raw, after PACKET_QDISC_BYPASS was asked for by io_uring
    before   bypass, a frame each 10 ms for long, from the moment it says "ready"

    inject.py sync TEXT IF...     a frame of EtherType 0x88b5 on each

Exit 0 if a frame was handed over, 1 if all were refused.
"""
import ctypes
import fcntl
import mmap
import os
import socket
import struct
import sys
import time

import frames
import uring
import xdp

SOL_PACKET, TX_RING, VNET_HDR, QDISC_BYPASS = 263, 13, 15, 20


def mac_of(ifname):
    with open("/sys/class/net/%s/address" % ifname) as f:
        return bytes.fromhex(f.read().strip().replace(":", ""))


def raw(ifname, head, shape, bypass=False):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    if bypass:
        s.setsockopt(SOL_PACKET, QDISC_BYPASS, 1)
    s.bind((ifname, 0))
    for ethertype, payload in shape:
        yield s.send, (head + struct.pack("!H", ethertype) +
                       payload).ljust(60, b"\0")


def bypass(ifname, head, shape):
    return raw(ifname, head, shape, bypass=True)


def dgram(ifname, head, shape):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM)
    for ethertype, payload in shape:
        to = (ifname, ethertype, 0, 0, head[:6])
        yield lambda data, to=to: s.sendto(data, to), payload


def rawip(ifname, _, shape):
    for ethertype, payload in shape:
        family = socket.AF_INET if ethertype == 0x800 else socket.AF_INET6
        s = socket.socket(family, socket.SOCK_RAW, 255)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                     ifname.encode())
        if family == socket.AF_INET:
            to = (socket.inet_ntoa(payload[16:20]), 0)
        else:
            s.setsockopt(41, 36, 1)  # IPV6_HDRINCL
            to = (socket.inet_ntop(family, payload[24:40]), 0)
        yield lambda data, s=s, to=to: s.sendto(data, to), payload


def gso(ifname, head, _):
    """One TCP super-packet of four segments: virtio_net_hdr, linux/virtio_net.h"""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.setsockopt(SOL_PACKET, VNET_HDR, 1)
    s.bind((ifname, 0))
    segment, ack = 1000, 0x10
    body = struct.pack("!HHIIBBHHH", 40000, frames.PORT, 1, 1, 0x50, ack, 1024,
                       0, 0) + b"n" * 4 * segment
    packet = frames.ip4(body, proto=frames.TCP)
    offload = struct.pack("=BBHHHH", 1, 1, 54, segment, 34, 16)
    yield s.send, offload + head + b"\x08\x00" + packet


def ring(ifname, head, shape):
    """A frame in each slot of PACKET_TX_RING (TPACKET_V1), sent together."""
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    size, slots = 2048, 2 * (1 + len(shape) // 2)
    s.setsockopt(SOL_PACKET, TX_RING, struct.pack("=IIII", 4096, slots // 2,
                                                  size, slots))
    s.bind((ifname, 0))
    memory = mmap.mmap(s.fileno(), size * slots)
    for i, (ethertype, payload) in enumerate(shape):
        data = (head + struct.pack("!H", ethertype) + payload).ljust(60, b"\0")
        at = i * size
        memory[at + 32:at + 32 + len(data)] = data
        memory[at + 8:at + 12] = struct.pack("=I", len(data))
        memory[at:at + 8] = struct.pack("@L", 1)  # TP_STATUS_SEND_REQUEST
    yield s.send, b""


def file(path, head, shape):
    fd = os.open(path, os.O_RDWR)
    # TUNSETIFF is not asked of a macvtap; it begins with a virtio_net_hdr.
    for ethertype, payload in shape:
        data = (head + struct.pack("!H", ethertype) + payload).ljust(60, b"\0")
        yield lambda data: os.write(fd, bytes(10) + data), data


def old(ifname, head, shape):
    """struct sockaddr_pkt: the device by its name (linux/if_packet.h)."""
    libc = ctypes.CDLL(None, use_errno=True)
    s = socket.socket(socket.AF_PACKET, 10, 0)
    to = struct.pack("=H14sH", socket.AF_PACKET, ifname.encode(), 0)

    def send(data):
        if libc.sendto(s.fileno(), data, len(data), 0, to, len(to)) < 0:
            raise OSError(ctypes.get_errno(), "sendto")
    for ethertype, payload in shape:
        yield send, (head + struct.pack("!H", ethertype) +
                     payload).ljust(60, b"\0")


def tun(ifname, _, shape):
    fd = os.open("/run/tun", os.O_RDWR)  # the lab's
    fcntl.ioctl(fd, 0x400454ca, struct.pack(  # TUNSETIFF: IFF_TUN, IFF_NO_PI
        "16sH22x", ifname.encode(), 0x1001))
    time.sleep(0.2)  # its carrier comes
    for _, payload in shape:
        yield lambda data: os.write(fd, data), payload
    time.sleep(0.2)


def options(ifname, head, shape):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    ret = uring.Ring().setsockopt(s, SOL_PACKET, QDISC_BYPASS, 1)
    if ret < 0:
        raise OSError(-ret, "io_uring: setsockopt")
    s.bind((ifname, 0))
    for ethertype, payload in shape:
        yield s.send, (head + struct.pack("!H", ethertype) +
                       payload).ljust(60, b"\0")


def before(ifname, head, shape):
    """Its socket is older than the filter."""
    made = list(raw(ifname, head, shape, bypass=True))
    print("ready", flush=True)
    for send, data in made * 500:
        time.sleep(0.01)
        yield send, data


def inject(way, ifname, mac, shape, *options):
    count = int(dict(o.split("=") for o in options).get("count", 4))
    head = bytes.fromhex(mac.replace(":", "")) + \
        mac_of("eth0" if way in ("file", "tun") else ifname)
    what = frames.shape(shape) * count
    if way == "xdp":
        xdp.transmit(ifname, [(head + struct.pack("!H", t) + p).ljust(60, b"\0")
                              for t, p in what])
        return 0
    sent = 0
    for send, data in WAYS[way](ifname, head, what):
        try:
            send(data)
            sent += 1
        except OSError:
            pass  # refused is what a filter is for
    return 0 if sent else 1


def sync(text, *ifnames):
    for ifname in ifnames:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind((ifname, 0))
            s.send((b"\xff" * 6 + mac_of(ifname) + b"\x88\xb5" +
                    text.encode()).ljust(60, b"\0"))
    return 0


WAYS = {"raw": raw, "bypass": bypass, "dgram": dgram, "rawip": rawip, "gso": gso,
        "ring": ring, "file": file, "old": old, "tun": tun, "options": options,
        "before": before}

if __name__ == "__main__":
    try:
        if sys.argv[1] == "sync":
            sys.exit(sync(*sys.argv[2:]))
        sys.exit(inject(*sys.argv[1:]))
    except OSError as e:
        print("inject.py:", *sys.argv[1:], ":", e, file=sys.stderr)
        sys.exit(1)
