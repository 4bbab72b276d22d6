/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diag.h: collects errors, warnings, notes and hints with their places; prints
 * them with carets, or as JSON.
 */
#ifndef NFR_DIAG_H
#define NFR_DIAG_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "arena.h"
#include "source.h"

#define DIAG_ERRORS_MAX 20

enum warning {
#define NFR_WARNING(sym, name, is_error, text) WARN_##sym,
#include "warnings.def"
#undef NFR_WARNING
	WARN_COUNT
};

struct diag;

struct diag *diag_new(struct arena *, struct sources *);

/*
 * class is the word in brackets: "parse", "name", "type", "contract", ... At
 * most DIAG_ERRORS_MAX errors are kept, the rest counted. The same text at the
 * same place is said once.
 */
void diag_error(struct diag *, struct span, const char *class, const char *fmt,
		...) __attribute__((format(printf, 4, 5)));
/* An error or a warning, as -W and warnings.def say. */
void diag_warning(struct diag *, struct span, enum warning, const char *fmt,
		  ...) __attribute__((format(printf, 4, 5)));
/* These belong to the error or warning before them. */
void diag_inline_hint(struct diag *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))); /* behind the caret */
void diag_note(struct diag *, struct span, const char *fmt, ...)
	__attribute__((format(printf, 3, 4))); /* span may be SPAN_NONE */
void diag_hint(struct diag *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* -W name, -W no-name, -W error, -W error=name, -W no-error=name. 0 or -EINVAL.
 */
int diag_set_warning(struct diag *, const char *option);

unsigned diag_errors(const struct diag *);
unsigned diag_warnings(const struct diag *);
bool diag_is_full(const struct diag *); /* no use in going on */

/* All of them in source order of their saying; no summary line. */
void diag_print(const struct diag *, FILE *, bool use_color);
/* "2 errors, 1 warning" or NULL when there are none; in the arena. */
const char *diag_summary(const struct diag *);
/* A new JSON array; the caller owns the reference. */
json_t *diag_json(const struct diag *);

/* The candidate nearest to word, or NULL when none is near enough to suggest.
 */
const char *diag_nearest(const char *word, const char *const *candidates,
			 size_t count);

#endif
