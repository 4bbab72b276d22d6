/* SPDX-License-Identifier: BSD-2-Clause */
/* option_tables.h: the verbs and options of nfload and nftrace. */
#ifndef NFR_OPTION_TABLES_H
#define NFR_OPTION_TABLES_H

#include "option.h"

/* Indexes in nfload_options.verbs. */
enum nfload_verb {
	VERB_CHECK,
	VERB_PRINT,
	VERB_CONVERT,
	VERB_COMPILE,
	VERB_DUMP,
	VERB_APPLY,
	VERB_SHOW,
	VERB_TABLE,
	VERB_KILL,
	VERB_CONFIRM,
	VERB_ROLLBACK,
	VERB_HISTORY,
	VERB_RESTORE,
	VERB_PORTAL,
	VERB_WATCH,
	VERB_STATUS,
	VERB_UNLOAD,
	VERB_FILTER,
	VERB_COMPLETION,
	VERB_HELP,
	VERB_COUNT
};

/* Ids of both tools; a letter where getopt has one says nothing here. */
enum tool_option {
	OPT_FILE,
	OPT_DRY_RUN,
	OPT_ALL,
	OPT_COUNT,
	OPT_DEFINE,
	OPT_VERBOSE,
	OPT_QUIET,
	OPT_WARN,
	OPT_HOST,
	OPT_PF,
	OPT_BPFFS,
	OPT_OUTPUT,
	OPT_STAGE,
	OPT_LEAVE,
	OPT_CONFIRM,
	OPT_STATE,
	OPT_OR_BLOCK,
	OPT_EVERY,
	OPT_FOR,
	OPT_END,
	OPT_DNS,
	OPT_READ,
	OPT_WRITE,
	OPT_ON,
	OPT_DIR,
	OPT_XDP,
	OPT_TC,
	OPT_FLOOR,
	OPT_STEER,
	OPT_LOOP,
	OPT_ENGINE,
	OPT_JSON,
	OPT_COLOR,
	OPT_HELP,
	OPT_VERSION,
	OPT_COUNT_EVENTS,
	OPT_BLOCKED,
	OPT_PASSED,
	OPT_TIME
};

extern const struct option_table nfload_options, nftrace_options;

/* Words of these options, in the order of what they choose. */
#define STAGE_WORDS "tokens ast policy bytecode image"
#define LEAVE_WORDS "blocked open" /* enum engine_leave */
#define DIR_WORDS "in out"	   /* enum nfr_dir */
#define COLOR_WORDS "auto always never"
#define XDP_WORDS "auto native generic off"
#define TC_WORDS "auto clsact"
#define FLOOR_WORDS "auto cgroup"
#define STEER_WORDS "auto on off"		  /* enum engine_steer */
#define LOOP_WORDS "auto may_goto bpf_loop"	  /* enum engine_loop */
#define ENGINE_WORDS "auto vm native hash inline" /* enum engine_kind */
#define SHOW_WORDS "rules counters hooks states info tables"
#define TABLE_WORDS "show add delete replace test zero flush"

#endif
