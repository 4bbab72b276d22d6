/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steer_rules.h: the namespace's routing rules of now, and the place of ours
 * among them.
 *
 * Ours have to come before every rule that would lead what is marked into the
 * tunnel. Who adds a rule without a preference gets one just below the first
 * that is there, and so do wg-quick's, so the place is looked for anew at each
 * pass: STEER_PLACE, or as far below as it takes. Rules of others that name an
 * address, a user, a device or a port are somebody's word and keep their place.
 */
#ifndef NFR_STEER_RULES_H
#define NFR_STEER_RULES_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STEER_OUTSIDE 7235u /* tables */
#define STEER_INSIDE 7236u
#define STEER_PLACE 7234u /* preference of the first of ours, and so on */

struct steer_rule {
	uint8_t family;	   /* AF_INET, AF_INET6 */
	int own;	   /* which of ours; -1: somebody else's */
	bool is_general;   /* it takes what is marked by us, wherever it goes */
	uint32_t priority; /* called preference by ip(8) */
	uint32_t table;
};

struct steer_rules {
	struct steer_rule *items;
	size_t count;
};

void steer_rules_free(struct steer_rules *);
int steer_rules_read(struct mnl_socket *, struct steer_rules *);
/* How many are ours. */
size_t steer_rules_own(const struct steer_rules *);
/*
 * Puts ours where they belong, and removes them elsewhere; leads says of a
 * table whether it leads into the tunnel. How many were changed, or -errno;
 * -ENOSPC: there is no place before somebody's rule.
 */
int steer_rules_put(struct mnl_socket *, const struct steer_rules *now,
		    bool (*leads)(const void *arg, uint32_t table),
		    const void *arg);
int steer_rules_remove(struct mnl_socket *, const struct steer_rules *now);
/* Nothing is missing, and nothing comes first. */
bool steer_rules_are_placed(const struct steer_rules *now,
			    bool (*leads)(const void *arg, uint32_t table),
			    const void *arg);

#endif
