/* SPDX-License-Identifier: BSD-2-Clause */
/* settings.c: nfbench's command line -> what to measure. */
#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "workload.h"

#define FLOWS_MAX 50000 /* fewer than the state table has room for */
#define NETWORKS_MAX 1000000u

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
		unsigned rules = number(text, len, NETWORKS_MAX);

		if (rules == 0 || s->rules_count == SETTINGS_SETS_MAX)
			return -EINVAL;
		s->rules[s->rules_count++] = rules;
		if (text[len] == '\0')
			return 0;
		text += len + 1;
	}
}

static int parse_number(const char *arg, unsigned max, const char *message,
			unsigned *out)
{
	*out = number(arg, strlen(arg), max);
	return *out ? 0 : usage_error(message);
}

static int parse_option(const struct option_spec *spec, const char *arg,
			struct settings *s)
{
	/* In the order of BENCH_HOOK_WORDS. */
	static const unsigned hooks[] = {1 << MEASURE_XDP,
					 1 << MEASURE_IN | 1 << MEASURE_OUT,
					 1 << MEASURE_IN, 1 << MEASURE_OUT, 0};

	/* In the order of BENCH_PEER_WORDS. */
	static const unsigned peers[] = {BENCH_PEER_NFT, 0, BENCH_PEER_IPTABLES,
					 BENCH_PEER_NFT | BENCH_PEER_IPTABLES |
						 BENCH_PEER_DPDK |
						 BENCH_PEER_IF_THERE,
					 BENCH_PEER_DPDK};

	switch ((enum bench_option)spec->id) {
	case BENCH_OPT_ROUNDS:
		return parse_number(arg, SERIES_MAX, "--rounds is 1 to 99",
				    &s->rounds);
	case BENCH_OPT_MS:
		return parse_number(arg, 10000, "--time is 1 to 10000 ms",
				    &s->ms);
	case BENCH_OPT_FLOWS:
		return parse_number(arg, FLOWS_MAX, "--flows is 1 to 50000",
				    &s->flows);
	case BENCH_OPT_RULES:
		return parse_rules(arg, s) ? usage_error("--rules is up to 16 "
							 "numbers, each 1 to "
							 "100000, of tables "
							 "1000000")
					   : 0;
	case BENCH_OPT_FAMILY:
		s->family = option_word(spec->words, arg);
		return 0;
	case BENCH_OPT_HOOK:
		s->hooks = hooks[option_word(spec->words, arg)];
		s->has_hook = true;
		return 0;
	case BENCH_OPT_LOOP:
		s->loop = (enum measure_loop)option_word(spec->words, arg);
		return 0;
	case BENCH_OPT_METHOD:
		s->method = (enum bench_method)option_word(spec->words, arg);
		return 0;
	case BENCH_OPT_PEERS:
		s->peers = peers[option_word(spec->words, arg)];
		s->has_peers = true;
		return 0;
	case BENCH_OPT_SET:
		s->set = arg;
		return 0;
	case BENCH_OPT_TRACE:
		s->trace = arg;
		return 0;
	case BENCH_OPT_SHARE:
		return parse_number(arg, 1000, "--worse is 1 to 1000 percent",
				    &s->share);
	case BENCH_OPT_OUTPUT:
		s->output = arg;
		return 0;
	case BENCH_OPT_JSON:
		s->is_json = true;
		return 0;
	case BENCH_OPT_HELP:
	case BENCH_OPT_VERSION:
		break;
	}
	return 0;
}

bool settings_on_veth(const struct settings *s)
{
	return s->method == METHOD_VETH ||
	       (s->has_peers && s->peers != BENCH_PEER_DPDK &&
		s->method != METHOD_TEST_RUN);
}

static int check_rules(const struct settings *s)
{
	for (unsigned i = 0; i < s->rules_count; i++)
		if (s->verb == BENCH_RUN && s->rules[i] > WORKLOAD_RULES_MAX)
			return usage_error("run takes up to 100000 rules");
	return 0;
}

static int check_peers(const struct settings *s)
{
	unsigned veth = BENCH_PEER_NFT | BENCH_PEER_IPTABLES;
	char message[64];

	snprintf(message, sizeof(message), "--peers of %s is nft or none",
		 nfbench_options.verbs[s->verb].name);
	if (s->verb != BENCH_RUN && s->peers & ~BENCH_PEER_NFT)
		return usage_error(message);
	if (s->verb == BENCH_RUN && !s->set &&
	    (s->has_peers || s->method == METHOD_VETH))
		return usage_error("run is on veth with --set only");
	if (s->verb != BENCH_RUN)
		return 0;
	if (s->family == 1 && settings_on_veth(s))
		return usage_error("run on veth is inet only");
	if (s->method == METHOD_VETH && s->peers == BENCH_PEER_DPDK)
		return usage_error("dpdk is measured in place, not on veth");
	if (s->method == METHOD_TEST_RUN && s->peers & veth &&
	    !(s->peers & BENCH_PEER_IF_THERE))
		return usage_error("nft and iptables are measured on veth");
	return 0;
}

/* What they ask for, and nothing else. */
static int check_hook(const struct settings *s)
{
	if (!s->has_hook)
		return 0;
	if (!s->set)
		return s->hooks ? 0
				: usage_error("--hook test-run is the rule "
					      "alone, of run --set");
	if (settings_on_veth(s) || s->peers)
		return usage_error("--hook is for test runs, not for veth");
	if (s->hooks == 1 << MEASURE_OUT)
		return usage_error("--set has rules for what comes in: --hook "
				   "xdp, tc-in or test-run");
	return 0;
}

static void defaults(struct settings *s)
{
	static const unsigned rounds[BENCH_VERBS] = {[BENCH_RUN] = 9,
						     [BENCH_STATE] = 15,
						     [BENCH_PATH] = 15,
						     [BENCH_THROUGHPUT] = 9,
						     [BENCH_TABLE] = 9};
	static const unsigned ms[BENCH_VERBS] = {[BENCH_RUN] = 20,
						 [BENCH_STATE] = 5,
						 [BENCH_PATH] = 10,
						 [BENCH_THROUGHPUT] = 500,
						 [BENCH_TABLE] = 20};
	static const unsigned networks[] = {10, 1000, 100000, 1000000};
	bool is_state = s->verb == BENCH_STATE;

	if (s->verb == BENCH_TABLE && !s->rules_count) {
		memcpy(s->rules, networks, sizeof(networks));
		s->rules_count = 4;
	}
	if (!s->rules_count) {
		s->rules_count = 4;
		for (unsigned i = 0, rules = 1; i < 4; i++, rules *= 10)
			s->rules[i] = rules;
	}

	if (s->verb != BENCH_RUN && !s->has_peers)
		s->peers = BENCH_PEER_NFT;
	if (!s->rounds)
		s->rounds = rounds[s->verb];
	if (!s->ms)
		s->ms = ms[s->verb];
	if (!s->hooks && !s->set)
		s->hooks = 1 << MEASURE_XDP | 1 << MEASURE_OUT |
			   (unsigned)is_state << MEASURE_IN;
}

/* The operands behind the verb. */
static int parse_files(const struct option_parser *p, int verb,
		       struct settings *s)
{
	s->files = p->operands + 1;
	s->file_count = p->operand_count - 1;
	if (verb == BENCH_COMPARE)
		return s->file_count == 2
			       ? 0
			       : usage_error("compare takes two files");
	if (verb == BENCH_PLOT)
		return s->file_count > 0 && s->output
			       ? 0
			       : usage_error("plot takes a file or more, and "
					     "--output");
	return s->file_count > 0 ? usage_error("takes no operand but the verb")
				 : 0;
}

/* The operands: a verb, or none for run; help may name another one. */
static int parse_verb(struct option_parser *p, struct settings *s, bool is_help)
{
	int verb = BENCH_RUN, topic = -1;

	if (p->operand_count > 0) {
		verb = option_verb(p, p->operands[0]);
		if (verb < 0)
			return usage_error(p->error);
		topic = verb;
	}
	if (verb == BENCH_HELP) {
		is_help = true;
		topic = p->operand_count > 1 ? option_verb(p, p->operands[1])
					     : -1;
		if (p->operand_count > 1 && topic < 0)
			return usage_error(p->error);
		if (p->operand_count > 2)
			return usage_error("help takes one verb");
	}
	if (option_check_verb(p, verb))
		return usage_error(p->error);
	if (!is_help && parse_files(p, verb, s))
		return EXIT_INPUT;
	if (is_help) {
		option_print_help(&nfbench_options, topic, stdout);
		return EXIT_YES;
	}
	s->verb = (enum bench_verb)verb;
	if (check_rules(s) || check_peers(s) || check_hook(s))
		return EXIT_INPUT;
	defaults(s);
	return -1;
}

int settings_parse(int argc, char **argv, struct settings *s)
{
	const struct option_spec *spec;
	struct option_parser parser;
	bool is_help = false;
	const char *arg;
	int got;

	*s = (struct settings){.family = -1, .flows = 20000, .share = 10};
	option_begin(&parser, &nfbench_options, argc, argv);
	while ((got = option_next(&parser, &spec, &arg)) == 1) {
		is_help |= spec->id == BENCH_OPT_HELP;
		if (spec->id == BENCH_OPT_VERSION) {
			puts("nfbench " NFR_VERSION);
			return EXIT_YES;
		}
		if (parse_option(spec, arg, s))
			return EXIT_INPUT;
	}
	if (got < 0)
		return usage_error(parser.error);
	return parse_verb(&parser, s, is_help);
}

bool settings_want(const struct settings *s, unsigned family,
		   enum measure_hook hook)
{
	return (s->family < 0 || (unsigned)s->family == family) &&
	       s->hooks >> hook & 1;
}
