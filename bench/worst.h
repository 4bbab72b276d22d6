/* SPDX-License-Identifier: BSD-2-Clause */
/* worst.h: filters and their image -> headers that take the most turns. */
#ifndef NFR_WORST_H
#define NFR_WORST_H

#include "compiler/image.h"
#include "filters.h"

/*
 * Replaces the trace by the slowest of headers mixed of several filters, by
 * the turns that the data form takes. Mean turns of the trace it had, and of
 * the new one. 0, or -ENOENT without a data form, or -ENOMEM.
 */
int worst_trace(struct filters *, const struct image *, bool is_ipv6,
		double *mean, double *worst);

#endif
