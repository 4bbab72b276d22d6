/* SPDX-License-Identifier: BSD-2-Clause */
/* test_parse.c: spans, recovery, macros and limits; forms are in tests/parse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "compiler/front.h"
#include "parse.tab.h"

struct fixture {
	struct arena *arena;
	struct sources *sources;
	struct diag *diag;
	const struct source_file *file;
	struct ast ast;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	x->arena = arena_new();
	x->sources = sources_new(x->arena);
	x->diag = diag_new(x->arena, x->sources);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	arena_free(&x->arena);
	free(x);
	return 0;
}

static void parse_defined(struct fixture *x, const char *text, size_t len,
			  const struct parse_define *defines, size_t count)
{
	x->file = sources_add(x->sources, "a.nfr", text, len);
	parse_file(x->arena, x->sources, x->diag, x->file, defines, count,
		   &x->ast);
}

static const struct ast_node *parse(struct fixture *x, const char *text)
{
	parse_defined(x, text, strlen(text), NULL, 0);
	return x->ast.first;
}

static size_t count_nodes(const struct fixture *x)
{
	size_t count = 0;
	for (const struct ast_node *n = x->ast.first; n; n = n->next)
		count++;
	return count;
}

/* The text that a span covers. */
static const char *covered(struct fixture *x, struct span span)
{
	assert_true(span.start >= x->file->base);
	assert_true(span.end <= x->file->base + x->file->len);
	return arena_strndup(x->arena,
			     x->file->text + (span.start - x->file->base),
			     span.end - span.start);
}

static void a_statement_spans_its_first_to_last_token(void **state)
{
	struct fixture *x = *state;
	const struct ast_node *n =
		parse(x, "# c\n  pass in \\\n on eth0  # d\nblock\n");
	assert_string_equal(covered(x, n->span), "pass in \\\n on eth0");
	assert_string_equal(covered(x, n->next->span), "block");
}

static void every_part_of_a_rule_has_its_span(void **state)
{
	struct fixture *x = *state;
	const struct ast_node *n = parse(
		x, "pass on ! eth0 proto tcp from { 10/8, ! <t> } port 1:22 "
		   "to 10.0.0.1 - 10.0.0.9 port != 80 flags S/SA "
		   "no state label \"x\"\n");
	const struct ast_rule *r = &n->rule;
	const struct ast_match *m = &r->match;
	assert_string_equal(covered(x, m->ifaces->span), "! eth0");
	assert_string_equal(covered(x, m->protos->name.span), "tcp");
	assert_string_equal(covered(x, m->from.hosts->span), "10/8");
	assert_string_equal(covered(x, m->from.hosts->next->span), "! <t>");
	assert_string_equal(covered(x, m->from.ports->span), "1:22");
	assert_string_equal(covered(x, m->from.ports->first.span), "1");
	assert_string_equal(covered(x, m->from.ports->last.span), "22");
	assert_string_equal(covered(x, m->to.hosts->span),
			    "10.0.0.1 - 10.0.0.9");
	assert_string_equal(covered(x, m->to.ports->span), "!= 80");
	assert_string_equal(covered(x, m->flags_span), "flags S/SA");
	assert_string_equal(covered(x, r->state_span), "no state");
	assert_string_equal(covered(x, r->label_span), "\"x\"");
}

static void a_macros_tokens_span_its_use(void **state)
{
	struct fixture *x = *state;
	const struct ast_node *n =
		parse(x, "a = \"10.0.0.1 10.0.0.2\"\npass to { $a }\n");
	const struct ast_host *hosts = n->next->rule.match.to.hosts;
	assert_string_equal(covered(x, hosts->span), "$a");
	assert_string_equal(covered(x, hosts->next->span), "$a");
}

static void clauses_and_their_words_have_spans(void **state)
{
	struct fixture *x = *state;
	const struct ast_node *n = parse(x, "tunnel wg0 over any {\n"
					    "\tdns 10.64.0.1\n"
					    "\tlink arp dhcp\n}\n");
	const struct ast_clause *c = n->tunnel.clauses;
	assert_string_equal(covered(x, c->span), "dns 10.64.0.1");
	assert_string_equal(covered(x, c->next->words->next->span), "dhcp");
	assert_string_equal(covered(x, n->tunnel.device->span), "wg0");
	assert_string_equal(covered(x, n->tunnel.over->span), "any");
}

static void a_prefix_loses_its_host_bits(void **state)
{
	struct fixture *x = *state;
	const struct ast_host *h =
		parse(x, "pass to 10.1.2.3/8\n")->rule.match.to.hosts;
	assert_int_equal(h->first.w[0], 0x0a000000);
	assert_int_equal(h->last.w[0], 0x0affffff);
	assert_int_equal(h->prefix_len, 8);
}

static void any_is_an_empty_list(void **state)
{
	struct fixture *x = *state;
	const struct ast_match *m =
		&parse(x, "pass from any to any\n")->rule.match;
	assert_null(m->from.hosts);
	assert_null(m->to.hosts);
}

static void understood_statements_survive_errors_around_them(void **state)
{
	struct fixture *x = *state;
	parse(x, "pass in\npass tp\nblock in\ntable <t> { ) }\npass out\n");
	assert_int_equal(diag_errors(x->diag), 2);
	assert_int_equal(count_nodes(x), 3);
}

static void understood_clauses_survive_errors_around_them(void **state)
{
	struct fixture *x = *state;
	const struct ast_node *n = parse(x, "tunnel wg0 over any {\n"
					    "dns 10.64.0.1\n"
					    "exclude from\n"
					    "link arp }\n"
					    "pass\n");
	assert_int_equal(diag_errors(x->diag), 1);
	assert_int_equal(n->kind, AST_TUNNEL);
	assert_int_equal(n->tunnel.clauses->kind, AST_CLAUSE_DNS);
	assert_int_equal(n->tunnel.clauses->next->kind, AST_CLAUSE_LINK);
	assert_int_equal(n->next->kind, AST_RULE);
}

static void a_broken_tunnel_header_costs_one_error(void **state)
{
	struct fixture *x = *state;
	parse(x,
	      "tunnel wg0 ovr any {\n\tdns 10.64.0.1\n\tlink arp\n}\npass\n");
	assert_int_equal(diag_errors(x->diag), 1);
	assert_int_equal(count_nodes(x), 1);
}

static void an_open_brace_costs_one_error(void **state)
{
	struct fixture *x = *state;
	parse(x, "pass from { 10.0.0.1\npass in\nblock out\n");
	assert_int_equal(diag_errors(x->diag), 1);
	assert_int_equal(count_nodes(x), 2);
}

static void a_define_beats_the_files_macro(void **state)
{
	static const struct parse_define defines[] = {{"if", "wg0"},
						      {"unused", "x"}};
	static const char text[] = "if = \"eth0\"\npass on $if\n";
	struct fixture *x = *state;
	parse_defined(x, text, strlen(text), defines, 2);
	assert_string_equal(x->ast.first->macro.value, "wg0");
	assert_string_equal(x->ast.first->next->rule.match.ifaces->name, "wg0");
	assert_int_equal(diag_errors(x->diag) + diag_warnings(x->diag), 0);
}

static void an_unused_macro_is_a_warning(void **state)
{
	struct fixture *x = *state;
	parse(x, "a = \"x\"\nb = \"y\"\npass on $a\n");
	assert_int_equal(diag_warnings(x->diag), 1);
}

static void a_macro_used_in_another_is_used(void **state)
{
	struct fixture *x = *state;
	parse(x, "a = \"x\"\nb = $a\npass on $b\n");
	assert_int_equal(diag_warnings(x->diag), 0);
}

static void an_error_hides_unused_macros(void **state)
{
	struct fixture *x = *state;
	parse(x, "a = \"x\"\npass tp $a\n");
	assert_int_equal(diag_warnings(x->diag), 0);
}

static void at_most_twenty_errors_are_looked_for(void **state)
{
	struct fixture *x = *state;
	struct arena *a = x->arena;
	const char *text = "";
	for (int i = 0; i < 100; i++)
		text = arena_printf(a, "%spass to %d tp\n", text, i);
	parse(x, text);
	assert_int_equal(diag_errors(x->diag), DIAG_ERRORS_MAX);
}

static char *repeat(const char *part, size_t count, size_t *len)
{
	size_t part_len = strlen(part);
	char *text = malloc(part_len * count + 1);
	assert_non_null(text);
	for (size_t i = 0; i < count; i++)
		memcpy(text + i * part_len, part, part_len);
	text[part_len * count] = 0;
	*len = part_len * count;
	return text;
}

static void ten_thousand_braces_are_an_error(void **state)
{
	struct fixture *x = *state;
	size_t len;
	char *braces = repeat("{", 10000, &len);
	parse(x, arena_printf(x->arena, "pass from %s\npass in\n", braces));
	assert_int_equal(diag_errors(x->diag), 1);
	free(braces);
}

static void ten_thousand_anchors_are_an_error(void **state)
{
	struct fixture *x = *state;
	size_t len;
	char *open = repeat("anchor a {\n", 10000, &len);
	char *close = repeat("}\n", 10000, &len);
	parse(x, arena_printf(x->arena, "%spass in\n%s", open, close));
	assert_int_equal(diag_errors(x->diag), 1);
	free(open);
	free(close);
}

static void sixty_four_anchors_are_not(void **state)
{
	struct fixture *x = *state;
	size_t len;
	char *open = repeat("anchor a {\n", 64, &len);
	char *close = repeat("}\n", 64, &len);
	parse(x, arena_printf(x->arena, "%spass in\n%s", open, close));
	assert_int_equal(diag_errors(x->diag), 0);
	free(open);
	free(close);
}

static void a_broken_anchor_header_costs_one_error(void **state)
{
	struct fixture *x = *state;
	parse(x, "anchor \"a\" frm any {\n\tpass tp\n\tanchor \"b\" {\n"
		 "\t\tblock\n\t}\n}\npass in\n");
	assert_int_equal(diag_errors(x->diag), 1);
	assert_non_null(x->ast.first);
	assert_int_equal(x->ast.first->kind, AST_RULE);
}

static void statements_survive_errors_inside_an_anchor(void **state)
{
	struct fixture *x = *state;
	parse(x, "anchor \"a\" {\n\tpass tp\n\tblock out\n}\npass in\n");
	assert_int_equal(diag_errors(x->diag), 1);
	assert_int_equal(x->ast.first->kind, AST_ANCHOR);
	assert_false(x->ast.first->anchor.nodes->rule.is_pass);
	assert_null(x->ast.first->anchor.nodes->next);
	assert_int_equal(x->ast.first->next->kind, AST_RULE);
}

static void a_line_of_a_megabyte_is_parsed(void **state)
{
	struct fixture *x = *state;
	size_t len;
	char *hosts = repeat("10.0.0.1 ", 120000, &len);
	parse(x, arena_printf(x->arena, "table <t> { %s }\n", hosts));
	assert_int_equal(diag_errors(x->diag), 0);
	parse(x, arena_printf(x->arena, "table <t> { %s ) }\n", hosts));
	assert_int_equal(diag_errors(x->diag), 1);
	free(hosts);
}

static void a_word_of_a_megabyte_is_an_error(void **state)
{
	struct fixture *x = *state;
	size_t len;
	char *word = repeat("x", 1 << 20, &len);
	parse(x, arena_printf(x->arena, "pass to %s\npass in\n", word));
	assert_int_equal(diag_errors(x->diag), 1);
	assert_int_equal(count_nodes(x), 1);
	free(word);
}

static double parse_seconds(struct fixture *x, size_t rules)
{
	size_t len;
	char *text = repeat("pass in quick on $if inet proto tcp from "
			    "10.0.0.0/8 to { 1.2.3.4, 5.6.7.8 } port 22\n",
			    rules, &len);
	const struct parse_define define = {"if", "eth0"};
	struct timespec start, end;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	parse_defined(x, text, len, &define, 1);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	free(text);
	assert_int_equal(diag_errors(x->diag), 0);
	assert_int_equal(count_nodes(x), rules);
	return (double)(end.tv_sec - start.tv_sec) +
	       (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

/* Generous, as this also runs with sanitizers: quadratic would be 100 times. */
static void a_hundred_thousand_rules_parse_in_linear_time(void **state)
{
	struct fixture *x = *state;
	double few = parse_seconds(x, 10000);
	double many = parse_seconds(x, 100000);
	print_message("%.2f s for 100,000 rules\n", many);
	assert_true(many < few * 40 + 1);
}

static void keywords_are_sorted_for_the_search(void **state)
{
	static const char *const words[] = {
#define NFR_KEYWORD(word, kind, where) word,
#include "compiler/keywords.def"
#undef NFR_KEYWORD
	};
	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (i)
			assert_true(strcmp(words[i - 1], words[i]) < 0);
		assert_true(keyword_kind(words[i], IN_ALL) != T_WORD);
	}
}

#define fact(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(a_statement_spans_its_first_to_last_token),
		fact(every_part_of_a_rule_has_its_span),
		fact(a_macros_tokens_span_its_use),
		fact(clauses_and_their_words_have_spans),
		fact(a_prefix_loses_its_host_bits),
		fact(any_is_an_empty_list),
		fact(understood_statements_survive_errors_around_them),
		fact(understood_clauses_survive_errors_around_them),
		fact(a_broken_tunnel_header_costs_one_error),
		fact(an_open_brace_costs_one_error),
		fact(a_define_beats_the_files_macro),
		fact(an_unused_macro_is_a_warning),
		fact(a_macro_used_in_another_is_used),
		fact(an_error_hides_unused_macros),
		fact(at_most_twenty_errors_are_looked_for),
		fact(ten_thousand_braces_are_an_error),
		fact(ten_thousand_anchors_are_an_error),
		fact(sixty_four_anchors_are_not),
		fact(a_broken_anchor_header_costs_one_error),
		fact(statements_survive_errors_inside_an_anchor),
		fact(a_line_of_a_megabyte_is_parsed),
		fact(a_word_of_a_megabyte_is_an_error),
		fact(a_hundred_thousand_rules_parse_in_linear_time),
		fact(keywords_are_sorted_for_the_search),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
