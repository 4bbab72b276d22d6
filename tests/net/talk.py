#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""talk.py: programs that talk through a gateway. Arguments in, one line out.

    talk.py echo PORT                  TCP and UDP on both families: says back
                                       what it hears; "who" is answered by the
                                       asker's address and port
    talk.py sink PORT                  TCP: takes all, answers with its SHA-256
    talk.py who ADDRESS PORT [udp] [from=PORT] [local=ADDRESS]
                                       the address that an echo sees
    talk.py cut ADDRESS PORT           to an echo: datagrams that the sender hands
                                       over in one piece, to be cut behind it
                                       (UDP_SEGMENT): "same|differs"
    talk.py bulk ADDRESS PORT BYTES [until=FILE]
                                       to a sink: "same|differs N retransmitted, N
                                       in vain" (the sink had them already); BYTES
                                       a second until there is a FILE
    talk.py many ADDRESS PORT COUNT    COUNT connections at once to an echo, each
                                       used twice: how many were answered. They
                                       are reset at the end: 10,000 ports that
                                       wait would be in the way of the next
    talk.py beat ADDRESS PORT SECONDS|FILE [udp]
                                       one flow, 200 questions a second, in step,
                                       for so long, or until there is a FILE:
                                       "ready" when ten were answered, at the end
                                       "asked answered T", T: when the last that
                                       was answered was asked, microseconds
    talk.py syns ADDRESS PORT COUNT [from=ADDRESS] [until=FILE]
                                       COUNT bare SYNs from as many source ports,
                                       or from that address and those behind it;
                                       COUNT a second until there is a FILE
    talk.py twice ADDRESS PORT COUNT from=ADDRESS until=FILE
                                       TCP connections, two from that address and
                                       each of COUNT behind it, until there is a
                                       FILE: how many addresses had both
"""
import hashlib
import os
import random
import selectors
import socket
import struct
import sys
import time


def options(args):
    plain = [a for a in args if "=" not in a]
    return plain, dict(a.split("=", 1) for a in args if "=" in a)


def listener(kind, family, port):
    s = socket.socket(family, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.bind(("", port))
    if kind == socket.SOCK_STREAM:
        s.listen(4096)
    s.setblocking(False)
    return s


def answer(text, peer):
    if text == b"who":
        return ("%s %d" % (peer[0].removeprefix("::ffff:"), peer[1])).encode()
    return text


def hear_datagram(s):
    try:
        text, peer = s.recvfrom(65536)
        s.sendto(answer(text, peer), peer)
    except OSError:
        pass  # nobody there any more, or no way to them


def hear_stream(conn, peer):
    try:
        text = conn.recv(65536)
        if text:
            conn.sendall(answer(text, peer))
    except OSError:
        text = b""
    return bool(text)


def echo(args):
    port = int(args[0])
    waits = selectors.DefaultSelector()
    for family in socket.AF_INET, socket.AF_INET6:
        waits.register(listener(socket.SOCK_STREAM, family, port),
                       selectors.EVENT_READ, "accept")
        waits.register(listener(socket.SOCK_DGRAM, family, port),
                       selectors.EVENT_READ, "datagram")
    print("ready", flush=True)
    while True:
        for key, _ in waits.select():
            s = key.fileobj
            if key.data == "accept":
                conn, peer = s.accept()
                waits.register(conn, selectors.EVENT_READ, peer)
            elif key.data == "datagram":
                hear_datagram(s)
            elif not hear_stream(s, key.data):
                waits.unregister(s)
                s.close()


def sink(args):
    s = listener(socket.SOCK_STREAM, socket.AF_INET6, int(args[0]))
    s.setblocking(True)
    s4 = listener(socket.SOCK_STREAM, socket.AF_INET, int(args[0]))
    waits = selectors.DefaultSelector()
    for each in s, s4:
        waits.register(each, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in waits.select():
            conn, _ = key.fileobj.accept()
            conn.setblocking(True)
            digest = hashlib.sha256()
            while text := conn.recv(1 << 16):
                digest.update(text)
            conn.sendall(digest.hexdigest().encode())
            conn.close()


def connected(addr, port, kind=socket.SOCK_STREAM, opts=None):
    opts = opts or {}
    info = socket.getaddrinfo(addr, int(port), type=kind)[0]
    s = socket.socket(info[0], kind)
    s.settimeout(float(os.environ.get("TALK_SECONDS", 2)))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if "from" in opts or "local" in opts:
        s.bind((opts.get("local", ""), int(opts.get("from", 0))))
    s.connect(info[4])
    return s


def who(args):
    (addr, port, *kind), opts = options(args)
    s = connected(addr, port, socket.SOCK_DGRAM if kind else
                  socket.SOCK_STREAM, opts)
    s.send(b"who")
    print(s.recv(100).decode())
    return 0


UDP_SEGMENT = 103  # linux/udp.h


def cut(args):
    s = connected(args[0], args[1], socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
    sent = [os.urandom(1000) for _ in range(40)] + [os.urandom(123)]
    s.send(b"".join(sent))
    same = sorted(s.recv(65536) for _ in sent) == sorted(sent)
    print("same" if same else "differs")
    return 0 if same else 1


# Offsets in struct tcp_info, linux/tcp.h.
TCP_INFO_TOTAL_RETRANS, TCP_INFO_DSACK_DUPS = 100, 216


def bulk(args):
    (addr, port, count), opts = options(args)
    count, end, sent = int(count), opts.get("until"), 0
    s = connected(addr, port)
    s.settimeout(5)
    digest, block = hashlib.sha256(), os.urandom(1 << 16)
    start = time.monotonic()
    while not os.path.exists(end) if end else sent < count:
        part = block if end else block[:count - sent]
        digest.update(part)
        s.sendall(part)
        sent += len(part)
        if end:
            time.sleep(max(0, start + sent / count - time.monotonic()))
    s.shutdown(socket.SHUT_WR)
    told = s.recv(100).decode()
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    same = told == digest.hexdigest()
    print("same" if same else "differs", "%d retransmitted, %d in vain" % tuple(
        struct.unpack_from("=I", info, at)[0]
        for at in (TCP_INFO_TOTAL_RETRANS, TCP_INFO_DSACK_DUPS)))
    return 0 if same else 1


def many(args):
    addr, port, count = args[0], args[1], int(args[2])
    info = socket.getaddrinfo(addr, int(port), type=socket.SOCK_STREAM)[0]
    waits = selectors.DefaultSelector()
    answered, live, flows = 0, 0, {}
    for i in range(count):
        s = socket.socket(info[0], socket.SOCK_STREAM)
        s.setblocking(False)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        s.connect_ex(info[4])
        waits.register(s, selectors.EVENT_WRITE)
        flows[s] = 0
        live += 1
    patience = 1.5 * float(os.environ.get("TALK_SECONDS", 2))
    idle = time.monotonic() + patience
    while live and time.monotonic() < idle:
        for key, mask in waits.select(patience / 3):
            s, idle = key.fileobj, time.monotonic() + patience
            try:
                if mask & selectors.EVENT_WRITE:
                    s.send(b"%d" % flows[s])
                    waits.modify(s, selectors.EVENT_READ)
                    continue
                if s.recv(100) != b"%d" % flows[s]:
                    raise OSError
            except OSError:
                waits.unregister(s)
                live -= 1
                continue
            flows[s] += 1
            if flows[s] < 2:  # again when all were opened
                waits.modify(s, selectors.EVENT_WRITE)
                continue
            answered += 1
            live -= 1
            waits.unregister(s)
    print(answered)
    return 0 if answered == count else 1


def beat(args):
    kind = socket.SOCK_DGRAM if args[3:] == ["udp"] else socket.SOCK_STREAM
    s = connected(args[0], args[1], kind)
    s.settimeout(1)
    seconds = None if args[2].startswith("/") else float(args[2])
    start, asked, answered, last = time.monotonic(), 0, 0, 0
    while (time.monotonic() < start + seconds if seconds
           else not os.path.exists(args[2])):
        asked += 1
        now = time.time()
        try:
            s.send(b"%d" % asked)
            if s.recv(100) == b"%d" % asked:
                answered, last = answered + 1, now
                if answered == 10:
                    print("ready", flush=True)
        except OSError:
            pass
        time.sleep(0.005)
    print(asked, answered, int(last * 1000000))
    return 0 if asked == answered else 1


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def route_source(family, addr):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.connect((addr, 9))
        return s.getsockname()[0]


def syn(family, source, to, ports):
    """An IP packet; the checksum of IPv4's header is the kernel's to fill in."""
    if family == socket.AF_INET6:
        head = struct.pack("!IHBB", 6 << 28, 20, 6, 64) + source + to
    else:
        head = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + \
            source + to
    tcp = struct.pack("!HHIIBBHHH", *ports, random.getrandbits(32), 0, 0x50, 2,
                      1024, 0, 0)
    total = checksum(source + to + struct.pack("!HH", 6, 20) + tcp)
    return head + tcp[:16] + struct.pack("!H", total) + tcp[18:]


def syns(args):
    (addr, port, count), opts = options(args)
    count, end, sent = int(count), opts.get("until"), 0
    family = socket.AF_INET6 if ":" in addr else socket.AF_INET
    first = opts.get("from") or route_source(family, addr)
    first, to = (socket.inet_pton(family, a) for a in (first, addr))
    s = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    start = time.monotonic()
    while not os.path.exists(end) if end else sent < count:
        source = first
        if "from" in opts:
            source = (int.from_bytes(first, "big") + sent).to_bytes(
                len(first), "big")
        try:
            s.sendto(syn(family, source, to,
                         (10000 + sent % 50000, int(port))), (addr, 0))
        except OSError:
            pass  # refused is what a full table is for
        sent += 1
        if end:
            time.sleep(max(0, start + sent / count - time.monotonic()))
    print(sent)
    return 0


def connects(local, addr, port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
        s.settimeout(5)
        s.bind((local, 0))
        s.connect((addr, int(port)))


def twice(args):
    (addr, port, most), opts = options(args)
    first, count, most = socket.inet_aton(opts["from"]), 0, int(most)
    while not os.path.exists(opts["until"]):
        local = socket.inet_ntoa(
            (int.from_bytes(first, "big") + count).to_bytes(4, "big"))
        connects(local, addr, port)
        connects(local, addr, port)
        count += 1
        while count == most and not os.path.exists(opts["until"]):
            time.sleep(0.01)
    print(count)
    return 0


VERBS = {"echo": echo, "sink": sink, "who": who, "cut": cut, "bulk": bulk, "many": many,
         "beat": beat, "syns": syns, "twice": twice}

if __name__ == "__main__":
    sys.exit(VERBS[sys.argv[1]](sys.argv[2:]))
