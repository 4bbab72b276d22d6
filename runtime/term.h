/* SPDX-License-Identifier: BSD-2-Clause */
/* term.h: what a terminal shows: colour, or none, and columns that line up. */
#ifndef NFR_TERM_H
#define NFR_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* In the order of "--color auto always never". */
enum term_color { TERM_AUTO, TERM_ALWAYS, TERM_NEVER };

/* auto: a terminal, TERM is not "dumb", NO_COLOR is unset or empty. */
bool term_use_color(enum term_color, FILE *);

enum term_style { TERM_PLAIN, TERM_BOLD, TERM_RED, TERM_GREEN, TERM_YELLOW };

/* The sequence that starts a style (TERM_PLAIN ends all), or "" without colour.
 */
const char *term_style(enum term_style, bool use_color);

#define TERM_CELLS_MAX 8

/* Rows of cells, printed when all of them are known. */
struct term_table {
	size_t columns;		 /* at most TERM_CELLS_MAX */
	const char *right_align; /* "r" or "l" a column */
	char *(*rows)[TERM_CELLS_MAX];
	size_t row_count, capacity;
};

void term_table_begin(struct term_table *, size_t columns,
		      const char *right_align);
/* One string a column; copied. Out of memory is abort(). */
void term_table_add(struct term_table *, const char *const cells[]);
/* Prints and frees; the first row is the heading, bold in colour. */
void term_table_end(struct term_table *, FILE *, bool use_color);

#endif
