# SPDX-License-Identifier: BSD-2-Clause
"""frames.py: shapes of frames that a strict filter may not expect. A shape is a
function of an uplink's two MAC addresses; it returns Ethernet frames that all
carry a datagram of the client's to the web server's port 7100, or pretend to.
"""
import os
import socket
import struct

SRC4, DST4 = "192.168.1.10", "203.0.113.80"
SRC6, DST6 = "2001:db8:1::10", "2001:db8:80::80"
ROUTER4 = "192.168.1.1"
PORT = 7100
TEXT = b"nfr leak test"
UDP, TCP, ICMP6, IP4, IP6 = 17, 6, 58, 4, 41


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def udp(payload=TEXT, port=PORT, sport=40000):
    return struct.pack("!HHHH", sport, port, 8 + len(payload), 0) + payload


def tcp_syn(port=PORT):
    return struct.pack("!HHIIBBHHH", 40000, port, 1, 0, 0x50, 2, 1024, 0, 0)


def ip4(payload, dst=DST4, proto=UDP, options=b"", flags=0, version=4,
        length=None, src=SRC4):
    """flags: the 16 bits of flags and fragment offset."""
    size = 20 + len(options)
    head = struct.pack("!BBHHHBBH4s4s", version << 4 | size // 4, 0,
                       size + len(payload) if length is None else length,
                       77, flags, 64, proto, 0, socket.inet_aton(src),
                       socket.inet_aton(dst)) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def ip6(payload, dst=DST6, following=UDP, src=SRC6, hops=64, version=6):
    return struct.pack("!IHBB", version << 28, len(payload), following,
                       hops) + socket.inet_pton(socket.AF_INET6, src) + \
        socket.inet_pton(socket.AF_INET6, dst) + payload


def udp6(payload=TEXT, port=PORT, dst=DST6):
    body = udp(payload, port)
    pseudo = ip6(b"", dst)[8:40] + struct.pack("!II", len(body), UDP)
    total = checksum(pseudo + body) or 0xffff
    return body[:6] + struct.pack("!H", total) + body[8:]


def arp(op, sender, target):
    return struct.pack("!HHBBH6s4s6s4s", 1, 0x800, 6, 4, op,
                       b"\2\0\0\0\1\x10", socket.inet_aton(sender),
                       b"\0" * 6, socket.inet_aton(target))


def extension(following, length=8, head=b"\x01\x04\0\0\0\0"):
    """One extension header of PadN options."""
    return struct.pack("!BB", following, length // 8 - 1) + \
        head.ljust(length - 2, b"\0")


def fragment6(following, offset, more):
    return struct.pack("!BBHI", following, 0, offset << 3 | more, 77)


def both():
    """The plain datagram, in both families, with its EtherType."""
    return [(0x0800, ip4(udp())), (0x86dd, ip6(udp6()))]


class Shapes:
    """Each method returns (EtherType, what follows it) pairs."""

    def plain(self):
        return both()

    def vlan(self):
        return [(0x8100, struct.pack("!HH", 7, t) + p) for t, p in both()]

    def qinq(self):
        return [(0x88a8, struct.pack("!HHHH", 7, 0x8100, 8, t) + p)
                for t, p in both()]

    def priority(self):
        """Tag with VLAN 0: the next hop takes it for untagged."""
        return [(0x8100, struct.pack("!HH", 0xe000, t) + p)
                for t, p in both()]

    def pppoe(self):
        return [(0x8864, struct.pack("!BBHHH", 0x11, 0, 1, len(p) + 2,
                                     0x21 if t == 0x800 else 0x57) + p)
                for t, p in both()]

    def mpls(self):
        return [(0x8847, struct.pack("!I", 16 << 12 | 1 << 8 | 64) + p)
                for _, p in both()]

    def ethertype(self):
        return [(t, ip4(udp())) for t in (0x88b6, 0x0600, 0x9999, 0x22f3)]

    def llc(self):
        """IEEE 802.3: a length, then LLC and SNAP."""
        p = ip4(udp())
        return [(len(p) + 8, b"\xaa\xaa\x03\0\0\0\x08\0" + p)]

    def fragments(self):
        whole = udp(TEXT + b"." * 19)
        return [(0x800, ip4(whole[:24], flags=0x2000)),
                (0x800, ip4(whole[24:], flags=3))]

    def fragments6(self):
        whole = udp6(TEXT + b"." * 19)
        return [(0x86dd, ip6(fragment6(UDP, 0, 1) + whole[:24],
                             following=44)),
                (0x86dd, ip6(fragment6(UDP, 3, 0) + whole[24:],
                             following=44))]

    def tiny(self):
        """First fragments that end before the ports or the flags do."""
        return [(0x800, ip4(udp()[:8], flags=0x2000)),
                (0x800, ip4(tcp_syn()[:8], proto=TCP, flags=0x2000)),
                (0x800, ip4(tcp_syn()[8:], proto=TCP, flags=1)),
                (0x86dd, ip6(fragment6(UDP, 0, 1), following=44)),
                (0x86dd, ip6(fragment6(60, 0, 1) + extension(UDP),
                             following=44))]

    def headers(self):
        """Lengths, versions and chains that are odd."""
        deep = b"".join(extension(60) for _ in range(20)) + extension(UDP)
        return [
            (0x800, ip4(udp(), options=b"\x01" * 40)),
            (0x800, ip4(udp(), length=4000)),
            (0x800, ip4(udp(), length=8)),
            (0x800, ip4(udp(), version=5)),
            (0x800, ip6(udp6())),
            (0x86dd, ip4(udp())),
            (0x86dd, ip6(extension(UDP) + udp6(), following=0)),
            (0x86dd, ip6(extension(0) + extension(UDP) + udp6(),
                         following=60)),
            (0x86dd, ip6(deep + udp6(), following=60)),
            (0x86dd, ip6(udp6(), following=59)),
            (0x86dd, ip6(udp6(), following=253)),
        ]

    def truncated(self):
        return [(0x800, ip4(udp())[:20]), (0x86dd, ip6(udp6())[:40]),
                (0x800, ip4(udp())[:24])]

    def within(self):
        """An IP packet in an IP packet: protocols 4, 41 and 47."""
        return [(0x800, ip4(ip4(udp()), proto=IP4)),
                (0x800, ip4(ip6(udp6()), proto=IP6)),
                (0x800, ip4(b"\0\0\x08\0" + ip4(udp()), proto=47)),
                (0x86dd, ip6(ip6(udp6()), following=IP6)),
                (0x86dd, ip6(ip4(udp()), following=IP4))]

    def source_route(self):
        """To the excluded router, which is asked to send it on."""
        loose = b"\x83\x07\x04" + socket.inet_aton(DST4) + b"\0"
        final = socket.inet_pton(socket.AF_INET6, DST6)
        routing = struct.pack("!BBBBI", UDP, 2, 0, 1, 0) + final
        return [(0x800, ip4(udp(port=7101), ROUTER4, options=loose)),
                (0x86dd, ip6(routing + udp6(port=7101), "fd00:1::1",
                             following=43))]

    def dhcp(self):
        """The ports of DHCP, far away."""
        return [(0x800, ip4(udp(port=67, sport=68))),
                (0x86dd, ip6(udp(port=547, sport=546)))]

    def ndp(self):
        """Types of neighbour discovery, far away, with a text in them."""
        return [(0x86dd, ip6(struct.pack("!BBHI", kind, 0, 0, 0) +
                             TEXT.ljust(16, b"."), following=ICMP6))
                for kind in (133, 134, 135, 136)]

    def endpoint(self):
        """Somebody else's payload to the tunnel's endpoint."""
        sport = int(os.environ.get("SPORT", 40000))
        return [(0x800, ip4(udp(port=51820, sport=sport), "198.51.100.7"))]

    def endpoint_pieces(self):
        """The same in fragments, and a later one of nobody's."""
        whole = udp(TEXT + b"." * 19, port=51820)
        return [(0x800, ip4(whole[:24], "198.51.100.7", flags=0x2000)),
                (0x800, ip4(whole[24:], "198.51.100.7", flags=3)),
                (0x800, ip4(whole[8:], "198.51.100.7", flags=9))]

    def protocols(self):
        """Protocols that are neither TCP, UDP nor ICMP, both families."""
        body = udp(TEXT + b"." * 11)
        return [frame for proto in (0, 2, 33, 50, 51, 89, 103, 115, 132, 136,
                                    253, 255)
                for frame in ((0x800, ip4(body, proto=proto)),
                              (0x86dd, ip6(body, following=proto)))]

    def chains(self):
        """IPv6: atomic fragments, fragments of fragments, headers of mobility,
        identity, segments; a jumbogram's option."""
        atomic = fragment6(UDP, 0, 0)
        jumbo = struct.pack("!BBBBI", UDP, 0, 0xc2, 4, 70000)
        segments = struct.pack("!BBBBBBH", UDP, 2, 4, 0, 0, 0, 0) + \
            socket.inet_pton(socket.AF_INET6, DST6)
        return [
            (0x86dd, ip6(atomic + udp6(), following=44)),
            (0x86dd, ip6(fragment6(44, 0, 0) + atomic + udp6(), following=44)),
            (0x86dd, ip6(fragment6(60, 0, 0) + extension(UDP) + udp6(),
                         following=44)),
            (0x86dd, ip6(extension(44) + atomic + udp6(), following=60)),
            (0x86dd, ip6(jumbo + udp6(), following=0)),
            (0x86dd, ip6(segments + udp6(), following=43)),
        ] + [(0x86dd, ip6(extension(UDP, head=b"") + udp6(), following=head))
             for head in (50, 51, 135, 139, 140)]

    def spoofed(self):
        """Sources that are not the client's."""
        return [(0x800, ip4(udp(), src=src))
                for src in ("0.0.0.0", "127.0.0.1", ROUTER4, "198.51.100.7",
                            "224.0.0.1", "255.255.255.255")] + \
            [(0x86dd, ip6(udp6(), src=src))
             for src in ("::", "::1", "fe80::10", "fd00:1::1", "ff02::1",
                         "::ffff:192.168.1.10")]

    def dhcp_payload(self):
        """The ports of DHCP in the LAN, with a text of one's own."""
        return [(0x800, ip4(udp(port=67, sport=68), dst))
                for dst in ("255.255.255.255", ROUTER4)]

    def ndp_far(self):
        """Neighbour discovery that was not forwarded, to far away."""
        return [(0x86dd, ip6(struct.pack("!BBHI", kind, 0, 0, 0) +
                             TEXT.ljust(16, b"."), following=ICMP6, hops=255))
                for kind in (133, 134, 135, 136)]

    def arp_far(self):
        """Who has the web server?"""
        return [(0x806, arp(1, SRC4, DST4)), (0x806, arp(2, SRC4, DST4))]

    def arp_payload(self):
        return [(0x806, arp(1, SRC4, ROUTER4) + TEXT * 20)]

    def arp_own(self):
        """The tunnel's address, told to the LAN."""
        return [(0x806, arp(op, "10.64.0.2", to)) for op in (1, 2)
                for to in (ROUTER4, "10.64.0.2")]

    def wrapped_lan(self):
        """IP in IP, for the excluded router to unwrap."""
        return [(0x800, ip4(ip4(udp()), ROUTER4, proto=IP4)),
                (0x800, ip4(ip6(udp6()), ROUTER4, proto=IP6)),
                (0x800, ip4(b"\0\0\x08\0" + ip4(udp()), ROUTER4, proto=47))]

    def link_protocols(self):
        """What lives on a link, and "link" does not name; a text in each."""
        return [(kind, TEXT * 3) for kind in
                (0x888e, 0x88cc, 0x88e5, 0x0842, 0x88f7, 0x8035)] + \
            [(39, b"\x42\x42\x03" + TEXT * 3), (38, b"\xaa\xaa\x03" + TEXT * 3)]

    def arp_odd(self):
        """Other hardware, protocols, lengths and operations than Ethernet's."""
        plain = arp(1, SRC4, ROUTER4)
        return [(0x806, struct.pack("!HHBBH", *head) +
                 plain[8:] + TEXT)
                for head in ((6, 0x800, 6, 4, 1), (1, 0x86dd, 6, 16, 1),
                             (1, 0x800, 8, 4, 1), (1, 0x800, 6, 0, 9),
                             (24, 0x800, 0, 4, 2))]

    def dhcp_valid(self):
        """A client's message, whole, to a server far away."""
        body = struct.pack("!BBBBIHH16s16s192sI", 1, 1, 6, 0, 77, 0, 0, b"",
                           b"\2\0\0\0\1\x10", TEXT, 0x63825363) + \
            b"\x35\x01\x03\xff"
        return [(0x800, ip4(udp(body, port=67, sport=68)))]

    def ns_far(self):
        """Who has the web server? To the group of its neighbours."""
        target = socket.inet_pton(socket.AF_INET6, DST6)
        group = "ff02::1:ff%02x:%02x%02x" % tuple(target[13:])
        body = struct.pack("!BBHI", 135, 0, 0, 0) + target
        body = body[:2] + struct.pack("!H", checksum(
            ip6(b"", group)[8:40] + struct.pack("!II", len(body), ICMP6) +
            body)) + body[4:]
        return [(0x86dd, ip6(body, group, ICMP6, hops=255))]

    def odd_destinations(self):
        """Addresses of transition, of loopback, of nobody's, and the mapped."""
        body = udp(port=7103)
        return [(0x800, ip4(body, dst)) for dst in
                ("0.0.0.0", "127.0.0.1", "240.0.0.1", "169.254.7.7",
                 "100.64.0.9", "192.88.99.1", "255.255.255.255",
                 "224.0.0.1")] + \
            [(0x86dd, ip6(body, dst)) for dst in
             ("::ffff:203.0.113.80", "::203.0.113.80", "2002:cb00:7150::1",
              "64:ff9b::203.0.113.80", "fec0::1", "ff0e::1", "ff02::1", "::1",
              "::", "ff01::1")]

    def fragment_follow(self):
        """The first to an excluded host, what follows it to the web server."""
        whole = udp(TEXT + b"." * 19)
        return [(0x800, ip4(whole[:24], "192.168.1.20", flags=0x2000)),
                (0x800, ip4(whole[24:], flags=3)),
                (0x86dd, ip6(fragment6(UDP, 0, 1) + whole[:24], "fd00:1::20",
                             following=44)),
                (0x86dd, ip6(fragment6(UDP, 3, 0) + whole[24:],
                             following=44))]

    def icmp_quote(self):
        """Errors that quote a flow with an excluded host, or the tunnel's own,
        to the web server and to the endpoint."""
        sport = int(os.environ.get("SPORT", 40000))
        endpoint = "198.51.100.7"
        there = ip4(udp(), "192.168.1.20")
        back = ip4(udp(port=40000, sport=PORT), SRC4, src="192.168.1.20")
        own = ip4(udp(port=sport, sport=51820), SRC4, src=endpoint)
        frames = [(0x800, there)]
        for quoted, dst in ((back, DST4), (back, endpoint), (own, endpoint),
                            (own, DST4)):
            body = struct.pack("!BBHI", 3, 3, 0, 0) + quoted
            body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
            frames.append((0x800, ip4(body, dst, 1)))
        return frames

    def forwarded(self):
        """From behind the client: to the web server, and as the tunnel does."""
        sport = int(os.environ.get("SPORT", 40000))
        return [(0x800, ip4(udp(port=7070), src="172.16.6.2")),
                (0x86dd, ip6(udp6(port=7070), src="fd56::2")),
                (0x800, ip4(udp(port=51820, sport=sport), "198.51.100.7",
                            src="172.16.6.2"))]

    def source_own(self):
        """The tunnel's address as a source on the uplink, to the LAN."""
        return [(0x800, ip4(udp(port=7102), "192.168.1.20",
                            src="10.64.0.2"))]


def shape(name):
    return getattr(Shapes(), name)()
