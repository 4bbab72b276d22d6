/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check.c: ast -> policy. Resolves names, fixes families, rejects what can
 * never match.
 *
 * Overview: tables, the tunnel block and "set default" count wherever they
 * stand, so they are looked for first. The rules of the policy are then, in
 * order: generated ones for what is not IP and for the tunnel, the user's as
 * they stand, and last the default. Frames that are not IP are no rule's
 * business, as in pf: ARP passes by a generated rule, every other EtherType is
 * blocked, whatever the default.
 */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "check_internal.h"

static void tunnel_declare(struct check *c, const struct ast_node *node)
{
	if (!node->tunnel.device || !node->tunnel.over)
		return;
	if (!c->tunnel) {
		c->tunnel = node;
		return;
	}
	diag_error(c->diag, node->span, "contract",
		   "a policy has one tunnel block");
	diag_note(c->diag, c->tunnel->span, "the first one is \"tunnel %s\"",
		  c->tunnel->tunnel.device->name);
	diag_hint(c->diag, "what leaves by a second tunnel would leave outside "
			   "of the first");
}

static void set_declare(struct check *c, const struct ast_node *node)
{
	if (node->set.option != AST_SET_DEFAULT)
		return;
	if (c->set_default &&
	    c->set_default->set.is_pass != node->set.is_pass) {
		diag_error(c->diag, node->span, "type",
			   "\"set default\" says both pass and block");
		diag_note(c->diag, c->set_default->span, "the other is here");
	}
	c->set_default = node;
}

static void declare_all(struct check *c, const struct ast *ast)
{
	for (const struct ast_node *n = ast->first; n; n = n->next) {
		if (n->kind == AST_TABLE)
			tables_declare(c, n);
		if (n->kind == AST_TUNNEL)
			tunnel_declare(c, n);
		if (n->kind == AST_SET)
			set_declare(c, n);
	}
}

static void set_check(struct check *c, const struct ast_node *node)
{
	struct check_iface iface;

	if (node->set.option != AST_SET_SKIP)
		return;
	for (const struct ast_iface *f = node->set.ifaces; f; f = f->next) {
		if (f->is_negated || strcmp(f->name, "any") == 0) {
			diag_error(c->diag, f->span, "type",
				   "\"set skip on\" takes a loopback "
				   "interface's name");
			continue;
		}
		if (!names_iface(c, f, &iface))
			continue;
		if (host_iface(c->host, f->name) &&
		    !names_is_loopback(c, f->name)) {
			diag_error(c->diag, f->span, "type",
				   "only loopback can be skipped");
			diag_hint(c->diag,
				  "\"pass quick on %s no state\" is a "
				  "rule that everyone can see",
				  f->name);
		}
		c->policy->ifaces[iface.ifid - 1].is_skipped = true;
	}
}

static void print_add(struct check *c, struct ast_node *node)
{
	*c->tail = node;
	c->tail = &node->next;
}

static struct ast_node *node_copy(struct check *c, const struct ast_node *node)
{
	struct ast_node *copy = arena_new_of(c->arena, struct ast_node);

	*copy = *node;
	copy->next = NULL;
	return copy;
}

static void statement_check(struct check *c, const struct ast_node *node)
{
	switch (node->kind) {
	case AST_RULE:
		rule_check(c, node);
		break;
	case AST_SET:
		set_check(c, node);
		print_add(c, node_copy(c, node));
		break;
	case AST_MACRO:
		print_add(c, node_copy(c, node));
		break;
	case AST_TABLE:
		print_add(c, tables_printable(c, node));
		break;
	case AST_TUNNEL:
		if (c->tunnel_printable)
			print_add(c, node_copy(c, c->tunnel_printable));
		break;
	case AST_INCLUDE:
		break; /* what it held follows */
	case AST_ANCHOR:
	case AST_LOAD:
	case AST_ANTISPOOF:
	case AST_ASSERT:
		diag_error(c->diag, node->span, "unsupported",
			   "this statement is not supported yet");
		break;
	}
}

/* pf's default keeps no state either. */
static void default_add(struct check *c)
{
	bool is_pass = c->set_default && c->set_default->set.is_pass;
	struct policy_rule rule = {
		.match =
			{
				.dirs = 1u << NFR_DIR_IN | 1u << NFR_DIR_OUT,
				.families = 1u << NFR_FAMILY_LINK |
					    1u << NFR_FAMILY_IPV4 |
					    1u << NFR_FAMILY_IPV6,
				.on_any = true,
				.ethertype = -1,
				.proto = -1,
				.ttl = -1,
				.tos = -1,
				.sport = {.is_any = true},
				.dport = {.is_any = true},
				.icmp_type = -1,
				.icmp_code = -1,
			},
		.is_pass = is_pass,
		.is_default = true,
		.is_generated = true,
		.span = c->set_default ? c->set_default->span : SPAN_NONE,
		.text = is_pass ? "set default pass" : "set default block",
	};

	rule_add(c, CHECK_RULES, &rule);
}

struct policy *check_policy(struct arena *arena, struct sources *sources,
			    struct diag *diag, const struct host *host,
			    const struct ast *ast)
{
	struct check c = {
		.arena = arena,
		.sources = sources,
		.diag = diag,
		.host = host,
		.policy = arena_new_of(arena, struct policy),
	};

	c.out = open_memstream(&c.out_bytes, &c.out_len);
	if (!c.out)
		abort(); /* as the arena does */
	c.tail = &c.policy->printable;
	declare_all(&c, ast);
	tables_fill(&c);
	if (c.tunnel)
		tunnel_check(&c);
	else
		tunnel_none(&c);
	for (const struct ast_node *n = ast->first;
	     n && !diag_is_full(diag) && !c.is_full; n = n->next)
		statement_check(&c, n);
	default_add(&c);
	if (diag_errors(diag) == 0)
		tables_finish(&c);
	fclose(c.out);
	free(c.out_bytes);
	return c.policy;
}
