/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower.c: policy -> bytecode.
 *
 * Each entry point gets a program of its own with the rules that can match
 * there, so direction and family are never tested (lower_rules.c). A rule in
 * anchors tests their criteria first, each rule by itself. The guard is first
 * match as it stands;
 * behind it comes a rule that means "no objection", so that its programs end in
 * a rule too.
 */
#include "lower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "hash.h"
#include "lower_rules.h"

/* Where the same program stands already, or start: jumps are relative. */
static uint32_t find_equal(const struct emit *e, const struct code *code,
			   unsigned entries, size_t start)
{
	size_t len = e->count - start;

	for (unsigned i = 0; i < entries; i++) {
		size_t other = code->entry[i];

		if (other + len <= start &&
		    memcmp(e->insns + other, e->insns + start,
			   len * sizeof(*e->insns)) == 0)
			return (uint32_t)other;
	}
	return (uint32_t)start;
}

struct lowering {
	struct emit emit;
	struct code code;
	uint32_t *order, *rank;			 /* of the policy's rules */
	struct hash_build *builds[HASH_ENTRIES]; /* or NULL */
	unsigned same[HASH_ENTRIES]; /* 1 + the entry whose data form is its */
};

static struct lower_entry entry_at(struct lowering *l,
				   const struct policy *policy, unsigned i)
{
	return (struct lower_entry){
		.emit = &l->emit,
		.policy = policy,
		.rank = l->rank,
		.order = l->order,
		.dir = i / 3 % 2,
		.family = i % 3,
	};
}

/* ---- data forms -------------------------------------------------------- */

/* 1 + an entry before it that has the same bytecode and a data form; or 0. */
static unsigned find_same(const struct lowering *l, unsigned entry)
{
	const uint32_t *entries = l->code.entry;

	for (unsigned i = 0; i < entry; i++)
		if (entries[i] == entries[entry] && i % 3 == entry % 3 &&
		    l->builds[i])
			return i + 1;
	return 0;
}

/* What a data form is made of, for the entries that it is chosen for. */
static void gather_data(struct lowering *l, const struct policy *policy)
{
	for (unsigned i = 0; i < HASH_ENTRIES; i++) {
		const struct lower_entry at = entry_at(l, policy, i);
		struct arena_mark mark = arena_mark(l->emit.arena);
		bool is_wanted = form_wants_hash(policy, hash_count(&at));

		l->same[i] = is_wanted ? find_same(l, i) : 0;
		if (is_wanted && !l->same[i])
			l->builds[i] = hash_build_begin(&at);
		arena_release(l->emit.arena, mark);
	}
}

/* A program for the rest of rules that have no data form after all. */
static void drop_program(struct lowering *l, unsigned entry)
{
	struct emit *e = &l->emit;
	size_t len, first = hash_build_program(l->builds[entry], &len);

	memmove(e->insns + first, e->insns + first + len,
		(e->count - first - len) * sizeof(*e->insns));
	e->count -= len;
	for (unsigned i = entry + 1; i < HASH_ENTRIES; i++)
		if (l->builds[i])
			hash_build_move(l->builds[i], len);
}

/* Where it does not fit there is none, and bytecode decides. */
static void make_data(struct lowering *l)
{
	struct hash_blob blob = {.bytes = NULL};
	bool has_head = false;

	for (unsigned i = 0; i < HASH_ENTRIES; i++) {
		if (l->same[i])
			hash_share(&blob, l->same[i] - 1, i);
		if (!l->builds[i])
			continue;
		if (blob.len == 0)
			hash_blob_begin(&blob);
		if (hash_build_end(l->builds[i], i, &blob)) {
			drop_program(l, i);
			l->code.is_too_large = true;
		} else {
			has_head = true;
		}
		hash_build_free(&l->builds[i]);
	}
	if (has_head) {
		hash_blob_end(&blob);
		l->code.hash = blob.bytes;
		l->code.hash_len = blob.len;
		l->code.takes_hash = true;
	} else {
		free(blob.bytes);
	}
}

/* ---- programs ---------------------------------------------------------- */

static int lower_entries(struct lowering *l, const struct policy *policy)
{
	struct emit *e = &l->emit;
	struct code *code = &l->code;

	for (unsigned i = 0; i < NFR_ENTRIES; i++) {
		const struct lower_entry at = entry_at(l, policy, i);
		struct arena_mark mark = arena_mark(e->arena);
		bool is_guard = i >= NFR_ENTRY(NFR_STAGE_GUARD, 0, 0);
		size_t start = e->count;

		if (is_guard && policy->guard_count == 0) {
			code->entry[i] = NFR_NO_ENTRY;
			continue;
		}
		if (!is_guard && at.dir == NFR_DIR_OUT &&
		    lower_is_undirected(&at)) {
			code->entry[i] = code->entry[i - 3];
			continue;
		}
		if (is_guard)
			lower_guard(&at);
		else
			lower_rules(&at);
		arena_release(e->arena, mark);
		code->entry[i] = find_equal(e, code, i, start);
		if (code->entry[i] != start)
			e->count = start;
		if (e->count > NFR_INSN_MAX || e->is_too_far)
			return -E2BIG;
	}
	emit_settle(e);
	gather_data(l, policy);
	return e->count > NFR_INSN_MAX || e->is_too_far ? -E2BIG : 0;
}

int lower_begin(struct arena *arena, const struct policy *policy,
		struct lowering **out)
{
	struct lowering *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		abort(); /* as the arena does */
	*out = l;
	/* One more than the policy has: "no objection". */
	if (policy->rule_count >= NFR_RULE_MAX ||
	    policy->guard_count >= NFR_RULE_MAX - policy->rule_count)
		return -E2BIG;
	l->emit.code = arena;
	l->emit.arena = arena_new();
	l->emit.labels = arena_new();
	l->order = arena_alloc(l->emit.arena,
			       policy->rule_count * sizeof(*l->order));
	l->rank = calloc(policy->rule_count, sizeof(*l->rank));
	if (!l->rank)
		abort();
	policy_order(policy, l->order);
	for (uint32_t i = 0; i < policy->rule_count; i++)
		l->rank[l->order[i]] = i;
	err = lower_entries(l, policy);
	arena_free(&l->emit.labels);
	free(l->rank);
	l->rank = NULL;
	return err ? err : lower_asserts(arena, policy, &l->code);
}

void lower_finish(struct lowering *l, struct code *out)
{
	make_data(l);
	l->code.insns = l->emit.insns;
	l->code.count = l->emit.count;
	*out = l->code;
}

void lower_free(struct lowering **lowering)
{
	struct lowering *l = *lowering;

	if (!l)
		return;
	for (unsigned i = 0; i < HASH_ENTRIES; i++)
		hash_build_free(&l->builds[i]);
	arena_free(&l->emit.arena);
	arena_free(&l->emit.labels);
	free(l);
	*lowering = NULL;
}

int lower_policy(struct arena *arena, const struct policy *policy,
		 struct code *out)
{
	struct lowering *l = NULL;
	int err = lower_begin(arena, policy, &l);
	uint8_t *hash;

	if (!err) {
		lower_finish(l, out);
		hash = out->hash;
		if (hash)
			out->hash = memcpy(arena_alloc(arena, out->hash_len),
					   hash, out->hash_len);
		out->takes_hash = false;
		free(hash);
	}
	lower_free(&l);
	return err;
}
