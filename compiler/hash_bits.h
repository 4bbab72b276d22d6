/* SPDX-License-Identifier: BSD-2-Clause */
/* hash_bits.h: rows of bits, each different row once, numbered as they came. */
#ifndef NFR_HASH_BITS_H
#define NFR_HASH_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

struct hash_bits {
	struct arena *arena;
	size_t words; /* of 64 bits, a row */
	uint64_t *rows;
	size_t count, capacity;
	uint32_t *slots; /* of a hash table: row + 1 */
	size_t slot_count;
};

void hash_bits_begin(struct hash_bits *, struct arena *, size_t words);
/* The number of this row. */
uint32_t hash_bits_add(struct hash_bits *, const uint64_t *row);

static inline void hash_bit_set(uint64_t *row, size_t bit)
{
	row[bit / 64] |= (uint64_t)1 << bit % 64;
}

static inline bool hash_bit_is_set(const uint64_t *row, size_t bit)
{
	return row[bit / 64] >> bit % 64 & 1;
}

#endif
