/* SPDX-License-Identifier: BSD-2-Clause */
/* run_trace.h: "nfbench run --set --hook": the whole datapath on a trace. */
#ifndef NFR_RUN_TRACE_H
#define NFR_RUN_TRACE_H

#include "machine.h"
#include "settings.h"

/* 0, or -errno with error set. */
int bench_run_trace(const struct settings *, const struct machine *,
		    char error[MEASURE_ERROR_MAX]);

#endif
