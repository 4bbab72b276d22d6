/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_lower.c: rules of which the first match decides -> trees -> code.
 *
 * Overview
 *   One tree, if that does not repeat the rules too often. Else the rules are
 *   parted by which of their addresses are specific, as a rule that is wide in
 *   a word lands on both sides of each split of it, and each part has a tree. A
 *   packet goes through all of them; what it finds is the candidate, with its
 *   rank, and only a rule of a lower rank replaces it.
 *
 * Layout
 *   Each node stands before those that it leads to, as jumps go forward; the
 *   left one directly behind it, where no other node led there before.
 */
#include "tree_lower.h"

#include <string.h>

#include "lower_match.h"
#include "tree_rule.h"

#define PARTS_MAX 4
/* A word of an address with this many values or fewer is specific. */
#define SPECIFIC_IPV4 (1u << 24)
#define SPECIFIC_IPV6 (1u << 16)

/* Repetition that costs nothing to speak of; and of few rules. */
#define ITEMS_FREE 128u
#define ITEMS_FREE_SMALL 2048u
#define ITEM_INSNS 8u

struct part {
	struct tree tree;
	uint32_t *ranks;
	size_t count;
};

struct tree_plan {
	struct tree_rule *rules; /* by rank */
	size_t rule_count;
	struct part parts[PARTS_MAX];
	unsigned part_count;
};

/* ---- parts ------------------------------------------------------------- */

static bool is_specific(const struct tree_rule *rule, unsigned dim,
			unsigned words)
{
	uint32_t span = rule->at[dim].last - rule->at[dim].first;

	return span < (words == 4 ? SPECIFIC_IPV6 : SPECIFIC_IPV4);
}

static unsigned kind_of(const struct tree_rule *rule, unsigned words)
{
	return (is_specific(rule, TREE_SRC, words) ? 0 : 2) +
	       (is_specific(rule, TREE_DST, words) ? 0 : 1);
}

/*
 * The part of each kind of rule: both addresses are specific, the source, the
 * destination, neither. And how often rules may be repeated, in tenths; 0: as
 * often as it must be.
 */
static const struct {
	unsigned char part[4];
	unsigned tenths;
} partings[] = {
	{{0, 0, 0, 0}, 15}, {{0, 0, 1, 1}, 15}, {{0, 1, 0, 1}, 15},
	{{0, 0, 1, 2}, 20}, {{0, 1, 2, 3}, 0},
};
#define PARTINGS (sizeof(partings) / sizeof(partings[0]))

static bool plan_part(struct arena *arena, struct tree_plan *plan,
		      unsigned parting, unsigned words, size_t items_max)
{
	struct part parts[PARTS_MAX] = {{.count = 0}};
	unsigned count = 0;
	size_t room = items_max;

	for (unsigned i = 0; i < PARTS_MAX; i++)
		parts[i].ranks = arena_alloc(arena, (plan->rule_count + 1) *
							    sizeof(uint32_t));
	for (uint32_t rank = 0; rank < plan->rule_count; rank++) {
		struct part *part = &parts[partings[parting].part[kind_of(
			&plan->rules[rank], words)]];

		part->ranks[part->count++] = rank;
	}
	for (unsigned i = 0; i < PARTS_MAX; i++) {
		if (parts[i].count == 0)
			continue;
		if (tree_build(arena, plan->rules, parts[i].ranks,
			       parts[i].count, words, room, &parts[i].tree))
			return false;
		room -= parts[i].tree.item_count;
		plan->parts[count++] = parts[i];
	}
	plan->part_count = count;
	return true;
}

struct tree_plan *tree_plan(const struct lower_entry *at, const uint32_t *rules,
			    size_t count)
{
	struct arena *arena = at->emit->arena;
	struct tree_plan *plan = arena_new_of(arena, struct tree_plan);
	unsigned words = at->family == NFR_FAMILY_IPV6 ? 4 : 1;

	plan->rules = arena_alloc(arena, (count + 1) * sizeof(*plan->rules));
	for (size_t i = 0; i < count; i++)
		if (tree_rule(&at->policy->rules[rules[i]], rules[i],
			      at->family, &plan->rules[plan->rule_count]))
			plan->rule_count++;
	for (unsigned i = 0; i < PARTINGS; i++) {
		size_t tenths = partings[i].tenths ? partings[i].tenths
						   : TREE_TENTHS_MAX;
		size_t free_items = plan->rule_count > TREE_SMALL
					    ? ITEMS_FREE
					    : ITEMS_FREE_SMALL;

		if (plan_part(arena, plan, i, words,
			      plan->rule_count * tenths / 10 + free_items))
			return plan;
	}
	return NULL;
}

/* ---- leaves ------------------------------------------------------------ */

/* One tree on its way into code. */
struct writer {
	const struct lower_entry *at;
	const struct tree_plan *plan;
	const struct tree *tree;
	uint32_t last; /* the rule when none matches */
	bool is_first, is_last;
	bool is_whole;		   /* rules ask all that they ask */
	bool is_far;		   /* jumps to nodes may be long */
	struct emit_label end;	   /* of the tree */
	struct emit_label *labels; /* by node */
	uint32_t *order;
	bool *is_met;
	size_t order_count;
};

/* True unless the rule matches all that come here. */
static bool write_criteria(const struct writer *w, const struct tree_item *item,
			   struct emit_label *miss)
{
	const struct tree_rule *box = &w->plan->rules[item->rank];
	const struct policy_rule *rule = &w->at->policy->rules[box->number];
	uint32_t known = w->is_whole ? 0 : item->known;

	for (size_t i = 0; i < rule->within_count; i++) {
		struct policy_match rest = tree_rest(&rule->within[i], known);

		lower_match(w->at->emit, &rest, w->at->family, miss);
	}
	if (known) {
		struct policy_match rest = tree_rest(&rule->match, known);

		lower_match(w->at->emit, &rest, w->at->family, miss);
	} else {
		lower_match(w->at->emit, &rule->match, w->at->family, miss);
	}
	return miss->count > 0;
}

/* Behind a match; one of a lower rank that is the candidate stays it. */
static void write_hit(struct writer *w, const struct tree_item *item,
		      bool is_asked, struct emit_label *stay)
{
	struct emit *e = w->at->emit;
	uint32_t number = w->plan->rules[item->rank].number;

	if (!w->is_first && !is_asked)
		emit_jump(e, NFR_OP_JRANK, 0, item->rank, stay);
	if (w->is_last) {
		emit_ret(e, number);
		return;
	}
	emit_op(e, NFR_OP_SET, number);
	emit_op(e, NFR_OP_RANK, item->rank);
	emit_skip(e, &w->end);
}

static void write_leaf(struct writer *w, const struct tree_node *leaf)
{
	const struct tree_item *items = &w->tree->items[leaf->first];
	struct emit *e = w->at->emit;
	struct emit_label stay = {.count = 0};
	bool goes_on = true;

	if (!w->is_first && leaf->count)
		emit_jump(e, NFR_OP_JRANK, 0, items[0].rank, &stay);
	for (uint32_t i = 0; i < leaf->count && goes_on; i++) {
		struct emit_label miss = {.count = 0};

		goes_on = write_criteria(w, &items[i], &miss);
		write_hit(w, &items[i], i == 0, &stay);
		emit_bind(e, &miss);
	}
	if (!goes_on && stay.count == 0)
		return;
	emit_bind(e, &stay);
	if (!w->is_last)
		emit_skip(e, &w->end);
	else
		emit_op(e, w->is_first ? NFR_OP_RET : NFR_OP_RETC, w->last);
}

/* ---- nodes ------------------------------------------------------------- */

/* Each node before those it leads to, the left one last of all. */
static void order_nodes(struct writer *w, uint32_t node)
{
	const struct tree_node *n = &w->tree->nodes[node];

	if (w->is_met[node])
		return;
	w->is_met[node] = true;
	if (n->dim != TREE_DIMS) {
		order_nodes(w, n->right);
		order_nodes(w, n->left);
	}
	w->order[--w->order_count] = node;
}

static unsigned dim_field(uint32_t dim)
{
	static const unsigned char fields[TREE_DIMS] = {
		[TREE_IFID] = NFR_F_IFID,
		[TREE_PROTO] = NFR_F_PROTO,
		[TREE_SPORT] = NFR_F_SPORT,
		[TREE_DPORT] = NFR_F_DPORT};

	if (dim >= TREE_DST)
		return NFR_F_DST0 + (dim - TREE_DST);
	return dim >= TREE_SRC ? NFR_F_SRC0 + (dim - TREE_SRC) : fields[dim];
}

/* next: the node that will stand behind this one. */
static void write_split(struct writer *w, const struct tree_node *n,
			uint32_t next)
{
	struct emit *e = w->at->emit;
	unsigned field = dim_field(n->dim);

	if (!w->is_far && n->right == next) {
		emit_jump(e, NFR_OP_JLT, field, n->value + 1,
			  &w->labels[n->left]);
		return;
	}
	if (!w->is_far) {
		emit_jump(e, NFR_OP_JGT, field, n->value, &w->labels[n->right]);
	} else {
		struct emit_label here = {.count = 0};

		emit_jump(e, NFR_OP_JLT, field, n->value + 1, &here);
		emit_skip(e, &w->labels[n->right]);
		emit_bind(e, &here);
	}
	if (n->left != next)
		emit_skip(e, &w->labels[n->left]);
}

static void write_tree(struct writer *w)
{
	size_t count = w->tree->node_count;

	w->order_count = count;
	memset(w->labels, 0, count * sizeof(*w->labels));
	memset(w->is_met, 0, count * sizeof(*w->is_met));
	order_nodes(w, w->tree->root);
	for (size_t i = w->order_count; i < count; i++) {
		uint32_t node = w->order[i];
		const struct tree_node *n = &w->tree->nodes[node];

		emit_bind(w->at->emit, &w->labels[node]);
		if (n->dim == TREE_DIMS)
			write_leaf(w, n);
		else
			write_split(w, n,
				    i + 1 < count ? w->order[i + 1]
						  : UINT32_MAX);
	}
	if (!w->is_last)
		emit_bind(w->at->emit, &w->end);
}

/* With short jumps, and if they do not reach with long ones. */
static void write_part(struct writer *w)
{
	struct emit *e = w->at->emit;
	size_t start = e->count;
	bool was_too_far = e->is_too_far;
	size_t count = w->tree->node_count;

	w->labels = arena_alloc(e->arena, count * sizeof(*w->labels));
	w->order = arena_alloc(e->arena, count * sizeof(*w->order));
	w->is_met = arena_alloc(e->arena, count * sizeof(*w->is_met));
	w->is_far = false;
	write_tree(w);
	if (e->is_too_far && !was_too_far) {
		e->is_too_far = false;
		e->count = start;
		w->end.count = 0;
		w->is_far = true;
		write_tree(w);
	}
}

/*
 * Where tables change, packets are looked for that a rule decides on, by what
 * the rule asks (image_search.c): then leaves leave nothing out.
 */
static bool is_searched(const struct policy *policy)
{
	return policy->assert_count || policy->guard_count;
}

void tree_lower(const struct lower_entry *at, const struct tree_plan *plan,
		uint32_t last)
{
	for (unsigned i = 0; i < plan->part_count; i++) {
		struct writer w = {
			.at = at,
			.plan = plan,
			.tree = &plan->parts[i].tree,
			.last = last,
			.is_first = i == 0,
			.is_last = i + 1 == plan->part_count,
			.is_whole = is_searched(at->policy),
		};

		write_part(&w);
	}
}
