/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * convert.c: a policy checked as pf -> nfr's text: what pf does by itself is
 * written down, and the text is checked as nfr, so that what is left to decide
 * is said at its place in the pf.conf.
 */
#include "convert.h"

#include <stdlib.h>
#include <string.h>

#include "diag_internal.h"
#include "parse.h"

/* One statement of the output, or a line that stands before one. */
struct piece {
	const char *text;
	struct span span;   /* in the pf.conf; none: ours */
	const char *decide; /* what nfr says about it, or NULL */
	unsigned first, lines;
};

struct pieces {
	struct arena *arena;
	struct piece *items;
	size_t count, capacity;
	unsigned lines;
};

struct chain {
	struct ast_node *first, **tail;
};

static void chain_init(struct chain *c)
{
	c->first = NULL;
	c->tail = &c->first;
}

static void chain_add(struct chain *c, struct ast_node *node)
{
	*c->tail = node;
	c->tail = &node->next;
}

/* ---- text ---- */

static unsigned lines_of(const char *text)
{
	unsigned lines = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		lines++;
	}
	return lines;
}

static void pieces_add(struct pieces *p, const char *text, struct span span)
{
	struct piece *piece;

	p->items = arena_grow(p->arena, p->items, p->count, &p->capacity,
			      sizeof(*p->items));
	piece = &p->items[p->count++];
	*piece = (struct piece){
		.text = text,
		.span = span,
		.first = p->lines + 1,
		.lines = lines_of(text),
	};
	p->lines += piece->lines;
}

static void pieces_add_node(struct pieces *p, const struct ast_node *node)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	if (!out)
		abort(); /* as the arena does */
	print_node(node, out);
	if (fclose(out))
		abort();
	pieces_add(p, arena_strndup(p->arena, bytes, len), node->span);
	free(bytes);
}

static void pieces_add_chain(struct pieces *p, const struct chain *c)
{
	for (const struct ast_node *n = c->first; n; n = n->next)
		pieces_add_node(p, n);
}

/* ---- what pf does by itself ---- */

/* The statement that sets option, or NULL. */
static const struct ast_node *option_of(const struct policy *p,
					enum ast_option option)
{
	for (const struct ast_node *n = p->printable; n; n = n->next)
		if (n->kind == AST_SET && n->set.option == option)
			return n;
	return NULL;
}

static void write_default(struct pieces *out, const struct policy *p)
{
	const struct ast_node *said = option_of(p, AST_SET_DEFAULT);

	if (said && !said->set.is_pass) {
		pieces_add_node(out, said);
		return;
	}
	pieces_add(out, "# pf passes what no rule matches.\n", SPAN_NONE);
	pieces_add(out, "set default pass\n", said ? said->span : SPAN_NONE);
}

static void write_state_policy(struct pieces *out, const struct policy *p)
{
	const struct ast_node *said = option_of(p, AST_SET_STATE_POLICY);

	if (said && strcmp(said->set.word, "floating") != 0) {
		pieces_add_node(out, said);
	} else if (said || feature_runs(FEATURE_STATE_FLOATING)) {
		pieces_add(out,
			   "# pf's states float: a flow may go on through "
			   "another interface.\n",
			   SPAN_NONE);
		pieces_add(out, "set state-policy floating\n",
			   said ? said->span : SPAN_NONE);
	} else {
		pieces_add(out,
			   "# pf's states float between interfaces; these are "
			   "bound to theirs.\n",
			   SPAN_NONE);
	}
}

/* pf takes tables that are nowhere declared. */
static void write_tables(struct pieces *out, const struct policy *p)
{
	for (size_t i = 0; i < p->table_count; i++) {
		const struct policy_table *t = &p->tables[i];

		if (!t->is_dynamic && !t->is_declared && *t->name != '(')
			pieces_add(out,
				   arena_printf(out->arena,
						"table <%s> persist\n",
						t->name),
				   t->span);
	}
}

/* ---- skip ---- */

static struct ast_node *node_like(struct conversion *v,
				  const struct ast_node *node)
{
	struct ast_node *n = arena_new_of(v->arena, struct ast_node);

	*n = *node;
	n->next = NULL;
	return n;
}

/* nfr skips only loopback; elsewhere a rule is what everyone can see. */
static void skip_split(struct conversion *v, const struct ast_node *node,
		       struct chain *sets, struct chain *rules)
{
	struct ast_node *set = node_like(v, node), *n;
	struct ast_iface **tail = &set->set.ifaces, *one;

	for (const struct ast_iface *f = node->set.ifaces; f; f = f->next) {
		const struct host_iface *known = host_iface(v->host, f->name);

		one = arena_new_of(v->arena, struct ast_iface);
		*one = *f;
		one->next = NULL;
		if (known && known->is_loopback) {
			*tail = one;
			tail = &one->next;
			continue;
		}
		n = node_like(v, node);
		n->kind = AST_RULE;
		n->rule = (struct ast_rule){
			.is_pass = true,
			.is_quick = true,
			.match.ifaces = one,
			.state = AST_STATE_NONE,
		};
		chain_add(rules, n);
	}
	*tail = NULL;
	if (set->set.ifaces)
		chain_add(sets, set);
}

/* ---- the older lines ---- */

/*
 * Of these the first match counts, of match rules every one, so they stay what
 * they are. The half of a binat line that is for "in" comes of the other.
 */
static void keep_older(struct ast_node **at)
{
	for (struct ast_node *n = *at; n; n = *at) {
		struct ast_rule *r = &n->rule;

		if (n->kind == AST_ANCHOR)
			keep_older(&n->anchor.nodes);
		if (n->kind == AST_RULE && r->older == AST_NO_BINAT &&
		    r->effects && r->effects->rdr) {
			*at = n->next;
			continue;
		}
		if (n->kind == AST_RULE)
			r->keeps_older = r->older != AST_NO_NOTHING;
		at = &n->next;
	}
}

/* ---- the order of the output ---- */

struct sections {
	struct chain macros, sets, tables, rules;
};

static void sections_fill(struct conversion *v, const struct policy *p,
			  struct sections *s)
{
	struct chain rest;

	chain_init(&s->macros);
	chain_init(&s->sets);
	chain_init(&s->tables);
	chain_init(&s->rules);
	chain_init(&rest);
	for (const struct ast_node *n = p->printable; n; n = n->next) {
		if (n->kind == AST_MACRO)
			chain_add(&s->macros, node_like(v, n));
		else if (n->kind == AST_TABLE)
			chain_add(&s->tables, node_like(v, n));
		else if (n->kind != AST_SET)
			chain_add(&rest, node_like(v, n));
		else if (n->set.option == AST_SET_SKIP)
			skip_split(v, n, &s->sets, &s->rules);
		else if (n->set.option != AST_SET_DEFAULT &&
			 n->set.option != AST_SET_STATE_POLICY)
			chain_add(&s->sets, node_like(v, n));
	}
	*s->rules.tail = rest.first;
	s->rules.first = convert_negated(v, p, s->rules.first);
	keep_older(&s->rules.first);
}

static bool has_macro(const struct chain *macros, const char *name)
{
	for (const struct ast_node *n = macros->first; n; n = n->next)
		if (strcmp(n->macro.name, name) == 0)
			return true;
	return false;
}

/* The first, so that rules say "$egress" where two macros mean the same. */
static void add_egress(struct conversion *v, struct chain *macros)
{
	struct ast_node *n;

	if (!v->egress || has_macro(macros, "egress"))
		return;
	n = arena_new_of(v->arena, struct ast_node);
	n->kind = AST_MACRO;
	n->macro.name = "egress";
	n->macro.value = v->egress;
	n->next = macros->first;
	macros->first = n;
}

static void write_macros(struct conversion *v, struct pieces *out,
			 struct sections *s)
{
	struct ast_node *n;

	add_egress(v, &s->macros);
	n = convert_macros(v, s->macros.first, s->rules.first);
	for (; n; n = n->next) {
		if (strcmp(n->macro.name, "egress") == 0)
			pieces_add(out,
				   "# The interface of the default route when "
				   "this was converted.\n",
				   SPAN_NONE);
		pieces_add_node(out, n);
	}
}

static void write_all(struct conversion *v, const struct policy *p,
		      struct pieces *out)
{
	struct sections s;

	sections_fill(v, p, &s);
	write_macros(v, out, &s);
	write_default(out, p);
	write_state_policy(out, p);
	pieces_add_chain(out, &s.sets);
	pieces_add_chain(out, &s.tables);
	write_tables(out, p);
	pieces_add_chain(out, &s.rules);
}

/* ---- is it right? ---- */

static struct piece *piece_at(struct pieces *p, unsigned line)
{
	size_t first = 0, count = p->count;

	while (count > 1) {
		size_t half = count / 2;

		if (p->items[first + half].first <= line) {
			first += half;
			count -= half;
		} else {
			count = half;
		}
	}
	return &p->items[first];
}

static const char *joined(const struct pieces *p, size_t *len)
{
	char *bytes = NULL;
	const char *text;
	FILE *out = open_memstream(&bytes, len);

	if (!out)
		abort(); /* as the arena does */
	for (size_t i = 0; i < p->count; i++)
		fputs(p->items[i].text, out);
	if (fclose(out))
		abort();
	text = arena_strndup(p->arena, bytes, *len);
	free(bytes);
	return text;
}

/* An error of the output, said where the statement came from. */
static unsigned decide(struct conversion *v, struct pieces *out,
		       const struct sources *sources,
		       const struct diag_item *item)
{
	struct location at;
	struct piece *piece;

	sources_locate(sources, item->span.start, &at);
	piece = piece_at(out, at.file ? at.line : 1);
	diag_error(v->diag, piece->span, "convert", "nfr refuses this: %s",
		   item->message);
	if (item->inline_hint)
		diag_hint(v->diag, "%s", item->inline_hint);
	for (const struct diag_line *h = item->hints; h; h = h->next)
		diag_hint(v->diag, "%s", h->text);
	if (piece->decide)
		return 0;
	piece->decide = arena_strdup(out->arena, item->message);
	return 1;
}

static unsigned check_as_nfr(struct conversion *v, struct pieces *out)
{
	struct arena *arena = arena_new();
	struct sources *sources = sources_new(arena);
	struct diag *diag = diag_new(arena, sources);
	size_t len = 0;
	const char *text = joined(out, &len);
	struct ast ast;
	unsigned decisions = 0;

	for (size_t i = 0; i < v->warning_count; i++)
		diag_set_warning(diag, v->warnings[i]);
	parse_file(arena, sources, diag,
		   sources_add(sources, "converted", text, len), NULL, 0, &ast);
	check_policy(arena, sources, diag, v->host, &ast);
	for (const struct diag_item *i = diag->first; i; i = i->next)
		if (i->is_error)
			decisions += decide(v, out, sources, i);
	arena_free(&arena);
	return decisions;
}

unsigned convert_write(struct conversion *v, const struct policy *p, FILE *f)
{
	struct pieces out = {.arena = v->arena};
	unsigned decisions;

	write_all(v, p, &out);
	decisions = check_as_nfr(v, &out);
	for (size_t i = 0; i < out.count; i++) {
		if (out.items[i].decide)
			fprintf(f, "# To be decided: %s.\n",
				out.items[i].decide);
		fputs(out.items[i].text, f);
	}
	return decisions;
}
