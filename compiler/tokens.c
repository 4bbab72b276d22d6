/* SPDX-License-Identifier: BSD-2-Clause */
/* tokens.c: a file and what it includes -> its tokens, one a line. */
#include "tokens.h"

#include <stdlib.h>

#include "front.h"
#include "parse.tab.h"

int parse_lex(PARSE_STYPE *, struct span *, struct front *);

static void print_token(const struct front *f, int kind, struct span span,
			const char *text, FILE *out)
{
	struct location at;

	sources_locate(f->sources, span.start, &at);
	if (at.file)
		fprintf(out, "%s:%u:%u: ", at.file->path, at.line, at.col);
	fputs(token_name(kind), out);
	if (text)
		fprintf(out, " \"%s\"", text);
	fputc('\n', out);
}

void tokens_print(struct arena *arena, struct sources *sources,
		  struct diag *diag, const struct source_file *file,
		  const struct parse_define *defines, size_t define_count,
		  FILE *out)
{
	struct front *f = arena_new_of(arena, struct front);
	PARSE_STYPE value = {0};
	struct span span;
	int kind;

	/* The state that parse_file() begins with. */
	f->arena = arena;
	f->sources = sources;
	f->diag = diag;
	f->unread.kind = -1;
	f->last.kind = T_NEWLINE;
	f->last_defined = &f->first_defined;
	for (size_t i = 0; i < define_count; i++)
		macro_define(f, SPAN_NONE, defines[i].name, defines[i].value,
			     true);
	/* As in parse_file(): only memory can lack. */
	if (!scan_begin(f))
		abort();
	token_open_file(f, file);
	while ((kind = parse_lex(&value, &span, f)) != T_EOF)
		print_token(f, kind, span, value.text, out);
	scan_end(f);
}
