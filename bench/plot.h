/* SPDX-License-Identifier: BSD-2-Clause */
/* plot.h: "nfbench plot": files of JSON lines -> an SVG of curves. */
#ifndef NFR_PLOT_H
#define NFR_PLOT_H

#include "settings.h"

/* The exit status, with all said. */
int bench_plot(const struct settings *);

#endif
