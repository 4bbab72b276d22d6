/* SPDX-License-Identifier: BSD-2-Clause */
/* settings.h: nfbench's command line -> what to measure. */
#ifndef NFR_SETTINGS_H
#define NFR_SETTINGS_H

#include "measure.h"
#include "option_table.h"
#include "series.h"

#define SETTINGS_SETS_MAX 16

enum bench_method { METHOD_ALL, METHOD_TEST_RUN, METHOD_VETH };

struct settings {
	enum bench_verb verb;
	unsigned rules[SETTINGS_SETS_MAX];
	unsigned rules_count;
	int family;	/* 0 inet, 1 inet6, -1 both */
	unsigned hooks; /* bits 1 << enum measure_hook; of --set 0: the rule
			   alone */
	bool has_hook;	/* said so */
	enum measure_loop loop;
	enum bench_method method;
	unsigned peers;			  /* BENCH_PEER_* */
	bool has_peers;			  /* said so */
	const char *set, *trace, *output; /* NULL: not given */
	unsigned flows, rounds, ms, share;
	char **files; /* compare: two; plot: one or more */
	int file_count;
	bool is_json;
};

/* -1: go on; else the exit status, with all said. */
int settings_parse(int argc, char **argv, struct settings *);
/* run --set: packets between namespaces, too. */
bool settings_on_veth(const struct settings *);
bool settings_want(const struct settings *, unsigned family,
		   enum measure_hook hook);

#endif
