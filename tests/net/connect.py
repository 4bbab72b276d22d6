#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""connect.py: what a program is told that wants to talk to somebody.

    connect.py serve PORT ADDRESS...
    connect.py HOW ADDRESS PORT [device=IF] [from=ADDRESS] [word=WORD]

serve says back what comes to these addresses, by TCP or UDP, and to "who" the
address of who asks; it writes "ready" first.

HOW is tcp, udp (connected) or sendto (not connected). Writes one line: "yes"
when its word came back, or the first that came; or which call failed and by
what, as in "connect EPERM" or "recv timeout".
"""
import errno
import selectors
import socket
import sys


def served(word, peer):
    return peer[0].encode() if word == b"who" else word


def serve(port, *addresses):
    poll = selectors.DefaultSelector()
    for address in addresses:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
            s = socket.socket(family, kind)
            s.bind((address, int(port)))
            if kind == socket.SOCK_STREAM:
                s.listen()
            poll.register(s, selectors.EVENT_READ, kind)
    print("ready", flush=True)
    while True:
        for key, _ in poll.select():
            s = key.fileobj
            try:
                if key.data == socket.SOCK_STREAM:
                    poll.register(s.accept()[0], selectors.EVENT_READ)
                    continue
                word, peer = s.recvfrom(100)
                peer = peer or s.getpeername()
                if word:
                    s.sendto(served(word, peer), peer)
            except OSError:
                word = key.data
            if not word:
                poll.unregister(s)
                s.close()


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
    call, sent = "connect", more.get("word", "word").encode()
    try:
        if how != "sendto":
            s.connect((address, int(port)))
        call = "send"
        if how == "sendto":
            s.sendto(sent, (address, int(port)))
        else:
            s.send(sent)
        call = "recv"
        got = s.recv(100)
        print("yes" if got == sent else got.decode().split()[0])
    except OSError as e:
        print(call, told(e))


if sys.argv[1] == "serve":
    serve(*sys.argv[2:])
else:
    main(*sys.argv[1:])
