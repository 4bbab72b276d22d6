/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * icmp.h: ICMP and ICMPv6 errors -> the packet that they quote, and the flow
 * that it was of.
 *
 * Overview
 *   An error that comes in is about a packet that went out, and the other way
 *   round. The quoted headers are read like a packet of that direction, so that
 *   the same functions find its flow; the error then passes by that flow.
 *
 * Invariants
 *   - An error is for who sent the quoted packet: its destination is the quoted
 *     source, else it is of no flow (CVE-2019-5598).
 *   - A quoted TCP segment lies in the window of what its side has sent
 *     (RFC 5927 4), so that who does not see the flow can not disturb it.
 *   - Of no flow are: redirects, errors about errors, errors in fragments, and
 *     types that no RFC below calls an error. Rules may still pass these.
 *   - An error keeps no flow alive.
 *
 * Sources: RFC 792, 1122 3.2.2, 4443, 5927.
 */
#ifndef NFR_ICMP_H
#define NFR_ICMP_H

#include "fragment.h"
#include "look.h"

#define ICMP_HEADER 8 /* of every error; then follows the quoted packet */

/* Is it about a packet? Redirects are about routes. */
NFR_INLINE int icmp_is_error(const struct nfr_key *key)
{
	__u32 type = key->w[NFR_F_ICMP] >> 8, proto = key->w[NFR_F_PROTO];

	if (key->w[NFR_F_BITS] & NFR_BIT_FRAGMENT)
		return 0;
	if (key->w[NFR_F_FAMILY] == NFR_FAMILY_IPV4)
		return proto == PACKET_ICMP &&
		       (type == 3 || type == 4 || type == 11 || type == 12);
	return key->w[NFR_F_FAMILY] == NFR_FAMILY_IPV6 &&
	       proto == PACKET_ICMP6 && type >= 1 && type <= 4;
}

/* Errors quote at least 8 bytes of the transport header (RFC 792). */
NFR_INLINE __u8 icmp_quoted_transport(const struct packet_frame *frame,
				      struct icmp_quote *quote, __u32 off,
				      __u32 limit)
{
	struct packet *packet = &quote->packet;
	__u32 proto = packet->key.w[NFR_F_PROTO];
	__u32 icmp = packet->key.w[NFR_F_FAMILY] == NFR_FAMILY_IPV4
			     ? PACKET_ICMP
			     : PACKET_ICMP6;
	const __u8 *at;

	if (packet->key.w[NFR_F_BITS] & NFR_BIT_LATER ||
	    (proto != PACKET_TCP && proto != PACKET_UDP && proto != icmp))
		return NFR_REASON_NONE;
	at = packet_at(frame, off, 8, limit);
	if (!at)
		return NFR_REASON_ICMP_INNER;
	packet->transport = off;
	if (proto == icmp) {
		packet->key.w[NFR_F_ICMP] = packet_be16(at);
		packet->echo_id = (__u16)packet_be16(at + 4);
		return NFR_REASON_NONE;
	}
	packet->key.w[NFR_F_SPORT] = packet_be16(at);
	packet->key.w[NFR_F_DPORT] = packet_be16(at + 2);
	quote->seq = packet_be32(at + 4);
	return NFR_REASON_NONE;
}

NFR_INLINE __u8 icmp_quoted_ipv4(const struct packet_frame *frame,
				 struct icmp_quote *quote, __u32 off,
				 __u32 limit)
{
	struct packet *packet = &quote->packet;
	const __u8 *ip = packet_at(frame, off, 20, limit);
	__u32 *w = packet->key.w;
	__u32 header_len, fragment;

	if (!ip || ip[0] >> 4 != 4)
		return NFR_REASON_ICMP_INNER;
	header_len = (ip[0] & 15) * 4u;
	if (header_len < 20)
		return NFR_REASON_ICMP_INNER;
	w[NFR_F_TOS] = ip[1];
	w[NFR_F_TTL] = ip[8];
	w[NFR_F_PROTO] = ip[9];
	w[NFR_F_SRC0] = packet_be32(ip + 12);
	w[NFR_F_DST0] = packet_be32(ip + 16);
	fragment = packet_be16(ip + 6);
	if (fragment & 0x3fff)
		packet_fragment(packet, packet_be16(ip + 4), off + header_len,
				(fragment & 0x1fff) * 8, fragment & 0x2000);
	return icmp_quoted_transport(frame, quote, off + header_len, limit);
}

NFR_INLINE __u8 icmp_quoted_ipv6(const struct packet_frame *frame,
				 struct icmp_quote *quote, __u32 off,
				 __u32 limit)
{
	struct packet *packet = &quote->packet;
	const __u8 *ip = packet_at(frame, off, 40, limit);
	__u32 *w = packet->key.w;

	if (!ip || ip[0] >> 4 != 6)
		return NFR_REASON_ICMP_INNER;
	w[NFR_F_TOS] = packet_be16(ip) >> 4 & 0xff;
	w[NFR_F_TTL] = ip[7];
	for (int i = 0; i < 4; i++) {
		w[NFR_F_SRC0 + i] = packet_be32(ip + 8 + 4 * i);
		w[NFR_F_DST0 + i] = packet_be32(ip + 24 + 4 * i);
	}
	packet->walk.next = ip[6];
	packet->walk.off = off + 40;
	packet->walk.limit = limit;
	if (packet_exthdrs(frame, packet, &packet->walk))
		return NFR_REASON_ICMP_INNER;
	w[NFR_F_PROTO] = packet->walk.next;
	return icmp_quoted_transport(frame, quote, packet->walk.off, limit);
}

/*
 * Reads what the error quotes, into a key of the direction that the quoted
 * packet had here. NFR_REASON_NONE, or NFR_REASON_ICMP_INNER when so much as
 * tells its flow is not there or can not be read.
 */
NFR_INLINE __u8 icmp_read_quote(const struct packet_frame *frame,
				const struct packet *error,
				struct icmp_quote *quote)
{
	struct packet *packet = &quote->packet;
	__u32 *w = packet->key.w;

	packet_clear(packet);
	quote->seq = 0;
	quote->is_of_flow = 0;
	packet->network = error->transport + ICMP_HEADER;
	packet->end = error->end;
	w[NFR_F_IFID] = error->key.w[NFR_F_IFID];
	w[NFR_F_DIR] = error->key.w[NFR_F_DIR] == NFR_DIR_IN ? NFR_DIR_OUT
							     : NFR_DIR_IN;
	w[NFR_F_FAMILY] = error->key.w[NFR_F_FAMILY];
	w[NFR_F_ETHERTYPE] = error->key.w[NFR_F_ETHERTYPE];
	if (w[NFR_F_FAMILY] == NFR_FAMILY_IPV4)
		return icmp_quoted_ipv4(frame, quote, packet->network,
					error->end);
	return icmp_quoted_ipv6(frame, quote, packet->network, error->end);
}

/* Does the error go to who sent the packet that it quotes? */
NFR_INLINE int icmp_is_for_sender(const struct nfr_key *error,
				  const struct nfr_key *quoted)
{
	__u32 differ = 0;

	for (int i = 0; i < 4; i++)
		differ |= error->w[NFR_F_DST0 + i] ^ quoted->w[NFR_F_SRC0 + i];
	return differ == 0;
}

/* The type and code that answer an echo's; 0 for what is none. */
NFR_INLINE __u32 icmp_answer(__u32 proto, __u32 icmp)
{
	if (proto == PACKET_ICMP)
		return icmp >> 8 == STATE_ECHO_REPLY ? STATE_ECHO_REQUEST << 8
						     : STATE_ECHO_REPLY << 8;
	switch (icmp >> 8) {
	case STATE_ECHO6_REQUEST:
		return STATE_ECHO6_REPLY << 8;
	case STATE_ECHO6_REPLY:
		return STATE_ECHO6_REQUEST << 8;
	default:
		return 0;
	}
}

/*
 * Is the quoted segment one that its side may have sent? Until the other side
 * was seen, nobody has said how much that is.
 */
NFR_INLINE int icmp_in_window(const struct nfr_state *state, __u32 dir,
			      __u32 seq)
{
	const struct nfr_tcp_side *side = &state->tcp[dir & 1];
	__u32 window = state->tcp[!dir].max_window;

	/* Nothing is known of who is not tracked. */
	if (state->flags & NFR_STATE_IS_SLOPPY || !side->max_window)
		return 1;
	/* Who was only called so far has sent nothing. */
	if (!(side->flags & NFR_TCP_SEEN) &&
	    !(state->flags & NFR_STATE_IS_LOOSE))
		return 0;
	if (state->phase == NFR_STATE_OPENING || window < 65535)
		window = 65535;
	return (__s32)(seq - side->end) <= 0 &&
	       (__s32)(seq - (side->end - window)) >= 0;
}

/* ---- in the subprogram of the slow path -------------------------------- */

/*
 * The name of the flow that v->quote is of, as v->name. 0: of none. Errors that
 * a later fragment caused know no ports; its first fragment is asked.
 */
NFR_INLINE int icmp_name(struct env *env, const struct nfr_config *config,
			 struct verdict *v)
{
	const struct packet *quoted = &v->quote.packet;
	const struct nfr_fragment *first;

	if (!(quoted->key.w[NFR_F_BITS] & NFR_BIT_LATER)) {
		v->role = state_role(&quoted->key);
		if (v->role == STATE_NO_FLOW)
			return 0;
		state_key(quoted, v->ifindex, v->role, &v->name);
		return 1;
	}
	fragment_key(quoted, v->ifindex, &v->datagram);
	first = env_fragment_find(env, &v->datagram);
	if (!first || !(first->flags & NFR_FRAGMENT_HAS_STATE) ||
	    !fragment_is_alive(first, env_now(env), fragment_ticks(config)))
		return 0;
	v->name = first->name;
	return 1;
}

/*
 * The living state, under the policy in force, of what is quoted; or NULL.
 * v->result.rule stands behind it.
 */
NFR_INLINE struct nfr_state *
icmp_state(struct env *env, const struct nfr_config *config, struct verdict *v)
{
	const struct nfr_key *quoted = &v->quote.packet.key;
	struct nfr_state *state;

	if (!icmp_name(env, config, v))
		return 0;
	state = quoted->w[NFR_F_BITS] & NFR_BIT_LATER
			? env_state_find(env, &v->name)
			: look_find(env, v, quoted);
	if (!state || !state_is_alive(state, env_now(env)))
		return 0;
	return fragment_is_current(env, config, v, state) ? state : 0;
}

/*
 * The packet as it will be on the wire: what goes out leaves with the names of
 * its flow. as_answer: as if it were a packet of the flow, the other way than
 * the quoted one.
 */
NFR_INLINE void icmp_guard_key(struct verdict *v, const struct nfr_state *state,
			       int as_answer)
{
	const __u32 *w = v->packet.key.w;
	__u32 *out = v->other.w, is_out = w[NFR_F_DIR] == NFR_DIR_OUT;
	__u32 differ = 0;

	v->other = v->packet.key;
	if (is_out && state->flags & NFR_STATE_IS_TRANSLATED) {
		for (int i = 0; i < 4; i++)
			differ |= w[NFR_F_SRC0 + i] ^ state->stack.near_addr[i];
		for (int i = 0; i < 4; i++) {
			out[NFR_F_DST0 + i] = v->name.far_addr[i];
			if (!differ)
				out[NFR_F_SRC0 + i] = v->name.near_addr[i];
		}
	}
	if (!as_answer)
		return;
	out[NFR_F_PROTO] = v->name.proto;
	if (v->name.proto == PACKET_TCP || v->name.proto == PACKET_UDP) {
		out[NFR_F_SPORT] =
			is_out ? v->name.near_port : v->name.far_port;
		out[NFR_F_DPORT] =
			is_out ? v->name.far_port : v->name.near_port;
	}
	out[NFR_F_ICMP] =
		icmp_answer(v->name.proto, v->quote.packet.key.w[NFR_F_ICMP]);
}

/*
 * Does the guard forbid an error of a flow? It is no objection that it is ICMP:
 * where a tunnel lets a flow go outside, it lets its errors, else its sender
 * would wait, or never learn the path's MTU.
 */
NFR_INLINE int icmp_guard(struct env *env, struct verdict *v,
			  const struct nfr_state *state)
{
	icmp_guard_key(v, state, 0);
	if (!env_slow_guard(env, v, SCRATCH_OTHER))
		return 0;
	icmp_guard_key(v, state, 1);
	return env_slow_guard(env, v, SCRATCH_OTHER);
}

/* An error of this state: nonzero passes it. */
NFR_INLINE int icmp_continue(struct env *env, const struct nfr_config *config,
			     struct verdict *v, struct nfr_state *state)
{
	__u32 dir = v->packet.key.w[NFR_F_DIR] & 1, number = v->result.rule;
	const struct nfr_rule *rule = env_rule(env, number);

	if (v->name.proto == PACKET_TCP && v->quote.packet.transport &&
	    !icmp_in_window(state, dir ^ 1, v->quote.seq)) {
		verdict_set(v, NFR_REASON_TCP_WINDOW, number);
		return 0;
	}
	if (!rule) {
		verdict_set(v, NFR_REASON_VM, NFR_NO_RULE);
		return 0;
	}
	if (!slow_rule(v, rule, number, 1) ||
	    (config->has_guard && icmp_guard(env, v, state)))
		return 0;
	verdict_set(v, NFR_REASON_STATE, number);
	state->packets[dir]++;
	state->bytes[dir] += v->len;
	v->result.from_state = 1;
	v->is_reply = state->dir != dir;
	v->quote.is_of_flow = 1;
	return 1;
}

/* An error whose quote was read: which way it goes. */
NFR_INLINE enum icmp_way icmp_judge(struct env *env, struct verdict *v)
{
	const struct nfr_config *config = env_config(env);
	struct nfr_state *state;

	if (!config ||
	    !icmp_is_for_sender(&v->packet.key, &v->quote.packet.key))
		return ICMP_NO_FLOW;
	state = icmp_state(env, config, v);
	v->role = STATE_NO_FLOW;
	if (!state)
		return ICMP_NO_FLOW;
	return icmp_continue(env, config, v, state) ? ICMP_PASSES : ICMP_BLOCKS;
}

#endif
