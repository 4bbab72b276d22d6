/* SPDX-License-Identifier: BSD-2-Clause */
/* render.c: collected items -> text with carets, or JSON. */
#include "diag_internal.h"

#include <string.h>

#define WINDOW 100	 /* columns of a source line that are shown */
#define WINDOW_BEFORE 60 /* of them before the caret */
#define TAB 8

struct style {
	const char *place, *error, *warning, *note, *hint, *caret, *off;
};

static const struct style plain = {"", "", "", "", "", "", ""};
static const struct style colored = {
	.place = "\033[1m",
	.error = "\033[1;31m",
	.warning = "\033[1;35m",
	.note = "\033[36m",
	.hint = "\033[32m",
	.caret = "\033[1;32m",
	.off = "\033[0m",
};

/* A source line as shown: tabs as blanks, odd bytes as \xNN. */
struct shown {
	char *text;
	size_t len;	  /* bytes */
	uint32_t *column; /* of each byte of the line, and of its end */
};

static struct shown line_show(struct arena *arena, const struct location *loc)
{
	/* Past this the window can not reach. */
	size_t limit = (size_t)loc->col + WINDOW * 4;
	size_t len = loc->line_len < limit ? loc->line_len : limit;
	struct shown s = {
		.text = arena_alloc(arena, len * TAB + 1),
		.column = arena_alloc(arena, (len + 1) * sizeof(uint32_t)),
	};
	uint32_t column = 0;
	for (size_t i = 0; i < len;) {
		const char *at = loc->line_text + i;
		size_t char_len = utf8_len(at, len - i);
		size_t width = 1, bytes = char_len ? char_len : 1;
		if (*at == '\t') {
			width = TAB - column % TAB;
			memset(s.text + s.len, ' ', width);
			s.len += width;
		} else if (*at == '\r' && i + 1 == loc->line_len) {
			width = 0;
		} else if (!char_len) {
			width = 4;
			s.len += (size_t)sprintf(s.text + s.len, "\\x%02x",
						 (unsigned char)*at);
		} else {
			memcpy(s.text + s.len, at, char_len);
			s.len += char_len;
		}
		for (size_t j = 0; j < bytes; j++)
			s.column[i + j] = column;
		column += (uint32_t)width;
		i += bytes;
	}
	s.column[len] = column;
	return s;
}

/* Where the column starts in the shown text: not all characters are a byte. */
static size_t shown_offset(const struct shown *s, uint32_t column)
{
	size_t at = 0;
	while (column && at < s->len) {
		at += utf8_len(s->text + at, s->len - at);
		column--;
	}
	return at;
}

static void repeat(FILE *f, char c, size_t count)
{
	while (count--)
		fputc(c, f);
}

static void caret_print(const struct diag_item *item,
			const struct location *loc, struct arena *arena,
			FILE *f, const struct style *style)
{
	struct shown s = line_show(arena, loc);
	size_t first = loc->col - 1, last = item->span.end - item->span.start;
	size_t len =
		loc->line_len < first + WINDOW ? loc->line_len : first + WINDOW;
	last = last > len - first ? len : first + last;
	uint32_t start = s.column[first], end = s.column[last];
	uint32_t width = s.column[loc->line_len < loc->col + WINDOW * 4u
					  ? loc->line_len
					  : loc->col + WINDOW * 4u];
	uint32_t from = 0, to = width;
	if (width > WINDOW) {
		from = start > WINDOW_BEFORE ? start - WINDOW_BEFORE : 0;
		to = from + WINDOW < width ? from + WINDOW : width;
	}
	if (end > to)
		end = to;
	size_t text_from = shown_offset(&s, from),
	       text_to = shown_offset(&s, to);
	fprintf(f, "%5u | %s%.*s%s\n", loc->line, from ? "..." : "",
		(int)(text_to - text_from), s.text + text_from,
		to < width ? "..." : "");
	fputs("      | ", f);
	repeat(f, ' ', start - from + (from ? 3 : 0));
	fprintf(f, "%s^", style->caret);
	repeat(f, '~', end > start ? end - start - 1 : 0);
	fputs(style->off, f);
	if (item->inline_hint)
		fprintf(f, " %s", item->inline_hint);
	fputc('\n', f);
}

static void place_print(struct arena *arena, FILE *f,
			const struct location *loc)
{
	const char *path = loc->file->path;
	fprintf(f, "%s:%u:%u", text_printable(arena, path, strlen(path)),
		loc->line, loc->col);
}

static void notes_print(const struct diag *d, const struct diag_line *line,
			FILE *f, const struct style *style)
{
	for (; line; line = line->next) {
		struct location loc;
		sources_locate(d->sources, line->span.start, &loc);
		fprintf(f, "  %snote:%s %s", style->note, style->off,
			line->text);
		if (loc.file) {
			bool is_place =
				strcmp(line->text, "included from") == 0;
			fputs(is_place ? " " : " at ", f);
			place_print(d->arena, f, &loc);
		}
		fputc('\n', f);
	}
}

static void item_print(const struct diag *d, const struct diag_item *item,
		       struct arena *scratch, FILE *f,
		       const struct style *style)
{
	struct location loc;
	sources_locate(d->sources, item->span.start, &loc);
	fputs(style->place, f);
	if (loc.file) {
		place_print(scratch, f, &loc);
		fputs(": ", f);
	}
	fprintf(f, "%s%s%s:%s%s %s%s", style->off,
		item->is_error ? style->error : style->warning,
		item->is_error ? "error" : "warning", style->off, style->place,
		item->message, style->off);
	if (item->warning)
		fprintf(f, " [-W%s]\n", item->warning);
	else
		fprintf(f, " [%s]\n", item->class);
	if (loc.line_text)
		caret_print(item, &loc, scratch, f, style);
	notes_print(d, item->notes, f, style);
	notes_print(d, diag_place_notes(d, item->span), f, style);
	for (const struct diag_line *hint = item->hints; hint;
	     hint = hint->next)
		fprintf(f, "  %shint:%s %s\n", style->hint, style->off,
			hint->text);
}

void diag_print(const struct diag *d, FILE *f, bool use_color)
{
	struct arena *scratch = arena_new();
	for (const struct diag_item *i = d->first; i; i = i->next)
		item_print(d, i, scratch, f, use_color ? &colored : &plain);
	if (d->errors > d->errors_kept)
		fprintf(f, "%u more error%s not shown\n",
			d->errors - d->errors_kept,
			d->errors - d->errors_kept == 1 ? " is" : "s are");
	arena_free(&scratch);
}

static void json_place(const struct diag *d, json_t *object, struct span span)
{
	struct location start, end;
	sources_locate(d->sources, span.start, &start);
	sources_locate(d->sources, span.end, &end);
	if (!start.file)
		return;
	const char *path = text_printable(d->arena, start.file->path,
					  strlen(start.file->path));
	json_object_set_new(object, "file", json_string(path));
	json_object_set_new(object, "line", json_integer(start.line));
	json_object_set_new(object, "column", json_integer(start.col));
	if (!end.file)
		return;
	json_object_set_new(object, "end_line", json_integer(end.line));
	json_object_set_new(object, "end_column", json_integer(end.col));
}

static void json_notes(const struct diag *d, json_t *array,
		       const struct diag_line *line)
{
	for (; line; line = line->next) {
		json_t *note = json_object();
		json_object_set_new(note, "message", json_string(line->text));
		json_place(d, note, line->span);
		json_array_append_new(array, note);
	}
}

json_t *diag_json(const struct diag *d)
{
	json_t *array = json_array();
	for (const struct diag_item *i = d->first; i; i = i->next) {
		json_t *object = json_object(), *notes = json_array(),
		       *hints = json_array();
		json_object_set_new(
			object, "severity",
			json_string(i->is_error ? "error" : "warning"));
		json_object_set_new(object, "class", json_string(i->class));
		json_object_set_new(object, "warning",
				    i->warning ? json_string(i->warning)
					       : json_null());
		json_object_set_new(object, "message", json_string(i->message));
		json_place(d, object, i->span);
		json_object_set_new(object, "inline_hint",
				    i->inline_hint ? json_string(i->inline_hint)
						   : json_null());
		json_notes(d, notes, i->notes);
		json_notes(d, notes, diag_place_notes(d, i->span));
		for (const struct diag_line *h = i->hints; h; h = h->next)
			json_array_append_new(hints, json_string(h->text));
		json_object_set_new(object, "notes", notes);
		json_object_set_new(object, "hints", hints);
		json_array_append_new(array, object);
	}
	return array;
}
