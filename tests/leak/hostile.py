#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""hostile.py: what a hostile LAN and a careless tool of root's do.

    hostile.py ra IF PREFIX ROUTE...  router advertisements (RFC 4861, 4191): an
                                      address to make, and more specific routes
    hostile.py probe IF MAC ADDRESS PORT
                                      UDP, TCP and echo requests from the web
                                      server's address to ADDRESS, by way of MAC
    hostile.py errors IF MAC ADDRESS  what a host answers with errors: protocols
                                      and options that it does not know, stray
                                      segments; timestamps
    hostile.py stray IF MAC ADDRESS PORT TO
                                      segments from the web server's PORT to the
                                      port TO that are of no connection
    hostile.py neighbour IF MAC ADDRESS [group] [afar]
                                      who has ADDRESS? (ARP and NS, from fe80::1,
                                      to its solicited-node group; or NS from the
                                      web server)
    hostile.py query IF               which groups are joined? (IGMP, MLD)
    hostile.py group IF               echo requests, and an option that nobody
                                      knows, from the web server to groups
    hostile.py pieces IF MAC ADDRESS  first fragments from it that nothing follows
    hostile.py handed IF MAC          packets from it to others, by way of MAC, some
                                      at the end of their hop limit
    hostile.py tcx IF                 a program in front of all others at tcx
                                      egress that lets everything pass
"""
import ctypes
import ipaddress
import os
import socket
import struct
import sys

import frames
from inject import mac_of

ROUTER_LL = "fe80::1"


def send(ifname, to, ethertype, payload):
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind((ifname, 0))
        s.send((to + mac_of(ifname) + struct.pack("!H", ethertype) +
                payload).ljust(60, b"\0"))


def icmp6(body, src, dst, hops=255):
    packet = frames.ip6(body, dst, frames.ICMP6, src, hops)
    total = frames.checksum(packet[8:40] +
                            struct.pack("!II", len(body), frames.ICMP6) + body)
    return packet[:42] + struct.pack("!H", total) + packet[44:]


def ra(ifname, prefix, *routes):
    """Preference high: 0x08."""
    net = ipaddress.ip_network(prefix)
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0x08, 1800, 0, 0)
    body += struct.pack("!BBBBIII", 3, 4, net.prefixlen, 0xc0, 3600, 3600, 0) + \
        net.network_address.packed
    for route in routes:
        net = ipaddress.ip_network(route)
        body += struct.pack("!BBBBI", 24, 3, net.prefixlen, 0x08, 1800) + \
            net.network_address.packed
    send(ifname, b"\x33\x33\0\0\0\x01", 0x86dd, icmp6(body, ROUTER_LL, "ff02::1"))


def probe(ifname, mac, addr, port):
    to, port = bytes.fromhex(mac.replace(":", "")), int(port)
    if ":" in addr:
        echo = struct.pack("!BBHHH", 128, 0, 0, 1, 1) + frames.TEXT
        send(ifname, to, 0x86dd, icmp6(echo, frames.DST6, addr, 64))
        body = frames.udp6(port=port, dst=addr)
        packet = frames.ip6(body, addr, src=frames.DST6)
        pseudo = packet[8:40] + struct.pack("!II", len(body), frames.UDP)
        total = frames.checksum(pseudo + body[:6] + b"\0\0" + body[8:])
        send(ifname, to, 0x86dd,
             packet[:46] + struct.pack("!H", total) + packet[48:])
        return
    echo = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + frames.TEXT
    echo = echo[:2] + struct.pack("!H", frames.checksum(echo)) + echo[4:]
    syn = frames.tcp_syn(port)
    pseudo = socket.inet_aton(frames.DST4) + socket.inet_aton(addr) + \
        struct.pack("!BBH", 0, frames.TCP, len(syn))
    syn = syn[:16] + struct.pack("!H", frames.checksum(pseudo + syn)) + syn[18:]
    for proto, body in (1, echo), (frames.TCP, syn), \
            (frames.UDP, frames.udp(port=port)):
        send(ifname, to, 0x0800,
             frames.ip4(body, addr, proto, src=frames.DST4))


def tcp_stray(addr, flags, port=7034, sport=40000):
    body = struct.pack("!HHIIBBHHH", sport, port, 9, 9, 0x50, flags, 1024, 0, 0)
    if ":" in addr:
        pseudo = frames.ip6(body, addr, frames.TCP, frames.DST6)[8:40] + \
            struct.pack("!II", len(body), frames.TCP)
    else:
        pseudo = socket.inet_aton(frames.DST4) + socket.inet_aton(addr) + \
            struct.pack("!BBH", 0, frames.TCP, len(body))
    return body[:16] + struct.pack("!H", frames.checksum(pseudo + body)) + \
        body[18:]


def stray(ifname, mac, addr, sport, port):
    to = bytes.fromhex(mac.replace(":", ""))
    for flags in 0x02, 0x10, 0x11, 0x12:
        send(ifname, to, 0x0800, frames.ip4(
            tcp_stray(addr, flags, int(port), int(sport)), addr, frames.TCP,
            src=frames.DST4))


def errors(ifname, mac, addr):
    to = bytes.fromhex(mac.replace(":", ""))
    stray = [tcp_stray(addr, flags) for flags in (0x10, 0x01, 0x29, 0x00, 0x12)]
    if ":" in addr:
        option = frames.extension(frames.UDP, head=b"\xbe\x04\0\0\0\0")
        what = [(frames.TCP, x) for x in stray] + [
            (200, frames.TEXT), (60, option + frames.udp6(dst=addr)),
            (43, frames.extension(frames.UDP, head=b"\x63\x01\0\0\0\0") +
             frames.udp6(dst=addr))]
        for following, body in what:
            send(ifname, to, 0x86dd,
                 frames.ip6(body, addr, following, frames.DST6))
        return
    stamp = struct.pack("!BBHHHIII", 13, 0, 0, 1, 1, 0, 0, 0)
    stamp = stamp[:2] + struct.pack("!H", frames.checksum(stamp)) + stamp[4:]
    bad = b"\x44\x03\x01\0"  # a timestamp option that ends too early
    for proto, body, options in [(frames.TCP, x, b"") for x in stray] + [
            (200, frames.TEXT, b""), (1, stamp, b""),
            (frames.UDP, frames.udp(port=7034), bad)]:
        send(ifname, to, 0x0800, frames.ip4(body, addr, proto, options,
                                            src=frames.DST4))


def neighbour(ifname, mac, addr, *how):
    to = bytes.fromhex(mac.replace(":", ""))
    if ":" in addr:
        target = socket.inet_pton(socket.AF_INET6, addr)
        body = struct.pack("!BBHI", 135, 0, 0, 0) + target + b"\x01\x01" + \
            mac_of(ifname)
        if "group" in how:  # RFC 4291 2.7.1, RFC 2464 7
            to = b"\x33\x33\xff" + target[13:]
            addr = "ff02::1:ff%02x:%02x%02x" % tuple(target[13:])
        send(ifname, to, 0x86dd, icmp6(
            body, frames.DST6 if "afar" in how else ROUTER_LL, addr))
        return
    send(ifname, to, 0x0806,
         struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, mac_of(ifname),
                     socket.inet_aton(frames.ROUTER4), b"",
                     socket.inet_aton(addr)))


def query(ifname):
    alert = b"\x94\x04\0\0"
    body = struct.pack("!BBH4s", 0x11, 1, 0, b"")
    body = body[:2] + struct.pack("!H", frames.checksum(body)) + body[4:]
    send(ifname, b"\x01\0\x5e\0\0\x01", 0x0800, frames.ip4(
        body, "224.0.0.1", 2, alert, src=frames.ROUTER4))
    body = struct.pack("!BBHHH16s", 130, 0, 0, 1, 0, b"")
    total = frames.checksum(
        frames.ip6(b"", "ff02::1", src=ROUTER_LL)[8:40] +
        struct.pack("!II", len(body), frames.ICMP6) + body)
    body = body[:2] + struct.pack("!H", total) + body[4:]
    option = frames.extension(frames.ICMP6, head=b"\x05\x02\0\0\x01\0")
    send(ifname, b"\x33\x33\0\0\0\x01", 0x86dd, frames.ip6(
        option + body, "ff02::1", 0, ROUTER_LL, 1))


def group(ifname):
    echo = struct.pack("!BBHHH", 8, 0, 0, 1, 1) + frames.TEXT
    echo = echo[:2] + struct.pack("!H", frames.checksum(echo)) + echo[4:]
    for dst, to in ("192.168.1.255", b"\xff" * 6), \
            ("255.255.255.255", b"\xff" * 6), \
            ("224.0.0.1", b"\x01\0\x5e\0\0\x01"):
        send(ifname, to, 0x0800, frames.ip4(echo, dst, 1, src=frames.DST4))
    to = b"\x33\x33\0\0\0\x01"
    echo = struct.pack("!BBHHH", 128, 0, 0, 1, 1) + frames.TEXT
    send(ifname, to, 0x86dd, icmp6(echo, frames.DST6, "ff02::1", 64))
    option = frames.extension(frames.UDP, head=b"\xbe\x04\0\0\0\0")
    send(ifname, to, 0x86dd, frames.ip6(option + frames.udp6(dst="ff02::1"),
                                        "ff02::1", 60, frames.DST6))


def pieces(ifname, mac, addr):
    to = bytes.fromhex(mac.replace(":", ""))
    if ":" in addr:
        send(ifname, to, 0x86dd, frames.ip6(
            frames.fragment6(frames.UDP, 0, 1) + frames.udp6(dst=addr)[:16],
            addr, 44, frames.DST6))
        return
    send(ifname, to, 0x0800, frames.ip4(frames.udp()[:16], addr, flags=0x2000,
                                        src=frames.DST4))


def handed(ifname, mac):
    to = bytes.fromhex(mac.replace(":", ""))
    for hops in 64, 1:
        packet = frames.ip4(frames.udp(), "203.0.113.99", src=frames.DST4)
        packet = packet[:8] + bytes([hops]) + packet[9:10] + b"\0\0" + packet[12:]
        packet = packet[:10] + struct.pack("!H", frames.checksum(packet[:20])) + \
            packet[12:]
        send(ifname, to, 0x0800, packet)
        send(ifname, to, 0x86dd, frames.ip6(
            frames.udp6(dst="2001:db8:80::99"), "2001:db8:80::99",
            src=frames.DST6, hops=hops))


def bpf(command, attr):
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(321, command, attr, len(attr))
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return fd


def tcx(ifname):
    """BPF_PROG_LOAD of "r0 = TCX_PASS; exit", BPF_PROG_ATTACH with BPF_F_BEFORE."""
    code = ctypes.create_string_buffer(bytes.fromhex("b700000000000000"
                                                     "9500000000000000"))
    name = ctypes.create_string_buffer(b"GPL")
    prog = bpf(5, struct.pack("=IIQQ", 3, 2, ctypes.addressof(code),
                              ctypes.addressof(name)).ljust(128, b"\0"))
    bpf(8, struct.pack("=IIII", socket.if_nametoindex(ifname), prog, 47,
                       8).ljust(64, b"\0"))


if __name__ == "__main__":
    verbs = {"ra": ra, "probe": probe, "neighbour": neighbour, "errors": errors,
             "tcx": tcx, "stray": stray, "query": query, "group": group,
             "pieces": pieces, "handed": handed}
    verbs[sys.argv[1]](*sys.argv[2:])
