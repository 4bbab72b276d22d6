/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * state.h: packets -> flows: which flow a packet belongs to, and how the flow
 * ages.
 *
 * Overview
 *   A state is made by the first packet that a rule with keep state passes,
 *   and found by every later packet of both directions on the same interface.
 *   It names a rule and the generation that chose it.
 *
 * Invariants
 *   - The key is seen from the interface (near, far), so it is the same for
 *     both directions, and a flow never continues on another interface.
 *   - rule and generation are read and written as one word of 64 bits, so no
 *     reader pairs the rule of one generation with the number of another.
 *   - timeout is set whenever the phase changes, so age is one comparison.
 *   - Phases only go up. Nothing but time, a new SYN after a close, or a
 *     changed policy ends a flow.
 *   - Packet and byte counters are not atomic: two CPUs that see one direction
 *     of one flow at once may lose a count, never a verdict.
 */
#ifndef NFR_STATE_H
#define NFR_STATE_H

#include "packet.h"

#define STATE_TCP_FIN 0x01
#define STATE_TCP_SYN 0x02
#define STATE_TCP_RST 0x04
#define STATE_TCP_ACK 0x10

#define STATE_ECHO_REQUEST 8
#define STATE_ECHO_REPLY 0
#define STATE_ECHO6_REQUEST 128
#define STATE_ECHO6_REPLY 129

/* What a packet is to flows. */
enum state_role {
	STATE_NO_FLOW, /* never makes or matches a state */
	STATE_FLOW,    /* does both */
	STATE_REQUEST, /* echo request: matches in the state's direction */
	STATE_REPLY    /* echo reply: matches the other one, makes none */
};

NFR_INLINE enum state_role state_echo(__u32 icmp, __u32 request, __u32 reply)
{
	if (icmp >> 8 == request)
		return STATE_REQUEST;
	return icmp >> 8 == reply ? STATE_REPLY : STATE_NO_FLOW;
}

NFR_INLINE enum state_role state_role(const struct nfr_key *key)
{
	__u32 family = key->w[NFR_F_FAMILY], proto = key->w[NFR_F_PROTO];

	if (family == NFR_FAMILY_LINK)
		return STATE_NO_FLOW;
	if (family == NFR_FAMILY_IPV4 && proto == PACKET_ICMP)
		return state_echo(key->w[NFR_F_ICMP], STATE_ECHO_REQUEST,
				  STATE_ECHO_REPLY);
	if (family == NFR_FAMILY_IPV6 && proto == PACKET_ICMP6)
		return state_echo(key->w[NFR_F_ICMP], STATE_ECHO6_REQUEST,
				  STATE_ECHO6_REPLY);
	return STATE_FLOW;
}

/* What became of inserting a state. */
enum state_insert { STATE_INSERTED, STATE_EXISTS, STATE_FULL };

/* role is not STATE_NO_FLOW. */
NFR_INLINE void state_key_of(const struct packet *packet, __u32 dir,
			     __u32 ifindex, enum state_role role,
			     struct nfr_state_key *out)
{
	const __u32 *w = packet->key.w;
	__u32 sport = w[NFR_F_SPORT], dport = w[NFR_F_DPORT];
	int is_out = dir == NFR_DIR_OUT;

	if (role != STATE_FLOW)
		sport = dport = packet->echo_id;
	out->ifindex = ifindex;
	out->proto = (__u8)w[NFR_F_PROTO];
	out->family = (__u8)w[NFR_F_FAMILY];
	out->reserved = 0;
	packet_copy_addr(out->near_addr, &w[is_out ? NFR_F_SRC0 : NFR_F_DST0]);
	packet_copy_addr(out->far_addr, &w[is_out ? NFR_F_DST0 : NFR_F_SRC0]);
	out->near_port = (__u16)(is_out ? sport : dport);
	out->far_port = (__u16)(is_out ? dport : sport);
}

NFR_INLINE void state_key(const struct packet *packet, __u32 ifindex,
			  enum state_role role, struct nfr_state_key *out)
{
	state_key_of(packet, packet->key.w[NFR_F_DIR], ifindex, role, out);
}

NFR_INLINE int state_same_key(const struct nfr_state_key *a,
			      const struct nfr_state_key *b)
{
	__u32 differ = (a->ifindex ^ b->ifindex) | (a->proto ^ b->proto) |
		       (a->family ^ b->family) |
		       (__u32)(a->near_port ^ b->near_port) |
		       (__u32)(a->far_port ^ b->far_port);

	differ |= (a->near_addr[0] ^ b->near_addr[0]) |
		  (a->far_addr[0] ^ b->far_addr[0]);
	if (b->family == NFR_FAMILY_IPV4)
		return differ == 0; /* in word 0; the others are 0 */
	for (int i = 1; i < 4; i++)
		differ |= (a->near_addr[i] ^ b->near_addr[i]) |
			  (a->far_addr[i] ^ b->far_addr[i]);
	return differ == 0;
}

/*
 * In place of the device in the alias of a flow whose answers are routed: they
 * may come to any. Not 0, which is how a floating flow is found.
 */
#define STATE_ANSWERS 0xffffffffu

/* How the host sees a flow. */
NFR_INLINE void state_alias(const struct nfr_state_key *name,
			    const struct nfr_state *state,
			    struct nfr_state_key *out)
{
	*out = *name;
	if (!(state->flags & NFR_STATE_IS_TRANSLATED))
		return;
	for (int i = 0; i < 4; i++) {
		out->near_addr[i] = state->stack.near_addr[i];
		out->far_addr[i] = state->stack.far_addr[i];
	}
	out->near_port = state->stack.near_port;
	out->far_port = state->stack.far_port;
}

/* The key of the packet that made the state, as far as rules look at it. */
NFR_INLINE void state_first_key(const struct nfr_state_key *name,
				const struct nfr_state *state, __u32 ifid,
				__u32 received, struct nfr_key *out)
{
	int is_out = state->dir == NFR_DIR_OUT;
	int has_ports = name->proto == PACKET_TCP || name->proto == PACKET_UDP;
	__u32 *w = out->w;

	__builtin_memset(out, 0, sizeof(*out));
	w[NFR_F_IFID] = ifid;
	w[NFR_F_DIR] = state->dir;
	w[NFR_F_FAMILY] = name->family;
	w[NFR_F_ETHERTYPE] = name->family == NFR_FAMILY_IPV4
				     ? PACKET_ETHERTYPE_IPV4
				     : PACKET_ETHERTYPE_IPV6;
	w[NFR_F_PROTO] = name->proto;
	w[NFR_F_ICMP] = state->icmp;
	w[NFR_F_TCPFLAGS] = state->tcpflags;
	w[NFR_F_BITS] = state->bits;
	w[NFR_F_TTL] = state->ttl;
	w[NFR_F_TOS] = state->tos;
	w[NFR_F_RECEIVED] = received;
	w[NFR_F_TAG] = state->tag;
	w[NFR_F_MARK] = state->mark;
	w[NFR_F_UID] = state->uid;
	w[NFR_F_GID] = state->gid;
	w[NFR_F_CGROUP] = state->cgroup;
	if (has_ports) {
		w[NFR_F_SPORT] = is_out ? name->near_port : name->far_port;
		w[NFR_F_DPORT] = is_out ? name->far_port : name->near_port;
	}
	for (int i = 0; i < 4; i++) {
		__u32 near = name->near_addr[i], far = name->far_addr[i];

		w[NFR_F_SRC0 + i] = is_out ? near : far;
		w[NFR_F_DST0 + i] = is_out ? far : near;
	}
}

/* Which of the timeouts counts for a flow. */
NFR_INLINE enum nfr_timeout state_timeout(__u32 proto, __u32 phase)
{
	if (proto == PACKET_TCP) {
		if (phase == NFR_STATE_OPENING)
			return NFR_TIMEOUT_TCP_FIRST;
		if (phase == NFR_STATE_HALF)
			return NFR_TIMEOUT_TCP_OPENING;
		if (phase == NFR_STATE_ESTABLISHED)
			return NFR_TIMEOUT_TCP_ESTABLISHED;
		if (phase == NFR_STATE_CLOSING)
			return NFR_TIMEOUT_TCP_CLOSING;
		return phase == NFR_STATE_FINWAIT ? NFR_TIMEOUT_TCP_FINWAIT
						  : NFR_TIMEOUT_TCP_CLOSED;
	}
	if (proto == PACKET_ICMP || proto == PACKET_ICMP6)
		return phase == NFR_STATE_OPENING ? NFR_TIMEOUT_ICMP_FIRST
						  : NFR_TIMEOUT_ICMP_ERROR;
	if (proto == PACKET_UDP) {
		if (phase == NFR_STATE_OPENING)
			return NFR_TIMEOUT_UDP_FIRST;
		return phase == NFR_STATE_HALF ? NFR_TIMEOUT_UDP_SINGLE
					       : NFR_TIMEOUT_UDP_MULTIPLE;
	}
	if (phase == NFR_STATE_OPENING)
		return NFR_TIMEOUT_OTHER_FIRST;
	return phase == NFR_STATE_HALF ? NFR_TIMEOUT_OTHER_SINGLE
				       : NFR_TIMEOUT_OTHER_MULTIPLE;
}

/* Clocks of two CPUs may differ by a tick, so the age may be negative. */
NFR_INLINE int state_is_alive(const struct nfr_state *state, __u64 now)
{
	return (__s64)(now - state->last_seen) <= (__s64)state->timeout;
}

/* Does a packet of this key and role continue the (living) flow? */
NFR_INLINE int state_continues(const struct nfr_state *state,
			       const struct nfr_key *key, enum state_role role)
{
	__u32 flags = key->w[NFR_F_TCPFLAGS];
	int is_same_dir = state->dir == key->w[NFR_F_DIR];

	if (role == STATE_REQUEST) /* of another code: another rule's */
		return is_same_dir && state->icmp == key->w[NFR_F_ICMP];
	if (role == STATE_REPLY)
		return !is_same_dir;
	/* Ports are used again: this SYN is another connection's. */
	return !(is_same_dir && state->phase >= NFR_STATE_FINWAIT &&
		 key->w[NFR_F_PROTO] == PACKET_TCP && flags & STATE_TCP_SYN &&
		 !(flags & STATE_TCP_ACK));
}

/* The phase after a packet of the flow; fins as the packet leaves them. */
NFR_INLINE __u32 state_next_phase(const struct nfr_state *state,
				  const struct nfr_key *key, __u32 *fins)
{
	__u32 dir = key->w[NFR_F_DIR], flags = key->w[NFR_F_TCPFLAGS];
	__u32 next = state->phase;
	int is_answer = dir != state->dir;

	*fins = state->fins;
	if (key->w[NFR_F_PROTO] != PACKET_TCP) {
		if (is_answer)
			return NFR_STATE_ESTABLISHED;
		return next ? next : NFR_STATE_HALF;
	}
	if (flags & STATE_TCP_RST)
		return NFR_STATE_CLOSED;
	if (flags & STATE_TCP_FIN) {
		*fins |= 1u << (dir & 1);
		next = *fins == 3 ? NFR_STATE_FINWAIT : NFR_STATE_CLOSING;
	} else if (next == NFR_STATE_OPENING && is_answer) {
		next = flags & STATE_TCP_SYN ? NFR_STATE_HALF
					     : NFR_STATE_ESTABLISHED;
	} else if (next == NFR_STATE_HALF && !is_answer &&
		   (flags & (STATE_TCP_SYN | STATE_TCP_ACK)) == STATE_TCP_ACK) {
		next = NFR_STATE_ESTABLISHED;
	}
	return next > state->phase ? next : state->phase;
}

/* A passed packet of the flow. */
NFR_INLINE void state_touch(struct nfr_state *state, __u32 dir, __u64 now,
			    __u32 len)
{
	if (state->last_seen != now)
		state->last_seen = now;
	state->packets[dir & 1]++;
	state->bytes[dir & 1] += len;
}

/* The first packet of a flow; timeout and TCP's numbers are not set. */
NFR_INLINE void state_begin(struct nfr_state *state, const struct nfr_key *key,
			    __u64 now, __u32 len)
{
	__u32 flags = key->w[NFR_F_TCPFLAGS];

	__builtin_memset(state, 0, sizeof(*state));
	state->created = now;
	state->dir = (__u8)key->w[NFR_F_DIR];
	state->icmp = (__u16)key->w[NFR_F_ICMP];
	state->tcpflags = (__u8)flags;
	state->bits = (__u8)key->w[NFR_F_BITS];
	state->ttl = (__u8)key->w[NFR_F_TTL];
	state->tos = (__u8)key->w[NFR_F_TOS];
	state->ifid = (__u16)key->w[NFR_F_IFID];
	state->tag = key->w[NFR_F_TAG];
	state->mark = key->w[NFR_F_MARK];
	state->uid = key->w[NFR_F_UID];
	state->gid = key->w[NFR_F_GID];
	state->cgroup = key->w[NFR_F_CGROUP];
	if (key->w[NFR_F_PROTO] == PACKET_TCP && flags & STATE_TCP_FIN) {
		state->fins = (__u8)(1u << (state->dir & 1));
		state->phase = NFR_STATE_CLOSING;
	}
	if (key->w[NFR_F_PROTO] == PACKET_TCP && flags & STATE_TCP_RST)
		state->phase = NFR_STATE_CLOSED;
	state_touch(state, state->dir, now, len);
}

/* Which rule of which generation stands behind a state: one 64-bit word. */
struct state_judgement {
	__u32 rule;
	__u32 generation;
};
typedef __u64 __attribute__((may_alias)) state_word;

NFR_INLINE struct state_judgement state_judgement(const struct nfr_state *state)
{
	struct state_judgement judgement;
	__u64 word = *(const volatile state_word *)&state->rule;

	__builtin_memcpy(&judgement, &word, sizeof(word));
	return judgement;
}

NFR_INLINE void state_set_judgement(struct nfr_state *state,
				    struct state_judgement judgement)
{
	__u64 word;

	_Static_assert(__builtin_offsetof(struct nfr_state, rule) % 8 == 0,
		       "rule and generation are one aligned word");
	_Static_assert(__builtin_offsetof(struct nfr_state, generation) ==
			       __builtin_offsetof(struct nfr_state, rule) + 4,
		       "rule and generation are one aligned word");
	__builtin_memcpy(&word, &judgement, sizeof(word));
	*(volatile state_word *)&state->rule = word;
}

#endif
