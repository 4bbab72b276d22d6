/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * plain.bpf.h: a plain packet of an established flow -> passed and counted; or
 * verdict.h judges it.
 *
 * Overview
 *   Nearly all packets are TCP or UDP of a flow whose state is at its first
 *   place, by headers without options, and change nothing but the flow's
 *   numbers. What verdict.h asks of such a packet is asked here once more, in
 *   registers: without a key, a name and a packet in the scratch map. Whatever
 *   is not plain, or not certain, is left to verdict.h, as it came.
 *
 * Invariants
 *   - It only passes, and only what verdict.h would pass, by the same functions
 *     where these do not need a key. Tests hold each packet against the
 *     datapath of user space, which does not have this.
 *   - Nothing is written before all is certain; of TCP's numbers and what is
 *     counted, it is what verdict.h would write.
 */
#ifndef NFR_PLAIN_BPF_H
#define NFR_PLAIN_BPF_H

#include "kmod-linux/flows.bpf.h"
#include "kmod-linux/origin.bpf.h"
#include "kmod-linux/scratch.bpf.h"
#include "runtime/again.h"
#include "runtime/guard.h"

#define PLAIN_IP4_LEN 20u
#define PLAIN_IP6_LEN 40u
#define PLAIN_IP4 0x45u		/* version 4, no options */
#define PLAIN_IP4_PIECE 0x3fffu /* more fragments, or an offset */
#define PLAIN_UDP_LEN 8u
#define PLAIN_TCP_LEN 20u
#define PLAIN_BOOTP 67u
/* What opens or ends a connection, and what all others have. */
#define PLAIN_TCP_FLAGS (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)
/* Of a flow that changes the packet, or where it goes, or that is not tracked.
 */
#define PLAIN_NOT                                                              \
	(NFR_STATE_IS_TRANSLATED | NFR_STATE_HAS_HOP | NFR_STATE_HAS_COPY |    \
	 NFR_STATE_IS_SLOPPY)

struct plain {
	struct nfr_state_key name;
	struct tcp_segment segment;
	const __u8 *at; /* the header that is read next ... */
	__u32 off;	/* ... and where in the frame it is */
	__u32 left;	/* bytes of the frame, then of the IP packet, from it */
	__u32 ethertype; /* of the frame */
};

/* ---- headers: nonzero where they are plain ------------------------------- */

/* Are n bytes there to be read? */
NFR_INLINE int plain_has(const struct packet_frame *frame, struct plain *p,
			 __u32 n)
{
	PACKET_OPAQUE(p->at);
	return p->left >= n && p->at + n <= frame->end;
}

NFR_INLINE void plain_step(struct plain *p, __u32 n)
{
	p->at += n;
	p->off += n;
	p->left -= n;
}

NFR_INLINE int plain_link(const struct packet_frame *frame, __u32 link,
			  struct plain *p)
{
	p->at = frame->start;
	p->left = frame->len;
	if (link == NFR_LINK_ETHER) {
		if (!plain_has(frame, p, PACKET_ETH_LEN))
			return 0;
		p->ethertype = packet_be16(p->at + 12);
		plain_step(p, PACKET_ETH_LEN);
		return 1;
	}
	if (link != NFR_LINK_RAW || !plain_has(frame, p, 1))
		return 0;
	p->ethertype = p->at[0] >> 4 == 4 ? PACKET_ETHERTYPE_IPV4
					  : PACKET_ETHERTYPE_IPV6;
	return 1;
}

NFR_INLINE int plain_ip4(const struct packet_frame *frame, __u32 dir,
			 struct plain *p)
{
	int is_out = dir == NFR_DIR_OUT;
	__u32 src, dst, len;
	const __u8 *ip;

	if (!plain_has(frame, p, PLAIN_IP4_LEN))
		return 0;
	ip = p->at;
	len = packet_be16(ip + 2);
	if (ip[0] != PLAIN_IP4 || packet_be16(ip + 6) & PLAIN_IP4_PIECE ||
	    len < PLAIN_IP4_LEN || len > p->left)
		return 0;
	src = packet_be32(ip + 12);
	dst = packet_be32(ip + 16);
	if (src >> 24 == 127 || dst >> 24 == 127)
		return 0;
	p->name.family = NFR_FAMILY_IPV4;
	p->name.proto = ip[9];
	p->name.near_addr[0] = is_out ? src : dst;
	p->name.far_addr[0] = is_out ? dst : src;
	p->left = len;
	plain_step(p, PLAIN_IP4_LEN);
	return 1;
}

NFR_INLINE int plain_ip6(const struct packet_frame *frame, __u32 dir,
			 struct plain *p)
{
	__u32 *near = p->name.near_addr, *far = p->name.far_addr;
	int is_out = dir == NFR_DIR_OUT;
	const __u8 *ip;
	__u32 len;

	if (!plain_has(frame, p, PLAIN_IP6_LEN))
		return 0;
	ip = p->at;
	len = packet_be16(ip + 4);
	if (ip[0] >> 4 != 6 || len > p->left - PLAIN_IP6_LEN)
		return 0;
	p->name.family = NFR_FAMILY_IPV6;
	p->name.proto = ip[6];
	for (int i = 0; i < 4; i++) {
		near[i] = packet_be32(ip + (is_out ? 8 : 24) + 4 * i);
		far[i] = packet_be32(ip + (is_out ? 24 : 8) + 4 * i);
	}
	/* A host's own, or IPv4 in disguise, among others. */
	if (!(near[0] | near[1]) || !(far[0] | far[1]))
		return 0;
	p->left = PLAIN_IP6_LEN + len;
	plain_step(p, PLAIN_IP6_LEN);
	return 1;
}

NFR_INLINE void plain_ports(struct plain *p, __u32 dir)
{
	__u16 sport = (__u16)packet_be16(p->at);
	__u16 dport = (__u16)packet_be16(p->at + 2);

	p->name.near_port = dir == NFR_DIR_OUT ? sport : dport;
	p->name.far_port = dir == NFR_DIR_OUT ? dport : sport;
}

NFR_INLINE int plain_udp(const struct packet_frame *frame, __u32 dir,
			 struct plain *p)
{
	__u32 len;

	if (!plain_has(frame, p, PLAIN_UDP_LEN))
		return 0;
	plain_ports(p, dir);
	len = packet_be16(p->at + 4);
	return len >= PLAIN_UDP_LEN && len <= p->left &&
	       p->name.far_port != PLAIN_BOOTP;
}

NFR_INLINE int plain_tcp(const struct packet_frame *frame, __u32 dir,
			 struct plain *p)
{
	__u32 len;

	if (!plain_has(frame, p, PLAIN_TCP_LEN))
		return 0;
	plain_ports(p, dir);
	len = (p->at[12] >> 4) * 4u;
	p->segment = (struct tcp_segment){
		.seq = packet_be32(p->at + 4),
		.ack = packet_be32(p->at + 8),
		.len = p->left - len,
		.window = packet_be16(p->at + 14),
		.flags = p->at[13],
		.wscale = TCP_NO_WSCALE,
	};
	return (p->segment.flags & PLAIN_TCP_FLAGS) == TCP_ACK &&
	       len >= PLAIN_TCP_LEN && len <= p->left;
}

NFR_INLINE int plain_transport(const struct packet_frame *frame, __u32 dir,
			       struct plain *p)
{
	if (p->name.proto == PACKET_TCP)
		return plain_tcp(frame, dir, p);
	return p->name.proto == PACKET_UDP && plain_udp(frame, dir, p);
}

/* As verdict_offload(): what the kernel does after us leaves the headers. */
NFR_INLINE int plain_stays(struct env *env, const struct plain *p)
{
	__u32 at = env_checksum(env), ethertype = env_segments(env);
	__u32 first = p->off + (p->name.proto == PACKET_TCP ? 14 : 6);

	return at >= first && (!ethertype || ethertype == p->ethertype);
}

/* ---- the flow: nonzero where it goes on ---------------------------------- */

NFR_INLINE int plain_is_going(const struct nfr_config *config,
			      const struct nfr_state *state, __u32 ifid,
			      __u32 proto, __u32 dir)
{
	if (state->flags & PLAIN_NOT || state->ifid != ifid ||
	    !state_is_alive(state, bpf_jiffies64()) ||
	    config->flags & NFR_CONFIG_OVERLOADS)
		return 0;
	return state->phase == NFR_STATE_ESTABLISHED ||
	       (proto == PACKET_UDP && state->phase == NFR_STATE_HALF &&
		state->dir == dir);
}

/* Who made it: as verdict_origin() and verdict_whose() would have it. */
NFR_INLINE __u32 plain_origin(struct env *env, const struct nfr_config *config,
			      const struct nfr_iface *iface,
			      const struct nfr_state_key *name, __u32 dir)
{
	struct origin_socket from = {0};
	struct __sk_buff *skb = env->skb;

	if (dir != NFR_DIR_OUT || !skb ||
	    !(config->flags & NFR_CONFIG_ORIGIN) ||
	    iface->flags & (NFR_IFACE_TUNNEL | NFR_IFACE_LOOPBACK))
		return 0;
	origin_of_skb(skb, &from);
	return origin_of_flow(skb, &from, name, skb->ingress_ifindex);
}

NFR_INLINE int plain_is_kept(struct env *env, const struct nfr_config *config,
			     const struct nfr_iface *iface,
			     const struct nfr_state *state,
			     const struct nfr_state_key *name, __u32 flow,
			     __u32 dir)
{
	__u32 ifid = state->ifid;

	return !config->has_guard ||
	       guard_is_kept(config, state, dir, flow, ifid, GUARD_ANYBODY) ||
	       guard_is_kept(config, state, dir, flow, ifid,
			     plain_origin(env, config, iface, name, dir));
}

/* What verdict_judge() leaves behind of such a packet. */
NFR_INLINE int plain_account(struct nfr_state *state, __u32 number, __u32 dir,
			     __u32 len)
{
	struct verdict *v = datapath_scratch();

	if (!v)
		return 0;
	v->result = (struct nfr_result){.verdict = NFR_PASS,
					.reason = NFR_REASON_STATE,
					.from_state = 1,
					.rule = number};
	state_touch(state, dir, bpf_jiffies64(), len);
	env_count_reason(0, dir, NFR_REASON_STATE, len);
	env_count_rule(0, number, len);
	return 1;
}

/* Behind the network header. Family by family, so that names are short. */
NFR_INLINE int plain_flow(struct env *env, const struct nfr_config *config,
			  const struct nfr_iface *iface,
			  const struct packet_frame *frame, __u32 dir,
			  struct plain *p)
{
	struct state_judgement judgement;
	const struct nfr_rule *rule;
	struct nfr_state *state;
	__u32 flow;

	if (!plain_transport(frame, dir, p) || !plain_stays(env, p))
		return 0;
	state = flows_near(&p->name, &flow);
	if (!state || !plain_is_going(config, state,
				      decide_ifid(env, iface, frame->ifindex),
				      p->name.proto, dir))
		return 0;
	judgement = state_judgement(state);
	rule = env_rule(env, judgement.rule);
	if (judgement.generation != config->generation || !rule ||
	    rule->verdict != NFR_PASS || rule->flags & NFR_RULE_COUNTS ||
	    !plain_is_kept(env, config, iface, state, &p->name, flow, dir))
		return 0;
	if (p->name.proto == PACKET_TCP &&
	    !(tcp_is_plain(state, p->segment.flags) &&
	      tcp_plain(state, dir, &p->segment)))
		return 0;
	return plain_account(state, judgement.rule, dir, frame->len);
}

/* Nonzero: the packet is passed, and that is all. */
NFR_INLINE int plain_pass(struct env *env, const struct packet_frame *frame,
			  __u32 dir)
{
	const struct nfr_config *config = env_config(env);
	const struct nfr_iface *iface = env_iface(env, frame->ifindex);
	struct plain p = {.name = {.ifindex = frame->ifindex}};

	if (!config || config->abi_version != NFR_ABI_VERSION || !iface ||
	    env_marks(env->skb) || !plain_link(frame, iface->link, &p))
		return 0;
	if (p.ethertype == PACKET_ETHERTYPE_IPV4)
		return plain_ip4(frame, dir, &p) &&
		       plain_flow(env, config, iface, frame, dir, &p);
	return p.ethertype == PACKET_ETHERTYPE_IPV6 &&
	       plain_ip6(frame, dir, &p) &&
	       plain_flow(env, config, iface, frame, dir, &p);
}

#endif
