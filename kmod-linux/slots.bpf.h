/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* slots.bpf.h: a name and a number -> a map of so many programs to tail-call.
 */
#ifndef NFR_SLOTS_BPF_H
#define NFR_SLOTS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* All programs of one are of one type. */
#define SLOTS(name, count)                                                     \
	struct {                                                               \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                         \
		__uint(max_entries, count);                                    \
		__uint(key_size, sizeof(__u32));                               \
		__uint(value_size, sizeof(__u32));                             \
	} name SEC(".maps")

#endif
