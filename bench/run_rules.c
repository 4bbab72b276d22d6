/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_rules.c: a set of filters, a trace and the forms that rules run in -> a
 * line a case: what finding the rule adds to taking the next header.
 *
 * A form is measured only after it found the right rule for every header of
 * the trace. Rounds are as in run.c.
 */
#include "run_rules.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "dpdk.h"
#include "line.h"
#include "rules.h"
#include "run_sets.h"
#include "worst.h"

#define CALIBRATION 200
#define HOOK "key"

enum trace { TRACE_RANDOM, TRACE_ONE, TRACE_WORST, TRACES };
static const char *const trace_names[TRACES] = {"random", "same", "worst"};

struct bench {
	const struct settings *settings;
	struct filters set;
	struct compilation *compilation;
	struct image image;
	double compile_ms;
	bool is_ipv6;
	struct rules rules, worst; /* the set's trace; the worst one */
	bool has_worst;
	uint32_t repeat[TRACES][RULES_FORMS];
	struct series series[TRACES][RULES_FORMS];
	struct dpdk dpdk;
	bool has_dpdk[DPDK_WAYS];
	struct series dpdk_ns[DPDK_WAYS]; /* of the random trace */
	char *error;
};

static bool has_form(const struct bench *b, unsigned form)
{
	if (form == RULES_VM)
		return b->set.count <= RULES_VM_MAX;
	return form == RULES_FLOOR || b->rules.bytes[form] > 0;
}

static int compile(struct bench *b, unsigned rules)
{
	int ret = filters_read(b->settings->set, rules, b->settings->trace,
			       &b->set, b->error);

	if (ret)
		return ret;
	return filters_compile(&b->set, b->is_ipv6, &b->compilation, &b->image,
			       &b->compile_ms, b->error);
}

static int check(struct bench *b, const struct rules *rules)
{
	int ret = 0;

	for (unsigned form = RULES_VM; form < RULES_FORMS && !ret; form++)
		if (has_form(b, form))
			ret = rules_check(rules, (enum rules_form)form,
					  b->error);
	return ret;
}

/* The worst trace is drawn after the other one is in the kernel. */
static int load(struct bench *b)
{
	double mean = 0, worst = 0;
	int ret = rules_load(&b->image, &b->set, b->is_ipv6, b->settings->loop,
			     &b->rules, b->error);

	if (!ret)
		ret = check(b, &b->rules);
	if (ret)
		return ret;
	ret = worst_trace(&b->set, &b->image, b->is_ipv6, &mean, &worst);
	b->has_worst = ret == 0;
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	if (!b->settings->is_json)
		printf("%s %zu: turns of a header %.1f, of the worst known "
		       "%.1f; compiled in %.0f ms\n",
		       b->settings->set, b->set.count, mean, worst,
		       b->compile_ms);
	ret = rules_load(&b->image, &b->set, b->is_ipv6, b->settings->loop,
			 &b->worst, b->error);
	return ret ? ret : check(b, &b->worst);
}

static int measure_case(struct bench *b, unsigned trace, unsigned form)
{
	uint32_t *repeat = &b->repeat[trace][form];
	double ns;
	int ret = rules_run(trace == TRACE_WORST ? &b->worst : &b->rules,
			    (enum rules_form)form, trace == TRACE_ONE,
			    *repeat ? *repeat : CALIBRATION, &ns, b->error);

	if (ret)
		return ret;
	if (*repeat)
		series_add(&b->series[trace][form], ns);
	else
		*repeat = measure_repeat(b->settings->ms, ns);
	return 0;
}

/* Whoever is not there was not asked for by name, or ends it. */
static int open_dpdk(struct bench *b)
{
	unsigned peers = b->settings->peers;
	int ret;

	if (!(peers & BENCH_PEER_DPDK))
		return 0;
	ret = dpdk_open(&b->set, b->is_ipv6, &b->dpdk, b->error);
	for (unsigned way = 0; way < DPDK_WAYS && !ret; way++) {
		ret = dpdk_check(&b->dpdk, (enum dpdk_way)way, b->error);
		b->has_dpdk[way] = !ret;
		if ((ret == -ENOENT || ret == -EPROTO) &&
		    peers & BENCH_PEER_IF_THERE) {
			fprintf(stderr,
				"nfbench: %zu rules: %s: not measured\n",
				b->set.count, b->error);
			ret = 0;
		}
	}
	return ret;
}

static int measure_dpdk(struct bench *b)
{
	int ret = 0;

	for (unsigned way = 0; way < DPDK_WAYS && !ret; way++) {
		double ns;

		if (!b->has_dpdk[way])
			continue;
		ret = dpdk_run(&b->dpdk, (enum dpdk_way)way, b->settings->ms,
			       &ns, b->error);
		if (!ret)
			series_add(&b->dpdk_ns[way], ns);
	}
	return ret;
}

static int measure_round(struct bench *b)
{
	int ret = 0;

	for (unsigned i = 0; i < TRACES * RULES_FORMS && !ret; i++) {
		unsigned trace = i / RULES_FORMS, form = i % RULES_FORMS;

		if (has_form(b, form) && (trace != TRACE_WORST || b->has_worst))
			ret = measure_case(b, trace, form);
	}
	return ret;
}

/* The first round calibrates. */
static int measure_both(struct bench *b, bool is_first)
{
	int ret = measure_round(b);

	return ret || is_first ? ret : measure_dpdk(b);
}

static int print_case(const struct bench *b, const struct machine *m,
		      unsigned trace, unsigned form)
{
	const struct series *ns = &b->series[trace][form];
	const struct series *floor = &b->series[trace][RULES_FLOOR];
	struct line line = {
		.set = b->settings->set,
		.rules = (unsigned)b->set.count,
		.family = b->is_ipv6 ? "inet6" : "inet",
		.engine = rules_form_names[form],
		.hook = HOOK,
		.trace = trace_names[trace],
		.floor = floor,
		.ns = ns,
		.rounds = b->settings->rounds,
		.load_ms = b->compile_ms + b->rules.load_ms[form],
		.bytes = b->rules.bytes[form],
	};

	return line_print(&line, b->settings->is_json, m);
}

/*
 * What DPDK says is without a loop around it, so all of it is added; the floor
 * is here to tell of the machine.
 */
static int print_dpdk(const struct bench *b, const struct machine *m,
		      unsigned way)
{
	const struct series *floor = &b->series[TRACE_RANDOM][RULES_FLOOR];
	const struct series *ns = &b->dpdk_ns[way];
	struct line line = {
		.set = b->settings->set,
		.rules = (unsigned)b->set.count,
		.family = b->is_ipv6 ? "inet6" : "inet",
		.engine = dpdk_names[way],
		.hook = HOOK,
		.trace = trace_names[TRACE_RANDOM],
		.floor = floor,
		.ns = ns,
		.is_alone = true,
		.rounds = b->settings->rounds,
		.load_ms = b->dpdk.load_ms[way],
	};

	return line_print(&line, b->settings->is_json, m);
}

/* The forms that there are no lines of. */
static void say_missing(const struct bench *b)
{
	if (!has_form(b, RULES_VM))
		fprintf(stderr,
			"nfbench: %zu rules are not measured as "
			"bytecode: it would take hours\n",
			b->set.count);
	if (!has_form(b, RULES_NATIVE))
		fprintf(stderr,
			"nfbench: %zu rules are not measured as native code: "
			"%s\n",
			b->set.count, b->rules.why_not);
	if (!has_form(b, RULES_INLINE))
		fprintf(stderr,
			"nfbench: %zu rules are not measured inline: %s\n",
			b->set.count, b->rules.why_called);
	if (!has_form(b, RULES_HASH))
		fprintf(stderr, "nfbench: %zu rules have no data form\n",
			b->set.count);
}

static int one_set(const struct settings *settings, const struct machine *m,
		   unsigned rules, bool is_ipv6, char error[MEASURE_ERROR_MAX])
{
	struct bench *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	*b = (struct bench){.settings = settings,
			    .is_ipv6 = is_ipv6,
			    .dpdk = {.rules = -1, .trace = -1},
			    .error = error};
	ret = compile(b, rules);
	if (!ret)
		ret = open_dpdk(b);
	if (!ret)
		ret = load(b);
	for (unsigned round = 0; !ret && round <= settings->rounds; round++)
		ret = measure_both(b, round == 0);
	for (unsigned i = 0; i < TRACES * RULES_FORMS && !ret; i++) {
		unsigned trace = i / RULES_FORMS, form = i % RULES_FORMS;

		if (has_form(b, form) && (trace != TRACE_WORST || b->has_worst))
			ret = print_case(b, m, trace, form);
	}
	for (unsigned way = 0; way < DPDK_WAYS && !ret; way++)
		if (b->has_dpdk[way])
			ret = print_dpdk(b, m, way);
	if (!ret)
		say_missing(b);
	dpdk_close(&b->dpdk);
	rules_free(&b->rules);
	rules_free(&b->worst);
	compile_free(&b->compilation);
	filters_free(&b->set);
	free(b);
	return ret;
}

int bench_run_rules(const struct settings *settings, const struct machine *m,
		    char error[MEASURE_ERROR_MAX])
{
	return run_sets(settings, m, one_set, error);
}
