/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_policy.c: text -> parse, check, print, lower, image, as a policy and as
 * a pf.conf; nothing crashes, and what is sound prints as something sound that
 * prints as itself.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/check.h"
#include "compiler/parse.h"

/* Of the whole corpus none needs more; without it, lists of lists win. */
#define RULES_MAX 20000

struct outcome {
	struct arena *arena;
	struct sources *sources;
	struct diag *diag;
	struct ast ast;
	struct policy *policy;
	bool is_parsed, is_sound; /* without an error */
};

static void outcome_make(struct outcome *o, const char *text, size_t len,
			 bool is_pf)
{
	struct check_options options = {.is_pf = is_pf,
					.lists_differences = is_pf};

	o->arena = arena_new();
	o->sources = sources_new(o->arena);
	o->diag = diag_new(o->arena, o->sources);
	parse_file(o->arena, o->sources, o->diag,
		   sources_add(o->sources, "fuzz.nfr", text, len), NULL, 0,
		   &o->ast);
	o->is_parsed = diag_errors(o->diag) == 0;
	o->policy = check_policy_as(o->arena, o->sources, o->diag, fuzz_host(),
				    &o->ast, &options);
	o->is_sound = diag_errors(o->diag) == 0;
}

static char *print(const struct ast_node *node, size_t *len)
{
	char *bytes = NULL;
	FILE *out = open_memstream(&bytes, len);

	fuzz_require(out != NULL, "open_memstream");
	for (; node; node = node->next)
		print_node(node, out);
	fclose(out);
	return bytes;
}

/* Carets, macros' places and long lines are code too. */
static void tell(const struct diag *diag)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);

	fuzz_require(out != NULL, "open_memstream");
	diag_print(diag, out, true);
	fclose(out);
	free(bytes);
	json_decref(diag_json(diag));
}

static void image(const struct outcome *o)
{
	struct code code = {0};
	__u8 *bytes = NULL;
	size_t len = 0;
	char error[IMAGE_ERROR_MAX] = "";
	struct image img;

	if (lower_policy(o->arena, o->policy, &code) != 0 ||
	    image_write(o->policy, &code, o->sources, &bytes, &len) != 0)
		return;
	fuzz_require(image_open(bytes, len, &img, error) == 0, error);
	free(bytes);
}

/*
 * The print of what was parsed, or checked, is what it prints itself; both
 * times with no error.
 */
static void print_is_itself(const char *text, size_t len, bool is_checked,
			    bool is_pf)
{
	struct outcome again;
	char *printed;
	size_t printed_len = 0;

	outcome_make(&again, text, len, is_pf);
	if (!(is_checked ? again.is_sound : again.is_parsed)) {
		fprintf(stderr, "printed:\n%.*s\n", (int)len, text);
		diag_print(again.diag, stderr, false);
		fuzz_require(false, "the print is refused");
	}
	printed = print(is_checked ? again.policy->printable : again.ast.first,
			&printed_len);
	if (len != printed_len || memcmp(text, printed, len) != 0) {
		fprintf(stderr, "printed:\n%.*s\nagain:\n%s\n", (int)len, text,
			printed);
		fuzz_require(false, "the print prints otherwise");
	}
	free(printed);
	arena_free(&again.arena);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fuzz_host();
	return 0;
}

static void policy(const char *text, size_t len, bool is_pf)
{
	struct outcome o;
	char *printed;
	size_t printed_len = 0;

	outcome_make(&o, text, len, is_pf);
	tell(o.diag);
	printed = print(o.ast.first, &printed_len);
	if (o.is_parsed && !is_pf)
		print_is_itself(printed, printed_len, false, false);
	free(printed);
	if (o.is_sound && o.policy->rule_count < RULES_MAX) {
		printed = print(o.policy->printable, &printed_len);
		print_is_itself(printed, printed_len, true, is_pf);
		free(printed);
		image(&o);
	}
	arena_free(&o.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	policy((const char *)bytes, len, false);
	policy((const char *)bytes, len, true);
	return 0;
}
