/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.c: a policy and a packet -> the verdict, and what else happens to the
 * packet. This text is what a policy means; every engine is compared with it,
 * so it is written to be read and not to be fast.
 *
 * It follows pf_match_rule() and pf_test_rule() of OpenBSD 7's pf.c.
 */
#include "model.h"

#include <string.h>

#include "tag.h"

#define TH_RST 0x04
#define ICMP_UNREACH_PORT 3
#define ICMP6_UNREACH_PORT 4
#define MODEL_ICMP6 58
#define MODEL_SOLICITATION 135 /* RFC 4861 4.3 */

/* One packet on its way through the rules. */
struct walk {
	const struct policy *policy;
	struct model_context context; /* its tag is the packet's by now */
	struct model_outcome *out;    /* out->key is what rules compare */
	const struct policy_effects *family; /* the last af-to, or NULL */
	unsigned older; /* kinds that a line decided, as bits */
	bool is_lost;	/* there was nothing to translate to */
};

static void trace_add(struct model_trace *t, uint32_t rule)
{
	if (t->count < MODEL_TRACE_MAX)
		t->rules[t->count] = rule;
	t->count++;
}

/* ---- what a rule does ------------------------------------------------------
 */

static void scrub_add(struct ast_scrub *to, const struct ast_scrub *from)
{
	to->is_no_df |= from->is_no_df;
	to->is_random_id |= from->is_random_id;
	to->is_reassemble_tcp |= from->is_reassemble_tcp;
	if (from->min_ttl)
		to->min_ttl = from->min_ttl;
	if (from->max_mss)
		to->max_mss = from->max_mss;
}

static void changes_add(struct ast_changes *to, const struct ast_changes *from)
{
	if (from->has_tos) {
		to->has_tos = true;
		to->tos = from->tos;
	}
	if (from->has_prio) {
		to->has_prio = true;
		to->prio = from->prio;
		to->prio_lowdelay = from->prio_lowdelay;
	}
	if (from->has_delay) {
		to->has_delay = true;
		to->delay = from->delay;
	}
}

static void translate(struct walk *w, const struct policy_effects *e,
		      uint32_t rule)
{
	struct model_outcome *out = w->out;

	if (!model_translate(w->policy, e, w->context.pick, &out->key)) {
		w->is_lost = true;
		return;
	}
	if (e->nat) {
		out->nat = e->nat;
		out->nat_rule = rule;
	}
	if (e->rdr) {
		out->rdr = e->rdr;
		out->rdr_rule = rule;
	}
}

/* Of a "match" rule at once, of the others when they decide. */
static void act(struct walk *w, uint32_t rule)
{
	const struct policy_effects *e = w->policy->rules[rule].effects;

	if (!e)
		return;
	if (e->rtable >= 0)
		w->out->rtable = e->rtable;
	w->out->log |= e->log;
	if (e->scrub)
		scrub_add(&w->out->scrub, e->scrub);
	if (e->changes)
		changes_add(&w->out->changes, e->changes);
	if (e->af_to) {
		w->out->af_to = e->af_to;
		w->family = e;
	}
	translate(w, e, rule);
}

/* ---- the rules -------------------------------------------------------------
 */

/*
 * Of older lines the first that matches counts, and binat before nat going
 * out, rdr before binat coming in. True when one has decided this kind.
 */
static bool older_decides(struct walk *w, const struct policy_rule *r)
{
	const struct policy_effects *e = r->effects;
	bool is_out = w->out->key.w[NFR_F_DIR] == NFR_DIR_OUT;
	unsigned beaten_by;

	if (!e || !e->older)
		return false;
	beaten_by = 1u << e->older;
	if (e->older == AST_NO_NAT)
		beaten_by |= 1u << AST_NO_BINAT;
	if (e->older == AST_NO_BINAT && !is_out)
		beaten_by |= 1u << AST_NO_RDR;
	return w->older & beaten_by;
}

static bool matches(const struct walk *w, uint32_t rule)
{
	const struct policy_rule *r = &w->policy->rules[rule];

	if (r->effects && r->effects->is_once && w->context.is_spent &&
	    w->context.is_spent[rule])
		return false;
	return model_rule_matches(w->policy, r, &w->out->key, &w->context);
}

/* What a match does whatever rule decides in the end. */
static void stick(struct walk *w, uint32_t rule)
{
	const struct policy_rule *r = &w->policy->rules[rule];
	const struct policy_effects *e = r->effects;

	if (e && e->is_once && w->context.is_spent)
		w->context.is_spent[rule] = true;
	if (e && e->tag != TAG_NONE)
		w->context.tag = e->tag;
	if (e && e->older && !(e->is_no && e->older == AST_NO_SCRUB))
		w->older |= 1u << e->older;
	if (!r->is_match)
		return;
	trace_add(&w->out->matched, rule);
	act(w, rule);
	if (r->is_logged || w->out->log & AST_LOG_MATCHES)
		trace_add(&w->out->logged, rule);
}

/*
 * pf's order: the last match wins, unless a quick one ends the search, or a
 * quick anchor does when it is left after one of its rules matched. Returns
 * the rule that decides.
 */
static uint32_t search(struct walk *w)
{
	const struct policy *p = w->policy;
	uint32_t last = (uint32_t)p->rule_count - 1; /* the default */
	size_t end = last;

	for (uint32_t i = 0; i < end && !w->is_lost; i++) {
		const struct policy_rule *r = &p->rules[i];

		if (older_decides(w, r) || !matches(w, i))
			continue;
		stick(w, i);
		if (!r->is_match) {
			last = i;
			if (w->out->log & AST_LOG_MATCHES)
				trace_add(&w->out->logged, i);
		}
		if (r->is_quick)
			break;
		if (!r->is_match && r->group_end && r->group_end < end)
			end = r->group_end;
	}
	return last;
}

/* The guard's order: the first match wins. */
uint32_t model_guard_meets(const struct policy *p, const struct nfr_key *key,
			   const struct model_context *x)
{
	for (size_t i = 0; i < p->guard_count; i++)
		if (model_rule_matches(p, &p->guard[i], key, x))
			return (uint32_t)(p->rule_count + i);
	return NFR_NO_RULE;
}

/* ---- the verdict -----------------------------------------------------------
 */

static struct nfr_result result(bool is_pass, enum nfr_reason reason,
				uint32_t rule)
{
	return (struct nfr_result){
		.verdict = is_pass ? NFR_PASS : NFR_BLOCK,
		.reason = (__u8)reason,
		.rule = rule,
	};
}

/* Neighbour discovery that asks in vain has a reason of its own. */
static enum nfr_reason guard_reason(const struct nfr_key *key)
{
	bool is_solicitation = key->w[NFR_F_FAMILY] == NFR_FAMILY_IPV6 &&
			       key->w[NFR_F_PROTO] == MODEL_ICMP6 &&
			       key->w[NFR_F_ICMP] >> 8 == MODEL_SOLICITATION;

	return key->w[NFR_F_DIR] == NFR_DIR_OUT && is_solicitation &&
			       !(key->w[NFR_F_ORIGIN] & NFR_ORIGIN_NEEDED)
		       ? NFR_REASON_NEIGHBOUR
		       : NFR_REASON_GUARD;
}

/* What is left to say of a packet that rule passes for reason. */
static struct nfr_result judge_passed(const struct policy *p,
				      const struct nfr_key *key,
				      const struct model_context *x,
				      enum nfr_reason reason, uint32_t rule)
{
	uint32_t guard;

	if (key->w[NFR_F_BITS] & NFR_BIT_OPTIONS && !p->rules[rule].allows_opts)
		return result(false, NFR_REASON_IP_OPTIONS, rule);
	guard = model_guard_meets(p, key, x);
	if (guard != NFR_NO_RULE && !p->guard[guard - p->rule_count].is_pass)
		return result(false, guard_reason(key), guard);
	return result(true, reason, rule);
}

static void answer_icmp(struct model_outcome *out,
			const struct policy_return *r, bool is_v6)
{
	bool is_fit = r->kind == AST_RETURN;

	if (is_v6) {
		out->answer = MODEL_ANSWER_ICMP6;
		out->answer_code = is_fit ? ICMP6_UNREACH_PORT : r->icmp6_code;
	} else {
		out->answer = MODEL_ANSWER_ICMP;
		out->answer_code = is_fit ? ICMP_UNREACH_PORT : r->icmp_code;
	}
}

/* Errors are not answered by errors; what was an answer is none to us. */
static bool icmp_is_asking(const struct nfr_key *key)
{
	uint32_t type = key->w[NFR_F_ICMP] >> 8;

	if (key->w[NFR_F_PROTO] == 58)
		return type >= 128 && type != 137; /* no redirect */
	return type == 0 || type == 8 || type == 9 || type == 10 ||
	       (type >= 13 && type <= 18);
}

static void answer(struct model_outcome *out, const struct nfr_key *key,
		   const struct policy_return *r)
{
	uint32_t proto = key->w[NFR_F_PROTO];
	bool is_v6 = key->w[NFR_F_FAMILY] == NFR_FAMILY_IPV6;

	out->answer_ttl = r->ttl;
	if (r->kind <= AST_RETURN_DROP || !key->w[NFR_F_FAMILY] ||
	    key->w[NFR_F_BITS] & NFR_BIT_LATER)
		return;
	if (proto == 6 && (r->kind == AST_RETURN || r->kind == AST_RETURN_RST))
		out->answer = key->w[NFR_F_TCPFLAGS] & TH_RST
				      ? MODEL_ANSWER_NONE
				      : MODEL_ANSWER_RST;
	else if (r->kind != AST_RETURN_RST &&
		 ((proto != 1 && proto != 58) || icmp_is_asking(key)))
		answer_icmp(out, r, is_v6);
}

static void decide_pass(struct walk *w, const struct nfr_key *arrived,
			uint32_t rule, enum nfr_reason reason)
{
	const struct policy_rule *r = &w->policy->rules[rule];
	const struct policy_effects *e = r->effects;
	struct model_outcome *out = w->out;
	bool is_in = arrived->w[NFR_F_DIR] == NFR_DIR_IN;

	out->keeps_state = r->keeps_state;
	out->state = r->state;
	out->tag = w->context.tag;
	if (!r->keeps_state) { /* a translation is a state's */
		out->key = *arrived;
		out->nat = out->rdr = NULL;
		out->nat_rule = out->rdr_rule = NFR_NO_RULE;
		out->af_to = FAMILY_ANY;
	}
	/* The guard speaks of the wire: what arrived, or what leaves. */
	out->result = judge_passed(w->policy, is_in ? arrived : &out->key,
				   &w->context, reason, rule);
	if (out->result.verdict == NFR_PASS && out->af_to &&
	    !model_translate_family(w->policy, w->family, w->context.pick,
				    &out->key))
		out->result = result(false, NFR_REASON_TRANSLATE, rule);
	if (out->result.verdict != NFR_PASS || !e)
		return;
	out->route_to = e->route_to;
	out->reply_to = e->reply_to;
	out->dup_to = e->dup_to;
	out->divert = e->divert ? e : NULL;
}

static void decide(struct walk *w, const struct nfr_key *arrived)
{
	struct model_outcome *out = w->out;
	uint32_t rule = search(w);
	const struct policy_rule *r = &w->policy->rules[rule];
	enum nfr_reason reason = NFR_REASON_RULE;
	bool is_traced = out->log & AST_LOG_MATCHES;

	out->decider = rule;
	if (!w->is_lost)
		act(w, rule);
	out->seen = out->key;
	out->seen.w[NFR_F_TAG] = w->context.tag;
	if (w->is_lost) {
		out->result = result(false, NFR_REASON_TRANSLATE, rule);
		return;
	}
	if (r->is_logged && !is_traced)
		trace_add(&out->logged, rule);
	if (r->is_default) {
		reason = NFR_REASON_DEFAULT;
		/* "set default pass" is about IP. */
		if (arrived->w[NFR_F_FAMILY] == NFR_FAMILY_LINK) {
			out->result = result(false, NFR_REASON_ETHERTYPE, rule);
			return;
		}
	}
	if (r->is_pass) {
		decide_pass(w, arrived, rule, reason);
		return;
	}
	out->result = result(false, reason, rule);
	if (r->effects)
		answer(out, arrived, &r->effects->ret);
}

static void outcome_start(struct model_outcome *out, const struct nfr_key *key)
{
	memset(out, 0, sizeof(*out));
	out->key = out->seen = *key;
	out->nat_rule = out->rdr_rule = NFR_NO_RULE;
	out->decider = NFR_NO_RULE;
	out->rtable = -1;
}

void model_evaluate(const struct policy *p, const struct nfr_key *key,
		    const struct model_context *x, struct model_outcome *out)
{
	struct walk w = {.policy = p, .context = *x, .out = out};

	outcome_start(out, key);
	if (key->w[NFR_F_BITS] & NFR_BIT_LATER)
		out->result = result(false, NFR_REASON_FRAGMENT, NFR_NO_RULE);
	else
		decide(&w, key);
	if (out->result.verdict != NFR_PASS) { /* nothing leaves */
		out->key = *key;
		out->keeps_state = false;
		out->state = NULL;
		out->tag = TAG_NONE;
	}
}

/* ---- the same with no context ----------------------------------------------
 */

uint32_t model_classify(const struct policy *p, const struct nfr_key *key)
{
	struct model_outcome out;
	struct walk w = {
		.policy = p,
		.context = model_no_context(),
		.out = &out,
	};

	outcome_start(&out, key);
	return search(&w);
}

uint32_t model_guard(const struct policy *p, const struct nfr_key *key)
{
	const struct model_context none = model_no_context();

	return model_guard_meets(p, key, &none);
}

struct nfr_result model_judge(const struct policy *p, const struct nfr_key *key)
{
	const struct model_context none = model_no_context();
	struct model_outcome out;

	model_evaluate(p, key, &none, &out);
	return out.result;
}

struct nfr_result model_judge_flow(const struct policy *p,
				   const struct nfr_key *key, uint32_t rule)
{
	const struct model_context none = model_no_context();
	struct nfr_result r;

	if (key->w[NFR_F_BITS] & NFR_BIT_LATER)
		return result(false, NFR_REASON_FRAGMENT, NFR_NO_RULE);
	r = judge_passed(p, key, &none, NFR_REASON_STATE, rule);
	r.from_state = r.verdict == NFR_PASS;
	return r;
}
