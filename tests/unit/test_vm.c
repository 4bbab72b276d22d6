/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vm.c: single instructions and damaged programs -> rule or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/packet.h"

struct env {
	const struct nfr_insn *code;
	__u32 count;
	__u32 asked_table, asked_family;
	const __u32 *asked;
	int answer;
	__u32 random, random_count;
};

static const struct nfr_insn *env_insn(struct env *env, __u32 pc)
{
	return pc < env->count ? &env->code[pc] : NULL;
}

static int env_table_has(struct env *env, __u32 table, __u32 family,
			 const __u32 *addr)
{
	env->asked_table = table;
	env->asked_family = family;
	env->asked = addr;
	return env->answer;
}

static __u32 env_random(struct env *env)
{
	env->random_count++;
	return env->random;
}

#include "runtime/vm.h"

static struct nfr_key key;
static struct env env;

static struct vm_run trace;

/* A run that remembers match rules; the rule that decides. */
static __u32 trace_run(const struct nfr_insn *code, __u32 count)
{
	env.code = code;
	env.count = count;
	vm_begin(&trace, 0, 0);
	return vm_go(&env, &key, &trace);
}

static __u32 run(const struct nfr_insn *code, __u32 count)
{
	env.code = code;
	env.count = count;
	return vm_run(&env, &key, 0);
}

/* 1 when the jump is taken, 0 when not. */
static __u32 jumps(__u8 op, __u8 field, __u32 imm)
{
	const struct nfr_insn code[] = {
		{.op = op, .field = field, .jump = 1, .imm = imm},
		{.op = NFR_OP_RET, .imm = 0},
		{.op = NFR_OP_RET, .imm = 1},
	};

	return run(code, 3);
}

#define TEST(name) static void name(void **state __attribute__((unused)))

TEST(ret_names_the_rule)
{
	const struct nfr_insn code[] = {{.op = NFR_OP_RET, .imm = 41}};

	assert_int_equal(run(code, 1), 41);
}

TEST(ja_skips)
{
	const struct nfr_insn code[] = {
		{.op = NFR_OP_JA, .imm = 2},
		{.op = NFR_OP_RET, .imm = 1},
		{.op = NFR_OP_RET, .imm = 2},
		{.op = NFR_OP_RET, .imm = 3},
	};

	assert_int_equal(run(code, 4), 3);
}

TEST(comparisons_are_unsigned)
{
	key.w[NFR_F_SRC0] = 0xc0000000;
	assert_int_equal(jumps(NFR_OP_JEQ, NFR_F_SRC0, 0xc0000000), 1);
	assert_int_equal(jumps(NFR_OP_JEQ, NFR_F_SRC0, 0xc0000001), 0);
	assert_int_equal(jumps(NFR_OP_JNE, NFR_F_SRC0, 0xc0000000), 0);
	assert_int_equal(jumps(NFR_OP_JNE, NFR_F_SRC0, 1), 1);
	assert_int_equal(jumps(NFR_OP_JLT, NFR_F_SRC0, 0xc0000001), 1);
	assert_int_equal(jumps(NFR_OP_JLT, NFR_F_SRC0, 0xc0000000), 0);
	assert_int_equal(jumps(NFR_OP_JLT, NFR_F_SRC0, 1), 0);
	assert_int_equal(jumps(NFR_OP_JGT, NFR_F_SRC0, 1), 1);
	assert_int_equal(jumps(NFR_OP_JGT, NFR_F_SRC0, 0xc0000000), 0);
	assert_int_equal(jumps(NFR_OP_JGT, NFR_F_SRC0, 0xffffffff), 0);
}

TEST(masks_compare_the_masked_bits)
{
	key.w[NFR_F_TCPFLAGS] = 0x12;
	assert_int_equal(jumps(NFR_OP_JMEQ, NFR_F_TCPFLAGS, 0x12u << 16 | 2),
			 0);
	assert_int_equal(jumps(NFR_OP_JMEQ, NFR_F_TCPFLAGS, 0x02u << 16 | 2),
			 1);
	assert_int_equal(jumps(NFR_OP_JMNE, NFR_F_TCPFLAGS, 0x12u << 16 | 2),
			 1);
	assert_int_equal(jumps(NFR_OP_JMNE, NFR_F_TCPFLAGS, 0x02u << 16 | 2),
			 0);
}

TEST(masks_of_the_upper_half_compare_that)
{
	key.w[NFR_F_MARK] = 0x00120034;
	assert_int_equal(jumps(NFR_OP_JHEQ, NFR_F_MARK, 0x10u << 16 | 0x10), 1);
	assert_int_equal(jumps(NFR_OP_JHEQ, NFR_F_MARK, 0x30u << 16 | 0x30), 0);
	assert_int_equal(jumps(NFR_OP_JHNE, NFR_F_MARK, 0x10u << 16 | 0x10), 0);
	assert_int_equal(jumps(NFR_OP_JHNE, NFR_F_MARK, 0x30u << 16 | 0x30), 1);
}

TEST(the_candidate_decides_and_else_the_rule_of_retc)
{
	const struct nfr_insn code[] = {
		{.op = NFR_OP_JEQ, .field = NFR_F_PROTO, .jump = 2, .imm = 6},
		{.op = NFR_OP_SET, .imm = 5},
		{.op = NFR_OP_SET, .imm = 0},
		{.op = NFR_OP_RETC, .imm = 9},
	};

	assert_int_equal(run(code, 4), 0);
	key.w[NFR_F_PROTO] = 6;
	assert_int_equal(run(code, 4), 9);
}

TEST(a_candidate_decides_from_the_rule_of_retge_on)
{
	struct nfr_insn code[] = {
		{.op = NFR_OP_SET, .imm = 4},
		{.op = NFR_OP_RETGE, .imm = 4},
		{.op = NFR_OP_RET, .imm = 9},
	};

	assert_int_equal(run(code, 3), 4);
	code[1].imm = 5;
	assert_int_equal(run(code, 3), 9);
	code[0] = (struct nfr_insn){.op = NFR_OP_JA};
	code[1].imm = 0; /* no candidate is none of any rule */
	assert_int_equal(run(code, 3), 9);
}

TEST(match_rules_are_remembered_in_order)
{
	const struct nfr_insn code[] = {
		{.op = NFR_OP_MATCH, .imm = 7},
		{.op = NFR_OP_TAG, .imm = 3},
		{.op = NFR_OP_MATCH, .imm = 2},
		{.op = NFR_OP_RET, .imm = 9},
	};

	assert_int_equal(trace_run(code, 4), 9);
	assert_int_equal(trace.matched_count, 2);
	assert_int_equal(trace.matched[0], 7);
	assert_int_equal(trace.matched[1], 2);
	assert_int_equal(key.w[NFR_F_TAG], 3);
}

TEST(more_match_rules_than_there_is_room_for_are_a_doubt)
{
	struct nfr_insn code[VM_MATCHED_MAX + 2];

	for (__u32 i = 0; i <= VM_MATCHED_MAX; i++)
		code[i] = (struct nfr_insn){.op = NFR_OP_MATCH, .imm = i};
	code[VM_MATCHED_MAX + 1] = (struct nfr_insn){.op = NFR_OP_RET};
	assert_int_equal(trace_run(code + 1, VM_MATCHED_MAX + 1), 0);
	assert_int_equal(trace_run(code, VM_MATCHED_MAX + 2), NFR_NO_RULE);
	assert_int_equal(trace.reason, NFR_REASON_MATCHES);
	assert_int_equal(trace.matched_count, VM_MATCHED_MAX);
}

TEST(a_match_rule_where_none_can_be_reaches_no_rule)
{
	const struct nfr_insn code[] = {{.op = NFR_OP_MATCH},
					{.op = NFR_OP_RET}};
	const struct nfr_insn tag[] = {{.op = NFR_OP_TAG, .imm = 1},
				       {.op = NFR_OP_RET}};

	assert_int_equal(run(code, 2), NFR_NO_RULE);
	assert_int_equal(run(tag, 2), NFR_NO_RULE);
	assert_int_equal(key.w[NFR_F_TAG], 0);
}

TEST(a_rule_that_translates_pauses_until_the_key_is_changed)
{
	const struct nfr_insn code[] = {
		{.op = NFR_OP_XLATE, .imm = 1},
		{.op = NFR_OP_JNE, .field = NFR_F_DPORT, .jump = 1, .imm = 80},
		{.op = NFR_OP_RET, .imm = 2},
		{.op = NFR_OP_RET, .imm = 3},
	};

	assert_int_equal(trace_run(code, 4), NFR_NO_RULE);
	assert_int_equal(trace.paused, 1);
	key.w[NFR_F_DPORT] = 80;
	assert_int_equal(vm_go(&env, &key, &trace), 2);
	assert_int_equal(trace.paused, NFR_NO_RULE);
	assert_int_equal(trace.matched_count, 1);
}

TEST(a_chance_is_drawn_once_a_packet)
{
	const struct nfr_insn code[] = {
		{.op = NFR_OP_DRAW, .imm = 1},
		{.op = NFR_OP_JRAND, .jump = 4, .imm = 0x80000000},
		{.op = NFR_OP_DRAW, .imm = 2},
		{.op = NFR_OP_DRAW, .imm = 1},
		{.op = NFR_OP_JRAND, .jump = 1, .imm = 0x80000000},
		{.op = NFR_OP_RET, .imm = 1}, /* below both times */
		{.op = NFR_OP_RET, .imm = 2}, /* above, or of two minds */
	};
	unsigned below = 0, rounds = 10000;

	for (unsigned i = 0; i < rounds; i++) {
		env.random = i * 2654435761u;
		env.random_count = 0;
		below += trace_run(code, 7) == 1;
		assert_int_equal(env.random_count, 1);
		assert_int_equal(trace.seed, env.random | 1);
	}
	assert_in_range(below, rounds * 48 / 100, rounds * 52 / 100);
}

TEST(a_packet_with_a_seed_draws_as_before)
{
	const struct nfr_insn code[] = {
		{.op = NFR_OP_DRAW, .imm = 6},
		{.op = NFR_OP_JRAND, .jump = 1, .imm = 0x80000000},
		{.op = NFR_OP_RET, .imm = 1},
		{.op = NFR_OP_RET, .imm = 2},
	};

	env.code = code;
	env.count = 4;
	vm_begin(&trace, 0, 77);
	assert_int_equal(vm_go(&env, &key, &trace),
			 vm_chance(77, 6) < 0x80000000 ? 1 : 2);
	assert_int_equal(env.random_count, 0);
	assert_int_equal(trace.seed, 77);
	assert_int_not_equal(vm_chance(77, 6), vm_chance(77, 7));
}

TEST(the_odds_are_the_probability)
{
	static const __u32 odds[] = {0, 1, 0x19999999, 0xe6666666, 0xffffffff};

	for (unsigned i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
		__u64 below = 0, rounds = 100000, wanted;

		for (__u32 k = 0; k < rounds; k++)
			below += vm_chance(k * 2 + 1, 3) < odds[i];
		wanted = rounds * odds[i] >> 32;
		assert_in_range(below + 500, wanted, wanted + 1000);
	}
}

TEST(a_kind_of_older_lines_is_done_once)
{
	const struct nfr_insn code[] = {
		{.op = NFR_OP_JDONE, .jump = 2, .imm = 3},
		{.op = NFR_OP_DONE, .imm = 3},
		{.op = NFR_OP_JDONE, .jump = 1, .imm = 3},
		{.op = NFR_OP_RET, .imm = 1},
		{.op = NFR_OP_JDONE, .jump = 1, .imm = 2},
		{.op = NFR_OP_RET, .imm = 2},
		{.op = NFR_OP_RET, .imm = 3},
	};

	assert_int_equal(run(code, 7), 2);
}

TEST(a_jump_counts_from_the_next_instruction)
{
	const struct nfr_insn code[] = {
		{.op = NFR_OP_JEQ, .field = NFR_F_PROTO, .jump = 0, .imm = 6},
		{.op = NFR_OP_RET, .imm = 9},
	};

	key.w[NFR_F_PROTO] = 6;
	assert_int_equal(run(code, 2), 9);
}

TEST(an_address_is_asked_for_in_its_table)
{
	key.w[NFR_F_FAMILY] = NFR_FAMILY_IPV4;
	env.answer = 1;
	assert_int_equal(jumps(NFR_OP_JIN, NFR_F_DST0, 5), 1);
	assert_int_equal(env.asked_table, 5);
	assert_int_equal(env.asked_family, NFR_FAMILY_IPV4);
	assert_ptr_equal(env.asked, &key.w[NFR_F_DST0]);
	assert_int_equal(jumps(NFR_OP_JNIN, NFR_F_DST0, 5), 0);
	env.answer = 0;
	assert_int_equal(jumps(NFR_OP_JIN, NFR_F_SRC0, 5), 0);
	assert_ptr_equal(env.asked, &key.w[NFR_F_SRC0]);
	assert_int_equal(jumps(NFR_OP_JNIN, NFR_F_DST0, 5), 1);
}

TEST(a_table_that_is_not_to_be_asked_reaches_no_rule)
{
	const struct nfr_insn code[] = {
		{.op = NFR_OP_JIN, .field = NFR_F_SRC0, .jump = 1},
		{.op = NFR_OP_RET, .imm = 1},
		{.op = NFR_OP_JNIN, .field = NFR_F_DST0, .jump = 1},
		{.op = NFR_OP_RET, .imm = 2},
		{.op = NFR_OP_RET, .imm = 3},
	};
	struct vm_run own;

	env = (struct env){.code = code, .count = 5, .answer = -1};
	assert_int_equal(vm_run(&env, &key, 0), NFR_NO_RULE);
	assert_int_equal(vm_run(&env, &key, 2), NFR_NO_RULE);
	vm_begin(&own, 0, 0);
	assert_int_equal(vm_go(&env, &key, &own), NFR_NO_RULE);
	assert_int_equal(own.paused, NFR_NO_RULE);
	assert_int_equal(own.reason, NFR_REASON_TABLE);
}

TEST(an_unknown_opcode_reaches_no_rule)
{
	for (unsigned op = 0; op < 256; op++) {
		const struct nfr_insn code[] = {{.op = (__u8)op}};

		if (op != NFR_OP_RET && op != NFR_OP_RETC)
			assert_int_equal(run(code, 1), NFR_NO_RULE);
	}
}

TEST(a_program_that_runs_out_reaches_no_rule)
{
	const struct nfr_insn code[] = {{.op = NFR_OP_JA, .imm = 0x7fffffff}};

	assert_int_equal(run(code, 1), NFR_NO_RULE);
	assert_int_equal(run(code, 0), NFR_NO_RULE);
}

TEST(a_jump_that_wraps_around_ends)
{
	const struct nfr_insn code[] = {{.op = NFR_OP_JA, .imm = 0xffffffff}};

	assert_int_equal(run(code, 1), NFR_NO_RULE);
}

TEST(no_entry_reaches_no_rule)
{
	assert_int_equal(vm_run(&env, &key, NFR_NO_ENTRY), NFR_NO_RULE);
}

TEST(any_field_number_stays_in_the_key)
{
	for (unsigned field = 0; field < 256; field++)
		jumps(NFR_OP_JEQ, (__u8)field, 0);
}

static int setup(void **state)
{
	(void)state;
	memset(&key, 0, sizeof(key));
	memset(&env, 0, sizeof(env));
	return 0;
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		FACT(ret_names_the_rule),
		FACT(ja_skips),
		FACT(comparisons_are_unsigned),
		FACT(masks_compare_the_masked_bits),
		FACT(masks_of_the_upper_half_compare_that),
		FACT(the_candidate_decides_and_else_the_rule_of_retc),
		FACT(a_candidate_decides_from_the_rule_of_retge_on),
		FACT(match_rules_are_remembered_in_order),
		FACT(more_match_rules_than_there_is_room_for_are_a_doubt),
		FACT(a_match_rule_where_none_can_be_reaches_no_rule),
		FACT(a_rule_that_translates_pauses_until_the_key_is_changed),
		FACT(a_chance_is_drawn_once_a_packet),
		FACT(a_packet_with_a_seed_draws_as_before),
		FACT(the_odds_are_the_probability),
		FACT(a_kind_of_older_lines_is_done_once),
		FACT(a_jump_counts_from_the_next_instruction),
		FACT(an_address_is_asked_for_in_its_table),
		FACT(a_table_that_is_not_to_be_asked_reaches_no_rule),
		FACT(an_unknown_opcode_reaches_no_rule),
		FACT(a_program_that_runs_out_reaches_no_rule),
		FACT(a_jump_that_wraps_around_ends),
		FACT(no_entry_reaches_no_rule),
		FACT(any_field_number_stays_in_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
