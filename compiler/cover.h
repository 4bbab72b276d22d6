/* SPDX-License-Identifier: BSD-2-Clause */
/* cover.h: hosts, one after the other -> whether they are all of a family. */
#ifndef NFR_COVER_H
#define NFR_COVER_H

#include "arena.h"
#include "policy.h"

/* The contract's words for it, twice the family's number, 4 or 6. */
#define EXCLUDES_ALL                                                           \
	"\"exclude\" lets every IPv%d address go outside: the tunnel would "   \
	"guard no IPv%d"
#define EXCLUDES_ALL_HINT                                                      \
	"exclude less, or say with \"include\" what goes through the tunnel"

struct cover_range;

/* Zero but for arena and family is an empty one; lives in the arena. */
struct cover {
	struct arena *arena;
	enum addr_family family;
	struct cover_range *ranges;
	size_t count, capacity;
};

/* What is from first to last, or with is_negated what is not. */
void cover_range(struct cover *, const struct addr *first,
		 const struct addr *last, bool is_negated);
/*
 * What is in a table, or with is_negated what is not. Entries of the other
 * family are ignored; these are sorted by address and prefix, each once.
 */
void cover_table(struct cover *, const struct policy_table_entry *,
		 size_t count, bool is_negated);
/* Is there no address of the family that none of them has? */
bool cover_is_all(const struct cover *);

#endif
