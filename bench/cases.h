/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cases.h: what is measured in each lab of a contract: by way, family and kind.
 */
#ifndef NFR_BENCH_CASES_H
#define NFR_BENCH_CASES_H

#include "contract.h"
#include "machine.h"
#include "series.h"

#define CASES_KINDS 5 /* at most */
#define CASES_ROWS (2 * 2 * CASES_KINDS)

/* One of them in one lab. */
struct path_case {
	size_t lab;
	enum lab_net net;
	bool is_ipv6;
	unsigned kind;
	unsigned count; /* of what the kind counts, a round; 0: not known yet */
	struct series ns, passed;
};

/* A verb's: what it measures, and how. */
struct cases_kinds {
	const char *const *names;
	unsigned count;
	unsigned least; /* of what is counted: how the first round calibrates */
	bool is_least;	/* nor are later rounds shorter */
	/*
	 * So many; *ns of one of them, *passed how many arrived. 0, or -errno
	 * with error set.
	 */
	int (*measure)(void *, const struct path_case *, unsigned count,
		       double *ns, uint64_t *passed,
		       char error[MEASURE_ERROR_MAX]);
};

struct cases {
	const struct contract *contract;
	const struct cases_kinds *kinds;
	void *who;		  /* measure's first argument */
	const char *cpus, *iperf; /* as lines tell them; NULL: they do not */
	struct path_case at[CONTRACT_LABS][CASES_ROWS];
};

bool cases_want(const struct settings *, bool is_ipv6);
/*
 * Every round runs each case in each lab, and begins with another lab; then a
 * line a case. All but at is set. 0, or -errno with error set.
 */
int cases_run(struct cases *, const struct machine *,
	      char error[MEASURE_ERROR_MAX]);

#endif
