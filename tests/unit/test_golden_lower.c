/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_golden_lower.c: tests/lower/X.nfr -> the listing of its image, compared
 * with X.ok. The hash in its first line says that every byte is the same.
 * NFR_GOLDEN_UPDATE=1 writes what was found instead of comparing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/compile.h"

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t capacity = 0;
	char *text = NULL;

	if (!file || getdelim(&text, &capacity, EOF, file) < 0)
		fail_msg("%s: nothing to compare with", path);
	fclose(file);
	return text;
}

static char *list_image(const char *path)
{
	const struct compile_options options = {
		.host_profile = "tests/hosts/laptop.json"};
	char error[IMAGE_ERROR_MAX], *text = NULL;
	struct compilation *c = NULL;
	const char *why = "";
	struct image img;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	if (compile_file(path, &options, &c, &why) != 0 || !c->image)
		fail_msg("%s: does not compile %s", path, why);
	if (image_open(c->image, c->image_len, &img, error) != 0)
		fail_msg("%s: %s", path, error);
	disasm_image(&img, out);
	fclose(out);
	compile_free(&c);
	return text;
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void check_file(const char *path)
{
	char ok[256], *found = list_image(path), *wanted;

	snprintf(ok, sizeof(ok), "%.*s.ok", (int)(strlen(path) - 4), path);
	if (getenv("NFR_GOLDEN_UPDATE"))
		write_text(ok, found);
	wanted = read_text(ok);
	if (strcmp(found, wanted) != 0)
		print_error("%s:\n%s", path, found);
	assert_string_equal(found, wanted);
	free(wanted);
	free(found);
}

static void test_images_list_as_they_did(void **state)
{
	glob_t files;

	(void)state;
	assert_int_equal(glob("tests/lower/*.nfr", 0, NULL, &files), 0);
	assert_true(files.gl_pathc >= 8);
	for (size_t i = 0; i < files.gl_pathc; i++)
		check_file(files.gl_pathv[i]);
	globfree(&files);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_images_list_as_they_did),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
