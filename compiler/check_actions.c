/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_actions.c: what an expanded rule does beside its verdict, as the ast
 * has it -> policy_effects and policy_state, in numbers.
 */
#include "check_internal.h"

#include <string.h>

/* ---- pools ------------------------------------------------------------------
 */

static void target_of_addrs(const struct ast_host *h, struct policy_target *out)
{
	int bits = (int)addr_bits(h->family);

	out->kind = POLICY_TARGET_RANGE;
	out->family = h->family;
	out->first = h->first;
	out->prefix_len = -1;
	if (h->kind == AST_HOST_RANGE) {
		out->last = h->last;
		return;
	}
	out->prefix_len = h->prefix_len < 0 ? bits : h->prefix_len;
	out->last = addr_last(h->first, h->family, (unsigned)out->prefix_len);
}

static bool target_of(struct check *c, const struct ast_host *h,
		      struct policy_target *out)
{
	int table;

	out->weight = h->weight ? h->weight : 1;
	if (h->iface) {
		out->iface = arena_strdup(c->arena, h->iface);
		out->ifid = names_ifid(c, h->iface, h->span);
		if (!out->ifid)
			return false;
	}
	if (h->kind == AST_HOST_PREFIX || h->kind == AST_HOST_RANGE) {
		target_of_addrs(h, out);
		return true;
	}
	out->kind = POLICY_TARGET_TABLE;
	out->prefix_len = -1;
	table = h->kind == AST_HOST_TABLE ? tables_find(c, h->name, h->span)
					  : tables_dynamic(c, h);
	out->table = (uint32_t)table;
	return table >= 0;
}

static bool targets_fill(struct check *c, const struct ast_host *hosts,
			 struct policy_pool *out)
{
	struct policy_target *targets, *next;
	size_t count = 0;

	for (const struct ast_host *h = hosts; h; h = h->next)
		count++;
	targets = arena_alloc(c->arena, count * sizeof(*targets));
	memset(targets, 0, count * sizeof(*targets));
	next = targets;
	out->targets = targets;
	out->target_count = count;
	for (const struct ast_host *h = hosts; h; h = h->next)
		if (!target_of(c, h, next++))
			return false;
	return true;
}

static uint8_t hex_digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* "0x" and 32 digits, as check_pool.c leaves it. */
static void hash_key_fill(const char *text, struct policy_pool *out)
{
	if (!text)
		return;
	out->has_hash_key = true;
	for (size_t i = 0; i < sizeof(out->hash_key); i++)
		out->hash_key[i] = (uint8_t)(hex_digit(text[2 + 2 * i]) << 4 |
					     hex_digit(text[3 + 2 * i]));
}

static bool pool_of(struct check *c, const struct ast_pool *p,
		    const struct ast_match *m, const struct policy_pool **into)
{
	struct policy_pool *out;

	if (!p)
		return true;
	out = arena_new_of(c->arena, struct policy_pool);
	*into = out;
	out->type = p->is_binat ? AST_POOL_BITMASK : p->type;
	out->is_sticky = p->is_sticky;
	out->is_static_port = p->is_static_port;
	hash_key_fill(p->hash_key, out);
	if (p->port_kind != AST_POOL_PORT_NONE) {
		out->has_port = true;
		out->port_first = (uint16_t)p->port_first.value;
		out->port_last = (uint16_t)p->port_last.value;
		if (m->to.ports)
			out->port_base = (uint16_t)m->to.ports->first.value;
	}
	return targets_fill(c, p->hosts, out);
}

/* What the policy keeps of the ast's: that may end with the rule. */
static void *copy(struct check *c, const void *from, size_t len)
{
	return memcpy(arena_alloc(c->arena, len), from, len);
}

/* ---- effects ----------------------------------------------------------------
 */

static bool effects_fill(struct check *c, const struct ast_rule *r,
			 const struct ast_effects *e,
			 struct policy_effects *out)
{
	const struct ast_match *m = &r->match;

	out->af_to = e->af_to;
	out->divert = e->divert;
	if (e->divert_host) {
		out->divert_family = e->divert_host->family;
		out->divert_addr = e->divert_host->first;
	}
	out->divert_port = (uint16_t)e->divert_port.value;
	if (e->scrub)
		out->scrub = copy(c, e->scrub, sizeof(*e->scrub));
	if (e->changes)
		out->changes = copy(c, e->changes, sizeof(*e->changes));
	return pool_of(c, e->nat, m, &out->nat) &&
	       pool_of(c, e->rdr, m, &out->rdr) &&
	       pool_of(c, e->route_to, m, &out->route_to) &&
	       pool_of(c, e->reply_to, m, &out->reply_to) &&
	       pool_of(c, e->dup_to, m, &out->dup_to) &&
	       pool_of(c, e->af_from, m, &out->af_from) &&
	       pool_of(c, e->af_dst, m, &out->af_dst);
}

static bool has_effects(const struct ast_rule *r)
{
	bool is_block = !r->is_pass && !r->is_match;

	return r->effects || r->tag || r->is_once || r->has_rtable || r->log ||
	       r->log_to || r->no || r->older ||
	       (is_block && r->ret > AST_RETURN_DROP);
}

bool effects_of(struct check *c, const struct ast_rule *r,
		const struct policy_effects **into)
{
	struct policy_effects *out;

	*into = NULL;
	if (!has_effects(r))
		return true;
	out = arena_new_of(c->arena, struct policy_effects);
	*into = out;
	out->is_no = r->no != AST_NO_NOTHING;
	out->older = out->is_no ? r->no : r->older;
	out->tag = tags_number(c, r->tag, r->tag_span);
	out->is_once = r->is_once;
	out->rtable = r->has_rtable ? r->rtable : -1;
	out->log = r->log;
	out->log_to = r->log_to ? arena_strdup(c->arena, r->log_to) : NULL;
	out->ret = (struct policy_return){
		.kind = r->ret == AST_RETURN_DEFAULT ? AST_RETURN_DROP : r->ret,
		.ttl = r->ret_ttl,
		.icmp_code = (uint8_t)r->ret_icmp.value,
		.icmp6_code = (uint8_t)r->ret_icmp6.value,
	};
	return !r->effects || effects_fill(c, r, r->effects, out);
}

const struct policy_effects *effects_of_anchor(struct check *c,
					       const struct ast_rule *r)
{
	const struct policy_effects *out;

	effects_of(c,
		   &(struct ast_rule){.is_match = true,
				      .tag = r->tag,
				      .tag_span = r->tag_span},
		   &out);
	return out;
}

/* ---- states -----------------------------------------------------------------
 */

static const struct ast_state_options *
options_copy(struct check *c, const struct ast_state_options *from)
{
	struct ast_state_options *out = copy(c, from, sizeof(*from));

	if (from->overload)
		out->overload = arena_strdup(c->arena, from->overload);
	return out;
}

bool state_of(struct check *c, const struct ast_rule *r,
	      const struct policy_state **into)
{
	static const struct ast_state_options none = {.is_if_bound = false};
	bool is_plain =
		r->state == AST_STATE_DEFAULT || r->state == AST_STATE_KEEP;
	struct policy_state *out;
	int table;

	*into = NULL;
	if (!rule_keeps_state(r) || (is_plain && !r->state_options))
		return true;
	out = arena_new_of(c->arena, struct policy_state);
	*into = out;
	out->kind = is_plain ? AST_STATE_KEEP : r->state;
	out->options =
		r->state_options ? options_copy(c, r->state_options) : &none;
	out->overload = POLICY_NONE;
	if (!out->options->overload)
		return true;
	table = tables_find(c, out->options->overload,
			    out->options->overload_span);
	out->overload = (uint32_t)table;
	return table >= 0;
}
