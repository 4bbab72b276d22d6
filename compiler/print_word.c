/* SPDX-License-Identifier: BSD-2-Clause */
/* print_word.c: words and names -> text that is read as the same word. */
#include "print_internal.h"

#include <string.h>

#include "front.h"

/* A backslash is only written twice where it would be read as an escape. */
void print_string(const char *text, FILE *f)
{
	fputc('"', f);
	for (const char *c = text; *c; c++) {
		bool is_special =
			*c == '"' ||
			(*c == '\\' && (!c[1] || c[1] == '"' || c[1] == '\\'));
		if (is_special)
			fputc('\\', f);
		fputc(*c, f);
	}
	fputc('"', f);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool is_made_of(const char *text, const char *first, const char *rest)
{
	return *text && strchr(first, *text) &&
	       strspn(text, rest) == strlen(text);
}

/* Quoted where it would be read as something else. */
void print_word(const char *text, FILE *f)
{
	bool is_plain = is_made_of(
		text, LETTERS DIGITS "_:", LETTERS DIGITS "_:.%@+*-");
	if (is_plain && !keyword_needs_quotes(text))
		fputs(text, f);
	else
		print_string(text, f);
}

void print_table_name(const char *name, FILE *f)
{
	fputc('<', f);
	if (is_made_of(name, LETTERS "_", LETTERS DIGITS "_:.-"))
		fputs(name, f);
	else
		print_string(name, f);
	fputc('>', f);
}

void print_name(const struct ast_name *name, FILE *f)
{
	if (name->text)
		print_word(name->text, f);
	else
		fprintf(f, "%lld", (long long)name->value);
}

static const char *name_text(const struct ast_name *name, char number[24])
{
	if (name->text)
		return name->text;
	snprintf(number, 24, "%lld", (long long)name->value);
	return number;
}

void print_port_range(const struct ast_name *first, const struct ast_name *last,
		      FILE *f)
{
	char text[FRONT_STRING_MAX + 64], from[24], to[24];

	snprintf(text, sizeof(text), "%s:%s", name_text(first, from),
		 last ? name_text(last, to) : "*");
	print_word(text, f);
}

/* What stands before, between and after the members of a list. */
void open_list(bool is_list, FILE *f)
{
	fputs(is_list ? " { " : " ", f);
}

void next_of_list(const void *next, FILE *f)
{
	if (next)
		fputs(", ", f);
}

void close_list(bool is_list, FILE *f)
{
	if (is_list)
		fputs(" }", f);
}
