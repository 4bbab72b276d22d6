/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * option_tables.c: what the tools' command lines may hold. Parsing, --help and
 * completion come from here; tests/cli/docs.sh compares the man pages.
 */
#include "option_tables.h"

#include "state_filter.h"

#define BIT(verb) (1u << VERB_##verb)
#define READS_RULES                                                            \
	(BIT(CHECK) | BIT(PRINT) | BIT(CONVERT) | BIT(COMPILE) | BIT(DUMP) |   \
	 BIT(APPLY) | BIT(FILTER))
#define LOOKS                                                                  \
	(BIT(APPLY) | BIT(SHOW) | BIT(TABLE) | BIT(KILL) | BIT(STATUS) |       \
	 BIT(UNLOAD) | LIVES)
#define LIVES                                                                  \
	(BIT(CONFIRM) | BIT(ROLLBACK) | BIT(HISTORY) | BIT(RESTORE) |          \
	 BIT(PORTAL) | BIT(WATCH))
#define HOOKS                                                                  \
	(BIT(APPLY) | BIT(UNLOAD) | BIT(ROLLBACK) | BIT(RESTORE) |             \
	 BIT(PORTAL) | BIT(WATCH))
#define KEEPS                                                                  \
	(BIT(APPLY) | BIT(CONFIRM) | BIT(ROLLBACK) | BIT(HISTORY) |            \
	 BIT(RESTORE))
#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

#define TABLE_OPERANDS "show|add|delete|replace|test|zero|flush"

static const char *const nfload_usage[] = {
	"[options] VERB [operand]",
	"[-nvq] [-D NAME=VALUE] -f FILE",
	NULL,
};

static const struct option_verb nfload_verbs[] = {
	[VERB_CHECK] = {"check", "FILE", NULL,
			"say whether FILE is right; asks nothing of the "
			"kernel"},
	[VERB_PRINT] = {"print", "FILE", NULL,
			"print FILE in canonical form, lists expanded"},
	[VERB_CONVERT] = {"convert", "FILE", NULL,
			  "print FILE, a pf.conf, as an nfr policy"},
	[VERB_COMPILE] = {"compile", "FILE", NULL,
			  "write FILE as an image to --output"},
	[VERB_DUMP] = {"dump", "FILE", NULL,
		       "show what a stage of the compiler made of FILE"},
	[VERB_APPLY] = {"apply", "FILE", NULL,
			"put FILE in force, a policy or an image"},
	[VERB_SHOW] = {"show",
		       "rules|counters|hooks|info|tables|states [FILTER]",
		       SHOW_WORDS " " STATE_FILTER_WORDS,
		       "show what is in force, and what it counted"},
	[VERB_TABLE] = {"table", "NAME " TABLE_OPERANDS " [ADDR ...]",
			TABLE_WORDS,
			"show or change a table of the policy in force"},
	[VERB_KILL] = {"kill", "states FILTER|--all",
		       "states " STATE_FILTER_WORDS,
		       "end flows; FILTER as in \"proto tcp to 192.0.2.0/24\""},
	[VERB_CONFIRM] = {"confirm", "", NULL,
			  "keep the policy that \"apply --confirm\" put on "
			  "trial"},
	[VERB_ROLLBACK] = {"rollback", "[NUMBER|HASH]", "1 2 3",
			   "go back to the policy before, or to one that "
			   "history lists"},
	[VERB_HISTORY] = {"history", "", NULL,
			  "list confirmed policies, 0 is the last"},
	[VERB_RESTORE] = {"restore", "", NULL,
			  "put the last confirmed policy in force, as at boot"},
	[VERB_PORTAL] = {"portal", "[IF]", NULL,
			 "open the portal that the policy has on IF, for a "
			 "while; the kernel closes it"},
	[VERB_WATCH] = {"watch", "", NULL,
			"follow devices and addresses until SIGTERM; a "
			"service"},
	[VERB_STATUS] = {"status", "", NULL,
			 "say whether everything is guarded"},
	[VERB_UNLOAD] = {"unload", "", NULL,
			 "take the policy out of force; --leave says what "
			 "then"},
	[VERB_FILTER] = {"filter", "FILE", NULL,
			 "run a capture through FILE, in user space"},
	[VERB_COMPLETION] = {"completion", "bash", "bash",
			     "print a completion script"},
	[VERB_HELP] =
		{"help", "[VERB|exits|json|reasons]",
		 "check print convert compile dump apply show table "
		 "kill confirm rollback history restore portal watch status "
		 "unload "
		 "filter completion help exits json reasons",
		 "print help"},
};

static const struct option_spec nfload_specs[] = {
	{OPT_FILE, 'f', "file", OPTION_FILE, "FILE", NULL,
	 READS_RULES | BIT(TABLE),
	 "the policy; \"-\" is standard input; without a verb it is applied; "
	 "with table, the addresses"},
	{OPT_DRY_RUN, 'n', "dry-run", OPTION_NONE, NULL, NULL,
	 BIT(CHECK) | BIT(APPLY) | BIT(KILL),
	 "check only, load nothing; kill: say only how many"},
	{OPT_ALL, 'a', "all", OPTION_NONE, NULL, NULL, BIT(KILL),
	 "every state"},
	{OPT_COUNT, 'c', "count", OPTION_NONE, NULL, NULL, BIT(SHOW),
	 "of show states: only how many there are"},
	{OPT_DEFINE, 'D', "define", OPTION_TEXT, "NAME=VALUE", NULL,
	 READS_RULES, "define a macro; it beats the file's own"},
	{OPT_VERBOSE, 'v', "verbose", OPTION_NONE, NULL, NULL, 0,
	 "say more; twice: the kernel's log too"},
	{OPT_QUIET, 'q', "quiet", OPTION_NONE, NULL, NULL, 0,
	 "say nothing when all is well"},
	{OPT_WARN, 'W', "warn", OPTION_TEXT, "NAME", NULL, READS_RULES,
	 "NAME, no-NAME, error, error=NAME or no-error=NAME"},
	{OPT_HOST, 'H', "host", OPTION_FILE, "PROFILE", NULL, READS_RULES,
	 "the host as PROFILE describes it, in place of this one"},
	{OPT_PF, 0, "pf", OPTION_NONE, NULL, NULL, BIT(CHECK) | BIT(PRINT),
	 "read FILE as pf would, with pf's defaults and leniencies; check "
	 "lists what nfr does otherwise"},
	{OPT_BPFFS, 'B', "bpffs", OPTION_DIR, "DIR", NULL, LOOKS,
	 "where the policy is pinned; else NFR_BPFFS, else "
	 "/sys/fs/bpf/nfr"},
	{OPT_OUTPUT, 'o', "output", OPTION_FILE, "OUT", NULL, BIT(COMPILE),
	 "the image to write; \"-\" is standard output"},
	{OPT_STAGE, 's', "stage", OPTION_WORD, "STAGE", STAGE_WORDS, BIT(DUMP),
	 "tokens, ast, policy, bytecode (the default) or image"},
	{OPT_LEAVE, 'l', "leave", OPTION_WORD, "HOW", LEAVE_WORDS,
	 BIT(UNLOAD) | BIT(APPLY),
	 "blocked: the hooks stay and block all; open: they are removed; with "
	 "--confirm, what comes after a first policy that nobody confirms "
	 "(open)"},
	{OPT_CONFIRM, 0, "confirm", OPTION_SPAN, "TIME", NULL, BIT(APPLY),
	 "put it on trial: after TIME (30s) the kernel goes back by itself "
	 "unless it is confirmed"},
	{OPT_STATE, 0, "state", OPTION_DIR, "DIR", NULL, KEEPS,
	 "where confirmed policies are kept; else NFR_STATE, else /var/lib/nfr "
	 "(only with the usual --bpffs)"},
	{OPT_OR_BLOCK, 0, "or-block", OPTION_NONE, NULL, NULL, BIT(RESTORE),
	 "block everything when there is no policy to restore"},
	{OPT_EVERY, 0, "every", OPTION_SPAN, "TIME", NULL, BIT(WATCH),
	 "look at all hooks this often even when nothing happens (10s)"},
	{OPT_FOR, 0, "for", OPTION_SPAN, "TIME", NULL, BIT(PORTAL),
	 "how long it is open (5m), an hour at most"},
	{OPT_END, 0, "end", OPTION_NONE, NULL, NULL, BIT(PORTAL),
	 "close the portal that is open"},
	{OPT_DNS, 0, "dns", OPTION_TEXT, "ADDRESS", NULL, BIT(PORTAL),
	 "whom to ask for names, once each; without, whom the lease of IF "
	 "names, else its router"},
	{OPT_READ, 'r', "read", OPTION_FILE, "PCAP", NULL, BIT(FILTER),
	 "the capture to read; \"-\" is standard input"},
	{OPT_WRITE, 'w', "write", OPTION_FILE, "PCAP", NULL, BIT(FILTER),
	 "where to write what passes"},
	{OPT_ON, 'i', "on", OPTION_IFACE, "IF", NULL, BIT(FILTER),
	 "the interface that the packets are on"},
	{OPT_DIR, 'd', "dir", OPTION_WORD, "DIR", DIR_WORDS, BIT(FILTER),
	 "their direction: in or out (the default)"},
	{OPT_XDP, 0, "xdp", OPTION_WORD, "HOW", XDP_WORDS, HOOKS,
	 "auto, native (a veth's, too), generic (not the driver's) or off (tcx "
	 "or "
	 "clsact)"},
	{OPT_TC, 0, "tc", OPTION_WORD, "HOW", TC_WORDS, HOOKS,
	 "auto, or clsact where tcx would do"},
	{OPT_FLOOR, 0, "floor", OPTION_WORD, "HOW", FLOOR_WORDS, HOOKS,
	 "auto, or cgroup where netfilter links would do"},
	{OPT_STEER, 0, "steer", OPTION_WORD, "HOW", STEER_WORDS, HOOKS,
	 "auto: what a tunnel's exclude and include say is routed so, whatever "
	 "table main says; on: without these too; or off"},
	{OPT_LOOP, 0, "loop", OPTION_WORD, "HOW", LOOP_WORDS, HOOKS,
	 "how the kernel's VM loops: auto, may_goto or bpf_loop"},
	{OPT_ENGINE, 0, "engine", OPTION_WORD, "WHAT", ENGINE_WORDS, BIT(APPLY),
	 "what finds the rule: auto, vm, native (the rules as eBPF), inline "
	 "(inside of the datapath) or hash; "
	 "-v says which, and why"},
	{OPT_JSON, 'j', "json", OPTION_NONE, NULL, NULL, 0,
	 "print one JSON object in place of text; see \"help json\""},
	{OPT_COLOR, 0, "color", OPTION_WORD, "WHEN", COLOR_WORDS, 0,
	 "auto, always or never; auto obeys NO_COLOR"},
	{OPT_HELP, 'h', "help", OPTION_NONE, NULL, NULL, 0, "print help"},
	{OPT_VERSION, 'V', "version", OPTION_NONE, NULL, NULL, 0,
	 "print the version"},
};

const struct option_table nfload_options = {
	.tool = "nfload",
	.about = "checks nfr policies and puts them in force",
	.usage = nfload_usage,
	.verbs = nfload_verbs,
	.verb_count = COUNT_OF(nfload_verbs),
	.specs = nfload_specs,
	.spec_count = COUNT_OF(nfload_specs),
};

static const char *const nftrace_usage[] = {"[options]", NULL};

static const struct option_spec nftrace_specs[] = {
	{OPT_ON, 'i', "on", OPTION_IFACE, "IF", NULL, 0,
	 "only packets on the interface IF"},
	{OPT_DIR, 'd', "dir", OPTION_WORD, "DIR", DIR_WORDS, 0,
	 "only packets that go in, or out"},
	{OPT_BLOCKED, 'b', "blocked", OPTION_NONE, NULL, NULL, 0,
	 "only blocked packets"},
	{OPT_PASSED, 'p', "passed", OPTION_NONE, NULL, NULL, 0,
	 "only packets that passed and are logged"},
	{OPT_COUNT_EVENTS, 'c', "count", OPTION_NUMBER, "COUNT", NULL, 0,
	 "end after COUNT packets"},
	{OPT_TIME, 't', "time", OPTION_NONE, NULL, NULL, 0,
	 "once: no time; twice: seconds since 1970; three times: since the "
	 "last line; four times: with the date"},
	{OPT_QUIET, 'q', "quiet", OPTION_NONE, NULL, NULL, 0,
	 "no word on standard error when all is well"},
	{OPT_BPFFS, 'B', "bpffs", OPTION_DIR, "DIR", NULL, 0,
	 "where the policy is pinned; else NFR_BPFFS, else "
	 "/sys/fs/bpf/nfr"},
	{OPT_JSON, 'j', "json", OPTION_NONE, NULL, NULL, 0,
	 "one JSON object a line; see \"nfload help json\""},
	{OPT_COLOR, 0, "color", OPTION_WORD, "WHEN", COLOR_WORDS, 0,
	 "auto, always or never; auto obeys NO_COLOR"},
	{OPT_HELP, 'h', "help", OPTION_NONE, NULL, NULL, 0, "print help"},
	{OPT_VERSION, 'V', "version", OPTION_NONE, NULL, NULL, 0,
	 "print the version"},
};

const struct option_table nftrace_options = {
	.tool = "nftrace",
	.about = "shows blocked and logged packets as they are judged",
	.usage = nftrace_usage,
	.specs = nftrace_specs,
	.spec_count = COUNT_OF(nftrace_specs),
};
