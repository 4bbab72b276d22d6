/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * macro.c: definitions -> values; uses -> their text, scanned again in place.
 * A use in a definition is replaced at once, as in pf; one inside a quoted
 * value only where the macro is used, so it is there that recursion shows.
 */
#include "front.h"

#include <string.h>

#include "parse.tab.h"

static struct macro **find(struct front *f, const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (const char *c = name; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	struct macro **m = &f->macros[hash % FRONT_MACRO_HEADS];
	while (*m && strcmp((*m)->name, name))
		m = &(*m)->next;
	return m;
}

const char *macro_define(struct front *f, struct span span, const char *name,
			 const char *value, bool is_define)
{
	struct macro **at = find(f, name), *m = *at;
	bool is_fixed = m && !m->span.start && !is_define;
	if (is_fixed)
		return m->value;
	if (!m) {
		m = *at = arena_new_of(f->arena, struct macro);
		m->name = name;
		*f->last_defined = m;
		f->last_defined = &m->next_defined;
	}
	m->value = value;
	m->span = span;
	return value;
}

static void report_unknown(struct front *f, const struct token *use)
{
	const char **names = NULL;
	size_t count = 0, capacity = 0;
	for (struct macro *m = f->first_defined; m; m = m->next_defined) {
		names = arena_grow(f->arena, names, count, &capacity,
				   sizeof(*names));
		names[count++] = m->name;
	}
	const char *nearest = diag_nearest(use->text, names, count);
	diag_error(f->diag, use->span, "name", "macro \"%s\" is not defined",
		   use->text);
	if (nearest)
		diag_inline_hint(f->diag, "did you mean \"$%s\"?", nearest);
}

static struct input *input_new(struct front *f)
{
	struct input *in = f->free_inputs;
	if (!in)
		return arena_new_of(f->keep, struct input);
	f->free_inputs = in->outer;
	*in = (struct input){0};
	return in;
}

bool macro_expand(struct front *f, const struct token *use)
{
	struct macro *m = *find(f, use->text);
	if (!m) {
		report_unknown(f, use);
		return false;
	}
	m->is_used = true;
	if (f->input->file)
		sources_add_use(f->sources, use->span, m->name, m->span);
	if (m->is_expanding) {
		diag_error(f->diag, use->span, "name",
			   "macro \"%s\" contains itself", m->name);
		return false;
	}
	struct input *in = input_new(f);
	in->macro = m;
	in->use = f->input->file ? use->span : f->input->use;
	in->text = m->value;
	in->len = strlen(m->value);
	f->expanded_bytes += in->len + 1;
	if (f->expanded_bytes > FRONT_EXPANSION_MAX) {
		diag_error(f->diag, in->use, "parse",
			   "macros expand to more than %zu MiB in all",
			   FRONT_EXPANSION_MAX >> 20);
		f->is_hopeless = true;
		return false;
	}
	m->is_expanding = true;
	scan_push(f, in);
	return true;
}

void macro_leave(struct front *f)
{
	struct input *in = f->input;
	in->macro->is_expanding = false;
	scan_pop(f);
	in->outer = f->free_inputs;
	f->free_inputs = in;
}

bool macro_join(struct front *f, struct token *t)
{
	struct input *in = f->input;
	struct token rest;
	while (!in->file && in->offset == in->len)
		in = in->outer;
	if (in == f->input || in->offset == in->len ||
	    in->text[in->offset] != ':')
		return true;
	while (f->input != in)
		macro_leave(f);
	if (scan_token(f, &rest) != T_WORD)
		return false;
	t->text = arena_printf(f->arena, "%s%s", t->text, rest.text);
	t->span = span_join(t->span, rest.span);
	if (strlen(t->text) <= FRONT_STRING_MAX)
		return true;
	diag_error(f->diag, t->span, "parse",
		   "the word is too long: at most %d bytes", FRONT_STRING_MAX);
	return false;
}

struct text {
	char *bytes;
	size_t len, capacity;
};

static void text_add(struct arena *a, struct text *text, const char *bytes)
{
	for (; *bytes; bytes++) {
		text->bytes = arena_grow(a, text->bytes, text->len,
					 &text->capacity, 1);
		text->bytes[text->len++] = *bytes;
	}
}

static void text_add_token(struct arena *a, struct text *text,
			   const struct token *t, bool is_spaced)
{
	if (text->len && is_spaced)
		text_add(a, text, " ");
	if (t->kind == T_TABLE_NAME)
		text_add(a, text, "<");
	text_add(a, text, t->text ? t->text : token_name(t->kind));
	if (t->kind == T_TABLE_NAME)
		text_add(a, text, ">");
}

/* What a value may hold outside of quotes and braces. */
static bool is_value_part(int kind)
{
	return kind == T_WORD || kind == T_STRING || kind == T_TABLE_NAME ||
	       kind == '/' || kind == '-' || kind == '!' || kind == '{';
}

/*
 * Reads the parts of a value into text. Returns T_VALUE, or the kind of the
 * token in *t when there is no value; the token behind the value is unread.
 */
static int parts_read(struct front *f, struct text *text, struct span *span,
		      struct token *t)
{
	unsigned depth = 0;
	struct span open = SPAN_NONE;
	int before = 0;
	for (;;) {
		int kind = scan_token(f, t);
		bool is_end = kind == 0 || (kind == T_NEWLINE && !depth) ||
			      (!depth && kind != T_USE &&
			       kind != T_PARSE_error && !is_value_part(kind)) ||
			      (depth && token_starts_statement(f, t));
		if (kind == 0 && !f->input->file) {
			macro_leave(f);
		} else if (is_end && depth) {
			f->unread = *t;
			diag_error(f->diag, open, "parse",
				   "this \"{\" is never closed");
			return T_PARSE_error;
		} else if (is_end) {
			f->unread = *t;
			return T_VALUE;
		} else if (kind == T_PARSE_error) {
			return kind;
		} else if (kind == T_USE) {
			if (!macro_expand(f, t))
				return T_PARSE_error;
		} else if (kind == T_NEWLINE) {
			f->is_spaced = true;
		} else {
			bool is_string = kind == T_STRING || before == T_STRING;
			if (kind == T_WORD && !macro_join(f, t))
				return T_PARSE_error;
			text_add_token(f->arena, text, t,
				       t->is_spaced || is_string);
			*span = span_join(*span, t->span);
			if (kind == '{' && depth++ == 0)
				open = t->span;
			if (kind == '}')
				depth--;
			before = kind;
		}
	}
}

int macro_collect(struct front *f, struct span name_span, const char *name,
		  struct token *t)
{
	struct text text = {0};
	struct span span = SPAN_NONE;
	int kind = parts_read(f, &text, &span, t);
	if (kind != T_VALUE)
		return kind;
	if (!span.start)
		return 0;
	const char *value = arena_strndup(f->arena, text.bytes, text.len);
	*t = (struct token){.kind = T_VALUE, .span = span};
	t->text = macro_define(f, name_span, name, value, false);
	return T_VALUE;
}

void macro_warn_unused(struct front *f)
{
	if (diag_errors(f->diag))
		return;
	for (struct macro *m = f->first_defined; m; m = m->next_defined) {
		if (m->is_used || !m->span.start)
			continue;
		diag_warning(f->diag, m->span, WARN_UNUSED_MACRO,
			     "macro \"%s\" is never used", m->name);
	}
}
