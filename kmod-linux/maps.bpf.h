/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * maps.bpf.h: the maps of the eBPF objects, by the names that the loader knows.
 *
 * Shared maps outlive a generation: the loader pins one of each and gives it
 * to every object. The others belong to one generation. Sizes are defaults
 * that the loader sets to what an image needs. A name has at most 15 bytes in
 * the kernel.
 */
#ifndef NFR_MAPS_BPF_H
#define NFR_MAPS_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "runtime/abi.h"
#include "runtime/hash_format.h"
#include "runtime/pool.h"
#include "runtime/table_find.h"

/* ---- shared: stub and datapath ----------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct nfr_control);
} nfr_control SEC(".maps");

/* Index: dir * NFR_REASON_COUNT + reason. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 2 * NFR_REASON_COUNT);
	__type(key, __u32);
	__type(value, struct nfr_count);
} nfr_reasons SEC(".maps");

static __always_inline void maps_count_reason(__u32 dir, __u32 reason,
					      __u32 bytes)
{
	__u32 index = dir * NFR_REASON_COUNT + reason;
	struct nfr_count *count = bpf_map_lookup_elem(&nfr_reasons, &index);

	if (count) {
		count->packets++;
		count->bytes += bytes;
	}
}

#ifdef NFR_STEERS
/* Made by the loader, which fills it, and empties it when nothing is steered.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct nfr_table_key);
	__type(value, __u32);
} nfr_outside SEC(".maps");
#endif

#ifndef NFR_STUB

/* ---- shared: datapath -------------------------------------------------- */

#if !defined(NFR_FLOOR) || defined(NFR_FLOOR_KEPT)
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NFR_BUCKETS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct nfr_bucket);
} nfr_states SEC(".maps");
#endif

#ifndef NFR_FLOOR /* which keeps nothing of a packet */

/* How the host sees a translated flow -> its name. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, NFR_STATES_MAX);
	__type(key, struct nfr_state_key);
	__type(value, struct nfr_state_key);
} nfr_aliases SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct nfr_fragment_key);
	__type(value, struct nfr_fragment);
} nfr_fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct nfr_source_key);
	__type(value, struct nfr_source);
} nfr_counted SEC(".maps");

/* The next turn of a round-robin pool, by its id. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} nfr_pool_next SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct pool_sticky_key);
	__type(value, struct pool_sticky);
} nfr_sticky SEC(".maps");

#endif

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} nfr_events SEC(".maps");

/* ---- of one generation ------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nfr_config);
} nfr_config SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nfr_insn);
} nfr_code SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nfr_rule);
} nfr_rules SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nfr_action);
} nfr_actions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nfr_count);
} nfr_rule_counts SEC(".maps");

/*
 * Tables as they were loaded (table_find.h). Behind nfr_tables_last there are
 * TABLE_READ_MAX bytes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 64 + TABLE_READ_MAX);
} nfr_tables SEC(".maps");

/* What overload added to them since. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct nfr_table_address);
	__type(value, __u32);
} nfr_added SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nfr_rule_tables);
} nfr_rule_tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, struct nfr_count);
} nfr_table_cnts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct nfr_cgroup_key);
	__type(value, struct nfr_cgroup);
} nfr_cgroups SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct nfr_iface);
} nfr_ifaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, NFR_NEAR_MAX);
	__type(key, __u32);
	__type(value, struct nfr_iface);
} nfr_near SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nfr_ticket);
} nfr_ticket SEC(".maps");

/* The kernel removes an entry with its device: what is here is the device. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u32);
} nfr_tunnels SEC(".maps");

/* The same, of every device that the edge looks at, or leaves by "set skip". */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u32);
} nfr_edges SEC(".maps");

#if !defined(NFR_FLOOR) || defined(NFR_BENCH)
/*
 * The data form of rules (hash_format.h). Behind what nfr_hash_mask reaches
 * there are HASH_READ_MAX bytes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 128 + HASH_READ_MAX);
} nfr_hash SEC(".maps");

#endif

#ifndef NFR_FLOOR

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nfr_pool);
} nfr_pools SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct nfr_pool_addr);
} nfr_pool_addrs SEC(".maps");

#endif
#endif
#endif
