/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * workload.h: how many rules, and what kind -> an image; and the frame that
 * the last of its rules passes.
 */
#ifndef NFR_WORKLOAD_H
#define NFR_WORKLOAD_H

#include <stdbool.h>

#include "compiler/image.h"

#define WORKLOAD_RULES_MAX 100000u
#define WORKLOAD_FRAME_MAX 128

struct workload {
	struct arena *arena;
	__u8 *bytes;
	size_t len;
	struct image image; /* view of bytes */
};

/*
 * rules for each family: all but the last are "block in quick proto tcp from
 * PREFIX to any port PORT" for other prefixes than the frame's, the last
 * passes everything. 0, -E2BIG, -ENOMEM or -EINVAL; freed by workload_free()
 * in any case.
 */
int workload_new(unsigned rules, bool keeps_state, struct workload *out);
/*
 * "pass out nat-to" one address of each family; everything else is blocked.
 * The same errors.
 */
int workload_nat(struct workload *out);
void workload_free(struct workload *);

/* Ethernet, IP, a TCP segment with ACK and no data; returns the length. */
size_t workload_frame(enum nfr_family, __u8 frame[WORKLOAD_FRAME_MAX]);
/* Turns that frame into what the other side sends back. */
void workload_answer(enum nfr_family, __u8 frame[WORKLOAD_FRAME_MAX]);

#endif
