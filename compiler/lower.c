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

/*
 * The data form of the entries that it is chosen for; equal programs share it.
 * Where it does not fit there is none, and bytecode decides.
 */
static void lower_data(struct emit *e, const struct policy *policy,
		       const uint32_t *order, const uint32_t *rank,
		       struct code *code)
{
	struct hash_blob blob = {.arena = e->code};
	bool has_head = false;

	for (unsigned i = 0; i < HASH_ENTRIES; i++) {
		const struct lower_entry at = {
			.emit = e,
			.policy = policy,
			.rank = rank,
			.order = order,
			.dir = i / 3 % 2,
			.family = i % 3,
		};

		struct arena_mark mark = arena_mark(e->arena);
		bool is_wanted = form_wants_hash(policy, hash_count(&at));

		if (is_wanted && blob.len == 0)
			hash_blob_begin(&blob, e->code);
		if (is_wanted && !hash_share(&blob, code->entry, i)) {
			if (hash_add(&at, i, &blob))
				code->is_too_large = true;
			else
				has_head = true;
		}
		arena_release(e->arena, mark);
	}
	if (has_head) {
		hash_blob_end(&blob);
		code->hash = blob.bytes;
		code->hash_len = blob.len;
	}
}

static int lower_entries(struct emit *e, const struct policy *policy,
			 struct code *out)
{
	struct code code = {.count = 0};
	uint32_t *order, *rank;

	order = arena_alloc(e->arena, policy->rule_count * sizeof(*order));
	rank = arena_alloc(e->arena, policy->rule_count * sizeof(*rank));
	policy_order(policy, order);
	for (uint32_t i = 0; i < policy->rule_count; i++)
		rank[order[i]] = i;
	for (unsigned i = 0; i < NFR_ENTRIES; i++) {
		const struct lower_entry at = {
			.emit = e,
			.policy = policy,
			.rank = rank,
			.order = order,
			.dir = i / 3 % 2,
			.family = i % 3,
		};
		struct arena_mark mark = arena_mark(e->arena);
		bool is_guard = i >= NFR_ENTRY(NFR_STAGE_GUARD, 0, 0);
		size_t start = e->count;

		if (is_guard && policy->guard_count == 0) {
			code.entry[i] = NFR_NO_ENTRY;
			continue;
		}
		if (!is_guard && at.dir == NFR_DIR_OUT &&
		    lower_is_undirected(&at)) {
			code.entry[i] = code.entry[i - 3];
			continue;
		}
		if (is_guard)
			lower_guard(&at);
		else
			lower_rules(&at);
		arena_release(e->arena, mark);
		code.entry[i] = find_equal(e, &code, i, start);
		if (code.entry[i] != start)
			e->count = start;
		if (e->count > NFR_INSN_MAX || e->is_too_far)
			return -E2BIG;
	}
	emit_settle(e);
	lower_data(e, policy, order, rank, &code);
	if (e->count > NFR_INSN_MAX || e->is_too_far)
		return -E2BIG;
	code.insns = e->insns;
	code.count = e->count;
	*out = code;
	return 0;
}

int lower_policy(struct arena *arena, const struct policy *policy,
		 struct code *out)
{
	struct emit e = {.code = arena};
	int err;

	/* One more than the policy has: "no objection". */
	if (policy->rule_count >= NFR_RULE_MAX ||
	    policy->guard_count >= NFR_RULE_MAX - policy->rule_count)
		return -E2BIG;
	e.arena = arena_new();
	e.labels = arena_new();
	err = lower_entries(&e, policy, out);
	arena_free(&e.arena);
	arena_free(&e.labels);
	return err ? err : lower_asserts(arena, policy, out) ? -E2BIG : 0;
}
