#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""uring.py: an application that sends by io_uring, which calls no socket's system
calls. See linux/io_uring.h.

    uring.py PORT ADDRESS dev=IF      datagrams: IORING_OP_SEND and _SEND_ZC, with
                                      the address in the request

Exit 0 if one was handed over, 1 if all were refused, 2 without io_uring.
"""
import ctypes
import mmap
import socket
import struct
import sys

SETUP, ENTER = 425, 426  # system calls, the same on all machines
OP_SEND, OP_SEND_ZC = 26, 47
GETEVENTS = 1
OFF_SQ_RING, OFF_CQ_RING, OFF_SQES = 0, 0x8000000, 0x10000000
ENTRIES, SQE = 8, 64


class Ring:
    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        params = ctypes.create_string_buffer(120)
        self.fd = self.libc.syscall(SETUP, ENTRIES, params)
        if self.fd < 0:
            raise OSError(ctypes.get_errno(), "io_uring_setup")
        sq = struct.unpack_from("=10I", params, 40)
        cq = struct.unpack_from("=10I", params, 80)
        self.sq_tail, self.sq_mask, self.array = sq[1], sq[2], sq[6]
        self.cq_head, self.cq_tail, self.cq_mask, self.cqes = \
            cq[0], cq[1], cq[2], cq[5]
        self.sq = mmap.mmap(self.fd, self.array + 4 * ENTRIES,
                            offset=OFF_SQ_RING)
        self.cq = mmap.mmap(self.fd, self.cqes + 32 * ENTRIES,
                            offset=OFF_CQ_RING)
        self.sqes = mmap.mmap(self.fd, SQE * ENTRIES, offset=OFF_SQES)

    @staticmethod
    def word(memory, at):
        return struct.unpack_from("=I", memory, at)[0]

    def send(self, op, sock, data, to):
        # opcode flags ioprio fd | addr2 | addr len msg_flags | user_data |
        # buf_index personality addr_len pad | ...
        return self.submit(struct.pack(
            "=BBHiQQIIQHHHHQQ", op, 0, 0, sock.fileno(), ctypes.addressof(to),
            ctypes.addressof(data), len(data.raw), 0, 7, 0, 0, len(to.raw), 0,
            0, 0))

    def setsockopt(self, sock, level, name, number):
        """IORING_OP_URING_CMD, SOCKET_URING_OP_SETSOCKOPT (Linux 6.7)."""
        value = ctypes.create_string_buffer(struct.pack("=i", number), 4)
        # opcode flags ioprio fd | cmd_op pad | level optname len flags |
        # user_data | buf_index personality optlen | optval pad
        return self.submit(struct.pack(
            "=BBHiIIIIIIQHHIQQ", 46, 0, 0, sock.fileno(), 3, 0, level, name, 0,
            0, 7, 0, 0, 4, ctypes.addressof(value), 0))

    def submit(self, sqe):
        """What the kernel says of it: bytes, or -errno."""
        tail = self.word(self.sq, self.sq_tail)
        slot = tail & self.word(self.sq, self.sq_mask)
        self.sqes[slot * SQE:(slot + 1) * SQE] = sqe
        struct.pack_into("=I", self.sq, self.array + 4 * slot, slot)
        struct.pack_into("=I", self.sq, self.sq_tail, tail + 1)
        if self.libc.syscall(ENTER, self.fd, 1, 1, GETEVENTS, None, 0) < 0:
            raise OSError(ctypes.get_errno(), "io_uring_enter")
        head = self.word(self.cq, self.cq_head)
        at = self.cqes + 16 * (head & self.word(self.cq, self.cq_mask))
        result = struct.unpack_from("=Qi", self.cq, at)[1]
        struct.pack_into("=I", self.cq, self.cq_head,
                         self.word(self.cq, self.cq_tail))
        return result


def main(port, address, *more):
    ways = dict(m.split("=") for m in more)
    to = ctypes.create_string_buffer(
        struct.pack("=H", socket.AF_INET) + struct.pack("!H", int(port)) +
        socket.inet_aton(address) + bytes(8), 16)
    data = ctypes.create_string_buffer(b"nfr leak test", 13)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                 ways["dev"].encode())
    try:
        ring = Ring()
    except OSError as e:
        print("uring.py:", e, file=sys.stderr)
        return 2
    results = [ring.send(op, s, data, to) for op in (OP_SEND, OP_SEND_ZC) * 5]
    print("uring.py:", *results, file=sys.stderr)
    return 0 if any(r > 0 for r in results) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
