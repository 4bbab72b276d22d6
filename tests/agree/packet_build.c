/* SPDX-License-Identifier: BSD-2-Clause */
/* packet_build.c: a packet's specification -> its bytes. */
#include <assert.h>
#include <string.h>

#include "packet_spec.h"

struct builder {
	uint8_t *bytes;
	size_t len;
};

static void put(struct builder *b, uint64_t value, unsigned bytes)
{
	assert(b->len + bytes <= PACKET_SPEC_MAX);
	while (bytes-- > 0)
		b->bytes[b->len++] = (uint8_t)(value >> 8 * bytes);
}

static void fill(struct builder *b, size_t count, uint8_t value)
{
	while (count-- > 0)
		put(b, value, 1);
}

static void put_addr(struct builder *b, const struct addr *addr, unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		put(b, addr->w[i], 4);
}

static void build_ether(struct builder *b, const struct packet_spec *s)
{
	fill(b, 6, 0x02);
	fill(b, 6, 0x04);
	for (unsigned i = 0; i < s->tag_count; i++) {
		put(b, s->tag_type[i], 2);
		put(b, 0x2005, 2);
	}
	put(b, s->ethertype, 2);
}

static void build_ipv4(struct builder *b, const struct packet_spec *s)
{
	put(b, (uint32_t)s->version << 4 | s->ihl, 1);
	put(b, s->tos, 1);
	put(b, packet_stated_len(s), 2);
	put(b, 0x1234, 2);
	put(b, (uint32_t)s->more_fragments << 13 | s->fragment_offset, 2);
	put(b, s->ttl, 1);
	put(b, s->proto, 1);
	put(b, 0, 2);
	put_addr(b, &s->src, 1);
	put_addr(b, &s->dst, 1);
	if (s->ihl > 5)
		fill(b, (s->ihl - 5) * 4u, 1); /* no operation */
}

static void build_ext(struct builder *b, const struct packet_ext *ext,
		      uint8_t next)
{
	size_t end = b->len + ext->len;
	unsigned units = ext->type == 51 ? ext->len / 4 - 2 : ext->len / 8 - 1;

	put(b, next, 1);
	if (ext->type == 44) {
		put(b, 0xee, 1); /* reserved, and no length */
		put(b,
		    (uint32_t)ext->fragment_offset << 3 | ext->more_fragments,
		    2);
		put(b, 0x12345678, 4);
		return;
	}
	put(b, ext->is_overlong ? 255 : units, 1);
	put(b, ext->type == 43 ? ext->routing_type : 0, 1);
	put(b, ext->type == 43 ? ext->segments_left : 0, 1);
	fill(b, end - b->len, 0);
}

static void build_ipv6(struct builder *b, const struct packet_spec *s)
{
	put(b, (uint32_t)s->version << 28 | (uint32_t)s->tos << 20 | 0x12345,
	    4);
	put(b, packet_stated_len(s), 2);
	put(b, s->ext_count ? s->ext[0].type : s->proto, 1);
	put(b, s->ttl, 1);
	put_addr(b, &s->src, 4);
	put_addr(b, &s->dst, 4);
	for (unsigned i = 0; i < s->ext_count; i++)
		build_ext(b, &s->ext[i],
			  i + 1 < s->ext_count ? s->ext[i + 1].type : s->proto);
}

static void build_transport(struct builder *b, const struct packet_spec *s)
{
	switch (packet_transport_of(s)) {
	case TRANSPORT_TCP:
		put(b, s->sport, 2);
		put(b, s->dport, 2);
		put(b, 0x0102030405060708, 8);
		put(b, (uint32_t)s->doff << 4 | 1, 1);
		put(b, s->tcpflags, 1);
		put(b, 0xffff, 2);
		put(b, 0, 4);
		break;
	case TRANSPORT_UDP:
		put(b, s->sport, 2);
		put(b, s->dport, 2);
		put(b, packet_stated_udp_len(s), 2);
		put(b, 0, 2);
		break;
	case TRANSPORT_ICMP:
		put(b, s->icmp_type, 1);
		put(b, s->icmp_code, 1);
		put(b, 0, 2);
		put(b, 0x00010001, 4);
		break;
	case TRANSPORT_OTHER:
		break;
	}
}

size_t packet_build(const struct packet_spec *s, uint8_t bytes[PACKET_SPEC_MAX])
{
	struct builder b = {.bytes = bytes};

	if (s->link == NFR_LINK_ETHER)
		build_ether(&b, s);
	if (s->ip == 4)
		build_ipv4(&b, s);
	if (s->ip == 6)
		build_ipv6(&b, s);
	if (s->ip != 0)
		build_transport(&b, s);
	else
		put(&b, (uint32_t)s->version << 4, 1);
	fill(&b, s->data_len, 0x45);
	fill(&b, s->padding, 0);
	return b.len < s->cut ? b.len : s->cut;
}
