/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * native_keys.bpf.c: keys -> the rules that generated code finds, a key a run:
 * for tests and measurements. Run by test runs only, never attached.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "kmod-linux/maps.bpf.h"
#include "kmod-linux/scratch.bpf.h"
#include "kmod-linux/steady.bpf.h"
#include "runtime/native_keys.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NATIVE_KEYS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct native_entry);
} native_keys SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} native_next SEC(".maps");

/* The next entry, its key in the scratch; NULL: there is none. */
static __always_inline struct native_entry *native_begin(void)
{
	struct verdict *v = datapath_scratch();
	struct native_entry *entry;
	__u32 zero = 0, index, *next = bpf_map_lookup_elem(&native_next, &zero);

	if (!v || !next)
		return 0;
	index = *next & (NATIVE_KEYS - 1);
	*next = index + 1;
	entry = bpf_map_lookup_elem(&native_keys, &index);
	if (entry)
		v->packet.key = entry->key;
	return entry;
}

/* Native code alone is asked. */
NFR_INLINE __u32 steady_rules(const struct nfr_config *config,
			      struct verdict *v)
{
	(void)config;
	(void)v;
	return NATIVE_NONE;
}

SEC("xdp")
int native_rules(struct xdp_md *ctx)
{
	struct native_entry *entry = native_begin();
	struct verdict *v = datapath_scratch();
	__u32 zero = 0;
	struct nfr_config *config = bpf_map_lookup_elem(&nfr_config, &zero);

	if (!entry || !v || !config)
		return XDP_ABORTED;
	entry->rule = steady_find(ctx, 0, config, v);
	return XDP_PASS;
}

/* The same without the rules. */
SEC("xdp")
int native_nothing(struct xdp_md *ctx)
{
	struct native_entry *entry = native_begin();

	(void)ctx;
	if (!entry)
		return XDP_ABORTED;
	entry->rule = entry->key.w[NFR_F_DIR];
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
