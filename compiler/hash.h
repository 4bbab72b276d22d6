/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.h: the rules of an entry point -> its data form (hash_format.h), and a
 * program for the rules that do not fit it.
 */
#ifndef NFR_HASH_H
#define NFR_HASH_H

#include "hash_service.h"
#include "lower_rules.h"

/* A section of an image in the making. */
struct hash_blob {
	struct arena *arena;
	uint8_t *bytes;
	size_t len, capacity;
};

#define HASH_BLOB_MAX ((size_t)48 << 20)

/* How many of the entry's rules fit, and how many do not. */
struct hash_fit {
	size_t inside, outside;
};
struct hash_fit hash_count(const struct lower_entry *);

#define HASH_ENTRIES 6u /* of the rules */

/* What begins the section: where the heads are. */
void hash_blob_begin(struct hash_blob *, struct arena *);
/* What ends it: room, so that a read is never cut. */
void hash_blob_end(struct hash_blob *);
/* Takes the head of an entry before it that has the same bytecode. */
bool hash_share(struct hash_blob *, const uint32_t entries[], unsigned entry);
/*
 * Adds the data form of the entry, and to its emit the program for the rest.
 * The head's place is entered in the section's index. 0; or -E2BIG when it
 * would be too large, and nothing was added.
 */
int hash_add(const struct lower_entry *, unsigned entry, struct hash_blob *);

/* hash_lines.c: the keys of all tuples. 0 or -E2BIG. */
struct hash_tuples;
int hash_lines_add(struct hash_blob *, const struct hash_tuples *,
		   const struct hash_services *, struct hash_head *);

/* Zeroed bytes of the section, from a multiple of 64 on; or a copy of bytes. */
uint32_t hash_blob_room(struct hash_blob *, size_t len);
uint32_t hash_blob_add(struct hash_blob *, const void *bytes, size_t len);

#endif
