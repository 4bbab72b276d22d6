/* SPDX-License-Identifier: BSD-2-Clause */
/* hash_tuple.c: rules as prefixes -> tuples by the two lengths, best first. */
#include "hash_tuple.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int hash_prefix_len(const uint32_t first[4], const uint32_t last[4],
		    uint32_t words)
{
	int len = 0;

	for (uint32_t i = 0; i < words; i++) {
		uint32_t differ = first[i] ^ last[i];
		int zeros = differ ? __builtin_clz(differ) : 32;

		if (zeros < 32 && (differ & (differ + 1) || first[i] & differ))
			return -1;
		len += zeros;
		if (zeros == 32)
			continue;
		for (uint32_t k = i + 1; k < words; k++)
			if (first[k] != 0 || last[k] != UINT32_MAX)
				return -1;
		break;
	}
	return len;
}

/* The upper bits of a word. */
static uint32_t mask_of(unsigned len)
{
	return len == 0 ? 0 : len >= 32 ? UINT32_MAX : UINT32_MAX << (32 - len);
}

/* Of two words of an address, from its bit "from" on. */
static uint64_t mask_wide(unsigned len, unsigned from)
{
	uint32_t first = mask_of(len > from ? len - from : 0);
	uint32_t last = mask_of(len > from + 32 ? len - from - 32 : 0);

	return HASH_WIDE(first, last);
}

static void set_masks(struct hash_tuple *item, const uint8_t len[2],
		      uint32_t words)
{
	if (words == 1) {
		item->mask[0] = HASH_PAIR(mask_of(len[HASH_SRC]),
					  mask_of(len[HASH_DST]));
		return;
	}
	for (unsigned end = 0; end < 2; end++) {
		item->mask[2 * end] = mask_wide(len[end], 0);
		item->mask[2 * end + 1] = mask_wide(len[end], 64);
	}
}

/* Ranks ascend, so tuples are numbered by their earliest rule. */
static int number(struct hash_tuples *t)
{
	uint32_t *known =
		arena_alloc(t->arena, HASH_LENS * HASH_LENS * sizeof(*known));

	t->items = arena_alloc(t->arena, HASH_TUPLES_MAX * sizeof(*t->items));
	for (size_t i = 0; i < t->rule_count; i++) {
		struct hash_rule *r = &t->rules[i];
		uint32_t *slot =
			&known[r->own[HASH_SRC] * HASH_LENS + r->own[HASH_DST]];

		if (!*slot) {
			struct hash_tuple *item = &t->items[t->count];

			if (t->count == HASH_TUPLES_MAX)
				return -E2BIG;
			item->best = r->rank;
			set_masks(item, r->own, t->words);
			*slot = (uint32_t)++t->count;
		}
		r->tuple = *slot - 1;
	}
	return 0;
}

/* By service first: there are fewer of them than rules. */
static void class_rows(struct hash_tuples *t, const struct hash_services *s)
{
	size_t words = t->row_words;
	uint64_t *by_service = arena_alloc(t->arena, (s->count + 1) * words *
							     sizeof(uint64_t));

	t->class_rows =
		arena_alloc(t->arena, s->rows.count * words * sizeof(uint64_t));
	for (size_t i = 0; i < t->rule_count; i++)
		hash_bit_set(by_service + t->rules[i].service * words,
			     t->rules[i].tuple);
	for (size_t c = 0; c < s->rows.count; c++) {
		const uint64_t *asks = s->rows.rows + c * s->rows.words;
		uint64_t *row = t->class_rows + c * words;

		for (size_t i = 0; i < s->count; i++)
			for (size_t k = 0;
			     k < words && hash_bit_is_set(asks, i); k++)
				row[k] |= by_service[i * words + k];
	}
}

int hash_tuples_make(struct hash_tuples *t, const struct hash_services *s)
{
	int ret;

	hash_merge(t);
	ret = number(t);
	if (ret)
		return ret;
	t->row_words = (t->count + 63) / 64;
	class_rows(t, s);
	hash_rows_make(t);
	return 0;
}
