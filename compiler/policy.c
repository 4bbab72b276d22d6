/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.c: the order of evaluation, and the names of features. */
#include "policy.h"

#include <stdlib.h>

static const struct {
	const char *name;
	bool runs;
	const char *why;
} features[] = {
#define NFR_FEATURE(sym, name, runs, why) [FEATURE_##sym] = {name, runs, why},
#include "features.def"
#undef NFR_FEATURE
};

const char *feature_name(enum feature feature)
{
	return features[feature].name;
}

bool feature_runs(enum feature feature)
{
	return features[feature].runs;
}

const char *feature_why(enum feature feature)
{
	return features[feature].why;
}

/* The index at which the search ends when rule i matched. */
static size_t rule_end(const struct policy *p, uint32_t i)
{
	const struct policy_rule *r = &p->rules[i];

	if (r->is_quick)
		return i + 1;
	return r->group_end ? r->group_end : p->rule_count;
}

/*
 * Of two rules that match, the earlier decides when it ends the search before
 * the later is seen. Groups are nested, so this is an order.
 */
static int compare_rules(const void *left, const void *right, void *context)
{
	const struct policy *p = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	uint32_t first = a < b ? a : b, later = a < b ? b : a;
	uint32_t winner;

	if (a == b)
		return 0;
	winner = rule_end(p, first) <= later || p->rules[later].is_default
			 ? first
			 : later;
	return winner == a ? -1 : 1;
}

void policy_order(const struct policy *p, uint32_t *order)
{
	for (size_t i = 0; i < p->rule_count; i++)
		order[i] = (uint32_t)i;
	qsort_r(order, p->rule_count, sizeof(*order), compare_rules, (void *)p);
}

struct policy_match policy_match_any(void)
{
	return (struct policy_match){
		.dirs = 1u << NFR_DIR_IN | 1u << NFR_DIR_OUT,
		.families = 1u << NFR_FAMILY_IPV4 | 1u << NFR_FAMILY_IPV6,
		.on_any = true,
		.ethertype = -1,
		.proto = -1,
		.ttl = -1,
		.tos = -1,
		.sport = {.is_any = true},
		.dport = {.is_any = true},
		.icmp_type = -1,
		.icmp_code = -1,
	};
}
