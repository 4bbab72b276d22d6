/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expect.c: the tokens that the grammar would have taken -> a message that
 * says so in few words: a likely misspelling, a short list, or a class.
 */
#include "front.h"

#include <string.h>

#include "parse.tab.h"

#define LIST_MAX 6

struct expected {
	const char **names;
	int count;
};

static bool has(const struct expected *e, const char *name)
{
	for (int i = 0; i < e->count; i++) {
		if (!strcmp(e->names[i], name))
			return true;
	}
	return false;
}

static void drop(struct expected *e, const char *name)
{
	int kept = 0;
	for (int i = 0; i < e->count; i++) {
		if (strcmp(e->names[i], name))
			e->names[kept++] = e->names[i];
	}
	e->count = kept;
}

static void drop_all(struct expected *e, const char *const *names)
{
	for (; *names; names++)
		drop(e, *names);
}

static void replace(struct expected *e, const char *name, const char *class)
{
	for (int i = 0; i < e->count; i++) {
		if (!strcmp(e->names[i], name))
			e->names[i] = class;
	}
}

/* Names like "a word" are classes, the others are text to be typed. */
static bool is_class(const char *name)
{
	return !strncmp(name, "a ", 2) || !strncmp(name, "an ", 3) ||
	       !strncmp(name, "end ", 4) || !strncmp(name, "the ", 4) ||
	       !strncmp(name, "TCP ", 4);
}

static const char *word_class(int topic)
{
	switch (topic) {
	case T_ON:
	case T_TUNNEL:
	case T_OVER:
		return "an interface";
	case T_PROTO:
		return "a protocol";
	case T_FROM:
	case T_TO:
	case T_DNS:
		return "an address";
	case T_PORT:
		return "a port";
	case T_ICMP_TYPE:
	case T_ICMP6_TYPE:
		return "an ICMP type";
	case T_CODE:
		return "an ICMP code";
	case T_FLAGS:
		return "TCP flags";
	case T_LABEL:
		return "a label";
	case T_TABLE:
		return "a table name like <name>";
	case T_FILE:
		return "a path";
	default:
		return "a word";
	}
}

/* What could begin or go on the same thing is one thing to the reader. */
static void simplify(struct front *f, struct expected *e)
{
	static const char *const operators[] = {
		"=", "!=", "<", "<=", ">", ">=", NULL};
	static const char *const continuing[] = {"/", "-",    "><", "<>",
						 ",", "code", NULL};
	static const char *const address_also[] = {"a table", "!", "<", "any",
						   NULL};
	static const char *const options[] = {
		"icmp-type", "icmp6-type", "label", "keep", "no", NULL};
	const char *class = word_class(f->topic_before);
	bool is_word = has(e, "a word");
	bool is_port = is_word && has(e, "!=");
	if (f->previous.kind == '/')
		class = f->topic_before == T_FLAGS ? "TCP flags"
						   : "a prefix length";
	if (!is_word) {
		replace(e, "a table", "a table name like <name>");
		replace(e, "a string", "a path in quotes");
	}
	if (is_word) {
		drop(e, "a string");
		replace(e, "a word", class);
		if (is_port)
			drop_all(e, operators);
		drop_all(e, address_also);
		drop(e, "{");
	} else if (has(e, "a table name like <name>")) {
		drop(e, "<");
	}
	if (has(e, "flags") && has(e, "label")) {
		replace(e, "flags", "a rule option");
		drop_all(e, options);
	}
	if (e->count > 1)
		drop_all(e, continuing);
	/* Said last, and not where a line need not end. */
	bool may_end = has(e, "end of line") && !has(e, "pass") &&
		       !has(e, "transport");
	drop(e, "end of line");
	if (may_end)
		e->names[e->count++] = "end of line";
	drop(e, "end of file");
}

static const char *class_of_many(const struct expected *e)
{
	if (has(e, "pass"))
		return "a statement";
	if (has(e, "a rule option"))
		return "the rest of a rule";
	return "something else";
}

static const char *expected_text(struct front *f, struct expected *e)
{
	if (e->count > LIST_MAX || e->count == 0)
		return class_of_many(e);
	const char *text = "";
	for (int i = 0; i < e->count; i++) {
		const char *quote = is_class(e->names[i]) ? "" : "\"";
		const char *comma = i == 0		? ""
				    : i == e->count - 1 ? " or "
							: ", ";
		text = arena_printf(f->arena, "%s%s%s%s%s", text, comma, quote,
				    e->names[i], quote);
	}
	return text;
}

static const char *found_text(struct front *f)
{
	const struct token *t = &f->last;
	const char *text = token_quote(f, t);
	if (t->kind == T_STRING)
		return arena_printf(f->arena, "the string \"%s\"", text);
	if (t->kind == T_TABLE_NAME)
		return arena_printf(f->arena, "<%s>", text);
	if (!t->text && is_class(text))
		return text;
	return arena_printf(f->arena, "\"%s\"", text);
}

/* The keyword that the word was meant to be, if one is near. */
static const char *nearest_keyword(const struct front *f,
				   const struct expected *e)
{
	const char *keywords[128];
	size_t count = 0;
	if (f->last.kind != T_WORD)
		return NULL;
	for (int i = 0; i < e->count && count < 128; i++) {
		if (!is_class(e->names[i]))
			keywords[count++] = e->names[i];
	}
	return diag_nearest(f->last.text, keywords, count);
}

static void report_unsupported(struct front *f, const char *what)
{
	diag_error(f->diag, f->last.span, "unsupported",
		   "%s is not supported yet", what);
}

/* What pf has in parentheses depends on what is before them. */
static const char *parenthesis_feature(const struct front *f)
{
	switch (f->previous.kind) {
	case T_LOG:
		return "\"log (...)\"";
	case T_STATE:
		return "\"keep state (...)\"";
	default:
		return "an interface in parentheses";
	}
}

static bool is_unsupported(struct front *f)
{
	const struct token *t = &f->last;
	if (t->kind == '(') {
		report_unsupported(f, parenthesis_feature(f));
		return true;
	}
	if (t->kind == T_SET && f->statement_len > 1) {
		report_unsupported(f, "\"set\" in a rule");
		return true;
	}
	bool is_old_no = t->kind == T_NO && f->statement_len == 1;
	if (is_old_no) {
		report_unsupported(f, "\"no\"");
		return true;
	}
	if (t->kind != T_UNSUPPORTED)
		return false;
	const char *set = f->statement == T_SET ? "set " : "";
	report_unsupported(f, arena_printf(f->arena, "\"%s%s\"", set, t->text));
	return true;
}

/* Words that are right but in the wrong place. */
static bool is_rule_word(int kind)
{
	switch (kind) {
	case T_DROP:
	case T_IN:
	case T_OUT:
	case T_LOG:
	case T_QUICK:
	case T_ON:
	case T_INET:
	case T_INET6:
	case T_PROTO:
	case T_ALL:
	case T_FROM:
	case T_TO:
	case T_PORT:
		return true;
	default:
		return false;
	}
}

static void add_hints(struct front *f)
{
	int kind = f->last.kind;
	bool is_rule = f->statement == T_PASS || f->statement == T_BLOCK;
	if (is_rule && f->statement_len > 1 && is_rule_word(kind))
		diag_hint(f->diag, "the order is: pass or block, in or out, "
				   "log, quick, on, inet or inet6, proto, "
				   "from, to, options");
	if (f->statement == T_NAME && kind != T_NEWLINE)
		diag_hint(f->diag, "quote the value: name = \"...\"");
	if (f->topic_before == T_FLAGS && f->previous.kind != T_FLAGS &&
	    kind == T_NEWLINE)
		diag_hint(f->diag, "flags are written set/mask, like S/SA");
}

void expect_report(struct front *f, const char **names, int count)
{
	struct expected e = {names, count};
	bool is_cut = f->is_hopeless || diag_is_full(f->diag);
	if (is_cut || is_unsupported(f)) {
		token_recover(f);
		return;
	}
	const char *found = found_text(f);
	const char *near = nearest_keyword(f, &e);
	if (near) {
		diag_error(f->diag, f->last.span, "parse",
			   "expected \"%s\", found %s", near, found);
		diag_inline_hint(f->diag, "did you mean \"%s\"?", near);
	} else {
		simplify(f, &e);
		diag_error(f->diag, f->last.span, "parse",
			   "expected %s, found %s", expected_text(f, &e),
			   found);
		add_hints(f);
	}
	token_recover(f);
}
