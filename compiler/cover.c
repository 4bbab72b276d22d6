/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cover.c: ranges and tables -> whether together they are every address.
 *
 * Prefixes nest or are apart. So a walk over sorted entries with a stack of
 * those around the place at hand tells for each stretch of addresses which
 * prefix is the longest, and that one says whether they are members.
 */
#include "cover.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 129 /* prefixes around an address: /0 to /128 */

struct cover_range {
	struct addr first, last;
};

static struct addr family_last(enum addr_family family)
{
	return addr_last((struct addr){{0}}, family, 0);
}

/* The address behind; behind the last comes the first. */
static struct addr addr_next(struct addr a, enum addr_family family)
{
	for (int i = family == FAMILY_IPV4 ? 0 : 3; i >= 0 && ++a.w[i] == 0;)
		i--;
	return a;
}

static struct addr addr_before(struct addr a, enum addr_family family)
{
	for (int i = family == FAMILY_IPV4 ? 0 : 3; i >= 0 && a.w[i]-- == 0;)
		i--;
	return a;
}

static void range_push(struct cover *c, struct addr first, struct addr last)
{
	c->ranges = arena_grow(c->arena, c->ranges, c->count, &c->capacity,
			       sizeof(*c->ranges));
	c->ranges[c->count++] = (struct cover_range){first, last};
}

void cover_range(struct cover *c, const struct addr *first,
		 const struct addr *last, bool is_negated)
{
	const struct addr zero = {{0}}, end = family_last(c->family);

	if (!is_negated) {
		range_push(c, *first, *last);
		return;
	}
	if (addr_compare(first, &zero) > 0)
		range_push(c, zero, addr_before(*first, c->family));
	if (addr_compare(last, &end) < 0)
		range_push(c, addr_next(*last, c->family), end);
}

/* ---- tables ------------------------------------------------------------ */

struct prefix {
	struct addr last;
	bool is_member;
};

/* The stretch from at to last, of which the innermost prefix says what it is.
 */
struct walk {
	struct cover *cover;
	struct prefix around[DEPTH_MAX + 1]; /* [0] is the whole family */
	size_t depth;
	struct addr at;
	bool is_over; /* at is behind the family's last address */
	bool wanted;  /* stretches of members, or of others */
};

static void walk_to(struct walk *w, struct addr last)
{
	if (w->around[w->depth - 1].is_member == w->wanted)
		range_push(w->cover, w->at, last);
	w->at = addr_next(last, w->cover->family);
}

/* Leaves the innermost prefix. */
static void walk_leave(struct walk *w)
{
	struct addr last = w->around[w->depth - 1].last;
	struct addr end = family_last(w->cover->family);

	if (!w->is_over && addr_compare(&w->at, &last) <= 0)
		walk_to(w, last);
	w->is_over = addr_compare(&last, &end) == 0;
	w->depth--;
}

static void walk_enter(struct walk *w, const struct policy_table_entry *e)
{
	while (addr_compare(&w->around[w->depth - 1].last, &e->addr) < 0)
		walk_leave(w);
	if (addr_compare(&w->at, &e->addr) < 0)
		walk_to(w, addr_before(e->addr, w->cover->family));
	w->around[w->depth++] = (struct prefix){
		.last = addr_last(e->addr, e->family, e->prefix_len),
		.is_member = !e->is_negated,
	};
}

void cover_table(struct cover *c, const struct policy_table_entry *entries,
		 size_t count, bool is_negated)
{
	struct walk w = {
		.cover = c,
		.around[0].last = family_last(c->family),
		.depth = 1,
		.wanted = !is_negated,
	};

	for (size_t i = 0; i < count; i++)
		if (entries[i].family == c->family)
			walk_enter(&w, &entries[i]);
	while (w.depth > 0)
		walk_leave(&w);
}

/* ---- the question ------------------------------------------------------ */

static int range_order(const void *a, const void *b)
{
	const struct cover_range *left = a, *right = b;

	return addr_compare(&left->first, &right->first);
}

bool cover_is_all(const struct cover *c)
{
	const struct addr zero = {{0}}, end = family_last(c->family);
	struct addr wanted = zero; /* the first that none had so far */

	if (c->count)
		qsort(c->ranges, c->count, sizeof(*c->ranges), range_order);
	for (size_t i = 0; i < c->count; i++) {
		const struct cover_range *r = &c->ranges[i];

		if (addr_compare(&r->first, &wanted) > 0)
			return false;
		if (addr_compare(&r->last, &end) == 0)
			return true;
		if (addr_compare(&r->last, &wanted) >= 0)
			wanted = addr_next(r->last, c->family);
	}
	return false;
}
