/* SPDX-License-Identifier: BSD-2-Clause */
/* test_pack.c: packed rules -> the same statements, in the same order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/pack.h"
#include "compiler/parse.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

/* What each statement prints as, one behind the other; with packed ones. */
static char *printed(const char *text, size_t len, bool is_packed)
{
	struct arena *arena = arena_new();
	struct sources *sources = sources_new(arena);
	struct diag *diag = diag_new(arena, sources);
	const struct source_file *file =
		sources_add(sources, "p.nfr", text, len);
	struct ast ast;
	char *out_text = NULL;
	size_t out_len = 0;
	FILE *out = open_memstream(&out_text, &out_len);
	const struct ast_node *n;

	assert_non_null(out);
	if (is_packed)
		parse_file_packed(arena, sources, diag, file, NULL, 0, &ast);
	else
		parse_file(arena, sources, diag, file, NULL, 0, &ast);
	n = is_packed ? pack_next(ast.pack) : ast.first;
	for (; n; n = is_packed ? pack_next(ast.pack) : n->next) {
		fprintf(out, "%u-%u ", n->span.start, n->span.end);
		print_node(n, out);
	}
	diag_print(diag, out, false);
	assert_int_equal(fclose(out), 0);
	pack_free(&ast.pack);
	arena_free(&arena);
	return out_text;
}

static void expect_same(const char *text, size_t len)
{
	char *plain = printed(text, len, false);
	char *packed = printed(text, len, true);

	assert_true(strlen(plain) > 0);
	assert_string_equal(packed, plain);
	free(plain);
	free(packed);
}

TEST(rules_and_what_is_between_them_keep_their_order)
{
	static const char text[] =
		"ext = \"eth0\"\n"
		"pass in on $ext proto tcp from 10.0.0.0/8 to any port 22\n"
		"table <t> { 192.0.2.0/24 2001:db8::/32 }\n"
		"block drop in quick on $ext inet6 from <t> to any\n"
		"anchor \"a\" on eth1 {\n"
		"\tpass out all label \"inner\"\n"
		"}\n"
		"match out on $ext from (eth1) nat-to 192.0.2.1\n"
		"set default block\n"
		"pass out all tag X keep state (max 10, source-track rule)\n"
		"nat on $ext from 10.1.0.0/16 to any -> 192.0.2.2\n"
		"\n"
		"# the last one\n"
		"pass in proto icmp all";

	expect_same(text, sizeof(text) - 1);
}

TEST(what_comes_behind_a_mistake_is_read_as_before)
{
	static const char text[] = "pass in on { eth0\n"
				   "block in from 10.0.0.1 too any\n"
				   "pass in from $unknown to any\n"
				   "who = 5 5\n"
				   "pass out on eth0 from any to 192.0.2.77\n"
				   "\"x\n"
				   "block out all\n";

	expect_same(text, sizeof(text) - 1);
}

/* More than the slab has room for, between rules that have it. */
TEST(a_rule_that_is_too_large_is_there_with_the_others)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fputs("pass in from 192.0.2.1 to any\npass in from {", out);
	for (unsigned i = 0; i < 2000; i++)
		fprintf(out, " 10.0.%u.%u", i / 256, i % 256);
	fputs(" } to any port { 1:5 >< 7 }\n", out);
	fputs("pass in from {", out);
	for (unsigned i = 0; i < 2000; i++)
		fprintf(out, " 10.1.%u.%u", i / 256, i % 256);
	fputs(" } to 192.0.2.2\npass in from 192.0.2.3 to any\n", out);
	assert_int_equal(fclose(out), 0);
	expect_same(text, len);
	free(text);
}

/* So many that the log has several blocks. */
TEST(many_rules_come_back_as_they_were)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	for (unsigned i = 0; i < 20000; i++)
		fprintf(out,
			"%s in quick on eth%u proto %u from 10.%u.%u.%u/%u to "
			"2001:db8::%x label \"n%u\"\n",
			i % 3 ? "pass" : "block drop", i % 7, i % 250, i % 256,
			i / 256, i % 99, i % 33, i, i);
	assert_int_equal(fclose(out), 0);
	expect_same(text, len);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			rules_and_what_is_between_them_keep_their_order),
		cmocka_unit_test(what_comes_behind_a_mistake_is_read_as_before),
		cmocka_unit_test(
			a_rule_that_is_too_large_is_there_with_the_others),
		cmocka_unit_test(many_rules_come_back_as_they_were),
	};

	return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
