/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * convert_macro.c: interfaces' names in rules -> the macros that say them, so
 * that a policy moves to another interface by one line. Other macros were
 * replaced by their values when the file was read, and are left out.
 */
#include <ctype.h>
#include <string.h>

#include "convert.h"

struct named {
	struct ast_node *node;
	bool is_used;
};

struct naming {
	struct named *items;
	size_t count, capacity;
};

/* Where a name could be written as $name:mod without joining anything else. */
static bool is_plain(const char *name)
{
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

/* The last of a name that is defined twice is not what every rule meant. */
static bool is_defined_again(const struct ast_node *node)
{
	for (const struct ast_node *n = node->next; n; n = n->next)
		if (strcmp(n->macro.name, node->macro.name) == 0)
			return true;
	return false;
}

static const char *macro_of(struct naming *naming, const char *iface)
{
	if (!iface)
		return NULL;
	for (size_t i = 0; i < naming->count; i++)
		if (strcmp(naming->items[i].node->macro.value, iface) == 0) {
			naming->items[i].is_used = true;
			return naming->items[i].node->macro.name;
		}
	return NULL;
}

static void ifaces_name(struct naming *naming, struct ast_iface *first)
{
	for (struct ast_iface *i = first; i; i = i->next)
		i->macro = macro_of(naming, i->name);
}

static void hosts_name(struct naming *naming, struct ast_host *first)
{
	for (struct ast_host *h = first; h; h = h->next)
		if (h->kind == AST_HOST_DYNAMIC)
			h->macro = macro_of(naming, h->name);
}

static void pool_name(struct naming *naming, struct ast_pool *p)
{
	if (p)
		hosts_name(naming, p->hosts);
}

static void rule_name(struct naming *naming, struct ast_rule *r)
{
	ifaces_name(naming, r->match.ifaces);
	ifaces_name(naming, r->match.received_on);
	hosts_name(naming, r->match.from.hosts);
	hosts_name(naming, r->match.to.hosts);
	if (!r->effects)
		return;
	pool_name(naming, r->effects->nat);
	pool_name(naming, r->effects->rdr);
	pool_name(naming, r->effects->binat);
}

static void nodes_name(struct naming *naming, struct ast_node *first)
{
	for (struct ast_node *n = first; n; n = n->next)
		if (n->kind == AST_RULE || n->kind == AST_ASSERT) {
			rule_name(naming, &n->rule);
		} else if (n->kind == AST_ANCHOR) {
			rule_name(naming, &n->anchor.rule);
			nodes_name(naming, n->anchor.nodes);
		}
}

struct ast_node *convert_macros(struct conversion *v, struct ast_node *macros,
				struct ast_node *rest)
{
	struct naming naming = {0};
	struct ast_node *used = NULL, **tail = &used;

	for (struct ast_node *n = macros; n; n = n->next) {
		bool is_iface =
			host_iface(v->host, n->macro.value) ||
			(v->egress && strcmp(v->egress, n->macro.value) == 0);

		if (!is_iface || !is_plain(n->macro.value) ||
		    is_defined_again(n))
			continue;
		naming.items =
			arena_grow(v->arena, naming.items, naming.count,
				   &naming.capacity, sizeof(*naming.items));
		naming.items[naming.count++] = (struct named){.node = n};
	}
	nodes_name(&naming, rest);
	for (size_t i = 0; i < naming.count; i++)
		if (naming.items[i].is_used) {
			*tail = naming.items[i].node;
			tail = &(*tail)->next;
		}
	*tail = NULL;
	return used;
}
