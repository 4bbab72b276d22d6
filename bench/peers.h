/* SPDX-License-Identifier: BSD-2-Clause */
/* peers.h: "nfbench run --set --peers": nfr beside other filters on veth. */
#ifndef NFR_PEERS_H
#define NFR_PEERS_H

#include "machine.h"
#include "settings.h"

/* 0, or -errno with error set. */
int bench_peers(const struct settings *, const struct machine *,
		char error[MEASURE_ERROR_MAX]);

#endif
