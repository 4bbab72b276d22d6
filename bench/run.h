/* SPDX-License-Identifier: BSD-2-Clause */
/* run.h: "nfbench run": what finding a rule costs, by the number of rules. */
#ifndef NFR_RUN_H
#define NFR_RUN_H

#include "machine.h"
#include "settings.h"

/* 0, or -errno with error set. */
int bench_run(const struct settings *, const struct machine *,
	      char error[MEASURE_ERROR_MAX]);

#endif
