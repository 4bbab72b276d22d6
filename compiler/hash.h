/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash.h: the rules of an entry point -> its data form (hash_format.h), and a
 * program for the rules that do not fit it.
 */
#ifndef NFR_HASH_H
#define NFR_HASH_H

#include "hash_service.h"
#include "lower_rules.h"

/* A section of an image in the making; bytes are malloc'd. */
struct hash_blob {
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
void hash_blob_begin(struct hash_blob *);
/* What ends it: room, so that a read is never cut. */
void hash_blob_end(struct hash_blob *);
/* An entry takes the head of one that has the same rules. */
void hash_share(struct hash_blob *, unsigned from, unsigned entry);

/*
 * The data form of an entry, in steps, so that the policy may end in between.
 * hash_build_begin() looks at the rules and adds the program for the rest to
 * the entry's emit. hash_build_end() adds the data form and enters its head's
 * place in the section's index; -E2BIG when it would be too large, and nothing
 * was added: then nobody asks for the program.
 */
struct hash_build;
struct hash_build *hash_build_begin(const struct lower_entry *);
int hash_build_end(struct hash_build *, unsigned entry, struct hash_blob *);
void hash_build_free(struct hash_build **);
/* Where the program is, and how long; it moves so far to the front. */
size_t hash_build_program(const struct hash_build *, size_t *len);
void hash_build_move(struct hash_build *, size_t by);

/* hash_lines.c: the keys of all tuples. */
struct hash_tuples;
void hash_lines_add(struct hash_blob *, const struct hash_tuples *,
		    const struct hash_services *, struct hash_head *);

/* Zeroed bytes of the section, from a multiple of 64 on; or a copy of bytes. */
uint32_t hash_blob_room(struct hash_blob *, size_t len);
uint32_t hash_blob_add(struct hash_blob *, const void *bytes, size_t len);

#endif
