/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_lines.c: rules by tuple and address -> lines of slots, and lists of what
 * has the same key.
 *
 * Of a list that is long there is a table instead, by class of packets: as many
 * as FIRST_CELLS_MAX has room for, the longest lists first.
 *
 * Keys are put in by their earliest rule, so that those of early rules have
 * the short ways. A line that is full goes on in the next one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "hash_tuple.h"

#define FIRST_CELLS_MAX ((size_t)1 << 20)
#define LIST_LONG 256u /* lists that are longer are all the same here */

/* Rules of one key, the earliest first. */
struct group {
	const struct hash_rule **rules;
	size_t count;
};

struct lines {
	const struct hash_tuples *t;
	const struct hash_services *services;
	const struct hash_rule **order; /* by key, then by rank */
	struct group *groups;
	size_t group_count;
	struct hash_line *lines;
	unsigned bits;
	struct hash_item *items;
	size_t item_count;
	struct hash_exact *exact;
	size_t exact_count;
	size_t list_max; /* of a list without a table */
	uint32_t *firsts;
	size_t first_count; /* of tables */
};

static int compare_keys(const struct hash_rule *a, const struct hash_rule *b)
{
	if (a->tuple != b->tuple)
		return a->tuple < b->tuple ? -1 : 1;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

static int by_key(const void *left, const void *right)
{
	const struct hash_rule *a = *(const struct hash_rule *const *)left;
	const struct hash_rule *b = *(const struct hash_rule *const *)right;
	int order = compare_keys(a, b);

	return order ? order : a->rank < b->rank ? -1 : a->rank > b->rank;
}

static int by_rank(const void *left, const void *right)
{
	const struct group *a = left, *b = right;

	return a->rules[0]->rank < b->rules[0]->rank ? -1 : 1;
}

static void group(struct lines *l)
{
	const struct hash_tuples *t = l->t;
	struct arena *arena = t->arena;

	l->order = arena_alloc(arena, (t->rule_count + 1) * sizeof(*l->order));
	l->groups =
		arena_alloc(arena, (t->rule_count + 1) * sizeof(*l->groups));
	for (size_t i = 0; i < t->rule_count; i++)
		l->order[i] = &t->rules[i];
	qsort(l->order, t->rule_count, sizeof(*l->order), by_key);
	for (size_t i = 0; i < t->rule_count; i++) {
		if (i == 0 || compare_keys(l->order[i - 1], l->order[i]) != 0)
			l->groups[l->group_count++].rules = &l->order[i];
		l->groups[l->group_count - 1].count++;
	}
	qsort(l->groups, l->group_count, sizeof(*l->groups), by_rank);
}

/* Of equal services the first decides: the others are not in the group. */
static void unhide(struct lines *l)
{
	uint32_t *seen = arena_alloc(l->t->arena,
				     (l->services->count + 1) * sizeof(*seen));

	for (size_t i = 0; i < l->group_count; i++) {
		struct group *g = &l->groups[i];
		size_t kept = 0;

		for (size_t k = 0; k < g->count; k++) {
			uint32_t *in = &seen[g->rules[k]->service];

			if (*in == i + 1)
				continue;
			*in = (uint32_t)i + 1;
			g->rules[kept++] = g->rules[k];
		}
		g->count = kept;
	}
}

/* Which lists are so long that they get a table. */
static void measure(struct lines *l)
{
	size_t with[LIST_LONG + 1] = {0}, cells = 0, len = LIST_LONG;
	size_t classes = l->services->rows.count;

	for (size_t i = 0; i < l->group_count; i++) {
		size_t count = l->groups[i].count;

		with[count < LIST_LONG ? count : LIST_LONG]++;
	}
	for (; len > HASH_ITEMS_AT_ONCE; len--) {
		cells += with[len] * classes;
		if (cells > FIRST_CELLS_MAX)
			break;
	}
	l->list_max = len;
	if (len == LIST_LONG) /* too many of the longest: none has one */
		l->list_max = SIZE_MAX;
	cells = cells > FIRST_CELLS_MAX ? cells - with[len] * classes : cells;
	l->firsts = arena_alloc(l->t->arena, (cells + 1) * sizeof(*l->firsts));
}

/* The rank of the first rule for each class. */
static void put_firsts(struct lines *l, const struct group *g)
{
	const struct hash_bits *asks = &l->services->rows;
	uint32_t *out = l->firsts + l->first_count++ * asks->count;

	for (size_t c = 0; c < asks->count; c++) {
		const uint64_t *row = asks->rows + c * asks->words;
		size_t i = 0;

		while (i < g->count &&
		       !hash_bit_is_set(row, g->rules[i]->service))
			i++;
		out[c] = i < g->count ? g->rules[i]->rank : HASH_NONE;
	}
}

static void slot_value(struct lines *l, const struct group *g,
		       struct hash_slot *slot)
{
	slot->service = g->rules[0]->tuple << HASH_TUPLE;
	if (g->count == 1) {
		slot->rank = g->rules[0]->rank;
		slot->service |= g->rules[0]->service;
		return;
	}
	slot->service |= HASH_LIST;
	if (g->count > l->list_max) {
		slot->rank = (uint32_t)l->first_count;
		put_firsts(l, g);
		return;
	}
	slot->rank = (uint32_t)l->item_count;
	slot->service |= (uint32_t)g->count;
	for (size_t i = 0; i < g->count; i++)
		l->items[l->item_count++] = (struct hash_item){
			.rank = g->rules[i]->rank,
			.service = g->rules[i]->service,
		};
}

/* Would a look for one find the other? */
static bool is_same_key(const struct lines *l, const struct hash_slot *a,
			const struct hash_slot *b)
{
	return a->rank != HASH_NONE && a->a == b->a &&
	       (l->t->words > 1 || a->b == b->b) &&
	       (a->service & ~HASH_LIST) >> HASH_TUPLE ==
		       (b->service & ~HASH_LIST) >> HASH_TUPLE;
}

/* False: two keys of IPv6 have one fingerprint. */
static bool slot_put(struct lines *l, uint64_t hash,
		     const struct hash_slot *slot)
{
	size_t line = (size_t)(hash >> (64 - l->bits));

	for (;; line = (line + 1) & (((size_t)1 << l->bits) - 1))
		for (unsigned i = 0; i < HASH_SLOTS; i++) {
			struct hash_slot *at = &l->lines[line].slot[i];

			if (is_same_key(l, at, slot))
				return false;
			if (at->rank == HASH_NONE) {
				*at = *slot;
				return true;
			}
		}
}

static bool put(struct lines *l, const struct group *g)
{
	const struct hash_rule *r = g->rules[0];
	uint32_t seed = l->t->items[r->tuple].seed;
	struct hash_slot slot;
	uint64_t hash;

	slot_value(l, g, &slot);
	if (l->t->words == 1) {
		slot.a = r->addr[HASH_SRC][0];
		slot.b = r->addr[HASH_DST][0];
		hash = hash_short(slot.a, slot.b, seed);
	} else {
		struct hash_exact *exact = &l->exact[l->exact_count];

		hash = hash_long(r->addr[HASH_SRC], r->addr[HASH_DST], seed);
		slot.a = (uint32_t)hash;
		slot.b = (uint32_t)l->exact_count++;
		memcpy(exact->src, r->addr[HASH_SRC], sizeof(exact->src));
		memcpy(exact->dst, r->addr[HASH_DST], sizeof(exact->dst));
		exact->tuple = r->tuple;
	}
	return slot_put(l, hash, &slot);
}

/* In the blob at once, which does not grow before they are filled in. */
static uint32_t lines_new(struct lines *l, struct hash_blob *blob)
{
	size_t count;
	uint32_t at;

	for (l->bits = 1; (size_t)1 << l->bits < l->group_count; l->bits++)
		;
	count = (size_t)1 << l->bits;
	at = hash_blob_room(blob, count * sizeof(*l->lines));
	l->lines = (struct hash_line *)(void *)(blob->bytes + at);
	for (size_t i = 0; i < count; i++)
		for (unsigned k = 0; k < HASH_SLOTS; k++)
			l->lines[i].slot[k] = (struct hash_slot){
				.rank = HASH_NONE, .service = HASH_NONE};
	return at;
}

int hash_lines_add(struct hash_blob *blob, const struct hash_tuples *t,
		   const struct hash_services *services, struct hash_head *head)
{
	struct lines l = {.t = t, .services = services};

	group(&l);
	unhide(&l);
	measure(&l);
	head->lines = lines_new(&l, blob);
	l.items = arena_alloc(t->arena, (t->rule_count + 1) * sizeof(*l.items));
	if (t->words > 1)
		l.exact = arena_alloc(t->arena,
				      (l.group_count + 1) * sizeof(*l.exact));
	for (size_t i = 0; i < l.group_count; i++)
		if (!put(&l, &l.groups[i]))
			return -E2BIG;
	head->key_mask = t->words > 1 ? 0 : UINT32_MAX;
	head->line_bits = l.bits;
	head->list_count = (uint32_t)l.item_count;
	head->lists =
		hash_blob_add(blob, l.items, l.item_count * sizeof(*l.items));
	head->first_count = (uint32_t)l.first_count;
	head->firsts = hash_blob_add(blob, l.firsts,
				     l.first_count * services->rows.count *
					     sizeof(*l.firsts));
	head->exact_count = (uint32_t)l.exact_count;
	head->exact =
		hash_blob_add(blob, l.exact, l.exact_count * sizeof(*l.exact));
	return 0;
}
