/* SPDX-License-Identifier: BSD-2-Clause */
/* path.h: "nfbench path": what a tunnel's contract costs an application. */
#ifndef NFR_BENCH_PATH_H
#define NFR_BENCH_PATH_H

#include "machine.h"
#include "settings.h"

/* 0, or -errno with error set. */
int bench_path(const struct settings *, const struct machine *,
	       char error[MEASURE_ERROR_MAX]);

#endif
