/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_judge.c: the datapath's VM over an image and its tables, for packets
 * that nobody sent. Rules and guard alone: no states, no doubts.
 */
#include "image_judge.h"

#include <errno.h>
#include <stdlib.h>

#include "../runtime/packet.h"
#include "../runtime/tableset.h"

/* What vm.h asks for. */
struct env {
	const struct nfr_insn *code;
	__u32 count;
	struct tableset *tables;
};

NFR_INLINE const struct nfr_insn *env_insn(struct env *env, __u32 pc)
{
	return pc < env->count ? &env->code[pc] : NULL;
}

NFR_INLINE int env_table_has(struct env *env, __u32 table, __u32 family,
			     const __u32 *addr)
{
	return tableset_has(env->tables, table, family, addr);
}

/* One packet stands for all of its kind: its chances are what they are. */
NFR_INLINE __u32 env_random(struct env *env)
{
	(void)env;
	return 1;
}

#include "../runtime/vm.h"

struct judge {
	const struct image *img;
	struct env rules, asserts;
	uint64_t steps;
};

int judge_new(const struct image *img, struct judge **out)
{
	struct judge *j = calloc(1, sizeof(*j));
	int err;

	if (!j)
		return -ENOMEM;
	j->img = img;
	j->rules.code = img->code;
	j->rules.count = img->insn_count;
	err = tableset_new(img, &j->rules.tables);
	if (err) {
		free(j);
		return err;
	}
	j->asserts = j->rules;
	j->asserts.code = img->assert_code;
	j->asserts.count = img->assert_insn_count;
	*out = j;
	return 0;
}

void judge_free(struct judge **j)
{
	if (*j)
		tableset_free(&(*j)->rules.tables);
	free(*j);
	*j = NULL;
}

uint64_t judge_steps(struct judge *j)
{
	uint64_t steps = j->steps;

	j->steps = 0;
	return steps;
}

/* The operand of the RET that a packet comes to. */
static __u32 run(struct judge *j, struct env *env, const struct nfr_key *key,
		 __u32 start)
{
	struct nfr_key own = *key;
	struct vm_run left;
	struct vm vm = {.env = env,
			.key = &own,
			.run = &left,
			.pc = start,
			.rule = NFR_NO_RULE,
			.rank = VM_NO_RANK};
	uint64_t steps = 1;

	if (start == NFR_NO_ENTRY)
		return NFR_NO_RULE;
	vm_begin(&left, start, 0);
	for (;; left.paused = NFR_NO_RULE) {
		while (!vm_step(&vm))
			steps++;
		if (left.paused == NFR_NO_RULE)
			break; /* else it goes on, as if not translated */
	}
	j->steps += steps;
	return vm.rule;
}

__u32 judge_packet(struct judge *j, const struct nfr_key *key, bool *is_pass,
		   __u32 *classified)
{
	const struct image *img = j->img;
	__u32 dir = key->w[NFR_F_DIR], family = key->w[NFR_F_FAMILY];
	__u32 rule, guard;

	rule = run(j, &j->rules, key,
		   img->header->entry[NFR_ENTRY(NFR_STAGE_RULES, dir, family)]);
	*classified = rule;
	*is_pass =
		rule < img->rule_count && img->rules[rule].verdict == NFR_PASS;
	if (!*is_pass)
		return rule;
	guard = run(
		j, &j->rules, key,
		img->header->entry[NFR_ENTRY(NFR_STAGE_GUARD, dir, family)]);
	if (guard >= img->rule_count || img->rules[guard].verdict == NFR_PASS)
		return rule;
	*is_pass = false;
	return guard;
}

bool judge_asserts(struct judge *j, const struct image_assert *a,
		   const struct nfr_key *key)
{
	return run(j, &j->asserts, key, a->start) == IMAGE_ASSERT_MATCH;
}

bool judge_sift(struct judge *j, const struct block *b, enum dimension d,
		const struct nfr_key *key)
{
	struct env env = {b->first, b->count, j->rules.tables};
	struct nfr_key own = *key;
	struct vm vm = {.env = &env,
			.key = &own,
			.rule = NFR_NO_RULE,
			.rank = VM_NO_RANK};

	while (b->count && vm.pc + 1 < b->count) {
		const struct nfr_insn *insn = &b->first[vm.pc];

		j->steps++;
		if (insn->op == NFR_OP_RET)
			return true;
		if (corners_dimension(insn->field) != d)
			vm.pc++;
		else if (vm_step(&vm))
			return false;
	}
	return vm.pc + 1 == b->count || !b->count;
}
