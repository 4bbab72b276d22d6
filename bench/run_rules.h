/* SPDX-License-Identifier: BSD-2-Clause */
/* run_rules.h: "run --set": sets of filters -> the cost of finding a rule. */
#ifndef NFR_RUN_RULES_H
#define NFR_RUN_RULES_H

#include "machine.h"
#include "settings.h"

/* 0, or -errno with error set. */
int bench_run_rules(const struct settings *, const struct machine *,
		    char error[MEASURE_ERROR_MAX]);

#endif
