/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * datapath.bpf.c: a packet, called from the stub -> pass or block.
 *
 * One object a generation, with maps of its own. The hooks differ only in how
 * the frame is reached and in how a verdict is said. A pass lets the programs
 * behind this one run.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "kmod-linux/env.bpf.h"

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

/*
 * Subprograms: not static, so that the verifier looks at each once, without
 * what the caller knows.
 */
int datapath_new(void);
int datapath_again(void);
__u32 datapath_recall(void);
int datapath_settle(__u32 number);
int datapath_advance(struct nfr_state *state);
int datapath_guard(__u32 which);
int datapath_piece(void);
int datapath_first(void);
int datapath_error(void);
__u32 datapath_run(__u32 which, __u32 entry);

NFR_INLINE int env_slow_new(struct env *env, struct verdict *v)
{
	(void)env;
	(void)v;
	return datapath_new();
}

NFR_INLINE int env_slow_again(struct env *env, struct verdict *v)
{
	(void)env;
	(void)v;
	return datapath_again();
}

NFR_INLINE __u32 env_slow_recall(struct env *env, struct verdict *v)
{
	(void)env;
	(void)v;
	return datapath_recall();
}

NFR_INLINE int env_slow_settle(struct env *env, struct verdict *v, __u32 number)
{
	(void)env;
	(void)v;
	return datapath_settle(number);
}

NFR_INLINE int env_slow_advance(struct env *env, struct verdict *v,
				struct nfr_state *state)
{
	(void)env;
	(void)v;
	return datapath_advance(state);
}

NFR_INLINE int env_slow_guard(struct env *env, struct verdict *v, __u32 which)
{
	(void)env;
	(void)v;
	return datapath_guard(which);
}

NFR_INLINE int env_slow_piece(struct env *env, struct verdict *v)
{
	(void)env;
	(void)v;
	return datapath_piece();
}

NFR_INLINE void env_slow_first(struct env *env, struct verdict *v)
{
	(void)env;
	(void)v;
	datapath_first();
}

NFR_INLINE int env_slow_error(struct env *env, struct verdict *v)
{
	(void)env;
	(void)v;
	return datapath_error();
}

NFR_INLINE __u32 env_slow_run(struct env *env, struct verdict *v, __u32 which,
			      __u32 entry)
{
	(void)env;
	(void)v;
	return datapath_run(which, entry);
}

#include "runtime/verdict.h"

__attribute__((noinline)) __u32 datapath_run(__u32 which, __u32 entry)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_run(&env, v, which, entry) : NFR_NO_RULE;
}

/* Nonzero when the guard forbids the key. */
__attribute__((noinline)) int datapath_guard(__u32 which)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_guard(&env, v, which) : 1;
}

__attribute__((noinline)) __u32 datapath_recall(void)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_recall(&env, v) : NFR_NO_ENTRY;
}

__attribute__((noinline)) int datapath_settle(__u32 number)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_settle(&env, v, number) : 0;
}

/* 1: the state of v->name goes on, under this policy's rule. */
__attribute__((noinline)) int datapath_again(void)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_again(&env, v) : 0;
}

/* enum tcp_answer */
__attribute__((noinline)) int datapath_advance(struct nfr_state *state)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v && state ? slow_advance(&env, v, state) : TCP_BLOCK;
}

/* 1: the packet of no flow passes. */
__attribute__((noinline)) int datapath_new(void)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_new(&env, v) : 0;
}

/* enum fragment_way */
__attribute__((noinline)) int datapath_piece(void)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? (int)fragment_judge(&env, v) : FRAGMENT_BLOCKS;
}

__attribute__((noinline)) int datapath_first(void)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	if (v)
		fragment_note(&env, v);
	return 0;
}

/* enum icmp_way */
__attribute__((noinline)) int datapath_error(void)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? (int)icmp_judge(&env, v) : ICMP_BLOCKS;
}

NFR_INLINE __u8 datapath_judge(struct env *env, struct packet_frame *frame)
{
	struct verdict *v = datapath_scratch();

	return v ? verdict_judge(env, frame, v) : NFR_BLOCK;
}

NFR_INLINE int datapath_tc(struct __sk_buff *skb, __u8 dir)
{
	struct env env = {.skb = skb};
	struct packet_frame frame = {
		.start = (const __u8 *)(unsigned long)skb->data,
		.end = (const __u8 *)(unsigned long)skb->data_end,
		.len = skb->len,
		.ifindex = skb->ifindex,
		.ingress = skb->ingress_ifindex,
		.dir = dir,
	};

	return datapath_judge(&env, &frame) == NFR_PASS ? TC_ACT_UNSPEC
							: TC_ACT_SHOT;
}

SEC("xdp")
int nfr_xdp(struct xdp_md *ctx)
{
	struct env env = {.xdp = ctx};
	struct packet_frame frame = {
		.start = (const __u8 *)(unsigned long)ctx->data,
		.end = (const __u8 *)(unsigned long)ctx->data_end,
		.len = ctx->data_end - ctx->data,
		.ifindex = ctx->ingress_ifindex,
		.dir = NFR_DIR_IN,
	};

	return datapath_judge(&env, &frame) == NFR_PASS ? XDP_PASS : XDP_DROP;
}

SEC("tc")
int nfr_in(struct __sk_buff *skb)
{
	return datapath_tc(skb, NFR_DIR_IN);
}

SEC("tc")
int nfr_out(struct __sk_buff *skb)
{
	return datapath_tc(skb, NFR_DIR_OUT);
}

char _license[] SEC("license") = "Dual BSD/GPL";
