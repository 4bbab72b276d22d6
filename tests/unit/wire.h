/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * wire.h: packets of tests, in words -> IPv4 or IPv6 bytes, whole or in pieces,
 * and ICMP errors that quote others.
 */
#ifndef NFR_TEST_WIRE_H
#define NFR_TEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WIRE_MAX 2048

/* What is zero is not there. Host n is 10.0.0.n, or fd00::n. */
struct wire {
	bool is_v6;
	uint8_t src, dst; /* hosts */
	uint8_t proto;
	uint16_t sport, dport;
	uint8_t flags; /* TCP */
	uint32_t seq;
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id;
	uint16_t data; /* bytes behind the transport header */
	uint8_t tos;
	bool has_options;
	/* A piece of it: part bytes of the IP payload from at on. */
	bool is_piece;
	uint32_t id;
	uint32_t at, part;
	bool more;
	/* An ICMP error quotes this, the first so many bytes of it; 0: all. */
	const struct wire *quoted;
	size_t quote;
};

static inline void wire_put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void wire_put32(uint8_t *at, uint32_t value)
{
	wire_put16(at, value >> 16);
	wire_put16(at + 2, value & 0xffff);
}

static inline size_t wire_build(const struct wire *w, uint8_t b[WIRE_MAX]);

/* The payload of IP, as if it were not in pieces; its length. */
static inline size_t wire_payload(const struct wire *w, uint8_t b[WIRE_MAX])
{
	size_t len = 0;

	memset(b, 0, WIRE_MAX);
	if (w->proto == 6 || w->proto == 17) {
		wire_put16(b, w->sport);
		wire_put16(b + 2, w->dport);
		len = w->proto == 6 ? 20 : 8;
	}
	if (w->proto == 6) {
		wire_put32(b + 4, w->seq);
		b[12] = 0x50;
		b[13] = w->flags;
	}
	if (w->proto == 17)
		wire_put16(b + 4, 8u + w->data);
	if (w->proto == (w->is_v6 ? 58 : 1)) {
		b[0] = w->icmp_type;
		b[1] = w->icmp_code;
		wire_put16(b + 4, w->icmp_id);
		len = 8;
	}
	if (w->quoted) {
		uint8_t quoted[WIRE_MAX];
		size_t all = wire_build(w->quoted, quoted);

		all = w->quote && w->quote < all ? w->quote : all;
		memcpy(b + len, quoted, all);
		return len + all;
	}
	return len + w->data;
}

static inline size_t wire_ipv4(const struct wire *w, uint8_t *b, size_t len)
{
	size_t header = w->has_options ? 24 : 20;
	unsigned piece = (unsigned)(w->at / 8) | (w->more ? 0x2000u : 0);

	b[0] = (uint8_t)(0x40 | header / 4);
	b[1] = w->tos;
	wire_put16(b + 2, (unsigned)(header + len));
	wire_put16(b + 4, (uint16_t)w->id);
	wire_put16(b + 6, w->is_piece ? piece : 0);
	b[8] = 64;
	b[9] = w->proto;
	wire_put32(b + 12, 0x0a000000u | w->src);
	wire_put32(b + 16, 0x0a000000u | w->dst);
	if (header > 20)
		memset(b + 20, 1, 4); /* no operation */
	return header;
}

static inline size_t wire_ipv6(const struct wire *w, uint8_t *b, size_t len)
{
	size_t header = 40;

	b[0] = (uint8_t)(0x60 | w->tos >> 4);
	b[1] = (uint8_t)(w->tos << 4);
	b[6] = w->has_options ? 0 : w->is_piece ? 44 : w->proto;
	b[7] = 64;
	b[8] = b[24] = 0xfd;
	b[23] = w->src;
	b[39] = w->dst;
	if (w->has_options) {
		b[header] = w->is_piece ? 44 : w->proto;
		header += 8;
	}
	if (w->is_piece) {
		b[header] = w->proto;
		wire_put16(b + header + 2,
			   (unsigned)(w->at & 0xfff8) | (w->more ? 1 : 0));
		wire_put32(b + header + 4, w->id);
		header += 8;
	}
	wire_put16(b + 4, (unsigned)(header - 40 + len));
	return header;
}

static inline size_t wire_build(const struct wire *w, uint8_t b[WIRE_MAX])
{
	uint8_t payload[WIRE_MAX];
	size_t len = wire_payload(w, payload), header;

	if (w->is_piece)
		len = w->part;
	memset(b, 0, WIRE_MAX);
	header = w->is_v6 ? wire_ipv6(w, b, len) : wire_ipv4(w, b, len);
	if (len > WIRE_MAX - header)
		len = WIRE_MAX - header;
	if (w->at < WIRE_MAX - len)
		memcpy(b + header, payload + w->at, len);
	return header + len;
}

#endif
