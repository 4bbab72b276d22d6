/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lower_assert.c: asserts -> programs that say whether an assert speaks of a
 * packet. They are not part of the policy's code.
 */
#include <errno.h>

#include "image.h"
#include "lower_match.h"

/* False when no packet of the family can match. */
static bool lower_one(struct emit *e, const struct policy_match *match,
		      enum nfr_family family)
{
	struct emit_label miss = {.count = 0};
	size_t start = e->count;

	if (!lower_match(e, match, family, &miss)) {
		e->count = start;
		return false;
	}
	emit_ret(e, IMAGE_ASSERT_MATCH);
	if (miss.count) {
		emit_bind(e, &miss);
		emit_ret(e, IMAGE_ASSERT_MISS);
	}
	return true;
}

int lower_asserts(struct arena *arena, const struct policy *policy,
		  struct code *out)
{
	struct emit e = {.arena = arena, .code = arena, .labels = arena};
	size_t capacity = 0;

	for (size_t i = 0; i < 4 * policy->assert_count; i++) {
		const struct policy_match *match =
			&policy->asserts[i / 4].match;
		struct code_assert a = {
			.assert = (uint32_t)(i / 4),
			.start = (uint32_t)e.count,
			.dir = i & 1 ? NFR_DIR_IN : NFR_DIR_OUT,
			.family = i & 2 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
		};

		if (!(match->dirs & 1u << a.dir) ||
		    !(match->families & 1u << a.family) ||
		    !lower_one(&e, match, a.family))
			continue;
		if (e.count > NFR_INSN_MAX || e.is_too_far)
			return -E2BIG;
		out->asserts =
			arena_grow(arena, out->asserts, out->assert_count,
				   &capacity, sizeof(*out->asserts));
		out->asserts[out->assert_count++] = a;
	}
	out->assert_insns = e.insns;
	out->assert_insn_count = e.count;
	return 0;
}
