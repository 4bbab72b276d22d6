/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.h: how long something took. */
#ifndef NFR_CLOCK_H
#define NFR_CLOCK_H

#include <stdint.h>

uint64_t clock_now_ns(void); /* monotonic */
double clock_ms_since(uint64_t start_ns);

#endif
