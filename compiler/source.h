/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * source.h: files in, byte offsets out; byte offset -> file:line:col.
 *
 * All files of a compilation share one offset space, so a span is two
 * integers wherever it came from. Offset 0 is "nowhere".
 */
#ifndef NFR_SOURCE_H
#define NFR_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "arena.h"

struct span {
	uint32_t start; /* first byte; 0: generated, no place */
	uint32_t end;	/* one past the last */
};

#define SPAN_NONE ((struct span){0, 0})

struct source_file {
	const char *path; /* as the user wrote it; "-" is standard input */
	const char *text; /* NUL after the last byte; may hold NULs; NULL
			     while it is released */
	size_t len;
	uint32_t base;	      /* offset of text[0] */
	struct span included; /* the include statement, or none */
	uint32_t index;	      /* 0: the main file */
};

struct location {
	const struct source_file *file;
	uint32_t line;	       /* from 1 */
	uint32_t col;	       /* from 1, in bytes */
	const char *line_text; /* start of the line in file->text, or NULL */
	size_t line_len;       /* without the newline */
};

struct sources;

struct sources *sources_new(struct arena *);

/*
 * Reads path ("-" reads standard input), relative to the directory of `from`
 * unless absolute or from is none. 0, or -errno (-EFBIG above 64 MiB in all,
 * -EISDIR, -ENOENT ...). *out lives as long as the arena.
 */
int sources_read(struct sources *, const char *path, struct span from,
		 const struct source_file **out);
/* The same for text in memory; copies it. */
const struct source_file *sources_add(struct sources *, const char *path,
				      const char *text, size_t len);
const struct source_file *sources_file(const struct sources *, uint32_t index);
/*
 * For whom memory is short. Texts of files are in an arena of their own, which
 * is emptied while they are released: places have lines and columns then, but
 * no text. Restored are those of files that still hold the same.
 */
void sources_keep_texts_in(struct sources *, struct arena *texts);
void sources_release_texts(struct sources *);
void sources_restore_texts(struct sources *);
/* Behind the last offset that there is. */
uint32_t sources_end(const struct sources *);
uint32_t sources_count(const struct sources *);

/* Where a span starts. loc->file is NULL for SPAN_NONE. */
void sources_locate(const struct sources *, uint32_t offset,
		    struct location *loc);

/*
 * Tokens that came from a macro have the span of its use, "$name". The parser
 * records each use, in the order of the text, so that whoever reports
 * something there can also say where the macro was defined.
 */
struct source_use {
	struct span use;
	struct span defined; /* none: by -D */
	const char *name;
};
void sources_add_use(struct sources *, struct span use, const char *name,
		     struct span defined);
const struct source_use *sources_find_use(const struct sources *,
					  uint32_t offset);

/* From the start of a to the end of b. */
struct span span_join(struct span a, struct span b);

#endif
