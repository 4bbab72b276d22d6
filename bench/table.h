/* SPDX-License-Identifier: BSD-2-Clause */
/* table.h: "nfbench table": what asking a table costs, by its networks. */
#ifndef NFR_BENCH_TABLE_H
#define NFR_BENCH_TABLE_H

#include "machine.h"
#include "settings.h"

/* 0, or -errno with error set. */
int bench_table(const struct settings *, const struct machine *,
		char error[MEASURE_ERROR_MAX]);

#endif
