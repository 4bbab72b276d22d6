/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * verdict.h: a frame at an interface -> verdict, reason, rule; the whole way.
 *
 * Overview
 *   interface -> parse -> flow state, or the slow path (slow.h: rules, new
 *   state) -> sealed guard -> rewriting -> counters -> event. The environment
 *   (maps in eBPF, memory in user space) is a set of env_*() functions that
 *   are defined before this header is included; they are called by
 *   the headers included here, nowhere else.
 *
 * Invariants
 *   - The verdict starts as block and becomes pass in one place, in
 *     verdict_decide(). Whatever fails before that blocks.
 *   - A state saves finding the rule, nothing else: options and guard look at
 *     each of its packets.
 *   - Only a passed packet makes a state; one that the flow passes, and that
 *     then can not be sent where it should, refreshes it.
 *   - When the state table is full, flows that have a state go on and new ones
 *     block.
 */
#ifndef NFR_VERDICT_H
#define NFR_VERDICT_H

#include "again.h"
#include "apply.h"
#include "scratch.h"
#include "describe.h"
#include "guard.h"
#include "icmp.h"
#include "look.h"
#include "state.h"

/* env_checksum(): no checksum is still to be written into the frame. */
#define VERDICT_NOWHERE 0xffffffffu

/*
 * What the kernel does to the frame after us must not change what was judged:
 * the checksum it writes, nor the headers by which it cuts a large packet.
 */
NFR_INLINE __u8 verdict_offload(struct env *env, const struct verdict *v)
{
	__u32 off = env_checksum(env), ethertype = env_segments(env);

	if (off != VERDICT_NOWHERE && !packet_may_change(&v->packet, off))
		return NFR_REASON_OFFLOAD;
	if (ethertype && ethertype != v->packet.outer)
		return NFR_REASON_OFFLOAD;
	return NFR_REASON_NONE;
}

NFR_INLINE __u8 verdict_parse(struct env *env, struct packet_frame *frame,
			      struct verdict *v, __u32 ifid)
{
	__u8 doubt = env_parse(env, frame, v, ifid);

	PACKET_FORGET();
	v->packet.key.w[NFR_F_MARK] = env_mark(env);
	return doubt ? doubt : verdict_offload(env, v);
}

/*
 * Of whom the packet is: the guard asks, where its consent is not kept, and
 * rules where a flow begins or is judged again.
 */
NFR_INLINE void verdict_whose(struct env *env, struct verdict *v)
{
	__u32 whose = v->whose;

	v->whose = 0;
	if (whose & SCRATCH_WHOSE_OWNER)
		env_owner(env, v);
	if (whose & SCRATCH_WHOSE_ORIGIN)
		env_origin(env, v);
}

NFR_INLINE void verdict_owner_rules(struct env *env,
				    const struct nfr_config *config,
				    struct verdict *v)
{
	__u32 asked = NFR_CONFIG_OWNERS | NFR_CONFIG_GUARD_OWNERS;

	if ((config->flags & asked) == NFR_CONFIG_OWNERS)
		env_owner(env, v);
}

/* ---- what only a guard asks -------------------------------------------- */

#define VERDICT_ARP 0x0806
#define VERDICT_ARP_LEN 28
#define VERDICT_ARP_PAD 46 /* what an Ethernet frame has at least */
#define VERDICT_COOKIE 236 /* where BOOTP's ends (RFC 1497, RFC 2131 3) */

/*
 * Whose address an ARP packet gives, and which it asks for, in the key: the
 * usual kind, Ethernet and IPv4 (RFC 826). Others give and ask for 0.0.0.0, and
 * so do those that carry more than that.
 */
NFR_INLINE void verdict_arp(struct env *env, const struct packet_frame *frame,
			    struct verdict *v)
{
	__u32 *w = v->packet.key.w, at = v->packet.network;

	if (frame->len - at > VERDICT_ARP_PAD && w[NFR_F_DIR] == NFR_DIR_OUT)
		return;
	if (env_load(env, frame, at, v->options, VERDICT_ARP_LEN) ||
	    packet_be32(v->options) != 0x00010800 ||
	    packet_be16(v->options + 4) != 0x0604)
		return;
	w[NFR_F_SRC0] = packet_be32(v->options + 14);
	w[NFR_F_DST0] = packet_be32(v->options + 24);
}

/* Out from port 68 to 67, and not a client's message of BOOTP? */
NFR_INLINE int verdict_is_no_bootp(struct env *env,
				   const struct packet_frame *frame,
				   struct verdict *v)
{
	const __u32 *w = v->packet.key.w;
	__u32 at = v->packet.transport + 8;

	if (w[NFR_F_PROTO] != PACKET_UDP || w[NFR_F_SPORT] != 68 ||
	    w[NFR_F_DPORT] != 67 || w[NFR_F_FAMILY] != NFR_FAMILY_IPV4)
		return 0;
	return w[NFR_F_BITS] & NFR_BIT_FRAGMENT ||
	       env_load(env, frame, at, v->options, 4) ||
	       env_load(env, frame, at + VERDICT_COOKIE, v->options + 4, 4) ||
	       v->options[0] != 1 || packet_be32(v->options + 4) != 0x63825363;
}

/* What the packet says of itself, and that it has an origin; or a doubt. */
NFR_INLINE __u8 verdict_origin(struct env *env,
			       const struct packet_frame *frame,
			       struct verdict *v)
{
	const __u32 *w = v->packet.key.w;
	int is_arp = w[NFR_F_FAMILY] == NFR_FAMILY_LINK &&
		     w[NFR_F_ETHERTYPE] == VERDICT_ARP;

	if (is_arp)
		verdict_arp(env, frame, v);
	if (w[NFR_F_DIR] != NFR_DIR_OUT ||
	    (w[NFR_F_FAMILY] == NFR_FAMILY_LINK && !is_arp))
		return NFR_REASON_NONE;
	v->whose |= SCRATCH_WHOSE_ORIGIN;
	return verdict_is_no_bootp(env, frame, v) ? NFR_REASON_BOOTP
						  : NFR_REASON_NONE;
}

/* ---- the state of a packet --------------------------------------------- */

/* The living state of this name that the packet continues, or NULL. */
NFR_INLINE struct nfr_state *verdict_look(struct env *env,
					  const struct verdict *v,
					  const struct nfr_state_key *name)
{
	struct nfr_state *state = env_state_near(env, name);

	if (!state || !state_is_alive(state, env_now(env)) ||
	    !state_continues(state, &v->packet.key, v->role))
		return 0;
	return state;
}

/*
 * By the wire's name: what a translated flow sends has another one here, unless
 * it was here before, and got it then.
 */
NFR_INLINE struct nfr_state *
verdict_look_wire(struct env *env, const struct verdict *v, __u32 dir)
{
	struct nfr_state *state = verdict_look(env, v, &v->name);

	if (state && dir == NFR_DIR_OUT &&
	    state->flags & NFR_STATE_IS_TRANSLATED && !env_was_here(env))
		return 0;
	return state;
}

/* By the host's name; v->name is then the wire's. */
NFR_INLINE struct nfr_state *verdict_look_stack(struct env *env,
						struct verdict *v)
{
	const struct nfr_state_key *name = env_alias_find(env, &v->name);
	struct nfr_state *state = name ? verdict_look(env, v, name) : 0;

	if (!state || !(state->flags & NFR_STATE_IS_TRANSLATED))
		return 0;
	state_alias(name, state, &v->alias);
	if (!state_same_key(&v->alias, &v->name))
		return 0;
	v->name = *name;
	return state;
}

/*
 * reply-to: a flow of another device, whose answer was routed to this one. Not
 * by us: then it is here as any packet.
 */
NFR_INLINE struct nfr_state *verdict_look_answer(struct env *env,
						 struct verdict *v)
{
	const struct nfr_state_key *name;
	struct nfr_state *state;

	if (env_hops(env))
		return 0;
	v->name.ifindex = STATE_ANSWERS;
	name = env_alias_find(env, &v->name);
	state = name ? verdict_look(env, v, name) : 0;
	if (!state || !(state->flags & NFR_STATE_HAS_HOP))
		return 0;
	v->name = *name;
	return state;
}

/*
 * By the names that only some states have: aliases and floating ones. kinds:
 * NFR_CONFIG_*, of the policy in force and of states that an older one left.
 */
NFR_INLINE struct nfr_state *verdict_look_far(struct env *env, __u32 kinds,
					      struct verdict *v)
{
	__u32 dir = v->packet.key.w[NFR_F_DIR];
	int is_out = dir == NFR_DIR_OUT;
	int is_stack = is_out && kinds & NFR_CONFIG_TRANSLATES;
	struct nfr_state *state = 0;

	if (is_stack)
		state = verdict_look_stack(env, v);
	if (state)
		return state;
	v->name.ifindex = 0;
	if (kinds & NFR_CONFIG_FLOATS) {
		state = verdict_look_wire(env, v, dir);
		if (!state && is_stack)
			state = verdict_look_stack(env, v);
	}
	if (!state && is_out && kinds & NFR_CONFIG_ROUTES)
		state = verdict_look_answer(env, v);
	if (!state)
		v->name.ifindex = v->ifindex;
	return state;
}

/*
 * The state that the packet continues, judged by the policy in force; then
 * v->name is its name. Or NULL, and v->name is the packet's own. Where the
 * first that is found ends, another one may have stood in its shadow.
 */
NFR_INLINE struct nfr_state *verdict_state(struct env *env,
					   const struct nfr_config *config,
					   struct verdict *v, __u32 dir,
					   struct state_judgement *judgement)
{
	struct nfr_state *state;
	__u32 kinds;

	if (v->role == STATE_NO_FLOW)
		return 0;
	state_key_of(&v->packet, dir, v->ifindex, v->role, &v->name);
	state = verdict_look_wire(env, v, dir);
	if (!state) {
		kinds = env_kinds(env) | config->flags;
		if (kinds & (NFR_CONFIG_TRANSLATES | NFR_CONFIG_FLOATS |
			     NFR_CONFIG_ROUTES))
			state = verdict_look_far(env, kinds, v);
	}
	if (!state)
		return 0;
	*judgement = state_judgement(state);
	if (slow_is_current(env, config, v, state, *judgement))
		return state;
	verdict_whose(env, v);
	verdict_owner_rules(env, config, v);
	if (!env_slow_again(env, v) &&
	    !(env_look_behind(env, v) && env_slow_again(env, v))) {
		state_key(&v->packet, v->ifindex, v->role, &v->name);
		return 0;
	}
	judgement->rule = v->result.rule;
	return env_state_find(env, &v->name);
}

/* By slow.h; a handshake that is done may be a connection too many. */
NFR_INLINE enum tcp_answer verdict_proceed(struct env *env, struct verdict *v,
					   struct nfr_state *state)
{
	enum tcp_answer answer = env_slow_advance(env, v, state);

	if (answer == TCP_PASS && limit_may_connect(&v->name, state) &&
	    env_slow_connect(env, v))
		return TCP_BLOCK;
	return answer;
}

/*
 * Is the packet the flow's, by TCP's numbers, and what does it change? What is
 * like the packets before it is answered here, the rest by slow.h.
 */
NFR_INLINE enum tcp_answer verdict_advance(struct env *env, struct verdict *v,
					   __u32 dir, struct nfr_state *state)
{
	const __u32 *w = v->packet.key.w;
	__u32 fins;

	/* A piece of a datagram, judged with its first. */
	if (w[NFR_F_BITS] & NFR_BIT_LATER)
		return TCP_PASS;
	if (w[NFR_F_PROTO] == PACKET_TCP &&
	    !(state->flags & NFR_STATE_IS_SLOPPY)) {
		struct tcp_segment seg = scratch_segment(v);

		if (!tcp_is_plain(state, seg.flags))
			return verdict_proceed(env, v, state);
		if (tcp_plain(state, dir, &seg))
			return TCP_PASS;
		v->result.reason = NFR_REASON_TCP_WINDOW;
		return TCP_BLOCK;
	}
	if (state_next_phase(state, &v->packet.key, &fins) == state->phase)
		return TCP_PASS;
	return verdict_proceed(env, v, state);
}

/*
 * Nonzero when the guard objects to a packet of the flow, in the key that
 * which says.
 */
NFR_INLINE int verdict_guard(struct env *env, const struct nfr_config *config,
			     struct verdict *v, __u32 dir,
			     struct nfr_state *state, __u32 which)
{
	const __u32 *w = v->packet.key.w;
	__u32 flow = env_flow(env, &v->name);

	if (env_slow_guard(env, v, which))
		return 1;
	/* Of a later fragment ports are not known. */
	if (!(w[NFR_F_BITS] & NFR_BIT_LATER))
		guard_keep(config, state, dir, flow, w, v->guard.asked);
	return 0;
}

/* Has the guard consented to such a packet of the flow before? */
NFR_INLINE int verdict_is_kept(struct env *env, const struct nfr_config *config,
			       struct verdict *v, __u32 dir,
			       const struct nfr_state *state)
{
	const __u32 *w = v->packet.key.w;
	__u32 flow = env_flow(env, &v->name);

	if (w[NFR_F_BITS] & NFR_BIT_LATER)
		return 0;
	if (guard_is_kept(config, state, dir, flow, w[NFR_F_IFID],
			  GUARD_ANYBODY))
		return 1;
	verdict_whose(env, v);
	return guard_is_kept(config, state, dir, flow, w[NFR_F_IFID],
			     w[NFR_F_ORIGIN]);
}

/* Nonzero when the packet must not be on the wire as it is, or will be. */
NFR_INLINE int verdict_wire(struct env *env, const struct nfr_config *config,
			    struct verdict *v, __u32 dir,
			    struct nfr_state *state)
{
	__u32 which = SCRATCH_PACKET;
	int is_asked;

	is_asked = config->has_guard &&
		   !verdict_is_kept(env, config, v, dir, state);
	if (state->flags & NFR_STATE_IS_TRANSLATED && dir == NFR_DIR_OUT) {
		translate_wire(v, &v->name);
		which = SCRATCH_OTHER;
	}
	if (decide_stays(v, which))
		return 1;
	return is_asked && verdict_guard(env, config, v, dir, state, which);
}

/* An answer that was routed here, and belongs to another device. */
NFR_INLINE int verdict_elsewhere(struct env *env, struct verdict *v,
				 const struct nfr_state *state, __u32 rule)
{
	const struct nfr_hop *hop = &state->hop[NFR_DIR_OUT];

	verdict_set(v, NFR_REASON_STATE, rule);
	if (!(state->flags & NFR_STATE_HAS_HOP) || !hop->ifindex ||
	    hop->ifindex == v->ifindex) {
		v->result.reason = NFR_REASON_ROUTE;
		return 0;
	}
	if (apply_hop(env, v, hop))
		return 0;
	v->result.from_state = 1;
	v->is_reply = state->dir != NFR_DIR_OUT;
	return 1;
}

/* A packet of a flow: nonzero passes it. */
NFR_INLINE int verdict_continue(struct env *env,
				const struct nfr_config *config,
				struct verdict *v, __u32 dir,
				struct nfr_state *state, __u32 number)
{
	const struct nfr_rule *rule = env_rule(env, number);
	enum tcp_answer answer;

	if (!rule) {
		v->result.reason = NFR_REASON_VM;
		return 0;
	}
	if (!slow_rule(v, rule, number, 1))
		return 0;
	if (verdict_wire(env, config, v, dir, state))
		return 0;
	answer = verdict_advance(env, v, dir, state);
	if (answer == TCP_BLOCK)
		return 0;
	if (answer == TCP_PASS)
		state_touch(state, dir, env_now(env), v->len);
	v->result.from_state = 1;
	v->is_reply = state->dir != dir;
	v->is_plain = !(rule->flags & NFR_RULE_COUNTS);
	return 1;
}

/* ---- call places -------------------------------------------------------- */

/* A packet that may be an ICMP error: which way it goes; its quote is read. */
NFR_INLINE enum icmp_way verdict_icmp_error(struct env *env,
					    struct packet_frame *frame,
					    struct verdict *v)
{
	if (!icmp_is_error(&v->packet.key))
		return ICMP_NO_FLOW;
	return env_quote(env, frame, v) ? ICMP_UNREAD : env_slow_error(env, v);
}

/* ---- what the slow path will ask --------------------------------------- */

/* The options of a SYN, for tcp_wscale(). */
NFR_INLINE void verdict_options(struct env *env,
				const struct packet_frame *frame,
				struct verdict *v)
{
	/* One less, so that the verifier of Linux 6.1 sees it is not 0. */
	__u32 last = v->packet.segment.header_len - 21;

	v->options_len = 0;
	PACKET_OPAQUE(last);
	if (last >= TCP_OPTIONS_MAX)
		return;
	PACKET_OPAQUE(last);
	if (env_load(env, frame, v->packet.transport + 20, v->options,
		     last + 1) == 0)
		v->options_len = last + 1;
}

/* ---- one packet --------------------------------------------------------- */

/* What a passed packet's state does to it. Nonzero when that failed. */
NFR_INLINE int verdict_apply(struct env *env, struct packet_frame *frame,
			     struct verdict *v, const struct nfr_state *state,
			     enum apply_kind kind)
{
	if (!(state->flags & (NFR_STATE_IS_TRANSLATED | NFR_STATE_HAS_HOP |
			      NFR_STATE_HAS_COPY)))
		return 0;
	return env_apply(env, frame, v, kind);
}

/* A packet of no flow: nonzero passes it. */
NFR_INLINE int verdict_begin(struct env *env, const struct nfr_config *config,
			     struct packet_frame *frame, struct verdict *v)
{
	enum icmp_way way = ICMP_NO_FLOW;
	struct nfr_state *state;
	int passes;

	verdict_whose(env, v);
	if (v->role == STATE_NO_FLOW)
		way = verdict_icmp_error(env, frame, v);
	if (way == ICMP_BLOCKS)
		return 0;
	if (way == ICMP_PASSES) {
		state = env_state_find(env, &v->name);
		return state &&
		       !verdict_apply(env, frame, v, state, APPLY_ERROR);
	}
	verdict_owner_rules(env, config, v);
	v->native = config->flags & (NFR_CONFIG_NATIVE | NFR_CONFIG_STEADY)
			    ? env_native(env, config, v)
			    : NATIVE_NONE;
	passes = env_slow_new(env, v);
	if (way == ICMP_UNREAD && v->result.reason == NFR_REASON_DEFAULT) {
		v->result.reason = NFR_REASON_ICMP_INNER;
		return 0;
	}
	if (!passes || !v->is_new ||
	    !verdict_apply(env, frame, v, &v->fresh, APPLY_FRESH))
		return passes;
	if (v->is_new == SCRATCH_NEW)
		env_slow_ask(env, v, SLOW_FORGET);
	return 0;
}

/* For a packet without doubt: nonzero passes it, and nothing else does. */
NFR_INLINE int verdict_reach(struct env *env, const struct nfr_config *config,
			     struct packet_frame *frame, struct verdict *v)
{
	struct state_judgement judgement = {.rule = v->result.rule};
	struct nfr_state *state;

	if (v->packet.key.w[NFR_F_BITS] & NFR_BIT_LATER) {
		v->role = STATE_FLOW;
		state = env_state_find(env, &v->name);
		if (!state) {
			verdict_set(v, NFR_REASON_FRAGMENT, NFR_NO_RULE);
			return 0;
		}
	} else {
		v->role = state_role(&v->packet.key);
		if (v->packet.key.w[NFR_F_TCPFLAGS] & TCP_SYN &&
		    v->packet.key.w[NFR_F_PROTO] == PACKET_TCP)
			verdict_options(env, frame, v);
		state = verdict_state(env, config, v, frame->dir, &judgement);
	}
	if (!state)
		return verdict_begin(env, config, frame, v);
	if (v->name.ifindex && v->name.ifindex != v->ifindex)
		return verdict_elsewhere(env, v, state, judgement.rule);
	return verdict_continue(env, config, v, frame->dir, state,
				judgement.rule) &&
	       !verdict_apply(env, frame, v, state, APPLY_STATE);
}

/* Up to the verdict, without counters and events. */
NFR_INLINE void verdict_decide(struct env *env, struct packet_frame *frame,
			       struct verdict *v)
{
	const struct nfr_config *config = env_config(env);
	const struct nfr_iface *iface;
	enum fragment_way way = FRAGMENT_NONE;
	__u32 ifid;

	if (!config || config->abi_version != NFR_ABI_VERSION) {
		packet_clear(&v->packet); /* no parser did; an event reads it */
		v->result.reason = NFR_REASON_VERSION;
		return;
	}
	iface = env_iface(env, frame->ifindex);
	if (!iface) {
		packet_clear(&v->packet);
		v->result.reason = NFR_REASON_INTERFACE;
		return;
	}
	ifid = decide_ifid(env, iface, frame->ifindex);
	frame->link = iface->link;
	frame->received =
		(__u16)decide_received(env, frame->dir, ifid, frame->ingress);
	v->result.reason = verdict_parse(env, frame, v, ifid);
	if (v->result.reason != NFR_REASON_NONE)
		return;
	v->is_loopback = iface->flags & NFR_IFACE_LOOPBACK;
	if (!v->is_loopback && decide_is_local(&v->packet.key) &&
	    (frame->dir == NFR_DIR_IN ||
	     !(config->flags & NFR_CONFIG_TRANSLATES))) {
		v->result.reason = NFR_REASON_ADDRESS;
		return;
	}
	v->ifindex = frame->ifindex;
	v->ingress = frame->ingress;
	v->len = frame->len;
	v->whose = config->flags & NFR_CONFIG_GUARD_OWNERS ? SCRATCH_WHOSE_OWNER
							   : 0;
	if (config->flags & NFR_CONFIG_ORIGIN && !v->is_loopback &&
	    !(iface->flags & NFR_IFACE_TUNNEL)) {
		v->result.reason = verdict_origin(env, frame, v);
		if (v->result.reason != NFR_REASON_NONE)
			return;
	}
	if (fragment_is_piece(&v->packet)) {
		verdict_whose(env, v);
		way = env_slow_piece(env, v);
	}
	if (way == FRAGMENT_PASSES ||
	    (way != FRAGMENT_BLOCKS && verdict_reach(env, config, frame, v)))
		v->result.verdict = NFR_PASS;
	if (way == FRAGMENT_FIRST)
		env_slow_first(env, v);
}

/* All of an event but its time. */
NFR_INLINE void verdict_describe(const struct nfr_config *config,
				 const struct packet_frame *frame,
				 const struct verdict *v,
				 struct nfr_event *event)
{
	event->ifindex = frame->ifindex;
	event->generation = config ? config->generation : 0;
	event->rule = v->result.rule;
	event->length = frame->len - v->packet.network;
	event->verdict = v->result.verdict;
	event->reason = v->result.reason;
	event->dir = frame->dir;
	describe_packet(&v->packet, event);
}

NFR_INLINE void verdict_event(struct env *env, const struct packet_frame *frame,
			      const struct verdict *v)
{
	struct nfr_event *event = env_event_new(env);

	if (!event)
		return;
	verdict_describe(env_config(env), frame, v, event);
	env_event_send(env, event);
}

/* What the entry counts that an address of the packet is in. */
NFR_INLINE void verdict_count_table(struct env *env, const struct nfr_key *key,
				    __u32 table, int is_dst, __u32 cell,
				    __u32 len)
{
	const __u32 *addr = is_dst ? &key->w[NFR_F_DST0] : &key->w[NFR_F_SRC0];

	env_count_entry(env, table, key->w[NFR_F_FAMILY], addr, cell, len);
}

/* Of a reply the rule's source is the destination. */
NFR_INLINE void verdict_count_tables(struct env *env, const struct verdict *v,
				     __u32 dir, __u32 len)
{
	const struct nfr_rule_tables *tables =
		env_rule_tables(env, v->result.rule);
	int is_reply = v->result.from_state && v->is_reply;
	__u32 cell = NFR_TABLE_COUNT(0, dir, v->result.verdict);

	if (tables && tables->src)
		verdict_count_table(env, &v->packet.key, tables->src - 1,
				    is_reply, cell, len);
	if (tables && tables->dst)
		verdict_count_table(env, &v->packet.key, tables->dst - 1,
				    !is_reply, cell, len);
}

NFR_INLINE void verdict_account(struct env *env,
				const struct packet_frame *frame,
				const struct verdict *v)
{
	int is_logged = 0;

	env_count_reason(env, frame->dir, v->result.reason, frame->len);
	if (v->result.rule != NFR_NO_RULE)
		env_count_rule(env, v->result.rule, frame->len);
	if (v->is_plain && v->result.verdict == NFR_PASS)
		return;
	if (v->result.rule != NFR_NO_RULE) {
		const struct nfr_rule *rule = env_rule(env, v->result.rule);

		if (rule && rule->flags & NFR_RULE_COUNTS)
			env_slow_tables(env, v, frame->dir, frame->len);
		/* Of a flow, the packet that made its state: pf.conf(5). */
		is_logged = rule && rule->flags & NFR_RULE_LOG &&
			    !v->result.from_state;
	}
	if (is_logged || v->result.action & NFR_RESULT_LOGGED ||
	    (v->result.verdict != NFR_PASS && env_trace_block(env)))
		verdict_event(env, frame, v);
}

/* The verdict on one frame; v->result and v->packet.key hold the rest. */
NFR_INLINE __u8 verdict_judge(struct env *env, struct packet_frame *frame,
			      struct verdict *v)
{
	v->result = (struct nfr_result){.verdict = NFR_BLOCK,
					.reason = NFR_REASON_NONE,
					.rule = NFR_NO_RULE};
	v->is_plain = 0;
	verdict_decide(env, frame, v);
	verdict_account(env, frame, v);
	return v->result.verdict;
}

#endif
