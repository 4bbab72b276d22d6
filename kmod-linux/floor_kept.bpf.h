/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * floor_kept.bpf.h: a packet of a known flow -> did the guard consent before?
 *
 * The edge keeps the guard's consent in the flow's state (runtime/guard.h). Of
 * a plain TCP or UDP packet the floor finds it by the headers' words, without a
 * scratch and a parser. Whatever is not plain, or doubtful, is not kept: the
 * floor judges it. What the floor lets by, the edge parses and judges in any
 * case.
 */
#ifndef NFR_FLOOR_KEPT_BPF_H
#define NFR_FLOOR_KEPT_BPF_H

#include "kmod-linux/floor_hook.bpf.h"
#include "kmod-linux/flows.bpf.h"
#include "kmod-linux/origin.bpf.h"
#include "runtime/guard.h"

/* The kernel's words of these: fixed by RFC 791, 8200 and 768. */
struct iphdr {
	__u8 version_ihl, tos;
	__u16 tot_len, id, frag_off;
	__u8 ttl, protocol;
	__u16 check;
	__u32 saddr, daddr;
};
struct ipv6hdr {
	__u8 version_class, flow[3];
	__u16 payload_len;
	__u8 nexthdr, hop_limit;
	__u32 saddr[4], daddr[4];
};
struct udphdr {
	__u16 source, dest;
};

#define FLOOR_CAST(type, at)                                                   \
	((const struct type *)bpf_rdonly_cast(                                 \
		(const void *)(at), bpf_core_type_id_kernel(struct type)))
#define FLOOR_IP4 0x45		/* version 4, no options */
#define FLOOR_IP4_PIECE 0x3fffu /* more fragments, or an offset */

/* Nonzero when name is the flow's, whose ports are at off of the packet. */
NFR_INLINE int floor_name4(unsigned long at, struct nfr_state_key *name)
{
	const struct iphdr *ip = FLOOR_CAST(iphdr, at);

	if (ip->version_ihl != FLOOR_IP4 ||
	    ip->frag_off & PACKET_SWAP16(FLOOR_IP4_PIECE))
		return 0;
	name->family = NFR_FAMILY_IPV4;
	name->proto = ip->protocol;
	name->near_addr[0] = PACKET_SWAP32(ip->saddr);
	name->far_addr[0] = PACKET_SWAP32(ip->daddr);
	return sizeof(*ip);
}

NFR_INLINE int floor_name6(unsigned long at, struct nfr_state_key *name)
{
	const struct ipv6hdr *ip = FLOOR_CAST(ipv6hdr, at);

	if (ip->version_class >> 4 != 6)
		return 0;
	name->family = NFR_FAMILY_IPV6;
	name->proto = ip->nexthdr;
	for (int i = 0; i < 4; i++) {
		name->near_addr[i] = PACKET_SWAP32(ip->saddr[i]);
		name->far_addr[i] = PACKET_SWAP32(ip->daddr[i]);
	}
	return sizeof(*ip);
}

/* Fills the name of the packet's flow; 0: it is no plain packet of one. */
NFR_INLINE int floor_name(const struct sk_buff___floor *skb, int is_v4,
			  struct nfr_state_key *name)
{
	unsigned long at = (unsigned long)skb->data;
	const struct udphdr *ports;
	int len;

	/* What is not linear is not here. */
	if (skb->len - skb->data_len <
	    (is_v4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr)) +
		    sizeof(*ports))
		return 0;
	len = is_v4 ? floor_name4(at, name) : floor_name6(at, name);
	if (!len || (name->proto != PACKET_TCP && name->proto != PACKET_UDP))
		return 0;
	ports = FLOOR_CAST(udphdr, at + len);
	name->near_port = PACKET_SWAP16(ports->source);
	name->far_port = PACKET_SWAP16(ports->dest);
	return 1;
}

/* Who made it, as the floor's guard would be told. */
NFR_INLINE __u32 floor_origin(const struct bpf_nf_ctx *ctx,
			      const struct nfr_config *config,
			      const struct nfr_state_key *name)
{
	struct origin_socket from = {0};

	if (!(config->flags & NFR_CONFIG_ORIGIN))
		return 0;
	if (ctx->state->sk)
		origin_load(ctx->state->sk, &from);
	return origin_of_flow(0, &from, name, (__u32)ctx->skb->skb_iif);
}

/* Family by family, so that names are short. */
NFR_INLINE int floor_is_kept_of(const struct bpf_nf_ctx *ctx,
				const struct nfr_config *config,
				const struct nfr_iface *iface, int is_v4,
				struct nfr_state_key *name)
{
	const struct nfr_state *state;
	__u32 flow;

	if (!floor_name(ctx->skb, is_v4, name))
		return 0;
	state = flows_near(name, &flow);
	if (!state)
		return 0;
	return guard_is_kept(config, state, NFR_DIR_OUT, flow, iface->ifid,
			     GUARD_ANYBODY) ||
	       guard_is_kept(config, state, NFR_DIR_OUT, flow, iface->ifid,
			     floor_origin(ctx, config, name));
}

/* Nonzero on a device with an edge, for a packet that the guard lets out. */
NFR_INLINE int floor_is_kept(const struct bpf_nf_ctx *ctx,
			     const struct nfr_config *config,
			     const struct nfr_iface *iface, __u32 ifindex)
{
	struct nfr_state_key name = {.ifindex = ifindex};

	if (!bpf_rdonly_cast || !iface || iface->flags & NFR_IFACE_TUNNEL)
		return 0;
	return ctx->state->pf == FLOOR_IPV4
		       ? floor_is_kept_of(ctx, config, iface, 1, &name)
		       : floor_is_kept_of(ctx, config, iface, 0, &name);
}

#endif
