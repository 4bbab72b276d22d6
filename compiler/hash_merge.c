/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_merge.c: pairs of prefix lengths -> fewer of them. A rule may be in a
 * tuple of longer prefixes, once for each that its own consists of. Tuples are
 * merged, the cheapest first, for as long as there is room for these copies.
 */
#include "hash_tuple.h"

#include <string.h>

#define SPARE 512u	  /* copies that a small set may have ... */
#define COPIES_MAX 32768u /* ... beside one a rule, and a large set */
#define COPIES_LOG 6	  /* of one rule, by one merge */
#define PAIRS_MAX 1024u

struct pair {
	unsigned len[2];
	size_t keys; /* with those of pairs that are in it */
	struct pair *into;
};

struct merge {
	struct pair pairs[PAIRS_MAX];
	size_t count;
	size_t left; /* that are in no other */
};

/* Copies of a rule of one in the other: their number's log; -1: can not be. */
static int distance(const struct pair *from, const struct pair *to)
{
	if (from->len[0] > to->len[0] || from->len[1] > to->len[1])
		return -1;
	return (int)(to->len[0] - from->len[0] + to->len[1] - from->len[1]);
}

/* What a merge adds; SIZE_MAX: it can not be. */
static size_t cost(const struct pair *from, const struct pair *to, size_t limit)
{
	int copies = distance(from, to);

	if (copies <= 0 || copies > COPIES_LOG || from->keys > limit >> copies)
		return SIZE_MAX;
	return (from->keys << copies) - from->keys;
}

static bool merge_one(struct merge *m, size_t *room)
{
	struct pair *from = NULL, *to = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < m->count; i++)
		for (size_t k = 0; k < m->count && !m->pairs[i].into; k++) {
			size_t adds = m->pairs[k].into
					      ? SIZE_MAX
					      : cost(&m->pairs[i], &m->pairs[k],
						     2 * *room + 2);

			if (adds >= least)
				continue;
			least = adds;
			from = &m->pairs[i];
			to = &m->pairs[k];
		}
	if (least > *room)
		return false;
	*room -= least;
	to->keys += from->keys + least;
	from->into = to;
	m->left--;
	return true;
}

static bool gather(struct merge *m, const struct hash_tuples *t,
		   uint16_t number[HASH_LENS * HASH_LENS])
{
	for (size_t i = 0; i < t->rule_count; i++) {
		const uint8_t *len = t->rules[i].len;
		uint16_t *slot = &number[len[0] * HASH_LENS + len[1]];

		if (!*slot) {
			if (m->count == PAIRS_MAX)
				return false;
			m->pairs[m->count].len[0] = len[0];
			m->pairs[m->count].len[1] = len[1];
			*slot = (uint16_t)++m->count;
			m->left++;
		}
		m->pairs[*slot - 1].keys++;
	}
	return true;
}

void hash_merge(struct hash_tuples *t)
{
	struct arena *work = arena_new();
	struct merge *m = arena_alloc(work, sizeof(*m));
	uint16_t *number =
		arena_alloc(work, HASH_LENS * HASH_LENS * sizeof(*number));
	size_t room = t->rule_count < COPIES_MAX ? t->rule_count : COPIES_MAX;

	room += SPARE;
	if (gather(m, t, number))
		while (merge_one(m, &room))
			;
	/* One word of a row is worth more. */
	room += m->left > 64 ? t->rule_count : 0;
	while (m->left > 64 && merge_one(m, &room))
		;
	for (size_t i = 0; i < t->rule_count; i++) {
		struct hash_rule *r = &t->rules[i];
		uint16_t pair = number[r->len[0] * HASH_LENS + r->len[1]];
		const struct pair *to = pair ? &m->pairs[pair - 1] : NULL;

		while (to && to->into)
			to = to->into;
		r->own[0] = to ? (uint8_t)to->len[0] : r->len[0];
		r->own[1] = to ? (uint8_t)to->len[1] : r->len[1];
		t->key_count += (size_t)1 << (r->own[0] - r->len[0] +
					      r->own[1] - r->len[1]);
	}
	arena_free(&work);
}

static struct hash_rule *copy(struct hash_rule *key,
			      const struct hash_rule *rule)
{
	unsigned bits = (unsigned)(rule->own[0] - rule->len[0] + rule->own[1] -
				   rule->len[1]);

	for (uint32_t i = 0; i < 1u << bits; i++, key++) {
		uint32_t left = i;

		*key = *rule;
		for (unsigned end = 0; end < 2; end++)
			for (unsigned at = rule->own[end]; at > rule->len[end];
			     at--, left >>= 1)
				key->addr[end][(at - 1) / 32] |=
					(left & 1) << (31 - (at - 1) % 32);
	}
	return key;
}

void hash_keys_make(struct hash_tuples *t, struct arena *work)
{
	struct hash_rule *next =
		arena_alloc(work, (t->key_count + 1) * sizeof(*next));

	t->keys = next;
	for (size_t i = 0; i < t->rule_count; i++)
		next = copy(next, &t->rules[i]);
}
