/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_text.h: a policy's text and a host profile -> the checked policy. */
#ifndef NFR_TEST_POLICY_TEXT_H
#define NFR_TEST_POLICY_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/check.h"
#include "compiler/parse.h"

struct policy_text {
	struct arena *arena;
	struct sources *sources;
	struct diag *diag;
	struct host *host;
	struct ast ast;
	struct policy *policy;
};

/* host: a name in tests/hosts. warnings: a -W argument, or NULL. */
static inline struct policy_text
policy_text_as(const char *path, const char *text, size_t len, const char *host,
	       const char *warnings, const struct check_options *options)
{
	struct policy_text t = {.arena = arena_new()};
	const char *error = "";
	char profile[256];

	snprintf(profile, sizeof(profile), "tests/hosts/%s.json", host);
	if (host_profile(t.arena, profile, &t.host, &error) != 0)
		fail_msg("%s", error);
	t.sources = sources_new(t.arena);
	t.diag = diag_new(t.arena, t.sources);
	if (warnings)
		assert_int_equal(diag_set_warning(t.diag, warnings), 0);
	parse_file(t.arena, t.sources, t.diag,
		   sources_add(t.sources, path, text, len), NULL, 0, &t.ast);
	t.policy = check_policy_as(t.arena, t.sources, t.diag, t.host, &t.ast,
				   options);
	return t;
}

static inline struct policy_text policy_text_named(const char *path,
						   const char *text, size_t len,
						   const char *host,
						   const char *warnings)
{
	static const struct check_options options = {.is_pf = false};

	return policy_text_as(path, text, len, host, warnings, &options);
}

static inline struct policy_text policy_text(const char *text)
{
	return policy_text_named("test.nfr", text, strlen(text), "laptop",
				 NULL);
}

/* What diag says, malloc'd. */
static inline char *policy_text_diag(const struct policy_text *t)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	diag_print(t->diag, out, false);
	fclose(out);
	return bytes;
}

/* The same, but fails the test when there is an error. */
static inline struct policy_text policy_text_sound(const char *text)
{
	struct policy_text t = policy_text(text);
	char *said;

	if (diag_errors(t.diag)) {
		said = policy_text_diag(&t);
		print_error("%s", said);
		free(said);
		fail();
	}
	return t;
}

static inline void policy_text_free(struct policy_text *t)
{
	arena_free(&t->arena);
}

/* Fails unless text is refused with a message that holds words. */
static inline void assert_refused(const char *text, const char *words)
{
	struct policy_text t = policy_text(text);
	char *said = policy_text_diag(&t);
	bool is_found = strstr(said, words) != NULL;

	if (!is_found || diag_errors(t.diag) == 0)
		print_error("wanted \"%s\", got:\n%s", words, said);
	assert_int_not_equal(diag_errors(t.diag), 0);
	assert_true(is_found);
	free(said);
	policy_text_free(&t);
}

/* The rules that were written, without the generated ones. */
static inline size_t user_rules(const struct policy *p,
				const struct policy_rule **first)
{
	size_t count = 0;

	*first = NULL;
	for (size_t i = 0; i < p->rule_count; i++) {
		if (p->rules[i].is_generated)
			continue;
		if (!*first)
			*first = &p->rules[i];
		count++;
	}
	return count;
}

#endif
