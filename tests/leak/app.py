#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""app.py: an application that tries every way a socket has to choose the uplink.

    app.py udp PORT ADDRESS... [WAY=VALUE]... [count=N]
        dev=IF        SO_BINDTODEVICE           mark=N      SO_MARK
        cmsgmark=N    SO_MARK as control message
        unicast=IF    IP_UNICAST_IF             pktinfo=IF  IP_PKTINFO
        src=ADDRESS   bind(2)                   options=HEX IP_OPTIONS
        sport=N       the same, to a port
        gso=N         UDP_SEGMENT of N bytes, four in a datagram
        group=IF      IP_MULTICAST_IF           ttl=N       IP_TTL
        dontroute=1   SO_DONTROUTE              size=N      bytes in a datagram
        zerocopy=1    MSG_ZEROCOPY              proto=N     in place of UDP
        transparent=1 IP_TRANSPARENT            rthdr=ADDR  IPV6_RTHDR, segments
    app.py echo ADDRESS... [WAY=VALUE]...       ICMP's datagram sockets
    app.py raw PROTO ADDRESS... [WAY=VALUE]...  SOCK_RAW, the header is the kernel's
    app.py old PORT ADDRESS [WAY=VALUE]...      TCP, then nothing; or keepalive=1,
                                      closes=1 at once, sends=file for long
    app.py connect PORT ADDRESS dev=IF|src=ADDRESS [kind=fastopen|mptcp]
                                      TCP, with data in its SYN, or of many paths
    app.py groups IF GROUP... [seconds=N]       groups are joined, and left
    app.py accept SECONDS PORT [kind=mptcp]
                                      one connection is taken, and used for long
    app.py hold SECONDS PORT ADDRESS dev=IF     a connected socket, used for long
    app.py answer SECONDS PORT        a server that answers: UDP, and TCP's SYN
    app.py userns PORT ADDRESS... dev=IF        sockets that are taken along into a
                                      user and network namespace of its own
    app.py rebound PORT ADDRESS dev=IF          TCP and UDP, bound once connected
    app.py corked PORT ADDRESS dev=IF           a datagram begun before SIGUSR1
    app.py fill COUNT ADDRESS...      so many flows, a datagram in each

N datagrams (5) to each address. Exit 0 if one was handed over, 1 if all were
refused.
"""
import ctypes
import os
import signal
import socket
import struct
import sys
import tempfile
import time

IP_PKTINFO, IP_UNICAST_IF, IPV6_PKTINFO, IPV6_UNICAST_IF = 8, 50, 50, 76
SOL_UDP, UDP_SEGMENT = 17, 103
IP_TTL, IP_TRANSPARENT, IP_MULTICAST_IF = 2, 19, 32
IPV6_UNICAST_HOPS, IPV6_MULTICAST_IF, IPV6_RTHDR, IPV6_TRANSPARENT = 16, 17, 57, 75
SO_DONTROUTE, SO_ZEROCOPY, MSG_ZEROCOPY = 5, 60, 0x4000000


def prepare(s, is6, ways):
    if "dev" in ways:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                     ways["dev"].encode())
    if "mark" in ways:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(ways["mark"]))
    if "unicast" in ways:
        index = struct.pack("!I", socket.if_nametoindex(ways["unicast"]))
        s.setsockopt(*((socket.IPPROTO_IPV6, IPV6_UNICAST_IF) if is6 else
                       (socket.IPPROTO_IP, IP_UNICAST_IF)), index)
    if "options" in ways:
        s.setsockopt(socket.IPPROTO_IP, 4, bytes.fromhex(ways["options"]))
    level, other = (socket.IPPROTO_IPV6, 1) if is6 else (socket.IPPROTO_IP, 0)
    if "ttl" in ways:
        s.setsockopt(level, (IP_TTL, IPV6_UNICAST_HOPS)[other],
                     int(ways["ttl"]))
    if "transparent" in ways:
        s.setsockopt(level, (IP_TRANSPARENT, IPV6_TRANSPARENT)[other], 1)
    if "group" in ways:
        index = socket.if_nametoindex(ways["group"])
        s.setsockopt(level, (IP_MULTICAST_IF, IPV6_MULTICAST_IF)[other],
                     struct.pack("=i", index) if is6 else
                     struct.pack("=4s4si", b"", b"", index))
    if "dontroute" in ways:
        s.setsockopt(socket.SOL_SOCKET, SO_DONTROUTE, 1)
    if "zerocopy" in ways:
        s.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    if "rthdr" in ways:  # RFC 8754: one segment left, to be seen on the way
        s.setsockopt(level, IPV6_RTHDR, struct.pack(
            "!BBBBBBH16s16s", 0, 4, 4, 1, 1, 0, 0, b"",
            socket.inet_pton(socket.AF_INET6, ways["rthdr"])))
    if "gso" in ways:
        s.setsockopt(SOL_UDP, UDP_SEGMENT, int(ways["gso"]))
    if "src" in ways or "sport" in ways:
        s.bind((ways.get("src", ""), int(ways.get("sport", 0))))


def control(is6, ways):
    if "cmsgmark" in ways:
        return [(socket.SOL_SOCKET, socket.SO_MARK,
                 struct.pack("=I", int(ways["cmsgmark"])))]
    if "pktinfo" in ways:
        index = socket.if_nametoindex(ways["pktinfo"])
        if is6:
            return [(socket.IPPROTO_IPV6, IPV6_PKTINFO,
                     struct.pack("=16sI", b"", index))]
        return [(socket.IPPROTO_IP, IP_PKTINFO,
                 struct.pack("=I4s4s", index, b"", b""))]
    return []


def udp(args):
    (port, *addrs), ways = split(args)
    sent = 0
    for addr in addrs:
        family, *_, to = socket.getaddrinfo(addr, int(port),
                                            type=socket.SOCK_DGRAM)[0]
        is6 = family == socket.AF_INET6
        if "src" in ways and (":" in ways["src"]) != is6:
            continue
        try:
            s = socket.socket(family, socket.SOCK_DGRAM,
                              int(ways.get("proto", 0)))
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            prepare(s, is6, ways)
        except OSError as e:
            print("app.py:", *args, ":", e, file=sys.stderr)
            continue
        text = b"nfr leak test " * (1 if "gso" not in ways else
                                    4 * int(ways["gso"]) // 14)
        if "size" in ways:
            text *= int(ways["size"]) // len(text)
        for _ in range(int(ways.get("count", 5))):
            try:
                s.sendmsg([text], control(is6, ways),
                          MSG_ZEROCOPY if "zerocopy" in ways else 0, to)
                sent += 1
            except OSError:
                pass  # refused is what a filter is for
    return 0 if sent else 1


def bare(kind, protos, text, addrs, ways):
    """Five to each address by a socket of that kind; protos by is6."""
    sent = 0
    for addr in addrs:
        is6 = ":" in addr
        try:
            s = socket.socket(socket.AF_INET6 if is6 else socket.AF_INET, kind,
                              protos[is6])
            prepare(s, is6, ways)
        except OSError as e:
            print("app.py:", addr, ":", e, file=sys.stderr)
            continue
        for _ in range(5):
            try:
                s.sendto(text[is6], (addr, 0))
                sent += 1
            except OSError:
                pass  # refused is what a filter is for
    return 0 if sent else 1


def echo(args):
    addrs, ways = split(args)
    text = [struct.pack("!BBHHH", kind, 0, 0, 1, 1) + b"nfr leak test"
            for kind in (8, 128)]
    return bare(socket.SOCK_DGRAM, (1, 58), text, addrs, ways)


def raw(args):
    (proto, *addrs), ways = split(args)
    text = struct.pack("!HHHH", 40000, 7100, 8 + 13, 0) + b"nfr leak test"
    return bare(socket.SOCK_RAW, (int(proto),) * 2, (text, text), addrs, ways)


def old(args):
    """Open before the filter is; what goes on is the kernel's, or a file."""
    (port, addr), ways = split(args)
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    prepare(s, False, ways)
    if "keepalive" in ways:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    s.connect((addr, int(port)))
    if "closes" in ways:
        s.shutdown(socket.SHUT_WR)
        while s.recv(4096):
            pass
        s.close()
    print("ready", flush=True)
    with tempfile.TemporaryFile() as f:
        f.write(b"nfr leak test" * 10)
        f.flush()
        for _ in range(4000 if "sends" in ways else 0):
            try:
                os.sendfile(s.fileno(), f.fileno(), 0, 130)
            except OSError:
                pass
            time.sleep(0.01)
    time.sleep(40)
    return 0


def hold(args):
    """Open before the filter is; it goes on when that is there."""
    (seconds, port, addr), ways = split(args)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    prepare(s, False, ways)
    s.connect((addr, int(port)))
    print("ready", flush=True)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        try:
            s.send(b"nfr leak test")
        except OSError:
            pass
        time.sleep(0.005)
    return 0


def connect(args):
    (port, addr), ways = split(args)
    family, *_, to = socket.getaddrinfo(addr, int(port),
                                        type=socket.SOCK_STREAM)[0]
    kind = ways.get("kind", "")
    s = socket.socket(family, socket.SOCK_STREAM, 262 if kind == "mptcp" else 0)
    s.settimeout(1.5)
    prepare(s, family == socket.AF_INET6, ways)
    try:
        if kind == "fastopen":
            s.setsockopt(socket.IPPROTO_TCP, 34, 1)  # TCP_FASTOPEN_NO_COOKIE
            s.sendto(b"nfr leak test", 0x20000000, to)  # MSG_FASTOPEN
        else:
            s.connect(to)
            s.send(b"nfr leak test")
        time.sleep(float(ways.get("seconds", 0.3)))
    except OSError as e:
        print("app.py:", *args, ":", e, file=sys.stderr)
        return 1
    return 0


def groups(args):
    (dev, *names), ways = split(args)
    index = socket.if_nametoindex(dev)
    held = []
    for group in names:
        if ":" in group:
            s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                         socket.inet_pton(socket.AF_INET6, group) +
                         struct.pack("=I", index))
        else:
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                         struct.pack("=4s4si", socket.inet_aton(group), b"",
                                     index))
        held.append(s)
    print("ready", flush=True)
    time.sleep(float(ways.get("seconds", 1)))
    return 0


def answer(args):
    seconds, port = args
    servers = [socket.socket(socket.AF_INET6, kind)
               for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM)]
    for s in servers:
        s.bind(("::", int(port)))
    servers[1].listen(8)
    servers[0].settimeout(float(seconds))
    print("ready", flush=True)
    try:
        while True:
            servers[0].sendto(*servers[0].recvfrom(4096))
    except OSError:
        return 0


def userns(args):
    (port, *addrs), ways = split(args)
    sockets = []
    for addr in addrs:
        family, *_, to = socket.getaddrinfo(addr, int(port),
                                            type=socket.SOCK_DGRAM)[0]
        sockets.append((socket.socket(family, socket.SOCK_DGRAM), to))
        prepare(sockets[-1][0], family == socket.AF_INET6, ways)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x50000000):  # CLONE_NEWUSER, CLONE_NEWNET
        print("app.py: unshare:", os.strerror(ctypes.get_errno()),
              file=sys.stderr)
        return 2
    sent = 0
    for s, to in sockets * 5:
        try:
            sent += s.sendto(b"nfr leak test", to)
        except OSError:
            pass  # refused is what a filter is for
    return 0 if sent else 1


def rebound(args):
    (port, addr), ways = split(args)
    for kind in socket.SOCK_STREAM, socket.SOCK_DGRAM:
        s = socket.socket(socket.AF_INET, kind)
        s.settimeout(1.5)
        try:
            s.connect((addr, int(port)))
            s.send(b"GET ")
            prepare(s, False, ways)
            for _ in range(5):
                s.send(b"nfr leak test")
                time.sleep(0.05)
        except OSError as e:
            print("app.py:", *args, ":", e, file=sys.stderr)
    return 0


def corked(args):
    (port, addr), ways = split(args)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    prepare(s, False, ways)
    s.setsockopt(SOL_UDP, 1, 1)  # UDP_CORK
    s.sendto(b"nfr leak test", (addr, int(port)))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    print("ready", flush=True)
    signal.sigtimedwait([signal.SIGUSR1], 40)
    s.setsockopt(SOL_UDP, 1, 0)
    return 0


def fill(args):
    count, *addrs = args
    done = 0
    while done < int(count):
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        for port in range(10000, 30000):
            try:
                s.sendto(b"nfr", (addrs[done % len(addrs)], port))
            except OSError:
                pass  # the server's refusals, and a full table's
            done += 1
            if not done % 500:
                time.sleep(0.02)  # for the capture's sake
    return 0


def accept(args):
    """Taken before the filter is there; it goes on when that is there."""
    (seconds, port), ways = split(args)
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM,
                      262 if "kind" in ways else 0)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", int(port)))
    s.listen(1)
    print("listens", flush=True)
    taken = s.accept()[0]
    print("ready", flush=True)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        try:
            taken.send(b"nfr leak test")
        except OSError:
            pass
        time.sleep(0.005)
    return 0


def split(args):
    return [a for a in args if "=" not in a], \
        dict(a.split("=", 1) for a in args if "=" in a)


if __name__ == "__main__":
    sys.exit({"udp": udp, "hold": hold, "connect": connect, "groups": groups,
              "accept": accept, "echo": echo, "raw": raw, "old": old,
              "answer": answer, "userns": userns, "rebound": rebound,
              "corked": corked, "fill": fill}[sys.argv[1]](sys.argv[2:]))
