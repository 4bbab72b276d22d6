/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * stub.bpf.c: a packet at a hook -> the datapath of the active generation.
 *
 * These programs are attached once and never replaced. The switch is the one
 * word control.active; a tail call by a constant index becomes a direct jump.
 * A tail call that falls through found no program: the packet is blocked. The
 * program that puts a policy on trial is here too, as it outlives policies.
 */
#define NFR_STUB
#include "kmod-linux/maps.bpf.h"

#include "kmod-linux/confirm.bpf.h"
#include "kmod-linux/slots.bpf.h"

#include <linux/pkt_cls.h>

/* Only the loader's: it lives as long as the hooks do. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct nfr_localnet);
} nfr_localnet SEC(".maps");

SLOTS(nfr_slots_xdp, 2);
SLOTS(nfr_slots_in, 2);
SLOTS(nfr_slots_out, 2);

/* Comes back when no program was there; nonzero: pass all the same. */
static __always_inline int stub_call(void *ctx, void *slots)
{
	__u32 zero = 0;
	volatile struct nfr_control *control =
		bpf_map_lookup_elem(&nfr_control, &zero);
	__u32 active;

	if (!control)
		return 0;
	active = control->active;
	if (active == 0)
		bpf_tail_call_static(ctx, slots, 0);
	else if (active == 1)
		bpf_tail_call_static(ctx, slots, 1);
	return active == NFR_SLOT_OPEN;
}

SEC("xdp")
int nfr_stub_xdp(struct xdp_md *ctx)
{
	if (stub_call(ctx, &nfr_slots_xdp))
		return XDP_PASS;
	maps_count_reason(NFR_DIR_IN, NFR_REASON_SLOT,
			  ctx->data_end - ctx->data);
	return XDP_DROP;
}

SEC("tc")
int nfr_stub_in(struct __sk_buff *skb)
{
	if (stub_call(skb, &nfr_slots_in))
		return TC_ACT_UNSPEC;
	maps_count_reason(NFR_DIR_IN, NFR_REASON_SLOT, skb->len);
	return TC_ACT_SHOT;
}

SEC("tc")
int nfr_stub_out(struct __sk_buff *skb)
{
	if (stub_call(skb, &nfr_slots_out))
		return TC_ACT_UNSPEC;
	maps_count_reason(NFR_DIR_OUT, NFR_REASON_SLOT, skb->len);
	return TC_ACT_SHOT;
}

char _license[] SEC("license") = "Dual BSD/GPL";
