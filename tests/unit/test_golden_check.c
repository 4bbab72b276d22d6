/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_golden_check.c: policies on disk -> what is printed of them, compared
 * with the file beside.
 *
 *   tests/policy/X.nfr       prints X.ok; the print prints itself. Where there
 *                            is X.rules, these are the texts of all rules,
 *                            generated ones and the guard's too.
 *   tests/reject/check-X.nfr is refused with exactly check-X.err
 *   tests/reject/compile-X.nfr is sound, and gives no image: compile-X.err
 *   rules/X.nfr              compiles without a word, and its print too
 *
 * A first line "# host: NAME" names the profile in tests/hosts, else laptop;
 * "# host: NAME pf" is checked as --pf does.
 * NFR_GOLDEN_UPDATE=1 writes what was found instead of comparing.
 */
#include "policy_text.h"

#include <glob.h>
#include <stdio.h>
#include <unistd.h>

#include "compiler/compile.h"

static char *file_text(const char *path)
{
	FILE *file = fopen(path, "re");
	char *bytes = NULL;
	size_t capacity = 0;
	ssize_t len;

	if (!file)
		return NULL;
	len = getdelim(&bytes, &capacity, EOF, file);
	fclose(file);
	if (len < 0) {
		free(bytes);
		bytes = strdup("");
	}
	return bytes;
}

static void path_beside(const char *path, const char *suffix, char out[256])
{
	snprintf(out, 256, "%.*s%s", (int)(strlen(path) - strlen(".nfr")), path,
		 suffix);
}

struct profile {
	char host[32];
	struct check_options options;
};

static struct profile profile_of_text(const char *text)
{
	struct profile p = {.host = "laptop"};
	char mode[32] = "";

	if (sscanf(text, "# host: %31s%*[ ]%31[a-z]", p.host, mode) == 2)
		p.options.is_pf = strcmp(mode, "pf") == 0;
	return p;
}

/* True when found is what the file at path says. */
static bool golden(const char *path, const char *found)
{
	char *wanted;
	bool is_same;

	if (getenv("NFR_GOLDEN_UPDATE")) {
		FILE *file = fopen(path, "we");

		assert_non_null(file);
		fputs(found, file);
		fclose(file);
		return true;
	}
	wanted = file_text(path);
	is_same = wanted && strcmp(wanted, found) == 0;
	if (!is_same)
		print_error("%s: found\n%s----\n", path, found);
	free(wanted);
	return is_same;
}

static char *policy_print(const struct policy *p)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	for (const struct ast_node *n = p->printable; n; n = n->next)
		print_node(n, out);
	fclose(out);
	return bytes;
}

static char *policy_rules(const struct policy *p)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	for (size_t i = 0; i < p->rule_count; i++)
		fprintf(out, "%s\n", p->rules[i].text);
	for (size_t i = 0; i < p->guard_count; i++)
		fprintf(out, "%s\n", p->guard[i].text);
	fclose(out);
	return bytes;
}

/* Both policies have the same rules, by id. */
static bool is_same_policy(const struct policy *a, const struct policy *b)
{
	if (a->rule_count != b->rule_count || a->guard_count != b->guard_count)
		return false;
	for (size_t i = 0; i < a->rule_count; i++)
		if (a->rules[i].id != b->rules[i].id)
			return false;
	for (size_t i = 0; i < a->guard_count; i++)
		if (a->guard[i].id != b->guard[i].id)
			return false;
	return true;
}

/* The print parses to the same policy and prints itself. */
static bool is_fixed_point(const char *path, const struct profile *p,
			   const struct policy *policy, const char *printed)
{
	struct policy_text t = policy_text_as(path, printed, strlen(printed),
					      p->host, NULL, &p->options);
	char *again = policy_print(t.policy), *said = policy_text_diag(&t);
	bool ok = diag_errors(t.diag) == 0 && strcmp(again, printed) == 0 &&
		  is_same_policy(policy, t.policy);

	if (!ok)
		print_error("%s: the print is not the policy\n%s%s", path, said,
			    again);
	free(again);
	free(said);
	policy_text_free(&t);
	return ok;
}

static bool policy_case(const char *path)
{
	char *text = file_text(path), beside[256];
	struct profile p = profile_of_text(text);
	struct policy_text t = policy_text_as(path, text, strlen(text), p.host,
					      NULL, &p.options);
	char *said, *printed, *rules;
	bool ok;

	said = policy_text_diag(&t);
	printed = policy_print(t.policy);
	rules = policy_rules(t.policy);
	ok = diag_errors(t.diag) == 0;
	if (!ok)
		print_error("%s", said);
	path_beside(path, ".ok", beside);
	ok = ok && golden(beside, printed);
	path_beside(path, ".rules", beside);
	if (access(beside, R_OK) == 0)
		ok = golden(beside, rules) && ok;
	ok = ok && is_fixed_point(path, &p, t.policy, printed);
	free(rules);
	free(printed);
	free(said);
	free(text);
	policy_text_free(&t);
	return ok;
}

static bool reject_case(const char *path)
{
	char *text = file_text(path), beside[256], *said;
	struct profile p = profile_of_text(text);
	struct policy_text t = policy_text_as(path, text, strlen(text), p.host,
					      NULL, &p.options);
	bool ok;

	said = policy_text_diag(&t);
	path_beside(path, ".err", beside);
	ok = diag_errors(t.diag) > 0;
	if (!ok)
		print_error("%s is not refused\n", path);
	ok = golden(beside, said) && ok;
	free(said);
	free(text);
	policy_text_free(&t);
	return ok;
}

static bool compile_case(const char *path)
{
	struct compile_options options = {.host_profile =
						  "tests/hosts/laptop.json"};
	struct compilation *c = NULL;
	const char *error = NULL;
	char beside[256], *said = NULL;
	size_t len = 0;
	FILE *out;
	bool ok;

	assert_int_equal(compile_file(path, &options, &c, &error), 0);
	out = open_memstream(&said, &len);
	diag_print(c->diag, out, false);
	fclose(out);
	ok = !c->image;
	if (!ok)
		print_error("%s has an image\n", path);
	path_beside(path, ".err", beside);
	ok = golden(beside, said) && ok;
	free(said);
	compile_free(&c);
	return ok;
}

/* The whole way to an image, twice, as the tools go it. */
static bool rules_case(const char *path)
{
	bool is_router = strstr(path, "router") || strstr(path, "gateway");
	const char *host = is_router ? "tests/hosts/router.json"
				     : "tests/hosts/laptop.json";
	struct compile_options options = {.host_profile = host};
	struct compilation *a = NULL, *b = NULL;
	const char *error = NULL;
	bool ok;

	assert_int_equal(compile_file(path, &options, &a, &error), 0);
	assert_int_equal(compile_file(path, &options, &b, &error), 0);
	ok = a->image && b->image && diag_warnings(a->diag) == 0;
	if (!ok)
		diag_print(a->diag, stderr, false);
	ok = ok && a->image_len == b->image_len &&
	     memcmp(a->image, b->image, a->image_len) == 0;
	compile_free(&a);
	compile_free(&b);
	assert_null(a);
	return ok;
}

static void each(const char *pattern, bool (*run)(const char *path))
{
	unsigned wrong = 0;
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		wrong += !run(found.gl_pathv[i]);
	globfree(&found);
	assert_int_equal(wrong, 0);
}

static void policies_print_as_expected_and_to_themselves(void **state)
{
	(void)state;
	each("tests/policy/*.nfr", policy_case);
}

static void wrong_policies_are_refused_as_expected(void **state)
{
	(void)state;
	each("tests/reject/check-*.nfr", reject_case);
}

static void what_does_not_run_is_refused_with_a_reason(void **state)
{
	(void)state;
	each("tests/reject/compile-*.nfr", compile_case);
}

static void rules_to_start_from_compile_to_the_same_image(void **state)
{
	(void)state;
	each("rules/*.nfr", rules_case);
}

static void a_missing_file_is_an_error_of_the_system(void **state)
{
	struct compile_options options = {.host_profile =
						  "tests/hosts/laptop.json"};
	struct compilation *c = NULL;
	const char *error = NULL;

	(void)state;
	assert_true(compile_file("/nonexistent/x.nfr", &options, &c, &error) <
		    0);
	assert_non_null(strstr(error, "/nonexistent/x.nfr"));
	compile_free(&c);
	options.host_profile = "/nonexistent/x.json";
	assert_true(compile_file("rules/vpn.nfr", &options, &c, &error) < 0);
	assert_non_null(strstr(error, "/nonexistent/x.json"));
	compile_free(&c);
}

static void an_unknown_warning_is_refused(void **state)
{
	const char *const warnings[] = {"no-such-thing-here"};
	struct compile_options options = {
		.host_profile = "tests/hosts/laptop.json",
		.warnings = warnings,
		.warning_count = 1,
	};
	struct compilation *c = NULL;
	const char *error = NULL;

	(void)state;
	assert_true(compile_file("rules/vpn.nfr", &options, &c, &error) < 0);
	assert_non_null(strstr(error, "no-such-thing-here"));
	compile_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_print_as_expected_and_to_themselves),
		cmocka_unit_test(wrong_policies_are_refused_as_expected),
		cmocka_unit_test(what_does_not_run_is_refused_with_a_reason),
		cmocka_unit_test(rules_to_start_from_compile_to_the_same_image),
		cmocka_unit_test(a_missing_file_is_an_error_of_the_system),
		cmocka_unit_test(an_unknown_warning_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
