/* SPDX-License-Identifier: BSD-2-Clause */
/* test_verify.c: each rule of the verifier, by code that breaks just that one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "compiler/image.h"
#include "compiler/tag.h"

/* An image by hand: rules 0 pass, 1 default; guard 2 block, 3 no objection. */
struct bench {
	struct image_header header;
	struct nfr_insn code[16];
	struct nfr_rule rules[4];
	struct image img;
	char error[IMAGE_ERROR_MAX];
};

static const struct nfr_insn plain[] = {
	{NFR_OP_JNE, NFR_F_IFID, 3, 2},
	{NFR_OP_JNIN, NFR_F_DST0, 2, 1},
	{NFR_OP_JMNE, NFR_F_TCPFLAGS, 1, 0x00120002},
	{NFR_OP_RET, 0, 0, 0},
	{NFR_OP_RET, 0, 0, 1},
	{NFR_OP_JGT, NFR_F_TTL, 1, 9},
	{NFR_OP_RET, 0, 0, 2},
	{NFR_OP_RET, 0, 0, 3},
};

static int setup(void **state)
{
	static struct bench b;

	memset(&b, 0, sizeof(b));
	memcpy(b.code, plain, sizeof(plain));
	b.rules[0] =
		(struct nfr_rule){NFR_PASS, NFR_RULE_STATE, 0, NFR_NO_ACTION};
	b.rules[1] = (struct nfr_rule){NFR_BLOCK, NFR_RULE_DEFAULT, 0,
				       NFR_NO_ACTION};
	b.rules[2] =
		(struct nfr_rule){NFR_BLOCK, NFR_RULE_GUARD, 0, NFR_NO_ACTION};
	b.rules[3] =
		(struct nfr_rule){NFR_PASS, NFR_RULE_GUARD, 0, NFR_NO_ACTION};
	for (unsigned i = 0; i < NFR_ENTRIES; i++)
		b.header.entry[i] = i < NFR_ENTRIES / 2 ? 0 : 5;
	b.header.guard_first = 2;
	b.img = (struct image){.header = &b.header,
			       .code = b.code,
			       .rules = b.rules,
			       .insn_count = sizeof(plain) / sizeof(plain[0]),
			       .rule_count = 4,
			       .table_count = 2,
			       .iface_count = 2};
	*state = &b;
	return 0;
}

static void assert_accepted(struct bench *b)
{
	int err = verify_code(&b->img, b->error);

	if (err)
		print_error("%s\n", b->error);
	assert_int_equal(err, 0);
}

static void assert_refused(struct bench *b, const char *why)
{
	assert_int_equal(verify_code(&b->img, b->error), -EBADMSG);
	assert_string_equal(b->error, why);
}

static void test_total_code_is_accepted(void **state)
{
	assert_accepted(*state);
}

static void test_code_without_guard_is_accepted(void **state)
{
	struct bench *b = *state;

	b->img.rule_count = 2;
	b->img.insn_count = 5;
	for (unsigned i = NFR_ENTRIES / 2; i < NFR_ENTRIES; i++)
		b->header.entry[i] = NFR_NO_ENTRY;
	assert_accepted(b);
}

static void test_ja_is_followed(void **state)
{
	struct bench *b = *state;

	b->code[0] = (struct nfr_insn){NFR_OP_JEQ, NFR_F_PROTO, 1, 6};
	b->code[1] = (struct nfr_insn){NFR_OP_JA, 0, 0, 2};
	assert_accepted(b);
	b->code[1].imm = 6;
	assert_refused(b, "instruction 1: jumps behind the end");
	b->code[1].imm = 0xffffffff;
	assert_refused(b, "instruction 1: jumps behind the end");
	b->code[1].imm = 5; /* to the guard's last */
	assert_refused(b,
		       "instruction 7: decides by a rule of the other stage");
}

static void test_unknown_opcode_is_refused(void **state)
{
	struct bench *b = *state;

	b->code[1].op = NFR_OP_END;
	assert_refused(b, "instruction 1: unknown opcode");
	b->code[1].op = 0;
	assert_refused(b, "instruction 1: unknown opcode");
	b->code[1].op = 255;
	assert_refused(b, "instruction 1: unknown opcode");
}

static void test_unknown_field_is_refused(void **state)
{
	struct bench *b = *state;

	b->code[5].field = NFR_F_LAST + 1;
	assert_refused(b, "instruction 5: unknown field");
}

static void test_unused_operands_are_refused(void **state)
{
	struct bench *b = *state;

	b->code[3].field = 1;
	assert_refused(b, "instruction 3: unused operands are not zero");
	b->code[3].field = 0;
	b->code[3].jump = 1;
	assert_refused(b, "instruction 3: unused operands are not zero");
}

static void test_operands_of_comparisons_are_checked(void **state)
{
	struct bench *b = *state;

	b->code[0].imm = 3;
	assert_refused(b, "instruction 0: no such interface");
	b->code[0].op = NFR_OP_JLT; /* below the first that is none: each */
	assert_accepted(b);
	b->code[0].imm = 4;
	assert_refused(b, "instruction 0: no such interface");
	b->code[0].op = NFR_OP_JNE;
	b->code[0].imm = 2;
	b->code[1].imm = 2;
	assert_refused(b, "instruction 1: no such table");
	b->code[1].imm = 1;
	b->code[1].field = NFR_F_DST0 + 1;
	assert_refused(b, "instruction 1: a table holds addresses only");
	b->code[1].field = NFR_F_DST0;
	b->code[2].imm = 0x00120004;
	assert_refused(b, "instruction 2: value has bits outside of the mask");
}

static void test_jump_behind_the_end_is_refused(void **state)
{
	struct bench *b = *state;

	b->code[5].jump = 2;
	assert_refused(b, "instruction 5: jumps behind the end");
	b->code[5].jump = 0xffff;
	assert_refused(b, "instruction 5: jumps behind the end");
}

static void test_falling_off_the_end_is_refused(void **state)
{
	struct bench *b = *state;

	b->code[7] = (struct nfr_insn){NFR_OP_JEQ, NFR_F_TTL, 0, 1};
	assert_refused(b, "instruction 7: jumps behind the end");
}

static void test_unreachable_code_is_refused(void **state)
{
	struct bench *b = *state;

	b->code[5] = (struct nfr_insn){NFR_OP_JA, 0, 0, 1};
	assert_refused(b, "instruction 6: can not be reached");
}

static void test_rules_may_not_decide_by_the_guard(void **state)
{
	struct bench *b = *state;

	b->code[3].imm = 3;
	assert_refused(b,
		       "instruction 3: decides by a rule of the other stage");
}

static void test_guard_may_not_decide_by_a_rule(void **state)
{
	struct bench *b = *state;

	b->code[6].imm = 0;
	assert_refused(b,
		       "instruction 6: decides by a rule of the other stage");
}

static void test_stages_may_not_share_code(void **state)
{
	struct bench *b = *state;

	b->header.entry[7] = 4;
	assert_refused(b,
		       "instruction 4: decides by a rule of the other stage");
}

static void test_unknown_rule_is_refused(void **state)
{
	struct bench *b = *state;

	b->code[7].imm = 4;
	assert_refused(b, "instruction 7: no such rule");
}

static void test_entries_lie_inside_the_code(void **state)
{
	struct bench *b = *state;

	b->header.entry[3] = 8;
	assert_refused(b, "entry 3: outside of the code");
	b->header.entry[3] = NFR_NO_ENTRY;
	assert_refused(b, "entry 3: outside of the code");
}

static void test_guard_has_all_entries_or_none(void **state)
{
	struct bench *b = *state;

	b->header.entry[6] = NFR_NO_ENTRY;
	assert_refused(b, "entry 6: outside of the code");
	b->img.rule_count = 2;
	assert_refused(b, "entry 7: no guard");
}

static void test_there_is_one_default_and_it_is_last(void **state)
{
	struct bench *b = *state;
	const char *why = "the default is the last of the rules, and only that";
	char expected[IMAGE_ERROR_MAX];

	b->rules[1].flags = 0;
	snprintf(expected, sizeof(expected), "rule 1: %s", why);
	assert_refused(b, expected);
	b->rules[1].flags = NFR_RULE_DEFAULT;
	b->rules[0].flags = NFR_RULE_DEFAULT;
	snprintf(expected, sizeof(expected), "rule 0: %s", why);
	assert_refused(b, expected);
	b->header.guard_first = 0;
	assert_refused(b, "no default rule");
	b->header.guard_first = 5;
	assert_refused(b, "the guard begins behind the last rule");
}

static void test_contents_of_rules_are_checked(void **state)
{
	struct bench *b = *state;

	b->rules[0].verdict = 2;
	assert_refused(b, "rule 0: unknown verdict");
	b->rules[0].verdict = NFR_BLOCK;
	assert_refused(b, "rule 0: only a passing rule keeps state");
	b->rules[0].flags = 0x80;
	assert_refused(b, "rule 0: unknown flags");
	b->rules[0].flags = NFR_RULE_MATCH | NFR_RULE_ALLOW_OPTS;
	assert_refused(b, "rule 0: a match rule decides");
	b->rules[0].flags = 0;
	b->rules[0].tag = 1;
	assert_refused(b, "rule 0: no such tag");
	b->rules[0].tag = 0;
	b->rules[0].action = 0;
	assert_refused(b, "rule 0: no such action");
	b->rules[0].action = NFR_NO_ACTION;
	b->rules[0].flags = NFR_RULE_GUARD;
	assert_refused(b, "rule 0: is one of the guard's");
	b->rules[0].flags = 0;
	b->rules[2].flags = 0;
	assert_refused(b, "rule 2: is not the guard's");
	b->rules[2].flags = NFR_RULE_GUARD;
	b->rules[3].verdict = NFR_BLOCK;
	assert_refused(b, "rule 3: the guard's last is no objection");
}

/* Puts code before the plain one; what follows is moved. */
static void put(struct bench *b, const struct nfr_insn *code, unsigned count)
{
	memmove(b->code + count, b->code, sizeof(plain));
	memcpy(b->code, code, count * sizeof(*code));
	b->img.insn_count = (__u32)(sizeof(plain) / sizeof(*plain)) + count;
	for (unsigned i = 0; i < NFR_ENTRIES; i++)
		b->header.entry[i] = i < NFR_ENTRIES / 2 ? 0 : 5 + count;
}

static void make_match(struct bench *b, unsigned rule)
{
	b->rules[rule] =
		(struct nfr_rule){NFR_BLOCK, NFR_RULE_MATCH, 0, NFR_NO_ACTION};
	b->code[3].imm = 1; /* so that it does not decide */
}

static void test_a_candidate_is_a_rule_that_decides(void **state)
{
	static const struct nfr_insn code[] = {{NFR_OP_SET, 0, 0, 0},
					       {NFR_OP_RETGE, 0, 0, 0}};
	struct bench *b = *state;

	put(b, code, 2);
	assert_accepted(b);
	b->code[0].imm = 2;
	assert_refused(b,
		       "instruction 0: decides by a rule of the other stage");
	b->code[0].imm = 4;
	assert_refused(b, "instruction 0: no such rule");
	b->code[0] = (struct nfr_insn){NFR_OP_SET, 0, 1, 0};
	assert_refused(b, "instruction 0: unused operands are not zero");
	b->code[0] = (struct nfr_insn){NFR_OP_RETC, 0, 0, 2};
	assert_refused(b,
		       "instruction 0: decides by a rule of the other stage");
	b->code[0].imm = 1;
	assert_refused(b, "instruction 1: can not be reached");
}

static void test_a_program_ends_at_retc(void **state)
{
	struct bench *b = *state;

	b->code[4] = (struct nfr_insn){NFR_OP_RETC, 0, 0, 1};
	assert_accepted(b);
	b->code[7] = (struct nfr_insn){NFR_OP_RETC, 0, 0, 3};
	assert_refused(b, "instruction 7: only rules do this, no guard");
	b->code[7] = (struct nfr_insn){NFR_OP_SET, 0, 0, 1};
	assert_refused(b, "instruction 7: only rules do this, no guard");
}

static void test_match_names_match_rules_only(void **state)
{
	static const struct nfr_insn code[] = {{NFR_OP_MATCH, 0, 0, 0}};
	struct bench *b = *state;

	make_match(b, 0);
	put(b, code, 1);
	assert_accepted(b);
	b->code[0].imm = 1;
	assert_refused(b, "instruction 0: not a match rule");
	b->code[0].imm = 4;
	assert_refused(b, "instruction 0: no such rule");
	b->code[0] = (struct nfr_insn){NFR_OP_SET, 0, 0, 0};
	assert_refused(b, "instruction 0: a match rule does not decide");
	b->code[0] = (struct nfr_insn){NFR_OP_JA, 0, 0, 0};
	b->code[4].imm = 0;
	assert_refused(b, "instruction 4: a match rule does not decide");
}

static void test_xlate_needs_pools(void **state)
{
	static const struct nfr_insn code[] = {{NFR_OP_XLATE, 0, 0, 0}};
	static struct nfr_action action;
	struct bench *b = *state;

	make_match(b, 0);
	put(b, code, 1);
	assert_refused(b, "instruction 0: the rule has no pools");
	b->img.actions = &action;
	b->img.action_count = 1;
	b->rules[0].action = 0;
	action.nat = 0;
	action.rdr = NFR_NO_POOL;
	assert_accepted(b);
	action.nat = NFR_NO_POOL;
	assert_refused(b, "instruction 0: the rule has no pools");
}

static void test_tags_are_the_images(void **state)
{
	static const char strings[] = "\0LAN\0WEB";
	static const __u32 tags[] = {5, 1};
	const struct nfr_insn code[] = {{NFR_OP_TAG, 0, 0, tag_number("LAN")}};
	struct bench *b = *state;

	assert_true(tag_number("WEB") < tag_number("LAN"));
	b->header.section[IMAGE_STRINGS].count = sizeof(strings);
	b->img.strings = strings;
	b->img.tags = tags;
	put(b, code, 1);
	assert_refused(b, "instruction 0: no such tag");
	b->img.tag_count = 2;
	assert_accepted(b);
	b->code[0].imm = tag_number("WEB");
	assert_accepted(b);
	b->code[0].imm++;
	assert_refused(b, "instruction 0: no such tag");
	b->code[0].imm = 0;
	assert_refused(b, "instruction 0: no such tag");
	b->code[0] = (struct nfr_insn){NFR_OP_DONE, 0, 0, 31};
	assert_accepted(b);
	b->code[0].imm = 32;
	assert_refused(b, "instruction 0: no such kind of line");
	b->code[0] = (struct nfr_insn){NFR_OP_JDONE, 0, 1, 32};
	assert_refused(b, "instruction 0: no such kind of line");
}

static void test_a_chance_is_drawn_before_it_is_asked_for(void **state)
{
	static const struct nfr_insn code[] = {
		{NFR_OP_JEQ, NFR_F_PROTO, 0, 6},
		{NFR_OP_DRAW, 0, 0, 9},
		{NFR_OP_JRAND, 0, 1, 5},
	};
	struct bench *b = *state;

	put(b, code, 3);
	assert_accepted(b);
	b->code[0].jump = 1; /* around the draw */
	assert_refused(b, "instruction 2: no chance was drawn");
	b->code[0] = (struct nfr_insn){NFR_OP_DRAW, 0, 0, 9};
	b->code[1] = (struct nfr_insn){NFR_OP_JA, 0, 0, 0};
	assert_accepted(b);
}

static void test_limits_are_kept(void **state)
{
	struct bench *b = *state;

	b->img.insn_count = NFR_INSN_MAX + 1;
	assert_refused(b, "more than 1048576 instructions");
	b->img.insn_count = 8;
	b->img.rule_count = NFR_RULE_MAX + 1;
	assert_refused(b, "more than 262144 rules");
	b->img.rule_count = 4;
	b->img.table_count = NFR_TABLE_MAX + 1;
	assert_refused(b, "more than 4096 tables");
	b->img.table_count = 2;
	b->img.iface_count = NFR_IFACE_MAX + 1;
	assert_refused(b, "more than 1024 interfaces");
}

static void test_empty_code_is_refused(void **state)
{
	struct bench *b = *state;

	b->img.insn_count = 0;
	assert_refused(b, "entry 0: outside of the code");
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_total_code_is_accepted),
		TEST(test_code_without_guard_is_accepted),
		TEST(test_ja_is_followed),
		TEST(test_unknown_opcode_is_refused),
		TEST(test_unknown_field_is_refused),
		TEST(test_unused_operands_are_refused),
		TEST(test_operands_of_comparisons_are_checked),
		TEST(test_jump_behind_the_end_is_refused),
		TEST(test_falling_off_the_end_is_refused),
		TEST(test_unreachable_code_is_refused),
		TEST(test_rules_may_not_decide_by_the_guard),
		TEST(test_guard_may_not_decide_by_a_rule),
		TEST(test_stages_may_not_share_code),
		TEST(test_unknown_rule_is_refused),
		TEST(test_entries_lie_inside_the_code),
		TEST(test_guard_has_all_entries_or_none),
		TEST(test_there_is_one_default_and_it_is_last),
		TEST(test_contents_of_rules_are_checked),
		TEST(test_a_candidate_is_a_rule_that_decides),
		TEST(test_a_program_ends_at_retc),
		TEST(test_match_names_match_rules_only),
		TEST(test_xlate_needs_pools),
		TEST(test_tags_are_the_images),
		TEST(test_a_chance_is_drawn_before_it_is_asked_for),
		TEST(test_limits_are_kept),
		TEST(test_empty_code_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
