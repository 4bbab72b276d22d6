/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c: how long the datapath takes for a packet, held against a program that
 * only parses -> a line a case.
 *
 * A case is a set of rules at a hook for a family. Every round runs every case
 * once, one after the other, so that what else the machine does hits all of
 * them alike; the median of the rounds counts. The kernel gives whole ns.
 */
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "line.h"
#include "workload.h"

#define SETS_MAX (SETTINGS_SETS_MAX + 2)
#define CALIBRATION 2000

/* set 0 is the floor; the last one is the established flow. */
struct set {
	const char *name;
	unsigned rules;
	struct subject subject;
};

struct bench {
	const struct settings *settings;
	struct set sets[SETS_MAX];
	unsigned set_count;
	uint32_t repeat[SETS_MAX][2][MEASURE_HOOKS];
	struct series series[SETS_MAX][2][MEASURE_HOOKS];
	char *error;
};

static int add_set(struct bench *b, const char *name, unsigned rules,
		   bool keeps_state)
{
	struct set *set = &b->sets[b->set_count];
	struct workload w;
	int ret;

	set->name = name;
	set->rules = rules;
	if (rules == 0) {
		ret = subject_floor(&set->subject, b->error);
	} else {
		ret = workload_new(rules, keeps_state, &w);
		if (ret)
			snprintf(b->error, MEASURE_ERROR_MAX,
				 "%u rules do not make an image: %s", rules,
				 strerror(-ret));
		else
			ret = subject_image(&w.image, b->settings->loop,
					    &set->subject, b->error);
		workload_free(&w);
	}
	if (!ret)
		b->set_count++;
	return ret;
}

/* The frame at each hook and its answer at the other: two connections. */
static int establish(struct bench *b, struct subject *subject)
{
	int ret = 0;

	for (unsigned i = 0; i < 4 && !ret; i++) {
		enum nfr_family family =
			i % 2 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4;
		enum measure_hook hook = i / 2 ? MEASURE_OUT : MEASURE_IN;
		__u8 frame[WORKLOAD_FRAME_MAX];
		size_t len = workload_frame(family, frame);
		double ns;

		ret = subject_run(subject, hook, frame, len, 1, &ns, NULL,
				  b->error);
		workload_answer(family, frame);
		if (!ret)
			ret = subject_run(subject,
					  hook == MEASURE_IN ? MEASURE_OUT
							     : MEASURE_IN,
					  frame, len, 1, &ns, NULL, b->error);
	}
	return ret;
}

static int load_sets(struct bench *b)
{
	unsigned most = 1;
	int ret = add_set(b, "parse", 0, false);

	for (unsigned i = 0; !ret && i < b->settings->rules_count; i++) {
		ret = add_set(b, "scan", b->settings->rules[i], false);
		if (b->settings->rules[i] > most)
			most = b->settings->rules[i];
	}
	if (!ret)
		ret = add_set(b, "flow", most, true);
	return ret ? ret : establish(b, &b->sets[b->set_count - 1].subject);
}

static int run(struct bench *b, unsigned set, unsigned family, unsigned hook,
	       uint32_t repeat, double *ns)
{
	__u8 frame[WORKLOAD_FRAME_MAX];
	size_t len = workload_frame(
		family == 0 ? NFR_FAMILY_IPV4 : NFR_FAMILY_IPV6, frame);

	return subject_run(&b->sets[set].subject, (enum measure_hook)hook,
			   frame, len, repeat, ns, NULL, b->error);
}

/* The round before the first one calibrates: runs that fill the time. */
static int measure_case(struct bench *b, unsigned set, unsigned family,
			unsigned hook)
{
	uint32_t *repeat = &b->repeat[set][family][hook];
	double ns;
	int ret =
		run(b, set, family, hook, *repeat ? *repeat : CALIBRATION, &ns);

	if (ret)
		return ret;
	if (*repeat)
		series_add(&b->series[set][family][hook], ns);
	else
		*repeat = measure_repeat(b->settings->ms, ns);
	return 0;
}

static int measure_round(struct bench *b)
{
	for (unsigned hook = 0; hook < MEASURE_HOOKS; hook++)
		for (unsigned family = 0; family < 2; family++)
			for (unsigned set = 0; set < b->set_count; set++) {
				int ret = 0;

				if (settings_want(b->settings, family,
						  (enum measure_hook)hook))
					ret = measure_case(b, set, family,
							   hook);
				if (ret)
					return ret;
			}
	return 0;
}

static int print_case(const struct bench *b, const struct machine *m,
		      unsigned set, unsigned family, unsigned hook)
{
	const struct series *ns = &b->series[set][family][hook];
	const struct series *floor = &b->series[0][family][hook];
	const struct set *s = &b->sets[set];
	struct line line = {
		.set = s->name,
		.rules = s->rules,
		.family = family ? "inet6" : "inet",
		.engine = measure_loop_engine(s->subject.loop),
		.hook = measure_hook_names[hook],
		.trace = "same",
		.floor = floor,
		.ns = ns,
		.rounds = b->settings->rounds,
		.load_ms = s->subject.load_ms,
		.bytes = s->subject.bytes,
	};

	return line_print(&line, b->settings->is_json, m);
}

static int print(const struct bench *b, const struct machine *m)
{
	int ret = 0;

	if (!b->settings->is_json)
		line_print_header(false);
	for (unsigned i = 0; i < 2 * MEASURE_HOOKS * b->set_count; i++) {
		unsigned set = i % b->set_count;
		unsigned family = i / b->set_count % 2;
		unsigned hook = i / b->set_count / 2;

		if (!ret &&
		    settings_want(b->settings, family, (enum measure_hook)hook))
			ret = print_case(b, m, set, family, hook);
	}
	return ret;
}

int bench_run(const struct settings *settings, const struct machine *m,
	      char error[MEASURE_ERROR_MAX])
{
	struct bench *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	b->settings = settings;
	b->error = error;
	ret = load_sets(b);
	for (unsigned round = 0; !ret && round <= settings->rounds; round++)
		ret = measure_round(b);
	if (!ret)
		ret = print(b, m);
	for (unsigned i = 0; i < b->set_count; i++)
		subject_free(&b->sets[i].subject);
	free(b);
	return ret;
}
