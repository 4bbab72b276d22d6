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

void token_recover(struct front *f)
{
	int kind = f->last.kind;
	if (kind == T_NEWLINE || kind == T_EOF || f->queue_len)
		return;
	/* A block that should not have been is skipped with its statement. */
	bool is_header = kind == '{' && f->last.is_block;
	f->is_recovering = true;
	f->recover_depth = f->blocks - is_header;
}

/*
 * Ends what is open down to depth: the clause or statement, and each block
 * that the grammar knows of.
 */
static void close_to(struct front *f, unsigned depth, struct span at)
{
	struct span end = {at.start, at.start};
	unsigned known = f->is_recovering ? f->recover_depth : f->blocks;
	enqueue(f, T_NEWLINE, end);
	for (unsigned i = f->blocks; i > depth; i--) {
		if (i > known)
			continue;
		enqueue(f, '}', end);
		f->queue[f->queue_len - 1].is_block = true;
		enqueue(f, T_NEWLINE, end);
	}
	f->depth = depth;
	if (f->blocks > depth)
		f->blocks = depth;
	f->is_recovering = false;
}

/* The innermost open block: T_TUNNEL, T_ANCHOR, or 0. */
static int block_kind(const struct front *f)
{
	return f->blocks ? f->open[f->blocks - 1].block : 0;
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
	case T_MATCH:
	case T_TABLE:
	case T_SET:
	case T_ANCHOR:
	case T_ANTISPOOF:
	case T_NAT:
	case T_RDR:
	case T_BINAT:
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

/* Inside parentheses. */
static unsigned paren_context(const struct front *f)
{
	switch (f->paren) {
	case T_STATE:
		return IN_STATE;
	case T_SCRUB:
		return IN_SCRUB;
	case T_LOG:
		return IN_LOG;
	case T_SET:
		return IN_CHANGES;
	case T_RETURN_RST:
		return IN_RETURN;
	default:
		return IN_BODY;
	}
}

static unsigned set_context(const struct front *f)
{
	if (f->statement_len == 1)
		return IN_SET;
	switch (f->clause) {
	case T_STATE_DEFAULTS:
		return IN_STATE;
	case T_REASSEMBLE:
		return IN_SET;
	default:
		return IN_BODY;
	}
}

/* enum context of the next word, ored. */
static unsigned word_context(const struct front *f)
{
	if (f->paren)
		return paren_context(f);
	switch (f->statement) {
	case T_TUNNEL:
		if (block_kind(f) != T_TUNNEL)
			return IN_HEADER;
		if (f->clause == 0)
			return IN_CLAUSE;
		if (f->last.kind == T_EXCLUDE)
			return IN_BODY | IN_TUNNEL | IN_EXCLUDE;
		return f->clause == T_LINK ? IN_LINK : IN_BODY | IN_TUNNEL;
	case T_SET:
		return set_context(f);
	case T_TABLE:
		return IN_BODY | IN_TABLE;
	case T_ANTISPOOF:
		return IN_BODY | IN_ANTISPOOF;
	case T_SCRUB:
		return IN_BODY | IN_SCRUB;
	case T_NO:
		if (f->statement_len == 1)
			return IN_STATEMENT;
		break;
	}
	return f->last.kind == T_SET ? IN_CHANGES : IN_BODY;
}

static int word_kind(struct front *f, const struct token *t)
{
	if (f->is_recovering)
		return keyword_kind(t->text, IN_BODY);
	if (f->statement == 0)
		return statement_kind(f, t);
	return keyword_kind(t->text, word_context(f));
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
	struct input *in = arena_new_of(f->keep, struct input);
	in->file = file;
	in->text = file->text;
	in->len = file->len;
	in->outer_base = f->base;
	scan_push(f, in);
	f->base = f->depth;
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

/* Behind these a brace opens a list. */
static bool opens_list(int kind)
{
	switch (kind) {
	case T_ON:
	case T_PROTO:
	case T_FROM:
	case T_TO:
	case T_PORT:
	case T_USER:
	case T_GROUP:
	case T_CGROUP:
	case T_MARK:
	case T_ICMP_TYPE:
	case T_ICMP6_TYPE:
	case T_NAT_TO:
	case T_RDR_TO:
	case T_BINAT_TO:
	case T_ROUTE_TO:
	case T_REPLY_TO:
	case T_DUP_TO:
		return true;
	default:
		return false;
	}
}

/* T_TUNNEL, T_ANCHOR, or 0 when the brace opens a list. */
static int brace_kind(const struct front *f)
{
	if (f->depth > f->blocks)
		return 0;
	if (f->statement == T_TUNNEL && f->last.kind != T_OVER &&
	    block_kind(f) != T_TUNNEL)
		return T_TUNNEL;
	if (f->statement == T_ANCHOR && !opens_list(f->last.kind))
		return T_ANCHOR;
	return 0;
}

static int brace_open(struct front *f, struct token *t)
{
	if (f->depth >= FRONT_DEPTH_MAX) {
		bool is_said = f->is_recovering || f->depth > FRONT_DEPTH_MAX;
		/* Each deeper block would be an error of its own. */
		f->is_hopeless = !is_said && brace_kind(f);
		f->depth++;
		if (is_said)
			return '{';
		diag_error(f->diag, t->span, "parse",
			   "braces are nested more than %d deep",
			   FRONT_DEPTH_MAX);
		return T_PARSE_error;
	}
	int block = brace_kind(f);
	f->open[f->depth++] = (struct opening){t->span, block};
	if (block)
		f->blocks++;
	t->is_block = block;
	return '{';
}

static int brace_close(struct front *f, struct token *t)
{
	unsigned depth = f->depth;
	if (depth == f->base && depth) {
		diag_error(f->diag, t->span, "parse",
			   "this \"}\" closes nothing in this file");
		return T_PARSE_error;
	}
	if (depth)
		f->depth--;
	if (depth == 0 || depth > f->blocks)
		return '}';
	f->blocks--;
	t->is_block = true;
	bool is_skipped = f->is_recovering && depth > f->recover_depth;
	bool is_tunnel = f->open[depth - 1].block == T_TUNNEL;
	bool is_ended = !f->is_recovering &&
			(is_tunnel ? f->clause : f->statement) == 0;
	if (is_skipped || is_ended)
		return '}';
	/* The last statement or clause may end at the brace. */
	f->is_recovering = false;
	enqueue(f, '}', t->span);
	f->queue[f->queue_len - 1].is_block = true;
	t->is_block = false;
	return T_NEWLINE;
}

/* A newline counts where a statement or clause can end. */
static bool newline_counts(const struct front *f)
{
	unsigned depth = f->is_recovering ? f->recover_depth : f->blocks;
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

/* What is open where nothing more can close it: all that is above depth. */
static int never_closed(struct front *f, unsigned depth, struct span at)
{
	unsigned inner =
		f->depth < FRONT_DEPTH_MAX ? f->depth : FRONT_DEPTH_MAX;
	bool is_said = f->is_recovering;
	if (!is_said)
		diag_error(f->diag, f->open[inner - 1].span, "parse",
			   "this \"{\" is never closed");
	close_to(f, depth, at);
	return is_said ? T_NEWLINE : T_PARSE_error;
}

/* Lists and a tunnel's block end before a statement in the first column. */
static unsigned statement_depth(const struct front *f)
{
	return f->blocks - (block_kind(f) == T_TUNNEL);
}

/*
 * A file's end ends its last statement, and only then the file, so that an
 * include there is still inside it. Returns 0 when there is nothing to tell.
 */
static int file_end(struct front *f, struct token *t)
{
	if (f->depth > f->base)
		return never_closed(f, f->base, t->span);
	/* An include in an anchor's block has an anchor around it. */
	if (f->statement)
		return newline(f);
	f->base = f->input->outer_base;
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
		} else if (f->depth > statement_depth(f) &&
			   token_starts_statement(f, t)) {
			f->unread = *t;
			return never_closed(f, statement_depth(f), t->span);
		} else if (kind == '{') {
			return brace_open(f, t);
		} else if (kind == '}') {
			return brace_close(f, t);
		} else if (kind == T_WORD) {
			return macro_join(f, t) ? word_kind(f, t)
						: T_PARSE_error;
		} else {
			return kind;
		}
	}
}

/* What words mean from here on, for messages. */
static int topic_after(const struct front *f, int kind)
{
	switch (kind) {
	case T_WORD:
	case T_STRING:
	case T_TABLE_NAME:
	case T_ANY:
	case T_NE:
	case T_LE:
	case T_GE:
	case T_INSIDE:
	case T_OUTSIDE:
	case ',':
	case '!':
	case '/':
	case '-':
	case '}':
	case ')':
	case '=':
	case '<':
	case '>':
		return f->topic;
	case '{':
		return f->statement == T_TABLE ? T_FROM : f->topic;
	case '(':
		return f->topic ? f->topic : kind;
	default:
		return kind;
	}
}

/* Which statement, clause and block the next word is in. */
static void place_remember(struct front *f, const struct token *t)
{
	if (t->kind == T_NEWLINE) {
		f->clause = 0;
		f->paren = 0;
		f->paren_depth = 0;
		if (block_kind(f) != T_TUNNEL)
			f->statement = f->statement_len = 0;
		return;
	}
	f->statement_len++;
	if (t->is_block && t->kind == '}') {
		/* Behind the block the rest of its statement could stand. */
		f->statement = T_ANCHOR;
		f->clause = 0;
		return;
	}
	if (t->is_block) {
		f->clause = 0;
		if (block_kind(f) == T_ANCHOR)
			f->statement = f->statement_len = 0;
		return;
	}
	if (f->statement == 0)
		f->statement = t->kind == T_OLD_ANCHOR ? T_ANCHOR : t->kind;
	else if (f->clause == 0 &&
		 (block_kind(f) == T_TUNNEL || f->statement == T_SET))
		f->clause = t->kind;
	if (t->kind == '(' && f->paren_depth++ == 0)
		f->paren = f->previous.kind;
	else if (t->kind == ')' && f->paren_depth && --f->paren_depth == 0)
		f->paren = 0;
}

static void token_remember(struct front *f, const struct token *t)
{
	f->previous = f->last;
	f->last = *t;
	f->topic_before = f->topic;
	if (f->previous.kind == T_NEWLINE)
		f->topic = f->topic_before = 0;
	place_remember(f, t);
	if (t->kind != T_NEWLINE)
		f->topic = topic_after(f, t->kind);
}

/*
 * Between statements of the file: where the next one goes is known behind its
 * first word. All of the last one is reduced, as its newline is shifted without
 * a look at what follows.
 */
static bool is_between(const struct front *f)
{
	return f->pack && f->statement == 0 && f->blocks == 0 &&
	       f->last.kind == T_NEWLINE && f->queue_len == 0;
}

static int statement_read(struct front *f, struct token *t)
{
	int kind;
	if (!is_between(f))
		return token_read(f, t);
	if (f->unread.kind != -1 && f->unread.text)
		f->unread.text = arena_strdup(f->keep, f->unread.text);
	pack_clear(f->pack);
	f->arena = pack_arena(f->pack);
	kind = token_read(f, t);
	if (kind == T_PASS || kind == T_BLOCK || kind == T_MATCH)
		return kind;
	f->arena = f->keep;
	if (t->text)
		t->text = arena_strdup(f->keep, t->text);
	return kind;
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
	t.kind = kind ? kind : statement_read(f, &t);
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
