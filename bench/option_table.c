/* SPDX-License-Identifier: BSD-2-Clause */
/* option_table.c: the verbs and options of nfbench. */
#include "option_table.h"

#define BIT(verb) (1u << BENCH_##verb)
#define DATAPATH (BIT(RUN) | BIT(STATE) | BIT(PATH) | BIT(THROUGHPUT))
#define MEASURING (DATAPATH | BIT(TABLE))

static const char *const usage[] = {"[options] [VERB [FILE...]]", NULL};

static const struct option_verb verbs[] = {
	[BENCH_RUN] = {"run", "", NULL,
		       "what finding a rule costs, by the number of rules; the "
		       "verb if none is given"},
	[BENCH_STATE] = {"state", "", NULL,
			 "what flow state costs: a packet of a flow, and a new "
			 "flow"},
	[BENCH_PATH] = {"path", "", NULL,
			"what a tunnel's contract costs an application: floor "
			"and edge, beside a kill switch of nftables"},
	[BENCH_THROUGHPUT] =
		{"throughput", "", NULL,
		 "what a connection carries under that contract, by "
		 "iperf3, its ends on a CPU each"},
	[BENCH_TABLE] = {"table", "", NULL,
			 "what asking a table costs, by its networks, beside "
			 "the kernel's LPM_TRIE"},
	[BENCH_COMPARE] = {"compare", "OLD NEW", NULL,
			   "two files of --json: what got slower"},
	[BENCH_PLOT] = {"plot", "FILE...", NULL,
			"files of --json: an SVG of ns over rules"},
	[BENCH_HELP] = {"help", "[VERB]",
			"run state path throughput table compare plot",
			"print help"},
};

static const struct option_spec specs[] = {
	{BENCH_OPT_RULES, 'r', "rules", OPTION_TEXT, "N[,N...]", NULL,
	 BIT(RUN) | BIT(TABLE),
	 "sets of so many rules (1,10,100,1000); tables of so many networks "
	 "(10,1000,100000,1000000)"},
	{BENCH_OPT_SET, 's', "set", OPTION_TEXT, "SET", NULL, BIT(RUN),
	 "filters of a ClassBench file, or acl, fw, ipc or split; finding the "
	 "rule alone"},
	{BENCH_OPT_TRACE, 'T', "trace", OPTION_TEXT, "FILE", NULL, BIT(RUN),
	 "headers for --set, in place of the set's own"},
	{BENCH_OPT_FAMILY, 'f', "family", OPTION_WORD, "FAMILY",
	 BENCH_FAMILY_WORDS, MEASURING, "only inet or inet6"},
	{BENCH_OPT_HOOK, 'k', "hook", OPTION_WORD, "HOOK", BENCH_HOOK_WORDS,
	 BIT(RUN) | BIT(STATE),
	 "only these test runs: xdp, tc, tc-in or tc-out; with --set the whole "
	 "datapath there, test-run being the rule alone"},
	{BENCH_OPT_LOOP, 'l', "loop", OPTION_WORD, "LOOP", BENCH_LOOP_WORDS,
	 DATAPATH, "interpreter's loop: auto, may_goto or bpf_loop"},
	{BENCH_OPT_METHOD, 'm', "method", OPTION_WORD, "METHOD",
	 BENCH_METHOD_WORDS, BIT(RUN) | BIT(STATE),
	 "only test-run, or only veth: packets between namespaces (all)"},
	{BENCH_OPT_PEERS, 'p', "peers", OPTION_WORD, "PEERS", BENCH_PEER_WORDS,
	 DATAPATH,
	 "who is measured beside nfr on veth (run --set: none, others: nft); "
	 "or "
	 "dpdk, in place"},
	{BENCH_OPT_FLOWS, 'c', "flows", OPTION_NUMBER, "N", NULL, BIT(STATE),
	 "new flows a case in each round on veth (20000)"},
	{BENCH_OPT_ROUNDS, 'n', "rounds", OPTION_NUMBER, "N", NULL, MEASURING,
	 "rounds, of which the median counts (run, throughput, table 9, others "
	 "15)"},
	{BENCH_OPT_MS, 't', "time", OPTION_NUMBER, "MS", NULL, MEASURING,
	 "milliseconds a case in each round (run, table 20, state 5, path 10, "
	 "throughput 500)"},
	{BENCH_OPT_SHARE, 'w', "worse", OPTION_NUMBER, "PERCENT", NULL,
	 BIT(COMPARE), "how much worse is a regression (10)"},
	{BENCH_OPT_OUTPUT, 'o', "output", OPTION_FILE, "FILE", NULL, BIT(PLOT),
	 "the SVG"},
	{BENCH_OPT_JSON, 'j', "json", OPTION_NONE, NULL, NULL, MEASURING,
	 "a JSON object a line"},
	{BENCH_OPT_VERSION, 'V', "version", OPTION_NONE, NULL, NULL, 0,
	 "print the version"},
	{BENCH_OPT_HELP, 'h', "help", OPTION_NONE, NULL, NULL, 0, "print help"},
};

const struct option_table nfbench_options = {
	.tool = "nfbench",
	.about = "measures the datapath apart from what is in force",
	.usage = usage,
	.verbs = verbs,
	.verb_count = sizeof(verbs) / sizeof(*verbs),
	.specs = specs,
	.spec_count = sizeof(specs) / sizeof(*specs),
};
