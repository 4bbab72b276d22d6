/* SPDX-License-Identifier: BSD-2-Clause */
/* flow_packet.c: packets of flows, with checksums from scratch (RFC 1071). */
#include "flow_packet.h"

#include <string.h>

enum { ICMP4 = 1, TCP = 6, UDP = 17, ICMP6 = 58 };

/* ---- checksums ----------------------------------------------------------- */

static uint32_t sum_bytes(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum > 0xffff)
		sum = sum % 0x10000 + sum / 0x10000;
	return (uint16_t)sum;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value / 256);
	at[1] = (uint8_t)value;
}

static uint32_t pseudo_sum(bool is_v6, const struct flow_ends *ends,
			   uint8_t proto, size_t len)
{
	size_t n = is_v6 ? 16 : 4;
	uint32_t sum = sum_bytes(0, ends->src, n);

	return sum_bytes(sum, ends->dst, n) + proto + (uint32_t)len;
}

/* Where the checksum is, and what of it the checksum of the datagram is. */
static void put_checksum(uint8_t *l4, size_t len, bool is_v6, uint8_t proto,
			 const struct flow_ends *ends, bool is_partial)
{
	size_t at = proto == TCP ? 16 : proto == UDP ? 6 : 2;
	uint32_t sum = 0;
	uint16_t value;

	if (proto != ICMP4)
		sum = pseudo_sum(is_v6, ends, proto, len);
	if (is_partial) {
		put16(l4 + at, fold(sum));
		return;
	}
	put16(l4 + at, 0);
	value = (uint16_t)~fold(sum_bytes(sum, l4, len));
	if (proto == UDP && value == 0)
		value = 0xffff;
	put16(l4 + at, value);
}

/* ---- headers ------------------------------------------------------------- */

static uint8_t noise(uint32_t salt, size_t i)
{
	uint32_t x = (salt + (uint32_t)i + 1) * 2654435761u;

	return (uint8_t)(x >> 24);
}

static bool is_icmp(const struct flow_packet *p)
{
	return p->proto == ICMP4 || p->proto == ICMP6;
}

static size_t header_len(uint8_t proto)
{
	return proto == TCP ? 20 : 8;
}

/* The transport header and data, of a whole datagram. Returns its length. */
static size_t put_transport(uint8_t *l4, bool is_v6, uint8_t proto,
			    const struct flow_ends *ends, size_t data_len,
			    uint32_t salt)
{
	size_t len = header_len(proto) + data_len;

	for (size_t i = 0; i < len; i++)
		l4[i] = noise(salt, i);
	if (proto == TCP || proto == UDP) {
		put16(l4, ends->sport);
		put16(l4 + 2, ends->dport);
	}
	if (proto == TCP) {
		l4[12] = 0x50;
		l4[13] = 0x10;
	} else if (proto == UDP) {
		put16(l4 + 4, (unsigned)len);
	} else if (proto == ICMP4 || proto == ICMP6) {
		l4[0] = is_v6 ? 128 : 8;
		l4[1] = 0;
		put16(l4 + 4, ends->sport);
	}
	return len;
}

/* Length of the header with its options. */
static size_t put_ipv4(uint8_t *ip, const struct flow_packet *p, uint8_t proto,
		       const struct flow_ends *ends, size_t payload,
		       unsigned options, enum flow_fragment fragment)
{
	size_t len = 20 + options;

	memset(ip, 0, len);
	ip[0] = (uint8_t)(0x40 + len / 4);
	ip[1] = noise(p->salt, 300);
	put16(ip + 2, (unsigned)(len + payload));
	put16(ip + 4, p->salt);
	put16(ip + 6, fragment == FLOW_FIRST   ? 0x2000
		      : fragment == FLOW_LATER ? 0x0010
					       : 0x4000);
	ip[8] = p->ttl;
	ip[9] = proto;
	memcpy(ip + 12, ends->src, 4);
	memcpy(ip + 16, ends->dst, 4);
	memset(ip + 20, 1, options); /* no-operation */
	put16(ip + 10, (uint16_t)~fold(sum_bytes(0, ip, len)));
	return len;
}

static size_t put_ipv6(uint8_t *ip, const struct flow_packet *p, uint8_t proto,
		       const struct flow_ends *ends, size_t payload,
		       unsigned options, enum flow_fragment fragment)
{
	size_t len = 40;
	uint8_t *next = ip + 6;

	memset(ip, 0, 40u + options + 8);
	ip[0] = 0x60;
	ip[7] = p->ttl;
	memcpy(ip + 8, ends->src, 16);
	memcpy(ip + 24, ends->dst, 16);
	if (options) {
		*next = 60;
		next = ip + len;
		ip[len + 1] = (uint8_t)(options / 8 - 1);
		ip[len + 2] = 1; /* PadN */
		ip[len + 3] = (uint8_t)(options - 4);
		len += options;
	}
	if (fragment != FLOW_WHOLE) {
		*next = 44;
		next = ip + len;
		put16(ip + len + 2, fragment == FLOW_FIRST ? 1 : 0x80);
		put16(ip + len + 6, p->salt);
		len += 8;
	}
	*next = proto;
	put16(ip + 4, (unsigned)(len - 40 + payload));
	return len;
}

static size_t put_ip(uint8_t *ip, const struct flow_packet *p, uint8_t proto,
		     const struct flow_ends *ends, size_t payload,
		     unsigned options, enum flow_fragment fragment)
{
	return p->is_v6 ? put_ipv6(ip, p, proto, ends, payload, options,
				   fragment)
			: put_ipv4(ip, p, proto, ends, payload, options,
				   fragment);
}

/* An ICMP header and what it quotes. */
static size_t put_error(uint8_t *l4, const struct flow_packet *p)
{
	uint8_t whole[FLOW_PACKET_MAX], *quote = whole;
	size_t len = put_transport(quote, p->is_v6, p->quoted_proto, &p->quoted,
				   p->quoted_data_len, p->salt + 1);
	size_t network, there = p->quoted_len < len ? p->quoted_len : len;

	put_checksum(quote, len, p->is_v6, p->quoted_proto, &p->quoted, false);
	if (p->quoted_proto == UDP && p->quoted_has_no_checksum)
		put16(quote + 6, 0);
	memset(l4, 0, 8);
	l4[0] = p->is_v6 ? 1 : 3;
	l4[1] = p->is_v6 ? 4 : 1;
	network = put_ip(l4 + 8, p, p->quoted_proto, &p->quoted, len, 0,
			 FLOW_WHOLE);
	memcpy(l4 + 8 + network, quote, there);
	return 8 + network + there;
}

/* ---- frames -------------------------------------------------------------- */

static size_t put_ether(uint8_t *frame, const struct flow_packet *p)
{
	size_t len = 12;

	for (size_t i = 0; i < 12; i++)
		frame[i] = (uint8_t)(2 * i);
	for (unsigned i = 0; i < p->tags; i++, len += 4) {
		put16(frame + len, 0x8100);
		put16(frame + len + 2, 5 + i);
	}
	put16(frame + len, p->is_v6 ? 0x86dd : 0x0800);
	return len + 2;
}

size_t flow_packet_build(const struct flow_packet *p,
			 uint8_t bytes[FLOW_PACKET_MAX])
{
	uint8_t l4[FLOW_PACKET_MAX];
	size_t at = put_ether(bytes, p), len, there;

	if (p->is_error)
		len = put_error(l4, p);
	else
		len = put_transport(l4, p->is_v6, p->proto, &p->ends,
				    p->data_len, p->salt);
	if (p->proto == TCP || p->proto == UDP || is_icmp(p))
		put_checksum(l4, len, p->is_v6, p->proto, &p->ends,
			     p->is_partial);
	if (p->proto == UDP && p->has_no_checksum)
		put16(l4 + 6, 0);
	/* A first fragment has the header; a later one begins behind it. */
	there = p->fragment == FLOW_FIRST ? (len > 32 ? 32 : len / 8 * 8) : len;
	at += put_ip(bytes + at, p, p->proto, &p->ends, there, p->options,
		     p->fragment);
	if (p->fragment == FLOW_LATER)
		for (size_t i = 0; i < len; i++)
			l4[i] = noise(p->salt, i);
	memcpy(bytes + at, l4, there);
	at += there;
	memset(bytes + at, 0, p->padding);
	return at + p->padding;
}

/* ---- at random ----------------------------------------------------------- */

static void random_bytes(struct random *r, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)random_below(r, 256);
}

/* Unicast; and often with words whose sums carry or are nothing. */
void flow_ends_random(struct random *r, struct flow_ends *ends)
{
	random_bytes(r, (uint8_t *)ends, sizeof(*ends));
	if (random_once_in(r, 4))
		memset(ends->src + 2, random_once_in(r, 2) ? 0xff : 0, 14);
	if (random_once_in(r, 4))
		memset(ends->dst + 2, random_once_in(r, 2) ? 0xff : 0, 14);
	ends->src[0] = 10;
	ends->dst[0] = 32;
	if (random_once_in(r, 8))
		ends->sport = ends->dport = 0xffff;
}

void flow_packet_random(struct random *r, struct flow_packet *p)
{
	static const uint8_t protos[] = {TCP, TCP, UDP, UDP, ICMP4, 47, 132};
	static const uint8_t quotable[] = {TCP, UDP, ICMP4};

	*p = (struct flow_packet){
		.tags = random_once_in(r, 3) ? random_below(r, 3) : 0,
		.is_v6 = random_once_in(r, 2),
		.options = random_once_in(r, 4)
				   ? (uint8_t)(8 * random_below(r, 4))
				   : 0,
		.ttl = (uint8_t)(2 + random_below(r, 254)),
		.proto = random_pick(r, protos),
		.data_len = (uint16_t)random_below(r, 400),
		.has_no_checksum = random_once_in(r, 4),
		.padding = (uint8_t)(random_once_in(r, 4) ? 7 : 0),
		.salt = (uint32_t)random_next(r),
		.quoted_proto = random_pick(r, quotable),
		.quoted_data_len = (uint16_t)random_below(r, 100),
		.quoted_len = (uint16_t)(8 + random_below(r, 60)),
		.quoted_has_no_checksum = random_once_in(r, 4),
	};
	if (p->proto == ICMP4)
		p->is_error = random_once_in(r, 2);
	else if (random_once_in(r, 6))
		p->fragment = random_once_in(r, 2) ? FLOW_FIRST : FLOW_LATER;
	if (p->fragment != FLOW_WHOLE)
		p->data_len += 32;
	/* Half of a checksum shows, and can not be changed on its own. */
	if (p->quoted_proto == TCP && p->quoted_len == 17)
		p->quoted_len = 18;
	if (p->is_v6 && p->proto == ICMP4)
		p->proto = ICMP6;
	if (p->is_v6 && p->quoted_proto == ICMP4)
		p->quoted_proto = ICMP6;
	flow_ends_random(r, &p->ends);
	flow_ends_random(r, &p->quoted);
}
