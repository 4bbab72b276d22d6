/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_effects.c: effects and state options of rules -> actions, pools and
 * their addresses, and what "set" says -> the config.
 *
 * A pool's id is a hash of what it is: its kind, how it chooses, its ports and
 * members, tables by name. It does not depend on where the pool stands, nor on
 * the addresses that an interface has, so that states know it after a reload.
 */
#include "image_effects.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAT_PORT_FIRST 50001 /* pf.conf(5): where nat-to says no ports */
#define NAT_PORT_LAST 65535

enum pool_use { USE_NAT, USE_RDR, USE_ROUTE };

struct maker {
	const struct policy *policy;
	struct image_effects *out;
	int error;
};

/* Room for one more; NULL, with the error set, when there is none. */
static void *maker_room(struct maker *m, void *items, size_t count,
			size_t *capacity, size_t item_len, size_t most)
{
	void *grown;

	if (m->error)
		return NULL;
	if (count >= most) {
		m->error = -E2BIG;
		return NULL;
	}
	if (count < *capacity)
		return items;
	grown = reallocarray(items, 2 * *capacity + 16, item_len);
	if (!grown)
		m->error = -ENOMEM;
	else
		*capacity = 2 * *capacity + 16;
	return grown;
}

/* ---- pools ------------------------------------------------------------- */

static void pool_text_target(const struct policy *p,
			     const struct policy_target *t, FILE *out)
{
	char first[ADDR_TEXT_MAX], last[ADDR_TEXT_MAX];

	if (t->kind == POLICY_TARGET_TABLE)
		fprintf(out, " <%s>", p->tables[t->table].name);
	else
		fprintf(out, " %s-%s/%d",
			addr_format(&t->first, t->family, first),
			addr_format(&t->last, t->family, last), t->prefix_len);
	if (t->iface)
		fprintf(out, "@%s", t->iface);
	fprintf(out, "*%u", t->weight);
}

/* What the pool is, in one line. */
static void pool_text(const struct policy *p, const struct policy_pool *pool,
		      const struct nfr_pool *made, enum pool_use use, FILE *out)
{
	fprintf(out, "%d %u %u %u %u:%u %u", (int)use, made->family, made->type,
		made->flags, made->port_low, made->port_high,
		pool->has_port ? pool->port_base : 0);
	for (unsigned i = 0; i < 4; i++)
		fprintf(out, " %08x", made->key[i]);
	for (size_t i = 0; i < pool->target_count; i++)
		pool_text_target(p, &pool->targets[i], out);
}

static __u64 pool_id(struct maker *m, const struct policy_pool *pool,
		     const struct nfr_pool *made, enum pool_use use)
{
	__u8 digest[SHA256_DIGEST_LENGTH];
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	SHA2_CTX ctx;
	__u64 id = 0;

	if (!out) {
		m->error = -ENOMEM;
		return 0;
	}
	pool_text(m->policy, pool, made, use, out);
	if (fclose(out) != 0) {
		m->error = -ENOMEM;
		free(text);
		return 0;
	}
	SHA256Init(&ctx);
	SHA256Update(&ctx, (const __u8 *)text, len);
	SHA256Final(digest, &ctx);
	free(text);
	for (unsigned i = 0; i < 8; i++)
		id = id << 8 | digest[i];
	return id ? id : 1; /* 0 is no pool */
}

static void addr_add(struct maker *m, struct image_pool_addr addr)
{
	struct image_effects *out = m->out;
	struct image_pool_addr *room =
		maker_room(m, out->addrs, out->addr_count, &out->addr_capacity,
			   sizeof(*room), NFR_POOL_ADDR_MAX);

	if (!room)
		return;
	out->addrs = room;
	room[out->addr_count++] = addr;
}

static void prefix_add(struct maker *m, struct addr first, unsigned len,
		       struct image_pool_addr addr)
{
	for (unsigned i = 0; i < 4; i++) {
		unsigned bits = len > 32 * i ? len - 32 * i : 0;

		addr.mask[i] = bits >= 32 ? UINT32_MAX
					  : ~(uint32_t)(UINT32_MAX >> bits);
		addr.first[i] = first.w[i];
	}
	addr_add(m, addr);
}

/* Adds 1; true when it went around. */
static bool addr_step(struct addr *a, enum addr_family family)
{
	for (int i = family == FAMILY_IPV4 ? 0 : 3; i >= 0; i--)
		if (++a->w[i])
			return false;
	return true;
}

/* first..last as the fewest prefixes. */
static void range_add(struct maker *m, enum addr_family family,
		      struct addr first, const struct addr *last,
		      struct image_pool_addr addr)
{
	for (;;) {
		unsigned len = addr_bits(family);
		struct addr end = first;

		while (len > 0) {
			struct addr low = addr_first(first, family, len - 1);
			struct addr high = addr_last(first, family, len - 1);

			if (addr_compare(&low, &first) != 0 ||
			    addr_compare(&high, last) > 0)
				break;
			end = high;
			len--;
		}
		prefix_add(m, first, len, addr);
		if (m->error || addr_compare(&end, last) >= 0 ||
		    addr_step(&end, family))
			return;
		first = end;
	}
}

static void target_add(struct maker *m, const struct policy_pool *pool,
		       const struct policy_target *t, unsigned family)
{
	struct image_pool_addr addr = {
		.table = NFR_NO_TABLE,
		.shift = pool->has_port ? pool->port_base : 0,
		.ifid = t->ifid,
		.weight = t->weight ? t->weight : 1,
	};

	if (t->kind == POLICY_TARGET_TABLE) {
		addr.table = t->table;
		addr_add(m, addr);
	} else if ((unsigned)t->family != family) {
		return;
	} else if (pool->type == AST_POOL_PLAIN) {
		prefix_add(m, t->first, addr_bits(t->family), addr);
	} else if (t->prefix_len >= 0) {
		prefix_add(m, t->first, (unsigned)t->prefix_len, addr);
	} else {
		range_add(m, t->family, t->first, &t->last, addr);
	}
}

static void pool_ports(const struct policy_pool *pool, enum pool_use use,
		       struct nfr_pool *out)
{
	if (pool->is_static_port)
		out->flags |= NFR_POOL_STATIC_PORT;
	if (pool->has_port) {
		out->port_low = pool->port_first;
		out->port_high = pool->port_last;
		if (use == USE_NAT && out->port_low > out->port_high) {
			/* As in pf_get_sport(): either end may be first. */
			out->port_low = pool->port_last;
			out->port_high = pool->port_first;
		}
	} else if (use == USE_NAT && !pool->is_static_port) {
		out->port_low = NAT_PORT_FIRST;
		out->port_high = NAT_PORT_LAST;
	}
	if (use == USE_RDR && out->port_low != out->port_high)
		out->flags |= NFR_POOL_PORT_SHIFT;
}

static void pool_key(const struct policy_pool *pool, struct nfr_pool *out)
{
	if (pool->type != AST_POOL_SOURCE_HASH)
		return;
	if (!pool->has_hash_key)
		out->reserved |= IMAGE_POOL_DRAW;
	for (unsigned i = 0; i < 16 && pool->has_hash_key; i++)
		out->key[i / 4] = out->key[i / 4] << 8 | pool->hash_key[i];
}

/* Index of the new pool. */
static __u32 pool_add_family(struct maker *m, const struct policy_pool *pool,
			     enum pool_use use, unsigned family)
{
	static const __u8 types[] = {
		[AST_POOL_PLAIN] = NFR_POOL_ROUND_ROBIN,
		[AST_POOL_BITMASK] = NFR_POOL_BITMASK,
		[AST_POOL_RANDOM] = NFR_POOL_RANDOM,
		[AST_POOL_SOURCE_HASH] = NFR_POOL_SOURCE_HASH,
		[AST_POOL_ROUND_ROBIN] = NFR_POOL_ROUND_ROBIN,
		[AST_POOL_LEAST_STATES] = NFR_POOL_LEAST_STATES,
	};
	struct image_effects *out = m->out;
	struct nfr_pool *room =
		maker_room(m, out->pools, out->pool_count, &out->pool_capacity,
			   sizeof(*room), NFR_POOL_MAX);
	struct nfr_pool made = {.first = (__u32)out->addr_count,
				.type = types[pool->type],
				.family = (__u8)family};

	if (!room)
		return NFR_NO_POOL;
	out->pools = room;
	if (pool->type == AST_POOL_PLAIN)
		made.reserved |= IMAGE_POOL_FIRST;
	if (pool->is_sticky)
		made.flags |= NFR_POOL_STICKY;
	pool_ports(pool, use, &made);
	pool_key(pool, &made);
	for (size_t i = 0; i < pool->target_count; i++)
		target_add(m, pool, &pool->targets[i], family);
	made.count = (__u32)(out->addr_count - made.first);
	made.id = pool_id(m, pool, &made, use);
	room[out->pool_count++] = made;
	return (__u32)out->pool_count - 1;
}

/* For each family that the rule takes, IPv4 first. */
static __u32 pool_add_for(struct maker *m, const struct policy_rule *rule,
			  const struct policy_pool *pool, enum pool_use use)
{
	unsigned families = rule->match.families;
	__u32 first = NFR_NO_POOL;

	for (size_t i = 0; i < rule->within_count; i++)
		families &= rule->within[i].families;
	for (unsigned f = NFR_FAMILY_IPV4; pool && f <= NFR_FAMILY_IPV6; f++) {
		__u32 made;

		if (!(families & 1u << f))
			continue;
		made = pool_add_family(m, pool, use, f);
		if (first == NFR_NO_POOL)
			first = made;
	}
	return first;
}

/* ---- actions ----------------------------------------------------------- */

static __u32 state_flags(const struct ast_state_options *o)
{
	__u32 flags = 0;

	if (o->is_sloppy)
		flags |= NFR_ACTION_SLOPPY;
	if (o->track == AST_TRACK_RULE)
		flags |= NFR_ACTION_TRACK_RULE;
	else if (o->track != AST_TRACK_NONE)
		flags |= NFR_ACTION_TRACK_GLOBAL;
	if (o->is_flush)
		flags |= NFR_ACTION_FLUSH;
	if (o->is_flush_global)
		flags |= NFR_ACTION_FLUSH_GLOBAL;
	return flags;
}

static void action_state(const struct policy_state *state,
			 struct nfr_action *out)
{
	const struct ast_state_options *o = state->options;

	out->flags |= state_flags(o);
	out->overload =
		state->overload == POLICY_NONE ? NFR_NO_TABLE : state->overload;
	out->max_states = o->max;
	out->max_src_nodes = o->max_src_nodes;
	out->max_src_states = o->max_src_states;
	out->max_src_conn = o->max_src_conn;
	out->rate_conns = o->rate_seconds ? o->rate_conns : 0;
	out->rate_seconds = o->rate_conns ? o->rate_seconds : 0;
	for (unsigned i = 0; i < NFR_TIMEOUT_COUNT; i++)
		if (o->timeouts_given & 1u << i)
			out->timeouts[i] = o->timeouts[i];
}

static bool has_pools(const struct policy_effects *e)
{
	return e && !e->is_no &&
	       (e->nat || e->rdr || e->route_to || e->reply_to || e->dup_to);
}

static bool needs_action(const struct policy_rule *rule)
{
	return has_pools(rule->effects) ||
	       (rule->keeps_state && (rule->state || rule->is_floating));
}

/* Where packets come in that the rule may apply to. */
static __u32 in_ifid(const struct policy_rule *rule)
{
	const struct policy_match *m = &rule->match;
	__u32 ifid = m->on_any || m->on_negated ? NFR_IN_ANYWHERE : m->ifid;
	unsigned dirs = m->dirs;

	for (size_t i = 0; i < rule->within_count; i++) {
		m = &rule->within[i];
		dirs &= m->dirs;
		if (ifid == NFR_IN_ANYWHERE && !m->on_any && !m->on_negated)
			ifid = m->ifid;
	}
	return dirs & 1u << NFR_DIR_IN ? ifid : NFR_IN_NOWHERE;
}

static struct nfr_action action_make(struct maker *m,
				     const struct policy_rule *rule)
{
	static const struct policy_effects none = {.nat = NULL};
	const struct policy_effects *e =
		has_pools(rule->effects) ? rule->effects : &none;
	struct nfr_action out = {.rule_id = rule->id,
				 .overload = NFR_NO_TABLE,
				 .in_ifid = in_ifid(rule)};

	out.nat = pool_add_for(m, rule, e->nat, USE_NAT);
	out.rdr = pool_add_for(m, rule, e->rdr, USE_RDR);
	out.route_to = pool_add_for(m, rule, e->route_to, USE_ROUTE);
	out.reply_to = pool_add_for(m, rule, e->reply_to, USE_ROUTE);
	out.dup_to = pool_add_for(m, rule, e->dup_to, USE_ROUTE);
	if (rule->keeps_state && rule->is_floating)
		out.flags |= NFR_ACTION_FLOATING;
	if (rule->keeps_state && rule->state)
		action_state(rule->state, &out);
	return out;
}

static void action_add(struct maker *m, size_t number)
{
	const struct policy_rule *rule = &m->policy->rules[number];
	struct image_effects *out = m->out;
	struct nfr_action *room;

	m->out->action_of[number] = NFR_NO_ACTION;
	if (!needs_action(rule))
		return;
	room = maker_room(m, out->actions, out->action_count,
			  &out->action_capacity, sizeof(*room), NFR_ACTION_MAX);
	if (!room)
		return;
	out->actions = room;
	room[out->action_count] = action_make(m, rule);
	out->action_of[number] = (__u32)out->action_count++;
}

/* ---- the whole --------------------------------------------------------- */

static void config_make(const struct policy_options *o,
			struct image_config *out)
{
	static const __u32 defaults[] = {
#define NFR_TIMEOUT(sym, name, seconds) [NFR_TIMEOUT_##sym] = (seconds),
#include "../runtime/timeouts.def"
#undef NFR_TIMEOUT
	};

	out->state_limit = o->state_limit;
	for (unsigned i = 0; i < NFR_TIMEOUT_COUNT; i++)
		out->timeouts[i] = o->timeouts_given & 1u << i ? o->timeouts[i]
							       : defaults[i];
}

int image_effects_make(const struct policy *policy, struct image_effects *out)
{
	struct maker m = {.policy = policy, .out = out};

	memset(out, 0, sizeof(*out));
	out->action_of =
		calloc(policy->rule_count + 1, sizeof(*out->action_of));
	if (!out->action_of)
		return -ENOMEM;
	config_make(&policy->options, &out->config);
	for (size_t i = 0; i < policy->rule_count; i++)
		action_add(&m, i);
	return m.error;
}

void image_effects_drop(struct image_effects *e)
{
	free(e->action_of);
	e->action_of = NULL;
}

void image_effects_free(struct image_effects *e)
{
	free(e->action_of);
	free(e->actions);
	free(e->pools);
	free(e->addrs);
	memset(e, 0, sizeof(*e));
}
