/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_rule.c: a written rule -> expanded rules, each with its canonical text
 * and its id, in the policy and in what is printed. What pf implies is made
 * explicit here: "flags S/SA" and "keep state" of pass rules.
 */
#include "check_internal.h"

#include <string.h>

#define TCP_SYN 0x02
#define TCP_ACK 0x10

/* ---- texts --------------------------------------------------------------- */

static uint64_t fnv1a(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ b[i]) * 0x100000001b3u;
	return hash;
}

static uint64_t text_hash(const char *text)
{
	return fnv1a(0xcbf29ce484222325u, text, strlen(text));
}

static void texts_grow(struct check *c, struct check_texts *t)
{
	size_t count = t->head_count ? t->head_count * 4 : 256;
	struct check_text **heads =
		arena_alloc(c->arena, count * sizeof(*heads));

	for (size_t i = 0; i < t->head_count; i++)
		for (struct check_text *x = t->heads[i], *next; x; x = next) {
			next = x->next;
			x->next = heads[x->hash % count];
			heads[x->hash % count] = x;
		}
	t->heads = heads;
	t->head_count = count;
}

static struct check_text *texts_find(const struct check_texts *t,
				     const char *text, uint64_t hash)
{
	if (t->count == 0)
		return NULL;
	for (struct check_text *x = t->heads[hash % t->head_count]; x;
	     x = x->next)
		if (x->hash == hash && strcmp(x->text, text) == 0)
			return x;
	return NULL;
}

/* The cell of text, which is new when its count is 0. */
static struct check_text *texts_put(struct check *c, struct check_texts *t,
				    const char *text)
{
	uint64_t hash = text_hash(text);
	struct check_text *x = texts_find(t, text, hash);

	if (x)
		return x;
	if (t->count >= t->head_count)
		texts_grow(c, t);
	x = arena_new_of(c->arena, struct check_text);
	x->text = text;
	x->hash = hash;
	x->next = t->heads[hash % t->head_count];
	t->heads[hash % t->head_count] = x;
	t->count++;
	return x;
}

const char *rule_text(struct check *c, const struct ast_rule *rule)
{
	long len;

	rewind(c->out);
	print_rule(rule, c->out);
	fflush(c->out);
	len = ftell(c->out);
	return arena_strndup(c->arena, c->out_bytes, (size_t)len);
}

/* ---- appending ------------------------------------------------------------
 */

void rule_add(struct check *c, enum check_stage stage,
	      const struct policy_rule *rule)
{
	struct policy *p = c->policy;
	struct check_text *seen;
	struct policy_rule *r;

	if (p->rule_count + p->guard_count >= NFR_RULE_MAX) {
		if (!c->is_full)
			diag_error(c->diag, rule->span, "limit",
				   "a policy has at most %u rules",
				   NFR_RULE_MAX);
		c->is_full = true;
		return;
	}
	if (stage == CHECK_RULES) {
		p->rules = arena_grow(c->arena, p->rules, p->rule_count,
				      &c->rule_capacity, sizeof(*p->rules));
		r = &p->rules[p->rule_count++];
	} else {
		p->guard = arena_grow(c->arena, p->guard, p->guard_count,
				      &c->guard_capacity, sizeof(*p->guard));
		r = &p->guard[p->guard_count++];
	}
	*r = *rule;
	if (!r->label)
		r->label = "";
	seen = texts_put(c, &c->texts, r->text);
	r->id = fnv1a(seen->hash, &seen->count, sizeof(seen->count));
	seen->count++;
}

/* ---- what a rule alone can get wrong ---------------------------------------
 */

static bool keeps_state(const struct ast_rule *r)
{
	return r->is_pass && r->state != AST_STATE_NONE;
}

static bool state_is_sound(struct check *c, const struct ast_rule *r)
{
	if (r->is_pass || r->state != AST_STATE_KEEP)
		return true;
	diag_error(c->diag, r->state_span, "type",
		   "a block rule keeps no state");
	return false;
}

static bool is_tcp_or_any(const struct policy_match *m)
{
	return m->proto < 0 || m->proto == CHECK_PROTO_TCP;
}

/* Written flags need a protocol that has some. */
static bool flags_have_proto(struct check *c, const struct ast_match *m,
			     const struct check_lists *l)
{
	if (!m->has_flags || m->flags_mask == 0 || l->proto_count == 0)
		return true;
	for (size_t i = 0; i < l->proto_count; i++)
		if (l->protos[i].number == CHECK_PROTO_TCP)
			return true;
	diag_error(c->diag, m->flags_span, "type", "only tcp has flags");
	diag_note(c->diag, l->protos[0].ast.name.span,
		  "this protocol has none");
	return false;
}

/* "! <t>" is every address while t is empty, so a pass rule would open all. */
static bool fails_open(struct check *c, const struct ast_rule *r,
		       const struct check_lists *l)
{
	const char *what = "this passes every address";

	return r->is_pass &&
	       (hosts_fail_open(c, l->srcs, l->src_count, true, what) ||
		hosts_fail_open(c, l->dsts, l->dst_count, true, what));
}

/* ---- expanded rules ---------------------------------------------------------
 */

static void flags_finish(const struct ast_rule *r, struct check_match *m)
{
	struct ast_match *a = &m->ast;
	bool has_mask = a->has_flags && a->flags_mask;

	if (!is_tcp_or_any(&m->numbers)) {
		a->has_flags = false;
	} else if (keeps_state(r)) {
		if (!a->has_flags) {
			a->flags_set = TCP_SYN;
			a->flags_mask = TCP_SYN | TCP_ACK;
		}
		a->has_flags = true;
	} else {
		a->has_flags = has_mask; /* "flags any" is nothing to say */
	}
	m->numbers.flags_set = a->has_flags ? a->flags_set : 0;
	m->numbers.flags_mask = a->has_flags ? a->flags_mask : 0;
}

static uint8_t dirs_of(const struct ast_rule *r)
{
	uint8_t in = r->has_in || !r->has_out ? 1u << NFR_DIR_IN : 0;
	uint8_t out = r->has_out || !r->has_in ? 1u << NFR_DIR_OUT : 0;

	return in | out;
}

/* The rule's criteria alone, as text. */
static const char *criteria_text(struct check *c, const struct ast_rule *rule,
				 bool with_flags)
{
	struct ast_rule bare = {
		.has_in = rule->has_in,
		.has_out = rule->has_out,
		.match = rule->match,
	};

	if (!with_flags || bare.match.flags_mask == 0)
		bare.match.has_flags = false;
	return rule_text(c, &bare);
}

/* A quick rule with the same criteria has already decided. */
static void shadow_check(struct check *c, const struct ast_rule *rule,
			 struct span span)
{
	struct check_text *seen = NULL;
	const char *text;

	if (c->quick.count) {
		text = criteria_text(c, rule, false);
		seen = texts_find(&c->quick, text, text_hash(text));
		if (!seen && rule->match.has_flags) {
			text = criteria_text(c, rule, true);
			seen = texts_find(&c->quick, text, text_hash(text));
		}
	}
	if (seen) {
		diag_warning(c->diag, span, WARN_SHADOWED,
			     "never matches; a quick rule before it has the "
			     "same criteria");
		diag_note(c->diag, seen->span, "this one");
	} else if (rule->is_quick) {
		seen = texts_put(c, &c->quick, criteria_text(c, rule, true));
		seen->span = span;
	}
}

static void rule_emit(struct check *c, const struct ast_node *node,
		      struct check_match *m)
{
	struct ast_node *expanded = arena_new_of(c->arena, struct ast_node);
	struct ast_rule *r = &expanded->rule;
	struct policy_rule rule;

	flags_finish(&node->rule, m);
	*expanded = *node;
	expanded->next = NULL;
	r->match = m->ast;
	r->label = label_expand(c, r->label, &m->ast, c->written++);
	if (r->state == AST_STATE_KEEP || !r->is_pass)
		r->state = AST_STATE_DEFAULT;
	if (r->has_in && r->has_out)
		r->has_in = r->has_out = false;
	rule = (struct policy_rule){
		.match = m->numbers,
		.is_pass = r->is_pass,
		.is_quick = r->is_quick,
		.is_logged = r->is_logged,
		.keeps_state = keeps_state(r),
		.label = r->label,
		.span = node->span,
		.text = rule_text(c, r),
	};
	rule.match.dirs = dirs_of(r);
	shadow_check(c, r, node->span);
	rule_add(c, CHECK_RULES, &rule);
	*c->tail = expanded;
	c->tail = &expanded->next;
}

void rule_check(struct check *c, const struct ast_node *node)
{
	const struct ast_match *m = &node->rule.match;
	struct check_lists lists;
	struct check_match *matches;
	size_t count;
	bool ok = state_is_sound(c, &node->rule);

	ok &= match_resolve(c, m, &lists);
	if (!ok || !flags_have_proto(c, m, &lists) ||
	    fails_open(c, &node->rule, &lists) ||
	    !match_expand(c, m, &lists, node->span, &matches, &count))
		return;
	for (size_t i = 0; i < count && !c->is_full; i++)
		rule_emit(c, node, &matches[i]);
}
