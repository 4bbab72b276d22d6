/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_assert.c: "assert block|pass ..." and the contract of a tunnel, held
 * against generated packets -> errors with a witness. A search that finds
 * nothing proves nothing.
 */
#include "check_internal.h"

#include "model.h"

static const char *assert_text(struct check *c, const struct ast_node *node)
{
	rewind(c->out);
	print_node(node, c->out);
	fflush(c->out); /* the last byte is a newline */
	return arena_strndup(c->arena, c->out_bytes, (size_t)ftell(c->out) - 1);
}

/* For the image, which is asked again when its tables change. */
static void assert_keep(struct check *c, const struct check_assert *a,
			const char *text)
{
	struct policy *p = c->policy;

	p->asserts = arena_grow(c->arena, p->asserts, p->assert_count,
				&c->assert_capacity, sizeof(*p->asserts));
	p->asserts[p->assert_count++] = (struct policy_assert){
		.match = a->match,
		.is_pass = a->is_pass,
		.text = text,
		.span = a->span,
	};
}

void assert_check(struct check *c, const struct ast_node *node)
{
	const struct ast_rule *r = &node->rule;
	struct ast_node *out = node_copy(c, node);
	struct check_lists lists;
	struct check_match *matches;
	const char *text;
	size_t count;

	if (!match_resolve(c, &r->match, &lists) ||
	    !match_expand(c, &r->match, &lists, node->span, NULL, &matches,
			  &count))
		return;
	out->rule.match = match_printable(c, &r->match, &lists);
	text = assert_text(c, out);
	for (size_t i = 0; i < count; i++) {
		struct check_assert *a =
			arena_new_of(c->arena, struct check_assert);

		a->is_pass = r->is_pass;
		a->match = matches[i].numbers;
		a->match.dirs = rule_dirs(r);
		a->span = node->span;
		*c->asserts_tail = a;
		c->asserts_tail = &a->next;
		assert_keep(c, a, text);
	}
	check_print_rule(c, out);
}

static const struct policy_rule *rule_at(const struct policy *p, uint32_t rule)
{
	return rule < p->rule_count ? &p->rules[rule]
				    : &p->guard[rule - p->rule_count];
}

static void assert_fails(struct check *c, struct search *s,
			 const struct check_assert *a, uint32_t rule,
			 const struct search_packet *packet)
{
	const struct policy_rule *r = rule_at(c->policy, rule);

	diag_error(c->diag, a->span, "assert",
		   a->is_pass ? "not everything here passes"
			      : "not everything here is blocked");
	diag_note(c->diag, SPAN_NONE, "witness: %s", search_text(s, packet));
	diag_note(c->diag, r->span, "%s by \"%s\"",
		  a->is_pass ? "blocked" : "passed", r->text);
	diag_hint(c->diag, "packets were searched, which is no proof yet: "
			   "there may be more");
}

/*
 * A pass rule blocks what there is no address for to translate it to; the
 * guard's rules are all asked.
 */
static bool can_break(const struct search *s, const struct check_assert *a,
		      const struct policy_rule *r, bool is_rule)
{
	if (r->is_match || r->is_side_door)
		return false;
	if (!a->is_pass)
		return r->is_pass;
	return !r->is_pass || !is_rule || search_translates(s) ||
	       (r->effects && (r->effects->nat || r->effects->rdr));
}

/* One witness a statement is enough. */
static bool assert_search(struct check *c, struct search *s,
			  const struct check_assert *a)
{
	const struct policy *p = c->policy;
	size_t count = p->rule_count + (a->is_pass ? p->guard_count : 0);
	struct search_packet packet;

	for (uint32_t i = 0; i < count; i++) {
		if (!can_break(s, a, rule_at(p, i), i < p->rule_count) ||
		    !search_find(s, &a->match, i, !a->is_pass, &packet))
			continue;
		assert_fails(c, s, a, i, &packet);
		return true;
	}
	return false;
}

/* Can it match what goes out by the tunnel's own device? */
static bool is_inside(const struct check *c, const struct policy_rule *r)
{
	const struct policy *p = c->policy;
	uint32_t device = 1;

	while (!p->ifaces[device - 1].is_tunnel)
		device++;
	for (size_t i = 0; i < r->within_count; i++)
		if (!model_iface_matches(&r->within[i], device))
			return false;
	return model_iface_matches(&r->match, device);
}

static void contract_fails(struct check *c, struct search *s,
			   const struct policy_rule *r,
			   const struct search_packet *packet)
{
	if (is_inside(c, r))
		diag_warning(c->diag, r->span, WARN_GUARDED,
			     "part of what this passes would leave outside "
			     "the tunnel, and is blocked");
	else
		diag_error(c->diag, r->span, "contract",
			   "this rule lets traffic leave outside the tunnel");
	diag_note(c->diag, SPAN_NONE, "witness: %s", search_text(s, packet));
	diag_note(c->diag, c->tunnel->span, "\"%s\" promises otherwise",
		  c->tunnel_title);
	if (is_inside(c, r))
		diag_hint(c->diag, "write \"on %s\"",
			  c->tunnel->tunnel.device->name);
	else
		diag_hint(c->diag, "add it to \"exclude\", or remove the rule");
}

/*
 * Rules of the user's that pass what the guard then blocks: a mistake, unless
 * they also speak of the tunnel itself.
 */
static void contract_search(struct check *c, struct search *s)
{
	const struct policy *p = c->policy;
	struct span said = SPAN_NONE;
	struct search_packet packet;

	for (size_t i = 0; i < p->rule_count && p->guard_count; i++) {
		const struct policy_rule *r = &p->rules[i];

		if (!r->is_pass || r->is_generated ||
		    !(r->match.dirs & 1u << NFR_DIR_OUT) ||
		    r->span.start == said.start ||
		    !search_guarded(s, (uint32_t)i, &packet))
			continue;
		said = r->span;
		contract_fails(c, s, r, &packet);
	}
}

void asserts_finish(struct check *c)
{
	struct search *s;
	struct span said = SPAN_NONE;

	if (!c->asserts && (!c->policy->guard_count || c->allows_leaks))
		return;
	s = search_new(c);
	if (!c->allows_leaks)
		contract_search(c, s);
	for (const struct check_assert *a = c->asserts; a; a = a->next)
		if (a->span.start != said.start && assert_search(c, s, a))
			said = a->span;
	if (c->asserts && search_is_over(s))
		diag_warning(c->diag, c->asserts->span, WARN_UNCHECKED,
			     "asserts are not checked on all rules: the policy "
			     "is too large to search");
}
