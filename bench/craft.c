/* SPDX-License-Identifier: BSD-2-Clause */
/* craft.c: names and numbers -> the bytes of a packet, checksums and all. */
#include "craft.h"

#include <string.h>

#define FRAGMENT_HEADER 44 /* IPv6, RFC 8200 4.5 */

static void put16(__u8 *at, unsigned value)
{
	at[0] = (__u8)(value >> 8);
	at[1] = (__u8)value;
}

static void put32(__u8 *at, __u32 value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* RFC 1071, not yet complemented. */
static __u32 sum(const __u8 *bytes, size_t len, __u32 seed)
{
	for (size_t i = 0; i < len; i++)
		seed += i % 2 ? bytes[i] : (__u32)bytes[i] << 8;
	return seed;
}

static unsigned fold(__u32 seed)
{
	while (seed >> 16)
		seed = (seed & 0xffff) + (seed >> 16);
	return ~seed & 0xffff;
}

static size_t addr_len(const struct craft *c)
{
	return c->family == NFR_FAMILY_IPV4 ? 4 : 16;
}

static size_t transport_len(const struct craft *c)
{
	if (c->piece == CRAFT_LATER)
		return 0;
	if (c->proto == CRAFT_UDP)
		return 8;
	return c->flags & CRAFT_SYN ? 24 : 20;
}

size_t craft_transport(const struct craft *c)
{
	if (c->family == NFR_FAMILY_IPV4)
		return 20;
	return c->piece == CRAFT_WHOLE ? 40 : 48;
}

size_t craft_fill(const struct craft *c, size_t frame_len)
{
	return frame_len - CRAFT_ETHER - craft_transport(c) - transport_len(c);
}

void craft_turn(const struct craft *c, struct craft *out)
{
	struct craft turned = *c;

	memcpy(turned.src, c->dst, sizeof(c->dst));
	memcpy(turned.dst, c->src, sizeof(c->src));
	turned.sport = c->dport;
	turned.dport = c->sport;
	*out = turned;
}

/* In blocks of 8 bytes << 3, and whether more follow as bit 0. */
static unsigned piece_place(const struct craft *c)
{
	if (c->piece == CRAFT_FIRST)
		return 1;
	return c->piece == CRAFT_LATER ? CRAFT_PIECE : 0;
}

static void put_ipv4(const struct craft *c, __u8 *ip, size_t len)
{
	unsigned place = piece_place(c);

	ip[0] = 0x45;
	put16(ip + 2, (unsigned)len);
	put16(ip + 4, c->id & 0xffff);
	put16(ip + 6, c->piece == CRAFT_WHOLE ? 0x4000
					      : place >> 3 | (place & 1) << 13);
	ip[8] = 64;
	ip[9] = c->proto;
	memcpy(ip + 12, c->src, 4);
	memcpy(ip + 16, c->dst, 4);
	put16(ip + 10, fold(sum(ip, 20, 0)));
}

static void put_ipv6(const struct craft *c, __u8 *ip, size_t len)
{
	ip[0] = 0x60;
	put16(ip + 4, (unsigned)len - 40);
	ip[6] = c->piece == CRAFT_WHOLE ? c->proto : FRAGMENT_HEADER;
	ip[7] = 64;
	memcpy(ip + 8, c->src, 16);
	memcpy(ip + 24, c->dst, 16);
	if (c->piece != CRAFT_WHOLE) {
		ip[40] = c->proto;
		put16(ip + 42, piece_place(c));
		put32(ip + 44, c->id);
	}
}

static void put_transport(const struct craft *c, __u8 *at, size_t len)
{
	__u32 pseudo;

	put16(at, c->sport);
	put16(at + 2, c->dport);
	if (c->proto == CRAFT_UDP) {
		put16(at + 4, (unsigned)len);
	} else {
		put32(at + 4, c->seq);
		put32(at + 8, c->flags & CRAFT_ACK ? c->ack : 0);
		at[12] = (__u8)((c->flags & CRAFT_SYN ? 24 : 20) << 2);
		at[13] = c->flags;
		put16(at + 14, 0xffff);
		if (c->flags & CRAFT_SYN)
			put32(at + 20, 0x0103030e); /* NOP, window scale 14 */
	}
	pseudo = sum(c->src, addr_len(c), (__u32)len + c->proto);
	pseudo = sum(c->dst, addr_len(c), pseudo);
	put16(at + (c->proto == CRAFT_UDP ? 6 : 16),
	      fold(sum(at, len, pseudo)));
}

size_t craft_packet(const struct craft *c, __u8 out[CRAFT_MAX])
{
	size_t start = craft_transport(c);
	size_t len = start + transport_len(c) + c->data_len;

	memset(out, 0, CRAFT_MAX);
	if (c->piece != CRAFT_LATER)
		put_transport(c, out + start, len - start);
	if (c->family == NFR_FAMILY_IPV4)
		put_ipv4(c, out, len);
	else
		put_ipv6(c, out, len);
	return len;
}

size_t craft_frame(const struct craft *c, __u8 out[CRAFT_MAX])
{
	__u8 packet[CRAFT_MAX];
	size_t len = craft_packet(c, packet);

	memset(out, 0, CRAFT_MAX);
	put16(out + 12, c->family == NFR_FAMILY_IPV4 ? 0x0800 : 0x86dd);
	memcpy(out + CRAFT_ETHER, packet, len);
	return CRAFT_ETHER + len;
}
