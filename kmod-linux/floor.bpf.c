/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * floor.bpf.c: an IP packet on its way out, whatever the device -> accept or
 * drop. The last thing between a packet and a device that the edge does not
 * know yet, and the first that sees it, before neighbours are asked.
 *
 * Overview
 *   On a device with an edge, the sealed guard alone is asked: rules, states
 *   and fragments are the edge's. Without a guard, or into the tunnel, such a
 *   packet is not even read. On a device without an edge, the rules are asked
 *   too, without states, for an interface that no rule names; a fragment whose
 *   ports are not there is a doubt.
 *
 * Invariants
 *   - A device has an edge only while its entry in nfr_edges lives, which the
 *     kernel removes with the device.
 *   - These hooks run in processes too, and can be interrupted, also by
 *     themselves. A packet claims a scratch of its CPU; when all are taken, it
 *     is blocked.
 */
#define NFR_FLOOR
#define NFR_FLOOR_KEPT
#include "kmod-linux/floor_hook.bpf.h"
#include "kmod-linux/env.bpf.h"
#include "kmod-linux/owner.bpf.h"
#include "kmod-linux/origin.bpf.h"
#include "kmod-linux/floor_kept.bpf.h"
#include "runtime/describe.h"
#include "runtime/vm.h"

#define FLOOR_DROP 0
#define FLOOR_ACCEPT 1
#define FLOOR_DEPTH 8 /* packets a CPU that wait for each other */

struct floor {
	__u32 is_claimed;
	__u32 index; /* of this one in the map */
	struct nfr_result result;
	__u32 ifindex, ifid, len, has_edge;
	struct packet packet;
	struct vm_run run;
	struct nfr_cgroup_key cgroup; /* that is looked up */
	__u8 bytes[FLOOR_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FLOOR_DEPTH);
	__type(key, __u32);
	__type(value, struct floor);
} nfr_floors SEC(".maps");

extern int bpf_dynptr_from_skb(struct sk_buff___floor *, __u64,
			       struct bpf_dynptr *) __ksym __weak;

/* ---- nothing to do ------------------------------------------------------- */

NFR_INLINE int floor_has_edge(__u32 ifindex)
{
	return bpf_map_lookup_elem(&nfr_edges, &ifindex) != 0;
}

/*
 * A device has an edge: is there no guard to ask before it? On the tunnel the
 * guard is the edge's too: sources are right there when they are translated,
 * and nothing betrays what a neighbour is asked for.
 */
NFR_INLINE int floor_is_edges(const struct nfr_config *config,
			      const struct nfr_iface *iface, __u32 ifindex)
{
	return !config->has_guard ||
	       (iface && iface->flags & NFR_IFACE_TUNNEL &&
		env_tunnel(0, ifindex));
}

/* ---- the scratch --------------------------------------------------------- */

NFR_INLINE struct floor *floor_try(__u32 index)
{
	struct floor *floor = bpf_map_lookup_elem(&nfr_floors, &index);

	if (!floor || __sync_val_compare_and_swap(&floor->is_claimed, 0, 1))
		return 0;
	floor->index = index;
	return floor;
}

NFR_INLINE struct floor *floor_claim(void)
{
	struct floor *floor = 0;

#pragma GCC unroll 8
	for (__u32 i = 0; i < FLOOR_DEPTH && !floor; i++)
		floor = floor_try(i);
	return floor;
}

NFR_INLINE void floor_free(struct floor *floor)
{
	__sync_lock_test_and_set(&floor->is_claimed, 0);
}

/* ---- policy -------------------------------------------------------------- */

/*
 * Runs a program on the packet. A subprogram, so that the verifier looks at it
 * once; it knows its scratch by number.
 */
__u32 floor_run(__u32 index, __u32 entry);
__attribute__((noinline)) __u32 floor_run(__u32 index, __u32 entry)
{
	struct floor *floor = bpf_map_lookup_elem(&nfr_floors, &index);
	struct env env = {0};

	if (!floor)
		return NFR_NO_RULE;
	vm_begin(&floor->run, entry, 0);
	return vm_go(&env, &floor->packet.key, &floor->run);
}

NFR_INLINE void floor_set(struct floor *floor, __u8 reason, __u32 rule)
{
	floor->result.reason = reason;
	floor->result.rule = rule;
}

NFR_INLINE __u32 floor_entry(const struct nfr_config *config,
			     const struct floor *floor, __u32 stage)
{
	__u32 index = NFR_ENTRY(stage, NFR_DIR_OUT,
				floor->packet.key.w[NFR_F_FAMILY]);

	return index < NFR_ENTRIES ? config->entry[index] : NFR_NO_ENTRY;
}

/* Nonzero when the guard has no objection. */
NFR_INLINE int floor_guard(const struct nfr_config *config, struct floor *floor)
{
	__u32 entry = floor_entry(config, floor, NFR_STAGE_GUARD), number;
	const struct nfr_rule *rule;

	if (entry == NFR_NO_ENTRY)
		return 1;
	number = floor_run(floor->index, entry);
	rule = env_rule(0, number);
	if (rule && rule->verdict == NFR_PASS)
		return 1;
	floor_set(floor, rule ? NFR_REASON_GUARD : NFR_REASON_VM,
		  rule ? number : NFR_NO_RULE);
	return 0;
}

/* Do the rules pass it? What they would translate, they do not. */
NFR_INLINE int floor_rules(const struct nfr_config *config, struct floor *floor)
{
	__u32 number = floor_run(floor->index,
				 floor_entry(config, floor, NFR_STAGE_RULES));
	const struct nfr_rule *rule = env_rule(0, number);

	if (!rule) {
		floor_set(floor, NFR_REASON_VM, NFR_NO_RULE);
		return 0;
	}
	floor_set(floor,
		  rule->flags & NFR_RULE_DEFAULT ? NFR_REASON_DEFAULT
						 : NFR_REASON_RULE,
		  number);
	if (rule->verdict != NFR_PASS)
		return 0;
	if (floor->packet.key.w[NFR_F_BITS] & NFR_BIT_OPTIONS &&
	    !(rule->flags & NFR_RULE_ALLOW_OPTS)) {
		floor->result.reason = NFR_REASON_IP_OPTIONS;
		return 0;
	}
	if (rule->action != NFR_NO_ACTION) { /* translation, limits */
		floor->result.reason = NFR_REASON_INTERFACE;
		return 0;
	}
	return 1;
}

/* ---- one packet ---------------------------------------------------------- */

/* What the device is to this generation. */
NFR_INLINE void floor_look(struct floor *floor, __u32 ifindex)
{
	const struct nfr_iface *iface;

	floor->ifindex = ifindex;
	floor->ifid = 0;
	floor->has_edge = (__u32)floor_has_edge(ifindex);
	iface = env_iface(0, ifindex);
	if (floor->has_edge && iface &&
	    (!(iface->flags & NFR_IFACE_TUNNEL) || env_tunnel(0, ifindex)))
		floor->ifid = iface->ifid;
}

NFR_INLINE __u32 floor_received(__u32 ingress)
{
	const struct nfr_iface *iface;

	if (!ingress)
		return 0;
	iface = env_iface(0, ingress);
	if (!iface || !iface->ifid ||
	    (iface->flags & NFR_IFACE_TUNNEL && !env_tunnel(0, ingress)))
		return NFR_RECEIVED_OTHER;
	return iface->ifid;
}

/* Nonzero when the packet's bytes, which are read, give no doubt. */
NFR_INLINE int floor_parse(struct floor *floor, __u32 readable, __u32 ingress)
{
	struct packet_frame frame = {
		.start = floor->bytes,
		.end = floor->bytes + readable,
		.len = floor->len,
		.ifindex = floor->ifindex,
		.ingress = ingress,
		.dir = NFR_DIR_OUT,
		.link = NFR_LINK_RAW,
		.received = (__u16)floor_received(ingress),
	};
	__u8 doubt = packet_parse(&frame, &floor->packet, floor->ifid);

	PACKET_FORGET();
	floor_set(floor, doubt, NFR_NO_RULE);
	return !doubt;
}

/* For a packet without doubt: nonzero accepts it. */
NFR_INLINE int floor_decide(const struct nfr_config *config,
			    struct floor *floor)
{
	int is_later = floor->packet.key.w[NFR_F_BITS] & NFR_BIT_LATER;

	if (floor->has_edge)
		return is_later || floor_guard(config, floor);
	if (is_later) {
		floor_set(floor, NFR_REASON_FRAGMENT, NFR_NO_RULE);
		return 0;
	}
	return floor_rules(config, floor) && floor_guard(config, floor);
}

NFR_INLINE void floor_event(const struct nfr_config *config,
			    const struct floor *floor)
{
	struct nfr_event *event = env_event_new(0);

	if (!event)
		return;
	event->ifindex = floor->ifindex;
	event->generation = config->generation;
	event->rule = floor->result.rule;
	event->length = floor->len;
	event->verdict = floor->result.verdict;
	event->reason = floor->result.reason;
	event->dir = NFR_DIR_OUT;
	describe_packet(&floor->packet, event);
	env_event_send(0, event);
}

/* What the edge will see is the edge's to count. */
NFR_INLINE void floor_account(const struct nfr_config *config,
			      const struct floor *floor, int counts_passed)
{
	const struct nfr_rule *rule;
	int is_logged = 0;

	if (floor->result.verdict == NFR_PASS && !counts_passed)
		return;
	env_count_reason(0, NFR_DIR_OUT, floor->result.reason, floor->len);
	if (floor->result.rule != NFR_NO_RULE) {
		rule = env_rule(0, floor->result.rule);
		env_count_rule(0, floor->result.rule, floor->len);
		is_logged = rule && rule->flags & NFR_RULE_LOG;
	}
	if (is_logged ||
	    (floor->result.verdict != NFR_PASS && env_trace_block(0)))
		floor_event(config, floor);
}

/* How the hooks differ: what they were given, and when they count. */
struct floor_packet {
	__u32 ifindex, len, ingress, mark;
	__u32 readable;	 /* bytes that floor->bytes holds; 0: none could be read
			  */
	__u32 is_last;	 /* no other hook of the floor follows */
	__u32 is_remade; /* what leaves is another packet */
	const void *skb; /* the kernel's */
	struct origin_socket from;
};

NFR_INLINE int floor_judge(const struct nfr_config *config, struct floor *floor,
			   const struct floor_packet *p)
{
	floor->len = p->len;
	floor->result = (struct nfr_result){
		.verdict = NFR_BLOCK,
		.reason = p->is_remade ? NFR_REASON_REWRITE : NFR_REASON_SHORT,
		.rule = NFR_NO_RULE};
	if (p->readable && !p->is_remade &&
	    floor_parse(floor, p->readable, p->ingress)) {
		floor->packet.key.w[NFR_F_MARK] = NFR_MARK_SEEN(p->mark);
		if (config->flags & NFR_CONFIG_OWNERS)
			owner_of_packet(p->skb, floor->packet.key.w,
					&floor->cgroup);
		if (config->flags & NFR_CONFIG_ORIGIN)
			floor->packet.key.w[NFR_F_ORIGIN] = origin_of(
				0, &p->from, floor->packet.key.w, p->ingress);
		if (floor_decide(config, floor))
			floor->result.verdict = NFR_PASS;
	}
	floor_account(config, floor, !floor->has_edge && p->is_last);
	return floor->result.verdict == NFR_PASS;
}

/* A configuration that can be judged by, or NULL. */
NFR_INLINE const struct nfr_config *floor_config(__u32 len)
{
	const struct nfr_config *config = env_config(0);

	if (config && config->abi_version == NFR_ABI_VERSION)
		return config;
	maps_count_reason(NFR_DIR_OUT, NFR_REASON_VERSION, len);
	return 0;
}

NFR_INLINE __u32 floor_readable(__u32 len)
{
	return len < FLOOR_BYTES ? len : FLOOR_BYTES;
}

SEC("netfilter")
int nfr_floor(struct bpf_nf_ctx *ctx)
{
	struct sk_buff___floor *skb = ctx->skb;
	struct floor_packet p = {
		.ifindex = floor_device(ctx),
		.len = skb->len,
		.ingress = (__u32)skb->skb_iif,
		.mark = skb->mark,
		.is_last = ctx->state->hook != FLOOR_LOCAL_OUT,
		.skb = skb,
	};
	const struct nfr_config *config = floor_config(p.len);
	const struct nfr_iface *iface;
	struct bpf_dynptr bytes;
	struct floor *floor;
	int is_passed;
	__u32 n;

	if (!config)
		return FLOOR_DROP;
	iface = env_iface(0, p.ifindex);
	if (floor_has_edge(p.ifindex) &&
	    (floor_is_edges(config, iface, p.ifindex) ||
	     (!floor_is_remade(skb) &&
	      floor_is_kept(ctx, config, iface, p.ifindex))))
		return FLOOR_ACCEPT;
	floor = floor_claim();
	if (!floor) {
		maps_count_reason(NFR_DIR_OUT, NFR_REASON_BUSY, p.len);
		return FLOOR_DROP;
	}
	floor_look(floor, p.ifindex);
	if (ctx->state->sk)
		origin_load(ctx->state->sk, &p.from);
	p.is_remade = config->has_guard && floor_is_remade(skb);
	n = floor_readable(p.len);
	if (!bpf_dynptr_from_skb(skb, 0, &bytes) &&
	    !bpf_dynptr_read(floor->bytes, n, &bytes, 0, 0))
		p.readable = n;
	is_passed = floor_judge(config, floor, &p);
	floor_free(floor);
	return is_passed ? FLOOR_ACCEPT : FLOOR_DROP;
}

SEC("cgroup_skb/egress")
int nfr_floor_cgroup(struct __sk_buff *skb)
{
	struct floor_packet p = {
		.ifindex = skb->ifindex,
		.len = skb->len,
		.ingress = skb->ingress_ifindex,
		.mark = skb->mark,
		.is_last = 1,
		.skb = skb,
	};
	const struct nfr_config *config = floor_config(p.len);
	const struct nfr_iface *iface;
	struct floor *floor;
	int is_passed;
	__u32 n;

	if (!config)
		return FLOOR_DROP;
	iface = env_iface(0, p.ifindex);
	if (floor_has_edge(p.ifindex) &&
	    floor_is_edges(config, iface, p.ifindex))
		return FLOOR_ACCEPT;
	floor = floor_claim();
	if (!floor) {
		maps_count_reason(NFR_DIR_OUT, NFR_REASON_BUSY, p.len);
		return FLOOR_DROP;
	}
	floor_look(floor, p.ifindex);
	origin_of_skb(skb, &p.from);
	/* One less, so that the verifier of Linux 6.1 sees it is not 0. */
	n = floor_readable(p.len) - 1;
	PACKET_OPAQUE(n);
	if (n < FLOOR_BYTES) {
		PACKET_OPAQUE(n);
		if (!bpf_skb_load_bytes(skb, 0, floor->bytes, n + 1))
			p.readable = n + 1;
	}
	is_passed = floor_judge(config, floor, &p);
	floor_free(floor);
	return is_passed ? FLOOR_ACCEPT : FLOOR_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
