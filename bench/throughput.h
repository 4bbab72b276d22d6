/* SPDX-License-Identifier: BSD-2-Clause */
/* throughput.h: "nfbench throughput": bulk TCP under a contract, by iperf3. */
#ifndef NFR_BENCH_THROUGHPUT_H
#define NFR_BENCH_THROUGHPUT_H

#include "machine.h"
#include "settings.h"

/* 0, or -errno with error set. */
int bench_throughput(const struct settings *, const struct machine *,
		     char error[MEASURE_ERROR_MAX]);

#endif
