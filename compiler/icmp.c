/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * icmp.c: pf's names of ICMP and ICMPv6 types and codes <-> their numbers
 * (IANA "ICMP Parameters" and "ICMPv6 Parameters"). Of several names of one
 * number the first is printed.
 */
#include "check_internal.h"

#include <string.h>

struct icmp_name {
	const char *name;
	uint8_t type, code;
};

static const struct icmp_name types4[] = {
	{"echoreq", 8, 0},    {"echorep", 0, 0},     {"unreach", 3, 0},
	{"squench", 4, 0},    {"redir", 5, 0},	     {"althost", 6, 0},
	{"routeradv", 9, 0},  {"routersol", 10, 0},  {"timex", 11, 0},
	{"paramprob", 12, 0}, {"timereq", 13, 0},    {"timerep", 14, 0},
	{"inforeq", 15, 0},   {"inforep", 16, 0},    {"maskreq", 17, 0},
	{"maskrep", 18, 0},   {"trace", 30, 0},	     {"dataconv", 31, 0},
	{"mobredir", 32, 0},  {"ipv6-where", 33, 0}, {"ipv6-here", 34, 0},
	{"mobregreq", 35, 0}, {"mobregrep", 36, 0},  {"skip", 39, 0},
	{"photuris", 40, 0},
};

static const struct icmp_name types6[] = {
	{"unreach", 1, 0},	{"toobig", 2, 0},      {"timex", 3, 0},
	{"paramprob", 4, 0},	{"echoreq", 128, 0},   {"echorep", 129, 0},
	{"groupqry", 130, 0},	{"listqry", 130, 0},   {"grouprep", 131, 0},
	{"listenrep", 131, 0},	{"groupterm", 132, 0}, {"listendone", 132, 0},
	{"routersol", 133, 0},	{"routeradv", 134, 0}, {"neighbrsol", 135, 0},
	{"neighbradv", 136, 0}, {"redir", 137, 0},     {"routrrenum", 138, 0},
	{"wrureq", 139, 0},	{"wrurep", 140, 0},    {"fqdnreq", 139, 0},
	{"fqdnrep", 140, 0},	{"niqry", 139, 0},     {"nirep", 140, 0},
	{"mtraceresp", 200, 0}, {"mtrace", 201, 0},
};

static const struct icmp_name codes4[] = {
	{"net-unr", 3, 0},	 {"host-unr", 3, 1},
	{"proto-unr", 3, 2},	 {"port-unr", 3, 3},
	{"needfrag", 3, 4},	 {"srcfail", 3, 5},
	{"net-unk", 3, 6},	 {"host-unk", 3, 7},
	{"isolate", 3, 8},	 {"net-prohib", 3, 9},
	{"host-prohib", 3, 10},	 {"net-tos", 3, 11},
	{"host-tos", 3, 12},	 {"filter-prohib", 3, 13},
	{"host-preced", 3, 14},	 {"cutoff-preced", 3, 15},
	{"redir-net", 5, 0},	 {"redir-host", 5, 1},
	{"redir-tos-net", 5, 2}, {"redir-tos-host", 5, 3},
	{"normal-adv", 9, 0},	 {"common-adv", 9, 16},
	{"transit", 11, 0},	 {"reassemb", 11, 1},
	{"badhead", 12, 0},	 {"optmiss", 12, 1},
	{"badlen", 12, 2},	 {"unknown-ind", 40, 0},
	{"auth-fail", 40, 1},	 {"decrypt-fail", 40, 2},
};

static const struct icmp_name codes6[] = {
	{"noroute-unr", 1, 0}, {"admin-unr", 1, 1},	{"beyond-unr", 1, 2},
	{"notnbr-unr", 1, 2},  {"addr-unr", 1, 3},	{"port-unr", 1, 4},
	{"transit", 3, 0},     {"reassemb", 3, 1},	{"badhead", 4, 0},
	{"nxthdr", 4, 1},      {"redironlink", 137, 0}, {"redirrouter", 137, 1},
};

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static const struct icmp_name *types_of(enum addr_family family, size_t *count)
{
	*count = family == FAMILY_IPV6 ? COUNT_OF(types6) : COUNT_OF(types4);
	return family == FAMILY_IPV6 ? types6 : types4;
}

static const struct icmp_name *codes_of(enum addr_family family, size_t *count)
{
	*count = family == FAMILY_IPV6 ? COUNT_OF(codes6) : COUNT_OF(codes4);
	return family == FAMILY_IPV6 ? codes6 : codes4;
}

int icmp_type_number(enum addr_family family, const char *name)
{
	size_t count;
	const struct icmp_name *types = types_of(family, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return -1;
}

const char *icmp_type_name(enum addr_family family, unsigned type)
{
	size_t count;
	const struct icmp_name *types = types_of(family, &count);

	for (size_t i = 0; i < count; i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

int icmp_code_number(enum addr_family family, unsigned type, const char *name)
{
	size_t count;
	const struct icmp_name *codes = codes_of(family, &count);

	for (size_t i = 0; i < count; i++)
		if (codes[i].type == type && strcmp(codes[i].name, name) == 0)
			return codes[i].code;
	return -1;
}

const char *icmp_code_name(enum addr_family family, unsigned type,
			   unsigned code)
{
	size_t count;
	const struct icmp_name *codes = codes_of(family, &count);

	for (size_t i = 0; i < count; i++)
		if (codes[i].type == type && codes[i].code == code)
			return codes[i].name;
	return NULL;
}

size_t icmp_type_names(enum addr_family family, const char **names, size_t max)
{
	size_t count;
	const struct icmp_name *types = types_of(family, &count);

	for (size_t i = 0; i < count && i < max; i++)
		names[i] = types[i].name;
	return count < max ? count : max;
}
