/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * subprogram.bpf.h: what the datapath's headers ask of the environment that is
 * rare, or long -> subprograms, which find the packet in the scratch map.
 */
#ifndef NFR_SUBPROGRAM_BPF_H
#define NFR_SUBPROGRAM_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "kmod-linux/env.bpf.h"
#include "kmod-linux/owner.bpf.h"
#include "kmod-linux/origin.bpf.h"
#include "kmod-linux/neighbour.bpf.h"
#include "kmod-linux/scratch.bpf.h"
#include "kmod-linux/steady.bpf.h"

/*
 * Subprograms: not static, so that the verifier looks at each once, without
 * what the caller knows.
 */
int datapath_parse(struct __sk_buff *skb, __u32 ifid, __u32 dir, __u32 link,
		   __u32 received);
int datapath_parse_xdp(struct xdp_md *xdp, __u32 ifid, __u32 link,
		       __u32 received);
int datapath_plain_in(struct __sk_buff *skb);
int datapath_plain_out(struct __sk_buff *skb);
int datapath_plain_xdp(struct xdp_md *xdp);
int datapath_proxied(struct __sk_buff *skb);
int datapath_quote(struct __sk_buff *skb);
int datapath_quote_xdp(struct xdp_md *xdp);
int datapath_new(void);
int datapath_again(void);
int datapath_behind(void);
__u32 datapath_recall(void);
int datapath_settle(__u32 number);
int datapath_advance(struct nfr_state *state);
int datapath_connected(__u32 has_swept);
int datapath_connect(void);
int datapath_tables(__u32 dir, __u32 len);
int datapath_ask(__u32 what);
int datapath_count(void);
int datapath_guard(__u32 which);
int datapath_piece(void);
int datapath_first(void);
int datapath_error(void);
__u32 datapath_run(__u32 which, __u32 entry);
__u32 datapath_find(__u32 which, __u32 entry);

/*
 * What nearly all packets are is parsed here; the rest, by a subprogram: IPv6
 * extension headers, and headers that are to be fetched.
 */
NFR_INLINE __u8 env_parse(struct env *env, struct packet_frame *frame,
			  struct verdict *v, __u32 ifid)
{
	__u8 doubt;

	frame->is_brief = 1;
	doubt = packet_parse(frame, &v->packet, ifid);
	if (doubt == PACKET_MORE && env->xdp)
		return (__u8)datapath_parse_xdp(env->xdp, ifid, frame->link,
						frame->received);
	if ((doubt == PACKET_MORE || doubt == NFR_REASON_SHORT) && env->skb)
		return (__u8)datapath_parse(env->skb, ifid, frame->dir,
					    frame->link, frame->received);
	return doubt;
}

/* What an ICMP error quotes, into v->quote: nonzero when that is not there. */
NFR_INLINE int env_quote(struct env *env, struct packet_frame *frame,
			 struct verdict *v)
{
	(void)frame;
	(void)v;
	return env->skb ? datapath_quote(env->skb)
			: datapath_quote_xdp(env->xdp);
}

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

NFR_INLINE int env_look_behind(struct env *env, struct verdict *v)
{
	(void)env;
	(void)v;
	return datapath_behind();
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

NFR_INLINE int env_slow_ask(struct env *env, struct verdict *v, __u32 what)
{
	(void)env;
	(void)v;
	return datapath_ask(what);
}

NFR_INLINE int env_slow_count(struct env *env, struct verdict *v)
{
	(void)env;
	(void)v;
	return datapath_count();
}

NFR_INLINE int env_slow_connected(struct env *env, struct verdict *v,
				  __u32 has_swept)
{
	(void)env;
	(void)v;
	return datapath_connected(has_swept);
}

NFR_INLINE int env_slow_connect(struct env *env, struct verdict *v)
{
	(void)env;
	(void)v;
	return datapath_connect();
}

NFR_INLINE void env_slow_tables(struct env *env, const struct verdict *v,
				__u32 dir, __u32 len)
{
	(void)env;
	(void)v;
	datapath_tables(dir, len);
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

NFR_INLINE __u32 env_slow_find(struct env *env, struct verdict *v, __u32 which,
			       __u32 entry)
{
	(void)env;
	(void)v;
	return datapath_find(which, entry);
}

NFR_INLINE __u32 decide_entry(const struct nfr_config *config, __u32 stage,
			      __u32 dir, __u32 family);
NFR_INLINE __u32 decide_search(struct env *env, struct verdict *v, __u32 which,
			       __u32 entry);

NFR_INLINE __u32 steady_rules(const struct nfr_config *config,
			      struct verdict *v)
{
	const __u32 *w = v->packet.key.w;
	struct env env = {0};
	__u32 rule = decide_search(&env, v, SCRATCH_PACKET,
				   decide_entry(config, NFR_STAGE_RULES,
						w[NFR_F_DIR], w[NFR_F_FAMILY]));

	return rule == NFR_NO_RULE ? NATIVE_NONE : rule;
}

NFR_INLINE __u32 env_native(struct env *env, const struct nfr_config *config,
			    struct verdict *v)
{
	return steady_find(env->xdp, env->skb, config, v);
}

int datapath_try(__u32 n);
int datapath_choose(__u32 index, __u32 is_nat);
int datapath_has(__u32 index);

NFR_INLINE int env_slow_choose(struct env *env, struct verdict *v, __u32 index,
			       __u32 is_nat)
{
	(void)env;
	(void)v;
	return datapath_choose(index, is_nat);
}

NFR_INLINE int env_slow_has(struct env *env, struct verdict *v, __u32 index)
{
	(void)env;
	(void)v;
	return datapath_has(index);
}

NFR_INLINE __u32 env_slow_try(struct env *env, struct verdict *v, __u32 n)
{
	(void)env;
	(void)v;
	return (__u32)datapath_try(n);
}

#include "kmod-linux/flows.bpf.h"
#include "runtime/verdict.h"
#include "kmod-linux/plain.bpf.h"

/*
 * With all headers readable, where that can be; where not, who reads says what
 * is missing.
 */
NFR_INLINE struct packet_frame datapath_whole(struct __sk_buff *skb)
{
	__u32 want = skb->len < NFR_HEADERS_MAX ? skb->len : NFR_HEADERS_MAX;
	struct packet_frame frame = {.len = skb->len};

	/* Who need not, does not: a clone would be copied. */
	if ((__u32)(skb->data_end - skb->data) < want)
		bpf_skb_pull_data(skb, want);
	frame.start = (const __u8 *)(unsigned long)skb->data;
	frame.end = (const __u8 *)(unsigned long)skb->data_end;
	return frame;
}

NFR_INLINE struct packet_frame datapath_whole_xdp(struct xdp_md *xdp)
{
	return (struct packet_frame){
		.start = (const __u8 *)(unsigned long)xdp->data,
		.end = (const __u8 *)(unsigned long)xdp->data_end,
		.len = xdp->data_end - xdp->data,
		.dir = NFR_DIR_IN,
	};
}

NFR_INLINE int datapath_plain(struct __sk_buff *skb, __u32 dir)
{
	struct env env = {.skb = skb};
	struct packet_frame frame = {
		.start = (const __u8 *)(unsigned long)skb->data,
		.end = (const __u8 *)(unsigned long)skb->data_end,
		.len = skb->len,
		.ifindex = skb->ifindex,
	};

	return plain_pass(&env, &frame, dir);
}

/* Nonzero: it is plain, and passed. */
__attribute__((noinline)) int datapath_plain_in(struct __sk_buff *skb)
{
	return datapath_plain(skb, NFR_DIR_IN);
}

__attribute__((noinline)) int datapath_plain_out(struct __sk_buff *skb)
{
	return datapath_plain(skb, NFR_DIR_OUT);
}

__attribute__((noinline)) int datapath_plain_xdp(struct xdp_md *xdp)
{
	struct env env = {.xdp = xdp};
	struct packet_frame frame = datapath_whole_xdp(xdp);

	frame.ifindex = xdp->ingress_ifindex;
	return plain_pass(&env, &frame, NFR_DIR_IN);
}

/* NFR_REASON_NONE, or the doubt. */
__attribute__((noinline)) int datapath_parse(struct __sk_buff *skb, __u32 ifid,
					     __u32 dir, __u32 link,
					     __u32 received)
{
	struct verdict *v = datapath_scratch();
	struct packet_frame frame = datapath_whole(skb);

	frame.dir = (__u8)dir;
	frame.link = (__u8)link;
	frame.received = (__u16)received;
	return v ? packet_parse(&frame, &v->packet, ifid) : NFR_REASON_SHORT;
}

__attribute__((noinline)) int datapath_parse_xdp(struct xdp_md *xdp, __u32 ifid,
						 __u32 link, __u32 received)
{
	struct verdict *v = datapath_scratch();
	struct packet_frame frame = datapath_whole_xdp(xdp);

	frame.link = (__u8)link;
	frame.received = (__u16)received;
	return v ? packet_parse(&frame, &v->packet, ifid) : NFR_REASON_SHORT;
}

/* 0: v->quote is what the error quotes. */
__attribute__((noinline)) int datapath_quote(struct __sk_buff *skb)
{
	struct verdict *v = datapath_scratch();
	struct packet_frame frame = datapath_whole(skb);

	return v ? icmp_read_quote(&frame, &v->packet, &v->quote) : 1;
}

__attribute__((noinline)) int datapath_quote_xdp(struct xdp_md *xdp)
{
	struct verdict *v = datapath_scratch();
	struct packet_frame frame = datapath_whole_xdp(xdp);

	return v ? icmp_read_quote(&frame, &v->packet, &v->quote) : 1;
}

/* Of whom the packet is, into its key. */
__attribute__((noinline)) int datapath_owner(struct __sk_buff *skb)
{
	struct verdict *v = datapath_scratch();

	if (!v)
		return 1;
	if (v->packet.key.w[NFR_F_DIR] == NFR_DIR_OUT)
		owner_of_packet(skb, v->packet.key.w, &v->cgroup);
	else
		owner_of_arrival(skb, v->packet.key.w, &v->cgroup);
	return 0;
}

/* The same of what XDP sees, which all comes in. */
__attribute__((noinline)) int datapath_owner_xdp(struct xdp_md *xdp)
{
	struct verdict *v = datapath_scratch();

	if (v)
		owner_of_arrival(xdp, v->packet.key.w, &v->cgroup);
	return 0;
}

/* Nonzero: it answers for an address behind another device. */
__attribute__((noinline)) int datapath_proxied(struct __sk_buff *skb)
{
	struct verdict *v = datapath_scratch();

	return v ? neighbour_is_proxied(skb, &v->packet) : 1;
}

/* NEIGHBOUR_*: does anything here wait for the answer? */
__attribute__((noinline)) int datapath_asks(struct __sk_buff *skb)
{
	struct verdict *v = datapath_scratch();

	return v ? neighbour_question(skb, &v->packet) : NEIGHBOUR_IN_VAIN;
}

/* Nonzero: whom it asks for, or tells, is not on the link. */
__attribute__((noinline)) int datapath_afar(struct __sk_buff *skb,
					    int is_question)
{
	struct verdict *v = datapath_scratch();

	return v ? neighbour_is_afar(skb, &v->packet, is_question) : 1;
}

/* Of a question: nonzero, nothing here waits for its answer. */
NFR_INLINE int datapath_asks_in_vain(struct __sk_buff *skb)
{
	int is = datapath_asks(skb);

	return is == NEIGHBOUR_KEPT ? datapath_afar(skb, 1)
				    : is != NEIGHBOUR_NEEDED;
}

/* Who made the packet, into its key. */
__attribute__((noinline)) int datapath_origin(struct __sk_buff *skb)
{
	struct verdict *v = datapath_scratch();
	struct origin_socket s = {0};
	__u32 *w;

	if (!v)
		return 1;
	w = v->packet.key.w;
	origin_of_skb(skb, &s);
	w[NFR_F_ORIGIN] = origin_of(skb, &s, w, skb->ingress_ifindex);
	if (decide_gives(&v->packet.key) && datapath_proxied(skb))
		w[NFR_F_ORIGIN] &= ~NFR_ORIGIN_OWN;
	if (decide_gives(&v->packet.key) && datapath_afar(skb, 0))
		w[NFR_F_ORIGIN] &= ~NFR_ORIGIN_KERNEL;
	if (decide_asks(&v->packet.key) && datapath_asks_in_vain(skb))
		w[NFR_F_ORIGIN] &= ~NFR_ORIGIN_NEEDED;
	return 0;
}

/* 0: v->translation.chosen is of the pool. */
__attribute__((noinline)) int datapath_choose(__u32 index, __u32 is_nat)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? translate_choose(&env, v, index, is_nat) : 1;
}

/* Is it still, after its table or the policy has changed? */
__attribute__((noinline)) int datapath_has(__u32 index)
{
	const struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v && translate_has(&env, v, index);
}

/* Candidate n for the port of nat: enum translate_result. */
__attribute__((noinline)) int datapath_try(__u32 n)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? (int)translate_try(&env, v, n) : TRANSLATE_FAILED;
}

/*
 * Stores one edit. The kernel takes what it stores into the sum that the device
 * made of the packet (CHECKSUM_COMPLETE).
 */
NFR_INLINE int datapath_store(struct __sk_buff *skb,
			      const struct rewrite_edit *edit)
{
	/* One less, so that the verifier of Linux 6.1 sees it is not 0. */
	__u32 last = (__u32)edit->len - 1;

	if (edit->len == 0)
		return 0;
	PACKET_OPAQUE(last);
	if (last >= REWRITE_EDIT_LEN)
		return 1;
	PACKET_OPAQUE(last);
	return bpf_skb_store_bytes(skb, edit->off, edit->bytes, last + 1,
				   BPF_F_RECOMPUTE_CSUM) != 0;
}

/* By v->apply: NFR_REASON_NONE, or the doubt; then it may be half done. */
__attribute__((noinline)) int datapath_rewrite(struct __sk_buff *skb)
{
	struct verdict *v = datapath_scratch();
	struct env env = {.skb = skb};
	struct rewrite_offload offload;
	struct packet_frame frame = {0};
	__u32 want = skb->len < NFR_HEADERS_MAX ? skb->len : NFR_HEADERS_MAX;
	int doubt;

	if (!v)
		return NFR_REASON_REWRITE;
	/* Of a quote, user space sees all that there is. */
	if (v->apply.has_quoted && bpf_skb_pull_data(skb, want))
		return NFR_REASON_REWRITE;
	frame.start = (const __u8 *)(unsigned long)skb->data;
	frame.end = (const __u8 *)(unsigned long)skb->data_end;
	frame.len = skb->len;
	offload.place = env_checksum(&env);
	offload.is_cut = env_segments(&env);
	doubt = rewrite_plan(&frame, &v->packet, &v->apply.to, v->apply.hops,
			     v->apply.has_quoted ? &v->apply.quoted : 0,
			     &v->apply.quoted_to, &offload, &v->apply.plan);
	if (doubt)
		return doubt;
	PACKET_FORGET();
#pragma GCC unroll 6
	for (int i = 0; i < REWRITE_SLOTS; i++)
		if (datapath_store(skb, &v->apply.plan.edit[i]))
			return NFR_REASON_REWRITE;
	return NFR_REASON_NONE;
}

/* Nonzero: the device has v->translation.chosen.addr. */
__attribute__((noinline)) int datapath_has_address(struct __sk_buff *skb,
						   __u32 ifindex)
{
	const struct verdict *v = datapath_scratch();
	const struct sk_buff___neighbour *kernel = (const void *)skb;
	const struct net_device___origin *here;
	struct local_search search = {.ifindex = ifindex};

	if (!v)
		return 0;
	search.is_v6 = v->packet.key.w[NFR_F_FAMILY] == NFR_FAMILY_IPV6;
	for (int i = 0; i < 4; i++)
		search.addr[i] = PACKET_SWAP32(v->translation.chosen.addr[i]);
	here = (const void *)BPF_CORE_READ(kernel, dev);
	if (!here)
		return 0;
	return local_search(&search, BPF_CORE_READ(here, nd_net.net),
			    (const void *)here);
}

/* 0: v->apply says what became of the frame. */
__attribute__((noinline)) int datapath_apply(struct __sk_buff *skb, __u32 kind)
{
	struct verdict *v = datapath_scratch();
	struct env env = {.skb = skb};

	return v ? apply_run(&env, 0, v, kind) : 1;
}

__attribute__((noinline)) __u32 datapath_run(__u32 which, __u32 entry)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? decide_run(&env, v, which, entry) : NFR_NO_RULE;
}

__attribute__((noinline)) __u32 datapath_find(__u32 which, __u32 entry)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? decide_find(&env, v, which, entry) : NFR_NO_RULE;
}

/* Nonzero when the guard forbids the key. */
__attribute__((noinline)) int datapath_guard(__u32 which)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? decide_guard(&env, v, which) : 1;
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

	return v ? (int)slow_settle(&env, v, number) : SLOW_LEAVE;
}

/* 1: the state of v->name goes on, under this policy's rule. */
__attribute__((noinline)) int datapath_again(void)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_again(&env, v) : 0;
}

/* 1: another state of the packet is there, under v->name. */
__attribute__((noinline)) int datapath_behind(void)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? look_behind(&env, v) : 0;
}

/* enum tcp_answer */
__attribute__((noinline)) int datapath_advance(struct nfr_state *state)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v && state ? slow_advance(&env, v, state) : TCP_BLOCK;
}

/* Not 0: a limit is reached. Beside datapath_ask(), as it may sweep. */
__attribute__((noinline)) int datapath_count(void)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_limits(&env, v) : 1;
}

/* enum slow_ask. */
__attribute__((noinline)) int datapath_ask(__u32 what)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_ask(&env, v, what) : 1;
}

/* enum limit_answer of the flow of v->name. */
__attribute__((noinline)) int datapath_connected(__u32 has_swept)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_connected(&env, v, has_swept) : LIMIT_REACHED;
}

/* 1: the flow of v->name has ended, as it is a connection too many. */
__attribute__((noinline)) int datapath_connect(void)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	return v ? slow_connect(&env, v) : 1;
}

/* Counts the packet in the tables that its rule asks. */
__attribute__((noinline)) int datapath_tables(__u32 dir, __u32 len)
{
	struct verdict *v = datapath_scratch();
	struct env env = {0};

	if (v)
		verdict_count_tables(&env, v, dir, len);
	return 0;
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

#endif
