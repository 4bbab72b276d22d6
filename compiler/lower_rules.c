/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_rules.c: the rules of one entry point -> a program.
 *
 * Where nothing but the deciding rule matters, policy_order() makes first match
 * of last match, quick and anchors, and each hit is a ret.
 *
 * A match rule, a tag and an older line act whatever decides in the end: they
 * are stops, which cut the rules in segments that run in pf's order. Within a
 * segment the first match is found as above. A hit that ends the search in its
 * segment is a ret; any other becomes the candidate, which a later segment may
 * replace. A quick anchor with a stop inside ends where its last rule is: there
 * retge asks whether the candidate is one of its rules.
 */
#include "lower_rules.h"

#include <stdlib.h>
#include <string.h>

#include "lower_match.h"
#include "tag.h"
#include "tree_lower.h"

/* ---- one rule ---------------------------------------------------------- */

static bool match_is_for(const struct policy_match *match,
			 const struct lower_entry *at)
{
	return (match->dirs & 1u << at->dir) &&
	       (match->families & 1u << at->family);
}

static bool rule_is_for(const struct policy_rule *rule,
			const struct lower_entry *at)
{
	for (size_t i = 0; i < rule->within_count; i++)
		if (!match_is_for(&rule->within[i], at))
			return false;
	return match_is_for(&rule->match, at);
}

/* Of the anchors around it, and its own. False: it can not match here. */
static bool lower_criteria(const struct lower_entry *at,
			   const struct policy_rule *rule,
			   struct emit_label *miss)
{
	for (size_t i = 0; i < rule->within_count; i++)
		if (!lower_match(at->emit, &rule->within[i], at->family, miss))
			return false;
	return lower_match(at->emit, &rule->match, at->family, miss);
}

bool lower_can_match(const struct lower_entry *at,
		     const struct policy_rule *rule)
{
	struct emit_label unused = {.count = 0};
	size_t start = at->emit->count;
	bool can = rule_is_for(rule, at) && lower_criteria(at, rule, &unused);

	at->emit->count = start;
	return can;
}

/* True when the rule decides whatever reaches it: nothing follows it. */
bool lower_one(const struct lower_entry *at, const struct policy_rule *rule,
	       uint32_t number)
{
	struct emit_label miss = {.count = 0};
	size_t start = at->emit->count;
	bool is_last;

	if (!rule_is_for(rule, at))
		return false;
	if (!lower_criteria(at, rule, &miss)) {
		at->emit->count = start;
		return false;
	}
	is_last = miss.count == 0;
	emit_ret(at->emit, number);
	emit_bind(at->emit, &miss);
	return is_last;
}

/* ---- stops ------------------------------------------------------------- */

static bool has_tag(const struct policy_rule *rule)
{
	return rule->effects && rule->effects->tag != TAG_NONE;
}

static bool is_older(const struct policy_rule *rule)
{
	return rule->effects && rule->effects->older;
}

static bool is_stop(const struct policy_rule *rule)
{
	return rule->is_match || has_tag(rule) || is_older(rule);
}

bool lower_has_stops(const struct lower_entry *at)
{
	const struct policy *p = at->policy;

	for (size_t i = 0; i + 1 < p->rule_count; i++)
		if (is_stop(&p->rules[i]) && lower_can_match(at, &p->rules[i]))
			return true;
	return false;
}

bool lower_translates(const struct policy_rule *rule)
{
	const struct policy_effects *e = rule->effects;

	return rule->is_match && e && !e->is_no && (e->nat || e->rdr);
}

bool lower_is_kept(const struct policy_rule *rule)
{
	return rule->is_match && (!rule->is_generated || *rule->label ||
				  rule->is_logged || lower_translates(rule));
}

/* A program that is cut in segments. */
struct cut {
	const struct lower_entry *at;
	uint32_t *stops; /* ascending; the last is the default rule */
	size_t stop_count;
	/* By index behind a quick anchor's last rule: its first that can
	 * decide, or POLICY_NONE where no stop is in it. */
	uint32_t *group_first;
	uint32_t *scratch; /* for one segment's rules */
	bool has_candidate;
};

static uint32_t default_rule(const struct lower_entry *at)
{
	return (uint32_t)at->policy->rule_count - 1;
}

static void find_stops(struct cut *cut)
{
	const struct policy *p = cut->at->policy;
	uint32_t last = default_rule(cut->at);

	for (uint32_t i = 0; i < last; i++)
		if (is_stop(&p->rules[i]) &&
		    lower_can_match(cut->at, &p->rules[i]))
			cut->stops[cut->stop_count++] = i;
	cut->stops[cut->stop_count] = last;
}

static bool has_stop(const struct cut *cut, uint32_t first, uint32_t end)
{
	size_t low = 0, high = cut->stop_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (cut->stops[middle] < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low < cut->stop_count && cut->stops[low] < end;
}

static void find_groups(struct cut *cut)
{
	const struct policy *p = cut->at->policy;

	for (size_t i = 0; i <= p->rule_count; i++)
		cut->group_first[i] = POLICY_NONE;
	for (uint32_t i = 0; i < p->rule_count; i++) {
		size_t end = p->rules[i].group_end;

		if (end && !p->rules[i].is_match &&
		    cut->group_first[end] == POLICY_NONE)
			cut->group_first[end] = i;
	}
	for (uint32_t end = 0; end <= p->rule_count; end++) {
		uint32_t first = cut->group_first[end];

		if (first != POLICY_NONE && !has_stop(cut, first, end))
			cut->group_first[end] = POLICY_NONE;
	}
}

/* Kinds of older lines that, once decided, leave nothing to this one. */
static unsigned beaten_by(const struct policy_rule *rule, enum nfr_dir dir)
{
	unsigned kinds = 1u << rule->effects->older;

	if (rule->effects->older == AST_NO_NAT)
		kinds |= 1u << AST_NO_BINAT;
	if (rule->effects->older == AST_NO_BINAT && dir == NFR_DIR_IN)
		kinds |= 1u << AST_NO_RDR;
	return kinds;
}

static void lower_undecided(const struct lower_entry *at,
			    const struct policy_rule *rule,
			    struct emit_label *miss)
{
	unsigned kinds = beaten_by(rule, at->dir);

	for (unsigned kind = 0; kinds >> kind; kind++)
		if (kinds >> kind & 1)
			emit_jump(at->emit, NFR_OP_JDONE, 0, kind, miss);
}

static void lower_effects(struct emit *e, const struct policy_rule *rule,
			  uint32_t number)
{
	if (has_tag(rule))
		emit_op(e, NFR_OP_TAG, rule->effects->tag);
	if (is_older(rule) &&
	    !(rule->effects->is_no && rule->effects->older == AST_NO_SCRUB))
		emit_op(e, NFR_OP_DONE, rule->effects->older);
	if (lower_is_kept(rule))
		emit_op(e, lower_translates(rule) ? NFR_OP_XLATE : NFR_OP_MATCH,
			number);
}

static void lower_decided(struct cut *cut)
{
	emit_op(cut->at->emit, cut->has_candidate ? NFR_OP_RETC : NFR_OP_RET,
		default_rule(cut->at));
}

/* True when no way leads on behind it. */
static bool lower_stop(struct cut *cut, uint32_t number)
{
	const struct lower_entry *at = cut->at;
	const struct policy_rule *rule = &at->policy->rules[number];
	struct emit_label miss = {.count = 0};
	bool is_always;

	if (is_older(rule))
		lower_undecided(at, rule, &miss);
	lower_criteria(at, rule, &miss);
	is_always = miss.count == 0;
	lower_effects(at->emit, rule, number);
	if (rule->is_match && rule->is_quick) {
		lower_decided(cut);
	} else if (rule->is_quick) {
		emit_ret(at->emit, number);
	} else {
		is_always = false;
		if (!rule->is_match) {
			emit_op(at->emit, NFR_OP_SET, number);
			cut->has_candidate = true;
		}
	}
	emit_bind(at->emit, &miss);
	return is_always;
}

/* ---- segments ---------------------------------------------------------- */

static int compare_ranks(const void *left, const void *right, void *rank)
{
	uint32_t a = ((const uint32_t *)rank)[*(const uint32_t *)left];
	uint32_t b = ((const uint32_t *)rank)[*(const uint32_t *)right];

	return a < b ? -1 : a > b;
}

/* The rules of first..end that can match, in order of first match. */
static size_t segment_rules(struct cut *cut, uint32_t first, uint32_t end)
{
	const struct policy *p = cut->at->policy;
	size_t count = 0;

	for (uint32_t i = first; i < end; i++)
		if (!is_stop(&p->rules[i]) &&
		    lower_can_match(cut->at, &p->rules[i]))
			cut->scratch[count++] = i;
	qsort_r(cut->scratch, count, sizeof(*cut->scratch), compare_ranks,
		(void *)cut->at->rank);
	return count;
}

/* Is the search over when this rule of a segment that ends there matched? */
static bool ends_within(const struct cut *cut, uint32_t number, uint32_t end)
{
	const struct policy_rule *rule = &cut->at->policy->rules[number];

	return rule->is_quick || end == default_rule(cut->at) ||
	       (rule->group_end && rule->group_end <= end);
}

/* True when no way leads on behind it. */
static bool lower_segment(struct cut *cut, uint32_t first, uint32_t end)
{
	struct emit *e = cut->at->emit;
	size_t count = segment_rules(cut, first, end);
	struct emit_label out = {.count = 0}, miss = {.count = 0};
	bool is_set = false, is_always = false, is_left;

	for (size_t i = 0; i < count && !is_always; i++) {
		uint32_t number = cut->scratch[i];

		if (is_set)
			emit_skip(e, &out);
		emit_bind(e, &miss);
		lower_criteria(cut->at, &cut->at->policy->rules[number], &miss);
		is_always = miss.count == 0;
		is_set = !ends_within(cut, number, end);
		emit_op(e, is_set ? NFR_OP_SET : NFR_OP_RET, number);
		cut->has_candidate |= is_set;
	}
	is_left = is_set || out.count || !is_always;
	emit_bind(e, &miss);
	emit_bind(e, &out);
	return !is_left;
}

static void lower_group_end(const struct cut *cut, uint32_t end)
{
	if (cut->group_first[end] != POLICY_NONE && cut->has_candidate)
		emit_op(cut->at->emit, NFR_OP_RETGE, cut->group_first[end]);
}

/* The next stop, or end of a quick anchor with one, from first on. */
static uint32_t segment_end(const struct cut *cut, uint32_t first, size_t stop)
{
	uint32_t end = first + 1;

	while (end < cut->stops[stop] && cut->group_first[end] == POLICY_NONE)
		end++;
	return end;
}

static void lower_segments(struct cut *cut)
{
	size_t stop = 0;
	uint32_t at = 0, last = default_rule(cut->at);

	while (at < last) {
		if (at == cut->stops[stop]) {
			if (lower_stop(cut, at))
				return;
			stop++;
			at++;
		} else {
			uint32_t end = segment_end(cut, at, stop);

			if (lower_segment(cut, at, end))
				return;
			at = end;
		}
		lower_group_end(cut, at);
	}
	lower_decided(cut);
}

/* ---- programs ---------------------------------------------------------- */

/* The rules in order of first match, as trees, when they are many. */
static bool lower_trees(const struct lower_entry *at)
{
	const struct policy *p = at->policy;
	uint32_t last = default_rule(at), *rules;
	const struct tree_plan *plan = NULL;
	size_t count = 0;

	rules = arena_alloc(at->emit->arena, p->rule_count * sizeof(*rules));
	for (uint32_t i = 0; at->order[i] != last; i++)
		if (lower_can_match(at, &p->rules[at->order[i]]))
			rules[count++] = at->order[i];
	if (count >= TREE_RULES_MIN && count <= TREE_RULES_MAX)
		plan = tree_plan(at, rules, count);
	if (plan)
		tree_lower(at, plan, last);
	return plan != NULL;
}

static void lower_plain(const struct lower_entry *at)
{
	const struct policy *p = at->policy;
	uint32_t last = default_rule(at);

	if (p->rule_count > TREE_RULES_MIN && lower_trees(at))
		return;
	for (uint32_t i = 0; at->order[i] != last; i++)
		if (lower_one(at, &p->rules[at->order[i]], at->order[i]))
			return;
	emit_ret(at->emit, last);
}

void lower_rules(const struct lower_entry *at)
{
	struct arena *arena = at->emit->arena;
	size_t count = at->policy->rule_count;
	struct cut cut = {.at = at};

	cut.stops = arena_alloc(arena, count * sizeof(*cut.stops));
	find_stops(&cut);
	if (cut.stop_count == 0) {
		lower_plain(at);
		return;
	}
	cut.group_first =
		arena_alloc(arena, (count + 1) * sizeof(*cut.group_first));
	cut.scratch = arena_alloc(arena, count * sizeof(*cut.scratch));
	find_groups(&cut);
	lower_segments(&cut);
}

static bool match_is_undirected(const struct policy_match *match)
{
	return match->dirs == (1u << NFR_DIR_IN | 1u << NFR_DIR_OUT);
}

bool lower_is_undirected(const struct lower_entry *at)
{
	const struct policy *p = at->policy;

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct policy_rule *rule = &p->rules[i];

		if (is_stop(rule) || !match_is_undirected(&rule->match))
			return false;
		for (size_t j = 0; j < rule->within_count; j++)
			if (!match_is_undirected(&rule->within[j]))
				return false;
	}
	return true;
}

void lower_guard(const struct lower_entry *at)
{
	uint32_t first = (uint32_t)at->policy->rule_count;
	uint32_t count = (uint32_t)at->policy->guard_count;

	for (uint32_t i = 0; i < count; i++)
		if (lower_one(at, &at->policy->guard[i], first + i))
			return;
	emit_ret(at->emit, first + count);
}
