#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""send.py: what curl, ping and nc can't send. Arguments in, packets out.

    send.py dns SERVER NAME [dev=IF]      ask; exit 0 if answered
    send.py udp PORT ADDRESS... [dev=IF] [from=ADDRESS]
                                          [mark=N] [count=N] [pps=N] [log=FILE]
                                          datagrams to each address in turn until
                                          count, or until killed; FILE always
                                          holds how many were tried
    send.py frame IF ETHERTYPE TEXT       one broadcast frame by AF_PACKET
    send.py packet IF MAC PORT ADDRESS [tags=N]
                                          one IPv4 UDP packet by AF_PACKET, past
                                          the IP stack, behind N VLAN tags
    send.py bypass IF MAC PORT ADDRESS    the same with PACKET_QDISC_BYPASS
    send.py xdp IF MAC PORT ADDRESS       the same by AF_XDP
    send.py offload IF MAC PORT ADDRESS   the same to a neighbour in 192.168/16,
                                          with the order to write a "checksum"
                                          over that address: it becomes ADDRESS
"""
import ctypes
import fcntl
import mmap
import os
import signal
import socket
import struct
import sys
import time


def split_options(args):
    plain = [a for a in args if "=" not in a]
    return plain, dict(a.split("=", 1) for a in args if "=" in a)


def udp_socket(addr, options):
    info = socket.getaddrinfo(addr, 0, type=socket.SOCK_DGRAM)[0]
    s = socket.socket(info[0], socket.SOCK_DGRAM)
    if "dev" in options:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE,
                     options["dev"].encode())
    if "from" in options:
        s.bind((options["from"], 0))
    if "mark" in options:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, int(options["mark"]))
    return s, info[4]


def dns(args):
    (server, name), options = split_options(args)
    s, to = udp_socket(server, options)
    s.settimeout(0.5)
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    ident = os.urandom(2)
    query = ident + struct.pack("!HHHHH", 0x100, 1, 0, 0, 0) + labels + \
        struct.pack("!BHH", 0, 1, 1)
    try:
        s.sendto(query, (to[0], 53) + to[2:])
        return 0 if s.recv(512)[:2] == ident else 1
    except OSError:
        return 1


def udp(args):
    (port, *addrs), options = split_options(args)
    targets = [udp_socket(a, options) for a in addrs]
    count, pps = int(options.get("count", 1 << 30)), int(options.get("pps", 0))
    log = os.open(options.get("log", "/dev/null"),
                  os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    # Not between a packet and its line in the log.
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    start = time.monotonic()
    for i in range(count):
        if ended:
            break
        s, to = targets[i % len(targets)]
        try:
            s.sendto(b"nfr leak test %d" % i, (to[0], int(port)) + to[2:])
        except OSError:
            pass  # refused is what a filter is for; the try counts
        os.pwrite(log, b"%d\n" % (i + 1), 0)
        if pps:
            time.sleep(max(0, start + (i + 1) / pps - time.monotonic()))
    return 0


def transmit(ifname, frame, offload=b"", bypass=False):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    if bypass:
        s.setsockopt(263, 20, 1)  # SOL_PACKET, PACKET_QDISC_BYPASS
    if offload:
        s.setsockopt(263, 15, 1)  # SOL_PACKET, PACKET_VNET_HDR
    s.bind((ifname, 0))
    try:
        s.send(offload + frame.ljust(60, b"\0"))
    except OSError:
        return 1
    return 0


def mac_of(ifname):
    with open("/sys/class/net/%s/address" % ifname) as f:
        return bytes.fromhex(f.read().strip().replace(":", ""))


def frame(args):
    ifname, ethertype, text = args
    return transmit(ifname, b"\xff" * 6 + mac_of(ifname) +
                    struct.pack("!H", int(ethertype, 0)) + text.encode())


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def udp_frame(ifname, mac, port, addr, tags=0):
    payload = b"nfr leak test"
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 1, 0, 64,
                       17, 0, socket.inet_aton("192.168.1.10"),
                       socket.inet_aton(addr))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return bytes.fromhex(mac.replace(":", "")) + mac_of(ifname) + \
        struct.pack("!HH", 0x8100, 7) * tags + b"\x08\x00" + head + \
        struct.pack("!HHHH", 40000, int(port), 8 + len(payload), 0) + payload


def packet(args):
    plain, options = split_options(args)
    return transmit(plain[0],
                    udp_frame(*plain, tags=int(options.get("tags", 0))))


def bypass(args):
    return transmit(args[0], udp_frame(*args), bypass=True)


def xdp(args):
    """One descriptor of a ring of a socket in copy mode: linux/if_xdp.h."""
    sol, tx_ring, umem_reg, fill, completion, copy = 283, 3, 4, 5, 6, 2
    frame = udp_frame(*args).ljust(60, b"\0")
    umem = mmap.mmap(-1, 4096 * 4)
    umem[:len(frame)] = frame
    at = ctypes.addressof(ctypes.c_char.from_buffer(umem))
    with socket.socket(44, socket.SOCK_RAW) as s:
        s.setsockopt(sol, umem_reg,
                     struct.pack("=QQIIII", at, len(umem), 4096, 0, 0, 0))
        for ring in (fill, completion, tx_ring):
            s.setsockopt(sol, ring, struct.pack("=I", 4))
        offsets = struct.unpack("=16Q", s.getsockopt(sol, 1, 128))
        producer, _, desc, _ = offsets[4:8]
        ring = mmap.mmap(s.fileno(), desc + 4 * 16, offset=0x80000000)
        address = struct.pack("=HHIII", 44, copy,
                              socket.if_nametoindex(args[0]), 0, 0)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.bind(s.fileno(), address, len(address)):
            raise OSError(ctypes.get_errno(), "bind")
        ring[desc:desc + 16] = struct.pack("=QII", 0, len(frame), 0)
        ring[producer:producer + 4] = struct.pack("=I", 1)
        s.send(b"", socket.MSG_DONTWAIT)
        time.sleep(0.1)
    return 0


def without_offload(ifname):
    """Has checksums written on this side of the cable, as most hardware does
    with those it does not know: ETHTOOL_STXCSUM by SIOCETHTOOL."""
    value = ctypes.create_string_buffer(struct.pack("=II", 0x17, 0))
    request = struct.pack("16sP", ifname.encode(), ctypes.addressof(value))
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8946, request.ljust(40, b"\0"))


def offload(args):
    ifname, mac, port, addr = args
    final = socket.inet_aton(addr)
    begin, place = 20, 30  # of what is summed, and of the destination
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 46, 1, 0, 64, 17, 0,
                       socket.inet_aton("192.168.1.10"), final)
    frame = bytes.fromhex(mac.replace(":", "")) + mac_of(ifname) + \
        b"\x08\x00" + head[:10] + struct.pack("!H", checksum(head)) + \
        head[12:16] + b"\xc0\xa8" + final[2:] + \
        struct.pack("!HHHH", 40000, int(port), 26, 0) + b"nfr leak test..."
    wrong = checksum(frame[begin:]) - struct.unpack("!H", final[:2])[0]
    frame += struct.pack("!H", wrong % 0xffff)
    without_offload(ifname)
    return transmit(ifname, frame, struct.pack("=BBHHHH", 1, 0, 0, 0, begin,
                                               place - begin))


if __name__ == "__main__":
    verbs = {"dns": dns, "udp": udp, "frame": frame, "packet": packet,
             "offload": offload, "bypass": bypass, "xdp": xdp}
    sys.exit(verbs[sys.argv[1]](sys.argv[2:]))
