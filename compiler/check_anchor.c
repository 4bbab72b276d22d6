/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_anchor.c: anchors, inline or loaded from files -> their rules, each
 * within the criteria of the anchors around it.
 *
 * Overview: bodies have a path, as "one/two". "load anchor" statements are
 * looked for first, wherever they stand, so an anchor finds its body also when
 * that is loaded later. An anchor's criteria expand like a rule's, and the body
 * is checked once for each of them.
 */
#include "check_internal.h"

#include <stdlib.h>
#include <string.h>

#include "parse.h"

#define DEPTH_MAX 64 /* as in pf; also ends an anchor that holds itself */
/* Anchors that name others twice double with each step, rules or none. */
#define ANCHORS_MAX (1u << 16)

/* ---- bodies -----------------------------------------------------------------
 */

static const char *path_join(struct check *c, const char *path,
			     const char *name)
{
	if (*name == '/')
		return name + 1;
	return *path ? arena_printf(c->arena, "%s/%s", path, name) : name;
}

static void body_add(struct check *c, const char *path,
		     const struct ast_node *nodes, struct span span,
		     const struct ast_node *load)
{
	struct check_body *body = arena_new_of(c->arena, struct check_body);

	*body = (struct check_body){
		.path = path,
		.number = c->body_count,
		.nodes = nodes,
		.span = span,
		.node = load,
	};
	c->bodies = arena_grow(c->arena, c->bodies, c->body_count,
			       &c->body_capacity, sizeof(*c->bodies));
	c->bodies[c->body_count++] = body;
}

static int compare_bodies(const void *left, const void *right)
{
	const struct check_body *a = *(struct check_body *const *)left;
	const struct check_body *b = *(struct check_body *const *)right;
	int order = strcmp(a->path, b->path);

	return order ? order : a->number < b->number ? -1 : 1;
}

/* In the order of names, as wildcards go; equal ones as they came. */
void anchors_sort(struct check *c)
{
	if (c->body_count)
		qsort(c->bodies, c->body_count, sizeof(*c->bodies),
		      compare_bodies);
}

static void body_load(struct check *c, const struct ast_node *node,
		      const char *path, unsigned depth)
{
	const struct ast_load *load = &node->load;
	const struct source_file *file;
	struct ast ast = {0};
	int err;

	if (depth == DEPTH_MAX) {
		diag_error(c->diag, node->span, "limit",
			   "anchors are loaded in each other more than %d "
			   "deep",
			   DEPTH_MAX);
		return;
	}
	err = sources_read(c->sources, load->path, load->path_span, &file);
	if (err) {
		diag_error(c->diag, load->path_span, "file",
			   "can not read \"%s\": %s", load->path,
			   strerror(-err));
		return;
	}
	parse_file(c->arena, c->sources, c->diag, file, NULL, 0, &ast);
	path = path_join(c, path, load->anchor);
	body_add(c, path, ast.first, node->span, node);
	declare_all(c, ast.first, path, depth + 1);
}

void anchors_declare(struct check *c, const struct ast_node *node,
		     const char *path, unsigned depth)
{
	if (node->kind == AST_LOAD) {
		body_load(c, node, path, depth);
		return;
	}
	if (node->anchor.name)
		path = path_join(c, path, node->anchor.name);
	if (!node->anchor.has_body)
		return;
	if (node->anchor.name)
		body_add(c, path, node->anchor.nodes, node->span, NULL);
	if (depth < DEPTH_MAX)
		declare_all(c, node->anchor.nodes, path, depth + 1);
}

/* Is this body evaluated where pattern stands, a path or one that ends in a
 * star? */
static bool path_matches(const char *pattern, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = strlen(pattern);
	size_t parent = slash ? (size_t)(slash - path) : 0;

	if (strcmp(pattern, path) == 0)
		return true;
	if (len == 0 || pattern[len - 1] != '*')
		return false;
	if (len == 1)
		return !slash;
	return pattern[len - 2] == '/' && parent == len - 2 &&
	       strncmp(pattern, path, parent) == 0;
}

/* The first body whose path is not before the first len bytes of pattern. */
static size_t bodies_from(const struct check *c, const char *pattern,
			  size_t len)
{
	size_t low = 0, high = c->body_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strncmp(c->bodies[middle]->path, pattern, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* ---- one anchor -------------------------------------------------------------
 */

static void body_check(struct check *c, const struct ast_node *nodes)
{
	for (; nodes && !diag_is_full(c->diag) && !c->is_full;
	     nodes = nodes->next)
		statement_check(c, nodes);
}

/*
 * An anchor has the body that it is written with, else what is loaded under
 * its name, or the body of the first anchor that is written with that name.
 */
static void bodies_check(struct check *c, const struct ast_anchor *anchor,
			 const char *path)
{
	const struct check_body *last = NULL;
	size_t len;

	if (anchor->has_body) {
		body_check(c, anchor->nodes);
		return;
	}
	if (!path)
		return;
	len = strlen(path);
	if (len && path[len - 1] == '*')
		len--;
	for (size_t i = bodies_from(c, path, len); i < c->body_count; i++) {
		struct check_body *b = c->bodies[i];

		if (strncmp(b->path, path, len) != 0 ||
		    (!path[len] && b->path[len]))
			break;
		if (!path_matches(path, b->path))
			continue;
		b->is_used = true;
		b->is_wild |= strcmp(path, b->path) != 0;
		if (!b->node && last && strcmp(last->path, b->path) == 0)
			continue;
		last = b;
		body_check(c, b->nodes);
	}
}

/* A quick anchor ends the search when a rule in it matched. */
static void group_close(struct check *c, size_t first)
{
	struct policy *p = c->policy;

	for (size_t i = first; i < p->rule_count; i++)
		if (!p->rules[i].group_end)
			p->rules[i].group_end = p->rule_count;
}

static const struct policy_match *within_join(struct check *c,
					      const struct policy_match *match)
{
	size_t count = c->scope->within_count;
	struct policy_match *within =
		arena_alloc(c->arena, (count + 1) * sizeof(*within));

	if (count)
		memcpy(within, c->scope->within, count * sizeof(*within));
	within[count] = *match;
	return within;
}

static struct ast_node *anchor_node(struct check *c,
				    const struct ast_node *node,
				    const struct check_match *m)
{
	struct ast_node *out = node_copy(c, node);
	struct ast_rule *r = &out->anchor.rule;
	uint32_t nr = c->scope->nr++;

	r->match = m->ast;
	r->label = label_expand(c, r->label, &m->ast, nr);
	r->tag = label_expand(c, r->tag, &m->ast, nr);
	r->match.tagged = label_expand(c, r->match.tagged, &m->ast, nr);
	if (r->has_in && r->has_out)
		r->has_in = r->has_out = false;
	out->anchor.nodes = NULL;
	return out;
}

/* An anchor's tag is given to what enters it, before its rules. */
static void anchor_tag(struct check *c, const struct ast_node *node,
		       const struct ast_node *out)
{
	struct policy_rule rule = {
		.match = policy_match_any(),
		.within = c->scope->within,
		.within_count = c->scope->within_count,
		.is_match = true,
		.is_generated = true,
		.anchor = c->scope->path,
		.span = node->span,
		.effects = effects_of_anchor(c, &out->anchor.rule),
	};

	if (!rule.effects)
		return;
	rule.text =
		arena_printf(c->arena, "match tag %s", out->anchor.rule.tag);
	rule_add(c, CHECK_RULES, &rule);
}

static void anchor_emit(struct check *c, const struct ast_node *node,
			struct check_match *m)
{
	const struct ast_anchor *anchor = &node->anchor;
	struct ast_node *out = anchor_node(c, node, m);
	struct ast_node **tail = c->tail;
	size_t first = c->policy->rule_count;
	struct check_scope scope = {
		.up = c->scope,
		.path = c->scope->path,
		.within_count = c->scope->within_count + 1,
		.depth = c->scope->depth + 1,
	};
	const char *path = NULL;

	m->numbers.dirs = rule_dirs(&anchor->rule);
	m->numbers.meta =
		meta_of(c, &out->anchor.rule.match, &out->anchor.rule);
	scope.within = within_join(c, &m->numbers);
	if (anchor->name)
		scope.path = path = path_join(c, c->scope->path, anchor->name);
	c->scope = &scope;
	anchor_tag(c, node, out);
	c->tail = &out->anchor.nodes;
	bodies_check(c, anchor, path);
	c->scope = scope.up;
	c->tail = tail;
	if (anchor->rule.is_quick)
		group_close(c, first);
	if (anchor->name && strchr(anchor->name, '*'))
		out->anchor.nodes = NULL; /* what it loads is said instead */
	out->anchor.has_body = out->anchor.nodes || !anchor->name;
	check_print_rule(c, out);
}

static bool anchor_counts(struct check *c, const struct ast_node *node)
{
	if (c->anchor_count++ < ANCHORS_MAX)
		return true;
	diag_error(c->diag, node->span, "limit",
		   "more than %u anchors are evaluated", ANCHORS_MAX);
	c->is_full = true;
	return false;
}

void anchor_check(struct check *c, const struct ast_node *node)
{
	const struct ast_match *m = &node->anchor.rule.match;
	struct check_lists lists;
	struct check_match *matches;
	size_t count;

	if (c->scope->depth == DEPTH_MAX) {
		diag_error(c->diag, node->span, "limit",
			   "anchors are in each other more than %d deep",
			   DEPTH_MAX);
		c->is_full = true;
		return;
	}
	effects_note(c, &node->anchor.rule);
	if (!match_resolve(c, m, &lists) ||
	    !match_expand(c, m, &lists, node->span, NULL, &matches, &count))
		return;
	for (size_t i = 0; i < count && !c->is_full; i++)
		if (anchor_counts(c, node))
			anchor_emit(c, node, &matches[i]);
}

/* Rules that nothing evaluates are no rules. */
void anchors_finish(struct check *c)
{
	for (size_t i = 0; i < c->body_count; i++) {
		const struct check_body *b = c->bodies[i];

		if (b->node && b->is_wild)
			check_print_head(c, node_copy(c, b->node));
		if (!b->node || b->is_used || c->is_pf)
			continue;
		diag_error(c->diag, b->span, "name",
			   "nothing evaluates the anchor \"%s\"", b->path);
		diag_hint(c->diag,
			  "add 'anchor \"%s\"' where its rules are to "
			  "stand",
			  b->path);
	}
}
