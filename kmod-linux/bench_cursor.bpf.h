/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* bench_cursor.bpf.h: a trace -> which of it is next, round and round. */
#ifndef NFR_BENCH_CURSOR_BPF_H
#define NFR_BENCH_CURSOR_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bench/bench_header.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_cursor);
} bench_cursor SEC(".maps");

static __always_inline struct bench_cursor *bench_cursor_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&bench_cursor, &zero);
}

static __always_inline __u32 bench_cursor_step(struct bench_cursor *cursor)
{
	__u32 at = cursor->next;

	cursor->next = at + 1 < cursor->count ? at + 1 : 0;
	return at;
}

#endif
