/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* bench_frame.h: what bench.bpf.c writes over a frame, and which it passes. */
#ifndef NFR_BENCH_FRAME_H
#define NFR_BENCH_FRAME_H

#include <linux/types.h>

#define BENCH_FRAME_LEN 96 /* of such a frame, and so many are written */

/* Whose datagrams nfr_door_xdp passes. */
#define BENCH_UDP 17
#define BENCH_PORT 443

struct bench_frame {
	__u64 words[BENCH_FRAME_LEN / 8];
	__u32 seq_at;	/* offset of a TCP sequence number; 0: none */
	__u32 seq_step; /* that it grows by, run by run */
};
_Static_assert(sizeof(struct bench_frame) == BENCH_FRAME_LEN + 8,
	       "bench_frame");

#endif
