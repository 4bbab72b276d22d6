/* SPDX-License-Identifier: BSD-2-Clause */
/* compare.h: "nfbench compare": an old run and a new one -> what got worse. */
#ifndef NFR_COMPARE_H
#define NFR_COMPARE_H

#include "settings.h"

/* The exit status, with all said. */
int bench_compare(const struct settings *);

#endif
