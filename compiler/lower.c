/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower.c: policy -> bytecode.
 *
 * Each entry point gets a program of its own with the rules that can match
 * there, so direction and family are never tested. policy_order() makes first
 * match of last match, quick and anchors. A rule in anchors tests their
 * criteria first, each rule by itself. The guard is first match as it stands;
 * behind it comes a rule that means "no objection", so that its programs end in
 * a rule too.
 */
#include "lower.h"

#include <errno.h>
#include <string.h>

#include "lower_match.h"

static bool match_is_for(const struct policy_match *match, enum nfr_dir dir,
			 enum nfr_family family)
{
	return (match->dirs & 1u << dir) && (match->families & 1u << family);
}

static bool rule_is_for(const struct policy_rule *rule, enum nfr_dir dir,
			enum nfr_family family)
{
	if (rule->is_match) /* decides nothing */
		return false;
	for (size_t i = 0; i < rule->within_count; i++)
		if (!match_is_for(&rule->within[i], dir, family))
			return false;
	return match_is_for(&rule->match, dir, family);
}

/* Of the anchors around it, and its own. */
static bool lower_criteria(struct emit *e, const struct policy_rule *rule,
			   enum nfr_family family, struct emit_label *miss)
{
	for (size_t i = 0; i < rule->within_count; i++)
		if (!lower_match(e, &rule->within[i], family, miss))
			return false;
	return lower_match(e, &rule->match, family, miss);
}

/* True when the rule decides whatever reaches it: nothing follows it. */
static bool lower_rule(struct emit *e, const struct policy_rule *rule,
		       uint32_t number, enum nfr_dir dir,
		       enum nfr_family family)
{
	struct emit_label miss = {.count = 0};
	size_t start = e->count;
	bool is_last;

	if (!rule_is_for(rule, dir, family))
		return false;
	if (!lower_criteria(e, rule, family, &miss)) {
		e->count = start;
		return false;
	}
	is_last = e->count == start;
	emit_ret(e, number);
	emit_bind(e, &miss);
	return is_last;
}

static void lower_rules(struct emit *e, const struct policy *policy,
			const uint32_t *order, enum nfr_dir dir,
			enum nfr_family family)
{
	uint32_t last = (uint32_t)policy->rule_count - 1;

	for (uint32_t i = 0; order[i] != last; i++)
		if (lower_rule(e, &policy->rules[order[i]], order[i], dir,
			       family))
			return;
	emit_ret(e, last);
}

static void lower_guard(struct emit *e, const struct policy *policy,
			enum nfr_dir dir, enum nfr_family family)
{
	uint32_t first = (uint32_t)policy->rule_count;
	uint32_t count = (uint32_t)policy->guard_count;

	for (uint32_t i = 0; i < count; i++)
		if (lower_rule(e, &policy->guard[i], first + i, dir, family))
			return;
	emit_ret(e, first + count);
}

/* Where the same program stands already, or start: jumps are relative. */
static uint32_t find_equal(const struct emit *e, const struct code *code,
			   unsigned entries, size_t start)
{
	size_t len = e->count - start;

	for (unsigned i = 0; i < entries; i++) {
		size_t other = code->entry[i];

		if (other + len <= start &&
		    memcmp(e->insns + other, e->insns + start,
			   len * sizeof(*e->insns)) == 0)
			return (uint32_t)other;
	}
	return (uint32_t)start;
}

int lower_policy(struct arena *arena, const struct policy *policy,
		 struct code *out)
{
	struct emit e = {.arena = arena};
	struct code code = {.count = 0};
	uint32_t *order;

	/* One more than the policy has: "no objection". */
	if (policy->rule_count >= NFR_RULE_MAX ||
	    policy->guard_count >= NFR_RULE_MAX - policy->rule_count)
		return -E2BIG;
	order = arena_alloc(arena, policy->rule_count * sizeof(*order));
	policy_order(policy, order);
	for (unsigned i = 0; i < NFR_ENTRIES; i++) {
		enum nfr_dir dir = i / 3 % 2;
		enum nfr_family family = i % 3;
		bool is_guard = i >= NFR_ENTRY(NFR_STAGE_GUARD, 0, 0);
		size_t start = e.count;

		if (is_guard && policy->guard_count == 0) {
			code.entry[i] = NFR_NO_ENTRY;
			continue;
		}
		if (is_guard)
			lower_guard(&e, policy, dir, family);
		else
			lower_rules(&e, policy, order, dir, family);
		code.entry[i] = find_equal(&e, &code, i, start);
		if (code.entry[i] != start)
			e.count = start;
		if (e.count > NFR_INSN_MAX || e.is_too_far)
			return -E2BIG;
	}
	code.insns = e.insns;
	code.count = e.count;
	if (lower_asserts(arena, policy, &code))
		return -E2BIG;
	*out = code;
	return 0;
}
