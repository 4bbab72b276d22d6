/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * floor_stub.bpf.c: an IP packet on its way out -> the floor of the active
 * generation. stub.bpf.c says how; only one of the two programs is loaded.
 *
 * What goes to loopback leaves nothing, so it is nobody's business here. What
 * LOCAL_OUT will meet again in POST_ROUTING is judged there: before neighbours
 * are asked all the same, and after everybody's translation.
 */
#define NFR_STUB
#include "kmod-linux/maps.bpf.h"

#include "kmod-linux/floor_hook.bpf.h"
#include "kmod-linux/slots.bpf.h"

#define FLOOR_DROP 0 /* NF_DROP, and what a cgroup program says */
#define FLOOR_ACCEPT 1

SLOTS(nfr_slots_floor, 2);

static __always_inline volatile struct nfr_control *floor_control(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&nfr_control, &zero);
}

/* Comes back when no program was there; nonzero: accept all the same. */
static __always_inline int floor_call(void *ctx)
{
	volatile struct nfr_control *control = floor_control();
	__u32 active;

	if (!control)
		return 0;
	active = control->active;
	if (active == 0)
		bpf_tail_call_static(ctx, &nfr_slots_floor, 0);
	else if (active == 1)
		bpf_tail_call_static(ctx, &nfr_slots_floor, 1);
	return active == NFR_SLOT_OPEN;
}

SEC("netfilter")
int nfr_stub_floor(struct bpf_nf_ctx *ctx)
{
	__u32 len = ctx->skb->len;

	if (floor_comes_again(ctx) || floor_device(ctx) == FLOOR_LOOPBACK)
		return FLOOR_ACCEPT;
	if (floor_call(ctx))
		return FLOOR_ACCEPT;
	maps_count_reason(NFR_DIR_OUT, NFR_REASON_SLOT, len);
	return FLOOR_DROP;
}

/* The context of this program is the packet of the kernel. */
static __always_inline __u64 floor_namespace(struct __sk_buff *skb)
{
	return BPF_CORE_READ((struct sk_buff___floor *)skb, dev, nd_net.net,
			     net_cookie);
}

SEC("cgroup_skb/egress")
int nfr_stub_cgroup(struct __sk_buff *skb)
{
	volatile struct nfr_control *control = floor_control();

	if (!control)
		return FLOOR_DROP;
	if (skb->ifindex == FLOOR_LOOPBACK ||
	    floor_namespace(skb) != control->netns_cookie)
		return FLOOR_ACCEPT;
	if (floor_call(skb))
		return FLOOR_ACCEPT;
	maps_count_reason(NFR_DIR_OUT, NFR_REASON_SLOT, skb->len);
	return FLOOR_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
