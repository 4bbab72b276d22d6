/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tableset.h: an image's address tables, for user space: what the LPM_TRIE of
 * the kernel side answers, from sorted arrays.
 */
#ifndef NFR_TABLESET_H
#define NFR_TABLESET_H

#include <stdbool.h>

#include "../compiler/image.h"

struct tableset;

/* Copies what it needs. 0 or -ENOMEM; *out untouched on failure. */
int tableset_new(const struct image *, struct tableset **out);
/*
 * One address more, as a member; key is of that length. May move the set. 0
 * or -ENOMEM.
 */
int tableset_add(struct tableset **, const struct nfr_table_key *);
void tableset_free(struct tableset **); /* NULL is fine */

/*
 * Is the longest prefix of the key's table that holds its address a member?
 * key->prefix_len is 32 + 128, as in every lookup.
 */
bool tableset_has(const struct tableset *, const struct nfr_table_key *key);
/* The slot of that entry (image_entry_slots()), 0 when it has none. */
__u32 tableset_slot(const struct tableset *, const struct nfr_table_key *key);

#endif
