/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* bench_header.h: headers of a trace, as bench.bpf.c and user space know them.
 */
#ifndef NFR_BENCH_HEADER_H
#define NFR_BENCH_HEADER_H

#include <linux/types.h>

/* So many headers and no more; the least that a benchmark's trace fills. */
#define BENCH_TRACE_MAX 65536u

struct bench_header4 {
	__u32 src, dst; /* host order */
	__u16 sport, dport;
	__u8 proto;
	__u8 reserved[3];
};
_Static_assert(sizeof(struct bench_header4) == 16, "bench_header4");

struct bench_header6 {
	__u32 src[4], dst[4];
	__u16 sport, dport;
	__u8 proto;
	__u8 reserved[3];
};
_Static_assert(sizeof(struct bench_header6) == 40, "bench_header6");

/* A frame whose headers fit in it, all of one length. */
#define BENCH_PACKET_LEN 80u
#define BENCH_LOST 17 /* nfr_trace_in: there is no frame; no TC_ACT */
struct bench_packet {
	__u64 words[BENCH_PACKET_LEN / 8];
};
_Static_assert(sizeof(struct bench_packet) == BENCH_PACKET_LEN, "bench_packet");

/* Where a trace is, and what the last run found. */
struct bench_cursor {
	__u32 next;
	__u32 count;  /* of headers */
	__u32 family; /* enum nfr_family */
	__u32 rule;
};

#endif
