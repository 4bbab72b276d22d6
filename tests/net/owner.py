#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""owner.py: conversations of whoever runs it. Arguments in, answers out.

    owner.py serve PORT...           answers UDP and TCP on both families; writes
                                     "ready" first
    owner.py ask PROTO ADDRESS PORT  one question; writes yes, or no and why
    owner.py hold PROTO ADDRESS PORT the same on one socket for each line read
"""
import selectors
import socket
import sys

KINDS = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}


def serve(ports):
    poll = selectors.DefaultSelector()
    for port in ports:
        for kind in KINDS.values():
            s = socket.socket(socket.AF_INET6, kind)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            s.bind(("::", int(port)))
            if kind == socket.SOCK_STREAM:
                s.listen()
            poll.register(s, selectors.EVENT_READ, kind)
    print("ready", flush=True)
    while True:
        for key, _ in poll.select():
            s = key.fileobj
            if key.data == socket.SOCK_DGRAM:
                data, whom = s.recvfrom(100)
                s.sendto(data, whom)
            elif key.data == socket.SOCK_STREAM:
                poll.register(s.accept()[0], selectors.EVENT_READ, None)
            else:
                try:
                    data = s.recv(100)
                except OSError:
                    data = b""
                if data:
                    s.send(data)
                else:
                    poll.unregister(s)
                    s.close()


def opened(proto, address, port):
    info = socket.getaddrinfo(address, int(port), type=KINDS[proto])[0]
    s = socket.socket(info[0], info[1])
    s.settimeout(0.4)
    s.connect(info[4])
    return s


def answer(s):
    """Twice, as what was asked before may be answered late."""
    for word in b"one", b"two":
        try:
            s.send(word)
            if s.recv(100) == word:
                return "yes"
        except OSError as e:
            why = e
    return "no: %s" % why


def ask(args):
    try:
        print(answer(opened(*args)), flush=True)
    except OSError as e:
        print("no: %s" % e, flush=True)


def hold(args):
    s = opened(*args)
    for _ in sys.stdin:
        print(answer(s), flush=True)


if __name__ == "__main__":
    {"serve": serve, "ask": ask, "hold": hold}[sys.argv[1]](sys.argv[2:])
