/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * slow.h: a packet without a state -> verdict and state.
 *
 * Overview
 *   The first packet of a flow goes through the rules (decide.h); the one that
 *   decides says what is translated, counted and kept. In the kernel this is a
 *   subprogram beside the hooks' programs, so that the verifier looks at it
 *   once; it finds the packet in the scratch map (scratch.h). In user space the
 *   environment calls straight in.
 *
 * Invariants
 *   - A packet that is blocked leaves no state behind.
 *   - A name is reserved by inserting it: two flows never share one.
 *   - state_forget() (forget.h) is the only way that a state ends.
 *
 * The environment's calls back into this file are env_slow_new(),
 * env_slow_advance(), env_slow_connected(), env_slow_connect(), env_slow_ask()
 * and env_slow_count().
 */
#ifndef NFR_SLOW_H
#define NFR_SLOW_H

#include "decide.h"
#include "forget.h"
#include "limit.h"
#include "scratch.h"
#include "state.h"
#include "translate.h"
#include "vm.h"

/* ---- the life of a state ----------------------------------------------- */

/* Room for one more? Sweeps, when there seems to be none. */
NFR_INLINE int slow_has_room(struct env *env, const struct nfr_config *config)
{
	if (!config->state_limit ||
	    env_states(env) < (__s32)config->state_limit)
		return 1;
	env_state_sweep(env, env_now(env), config->hz);
	return env_states(env) < (__s32)config->state_limit;
}

NFR_INLINE enum state_insert slow_insert(struct env *env,
					 const struct nfr_config *config,
					 const struct verdict *v)
{
	enum state_insert ret = env_state_insert(env, &v->name, &v->fresh);

	if (ret == STATE_FULL) {
		env_state_sweep(env, env_now(env), config->hz);
		ret = env_state_insert(env, &v->name, &v->fresh);
	}
	if (ret == STATE_INSERTED)
		env_states_add(env, 1);
	return ret;
}

/*
 * Does the state of v->name make room for v->fresh? A dead one does, and one
 * that the packet would be of, had it not come to its end. A name that was
 * chosen is another flow's, whatever the packet is.
 */
NFR_INLINE int slow_gives_way(struct env *env, const struct verdict *v,
			      const struct nfr_state *old)
{
	int is_own = v->packet.key.w[NFR_F_DIR] == NFR_DIR_IN ||
		     !((old->flags | v->fresh.flags) & NFR_STATE_IS_TRANSLATED);

	return !state_is_alive(old, env_now(env)) ||
	       (is_own && !state_continues(old, &v->packet.key, v->role));
}

/*
 * Inserts v->fresh as v->name. STATE_EXISTS: a living flow has the name, and
 * the caller may try another one. Who takes the place of another needs no room.
 */
NFR_INLINE enum state_insert slow_reserve(struct env *env,
					  const struct nfr_config *config,
					  struct verdict *v)
{
	int has_room = slow_has_room(env, config);
	enum state_insert ret = STATE_EXISTS;
	struct nfr_state *old;

	if (has_room)
		ret = slow_insert(env, config, v);
	if (ret != STATE_EXISTS)
		return ret;
	old = env_state_find(env, &v->name);
	if (old ? !slow_gives_way(env, v, old) : !has_room)
		return has_room ? STATE_EXISTS : STATE_FULL;
	if (old)
		env_slow_ask(env, v, SLOW_FORGET);
	return slow_insert(env, config, v);
}

/* ---- where a packet came in ---------------------------------------------- */

/* The other device's view of a flow: near is what was far. */
NFR_INLINE void slow_turn(struct nfr_state_key *name)
{
	__u16 port = name->near_port;

	for (int i = 0; i < 4; i++) {
		__u32 word = name->near_addr[i];

		name->near_addr[i] = name->far_addr[i];
		name->far_addr[i] = word;
	}
	name->near_port = name->far_port;
	name->far_port = port;
}

/* Did the policy and the tables that are in force judge the state? */
NFR_INLINE int slow_is_judged(struct env *env, const struct nfr_config *config,
			      const struct nfr_state *state, __u32 generation)
{
	return generation == config->generation &&
	       (!(config->flags & NFR_CONFIG_OVERLOADS) ||
		state->epoch == env_epoch(env));
}

/*
 * What is forwarded as v->inward, where it came in: the living state that it
 * had there, by its own name or, translated, by its alias; or NULL.
 */
NFR_INLINE const struct nfr_state *slow_inward(struct env *env,
					       struct verdict *v)
{
	const struct nfr_state_key *name;
	const struct nfr_state *state;

	slow_turn(&v->inward);
	state = env_state_find(env, &v->inward);
	if (!state) {
		name = env_alias_find(env, &v->inward);
		state = name ? env_state_find(env, name) : 0;
	}
	if (!state && env_kinds(env) & NFR_CONFIG_FLOATS) {
		v->inward.ifindex = 0;
		state = env_state_find(env, &v->inward);
		if (!state) {
			name = env_alias_find(env, &v->inward);
			state = name ? env_state_find(env, name) : 0;
		}
	}
	return state && state_is_alive(state, env_now(env)) ? state : 0;
}

/*
 * A packet that was forwarded has the tag that the rules of the device where
 * it came in gave to its flow: its state there knows it. Without a state the
 * tag is lost. Nonzero when what gave the tag is no longer in force.
 */
NFR_INLINE int slow_tag(struct env *env, const struct nfr_config *config,
			struct verdict *v)
{
	const struct nfr_state *state;

	if (!(config->flags & NFR_CONFIG_TAGS) || !v->ingress ||
	    v->packet.key.w[NFR_F_DIR] != NFR_DIR_OUT ||
	    v->role == STATE_NO_FLOW)
		return 0;
	state_key(&v->packet, v->ingress, v->role, &v->inward);
	state = slow_inward(env, v);
	if (!state)
		return 0;
	v->packet.key.w[NFR_F_TAG] = state->given;
	return !slow_is_judged(env, config, state,
			       state_judgement(state).generation);
}

/* ---- phases and timeouts ------------------------------------------------ */

/* Idle jiffies of a flow of this protocol in this phase. */
NFR_INLINE __u32 slow_timeout(const struct nfr_config *config,
			      const struct nfr_action *action, __u32 proto,
			      __u32 phase)
{
	__u32 index = state_timeout(proto, phase);
	__u64 jiffies;

	PACKET_OPAQUE(index);
	if (index >= NFR_TIMEOUT_COUNT)
		return 0;
	jiffies = config->timeouts[index];
	if (action && action->timeouts[index])
		jiffies = action->timeouts[index];
	jiffies *= config->hz;
	return jiffies > 0xffffffffu ? 0xffffffffu : (__u32)jiffies;
}

NFR_INLINE struct tcp_segment slow_segment(struct verdict *v)
{
	struct tcp_segment seg = scratch_segment(v);

	if (seg.flags & TCP_SYN)
		seg.wscale = tcp_wscale(v->options, v->options_len, &v->walk);
	return seg;
}

/*
 * A packet of this state (v->name, v->result.rule) that is not like the one
 * before it: tracks TCP, changes the phase. enum tcp_answer; of TCP_BLOCK the
 * reason is set.
 */
NFR_INLINE int slow_advance(struct env *env, struct verdict *v,
			    struct nfr_state *state)
{
	const struct nfr_config *config = env_config(env);
	const struct nfr_rule *rule = env_rule(env, v->result.rule);
	const __u32 *w = v->packet.key.w;
	const struct nfr_action *action;
	__u32 phase, fins;
	int is_lost;

	v->result.reason = NFR_REASON_VM;
	if (!config || !rule)
		return TCP_BLOCK;
	action = decide_action(env, rule, &is_lost);
	if (is_lost)
		return TCP_BLOCK;
	if (w[NFR_F_PROTO] == PACKET_TCP &&
	    !(state->flags & NFR_STATE_IS_SLOPPY)) {
		struct tcp_segment seg = slow_segment(v);
		enum tcp_answer answer = tcp_track(state, w[NFR_F_DIR], &seg);

		v->result.reason = answer == TCP_BLOCK ? NFR_REASON_TCP_WINDOW
						       : NFR_REASON_STATE;
		if (answer != TCP_PASS)
			return answer;
	}
	v->result.reason = NFR_REASON_STATE;
	phase = state_next_phase(state, &v->packet.key, &fins);
	state->fins = (__u8)fins;
	if (phase == state->phase)
		return TCP_PASS;
	state->timeout = slow_timeout(config, action, w[NFR_F_PROTO], phase);
	state->phase = (__u8)phase;
	return TCP_PASS;
}

/* ---- a new flow -------------------------------------------------------- */

/* Does the rule itself pass the packet? Sets reason and rule. */
NFR_INLINE int slow_rule(struct verdict *v, const struct nfr_rule *rule,
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

/*
 * Counts v->fresh as a state of the rule and of its source. Nonzero when that
 * is over a limit, and nothing stays counted. The state that gives way to this
 * one makes room first.
 */
NFR_INLINE int slow_limits(struct env *env, struct verdict *v)
{
	const struct nfr_config *config = env_config(env);
	const struct nfr_rule *rule = env_rule(env, v->result.rule);
	const struct nfr_action *action;
	const struct nfr_state *old;
	int is_lost;

	if (!config || !rule)
		return 1;
	action = decide_action(env, rule, &is_lost);
	if (!action)
		return is_lost;
	old = env_state_find(env, &v->name);
	if (old && old->counted && slow_gives_way(env, v, old))
		state_forget_with(env, &v->name, old, &v->forgotten);
	if (translate_leaves(v))
		translate_gives_way(env, v);
	limit_source(&v->name, &v->fresh, &v->source);
	if (limit_begin(env, config, action, &v->name, &v->fresh))
		return 1;
	v->counted = v->fresh.counted;
	return 0;
}

/*
 * What needs room on the stack of its own: in the kernel a subprogram that the
 * rules' program is not called from.
 */
NFR_INLINE int slow_ask(struct env *env, struct verdict *v, __u32 what)
{
	const struct nfr_state_key *name = &v->name;
	const struct nfr_state *state;

	if (what == SLOW_UNCOUNT) {
		limit_drop(env, v->counted, &v->source);
		return 0;
	}
	/* One call of state_forget(): its frame is what the stack has room for.
	 */
	if (what == SLOW_FORGET_OWNER)
		name = &v->translation.owner;
	state = env_state_find(env, name);
	if (!state)
		return 1;
	if (what == SLOW_FLUSHED)
		return state->epoch != v->epoch &&
		       limit_is_flushed(env, name, state);
	return state_forget_with(env, name, state, &v->forgotten);
}

/* Inserts v->fresh as it is. Nonzero when that failed; the reason is set. */
NFR_INLINE int slow_keep_plain(struct env *env, const struct nfr_config *config,
			       struct verdict *v)
{
	enum state_insert ret = slow_reserve(env, config, v);
	const struct nfr_state *old;

	if (ret == STATE_INSERTED)
		return 0;
	if (ret == STATE_FULL) {
		v->result.reason = NFR_REASON_STATE_FULL;
		return 1;
	}
	/* Another CPU had a packet of this flow, and was faster; or a
	 * translated flow has the name. */
	v->is_new = 0;
	old = env_state_find(env, &v->name);
	if (!old || !(old->flags & NFR_STATE_IS_TRANSLATED))
		return 0;
	v->result.reason = NFR_REASON_TRANSLATE;
	return 1;
}

/* With the addresses and hops that the rules gave it. The same. */
NFR_INLINE int slow_translate(struct env *env, const struct nfr_config *config,
			      struct verdict *v,
			      const struct nfr_action *action)
{
	enum translate_result ret;

	if (translate_hops(env, v, action)) {
		v->result.reason = NFR_REASON_ROUTE;
		return 1;
	}
	if (!v->translation.is_translated) {
		if (slow_keep_plain(env, config, v))
			return 1;
		if (v->is_new)
			translate_answer(env, v);
		return 0;
	}
	ret = translate_keep(env, v);
	v->is_new = ret == TRANSLATE_DONE    ? SCRATCH_NEW
		    : ret == TRANSLATE_ADOPT ? SCRATCH_ADOPTED
					     : SCRATCH_NOTHING;
	if (ret == TRANSLATE_DONE)
		translate_answer(env, v);
	return ret == TRANSLATE_FAILED;
}

/* The state that the packet begins, in v->fresh. */
NFR_INLINE void slow_begin(struct env *env, const struct nfr_config *config,
			   struct verdict *v, const struct nfr_action *action)
{
	struct state_judgement judgement = {.rule = v->result.rule,
					    .generation = config->generation};
	const __u32 *w = v->packet.key.w;

	state_begin(&v->fresh, &v->packet.key, env_now(env), v->len);
	if (!(config->flags & NFR_CONFIG_OWNERS)) {
		v->fresh.uid = NFR_NO_ID; /* nobody asked */
		v->fresh.gid = NFR_NO_ID;
	}
	v->fresh.received = v->ingress;
	v->fresh.ifindex = v->ifindex;
	v->fresh.tag = v->tag;
	v->fresh.given = v->packet.key.w[NFR_F_TAG];
	v->fresh.seed = v->rules.seed;
	v->fresh.epoch = v->epoch;
	v->fresh.timeout =
		slow_timeout(config, action, w[NFR_F_PROTO], v->fresh.phase);
	if (action && action->flags & NFR_ACTION_SLOPPY)
		v->fresh.flags |= NFR_STATE_IS_SLOPPY;
	if (action && action->flags & NFR_ACTION_FLOATING) {
		v->fresh.flags |= NFR_STATE_IS_FLOATING;
		v->name.ifindex = 0;
		env_kinds_add(env, NFR_CONFIG_FLOATS);
	}
	if (w[NFR_F_PROTO] == PACKET_TCP) {
		struct tcp_segment seg = slow_segment(v);

		tcp_begin(&v->fresh, w[NFR_F_DIR], &seg);
	}
	state_set_judgement(&v->fresh, judgement);
	v->is_new = SCRATCH_NEW;
}

/* Makes the packet's state. Nonzero when that is not to be. */
NFR_INLINE int slow_keep(struct env *env, const struct nfr_config *config,
			 struct verdict *v, const struct nfr_action *action)
{
	int is_lost;

	slow_begin(env, config, v, action);
	v->counted = 0;
	is_lost = action && limit_is_asked(action) && env_slow_count(env, v);
	if (is_lost) { /* what has expired counts until it is swept */
		env_state_sweep(env, env_now(env), config->hz);
		is_lost = env_slow_count(env, v);
	}
	if (is_lost) {
		v->result.reason = NFR_REASON_LIMIT;
		v->is_new = SCRATCH_NOTHING;
		return 1;
	}
	is_lost = slow_translate(env, config, v, action);
	if (is_lost)
		v->is_new = SCRATCH_NOTHING;
	if (v->is_new != SCRATCH_NEW && v->counted)
		env_slow_ask(env, v, SLOW_UNCOUNT);
	if (is_lost || !translate_leaves(v))
		return is_lost;
	translate_wire(v, &v->name);
	if (!decide_wire(env, config, v, SCRATCH_OTHER))
		return 0;
	if (v->is_new == SCRATCH_NEW)
		env_slow_ask(env, v, SLOW_FORGET);
	v->is_new = SCRATCH_NOTHING;
	return 1;
}

/* A packet that continues no flow: nonzero passes it. */
NFR_INLINE int slow_new(struct env *env, struct verdict *v)
{
	const struct nfr_config *config = env_config(env);
	const __u32 *w = v->packet.key.w;
	const struct nfr_action *action;
	const struct nfr_rule *rule;
	__u32 number;
	int is_lost;

	v->is_new = 0;
	if (!config)
		return 0;
	v->result.reason = NFR_REASON_VM;
	v->epoch = env_epoch(env);
	if (slow_tag(env, config, v))
		return 0;
	v->tag = w[NFR_F_TAG];
	translate_begin(v, &v->packet.key);
	number = decide_rules(env, v, SCRATCH_OTHER,
			      decide_entry(config, NFR_STAGE_RULES,
					   w[NFR_F_DIR], w[NFR_F_FAMILY]),
			      0, DECIDE_NEW);
	v->packet.key.w[NFR_F_TAG] = v->other.w[NFR_F_TAG];
	decide_matched(env, v);
	rule = env_rule(env, number);
	if (!rule)
		return 0;
	if (!slow_rule(v, rule, number, 0))
		return 0;
	action = decide_action(env, rule, &is_lost);
	if (is_lost) {
		v->result.reason = NFR_REASON_VM;
		return 0;
	}
	if (translate_rule(env, v, action, 0))
		return 0;
	if (!translate_leaves(v) && decide_wire(env, config, v, SCRATCH_PACKET))
		return 0;
	if (rule->flags & NFR_RULE_STATE &&
	    (v->role == STATE_FLOW || v->role == STATE_REQUEST))
		return !slow_keep(env, config, v, action);
	if (v->translation.is_translated) {
		v->result.reason = NFR_REASON_TRANSLATE;
		return 0;
	}
	return 1;
}

/*
 * The flow of v->name, which limits count, may have become a connection: enum
 * limit_answer. Of LIMIT_REACHED its state has ended, and the reason is set. Of
 * LIMIT_CROWDED the caller sweeps and asks again.
 */
NFR_INLINE int slow_connected(struct env *env, struct verdict *v,
			      __u32 has_swept)
{
	const struct nfr_config *config = env_config(env);
	const struct nfr_rule *rule = env_rule(env, v->result.rule);
	struct nfr_state *state = env_state_find(env, &v->name);
	const struct nfr_action *action;
	enum limit_answer answer;
	int is_lost;

	v->result.reason = NFR_REASON_LIMIT;
	if (!config || !rule || !state)
		return LIMIT_REACHED;
	action = decide_action(env, rule, &is_lost);
	if (is_lost)
		return LIMIT_REACHED;
	if (has_swept)
		answer = limit_connected_still(env, action, &v->name, state);
	else
		answer = limit_connected(env, config, action, &v->name, state);
	if (answer == LIMIT_REACHED)
		state_forget_with(env, &v->name, state, &v->forgotten);
	else
		v->result.reason = NFR_REASON_STATE;
	return answer;
}

/*
 * The same to the end: nonzero when it is one too many. What has expired, or
 * was killed, counts until it is swept. Here, as the stack of who sweeps does
 * not fit on that of slow_connected().
 */
NFR_INLINE int slow_connect(struct env *env, struct verdict *v)
{
	int answer = env_slow_connected(env, v, 0);
	const struct nfr_config *config;

	if (answer == LIMIT_CROWDED) {
		config = env_config(env);
		if (config)
			env_state_sweep(env, env_now(env), config->hz);
		answer = env_slow_connected(env, v, 1);
	}
	return answer != LIMIT_KEPT;
}

#endif
