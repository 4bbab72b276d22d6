/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tableset.h: an image's address tables, for user space: the bytes that the
 * kernel side reads, and what overload added to them since.
 */
#ifndef NFR_TABLESET_H
#define NFR_TABLESET_H

#include <stdbool.h>

#include "../compiler/image.h"

struct tableset;

/* Copies what it needs. 0, -ENOMEM or -E2BIG; *out untouched on failure. */
int tableset_new(const struct image *, struct tableset **out);
/* The address becomes a member. 0, -ENOMEM
 * or -E2BIG: as many as the kernel side takes are there. */
int tableset_add(struct tableset *, const struct nfr_table_address *);
void tableset_free(struct tableset **); /* NULL is fine */

/*
 * 1: the longest prefix of the table that holds the address, which is key
 * words, is a member; 0: it is none; -1: the table is not there.
 */
int tableset_has(const struct tableset *, __u32 table, __u32 family,
		 const __u32 *addr);
/* The slot of that entry (image_entry_slots()), 0 when it has none. */
__u32 tableset_slot(const struct tableset *, __u32 table, __u32 family,
		    const __u32 *addr);

#endif
