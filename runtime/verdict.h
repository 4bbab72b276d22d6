/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * verdict.h: a frame at an interface -> verdict, reason, rule; the whole way.
 *
 * Overview
 *   interface -> parse -> flow state, or the rules' program -> the rule's
 *   verdict -> sealed guard -> new state -> counters -> event. The environment
 *   (maps in eBPF, memory in user space) is a set of env_*() functions that
 *   are defined before this header is included; they are called from here and
 *   from vm.h, nowhere else.
 *
 * Invariants
 *   - The verdict starts as block and becomes pass in one place, at the end of
 *     verdict_reach(). Whatever returns before that blocks.
 *   - A state saves finding the rule, nothing else: options and guard look at
 *     each of its packets.
 *   - Only a passed packet makes or refreshes a state.
 *   - When the state table is full, flows that have a state go on and new ones
 *     block.
 */
#ifndef NFR_VERDICT_H
#define NFR_VERDICT_H

#include "packet.h"
#include "state.h"
#include "vm.h"

/* env_checksum(): no checksum is still to be written into the frame. */
#define VERDICT_NOWHERE 0xffffffffu

/* All of one packet; lives in a per-CPU map or on the stack. */
struct verdict {
	struct nfr_result result; /* first: tests read it from the map */
	struct packet packet;
	struct nfr_state_key name; /* of the packet's flow, if it has one */
	__u32 reserved;
	struct nfr_state fresh; /* to be inserted */
	struct nfr_key first;	/* for judging a flow again */
};

NFR_INLINE void verdict_set(struct verdict *v, __u8 reason, __u32 rule)
{
	v->result.reason = reason;
	v->result.rule = rule;
}

NFR_INLINE __u32 verdict_entry(const struct nfr_config *config, __u32 stage,
			       __u32 dir, __u32 family)
{
	__u32 index = NFR_ENTRY(stage, dir, family);

	return index < NFR_ENTRIES ? config->entry[index] : NFR_NO_ENTRY;
}

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

/*
 * Parses, and once more if the rest of the headers had to be fetched. Not a
 * loop: a compiler may lay one out so that its way back is no jump, which the
 * verifier of Linux 6.1 refuses.
 */
NFR_INLINE __u8 verdict_parse(struct env *env, struct packet_frame *frame,
			      struct verdict *v, __u32 ifid)
{
	__u8 doubt = packet_parse(frame, &v->packet, ifid);

	if (doubt == NFR_REASON_SHORT && env_pull(env, frame))
		doubt = packet_parse(frame, &v->packet, ifid);
	PACKET_FORGET();
	return doubt ? doubt : verdict_offload(env, v);
}

/* The id of a device. One with the tunnel's name that is not it is "other". */
NFR_INLINE __u32 verdict_ifid(struct env *env, const struct nfr_iface *iface,
			      __u32 ifindex)
{
	if (iface->flags & NFR_IFACE_TUNNEL && !env_tunnel(env, ifindex))
		return 0;
	return iface->ifid;
}

/* NFR_F_RECEIVED of a packet at the device of ifid that came in at ingress. */
NFR_INLINE __u32 verdict_received(struct env *env, __u32 dir, __u32 ifid,
				  __u32 ingress)
{
	const struct nfr_iface *iface;
	__u32 received = ifid;

	if (dir == NFR_DIR_OUT) {
		if (!ingress)
			return 0;
		iface = env_iface(env, ingress);
		received = iface ? verdict_ifid(env, iface, ingress) : 0;
	}
	return received ? received : NFR_RECEIVED_OTHER;
}

/*
 * The policy, or what the device is, has changed since the flow was judged:
 * would its first packet still be passed, and with a state? Then *number is the
 * rule that does.
 */
NFR_INLINE int verdict_judge_again(struct env *env,
				   const struct nfr_config *config,
				   struct verdict *v, struct nfr_state *state,
				   __u32 ifid, __u32 *number)
{
	struct state_judgement judgement = {.generation = config->generation};
	const struct nfr_rule *rule;

	state_first_key(
		&v->name, state, ifid,
		verdict_received(env, state->dir, ifid, state->received),
		&v->first);
	judgement.rule = vm_run(env, &v->first,
				verdict_entry(config, NFR_STAGE_RULES,
					      state->dir & 1, v->name.family));
	rule = env_rule(env, judgement.rule);
	if (!rule || rule->verdict != NFR_PASS ||
	    !(rule->flags & NFR_RULE_STATE))
		return 0;
	state->ifid = (__u16)ifid;
	state_set_judgement(state, judgement);
	*number = judgement.rule;
	return 1;
}

/*
 * The living state that the packet continues, and in *rule the number that
 * stands behind it; or NULL. The judgement is read once: the program of
 * another generation may write it at any time while policies are switched.
 */
NFR_INLINE struct nfr_state *verdict_state(struct env *env,
					   const struct nfr_config *config,
					   struct verdict *v, __u32 ifindex,
					   enum state_role role, __u32 *rule)
{
	const struct nfr_key *key = &v->packet.key;
	struct state_judgement judgement;
	struct nfr_state *state;

	if (role == STATE_NO_FLOW)
		return 0;
	state_key(&v->packet, ifindex, role, &v->name);
	state = env_state_find(env, &v->name);
	if (!state ||
	    !state_is_alive(&v->name, state, env_now(env), config->hz) ||
	    !state_continues(state, key, role))
		return 0;
	judgement = state_judgement(state);
	*rule = judgement.rule;
	if (judgement.generation == config->generation &&
	    state->ifid == key->w[NFR_F_IFID])
		return state;
	if (verdict_judge_again(env, config, v, state, key->w[NFR_F_IFID],
				rule))
		return state;
	/* What a newer policy passes is not ours to end. */
	if ((__s32)(config->generation - judgement.generation) > 0)
		env_state_delete(env, &v->name);
	return 0;
}

/* Nonzero when the guard, or a doubt about it, forbids the packet. */
NFR_INLINE int verdict_guard(struct env *env, const struct nfr_config *config,
			     struct verdict *v)
{
	const struct nfr_key *key = &v->packet.key;
	const struct nfr_rule *rule;
	__u32 entry, number;

	if (!config->has_guard)
		return 0;
	entry = verdict_entry(config, NFR_STAGE_GUARD, key->w[NFR_F_DIR],
			      key->w[NFR_F_FAMILY]);
	if (entry == NFR_NO_ENTRY)
		return 0;
	number = vm_run(env, key, entry);
	rule = env_rule(env, number);
	if (rule && rule->verdict == NFR_PASS)
		return 0;
	if (rule)
		verdict_set(v, NFR_REASON_GUARD, number);
	else
		verdict_set(v, NFR_REASON_VM, NFR_NO_RULE);
	return 1;
}

/* Nonzero when there is no room. */
NFR_INLINE int verdict_begin_state(struct env *env,
				   const struct nfr_config *config,
				   const struct packet_frame *frame,
				   struct verdict *v)
{
	struct state_judgement judgement = {.rule = v->result.rule,
					    .generation = config->generation};
	__u64 now = env_now(env);

	state_begin(&v->fresh, &v->packet.key, frame->ingress, now, frame->len);
	state_set_judgement(&v->fresh, judgement);
	if (env_state_insert(env, &v->name, &v->fresh) == 0)
		return 0;
	env_state_sweep(env, now, config->hz);
	return env_state_insert(env, &v->name, &v->fresh);
}

/* Does the rule itself pass the packet? Sets reason and rule. */
NFR_INLINE int verdict_rule(struct verdict *v, const struct nfr_rule *rule,
			    __u32 number, int is_state)
{
	const __u32 *w = v->packet.key.w;
	int is_default = rule->flags & NFR_RULE_DEFAULT;
	__u8 reason = is_default ? NFR_REASON_DEFAULT : NFR_REASON_RULE;

	verdict_set(v, is_state ? NFR_REASON_STATE : reason, number);
	if (w[NFR_F_FAMILY] == NFR_FAMILY_LINK && is_default) {
		v->result.reason = NFR_REASON_ETHERTYPE;
		return 0;
	}
	if (rule->verdict != NFR_PASS) {
		v->result.reason = reason;
		return 0;
	}
	if (w[NFR_F_BITS] & NFR_BIT_OPTIONS &&
	    !(rule->flags & NFR_RULE_ALLOW_OPTS)) {
		v->result.reason = NFR_REASON_IP_OPTIONS;
		return 0;
	}
	return 1;
}

/* For a packet without doubt: the only way to pass. */
NFR_INLINE void verdict_reach(struct env *env, const struct nfr_config *config,
			      const struct packet_frame *frame,
			      struct verdict *v)
{
	const struct nfr_key *key = &v->packet.key;
	enum state_role role = state_role(key);
	const struct nfr_rule *rule;
	struct nfr_state *state;
	__u32 number = NFR_NO_RULE;

	state = verdict_state(env, config, v, frame->ifindex, role, &number);
	if (!state)
		number = vm_run(env, key,
				verdict_entry(config, NFR_STAGE_RULES,
					      key->w[NFR_F_DIR],
					      key->w[NFR_F_FAMILY]));
	rule = env_rule(env, number);
	if (!rule) {
		v->result.reason = NFR_REASON_VM;
		return;
	}
	if (!verdict_rule(v, rule, number, state != 0) ||
	    verdict_guard(env, config, v))
		return;
	if (state) {
		state_touch(state, key, env_now(env), frame->len);
		v->result.from_state = 1;
	} else if (rule->flags & NFR_RULE_STATE &&
		   (role == STATE_FLOW || role == STATE_REQUEST) &&
		   verdict_begin_state(env, config, frame, v)) {
		v->result.reason = NFR_REASON_STATE_FULL;
		return;
	}
	v->result.verdict = NFR_PASS;
}

/* Up to the verdict, without counters and events. */
NFR_INLINE void verdict_decide(struct env *env, struct packet_frame *frame,
			       struct verdict *v)
{
	const struct nfr_config *config = env_config(env);
	const struct nfr_iface *iface;
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
	ifid = verdict_ifid(env, iface, frame->ifindex);
	frame->link = iface->link;
	frame->received =
		(__u16)verdict_received(env, frame->dir, ifid, frame->ingress);
	v->result.reason = verdict_parse(env, frame, v, ifid);
	if (v->result.reason != NFR_REASON_NONE)
		return;
	if (v->packet.key.w[NFR_F_BITS] & NFR_BIT_LATER) {
		v->result.reason = NFR_REASON_FRAGMENT;
		return;
	}
	verdict_reach(env, config, frame, v);
}

/* All of an event but its time. */
NFR_INLINE void verdict_describe(const struct nfr_config *config,
				 const struct packet_frame *frame,
				 const struct verdict *v,
				 struct nfr_event *event)
{
	const __u32 *w = v->packet.key.w;

	event->ifindex = frame->ifindex;
	event->generation = config ? config->generation : 0;
	event->rule = v->result.rule;
	event->length = frame->len - v->packet.network;
	event->verdict = v->result.verdict;
	event->reason = v->result.reason;
	event->dir = frame->dir;
	event->family = (__u8)w[NFR_F_FAMILY];
	event->proto = (__u8)w[NFR_F_PROTO];
	event->tcpflags = (__u8)w[NFR_F_TCPFLAGS];
	event->icmp = (__u16)w[NFR_F_ICMP];
	event->sport = (__u16)w[NFR_F_SPORT];
	event->dport = (__u16)w[NFR_F_DPORT];
	event->ethertype = (__u16)w[NFR_F_ETHERTYPE];
	event->bits = (__u16)w[NFR_F_BITS];
	for (int i = 0; i < 4; i++) {
		event->src[i] = w[NFR_F_SRC0 + i];
		event->dst[i] = w[NFR_F_DST0 + i];
	}
	event->reserved = 0;
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

NFR_INLINE void verdict_account(struct env *env,
				const struct packet_frame *frame,
				const struct verdict *v)
{
	int is_logged = 0;

	env_count_reason(env, frame->dir, v->result.reason, frame->len);
	if (v->result.rule != NFR_NO_RULE) {
		const struct nfr_rule *rule = env_rule(env, v->result.rule);

		env_count_rule(env, v->result.rule, frame->len);
		/* Of a flow, the packet that made its state: pf.conf(5). */
		is_logged = rule && rule->flags & NFR_RULE_LOG &&
			    !v->result.from_state;
	}
	if (is_logged ||
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
	verdict_decide(env, frame, v);
	verdict_account(env, frame, v);
	return v->result.verdict;
}

#endif
