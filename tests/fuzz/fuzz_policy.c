/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_policy.c: text -> parse, check, print, lower, image, disassembly, as a
 * policy and as a pf.conf, which is converted, too. Nothing crashes; what is
 * sound prints as something sound that prints as itself; what is converted
 * parses, checks unless a decision was asked for, and converts to itself.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/check.h"
#include "compiler/convert.h"
#include "compiler/parse.h"

/* Of the whole corpus none needs more; without it, lists of lists win. */
#define RULES_MAX 20000

struct outcome {
	struct arena *arena;
	struct sources *sources;
	struct diag *diag;
	struct ast ast;
	struct policy *policy;
	struct conversion conversion; /* of a pf.conf to be converted */
	bool is_parsed, is_sound;     /* without an error */
};

enum reading { AS_NFR, AS_PF, TO_CONVERT };

static void outcome_make(struct outcome *o, const char *text, size_t len,
			 enum reading reading)
{
	bool is_pf = reading != AS_NFR;
	struct check_options options = {.is_pf = is_pf,
					.lists_differences = is_pf};

	o->arena = arena_new();
	o->sources = sources_new(o->arena);
	o->diag = diag_new(o->arena, o->sources);
	parse_file(o->arena, o->sources, o->diag,
		   sources_add(o->sources, "fuzz.nfr", text, len), NULL, 0,
		   &o->ast);
	o->is_parsed = diag_errors(o->diag) == 0;
	o->conversion = (struct conversion){
		.arena = o->arena,
		.diag = o->diag,
		.host = fuzz_host(),
	};
	if (reading == TO_CONVERT)
		convert_groups(&o->conversion, &o->ast);
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

/* Carets, macros' places and long lines are code too; and all of it is UTF-8,
 * or there would be no JSON of it. */
static void tell(const struct diag *diag)
{
	char *bytes = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&bytes, &len);
	json_t *json = diag_json(diag);

	fuzz_require(out != NULL, "open_memstream");
	diag_print(diag, out, true);
	fclose(out);
	free(bytes);
	bytes = json_dumps(json, 0);
	fuzz_require(bytes != NULL, "the diagnostics are no JSON");
	free(bytes);
	json_decref(json);
}

static void disasm(const struct image *img)
{
	FILE *out = fopen("/dev/null", "we");

	fuzz_require(out != NULL, "/dev/null");
	disasm_code(img, out);
	disasm_image(img, out);
	fclose(out);
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
	disasm(&img);
	free(bytes);
}

/*
 * The print of what was parsed, or checked, is what it prints itself; both
 * times with no error.
 */
static void print_is_itself(const char *text, size_t len, bool is_checked,
			    enum reading reading)
{
	struct outcome again;
	char *printed;
	size_t printed_len = 0;

	outcome_make(&again, text, len, reading);
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

static void policy(const char *text, size_t len, enum reading reading)
{
	struct outcome o;
	char *printed;
	size_t printed_len = 0;

	outcome_make(&o, text, len, reading);
	tell(o.diag);
	printed = print(o.ast.first, &printed_len);
	if (o.is_parsed && reading == AS_NFR)
		print_is_itself(printed, printed_len, false, AS_NFR);
	free(printed);
	if (o.is_sound && o.policy->rule_count < RULES_MAX) {
		printed = print(o.policy->printable, &printed_len);
		print_is_itself(printed, printed_len, true, reading);
		free(printed);
		image(&o);
	}
	arena_free(&o.arena);
}

/* Returns what text converts to, or NULL when it is no pf.conf. */
static char *convert(const char *text, size_t len, unsigned *decisions,
		     size_t *converted_len)
{
	struct outcome o;
	char *bytes = NULL;
	FILE *out;

	outcome_make(&o, text, len, TO_CONVERT);
	if (o.is_sound && o.policy->rule_count < RULES_MAX) {
		out = open_memstream(&bytes, converted_len);
		fuzz_require(out != NULL, "open_memstream");
		*decisions = convert_write(&o.conversion, o.policy, out);
		fclose(out);
		tell(o.diag);
	}
	arena_free(&o.arena);
	return bytes;
}

static void conversion(const char *text, size_t len)
{
	size_t once_len = 0, twice_len = 0;
	unsigned decisions = 0, again = 0;
	char *once = convert(text, len, &decisions, &once_len), *twice = NULL;
	struct outcome o;

	if (!once)
		return;
	outcome_make(&o, once, once_len, AS_NFR);
	if (o.is_sound && !decisions)
		twice = convert(once, once_len, &again, &twice_len);
	if (!o.is_parsed || o.is_sound != !decisions ||
	    (twice && strcmp(once, twice) != 0)) {
		fprintf(stderr, "converted:\n%s\nagain:\n%s\n", once,
			twice ? twice : "");
		diag_print(o.diag, stderr, false);
		fuzz_require(false, "the conversion is not what it says");
	}
	arena_free(&o.arena);
	free(once);
	free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	policy((const char *)bytes, len, AS_NFR);
	policy((const char *)bytes, len, AS_PF);
	conversion((const char *)bytes, len);
	return 0;
}
