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
#include "pack.h"

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

void declare_all(struct check *c, const struct ast_node *first,
		 const char *path, unsigned depth)
{
	for (const struct ast_node *n = first; n; n = n->next) {
		if (n->kind == AST_TABLE)
			tables_declare(c, n);
		if (n->kind == AST_ANCHOR || n->kind == AST_LOAD)
			anchors_declare(c, n, path, depth);
		if (depth)
			continue;
		if (n->kind == AST_TUNNEL)
			tunnel_declare(c, n);
		if (n->kind == AST_SET)
			set_declare(c, n);
	}
}

void feature_note(struct check *c, enum feature feature, struct span span)
{
	struct policy *p = c->policy;
	uint64_t *noted;

	if (feature_runs(feature))
		return;
	if (!span.start)
		span = c->span;
	noted = seen_put(&c->noted, (uint64_t)feature << 32 | span.start);
	if (*noted)
		return;
	*noted = 1;
	p->unsupported =
		arena_grow(c->arena, p->unsupported, p->unsupported_count,
			   &c->unsupported_capacity, sizeof(*p->unsupported));
	p->unsupported[p->unsupported_count++] =
		(struct policy_unsupported){feature, span};
}

void check_differs(struct check *c, struct span span, const char *how)
{
	if (c->is_pf && c->lists_differences)
		diag_warning(c->diag, span, WARN_PF, "%s", how);
}

/* What pf's defaults come to, where the file does not say. */
static void defaults_differ(struct check *c)
{
	if (!c->set_default)
		check_differs(c, SPAN_NONE,
			      "what no rule matches passes in pf; nfr blocks "
			      "it unless \"set default pass\" is said");
	if (!c->defaults.is_if_bound)
		check_differs(c, SPAN_NONE,
			      "states float between interfaces in pf; in nfr "
			      "they are bound to theirs");
}

void check_print_head(struct check *c, struct ast_node *node)
{
	if (c->is_lean)
		return;
	*c->heads_tail = node;
	c->heads_tail = &node->next;
}

void check_print_rule(struct check *c, struct ast_node *node)
{
	if (c->is_lean)
		return;
	*c->tail = node;
	c->tail = &node->next;
}

struct ast_node *node_copy(struct check *c, const struct ast_node *node)
{
	struct ast_node *copy = arena_new_of(c->arena, struct ast_node);

	*copy = *node;
	copy->next = NULL;
	return copy;
}

/* What only the main file has; pf does not print what a loaded one declares. */
static void main_statement_check(struct check *c, const struct ast_node *node)
{
	bool is_main = !c->scope->up;

	if (!is_main &&
	    (node->kind == AST_TUNNEL || node->kind == AST_ASSERT)) {
		diag_error(c->diag, node->span, "type",
			   "this stands in the main file, in no anchor");
		return;
	}
	if (node->kind == AST_MACRO && is_main)
		check_print_head(c, node_copy(c, node));
	if (node->kind == AST_TABLE && (is_main || !c->is_pf))
		check_print_head(c, tables_printable(c, node));
	if (node->kind == AST_TUNNEL && c->tunnel_printable)
		check_print_rule(c, node_copy(c, c->tunnel_printable));
	if (node->kind == AST_ASSERT)
		assert_check(c, node);
}

void statement_check(struct check *c, const struct ast_node *node)
{
	c->span = node->span;
	switch (node->kind) {
	case AST_RULE:
		rule_check(c, node);
		break;
	case AST_SET:
		set_check(c, node);
		break;
	case AST_ANCHOR:
		anchor_check(c, node);
		break;
	case AST_ANTISPOOF:
		antispoof_check(c, node);
		break;
	case AST_MACRO:
	case AST_TABLE:
	case AST_TUNNEL:
	case AST_ASSERT:
		main_statement_check(c, node);
		break;
	case AST_INCLUDE: /* what it held follows */
	case AST_LOAD:	  /* what it held stands at its anchor */
		break;
	}
}

/* pf's default keeps no state either. */
static void default_add(struct check *c)
{
	bool is_pass = c->set_default ? c->set_default->set.is_pass : c->is_pf;
	struct policy_rule rule = {
		.match = policy_match_any(),
		.is_pass = is_pass,
		.is_default = true,
		.is_generated = true,
		.span = c->set_default ? c->set_default->span : SPAN_NONE,
		.text = is_pass ? "set default pass" : "set default block",
	};

	rule.match.families |= 1u << NFR_FAMILY_LINK;
	rule_add(c, CHECK_RULES, &rule);
}

/* The statement behind this one; the first behind NULL. */
static const struct ast_node *statement_next(const struct ast *ast,
					     const struct ast_node *n)
{
	if (ast->pack)
		return pack_next(ast->pack);
	return n ? n->next : ast->first;
}

struct policy *check_policy_as(struct arena *arena, struct sources *sources,
			       struct diag *diag, const struct host *host,
			       const struct ast *ast,
			       const struct check_options *options)
{
	struct check_scope scope = {.path = ""};
	struct check c = {
		.arena = arena,
		.scratch = arena,
		.rules_only = arena_new(),
		.rule_texts = options->texts ? options->texts : arena,
		.is_lean = options->is_lean,
		.sources = sources,
		.diag = diag,
		.host = host,
		.policy = arena_new_of(arena, struct policy),
		.scope = &scope,
		.is_pf = options->is_pf,
		.allows_leaks = options->allows_leaks,
		.lists_differences = options->lists_differences,
	};

	c.out = open_memstream(&c.out_bytes, &c.out_len);
	if (!c.out)
		abort(); /* as the arena does */
	c.tail = &c.rules;
	c.heads_tail = &c.heads;
	c.asserts_tail = &c.asserts;
	declare_all(&c, ast->first, "", 0);
	anchors_sort(&c);
	tables_fill(&c);
	if (c.tunnel)
		tunnel_check(&c);
	else
		tunnel_none(&c);
	for (const struct ast_node *n = statement_next(ast, NULL);
	     n && !diag_is_full(diag) && !c.is_full;
	     n = statement_next(ast, n)) {
		progress_at(options->progress, n->span.start,
			    sources_end(sources));
		statement_check(&c, n);
	}
	tunnel_finish(&c);
	defaults_differ(&c);
	default_add(&c);
	anchors_finish(&c);
	cgroups_finish(&c);
	if (diag_errors(diag) == 0) {
		tables_finish(&c);
		asserts_finish(&c);
	}
	*c.heads_tail = c.rules;
	c.policy->printable = c.heads;
	fclose(c.out);
	free(c.out_bytes);
	seen_free(&c.noted);
	seen_free(&c.texts);
	seen_free(&c.quick);
	seen_free(&c.tags);
	arena_free(&c.rules_only);
	return c.policy;
}

struct policy *check_policy(struct arena *arena, struct sources *sources,
			    struct diag *diag, const struct host *host,
			    const struct ast *ast)
{
	static const struct check_options options = {.is_pf = false};

	return check_policy_as(arena, sources, diag, host, ast, &options);
}
