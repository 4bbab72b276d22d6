/* SPDX-License-Identifier: BSD-2-Clause */
/* test_diag.c: what is said once, how it looks, and what -W changes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "compiler/diag.h"

struct fixture {
	struct arena *arena;
	struct sources *sources;
	struct diag *diag;
	char *text;
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
	free(x->text);
	free(x);
	return 0;
}

static struct span at(struct fixture *x, const char *text, uint32_t start,
		      uint32_t len)
{
	const struct source_file *file =
		sources_add(x->sources, "a.nfr", text, strlen(text));
	return (struct span){file->base + start, file->base + start + len};
}

static const char *printed(struct fixture *x, bool use_color)
{
	size_t len;
	free(x->text);
	FILE *f = open_memstream(&x->text, &len);
	diag_print(x->diag, f, use_color);
	fclose(f);
	return x->text;
}

static void an_error_shows_line_caret_hint_note(void **state)
{
	struct fixture *x = *state;
	struct span span = at(x, "block in\npass out tp 1.1.1.1\n", 18, 2);
	struct span other = {span.start - 18, span.start - 13};
	diag_error(x->diag, span, "parse", "expected \"to\", found \"tp\"");
	diag_inline_hint(x->diag, "did you mean \"%s\"?", "to");
	diag_note(x->diag, other, "the first rule is");
	diag_note(x->diag, SPAN_NONE, "no place");
	diag_hint(x->diag, "read it again");
	assert_string_equal(
		printed(x, false),
		"a.nfr:2:10: error: expected \"to\", found \"tp\" [parse]\n"
		"    2 | pass out tp 1.1.1.1\n"
		"      |          ^~ did you mean \"to\"?\n"
		"  note: the first rule is at a.nfr:1:1\n"
		"  note: no place\n"
		"  hint: read it again\n");
}

static void an_error_without_a_place_has_no_line(void **state)
{
	struct fixture *x = *state;
	diag_error(x->diag, SPAN_NONE, "policy", "it is empty");
	assert_string_equal(printed(x, false), "error: it is empty [policy]\n");
}

static void a_span_over_lines_ends_with_the_first(void **state)
{
	struct fixture *x = *state;
	diag_error(x->diag, at(x, "pass {\n1.1.1.1 }\n", 5, 11), "parse", "x");
	assert_string_equal(printed(x, false), "a.nfr:1:6: error: x [parse]\n"
					       "    1 | pass {\n"
					       "      |      ^\n");
}

static void tabs_are_eight_columns(void **state)
{
	struct fixture *x = *state;
	diag_error(x->diag, at(x, "\tpass\ttp", 6, 2), "parse", "x");
	assert_string_equal(printed(x, false), "a.nfr:1:7: error: x [parse]\n"
					       "    1 |         pass    tp\n"
					       "      |                 ^~\n");
}

static void odd_bytes_are_shown_as_numbers(void **state)
{
	struct fixture *x = *state;
	diag_error(x->diag, at(x, "\033[1m \xff tp", 7, 2), "parse",
		   "an \033 and \xff");
	assert_string_equal(printed(x, false),
			    "a.nfr:1:8: error: an \\x1b and \\xff [parse]\n"
			    "    1 | \\x1b[1m \\xff tp\n"
			    "      |              ^~\n");
}

static void utf8_is_a_column_a_character(void **state)
{
	struct fixture *x = *state;
	diag_error(x->diag, at(x, "\"ünï\" tp", 8, 2), "parse", "é");
	assert_string_equal(printed(x, false), "a.nfr:1:9: error: é [parse]\n"
					       "    1 | \"ünï\" tp\n"
					       "      |       ^~\n");
}

static void a_long_line_is_cut_around_the_caret(void **state)
{
	struct fixture *x = *state;
	char line[1001];
	memset(line, '.', 1000);
	line[1000] = 0;
	memcpy(line + 500, "HERE", 4);
	diag_error(x->diag, at(x, line, 500, 4), "parse", "x");
	const char *text = printed(x, false);
	const char *caret = strchr(text, '^'), *here = strstr(text, "HERE");
	assert_non_null(here);
	const char *line_start = strchr(text, '\n') + 1;
	const char *caret_start = strchr(line_start, '\n') + 1;
	assert_int_equal(here - line_start, caret - caret_start);
	assert_true(caret_start - line_start < 8 + 100 + 6 + 2);
}

static void the_same_text_at_the_same_place_is_said_once(void **state)
{
	struct fixture *x = *state;
	struct span span = at(x, "pass", 0, 4);
	diag_error(x->diag, span, "parse", "x");
	diag_error(x->diag, span, "parse", "x");
	diag_note(x->diag, SPAN_NONE, "of one that was not kept");
	diag_error(x->diag, span, "parse", "y");
	assert_int_equal(diag_errors(x->diag), 2);
	assert_null(strstr(printed(x, false), "not kept"));
}

static void past_twenty_errors_are_counted_only(void **state)
{
	struct fixture *x = *state;
	for (int i = 0; i < 23; i++) {
		assert_int_equal(diag_is_full(x->diag), i >= 20);
		diag_error(x->diag, SPAN_NONE, "parse", "error %d", i);
	}
	assert_int_equal(diag_errors(x->diag), 23);
	assert_string_equal(diag_summary(x->diag), "23 errors");
	const char *text = printed(x, false);
	assert_non_null(strstr(text, "error 19 "));
	assert_null(strstr(text, "error 20 "));
	assert_non_null(strstr(text, "3 more errors are not shown\n"));
}

static void the_summary_counts_in_words(void **state)
{
	struct fixture *x = *state;
	assert_null(diag_summary(x->diag));
	diag_warning(x->diag, SPAN_NONE, WARN_UNUSED_MACRO, "a");
	assert_string_equal(diag_summary(x->diag), "1 warning");
	diag_error(x->diag, SPAN_NONE, "parse", "b");
	diag_error(x->diag, SPAN_NONE, "parse", "c");
	assert_string_equal(diag_summary(x->diag), "2 errors, 1 warning");
	assert_int_equal(diag_warnings(x->diag), 1);
}

static void a_warning_names_its_switch(void **state)
{
	struct fixture *x = *state;
	diag_warning(x->diag, SPAN_NONE, WARN_UNUSED_TABLE, "unused");
	assert_string_equal(printed(x, false),
			    "warning: unused [-Wunused-table]\n");
}

static void some_warnings_are_errors_from_the_start(void **state)
{
	struct fixture *x = *state;
	diag_warning(x->diag, SPAN_NONE, WARN_UNKNOWN_INTERFACE, "eth9?");
	assert_int_equal(diag_errors(x->diag), 1);
	assert_string_equal(printed(x, false),
			    "error: eth9? [-Wunknown-interface]\n");
}

static unsigned errors_with(struct fixture *x, const char *option,
			    enum warning warning)
{
	assert_int_equal(diag_set_warning(x->diag, option), 0);
	unsigned before = diag_errors(x->diag);
	diag_warning(x->diag, SPAN_NONE, warning, "%s", option);
	return diag_errors(x->diag) - before;
}

static void options_turn_warnings_off_and_into_errors(void **state)
{
	struct fixture *x = *state;
	assert_int_equal(errors_with(x, "no-unused-macro", WARN_UNUSED_MACRO),
			 0);
	assert_int_equal(diag_warnings(x->diag), 0);
	assert_int_equal(errors_with(x, "unused-macro", WARN_UNUSED_MACRO), 0);
	assert_int_equal(diag_warnings(x->diag), 1);
	assert_int_equal(
		errors_with(x, "error=unused-macro", WARN_UNUSED_MACRO), 1);
	assert_int_equal(
		errors_with(x, "no-error=unused-macro", WARN_UNUSED_MACRO), 0);
	assert_int_equal(errors_with(x, "no-error=unknown-interface",
				     WARN_UNKNOWN_INTERFACE),
			 0);
	assert_int_equal(errors_with(x, "error", WARN_EMPTY_TABLE), 1);
}

static void an_unknown_warning_is_einval(void **state)
{
	struct fixture *x = *state;
	assert_int_equal(diag_set_warning(x->diag, "nonsense"), -EINVAL);
	assert_int_equal(diag_set_warning(x->diag, "no-nonsense"), -EINVAL);
	assert_int_equal(diag_set_warning(x->diag, "error=nonsense"), -EINVAL);
	assert_int_equal(diag_set_warning(x->diag, ""), -EINVAL);
}

static void a_place_in_a_macro_says_where_it_is_defined(void **state)
{
	struct fixture *x = *state;
	struct span use = at(x, "a = \"b\"\npass on $a\n", 16, 2);
	sources_add_use(x->sources, use, "a",
			(struct span){use.start - 16, use.start - 15});
	diag_error(x->diag, use, "name", "no such interface");
	assert_non_null(
		strstr(printed(x, false),
		       "  note: macro \"a\" is defined at a.nfr:1:1\n"));
}

static void color_changes_nothing_but_color(void **state)
{
	struct fixture *x = *state;
	diag_error(x->diag, at(x, "pass tp", 5, 2), "parse", "x");
	diag_note(x->diag, SPAN_NONE, "y");
	char *colored = arena_strdup(x->arena, printed(x, true)),
	     *out = colored;
	assert_non_null(strchr(colored, '\033'));
	for (const char *c = colored; *c; c++) {
		if (*c == '\033')
			c = strchr(c, 'm');
		else
			*out++ = *c;
	}
	*out = 0;
	assert_string_equal(colored, printed(x, false));
}

static void json_has_all_that_is_printed(void **state)
{
	struct fixture *x = *state;
	struct span span = at(x, "block in\npass out tp\n", 18, 2);
	diag_error(x->diag, span, "parse", "bad \xff");
	diag_inline_hint(x->diag, "to?");
	diag_note(x->diag, span, "here");
	diag_hint(x->diag, "try");
	diag_warning(x->diag, SPAN_NONE, WARN_UNUSED_MACRO, "w");
	json_t *got = diag_json(x->diag);
	json_t *wanted = json_loads(
		"[{\"severity\":\"error\",\"class\":\"parse\","
		"\"warning\":null,\"message\":\"bad \\\\xff\","
		"\"file\":\"a.nfr\",\"line\":2,\"column\":10,"
		"\"end_line\":2,\"end_column\":12,\"inline_hint\":\"to?\","
		"\"notes\":[{\"message\":\"here\",\"file\":\"a.nfr\","
		"\"line\":2,\"column\":10,\"end_line\":2,\"end_column\":12}],"
		"\"hints\":[\"try\"]},"
		"{\"severity\":\"warning\",\"class\":\"warning\","
		"\"warning\":\"unused-macro\",\"message\":\"w\","
		"\"inline_hint\":null,\"notes\":[],\"hints\":[]}]",
		0, NULL);
	assert_non_null(wanted);
	assert_true(json_equal(got, wanted));
	json_decref(got);
	json_decref(wanted);
}

static void the_nearest_is_a_likely_mistake(void **state)
{
	static const char *const words[] = {"to", "from", "quick", "proto",
					    "transport"};
	(void)state;
	assert_string_equal(diag_nearest("tp", words, 5), "to");
	assert_string_equal(diag_nearest("form", words, 5), "from");
	assert_string_equal(diag_nearest("qiuck", words, 5), "quick");
	assert_string_equal(diag_nearest("trnsprt", words, 5), "transport");
	assert_null(diag_nearest("x", words, 5));
	assert_null(diag_nearest("", words, 5));
	assert_null(diag_nearest("eth0", words, 5));
	assert_null(diag_nearest("zz", words, 5));
	assert_null(diag_nearest("to", words, 0));
}

#define fact(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(an_error_shows_line_caret_hint_note),
		fact(an_error_without_a_place_has_no_line),
		fact(a_span_over_lines_ends_with_the_first),
		fact(tabs_are_eight_columns),
		fact(odd_bytes_are_shown_as_numbers),
		fact(utf8_is_a_column_a_character),
		fact(a_long_line_is_cut_around_the_caret),
		fact(the_same_text_at_the_same_place_is_said_once),
		fact(past_twenty_errors_are_counted_only),
		fact(the_summary_counts_in_words),
		fact(a_warning_names_its_switch),
		fact(some_warnings_are_errors_from_the_start),
		fact(options_turn_warnings_off_and_into_errors),
		fact(an_unknown_warning_is_einval),
		fact(a_place_in_a_macro_says_where_it_is_defined),
		fact(color_changes_nothing_but_color),
		fact(json_has_all_that_is_printed),
		fact(the_nearest_is_a_likely_mistake),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
