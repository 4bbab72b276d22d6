/* SPDX-License-Identifier: BSD-2-Clause */
/* diag.c: mistakes as they are found -> a list of items, each said once. */
#include "diag_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DIAG_WARNINGS_MAX 100

static const struct {
	const char *name;
	bool is_error;
} warning_rows[WARN_COUNT] = {
#define NFR_WARNING(sym, name, is_error, text) {name, is_error},
#include "warnings.def"
#undef NFR_WARNING
};

struct diag *diag_new(struct arena *arena, struct sources *sources)
{
	struct diag *d = arena_new_of(arena, struct diag);
	d->arena = arena;
	d->sources = sources;
	d->tail = &d->first;
	for (int i = 0; i < WARN_COUNT; i++)
		d->setting[i].is_error = warning_rows[i].is_error;
	return d;
}

size_t utf8_len(const char *text, size_t len)
{
	const unsigned char *c = (const unsigned char *)text;
	if (len == 0 || c[0] < 0x20 || c[0] == 0x7f)
		return 0;
	if (c[0] < 0x80)
		return 1;
	size_t want = c[0] >= 0xf0 ? 4 : c[0] >= 0xe0 ? 3 : 2;
	if (c[0] < 0xc2 || c[0] > 0xf4 || want > len)
		return 0;
	for (size_t i = 1; i < want; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	}
	bool is_overlong =
		(c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xf0 && c[1] < 0x90);
	bool is_beyond = c[0] == 0xf4 && c[1] > 0x8f;
	bool is_surrogate = c[0] == 0xed && c[1] > 0x9f;
	bool is_control = c[0] == 0xc2 && c[1] < 0xa0;
	return is_overlong || is_beyond || is_surrogate || is_control ? 0
								      : want;
}

const char *text_printable(struct arena *arena, const char *text, size_t len)
{
	char *out = arena_alloc(arena, len * 4 + 1), *at = out;
	for (size_t i = 0; i < len;) {
		size_t char_len = utf8_len(text + i, len - i);
		if (char_len) {
			memcpy(at, text + i, char_len);
			at += char_len;
			i += char_len;
		} else {
			at += sprintf(at, "\\x%02x", (unsigned char)text[i++]);
		}
	}
	return out;
}

static const char *message_format(struct diag *d, const char *fmt, va_list args)
{
	const char *text = arena_vprintf(d->arena, fmt, args);
	return text_printable(d->arena, text, strlen(text));
}

static bool is_known(const struct diag *d, struct span span,
		     const char *message)
{
	for (const struct diag_item *i = d->first; i; i = i->next) {
		if (i->span.start == span.start && i->span.end == span.end &&
		    !strcmp(i->message, message))
			return true;
	}
	return false;
}

static void item_add(struct diag *d, struct span span, bool is_error,
		     const char *class, const char *warning,
		     const char *message)
{
	d->current = NULL;
	if (is_known(d, span, message))
		return;
	unsigned *kept = is_error ? &d->errors_kept : &d->warnings_kept;
	*(is_error ? &d->errors : &d->warnings) += 1;
	if (*kept >= (is_error ? DIAG_ERRORS_MAX : DIAG_WARNINGS_MAX))
		return;
	*kept += 1;
	struct diag_item *i = arena_new_of(d->arena, struct diag_item);
	*i = (struct diag_item){.span = span,
				.is_error = is_error,
				.class = class,
				.warning = warning,
				.message = message};
	*d->tail = i;
	d->tail = &i->next;
	d->current = i;
}

void diag_error(struct diag *d, struct span span, const char *class,
		const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	item_add(d, span, true, class, NULL, message_format(d, fmt, args));
	va_end(args);
}

void diag_warning(struct diag *d, struct span span, enum warning warning,
		  const char *fmt, ...)
{
	d->current = NULL;
	if (d->setting[warning].is_off)
		return;
	va_list args;
	va_start(args, fmt);
	item_add(d, span, d->setting[warning].is_error, "warning",
		 warning_rows[warning].name, message_format(d, fmt, args));
	va_end(args);
}

void diag_inline_hint(struct diag *d, const char *fmt, ...)
{
	if (!d->current)
		return;
	va_list args;
	va_start(args, fmt);
	d->current->inline_hint = message_format(d, fmt, args);
	va_end(args);
}

static void line_append(struct diag *d, struct diag_line **list,
			struct span span, const char *text)
{
	while (*list)
		list = &(*list)->next;
	*list = arena_new_of(d->arena, struct diag_line);
	(*list)->span = span;
	(*list)->text = text;
}

void diag_note(struct diag *d, struct span span, const char *fmt, ...)
{
	if (!d->current)
		return;
	va_list args;
	va_start(args, fmt);
	line_append(d, &d->current->notes, span, message_format(d, fmt, args));
	va_end(args);
}

void diag_hint(struct diag *d, const char *fmt, ...)
{
	if (!d->current)
		return;
	va_list args;
	va_start(args, fmt);
	line_append(d, &d->current->hints, SPAN_NONE,
		    message_format(d, fmt, args));
	va_end(args);
}

struct diag_line *diag_place_notes(const struct diag *d, struct span span)
{
	struct diag_line *first = NULL, **tail = &first;
	const struct source_use *use = sources_find_use(d->sources, span.start);
	if (use) {
		*tail = arena_new_of(d->arena, struct diag_line);
		(*tail)->span = use->defined;
		(*tail)->text = arena_printf(
			d->arena, "macro \"%s\" is defined%s", use->name,
			use->defined.start ? "" : " on the command line");
		tail = &(*tail)->next;
	}
	struct location loc;
	sources_locate(d->sources, span.start, &loc);
	while (loc.file && loc.file->included.start) {
		*tail = arena_new_of(d->arena, struct diag_line);
		(*tail)->span = loc.file->included;
		(*tail)->text = "included from";
		tail = &(*tail)->next;
		sources_locate(d->sources, loc.file->included.start, &loc);
	}
	return first;
}

int diag_set_warning(struct diag *d, const char *option)
{
	if (!strcmp(option, "error")) {
		for (int i = 0; i < WARN_COUNT; i++)
			d->setting[i].is_error = true;
		return 0;
	}
	const char *name = option;
	bool is_no = !strncmp(name, "no-", 3);
	if (is_no)
		name += 3;
	bool is_severity = !strncmp(name, "error=", 6);
	if (is_severity)
		name += 6;
	for (int i = 0; i < WARN_COUNT; i++) {
		if (strcmp(name, warning_rows[i].name))
			continue;
		if (is_severity)
			d->setting[i].is_error = !is_no;
		else
			d->setting[i].is_off = is_no;
		if (is_severity && !is_no)
			d->setting[i].is_off = false;
		return 0;
	}
	return -EINVAL;
}

unsigned diag_errors(const struct diag *d)
{
	return d->errors;
}

unsigned diag_warnings(const struct diag *d)
{
	return d->warnings;
}

bool diag_is_full(const struct diag *d)
{
	return d->errors >= DIAG_ERRORS_MAX;
}

const char *diag_summary(const struct diag *d)
{
	if (!d->errors && !d->warnings)
		return NULL;
	const char *errors = "", *warnings = "";
	if (d->errors)
		errors = arena_printf(d->arena, "%u error%s", d->errors,
				      d->errors == 1 ? "" : "s");
	if (d->warnings)
		warnings = arena_printf(d->arena, "%u warning%s", d->warnings,
					d->warnings == 1 ? "" : "s");
	return arena_printf(d->arena, "%s%s%s", errors,
			    d->errors && d->warnings ? ", " : "", warnings);
}

/* Optimal string alignment: a swap of neighbours is one mistake. */
static size_t edit_distance(const char *a, const char *b)
{
	enum { MAX = 64 };
	size_t a_len = strlen(a), b_len = strlen(b);
	if (a_len >= MAX || b_len >= MAX)
		return MAX;
	size_t rows[3][MAX + 1];
	for (size_t j = 0; j <= b_len; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3];
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);
			if (above[j] + 1 < best)
				best = above[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			bool is_swap = i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				       a[i - 2] == b[j - 1];
			if (is_swap && rows[(i + 1) % 3][j - 2] + 1 < best)
				best = rows[(i + 1) % 3][j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[a_len % 3][b_len];
}

const char *diag_nearest(const char *word, const char *const *candidates,
			 size_t count)
{
	size_t len = strlen(word);
	size_t best = len < 2 ? 0 : len < 6 ? 1 : len / 3;
	const char *nearest = NULL;
	for (size_t i = 0; i < count; i++) {
		size_t distance = edit_distance(word, candidates[i]);
		if (distance <= best && distance < strlen(candidates[i])) {
			if (nearest && distance == best)
				continue;
			nearest = candidates[i];
			best = distance;
		}
	}
	return nearest;
}
