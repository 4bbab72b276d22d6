/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * convert_groups.c: pf's interface groups "egress" and "lo", and a loopback
 * that is called otherwise here -> interfaces of this host. A group that would
 * need more than a list stays as it is, and nfr says what to do about it.
 */
#include <string.h>

#include "convert.h"

struct group {
	struct conversion *v;
	const char *const *names;
	size_t count;
};

static size_t loopbacks(struct conversion *v, const char *const **out)
{
	size_t count, found = 0;
	const char *const *names = host_iface_names(v->host, &count);
	const char **loop = arena_alloc(v->arena, (count + 1) * sizeof(*loop));

	for (size_t i = 0; i < count; i++)
		if (host_iface(v->host, names[i])->is_loopback)
			loop[found++] = names[i];
	*out = loop;
	return found;
}

/* The interfaces behind name; an empty group when it is none. */
static struct group group_of(struct conversion *v, const char *name,
			     struct span span)
{
	struct group g = {.v = v};
	const char *why = NULL;

	if (!name || host_iface(v->host, name))
		return g;
	if (strcmp(name, "egress") == 0) {
		g.names = host_default_ifaces(v->host, &g.count);
		why = "which has the default route now";
		if (g.count == 1)
			v->egress = g.names[0];
	} else if (strcmp(name, "lo") == 0 || strcmp(name, "lo0") == 0) {
		g.count = loopbacks(v, &g.names);
		why = "the loopback interface here";
	}
	for (size_t i = 0; i < g.count; i++)
		diag_warning(v->diag, span, WARN_PF,
			     "\"%s\" is taken to be \"%s\", %s", name,
			     g.names[i], why);
	return g;
}

static void ifaces_replace(struct conversion *v, struct ast_iface *first)
{
	for (struct ast_iface *i = first; i; i = i->next) {
		struct group g = group_of(v, i->name, i->span);

		if (!g.count || (i->is_negated && g.count > 1))
			continue;
		i->name = g.names[0];
		for (size_t n = 1; n < g.count; n++) {
			struct ast_iface *more =
				arena_new_of(v->arena, struct ast_iface);

			*more = *i;
			more->name = g.names[n];
			i->next = more;
			i = more;
		}
	}
}

/* One name, as received-on has. */
static void iface_replace(struct conversion *v, struct ast_iface *i)
{
	struct group g = {0};

	if (i)
		g = group_of(v, i->name, i->span);
	if (g.count == 1)
		i->name = g.names[0];
}

static void hosts_replace(struct conversion *v, struct ast_host *first)
{
	for (struct ast_host *h = first; h; h = h->next) {
		struct group g = group_of(v, h->iface, h->span);
		bool is_name =
			h->kind == AST_HOST_NAME || h->kind == AST_HOST_DYNAMIC;

		if (g.count == 1)
			h->iface = g.names[0];
		g = group_of(v, is_name ? h->name : NULL, h->span);
		if (!g.count || (h->is_negated && g.count > 1))
			continue;
		h->name = g.names[0];
		for (size_t n = 1; n < g.count; n++) {
			struct ast_host *more =
				arena_new_of(v->arena, struct ast_host);

			*more = *h;
			more->name = g.names[n];
			h->next = more;
			h = more;
		}
	}
}

static void pool_replace(struct conversion *v, struct ast_pool *p)
{
	if (p)
		hosts_replace(v, p->hosts);
}

static void effects_replace(struct conversion *v, struct ast_effects *e)
{
	if (!e)
		return;
	pool_replace(v, e->nat);
	pool_replace(v, e->rdr);
	pool_replace(v, e->binat);
	pool_replace(v, e->route_to);
	pool_replace(v, e->reply_to);
	pool_replace(v, e->dup_to);
	pool_replace(v, e->af_from);
	pool_replace(v, e->af_dst);
	hosts_replace(v, e->divert_host);
}

static void rule_replace(struct conversion *v, struct ast_rule *r)
{
	ifaces_replace(v, r->match.ifaces);
	iface_replace(v, r->match.received_on);
	hosts_replace(v, r->match.from.hosts);
	hosts_replace(v, r->match.to.hosts);
	effects_replace(v, r->effects);
}

static void set_replace(struct conversion *v, struct ast_set *set)
{
	struct group g = {0};

	ifaces_replace(v, set->ifaces);
	if (set->option == AST_SET_LOGINTERFACE)
		g = group_of(v, set->word, set->word_span);
	if (g.count == 1)
		set->word = g.names[0];
}

static void nodes_replace(struct conversion *v, struct ast_node *first)
{
	for (struct ast_node *n = first; n; n = n->next)
		switch (n->kind) {
		case AST_RULE:
		case AST_ASSERT:
			rule_replace(v, &n->rule);
			break;
		case AST_ANCHOR:
			rule_replace(v, &n->anchor.rule);
			nodes_replace(v, n->anchor.nodes);
			break;
		case AST_ANTISPOOF:
			ifaces_replace(v, n->antispoof.ifaces);
			break;
		case AST_TABLE:
			hosts_replace(v, n->table.hosts);
			break;
		case AST_SET:
			set_replace(v, &n->set);
			break;
		case AST_MACRO:
		case AST_TUNNEL:
		case AST_INCLUDE:
		case AST_LOAD:
			break;
		}
}

void convert_groups(struct conversion *v, struct ast *ast)
{
	nodes_replace(v, ast->first);
}
