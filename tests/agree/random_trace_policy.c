/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random_trace_policy.c: random numbers -> the texts of policies under which
 * most conversations pass, and which differ in a few rules.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/policy.h"
#include "random_trace.h"

#define LINES_MAX 24

/* What is the same in all policies of a trace. */
struct drawing {
	struct random *r;
	FILE *out;
	bool has_translation; /* then every pass keeps state */
	bool has_tags;
	bool has_routes;   /* with has_translation */
	bool has_overload; /* and no other limits */
};

static const char *pick(struct random *r, const char *const *words, size_t n)
{
	return words[random_below(r, (uint32_t)n)];
}
#define PICK(r, words) pick(r, words, sizeof(words) / sizeof(*(words)))

/* ---- options ---------------------------------------------------------------
 */

static void draw_options(struct drawing *d)
{
	if (!d->has_overload && random_once_in(d->r, 8))
		fprintf(d->out, "set limit states %u\n",
			2 + random_below(d->r, 8));
	if (random_once_in(d->r, 4))
		fputs("set timeout { tcp.first 5, tcp.established 60, "
		      "udp.single 7, udp.multiple 40, icmp.error 3 }\n",
		      d->out);
	if (random_once_in(d->r, 6))
		fputs("set default pass\n", d->out);
}

/* In every policy, with other members: a table changes while flows are on. */
static void draw_tables(struct drawing *d)
{
	static const char *const near[] = {
		"10.0.0.0/8 ! 10.0.0.3 fd00::/16", "10.0.0.2 192.168.1.77",
		"10.0.0.0/30 fd00::2 2001:db8::1", "10.0.0.3 fd00::/8"};
	static const char *const far[] = {
		"198.51.100.0/24 2001:db8:1::/48",
		"0.0.0.0/0 ! 203.0.113.0/24 203.0.113.9",
		"203.0.113.9 192.168.1.64 2001:db8::/32", "198.51.100.7"};

	fprintf(d->out, "table <near> { %s }\ntable <far> { %s }\n",
		PICK(d->r, near), PICK(d->r, far));
	if (d->has_overload)
		fputs(random_once_in(d->r, 3)
			      ? "table <bad> { 203.0.113.9 ! 198.51.100.7 }\n"
			      : "table <bad> persist\n",
		      d->out);
}

static void draw_tunnel(struct drawing *d)
{
	static const char *const clauses[] = {
		"", "\texclude to 198.51.100.0/24\n",
		"\texclude to 10.0.0.0/16\n\texclude to fd00::/16\n",
		"\tinclude to 203.0.113.0/24\n\tinclude to 2001:db8:1::/48\n"};

	fprintf(d->out,
		"tunnel wg0 over eth0 {\n"
		"\ttransport proto udp to 198.51.100.7 port 51820\n%s}\n",
		PICK(d->r, clauses));
}

/* ---- translation -----------------------------------------------------------
 */

static void draw_nat(struct drawing *d)
{
	static const char *const pools[] = {
		"192.168.1.77",
		"192.168.1.77 static-port",
		"192.168.1.77 port 2000:2003",
		"192.168.1.77 port 3000:3999",
		"{ 192.168.1.77 192.168.1.78 } round-robin",
		"192.168.1.72/30 source-hash",
		"192.168.1.72/30 random sticky-address",
		"192.168.1.72/30 bitmask static-port"};
	static const char *const pools6[] = {
		"2001:db8::1", "2001:db8::1 port 2000:2001",
		"2001:db8::10/126 source-hash", "2001:db8::1 static-port"};
	static const char *const protos[] = {"", "", "proto tcp ",
					     "proto { tcp udp } "};
	bool is_v6 = random_once_in(d->r, 3);

	fprintf(d->out, "match out on eth0 %s %sfrom %s to any nat-to %s\n",
		is_v6 ? "inet6" : "inet", PICK(d->r, protos),
		is_v6 ? "fd00::/8" : "10.0.0.0/8",
		is_v6 ? PICK(d->r, pools6) : PICK(d->r, pools));
}

static void draw_rdr(struct drawing *d)
{
	static const char *const pools[] = {"10.0.0.2",
					    "10.0.0.2 port 8080",
					    "10.0.0.10 port 22",
					    "10.0.0.2 port 8000:8002",
					    "10.0.0.3 port 50000:50019",
					    "{ 10.0.0.2 10.0.0.3 } round-robin",
					    "10.0.0.2/31 source-hash"};
	static const char *const pools6[] = {"fd00::2", "fd00::3 port 8080",
					     "fd00::3 port 8000:8001",
					     "fd00::2/127 source-hash"};
	static const char *const ports[] = {"port { 80 443 } ", "port 22:443 ",
					    "port > 79 ", ""};
	bool is_v6 = random_once_in(d->r, 3);

	fprintf(d->out,
		"match in on eth0 %s proto { tcp udp } to %s %srdr-to %s\n",
		is_v6 ? "inet6" : "inet",
		is_v6 ? "2001:db8::1" : "192.168.1.77", PICK(d->r, ports),
		is_v6 ? PICK(d->r, pools6) : PICK(d->r, pools));
}

static void draw_binat(struct drawing *d)
{
	if (random_once_in(d->r, 2))
		fputs("match on eth0 inet from 10.0.0.3 to any binat-to "
		      "192.168.1.79\n",
		      d->out);
	else
		fputs("match on eth0 inet from 10.0.0.0/28 to any binat-to "
		      "192.168.1.80/28\n",
		      d->out);
}

/* ---- rules -----------------------------------------------------------------
 */

/* Whoever is too many is a member from then on, and of what else. */
static void draw_overload(struct drawing *d)
{
	static const char *const limits[] = {
		"max-src-conn 1",
		"max-src-conn 2",
		"max-src-conn-rate 1/5",
		"max-src-conn-rate 2/60",
		"max-src-conn 1, max-src-conn-rate 2/30",
		"max-src-conn 1, source-track rule"};
	static const char *const tables[] = {"bad", "bad", "bad", "near"};
	static const char *const flushes[] = {"", " flush", " flush global"};

	fprintf(d->out, " keep state (%s, overload <%s>%s)", PICK(d->r, limits),
		PICK(d->r, tables), PICK(d->r, flushes));
}

static void draw_state(struct drawing *d)
{
	static const char *const options[] = {
		"sloppy",
		"tcp.first 9, udp.first 4",
		"floating",
		"if-bound",
		"max 3",
		"max-src-states 2",
		"max-src-nodes 1, floating",
		"max-src-conn 1",
		"max 4, max-src-nodes 2, max-src-states 3, tcp.established 5"};
	uint32_t n = random_below(d->r, 10);

	if (d->has_overload && n > 4) {
		draw_overload(d);
		return;
	}
	if (n < 5)
		return;
	if (n == 5 && !d->has_translation)
		fputs(" no state", d->out);
	else if (n < 8)
		fputs(" keep state", d->out);
	else
		fprintf(d->out, " keep state (%s)", PICK(d->r, options));
}

static void draw_proto(struct drawing *d, bool *is_tcp)
{
	static const char *const protos[] = {
		"tcp", "tcp", "udp", "{ tcp udp }", "icmp", "icmp6", "gre"};
	const char *word = PICK(d->r, protos);

	*is_tcp = strcmp(word, "tcp") == 0;
	if (strcmp(word, "icmp") == 0)
		fputs(" inet proto icmp", d->out);
	else if (strcmp(word, "icmp6") == 0)
		fputs(" inet6 proto icmp6", d->out);
	else
		fprintf(d->out, " proto %s", word);
	if (word[0] != '{' && !*is_tcp && strcmp(word, "udp") != 0)
		return;
	if (random_once_in(d->r, 3))
		fprintf(d->out, " to port %s",
			random_once_in(d->r, 2) ? "{ 80 443 8080 }" : "< 1024");
}

static void draw_hosts(struct drawing *d)
{
	static const char *const ends[] = {" from 10.0.0.0/8",
					   " to 198.51.100.0/24",
					   " from { 10.0.0.2 fd00::2 }",
					   " from fd00::/8",
					   " to ! 203.0.113.9",
					   " from 192.168.1.77",
					   " from <near>",
					   " to <far>",
					   " from <near> to <far>"};

	if (d->has_overload && random_once_in(d->r, 3)) {
		fputs(random_once_in(d->r, 4) ? " to <bad>" : " from <bad>",
		      d->out);
		return;
	}
	fputs(PICK(d->r, ends), d->out);
}

static void draw_tag(struct drawing *d)
{
	static const char *const tags[] = {"A", "B", "C"};

	if (d->has_tags && random_once_in(d->r, 3))
		fprintf(d->out, " tag %s", PICK(d->r, tags));
	if (d->has_tags && random_once_in(d->r, 4))
		fprintf(d->out, " %stagged %s",
			random_once_in(d->r, 4) ? "! " : "", PICK(d->r, tags));
}

static void draw_tagging(struct drawing *d)
{
	static const char *const ways[] = {"in", "in on eth1", "in on eth0",
					   "out", "on wg0"};

	fprintf(d->out, "match %s", PICK(d->r, ways));
	if (random_once_in(d->r, 2))
		draw_hosts(d);
	fprintf(d->out, " tag %s\n", random_once_in(d->r, 2) ? "A" : "B");
}

/* One hop, and its device: that is the rule's, or another one. */
static void draw_route(struct drawing *d)
{
	static const char *const hops[] = {"192.168.1.64@eth0",
					   "10.0.0.10@eth1", "10.1.0.9@wg0",
					   "192.168.1.65@eth0"};
	static const char *const hops6[] = {"2001:db8::7@eth0", "fd00::10@eth1",
					    "fd00::11@wg0"};
	static const char *const where[] = {"in on eth0", "in on eth1",
					    "in on wg0",  "out on eth0",
					    "in",	  "out on eth1"};
	static const char *const protos[] = {"", " proto tcp", " proto udp",
					     " proto tcp to port 80"};
	static const char *const orders[] = {"route-to", "reply-to", "dup-to"};
	bool is_v6 = random_once_in(d->r, 3);

	fprintf(d->out, "pass %s %s%s %s %s", PICK(d->r, where),
		is_v6 ? "inet6" : "inet", PICK(d->r, protos),
		PICK(d->r, orders),
		is_v6 ? PICK(d->r, hops6) : PICK(d->r, hops));
	if (random_once_in(d->r, 6))
		fputs(" keep state (floating)", d->out);
	fputs("\n", d->out);
}

static void draw_rule(struct drawing *d)
{
	static const char *const dirs[] = {"", " in", " out"};
	static const char *const devices[] = {"", "", " on eth0", " on eth1",
					      " on wg0"};
	bool is_pass = !random_once_in(d->r, 4), is_tcp = false;

	fprintf(d->out, "%s%s%s%s%s", is_pass ? "pass" : "block",
		PICK(d->r, dirs), random_once_in(d->r, 8) ? " log" : "",
		random_once_in(d->r, 6) ? " quick" : "", PICK(d->r, devices));
	if (random_once_in(d->r, 2))
		draw_proto(d, &is_tcp);
	else if (random_once_in(d->r, 2))
		draw_hosts(d);
	if (is_pass && is_tcp && random_once_in(d->r, 4))
		fputs(" flags any", d->out);
	if (is_pass && random_once_in(d->r, 3))
		fputs(" allow-opts", d->out);
	if (is_pass)
		draw_state(d);
	draw_tag(d);
	fputs("\n", d->out);
}

static void draw_base(struct drawing *d)
{
	static const char *const bases[] = {
		"pass", "pass",
		"block\npass in on eth1\npass out on { eth0 eth1 }",
		"block\npass proto tcp\npass proto udp",
		"pass flags any allow-opts"};

	fprintf(d->out, "%s\n", PICK(d->r, bases));
}

static char *draw_line(struct drawing *d, void (*draw)(struct drawing *))
{
	char *text = NULL;
	size_t len;

	d->out = open_memstream(&text, &len);
	if (!d->out)
		abort();
	draw(d);
	if (fclose(d->out) != 0)
		abort();
	return text;
}

/* ---- policies that are alike -----------------------------------------------
 */

struct lines {
	char *text[LINES_MAX];
	unsigned count;
};

static void add(struct lines *l, struct drawing *d,
		void (*draw)(struct drawing *))
{
	if (l->count < LINES_MAX)
		l->text[l->count++] = draw_line(d, draw);
}

static void draw_lines(struct drawing *d, struct lines *l)
{
	uint32_t rules = 1 + random_below(d->r, 6);

	add(l, d, draw_options);
	if (random_once_in(d->r, 6))
		add(l, d, draw_tunnel);
	if (d->has_translation) {
		for (uint32_t i = random_below(d->r, 3); i > 0; i--)
			add(l, d, draw_nat);
		for (uint32_t i = random_below(d->r, 3); i > 0; i--)
			add(l, d, draw_rdr);
		if (random_once_in(d->r, 4))
			add(l, d, draw_binat);
	}
	if (d->has_tags)
		for (uint32_t i = random_below(d->r, 3); i > 0; i--)
			add(l, d, draw_tagging);
	add(l, d, draw_base);
	while (rules-- > 0)
		add(l, d,
		    d->has_routes && random_once_in(d->r, 2) ? draw_route
							     : draw_rule);
}

/* All but a few lines, and perhaps one more. */
static char *draw_variant(struct drawing *d, const struct lines *l,
			  bool is_same)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		abort();
	d->out = out;
	draw_tables(d);
	for (unsigned i = 0; i < l->count; i++)
		if (is_same || !random_once_in(d->r, 8))
			fputs(l->text[i], out);
	if (!is_same && random_once_in(d->r, 2)) {
		char *line = draw_line(d, draw_rule);

		fputs(line, out);
		free(line);
	}
	if (fclose(out) != 0)
		abort();
	return text;
}

void random_trace_policies(struct random *r, char *texts[TRACE_POLICIES])
{
	struct drawing d = {.r = r};
	struct lines l = {.count = 0};

	d.has_translation = !random_once_in(r, 3);
	d.has_tags = random_once_in(r, 2);
	d.has_overload = random_once_in(r, 3);
	d.has_routes = d.has_translation && random_once_in(r, 2);
	draw_lines(&d, &l);
	for (unsigned i = 0; i < TRACE_POLICIES; i++)
		texts[i] = draw_variant(&d, &l, i == 0);
	for (unsigned i = 0; i < l.count; i++)
		free(l.text[i]);
}
