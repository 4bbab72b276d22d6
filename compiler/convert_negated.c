/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * convert_negated.c: a pass rule with "! (if)" or "! <t>", which passes every
 * address while there is none -> one that passes every address, and one that
 * blocks what it excepted.
 *
 * The two mean the same where what is excepted was blocked before: the block
 * rule that did it covers the rule, and nothing between both decides about the
 * same packets. Where that can not be seen, the rule stays, nfr refuses it, and
 * the user decides. Where a quick rule before blocks what is excepted, and
 * where "! <t>" is of a const table that is empty, it is any address.
 */
#include <string.h>

#include "convert.h"

static const struct policy_table *table_of(const struct policy *p,
					   const char *name)
{
	for (size_t i = 0; i < p->table_count; i++)
		if (!p->tables[i].is_dynamic &&
		    strcmp(p->tables[i].name, name) == 0)
			return &p->tables[i];
	return NULL;
}

static bool fails_open(const struct policy *p, const struct ast_host *h)
{
	const struct policy_table *t;

	if (!h || !h->is_negated)
		return false;
	if (h->kind == AST_HOST_DYNAMIC)
		return true;
	t = h->kind == AST_HOST_TABLE ? table_of(p, h->name) : NULL;
	return t && t->entry_count == 0;
}

static bool is_const(const struct policy *p, const struct ast_host *h)
{
	const struct policy_table *t =
		h->kind == AST_HOST_TABLE ? table_of(p, h->name) : NULL;

	return t && t->is_const;
}

/* ---- which packets: every list has at most one member ---- */

static bool same_iface(const struct ast_iface *a, const struct ast_iface *b)
{
	return a->name && b->name && strcmp(a->name, b->name) == 0 &&
	       a->is_negated == b->is_negated;
}

static bool is_any_iface(const struct ast_iface *i)
{
	return !i || (i->name && strcmp(i->name, "any") == 0);
}

static bool same_proto(const struct ast_proto *a, const struct ast_proto *b)
{
	return a->name.value == b->name.value;
}

/* No packet of a is one of b, as far as directions and the like say. */
static bool is_disjoint(const struct ast_rule *a, const struct ast_rule *b)
{
	const struct ast_match *m = &a->match, *n = &b->match;
	const struct ast_iface *i = m->ifaces, *j = n->ifaces;
	const struct ast_port *p = m->to.ports, *q = n->to.ports;

	if ((a->has_in && !a->has_out && b->has_out && !b->has_in) ||
	    (a->has_out && !a->has_in && b->has_in && !b->has_out))
		return true;
	if (m->family && n->family && m->family != n->family)
		return true;
	if (m->protos && n->protos && !same_proto(m->protos, n->protos))
		return true;
	if (!is_any_iface(i) && !is_any_iface(j) && i->name && j->name &&
	    !i->is_negated && !j->is_negated && strcmp(i->name, j->name) != 0)
		return true;
	return p && q && p->op == AST_PORT_EQ && q->op == AST_PORT_EQ &&
	       p->first.value != q->first.value;
}

static bool has_more_criteria(const struct ast_match *m)
{
	return m->from.hosts || m->from.ports || m->to.hosts || m->to.ports ||
	       m->icmps || (m->has_flags && m->flags_mask) || m->received_on ||
	       m->users || m->groups || m->cgroups || m->marks || m->tagged ||
	       m->is_fragment || m->has_tos || m->has_prio;
}

/* Every packet of b is one of a. */
static bool covers(const struct ast_rule *a, const struct ast_rule *b)
{
	const struct ast_match *m = &a->match, *n = &b->match;
	bool is_both = a->has_in == a->has_out;

	return (is_both ||
		(a->has_in == b->has_in && a->has_out == b->has_out)) &&
	       (!m->ifaces || /* "any" is not loopback */
		(n->ifaces && same_iface(m->ifaces, n->ifaces))) &&
	       (!m->family || m->family == n->family) &&
	       (!m->protos ||
		(n->protos && same_proto(m->protos, n->protos))) &&
	       !has_more_criteria(m) && !a->probability && !a->is_once &&
	       !a->rate_packets;
}

/* The block rule that decides about rule's packets before it, or NULL. */
static const struct ast_rule *blocker(const struct ast_node *first,
				      const struct ast_node *rule)
{
	const struct ast_rule *found = NULL;

	for (const struct ast_node *n = first; n != rule; n = n->next) {
		bool is_block = n->kind == AST_RULE && !n->rule.is_pass &&
				!n->rule.is_match;

		if (is_block && covers(&n->rule, &rule->rule))
			found = &n->rule;
		else if (n->kind != AST_RULE ||
			 !is_disjoint(&n->rule, &rule->rule))
			found = NULL;
	}
	return found;
}

static bool same_host(const struct ast_host *a, const struct ast_host *b)
{
	return a && !a->next && !a->is_negated && a->kind == b->kind &&
	       strcmp(a->name, b->name) == 0 && a->modifiers == b->modifiers &&
	       a->prefix_len == b->prefix_len;
}

/* A quick rule before has blocked all that rule excepts on one side. */
static bool is_gone(const struct ast_node *first, const struct ast_node *rule,
		    bool is_from)
{
	const struct ast_match *m = &rule->rule.match;
	const struct ast_side *side = is_from ? &m->from : &m->to;

	for (const struct ast_node *n = first; n != rule; n = n->next) {
		struct ast_rule r = n->rule;
		struct ast_side *other = is_from ? &r.match.from : &r.match.to;

		if (n->kind != AST_RULE || r.is_pass || r.is_match ||
		    !r.is_quick || !same_host(other->hosts, side->hosts))
			continue;
		other->hosts = NULL;
		if (covers(&r, &rule->rule))
			return true;
	}
	return false;
}

/* ---- two rules of one ---- */

static struct ast_node *copy(struct conversion *v, const struct ast_node *node)
{
	struct ast_node *n = arena_new_of(v->arena, struct ast_node);

	*n = *node;
	return n;
}

static struct ast_side *open_side(const struct policy *p, struct ast_rule *r)
{
	bool from = fails_open(p, r->match.from.hosts);
	bool to = fails_open(p, r->match.to.hosts);

	if (from == to)
		return NULL;
	return from ? &r->match.from : &r->match.to;
}

/* What node excepts, blocked as before was. */
static struct ast_node *excepted(struct conversion *v, const struct policy *p,
				 const struct ast_node *node,
				 const struct ast_rule *before)
{
	struct ast_node *n = copy(v, node);
	struct ast_rule *r = &n->rule;
	struct ast_side *side = open_side(p, r);
	struct ast_host *host = arena_new_of(v->arena, struct ast_host);

	n->rule = *before;
	r->has_in = node->rule.has_in;
	r->has_out = node->rule.has_out;
	r->is_quick = node->rule.is_quick;
	r->match = node->rule.match;
	*host = *side->hosts;
	host->is_negated = false;
	side->hosts = host;
	return n;
}

static bool is_chance(const struct ast_rule *r)
{
	return r->probability || r->is_once || r->rate_packets;
}

/*
 * The pass rule at *at without its exception. Returns where the next rule is
 * linked.
 */
static struct ast_node **open_up(struct conversion *v, const struct policy *p,
				 struct ast_node **at)
{
	struct ast_node *open = copy(v, *at);

	open_side(p, &open->rule)->hosts = NULL;
	*at = open;
	return &open->next;
}

static struct ast_node **split(struct conversion *v, const struct policy *p,
			       const struct ast_node *first,
			       struct ast_node **at)
{
	struct ast_node *node = *at, *block, **next;
	const struct ast_side *side = open_side(p, &node->rule);
	const struct ast_rule *before;

	if (!side)
		return &node->next;
	if (is_const(p, side->hosts) ||
	    is_gone(first, node, side == &node->rule.match.from))
		return open_up(v, p, at);
	before = blocker(first, node);
	if (!before || is_chance(&node->rule))
		return &node->next;
	diag_warning(v->diag, node->span, WARN_PF,
		     "two rules: one that passes every address, one that "
		     "blocks what it excepted");
	block = excepted(v, p, node, before);
	if (node->rule.is_quick) {
		*at = block;
		block->next = node;
		return open_up(v, p, &block->next);
	}
	next = open_up(v, p, at);
	block->next = *next;
	*next = block;
	return &block->next;
}

struct ast_node *convert_negated(struct conversion *v, const struct policy *p,
				 struct ast_node *rules)
{
	struct ast_node *first = rules, **at = &first;

	while (*at) {
		struct ast_node *n = *at;

		at = n->kind == AST_RULE && n->rule.is_pass
			     ? split(v, p, first, at)
			     : &n->next;
	}
	return first;
}
