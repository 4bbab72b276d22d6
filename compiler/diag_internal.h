/* SPDX-License-Identifier: BSD-2-Clause */
/* diag_internal.h: what diag.c collects and render.c shows. */
#ifndef NFR_DIAG_INTERNAL_H
#define NFR_DIAG_INTERNAL_H

#include "diag.h"

struct diag_line {
	struct diag_line *next;
	struct span span; /* of a note; may be none */
	const char *text;
};

struct diag_item {
	struct diag_item *next;
	struct span span;
	bool is_error;
	const char *class;   /* the word in brackets, without -W */
	const char *warning; /* name, or NULL: an error that no -W changes */
	const char *message;
	const char *inline_hint; /* or NULL */
	struct diag_line *notes, *hints;
};

struct diag {
	struct arena *arena;
	struct sources *sources;
	struct diag_item *first, **tail;
	struct diag_item *current; /* NULL: the last one was not kept */
	unsigned errors, warnings; /* said, with those not kept */
	unsigned errors_kept, warnings_kept;
	struct {
		bool is_off, is_error;
	} setting[WARN_COUNT];
};

/* How many bytes are one well-formed, printable UTF-8 character; 0: none. */
size_t utf8_len(const char *text, size_t len);
/* text with control bytes and broken UTF-8 as \xNN. */
const char *text_printable(struct arena *, const char *text, size_t len);
/* The notes that follow from where the span is: macro and include. */
struct diag_line *diag_place_notes(const struct diag *, struct span);

#endif
