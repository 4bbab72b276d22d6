/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_context.c: a policy -> what may be true of a packet beside its
 * headers, as far as some rule asks: who sends it, what it is marked with, how
 * chances fall, what a pool chooses.
 *
 * Each thing that is asked is an axis of a few values. All combinations are
 * made when these are few; else each value alone, and random ones.
 */
#include "check_internal.h"

#include <string.h>

#include "model.h"
#include "tag.h"

#define VALUES_MAX 256
#define COINS_FULL 5 /* that many are tossed in all ways */
#define COINS_MAX 32 /* of more, these also one by one */
#define PICKS 8	     /* of a pool's members */

enum axis {
	USER,
	GROUP,
	CGROUP,
	MARK,
	TAG,
	PRIO,
	RDOMAIN,
	SRC_ROUTE,
	DST_ROUTE,
	URPF,
	PICK,
	COINS,
	AXES
};

/* The first value of each axis is what a packet usually is. */
struct axes {
	struct check *check;
	int64_t numbers[AXES][VALUES_MAX];
	const char *names[AXES][VALUES_MAX];
	size_t count[AXES];
	uint32_t *once; /* rules */
	size_t once_count, once_capacity;
};

static void number_add(struct axes *a, enum axis axis, int64_t value)
{
	size_t *count = &a->count[axis];

	for (size_t i = 0; i < *count; i++)
		if (a->numbers[axis][i] == value)
			return;
	if (*count < VALUES_MAX)
		a->numbers[axis][(*count)++] = value;
}

static void name_add(struct axes *a, enum axis axis, const char *name)
{
	size_t *count = &a->count[axis];

	for (size_t i = 1; i < *count; i++)
		if (strcmp(a->names[axis][i], name) == 0)
			return;
	if (*count < VALUES_MAX)
		a->names[axis][(*count)++] = name;
}

static void id_add(struct axes *a, enum axis axis, const struct policy_id *id)
{
	if (id->is_any)
		return;
	number_add(a, axis, 1000); /* somebody */
	if (id->first > id->last)
		return;
	number_add(a, axis, id->first);
	number_add(a, axis, id->last);
	if (id->first)
		number_add(a, axis, (int64_t)id->first - 1);
	if (id->last < UINT32_MAX - 1)
		number_add(a, axis, (int64_t)id->last + 1);
}

static void meta_add(struct axes *a, const struct policy_meta *m)
{
	id_add(a, USER, &m->user);
	id_add(a, GROUP, &m->group);
	for (size_t i = 0; i < m->cgroup_count; i++)
		name_add(a, CGROUP, m->cgroups[i]);
	for (size_t i = 0; i < m->mark_count; i++) {
		number_add(a, MARK, m->marks[i].value);
		number_add(a, MARK, ~m->marks[i].value & m->marks[i].mask);
	}
	if (m->has_tagged)
		number_add(a, TAG, m->tagged);
	if (m->prio >= 0) {
		number_add(a, PRIO, m->prio);
		number_add(a, PRIO, 7 - m->prio);
	}
	if (m->rdomain >= 0) {
		number_add(a, RDOMAIN, m->rdomain);
		number_add(a, RDOMAIN, m->rdomain + 1);
	}
}

/* "" stands for no route; NULL, the first, for one without a label. */
static void host_add(struct axes *a, enum axis axis,
		     const struct policy_host *h)
{
	if (h->kind == POLICY_HOST_NO_ROUTE)
		name_add(a, axis, "");
	if (h->kind == POLICY_HOST_ROUTE)
		name_add(a, axis, h->label);
	if (h->kind == POLICY_HOST_URPF_FAILED)
		number_add(a, URPF, 1);
}

static void match_add(struct axes *a, const struct policy_match *m)
{
	if (m->meta)
		meta_add(a, m->meta);
	host_add(a, SRC_ROUTE, &m->src);
	host_add(a, DST_ROUTE, &m->dst);
}

static bool chooses(const struct policy_pool *pool)
{
	return pool && pool->type != AST_POOL_PLAIN &&
	       pool->type != AST_POOL_BITMASK;
}

static void rule_add_axes(struct axes *a, uint32_t i)
{
	const struct policy_rule *r = &a->check->policy->rules[i];
	const struct policy_effects *e = r->effects;

	for (size_t j = 0; j < r->within_count; j++)
		match_add(a, &r->within[j]);
	match_add(a, &r->match);
	if (!e)
		return;
	if (e->is_once) {
		a->once = arena_grow(a->check->arena, a->once, a->once_count,
				     &a->once_capacity, sizeof(*a->once));
		a->once[a->once_count++] = i;
	}
	if (chooses(e->nat) || chooses(e->rdr) || chooses(e->af_from))
		for (int64_t pick = 1; pick < PICKS; pick++)
			number_add(a, PICK, pick);
}

/* ---- coins: chances, rates, and whether once rules are spent ---------------
 */

static size_t coin_count(const struct axes *a)
{
	return a->check->policy->draw_count + a->once_count;
}

/* Ways in which they may have fallen. */
static size_t coin_ways(const struct axes *a)
{
	size_t n = coin_count(a);

	if (n <= COINS_FULL)
		return (size_t)1 << n;
	return 2 + 2 * (n < COINS_MAX ? n : COINS_MAX);
}

/* None, all, one alone, all but one. */
static bool coin_falls(const struct axes *a, size_t way, size_t coin)
{
	if (coin_count(a) <= COINS_FULL)
		return way >> coin & 1;
	if (way < 2)
		return way;
	return (coin == (way - 2) / 2) == (way % 2 == 0);
}

static void coins_set(const struct axes *a, size_t way,
		      struct model_context *out)
{
	const struct policy *p = a->check->policy;
	uint32_t *draws;
	bool *is_spent;

	if (p->draw_count) {
		draws = arena_alloc(a->check->arena,
				    p->draw_count * sizeof(*draws));
		for (uint32_t i = 0; i < p->draw_count; i++)
			draws[i] = coin_falls(a, way, i) ? UINT32_MAX - 1 : 0;
		out->draws = draws;
	}
	if (a->once_count) {
		is_spent = arena_alloc(a->check->arena, p->rule_count);
		memset(is_spent, 0, p->rule_count);
		for (size_t i = 0; i < a->once_count; i++)
			is_spent[a->once[i]] =
				coin_falls(a, way, p->draw_count + i);
		out->is_spent = is_spent;
	}
}

/* ---- combinations ---------------------------------------------------------
 */

static struct model_route route_at(const char *name)
{
	return (struct model_route){
		.is_missing = name && !*name,
		.label = name && *name ? name : NULL,
	};
}

static struct model_context context_at(const struct axes *a,
				       const size_t at[AXES])
{
	struct model_context x = model_no_context();
	int64_t user = a->numbers[USER][at[USER]];
	int64_t group = a->numbers[GROUP][at[GROUP]];

	x.has_socket = user >= 0 || group >= 0;
	x.uid = user >= 0 ? (uint32_t)user : 1000;
	x.gid = group >= 0 ? (uint32_t)group : 1000;
	x.cgroup = a->names[CGROUP][at[CGROUP]];
	x.mark = (uint32_t)a->numbers[MARK][at[MARK]];
	x.tag = (uint32_t)a->numbers[TAG][at[TAG]];
	x.prio = (uint8_t)a->numbers[PRIO][at[PRIO]];
	x.rdomain = (uint16_t)a->numbers[RDOMAIN][at[RDOMAIN]];
	x.route[0] = route_at(a->names[SRC_ROUTE][at[SRC_ROUTE]]);
	x.route[1] = route_at(a->names[DST_ROUTE][at[DST_ROUTE]]);
	x.is_urpf_failed = a->numbers[URPF][at[URPF]] != 0;
	x.pick = (uint64_t)a->numbers[PICK][at[PICK]];
	coins_set(a, at[COINS], &x);
	return x;
}

static bool at_advance(const struct axes *a, size_t at[AXES])
{
	for (int i = 0; i < AXES; i++) {
		if (++at[i] < a->count[i])
			return true;
		at[i] = 0;
	}
	return false;
}

static size_t all_of(const struct axes *a, struct model_context *out)
{
	size_t at[AXES] = {0}, count = 0;

	do
		out[count++] = context_at(a, at);
	while (at_advance(a, at));
	return count;
}

static size_t some_of(const struct axes *a, size_t max,
		      struct model_context *out)
{
	size_t at[AXES] = {0}, count = 0;
	uint64_t random = 0x9e3779b97f4a7c15u;

	out[count++] = context_at(a, at);
	for (int i = 0; i < AXES; i++) {
		for (at[i] = 1; at[i] < a->count[i] && count < max; at[i]++)
			out[count++] = context_at(a, at);
		at[i] = 0;
	}
	while (count < max) {
		for (int i = 0; i < AXES; i++) {
			random = random * 6364136223846793005u + 1;
			at[i] = (random >> 33) % a->count[i];
		}
		out[count++] = context_at(a, at);
	}
	return count;
}

static void axes_start(struct axes *a, struct check *c)
{
	a->check = c;
	for (int i = 0; i < AXES; i++)
		a->count[i] = 1;
	a->numbers[USER][0] = a->numbers[GROUP][0] = -1;
}

size_t contexts_of(struct check *c, size_t max, struct model_context **out)
{
	struct axes *a = arena_new_of(c->arena, struct axes);
	const struct policy *p = c->policy;
	size_t product = 1;

	axes_start(a, c);
	for (uint32_t i = 0; i < p->rule_count; i++)
		rule_add_axes(a, i);
	for (size_t i = 0; i < p->guard_count; i++)
		match_add(a, &p->guard[i].match);
	for (const struct check_assert *s = c->asserts; s; s = s->next)
		match_add(a, &s->match);
	a->count[COINS] = coin_ways(a);
	for (int i = 0; i < AXES; i++)
		product *= product > max ? 1 : a->count[i];
	*out = arena_alloc(c->arena, max * sizeof(**out));
	return product <= max ? all_of(a, *out) : some_of(a, max, *out);
}

/* ---- "user 0 mark 0x7" ------------------------------------------------------
 */

static bool is_by_chance(const struct policy *p, const struct model_context *x)
{
	for (uint32_t i = 0; x->draws && i < p->draw_count; i++)
		if (x->draws[i])
			return true;
	return false;
}

static bool is_after_once(const struct policy *p, const struct model_context *x)
{
	for (size_t i = 0; x->is_spent && i < p->rule_count; i++)
		if (x->is_spent[i])
			return true;
	return false;
}

static void route_print(const struct model_route *r, const char *side, FILE *f)
{
	if (r->is_missing)
		fprintf(f, ", no route %s", side);
	if (r->label)
		fprintf(f, ", route %s labelled \"%s\"", side, r->label);
}

const char *context_text(struct check *c, const struct model_context *x)
{
	const struct policy *p = c->policy;
	FILE *f = c->out;

	rewind(f);
	if (x->has_socket)
		fprintf(f, ", user %u group %u", x->uid, x->gid);
	if (x->cgroup)
		fprintf(f, ", cgroup \"%s\"", x->cgroup);
	if (x->mark)
		fprintf(f, ", mark 0x%x", x->mark);
	for (size_t i = 0; i < p->tag_count; i++)
		if (x->tag == tag_number(p->tags[i]))
			fprintf(f, ", tagged %s", p->tags[i]);
	if (x->prio)
		fprintf(f, ", prio %u", x->prio);
	if (x->rdomain)
		fprintf(f, ", rdomain %u", x->rdomain);
	route_print(&x->route[0], "to its source", f);
	route_print(&x->route[1], "to its destination", f);
	if (x->is_urpf_failed)
		fputs(", from where no route to its source leads", f);
	if (is_by_chance(p, x))
		fputs(", by chance or rate", f);
	if (is_after_once(p, x))
		fputs(", when a rule \"once\" is spent", f);
	fflush(f);
	return arena_strndup(c->arena, c->out_bytes, (size_t)ftell(f));
}
