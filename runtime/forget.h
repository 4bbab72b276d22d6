/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * forget.h: a flow state -> gone, with all that others hold because of it. The
 * only way that a state ends, in the datapath and by nfload.
 */
#ifndef NFR_FORGET_H
#define NFR_FORGET_H

#include "limit.h"
#include "state.h"

/* Unless the alias is another state's by now: the same flow, begun again. */
NFR_INLINE void state_forget_alias(struct env *env,
				   const struct nfr_state_key *alias,
				   const struct nfr_state_key *name)
{
	const struct nfr_state_key *owner = env_alias_find(env, alias);

	if (owner && state_same_key(owner, name))
		env_alias_delete(env, alias);
}

/*
 * 0 when it was there: then its other name and what limits count go with it.
 * For those at the end of a chain of calls, whose stack has no room for *old.
 */
NFR_INLINE int state_forget_with(struct env *env,
				 const struct nfr_state_key *name,
				 const struct nfr_state *state,
				 struct forgotten *old)
{
	__u64 counted = *(const volatile __u64 *)&state->counted;
	__u8 flags = state->flags;

	limit_source(name, state, &old->source);
	state_alias(name, state, &old->alias);
	if (env_state_delete(env, name))
		return 1;
	env_states_add(env, -1);
	if (flags & NFR_STATE_IS_TRANSLATED)
		state_forget_alias(env, &old->alias, name);
	old->alias.ifindex = STATE_ANSWERS;
	if (flags & NFR_STATE_HAS_HOP)
		state_forget_alias(env, &old->alias, name);
	limit_drop(env, counted, &old->source);
	return 0;
}

/* The same. */
NFR_INLINE int state_forget(struct env *env, const struct nfr_state_key *name,
			    const struct nfr_state *state)
{
	struct forgotten old;

	return state_forget_with(env, name, state, &old);
}

/* For sweeps: nothing will continue the flow. */
NFR_INLINE int state_is_over(struct env *env, const struct nfr_state_key *name,
			     const struct nfr_state *state, __u64 now)
{
	return !state_is_alive(state, now) ||
	       (state->epoch != env_epoch(env) &&
		limit_is_flushed(env, name, state));
}

#endif
