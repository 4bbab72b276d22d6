/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peers.c: a set of filters in nfr, nftables and iptables -> packets a second
 * between namespaces, a line a case.
 *
 * Two packets, neither of which a filter takes, so that who walks them walks
 * all: one that the last rule passes, to a socket, and one that nothing passes.
 * Filters that would take either are left out before anybody gets the set. Each
 * filter has a lab of its own all of the time, every round runs each once.
 * Packets that do not go that way end the measurement.
 */
#include "peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "burst.h"
#include "clock.h"
#include "inject.h"
#include "line.h"
#include "peers_text.h"
#include "sink.h"

/* The ring between the two ends has room for 256. */
#define PACKETS_MIN 1000u
#define PACKETS_MAX 1000000u
#define PORT_NEAR 20000
#define PORT_BLOCKED (BENCH_PORT + 1)
#define NAP_NS 100000
#define NAPS 10000 /* a second of them */

static const struct plan {
	enum lab_peer peer;
	unsigned wanted; /* BENCH_PEER_BIT; 0: always */
} plans[] = {
	{LAB_NONE, 0},
	{LAB_PARSE, 0},
	{LAB_NFR, 0},
	{LAB_NFR_TC, 0},
	{LAB_NFT, BENCH_PEER_NFT},
	{LAB_NFT_MAP, BENCH_PEER_NFT},
	{LAB_NFT_INGRESS, BENCH_PEER_NFT},
	{LAB_IPTABLES, BENCH_PEER_IPTABLES},
};
#define PLANS (sizeof(plans) / sizeof(*plans))
enum { PLAN_NONE, PLAN_PARSE, PLAN_XDP, PLAN_TC };

enum kind { KIND_PASSED, KIND_BLOCKED, KINDS };
static const struct {
	const char *name;
	uint16_t port;
	unsigned floor; /* the plan */
} kinds[KINDS] = {
	{"passed", BENCH_PORT, PLAN_NONE},
	/* Somebody has to block it. */
	{"blocked", PORT_BLOCKED, PLAN_PARSE},
};

struct peer_case {
	bool is_there;
	unsigned rules;
	struct lab lab;
	int sink[KINDS];
	unsigned packets[KINDS]; /* a round; 0: not known yet */
	struct series ns[KINDS];
};

struct bench {
	const struct settings *settings;
	struct inject inject;
	struct peer_case cases[SETTINGS_SETS_MAX][PLANS];
	char *error;
};

/* ---- sets -------------------------------------------------------------- */

static bool takes_ours(const struct filter *f)
{
	struct filters one = {.items = (struct filter *)f, .count = 1};
	struct bench_header4 h = {.src = LAB_NEAR4_NUMBER,
				  .dst = LAB_FAR4_NUMBER,
				  .sport = PORT_NEAR,
				  .proto = CRAFT_UDP};
	bool takes = false;

	for (unsigned kind = 0; kind < KINDS; kind++) {
		h.dport = kinds[kind].port;
		takes |= filters_find(&one, &h) != FILTERS_NONE;
	}
	return takes;
}

/* Number 0 is "any" to iptables. */
static size_t leave_out(struct filters *set, unsigned rules)
{
	size_t kept = 0, out = 0;

	for (size_t i = 0; i < set->count && kept + 1 < rules; i++)
		if (takes_ours(&set->items[i]) ||
		    (set->items[i].has_proto && set->items[i].proto == 0))
			out++;
		else
			set->items[kept++] = set->items[i];
	set->count = kept;
	return out;
}

static void rules_free_texts(struct lab_rules *rules)
{
	free(rules->nft);
	free(rules->nft_map);
	free(rules->nft_ingress);
	free(rules->iptables);
	*rules = (struct lab_rules){0};
}

static int make_texts(const struct filters *set, struct lab_rules *out,
		      char error[MEASURE_ERROR_MAX])
{
	out->nft = peers_nft(set);
	out->nft_map = peers_nft_map(set);
	out->nft_ingress = peers_nft_ingress(set);
	out->iptables = peers_iptables(set);
	if (out->nft && out->nft_map && out->nft_ingress && out->iptables)
		return 0;
	snprintf(error, MEASURE_ERROR_MAX, "not enough memory");
	return -ENOMEM;
}

static int compile(const struct filters *set, struct compilation **out,
		   struct image *image, char error[MEASURE_ERROR_MAX])
{
	size_t len = 0;
	char *text = peers_nfr(set, &len);
	int ret = filters_compile_text(text, len, POLICY_FORM_AUTO, out, image,
				       error);

	free(text);
	return ret;
}

/* ---- labs -------------------------------------------------------------- */

static int open_sinks(struct peer_case *c, char error[MEASURE_ERROR_MAX])
{
	int ret = inject_ready(&c->lab, error);

	for (unsigned kind = 0; kind < KINDS && !ret; kind++)
		ret = sink_open(NFR_FAMILY_IPV4, LAB_CABLE, LAB_FAR,
				kinds[kind].port, SOCK_DGRAM, &c->sink[kind],
				error);
	return ret;
}

/* 1: it is not there and need not be. */
static int open_case(struct bench *b, const struct plan *plan, unsigned number,
		     const struct lab_rules *rules, struct peer_case *c)
{
	unsigned peers = b->settings->peers;
	int ret;

	if (plan->wanted && !(peers & plan->wanted))
		return 1;
	ret = lab_new(plan->peer, LAB_FAR, b->settings->loop, number, rules,
		      &c->lab, b->error);
	if (ret == -EINVAL && plan->peer == LAB_NFT_MAP) {
		fprintf(stderr,
			"nfbench: %u rules: nft refuses them as a map, whose "
			"keys must not overlap: not measured\n",
			c->rules);
		return 1;
	}
	if (ret == -ENOENT && plan->wanted && peers & BENCH_PEER_IF_THERE) {
		fprintf(stderr, "nfbench: %s: not measured\n", b->error);
		return 1;
	}
	return ret ? ret : open_sinks(c, b->error);
}

/* From the end: a peer that is missing says so before nfr is loaded. */
static int open_cases(struct bench *b, unsigned set, struct lab_rules *rules,
		      unsigned count)
{
	int ret = 0;

	for (unsigned i = PLANS; i-- > 0 && ret >= 0;) {
		struct peer_case *c = &b->cases[set][i];

		c->rules = count;
		ret = open_case(b, &plans[i], set * PLANS + i, rules, c);
		c->is_there = ret == 0;
	}
	return ret < 0 ? ret : 0;
}

static int open_set(struct bench *b, unsigned set)
{
	unsigned want = b->settings->rules[set];
	struct compilation *compilation = NULL;
	struct lab_rules rules = {0};
	struct filters filters = {0};
	struct image image;
	double compile_ms;
	uint64_t start;
	size_t out;
	int ret = filters_read(b->settings->set, want, b->settings->trace,
			       &filters, b->error);

	if (!ret) {
		out = leave_out(&filters, want);
		if (out)
			fprintf(stderr,
				"nfbench: %u rules: %zu filters take a "
				"packet and are left out\n",
				want, out);
		ret = make_texts(&filters, &rules, b->error);
	}
	start = clock_now_ns();
	if (!ret)
		ret = compile(&filters, &compilation, &image, b->error);
	compile_ms = clock_ms_since(start);
	if (!ret) {
		rules.image = &image;
		ret = open_cases(b, set, &rules, (unsigned)filters.count + 1);
		b->cases[set][PLAN_XDP].lab.load_ms += compile_ms;
		b->cases[set][PLAN_TC].lab.load_ms += compile_ms;
	}
	compile_free(&compilation);
	rules_free_texts(&rules);
	filters_free(&filters);
	return ret;
}

/* ---- rounds ------------------------------------------------------------ */

static void packet_of(enum kind kind, struct craft *c)
{
	*c = (struct craft){.family = NFR_FAMILY_IPV4,
			    .proto = CRAFT_UDP,
			    .src = {10, 99, 0, 1},
			    .dst = {10, 99, 0, 2},
			    .sport = PORT_NEAR,
			    .dport = kinds[kind].port,
			    .data_len = 18};
}

/* A busy machine leaves some to ksoftirqd, which runs when we sleep. */
static int wait_taken(const struct lab *lab, uint64_t before, unsigned packets,
		      uint64_t *taken, char error[MEASURE_ERROR_MAX])
{
	const struct timespec nap = {.tv_nsec = NAP_NS};
	uint64_t now = 0;
	int ret = inject_taken(lab, &now, error);

	for (int i = 0; !ret && now - before < packets && i < NAPS; i++) {
		nanosleep(&nap, NULL);
		ret = inject_taken(lab, &now, error);
	}
	*taken = now - before;
	return ret;
}

static int send_packets(struct bench *b, struct peer_case *c, enum kind kind,
			unsigned packets, double *ns)
{
	uint64_t taken_before = 0, taken = 0, passed = 0;
	uint32_t before = 0;
	struct craft packet;
	int ret = sink_count(c->sink[kind], &before, b->error);

	packet_of(kind, &packet);
	if (!ret)
		ret = inject_taken(&c->lab, &taken_before, b->error);
	if (!ret)
		ret = inject_send(&b->inject, &c->lab, &packet, packets, ns,
				  b->error);
	if (!ret)
		ret = wait_taken(&c->lab, taken_before, packets, &taken,
				 b->error);
	if (!ret)
		ret = sink_wait(c->sink[kind], before,
				kind == KIND_PASSED ? packets : 0, &passed,
				b->error);
	if (ret)
		return ret;
	if (taken >= packets && passed == (kind == KIND_PASSED ? packets : 0))
		return 0;
	snprintf(b->error, MEASURE_ERROR_MAX,
		 "%s, %u rules under %s (%s): of %u packets %llu came and %llu "
		 "passed",
		 kinds[kind].name, c->rules, c->lab.engine_name, c->lab.hook,
		 packets, (unsigned long long)taken,
		 (unsigned long long)passed);
	return -EBADE;
}

static bool is_measured(const struct peer_case *c, enum kind kind)
{
	return c->is_there && (kind == KIND_PASSED || c->lab.peer != LAB_NONE);
}

/* The round before the first one calibrates: packets that fill the time. */
static int measure_case(struct bench *b, struct peer_case *c, enum kind kind)
{
	unsigned *packets = &c->packets[kind];
	double ns = 0;
	int ret = send_packets(b, c, kind, *packets ? *packets : PACKETS_MIN,
			       &ns);

	if (ret)
		return ret;
	if (*packets) {
		series_add(&c->ns[kind], ns);
		return 0;
	}
	*packets = measure_repeat(b->settings->ms, ns);
	if (*packets < PACKETS_MIN)
		*packets = PACKETS_MIN;
	if (*packets > PACKETS_MAX)
		*packets = PACKETS_MAX;
	return 0;
}

static int measure_round(struct bench *b)
{
	int ret = 0;

	for (unsigned set = 0; set < b->settings->rules_count; set++)
		for (unsigned i = 0; i < KINDS * PLANS && !ret; i++) {
			struct peer_case *c = &b->cases[set][i % PLANS];
			enum kind kind = (enum kind)(i / PLANS);

			if (is_measured(c, kind))
				ret = measure_case(b, c, kind);
		}
	return ret;
}

static int measure(struct bench *b)
{
	bool is_first;
	int ret = burst_pin(&is_first, b->error);

	if (!ret && !is_first)
		fputs("nfbench: no SCHED_FIFO here: other programs take "
		      "turns\n",
		      stderr);
	for (unsigned round = 0; !ret && round <= b->settings->rounds; round++)
		ret = measure_round(b);
	return ret;
}

/* ---- lines ------------------------------------------------------------- */

static int print_case(const struct bench *b, const struct machine *m,
		      const struct peer_case *set, unsigned plan,
		      enum kind kind)
{
	const struct peer_case *c = &set[plan];
	const struct series *ns = &c->ns[kind];
	const struct series *floor = &set[kinds[kind].floor].ns[kind];
	struct line line = {
		.set = b->settings->set,
		.rules = c->rules,
		.family = "inet",
		.engine = c->lab.engine_name,
		.hook = c->lab.hook,
		.trace = kinds[kind].name,
		.floor = floor,
		.ns = ns,
		.rounds = b->settings->rounds,
		.load_ms = c->lab.load_ms,
		.bytes = c->lab.bytes,
		.is_veth = true,
		.packets = c->packets[kind],
		.passed = kind == KIND_PASSED ? c->packets[kind] : 0,
	};

	return line_print(&line, b->settings->is_json, m);
}

/* How many times the peer's packets a second, by the rounds. */
static double times(const struct peer_case *peer, const struct peer_case *own,
		    enum kind kind)
{
	return series_ratio(&peer->ns[kind], &own->ns[kind]).median;
}

/* Beside nfr's what the lab can show at most: its floor. */
static void print_times(const struct peer_case *set, enum kind kind)
{
	const struct peer_case *floor = &set[kinds[kind].floor];

	for (unsigned i = 0; i < PLANS; i++) {
		const struct peer_case *c = &set[i];

		if (!c->is_there || !plans[i].wanted)
			continue;
		printf("%s, %u rules: of %s's (%s) packets a second nfr has "
		       "%.2f times (%s) and %.2f times (%s), %s %.2f times\n",
		       kinds[kind].name, c->rules, c->lab.engine_name,
		       c->lab.hook, times(c, &set[PLAN_XDP], kind),
		       set[PLAN_XDP].lab.hook, times(c, &set[PLAN_TC], kind),
		       set[PLAN_TC].lab.hook,
		       kind == KIND_PASSED ? "no filter" : "parsing alone",
		       times(c, floor, kind));
	}
}

static int print(const struct bench *b, const struct machine *m)
{
	unsigned count = b->settings->rules_count * KINDS;
	int ret = 0;

	if (!b->settings->is_json)
		line_print_header(true);
	for (unsigned i = 0; i < count * PLANS && !ret; i++) {
		const struct peer_case *set = b->cases[i / PLANS / KINDS];
		enum kind kind = (enum kind)(i / PLANS % KINDS);

		if (is_measured(&set[i % PLANS], kind))
			ret = print_case(b, m, set, i % PLANS, kind);
	}
	for (unsigned i = 0; i < count && !b->settings->is_json; i++)
		print_times(b->cases[i / KINDS], (enum kind)(i % KINDS));
	return ret;
}

int bench_peers(const struct settings *settings, const struct machine *m,
		char error[MEASURE_ERROR_MAX])
{
	struct bench *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	b->settings = settings;
	b->error = error;
	for (unsigned i = 0; i < SETTINGS_SETS_MAX * PLANS; i++) {
		struct peer_case *c = &b->cases[i / PLANS][i % PLANS];

		c->lab.ns[0] = c->lab.ns[1] = -1;
		c->sink[0] = c->sink[1] = -1;
	}
	ret = lab_begin(error);
	if (!ret)
		ret = inject_open(&b->inject, error);
	for (unsigned i = 0; i < settings->rules_count && !ret; i++)
		ret = open_set(b, i);
	if (!ret)
		ret = measure(b);
	if (!ret)
		ret = print(b, m);
	for (unsigned i = 0; i < SETTINGS_SETS_MAX * PLANS; i++) {
		struct peer_case *c = &b->cases[i / PLANS][i % PLANS];

		for (unsigned kind = 0; kind < KINDS; kind++)
			if (c->sink[kind] >= 0)
				close(c->sink[kind]);
		lab_free(&c->lab);
	}
	inject_close(&b->inject);
	free(b);
	return ret;
}
