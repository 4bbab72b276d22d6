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
    app.py hold SECONDS PORT ADDRESS dev=IF     a connected socket, used for long

N datagrams (5) to each address. Exit 0 if one was handed over, 1 if all were
refused.
"""
import socket
import struct
import sys
import time

IP_PKTINFO, IP_UNICAST_IF, IPV6_PKTINFO, IPV6_UNICAST_IF = 8, 50, 50, 76
SOL_UDP, UDP_SEGMENT = 17, 103


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
            s = socket.socket(family, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            prepare(s, is6, ways)
        except OSError as e:
            print("app.py:", *args, ":", e, file=sys.stderr)
            continue
        text = b"nfr leak test " * (1 if "gso" not in ways else
                                    4 * int(ways["gso"]) // 14)
        for _ in range(int(ways.get("count", 5))):
            try:
                s.sendmsg([text], control(is6, ways), 0, to)
                sent += 1
            except OSError:
                pass  # refused is what a filter is for
    return 0 if sent else 1


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


def split(args):
    return [a for a in args if "=" not in a], \
        dict(a.split("=", 1) for a in args if "=" in a)


if __name__ == "__main__":
    sys.exit({"udp": udp, "hold": hold}[sys.argv[1]](sys.argv[2:]))
