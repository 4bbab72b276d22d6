/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c: rules as boxes -> a binary decision tree with a few rules a leaf.
 *
 * Overview
 *   The space of all packets is a box, too. A box with many rules is split in
 *   two at an end point of one of them: the one that leaves the least on the
 *   larger side, where a rule on both sides counts against it. What lies below
 *   a rule that covers the box is cut off. Leaves and splits that are equal
 *   are made once.
 *
 * Invariants
 *   - Items of a leaf ascend by rank.
 *   - A split has packets on both sides, so a tree's depth is bounded by the
 *     bits of a key; TREE_DEPTH_MAX is less and ends it sooner.
 */
#include "tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Rules that need no split. */
#define TREE_LEAF 8
#define TREE_LEAF_SMALL 3 /* in a small tree */
#define TREE_DEPTH_MAX 48
#define TREE_SAMPLE 768u /* rules that a split is chosen by */
#define TREE_NONE UINT32_MAX

struct builder {
	struct arena *arena;
	const struct tree_rule *rules;
	unsigned words;
	size_t items_max;
	size_t leaf;
	struct tree tree;
	size_t node_capacity, item_capacity;
	/* Open hash of nodes: index + 1, or 0. A power of two. */
	uint32_t *slots;
	size_t slot_count;
	uint32_t *first, *last, *spare; /* of a sample */
	bool is_over;
};

struct box {
	struct tree_range at[TREE_DIMS];
};

/* Of the rules, the lower ranks first; freed by who made it. */
struct list {
	uint32_t *ranks;
	size_t count;
};

static bool dim_is_used(const struct builder *b, unsigned dim)
{
	unsigned word = dim >= TREE_DST ? dim - TREE_DST : dim - TREE_SRC;

	return dim < TREE_SRC || word < b->words;
}

/* ---- equal nodes ------------------------------------------------------- */

static uint32_t mix(uint32_t hash, uint32_t value)
{
	hash = (hash ^ value) * 0x9e3779b1u;
	return hash ^ hash >> 15;
}

static uint32_t node_hash(const struct builder *b, const struct tree_node *n)
{
	uint32_t hash = mix(n->dim, n->value);

	if (n->dim < TREE_DIMS)
		return mix(mix(hash, n->left), n->right);
	for (uint32_t i = 0; i < n->count; i++) {
		const struct tree_item *item = &b->tree.items[n->first + i];

		hash = mix(mix(hash, item->rank), item->known);
	}
	return hash;
}

static bool node_equals(const struct builder *b, const struct tree_node *x,
			const struct tree_node *y)
{
	if (x->dim != y->dim || x->value != y->value || x->left != y->left ||
	    x->right != y->right || x->count != y->count)
		return false;
	return x->count == 0 ||
	       memcmp(&b->tree.items[x->first], &b->tree.items[y->first],
		      x->count * sizeof(*b->tree.items)) == 0;
}

static void slots_grow(struct builder *b)
{
	size_t count = b->slot_count ? 2 * b->slot_count : 1024;

	b->slots = arena_alloc(b->arena, count * sizeof(*b->slots));
	b->slot_count = count;
	for (uint32_t i = 0; i < b->tree.node_count; i++) {
		size_t at = node_hash(b, &b->tree.nodes[i]) & (count - 1);

		while (b->slots[at])
			at = (at + 1) & (count - 1);
		b->slots[at] = i + 1;
	}
}

/* The node that is like this one, which may be new. */
static uint32_t node_add(struct builder *b, struct tree_node node)
{
	struct tree *t = &b->tree;
	size_t at;

	if (2 * t->node_count >= b->slot_count)
		slots_grow(b);
	at = node_hash(b, &node) & (b->slot_count - 1);
	for (; b->slots[at]; at = (at + 1) & (b->slot_count - 1))
		if (node_equals(b, &t->nodes[b->slots[at] - 1], &node))
			return b->slots[at] - 1;
	t->nodes = arena_grow(b->arena, t->nodes, t->node_count,
			      &b->node_capacity, sizeof(*t->nodes));
	t->nodes[t->node_count++] = node;
	b->slots[at] = (uint32_t)t->node_count;
	return (uint32_t)t->node_count - 1;
}

/* ---- leaves ------------------------------------------------------------ */

/* Bits of the words of which the rule asks only what is so in all the box. */
static uint32_t known_of(const struct builder *b, const struct tree_rule *rule,
			 const struct box *box)
{
	uint32_t known = 0;

	for (unsigned d = 0; d < TREE_DIMS; d++)
		if (!dim_is_used(b, d) ||
		    (rule->exact >> d & 1 &&
		     rule->at[d].first <= box->at[d].first &&
		     rule->at[d].last >= box->at[d].last))
			known |= 1u << d;
	return known;
}

static bool covers(const struct builder *b, const struct tree_rule *rule,
		   const struct box *box)
{
	if (!rule->is_box)
		return false;
	for (unsigned d = 0; d < TREE_DIMS; d++)
		if (dim_is_used(b, d) &&
		    (rule->at[d].first > box->at[d].first ||
		     rule->at[d].last < box->at[d].last))
			return false;
	return true;
}

static uint32_t leaf_add(struct builder *b, const struct list *list,
			 const struct box *box)
{
	struct tree *t = &b->tree;
	struct tree_node node = {.dim = TREE_DIMS,
				 .first = (uint32_t)t->item_count,
				 .count = (uint32_t)list->count};
	uint32_t before = (uint32_t)t->node_count, leaf;

	if (t->item_count + list->count > b->items_max) {
		b->is_over = true;
		return 0;
	}
	for (size_t i = 0; i < list->count; i++) {
		struct tree_item item = {
			list->ranks[i],
			known_of(b, &b->rules[list->ranks[i]], box)};

		t->items = arena_grow(b->arena, t->items, t->item_count,
				      &b->item_capacity, sizeof(*t->items));
		t->items[t->item_count++] = item;
	}
	if (t->longest < list->count)
		t->longest = (uint32_t)list->count;
	leaf = node_add(b, node);
	if (leaf < before)
		t->item_count = node.first;
	return leaf;
}

/* ---- the best split ---------------------------------------------------- */

/* By bytes, the lowest first; few by insertion. */
static void sort(uint32_t *items, uint32_t *spare, size_t count)
{
	if (count <= 32) {
		for (size_t i = 1; i < count; i++) {
			uint32_t item = items[i];
			size_t j = i;

			for (; j > 0 && items[j - 1] > item; j--)
				items[j] = items[j - 1];
			items[j] = item;
		}
		return;
	}
	for (unsigned shift = 0; shift < 32; shift += 8) {
		size_t at[257] = {0};

		for (size_t i = 0; i < count; i++)
			at[(items[i] >> shift & 255) + 1]++;
		if (at[(items[0] >> shift & 255) + 1] == count)
			continue;
		for (unsigned i = 0; i < 256; i++)
			at[i + 1] += at[i];
		for (size_t i = 0; i < count; i++)
			spare[at[items[i] >> shift & 255]++] = items[i];
		memcpy(items, spare, count * sizeof(*items));
	}
}

struct split {
	unsigned dim; /* TREE_DIMS: none is worth it */
	uint32_t value;
	size_t cost;
};

/* The larger side, and what is on both sides once more. */
static size_t split_cost(size_t left, size_t right, size_t count)
{
	return (left > right ? left : right) + (left + right - count);
}

static void split_try(struct split *best, unsigned dim, uint32_t value,
		      size_t left, size_t right, size_t count)
{
	size_t cost = split_cost(left, right, count);

	if (left == count && right == count)
		return;
	if (cost < best->cost)
		*best = (struct split){dim, value, cost};
}

/* Of a sorted sample: all end points of it inside of the box. */
static void split_dim(struct builder *b, unsigned dim, size_t count,
		      struct tree_range range, struct split *best)
{
	size_t begun = 0, ended = 0;

	while (begun < count && b->first[begun] <= range.first)
		begun++;
	for (;;) {
		uint32_t value = UINT32_MAX;

		if (begun < count)
			value = b->first[begun] - 1;
		if (ended < count && b->last[ended] < value)
			value = b->last[ended];
		if (value >= range.last)
			return;
		while (ended < count && b->last[ended] <= value)
			ended++;
		split_try(best, dim, value, begun, count - ended, count);
		while (begun < count && b->first[begun] == value + 1)
			begun++;
	}
}

static struct split split_choose(struct builder *b, const struct list *list,
				 const struct box *box)
{
	size_t step = (list->count + TREE_SAMPLE - 1) / TREE_SAMPLE;
	struct split best = {.dim = TREE_DIMS, .cost = SIZE_MAX};

	for (unsigned d = 0; d < TREE_DIMS; d++) {
		struct tree_range range = box->at[d];
		size_t count = 0, inside = 0;

		if (!dim_is_used(b, d) || range.first == range.last)
			continue;
		for (size_t i = 0; i < list->count; i += step, count++) {
			const struct tree_range *at =
				&b->rules[list->ranks[i]].at[d];

			b->first[count] = at->first;
			b->last[count] = at->last;
			inside += at->first > range.first ||
				  at->last < range.last;
		}
		if (inside == 0)
			continue;
		sort(b->first, b->spare, count);
		sort(b->last, b->spare, count);
		split_dim(b, d, count, range, &best);
	}
	/* Sides that are each no less than what is split. */
	if (best.cost > list->count / step * 5 / 4)
		best.dim = TREE_DIMS;
	return best;
}

/* ---- the tree ---------------------------------------------------------- */

/* Those that meet the box, until one covers it. The list is malloc'ed. */
static struct list list_of(const struct builder *b, const struct list *from,
			   unsigned dim, const struct box *box)
{
	struct list list = {malloc((from->count + 1) * sizeof(*list.ranks)), 0};
	const struct tree_range *range = &box->at[dim];

	if (!list.ranks)
		abort();
	for (size_t i = 0; i < from->count; i++) {
		const struct tree_rule *rule = &b->rules[from->ranks[i]];

		if (rule->at[dim].first > range->last ||
		    rule->at[dim].last < range->first)
			continue;
		list.ranks[list.count++] = from->ranks[i];
		if (covers(b, rule, box))
			break;
	}
	return list;
}

static uint32_t build(struct builder *b, const struct list *list,
		      const struct box *box, uint32_t depth);

static uint32_t build_side(struct builder *b, const struct list *list,
			   struct box box, unsigned dim,
			   struct tree_range range, uint32_t depth)
{
	struct list side;
	uint32_t node;

	box.at[dim] = range;
	side = list_of(b, list, dim, &box);
	node = build(b, &side, &box, depth);
	free(side.ranks);
	return node;
}

static uint32_t build(struct builder *b, const struct list *list,
		      const struct box *box, uint32_t depth)
{
	struct tree_node node = {.dim = TREE_DIMS};
	struct split split = {.dim = TREE_DIMS};
	struct tree_range range;

	if (b->is_over)
		return 0;
	if (b->tree.depth < depth)
		b->tree.depth = depth;
	if (list->count > b->leaf && depth < TREE_DEPTH_MAX)
		split = split_choose(b, list, box);
	if (split.dim == TREE_DIMS)
		return leaf_add(b, list, box);
	range = box->at[split.dim];
	node.dim = split.dim;
	node.value = split.value;
	node.left = build_side(b, list, *box, split.dim,
			       (struct tree_range){range.first, split.value},
			       depth + 1);
	node.right = build_side(
		b, list, *box, split.dim,
		(struct tree_range){split.value + 1, range.last}, depth + 1);
	if (b->is_over || node.left == node.right)
		return node.left;
	return node_add(b, node);
}

int tree_build(struct arena *arena, const struct tree_rule *rules,
	       const uint32_t *ranks, size_t count, unsigned words,
	       size_t items_max, struct tree *out)
{
	struct builder b = {.arena = arena,
			    .rules = rules,
			    .words = words,
			    .items_max = items_max,
			    .leaf = count > TREE_SMALL ? TREE_LEAF
						       : TREE_LEAF_SMALL};
	struct list list = {(uint32_t *)ranks, count};
	struct box all = {.at[0] = {0, 0}};

	for (unsigned d = 0; d < TREE_DIMS; d++)
		if (dim_is_used(&b, d))
			all.at[d].last = UINT32_MAX;
	all.at[TREE_SPORT].last = all.at[TREE_DPORT].last = UINT16_MAX;
	b.first = arena_alloc(arena, TREE_SAMPLE * sizeof(*b.first));
	b.last = arena_alloc(arena, TREE_SAMPLE * sizeof(*b.last));
	b.spare = arena_alloc(arena, TREE_SAMPLE * sizeof(*b.spare));
	b.tree.root = build(&b, &list, &all, 0);
	if (b.is_over)
		return -E2BIG;
	*out = b.tree;
	return 0;
}
