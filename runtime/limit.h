/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * limit.h: how many states, connections, and how fast: what a rule's limits
 * count, and what happens when one is reached. pf.conf(5), "STATEFUL TRACKING
 * OPTIONS".
 *
 * Overview
 *   The map of counted has an entry a rule, by its id, which outlives reloads;
 *   and one for each source that is tracked, of that rule or of all. A state
 *   says where it is counted (state.counted), so whoever takes it out of the
 *   map of states can take it back, whatever policy is then in force.
 *
 *   A rule overloads a table: the source's address becomes a member, and the
 *   epoch of tables moves on, by which every state is judged again at its next
 *   packet. "flush" marks the source with the time; a state that was made
 *   before ends when it is judged again.
 *
 * Invariants
 *   - What is counted is counted before its state can be found, and taken back
 *     after it can not, by the one whose deletion succeeded: once.
 *   - A count is never above its limit for longer than it takes to take it
 *     back; two CPUs may both be refused the last place, never both get it.
 *   - An entry goes only while nothing is counted in it: it is marked dying by
 *     compare-and-swap from 0, and what finds it dying is refused.
 *   - Order of stores: table, mark, epoch. A reader of states reads the epoch
 *     first, and writes down the one that it read: it may judge once too
 *     often, never once too few.
 *   - No room for an entry, or a lost one, is a limit that is reached.
 */
#ifndef NFR_LIMIT_H
#define NFR_LIMIT_H

#include "scratch.h"
#include "state.h"
#include "table_find.h"

#define LIMIT_TRIES 4
#define LIMIT_THOUSAND 1000u
#define LIMIT_RULE_MASK (~0ull >> NFR_COUNTED_SHIFT)
#define LIMIT_FLAGS (NFR_COUNTED_SOURCE | NFR_COUNTED_GLOBAL)

/* One more, or with n = -1 one less. What it was before. */
NFR_INLINE __u32 limit_add(__u32 *count, __s32 n)
{
	return __sync_fetch_and_add(count, (__u32)n);
}

/* One more, unless there are max (0: no limit). Nonzero: it is not counted. */
NFR_INLINE int limit_take(__u32 *count, __u32 max)
{
	__u32 before = limit_add(count, 1);

	if (!(before & NFR_SOURCE_DYING) && (!max || before < max))
		return 0;
	limit_add(count, -1);
	return 1;
}

/* ---- keys and entries -------------------------------------------------- */

NFR_INLINE void limit_own_key(__u64 rule_id, struct nfr_source_key *out)
{
	__builtin_memset(out, 0, sizeof(*out));
	out->rule_id = rule_id & LIMIT_RULE_MASK;
}

/* Who began the flow, as its first packet had it. rule_id is left 0. */
NFR_INLINE void limit_source(const struct nfr_state_key *name,
			     const struct nfr_state *state,
			     struct nfr_source_key *out)
{
	const __u32 *addr = name->far_addr;

	if (state->dir == NFR_DIR_OUT)
		addr = state->flags & NFR_STATE_IS_TRANSLATED
			       ? state->stack.near_addr
			       : name->near_addr;
	out->rule_id = 0;
	for (int i = 0; i < 4; i++)
		out->addr[i] = addr[i];
	out->family = name->family;
	out->reserved = 0;
}

/* The entry, made if there is none; NULL when there is no room. */
NFR_INLINE struct nfr_source *limit_entry(struct env *env,
					  const struct nfr_source_key *key)
{
	struct nfr_source *entry = env_counted_find(env, key), zero;

	if (entry)
		return entry;
	__builtin_memset(&zero, 0, sizeof(zero));
	if (env_counted_insert(env, key, &zero) == STATE_FULL) {
		env_counted_sweep(env);
		env_counted_insert(env, key, &zero);
	}
	return env_counted_find(env, key);
}

/*
 * For the sweep: an entry in which nothing is counted, and whose mark no state
 * can be older than. Then it is dying, and the caller deletes it.
 */
NFR_INLINE int limit_is_idle(struct nfr_source *entry, __u64 now,
			     const struct nfr_config *config)
{
	__u64 keep = (__u64)config->timeouts[NFR_TIMEOUT_TCP_ESTABLISHED] *
		     config->hz;
	__u32 age = (__u32)now - (__u32)(entry->rate >> 32);

	if (entry->states || (entry->flushed && now - entry->flushed <= keep))
		return 0;
	if ((__u32)entry->rate && age <= NFR_RATE_SECONDS_MAX * config->hz)
		return 0;
	return __sync_val_compare_and_swap(&entry->states, 0,
					   NFR_SOURCE_DYING) == 0;
}

/* ---- states ------------------------------------------------------------ */

/* Which entry of its source a rule counts in: NFR_COUNTED_SOURCE, _GLOBAL. */
NFR_INLINE __u64 limit_tracks(const struct nfr_action *action)
{
	if (action->flags & NFR_ACTION_TRACK_GLOBAL)
		return NFR_COUNTED_GLOBAL;
	if (action->flags & NFR_ACTION_TRACK_RULE || action->max_src_nodes ||
	    action->max_src_states || action->max_src_conn ||
	    action->rate_conns)
		return NFR_COUNTED_SOURCE;
	return 0;
}

NFR_INLINE int limit_is_asked(const struct nfr_action *action)
{
	return action->max_states || limit_tracks(action);
}

/* Takes back one state of the source, and its connection. */
NFR_INLINE void limit_drop_source(struct env *env, __u64 counted,
				  struct nfr_source_key *source,
				  struct nfr_source *owner)
{
	struct nfr_source *node;

	source->rule_id =
		counted & NFR_COUNTED_GLOBAL ? 0 : counted >> NFR_COUNTED_SHIFT;
	node = env_counted_find(env, source);
	if (!node)
		return;
	if (counted & NFR_COUNTED_CONNECTION)
		limit_add(&node->connections, -1);
	if (limit_add(&node->states, -1) != 1)
		return;
	limit_add(&owner->nodes, -1);
	/* One that was made while its state ended was not taken back. */
	*(volatile __u32 *)&node->connections = 0;
}

/* A state that was counted has gone. *source as by limit_source(). */
NFR_INLINE void limit_drop(struct env *env, __u64 counted,
			   struct nfr_source_key *source)
{
	struct nfr_source *own, *owner;
	struct nfr_source_key key;

	if (!counted)
		return;
	limit_own_key(counted >> NFR_COUNTED_SHIFT, &key);
	own = env_counted_find(env, &key);
	if (counted & NFR_COUNTED_GLOBAL) {
		limit_own_key(0, &key);
		owner = env_counted_find(env, &key);
		if (owner) {
			limit_drop_source(env, counted, source, owner);
			limit_add(&owner->states, -1);
		}
	} else if (counted & NFR_COUNTED_SOURCE && own) {
		limit_drop_source(env, counted, source, own);
	}
	if (own)
		limit_add(&own->states, -1);
}

/* Counts one state more of the source. Nonzero: a limit is reached. */
NFR_INLINE int limit_take_source(struct env *env,
				 const struct nfr_action *action,
				 const struct nfr_source_key *source,
				 struct nfr_source *owner)
{
	struct nfr_source *node = limit_entry(env, source);
	__u32 before;

	if (!node)
		return 1;
	before = limit_add(&node->states, 1);
	if (before & NFR_SOURCE_DYING ||
	    (action->max_src_states && before >= action->max_src_states))
		goto over;
	if (before == 0 && limit_take(&owner->nodes, action->max_src_nodes)) {
		/* Another CPU's state may have come in on our being first. */
		if (limit_add(&node->states, -1) != 1)
			limit_add(&owner->nodes, 1);
		return 1;
	}
	return 0;
over:
	if (limit_add(&node->states, -1) == 1)
		limit_add(&owner->nodes, -1);
	return 1;
}

/* The same for the rule's own entry and then the source. */
NFR_INLINE int limit_take_all(struct env *env, const struct nfr_action *action,
			      struct nfr_source_key *source, __u64 tracks)
{
	struct nfr_source *own, *owner;
	struct nfr_source_key key;

	limit_own_key(action->rule_id, &key);
	source->rule_id = key.rule_id;
	own = limit_entry(env, &key);
	if (!own || limit_take(&own->states, action->max_states))
		return 1;
	if (!tracks)
		return 0;
	owner = own;
	if (tracks == NFR_COUNTED_GLOBAL) {
		limit_own_key(0, &key);
		source->rule_id = 0;
		owner = limit_entry(env, &key);
		if (owner && limit_take(&owner->states, 0))
			owner = 0;
	}
	if (owner && !limit_take_source(env, action, source, owner))
		return 0;
	if (owner && owner != own)
		limit_add(&owner->states, -1);
	limit_add(&own->states, -1);
	return 1;
}

/*
 * Counts fresh, which has no translation yet, as a state of the rule and of
 * its source, and says so in fresh->counted. Nonzero: a limit is reached, and
 * nothing stays counted. Expired states count until they are swept, so
 * the caller sweeps and asks again.
 */
NFR_INLINE int limit_begin(struct env *env, const struct nfr_config *config,
			   const struct nfr_action *action,
			   const struct nfr_state_key *name,
			   struct nfr_state *fresh)
{
	__u64 tracks = limit_tracks(action);
	struct nfr_source_key source;

	fresh->counted = 0;
	if (!limit_is_asked(action))
		return 0;
	limit_source(name, fresh, &source);
	(void)config;
	if (limit_take_all(env, action, &source, tracks))
		return 1;
	fresh->counted = (action->rule_id & LIMIT_RULE_MASK)
				 << NFR_COUNTED_SHIFT |
			 tracks;
	return 0;
}

/* ---- connections ------------------------------------------------------- */

/*
 * One connection more; how many thousandths there then are in the time that
 * the limit is about: pf's moving average, which forgets as time goes on.
 */
NFR_INLINE __u32 limit_rate(struct nfr_source *node, __u64 now, __u64 window)
{
	__u64 rate = 0;

#pragma GCC unroll 4
	for (int i = 0; i < LIMIT_TRIES; i++) {
		__u64 old = *(volatile __u64 *)&node->rate;
		__u32 age = (__u32)now - (__u32)(old >> 32);

		rate = (__u32)old;
		if ((__s32)age < 0) /* another CPU's clock is a tick ahead */
			age = 0;
		rate = age >= window ? 0 : rate - rate * age / window;
		rate += LIMIT_THOUSAND;
		if (rate > 0xffffffffu)
			rate = 0xffffffffu;
		if (__sync_val_compare_and_swap(&node->rate, old,
						(__u64)(__u32)now << 32 |
							rate) == old)
			break;
	}
	return (__u32)rate;
}

/* The source becomes a member of the table. Nonzero: it was none. */
NFR_INLINE int limit_overload_table(struct env *env, __u32 table,
				    const struct nfr_source_key *source)
{
	struct nfr_table_address a;

	if (table == NFR_NO_TABLE)
		return 0;
	if (env_table_has(env, table, source->family, source->addr))
		return 0;
	a = table_address(TABLE_UPPER(source->addr), TABLE_LOWER(source->addr),
			  table, source->family);
	return env_table_add(env, &a) == 0;
}

NFR_INLINE void limit_mark(struct env *env, struct nfr_source_key *source,
			   __u64 rule_id)
{
	struct nfr_source *entry;

	source->rule_id = rule_id & LIMIT_RULE_MASK;
	entry = limit_entry(env, source);
	if (entry)
		*(volatile __u64 *)&entry->flushed = env_now(env);
}

NFR_INLINE void limit_overload(struct env *env, const struct nfr_action *action,
			       struct nfr_source_key *source)
{
	int is_new = limit_overload_table(env, action->overload, source);

	if (action->flags & NFR_ACTION_FLUSH_GLOBAL)
		limit_mark(env, source, 0);
	else if (action->flags & NFR_ACTION_FLUSH)
		limit_mark(env, source, action->rule_id);
	if (is_new ||
	    action->flags & (NFR_ACTION_FLUSH | NFR_ACTION_FLUSH_GLOBAL))
		env_epoch_next(env);
}

/* Is this a flow for limit_connected()? */
NFR_INLINE int limit_may_connect(const struct nfr_state_key *name,
				 const struct nfr_state *state)
{
	__u64 counted = state->counted;

	return counted && counted & LIMIT_FLAGS &&
	       !(counted & NFR_COUNTED_CONNECTION) &&
	       name->proto == PACKET_TCP &&
	       state->phase == NFR_STATE_ESTABLISHED;
}

/* What limit_connected() says of one connection more. */
enum limit_answer {
	LIMIT_KEPT,
	LIMIT_CROWDED, /* too many, unless some have expired: sweep, ask again
			*/
	LIMIT_REACHED  /* the table was overloaded: end the state, block */
};

/* Where the state's connection is counted; its key in *source. */
NFR_INLINE struct nfr_source *limit_node(struct env *env, __u64 counted,
					 const struct nfr_state_key *name,
					 const struct nfr_state *state,
					 struct nfr_source_key *source)
{
	limit_source(name, state, source);
	if (!(counted & NFR_COUNTED_GLOBAL))
		source->rule_id = counted >> NFR_COUNTED_SHIFT;
	return env_counted_find(env, source);
}

/* The handshake of a flow is done: counts it, once. action: NULL when another
 * rule passes it now. */
NFR_INLINE enum limit_answer limit_connected(struct env *env,
					     const struct nfr_config *config,
					     const struct nfr_action *action,
					     const struct nfr_state_key *name,
					     struct nfr_state *state)
{
	struct nfr_source_key source;
	struct nfr_source *node;
	__u64 counted;
	__u32 count, rate = 0;

	if (!(state->counted & LIMIT_FLAGS))
		return LIMIT_KEPT;
	counted = __sync_fetch_and_or(&state->counted, NFR_COUNTED_CONNECTION);
	if (counted & NFR_COUNTED_CONNECTION)
		return LIMIT_KEPT;
	node = limit_node(env, counted, name, state, &source);
	if (!node)
		return LIMIT_REACHED;
	count = limit_add(&node->connections, 1) + 1;
	if (!action)
		return LIMIT_KEPT;
	if (action->rate_conns && action->rate_seconds && config->hz)
		rate = limit_rate(node, env_now(env),
				  (__u64)action->rate_seconds * config->hz);
	if (rate > (__u64)action->rate_conns * LIMIT_THOUSAND) {
		limit_overload(env, action, &source);
		return LIMIT_REACHED;
	}
	return action->max_src_conn && count > action->max_src_conn
		       ? LIMIT_CROWDED
		       : LIMIT_KEPT;
}

/* The same of a state that is counted, after the sweep: never CROWDED. */
NFR_INLINE enum limit_answer
limit_connected_still(struct env *env, const struct nfr_action *action,
		      const struct nfr_state_key *name,
		      const struct nfr_state *state)
{
	struct nfr_source_key source;
	struct nfr_source *node =
		limit_node(env, state->counted, name, state, &source);

	if (!node)
		return LIMIT_REACHED;
	if (!action || !action->max_src_conn ||
	    *(volatile __u32 *)&node->connections <= action->max_src_conn)
		return LIMIT_KEPT;
	limit_overload(env, action, &source);
	return LIMIT_REACHED;
}

/* ---- flush ------------------------------------------------------------- */

NFR_INLINE int limit_has_mark(struct env *env,
			      const struct nfr_source_key *source,
			      const struct nfr_state *state)
{
	const struct nfr_source *entry = env_counted_find(env, source);

	return entry && entry->flushed &&
	       (__s64)(entry->flushed - state->created) >= 0;
}

/* Was the state made before its source was flushed? */
NFR_INLINE int limit_is_flushed(struct env *env,
				const struct nfr_state_key *name,
				const struct nfr_state *state)
{
	__u64 rule_id = state->counted >> NFR_COUNTED_SHIFT;
	struct nfr_source_key source;

	limit_source(name, state, &source);
	if (limit_has_mark(env, &source, state))
		return 1;
	source.rule_id = rule_id;
	return rule_id && limit_has_mark(env, &source, state);
}

#endif
