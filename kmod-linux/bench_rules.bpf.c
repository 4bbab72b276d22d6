/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * bench_rules.bpf.c: the next header of a trace -> a key -> the rule that
 * decides, and nothing else of the datapath. Beside it the floor: the same
 * without looking for a rule. Loaded for test runs only, never attached.
 */
#define NFR_FLOOR
#define NFR_BENCH
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "kmod-linux/bench_cursor.bpf.h"
#include "kmod-linux/env.bpf.h"
#include "kmod-linux/scratch.bpf.h"
#include "kmod-linux/steady.bpf.h"
#include "runtime/classify_hash.h"
#include "runtime/vm.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_header4);
} bench_trace4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_header6);
} bench_trace6 SEC(".maps");

static __always_inline int bench_fill4(struct nfr_key *key, __u32 at)
{
	const struct bench_header4 *h = bpf_map_lookup_elem(&bench_trace4, &at);

	if (!h)
		return 1;
	key->w[NFR_F_SRC0] = h->src;
	key->w[NFR_F_DST0] = h->dst;
	key->w[NFR_F_SPORT] = h->sport;
	key->w[NFR_F_DPORT] = h->dport;
	key->w[NFR_F_PROTO] = h->proto;
	key->w[NFR_F_FAMILY] = NFR_FAMILY_IPV4;
	return 0;
}

static __always_inline int bench_fill6(struct nfr_key *key, __u32 at)
{
	const struct bench_header6 *h = bpf_map_lookup_elem(&bench_trace6, &at);

	if (!h)
		return 1;
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		key->w[NFR_F_SRC0 + i] = h->src[i];
		key->w[NFR_F_DST0 + i] = h->dst[i];
	}
	key->w[NFR_F_SPORT] = h->sport;
	key->w[NFR_F_DPORT] = h->dport;
	key->w[NFR_F_PROTO] = h->proto;
	key->w[NFR_F_FAMILY] = NFR_FAMILY_IPV6;
	return 0;
}

/* The scratch with the next header in its key, or NULL. */
static __always_inline struct verdict *bench_next(void)
{
	struct verdict *s = datapath_scratch();
	struct bench_cursor *cursor = bench_cursor_get();
	__u32 at;
	int failed;

	if (!s || !cursor)
		return 0;
	at = bench_cursor_step(cursor);
	if (cursor->family == NFR_FAMILY_IPV6)
		failed = bench_fill6(&s->packet.key, at);
	else
		failed = bench_fill4(&s->packet.key, at);
	return failed ? 0 : s;
}

__u32 bench_find(__u32 entry);
__u32 bench_run(__u32 entry);

/* As decide_find() does it. */
__attribute__((noinline)) __u32 bench_find(__u32 entry)
{
	struct verdict *s = datapath_scratch();
	const struct hash_head *head;
	struct env env = {0};
	__u32 rank;
	int is_lost;

	if (!s)
		return NFR_NO_RULE;
	head = hash_begin(&env, NFR_DIR_IN, s->packet.key.w[NFR_F_FAMILY]);
	vm_begin(&s->rules, entry, 0);
	if (!head)
		return NFR_NO_RULE;
	s->rules.pc = head->entry;
	rank = hash_find(&env, &s->packet.key, head, &is_lost);
	if (is_lost)
		return NFR_NO_RULE;
	if (rank == HASH_NONE)
		return head->otherwise;
	s->rules.candidate = hash_rule(&env, head, rank) + 1;
	s->rules.rank = rank;
	return s->rules.candidate - 1;
}

__attribute__((noinline)) __u32 bench_run(__u32 entry)
{
	struct verdict *s = datapath_scratch();
	struct env env = {0};

	if (!s)
		return NFR_NO_RULE;
	if (entry != NFR_NO_ENTRY)
		vm_begin(&s->rules, entry, 0);
	return vm_go(&env, &s->packet.key, &s->rules);
}

/* The data form; other forms are asked by their own programs here. */
NFR_INLINE __u32 steady_rules(const struct nfr_config *config,
			      struct verdict *v)
{
	__u32 family = v->packet.key.w[NFR_F_FAMILY], rule;

	rule = bench_find(
		config->entry[family == NFR_FAMILY_IPV6 ? NFR_FAMILY_IPV6
							: NFR_FAMILY_IPV4]);
	return v->rules.pc == NFR_NO_ENTRY ? rule : bench_run(NFR_NO_ENTRY);
}

static __always_inline int bench_found(__u32 rule)
{
	struct bench_cursor *cursor = bench_cursor_get();

	if (cursor)
		cursor->rule = rule;
	return rule == NFR_NO_RULE ? XDP_ABORTED : XDP_PASS;
}

static __always_inline __u32 bench_entry(const struct verdict *s)
{
	__u32 zero = 0;
	struct nfr_config *config = bpf_map_lookup_elem(&nfr_config, &zero);

	if (!config)
		return NFR_NO_ENTRY;
	return s->packet.key.w[NFR_F_FAMILY] == NFR_FAMILY_IPV6
		       ? config->entry[NFR_FAMILY_IPV6]
		       : config->entry[NFR_FAMILY_IPV4];
}

SEC("xdp")
int nfr_rules_floor(struct xdp_md *ctx)
{
	struct verdict *s = bench_next();

	(void)ctx;
	return s ? bench_found(bench_entry(s)) : XDP_ABORTED;
}

SEC("xdp")
int nfr_rules_vm(struct xdp_md *ctx)
{
	struct verdict *s = bench_next();

	(void)ctx;
	return s ? bench_found(bench_run(bench_entry(s))) : XDP_ABORTED;
}

SEC("xdp")
int nfr_rules_hash(struct xdp_md *ctx)
{
	struct verdict *s = bench_next();
	__u32 zero = 0, rule;
	struct nfr_config *config = bpf_map_lookup_elem(&nfr_config, &zero);

	(void)ctx;
	if (!s || !config)
		return XDP_ABORTED;
	if (steady_is(&s->steady, config, s->packet.key.w))
		return bench_found(steady_rule(s));
	rule = steady_rules(config, s);
	steady_keep(&s->steady, config, s->packet.key.w, rule);
	return bench_found(rule);
}

SEC("xdp")
int nfr_rules_native(struct xdp_md *ctx)
{
	struct verdict *s = bench_next();
	__u32 zero = 0, rule;
	struct nfr_config *config = bpf_map_lookup_elem(&nfr_config, &zero);

	if (!s || !config)
		return XDP_ABORTED;
	rule = steady_find(ctx, 0, config, s);
	return bench_found(rule == NATIVE_NONE ? NFR_NO_RULE : rule);
}

char _license[] SEC("license") = "Dual BSD/GPL";
