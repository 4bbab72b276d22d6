/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel_exclude.c: the exclude clauses -> what goes outside: not what someone
 * else may claim, and never everything.
 *
 * What an interface's network is, whoever answers DHCP there says, so of that
 * only what is private is excluded, unless the clause is trusted. What the user
 * writes is the user's, a table's changing members too; but when all of a
 * family may go outside, there is no tunnel for it. The image keeps what is
 * excluded (image_contract.c), as tables change.
 */
#include "tunnel.h"

#include <string.h>

#include "cover.h"

/* ---- what a server claims ---------------------------------------------- */

static bool is_cut(const struct tunnel *t, const struct tunnel_clause *clause,
		   const struct check_match *m)
{
	const struct policy_host *dst = &m->numbers.dst;

	if (clause->ast->kind != AST_CLAUSE_EXCLUDE || clause->ast->is_trusted)
		return false;
	if (dst->kind == POLICY_HOST_TABLE)
		return t->check->policy->tables[dst->table].is_dynamic &&
		       !(t->check->policy->tables[dst->table].modifiers &
			 AST_MOD_LAN);
	return m->dst && m->dst->iface;
}

/* What the destination and a private range have in common. */
enum overlap { OVERLAP_NONE, OVERLAP_PART, OVERLAP_ALL };

static enum overlap overlap_of(const struct policy_host *dst,
			       const struct addr_range *range)
{
	struct addr last =
		addr_last(range->addr, range->family, range->prefix_len);

	if (dst->kind != POLICY_HOST_RANGE || dst->is_negated)
		return OVERLAP_PART;
	if (addr_compare(&dst->last, &range->addr) < 0 ||
	    addr_compare(&last, &dst->first) < 0)
		return OVERLAP_NONE;
	return addr_compare(&range->addr, &dst->first) <= 0 &&
			       addr_compare(&dst->last, &last) <= 0
		       ? OVERLAP_ALL
		       : OVERLAP_PART;
}

void tunnel_emit_exclude(struct tunnel *t, const struct tunnel_say *s,
			 const struct tunnel_clause *clause,
			 const struct check_match *m)
{
	struct tunnel_say cut = *s;

	if (!is_cut(t, clause, m)) {
		tunnel_emit_outside(t, s, m);
		return;
	}
	for (size_t i = 0; i < addr_private_count; i++) {
		const struct addr_range *range = &addr_private[i];
		enum overlap overlap = overlap_of(&m->numbers.dst, range);

		if (!(m->numbers.families & 1u << range->family) ||
		    overlap == OVERLAP_NONE)
			continue;
		cut.within = overlap == OVERLAP_ALL ? NULL : range;
		tunnel_emit_outside(t, &cut, m);
	}
}

/* It is known now that nothing is left of what was written. */
static void warn_cut(struct tunnel *t, const struct check_match *m)
{
	struct diag *d = t->check->diag;

	for (size_t i = 0; i < addr_private_count; i++)
		if (m->numbers.families & 1u << addr_private[i].family &&
		    overlap_of(&m->numbers.dst, &addr_private[i]))
			return;
	diag_warning(d, m->dst->ast.span, WARN_CUT,
		     "what this interface has now is not private, so nothing "
		     "of it is excluded");
	diag_hint(d, "\"trusted\" at the end of the clause takes the word of "
		     "whoever gave it the address");
}

/* As an address it would be what the user writes, and not be cut. */
struct ast_host *tunnel_exclude_printable(struct tunnel *t,
					  const struct tunnel_clause *clause)
{
	struct ast_host *first = NULL, **tail = &first;
	const struct ast_host *said = NULL;

	for (size_t i = 0; i < clause->lists.dst_count; i++) {
		const struct check_host *h = &clause->lists.dsts[i];

		if (h->iface && h->iface == said)
			continue;
		said = h->iface;
		*tail = arena_new_of(t->check->arena, struct ast_host);
		**tail = said ? *said : h->ast;
		(*tail)->next = NULL;
		tail = &(*tail)->next;
	}
	return first;
}

/* ---- all of a family --------------------------------------------------- */

/* Does the clause ask more of a packet than where it goes? */
static bool is_narrowed(struct tunnel *t, const struct tunnel_clause *clause)
{
	struct ast_rule bare = {.has_out = true, .ret = AST_RETURN_DROP};
	const char *all = rule_text(t->check, &bare);

	bare.match = clause->ast->match;
	bare.match.to.hosts = NULL;
	bare.match.family = FAMILY_ANY;
	return strcmp(all, rule_text(t->check, &bare)) != 0;
}

static void exclude_add(struct tunnel *t, const struct tunnel_clause *clause,
			const struct check_match *m)
{
	struct policy *p = t->check->policy;

	p->excludes =
		arena_grow(t->check->arena, p->excludes, p->exclude_count,
			   &t->check->exclude_capacity, sizeof(*p->excludes));
	p->excludes[p->exclude_count++] = (struct policy_exclude){
		.host = m->numbers.dst,
		.families = m->numbers.families,
		.span = clause->ast->span,
	};
}

static void excludes_collect(struct tunnel *t)
{
	for (size_t i = 0; i < t->clause_count; i++) {
		const struct tunnel_clause *clause = &t->clauses[i];
		bool narrowed;

		if (clause->ast->kind != AST_CLAUSE_EXCLUDE)
			continue;
		narrowed = is_narrowed(t, clause);
		for (size_t j = 0; j < clause->match_count; j++) {
			const struct check_match *m = &clause->matches[j];

			if (is_cut(t, clause, m)) {
				if (m->numbers.dst.kind == POLICY_HOST_RANGE)
					warn_cut(t, m);
			} else if (!narrowed) {
				exclude_add(t, clause, m);
			}
		}
	}
}

static void cover_host(struct cover *cover, const struct policy *p,
		       const struct policy_host *h)
{
	struct addr first = {{0}};
	struct addr last = addr_last(first, cover->family, 0);

	if (h->kind == POLICY_HOST_RANGE)
		cover_range(cover, &h->first, &h->last, h->is_negated);
	else if (h->kind == POLICY_HOST_TABLE)
		cover_table(cover, p->tables[h->table].entries,
			    p->tables[h->table].entry_count, h->is_negated);
	else if (h->kind == POLICY_HOST_ANY)
		cover_range(cover, &first, &last, false);
}

bool tunnel_exclude_is_sound(struct tunnel *t)
{
	const struct policy *p = t->check->policy;

	excludes_collect(t);
	for (enum addr_family f = FAMILY_IPV4; f <= FAMILY_IPV6; f++) {
		struct cover cover = {.arena = t->check->arena, .family = f};

		for (size_t i = 0; i < p->exclude_count; i++) {
			if (!(p->excludes[i].families & 1u << f))
				continue;
			cover_host(&cover, p, &p->excludes[i].host);
			if (!cover_is_all(&cover))
				continue;
			diag_error(t->check->diag, p->excludes[i].span,
				   "contract", EXCLUDES_ALL,
				   f == FAMILY_IPV4 ? 4 : 6,
				   f == FAMILY_IPV4 ? 4 : 6);
			diag_hint(t->check->diag, EXCLUDES_ALL_HINT);
			return false;
		}
	}
	return true;
}
