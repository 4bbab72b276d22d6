/* SPDX-License-Identifier: BSD-2-Clause */
/* test_vm.c: single instructions and damaged programs -> rule or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "runtime/packet.h"

struct env {
	const struct nfr_insn *code;
	__u32 count;
	struct nfr_table_key asked;
	int answer;
};

static const struct nfr_insn *env_insn(struct env *env, __u32 pc)
{
	return pc < env->count ? &env->code[pc] : NULL;
}

static int env_table_has(struct env *env, const struct nfr_table_key *key)
{
	env->asked = *key;
	return env->answer;
}

#include "runtime/vm.h"

static struct nfr_key key;
static struct env env;

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

TEST(a_jump_counts_from_the_next_instruction)
{
	const struct nfr_insn code[] = {
		{.op = NFR_OP_JEQ, .field = NFR_F_PROTO, .jump = 0, .imm = 6},
		{.op = NFR_OP_RET, .imm = 9},
	};

	key.w[NFR_F_PROTO] = 6;
	assert_int_equal(run(code, 2), 9);
}

TEST(an_ipv4_address_is_asked_for_as_mapped)
{
	const __u8 mapped[16] = {0, 0, 0,    0,	   0,  0, 0, 0,
				 0, 0, 0xff, 0xff, 10, 1, 2, 3};

	key.w[NFR_F_FAMILY] = NFR_FAMILY_IPV4;
	key.w[NFR_F_DST0] = 0x0a010203;
	env.answer = 1;
	assert_int_equal(jumps(NFR_OP_JIN, NFR_F_DST0, 5), 1);
	assert_int_equal(env.asked.prefix_len, 160);
	assert_int_equal(ntohl(env.asked.table_be), 5);
	assert_memory_equal(env.asked.addr, mapped, 16);
	assert_int_equal(jumps(NFR_OP_JNIN, NFR_F_DST0, 5), 0);
	env.answer = 0;
	assert_int_equal(jumps(NFR_OP_JIN, NFR_F_DST0, 5), 0);
	assert_int_equal(jumps(NFR_OP_JNIN, NFR_F_DST0, 5), 1);
}

TEST(an_ipv6_address_is_asked_for_in_network_order)
{
	const __u8 addr[16] = {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0,
			       0,    0, 0,   0,	   0, 0, 0, 1};

	key.w[NFR_F_FAMILY] = NFR_FAMILY_IPV6;
	key.w[NFR_F_SRC0] = 0x20010db8;
	key.w[NFR_F_SRC0 + 3] = 1;
	jumps(NFR_OP_JIN, NFR_F_SRC0, 1);
	assert_memory_equal(env.asked.addr, addr, 16);
}

TEST(an_unknown_opcode_reaches_no_rule)
{
	for (unsigned op = 0; op < 256; op++) {
		const struct nfr_insn code[] = {{.op = (__u8)op}};

		if (op != NFR_OP_RET)
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
		FACT(a_jump_counts_from_the_next_instruction),
		FACT(an_ipv4_address_is_asked_for_as_mapped),
		FACT(an_ipv6_address_is_asked_for_in_network_order),
		FACT(an_unknown_opcode_reaches_no_rule),
		FACT(a_program_that_runs_out_reaches_no_rule),
		FACT(a_jump_that_wraps_around_ends),
		FACT(no_entry_reaches_no_rule),
		FACT(any_field_number_stays_in_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
