/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ast_rule.c: a rule's parts -> its node. The older lines become the rules of
 * OpenBSD that mean the same: "nat on" a match out rule with nat-to, "rdr on" a
 * match in rule with rdr-to; with pass, a pass quick rule, as no other rule is
 * asked; "scrub" a match rule with scrub (...).
 */
#include "construct.h"

#include <string.h>

/* ---- verdicts ---- */

const struct verdict *verdict_plain(enum verdict_kind kind)
{
	static const struct verdict verdicts[] = {
		[VERDICT_PASS] = {.is_pass = true},
		[VERDICT_MATCH] = {.is_match = true},
		[VERDICT_BLOCK] = {.ret = AST_RETURN_DEFAULT},
		[VERDICT_DROP] = {.ret = AST_RETURN_DROP},
		[VERDICT_RETURN] = {.ret = AST_RETURN},
		[VERDICT_RST] = {.ret = AST_RETURN_RST},
		[VERDICT_ICMP] = {.ret = AST_RETURN_ICMP},
		[VERDICT_ICMP6] = {.ret = AST_RETURN_ICMP6},
	};
	return &verdicts[kind];
}

static struct verdict *verdict_new(struct front *f, enum ast_return ret)
{
	struct verdict *v = arena_new_of(f->arena, struct verdict);
	v->ret = ret;
	return v;
}

const struct verdict *verdict_ttl(struct front *f, struct span span,
				  const char *text)
{
	struct verdict *v = verdict_new(f, AST_RETURN_RST);
	v->ttl = (uint8_t)text_number(f, span, text, "ttl", 0, 255);
	return v;
}

const struct verdict *verdict_code(struct front *f, enum ast_return ret,
				   struct span span, const char *text)
{
	struct verdict *v = verdict_new(f, ret);
	struct ast_name name = name_new(f, span, text, "ICMP code", 255);
	if (ret == AST_RETURN_ICMP)
		v->icmp = name;
	else
		v->icmp6 = name;
	return v;
}

const struct verdict *verdict_codes(struct front *f, struct span span,
				    const char *icmp, struct span span6,
				    const char *icmp6)
{
	struct verdict *v = verdict_new(f, AST_RETURN_ICMP);
	v->icmp = name_new(f, span, icmp, "ICMP code", 255);
	v->icmp6 = name_new(f, span6, icmp6, "ICMPv6 code", 255);
	return v;
}

/* ---- rules ---- */

static struct ast_rule *rule_new(struct front *f, struct options *options,
				 unsigned direction, struct log log,
				 struct ast_node **out)
{
	struct ast_node *node = node_new(f, AST_RULE);
	struct ast_rule *rule = &node->rule;
	*rule = options_take(f, options);
	rule->has_in = direction & RULE_IN;
	rule->has_out = direction & RULE_OUT;
	rule->is_logged = log.words & RULE_LOG;
	rule->is_quick = log.words & RULE_QUICK;
	rule->log = log.words / RULE_LOG_OPTION;
	rule->log_to = log.to;
	*out = node;
	return rule;
}

struct ast_node *statement_rule(struct front *f, const struct verdict *verdict,
				struct span verdict_span, unsigned direction,
				struct log log, struct options *options)
{
	struct ast_node *node;
	struct ast_rule *rule = rule_new(f, options, direction, log, &node);
	rule->is_pass = verdict->is_pass;
	rule->is_match = verdict->is_match;
	rule->ret = verdict->ret;
	rule->ret_span = verdict_span;
	rule->ret_ttl = verdict->ttl;
	rule->ret_icmp = verdict->icmp;
	rule->ret_icmp6 = verdict->icmp6;
	return node;
}

struct ast_node *statement_assert(struct front *f, bool is_pass,
				  unsigned direction, struct options *options)
{
	struct ast_node *node;
	struct ast_rule *rule =
		rule_new(f, options, direction, (struct log){0}, &node);
	node->kind = AST_ASSERT;
	rule->is_pass = is_pass;
	return node;
}

/* ---- the older lines ---- */

/* An older line's option that its new form can not have beside its own. */
static void check_effects(struct front *f, const struct options *options)
{
	const struct ast_effects *e = options->rule.effects;
	const struct ast_pool *pool = !e	   ? NULL
				      : e->nat	   ? e->nat
				      : e->rdr	   ? e->rdr
				      : e->binat   ? e->binat
				      : e->af_from ? e->af_from
						   : NULL;
	if (pool)
		diag_error(f->diag, pool->span, "parse",
			   "this line says what to translate to behind "
			   "\"->\"");
}

struct ast_node *statement_old_log(struct front *f, enum pool_word word,
				   bool is_pass, struct span log_span,
				   struct log log, struct options *options,
				   struct span span, struct ast_pool *pool)
{
	static const unsigned directions[] = {
		[POOL_NAT] = RULE_OUT,
		[POOL_RDR] = RULE_IN,
		[POOL_BINAT] = 0,
	};
	static const enum ast_no kinds[] = {
		[POOL_NAT] = AST_NO_NAT,
		[POOL_RDR] = AST_NO_RDR,
		[POOL_BINAT] = AST_NO_BINAT,
	};
	struct ast_node *node;
	check_effects(f, options);
	options->rule.effects = NULL;
	memset(options->given, 0, sizeof(options->given));
	option_pool(f, options, span, word, pool);
	if (log.words && !is_pass)
		diag_error(f->diag, log_span, "parse",
			   "\"log\" needs \"pass\" before it in this line");
	struct ast_rule *rule =
		rule_new(f, options, directions[word], log, &node);
	rule->is_pass = rule->is_quick = is_pass;
	rule->is_match = !is_pass;
	rule->older = kinds[word];
	return node;
}

struct ast_node *statement_old(struct front *f, enum pool_word word,
			       bool is_pass, struct options *options,
			       struct span span, struct ast_pool *pool)
{
	return statement_old_log(f, word, is_pass, SPAN_NONE, (struct log){0},
				 options, span, pool);
}

static struct ast_node *no_new(struct front *f, enum ast_no no,
			       unsigned direction, struct options *options)
{
	struct ast_node *node;
	struct ast_rule *rule =
		rule_new(f, options, direction, (struct log){0}, &node);
	rule->is_match = true;
	rule->no = no;
	return node;
}

struct ast_node *statement_no(struct front *f, enum pool_word word,
			      struct options *options)
{
	check_effects(f, options);
	return no_new(f,
		      word == POOL_NAT	 ? AST_NO_NAT
		      : word == POOL_RDR ? AST_NO_RDR
					 : AST_NO_BINAT,
		      0, options);
}

struct ast_node *statement_no_scrub(struct front *f, unsigned direction,
				    struct options *options)
{
	return no_new(f, AST_NO_SCRUB, direction, options);
}

/* set-tos is a change of its own now. */
static void set_tos_move(struct front *f, struct options *options,
			 struct ast_scrub *scrub)
{
	if (!scrub->has_set_tos)
		return;
	struct ast_changes *c = arena_new_of(f->arena, struct ast_changes);
	c->has_tos = true;
	c->tos = scrub->set_tos;
	scrub->has_set_tos = false;
	option_set(f, options, scrub->span, c);
}

struct ast_node *statement_scrub(struct front *f, unsigned direction,
				 struct log log, struct options *options,
				 struct ast_scrub *scrub)
{
	struct ast_node *node;
	if (scrub) {
		set_tos_move(f, options, scrub);
		bool is_empty = !scrub->is_no_df && !scrub->is_random_id &&
				!scrub->is_reassemble_tcp && !scrub->min_ttl &&
				!scrub->max_mss;
		if (!is_empty)
			option_scrub(f, options, scrub->span, scrub);
	}
	struct ast_rule *rule = rule_new(f, options, direction, log, &node);
	rule->is_match = true;
	rule->older = AST_NO_SCRUB;
	return node;
}
