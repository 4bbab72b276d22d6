/* SPDX-License-Identifier: BSD-2-Clause */
/* hash_cells.c: blocks of cells -> the different ones, by open addressing. */
#include "hash_cells.h"

#include <string.h>

#include "../runtime/hash_format.h"

#define BLOCK_SLOTS 256u /* at first; a power of two */

void hash_cells_begin(struct hash_cells *c, struct arena *work)
{
	*c = (struct hash_cells){
		.arena = arena_new(), .work = work, .slot_count = BLOCK_SLOTS};
	c->blocks = arena_alloc(work, BLOCK_SLOTS * sizeof(*c->blocks));
}

void hash_cells_free(struct hash_cells *c)
{
	arena_free(&c->arena);
	*c = (struct hash_cells){.arena = NULL};
}

/* Where the block is, or may be put. */
static struct hash_block *block_slot(const struct hash_cells *c,
				     const uint32_t *cells, uint32_t count)
{
	uint64_t x = count;
	size_t at;

	for (uint32_t i = 0; i < count; i++)
		x = hash_finish((x ^ cells[i]) * HASH_K0);
	for (at = x & (c->slot_count - 1); c->blocks[at].count;
	     at = (at + 1) & (c->slot_count - 1))
		if (c->blocks[at].count == count &&
		    memcmp(c->items + c->blocks[at].first, cells,
			   count * sizeof(*cells)) == 0)
			break;
	return &c->blocks[at];
}

static void blocks_grow(struct hash_cells *c)
{
	const struct hash_block *old = c->blocks;
	size_t count = c->slot_count;

	c->slot_count *= 4;
	c->blocks = arena_alloc(c->work, c->slot_count * sizeof(*c->blocks));
	for (size_t i = 0; i < count; i++)
		if (old[i].count)
			*block_slot(c, c->items + old[i].first, old[i].count) =
				old[i];
}

bool hash_cells_add(struct hash_cells *c, const uint32_t *cells, uint32_t count,
		    uint32_t *first)
{
	struct hash_block *slot = block_slot(c, cells, count);

	if (!slot->count) {
		if (c->count + count + 1 > HASH_CELLS_MAX)
			return false;
		*slot = (struct hash_block){(uint32_t)c->count, count};
		for (uint32_t i = 0; i < count + (count & 1); i++) {
			c->items = arena_grow(c->arena, c->items, c->count,
					      &c->capacity, sizeof(*c->items));
			c->items[c->count++] = i < count ? cells[i] : 0;
		}
		*first = slot->first;
		if (++c->block_count * 2 > c->slot_count)
			blocks_grow(c);
		return true;
	}
	*first = slot->first;
	return true;
}
