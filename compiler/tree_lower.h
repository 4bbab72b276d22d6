/* SPDX-License-Identifier: BSD-2-Clause */
/* tree_lower.h: rules of which the first match decides -> trees -> code. */
#ifndef NFR_TREE_LOWER_H
#define NFR_TREE_LOWER_H

#include "lower_rules.h"

/* Fewer rules are tested one after the other, which costs as much. */
#define TREE_RULES_MIN 6
/* More are not worth a tree of code. */
#define TREE_RULES_MAX 32768
/* How often a rule may be repeated, in tenths, on average. */
#define TREE_TENTHS_MAX 160u

struct tree_plan;

/*
 * Trees of rules[0..count - 1] of the entry's policy; the first that matches
 * decides. NULL when they would be too large.
 */
struct tree_plan *tree_plan(const struct lower_entry *, const uint32_t *rules,
			    size_t count);
/* The program; a packet that no rule matches comes to the last one. */
void tree_lower(const struct lower_entry *, const struct tree_plan *,
		uint32_t last);

#endif
