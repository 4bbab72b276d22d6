/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * translate.h: the pools of the rules that apply to a flow's first packet ->
 * its addresses, the names that they have, and a state.
 *
 * Overview
 *   translate_begin() copies the packet's key to v->other. Each rule that
 *   applies changes that copy at once (translate_rule()), so that later rules
 *   see it; ports of nat are chosen at the end, when a name is to be reserved
 *   (translate_try()). translate_keep() inserts state and alias.
 *
 *   A state is judged again in the same way, but each pool then "gives" what
 *   the state has (translate_again()); translate_holds() says whether that is
 *   still what these pools could give.
 *
 * Invariants
 *   - Inserting the wire's name is the reservation: no two living flows share
 *     one, nor the alias, which is how the host tells them apart.
 *   - The name goes in before its alias, the alias goes out with its state; an
 *     alias whose state is not there is nothing, and gives way.
 *   - No free name within POOL_CANDIDATES, an empty pool, a pool of the other
 *     family, an address that "(if)" gives and the interface has lost: the
 *     packet blocks, reason translate, and nothing stays behind.
 *
 * Two first packets of one flow at once (two CPUs): the later one finds the
 * name or the alias taken by a state that it continues, and goes by that.
 */
#ifndef NFR_TRANSLATE_H
#define NFR_TRANSLATE_H

#include "forget.h"
#include "pool.h"
#include "scratch.h"
#include "state.h"

/* Of slow.h. */
NFR_INLINE enum state_insert slow_reserve(struct env *env,
					  const struct nfr_config *config,
					  struct verdict *v);

NFR_INLINE void translate_copy(__u32 to[4], const __u32 from[4])
{
	for (int i = 0; i < 4; i++)
		to[i] = from[i];
}

NFR_INLINE int translate_has_ports(const struct nfr_key *key)
{
	return key->w[NFR_F_PROTO] == PACKET_TCP ||
	       key->w[NFR_F_PROTO] == PACKET_UDP;
}

/* key: of the flow's first packet, as it came to the hook. */
NFR_INLINE void translate_begin(struct verdict *v, const struct nfr_key *key)
{
	struct translation *x = &v->translation;

	if (key != &v->other)
		v->other = *key;
	x->nat = x->rdr = NFR_NO_POOL;
	x->nat_of = x->rdr_of = 0;
	x->is_translated = 0;
	x->pools = 0;
}

/* ---- choosing ------------------------------------------------------------ */

NFR_INLINE void translate_draw(struct env *env, const struct nfr_pool *pool,
			       struct pool_draw *draw)
{
	draw->entry = env_random(env);
	draw->host = env_random(env);
	draw->port = env_random(env);
	draw->turn = 0;
	if (pool->type == NFR_POOL_ROUND_ROBIN)
		draw->turn = env_pool_turn(env, pool->id);
}

NFR_INLINE void translate_sticky_key(const struct verdict *v,
				     const struct nfr_pool *pool,
				     struct pool_sticky_key *out)
{
	out->pool = pool->id;
	translate_copy(out->source, &v->packet.key.w[NFR_F_SRC0]);
	out->family = pool->family;
	out->reserved = 0;
}

/* The address that this source had, if the pool still has it; or nothing. */
NFR_INLINE const struct nfr_pool_addr *
translate_stuck(struct env *env, struct verdict *v, const struct nfr_pool *pool,
		__u32 addr[4])
{
	const struct nfr_pool_addr *entry;
	const struct pool_sticky *stuck;
	struct pool_sticky_key key;

	translate_sticky_key(v, pool, &key);
	stuck = env_sticky_find(env, &key);
	if (!stuck || stuck->at >= pool->count)
		return 0;
	entry = env_pool_addr(env, pool->first + stuck->at);
	if (!entry || !pool_entry_has(entry, stuck->addr))
		return 0;
	translate_copy(addr, stuck->addr);
	return entry;
}

/*
 * Draws from the pool of this index for the packet, into v->translation.chosen.
 * is_nat: it replaces v->other's source, else its destination. Nonzero: the
 * pool gives nothing. In the kernel a subprogram.
 */
NFR_INLINE int translate_choose(struct env *env, struct verdict *v, __u32 index,
				__u32 is_nat)
{
	const __u32 *source = &v->packet.key.w[NFR_F_SRC0];
	const __u32 *replaced = &v->other.w[is_nat ? NFR_F_SRC0 : NFR_F_DST0];
	struct pool_choice *chosen = &v->translation.chosen;
	struct pool_draw *draw = &v->translation.draw;
	const struct nfr_pool *pool = env_pool(env, index);
	const struct nfr_pool_addr *entry = 0;
	struct pool_sticky_key key;
	struct pool_sticky stuck;

	if (!pool || !pool_is_usable(pool, v->packet.key.w[NFR_F_FAMILY]))
		return 1;
	translate_draw(env, pool, draw);
	if (pool->flags & NFR_POOL_STICKY)
		entry = translate_stuck(env, v, pool, chosen->addr);
	if (!entry) {
		stuck.at = pool_entry(pool, source, draw);
		entry = env_pool_addr(env, pool->first + stuck.at);
		if (!entry)
			return 1;
		pool_address(pool, entry, source, replaced, draw, chosen->addr);
		if (pool->flags & NFR_POOL_STICKY) {
			translate_sticky_key(v, pool, &key);
			translate_copy(stuck.addr, chosen->addr);
			env_sticky_put(env, &key, &stuck);
		}
	}
	chosen->ifindex = entry->ifindex;
	chosen->port = pool_rdr_port(pool, entry->shift,
				     v->other.w[NFR_F_DPORT], draw);
	return 0;
}

/* One pool of a rule changes v->other. Nonzero: it can not. */
NFR_INLINE int translate_by(struct env *env, struct verdict *v, __u32 index,
			    int is_nat, int is_again)
{
	struct translation *x = &v->translation;
	__u32 *w = v->other.w, *at = &w[is_nat ? NFR_F_SRC0 : NFR_F_DST0];
	__u32 port = x->had.dport;

	x->is_translated = 1;
	if (is_nat)
		x->nat = index;
	else
		x->rdr = index;
	if (is_again) {
		translate_copy(at, is_nat ? x->had.src : x->had.dst);
	} else {
		if (env_slow_choose(env, v, index, is_nat))
			return 1;
		translate_copy(at, x->chosen.addr);
		port = x->chosen.port;
		*(is_nat ? &x->nat_of : &x->rdr_of) = x->chosen.ifindex;
	}
	if (!is_nat && translate_has_ports(&v->other))
		w[NFR_F_DPORT] = port;
	return 0;
}

/* What a pool is asked for. */
enum translate_use {
	TRANSLATE_RDR = 1,
	TRANSLATE_NAT,
	TRANSLATE_ROUTE,
	TRANSLATE_REPLY,
	TRANSLATE_DUP
};

/* Which pools applied, in their order, and for what. */
NFR_INLINE void translate_note(struct env *env, struct verdict *v, __u32 index,
			       enum translate_use use)
{
	const struct nfr_pool *pool;

	if (index == NFR_NO_POOL)
		return;
	pool = env_pool(env, index);
	v->translation.pools = (v->translation.pools ^ (pool ? pool->id : 0) ^
				use) * 0x100000001b3ull +
			       1;
}

/*
 * A rule applies to the packet: its pools change v->other, and it becomes known
 * where the packet goes. action may be NULL. is_again, a constant: its state is
 * judged again, after translate_again(). Nonzero: the reason is set.
 */
NFR_INLINE int translate_rule(struct env *env, struct verdict *v,
			      const struct nfr_action *action, int is_again)
{
	if (!action)
		return 0;
	translate_note(env, v, action->rdr, TRANSLATE_RDR);
	translate_note(env, v, action->nat, TRANSLATE_NAT);
	translate_note(env, v, action->route_to, TRANSLATE_ROUTE);
	translate_note(env, v, action->reply_to, TRANSLATE_REPLY);
	translate_note(env, v, action->dup_to, TRANSLATE_DUP);
	if ((action->rdr != NFR_NO_POOL &&
	     translate_by(env, v, action->rdr, 0, is_again)) ||
	    (action->nat != NFR_NO_POOL &&
	     translate_by(env, v, action->nat, 1, is_again))) {
		v->result.reason = NFR_REASON_TRANSLATE;
		return 1;
	}
	return 0;
}

/* ---- hops ---------------------------------------------------------------- */

/* Nonzero when the pool of next hops gives none that this policy knows. */
NFR_INLINE int translate_hop(struct env *env, struct verdict *v, __u32 index,
			     struct nfr_hop *hop)
{
	const struct pool_choice *chosen = &v->translation.chosen;

	if (env_slow_choose(env, v, index, 0))
		return 1;
	translate_copy(hop->addr, chosen->addr);
	hop->ifindex = chosen->ifindex ? chosen->ifindex : v->ifindex;
	return env_iface(env, hop->ifindex) == 0;
}

/* Where the flow's packets are sent, and copies of them, into v->fresh. */
NFR_INLINE int translate_hops(struct env *env, struct verdict *v,
			      const struct nfr_action *action)
{
	__u32 dir = v->packet.key.w[NFR_F_DIR] & 1;
	struct nfr_state *fresh = &v->fresh;

	fresh->pools = v->translation.pools;
	if (!action)
		return 0;
	if (action->route_to != NFR_NO_POOL) {
		if (translate_hop(env, v, action->route_to, &fresh->hop[dir]))
			return 1;
		fresh->flags |= NFR_STATE_HAS_HOP;
	}
	if (action->reply_to != NFR_NO_POOL) {
		if (translate_hop(env, v, action->reply_to, &fresh->hop[!dir]))
			return 1;
		fresh->flags |= NFR_STATE_HAS_HOP;
	}
	if (action->dup_to != NFR_NO_POOL) {
		if (translate_hop(env, v, action->dup_to, &fresh->copy))
			return 1;
		fresh->flags |= NFR_STATE_HAS_COPY;
	}
	return 0;
}

/* ---- names --------------------------------------------------------------- */

/* near and far of a packet with these ports, by its direction. */
NFR_INLINE void translate_ends(const struct nfr_key *key, __u32 sport,
			       __u32 dport, struct nfr_endpoints *out)
{
	int is_out = key->w[NFR_F_DIR] == NFR_DIR_OUT;
	const __u32 *src = &key->w[NFR_F_SRC0], *dst = &key->w[NFR_F_DST0];

	translate_copy(out->near_addr, is_out ? src : dst);
	translate_copy(out->far_addr, is_out ? dst : src);
	out->near_port = (__u16)(is_out ? sport : dport);
	out->far_port = (__u16)(is_out ? dport : sport);
}

NFR_INLINE void translate_name(struct nfr_state_key *name,
			       const struct nfr_endpoints *ends)
{
	translate_copy(name->near_addr, ends->near_addr);
	translate_copy(name->far_addr, ends->far_addr);
	name->near_port = ends->near_port;
	name->far_port = ends->far_port;
}

/* The source port of candidate n, and the destination's, of v->other. */
NFR_INLINE int translate_ports(struct env *env, struct verdict *v, __u32 n,
			       struct nfr_endpoints *out)
{
	struct translation *x = &v->translation;
	int has_ports = translate_has_ports(&v->other);
	int is_echo = v->role == STATE_REQUEST;
	__u32 sport = x->sport, dport = x->dport;
	const struct nfr_pool *pool;

	if (has_ports)
		dport = v->other.w[NFR_F_DPORT];
	if (x->nat != NFR_NO_POOL) {
		pool = env_pool(env, x->nat);
		if (!pool ||
		    n >= pool_nat_candidates(pool, has_ports || is_echo))
			return 1;
		sport = pool_nat_port(pool, has_ports || is_echo, is_echo,
				      sport, &x->draw, n);
	} else if (n > 0) {
		return 1;
	}
	if (has_ports)
		v->other.w[NFR_F_SPORT] = sport;
	if (is_echo)
		dport = sport;
	translate_ends(&v->other, sport, dport, out);
	return 0;
}

/* Does a living flow own this alias? What does not gives way. */
NFR_INLINE struct nfr_state *translate_owner(struct env *env,
					     const struct nfr_state_key *alias,
					     struct nfr_state_key *name)
{
	const struct nfr_state_key *found = env_alias_find(env, alias);
	struct nfr_state *state;

	if (!found)
		return 0;
	*name = *found;
	state = env_state_find(env, name);
	if (state && state->flags & NFR_STATE_IS_TRANSLATED &&
	    state_is_alive(state, env_now(env)))
		return state;
	env_alias_delete(env, alias);
	return 0;
}

/* v->fresh becomes a copy of the state that the packet goes by. */
NFR_INLINE enum translate_result
translate_adopt(struct verdict *v, const struct nfr_state_key *name,
		const struct nfr_state *state)
{
	v->name = *name;
	v->fresh = *state;
	return TRANSLATE_ADOPT;
}

/* Inserts v->fresh's alias; its state is in as v->name. */
NFR_INLINE enum translate_result translate_alias(struct env *env,
						 struct verdict *v)
{
	struct translation *x = &v->translation;
	enum state_insert ret;
	struct nfr_state *owner;

	env_kinds_add(env, NFR_CONFIG_TRANSLATES);
	state_alias(&v->name, &v->fresh, &x->alias);
	ret = env_alias_insert(env, &x->alias, &v->name);
	if (ret == STATE_EXISTS) {
		owner = translate_owner(env, &x->alias, &x->owner);
		if (owner && state_same_key(&x->owner, &v->name))
			ret = STATE_INSERTED; /* one before us left it */
		else if (!owner)
			ret = env_alias_insert(env, &x->alias, &v->name);
	}
	if (ret == STATE_INSERTED)
		return TRANSLATE_DONE;
	if (env_state_delete(env, &v->name) == 0)
		env_states_add(env, -1);
	else /* by state_forget(), which took it back */
		v->counted = v->fresh.counted = 0;
	if (ret == STATE_EXISTS)
		return TRANSLATE_NEXT;
	v->result.reason = NFR_REASON_STATE_FULL;
	return TRANSLATE_FAILED;
}

/* Tries candidate n; in the kernel a subprogram. */
NFR_INLINE enum translate_result translate_try(struct env *env,
					       struct verdict *v, __u32 n)
{
	const struct nfr_config *config = env_config(env);
	struct translation *x = &v->translation;
	struct nfr_state *old;
	enum state_insert ret;

	if (!config || translate_ports(env, v, n, &x->ends)) {
		v->result.reason = NFR_REASON_TRANSLATE;
		return TRANSLATE_FAILED;
	}
	if (v->packet.key.w[NFR_F_DIR] == NFR_DIR_OUT)
		translate_name(&v->name, &x->ends);
	else
		v->fresh.stack = x->ends;
	ret = slow_reserve(env, config, v);
	if (ret == STATE_INSERTED)
		return translate_alias(env, v);
	if (ret == STATE_FULL) {
		v->result.reason = NFR_REASON_STATE_FULL;
		return TRANSLATE_FAILED;
	}
	if (v->packet.key.w[NFR_F_DIR] == NFR_DIR_OUT)
		return TRANSLATE_NEXT;
	old = env_state_find(env, &v->name);
	if (old && state_continues(old, &v->packet.key, v->role))
		return translate_adopt(v, &v->name, old);
	v->result.reason = NFR_REASON_TRANSLATE;
	return TRANSLATE_FAILED;
}

/* A first packet that goes out: the flow of its alias, if it is over, ends. */
NFR_INLINE void translate_gives_way(struct env *env, struct verdict *v)
{
	struct translation *x = &v->translation;
	struct nfr_state *owner = translate_owner(env, &v->name, &x->owner);

	if (owner && !state_continues(owner, &v->packet.key, v->role))
		state_forget_with(env, &x->owner, owner, &v->forgotten);
}

/*
 * A first packet that goes out: is its flow there already, under the alias that
 * the packet is of? One that it does not continue ends.
 */
NFR_INLINE int translate_is_there(struct env *env, struct verdict *v)
{
	struct translation *x = &v->translation;
	struct nfr_state *owner;

	owner = translate_owner(env, &v->name, &x->owner);
	if (!owner)
		return 0;
	if (state_continues(owner, &v->packet.key, v->role)) {
		translate_adopt(v, &x->owner, owner);
		return 1;
	}
	env_slow_ask(env, v, SLOW_FORGET_OWNER);
	return 0;
}

/*
 * Inserts v->fresh with the addresses of v->other, under a name that is free.
 * v->name is the packet's own, v->fresh begun.
 */
NFR_INLINE enum translate_result translate_keep(struct env *env,
						struct verdict *v)
{
	struct translation *x = &v->translation;
	int is_out = v->packet.key.w[NFR_F_DIR] == NFR_DIR_OUT;
	enum translate_result ret = TRANSLATE_NEXT;

	x->sport = is_out ? v->name.near_port : v->name.far_port;
	x->dport = is_out ? v->name.far_port : v->name.near_port;
	v->fresh.flags |= NFR_STATE_IS_TRANSLATED;
	if (is_out) {
		if (translate_is_there(env, v))
			return TRANSLATE_ADOPT;
		translate_ends(&v->packet.key, x->sport, x->dport,
			       &v->fresh.stack);
	}
	for (__u32 n = 0; n < POOL_CANDIDATES; n++) {
		ret = env_slow_try(env, v, n);
		if (ret != TRANSLATE_NEXT)
			return ret;
	}
	v->result.reason = NFR_REASON_TRANSLATE;
	return TRANSLATE_FAILED;
}

/*
 * reply-to: what answers may be routed to another device than the flow's. It is
 * found there by its alias of any device.
 */
NFR_INLINE void translate_answer(struct env *env, struct verdict *v)
{
	struct nfr_state_key *alias = &v->translation.alias;

	if (!(v->fresh.flags & NFR_STATE_HAS_HOP) ||
	    v->fresh.dir != NFR_DIR_IN || !v->fresh.hop[NFR_DIR_OUT].ifindex)
		return;
	state_alias(&v->name, &v->fresh, alias);
	alias->ifindex = STATE_ANSWERS;
	env_alias_delete(env, alias);
	env_alias_insert(env, alias, &v->name);
}

/* Has the device that the address was taken from lost it? */
NFR_INLINE int translate_is_lost(struct env *env, struct verdict *v,
				 const __u32 addr[4], __u32 ifindex)
{
	if (!ifindex)
		return 0;
	translate_copy(v->translation.chosen.addr, addr);
	return !env_has_address(env, v, ifindex);
}

/* Of a flow just made: what "(if)" gave is the interface's no more. */
NFR_INLINE int translate_is_stale(struct env *env, struct verdict *v)
{
	const struct nfr_endpoints *stack = &v->fresh.stack;
	const struct translation *x = &v->translation;
	int is_out = v->packet.key.w[NFR_F_DIR] == NFR_DIR_OUT;

	return translate_is_lost(env, v,
				 is_out ? v->name.near_addr : stack->far_addr,
				 x->nat_of) ||
	       translate_is_lost(env, v,
				 is_out ? v->name.far_addr : stack->near_addr,
				 x->rdr_of);
}

/* Does the packet leave as something else than it is here? */
NFR_INLINE int translate_leaves(const struct verdict *v)
{
	return v->translation.is_translated &&
	       v->packet.key.w[NFR_F_DIR] == NFR_DIR_OUT;
}

/* Into v->other: the key of the packet, that goes out, on the wire. */
NFR_INLINE void translate_wire(struct verdict *v,
			       const struct nfr_state_key *name)
{
	__u32 *w = v->other.w;

	v->other = v->packet.key;
	translate_copy(&w[NFR_F_SRC0], name->near_addr);
	translate_copy(&w[NFR_F_DST0], name->far_addr);
	if (translate_has_ports(&v->other)) {
		w[NFR_F_SPORT] = name->near_port;
		w[NFR_F_DPORT] = name->far_port;
	}
}

/* ---- judging again ------------------------------------------------------- */

/* Before the rules run on v->other: what each pool is going to give. */
NFR_INLINE void translate_again(struct verdict *v,
				const struct nfr_state_key *name,
				const struct nfr_state *state)
{
	struct translation *x = &v->translation;

	translate_begin(v, &v->other);
	if (state->dir == NFR_DIR_OUT) {
		translate_copy(x->had.src, name->near_addr);
		translate_copy(x->had.dst, name->far_addr);
		x->had.dport = name->far_port;
	} else {
		translate_copy(x->had.src, state->stack.far_addr);
		translate_copy(x->had.dst, state->stack.near_addr);
		x->had.dport = state->stack.near_port;
	}
}

/* Could the pool give v->translation.chosen? In the kernel a subprogram. */
NFR_INLINE int translate_has(struct env *env, const struct verdict *v,
			     __u32 index)
{
	const struct nfr_pool *pool = env_pool(env, index);

	return pool && pool->count &&
	       env_pool_has(env, pool, &v->translation.chosen);
}

/* The same of an address, and of a device if ifindex is one. No pool: yes. */
NFR_INLINE int translate_gives(struct env *env, struct verdict *v, __u32 index,
			       const __u32 addr[4], __u32 ifindex)
{
	struct pool_choice *chosen = &v->translation.chosen;

	if (index == NFR_NO_POOL)
		return 1;
	translate_copy(chosen->addr, addr);
	chosen->ifindex = ifindex;
	return env_slow_has(env, v, index);
}

/* By the pools of the rule that decides. action may be NULL. */
NFR_INLINE int translate_hops_hold(struct env *env, struct verdict *v,
				   const struct nfr_action *action,
				   const struct nfr_state *state)
{
	const struct nfr_hop *go = &state->hop[state->dir & 1];
	const struct nfr_hop *back = &state->hop[!(state->dir & 1)];
	const struct nfr_hop *copy = &state->copy;

	return !action || (translate_gives(env, v, action->route_to, go->addr,
					   go->ifindex) &&
			   translate_gives(env, v, action->reply_to, back->addr,
					   back->ifindex) &&
			   translate_gives(env, v, action->dup_to, copy->addr,
					   copy->ifindex));
}

/*
 * Would the state's translation still be made, and its hops be given, by the
 * pools that applied? What their tables hold may have changed.
 */
NFR_INLINE int translate_holds(struct env *env, struct verdict *v,
			       const struct nfr_action *action,
			       const struct nfr_state *state)
{
	const struct translation *x = &v->translation;

	return state->pools == x->pools &&
	       translate_gives(env, v, x->nat, x->had.src, 0) &&
	       translate_gives(env, v, x->rdr, x->had.dst, 0) &&
	       translate_hops_hold(env, v, action, state);
}

#endif
