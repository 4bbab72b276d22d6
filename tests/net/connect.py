#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""connect.py: what a program is told that wants to talk to somebody.

    connect.py HOW ADDRESS PORT [device=IF] [from=ADDRESS]

HOW is tcp, udp (connected) or sendto (not connected). Writes one line: "yes",
or which call failed and by what, as in "connect EPERM" or "recv timeout".
"""
import errno
import socket
import sys


def told(e):
    return errno.errorcode[e.errno] if e.errno else "timeout"


def main(how, address, port, *more):
    more = dict(word.split("=") for word in more)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if how == "tcp" else socket.SOCK_DGRAM
    s = socket.socket(family, kind)
    s.settimeout(0.7)
    if "device" in more:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                     more["device"].encode())
    if "from" in more:
        s.bind((more["from"], 0))
    call = "connect"
    try:
        if how != "sendto":
            s.connect((address, int(port)))
        call = "send"
        if how == "sendto":
            s.sendto(b"word", (address, int(port)))
        else:
            s.send(b"word")
        call = "recv"
        print("yes" if s.recv(100) == b"word" else "other")
    except OSError as e:
        print(call, told(e))


main(*sys.argv[1:])
