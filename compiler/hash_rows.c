/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_rows.c: the tuples' prefixes -> a trie of each side's addresses, whose
 * leaves are rows of bits.
 *
 * Each look is at one of HASH_LEVELS nodes and takes bits where the prefixes
 * below that node part, as many as there is room for. What lies before these
 * bits is not compared, and what lies behind the last node's not told apart: a
 * row may so have bits too many. Of several limits of a node's size the one is
 * taken that makes the smallest trie which does not lose more so than others.
 */
#include "hash_tuple.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ROOT_BITS 16u	  /* that the first node takes at most ... */
#define ROOT_BITS_MIN 13u /* ... if not fewer ... */
#define NODE_BITS 12u	  /* ... and others */
#define SPARE_BITS 4u	  /* a node has room for so much more than prefixes */
#define SMALL_COUNT 1024u /* prefixes; so few may have one more */
#define SHAPE_RULES_MAX 65536u /* of more no shapes are tried */
#define SHAPES (2 * (ROOT_BITS - ROOT_BITS_MIN + 1))
#define LOST_SHARE 32u /* of the prefixes, that may be lost for fewer cells */

struct prefix {
	const uint32_t *addr;
	unsigned len;
	uint64_t *bits; /* of tuples that have it */
};

/* What the cell is that leads to a row, by the levels that are left there. */
struct leaf {
	uint32_t node[HASH_LEVELS]; /* 0: not made yet */
};

/* How large nodes may be. */
struct shape {
	unsigned root_bits, spare;
};

struct trie {
	struct hash_tuples *t;
	struct arena *work; /* what ends with the trie's making */
	enum hash_end end;
	struct prefix *prefixes; /* by address, the shortest first */
	size_t count;
	struct hash_cells *cells;
	uint64_t *rows[HASH_LEVELS];   /* of a node's cells, by levels left */
	uint32_t *values[HASH_LEVELS]; /* the cells */
	struct leaf *leaves;	       /* by row */
	size_t leaf_count, leaf_capacity;
	struct shape shape;
	size_t lost; /* prefixes that no level was left for */
};

/* Bits that a node asks for, of those from "from" on. */
struct window {
	unsigned from, width;
};

/* ---- prefixes ---------------------------------------------------------- */

static int by_address(const void *left, const void *right)
{
	const struct prefix *a = left, *b = right;

	for (unsigned i = 0; i < 4; i++)
		if (a->addr[i] != b->addr[i])
			return a->addr[i] < b->addr[i] ? -1 : 1;
	return a->len < b->len ? -1 : a->len > b->len;
}

static void add_bits(uint64_t *to, const uint64_t *bits, size_t words)
{
	for (size_t i = 0; i < words; i++)
		to[i] |= bits[i];
}

/* Each different one once. everywhere: bits of those without a length. */
static void gather(struct trie *t, uint64_t *everywhere)
{
	const struct hash_tuples *in = t->t;
	size_t words = in->row_words, kept = 0;
	uint64_t *bits = arena_alloc(t->work, (in->rule_count + 1) * words * 8);

	t->prefixes = arena_alloc(t->work,
				  (in->rule_count + 1) * sizeof(*t->prefixes));
	for (size_t i = 0; i < in->rule_count; i++) {
		const struct hash_rule *r = &in->rules[i];
		uint64_t *own = bits + i * words;

		hash_bit_set(own, r->tuple);
		if (r->len[t->end] == 0)
			hash_bit_set(everywhere, r->tuple);
		else
			t->prefixes[t->count++] = (struct prefix){
				r->addr[t->end], r->len[t->end], own};
	}
	qsort(t->prefixes, t->count, sizeof(*t->prefixes), by_address);
	for (size_t i = 0; i < t->count; i++) {
		struct prefix *last = kept ? &t->prefixes[kept - 1] : NULL;

		if (last && by_address(last, &t->prefixes[i]) == 0)
			add_bits(last->bits, t->prefixes[i].bits, words);
		else
			t->prefixes[kept++] = t->prefixes[i];
	}
	t->count = kept;
}

/* ---- cells ------------------------------------------------------------- */

/* The cell of a row, with so many levels left; of no room row 0's. */
static uint32_t leaf_cell(struct trie *t, uint32_t row, unsigned left)
{
	uint32_t first, node, both[2];

	if (left == 0)
		return row * (uint32_t)t->t->row_words * 8;
	while (t->leaf_count <= row) {
		t->leaves = arena_grow(t->work, t->leaves, t->leaf_count,
				       &t->leaf_capacity, sizeof(*t->leaves));
		t->leaves[t->leaf_count++] = (struct leaf){{0}};
	}
	if (t->leaves[row].node[left - 1])
		return t->leaves[row].node[left - 1];
	both[0] = both[1] = leaf_cell(t, row, left - 1);
	if (!hash_cells_add(t->cells, both, 2, &first))
		return leaf_cell(t, 0, left);
	node = HASH_NODE(0u, 31u, 0u, first);
	t->leaves[row].node[left - 1] = node;
	return node;
}

/* Row 0 has all bits: what has no number of its own gets it. */
static uint32_t row_number(struct trie *t, const uint64_t *bits)
{
	if (t->t->rows.count >= HASH_ROWS_MAX)
		return 0;
	return hash_bits_add(&t->t->rows, bits);
}

/* ---- nodes ------------------------------------------------------------- */

/* The first bit in which these differ, or how many there are. */
static unsigned parting(const struct trie *t, const struct prefix *a,
			const struct prefix *b)
{
	unsigned at = 0;

	for (uint32_t i = 0; i < t->t->words; i++, at += 32)
		if (a->addr[i] != b->addr[i])
			return at +
			       (unsigned)__builtin_clz(a->addr[i] ^ b->addr[i]);
	return at;
}

static unsigned log2_up(size_t n)
{
	unsigned bits = 0;

	while ((size_t)1 << bits < n)
		bits++;
	return bits;
}

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * Which bits to ask for, from depth on. The prefixes agree in all before the
 * first that is asked for, unless they are shorter.
 */
static struct window choose(const struct trie *t, const struct prefix *p,
			    size_t count, unsigned depth, unsigned left)
{
	unsigned most = left == HASH_LEVELS ? t->shape.root_bits : NODE_BITS;
	unsigned width = min(log2_up(count) + t->shape.spare, most);
	unsigned longest = 0, shortest = t->t->bits, from, end;

	for (size_t i = 0; i < count; i++) {
		longest = p[i].len > longest ? p[i].len : longest;
		shortest = min(shortest, p[i].len);
	}
	width = min(width ? width : 1, longest - depth);
	from = min(parting(t, &p[0], &p[count - 1]), longest - width);
	if (left > 1 && from >= shortest)
		from = shortest > width ? shortest - width : 0;
	from = from < depth ? depth : from;
	end = (from / 32 + 1) * 32;
	if (longest >= end && end - from < width + SPARE_BITS &&
	    end - from <= most)
		width = end - from; /* few are left of this word */
	return (struct window){from, min(width, end - from)};
}

static uint32_t bits_at(const uint32_t addr[4], struct window w)
{
	return (uint32_t)((uint64_t)(addr[w.from / 32] << w.from % 32) >>
			  (32 - w.width));
}

static uint32_t fill(struct trie *t, const struct prefix *p, size_t count,
		     const uint64_t *inherited, unsigned depth, unsigned left);

/* To a node's cells: what each inherits, of prefixes that end here. */
static void spread(struct trie *t, const struct prefix *p, size_t count,
		   const uint64_t *inherited, struct window w, uint64_t *rows)
{
	size_t words = t->t->row_words;

	for (size_t i = 0; i < (size_t)1 << w.width; i++)
		memcpy(rows + i * words, inherited, words * sizeof(*rows));
	for (size_t i = 0; i < count; i++) {
		unsigned known = p[i].len > w.from ? p[i].len - w.from : 0;
		size_t first, cells;

		if (known > w.width)
			continue;
		first = known ? bits_at(p[i].addr, w) : 0;
		cells = (size_t)1 << (w.width - known);
		for (size_t k = 0; k < cells; k++)
			add_bits(rows + (first + k) * words, p[i].bits, words);
	}
}

/*
 * Prefixes that have these bits; *ending of them, the first ones, end here. As
 * they are in order, shorter ones are at the front.
 */
static size_t child(const struct prefix *p, size_t count, struct window w,
		    uint32_t bits, size_t *ending)
{
	size_t i = 0;

	while (i < count && p[i].len <= w.from + w.width &&
	       bits_at(p[i].addr, w) == bits)
		i++;
	*ending = i;
	while (i < count && bits_at(p[i].addr, w) == bits)
		i++;
	return i;
}

static uint32_t node(struct trie *t, const struct prefix *p, size_t count,
		     const uint64_t *inherited, unsigned depth, unsigned left)
{
	struct window w = choose(t, p, count, depth, left);
	uint64_t *rows = t->rows[left - 1];
	uint32_t *values = t->values[left - 1];
	size_t words = t->t->row_words, len = words * sizeof(*rows);
	const uint64_t *before = NULL; /* the row of the last leaf */
	uint32_t first, cell = 0;

	spread(t, p, count, inherited, w, rows);
	for (uint32_t i = 0; i < 1u << w.width; i++) {
		const uint64_t *row = rows + i * words;
		size_t ending, all = child(p, count, w, i, &ending);

		if (all > ending) {
			cell = fill(t, p + ending, all - ending, row,
				    w.from + w.width, left - 1);
			before = NULL;
		} else if (!before || memcmp(row, before, len) != 0) {
			cell = leaf_cell(t, row_number(t, row), left - 1);
			before = row;
		}
		values[i] = cell;
		p += all;
		count -= all;
	}
	if (!hash_cells_add(t->cells, values, 1u << w.width, &first))
		return leaf_cell(t, 0, left);
	return HASH_NODE(w.from % 32, 32 - w.width, w.from / 32, first);
}

/* The cell for what lies below depth, with so many levels left. */
static uint32_t fill(struct trie *t, const struct prefix *p, size_t count,
		     const uint64_t *inherited, unsigned depth, unsigned left)
{
	uint64_t row[HASH_ROW_WORDS];

	assert(inherited);
	if (count && left)
		return node(t, p, count, inherited, depth, left);
	memcpy(row, inherited, t->t->row_words * sizeof(*row));
	for (size_t i = 0; i < count; i++)
		add_bits(row, p[i].bits, t->t->row_words);
	t->lost += count;
	return leaf_cell(t, row_number(t, row), left);
}

/* ---- both sides -------------------------------------------------------- */

/* Row 0 and the cells that lead to it come first: there is room for them. */
static void trie_make(struct trie *trie, struct hash_tuples *t,
		      enum hash_end end, struct shape shape)
{
	size_t words = t->row_words;
	uint64_t *everywhere;

	*trie = (struct trie){.t = t,
			      .work = arena_new(),
			      .end = end,
			      .cells = &t->cells[end],
			      .shape = {.root_bits = shape.root_bits}};
	everywhere = arena_alloc(trie->work, words * 8);
	hash_cells_begin(trie->cells, trie->work);
	gather(trie, everywhere);
	while (trie->shape.spare < shape.spare &&
	       trie->count << (trie->shape.spare + 3) < HASH_CELLS_MAX)
		trie->shape.spare++;
	for (unsigned left = HASH_LEVELS; left > 0; left--) {
		unsigned bits = left == HASH_LEVELS ? ROOT_BITS : NODE_BITS;

		trie->rows[left - 1] =
			arena_alloc(trie->work, ((size_t)8 << bits) * words);
		trie->values[left - 1] =
			arena_alloc(trie->work, sizeof(uint32_t) << bits);
		leaf_cell(trie, 0, HASH_LEVELS - left + 1);
	}
	t->cells[end].root = fill(trie, trie->prefixes, trie->count, everywhere,
				  0, HASH_LEVELS);
	arena_free(&trie->work);
}

static void rows_begin(struct hash_tuples *t)
{
	uint64_t *all = arena_alloc(t->arena, t->row_words * 8);

	memset(all, 0xff, t->row_words * 8);
	hash_bits_begin(&t->rows, t->arena, t->row_words);
	hash_bits_add(&t->rows, all);
}

struct trial {
	struct shape shape;
	size_t prefixes, lost, cells;
};

/* A trie that nobody keeps. */
static struct trial try_shape(const struct hash_tuples *t, enum hash_end end,
			      unsigned root_bits, unsigned spare)
{
	struct trial trial = {.shape = {root_bits, spare}};
	struct hash_tuples own = *t;
	struct trie trie;

	own.arena = arena_new();
	rows_begin(&own);
	trie_make(&trie, &own, end, trial.shape);
	trial.prefixes = trie.count;
	trial.lost = trie.lost;
	trial.cells = own.cells[end].count;
	hash_cells_free(&own.cells[end]);
	arena_free(&own.arena);
	return trial;
}

/*
 * The fewest cells that lose hardly more prefixes than others would: a cache
 * holds few, and a lost prefix sends packets to tuples in vain.
 */
static struct shape choose_shape(const struct hash_tuples *t, enum hash_end end)
{
	struct trial trials[SHAPES], *best = NULL;
	size_t count = 0, most_lost = SIZE_MAX;
	unsigned spare = SPARE_BITS;

	if (t->rule_count > SHAPE_RULES_MAX)
		return (struct shape){ROOT_BITS, SPARE_BITS};
	do
		for (unsigned bits = ROOT_BITS_MIN; bits <= ROOT_BITS; bits++)
			trials[count++] = try_shape(t, end, bits, spare);
	while (trials[0].prefixes <= SMALL_COUNT && spare++ == SPARE_BITS);
	for (size_t i = 0; i < count; i++)
		if (trials[i].lost < most_lost)
			most_lost = trials[i].lost;
	most_lost += trials[0].prefixes / LOST_SHARE;
	for (size_t i = 0; i < count; i++)
		if (trials[i].lost <= most_lost &&
		    (!best || trials[i].cells < best->cells))
			best = &trials[i];
	assert(best);
	return best->shape;
}

void hash_rows_make(struct hash_tuples *t)
{
	rows_begin(t);
	for (unsigned i = 0; i < 2; i++) {
		enum hash_end end = (enum hash_end)i;
		struct trie trie;

		trie_make(&trie, t, end, choose_shape(t, end));
	}
}
