/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_packet.c: packets as they are meant -> bytes (RFC 791, 8200, 1071). */
#include "trace_packet.h"

#include <string.h>

#define ETHER_LEN 14
#define DATAGRAM_MAX 2048

/* ---- bytes and sums -------------------------------------------------------
 */

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static uint32_t sum_bytes(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

static uint16_t checksum(uint32_t sum)
{
	while (sum > 0xffff)
		sum = sum % 0x10000 + sum / 0x10000;
	return (uint16_t)~sum;
}

static unsigned addr_words(const struct trace_packet *p)
{
	return p->family == FAMILY_IPV6 ? 4 : 1;
}

static void put_addr(uint8_t *at, const struct trace_packet *p,
		     const struct addr *a)
{
	for (unsigned i = 0; i < addr_words(p); i++)
		put32(at + 4 * i, a->w[i]);
}

/* ---- transport ------------------------------------------------------------
 */

bool trace_is_echo(const struct trace_packet *p)
{
	if (p->family == FAMILY_IPV4)
		return p->proto == TRACE_ICMP && (p->type == 8 || p->type == 0);
	return p->proto == TRACE_ICMP6 && (p->type == 128 || p->type == 129);
}

static bool is_icmp(const struct trace_packet *p)
{
	return p->proto == TRACE_ICMP || p->proto == TRACE_ICMP6;
}

static size_t header_len(const struct trace_packet *p)
{
	if (p->proto == TRACE_TCP)
		return p->flags & TRACE_SYN && p->wscale != TRACE_NO_SCALE ? 24
									   : 20;
	return p->proto == TRACE_UDP || is_icmp(p) ? 8 : 0;
}

size_t trace_transport_len(const struct trace_packet *p)
{
	return header_len(p) + p->data_len;
}

uint32_t trace_data_len(const struct trace_packet *p)
{
	if (!p->is_piece)
		return p->data_len;
	return p->len - (uint32_t)header_len(p);
}

static void put_tcp(uint8_t *at, const struct trace_packet *p)
{
	memset(at, 0, 20);
	put32(at + 4, p->seq);
	put32(at + 8, p->ack);
	at[12] = (uint8_t)(header_len(p) / 4 << 4);
	at[13] = p->flags;
	put16(at + 14, p->window);
	if (header_len(p) == 24) {
		at[20] = 1;
		at[21] = 3;
		at[22] = 3;
		at[23] = p->wscale;
	}
}

static void put_header(uint8_t *at, const struct trace_packet *p)
{
	if (p->proto == TRACE_TCP) {
		put_tcp(at, p);
	} else if (p->proto == TRACE_UDP) {
		put16(at + 4, (unsigned)trace_transport_len(p));
		put16(at + 6, 0);
	} else if (is_icmp(p)) {
		memset(at, 0, 8);
		at[0] = p->type;
		at[1] = p->code;
		if (trace_is_echo(p))
			put16(at + 4, p->ends.sport);
	}
	if (p->proto == TRACE_TCP || p->proto == TRACE_UDP) {
		put16(at, p->ends.sport);
		put16(at + 2, p->ends.dport);
	}
}

static void put_checksum(uint8_t *at, size_t len, const struct trace_packet *p)
{
	unsigned place = p->proto == TRACE_TCP	 ? 16
			 : p->proto == TRACE_UDP ? 6
						 : 2;
	uint8_t pseudo[32];
	uint32_t sum = 0;
	uint16_t value;

	if (p->proto == TRACE_UDP && p->has_no_checksum)
		return;
	if (p->proto != TRACE_ICMP) {
		put_addr(pseudo, p, &p->ends.src);
		put_addr(pseudo + 4 * addr_words(p), p, &p->ends.dst);
		sum = sum_bytes(p->proto + (uint32_t)len, pseudo,
				8 * addr_words(p));
	}
	value = checksum(sum_bytes(sum, at, len));
	put16(at + place, p->proto == TRACE_UDP && !value ? 0xffff : value);
}

/* The whole of what IP carries; quoted is NULL, or what the data begins with.
 */
static size_t put_transport(uint8_t *at, const struct trace_packet *p,
			    const uint8_t *quoted, size_t quoted_len)
{
	size_t head = header_len(p), len = head + p->data_len;

	put_header(at, p);
	for (size_t i = 0; i < p->data_len; i++)
		at[head + i] =
			(uint8_t)((p->salt + (uint32_t)i) * 2654435761u >> 24);
	if (quoted)
		memcpy(at + head, quoted, quoted_len);
	if (p->proto == TRACE_TCP || p->proto == TRACE_UDP || is_icmp(p))
		put_checksum(at, len, p);
	return len;
}

/* ---- IP -------------------------------------------------------------------
 */

static size_t put_ipv4(uint8_t *at, const struct trace_packet *p,
		       const uint8_t *carried, size_t len)
{
	size_t head = p->has_options ? 24 : 20;
	unsigned piece = 0x4000;

	if (p->is_piece)
		piece = p->at / 8u | (p->has_more ? 0x2000 : 0);
	memset(at, 0, head);
	at[0] = (uint8_t)(0x40 | head / 4);
	at[1] = p->tos;
	put16(at + 2, (unsigned)(head + len));
	put16(at + 4, p->id & 0xffff);
	put16(at + 6, piece);
	at[8] = p->ttl;
	at[9] = p->proto;
	put_addr(at + 12, p, &p->ends.src);
	put_addr(at + 16, p, &p->ends.dst);
	memset(at + 20, 1, head - 20);
	put16(at + 10, checksum(sum_bytes(0, at, head)));
	memcpy(at + head, carried, len);
	return head + len;
}

static size_t put_ipv6(uint8_t *at, const struct trace_packet *p,
		       const uint8_t *carried, size_t len)
{
	static const uint8_t padding[8] = {0, 0, 1, 4, 0, 0, 0, 0};
	uint8_t *next = at + 6;
	size_t head = 40;

	memset(at, 0, 40);
	at[0] = (uint8_t)(0x60 | p->tos >> 4);
	at[1] = (uint8_t)(p->tos << 4);
	at[7] = p->ttl;
	put_addr(at + 8, p, &p->ends.src);
	put_addr(at + 24, p, &p->ends.dst);
	if (p->has_options) {
		*next = 60;
		next = at + head;
		memcpy(at + head, padding, 8);
		head += 8;
	}
	if (p->is_piece) {
		*next = 44;
		next = at + head;
		memset(at + head, 0, 8);
		put16(at + head + 2, p->at | (p->has_more ? 1u : 0u));
		put32(at + head + 4, p->id);
		head += 8;
	}
	*next = p->proto;
	put16(at + 4, (unsigned)(head - 40 + len));
	memcpy(at + head, carried, len);
	return head + len;
}

static size_t put_ip(uint8_t *at, const struct trace_packet *p,
		     const uint8_t *carried, size_t len)
{
	if (p->is_piece) {
		carried += p->at;
		len = p->len;
	}
	return p->family == FAMILY_IPV4 ? put_ipv4(at, p, carried, len)
					: put_ipv6(at, p, carried, len);
}

/* ---- frames ---------------------------------------------------------------
 */

size_t trace_frame_build(const struct trace_frame *f,
			 uint8_t bytes[TRACE_FRAME_MAX])
{
	uint8_t carried[DATAGRAM_MAX], quoted[DATAGRAM_MAX];
	size_t len;

	memset(bytes, 2, 12);
	bytes[0] = 0;
	put16(bytes + 12, f->packet.family == FAMILY_IPV4 ? 0x0800 : 0x86dd);
	if (f->is_error) {
		len = put_transport(carried, &f->quoted, NULL, 0);
		put_ip(quoted, &f->quoted, carried, len);
	}
	len = put_transport(carried, &f->packet, f->is_error ? quoted : NULL,
			    f->quoted_len);
	return ETHER_LEN + put_ip(bytes + ETHER_LEN, &f->packet, carried, len);
}

void trace_frame_key(const struct trace_packet *p, struct nfr_key *key)
{
	bool is_later = p->is_piece && p->at;
	uint32_t *w = key->w;

	memset(key, 0, sizeof(*key));
	w[NFR_F_FAMILY] =
		p->family == FAMILY_IPV4 ? NFR_FAMILY_IPV4 : NFR_FAMILY_IPV6;
	w[NFR_F_ETHERTYPE] = p->family == FAMILY_IPV4 ? 0x0800 : 0x86dd;
	w[NFR_F_PROTO] = p->proto;
	w[NFR_F_TTL] = p->ttl;
	w[NFR_F_TOS] = p->tos;
	w[NFR_F_BITS] = (p->has_options ? NFR_BIT_OPTIONS : 0) |
			(p->is_piece ? NFR_BIT_FRAGMENT : 0) |
			(is_later ? NFR_BIT_LATER : 0);
	memcpy(&w[NFR_F_SRC0], p->ends.src.w, 16);
	memcpy(&w[NFR_F_DST0], p->ends.dst.w, 16);
	if (is_later)
		return;
	if (p->proto == TRACE_TCP || p->proto == TRACE_UDP) {
		w[NFR_F_SPORT] = p->ends.sport;
		w[NFR_F_DPORT] = p->ends.dport;
	}
	if (p->proto == TRACE_TCP)
		w[NFR_F_TCPFLAGS] = p->flags;
	if (is_icmp(p))
		w[NFR_F_ICMP] = (uint32_t)p->type << 8 | p->code;
}

struct trace_ends trace_frame_ends(const struct trace_packet *p,
				   const uint8_t *bytes)
{
	const uint8_t *ip = bytes + ETHER_LEN;
	bool is_v4 = p->family == FAMILY_IPV4;
	size_t head = is_v4 ? 20 + (p->has_options ? 4u : 0u)
			    : 40 + (p->has_options ? 8u : 0u) +
				      (p->is_piece ? 8u : 0u);
	struct trace_ends out = p->ends;

	for (unsigned i = 0; i < addr_words(p); i++) {
		out.src.w[i] = get32(ip + (is_v4 ? 12 : 8) + 4 * i);
		out.dst.w[i] = get32(ip + (is_v4 ? 16 : 24) + 4 * i);
	}
	if (p->is_piece && p->at)
		return out;
	if (p->proto == TRACE_TCP || p->proto == TRACE_UDP) {
		out.sport = (uint16_t)(get32(ip + head) >> 16);
		out.dport = (uint16_t)get32(ip + head);
	} else if (trace_is_echo(p)) {
		out.sport = out.dport = (uint16_t)(get32(ip + head + 4) >> 16);
	}
	return out;
}

bool trace_same_ends(const struct trace_ends *a, const struct trace_ends *b)
{
	return addr_compare(&a->src, &b->src) == 0 &&
	       addr_compare(&a->dst, &b->dst) == 0 && a->sport == b->sport &&
	       a->dport == b->dport;
}

struct trace_ends trace_swapped(const struct trace_ends *e)
{
	return (struct trace_ends){e->dst, e->src, e->dport, e->sport};
}
