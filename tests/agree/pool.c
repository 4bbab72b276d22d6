/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.c: random numbers -> what policies and packets have in common. */
#include "pool.h"

#include <stdlib.h>

static const char *const ipv4_addrs[] = {
	"10.0.0.1",	   "10.0.0.2",	  "10.0.0.3",	    "10.0.0.10",
	"10.1.2.3",	   "192.168.0.1", "192.168.1.77",   "198.51.100.7",
	"203.0.113.9",	   "224.0.0.251", "127.0.0.1",	    "0.0.0.0",
	"255.255.255.255", "128.0.0.0",	  "127.255.255.255"};
static const char *const ipv6_addrs[] = {
	"fd00::1",
	"fd00::2",
	"fd00:1::5",
	"fd00:1:2:3::4",
	"2001:db8::1",
	"2001:db8::1:0:5",
	"2001:db8:0:1::",
	"fe80::1",
	"ff02::fb",
	"::",
	"::1",
	"::ffff:10.0.0.1",
	"2001:db8:0:0:ffff:ffff:ffff:ffff",
	"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"};
static const char *const ipv4_prefixes[] = {
	"10.0.0.0/8",	  "10.0.0.0/30",     "10.0.0.2",     "10.1.0.0/16",
	"192.168.0.0/16", "192.168.1.64/26", "198.51.100.7", "203.0.113.0/24",
	"0.0.0.0/0",	  "128.0.0.0/1",     "224.0.0.0/4",  "0.0.0.0/1"};
static const char *const ipv6_prefixes[] = {
	"fd00::/8",	 "fd00::/16",	   "fd00:1::/32",      "2001:db8::/64",
	"2001:db8::/33", "fd00::2",	   "2001:db8::/97",    "::/0",
	"fe80::/10",	 "ff00::/8",	   "::ffff:a00:0/106", "8000::/1",
	"::1",		 "fd00:1:2:3::/63"};
static const char *const ipv4_ranges[] = {
	"10.0.0.1 - 10.0.0.9", "10.0.0.2 - 192.168.0.1",
	"0.0.0.0 - 127.255.255.255", "198.51.100.7 - 198.51.100.8",
	"192.168.1.77 - 255.255.255.255"};
static const char *const ipv6_ranges[] = {
	"2001:db8::1 - 2001:db8::1:0:5",
	"fd00::1 - fd00:1::5",
	":: - 2001:db8::1",
	"2001:db8::1:0:0 - 2001:db8:0:1::",
	"fd00:1:2:3::4 - ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
	"fd00::2 - fd00::3"};

struct addr pool_addr(struct random *r, enum addr_family family)
{
	enum addr_family parsed;
	struct addr addr = {.w = {0}};

	if (random_once_in(r, 12)) {
		for (unsigned i = 0; i < addr_bits(family) / 32; i++)
			addr.w[i] = (uint32_t)random_next(r);
		return addr;
	}
	if (addr_parse(family == FAMILY_IPV4 ? random_pick(r, ipv4_addrs)
					     : random_pick(r, ipv6_addrs),
		       &addr, &parsed) ||
	    parsed != family)
		abort();
	return addr;
}

uint16_t pool_random_port(struct random *r)
{
	static const uint16_t ports[] = {0,    1,    22,    53,	   79,	  80,
					 81,   443,  853,   1023,  1024,  5353,
					 8080, 8883, 51820, 65534, 65535, 67};

	return random_pick(r, ports);
}

uint8_t pool_proto(struct random *r, enum addr_family family)
{
	static const uint8_t others[] = {1, 2, 47, 50, 58, 59, 89, 132, 255};

	switch (random_below(r, 8)) {
	case 0:
		return random_pick(r, others);
	case 1:
		return family == FAMILY_IPV4 ? 1 : 58;
	case 2:
	case 3:
	case 4:
		return 6;
	default:
		return 17;
	}
}

uint8_t pool_icmp_type(struct random *r, enum addr_family family)
{
	static const uint8_t ipv4[] = {0, 3, 8, 11};
	static const uint8_t ipv6[] = {1, 2, 128, 129, 135};

	return family == FAMILY_IPV4 ? random_pick(r, ipv4)
				     : random_pick(r, ipv6);
}

const char *pool_prefix(struct random *r, enum addr_family family)
{
	return family == FAMILY_IPV4 ? random_pick(r, ipv4_prefixes)
				     : random_pick(r, ipv6_prefixes);
}

const char *pool_range(struct random *r, enum addr_family family)
{
	return family == FAMILY_IPV4 ? random_pick(r, ipv4_ranges)
				     : random_pick(r, ipv6_ranges);
}
