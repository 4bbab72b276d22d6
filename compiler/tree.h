/* SPDX-License-Identifier: BSD-2-Clause */
/* tree.h: rules as boxes of key words -> a decision tree over them. */
#ifndef NFR_TREE_H
#define NFR_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"

/*
 * Of so few rules code is not much, and stays in the caches: it may repeat them
 * more often, and splits cost less than rules that do not match.
 */
#define TREE_SMALL 2048u

/* The words that a tree splits on. */
enum tree_dim {
	TREE_IFID,
	TREE_PROTO,
	TREE_SPORT,
	TREE_DPORT,
	TREE_SRC,
	TREE_DST = TREE_SRC + 4,
	TREE_DIMS = TREE_DST + 4
};

struct tree_range {
	uint32_t first, last;
};

/* A box that holds all packets that the rule can match. */
struct tree_rule {
	struct tree_range at[TREE_DIMS];
	uint32_t number; /* in policy.rules */
	uint16_t exact;	 /* bits 1 << dim: nothing else is asked of the word */
	bool is_box;	 /* the rule matches all packets of the box */
};

/* A rule in a leaf: one of those the tree was made of, by its index there. */
struct tree_item {
	uint32_t rank;
	uint32_t known; /* bits 1 << dim: true of all that come here */
};

/* dim TREE_DIMS: a leaf with items first.. first + count; else a split. */
struct tree_node {
	uint32_t dim;
	uint32_t value;	      /* left: at most this; right: above */
	uint32_t left, right; /* nodes */
	uint32_t first, count;
};

struct tree {
	struct tree_node *nodes;
	struct tree_item *items;
	size_t node_count, item_count;
	uint32_t root;
	uint32_t depth;	  /* splits on the longest way */
	uint32_t longest; /* items of the largest leaf */
};

/*
 * Of rules[ranks[0]], ...: ascending ranks, of which the lowest that matches
 * decides. Words from dim TREE_SRC + words on of both addresses are zero. The
 * same rules give the same tree. 0, or -E2BIG: more items than items_max.
 */
int tree_build(struct arena *, const struct tree_rule *rules,
	       const uint32_t *ranks, size_t count, unsigned words,
	       size_t items_max, struct tree *out);

#endif
