/* SPDX-License-Identifier: BSD-2-Clause */
/* lower_rules.h: the rules that one entry point may meet -> its program. */
#ifndef NFR_LOWER_RULES_H
#define NFR_LOWER_RULES_H

#include "emit.h"
#include "policy.h"

struct lower_entry {
	struct emit *emit;
	const struct policy *policy;
	const uint32_t *rank; /* of each rule in policy_order() */
	const uint32_t *order;
	enum nfr_dir dir;
	enum nfr_family family;
};

/* Always ends in a rule. */
void lower_rules(const struct lower_entry *);
/* Is the program the same in both directions, whatever at->dir is? */
bool lower_is_undirected(const struct lower_entry *);
void lower_guard(const struct lower_entry *);

/* Can the rule match a packet of this entry? */
bool lower_can_match(const struct lower_entry *, const struct policy_rule *);
/* Has the entry match rules, tags or older lines, which act and go on? */
bool lower_has_stops(const struct lower_entry *);
/* One rule that decides; true when nothing is left for what follows it. */
bool lower_one(const struct lower_entry *, const struct policy_rule *,
	       uint32_t number);

/* Does the match rule change addresses or ports at once? */
bool lower_translates(const struct policy_rule *);
/* Is a match rule remembered when it applies: is it anything but a tag? */
bool lower_is_kept(const struct policy_rule *);

#endif
