/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * apply.h: a passed packet and its state -> the frame that goes on, and where.
 *
 * Overview
 *   apply_state() rewrites what comes in to how the host sees it, and what
 *   goes out to how it is on the wire; then the state's hop for the direction
 *   is the order to send it elsewhere (v->apply.hop), which the hook carries
 *   out. env_rewrite() stores the edits; in XDP it can not (reason rewrite).
 *
 * Hops
 *   - Only to devices that this policy knows. The egress hook there judges the
 *     packet again, in the form that it has now.
 *   - What comes in skips the host, so one is taken from its TTL; at 1 it
 *     blocks (reason route). What goes out has been routed already.
 *   - env_hops() counts how often a packet was sent elsewhere; beyond
 *     APPLY_HOPS_MAX it blocks (reason loop).
 *   - A hop of another direction than the packet's is not its business.
 *   - dup-to: a copy of each of the flow's packets, both ways (as in pf), in
 *     the form that the packet has here; its egress hook judges it as any
 *     packet.
 *     A copy that can not be sent is counted (reason route, or loop), and the
 *     packet itself goes its way.
 */
#ifndef NFR_APPLY_H
#define NFR_APPLY_H

#include "scratch.h"
#include "translate.h"

#define APPLY_HOPS_MAX 3

/* The packet's addresses as they are. */
NFR_INLINE void apply_same(const struct verdict *v, struct rewrite_to *to)
{
	const __u32 *w = v->packet.key.w;
	int has_ports = translate_has_ports(&v->packet.key);

	translate_copy(to->src, &w[NFR_F_SRC0]);
	translate_copy(to->dst, &w[NFR_F_DST0]);
	to->sport = has_ports ? (__u16)w[NFR_F_SPORT] : v->packet.echo_id;
	to->dport = has_ports ? (__u16)w[NFR_F_DPORT] : v->packet.echo_id;
}

/* Of a packet of v->name's flow: comes in as the host sees it, or goes out. */
NFR_INLINE void apply_ends(const struct nfr_state_key *name,
			   const struct nfr_state *state, __u32 dir,
			   struct rewrite_to *to)
{
	if (dir == NFR_DIR_OUT) {
		translate_copy(to->src, name->near_addr);
		translate_copy(to->dst, name->far_addr);
		to->sport = name->near_port;
		to->dport = name->far_port;
	} else {
		translate_copy(to->src, state->stack.far_addr);
		translate_copy(to->dst, state->stack.near_addr);
		to->sport = state->stack.far_port;
		to->dport = state->stack.near_port;
	}
}

/* Changes the frame. Nonzero when that failed; the reason is set. */
NFR_INLINE int apply_rewrite(struct env *env, struct packet_frame *frame,
			     struct verdict *v)
{
	__u8 doubt = env_rewrite(env, frame, v);

	if (doubt) {
		v->result.reason = doubt;
		return 1;
	}
	v->result.action |= NFR_RESULT_REWRITTEN;
	return 0;
}

/* The order to send the packet to the hop, if it may go there. */
NFR_INLINE int apply_hop(struct env *env, struct verdict *v,
			 const struct nfr_hop *hop)
{
	const __u32 *w = v->packet.key.w;

	if (!env_iface(env, hop->ifindex) ||
	    (w[NFR_F_DIR] == NFR_DIR_IN && w[NFR_F_TTL] <= 1)) {
		v->result.reason = NFR_REASON_ROUTE;
		return 1;
	}
	if (env_hops(env) >= APPLY_HOPS_MAX) {
		v->result.reason = NFR_REASON_LOOP;
		return 1;
	}
	v->apply.hop = *hop;
	v->result.action |= NFR_RESULT_REDIRECTED;
	return 0;
}

/* The order to send a copy, unless it may not go there. */
NFR_INLINE void apply_copy(struct env *env, struct verdict *v,
			   const struct nfr_hop *hop)
{
	const __u32 *w = v->packet.key.w;
	__u8 reason = NFR_REASON_NONE;

	if (!env_iface(env, hop->ifindex) ||
	    (w[NFR_F_DIR] == NFR_DIR_IN && w[NFR_F_TTL] <= 1))
		reason = NFR_REASON_ROUTE;
	else if (env_hops(env) >= APPLY_HOPS_MAX)
		reason = NFR_REASON_LOOP;
	if (reason) {
		env_count_reason(env, w[NFR_F_DIR] & 1, reason, v->len);
		return;
	}
	v->apply.copy = *hop;
	v->result.action |= NFR_RESULT_COPIED;
}

/*
 * What a passed packet's state does to it. Nonzero when that failed; the
 * reason is set. Pointers into the frame are void afterwards.
 */
NFR_INLINE int apply_state(struct env *env, struct packet_frame *frame,
			   struct verdict *v, const struct nfr_state *state)
{
	__u32 dir = v->packet.key.w[NFR_F_DIR] & 1;
	struct apply *apply = &v->apply;
	int is_translated = (state->flags & NFR_STATE_IS_TRANSLATED) != 0;

	apply->has_quoted = 0;
	apply->hops = 0;
	if (state->flags & NFR_STATE_HAS_COPY && !env_was_here(env))
		apply_copy(env, v, &state->copy);
	if (state->flags & NFR_STATE_HAS_HOP && state->hop[dir].ifindex) {
		if (apply_hop(env, v, &state->hop[dir]))
			return 1;
		apply->hops = dir == NFR_DIR_IN;
	}
	if (!is_translated && !apply->hops)
		return 0;
	if (is_translated)
		apply_ends(&v->name, state, dir, &apply->to);
	else
		apply_same(v, &apply->to);
	return apply_rewrite(env, frame, v);
}

/*
 * An ICMP error about the translated flow of v->name: the packet that it quotes
 * went the other way. near is where errors of both directions end or begin, so
 * that address changes; far changes where the error is from far itself, not
 * from a router between.
 */
NFR_INLINE int apply_error(struct env *env, struct packet_frame *frame,
			   struct verdict *v, const struct nfr_state *state,
			   const struct packet *quoted)
{
	const __u32 *w = v->packet.key.w;
	__u32 dir = w[NFR_F_DIR] & 1;
	struct apply *apply = &v->apply;
	struct rewrite_to *q = &apply->quoted_to, *ends = &apply->ends;
	__u32 differ = 0;
	int is_out = dir == NFR_DIR_OUT;

	if (!(state->flags & NFR_STATE_IS_TRANSLATED))
		return 0;
	apply_ends(&v->name, state, dir, ends);
	translate_copy(q->src, ends->dst);
	translate_copy(q->dst, ends->src);
	q->sport = ends->dport;
	q->dport = ends->sport;
	apply_same(v, &apply->to);
	for (int i = 0; i < 4; i++)
		differ |= is_out ? w[NFR_F_DST0 + i] ^
					   quoted->key.w[NFR_F_SRC0 + i]
				 : w[NFR_F_SRC0 + i] ^
					   quoted->key.w[NFR_F_DST0 + i];
	translate_copy(is_out ? apply->to.src : apply->to.dst,
		       is_out ? ends->src : ends->dst);
	if (!differ)
		translate_copy(is_out ? apply->to.dst : apply->to.src,
			       is_out ? ends->dst : ends->src);
	apply->quoted.network = quoted->network;
	apply->quoted.transport = quoted->transport;
	apply->quoted.limit = quoted->end;
	apply->quoted.family = (__u8)w[NFR_F_FAMILY];
	apply->quoted.proto = (__u8)quoted->key.w[NFR_F_PROTO];
	apply->quoted.reserved = 0;
	apply->has_quoted = 1;
	apply->hops = 0;
	return apply_rewrite(env, frame, v);
}

/*
 * enum apply_kind. In the kernel a subprogram, so it finds the state itself.
 * Nonzero when it failed; the reason is set.
 */
NFR_INLINE int apply_run(struct env *env, struct packet_frame *frame,
			 struct verdict *v, __u32 kind)
{
	const struct nfr_state *state = &v->fresh;

	if (kind != APPLY_FRESH)
		state = env_state_find(env, &v->name);
	if (!state) {
		v->result.reason = NFR_REASON_REWRITE;
		return 1;
	}
	if (kind == APPLY_FRESH && v->is_new == SCRATCH_NEW &&
	    translate_is_stale(env, v)) {
		v->result.reason = NFR_REASON_TRANSLATE;
		return 1;
	}
	if (kind == APPLY_ERROR)
		return apply_error(env, frame, v, state, &v->quote.packet);
	return apply_state(env, frame, v, state);
}

#endif
