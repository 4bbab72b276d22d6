/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_dump.c: what a stage of the compiler made of FILE -> text. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/tokens.h"
#include "nfload.h"

/* In the order of STAGE_WORDS. */
enum stage {
	STAGE_TOKENS,
	STAGE_AST,
	STAGE_POLICY,
	STAGE_BYTECODE,
	STAGE_IMAGE
};

/* ---- tokens, ast: without the host, without check ----------------------- */

struct front_end {
	struct arena *arena;
	struct sources *sources;
	struct diag *diag;
	const struct source_file *file;
};

static void print_place(const struct sources *sources, struct span span,
			FILE *out)
{
	struct location at;

	sources_locate(sources, span.start, &at);
	if (at.file)
		fprintf(out, "%s:%u:%u: ", at.file->path, at.line, at.col);
	else
		fputs("generated: ", out);
}

static void dump_ast(struct nfload *t, const struct front_end *f, FILE *out)
{
	struct ast ast;

	parse_file(f->arena, f->sources, f->diag, f->file, t->compile.defines,
		   t->compile.define_count, &ast);
	for (const struct ast_node *n = ast.first; n; n = n->next) {
		print_place(f->sources, n->span, out);
		print_node(n, out);
	}
}

static int close_front(struct nfload *t, const struct front_end *f)
{
	unsigned errors = diag_errors(f->diag);

	fflush(stdout);
	if (t->json)
		json_put(t->json, JSON_FIELD_DIAGNOSTICS, diag_json(f->diag));
	else
		diag_print(f->diag, stderr, t->use_error_color);
	if (errors)
		report_summary(t, true, "%s.", diag_summary(f->diag));
	return errors ? EXIT_INPUT : EXIT_YES;
}

static int dump_front(struct nfload *t, enum stage stage)
{
	struct front_end f = {.arena = arena_new()};
	struct report_text text;
	int status, rc;

	f.sources = sources_new(f.arena);
	f.diag = diag_new(f.arena, f.sources);
	rc = sources_read(f.sources, t->file, SPAN_NONE, &f.file);
	if (rc) {
		status = report_fail(t, EXIT_INPUT, "%s: %s", t->file,
				     strerror(-rc));
		goto out;
	}
	json_put_text(t->json, JSON_FIELD_FILE, t->file);
	report_open(t, &text);
	if (stage == STAGE_TOKENS)
		tokens_print(f.arena, f.sources, f.diag, f.file,
			     t->compile.defines, t->compile.define_count,
			     text.out);
	else
		dump_ast(t, &f, text.out);
	report_close(t, &text);
	status = close_front(t, &f);
out:
	arena_free(&f.arena);
	return status;
}

/* ---- policy ------------------------------------------------------------ */

static void dump_rule(const struct compilation *c, const struct policy_rule *r,
		      size_t number, FILE *out)
{
	fprintf(out, "@%zu %016" PRIx64 " ", number, r->id);
	print_place(c->sources, r->span, out);
	fprintf(out, "%s%s%s\n", r->text, r->is_default ? "  [default]" : "",
		r->is_generated && !r->is_default ? "  [generated]" : "");
}

static void dump_tables(const struct policy *policy, FILE *out)
{
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < policy->table_count; i++) {
		const struct policy_table *table = &policy->tables[i];

		fprintf(out, "table <%s>%s, %zu entries:\n", table->name,
			table->is_const ? " const" : "", table->entry_count);
		for (size_t j = 0; j < table->entry_count; j++) {
			const struct policy_table_entry *e = &table->entries[j];

			fprintf(out, "\t%s%s/%u\n", e->is_negated ? "!" : "",
				addr_format(&e->addr, e->family, text),
				e->prefix_len);
		}
	}
}

static void dump_policy(const struct compilation *c, FILE *out)
{
	const struct policy *policy = c->policy;

	for (size_t i = 0; i < policy->iface_count; i++)
		fprintf(out, "interface %zu: %s%s%s%s\n", i + 1,
			policy->ifaces[i].name,
			policy->ifaces[i].is_tunnel ? " tunnel" : "",
			policy->ifaces[i].is_loopback ? " loopback" : "",
			policy->ifaces[i].is_skipped ? " skipped" : "");
	dump_tables(policy, out);
	fputs("rules, the last match wins, quick ends:\n", out);
	for (size_t i = 0; i < policy->rule_count; i++)
		dump_rule(c, &policy->rules[i], i, out);
	if (policy->guard_count)
		fputs("guard, after a pass, the first match decides:\n", out);
	for (size_t i = 0; i < policy->guard_count; i++)
		dump_rule(c, &policy->guard[i], policy->rule_count + i, out);
}

/* ---- the verb ---------------------------------------------------------- */

static int dump_compiled(struct nfload *t, enum stage stage)
{
	unsigned flags = stage == STAGE_POLICY ? INPUT_TEXT_ONLY : 0;
	struct report_text text;
	struct input in;
	int status = input_read(t, flags, &in);

	if (status) {
		report_summary(t, true, "%s.", in.failure);
		goto out;
	}
	report_open(t, &text);
	if (stage == STAGE_POLICY)
		dump_policy(in.compilation, text.out);
	else if (stage == STAGE_BYTECODE)
		disasm_code(&in.image, text.out);
	else
		disasm_image(&in.image, text.out);
	report_close(t, &text);
out:
	input_free(&in);
	return status;
}

int verb_dump(struct nfload *t)
{
	enum stage stage = (enum stage)option_word(STAGE_WORDS, t->stage);

	json_put_text(t->json, JSON_FIELD_STAGE, t->stage);
	if (stage == STAGE_TOKENS || stage == STAGE_AST)
		return dump_front(t, stage);
	return dump_compiled(t, stage);
}
