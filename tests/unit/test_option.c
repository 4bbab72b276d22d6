/* SPDX-License-Identifier: BSD-2-Clause */
/* test_option.c: the option tables, and what option.c makes of command lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/json.h"
#include "runtime/option_tables.h"
#include "runtime/term.h"

#define ARGV_MAX 12

struct line {
	struct option_parser p;
	char *argv[ARGV_MAX];
	int argc;
	int ids[ARGV_MAX];
	const char *args[ARGV_MAX];
	int count; /* of options taken */
	int rc;	   /* of the last option_next() */
};

/* Reads words, NULL last, as nfload's. */
static void read_line(struct line *l, const char *const *words)
{
	const struct option_spec *spec;
	const char *arg;

	memset(l, 0, sizeof(*l));
	l->argv[l->argc++] = (char *)"nfload";
	while (*words)
		l->argv[l->argc++] = (char *)*words++;
	option_begin(&l->p, &nfload_options, l->argc, l->argv);
	while ((l->rc = option_next(&l->p, &spec, &arg)) == 1) {
		l->ids[l->count] = spec->id;
		l->args[l->count++] = arg;
	}
}

#define READ_LINE(l, ...)                                                      \
	read_line((l), (const char *const[]){__VA_ARGS__, NULL})

static void options_stand_before_and_behind_the_verb(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "-v", "check", "--json", "x.nfr", "-q");
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.count, 3);
	assert_int_equal(l.p.operand_count, 2);
	assert_string_equal(l.p.operands[0], "check");
}

static void operands_are_in_order(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "filter", "-r", "in", "x.nfr", "-w", "out");
	assert_string_equal(l.p.operands[0], "filter");
	assert_string_equal(l.p.operands[1], "x.nfr");
}

static void posixly_correct_changes_nothing(void **state)
{
	struct line l;

	(void)state;
	setenv("POSIXLY_CORRECT", "1", 1);
	READ_LINE(&l, "check", "x.nfr", "-v");
	unsetenv("POSIXLY_CORRECT");
	assert_int_equal(l.count, 1);
	assert_int_equal(l.ids[0], OPT_VERBOSE);
}

static void letters_join_as_in_pf(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "-nvf", "x.nfr");
	assert_int_equal(l.count, 3);
	assert_int_equal(l.ids[0], OPT_DRY_RUN);
	assert_int_equal(l.ids[1], OPT_VERBOSE);
	assert_int_equal(l.ids[2], OPT_FILE);
	assert_string_equal(l.args[2], "x.nfr");
}

static void a_dash_is_an_operand(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "check", "-");
	assert_int_equal(l.rc, 0);
	assert_string_equal(l.p.operands[1], "-");
}

static void two_dashes_end_the_options(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "check", "--", "-v");
	assert_int_equal(l.rc, 0);
	assert_int_equal(l.count, 0);
	assert_string_equal(l.p.operands[1], "-v");
}

static void an_argument_follows_an_equal_sign(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "--stage=ast");
	assert_int_equal(l.rc, 0);
	assert_string_equal(l.args[0], "ast");
}

static void expect_error(const struct line *l, const char *text)
{
	assert_int_equal(l->rc, -EINVAL);
	assert_string_equal(l->p.error, text);
}

static void a_mistyped_option_gets_a_suggestion(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "--hots", "x");
	expect_error(&l, "no option --hots; did you mean --host?");
}

static void an_ambiguous_option_is_refused(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "--ver");
	expect_error(&l, "--ver is ambiguous: --verbose or --version");
}

static void a_strange_option_is_refused(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "--zzzzzzzzzz=3");
	expect_error(&l, "no option --zzzzzzzzzz");
}

static void a_strange_letter_is_refused(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "-vZ");
	expect_error(&l, "no option -Z");
}

static void a_lacking_argument_is_named(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "check", "--host");
	expect_error(&l, "--host needs PROFILE");
	READ_LINE(&l, "-D");
	expect_error(&l, "--define needs NAME=VALUE");
}

static void an_argument_too_many_is_refused(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "--json=3");
	expect_error(&l, "--json takes no argument");
}

static void an_empty_argument_is_refused(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "--bpffs=");
	expect_error(&l, "--bpffs: empty argument");
}

static void a_word_of_no_list_is_refused_with_a_suggestion(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "--leave=blokced");
	expect_error(&l, "--leave takes one of \"blocked open\", not "
			 "\"blokced\"; did you mean \"blocked\"?");
}

static void a_prefix_of_a_word_is_not_the_word(void **state)
{
	(void)state;
	assert_int_equal(option_word("auto always never", "al"), -1);
	assert_int_equal(option_word("auto always never", "always"), 1);
	assert_int_equal(option_word("auto always never", "never"), 2);
	assert_int_equal(option_word("auto always never", ""), -1);
}

static void a_mistyped_verb_gets_a_suggestion(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "chek");
	assert_int_equal(option_verb(&l.p, "chek"), -1);
	assert_string_equal(l.p.error,
			    "no verb \"chek\"; did you mean \"check\"?");
	assert_int_equal(option_verb(&l.p, "check"), VERB_CHECK);
}

static void an_option_of_another_verb_is_refused(void **state)
{
	struct line l;

	(void)state;
	READ_LINE(&l, "check", "-r", "x.pcap");
	assert_int_equal(option_check_verb(&l.p, VERB_CHECK), -EINVAL);
	assert_string_equal(l.p.error,
			    "--read is not an option of \"nfload check\"");
	assert_int_equal(option_check_verb(&l.p, VERB_FILTER), 0);
}

static void check_table(const struct option_table *t)
{
	assert_true(t->spec_count <= OPTION_MAX);
	assert_true(t->verb_count <= OPTION_VERB_MAX);
	for (size_t i = 0; i < t->spec_count; i++) {
		const struct option_spec *a = &t->specs[i];

		assert_non_null(a->name);
		assert_non_null(a->help);
		assert_int_equal(a->argument != OPTION_NONE, !!a->arg_name);
		assert_int_equal(a->argument == OPTION_WORD, !!a->words);
		assert_int_equal(a->verbs >> t->verb_count, 0);
		for (size_t j = 0; j < i; j++) {
			const struct option_spec *b = &t->specs[j];

			assert_string_not_equal(a->name, b->name);
			assert_int_not_equal(a->id, b->id);
			assert_true(!a->letter || a->letter != b->letter);
		}
	}
}

static void the_tables_are_consistent(void **state)
{
	(void)state;
	check_table(&nfload_options);
	check_table(&nftrace_options);
	assert_int_equal(nfload_options.verb_count, VERB_COUNT);
}

static char *print_to_text(void (*print)(FILE *))
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void print_check_help(FILE *out)
{
	option_print_help(&nfload_options, VERB_CHECK, out);
}

static void help_of_a_verb_has_its_options_only(void **state)
{
	char *text = print_to_text(print_check_help);

	(void)state;
	assert_non_null(strstr(text, "--define NAME=VALUE"));
	assert_null(strstr(text, "--leave"));
	assert_non_null(strstr(text, "exit status:\n  0  "));
	free(text);
}

static void print_help(FILE *out)
{
	option_print_help(&nfload_options, -1, out);
	option_print_help(&nftrace_options, -1, out);
}

static void help_fits_80_columns(void **state)
{
	char *text = print_to_text(print_help), *rest = text, *line;

	(void)state;
	while ((line = strsep(&rest, "\n")))
		assert_true(strlen(line) < 80);
	free(text);
}

static void a_field_has_one_name_in_its_object(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JSON_FIELD_COUNT; i++)
		for (unsigned j = 0; j < i; j++) {
			const struct json_field_info *a = json_field_info(i);
			const struct json_field_info *b = json_field_info(j);

			assert_false(!strcmp(a->object, b->object) &&
				     !strcmp(a->name, b->name));
		}
}

static void text_that_is_not_utf8_becomes_json_all_the_same(void **state)
{
	json_t *value = json_text("a\xff"
				  "b");

	(void)state;
	assert_string_equal(json_string_value(value), "a?b");
	json_decref(value);
}

static void color_obeys_no_color_and_the_option(void **state)
{
	(void)state;
	assert_false(term_use_color(TERM_NEVER, stdout));
	assert_true(term_use_color(TERM_ALWAYS, stdout));
	setenv("NO_COLOR", "1", 1);
	assert_false(term_use_color(TERM_AUTO, stdout));
	assert_true(term_use_color(TERM_ALWAYS, stdout));
	unsetenv("NO_COLOR");
	assert_string_equal(term_style(TERM_RED, false), "");
}

static void print_columns(FILE *out)
{
	static const char *const rows[][3] = {
		{"name", "n", "about"}, {"a", "1000", "x"}, {"long", "2", ""}};
	struct term_table t;

	term_table_begin(&t, 3, "lrl");
	for (unsigned i = 0; i < 3; i++)
		term_table_add(&t, rows[i]);
	term_table_end(&t, out, false);
}

static void columns_line_up(void **state)
{
	char *text = print_to_text(print_columns);

	(void)state;
	assert_string_equal(text, "name     n  about\n"
				  "a     1000  x\n"
				  "long     2\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_before_and_behind_the_verb),
		cmocka_unit_test(operands_are_in_order),
		cmocka_unit_test(posixly_correct_changes_nothing),
		cmocka_unit_test(letters_join_as_in_pf),
		cmocka_unit_test(a_dash_is_an_operand),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(an_argument_follows_an_equal_sign),
		cmocka_unit_test(a_mistyped_option_gets_a_suggestion),
		cmocka_unit_test(an_ambiguous_option_is_refused),
		cmocka_unit_test(a_strange_option_is_refused),
		cmocka_unit_test(a_strange_letter_is_refused),
		cmocka_unit_test(a_lacking_argument_is_named),
		cmocka_unit_test(an_argument_too_many_is_refused),
		cmocka_unit_test(an_empty_argument_is_refused),
		cmocka_unit_test(
			a_word_of_no_list_is_refused_with_a_suggestion),
		cmocka_unit_test(a_prefix_of_a_word_is_not_the_word),
		cmocka_unit_test(a_mistyped_verb_gets_a_suggestion),
		cmocka_unit_test(an_option_of_another_verb_is_refused),
		cmocka_unit_test(the_tables_are_consistent),
		cmocka_unit_test(help_of_a_verb_has_its_options_only),
		cmocka_unit_test(help_fits_80_columns),
		cmocka_unit_test(a_field_has_one_name_in_its_object),
		cmocka_unit_test(
			text_that_is_not_utf8_becomes_json_all_the_same),
		cmocka_unit_test(color_obeys_no_color_and_the_option),
		cmocka_unit_test(columns_line_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
