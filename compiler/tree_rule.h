/* SPDX-License-Identifier: BSD-2-Clause */
/* tree_rule.h: what a rule matches <-> a box of key words. */
#ifndef NFR_TREE_RULE_H
#define NFR_TREE_RULE_H

#include "policy.h"
#include "tree.h"

/* Of a rule that can match packets of this family. False: none is left. */
bool tree_rule(const struct policy_rule *, uint32_t number, enum nfr_family,
	       struct tree_rule *out);
/* What is left to ask where the words of known (tree_item) are as asked. */
struct policy_match tree_rest(const struct policy_match *, uint32_t known);
/* Bits of both addresses' words, and of their first ones. */
#define TREE_SRC_BITS (0xfu << TREE_SRC)
#define TREE_DST_BITS (0xfu << TREE_DST)

#endif
