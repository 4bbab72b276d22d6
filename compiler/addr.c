/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.c: address text <-> words in host byte order; first and last of a
 * prefix. */
#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

unsigned addr_bits(enum addr_family family)
{
	return family == FAMILY_IPV4 ? 32 : 128;
}

int addr_compare(const struct addr *a, const struct addr *b)
{
	for (int i = 0; i < 4; i++) {
		if (a->w[i] != b->w[i])
			return a->w[i] < b->w[i] ? -1 : 1;
	}
	return 0;
}

/* The bits of word i that belong to the network part. */
static uint32_t network_mask(unsigned i, unsigned prefix_len)
{
	unsigned before = i * 32;
	if (prefix_len >= before + 32)
		return UINT32_MAX;
	if (prefix_len <= before)
		return 0;
	return UINT32_MAX << (32 - (prefix_len - before));
}

struct addr addr_first(struct addr a, enum addr_family family,
		       unsigned prefix_len)
{
	for (unsigned i = 0; i < addr_bits(family) / 32; i++)
		a.w[i] &= network_mask(i, prefix_len);
	return a;
}

struct addr addr_last(struct addr a, enum addr_family family,
		      unsigned prefix_len)
{
	for (unsigned i = 0; i < addr_bits(family) / 32; i++)
		a.w[i] |= ~network_mask(i, prefix_len);
	return a;
}

/* In network order, 4 or 16 bytes. */
static void to_bytes(const struct addr *a, enum addr_family family,
		     uint8_t *bytes)
{
	for (unsigned i = 0; i < addr_bits(family) / 32; i++) {
		uint32_t word_be = htonl(a->w[i]);
		memcpy(bytes + 4 * i, &word_be, 4);
	}
}

const char *addr_format(const struct addr *a, enum addr_family family,
			char text[ADDR_TEXT_MAX])
{
	uint8_t bytes[16];
	to_bytes(a, family, bytes);
	inet_ntop(family == FAMILY_IPV4 ? AF_INET : AF_INET6, bytes, text,
		  ADDR_TEXT_MAX);
	return text;
}

int addr_parse(const char *text, struct addr *out, enum addr_family *family)
{
	uint32_t words_be[4] = {0};
	if (inet_pton(AF_INET, text, words_be) == 1)
		*family = FAMILY_IPV4;
	else if (inet_pton(AF_INET6, text, words_be) == 1)
		*family = FAMILY_IPV6;
	else
		return -EINVAL;
	for (int i = 0; i < 4; i++)
		out->w[i] = ntohl(words_be[i]);
	if (*family == FAMILY_IPV4)
		out->w[1] = out->w[2] = out->w[3] = 0;
	return 0;
}

bool addr_is_link_local6(const struct addr *a)
{
	return (a->w[0] & 0xffc00000) == 0xfe800000;
}

void addr_to_mapped(const struct addr *a, enum addr_family family,
		    uint8_t out[16])
{
	if (family == FAMILY_IPV4) {
		memset(out, 0, 10);
		out[10] = out[11] = 0xff;
		to_bytes(a, family, out + 12);
	} else {
		to_bytes(a, family, out);
	}
}

/* RFC 1918, 3927, 6598, 4193 and 4291. */
const struct addr_range addr_private[] = {
	{"10.0.0.0/8", FAMILY_IPV4, {{0x0a000000}}, 8},
	{"172.16.0.0/12", FAMILY_IPV4, {{0xac100000}}, 12},
	{"192.168.0.0/16", FAMILY_IPV4, {{0xc0a80000}}, 16},
	{"169.254.0.0/16", FAMILY_IPV4, {{0xa9fe0000}}, 16},
	{"100.64.0.0/10", FAMILY_IPV4, {{0x64400000}}, 10},
	{"fc00::/7", FAMILY_IPV6, {{0xfc000000}}, 7},
	{"fe80::/10", FAMILY_IPV6, {{0xfe800000}}, 10},
};
const size_t addr_private_count = sizeof(addr_private) / sizeof(*addr_private);

bool addr_is_private(const struct addr *a, enum addr_family family,
		     unsigned prefix_len)
{
	for (size_t i = 0; i < addr_private_count; i++) {
		const struct addr_range *range = &addr_private[i];
		struct addr first;

		if (range->family != family || prefix_len < range->prefix_len)
			continue;
		first = addr_first(*a, family, range->prefix_len);
		if (addr_compare(&first, &range->addr) == 0)
			return true;
	}
	return false;
}
