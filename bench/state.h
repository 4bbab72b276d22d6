/* SPDX-License-Identifier: BSD-2-Clause */
/* state.h: "nfbench state": what flow state costs. */
#ifndef NFR_BENCH_STATE_H
#define NFR_BENCH_STATE_H

#include "machine.h"
#include "settings.h"

/* Both: 0, or -errno with error set. */
int bench_state(const struct settings *, const struct machine *,
		char error[MEASURE_ERROR_MAX]);
/* The part that sends packets between namespaces. */
int bench_state_veth(const struct settings *, const struct machine *,
		     char error[MEASURE_ERROR_MAX]);

#endif
