/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_edit.h: what one table holds and a list of addresses -> what it then
 * holds, and what became of each address, as pfctl's -T says it.
 */
#ifndef NFR_TABLE_EDIT_H
#define NFR_TABLE_EDIT_H

#include "image.h"

enum table_feedback {
	TABLE_NONE,	 /* it was so already, or was not there */
	TABLE_ADDED,	 /* A */
	TABLE_DELETED,	 /* D */
	TABLE_CHANGED,	 /* C: negated, or no longer */
	TABLE_DUPLICATE, /* X: twice in the list */
	TABLE_CONFLICT,	 /* Y: it is there, but negated, or the other way */
	TABLE_MATCH	 /* M */
};
char table_letter(enum table_feedback); /* ' ' for none */

struct table_item {
	struct image_entry entry;
	enum table_feedback feedback;
	size_t order; /* as it was given */
};

/* malloc'd; zero is an empty one. */
struct table_list {
	struct table_item *items;
	size_t count, capacity;
};
void table_list_add(struct table_list *, const struct image_entry *);
void table_list_free(struct table_list *);
size_t table_list_count(const struct table_list *, enum table_feedback);

/*
 * "10.0.0.0/8", "! fd00::1". Bits behind the prefix are cleared; addresses in
 * ::ffff:0:0/96 are IPv4. 0 or -EINVAL.
 */
int table_entry_parse(const char *text, struct image_entry *out);
/* Without "/32" and "/128", as pfctl writes it. */
#define TABLE_ENTRY_TEXT_MAX 64
const char *table_entry_format(const struct image_entry *,
			       char out[TABLE_ENTRY_TEXT_MAX]);

/*
 * Each takes what the table holds, and says in *asked what became of each
 * address and in *now what the table holds then. now may not be what it held.
 */
void table_add(const struct table_list *held, struct table_list *asked,
	       struct table_list *now);
void table_delete(const struct table_list *held, struct table_list *asked,
		  struct table_list *now);
/* What is deleted is appended to asked. */
void table_replace(const struct table_list *held, struct table_list *asked,
		   struct table_list *now);
/* asked are single addresses. */
void table_test(const struct table_list *held, struct table_list *asked);

#endif
