/* SPDX-License-Identifier: BSD-2-Clause */
/* check_entries.h: what a table holds, while it is collected. */
#ifndef NFR_CHECK_ENTRIES_H
#define NFR_CHECK_ENTRIES_H

#include "check_internal.h"

/*
 * In the datapath a table has one space of 128 bits, where IPv4 is
 * ::ffff:0:0/96 (abi.h). So an entry in there is an IPv4 entry, and an IPv6
 * prefix that covers all of it needs "no IPv4 address" beside it.
 */
struct entries {
	struct policy_table_entry *items;
	size_t count, capacity;
	bool has_ipv4_all;	 /* 0.0.0.0/0, negated or not */
	struct span covers_ipv4; /* an IPv6 prefix that does; or none */
};

/* An address or prefix, with its host bits cleared. */
void entries_add(struct check *, struct entries *, const struct ast_host *);
/* All that a declaration and its files name; mistakes are said. */
void entries_of_node(struct check *, const struct ast_table *,
		     struct entries *);
/* Sorted, each once -> the table's; mistakes are said. */
void entries_finish(struct check *, struct entries *, struct policy_table *);

#endif
