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
	struct front *f =
		front_begin(arena, sources, diag, file, defines, define_count);
	PARSE_STYPE value = {0};
	struct span span;
	int kind;

	while ((kind = parse_lex(&value, &span, f)) != T_EOF)
		print_token(f, kind, span, value.text, out);
	front_end(f);
}
