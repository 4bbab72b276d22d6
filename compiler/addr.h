/* SPDX-License-Identifier: BSD-2-Clause */
/* addr.h: IPv4 and IPv6 addresses as the compiler computes with them. */
#ifndef NFR_ADDR_H
#define NFR_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The numbers are those of enum nfr_family. */
enum addr_family { FAMILY_ANY = 0, FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 };

/*
 * Key words in host byte order, most significant first. IPv4 in w[0], the
 * rest zero, as in struct nfr_key.
 */
struct addr {
	uint32_t w[4];
};

#define ADDR_TEXT_MAX 48

unsigned addr_bits(enum addr_family); /* 32 or 128 */
int addr_compare(const struct addr *, const struct addr *);
/* First and last address of a prefix. */
struct addr addr_first(struct addr, enum addr_family, unsigned prefix_len);
struct addr addr_last(struct addr, enum addr_family, unsigned prefix_len);
/* "10.0.0.1" or "fe80::1" (RFC 5952, by inet_ntop); returns text. */
const char *addr_format(const struct addr *, enum addr_family,
			char text[ADDR_TEXT_MAX]);
/* inet_pton of either family, without prefix. 0 or -EINVAL. */
int addr_parse(const char *text, struct addr *, enum addr_family *);
/* Addresses that no one else has on the way, whoever hands them out. */
struct addr_range {
	const char *text;
	enum addr_family family;
	struct addr addr;
	unsigned prefix_len;
};
extern const struct addr_range addr_private[];
extern const size_t addr_private_count;
/* Is the whole prefix in one of these? */
bool addr_is_private(const struct addr *, enum addr_family,
		     unsigned prefix_len);
bool addr_is_link_local6(const struct addr *); /* fe80::/10 */
/* 16 bytes in network order, IPv4 as ::ffff:a.b.c.d, for tables. */
void addr_to_mapped(const struct addr *, enum addr_family, uint8_t out[16]);

#endif
