/* SPDX-License-Identifier: BSD-2-Clause */
/* hash_cells.h: the cells of a trie's nodes, equal ones once. */
#ifndef NFR_HASH_CELLS_H
#define NFR_HASH_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

struct hash_block {
	uint32_t first, count;
};

struct hash_cells {
	struct arena *arena, *work; /* of items, of blocks */
	uint32_t root;		    /* a node */
	uint32_t *items;
	size_t count, capacity;
	struct hash_block *blocks; /* a hash table; one without cells is free */
	size_t block_count, slot_count;
};

/* What work has is only needed to add more. */
void hash_cells_begin(struct hash_cells *, struct arena *work);
void hash_cells_free(struct hash_cells *);
/*
 * The number of the first of these cells, which is even. False: there is no
 * room for them.
 */
bool hash_cells_add(struct hash_cells *, const uint32_t *cells, uint32_t count,
		    uint32_t *first);

#endif
