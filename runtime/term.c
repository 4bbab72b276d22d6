/* SPDX-License-Identifier: BSD-2-Clause */
/* term.c: styles -> escape sequences, cells -> columns. */
#include "term.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool term_use_color(enum term_color when, FILE *out)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (when != TERM_AUTO)
		return when == TERM_ALWAYS;
	if ((no_color && *no_color) || !term || !strcmp(term, "dumb"))
		return false;
	return isatty(fileno(out));
}

const char *term_style(enum term_style style, bool use_color)
{
	static const char *const sequences[] = {
		[TERM_PLAIN] = "\033[0m",   [TERM_BOLD] = "\033[1m",
		[TERM_RED] = "\033[1;31m",  [TERM_GREEN] = "\033[32m",
		[TERM_YELLOW] = "\033[33m",
	};

	return use_color ? sequences[style] : "";
}

void term_table_begin(struct term_table *t, size_t columns,
		      const char *right_align)
{
	assert(columns && columns <= TERM_CELLS_MAX);
	memset(t, 0, sizeof(*t));
	t->columns = columns;
	t->right_align = right_align;
}

void term_table_add(struct term_table *t, const char *const cells[])
{
	if (t->row_count == t->capacity) {
		t->capacity = t->capacity ? 2 * t->capacity : 16;
		t->rows = realloc(t->rows, t->capacity * sizeof(*t->rows));
		if (!t->rows)
			abort();
	}
	for (size_t i = 0; i < t->columns; i++) {
		t->rows[t->row_count][i] = strdup(cells[i]);
		if (!t->rows[t->row_count][i])
			abort();
	}
	t->row_count++;
}

/* Nothing is padded behind the last cell that has text. */
static void print_row(const struct term_table *t, size_t row,
		      const size_t widths[], FILE *out)
{
	size_t columns = t->columns;

	while (columns && !*t->rows[row][columns - 1])
		columns--;
	for (size_t i = 0; i < columns; i++) {
		const char *cell = t->rows[row][i];
		int pad = (int)(widths[i] - strlen(cell));

		if (t->right_align[i] == 'r')
			fprintf(out, "%*s%s", pad, "", cell);
		else
			fprintf(out, "%s%*s", cell, i + 1 < columns ? pad : 0,
				"");
		fputs(i + 1 < columns ? "  " : "", out);
	}
	fputc('\n', out);
}

void term_table_end(struct term_table *t, FILE *out, bool use_color)
{
	size_t widths[TERM_CELLS_MAX] = {0};

	for (size_t row = 0; row < t->row_count; row++)
		for (size_t i = 0; i < t->columns; i++)
			if (strlen(t->rows[row][i]) > widths[i])
				widths[i] = strlen(t->rows[row][i]);
	for (size_t row = 0; row < t->row_count; row++) {
		fputs(row ? "" : term_style(TERM_BOLD, use_color), out);
		print_row(t, row, widths, out);
		fputs(row ? "" : term_style(TERM_PLAIN, use_color), out);
		for (size_t i = 0; i < t->columns; i++)
			free(t->rows[row][i]);
	}
	free(t->rows);
	memset(t, 0, sizeof(*t));
}
