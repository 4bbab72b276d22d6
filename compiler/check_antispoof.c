/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_antispoof.c: antispoof -> block rules: an interface's networks do not
 * come in by another one, and its own address comes in by none.
 */
#include "check_internal.h"

#include <string.h>

static struct ast_host *host_of(struct check *c, const struct ast_iface *iface,
				unsigned modifiers)
{
	struct ast_host *h = arena_new_of(c->arena, struct ast_host);

	h->span = iface->span;
	h->kind = iface->is_dynamic ? AST_HOST_DYNAMIC : AST_HOST_NAME;
	h->name = iface->name;
	h->prefix_len = -1;
	h->modifiers = modifiers;
	return h;
}

/* Does a rule from these addresses come to anything? */
static bool has_address(const struct check *c, const struct ast_iface *iface,
			unsigned modifiers)
{
	const struct host_iface *i = host_iface(c->host, iface->name);
	struct ast_host found[1];

	return iface->is_dynamic ||
	       (i && hosts_of_iface(i, modifiers, -1, found, 1));
}

static struct ast_node block_from(const struct ast_node *node,
				  struct ast_host *from, struct ast_iface *on)
{
	const struct ast_antispoof *a = &node->antispoof;

	return (struct ast_node){
		.kind = AST_RULE,
		.span = node->span,
		.rule =
			{
				.has_in = true,
				.is_logged = a->is_logged,
				.is_quick = a->is_quick,
				.log = a->log,
				.log_to = a->log_to,
				.ret = AST_RETURN_DROP,
				.label = a->label,
				.label_span = a->label_span,
				.match =
					{
						.ifaces = on,
						.family = a->family,
						.from.hosts = from,
					},
			},
	};
}

/* pf says nothing when there is no address, and protects nothing. */
static bool is_bound(struct check *c, const struct ast_iface *iface)
{
	if (has_address(c, iface, 0))
		return true;
	check_differs(c, iface->span,
		      "no address now, so this protects nothing; nfr refuses "
		      "it");
	if (c->is_pf)
		return false;
	diag_error(c->diag, iface->span, "antispoof",
		   "\"%s\" has no address now, so this protects nothing",
		   iface->name);
	diag_hint(c->diag,
		  "\"antispoof for (%s)\" is bound when the address "
		  "comes",
		  iface->name);
	return false;
}

static void antispoof_iface(struct check *c, const struct ast_node *node,
			    const struct ast_iface *iface)
{
	const struct host_iface *known = host_iface(c->host, iface->name);
	struct ast_iface *on = arena_new_of(c->arena, struct ast_iface);
	struct ast_node rule;

	if (!is_bound(c, iface))
		return;
	*on = *iface;
	on->next = NULL;
	on->is_negated = true;
	on->is_dynamic = false;
	if (has_address(c, iface, AST_MOD_NETWORK)) {
		rule = block_from(node, host_of(c, iface, AST_MOD_NETWORK), on);
		rule_check(c, &rule);
	}
	if (known && known->is_loopback)
		return;
	rule = block_from(node, host_of(c, iface, 0), NULL);
	rule_check(c, &rule);
}

void antispoof_check(struct check *c, const struct ast_node *node)
{
	for (const struct ast_iface *i = node->antispoof.ifaces; i;
	     i = i->next) {
		if (!i->name || strcmp(i->name, "any") == 0 || i->is_negated) {
			diag_error(c->diag, i->span, "type",
				   "antispoof takes interfaces' names");
			continue;
		}
		antispoof_iface(c, node, i);
	}
}
