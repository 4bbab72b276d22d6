/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nfbench.c: how long the datapath takes for a packet, held against a program
 * that only parses -> a table, or JSON lines.
 *
 * A case is a set of rules at a hook for a family. Every round runs every case
 * once, one after the other, so that what else the machine does hits all of
 * them alike; the median of the rounds counts. The kernel gives whole ns.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "measure.h"
#include "runtime/option.h"
#include "workload.h"

#define SETS_MAX 18
#define ROUNDS_MAX 99
#define CALIBRATION 2000

enum bench_option {
	OPT_ROUNDS,
	OPT_MS,
	OPT_RULES,
	OPT_FAMILY,
	OPT_HOOK,
	OPT_LOOP,
	OPT_JSON,
	OPT_HELP,
	OPT_VERSION
};

static const struct option_spec specs[] = {
	{OPT_RULES, 'r', "rules", OPTION_TEXT, "N[,N...]", NULL, 0,
	 "sets of so many rules (1,10,100,1000)"},
	{OPT_FAMILY, 'f', "family", OPTION_WORD, "FAMILY", "inet inet6", 0,
	 "only inet or inet6"},
	{OPT_HOOK, 'k', "hook", OPTION_WORD, "HOOK", "xdp tc", 0,
	 "only xdp (in) or tc (out)"},
	{OPT_LOOP, 'l', "loop", OPTION_WORD, "LOOP", "auto may_goto bpf_loop",
	 0, "interpreter's loop: auto, may_goto or bpf_loop"},
	{OPT_ROUNDS, 'n', "rounds", OPTION_NUMBER, "N", NULL, 0,
	 "rounds, of which the median counts (9)"},
	{OPT_MS, 't', "time", OPTION_NUMBER, "MS", NULL, 0,
	 "milliseconds a case in each round (20)"},
	{OPT_JSON, 'j', "json", OPTION_NONE, NULL, NULL, 0,
	 "a JSON object a line"},
	{OPT_VERSION, 'V', "version", OPTION_NONE, NULL, NULL, 0,
	 "print the version"},
	{OPT_HELP, 'h', "help", OPTION_NONE, NULL, NULL, 0, "print this"},
};
static const char *const usage[] = {"[options]", NULL};
static const struct option_table table = {
	.tool = "nfbench",
	.about = "measure the datapath on private maps; nothing live changes",
	.usage = usage,
	.specs = specs,
	.spec_count = sizeof(specs) / sizeof(*specs),
};

struct settings {
	unsigned rules[SETS_MAX - 2];
	unsigned rules_count;
	int family, hook; /* -1: both */
	enum measure_loop loop;
	unsigned rounds, ms;
	bool is_json;
};

/* set 0 is the floor; the last one is the established flow. */
struct set {
	const char *name;
	unsigned rules;
	struct subject subject;
};

struct series {
	uint32_t repeat;
	double ns[ROUNDS_MAX];
	double median;
};

struct bench {
	struct settings settings;
	struct set sets[SETS_MAX];
	unsigned set_count;
	struct series series[SETS_MAX][2][MEASURE_HOOKS];
	char error[MEASURE_ERROR_MAX];
};

static const char *const family_names[] = {"inet", "inet6"};
static const char *const hook_names[] = {"xdp", "tc"};

/* ---- options ----------------------------------------------------------- */

static int usage_error(const char *message)
{
	fprintf(stderr, "nfbench: %s\nTry \"nfbench --help\".\n", message);
	return EXIT_INPUT;
}

/* 0 for what is not a number from 1 to max. */
static unsigned number(const char *text, size_t len, unsigned max)
{
	unsigned value = 0;

	if (len == 0 || len > 9)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	return value <= max ? value : 0;
}

static int parse_rules(const char *text, struct settings *s)
{
	s->rules_count = 0;
	for (;;) {
		size_t len = strcspn(text, ",");
		unsigned rules = number(text, len, WORKLOAD_RULES_MAX);

		if (rules == 0 || s->rules_count == SETS_MAX - 2)
			return -EINVAL;
		s->rules[s->rules_count++] = rules;
		if (text[len] == '\0')
			return 0;
		text += len + 1;
	}
}

static int parse_option(const struct option_spec *spec, const char *arg,
			struct settings *s)
{
	switch ((enum bench_option)spec->id) {
	case OPT_ROUNDS:
		s->rounds = number(arg, strlen(arg), ROUNDS_MAX);
		return s->rounds ? 0 : usage_error("--rounds is 1 to 99");
	case OPT_MS:
		s->ms = number(arg, strlen(arg), 10000);
		return s->ms ? 0 : usage_error("--time is 1 to 10000 ms");
	case OPT_RULES:
		return parse_rules(arg, s) ? usage_error("--rules is up to 16 "
							 "numbers, each 1 to "
							 "100000")
					   : 0;
	case OPT_FAMILY:
		s->family = option_word(spec->words, arg);
		return 0;
	case OPT_HOOK:
		s->hook = option_word(spec->words, arg);
		return 0;
	case OPT_LOOP:
		s->loop = (enum measure_loop)option_word(spec->words, arg);
		return 0;
	case OPT_JSON:
		s->is_json = true;
		return 0;
	case OPT_HELP:
	case OPT_VERSION:
		break;
	}
	return 0;
}

/* -1: go on; else the exit status. */
static int parse_arguments(int argc, char **argv, struct settings *s)
{
	const struct option_spec *spec;
	struct option_parser parser;
	const char *arg;
	int got;

	option_begin(&parser, &table, argc, argv);
	while ((got = option_next(&parser, &spec, &arg)) == 1) {
		if (spec->id == OPT_HELP) {
			option_print_help(&table, -1, stdout);
			return EXIT_YES;
		}
		if (spec->id == OPT_VERSION) {
			puts("nfbench " NFR_VERSION);
			return EXIT_YES;
		}
		if (parse_option(spec, arg, s))
			return EXIT_INPUT;
	}
	if (got < 0)
		return usage_error(parser.error);
	if (parser.operand_count > 0)
		return usage_error("takes no operands");
	return -1;
}

/* ---- measuring --------------------------------------------------------- */

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
			snprintf(b->error, sizeof(b->error),
				 "%u rules do not make an image: %s", rules,
				 strerror(-ret));
		else
			ret = subject_image(&w.image, b->settings.loop,
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

	for (unsigned i = 0; i < 2 * MEASURE_HOOKS && !ret; i++) {
		enum nfr_family family =
			i % 2 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4;
		enum measure_hook hook = (enum measure_hook)(i / 2);
		__u8 frame[WORKLOAD_FRAME_MAX];
		size_t len = workload_frame(family, frame);
		double ns;

		ret = subject_run(subject, hook, frame, len, 1, &ns, b->error);
		workload_answer(family, frame);
		if (!ret)
			ret = subject_run(subject,
					  hook == MEASURE_XDP ? MEASURE_TC
							      : MEASURE_XDP,
					  frame, len, 1, &ns, b->error);
	}
	return ret;
}

static int load_sets(struct bench *b)
{
	unsigned most = 1;
	int ret = add_set(b, "parse", 0, false);

	for (unsigned i = 0; !ret && i < b->settings.rules_count; i++) {
		ret = add_set(b, "scan", b->settings.rules[i], false);
		if (b->settings.rules[i] > most)
			most = b->settings.rules[i];
	}
	if (!ret)
		ret = add_set(b, "flow", most, true);
	return ret ? ret : establish(b, &b->sets[b->set_count - 1].subject);
}

static bool is_wanted(const struct settings *s, unsigned family, unsigned hook)
{
	return (s->family < 0 || (unsigned)s->family == family) &&
	       (s->hook < 0 || (unsigned)s->hook == hook);
}

static int run(struct bench *b, unsigned set, unsigned family, unsigned hook,
	       uint32_t repeat, double *ns)
{
	__u8 frame[WORKLOAD_FRAME_MAX];
	size_t len = workload_frame(
		family == 0 ? NFR_FAMILY_IPV4 : NFR_FAMILY_IPV6, frame);

	return subject_run(&b->sets[set].subject, (enum measure_hook)hook,
			   frame, len, repeat, ns, b->error);
}

/* Runs that fill the time; the caches are warm afterwards. */
static int calibrate(struct bench *b, unsigned set, unsigned family,
		     unsigned hook)
{
	double ns, runs;
	int ret = run(b, set, family, hook, CALIBRATION, &ns);

	if (ret)
		return ret;
	runs = b->settings.ms * 1e6 / (ns < 1 ? 1 : ns);
	b->series[set][family][hook].repeat = runs < 1	   ? 1
					      : runs > 1e8 ? 100000000
							   : (uint32_t)runs;
	return 0;
}

static int measure_round(struct bench *b, int round)
{
	int ret;

	for (unsigned hook = 0; hook < MEASURE_HOOKS; hook++)
		for (unsigned family = 0; family < 2; family++)
			for (unsigned set = 0; set < b->set_count; set++) {
				struct series *s =
					&b->series[set][family][hook];

				if (!is_wanted(&b->settings, family, hook))
					continue;
				ret = round < 0
					      ? calibrate(b, set, family, hook)
					      : run(b, set, family, hook,
						    s->repeat, &s->ns[round]);
				if (ret)
					return ret;
			}
	return 0;
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

static int measure(struct bench *b)
{
	unsigned rounds = b->settings.rounds;
	int ret = measure_round(b, -1);

	for (unsigned round = 0; !ret && round < rounds; round++)
		ret = measure_round(b, (int)round);
	if (ret)
		return ret;
	for (unsigned set = 0; set < b->set_count; set++)
		for (unsigned i = 0; i < 2 * MEASURE_HOOKS; i++) {
			struct series *s = &b->series[set][i / MEASURE_HOOKS]
						     [i % MEASURE_HOOKS];

			qsort(s->ns, rounds, sizeof(*s->ns), compare);
			s->median = rounds % 2 ? s->ns[rounds / 2]
					       : (s->ns[rounds / 2 - 1] +
						  s->ns[rounds / 2]) /
							 2;
		}
	return 0;
}

/* ---- what was measured, and where -------------------------------------- */

struct machine {
	struct utsname uts;
	char cpu[128];
	char jit[8];
};

static void read_line(const char *path, const char *key, char *out, size_t len)
{
	char line[256];
	FILE *file = fopen(path, "r");

	snprintf(out, len, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		char *value = *key ? strchr(line, ':') : line;

		if (strncmp(line, key, strlen(key)) != 0 || !value)
			continue;
		value += *key ? 1 : 0;
		value += strspn(value, " \t");
		value[strcspn(value, "\n")] = '\0';
		snprintf(out, len, "%s", value);
		break;
	}
	if (file)
		fclose(file);
}

static void machine_read(struct machine *m)
{
	char jit[16];

	uname(&m->uts);
	read_line("/proc/cpuinfo", "model name", m->cpu, sizeof(m->cpu));
	read_line("/proc/sys/net/core/bpf_jit_enable", "", jit, sizeof(jit));
	snprintf(m->jit, sizeof(m->jit), "%s",
		 *jit == '0'   ? "off"
		 : *jit == 'u' ? "unknown"
			       : "on");
}

static const char *engine_name(const struct subject *s)
{
	if (s->loop == MEASURE_LOOP_AUTO)
		return "none";
	return s->loop == MEASURE_LOOP_MAY_GOTO ? "vm" : "vm-bpf_loop";
}

static void print_table(const struct bench *b, const struct machine *m)
{
	printf("Linux %s, %s, JIT %s\n", m->uts.release, m->cpu, m->jit);
	printf("ns a packet, median of %u rounds of %u ms; ratio to parsing "
	       "alone\n\n",
	       b->settings.rounds, b->settings.ms);
	printf("%-6s %7s %-11s %-6s %-4s %9s %7s %9s %9s\n", "set", "rules",
	       "engine", "family", "hook", "ns", "ratio", "load ms", "bytes");
	for (unsigned i = 0; i < 2 * MEASURE_HOOKS * b->set_count; i++) {
		unsigned set = i % b->set_count;
		unsigned family = i / b->set_count % 2;
		unsigned hook = i / b->set_count / 2;
		double ns = b->series[set][family][hook].median;
		double floor = b->series[0][family][hook].median;
		const struct set *s = &b->sets[set];

		if (!is_wanted(&b->settings, family, hook))
			continue;
		printf("%-6s %7u %-11s %-6s %-4s %9.1f %7.2f %9.1f %9zu\n",
		       s->name, s->rules, engine_name(&s->subject),
		       family_names[family], hook_names[hook], ns,
		       floor > 0 ? ns / floor : 0, s->subject.load_ms,
		       s->subject.bytes);
	}
}

static int print_json(const struct bench *b, const struct machine *m)
{
	for (unsigned i = 0; i < 2 * MEASURE_HOOKS * b->set_count; i++) {
		unsigned set = i % b->set_count;
		unsigned family = i / b->set_count % 2;
		unsigned hook = i / b->set_count / 2;
		const struct set *s = &b->sets[set];
		json_t *line;

		if (!is_wanted(&b->settings, family, hook))
			continue;
		line = json_pack("{ss si ss ss ss ss sf sf sf sI ss ss ss}",
				 "set", s->name, "rules", (int)s->rules,
				 "family", family_names[family], "engine",
				 engine_name(&s->subject), "hook",
				 hook_names[hook], "trace", "same", "floor_ns",
				 b->series[0][family][hook].median, "ns",
				 b->series[set][family][hook].median, "load_ms",
				 s->subject.load_ms, "bytes",
				 (json_int_t)s->subject.bytes, "kernel",
				 m->uts.release, "cpu", m->cpu, "jit", m->jit);
		if (!line || json_dumpf(line, stdout, JSON_REAL_PRECISION(6)))
			return -ENOMEM;
		json_decref(line);
		putchar('\n');
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct bench b = {.settings = {.rules = {1, 10, 100, 1000},
					      .rules_count = 4,
					      .family = -1,
					      .hook = -1,
					      .rounds = 9,
					      .ms = 20}};
	struct machine m;
	int ret = parse_arguments(argc, argv, &b.settings);

	if (ret >= 0)
		return ret;
	machine_read(&m);
	ret = load_sets(&b);
	if (!ret)
		ret = measure(&b);
	if (ret)
		fprintf(stderr, "nfbench: %s\n", b.error);
	else if (b.settings.is_json)
		ret = print_json(&b, &m);
	else
		print_table(&b, &m);
	for (unsigned i = 0; i < b.set_count; i++)
		subject_free(&b.sets[i].subject);
	if (!ret && (fflush(stdout) || ferror(stdout))) {
		fprintf(stderr, "nfbench: standard output: %m\n");
		return EXIT_INPUT;
	}
	return ret ? EXIT_REFUSED : EXIT_YES;
}
