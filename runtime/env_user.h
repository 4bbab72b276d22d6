/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * env_user.h: what the datapath asks of its environment, answered from plain
 * memory. env.bpf.h is the same for the kernel. For datapath_user.c alone.
 */
#ifndef NFR_ENV_USER_H
#define NFR_ENV_USER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../compiler/image.h"
#include "datapath_user.h"
#include "hashmap.h"
#include "poolset.h"
#include "scratch.h"
#include "state.h"
#include "tableset.h"

#define COUNT_REASONS (2 * NFR_REASON_COUNT)

struct device {
	__u32 ifindex;
	struct nfr_iface iface;
	bool is_impostor;
};

struct env {
	struct nfr_config config;
	const struct image *image;	  /* NULL before the first switch */
	const struct nfr_action *actions; /* of the image */
	size_t action_count;
	struct tableset *tables;
	struct device *devices;
	size_t device_count;
	struct nfr_count *rule_counts;
	struct nfr_rule_tables *rule_tables;
	struct nfr_count *table_counts; /* NFR_TABLE_COUNT() */

	struct nfr_count reasons[COUNT_REASONS];
	struct hashmap *states, *aliases, *fragments, *counted;
	struct poolset *poolset;      /* owns the next two */
	const struct nfr_pool *pools; /* of the image */
	const struct nfr_pool_addr *pool_addrs;
	size_t pool_count, pool_addr_count;
	struct hashmap *turns, *sticky;
	struct datapath_owner owner; /* of the frame */
	__u8 *writable;		     /* the frame's bytes, or NULL */
	__u32 origin;		     /* NFR_ORIGIN_*, of a frame out */
	__u32 hops;		     /* of the frame; was_here too */
	__u64 now, last_sweep, counted_swept;
	__u32 epoch, kinds;
	__u32 random;
	bool has_swept, has_swept_counted;
	bool trace_block, was_here;
	struct nfr_event event;
	void (*hook)(void *arg, const struct nfr_event *);
	void *hook_arg;
};

/* ---- what verdict.h asks ----------------------------------------------- */

NFR_INLINE const struct nfr_config *env_config(struct env *env)
{
	return env->image ? &env->config : NULL;
}

static const struct device *device_find(const struct env *env, __u32 ifindex)
{
	for (size_t i = 0; i < env->device_count; i++)
		if (env->devices[i].ifindex == ifindex)
			return &env->devices[i];
	return NULL;
}

NFR_INLINE const struct nfr_iface *env_iface(struct env *env, __u32 ifindex)
{
	const struct device *device = device_find(env, ifindex);

	return device ? &device->iface : NULL;
}

NFR_INLINE int env_tunnel(struct env *env, __u32 ifindex)
{
	const struct device *device = device_find(env, ifindex);

	return device && !device->is_impostor;
}

NFR_INLINE const struct nfr_insn *env_insn(struct env *env, __u32 pc)
{
	return pc < env->image->insn_count ? &env->image->code[pc] : NULL;
}

#include "hash_user.h"

NFR_INLINE const struct nfr_rule *env_rule(struct env *env, __u32 rule)
{
	return rule < env->image->rule_count ? &env->image->rules[rule] : NULL;
}

NFR_INLINE const struct nfr_action *env_action(struct env *env, __u32 action)
{
	return action < env->action_count ? &env->actions[action] : NULL;
}

NFR_INLINE int env_table_has(struct env *env, __u32 table, __u32 family,
			     const __u32 *addr)
{
	return tableset_has(env->tables, table, family, addr);
}

/* The address becomes a member. Nonzero when that can not be. */
NFR_INLINE int env_table_add(struct env *env, const struct nfr_table_address *a)
{
	return tableset_add(env->tables, a);
}

NFR_INLINE void env_epoch_next(struct env *env)
{
	env->epoch++;
}

NFR_INLINE __u8 env_parse(struct env *env, struct packet_frame *frame,
			  struct verdict *v, __u32 ifid)
{
	(void)env;
	return packet_parse(frame, &v->packet, ifid);
}

/* 0, or nonzero when that is not in the capture. */
NFR_INLINE int env_load(struct env *env, const struct packet_frame *frame,
			__u32 off, void *to, __u32 len)
{
	(void)env;
	if ((size_t)off + len > (size_t)(frame->end - frame->start))
		return 1;
	memcpy(to, frame->start + off, len);
	return 0;
}

/* Frames of a capture stay as they are. */
NFR_INLINE __u32 env_checksum(struct env *env)
{
	(void)env;
	return UINT32_MAX;
}

NFR_INLINE __u32 env_segments(struct env *env)
{
	(void)env;
	return 0;
}

NFR_INLINE __u64 env_now(struct env *env)
{
	return env->now;
}

/* Frames of a capture have none. */
NFR_INLINE __u32 env_mark(struct env *env)
{
	(void)env;
	return 0;
}

/* Of the frame's socket, as the caller knows it. */
NFR_INLINE void env_owner(struct env *env, struct verdict *v)
{
	__u32 *w = v->packet.key.w;

	w[NFR_F_UID] = env->owner.has_socket ? env->owner.uid : NFR_NO_ID;
	w[NFR_F_GID] = env->owner.has_socket ? env->owner.gid : NFR_NO_ID;
	w[NFR_F_CGROUP] = env->owner.has_socket ? env->owner.cgroup : 0;
}

/* Who made the frame, as the caller knows it. */
NFR_INLINE void env_origin(struct env *env, struct verdict *v)
{
	v->packet.key.w[NFR_F_ORIGIN] = env->origin;
}

/* xorshift32 (Marsaglia): a capture is judged the same way each time. */
NFR_INLINE __u32 env_random(struct env *env)
{
	env->random ^= env->random << 13;
	env->random ^= env->random >> 17;
	env->random ^= env->random << 5;
	return env->random;
}

NFR_INLINE enum state_insert insert(struct hashmap *map, const void *key,
				    const void *value)
{
	int ret = hashmap_insert(map, key, value, HASHMAP_NOEXIST);

	if (ret == 0)
		return STATE_INSERTED;
	return ret == -EEXIST ? STATE_EXISTS : STATE_FULL;
}

NFR_INLINE struct nfr_state *env_state_find(struct env *env,
					    const struct nfr_state_key *key)
{
	return hashmap_find(env->states, key);
}

NFR_INLINE struct nfr_state *env_state_near(struct env *env,
					    const struct nfr_state_key *key)
{
	return env_state_find(env, key);
}

/* Places of states are not used again while one is looked at. */
NFR_INLINE __u32 env_flow(struct env *env, const struct nfr_state_key *name)
{
	(void)env;
	(void)name;
	return 1;
}

NFR_INLINE enum state_insert env_state_insert(struct env *env,
					      const struct nfr_state_key *key,
					      const struct nfr_state *state)
{
	return insert(env->states, key, state);
}

NFR_INLINE int env_state_delete(struct env *env,
				const struct nfr_state_key *key)
{
	return hashmap_delete(env->states, key);
}

NFR_INLINE __s32 env_states(struct env *env)
{
	return (__s32)hashmap_count(env->states);
}

/* The table counts by itself. */
NFR_INLINE void env_states_add(struct env *env, __s32 n)
{
	(void)env;
	(void)n;
}

NFR_INLINE __u32 env_epoch(struct env *env)
{
	return env->epoch;
}

NFR_INLINE __u32 env_kinds(struct env *env)
{
	return env->kinds;
}

NFR_INLINE void env_kinds_add(struct env *env, __u32 kinds)
{
	env->kinds |= kinds;
}

NFR_INLINE const struct nfr_state_key *
env_alias_find(struct env *env, const struct nfr_state_key *alias)
{
	return hashmap_find(env->aliases, alias);
}

NFR_INLINE enum state_insert env_alias_insert(struct env *env,
					      const struct nfr_state_key *alias,
					      const struct nfr_state_key *name)
{
	return insert(env->aliases, alias, name);
}

NFR_INLINE void env_alias_delete(struct env *env,
				 const struct nfr_state_key *alias)
{
	hashmap_delete(env->aliases, alias);
}

NFR_INLINE struct nfr_fragment *
env_fragment_find(struct env *env, const struct nfr_fragment_key *key)
{
	return hashmap_find(env->fragments, key);
}

NFR_INLINE int env_fragment_put(struct env *env,
				const struct nfr_fragment_key *key,
				const struct nfr_fragment *fragment)
{
	return hashmap_insert(env->fragments, key, fragment, HASHMAP_ANY);
}

NFR_INLINE void env_fragment_delete(struct env *env,
				    const struct nfr_fragment_key *key)
{
	hashmap_delete(env->fragments, key);
}

NFR_INLINE struct nfr_source *env_counted_find(struct env *env,
					       const struct nfr_source_key *key)
{
	return hashmap_find(env->counted, key);
}

NFR_INLINE enum state_insert
env_counted_insert(struct env *env, const struct nfr_source_key *key,
		   const struct nfr_source *source)
{
	return insert(env->counted, key, source);
}

NFR_INLINE void env_counted_delete(struct env *env,
				   const struct nfr_source_key *key)
{
	hashmap_delete(env->counted, key);
}

/* Of forget.h and limit.h, which ask this environment. */
NFR_INLINE int state_forget(struct env *env, const struct nfr_state_key *name,
			    const struct nfr_state *state);
NFR_INLINE int state_is_over(struct env *env, const struct nfr_state_key *name,
			     const struct nfr_state *state, __u64 now);
NFR_INLINE int limit_is_idle(struct nfr_source *entry, __u64 now,
			     const struct nfr_config *config);

static void forget_expired(void *arg, const void *key, void *state)
{
	struct env *env = arg;

	if (state_is_over(env, key, state, env->now))
		state_forget(env, key, state);
}

NFR_INLINE void env_state_sweep(struct env *env, __u64 now, __u32 hz)
{
	/* A clock that was set back is another second, too. */
	if (env->has_swept && now - env->last_sweep < hz)
		return;
	env->has_swept = true;
	env->last_sweep = now;
	hashmap_each(env->states, forget_expired, env);
}

static void drop_idle(void *arg, const void *key, void *entry)
{
	struct env *env = arg;

	if (limit_is_idle(entry, env->now, &env->config))
		hashmap_delete(env->counted, key);
}

NFR_INLINE void env_counted_sweep(struct env *env)
{
	if (env->has_swept_counted &&
	    (__s64)(env->now - env->counted_swept) < (__s64)env->config.hz)
		return;
	env->has_swept_counted = true;
	env->counted_swept = env->now;
	hashmap_each(env->counted, drop_idle, env);
}

/* ---- translation -------------------------------------------------------- */

NFR_INLINE const struct nfr_pool *env_pool(struct env *env, __u32 pool)
{
	return pool < env->pool_count ? &env->pools[pool] : NULL;
}

NFR_INLINE const struct nfr_pool_addr *env_pool_addr(struct env *env, __u32 at)
{
	return at < env->pool_addr_count ? &env->pool_addrs[at] : NULL;
}

/* Is it of one of the pool's entries? */
NFR_INLINE int env_pool_has(struct env *env, const struct nfr_pool *pool,
			    const struct pool_choice *chosen)
{
	for (__u32 i = 0; i < pool->count; i++) {
		const struct nfr_pool_addr *entry =
			env_pool_addr(env, pool->first + i);

		if (entry && pool_entry_gives(entry, chosen))
			return 1;
	}
	return 0;
}

/* 0, 1, 2, ... of each pool; survives policies. */
NFR_INLINE __u32 env_pool_turn(struct env *env, __u64 id)
{
	const __u32 none = 0;
	__u32 *turn = hashmap_find(env->turns, &id);

	if (!turn && hashmap_insert(env->turns, &id, &none, HASHMAP_ANY) == 0)
		turn = hashmap_find(env->turns, &id);
	return turn ? (*turn)++ : 0;
}

NFR_INLINE const struct pool_sticky *
env_sticky_find(struct env *env, const struct pool_sticky_key *key)
{
	return hashmap_find(env->sticky, key);
}

NFR_INLINE void env_sticky_put(struct env *env,
			       const struct pool_sticky_key *key,
			       const struct pool_sticky *sticky)
{
	hashmap_insert(env->sticky, key, sticky, HASHMAP_ANY);
}

/* How often the packet was sent elsewhere, as the caller knows it. */
NFR_INLINE __u32 env_hops(struct env *env)
{
	return env->hops;
}

/* Was it judged and rewritten here, and sent to here again? The same. */
NFR_INLINE int env_was_here(struct env *env)
{
	return env->was_here;
}

/* There are no devices that could lose one. */
NFR_INLINE int env_has_address(struct env *env, const struct verdict *v,
			       __u32 ifindex)
{
	(void)env;
	(void)v;
	(void)ifindex;
	return 1;
}

NFR_INLINE __u8 env_rewrite(struct env *env, const struct packet_frame *frame,
			    struct verdict *v)
{
	const struct rewrite_offload offload = {.place = REWRITE_NO_PLACE};
	struct apply *apply = &v->apply;
	__u8 doubt = rewrite_plan(frame, &v->packet, &apply->to, apply->hops,
				  apply->has_quoted ? &apply->quoted : NULL,
				  &apply->quoted_to, &offload, &apply->plan);

	for (int i = 0; !doubt && env->writable && i < REWRITE_SLOTS; i++) {
		const struct rewrite_edit *edit = &apply->plan.edit[i];

		if (edit->len)
			memcpy(env->writable + edit->off, edit->bytes,
			       edit->len);
	}
	return doubt;
}

/* ---- the slow path, called straight ------------------------------------- */

NFR_INLINE int slow_new(struct env *env, struct verdict *v);
NFR_INLINE int slow_again(struct env *env, struct verdict *v);
NFR_INLINE int slow_connected(struct env *env, struct verdict *v,
			      __u32 has_swept);
NFR_INLINE int slow_connect(struct env *env, struct verdict *v);
NFR_INLINE int decide_guard(struct env *env, struct verdict *v, __u32 which);
NFR_INLINE enum fragment_way fragment_judge(struct env *env, struct verdict *v);
NFR_INLINE void fragment_note(struct env *env, struct verdict *v);
NFR_INLINE enum icmp_way icmp_judge(struct env *env, struct verdict *v);
NFR_INLINE __u32 decide_run(struct env *env, struct verdict *v, __u32 which,
			    __u32 entry);
NFR_INLINE __u32 slow_recall(struct env *env, struct verdict *v);
NFR_INLINE enum slow_answer slow_settle(struct env *env, struct verdict *v,
					__u32 number);
NFR_INLINE int slow_advance(struct env *env, struct verdict *v,
			    struct nfr_state *state);
NFR_INLINE enum translate_result translate_try(struct env *env,
					       struct verdict *v, __u32 n);

NFR_INLINE int apply_run(struct env *env, struct packet_frame *frame,
			 struct verdict *v, __u32 kind);

NFR_INLINE int env_apply(struct env *env, struct packet_frame *frame,
			 struct verdict *v, __u32 kind)
{
	return apply_run(env, frame, v, kind);
}

NFR_INLINE int translate_choose(struct env *env, struct verdict *v, __u32 index,
				__u32 is_nat);

NFR_INLINE int env_slow_choose(struct env *env, struct verdict *v, __u32 index,
			       __u32 is_nat)
{
	return translate_choose(env, v, index, is_nat);
}

NFR_INLINE int translate_has(struct env *env, const struct verdict *v,
			     __u32 index);

NFR_INLINE int env_slow_has(struct env *env, struct verdict *v, __u32 index)
{
	return translate_has(env, v, index);
}

NFR_INLINE __u32 env_slow_try(struct env *env, struct verdict *v, __u32 n)
{
	return translate_try(env, v, n);
}

NFR_INLINE int env_slow_new(struct env *env, struct verdict *v)
{
	return slow_new(env, v);
}

NFR_INLINE int env_slow_again(struct env *env, struct verdict *v)
{
	return slow_again(env, v);
}

NFR_INLINE int look_behind(struct env *env, struct verdict *v);
NFR_INLINE int env_look_behind(struct env *env, struct verdict *v)
{
	return look_behind(env, v);
}

NFR_INLINE __u32 env_slow_recall(struct env *env, struct verdict *v)
{
	return slow_recall(env, v);
}

NFR_INLINE int env_slow_settle(struct env *env, struct verdict *v, __u32 number)
{
	return (int)slow_settle(env, v, number);
}

NFR_INLINE int env_slow_advance(struct env *env, struct verdict *v,
				struct nfr_state *state)
{
	return slow_advance(env, v, state);
}

NFR_INLINE int slow_ask(struct env *env, struct verdict *v, __u32 what);
NFR_INLINE int env_slow_ask(struct env *env, struct verdict *v, __u32 what)
{
	return slow_ask(env, v, what);
}

NFR_INLINE int slow_limits(struct env *env, struct verdict *v);
NFR_INLINE int env_slow_count(struct env *env, struct verdict *v)
{
	return slow_limits(env, v);
}

NFR_INLINE int env_slow_connected(struct env *env, struct verdict *v,
				  __u32 has_swept)
{
	return slow_connected(env, v, has_swept);
}

NFR_INLINE int env_slow_connect(struct env *env, struct verdict *v)
{
	return slow_connect(env, v);
}

NFR_INLINE void verdict_count_tables(struct env *env, const struct verdict *v,
				     __u32 dir, __u32 len);
NFR_INLINE void env_slow_tables(struct env *env, const struct verdict *v,
				__u32 dir, __u32 len)
{
	verdict_count_tables(env, v, dir, len);
}

NFR_INLINE int env_slow_guard(struct env *env, struct verdict *v, __u32 which)
{
	return decide_guard(env, v, which);
}

NFR_INLINE enum fragment_way env_slow_piece(struct env *env, struct verdict *v)
{
	return fragment_judge(env, v);
}

NFR_INLINE void env_slow_first(struct env *env, struct verdict *v)
{
	fragment_note(env, v);
}

NFR_INLINE __u8 icmp_read_quote(const struct packet_frame *frame,
				const struct packet *packet,
				struct icmp_quote *quote);
NFR_INLINE int env_quote(struct env *env, struct packet_frame *frame,
			 struct verdict *v)
{
	(void)env;
	return icmp_read_quote(frame, &v->packet, &v->quote);
}

NFR_INLINE enum icmp_way env_slow_error(struct env *env, struct verdict *v)
{
	return icmp_judge(env, v);
}

/* Code is the kernel's. */
NFR_INLINE __u32 env_native(struct env *env, const struct nfr_config *config,
			    struct verdict *v)
{
	(void)env;
	(void)config;
	(void)v;
	return NATIVE_NONE;
}

NFR_INLINE __u32 env_slow_run(struct env *env, struct verdict *v, __u32 which,
			      __u32 entry)
{
	return decide_run(env, v, which, entry);
}

NFR_INLINE __u32 decide_find(struct env *env, struct verdict *v, __u32 which,
			     __u32 entry);

NFR_INLINE __u32 env_slow_find(struct env *env, struct verdict *v, __u32 which,
			       __u32 entry)
{
	return decide_find(env, v, which, entry);
}

/* ---- counters and events ------------------------------------------------ */

NFR_INLINE void count(struct nfr_count *count, __u32 len)
{
	count->packets++;
	count->bytes += len;
}

NFR_INLINE void env_count_reason(struct env *env, __u32 dir, __u32 reason,
				 __u32 len)
{
	count(&env->reasons[dir * NFR_REASON_COUNT + reason], len);
}

NFR_INLINE void env_count_rule(struct env *env, __u32 rule, __u32 len)
{
	if (rule < env->image->rule_count)
		count(&env->rule_counts[rule], len);
}

NFR_INLINE const struct nfr_rule_tables *env_rule_tables(struct env *env,
							 __u32 rule)
{
	return rule < env->image->rule_count ? &env->rule_tables[rule] : NULL;
}

NFR_INLINE void env_count_entry(struct env *env, __u32 table, __u32 family,
				const __u32 *addr, __u32 cell, __u32 len)
{
	__u32 slot = tableset_slot(env->tables, table, family, addr);

	if (slot)
		count(&env->table_counts[NFR_TABLE_COUNT(slot, 0, 0) + cell],
		      len);
}

NFR_INLINE int env_trace_block(struct env *env)
{
	return env->trace_block;
}

NFR_INLINE struct nfr_event *env_event_new(struct env *env)
{
	if (!env->hook)
		return NULL;
	env->event.time_ns = env->now * (1000000000u / DATAPATH_HZ);
	return &env->event;
}

NFR_INLINE void env_event_send(struct env *env, struct nfr_event *event)
{
	env->hook(env->hook_arg, event);
}

#endif
