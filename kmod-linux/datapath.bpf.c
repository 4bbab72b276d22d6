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

#include "kmod-linux/subprogram.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct datapath_copying);
} nfr_copy SEC(".maps");

NFR_INLINE struct datapath_copying *datapath_copying(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&nfr_copy, &zero);
}

/* Where a packet goes, taken out of the scratch map. */
struct datapath_way {
	struct nfr_hop hop;
	__u8 is_v4;
	__u8 has_link; /* an Ethernet header */
	__u8 bits;     /* ENV_* for its mark */
};

NFR_INLINE void datapath_way(const struct verdict *v, struct datapath_way *way)
{
	way->is_v4 = v->packet.key.w[NFR_F_FAMILY] == NFR_FAMILY_IPV4;
	way->has_link = v->packet.network != 0;
}

/*
 * To the neighbour on a device; its egress hook judges the packet again. Frames
 * without an Ethernet header get the room for one, as the kernel wants one to
 * replace. As long as the neighbour is not known, the packet waits for it.
 */
NFR_INLINE int datapath_send(struct __sk_buff *skb,
			     const struct datapath_way *way)
{
	struct bpf_redir_neigh next = {0};
	const __u32 *addr = way->hop.addr;

	next.nh_family = way->is_v4 ? 2 : 10; /* AF_INET, AF_INET6 */
	if (way->is_v4)
		next.ipv4_nh = PACKET_SWAP32(addr[0]);
	else
		for (int i = 0; i < 4; i++)
			next.ipv6_nh[i] = PACKET_SWAP32(addr[i]);
	env_mark_hop(skb, way->bits);
	if (!way->has_link && bpf_skb_change_head(skb, PACKET_ETH_LEN, 0))
		return TC_ACT_SHOT;
	if (!(addr[0] | addr[1] | addr[2] | addr[3]))
		return (int)bpf_redirect_neigh(way->hop.ifindex, 0, 0, 0);
	return (int)bpf_redirect_neigh(way->hop.ifindex, &next, sizeof(next),
				       0);
}

/*
 * dup-to: a clone goes to the egress hook of its device, which runs before this
 * returns; so what the scratch map said is void then.
 */
__attribute__((noinline)) int datapath_duplicate(struct __sk_buff *skb)
{
	struct datapath_copying *copying = datapath_copying();
	const struct verdict *v = datapath_scratch();
	__u32 before, dir, len;
	int is_lost;

	if (!v || !copying)
		return 1;
	dir = v->packet.key.w[NFR_F_DIR] & 1;
	len = v->len;
	copying->hop = v->apply.copy;
	copying->has_come_in = dir == NFR_DIR_IN;
	copying->is_on = 1;
	before = skb->tc_index;
	env_mark_hop(skb, ENV_IS_COPY);
	is_lost = bpf_clone_redirect(skb, copying->hop.ifindex, 0) != 0;
	skb->tc_index = (__u16)before;
	copying->is_on = 0;
	if (is_lost)
		maps_count_reason(dir, NFR_REASON_ROUTE, len);
	return is_lost;
}

/* One less TTL, as of what is forwarded. Nonzero when that failed. */
__attribute__((noinline)) int datapath_age(struct __sk_buff *skb)
{
	const struct verdict *v = datapath_scratch();
	__u32 network, ttl;
	__u8 less;

	if (!v)
		return 1;
	network = v->packet.network;
	ttl = v->packet.key.w[NFR_F_TTL];
	if (ttl <= 1 || network > NFR_HEADERS_MAX)
		return 1;
	less = (__u8)(ttl - 1);
	if (v->packet.key.w[NFR_F_FAMILY] != NFR_FAMILY_IPV4)
		return bpf_skb_store_bytes(skb, network + 7, &less, 1,
					   BPF_F_RECOMPUTE_CSUM) != 0;
	/* The two changes cancel out in the sum that a device made. */
	return bpf_l3_csum_replace(skb, network + 10, PACKET_SWAP16(ttl << 8),
				   PACKET_SWAP16((ttl - 1) << 8), 2) != 0 ||
	       bpf_skb_store_bytes(skb, network + 8, &less, 1, 0) != 0;
}

/* A copy that passed at its device. Nonzero when it can not go on. */
NFR_INLINE int datapath_meet_copy(struct __sk_buff *skb)
{
	struct datapath_copying *copying = datapath_copying();

	if (!copying || !copying->is_on || copying->hop.ifindex != skb->ifindex)
		return 1;
	copying->is_on = 0;
	return copying->has_come_in && datapath_age(skb);
}

/* The copy, where it leaves: now to its neighbour. */
NFR_INLINE int datapath_leave_copy(struct __sk_buff *skb,
				   struct datapath_way *way)
{
	const struct datapath_copying *copying = datapath_copying();

	if (!copying)
		return TC_ACT_SHOT;
	way->hop = copying->hop;
	way->bits = ENV_WAS_HERE;
	if (way->has_link)
		return datapath_send(skb, way);
	env_mark_hop(skb, 0);
	return TC_ACT_UNSPEC;
}

int datapath_route(struct __sk_buff *skb, __u32 dir);

/*
 * A packet that passed, and goes elsewhere, or comes from there. A subprogram,
 * as its stack would be part of every chain of calls.
 */
__attribute__((noinline)) int datapath_route(struct __sk_buff *skb, __u32 dir)
{
	const struct verdict *v = datapath_scratch();
	__u32 marks = env_marks(skb), action;
	struct datapath_way way = {0};

	if (!v)
		return TC_ACT_SHOT;
	action = v->result.action;
	datapath_way(v, &way);
	if (action & NFR_RESULT_REDIRECTED)
		way.hop = v->apply.hop;
	if (action & NFR_RESULT_COPIED && !(marks & ENV_IS_COPY))
		datapath_duplicate(skb);
	if (marks & ENV_IS_COPY && datapath_meet_copy(skb))
		return TC_ACT_SHOT;
	if (action & NFR_RESULT_REDIRECTED &&
	    !(dir == NFR_DIR_OUT && way.hop.ifindex == skb->ifindex &&
	      marks & ENV_HOPS)) {
		if (dir == NFR_DIR_OUT && way.hop.ifindex == skb->ifindex)
			way.bits = ENV_WAS_HERE;
		return datapath_send(skb, &way);
	}
	if (marks & ENV_IS_COPY)
		return datapath_leave_copy(skb, &way);
	if (marks & ENV_WAS_HERE)
		skb->tc_index = (__u16)(ENV_MARK | (marks & ENV_HOPS));
	return TC_ACT_UNSPEC;
}

/* A packet that passed: nearly all go where they would have gone. */
NFR_INLINE int datapath_leave(struct __sk_buff *skb, __u8 dir,
			      const struct verdict *v)
{
	if (!env_marks(skb) &&
	    !(v->result.action & (NFR_RESULT_REDIRECTED | NFR_RESULT_COPIED)))
		return TC_ACT_UNSPEC;
	return datapath_route(skb, dir);
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
	struct verdict *v = datapath_scratch();

	/* Counted from where it came into the host; see env_marks(). */
	if (dir == NFR_DIR_IN && env_marks(skb))
		skb->tc_index = 0;
	if (!v || verdict_judge(&env, &frame, v) != NFR_PASS)
		return TC_ACT_SHOT;
	return datapath_leave(skb, dir, v);
}

NFR_INLINE int datapath_xdp(struct xdp_md *ctx)
{
	struct env env = {.xdp = ctx};
	struct packet_frame frame = datapath_whole_xdp(ctx);
	struct verdict *v = datapath_scratch();

	frame.ifindex = ctx->ingress_ifindex;
	return v && verdict_judge(&env, &frame, v) == NFR_PASS ? XDP_PASS
							       : XDP_DROP;
}

SEC("xdp")
int nfr_xdp(struct xdp_md *ctx)
{
	return datapath_plain_xdp(ctx) ? XDP_PASS : datapath_xdp(ctx);
}

SEC("tc")
int nfr_in(struct __sk_buff *skb)
{
	return datapath_plain_in(skb) ? TC_ACT_UNSPEC
				      : datapath_tc(skb, NFR_DIR_IN);
}

/*
 * The mark of steering has led it here. A tunnel of the kernel's (VXLAN) routes
 * what it wraps by the mark of that, which would lead it into itself.
 */
NFR_INLINE void datapath_forget_mark(struct __sk_buff *skb)
{
	if (skb->mark && !NFR_MARK_SEEN(skb->mark))
		skb->mark = 0;
}

SEC("tc")
int nfr_out(struct __sk_buff *skb)
{
	datapath_forget_mark(skb);
	return datapath_plain_out(skb) ? TC_ACT_UNSPEC
				       : datapath_tc(skb, NFR_DIR_OUT);
}

char _license[] SEC("license") = "Dual BSD/GPL";
