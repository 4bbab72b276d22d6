/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * look.h: a packet, or one that an error quotes -> the state that it is of;
 * for those that do not come by verdict.h's short way.
 *
 * Order: states of this device before floating ones, and of what goes out plain
 * ones before translated ones, which the host knows by another name.
 */
#ifndef NFR_LOOK_H
#define NFR_LOOK_H

#include "scratch.h"
#include "state.h"

/* The living state of this name that a packet of this key is of, or NULL. */
NFR_INLINE struct nfr_state *look_name(struct env *env, const struct verdict *v,
				       const struct nfr_key *key,
				       const struct nfr_state_key *name)
{
	struct nfr_state *state = env_state_find(env, name);

	if (!state || !state_is_alive(state, env_now(env)) ||
	    !state_continues(state, key, v->role))
		return 0;
	return state;
}

/*
 * By v->name as that of the wire; or, where that is not how the host knows it,
 * as that of the host, and then v->name becomes the wire's.
 */
NFR_INLINE struct nfr_state *look_here(struct env *env, struct verdict *v,
				       const struct nfr_key *key, int is_stack)
{
	struct nfr_state *state = look_name(env, v, key, &v->name);
	int is_out = v->packet.key.w[NFR_F_DIR] == NFR_DIR_OUT;
	const struct nfr_state_key *name;

	if (state && !(is_out && state->flags & NFR_STATE_IS_TRANSLATED))
		return state;
	name = is_stack ? env_alias_find(env, &v->name) : 0;
	state = name ? look_name(env, v, key, name) : 0;
	if (!state || !(state->flags & NFR_STATE_IS_TRANSLATED))
		return 0;
	/* What an alias leads to may be another by now. */
	state_alias(name, state, &v->alias);
	if (!state_same_key(&v->alias, &v->name))
		return 0;
	v->name = *name;
	return state;
}

/*
 * The state of v->name, which is of v->ifindex and becomes the state's own; in
 * verdict.h's order. key: of the packet at the hook, or of the one that it
 * quotes; v->role is that one's.
 */
NFR_INLINE struct nfr_state *look_find(struct env *env, struct verdict *v,
				       const struct nfr_key *key)
{
	__u32 kinds = env_kinds(env);
	int is_stack = v->packet.key.w[NFR_F_DIR] == NFR_DIR_OUT &&
		       kinds & NFR_CONFIG_TRANSLATES;
	struct nfr_state *state = look_here(env, v, key, is_stack);

	if (state || !(kinds & NFR_CONFIG_FLOATS))
		return state;
	v->name.ifindex = 0;
	return look_here(env, v, key, is_stack);
}

/*
 * The state that was found for the packet has ended: was another one behind
 * it, as v->name? A floating one behind one of this device, or a translated
 * behind a plain one.
 */
NFR_INLINE int look_behind(struct env *env, struct verdict *v)
{
	state_key(&v->packet, v->ifindex, v->role, &v->name);
	return look_find(env, v, &v->packet.key) != 0;
}

#endif
