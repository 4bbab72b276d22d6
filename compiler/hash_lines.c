/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_lines.c: rules by tuple and address -> lines of slots, and lists of what
 * has the same key.
 *
 * For the services of a list, in their order, a table says which is the first
 * that a class of packets has: as many as FIRST_CELLS_MAX has room for, those
 * of the longest lists first. Other lists are walked.
 *
 * Keys are put in by their earliest rule, so that those of early rules have
 * the short ways. A line that is full goes on in the next one. Of some factors
 * a tuple gets the one that fills the fewest lines.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "hash_tuple.h"

#define FIRST_CELLS_MAX ((size_t)1 << 21)
#define FACTORS 8u /* that are tried */

/* Rules of one key, the earliest first. */
struct group {
	struct hash_rule *rules; /* of the keys */
	uint32_t count;
	uint32_t order; /* of a list: its services', or HASH_NONE */
};

struct lines {
	const struct hash_tuples *t;
	struct arena *work;
	const struct hash_services *services;
	struct group *groups; /* by tuple, then by rank */
	size_t group_count;
	struct hash_line *lines;
	size_t line_count;
	struct hash_item *items;
	size_t item_count;
	struct hash_exact *exact;
	size_t exact_count;
	struct group **lists; /* the first of each order */
	size_t order_count;
};

static int compare_keys(const struct hash_rule *a, const struct hash_rule *b)
{
	if (a->tuple != b->tuple)
		return a->tuple < b->tuple ? -1 : 1;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

static int by_key(const void *left, const void *right)
{
	const struct hash_rule *a = left, *b = right;
	int order = compare_keys(a, b);

	return order ? order : a->rank < b->rank ? -1 : a->rank > b->rank;
}

static int by_rank(const void *left, const void *right)
{
	const struct hash_rule *a = ((const struct group *)left)->rules;
	const struct hash_rule *b = ((const struct group *)right)->rules;

	if (a->tuple != b->tuple)
		return a->tuple < b->tuple ? -1 : 1;
	return a->rank < b->rank ? -1 : 1;
}

static void group(struct lines *l)
{
	const struct hash_tuples *t = l->t;

	qsort(t->keys, t->key_count, sizeof(*t->keys), by_key);
	l->groups =
		arena_alloc(l->work, (t->key_count + 1) * sizeof(*l->groups));
	for (size_t i = 0; i < t->key_count; i++) {
		if (i == 0 || compare_keys(&t->keys[i - 1], &t->keys[i]) != 0)
			l->groups[l->group_count++].rules = &t->keys[i];
		l->groups[l->group_count - 1].count++;
	}
	qsort(l->groups, l->group_count, sizeof(*l->groups), by_rank);
}

/* Of equal services the first decides: the others are not in the group. */
static void unhide(struct lines *l)
{
	uint32_t *seen =
		arena_alloc(l->work, (l->services->count + 1) * sizeof(*seen));

	for (size_t i = 0; i < l->group_count; i++) {
		struct group *g = &l->groups[i];
		uint32_t kept = 0;

		for (size_t k = 0; k < g->count; k++) {
			uint32_t *in = &seen[g->rules[k].service];

			if (*in == i + 1)
				continue;
			*in = (uint32_t)i + 1;
			g->rules[kept++] = g->rules[k];
		}
		g->count = kept;
	}
}

/* ---- lists ------------------------------------------------------------- */

static int compare_services(const struct group *a, const struct group *b)
{
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	for (size_t i = 0; i < a->count; i++)
		if (a->rules[i].service != b->rules[i].service)
			return a->rules[i].service < b->rules[i].service ? -1
									 : 1;
	return 0;
}

static int by_services(const void *left, const void *right)
{
	return compare_services(*(struct group *const *)left,
				*(struct group *const *)right);
}

/* The number of the first item for each class. */
static void put_firsts(const struct lines *l, const struct group *g,
		       uint16_t *out)
{
	const struct hash_bits *asks = &l->services->rows;

	for (size_t c = 0; c < asks->count; c++) {
		const uint64_t *row = asks->rows + c * asks->words;
		size_t i = 0;

		while (i < g->count &&
		       !hash_bit_is_set(row, g->rules[i].service))
			i++;
		out[c] = (uint16_t)(i < g->count ? i + 1 : 0);
	}
	out[asks->count] = (uint16_t)g->count;
}

/* Lists with the same services share a table. */
static void order_lists(struct lines *l)
{
	size_t len = l->services->rows.count + 1, count = 0;
	size_t most = FIRST_CELLS_MAX / len;
	struct group **lists = arena_alloc(
		l->work, (l->group_count + 1) * sizeof(struct group *));
	const struct group *before = NULL;

	for (size_t i = 0; i < l->group_count; i++)
		if (l->groups[i].count > 1)
			lists[count++] = &l->groups[i];
	qsort(lists, count, sizeof(*lists), by_services);
	l->lists = lists;
	for (size_t i = 0; i < count; i++) {
		struct group *g = lists[i];
		bool is_new = !before || compare_services(before, g) != 0;

		g->order = HASH_NONE;
		if (is_new && g->count <= UINT16_MAX && l->order_count < most) {
			g->order = (uint32_t)l->order_count;
			l->lists[l->order_count++] = g;
		} else if (!is_new) {
			g->order = before->order;
		}
		before = g;
	}
}

static void slot_value(struct lines *l, const struct group *g,
		       struct hash_slot *slot)
{
	if (g->count == 1) {
		slot->rank = g->rules[0].rank;
		slot->service = g->rules[0].service;
		return;
	}
	slot->rank = (uint32_t)l->item_count;
	slot->service = g->order == HASH_NONE ? HASH_WALK | (uint32_t)g->count
					      : HASH_LIST | g->order;
	for (size_t i = 0; i < g->count; i++)
		l->items[l->item_count++] = (struct hash_item){
			.rank = g->rules[i].rank,
			.service = g->rules[i].service,
		};
}

/* ---- lines ------------------------------------------------------------- */

static void wide_key(const struct hash_rule *r, __u64 out[4])
{
	for (unsigned i = 0; i < 4; i++) {
		const uint32_t *words = &r->addr[i / 2][i % 2 * 2];

		out[i] = HASH_WIDE(words[0], words[1]);
	}
}

static uint64_t key_hash(const struct lines *l, const struct group *g,
			 const __u64 factor[2])
{
	const struct hash_rule *r = g->rules;
	__u64 wide[4];

	if (l->t->words == 1)
		return hash_short(
			HASH_PAIR(r->addr[HASH_SRC][0], r->addr[HASH_DST][0]),
			factor[0]);
	wide_key(r, wide);
	return hash_long(wide, factor);
}

/* False: two keys of IPv6 have one fingerprint. */
static bool slot_put(const struct lines *l, const struct hash_tuple *t,
		     uint64_t hash, const struct hash_slot *slot)
{
	uint32_t line = (uint32_t)(hash >> t->shift);
	unsigned ignored = l->t->words > 1 ? HASH_PRINT_SHIFT : 0;

	for (;; line = (line + 1) & t->line_mask)
		for (unsigned i = 0; i < HASH_SLOTS; i++) {
			struct hash_slot *at =
				&l->lines[t->line + line].slot[i];

			if (at->rank == HASH_NONE) {
				*at = *slot;
				return true;
			}
			if ((at->key ^ slot->key) >> ignored == 0)
				return false;
		}
}

static bool put(struct lines *l, const struct hash_tuple *t,
		const struct group *g)
{
	uint64_t hash = key_hash(l, g, t->factor);
	const struct hash_rule *r = g->rules;
	struct hash_slot slot;

	slot_value(l, g, &slot);
	if (l->t->words > 1) {
		struct hash_exact *exact = &l->exact[l->exact_count];

		slot.key = HASH_PRINT(hash) >> HASH_PRINT_SHIFT
						       << HASH_PRINT_SHIFT |
			   l->exact_count++;
		wide_key(r, exact->key);
	} else {
		slot.key =
			HASH_PAIR(r->addr[HASH_SRC][0], r->addr[HASH_DST][0]);
	}
	return slot_put(l, t, hash, &slot);
}

/* Keys that would not be in their line. */
static size_t spilled(const struct lines *l, const struct hash_tuple *t,
		      const struct group *g, size_t count,
		      const __u64 factor[2], uint8_t *in)
{
	size_t sum = 0;

	memset(in, 0, (size_t)t->line_mask + 1);
	for (size_t i = 0; i < count; i++) {
		uint8_t *line = &in[key_hash(l, &g[i], factor) >> t->shift];

		if (*line < HASH_SLOTS)
			++*line;
		else
			sum++;
	}
	return sum;
}

/* Three slots for a key, and up to six. */
static void size_tuple(struct lines *l, struct hash_tuple *t,
		       const struct group *g, size_t count, uint8_t *in)
{
	uint64_t seed = HASH_K0;
	size_t least = SIZE_MAX;

	t->line = (uint32_t)l->line_count;
	for (t->shift = 63; ((uint64_t)2 << (64 - t->shift)) < 3 * count;
	     t->shift--)
		;
	t->line_mask = (uint32_t)((uint64_t)1 << (64 - t->shift)) - 1;
	l->line_count += (size_t)t->line_mask + 1;
	for (unsigned i = 0; i < FACTORS && least > 0; i++) {
		__u64 factor[2];
		size_t now;

		for (unsigned k = 0; k < 2; k++) {
			seed = hash_finish(seed + HASH_K2);
			factor[k] = seed | 1;
		}
		now = spilled(l, t, g, count, factor, in);
		if (now < least)
			memcpy(t->factor, factor, sizeof(factor));
		least = now < least ? now : least;
	}
}

/* The groups of a tuple are together. */
static size_t tuple_end(const struct lines *l, size_t from)
{
	size_t to = from;

	while (to < l->group_count &&
	       l->groups[to].rules[0].tuple == l->groups[from].rules[0].tuple)
		to++;
	return to;
}

static void size_tuples(struct lines *l)
{
	uint8_t *in = arena_alloc(l->work, 3 * l->group_count + 4);

	for (size_t i = 0, to; i < l->group_count; i = to) {
		to = tuple_end(l, i);
		size_tuple(l, &l->t->items[l->groups[i].rules[0].tuple],
			   &l->groups[i], to - i, in);
	}
}

/* In the blob at once, which does not grow before they are filled in. */
static void make_room(struct lines *l, struct hash_blob *blob,
		      struct hash_head *head)
{
	size_t items = 0, exact = l->t->words > 1 ? l->group_count : 0;

	for (size_t i = 0; i < l->group_count; i++)
		items += l->groups[i].count > 1 ? l->groups[i].count : 0;
	head->line_count = (uint32_t)l->line_count;
	head->list_count = (uint32_t)items;
	head->order_count = (uint32_t)l->order_count;
	head->order_len = (uint32_t)l->services->rows.count + 1;
	head->exact_count = (uint32_t)exact;
	head->lines = hash_blob_room(blob, l->line_count * sizeof(*l->lines));
	head->lists = hash_blob_room(blob, items * sizeof(*l->items));
	head->firsts = hash_blob_room(blob, l->order_count * head->order_len *
						    sizeof(uint16_t));
	head->exact = hash_blob_room(blob, exact * sizeof(*l->exact));
	l->lines = (void *)(blob->bytes + head->lines);
	l->items = (void *)(blob->bytes + head->lists);
	l->exact = (void *)(blob->bytes + head->exact);
}

static bool fill(struct lines *l, uint16_t *firsts)
{
	bool is_put = true;

	for (size_t i = 0; i < l->line_count; i++)
		for (unsigned k = 0; k < HASH_SLOTS; k++)
			l->lines[i].slot[k] =
				(struct hash_slot){.rank = HASH_NONE};
	for (size_t i = 0; i < l->order_count; i++)
		put_firsts(l, l->lists[i],
			   firsts + i * (l->services->rows.count + 1));
	for (size_t i = 0; i < l->group_count && is_put; i++)
		is_put = put(l, &l->t->items[l->groups[i].rules[0].tuple],
			     &l->groups[i]);
	return is_put;
}

int hash_lines_add(struct hash_blob *blob, const struct hash_tuples *t,
		   const struct hash_services *services, struct hash_head *head)
{
	struct lines l = {.t = t, .work = arena_new(), .services = services};
	bool is_put;

	group(&l);
	unhide(&l);
	order_lists(&l);
	size_tuples(&l);
	make_room(&l, blob, head);
	is_put = fill(&l, (void *)(blob->bytes + head->firsts));
	arena_free(&l.work);
	return is_put ? 0 : -E2BIG;
}
