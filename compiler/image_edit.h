/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_edit.h: an image -> the same policy with other table entries. Rules and
 * code stay; entries, layout and hash are new. What comes out is to be opened
 * again by image_open(), as if it came from anyone.
 */
#ifndef NFR_IMAGE_EDIT_H
#define NFR_IMAGE_EDIT_H

#include "host.h"
#include "image.h"

struct image_edit {
	const struct image *image;
	struct image_entry *entries; /* of all tables */
	size_t count, capacity;
};

/* The image must outlive the edit; image_edit_free() frees what it holds. */
void image_edit_begin(struct image_edit *, const struct image *);
/* From now on the table holds these; their field "table" is ignored. */
void image_edit_table(struct image_edit *, __u32 table,
		      const struct image_entry *, size_t count);
/*
 * Dynamic tables -> the addresses that their interfaces have on this host.
 * Returns how many of the image's tables are dynamic.
 */
size_t image_edit_refill(struct image_edit *, const struct host *);
/* Has it tables that keep what they held? */
bool image_keeps_tables(const struct image *);
/*
 * These -> what the table of the same name held in old. Returns how many there
 * were.
 */
size_t image_edit_keep(struct image_edit *, const struct image *old);
/* bytes are malloc'd and the caller's. 0, -E2BIG or -ENOMEM. */
int image_edit_finish(struct image_edit *, __u8 **bytes, size_t *len);
void image_edit_free(struct image_edit *);

/* The same rules, names and all, whatever the tables hold. */
bool image_same_policy(const struct image *, const struct image *);

/* The index of a table, or -1. */
int image_find_table(const struct image *, const char *name);
/* Entries of one table: they stand together. */
const struct image_entry *image_table_entries(const struct image *, __u32 table,
					      size_t *count);
/*
 * The first table that may not be empty, as the policy would open, and has no
 * member; or -1.
 */
int image_find_open(const struct image *);
/*
 * image_portal.c. The table of a portal by IMAGE_MODIFIER_*; iface NULL: of any
 * interface; or -1. The interface whose portal is open, and the table of its
 * resolvers; or NULL.
 */
int image_find_portal(const struct image *, const char *iface,
		      unsigned modifier);
const char *image_open_portal(const struct image *, __u32 *dns);
/* "10.0.0.1, 10.0.0.2", or "nobody". */
#define IMAGE_PORTAL_TEXT_MAX 256
void image_portal_resolvers(const struct image *, __u32 table,
			    char out[IMAGE_PORTAL_TEXT_MAX]);
/*
 * In a table IPv4 is ::ffff:0:0/96, so "no IPv4 address" stands beside an IPv6
 * prefix that covers that. Nobody wrote it.
 */
bool image_entry_is_implied(const struct image_entry *);

#endif
