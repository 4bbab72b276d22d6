# SPDX-License-Identifier: BSD-2-Clause
"""front.py PROGRAM IF PIN: a pinned tc program, put first on the egress of IF
by a tcx link, which is pinned at PIN. What a stranger would do."""

import ctypes
import os
import socket
import struct
import sys

SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
OBJ_PIN, OBJ_GET, LINK_CREATE = 6, 7, 28
TCX_EGRESS, BEFORE = 47, 1 << 3
libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    attr = ctypes.create_string_buffer(attr, 128)
    result = libc.syscall(SYS_BPF, command, attr, 128)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def path(text):
    keep.append(ctypes.create_string_buffer(text.encode()))
    return ctypes.addressof(keep[-1])


keep = []
program, device, pin = sys.argv[1:]
prog = bpf(OBJ_GET, struct.pack("QII", path(program), 0, 0))
index = socket.if_nametoindex(device)
link = bpf(LINK_CREATE, struct.pack("IIII", prog, index, TCX_EGRESS, BEFORE))
bpf(OBJ_PIN, struct.pack("QII", path(pin), link, 0))
