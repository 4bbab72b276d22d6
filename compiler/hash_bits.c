/* SPDX-License-Identifier: BSD-2-Clause */
/* hash_bits.c: rows of bits -> the different ones, by open addressing. */
#include "hash_bits.h"

#include <string.h>

#define HASH_BITS_SLOTS 256u /* at first; a power of two */

void hash_bits_begin(struct hash_bits *b, struct arena *arena, size_t words)
{
	*b = (struct hash_bits){.arena = arena, .words = words};
	b->slot_count = HASH_BITS_SLOTS;
	b->slots = arena_alloc(arena, b->slot_count * sizeof(*b->slots));
}

static size_t row_hash(const struct hash_bits *b, const uint64_t *row)
{
	uint64_t x = 0;

	for (size_t i = 0; i < b->words; i++) {
		x = (x ^ row[i]) * 0x9e3779b97f4a7c15u;
		x ^= x >> 29;
	}
	return (size_t)(x ^ x >> 32);
}

/* Where the row is, or may be put. */
static uint32_t *row_slot(const struct hash_bits *b, const uint64_t *row)
{
	size_t at = row_hash(b, row) & (b->slot_count - 1);

	while (b->slots[at] && memcmp(b->rows + (b->slots[at] - 1) * b->words,
				      row, b->words * sizeof(*row)) != 0)
		at = (at + 1) & (b->slot_count - 1);
	return &b->slots[at];
}

static void slots_grow(struct hash_bits *b)
{
	b->slot_count *= 4;
	b->slots = arena_alloc(b->arena, b->slot_count * sizeof(*b->slots));
	for (size_t i = 0; i < b->count; i++)
		*row_slot(b, b->rows + i * b->words) = (uint32_t)i + 1;
}

uint32_t hash_bits_add(struct hash_bits *b, const uint64_t *row)
{
	uint32_t *slot = row_slot(b, row);

	if (*slot)
		return *slot - 1;
	b->rows = arena_grow(b->arena, b->rows, b->count, &b->capacity,
			     b->words * sizeof(*row));
	memcpy(b->rows + b->count * b->words, row, b->words * sizeof(*row));
	*slot = (uint32_t)++b->count;
	if (b->count * 2 > b->slot_count)
		slots_grow(b);
	return (uint32_t)b->count - 1;
}
