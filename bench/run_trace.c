/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_trace.c: a set of filters and a trace of packets -> a line a case: what
 * the whole datapath takes at a hook, by each form that the rules run in.
 *
 * In front of the datapath a program writes the next packet of the trace; the
 * floor is the same in front of the parser alone. A form is measured only after
 * it passed and blocked each packet of the trace as a walk over the filters
 * does. Rounds are as in run.c.
 */
#include "run_trace.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "lab.h"
#include "line.h"
#include "rules.h"
#include "run_sets.h"
#include "runtime/native.h"
#include "tracer.h"

#define CALIBRATION 200
#define HOOKS 2 /* MEASURE_XDP and MEASURE_IN */

enum trace { TRACE_RANDOM, TRACE_ONE, TRACES };
static const char *const trace_names[TRACES] = {"random", "same"};

struct trace_case {
	struct tracer tracer;
	uint32_t repeat[TRACES]; /* 0: not known yet */
	struct series ns[TRACES];
};

struct bench {
	const struct settings *settings;
	struct filters set;
	bool *passes; /* of the trace, each */
	struct compilation *compilation;
	struct image image;
	double compile_ms;
	bool is_ipv6;
	struct subject subjects[RULES_FORMS];
	bool is_there[RULES_FORMS];
	struct trace_case cases[RULES_FORMS][HOOKS];
	char *error;
};

static bool is_wanted(const struct bench *b, unsigned form, unsigned hook)
{
	return b->is_there[form] && b->settings->hooks >> hook & 1;
}

/* ---- the set ----------------------------------------------------------- */

/* filters_text(): every other one passes, and what none takes is blocked. */
static int judge_trace(struct bench *b)
{
	b->passes = calloc(b->set.trace_count + 1, sizeof(*b->passes));
	if (!b->passes)
		return -ENOMEM;
	for (size_t i = 0; i < b->set.trace_count; i++) {
		uint32_t found = filters_find(&b->set, &b->set.trace[i]);

		b->passes[i] = found != FILTERS_NONE && found % 2;
	}
	return 0;
}

static int compile(struct bench *b, unsigned rules)
{
	size_t out;
	int ret = filters_read(b->settings->set, rules, b->settings->trace,
			       &b->set, b->error);

	if (ret)
		return ret;
	out = tracer_sift(&b->set, b->is_ipv6);
	if (out)
		fprintf(stderr,
			"nfbench: %u rules: %zu headers of the trace are no "
			"packets and are left out\n",
			rules, out);
	ret = filters_compile(&b->set, b->is_ipv6, &b->compilation, &b->image,
			      &b->compile_ms, b->error);
	return ret ? ret : judge_trace(b);
}

/* ---- the forms --------------------------------------------------------- */

/*
 * Of bytecode nothing is left, which decides when nobody else does: a form that
 * is not asked blocks what should pass, and does not go unnoticed.
 */
static int blind_vm(const struct subject *s, const struct image *image,
		    char error[MEASURE_ERROR_MAX])
{
	int fd = bpf_object__find_map_fd_by_name(s->object, "nfr_code");
	const struct nfr_insn none = {0};

	for (uint32_t i = 0; i < image->insn_count; i++)
		if (bpf_map_update_elem(fd, &i, &none, BPF_ANY)) {
			int ret = -errno;

			snprintf(error, MEASURE_ERROR_MAX, "empty a map: %s",
				 strerror(-ret));
			return ret;
		}
	return 0;
}

static int load_inline(struct bench *b, const struct image *image, char why[])
{
	struct subject *s = &b->subjects[RULES_INLINE];
	uint64_t start = clock_now_ns();
	struct native_code code;
	int ret = measure_inline(image, &code, why);

	if (ret)
		return -EOPNOTSUPP;
	ret = subject_inline(image, &code, b->settings->hooks,
			     b->settings->loop, s, b->error);
	s->bytes = code.count * sizeof(*code.insns) +
		   image->rule_count * sizeof(*image->rules);
	s->load_ms = clock_ms_since(start);
	native_free(&code);
	return ret ? ret : blind_vm(s, image, b->error);
}

/* The datapath asks native code first, then the data form if there is one. */
static int load_form(struct bench *b, unsigned form, char why[])
{
	struct subject *s = &b->subjects[form];
	struct image image = b->image;
	uint64_t start = clock_now_ns();
	int ret;

	if (form == RULES_FLOOR)
		return subject_floor(s, b->error);
	if (form != RULES_HASH)
		image.hash_len = 0;
	if (form == RULES_INLINE)
		return load_inline(b, &image, why);
	ret = subject_inline(&image, NULL, b->settings->hooks,
			     b->settings->loop, s, b->error);
	if (ret || form == RULES_VM)
		return ret;
	ret = blind_vm(s, &image, b->error);
	if (ret || form == RULES_HASH)
		return ret;
	ret = measure_native(s->object, &image, true, &s->bytes, why);
	s->bytes += image.rule_count * sizeof(*image.rules);
	s->load_ms = clock_ms_since(start);
	if (!ret)
		return 0;
	subject_free(s);
	return -EOPNOTSUPP;
}

static int open_form(struct bench *b, unsigned form)
{
	char why[MEASURE_ERROR_MAX] = "it is not made";
	int ret = 0;

	if (form == RULES_VM && b->set.count > RULES_VM_MAX)
		snprintf(why, sizeof(why), "a packet would take milliseconds");
	else if (form != RULES_HASH || b->image.hash_len)
		ret = load_form(b, form, why);
	else
		ret = -EOPNOTSUPP;
	b->is_there[form] = ret == 0 && b->subjects[form].object;
	for (unsigned hook = 0; hook < HOOKS && !ret; hook++)
		if (is_wanted(b, form, hook))
			ret = tracer_open(
				&b->subjects[form], (enum measure_hook)hook,
				&b->set, b->is_ipv6,
				&b->cases[form][hook].tracer, b->error);
	if (b->is_there[form] || (ret && ret != -EOPNOTSUPP))
		return ret;
	fprintf(stderr, "nfbench: %zu rules are not measured as %s: %s\n",
		b->set.count, rules_form_names[form], why);
	return 0;
}

static int check_case(const struct bench *b, unsigned form, unsigned hook)
{
	const struct tracer *t = &b->cases[form][hook].tracer;

	for (uint32_t i = 0; i < t->count; i++) {
		bool passes = false;
		int ret = tracer_judge(t, i, &passes, b->error);

		if (ret)
			return ret;
		if (passes == (form == RULES_FLOOR || b->passes[i]))
			continue;
		snprintf(b->error, MEASURE_ERROR_MAX,
			 "%s at %s %s packet %u of the trace, a walk over the "
			 "filters does not",
			 rules_form_names[form], measure_hook_names[hook],
			 passes ? "passes" : "blocks", i);
		return -EBADE;
	}
	return 0;
}

/* ---- rounds ------------------------------------------------------------ */

static int measure_case(struct bench *b, unsigned form, unsigned hook,
			unsigned trace)
{
	struct trace_case *c = &b->cases[form][hook];
	uint32_t *repeat = &c->repeat[trace];
	double ns;
	int ret = tracer_run(&c->tracer, trace == TRACE_ONE,
			     *repeat ? *repeat : CALIBRATION, &ns, b->error);

	if (ret)
		return ret;
	if (*repeat)
		series_add(&c->ns[trace], ns);
	else
		*repeat = measure_repeat(b->settings->ms, ns);
	return 0;
}

/* Every case of a set once; what: one of these. */
static int each_case(struct bench *b, const struct machine *m,
		     int (*what)(struct bench *, const struct machine *,
				 unsigned, unsigned))
{
	int ret = 0;

	for (unsigned hook = 0; hook < HOOKS; hook++)
		for (unsigned form = 0; form < RULES_FORMS && !ret; form++)
			if (is_wanted(b, form, hook))
				ret = what(b, m, form, hook);
	return ret;
}

static int check(struct bench *b, const struct machine *m, unsigned form,
		 unsigned hook)
{
	(void)m;
	return check_case(b, form, hook);
}

static int measure(struct bench *b, const struct machine *m, unsigned form,
		   unsigned hook)
{
	int ret = 0;

	(void)m;
	for (unsigned trace = 0; trace < TRACES && !ret; trace++)
		ret = measure_case(b, form, hook, trace);
	return ret;
}

static int print(struct bench *b, const struct machine *m, unsigned form,
		 unsigned hook)
{
	for (unsigned trace = 0; trace < TRACES; trace++) {
		const struct series *ns = &b->cases[form][hook].ns[trace];
		const struct series *floor =
			&b->cases[RULES_FLOOR][hook].ns[trace];
		const struct subject *s = &b->subjects[form];
		struct line line = {
			.set = b->settings->set,
			.rules = (unsigned)b->set.count,
			.family = b->is_ipv6 ? "inet6" : "inet",
			.engine = form == RULES_FLOOR ? "parse"
				  : form == RULES_VM
					  ? measure_loop_engine(s->loop)
					  : rules_form_names[form],
			.hook = measure_hook_names[hook],
			.trace = trace_names[trace],
			.floor = floor,
			.ns = ns,
			.rounds = b->settings->rounds,
			.load_ms = s->load_ms +
				   (form == RULES_FLOOR ? 0 : b->compile_ms),
			.bytes = s->bytes,
		};

		if (line_print(&line, b->settings->is_json, m))
			return -ENOMEM;
	}
	return 0;
}

static int one_set(const struct settings *settings, const struct machine *m,
		   unsigned rules, bool is_ipv6, char error[MEASURE_ERROR_MAX])
{
	struct bench *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	*b = (struct bench){
		.settings = settings, .is_ipv6 = is_ipv6, .error = error};
	ret = compile(b, rules);
	for (unsigned form = 0; form < RULES_FORMS && !ret; form++)
		ret = open_form(b, form);
	if (!ret)
		ret = each_case(b, m, check);
	for (unsigned round = 0; !ret && round <= settings->rounds; round++)
		ret = each_case(b, m, measure);
	if (!ret)
		ret = each_case(b, m, print);
	for (unsigned i = 0; i < RULES_FORMS * HOOKS; i++)
		tracer_close(&b->cases[i / HOOKS][i % HOOKS].tracer);
	for (unsigned form = 0; form < RULES_FORMS; form++)
		subject_free(&b->subjects[form]);
	compile_free(&b->compilation);
	filters_free(&b->set);
	free(b->passes);
	free(b);
	return ret;
}

int bench_run_trace(const struct settings *settings, const struct machine *m,
		    char error[MEASURE_ERROR_MAX])
{
	return run_sets(settings, m, one_set, error);
}
