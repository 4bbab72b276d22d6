/* SPDX-License-Identifier: BSD-2-Clause */
/* front.c: a file and what it includes -> the ast. */
#include "front.h"

#include <stdlib.h>

#include "parse.tab.h"

struct front *front_begin(struct arena *arena, struct sources *sources,
			  struct diag *diag, const struct source_file *file,
			  const struct parse_define *defines,
			  size_t define_count)
{
	struct front *f = arena_new_of(arena, struct front);
	f->arena = f->keep = arena;
	f->sources = sources;
	f->diag = diag;
	f->unread.kind = -1;
	f->last.kind = T_NEWLINE;
	f->last_defined = &f->first_defined;
	for (size_t i = 0; i < define_count; i++)
		macro_define(f, SPAN_NONE, defines[i].name, defines[i].value,
			     true);
	/* Only memory can be lacking; the arena does not go on either. */
	if (!scan_begin(f))
		abort();
	token_open_file(f, file);
	return f;
}

void front_end(struct front *f)
{
	scan_end(f);
}

static void parse(struct front *f, struct ast *out)
{
	*out = (struct ast){.pack = f->pack};
	out->tail = &out->first;
	f->ast = out;
	parse_parse(f);
	macro_warn_unused(f);
	front_end(f);
}

void parse_file(struct arena *arena, struct sources *sources, struct diag *diag,
		const struct source_file *file,
		const struct parse_define *defines, size_t define_count,
		struct ast *out)
{
	struct front *f =
		front_begin(arena, sources, diag, file, defines, define_count);

	parse(f, out);
}

void parse_file_packed(struct arena *arena, struct sources *sources,
		       struct diag *diag, const struct source_file *file,
		       const struct parse_define *defines, size_t define_count,
		       struct ast *out)
{
	struct front *f =
		front_begin(arena, sources, diag, file, defines, define_count);

	f->pack = pack_new(arena);
	parse(f, out);
}
