/* SPDX-License-Identifier: BSD-2-Clause */
/* compile.c: a path -> ast -> policy -> bytecode -> image, as far as it goes.
 */
#include "compile.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile_contract.h"
#include "pack.h"

static int options_apply(struct compilation *c, const struct compile_options *o,
			 const char **error)
{
	for (size_t i = 0; i < o->warning_count; i++)
		if (diag_set_warning(c->diag, o->warnings[i]) != 0) {
			*error = arena_printf(c->arena, "-W%s: no such warning",
					      o->warnings[i]);
			return -EINVAL;
		}
	return 0;
}

static int host_read(struct compilation *c, const char *profile,
		     const char **error)
{
	int err;

	if (profile)
		return host_profile(c->arena, profile, &c->host, error);
	err = host_system(c->arena, &c->host);
	if (err)
		*error = arena_printf(c->arena, "the system's interfaces: %s",
				      strerror(-err));
	return err;
}

/* What an image is made of ends as soon as nothing asks for it any more. */
static void policy_end(struct compilation *c)
{
	if (c->rules != c->arena)
		arena_free(&c->rules);
	arena_free(&c->rule_texts);
	c->rules = NULL;
	c->policy = NULL;
}

static void code_end(struct compilation *c)
{
	if (c->program != c->arena)
		arena_free(&c->program);
	if (c->code.takes_hash)
		free(c->code.hash);
	c->program = NULL;
	memset(&c->code, 0, sizeof(c->code));
}

static int image_of(struct compilation *c, const struct compile_options *o)
{
	bool has_contract = c->policy->assert_count || c->policy->guard_count;
	bool is_short = o->is_lean && !has_contract;
	struct image_draft *draft = NULL;
	struct lowering *lowering = NULL;
	int err;

	progress_stage(o->progress, "lower");
	err = image_begin(c->policy, c->sources, &draft);
	if (is_short)
		arena_free(&c->rule_texts);
	if (!err)
		err = lower_begin(c->program, c->policy, &lowering);
	if (is_short)
		policy_end(c);
	if (!err)
		lower_finish(lowering, &c->code);
	lower_free(&lowering);
	c->is_too_large = c->code.is_too_large;
	progress_stage(o->progress, "image");
	if (!err)
		err = image_finish(draft, &c->code, &c->image, &c->image_len);
	image_draft_free(&draft);
	if (!err && has_contract) {
		progress_stage(o->progress, "contract");
		err = contract_check(c);
	}
	return err;
}

/* Bytecode and image; what fails here is no mistake of one place. */
static int image_make(struct compilation *c, const struct compile_options *o,
		      const char **error)
{
	int err;

	if (o->is_lean)
		sources_release_texts(c->sources);
	err = image_of(c, o);

	if (err == -E2BIG) {
		diag_error(c->diag, SPAN_NONE, "limit",
			   "the policy does not fit an image: at most %u "
			   "rules and %u instructions",
			   NFR_RULE_MAX, NFR_INSN_MAX);
		err = 0;
		code_end(c);
		policy_end(c);
	}
	if (err)
		*error =
			arena_printf(c->arena, "the image: %s", strerror(-err));
	if (o->is_lean) {
		code_end(c);
		policy_end(c);
		if (diag_errors(c->diag) || diag_warnings(c->diag))
			sources_restore_texts(c->sources);
	}
	return err;
}

/* True when an image of this policy would do less than it says. */
static bool is_unsupported(struct compilation *c, bool is_checked)
{
	const struct policy *p = c->policy;

	for (size_t i = 0; i < p->unsupported_count && !is_checked; i++) {
		const char *why = feature_why(p->unsupported[i].feature);

		diag_error(c->diag, p->unsupported[i].span, "unsupported",
			   "\"%s\" is not supported by the datapath%s",
			   feature_name(p->unsupported[i].feature),
			   why ? "" : " yet");
		if (why)
			diag_hint(c->diag, "%s", why);
	}
	return p->unsupported_count != 0;
}

int compile_file(const char *path, const struct compile_options *o,
		 struct compilation **out, const char **error)
{
	struct compilation *c = calloc(1, sizeof(*c));
	const struct source_file *file;
	int err;

	if (!c)
		abort(); /* as the arena does */
	*out = c;
	*error = NULL;
	c->arena = arena_new();
	c->texts = o->is_lean ? arena_new() : NULL;
	c->rules = o->is_lean ? arena_new() : c->arena;
	c->rule_texts = o->is_lean ? arena_new() : NULL;
	c->program = o->is_lean ? arena_new() : c->arena;
	c->sources = sources_new(c->arena);
	if (c->texts)
		sources_keep_texts_in(c->sources, c->texts);
	c->diag = diag_new(c->arena, c->sources);
	err = options_apply(c, o, error);
	if (!err)
		err = host_read(c, o->host_profile, error);
	if (err)
		return err;
	progress_stage(o->progress, "parse");
	err = sources_read(c->sources, path, SPAN_NONE, &file);
	if (err) {
		*error = arena_printf(c->arena, "%s: %s", path, strerror(-err));
		return err;
	}
	if (o->is_lean)
		parse_file_packed(c->rules, c->sources, c->diag, file,
				  o->defines, o->define_count, &c->ast);
	else
		parse_file(c->arena, c->sources, c->diag, file, o->defines,
			   o->define_count, &c->ast);
	c->conversion = (struct conversion){
		.arena = c->arena,
		.diag = c->diag,
		.host = c->host,
		.warnings = o->warnings,
		.warning_count = o->warning_count,
	};
	if (o->is_converted)
		convert_groups(&c->conversion, &c->ast);
	progress_stage(o->progress, "check");
	c->policy = check_policy_as(
		c->rules, c->sources, c->diag, c->host, &c->ast,
		&(struct check_options){
			.is_pf = o->is_pf,
			.is_lean = o->is_lean,
			.texts = c->rule_texts,
			.progress = o->progress,
			.lists_differences = o->lists_differences,
		});
	pack_free(&c->ast.pack);
	if (!diag_errors(c->diag) && is_unsupported(c, o->is_checked) &&
	    o->is_checked)
		return 0;
	if (diag_errors(c->diag)) {
		c->policy = NULL;
		return 0;
	}
	c->policy->form = o->form;
	return image_make(c, o, error);
}

void compile_free(struct compilation **out)
{
	struct compilation *c = *out;

	if (!c)
		return;
	free(c->image);
	pack_free(&c->ast.pack);
	code_end(c);
	policy_end(c);
	arena_free(&c->texts);
	arena_free(&c->arena);
	free(c);
	*out = NULL;
}
