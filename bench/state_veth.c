/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state_veth.c: established and new flows between namespaces, under no
 * filter, nfr and nftables in turn -> a line a case.
 *
 * Each filter has a lab of its own, all of the time; every round runs each
 * case once in each lab. A packet that does not arrive, or a flow without a
 * state, ends the measurement: a figure of lost packets says nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "burst.h"
#include "line.h"
#include "state.h"

#define CALIBRATION 500u

static const struct {
	enum lab_peer peer;
	enum lab_side side;
} plans[] = {
	{LAB_NONE, LAB_FAR},   {LAB_PARSE, LAB_FAR}, {LAB_NFR, LAB_FAR},
	{LAB_NFR_TC, LAB_FAR}, {LAB_NFT, LAB_FAR},   {LAB_NFR, LAB_NEAR},
	{LAB_NFT, LAB_NEAR},
};
#define LABS (sizeof(plans) / sizeof(*plans))

static const struct kind {
	const char *set, *trace;
	__u8 proto;
	bool is_new;
} kinds[] = {
	{"flow-udp", "same", CRAFT_UDP, false},
	{"flow-tcp", "advance", CRAFT_TCP, false},
	{"new-udp", "new", CRAFT_UDP, true},
	{"new-tcp", "new", CRAFT_TCP, true},
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

struct veth_case {
	unsigned packets; /* a round; 0: not known yet */
	struct series ns, passed, states;
};

struct bench {
	const struct settings *settings;
	struct lab labs[LABS];
	struct ends ends[LABS][2];
	struct veth_case cases[KINDS][2][LABS];
	char *error;
};

static bool is_there(const struct bench *b, unsigned family, size_t lab)
{
	return (b->settings->family < 0 ||
		(unsigned)b->settings->family == family) &&
	       (plans[lab].peer != LAB_NFT ||
		(b->settings->peers & BENCH_PEER_NFT));
}

/* From the end: a peer that is missing says so before nfr is loaded. */
static int open_labs(struct bench *b)
{
	bool is_first;
	int ret = lab_begin(b->error);

	for (size_t i = LABS; i-- > 0 && !ret;) {
		if (plans[i].peer == LAB_NFT &&
		    !(b->settings->peers & BENCH_PEER_NFT))
			continue;
		ret = lab_new(plans[i].peer, plans[i].side, b->settings->loop,
			      (unsigned)i, NULL, &b->labs[i], b->error);
		for (unsigned f = 0; f < 2 && !ret; f++)
			ret = ends_open(&b->labs[i],
					f ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
					&b->ends[i][f], b->error);
	}
	if (!ret)
		ret = burst_pin(&is_first, b->error);
	if (!ret && !is_first)
		fputs("nfbench: no SCHED_FIFO here: other programs take "
		      "turns\n",
		      stderr);
	return ret;
}

static bool lab_has_states(const struct lab *lab)
{
	return lab->peer != LAB_NONE && lab->peer != LAB_PARSE;
}

static int not_all(const struct bench *b, const struct kind *kind,
		   const struct lab *lab, const struct burst *burst,
		   uint64_t states, unsigned packets)
{
	uint64_t want = !lab_has_states(lab) ? 0 : kind->is_new ? packets : 1;

	if (burst->passed >= packets - packets / 1000 &&
	    states >= want - want / 1000 && states <= want + want / 1000 + 8)
		return 0;
	snprintf(b->error, MEASURE_ERROR_MAX,
		 "%s under %s (%s): of %u packets %llu arrived, with %llu "
		 "states",
		 kind->set, lab->engine_name, lab->hook, packets,
		 (unsigned long long)burst->passed, (unsigned long long)states);
	return -EBADE;
}

/* The round before the first one calibrates: packets that fill the time. */
static int measure_case(struct bench *b, const struct kind *kind,
			unsigned family, size_t lab_index)
{
	struct veth_case *c = &b->cases[kind - kinds][family][lab_index];
	const struct lab *lab = &b->labs[lab_index];
	unsigned packets = c->packets ? c->packets : CALIBRATION;
	struct burst burst = {0};
	uint64_t states = 0;
	double ns;
	int ret = lab_enter(lab, lab->side, b->error);

	if (!ret)
		ret = lab_forget(lab, b->error);
	if (!ret)
		ret = burst_send(&b->ends[lab_index][family], kind->proto,
				 kind->is_new, packets, &burst, b->error);
	if (!ret)
		ret = lab_states(lab, &states, b->error);
	if (!ret)
		ret = not_all(b, kind, lab, &burst, states, packets);
	if (ret)
		return ret;
	ns = (double)burst.elapsed_ns / packets;
	if (c->packets) {
		series_add(&c->ns, ns);
		series_add(&c->passed, (double)burst.passed);
		series_add(&c->states, (double)states);
	} else {
		c->packets = kind->is_new ? b->settings->flows
					  : measure_repeat(b->settings->ms, ns);
		if (c->packets > BURST_MAX)
			c->packets = BURST_MAX;
	}
	return 0;
}

static int measure_round(struct bench *b)
{
	for (size_t i = 0; i < KINDS * 2 * LABS; i++) {
		unsigned family = i / LABS % 2;
		size_t lab = i % LABS;
		int ret = 0;

		if (is_there(b, family, lab))
			ret = measure_case(b, &kinds[i / LABS / 2], family,
					   lab);
		if (ret)
			return ret;
	}
	return 0;
}

static int print_case(const struct bench *b, const struct machine *m,
		      const struct kind *kind, unsigned family, size_t lab)
{
	const struct veth_case *c = &b->cases[kind - kinds][family][lab];
	const struct veth_case *none = &b->cases[kind - kinds][family][0];
	struct line line = {
		.set = kind->set,
		.rules = !lab_has_states(&b->labs[lab]) ? 0
			 : plans[lab].peer == LAB_NFT	? 2
							: 1,
		.family = family ? "inet6" : "inet",
		.engine = b->labs[lab].engine_name,
		.hook = b->labs[lab].hook,
		.trace = kind->trace,
		.floor = &none->ns,
		.ns = &c->ns,
		.rounds = b->settings->rounds,
		.load_ms = b->labs[lab].load_ms,
		.bytes = b->labs[lab].bytes,
		.is_veth = true,
		.packets = c->packets,
		.passed = series_spread(&c->passed).median,
		.states = kind->is_new ? series_spread(&c->states).median : 0,
	};

	return line_print(&line, b->settings->is_json, m);
}

static int print(const struct bench *b, const struct machine *m)
{
	int ret = 0;

	if (!b->settings->is_json)
		line_print_header(true);
	for (size_t i = 0; i < KINDS * 2 * LABS && !ret; i++)
		if (is_there(b, i / LABS % 2, i % LABS))
			ret = print_case(b, m, &kinds[i / LABS / 2],
					 i / LABS % 2, i % LABS);
	return ret;
}

int bench_state_veth(const struct settings *settings, const struct machine *m,
		     char error[MEASURE_ERROR_MAX])
{
	struct bench *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	b->settings = settings;
	b->error = error;
	for (size_t i = 0; i < LABS; i++) {
		b->labs[i].ns[0] = b->labs[i].ns[1] = -1;
		for (unsigned f = 0; f < 2; f++)
			b->ends[i][f] = (struct ends){
				.send = {-1, -1}, .sink = {{-1, -1}, {-1, -1}}};
	}
	ret = open_labs(b);
	for (unsigned round = 0; !ret && round <= settings->rounds; round++)
		ret = measure_round(b);
	if (!ret)
		ret = print(b, m);
	for (size_t i = 0; i < LABS; i++) {
		for (unsigned f = 0; f < 2; f++)
			ends_close(&b->ends[i][f]);
		lab_free(&b->labs[i]);
	}
	free(b);
	return ret;
}
