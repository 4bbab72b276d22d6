/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * floor_hook.bpf.h: what the floor's hooks say of a packet: its device, its
 * length, its bytes.
 *
 * Two hooks: BPF netfilter (Linux 6.4), and the root cgroup's egress before it,
 * which also sees packets of other namespaces. The kernel's structures are read
 * at the places that CO-RE finds.
 */
#ifndef NFR_FLOOR_HOOK_BPF_H
#define NFR_FLOOR_HOOK_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define FLOOR_LOOPBACK 1  /* ifindex: every namespace has its own */
#define FLOOR_LOCAL_OUT 3 /* NF_INET_LOCAL_OUT */
#define FLOOR_IPV4 2	  /* NFPROTO_IPV4 */
#define FLOOR_BYTES 256
#define FLOOR_XMIT_REDIRECT 4 /* LWTUNNEL_STATE_XMIT_REDIRECT */

#define FLOOR_KERNEL __attribute__((preserve_access_index))

struct net {
	__u64 net_cookie;
} FLOOR_KERNEL;
typedef struct {
	struct net *net;
} possible_net_t;
struct net_device {
	int ifindex;
	possible_net_t nd_net;
} FLOOR_KERNEL;
struct lwtunnel_state {
	__u16 flags;
} FLOOR_KERNEL;
struct dst_entry {
	struct net_device *dev;
	struct lwtunnel_state *lwtstate;
	void *xfrm;
} FLOOR_KERNEL;
typedef struct {
	__u32 val;
} kuid_t;
struct sock {
	kuid_t sk_uid;
} FLOOR_KERNEL;
struct sk_buff___floor {
	unsigned long _skb_refdst;
	unsigned int len, data_len;
	unsigned char *data;
	int skb_iif;
	__u32 mark;
	struct net_device *dev;
	struct sock *sk;
} FLOOR_KERNEL;
struct sock___origin;
struct nf_hook_state {
	__u8 hook, pf;
	struct net_device *out;
	struct sock___origin *sk;
} FLOOR_KERNEL;
struct bpf_nf_ctx {
	const struct nf_hook_state *state;
	struct sk_buff___floor *skb;
};

/* Linux 6.2, so wherever netfilter links are: plain loads, no helper calls. */
extern void *bpf_rdonly_cast(const void *, __u32)
__ksym __weak;

/* The device of the route; 0 without one. */
static __always_inline __u32 floor_route(const struct dst_entry *route)
{
	if (!bpf_rdonly_cast)
		return (__u32)BPF_CORE_READ(route, dev, ifindex);
	route = bpf_rdonly_cast(route,
				bpf_core_type_id_kernel(struct dst_entry));
	return (__u32)route->dev->ifindex;
}

/*
 * In LOCAL_OUT: does the route lead through POST_ROUTING, and nowhere past it?
 * What is encapsulated by the route, or transformed, has ways of its own.
 */
static __always_inline int floor_comes_again(struct bpf_nf_ctx *ctx)
{
	unsigned long refdst = ctx->skb->_skb_refdst & ~1ul;
	const struct dst_entry *route;

	if (ctx->state->hook != FLOOR_LOCAL_OUT || !bpf_rdonly_cast || !refdst)
		return 0;
	route = bpf_rdonly_cast((void *)refdst,
				bpf_core_type_id_kernel(struct dst_entry));
	if (!bpf_core_field_exists(route->lwtstate) || route->lwtstate)
		return 0;
	return !bpf_core_field_exists(route->xfrm) || !route->xfrm;
}

/*
 * Does the route make another packet of it behind POST_ROUTING, before the
 * neighbour is asked: by a program (lwt_xmit), or by MPLS?
 */
static __always_inline int floor_is_remade(const struct sk_buff___floor *skb)
{
	unsigned long refdst = skb->_skb_refdst & ~1ul;
	const struct lwtunnel_state *state;
	const struct dst_entry *route;

	if (!bpf_rdonly_cast || !refdst)
		return 0;
	route = bpf_rdonly_cast((void *)refdst,
				bpf_core_type_id_kernel(struct dst_entry));
	if (!bpf_core_field_exists(route->lwtstate) || !route->lwtstate)
		return 0;
	state = route->lwtstate;
	return (BPF_CORE_READ(state, flags) & FLOOR_XMIT_REDIRECT) != 0;
}

/*
 * Where the packet goes. In LOCAL_OUT others may have routed it anew after the
 * hook's state was filled, so its route says; later the state does.
 */
static __always_inline __u32 floor_device(struct bpf_nf_ctx *ctx)
{
	const struct nf_hook_state *state = ctx->state;
	unsigned long refdst;

	if (state->hook != FLOOR_LOCAL_OUT)
		return state->out ? (__u32)state->out->ifindex : 0;
	refdst = ctx->skb->_skb_refdst & ~1ul; /* bit 0: not counted */
	return floor_route((const struct dst_entry *)refdst);
}

#endif
