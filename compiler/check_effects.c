/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_effects.c: what a rule does beside its verdict -> refused where it
 * can not be, noted where the datapath does not do it yet.
 */
#include "check_internal.h"

#define ICMP_UNREACH 3
#define ICMP_UNREACH_PORT 3
#define ICMP6_UNREACH 1
#define ICMP6_UNREACH_PORT 4

/* ---- block return ----------------------------------------------------------
 */

/* The code of an unreachable message; -1 after an error. */
static int return_code(struct check *c, const struct ast_name *name,
		       enum addr_family family)
{
	unsigned type = family == FAMILY_IPV6 ? ICMP6_UNREACH : ICMP_UNREACH;
	int code = name->text ? icmp_code_number(family, type, name->text)
			      : (int)name->value;

	if (!name->text && name->value > 255)
		code = -1;
	if (code < 0)
		diag_error(c->diag, name->span, "name",
			   "this is no code of an unreachable message");
	return code;
}

static bool has_code(const struct ast_name *name)
{
	return name->span.start || name->text;
}

static bool return_code_is_sound(struct check *c, const struct ast_name *name,
				 enum addr_family family)
{
	return !has_code(name) || return_code(c, name, family) >= 0;
}

bool returns_resolve(struct check *c, const struct ast_rule *r)
{
	bool is_sound = return_code_is_sound(c, &r->ret_icmp, FAMILY_IPV4);

	return return_code_is_sound(c, &r->ret_icmp6, FAMILY_IPV6) && is_sound;
}

static void return_name(struct check *c, struct ast_name *name,
			enum addr_family family, struct span span)
{
	bool is_v6 = family == FAMILY_IPV6;
	int code = is_v6 ? ICMP6_UNREACH_PORT : ICMP_UNREACH_PORT;

	if (has_code(name))
		code = return_code(c, name, family);
	name->value = code;
	name->text = icmp_code_name(
		family, is_v6 ? ICMP6_UNREACH : ICMP_UNREACH, (unsigned)code);
	if (!name->span.start)
		name->span = span;
}

/* One expanded rule's answer, as its family has it. */
bool return_finish(struct check *c, struct ast_rule *r)
{
	enum addr_family family = r->match.family;
	struct span at = r->ret_span.start ? r->ret_span : (struct span){1, 1};

	if (r->ret == AST_RETURN_DEFAULT)
		r->ret = c->defaults.returns ? AST_RETURN : AST_RETURN_DROP;
	if (r->ret == AST_RETURN_RST && r->match.protos &&
	    r->match.protos->name.value == CHECK_PROTO_TCP)
		return true;
	if (r->ret == AST_RETURN_RST) {
		diag_error(c->diag, r->ret_span, "type",
			   "only tcp is answered with return-rst");
		diag_hint(c->diag, "\"block return\" answers what fits");
		return false;
	}
	if (r->ret != AST_RETURN_ICMP && r->ret != AST_RETURN_ICMP6)
		return true;
	return_name(c, &r->ret_icmp, FAMILY_IPV4, at);
	return_name(c, &r->ret_icmp6, FAMILY_IPV6, at);
	r->ret = family == FAMILY_IPV6 ? AST_RETURN_ICMP6 : AST_RETURN_ICMP;
	if (family == FAMILY_IPV4)
		r->ret_icmp6 = (struct ast_name){0};
	if (family == FAMILY_IPV6)
		r->ret_icmp = (struct ast_name){0};
	return true;
}

/* ---- what can not be --------------------------------------------------------
 */

static bool refuse(struct check *c, struct span span, const char *why)
{
	diag_error(c->diag, span, "type", "%s", why);
	return false;
}

static bool translation_is_sound(struct check *c, const struct ast_rule *r,
				 const struct ast_effects *e)
{
	const struct ast_pool *p = e->nat ? e->nat : e->rdr;

	if (p && r->has_in == r->has_out)
		return refuse(c, p->span,
			      "nat-to and rdr-to need \"in\" or \"out\"");
	if (p && !r->is_match && !rule_keeps_state(r))
		return refuse(c, p->span,
			      "nat-to and rdr-to need to keep state");
	if (!e->binat)
		return true;
	if (r->has_in != r->has_out)
		return refuse(c, e->binat->span,
			      "binat-to works both ways, without \"in\" or "
			      "\"out\"");
	if (!r->match.from.hosts || r->match.from.hosts->kind == AST_HOST_ANY)
		return refuse(c, e->binat->span,
			      "binat-to needs a source address");
	for (const struct ast_host *h = r->match.from.hosts; h; h = h->next)
		if (h->kind == AST_HOST_TABLE || h->is_negated)
			return refuse(c, h->span,
				      "binat-to needs one address or prefix "
				      "as source");
	return true;
}

static bool routing_is_sound(struct check *c, const struct ast_rule *r,
			     const struct ast_effects *e)
{
	const struct ast_pool *p = e->route_to	 ? e->route_to
				   : e->reply_to ? e->reply_to
						 : e->dup_to;

	if (!p)
		return true;
	if (r->is_match) {
		refuse(c, p->span,
		       "match decides nothing, and route-to, reply-to and "
		       "dup-to are the deciding rule's");
		diag_hint(c->diag,
			  "write it in the pass rule, or tag here and "
			  "write it in a pass rule that is \"tagged\"");
		return false;
	}
	if (!r->is_pass)
		return refuse(c, p->span,
			      "a blocked packet goes nowhere: route-to, "
			      "reply-to and dup-to are for pass rules");
	if (e->af_to)
		return refuse(c, e->af_to_span,
			      "af-to can not be used together with route-to, "
			      "reply-to or dup-to");
	if (r->has_in == r->has_out)
		return refuse(c, p->span,
			      "route-to, reply-to and dup-to need \"in\" or "
			      "\"out\"");
	if (r->state == AST_STATE_NONE)
		return refuse(c, p->span,
			      "route-to, reply-to and dup-to need to keep "
			      "state");
	return true;
}

static bool af_is_sound(struct check *c, const struct ast_rule *r,
			const struct ast_effects *e)
{
	if (!e->af_to)
		return true;
	if (!r->has_in || r->has_out)
		return refuse(c, e->af_to_span, "af-to is for \"in\" rules");
	if (r->match.family == e->af_to)
		return refuse(c, e->af_to_span,
			      "af-to leads to the family that the rule "
			      "already has");
	return true;
}

static bool divert_is_sound(struct check *c, const struct ast_rule *r,
			    const struct ast_effects *e)
{
	bool is_out = r->has_out && !r->has_in;
	bool is_in = r->has_in && !r->has_out;

	if (e->divert == AST_DIVERT_TO && is_out)
		return refuse(c, e->divert_span,
			      "divert-to is not for \"out\" rules");
	if (e->divert == AST_DIVERT_REPLY && is_in)
		return refuse(c, e->divert_span,
			      "divert-reply is not for \"in\" rules");
	if (e->divert == AST_DIVERT_TO && e->divert_host &&
	    e->divert_host->family && r->match.family &&
	    e->divert_host->family != r->match.family)
		return refuse(c, e->divert_span,
			      "this address is not of the rule's family");
	return true;
}

bool effects_are_sound(struct check *c, const struct ast_rule *r)
{
	const struct ast_effects *e = r->effects;
	bool ok = true;

	if (r->allows_opts && !r->is_pass)
		ok = refuse(c, r->allow_opts_span,
			    "allow-opts is for pass rules");
	if (r->is_once && r->is_match)
		ok = refuse(c, r->once_span,
			    "once is for pass and block rules");
	if (!e)
		return ok;
	ok &= translation_is_sound(c, r, e);
	ok &= routing_is_sound(c, r, e);
	ok &= af_is_sound(c, r, e);
	ok &= divert_is_sound(c, r, e);
	return ok;
}

/* ---- what does not run yet -------------------------------------------------
 */

static void note_if(struct check *c, bool is_used, enum feature feature,
		    struct span span)
{
	if (is_used)
		feature_note(c, feature, span);
}

static void note_pool(struct check *c, const struct ast_pool *p,
		      enum feature feature)
{
	if (p)
		feature_note(c, feature, p->span);
	if (p && p->type == AST_POOL_LEAST_STATES)
		feature_note(c, FEATURE_LEAST_STATES, p->span);
}

/* The kernel drops what came from outside to ::1 (RFC 4291 2.5.3). */
static bool is_loopback6(const struct ast_host *h)
{
	const uint32_t *w = h->first.w;

	return h->kind == AST_HOST_PREFIX && h->family == FAMILY_IPV6 &&
	       !w[0] && !w[1] && !w[2] && w[3] == 1;
}

static void note_effects(struct check *c, const struct ast_effects *e)
{
	for (const struct ast_host *h = e->rdr ? e->rdr->hosts : NULL; h;
	     h = h->next)
		note_if(c, is_loopback6(h), FEATURE_RDR_LOOPBACK6, h->span);
	note_pool(c, e->nat, FEATURE_NAT_TO);
	note_pool(c, e->rdr, FEATURE_RDR_TO);
	note_pool(c, e->binat, FEATURE_BINAT_TO);
	note_pool(c, e->route_to, FEATURE_ROUTE_TO);
	note_pool(c, e->reply_to, FEATURE_REPLY_TO);
	note_pool(c, e->dup_to, FEATURE_DUP_TO);
	note_if(c, e->af_to, FEATURE_AF_TO, e->af_to_span);
	note_if(c, e->divert, FEATURE_DIVERT, e->divert_span);
	if (e->scrub)
		feature_note(c, FEATURE_SCRUB, e->scrub->span);
	if (e->changes)
		feature_note(c, FEATURE_SET_RULE, e->changes->span);
}

void effects_note(struct check *c, const struct ast_rule *r)
{
	bool is_returned =
		!r->is_pass && !r->is_match &&
		(r->ret >= AST_RETURN ||
		 (r->ret == AST_RETURN_DEFAULT && c->defaults.returns));

	note_if(c, is_returned, FEATURE_RETURN, r->ret_span);
	note_if(c, r->is_match && (r->label || r->is_logged || r->is_quick),
		FEATURE_MATCH, r->label_span);
	note_if(c, r->log || r->log_to, FEATURE_LOG_OPTIONS, r->label_span);
	note_if(c, r->tag, FEATURE_TAG, r->tag_span);
	note_if(c, r->probability, FEATURE_PROBABILITY, r->probability_span);
	note_if(c, r->is_once, FEATURE_ONCE, r->once_span);
	note_if(c, r->has_rtable, FEATURE_RTABLE, r->rtable_span);
	note_if(c, r->rate_packets, FEATURE_MAX_PKT_RATE, r->rate_span);
	note_if(c, r->state == AST_STATE_SYNPROXY, FEATURE_SYNPROXY,
		r->state_span);
	if (r->effects)
		note_effects(c, r->effects);
}
