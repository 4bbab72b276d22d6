/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random_packet.c: random numbers -> a packet's specification.
 *
 * Most packets are sound, so that rules are reached; each kind of damage is
 * rare by itself and falls on every kind of packet.
 */
#include "random_packet.h"

#include <string.h>

#include "packet_spec.h"
#include "pool.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd

static void draw_ether(struct random *r, struct packet_spec *s)
{
	static const uint16_t types[] = {0x8100, 0x88a8};
	static const uint16_t others[] = {0x0806, 0x888e, 0x88cc, 0x8847,
					  0x05dc, 0x0000, 0xffff, 0x86dc};

	s->link = NFR_LINK_ETHER;
	if (random_once_in(r, 5))
		s->tag_count = 1 + random_below(r, PACKET_SPEC_TAGS);
	for (unsigned i = 0; i < s->tag_count; i++)
		s->tag_type[i] = random_pick(r, types);
	s->ethertype = s->ip == 4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
	if (s->ip == 0 && !random_once_in(r, 6))
		s->ethertype = random_pick(r, others);
	else if (random_once_in(r, 40))
		s->ethertype =
			random_once_in(r, 2) ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6;
}

static void draw_version(struct random *r, struct packet_spec *s)
{
	unsigned family = 0;

	s->version = (uint8_t)s->ip;
	if (s->ip == 0 || random_once_in(r, 60))
		s->version = (uint8_t)random_below(r, 16);
	/* What is no IPv4 header must not look like one, and so on. */
	if (s->link == NFR_LINK_RAW) {
		if (s->version != s->ip && (s->version == 4 || s->version == 6))
			s->version = 5;
		return;
	}
	if (s->ethertype == ETHERTYPE_IPV4)
		family = 4;
	if (s->ethertype == ETHERTYPE_IPV6)
		family = 6;
	if (family != s->ip && s->version == family)
		s->version = 15;
}

static void draw_fragment(struct random *r, uint16_t *offset, bool *more)
{
	static const uint16_t offsets[] = {1, 2, 185, 4096, 8191};

	if (random_once_in(r, 2))
		*offset = random_pick(r, offsets);
	*more = random_once_in(r, 2);
}

static void draw_ipv4(struct random *r, struct packet_spec *s)
{
	s->ihl = 5;
	if (random_once_in(r, 16))
		s->ihl = (uint8_t)random_below(r, 16);
	if (random_once_in(r, 12))
		draw_fragment(r, &s->fragment_offset, &s->more_fragments);
}

static void draw_ext(struct random *r, struct packet_ext *ext, unsigned index)
{
	static const uint8_t types[] = {43, 44, 51, 60, 60};

	ext->type = random_pick(r, types);
	if (random_once_in(r, index == 0 ? 2 : 12))
		ext->type = 0;
	ext->len = (uint16_t)(8 * (1 + random_below(r, 4)));
	if (random_once_in(r, 8))
		ext->len = (uint16_t)(8 * (1 + random_below(r, 24)));
	if (ext->type == 51 && random_once_in(r, 2))
		ext->len += 4;
	ext->is_overlong = ext->type != 44 && random_once_in(r, 40);
	ext->routing_type = (uint8_t)(random_once_in(r, 6) ? 0 : 2);
	ext->segments_left = random_once_in(r, 4);
	if (ext->type != 44)
		return;
	ext->len = 8;
	if (!random_once_in(r, 3)) /* else an atomic fragment */
		draw_fragment(r, &ext->fragment_offset, &ext->more_fragments);
}

static void draw_ipv6(struct random *r, struct packet_spec *s)
{
	static const uint8_t extensions[] = {0, 43, 44, 51, 60};

	/* Not as the last header: there it would be an extension. */
	for (size_t i = 0; i < sizeof(extensions); i++)
		if (s->proto == extensions[i])
			s->proto = 59;
	if (!random_once_in(r, 4))
		return;
	s->ext_count = 1 + random_below(r, 2);
	if (random_once_in(r, 3))
		s->ext_count = random_below(r, PACKET_SPEC_EXTS + 1);
	for (unsigned i = 0; i < s->ext_count; i++)
		draw_ext(r, &s->ext[i], i);
}

static void draw_transport(struct random *r, struct packet_spec *s,
			   enum addr_family family)
{
	static const uint8_t flags[] = {0x02, 0x12, 0x10, 0x18, 0x11, 0x04,
					0x14, 0x39, 0x3d, 0xc2, 0x52, 0x42};

	s->proto = pool_proto(r, family);
	if (random_once_in(r, 30))
		s->proto = (uint8_t)random_below(r, 256);
	s->sport = pool_random_port(r);
	s->dport = pool_random_port(r);
	s->tcpflags = random_pick(r, flags);
	if (random_once_in(r, 8))
		s->tcpflags = (uint8_t)random_below(r, 256);
	s->doff = 5;
	if (random_once_in(r, 12))
		s->doff = (uint8_t)random_below(r, 16);
	if (random_once_in(r, 16))
		s->udp_error = (int)random_below(r, 41) - 20;
	s->icmp_type = pool_icmp_type(r, family);
	s->icmp_code = (uint8_t)random_below(r, 3);
}

static void draw_ip(struct random *r, struct packet_spec *s)
{
	static const uint8_t ttls[] = {0, 1, 64, 254, 255};
	static const uint8_t toses[] = {0, 0, 0, 0x10, 0x11, 0xb8, 0xff};
	enum addr_family family = s->ip == 4 ? FAMILY_IPV4 : FAMILY_IPV6;

	s->ttl = random_pick(r, ttls);
	s->tos = random_pick(r, toses);
	s->src = pool_addr(r, family);
	s->dst = pool_addr(r, family);
	draw_transport(r, s, family);
	if (s->ip == 4)
		draw_ipv4(r, s);
	else
		draw_ipv6(r, s);
}

/* Lengths that lie, and frames that end early or late. */
static void draw_damage(struct random *r, struct packet_spec *s)
{
	size_t len;

	if (random_once_in(r, 20))
		s->padding = (uint16_t)(1 + random_below(r, 46));
	if (random_once_in(r, 30))
		s->length_error = (int)random_below(r, 81) - 60;
	if (random_once_in(r, 100))
		s->length_error = random_once_in(r, 2) ? -70000 : 70000;
	len = packet_full_len(s);
	if (random_once_in(r, 16))
		s->cut = random_below(r, (uint32_t)len + 1);
}

void random_packet(struct random *r, struct packet_spec *s)
{
	memset(s, 0, sizeof(*s));
	s->cut = PACKET_UNCUT;
	s->ip = random_once_in(r, 2) ? 4 : 6;
	if (random_once_in(r, 16))
		s->ip = 0;
	s->data_len =
		(uint16_t)random_below(r, random_once_in(r, 8) ? 200 : 24);
	if (s->ip != 0)
		draw_ip(r, s);
	s->link = NFR_LINK_RAW;
	if (random_once_in(r, 100))
		s->link = NFR_LINK_UNKNOWN;
	else if (!random_once_in(r, 3))
		draw_ether(r, s);
	draw_version(r, s);
	draw_damage(r, s);
}
