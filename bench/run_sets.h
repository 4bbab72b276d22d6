/* SPDX-License-Identifier: BSD-2-Clause */
/* run_sets.h: "run --set": numbers of rules and families, a set at a time. */
#ifndef NFR_RUN_SETS_H
#define NFR_RUN_SETS_H

#include "filters.h"
#include "machine.h"
#include "settings.h"

typedef int run_set_fn(const struct settings *, const struct machine *,
		       unsigned rules, bool is_ipv6,
		       char error[MEASURE_ERROR_MAX]);

/* A header of the table, then each set; the first that fails ends it. */
int run_sets(const struct settings *settings, const struct machine *m,
	     run_set_fn *run_set, char error[MEASURE_ERROR_MAX]);

#endif
