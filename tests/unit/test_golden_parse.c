/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_golden_parse.c: tests/parse/NAME.nfr prints as NAME.ok, which prints as
 * itself; tests/reject/NAME.nfr gives the messages in NAME.err. Run from the
 * project's root; NFR_GOLDEN_UPDATE=1 writes the expected files anew.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "compiler/parse.h"

#define PARSE "tests/parse/"
#define REJECT "tests/reject/"

struct outcome {
	char *printed;	/* the ast */
	char *messages; /* with the summary */
	unsigned errors;
};

/* As by -D answer=42, so that goldens can use it. */
static const struct parse_define defines[] = {{"answer", "42"}};

static struct outcome parse(struct arena *arena, struct sources *sources,
			    const struct source_file *file)
{
	struct outcome out = {0};
	size_t len;
	struct diag *diag = diag_new(arena, sources);
	struct ast ast;
	diag_set_warning(diag, "no-unused-macro");
	parse_file(arena, sources, diag, file, defines, 1, &ast);
	FILE *f = open_memstream(&out.printed, &len);
	for (const struct ast_node *n = ast.first; n; n = n->next)
		print_node(n, f);
	fclose(f);
	f = open_memstream(&out.messages, &len);
	diag_print(diag, f, false);
	if (diag_summary(diag))
		fprintf(f, "%s\n", diag_summary(diag));
	fclose(f);
	out.errors = diag_errors(diag);
	return out;
}

static struct outcome parse_path(const char *path)
{
	struct arena *arena = arena_new();
	struct sources *sources = sources_new(arena);
	const struct source_file *file;
	assert_int_equal(sources_read(sources, path, SPAN_NONE, &file), 0);
	struct outcome out = parse(arena, sources, file);
	arena_free(&arena);
	return out;
}

static struct outcome parse_text(const char *text)
{
	struct arena *arena = arena_new();
	struct sources *sources = sources_new(arena);
	struct outcome out =
		parse(arena, sources,
		      sources_add(sources, "again", text, strlen(text)));
	arena_free(&arena);
	return out;
}

static void outcome_free(struct outcome *out)
{
	free(out->printed);
	free(out->messages);
}

/* path with .nfr replaced by suffix. */
static char *sibling(const char *path, const char *suffix)
{
	char *name;
	assert_true(asprintf(&name, "%.*s%s", (int)strlen(path) - 4, path,
			     suffix) > 0);
	return name;
}

static char *file_text(const char *path)
{
	struct arena *arena = arena_new();
	struct sources *sources = sources_new(arena);
	const struct source_file *file;
	char *text = NULL;
	if (!sources_read(sources, path, SPAN_NONE, &file))
		text = strdup(file->text);
	arena_free(&arena);
	return text;
}

static void expect_file(const char *path, const char *actual)
{
	if (getenv("NFR_GOLDEN_UPDATE")) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(actual, f);
		assert_int_equal(fclose(f), 0);
	}
	char *wanted = file_text(path);
	if (!wanted || strcmp(wanted, actual))
		print_error("%s: expected:\n%sbut got:\n%s", path,
			    wanted ? wanted : "(no such file)\n", actual);
	assert_true(wanted && !strcmp(wanted, actual));
	free(wanted);
}

static void parses_and_prints_as_ok(void **state)
{
	const char *path = *state;
	struct outcome once = parse_path(path);
	if (once.errors)
		print_error("%s", once.messages);
	assert_int_equal(once.errors, 0);
	char *ok = sibling(path, ".ok");
	expect_file(ok, once.printed);

	struct outcome twice = parse_text(once.printed);
	assert_string_equal(twice.messages, "");
	assert_string_equal(twice.printed, once.printed);
	free(ok);
	outcome_free(&once);
	outcome_free(&twice);
}

static void is_rejected_as_err(void **state)
{
	const char *path = *state;
	struct outcome out = parse_path(path);
	assert_true(out.errors > 0);
	char *err = sibling(path, ".err");
	expect_file(err, out.messages);
	free(err);
	outcome_free(&out);
}

/* Names that begin with "check-" and "compile-" belong to another test, "inc-"
 * are included. */
static int is_golden(const struct dirent *entry)
{
	const char *name = entry->d_name;
	size_t len = strlen(name);
	return len > 4 && !strcmp(name + len - 4, ".nfr") &&
	       strncmp(name, "check-", 6) && strncmp(name, "compile-", 8) &&
	       strncmp(name, "inc-", 4);
}

static size_t add_folder(struct CMUnitTest **tests, size_t count,
			 const char *folder, CMUnitTestFunction run)
{
	struct dirent **entries;
	int found = scandir(folder, &entries, is_golden, alphasort);
	for (int i = 0; i < found; i++) {
		*tests = realloc(*tests, (count + 1) * sizeof(**tests));
		struct CMUnitTest *test = &(*tests)[count++];
		char *path;
		if (asprintf(&path, "%s%s", folder, entries[i]->d_name) < 0)
			abort();
		*test = (struct CMUnitTest){
			.name = path, .test_func = run, .initial_state = path};
		free(entries[i]);
	}
	if (found >= 0)
		free(entries);
	return count;
}

int main(void)
{
	struct CMUnitTest *tests = NULL;
	size_t parse_count =
		add_folder(&tests, 0, PARSE, parses_and_prints_as_ok);
	size_t count =
		add_folder(&tests, parse_count, REJECT, is_rejected_as_err);
	if (parse_count == 0 || count == parse_count) {
		fputs("test_golden_parse: no tests; run it from the root\n",
		      stderr);
		return 1;
	}
	/* Not the macro: it takes an array of fixed length. */
	int failed = _cmocka_run_group_tests("golden_parse", tests, count, NULL,
					     NULL);
	for (size_t i = 0; i < count; i++)
		free((char *)tests[i].name);
	free(tests);
	return failed;
}
