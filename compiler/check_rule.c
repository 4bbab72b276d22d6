/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_rule.c: a written rule -> expanded rules, each with its canonical text
 * and its id, in the policy and in what is printed. What pf implies is made
 * explicit here: "flags S/SA" and "keep state" of pass rules.
 */
#include "check_internal.h"

#include <string.h>

#include "../runtime/packet.h"

#define FNV_SEED 0xcbf29ce484222325u

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
	return fnv1a(FNV_SEED, text, strlen(text));
}

/* c->out_bytes, of the length that is returned. */
static size_t rule_print(struct check *c, const struct ast_rule *rule)
{
	rewind(c->out);
	print_rule(rule, c->out);
	fflush(c->out);
	return (size_t)ftell(c->out);
}

const char *rule_text(struct check *c, const struct ast_rule *rule)
{
	size_t len = rule_print(c, rule);

	return arena_strndup(c->rule_texts, c->out_bytes, len);
}

/* ---- appending ------------------------------------------------------------
 */

void rule_add(struct check *c, enum check_stage stage,
	      const struct policy_rule *rule)
{
	struct policy *p = c->policy;
	uint64_t hash = text_hash(rule->text), *count;
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
	if (!r->anchor)
		r->anchor = "";
	count = seen_put(&c->texts, hash);
	r->id = fnv1a(hash, &(uint32_t){(uint32_t)*count}, sizeof(uint32_t));
	++*count;
}

/* ---- what a rule alone can get wrong ---------------------------------------
 */

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

/* What no host sends is blocked before a rule is asked. */
static void flags_can_be(struct check *c, const struct ast_rule *r)
{
	const struct ast_match *m = &r->match;

	if (c->is_pf || !m->has_flags || (!r->is_pass && !r->is_match))
		return;
	for (__u32 flags = 0; flags < 256; flags++)
		if ((flags & m->flags_mask) == m->flags_set &&
		    !packet_is_nonsense(flags))
			return;
	diag_warning(c->diag, m->flags_span, WARN_FLAGS,
		     "never matches; no host sends such flags, so they are "
		     "blocked before a rule is asked");
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
	} else if (rule_keeps_state(r) && !a->is_fragment) {
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

uint8_t rule_dirs(const struct ast_rule *r)
{
	uint8_t in = r->has_in || !r->has_out ? 1u << NFR_DIR_IN : 0;
	uint8_t out = r->has_out || !r->has_in ? 1u << NFR_DIR_OUT : 0;

	return in | out;
}

/* Of the rule's criteria alone, as text. */
static uint64_t criteria_hash(struct check *c, const struct ast_rule *rule,
			      bool with_flags)
{
	struct ast_rule bare = {
		.has_in = rule->has_in,
		.has_out = rule->has_out,
		.match = rule->match,
	};
	size_t len;

	if (!with_flags || bare.match.flags_mask == 0)
		bare.match.has_flags = false;
	len = rule_print(c, &bare);
	return fnv1a(FNV_SEED, c->out_bytes, len);
}

static uint64_t span_value(struct span span)
{
	return (uint64_t)span.start << 32 | span.end;
}

/*
 * A quick rule with the same criteria has already decided. What an anchor
 * holds decides only within it, and a rule that is one of several chances
 * decides nothing alone.
 */
static void shadow_check(struct check *c, const struct ast_rule *rule,
			 struct span span)
{
	uint64_t seen = 0;

	if (c->is_pf || rule->is_match)
		return;
	if (c->quick.count) {
		seen = seen_find(&c->quick, criteria_hash(c, rule, false));
		if (!seen && rule->match.has_flags)
			seen = seen_find(&c->quick,
					 criteria_hash(c, rule, true));
	}
	if (seen) {
		diag_warning(c->diag, span, WARN_SHADOWED,
			     "never matches; a quick rule before it has the "
			     "same criteria");
		diag_note(c->diag,
			  (struct span){(uint32_t)(seen >> 32), (uint32_t)seen},
			  "this one");
	} else if (rule->is_quick && !c->scope->up && !rule->probability &&
		   !rule->is_once && !rule->rate_packets) {
		*seen_put(&c->quick, criteria_hash(c, rule, true)) =
			span_value(span);
	}
}

static bool policy_add(struct check *c, const struct ast_rule *r,
		       const struct policy_match *numbers, struct span span)
{
	struct policy_rule rule = {
		.match = *numbers,
		.within = c->scope->within,
		.within_count = c->scope->within_count,
		.is_pass = r->is_pass,
		.is_match = r->is_match,
		.is_quick = r->is_quick,
		.is_logged = r->is_logged,
		.keeps_state = rule_keeps_state(r),
		.allows_opts = r->allows_opts,
		.is_floating =
			r->state_options && r->state_options->is_floating,
		.label = r->label ? arena_strdup(c->arena, r->label) : NULL,
		.anchor = c->scope->path,
		.span = span,
		.text = rule_text(c, r),
	};

	rule.match.dirs = rule_dirs(r);
	rule.match.meta = meta_of(c, &r->match, r);
	if (!effects_of(c, r, &rule.effects) || !state_of(c, r, &rule.state))
		return false;
	rule_add(c, CHECK_RULES, &rule);
	return true;
}

/* pf numbers match rules like the others, anchors too. */
static void rule_finish(struct check *c, const struct ast_node *node,
			struct check_match *m, struct ast_node *out)
{
	struct ast_rule *r = &out->rule;
	uint32_t nr = c->scope->nr++;

	flags_finish(&node->rule, m);
	*out = *node;
	out->next = NULL;
	r->match = m->ast;
	r->label = label_expand(c, r->label, &m->ast, nr);
	r->tag = label_expand(c, r->tag, &m->ast, nr);
	r->match.tagged = label_expand(c, r->match.tagged, &m->ast, nr);
	if (r->effects) {
		r->effects = arena_new_of(c->scratch, struct ast_effects);
		*r->effects = m->effects;
	}
	state_finish(c, r, m->numbers.proto);
	if (r->has_in && r->has_out)
		r->has_in = r->has_out = false;
}

static bool rule_emit(struct check *c, const struct ast_node *node,
		      struct check_match *m)
{
	struct ast_node *expanded = arena_new_of(c->scratch, struct ast_node);
	struct ast_rule *r = &expanded->rule;

	rule_finish(c, node, m, expanded);
	if (!r->is_pass && !r->is_match && !return_finish(c, r))
		return false;
	shadow_check(c, r, node->span);
	if (!policy_add(c, r, &m->numbers, node->span))
		return false;
	check_print_rule(c, expanded);
	return true;
}

/* ---- binat-to: out by nat-to, in by rdr-to ----------------------------------
 */

static struct ast_pool *pool_of_host(struct check *c, const struct ast_host *h)
{
	struct ast_pool *p = arena_new_of(c->scratch, struct ast_pool);

	p->hosts = arena_new_of(c->scratch, struct ast_host);
	*p->hosts = *h;
	p->hosts->next = NULL;
	p->is_binat = true;
	return p;
}

static bool masks_match(struct check *c, const struct ast_host *source,
			const struct ast_pool *pool)
{
	if (source->kind != AST_HOST_PREFIX ||
	    pool->hosts->kind != AST_HOST_PREFIX ||
	    source->prefix_len == pool->hosts->prefix_len)
		return true;
	diag_error(c->diag, pool->span, "type",
		   "source and target of binat-to are prefixes of one length");
	return false;
}

/* A pool's only member, as an address to compare. */
static struct policy_host host_of_target(struct check *c,
					 const struct ast_host *h)
{
	struct policy_host out = {
		.kind = POLICY_HOST_RANGE, .first = h->first, .last = h->last};

	if (h->kind == AST_HOST_PREFIX) {
		out.last = h->prefix_len < 0
				   ? h->first
				   : addr_last(h->first, h->family,
					       (unsigned)h->prefix_len);
	} else if (h->kind != AST_HOST_RANGE) {
		out.kind = POLICY_HOST_TABLE;
		out.table = (uint32_t)tables_dynamic(c, h);
	}
	return out;
}

static bool binat_emit(struct check *c, const struct ast_node *node,
		       struct check_match *m)
{
	const struct ast_pool *target = m->effects.binat;
	const struct ast_host *source = m->ast.from.hosts;
	struct check_match out = *m, in = *m;
	struct ast_node half = *node;

	if (!source || !masks_match(c, source, target))
		return false;
	out.effects.binat = in.effects.binat = NULL;
	out.effects.nat = pool_of_host(c, target->hosts);
	out.effects.nat->is_static_port = true;
	half.rule.has_out = true;
	half.rule.has_in = false;
	if (!rule_emit(c, &half, &out))
		return false;
	in.effects.rdr = pool_of_host(c, source);
	in.ast.from = m->ast.to;
	in.ast.to.hosts = pool_of_host(c, target->hosts)->hosts;
	in.ast.to.ports = m->ast.from.ports;
	in.numbers.src = m->numbers.dst;
	in.numbers.dst = host_of_target(c, target->hosts);
	in.numbers.sport = m->numbers.dport;
	in.numbers.dport = m->numbers.sport;
	half.rule.has_out = false;
	half.rule.has_in = true;
	return rule_emit(c, &half, &in);
}

/* ---- a written rule ---------------------------------------------------------
 */

/* Each is asked, so that each can say what is wrong. */
static bool rule_is_sound(struct check *c, const struct ast_rule *r)
{
	bool state = state_is_sound(c, r);
	bool effects = effects_are_sound(c, r);
	bool returns = returns_resolve(c, r);

	return state && effects && returns;
}

/* divert-to names an address; its family is the rule's. */
static bool divert_resolve(struct check *c, struct ast_node *node)
{
	struct ast_rule *r = &node->rule;
	struct check_hosts hosts = {0};
	struct ast_effects *e;
	int port;

	if (!r->effects || r->effects->divert != AST_DIVERT_TO ||
	    !r->effects->divert_host)
		return true;
	if (!host_resolve(c, r->effects->divert_host, &hosts))
		return false;
	port = names_port_number(c, &r->effects->divert_port, "tcp");
	if (hosts.count == 0 || port < 0)
		return false;
	e = arena_new_of(c->scratch, struct ast_effects);
	*e = *r->effects;
	e->divert_host = &hosts.items[0].ast;
	e->divert_port = (struct ast_name){e->divert_port.span, NULL, port};
	r->effects = e;
	if (!r->match.family)
		r->match.family = hosts.items[0].family;
	return true;
}

static void rule_expand(struct check *c, const struct ast_node *written)
{
	struct ast_node node = *written;
	const struct ast_match *m = &node.rule.match;
	struct check_lists lists;
	struct check_pools pools;
	struct check_match *matches;
	size_t count;
	bool ok;

	c->is_block = !node.rule.is_pass && !node.rule.is_match;
	flags_can_be(c, &node.rule);
	ok = divert_resolve(c, &node) && rule_is_sound(c, &node.rule);
	ok &= pools_resolve(c, node.rule.effects, &pools);
	ok &= match_resolve(c, m, &lists);
	effects_note(c, &node.rule);
	if (!ok || !flags_have_proto(c, m, &lists) ||
	    fails_open(c, &node.rule, &lists) ||
	    !match_expand(c, m, &lists, node.span, &pools, &matches, &count))
		return;
	for (size_t i = 0; i < count && ok && !c->is_full; i++)
		ok = matches[i].effects.binat
			     ? binat_emit(c, &node, &matches[i])
			     : rule_emit(c, &node, &matches[i]);
}

/* Unless it is to be printed, nothing of it is left but the policy's rules. */
void rule_check(struct check *c, const struct ast_node *written)
{
	struct arena_mark mark = arena_mark(c->rules_only);

	if (c->is_lean)
		c->scratch = c->rules_only;
	rule_expand(c, written);
	c->scratch = c->arena;
	arena_release(c->rules_only, mark);
}
