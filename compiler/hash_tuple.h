/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_tuple.h: rules as prefixes and services -> tuples and their keys, and
 * the rows of bits that say which tuples an address can have a rule in.
 */
#ifndef NFR_HASH_TUPLE_H
#define NFR_HASH_TUPLE_H

#include "../runtime/hash_format.h"
#include "hash_bits.h"
#include "hash_cells.h"
#include "hash_service.h"

enum hash_end { HASH_SRC, HASH_DST };

#define HASH_LENS 129u /* lengths of prefixes */

/* A rule that is in the hash. */
struct hash_rule {
	uint32_t rank, service;
	uint8_t len[2];	     /* of its prefixes, by enum hash_end ... */
	uint8_t own[2];	     /* ... and of its tuple's */
	uint32_t tuple;	     /* number */
	uint32_t addr[2][4]; /* masked */
};

#define HASH_ROWS_MAX ((size_t)1 << 18) /* of bits, of both sides */

struct hash_tuples {
	struct arena *arena;
	struct arena *work;   /* keys, until they are in their lines */
	uint32_t words, bits; /* of an address */
	struct hash_rule *rules;
	size_t rule_count;
	struct hash_rule *keys; /* copies of all, by hash_keys_make(); in lines
				   by tuple and address */
	size_t key_count;
	struct hash_tuple *items;
	size_t count;
	size_t row_words;
	uint64_t *class_rows;	    /* by class */
	struct hash_cells cells[2]; /* by hash_rows_make(), as are rows */
	struct hash_bits rows;
};

/* Does first..last make a prefix? Its length, or -1. */
int hash_prefix_len(const uint32_t first[4], const uint32_t last[4],
		    uint32_t words);
/* The rules, in the order of ranks, get their tuples. 0 or -E2BIG. */
int hash_tuples_make(struct hash_tuples *, const struct hash_services *);
/* hash_merge.c: the rules get their tuples' lengths; keys. */
void hash_merge(struct hash_tuples *);
void hash_keys_make(struct hash_tuples *, struct arena *work);
/* hash_rows.c */
void hash_rows_make(struct hash_tuples *);

#endif
