/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * again.h: a state that another policy, or other tables, judged -> it goes on
 * under what is in force, or ends.
 *
 * Overview
 *   No state outlives its rule: at its next packet the first one's key is put
 *   together anew, as it would come now, and goes through the rules; the state
 *   goes on when they would make the same one. Subprograms in the kernel, as in
 *   slow.h, and for the environment the same calls back: env_slow_again(),
 *   env_slow_recall(), env_slow_settle().
 */
#ifndef NFR_AGAIN_H
#define NFR_AGAIN_H

#include "slow.h"

/*
 * As slow_tag(), for a state that is judged again, of v->alias as the host
 * knows it: the tag of its first packet becomes what that would have now. As
 * long as the state where it came in was not judged again itself, the tag is of
 * before, and so is the judgement: it is not final.
 */
NFR_INLINE void slow_recall_tag(struct env *env,
				const struct nfr_config *config,
				struct verdict *v, struct nfr_state *state)
{
	const struct nfr_state *inward;

	v->is_final = 1;
	if (!(config->flags & NFR_CONFIG_TAGS) || !state->received ||
	    state->dir != NFR_DIR_OUT)
		return;
	state_alias(&v->name, state, &v->inward);
	v->inward.ifindex = state->received;
	inward = slow_inward(env, v);
	if (!inward)
		return;
	v->is_final = (__u32)slow_is_judged(env, config, inward,
					    state_judgement(inward).generation);
	if (v->is_final)
		state->tag = inward->given;
}

/* Was it, v->name's, judged by what is in force, and as this device's? */
NFR_INLINE int slow_is_current(struct env *env, const struct nfr_config *config,
			       const struct verdict *v,
			       const struct nfr_state *state,
			       struct state_judgement judgement)
{
	return (v->name.ifindex != v->ifindex ||
		state->ifid == v->packet.key.w[NFR_F_IFID]) &&
	       slow_is_judged(env, config, state, judgement.generation);
}

/* NFR_F_IFID of the first packet of v->name's state, were it to come now. */
NFR_INLINE __u32 slow_first_ifid(struct env *env, const struct verdict *v,
				 const struct nfr_state *state)
{
	const struct nfr_iface *iface;

	if (v->name.ifindex == v->ifindex)
		return v->packet.key.w[NFR_F_IFID];
	iface = env_iface(env, state->ifindex);
	return iface ? decide_ifid(env, iface, state->ifindex) : 0;
}

/*
 * Of whom the first packet was: of whom this one is, when that is known. The
 * number of a cgroup is an image's, so the state's is not asked.
 */
NFR_INLINE void slow_recall_owner(const struct nfr_config *config,
				  struct verdict *v)
{
	const __u32 *w = v->packet.key.w;

	if (!(config->flags & NFR_CONFIG_OWNERS))
		return;
	v->other.w[NFR_F_CGROUP] = w[NFR_F_CGROUP];
	if (w[NFR_F_UID] == NFR_NO_ID)
		return;
	v->other.w[NFR_F_UID] = w[NFR_F_UID];
	if (w[NFR_F_GID] != NFR_NO_ID)
		v->other.w[NFR_F_GID] = w[NFR_F_GID];
}

/*
 * Leaves the first packet of the state of v->name in v->other; the entry of the
 * rules for it, or NFR_NO_ENTRY.
 */
NFR_INLINE __u32 slow_recall(struct env *env, struct verdict *v)
{
	const struct nfr_config *config = env_config(env);
	struct nfr_state *state = env_state_find(env, &v->name);
	__u32 ifid;

	v->epoch = env_epoch(env);
	if (!config || !state)
		return NFR_NO_ENTRY;
	slow_recall_tag(env, config, v, state);
	ifid = slow_first_ifid(env, v, state);
	v->alias = v->name;
	if (state->flags & NFR_STATE_IS_TRANSLATED && state->dir == NFR_DIR_OUT)
		state_alias(&v->name, state, &v->alias);
	state_first_key(&v->alias, state, ifid,
			decide_received(env, state->dir, ifid, state->received),
			&v->other);
	slow_recall_owner(config, v);
	v->seed = state->seed;
	translate_again(v, &v->name, state);
	return decide_entry(config, NFR_STAGE_RULES, state->dir & 1,
			    v->name.family);
}

/* Would the rule make such a state? */
NFR_INLINE int slow_makes_same(struct env *env, struct verdict *v,
			       const struct nfr_state *state,
			       const struct nfr_rule *rule)
{
	const struct nfr_action *action;
	int is_lost, floats;

	if (!rule || rule->verdict != NFR_PASS ||
	    !(rule->flags & NFR_RULE_STATE))
		return 0;
	action = decide_action(env, rule, &is_lost);
	floats = action && action->flags & NFR_ACTION_FLOATING;
	return !is_lost &&
	       floats == ((state->flags & NFR_STATE_IS_FLOATING) != 0) &&
	       !translate_rule(env, v, action, 1) &&
	       translate_holds(env, v, action, state);
}

/* The rule that decides on v->other: is the state of v->name its? */
NFR_INLINE enum slow_answer slow_settle(struct env *env, struct verdict *v,
					__u32 number)
{
	const struct nfr_config *config = env_config(env);
	struct nfr_state *state = env_state_find(env, &v->name);
	struct state_judgement judgement = {.rule = number}, before;

	if (!config || !state)
		return SLOW_LEAVE;
	before = state_judgement(state);
	judgement.generation = config->generation;
	if (slow_makes_same(env, v, state, env_rule(env, number))) {
		v->result.rule = number;
		if (!v->is_final)
			return SLOW_GOES_ON;
		state->ifid = (__u16)v->other.w[NFR_F_IFID];
		state->epoch = v->epoch;
		state->given = v->other.w[NFR_F_TAG];
		/* Learnt where the policy before did not ask. */
		state->uid = v->other.w[NFR_F_UID];
		state->gid = v->other.w[NFR_F_GID];
		state_set_judgement(state, judgement);
		return SLOW_GOES_ON;
	}
	/* What a newer policy passes is not ours to end, nor what another
	 * device of this name may get back. */
	if ((__s32)(config->generation - before.generation) > 0 ||
	    (config->generation == before.generation &&
	     state->epoch != v->epoch))
		return SLOW_END;
	return SLOW_LEAVE;
}

/*
 * The policy, its tables, or what the device is, has changed since the flow of
 * v->name was judged: would its first packet still be passed, with the same
 * state? Then v->result.rule passes it. If not, the state ends, unless a newer
 * policy than this one judged it. In steps, so that their stacks do not add up
 * in eBPF.
 */
NFR_INLINE int slow_again(struct env *env, struct verdict *v)
{
	__u32 entry = env_slow_recall(env, v), number = NFR_NO_RULE;
	enum slow_answer answer;

	/* Here, not within env_slow_recall(): the stack has no room for both.
	 */
	if (entry != NFR_NO_ENTRY && !env_slow_ask(env, v, SLOW_FLUSHED))
		number = decide_rules(env, v, SCRATCH_OTHER, entry, v->seed,
				      DECIDE_AGAIN);
	answer = (enum slow_answer)env_slow_settle(env, v, number);
	if (answer == SLOW_END)
		env_slow_ask(env, v, SLOW_FORGET);
	return answer == SLOW_GOES_ON;
}

#endif
