/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random_policy.c: random numbers -> a policy's text.
 *
 * What is drawn first limits what is drawn later, so that no combination is
 * refused: a rule has a family that its addresses, protocols and ICMP types
 * belong to, or none, and then its lists have members of both.
 */
#include "random_policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pool.h"

#define TABLES_MAX 3
#define TABLE_ENTRIES_MAX 8

struct drawing {
	struct random *r;
	FILE *out;
	unsigned tables;  /* <t0> ... */
	bool is_wide;	  /* <t0> has what must not be excluded */
	unsigned depth;	  /* of anchors */
	bool has_matches; /* and tags, chances, marks */
};

/* What the parts of one rule have to agree on. */
struct shape {
	enum addr_family family; /* FAMILY_ANY: members of both */
	bool has_ports;
	bool is_tcp; /* or no protocol at all */
	bool is_icmp;
};

static const char *const ifaces[] = {"eth0", "eth1", "wg0", "lo"};

static enum addr_family draw_family(struct drawing *d)
{
	return random_once_in(d->r, 2) ? FAMILY_IPV4 : FAMILY_IPV6;
}

/* ---- hosts ------------------------------------------------------------- */

static const char *bang(struct drawing *d)
{
	return random_once_in(d->r, 4) ? "! " : "";
}

/* There is no address outside of everything, so that is not negated. */
static void draw_prefix(struct drawing *d, enum addr_family family)
{
	const char *prefix = pool_prefix(d->r, family);
	const char *slash = strchr(prefix, '/');

	if (!slash || strcmp(slash, "/0") != 0)
		fputs(bang(d), d->out);
	fputs(prefix, d->out);
}

static void draw_addr(struct drawing *d, enum addr_family family)
{
	struct addr addr = pool_addr(d->r, family);
	char text[ADDR_TEXT_MAX];

	fprintf(d->out, "%s%s", bang(d), addr_format(&addr, family, text));
}

static void draw_host(struct drawing *d, enum addr_family family)
{
	switch (random_below(d->r, 8)) {
	case 0:
	case 1:
		draw_addr(d, family);
		break;
	case 2:
		fprintf(d->out, "%s%s", bang(d), pool_range(d->r, family));
		break;
	case 3:
		if (d->tables > 0) {
			fprintf(d->out, "%s<t%u>", bang(d),
				random_below(d->r, d->tables));
			break;
		}
		/* fall through */
	default:
		draw_prefix(d, family);
	}
}

static void draw_host_list(struct drawing *d, enum addr_family family)
{
	uint32_t count = 1 + random_below(d->r, 3);

	fputs("{ ", d->out);
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0)
			fputs(random_once_in(d->r, 2) ? ", " : " ", d->out);
		draw_host(d, family == FAMILY_ANY ? FAMILY_IPV4 : family);
		if (family != FAMILY_ANY)
			continue;
		fputs(" ", d->out);
		draw_host(d, FAMILY_IPV6);
	}
	fputs(" }", d->out);
}

static void draw_hosts(struct drawing *d, enum addr_family family)
{
	if (random_once_in(d->r, 3))
		fputs("any", d->out);
	else if (family == FAMILY_ANY && random_once_in(d->r, 3))
		fputs("$nets", d->out);
	else if (family == FAMILY_ANY || random_once_in(d->r, 4))
		draw_host_list(d, family);
	else
		draw_host(d, family);
}

/* ---- ports ------------------------------------------------------------- */

/* An interval with something between its ends, and around them. */
static void draw_interval(struct drawing *d, const char *operator)
{
	static const uint16_t firsts[] = {1, 22, 53, 79, 443};
	static const uint16_t lasts[] = {1023, 1024, 8080, 51820, 65534};

	fprintf(d->out, "%u%s%u", random_pick(d->r, firsts), operator,
		random_pick(d->r, lasts));
}

static void draw_port(struct drawing *d)
{
	uint16_t port = pool_random_port(d->r);
	uint16_t inner = port == 0 || port == 65535 ? 443 : port;

	switch (random_below(d->r, 12)) {
	case 0:
		fprintf(d->out, "= %u", port);
		break;
	case 1:
		fprintf(d->out, "!= %u", port);
		break;
	case 2:
		fprintf(d->out, "< %u", inner);
		break;
	case 3:
		fprintf(d->out, "<= %u", port);
		break;
	case 4:
		fprintf(d->out, "> %u", inner);
		break;
	case 5:
		fprintf(d->out, ">= %u", port);
		break;
	case 6:
		draw_interval(d, " >< ");
		break;
	case 7:
		draw_interval(d, " <> ");
		break;
	case 8:
		draw_interval(d, ":");
		break;
	case 9:
		fputs("domain", d->out); /* tcp and udp both have it */
		break;
	default:
		fprintf(d->out, "%u", port);
	}
}

static void draw_ports(struct drawing *d)
{
	uint32_t count = 1 + random_below(d->r, 3);

	if (random_once_in(d->r, 5)) {
		fputs(" port $ports", d->out);
		return;
	}
	fputs(count > 1 ? " port { " : " port ", d->out);
	for (uint32_t i = 0; i < count; i++) {
		if (i > 0)
			fputs(random_once_in(d->r, 2) ? ", " : " ", d->out);
		draw_port(d);
	}
	if (count > 1)
		fputs(" }", d->out);
}

static void draw_side(struct drawing *d, const struct shape *s,
		      const char *word)
{
	bool has_ports = s->has_ports && random_once_in(d->r, 2);

	if (random_once_in(d->r, 3) && !has_ports)
		return;
	fprintf(d->out, " %s ", word);
	if (has_ports && random_once_in(d->r, 3)) {
		draw_ports(d);
		return;
	}
	draw_hosts(d, s->family);
	if (has_ports)
		draw_ports(d);
}

/* ---- the parts of a rule ----------------------------------------------- */

static void draw_on(struct drawing *d)
{
	uint32_t count = 2 + random_below(d->r, 2);

	switch (random_below(d->r, 8)) {
	case 0:
	case 1:
	case 2:
		fprintf(d->out, " on %s", random_pick(d->r, ifaces));
		break;
	case 3:
		fprintf(d->out, " on ! %s", random_pick(d->r, ifaces));
		break;
	case 4:
		fputs(" on {", d->out);
		for (uint32_t i = 0; i < count; i++)
			fprintf(d->out, " %s%s", bang(d),
				random_pick(d->r, ifaces));
		fputs(" }", d->out);
		break;
	case 5:
		fputs(" on any", d->out);
		break;
	default:
		break;
	}
}

static void draw_proto(struct drawing *d, struct shape *s)
{
	static const char *const others[] = {"gre",
					     "esp",
					     "89",
					     "132",
					     "{ 47 esp }",
					     "{ tcp 50 }",
					     "{ udp tcp gre }",
					     "255"};

	switch (random_below(d->r, 8)) {
	case 0:
	case 1:
		fputs(" proto tcp", d->out);
		s->has_ports = s->is_tcp = true;
		break;
	case 2:
	case 3:
		fputs(" proto udp", d->out);
		s->has_ports = true;
		break;
	case 4:
		fputs(" proto { tcp, udp }", d->out);
		s->has_ports = true;
		break;
	case 5:
		if (s->family != FAMILY_ANY) {
			fputs(s->family == FAMILY_IPV4 ? " proto icmp"
						       : " proto icmp6",
			      d->out);
			s->is_icmp = true;
			break;
		}
		/* fall through */
	case 6:
		fprintf(d->out, " proto %s", random_pick(d->r, others));
		break;
	default:
		s->is_tcp = true;
	}
}

static void draw_icmp(struct drawing *d, enum addr_family family)
{
	uint32_t count = 1 + random_below(d->r, 2);

	fputs(family == FAMILY_IPV4 ? " icmp-type {" : " icmp6-type {", d->out);
	for (uint32_t i = 0; i < count; i++) {
		fprintf(d->out, " %u", pool_icmp_type(d->r, family));
		if (random_once_in(d->r, 2))
			fprintf(d->out, " code %u", random_below(d->r, 3));
	}
	fputs(" }", d->out);
}

/* What any rule, and any anchor, may ask of a packet beside. */
static void draw_criteria(struct drawing *d, const struct shape *s)
{
	static const char *const toses[] = {"0x10", "0x11", "0xb8", "0",
					    "lowdelay"};

	if (random_once_in(d->r, 8))
		fprintf(d->out, " tos %s", random_pick(d->r, toses));
	if (random_once_in(d->r, 8))
		fprintf(d->out, " %sreceived-on %s", bang(d),
			random_pick(d->r, ifaces));
	if (!s->has_ports && !s->is_icmp && !s->is_tcp &&
	    random_once_in(d->r, 8))
		fputs(" fragment", d->out);
}

static void draw_options(struct drawing *d, const struct shape *s, bool is_pass)
{
	static const char *const flags[] = {
		"any", "S/SA", "/SFRA", "A/A", "SA/SA", "/FSRPAUEW", "FPU/FPU"};
	uint32_t state = random_below(d->r, 4);

	if (s->is_icmp && random_once_in(d->r, 2))
		draw_icmp(d, s->family);
	if (s->is_tcp && random_once_in(d->r, 3))
		fprintf(d->out, " flags %s", random_pick(d->r, flags));
	draw_criteria(d, s);
	if (is_pass && random_once_in(d->r, 3))
		fputs(" allow-opts", d->out);
	if (is_pass && state < 2)
		fputs(state ? " keep state" : " no state", d->out);
	if (random_once_in(d->r, 8))
		fprintf(d->out, " label \"l%u\"", random_below(d->r, 4));
}

/* From the interface to the addresses; what follows has to agree with it. */
static void draw_head(struct drawing *d, struct shape *s)
{
	draw_on(d);
	if (!random_once_in(d->r, 3)) {
		s->family = draw_family(d);
		if (random_once_in(d->r, 2))
			fputs(s->family == FAMILY_IPV4 ? " inet" : " inet6",
			      d->out);
	}
	draw_proto(d, s);
	if (random_once_in(d->r, 6)) {
		fputs(" all", d->out);
	} else {
		draw_side(d, s, "from");
		draw_side(d, s, "to");
	}
}

static void draw_rules(struct drawing *d, uint32_t count);

static void draw_anchor(struct drawing *d)
{
	static const char *const heads[] = {
		"", " in", " out", " quick", " in quick", "", ""};
	struct shape s = {.family = FAMILY_ANY};

	fprintf(d->out, "anchor \"a%u\"%s", random_below(d->r, 1000),
		random_pick(d->r, heads));
	/* Lists of anchors in anchors would make too many rules of one. */
	if (d->depth == 0 && random_once_in(d->r, 2))
		draw_head(d, &s);
	draw_criteria(d, &s);
	fputs(" {\n", d->out);
	d->depth++;
	draw_rules(d, random_below(d->r, 4));
	d->depth--;
	fputs("}\n", d->out);
}

/* What is beside the headers; every test packet has the mark 0. */
static void draw_beside(struct drawing *d)
{
	static const char *const marks[] = {"0", "1", "0/0xff", "4/0x10004",
					    "{ 2 0x10000/0x30000 0 }"};
	static const char *const tags[] = {"A", "B", "C"};

	if (random_once_in(d->r, 6))
		fprintf(d->out, " probability 100%%");
	if (random_once_in(d->r, 5))
		fprintf(d->out, " tag %s", random_pick(d->r, tags));
	if (random_once_in(d->r, 5))
		fprintf(d->out, " %stagged %s", bang(d),
			random_pick(d->r, tags));
	if (random_once_in(d->r, 9))
		fprintf(d->out, " mark %s", random_pick(d->r, marks));
}

static void draw_match(struct drawing *d)
{
	static const char *const dirs[] = {"", " in", " out"};
	struct shape s = {.family = FAMILY_ANY};

	fprintf(d->out, "match%s", random_pick(d->r, dirs));
	if (random_once_in(d->r, 6))
		fputs(" log", d->out);
	if (random_once_in(d->r, 8))
		fputs(" quick", d->out);
	draw_head(d, &s);
	draw_beside(d);
	fputs("\n", d->out);
}

static void draw_rule(struct drawing *d)
{
	static const char *const dirs[] = {"", " in", " out"};
	bool is_pass = !random_once_in(d->r, 3);
	struct shape s = {.family = FAMILY_ANY};

	if (d->has_matches && random_once_in(d->r, 3)) {
		draw_match(d);
		return;
	}
	fputs(is_pass ? "pass" : "block", d->out);
	if (!is_pass && random_once_in(d->r, 4))
		fputs(" drop", d->out);
	fputs(random_pick(d->r, dirs), d->out);
	if (random_once_in(d->r, 6))
		fputs(" log", d->out);
	if (random_once_in(d->r, 4))
		fputs(" quick", d->out);
	draw_head(d, &s);
	draw_options(d, &s, is_pass);
	if (d->has_matches)
		draw_beside(d);
	fputs("\n", d->out);
}

static void draw_rules(struct drawing *d, uint32_t count)
{
	for (; count > 0; count--)
		if (d->depth < 3 && random_once_in(d->r, 8))
			draw_anchor(d);
		else
			draw_rule(d);
}

/* ---- the other statements ---------------------------------------------- */

/* With the others of the pool it may be all of a family. */
static bool is_wide(const char *prefix)
{
	const char *slash = strchr(prefix, '/');

	return slash &&
	       (strcmp(slash, "/0") == 0 || strcmp(prefix, "0.0.0.0/1") == 0);
}

/* No prefix twice: once negated and once not would be a contradiction. */
static void draw_table(struct drawing *d)
{
	static const char *const kinds[] = {"", " const", " persist"};
	const char *seen[TABLE_ENTRIES_MAX];
	uint32_t count = 1 + random_below(d->r, TABLE_ENTRIES_MAX);

	fprintf(d->out, "table <t%u>%s {", d->tables++,
		random_pick(d->r, kinds));
	for (uint32_t i = 0; i < count; i++) {
		bool is_new = true;

		seen[i] = pool_prefix(d->r, draw_family(d));
		for (uint32_t k = 0; k < i; k++)
			is_new = is_new && seen[k] != seen[i];
		if (is_new)
			fprintf(d->out, " %s%s", i > 0 ? bang(d) : "", seen[i]);
		if (d->tables == 1 && is_wide(seen[i]))
			d->is_wide = true;
	}
	fputs(" }\n", d->out);
}

/* A tunnel that excludes all of a family, of every protocol, is refused. */
static void draw_destinations(struct drawing *d, bool is_include)
{
	static const char *const protos[] = {"", "proto tcp ", "proto udp ",
					     "proto { tcp udp } "};
	const char *proto = random_pick(d->r, protos);
	enum addr_family family = draw_family(d);
	bool takes_all = is_include || *proto;
	const char *prefix;

	fprintf(d->out, "\t%s %sto ", is_include ? "include" : "exclude",
		proto);
	do
		prefix = pool_prefix(d->r, family);
	while (!takes_all && is_wide(prefix));
	if (d->tables > 0 && (takes_all || !d->is_wide) &&
	    random_once_in(d->r, 2))
		fputs("<t0>", d->out);
	else
		fputs(prefix, d->out);
	if (*proto && random_once_in(d->r, 2))
		fprintf(d->out, " port %u", pool_random_port(d->r));
	fputs("\n", d->out);
}

static void draw_lan(struct drawing *d)
{
	static const char *const words[] = {"mdns", "ssdp llmnr",
					    "llmnr wsd mdns ssdp"};

	if (random_once_in(d->r, 2))
		fputs("\texclude lan\n", d->out);
	if (random_once_in(d->r, 2))
		fprintf(d->out, "\texclude discovery %s\n",
			random_pick(d->r, words));
}

static void draw_portal(struct drawing *d)
{
	fputs(random_once_in(d->r, 2) ? "\tportal on eth0\n"
				      : "\tportal on eth0 user root\n",
	      d->out);
}

static void draw_link(struct drawing *d)
{
	static const char *const words[] = {"arp", "ndp", "dhcp", "eapol",
					    "proxy"};
	uint32_t chosen = 1 + random_below(d->r, 31);

	fputs("\tlink", d->out);
	for (unsigned i = 0; i < 5; i++)
		if (chosen & 1u << i)
			fprintf(d->out, " %s", words[i]);
	fputs("\n", d->out);
}

static void draw_tunnel(struct drawing *d)
{
	static const char *const over[] = {"any", "eth0", "{ eth0 eth1 }"};
	static const char *const resolvers[] = {"10.0.0.1", "fd00::1",
						"{ 10.0.0.2 fd00::2 }"};
	bool is_split = random_once_in(d->r, 2);
	bool is_include = is_split && random_once_in(d->r, 2);

	fprintf(d->out, "tunnel wg0 over %s {\n", random_pick(d->r, over));
	fprintf(d->out, "\ttransport proto udp to %s port 51820\n",
		random_once_in(d->r, 3) ? "2001:db8::1" : "198.51.100.7");
	if (is_split)
		for (uint32_t i = 1 + random_below(d->r, 3); i > 0; i--)
			draw_destinations(d, is_include);
	if (!is_include)
		draw_lan(d);
	if (random_once_in(d->r, 3))
		draw_portal(d);
	if (random_once_in(d->r, 2))
		fprintf(d->out, "\tdns %s\n", random_pick(d->r, resolvers));
	if (random_once_in(d->r, 2))
		draw_link(d);
	fputs("}\n", d->out);
}

static void draw_policy(struct drawing *d)
{
	uint32_t rules =
		1 + random_below(d->r, random_once_in(d->r, 4) ? 40 : 8);
	bool has_tunnel = random_once_in(d->r, 2);

	if (random_once_in(d->r, 4))
		fprintf(d->out, "set default %s\n",
			random_once_in(d->r, 2) ? "pass" : "block");
	fputs("nets = \"{ 10.0.0.0/8 fd00::/8 ! 2001:db8::/64 }\"\n"
	      "ports = \"{ 22 80 443 5353 }\"\n",
	      d->out);
	for (uint32_t i = random_below(d->r, TABLES_MAX + 1); i > 0; i--)
		draw_table(d);
	if (has_tunnel)
		draw_tunnel(d);
	d->has_matches = random_once_in(d->r, 2);
	draw_rules(d, rules);
	/* Much for the guard to decide. */
	if (has_tunnel && random_once_in(d->r, 2))
		fputs("pass out all allow-opts\n", d->out);
}

char *random_policy(struct random *r)
{
	struct drawing d = {.r = r};
	char *text = NULL;
	size_t len;

	d.out = open_memstream(&text, &len);
	if (!d.out)
		abort();
	draw_policy(&d);
	if (fclose(d.out) != 0)
		abort();
	return text;
}
