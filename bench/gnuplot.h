/* SPDX-License-Identifier: BSD-2-Clause */
/* gnuplot.h: a script for gnuplot -> a file. */
#ifndef NFR_GNUPLOT_H
#define NFR_GNUPLOT_H

#include <stddef.h>

/*
 * What gnuplot writes for the script (a file, at its start) becomes output,
 * whole or not at all. 0, or -errno with error set.
 */
int gnuplot_run(int script, const char *output, char *error, size_t room);

#endif
