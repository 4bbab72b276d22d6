/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * bench_table.bpf.c: addresses -> are they in a table, an address a run: by
 * table_find(), and by the kernel's LPM_TRIE beside it; and what a run costs
 * without. Run by test runs only, never attached.
 */
#include "kmod-linux/table.bpf.h"
#include "runtime/table_bench.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 64 + TABLE_READ_MAX);
} nfr_tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct nfr_table_address);
	__type(value, __u32);
} nfr_added SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct nfr_table_key);
	__type(value, __u32);
} bench_trie SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, TABLE_BENCH_ASKED);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct table_bench);
} bench_asked SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_next SEC(".maps");

const volatile __u32 nfr_tables_last SEC(".rodata.tables") = 64;

static __always_inline struct table_bench *bench_begin(void)
{
	__u32 zero = 0, index, *next = bpf_map_lookup_elem(&bench_next, &zero);

	if (!next)
		return 0;
	index = *next & (TABLE_BENCH_ASKED - 1);
	*next = index + 1;
	return bpf_map_lookup_elem(&bench_asked, &index);
}

SEC("xdp")
int nfr_bench_levels(struct xdp_md *ctx)
{
	struct table_bench *asked = bench_begin();

	(void)ctx;
	if (!asked)
		return XDP_ABORTED;
	asked->said = table_value(
		&nfr_tables, &nfr_added, nfr_tables_last,
		table_address(asked->upper, asked->lower, 0, asked->family));
	return XDP_PASS;
}

SEC("xdp")
int nfr_bench_trie(struct xdp_md *ctx)
{
	struct table_bench *asked = bench_begin();
	__u32 *value;

	(void)ctx;
	if (!asked)
		return XDP_ABORTED;
	value = bpf_map_lookup_elem(&bench_trie, &asked->key);
	asked->said = value ? *value & NFR_TABLE_MEMBER : 0;
	return XDP_PASS;
}

SEC("xdp")
int nfr_bench_none(struct xdp_md *ctx)
{
	struct table_bench *asked = bench_begin();

	(void)ctx;
	if (!asked)
		return XDP_ABORTED;
	asked->said = (__u32)asked->lower ^ asked->key.prefix_len;
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
