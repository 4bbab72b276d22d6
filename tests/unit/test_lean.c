/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_lean.c: a policy that is compiled with little memory -> the messages and
 * the image that it has otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glob.h>

#include "compiler/compile.h"

struct result {
	struct compilation *c;
	char *said;
};

static struct result compiled(const char *path, bool is_pf, bool is_lean)
{
	struct compile_options options = {
		.host_profile =
			strstr(path, "router") || strstr(path, "gateway")
				? "tests/hosts/router.json"
				: "tests/hosts/laptop.json",
		.is_pf = is_pf,
		.is_lean = is_lean,
	};
	const char *error = NULL;
	struct result r;
	size_t len = 0;
	FILE *out = open_memstream(&r.said, &len);

	assert_non_null(out);
	assert_int_equal(compile_file(path, &options, &r.c, &error), 0);
	diag_print(r.c->diag, out, false);
	assert_int_equal(fclose(out), 0);
	return r;
}

static void result_free(struct result *r)
{
	compile_free(&r->c);
	free(r->said);
}

static bool is_same(const char *path, bool is_pf)
{
	struct result all = compiled(path, is_pf, false);
	struct result lean = compiled(path, is_pf, true);
	bool ok = strcmp(all.said, lean.said) == 0 &&
		  !all.c->image == !lean.c->image &&
		  all.c->image_len == lean.c->image_len &&
		  (!all.c->image ||
		   memcmp(all.c->image, lean.c->image, all.c->image_len) == 0);

	if (!ok)
		print_error("%s%s: all:\n%slean:\n%s", path,
			    is_pf ? " as pf" : "", all.said, lean.said);
	/* Or it was not lean. */
	ok = ok && (!lean.c->image || !lean.c->policy);
	result_free(&all);
	result_free(&lean);
	return ok;
}

static void each(const char *pattern)
{
	unsigned wrong = 0;
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		wrong += !is_same(found.gl_pathv[i], false);
		wrong += !is_same(found.gl_pathv[i], true);
	}
	globfree(&found);
	assert_int_equal(wrong, 0);
}

static void policies_come_to_the_same(void **state)
{
	(void)state;
	each("tests/policy/*.nfr");
	each("tests/lower/*.nfr");
	each("tests/parse/*.nfr");
	each("rules/*.nfr");
}

static void mistakes_are_said_in_the_same_words(void **state)
{
	(void)state;
	each("tests/reject/*.nfr");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_come_to_the_same),
		cmocka_unit_test(mistakes_are_said_in_the_same_words),
	};

	return cmocka_run_group_tests_name("lean", tests, NULL, NULL);
}
