/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * token.c: raw tokens -> the tokens of the grammar. Says which words are
 * keywords where they stand and which newlines end something; opens includes
 * and macros; and finds the end of what could not be understood.
 */
#include "front.h"

#include <string.h>

#include "parse.tab.h"

int parse_lex(PARSE_STYPE *, struct span *, struct front *);

static void enqueue(struct front *f, int kind, struct span span)
{
	f->queue[f->queue_len++] = (struct token){.kind = kind, .span = span};
}

static struct token dequeue(struct front *f)
{
	struct token t = f->queue[0];
	f->queue_len--;
	memmove(f->queue, f->queue + 1, f->queue_len * sizeof(*f->queue));
	return t;
}

/* The grammar skips a whole statement, and with it a block it may open. */
static bool is_skipping_statement(const struct front *f)
{
	return f->is_recovering && f->recover_depth == 0;
}

void token_recover(struct front *f)
{
	int kind = f->last.kind;
	if (kind == T_NEWLINE || kind == T_EOF || f->queue_len)
		return;
	bool is_header = kind == '{' && f->depth == 1;
	f->is_recovering = true;
	f->recover_depth = f->is_in_block && !is_header;
}

/* Ends the clause, the block and the statement, whatever is open. */
static void close_all(struct front *f, struct span at)
{
	struct span end = {at.start, at.start};
	bool has_block = f->is_in_block && !is_skipping_statement(f);
	enqueue(f, T_NEWLINE, end);
	if (has_block) {
		enqueue(f, '}', end);
		enqueue(f, T_NEWLINE, end);
	}
	f->depth = 0;
	f->is_in_block = f->is_recovering = false;
}

/* Is the next byte that is not blank a "="? */
static bool is_definition(const struct front *f)
{
	const struct input *in = f->input;
	for (size_t i = in->offset; i < in->len; i++) {
		if (in->text[i] != ' ' && in->text[i] != '\t')
			return in->text[i] == '=';
	}
	return false;
}

bool token_starts_statement(const struct front *f, const struct token *t)
{
	if (t->kind != T_WORD || !t->is_first_column)
		return false;
	switch (keyword_kind(t->text, IN_STATEMENT)) {
	case T_PASS:
	case T_BLOCK:
	case T_TABLE:
	case T_SET:
	case T_TUNNEL:
		return true;
	case T_WORD:
		return is_definition(f);
	default:
		return false;
	}
}

static int statement_kind(struct front *f, const struct token *t)
{
	if (!is_definition(f))
		return keyword_kind(t->text, IN_STATEMENT);
	if (!keyword_is_reserved(t->text))
		return T_NAME;
	diag_error(f->diag, t->span, "parse",
		   "\"%s\" is a reserved word and can not name a macro",
		   t->text);
	return T_PARSE_error;
}

static int word_kind(struct front *f, const struct token *t)
{
	if (f->statement == 0)
		return statement_kind(f, t);
	if (f->statement == T_TUNNEL && !f->is_in_block)
		return keyword_kind(t->text, IN_HEADER);
	if (f->is_in_block && f->clause == 0)
		return keyword_kind(t->text, IN_CLAUSE);
	if (f->is_in_block && f->clause == T_LINK)
		return keyword_kind(t->text, IN_LINK);
	if (f->statement == T_SET && f->statement_len == 1)
		return keyword_kind(t->text, IN_SET);
	return keyword_kind(t->text, IN_BODY);
}

void token_open_file(struct front *f, const struct source_file *file)
{
	const char *nul = memchr(file->text, 0, file->len);
	if (nul) {
		uint32_t at = file->base + (uint32_t)(nul - file->text);
		diag_error(f->diag, (struct span){at, at + 1}, "parse",
			   "a NUL byte: this is not a text file");
		return;
	}
	struct input *in = arena_new_of(f->arena, struct input);
	in->file = file;
	in->text = file->text;
	in->len = file->len;
	scan_push(f, in);
	f->file_depth++;
}

static void include_open(struct front *f)
{
	const char *path = f->include_path;
	const struct source_file *file;
	f->include_path = NULL;
	if (f->file_depth > FRONT_INCLUDE_MAX) {
		diag_error(f->diag, f->include_span, "include",
			   "files include each other more than %d deep",
			   FRONT_INCLUDE_MAX);
		return;
	}
	if (!strcmp(path, "-")) {
		diag_error(f->diag, f->include_span, "include",
			   "standard input can not be included");
		return;
	}
	int err = sources_read(f->sources, path, f->include_span, &file);
	if (err) {
		diag_error(f->diag, f->include_span, "include",
			   "can not read \"%s\": %s", path, strerror(-err));
		return;
	}
	for (struct input *in = f->input; in; in = in->outer) {
		if (in->file && !strcmp(in->file->path, file->path)) {
			diag_error(f->diag, f->include_span, "include",
				   "\"%s\" includes itself", file->path);
			return;
		}
	}
	token_open_file(f, file);
}

static int brace_open(struct front *f, const struct token *t)
{
	if (f->depth == FRONT_DEPTH_MAX && !f->is_recovering) {
		f->depth++;
		diag_error(f->diag, t->span, "parse",
			   "braces are nested more than %d deep",
			   FRONT_DEPTH_MAX);
		return T_PARSE_error;
	}
	if (f->depth == 0 && f->statement == T_TUNNEL &&
	    f->last.kind != T_OVER) {
		f->is_in_block = true;
		f->clause = 0;
	}
	if (f->depth < FRONT_DEPTH_MAX)
		f->open[f->depth] = t->span;
	f->depth++;
	return '{';
}

static int brace_close(struct front *f, const struct token *t)
{
	if (f->depth)
		f->depth--;
	if (f->depth || !f->is_in_block)
		return '}';
	bool is_skipped = is_skipping_statement(f);
	f->is_in_block = false;
	if (f->clause == 0 || is_skipped)
		return '}';
	/* The last clause may end at the brace. */
	f->is_recovering = false;
	enqueue(f, '}', t->span);
	return T_NEWLINE;
}

/* A newline counts where a statement or clause can end. */
static bool newline_counts(const struct front *f)
{
	unsigned depth = f->is_recovering ? f->recover_depth : f->is_in_block;
	return f->input->file && f->depth <= depth;
}

static int newline(struct front *f)
{
	bool is_include = f->statement == T_INCLUDE && f->statement_len == 2 &&
			  f->last.kind == T_STRING && !f->is_recovering;
	if (is_include) {
		f->include_path = f->last.text;
		f->include_span = f->last.span;
	}
	f->is_recovering = false;
	return T_NEWLINE;
}

/* What is open where nothing more can close it. */
static int never_closed(struct front *f, struct span at)
{
	unsigned inner =
		f->depth < FRONT_DEPTH_MAX ? f->depth : FRONT_DEPTH_MAX;
	bool is_said = f->is_recovering;
	if (!is_said)
		diag_error(f->diag, f->open[inner - 1], "parse",
			   "this \"{\" is never closed");
	close_all(f, at);
	return is_said ? T_NEWLINE : T_PARSE_error;
}

/*
 * A file's end ends its last statement, and only then the file, so that an
 * include there is still inside it. Returns 0 when there is nothing to tell.
 */
static int file_end(struct front *f, struct token *t)
{
	if (f->depth)
		return never_closed(f, t->span);
	if (f->statement)
		return newline(f);
	scan_pop(f);
	f->file_depth--;
	return 0;
}

/* A raw token, from inside macros too, or of an include just opened. */
static int raw_read(struct front *f, struct token *t)
{
	if (f->unread.kind != -1) {
		*t = f->unread;
		f->unread.kind = -1;
		return t->kind;
	}
	return scan_token(f, t);
}

static int token_read(struct front *f, struct token *t)
{
	for (;;) {
		if (f->include_path)
			include_open(f);
		if (!f->input || f->is_hopeless || diag_is_full(f->diag))
			return T_EOF;
		int kind = raw_read(f, t);
		if (kind == 0 && !f->input->file) {
			macro_leave(f);
		} else if (kind == 0) {
			kind = file_end(f, t);
			if (kind)
				return kind;
		} else if (kind == T_NEWLINE) {
			if (newline_counts(f))
				return newline(f);
		} else if (kind == T_USE) {
			if (!f->is_recovering && !macro_expand(f, t))
				return T_PARSE_error;
		} else if (f->depth && token_starts_statement(f, t)) {
			f->unread = *t;
			return never_closed(f, t->span);
		} else if (kind == '{') {
			return brace_open(f, t);
		} else if (kind == '}') {
			return brace_close(f, t);
		} else if (kind == T_WORD) {
			return word_kind(f, t);
		} else {
			return kind;
		}
	}
}

/* What words mean from here on, for messages. */
static int topic_after(const struct front *f, int kind)
{
	switch (kind) {
	case T_ON:
	case T_PROTO:
	case T_FROM:
	case T_TO:
	case T_PORT:
	case T_ICMP_TYPE:
	case T_ICMP6_TYPE:
	case T_CODE:
	case T_FLAGS:
	case T_LABEL:
	case T_TABLE:
	case T_FILE:
	case T_TUNNEL:
	case T_OVER:
	case T_DNS:
	case T_SET:
	case T_INCLUDE:
		return kind;
	case '{':
		return f->statement == T_TABLE ? T_FROM : f->topic;
	default:
		return f->topic;
	}
}

static void token_remember(struct front *f, const struct token *t)
{
	f->previous = f->last;
	f->last = *t;
	f->topic_before = f->topic;
	if (t->kind == T_NEWLINE) {
		f->clause = 0;
		if (!f->is_in_block) {
			f->statement = 0;
			f->statement_len = 0;
		}
		return;
	}
	if (f->previous.kind == T_NEWLINE)
		f->topic = f->topic_before = 0;
	bool opens_block = t->kind == '{' && f->depth == 1;
	if (f->statement == 0)
		f->statement = t->kind;
	else if (f->is_in_block && f->clause == 0 && !opens_block)
		f->clause = t->kind;
	f->statement_len++;
	f->topic = topic_after(f, t->kind);
}

int parse_lex(PARSE_STYPE *value, struct span *span, struct front *f)
{
	struct token t = {0};
	bool is_value = f->last.kind == '=' && f->previous.kind == T_NAME;
	int kind = 0;
	if (f->queue_len) {
		t = dequeue(f);
		kind = t.kind;
	} else if (is_value) {
		kind = macro_collect(f, f->previous.span, f->previous.text, &t);
	}
	t.kind = kind ? kind : token_read(f, &t);
	token_remember(f, &t);
	if (t.kind == T_PARSE_error)
		token_recover(f);
	value->text = t.text;
	*span = t.span;
	return t.kind;
}

const char *token_quote(struct front *f, const struct token *t)
{
	enum { MAX = 40 };
	if (!t->text)
		return token_name(t->kind);
	size_t len = strlen(t->text);
	const char *format = len > MAX ? "%.*s..." : "%.*s";
	return arena_printf(f->arena, format, MAX, t->text);
}
