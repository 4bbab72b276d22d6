/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_oracle.c: a frame's bytes -> a doubt about it, or none. Written from
 * the RFCs with one cursor and no table of fields, to share neither code nor
 * shape with runtime/packet.h; it knows less, and must never know better.
 */
#include "frame_oracle.h"

/* What is left of a packet. */
struct rest {
	const uint8_t *at;
	size_t have; /* bytes that are there */
	size_t len;  /* bytes that there were */
};

static bool skip(struct rest *r, size_t n)
{
	if (n > r->have)
		return false;
	r->at += n;
	r->have -= n;
	r->len -= n;
	return true;
}

static unsigned be16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* The payload ends where IP says. */
static void cut(struct rest *r, size_t len)
{
	r->len = len;
	r->have = r->have < len ? r->have : len;
}

static const char *transport(const struct rest *r, unsigned proto,
			     bool is_fragment)
{
	if (proto == 6)
		return r->have < 20 ? "TCP: short"
		       : (r->at[12] >> 4) < 5 || (r->at[12] >> 4) * 4u > r->len
			       ? "TCP: offset"
			       : NULL;
	if (proto == 17)
		return r->have < 8	     ? "UDP: short"
		       : be16(r->at + 4) < 8 ? "UDP: length"
		       : be16(r->at + 4) > r->len && !is_fragment
			       ? "UDP: longer than its packet"
			       : NULL;
	if (proto == 1 || proto == 58)
		return r->have < 8 ? "ICMP: short" : NULL;
	return NULL;
}

static const char *ipv4(struct rest r)
{
	const uint8_t *ip = r.at;
	unsigned header_len, fragment;

	if (r.have < 20)
		return "IPv4: short";
	header_len = (ip[0] & 15) * 4u;
	fragment = be16(ip + 6);
	if (ip[0] >> 4 != 4 || header_len < 20)
		return "IPv4: version or header";
	if (be16(ip + 2) < header_len || be16(ip + 2) > r.len)
		return "IPv4: length";
	if (header_len > 20)
		return "IPv4: options, which no rule of ours allows";
	if (fragment & 0x1fff)
		return NULL;
	cut(&r, be16(ip + 2));
	skip(&r, header_len);
	/* ICMPv6 inside of IPv4 is just a number. */
	return transport(&r, ip[9] == 58 ? 255 : ip[9], fragment & 0x2000);
}

static const char *ipv6(struct rest r)
{
	unsigned next, size;
	bool is_fragment = false;

	if (r.have < 40)
		return "IPv6: short";
	if (r.at[0] >> 4 != 6)
		return "IPv6: version";
	next = r.at[6];
	size = be16(r.at + 4);
	skip(&r, 40);
	if (size > r.len || (size == 0 && r.len > 0))
		return "IPv6: length";
	cut(&r, size);
	while (next == 43 || next == 44 || next == 51) {
		const uint8_t *header = r.at;

		if (r.have < 8)
			return "IPv6: a header is short";
		size = next == 43   ? (header[1] + 1u) * 8
		       : next == 51 ? (header[1] + 2u) * 4
				    : 8u;
		if (!skip(&r, size))
			return "IPv6: a header is longer than its packet";
		if (next == 43 && header[3] != 0)
			return "IPv6: segments are left";
		if (next == 44 && be16(header + 2) >> 3)
			return NULL;
		is_fragment = is_fragment || next == 44;
		next = header[0];
	}
	if (next == 0 || next == 60)
		return "IPv6: options, which no rule of ours allows";
	return transport(&r, next == 1 ? 255 : next, is_fragment);
}

const char *frame_doubt(const uint8_t *bytes, size_t caplen, size_t len,
			bool is_ether)
{
	struct rest r = {.at = bytes, .have = caplen, .len = len};
	unsigned ethertype;

	if (!is_ether) {
		if (!caplen)
			return "no byte";
		return *bytes >> 4 == 4 ? ipv4(r) : ipv6(r);
	}
	if (caplen < 14)
		return "Ethernet: short";
	ethertype = be16(bytes + 12);
	skip(&r, 14);
	for (int tags = 0; ethertype == 0x8100 || ethertype == 0x88a8; tags++) {
		if (tags == 2 || r.have < 4)
			return "Ethernet: tags";
		ethertype = be16(r.at + 2);
		skip(&r, 4);
	}
	if (ethertype == 0x0800)
		return ipv4(r);
	if (ethertype == 0x86dd)
		return ipv6(r);
	return ethertype == 0x0806 ? NULL : "neither IP nor ARP";
}
