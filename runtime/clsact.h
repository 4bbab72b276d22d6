/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clsact.h: tc filters on a clsact qdisc, where the kernel has no tcx. They
 * live as long as the qdisc, need no pin, and hold preference and handle 1.
 */
#ifndef NFR_CLSACT_H
#define NFR_CLSACT_H

#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

/* 0 or -errno; -EEXIST when the place is taken. Makes the qdisc. */
int clsact_attach(uint32_t ifindex, enum nfr_dir, int prog_fd);
/* Is that program in our place? */
bool clsact_holds(uint32_t ifindex, enum nfr_dir, uint32_t prog_id);
/* Where it runs there and among how many filters; -errno when that is not seen.
 */
int clsact_place(uint32_t ifindex, enum nfr_dir, uint32_t prog_id,
		 unsigned *count);
/* 0 or -errno. The qdisc stays: others may use it. */
int clsact_detach(uint32_t ifindex, enum nfr_dir);

#endif
