/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * native_keys.bpf.c: keys -> the rules that generated code finds: for tests and
 * measurements. Run by test runs only, never attached.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "kmod-linux/native.bpf.h"
#include "kmod-linux/scratch.bpf.h"
#include "runtime/native_keys.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NATIVE_KEYS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct native_entry);
} native_keys SEC(".maps");

/* The key of the entry -> the frame; NULL: there is none. */
NFR_INLINE struct native_frame *native_begin(struct native_entry *entry)
{
	struct verdict *v = datapath_scratch();

	if (!v || !entry)
		return 0;
	v->packet.key = entry->key;
	return (struct native_frame *)(void *)v;
}

static long native_turn(__u32 at, void *arg)
{
	__u32 index = at & (NATIVE_KEYS - 1);
	struct native_entry *entry = bpf_map_lookup_elem(&native_keys, &index);
	struct native_frame *frame = native_begin(entry);

	(void)arg;
	if (frame && entry)
		entry->rule = datapath_native(frame);
	return 0;
}

/* The same without the rules. */
static long native_idle(__u32 at, void *arg)
{
	__u32 index = at & (NATIVE_KEYS - 1);
	struct native_entry *entry = bpf_map_lookup_elem(&native_keys, &index);
	struct native_frame *frame = native_begin(entry);

	(void)arg;
	if (frame && entry)
		entry->rule = frame->w[NATIVE_KEY(NFR_F_DIR) / 4];
	return 0;
}

/* Turns: the frame's length tells, 64 a byte. */
NFR_INLINE __u32 native_turns(struct xdp_md *ctx)
{
	return (ctx->data_end - ctx->data) * 64;
}

SEC("xdp")
int native_rules(struct xdp_md *ctx)
{
	bpf_loop(native_turns(ctx), native_turn, 0, 0);
	return XDP_PASS;
}

SEC("xdp")
int native_nothing(struct xdp_md *ctx)
{
	bpf_loop(native_turns(ctx), native_idle, 0, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
