/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.c: a packet of an established flow, by test run, held against a
 * program that only parses the same packet -> a line a case.
 *
 * Every round runs each case, and right before it its floor. "same" is one
 * frame again and again; of "advance" a writer (bench.bpf.c) makes each frame
 * anew, with the next sequence number, and its floor is the writer and the
 * parser.
 */
#include "state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/policy.h"
#include "flow.h"
#include "line.h"
#include "workload.h"

#define CALIBRATION 2000

enum subject_kind { FLOOR, PLAIN, NAT, SUBJECTS };

static const struct kind {
	const char *set, *trace;
	__u8 proto;
	bool is_piece, is_written, is_nat;
} kinds[] = {
	{"tcp", "same", CRAFT_TCP, false, false, false},
	{"tcp", "advance", CRAFT_TCP, false, true, false},
	{"udp", "same", CRAFT_UDP, false, false, false},
	{"fragment", "same", CRAFT_UDP, true, false, false},
	{"nat-tcp", "advance", CRAFT_TCP, false, true, true},
	{"nat-udp", "written", CRAFT_UDP, false, true, true},
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))
#define CASES (KINDS * 2 * MEASURE_HOOKS)

struct state_case {
	const struct kind *kind;
	unsigned family; /* 0 inet, 1 inet6 */
	struct flow flow;
	uint32_t repeat[2]; /* of the floor, of the datapath */
	struct series floor, ns;
};

struct bench {
	const struct settings *settings;
	struct subject subjects[SUBJECTS];
	struct state_case cases[CASES];
	size_t case_count;
	char *error;
};

static int load_image(struct bench *b, enum subject_kind kind)
{
	struct workload w;
	int ret = kind == NAT ? workload_nat(&w) : workload_new(1, true, &w);

	if (ret)
		snprintf(b->error, MEASURE_ERROR_MAX,
			 "a policy does not make an image: %s", strerror(-ret));
	else
		ret = subject_image(&w.image, b->settings->loop,
				    &b->subjects[kind], b->error);
	workload_free(&w);
	return ret;
}

static int load_subjects(struct bench *b)
{
	int ret = subject_floor(&b->subjects[FLOOR], b->error);

	if (!ret)
		ret = load_image(b, PLAIN);
	if (!ret && feature_runs(FEATURE_NAT_TO))
		ret = load_image(b, NAT);
	for (unsigned i = 0; i < SUBJECTS && !ret; i++)
		if (b->subjects[i].object)
			ret = subject_add_writer(&b->subjects[i], b->error);
	return ret;
}

static const struct subject *subject_of(const struct bench *b,
					const struct state_case *c)
{
	return &b->subjects[c->kind->is_nat ? NAT : PLAIN];
}

static int add_case(struct bench *b, const struct kind *kind, unsigned family,
		    enum measure_hook hook)
{
	struct state_case *c = &b->cases[b->case_count];

	/* Frames are changed by tc alone: ARCHITECTURE.md. */
	if ((kind->is_nat &&
	     (hook == MEASURE_XDP || !feature_runs(FEATURE_NAT_TO))) ||
	    !settings_want(b->settings, family, hook))
		return 0;
	c->kind = kind;
	c->family = family;
	b->case_count++;
	return flow_open(subject_of(b, c),
			 family ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
			 kind->proto, hook, kind->is_nat, kind->is_piece,
			 (unsigned)b->case_count, &c->flow, b->error);
}

static int add_cases(struct bench *b)
{
	int ret = 0;

	for (unsigned i = 0; i < CASES && !ret; i++)
		ret = add_case(b, &kinds[i % KINDS], i / KINDS % 2,
			       (enum measure_hook)(i / KINDS / 2));
	if (!ret && !feature_runs(FEATURE_NAT_TO))
		fputs("nfbench: nat-to does not run yet: not measured\n",
		      stderr);
	return ret;
}

/* The floor's frame is not the flow's: its numbers stay. */
static int run_one(const struct bench *b, struct state_case *c, bool is_floor,
		   uint32_t repeat, double *ns)
{
	const struct subject *s =
		is_floor ? &b->subjects[FLOOR] : subject_of(b, c);
	struct bench_frame copy = c->flow.frame;

	if (!c->kind->is_written)
		return subject_run(s, c->flow.hook, copy.words,
				   sizeof(copy.words), repeat, ns, NULL,
				   b->error);
	return subject_write(s, c->flow.hook, is_floor ? &copy : &c->flow.frame,
			     repeat, ns, b->error);
}

/* The round before the first one calibrates: runs that fill the time. */
static int measure_case(struct bench *b, struct state_case *c)
{
	int ret = 0;

	for (unsigned i = 0; i < 2 && !ret; i++) {
		uint32_t repeat = c->repeat[i] ? c->repeat[i] : CALIBRATION;
		double ns;

		ret = run_one(b, c, i == 0, repeat, &ns);
		if (ret)
			break;
		if (c->repeat[i])
			series_add(i == 0 ? &c->floor : &c->ns, ns);
		else
			c->repeat[i] = measure_repeat(b->settings->ms, ns);
	}
	return ret ? ret
		   : flow_acknowledge(subject_of(b, c), &c->flow, b->error);
}

static void case_error(const struct bench *b, const struct state_case *c)
{
	char cause[MEASURE_ERROR_MAX];

	memcpy(cause, b->error, sizeof(cause));
	snprintf(b->error, MEASURE_ERROR_MAX, "%s %s %s: %.300s", c->kind->set,
		 c->family ? "inet6" : "inet", measure_hook_names[c->flow.hook],
		 cause);
}

static int measure(struct bench *b)
{
	for (unsigned round = 0; round <= b->settings->rounds; round++)
		for (size_t i = 0; i < b->case_count; i++) {
			int ret = measure_case(b, &b->cases[i]);

			if (ret) {
				case_error(b, &b->cases[i]);
				return ret;
			}
		}
	return 0;
}

/* A figure of packets that took another way would be a lie. */
static int check_way(const struct bench *b, const struct subject *s)
{
	uint64_t by_state, all;
	int ret = subject_by_state(s, &by_state, &all, b->error);

	if (ret || by_state > all - all / 1000)
		return ret;
	snprintf(b->error, MEASURE_ERROR_MAX,
		 "only %llu of %llu packets passed by a state",
		 (unsigned long long)by_state, (unsigned long long)all);
	return -EBADE;
}

static int print(const struct bench *b, const struct machine *m)
{
	int ret = 0;

	if (!b->settings->is_json)
		line_print_header(false);
	for (size_t i = 0; i < b->case_count && !ret; i++) {
		const struct state_case *c = &b->cases[i];
		const struct subject *s = subject_of(b, c);
		struct line line = {
			.set = c->kind->set,
			.rules = 1,
			.family = c->family ? "inet6" : "inet",
			.engine = measure_loop_engine(s->loop),
			.hook = measure_hook_names[c->flow.hook],
			.trace = c->kind->trace,
			.floor = &c->floor,
			.ns = &c->ns,
			.rounds = b->settings->rounds,
			.load_ms = s->load_ms,
			.bytes = s->bytes,
		};

		ret = line_print(&line, b->settings->is_json, m);
	}
	return ret;
}

static int state_test_run(const struct settings *settings,
			  const struct machine *m,
			  char error[MEASURE_ERROR_MAX])
{
	struct bench *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	b->settings = settings;
	b->error = error;
	ret = load_subjects(b);
	if (!ret) {
		ret = add_cases(b);
		if (ret)
			case_error(b, &b->cases[b->case_count - 1]);
	}
	if (!ret)
		ret = measure(b);
	for (unsigned i = PLAIN; i < SUBJECTS && !ret; i++)
		if (b->subjects[i].object)
			ret = check_way(b, &b->subjects[i]);
	if (!ret)
		ret = print(b, m);
	for (unsigned i = 0; i < SUBJECTS; i++)
		subject_free(&b->subjects[i]);
	free(b);
	return ret;
}

int bench_state(const struct settings *s, const struct machine *m,
		char error[MEASURE_ERROR_MAX])
{
	int ret = 0;

	if (s->method != METHOD_VETH)
		ret = state_test_run(s, m, error);
	if (!ret && s->method != METHOD_TEST_RUN)
		ret = bench_state_veth(s, m, error);
	return ret;
}
