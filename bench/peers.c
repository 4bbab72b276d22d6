/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peers.c: a set of filters in nfr, nftables and iptables -> packets a second
 * between namespaces, a line a case.
 *
 * The packet is one that no filter takes but the last, which passes it: filters
 * that would take it are left out before anybody gets the set. Each filter has
 * a lab of its own all of the time, every round runs each once. Packets that do
 * not arrive end the measurement.
 */
#include "peers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burst.h"
#include "line.h"
#include "peers_text.h"

#define CALIBRATION 300u

static const struct plan {
	enum lab_peer peer;
	unsigned wanted; /* BENCH_PEER_BIT; 0: always */
} plans[] = {
	{LAB_NONE, 0},
	{LAB_NFR, 0},
	{LAB_NFR_TC, 0},
	{LAB_NFT, BENCH_PEER_NFT},
	{LAB_NFT_MAP, BENCH_PEER_NFT},
	{LAB_IPTABLES, BENCH_PEER_IPTABLES},
};
#define PLANS (sizeof(plans) / sizeof(*plans))

struct peer_case {
	bool is_there;
	unsigned rules, packets; /* packets a round; 0: not known yet */
	struct lab lab;
	struct ends ends;
	struct series ns, passed;
};

struct bench {
	const struct settings *settings;
	struct peer_case cases[SETTINGS_SETS_MAX][PLANS];
	char *error;
};

/* ---- sets -------------------------------------------------------------- */

/* The packets of burst.c. */
static bool takes_ours(const struct filter *f)
{
	struct filters one = {.items = (struct filter *)f, .count = 1};
	struct bench_header4 h = {.src = LAB_NEAR4_NUMBER,
				  .dst = LAB_FAR4_NUMBER,
				  .sport = BURST_PORT_NEAR,
				  .dport = BURST_PORT_FAR,
				  .proto = CRAFT_UDP};

	return filters_find(&one, &h) != FILTERS_NONE;
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
	free(rules->iptables);
	*rules = (struct lab_rules){0};
}

static int make_texts(const struct filters *set, struct lab_rules *out,
		      char error[MEASURE_ERROR_MAX])
{
	out->nft = peers_nft(set);
	out->nft_map = peers_nft_map(set);
	out->iptables = peers_iptables(set);
	if (out->nft && out->nft_map && out->iptables)
		return 0;
	snprintf(error, MEASURE_ERROR_MAX, "not enough memory");
	return -ENOMEM;
}

static int compile(const struct filters *set, struct compilation **out,
		   char error[MEASURE_ERROR_MAX])
{
	size_t len = 0;
	char *text = peers_nfr(set, &len);
	int ret = filters_compile_text(text, len, POLICY_FORM_AUTO, out, error);

	free(text);
	return ret;
}

/* ---- labs -------------------------------------------------------------- */

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
	return ret ? ret
		   : ends_open(&c->lab, NFR_FAMILY_IPV4, &c->ends, b->error);
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
	char why[IMAGE_ERROR_MAX] = "";
	size_t out;
	int ret = filters_read(b->settings->set, want, b->settings->trace,
			       &filters, b->error);

	if (!ret) {
		out = leave_out(&filters, want);
		if (out)
			fprintf(stderr,
				"nfbench: %u rules: %zu filters take the "
				"packet and are left out\n",
				want, out);
		ret = make_texts(&filters, &rules, b->error);
	}
	if (!ret)
		ret = compile(&filters, &compilation, b->error);
	if (!ret && image_open(compilation->image, compilation->image_len,
			       &image, why)) {
		snprintf(b->error, MEASURE_ERROR_MAX, "the image: %s", why);
		ret = -EINVAL;
	}
	if (!ret) {
		rules.image = &image;
		ret = open_cases(b, set, &rules, (unsigned)filters.count + 1);
	}
	compile_free(&compilation);
	rules_free_texts(&rules);
	filters_free(&filters);
	return ret;
}

/* ---- rounds ------------------------------------------------------------ */

/* The round before the first one calibrates: packets that fill the time. */
static int measure_case(struct bench *b, struct peer_case *c)
{
	unsigned packets = c->packets ? c->packets : CALIBRATION;
	struct burst burst = {0};
	double ns;
	int ret = lab_enter(&c->lab, LAB_FAR, b->error);

	if (!ret)
		ret = burst_send(&c->ends, CRAFT_UDP, false, packets, &burst,
				 b->error);
	if (ret)
		return ret;
	if (burst.passed < packets - packets / 1000) {
		snprintf(b->error, MEASURE_ERROR_MAX,
			 "%u rules under %s (%s): of %u packets %llu arrived",
			 c->rules, c->lab.engine_name, c->lab.hook, packets,
			 (unsigned long long)burst.passed);
		return -EBADE;
	}
	ns = (double)burst.elapsed_ns / packets;
	if (c->packets) {
		series_add(&c->ns, ns);
		series_add(&c->passed, (double)burst.passed);
		return 0;
	}
	c->packets = measure_repeat(b->settings->ms, ns);
	if (c->packets > BURST_MAX)
		c->packets = BURST_MAX;
	return 0;
}

static int measure_round(struct bench *b)
{
	int ret = 0;

	for (unsigned set = 0; set < b->settings->rules_count; set++)
		for (unsigned i = 0; i < PLANS && !ret; i++)
			if (b->cases[set][i].is_there)
				ret = measure_case(b, &b->cases[set][i]);
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
		      const struct peer_case *c, const struct peer_case *floor)
{
	struct line line = {
		.set = b->settings->set,
		.rules = c->rules,
		.family = "inet",
		.engine = c->lab.engine_name,
		.hook = c->lab.hook,
		.trace = "last",
		.floor = series_spread(&floor->ns),
		.ns = series_spread(&c->ns),
		.ratio = series_ratio(&c->ns, &floor->ns),
		.added = series_added(&c->ns, &floor->ns),
		.rounds = b->settings->rounds,
		.load_ms = c->lab.load_ms,
		.bytes = c->lab.bytes,
		.is_veth = true,
		.packets = c->packets,
		.passed = series_spread(&c->passed).median,
	};

	if (b->settings->is_json)
		return line_print_json(&line, m);
	line_print_row(&line);
	return 0;
}

/* How many times nfr's packets a second, by the rounds. */
static void print_times(const struct peer_case *cases)
{
	for (unsigned i = 0; i < PLANS; i++) {
		const struct peer_case *c = &cases[i];

		if (!c->is_there || !plans[i].wanted)
			continue;
		printf("%u rules: of %s's packets a second nfr has %.2f times "
		       "(%s) and %.2f times (%s)\n",
		       c->rules, c->lab.engine_name,
		       series_ratio(&c->ns, &cases[1].ns).median,
		       cases[1].lab.hook,
		       series_ratio(&c->ns, &cases[2].ns).median,
		       cases[2].lab.hook);
	}
}

static int print(const struct bench *b, const struct machine *m)
{
	int ret = 0;

	if (!b->settings->is_json)
		line_print_header(true);
	for (unsigned set = 0; set < b->settings->rules_count; set++)
		for (unsigned i = 0; i < PLANS && !ret; i++)
			if (b->cases[set][i].is_there)
				ret = print_case(b, m, &b->cases[set][i],
						 &b->cases[set][0]);
	for (unsigned set = 0; set < b->settings->rules_count && !ret; set++)
		if (!b->settings->is_json)
			print_times(b->cases[set]);
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
		c->ends = (struct ends){.send = {-1, -1},
					.sink = {{-1, -1}, {-1, -1}}};
	}
	ret = lab_begin(error);
	for (unsigned i = 0; i < settings->rules_count && !ret; i++)
		ret = open_set(b, i);
	if (!ret)
		ret = measure(b);
	if (!ret)
		ret = print(b, m);
	for (unsigned i = 0; i < SETTINGS_SETS_MAX * PLANS; i++) {
		ends_close(&b->cases[i / PLANS][i % PLANS].ends);
		lab_free(&b->cases[i / PLANS][i % PLANS].lab);
	}
	free(b);
	return ret;
}
