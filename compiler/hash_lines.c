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
 * the short ways. A line that is full goes on in the next one, so there are
 * some behind those that a hash tells. Of some factors a tuple gets the one
 * that fills the fewest lines.
 */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "hash_tuple.h"

#define FIRST_CELLS_MAX ((size_t)1 << 21)
/* Lines for a key, in halves: IPv4's have two slots, IPv6's one. */
#define LINES_SHORT 3u
#define LINES_WIDE 8u
#define LINES_MANY 3u	 /* of IPv6, where there are more keys than ... */
#define MANY_KEYS 65536u /* ... these: lines are 64 bytes */
#define FACTORS 8u	 /* that are tried */

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
	struct hash_line *lines; /* of IPv4 */
	struct hash_wide *wides; /* of IPv6 */
	size_t line_count;
	uint32_t slots; /* of a line */
	struct hash_item *items;
	size_t item_count;
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

static void put_short(const struct lines *l, const struct hash_tuple *t,
		      uint32_t line, const struct hash_slot *slot)
{
	for (;; line++)
		for (unsigned i = 0; i < HASH_SLOTS; i++) {
			struct hash_slot *at =
				&l->lines[t->line + line].slot[i];

			if (at->rank == HASH_NONE) {
				*at = *slot;
				return;
			}
		}
}

static void put_wide(const struct lines *l, const struct hash_tuple *t,
		     uint32_t line, const struct hash_wide *wide)
{
	while (l->wides[t->line + line].rank != HASH_NONE)
		line++;
	l->wides[t->line + line] = *wide;
}

static void put(struct lines *l, const struct hash_tuple *t,
		const struct group *g)
{
	uint32_t line = hash_line_of(key_hash(l, g, t->factor), t->line_count);
	const struct hash_rule *r = g->rules;
	struct hash_slot slot;

	slot_value(l, g, &slot);
	if (l->t->words > 1) {
		struct hash_wide wide = {.rank = slot.rank,
					 .service = slot.service};

		wide_key(r, wide.key);
		put_wide(l, t, line, &wide);
	} else {
		slot.key =
			HASH_PAIR(r->addr[HASH_SRC][0], r->addr[HASH_DST][0]);
		put_short(l, t, line, &slot);
	}
}

/* How many keys each line is told. */
static void count_keys(const struct lines *l, const struct hash_tuple *t,
		       const struct group *g, size_t count, uint32_t *in)
{
	memset(in, 0, t->line_count * sizeof(*in));
	for (size_t i = 0; i < count; i++)
		in[hash_line_of(key_hash(l, &g[i], t->factor),
				t->line_count)]++;
}

/* Keys that would not be in their line. */
static size_t spilled(const struct lines *l, const struct hash_tuple *t,
		      const uint32_t *in)
{
	size_t sum = 0;

	for (uint32_t i = 0; i < t->line_count; i++)
		sum += in[i] > l->slots ? in[i] - l->slots : 0;
	return sum;
}

/* Lines behind those that keys are told to: the last has an empty slot. */
static uint32_t behind(const struct lines *l, const struct hash_tuple *t,
		       const uint32_t *in)
{
	uint32_t over = 0;

	for (uint32_t i = 0; i < t->line_count; i++)
		over = over + in[i] > l->slots ? over + in[i] - l->slots : 0;
	return over / l->slots + 1;
}

static uint32_t lines_for(const struct lines *l, size_t keys)
{
	size_t halves = l->t->words == 1	      ? LINES_SHORT
			: l->group_count <= MANY_KEYS ? LINES_WIDE
						      : LINES_MANY;

	return (uint32_t)(keys * halves / 2 + 1);
}

static void size_tuple(struct lines *l, struct hash_tuple *t,
		       const struct group *g, size_t count, uint32_t *in)
{
	struct hash_tuple try = *t, best;
	uint64_t seed = HASH_K0;
	size_t least = SIZE_MAX;

	try.line = (uint32_t)l->line_count;
	try.line_count = lines_for(l, count);
	best = try;
	for (unsigned i = 0; i < FACTORS && least > 0; i++) {
		size_t now;

		for (unsigned k = 0; k < 2; k++) {
			seed = hash_finish(seed + HASH_K2);
			try.factor[k] = seed | 1;
		}
		count_keys(l, &try, g, count, in);
		now = spilled(l, &try, in);
		if (now >= least)
			continue;
		least = now;
		best = try;
		best.end = best.line + best.line_count + behind(l, &try, in);
	}
	*t = best;
	l->line_count = t->end;
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
	uint32_t *in = arena_alloc(l->work,
				   ((size_t)lines_for(l, l->group_count) + 1) *
					   sizeof(*in));

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
	size_t line = l->t->words > 1 ? sizeof(*l->wides) : sizeof(*l->lines);
	size_t items = 0;

	for (size_t i = 0; i < l->group_count; i++)
		items += l->groups[i].count > 1 ? l->groups[i].count : 0;
	head->line_count = (uint32_t)l->line_count;
	head->list_count = (uint32_t)items;
	head->order_count = (uint32_t)l->order_count;
	head->order_len = (uint32_t)l->services->rows.count + 1;
	head->lines = hash_blob_room(blob, l->line_count * line);
	head->lists = hash_blob_room(blob, items * sizeof(*l->items));
	head->firsts = hash_blob_room(blob, l->order_count * head->order_len *
						    sizeof(uint16_t));
	l->lines = (void *)(blob->bytes + head->lines);
	l->wides = (void *)(blob->bytes + head->lines);
	l->items = (void *)(blob->bytes + head->lists);
}

static void clear_lines(struct lines *l)
{
	if (l->t->words > 1) {
		for (size_t i = 0; i < l->line_count; i++)
			l->wides[i].rank = HASH_NONE;
		return;
	}
	for (size_t i = 0; i < l->line_count; i++)
		for (unsigned k = 0; k < HASH_SLOTS; k++)
			l->lines[i].slot[k] =
				(struct hash_slot){.rank = HASH_NONE};
}

static void fill(struct lines *l, uint16_t *firsts)
{
	clear_lines(l);
	for (size_t i = 0; i < l->order_count; i++)
		put_firsts(l, l->lists[i],
			   firsts + i * (l->services->rows.count + 1));
	for (size_t i = 0; i < l->group_count; i++)
		put(l, &l->t->items[l->groups[i].rules[0].tuple],
		    &l->groups[i]);
}

void hash_lines_add(struct hash_blob *blob, const struct hash_tuples *t,
		    const struct hash_services *services,
		    struct hash_head *head)
{
	struct lines l = {.t = t, .work = arena_new(), .services = services};

	l.slots = t->words > 1 ? 1 : HASH_SLOTS;
	group(&l);
	unhide(&l);
	order_lists(&l);
	size_tuples(&l);
	make_room(&l, blob, head);
	fill(&l, (void *)(blob->bytes + head->firsts));
	arena_free(&l.work);
}
