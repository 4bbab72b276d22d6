/* SPDX-License-Identifier: BSD-2-Clause */
/* test_print.c: nodes that check makes print as OpenBSD's pfctl -nv does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "compiler/parse.h"

static char *text_of(const struct ast_rule *rule)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	print_rule(rule, f);
	fclose(f);
	return text;
}

static void expect_rule(const struct ast_rule *rule, const char *wanted)
{
	char *text = text_of(rule);
	assert_string_equal(text, wanted);
	free(text);
}

static struct ast_host host(const char *text, int prefix_len)
{
	struct ast_host h = {.kind = AST_HOST_PREFIX, .prefix_len = prefix_len};
	assert_int_equal(addr_parse(text, &h.first, &h.family), 0);
	return h;
}

static struct ast_port port(enum ast_port_op op, int first, int last)
{
	return (struct ast_port){
		.op = op, .first.value = first, .last.value = last};
}

static void an_expanded_rule_is_pfs(void **state)
{
	(void)state;
	struct ast_iface iface = {.name = "tun0"};
	struct ast_host net = host("10.0.0.0", 8);
	struct ast_rule rule = {
		.has_in = true,
		.is_logged = true,
		.is_quick = true,
		.match = {.ifaces = &iface,
			  .family = FAMILY_IPV4,
			  .from.hosts = &net},
	};
	expect_rule(&rule, "block in log quick on tun0 inet "
			   "from 10.0.0.0/8 to any");
}

/* Which one it is, "set block-policy" says. */
static void a_plain_block_is_neither_drop_nor_return(void **state)
{
	(void)state;
	struct ast_rule rule = {0};
	expect_rule(&rule, "block all");
	rule.ret = AST_RETURN_DROP;
	expect_rule(&rule, "block drop all");
	rule.ret = AST_RETURN;
	expect_rule(&rule, "block return all");
}

static void a_probability_has_no_zeros_behind_it(void **state)
{
	(void)state;
	struct ast_rule rule = {.is_pass = true, .probability = 0x80000000};
	expect_rule(&rule, "pass all probability 50%");
	rule.probability = UINT32_MAX;
	expect_rule(&rule, "pass all probability 100%");
}

static void both_directions_are_none(void **state)
{
	(void)state;
	struct ast_rule rule = {
		.is_pass = true, .has_in = true, .has_out = true};
	expect_rule(&rule, "pass all");
}

static void default_flags_are_shown_and_state_is_not(void **state)
{
	(void)state;
	struct ast_proto tcp = {.name.text = "tcp"};
	struct ast_port ssh = port(AST_PORT_EQ, 22, 0);
	struct ast_rule rule = {
		.is_pass = true,
		.has_in = true,
		.state = AST_STATE_KEEP,
		.label = "",
		.match = {.protos = &tcp,
			  .to.ports = &ssh,
			  .has_flags = true,
			  .flags_set = 0x02,
			  .flags_mask = 0x12},
	};
	expect_rule(&rule, "pass in proto tcp from any to any port = 22 "
			   "flags S/SA");
}

static void flags_are_in_pfs_order(void **state)
{
	(void)state;
	struct ast_rule rule = {.match = {.has_flags = true,
					  .flags_set = 0x01,
					  .flags_mask = 0xff}};
	expect_rule(&rule, "block all flags F/FSRPAUEW");
}

static void every_port_operator_prints(void **state)
{
	static const struct {
		enum ast_port_op op;
		const char *text;
	} rows[] = {
		{AST_PORT_EQ, "= 1"},	     {AST_PORT_NE, "!= 1"},
		{AST_PORT_LT, "< 1"},	     {AST_PORT_LE, "<= 1"},
		{AST_PORT_GT, "> 1"},	     {AST_PORT_GE, ">= 1"},
		{AST_PORT_INSIDE, "1 >< 9"}, {AST_PORT_OUTSIDE, "1 <> 9"},
		{AST_PORT_INCLUSIVE, "1:9"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ast_port p = port(rows[i].op, 1, 9);
		struct ast_rule rule = {.is_pass = true, .match.to.ports = &p};
		char wanted[64];
		snprintf(wanted, sizeof(wanted), "pass from any to any port %s",
			 rows[i].text);
		expect_rule(&rule, wanted);
	}
}

static void a_full_prefix_is_an_address(void **state)
{
	(void)state;
	struct ast_host four = host("10.0.0.1", 32), six = host("::1", 128);
	struct ast_rule rule = {
		.is_pass = true,
		.match = {.from.hosts = &four, .to.hosts = &six}};
	expect_rule(&rule, "pass from 10.0.0.1 to ::1");
}

static void a_range_and_a_negation_print_apart(void **state)
{
	(void)state;
	struct ast_host range = host("10.0.0.1", -1),
			table = {.kind = AST_HOST_TABLE,
				 .name = "lan",
				 .is_negated = true};
	range.kind = AST_HOST_RANGE;
	range.last = host("10.0.0.9", -1).first;
	struct ast_rule rule = {
		.match = {.from.hosts = &range, .to.hosts = &table}};
	expect_rule(&rule, "block from 10.0.0.1 - 10.0.0.9 to ! <lan>");
}

static void an_icmp_type_and_code_print_after_the_sides(void **state)
{
	(void)state;
	struct ast_proto icmp = {.name.text = "icmp"};
	struct ast_icmp echo = {.type.text = "echoreq", .has_code = true};
	struct ast_rule rule = {
		.is_pass = true,
		.has_out = true,
		.match = {.protos = &icmp,
			  .icmps = &echo,
			  .icmp_family = FAMILY_IPV4,
			  .family = FAMILY_IPV4},
	};
	expect_rule(&rule, "pass out inet proto icmp all "
			   "icmp-type echoreq code 0");
}

static void names_that_are_keywords_are_quoted(void **state)
{
	(void)state;
	struct ast_iface iface = {.name = "log"};
	struct ast_rule rule = {.is_pass = true, .match.ifaces = &iface};
	expect_rule(&rule, "pass on \"log\" all");
}

static void strings_are_quoted_so_that_they_read_the_same(void **state)
{
	static const char *const labels[] = {"plain", "a \"b\"", "\\",
					     "\\\\",  "a\\b",	 "a\\\"",
					     "é",     "'",	 "end\\"};
	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		struct ast_rule rule = {.is_pass = true, .label = labels[i]};
		char *text = text_of(&rule);
		struct arena *arena = arena_new();
		struct sources *sources = sources_new(arena);
		struct diag *diag = diag_new(arena, sources);
		struct ast ast;
		parse_file(arena, sources, diag,
			   sources_add(sources, "x", text, strlen(text)), NULL,
			   0, &ast);
		assert_int_equal(diag_errors(diag), 0);
		assert_string_equal(ast.first->rule.label, labels[i]);
		arena_free(&arena);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_expanded_rule_is_pfs),
		cmocka_unit_test(a_plain_block_is_neither_drop_nor_return),
		cmocka_unit_test(a_probability_has_no_zeros_behind_it),
		cmocka_unit_test(both_directions_are_none),
		cmocka_unit_test(default_flags_are_shown_and_state_is_not),
		cmocka_unit_test(flags_are_in_pfs_order),
		cmocka_unit_test(every_port_operator_prints),
		cmocka_unit_test(a_full_prefix_is_an_address),
		cmocka_unit_test(a_range_and_a_negation_print_apart),
		cmocka_unit_test(an_icmp_type_and_code_print_after_the_sides),
		cmocka_unit_test(names_that_are_keywords_are_quoted),
		cmocka_unit_test(strings_are_quoted_so_that_they_read_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
