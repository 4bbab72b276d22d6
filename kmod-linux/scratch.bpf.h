/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* scratch.bpf.h: where the datapath's programs, and native code, find a packet.
 */
#ifndef NFR_SCRATCH_BPF_H
#define NFR_SCRATCH_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "runtime/scratch.h"

/* One packet at a time: these hooks run with bottom halves off. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct verdict);
} nfr_scratch SEC(".maps");

NFR_INLINE struct verdict *datapath_scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&nfr_scratch, &zero);
}

#endif
