/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_report.c: errors, notes and summaries -> text, or fields of the
 * document. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nfload.h"
#include "term.h"

static void print_message(struct nfload *t, enum term_style style,
			  const char *kind, const char *text)
{
	bool color = t->use_error_color;

	fflush(stdout);
	fprintf(stderr, "nfload: %s%s:%s %s\n", term_style(style, color), kind,
		term_style(TERM_PLAIN, color), text);
}

int report_fail(struct nfload *t, int status, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	if (t->json)
		json_put_text(t->json, JSON_FIELD_ERROR, text);
	else
		print_message(t, TERM_RED, "error", text);
	free(text);
	return status;
}

void report_hint(struct nfload *t, const char *hint)
{
	if (t->json)
		json_put_text(t->json, JSON_FIELD_HINT, hint);
	else
		fprintf(stderr, "  hint: %s\n", hint);
}

int report_engine(struct nfload *t, int status, const struct engine_error *err)
{
	report_fail(t, status, "%s", err->text);
	if (*err->hint)
		report_hint(t, err->hint);
	if (*err->log && t->json)
		json_put_text(t->json, JSON_FIELD_LOG, err->log);
	else if (*err->log)
		fprintf(stderr, "%s\n", err->log);
	return status;
}

void report_note(struct nfload *t, const char *note)
{
	const char *name = json_field_info(JSON_FIELD_NOTES)->name;

	if (!t->json) {
		print_message(t, TERM_YELLOW, "warning", note);
		return;
	}
	if (!json_object_get(t->json, name))
		json_put(t->json, JSON_FIELD_NOTES, json_array());
	json_array_append_new(json_object_get(t->json, name), json_text(note));
}

void report_summary(struct nfload *t, bool is_failure, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	fflush(stdout);
	if (t->json)
		json_put_text(t->json, JSON_FIELD_SUMMARY, text);
	else if (is_failure)
		fprintf(stderr, "%s\n", text);
	else if (!t->is_quiet)
		puts(text);
	free(text);
}

static void stages_put(struct nfload *t)
{
	json_t *list = json_array();

	for (size_t i = 0; i < t->meter->count; i++) {
		const struct meter_stage *s = &t->meter->stages[i];
		json_t *o = json_object();

		json_put_text(o, JSON_FIELD_STAGE_NAME, s->name);
		json_put_int(o, JSON_FIELD_STAGE_MS,
			     (json_int_t)(s->ns / 1000000));
		json_put_int(o, JSON_FIELD_STAGE_PEAK, (json_int_t)s->peak);
		json_array_append_new(list, o);
	}
	json_put(t->json, JSON_FIELD_STAGES, list);
	json_put_int(t->json, JSON_FIELD_PEAK_BYTES,
		     (json_int_t)meter_peak(t->meter));
}

void report_stages(struct nfload *t)
{
	struct term_table table;

	meter_pause(t->meter);
	if (t->json) {
		stages_put(t);
		return;
	}
	if (!t->verbose)
		return;
	term_table_begin(&table, 3, "lrr");
	term_table_add(&table, (const char *[]){"stage", "ms", "peak MB"});
	for (size_t i = 0; i < t->meter->count; i++) {
		const struct meter_stage *s = &t->meter->stages[i];
		char ms[24], peak[24];

		snprintf(ms, sizeof(ms), "%.1f", (double)s->ns / 1e6);
		snprintf(peak, sizeof(peak), "%.1f", (double)s->peak / 1e6);
		term_table_add(&table, (const char *[]){s->name, ms, peak});
	}
	term_table_end(&table, stdout, t->use_color);
}

void report_open(struct nfload *t, struct report_text *text)
{
	memset(text, 0, sizeof(*text));
	text->out = t->json ? open_memstream(&text->text, &text->len) : stdout;
	if (!text->out)
		abort();
}

void report_close(struct nfload *t, struct report_text *text)
{
	if (!t->json)
		return;
	if (fclose(text->out))
		abort();
	json_put_text(t->json, JSON_FIELD_TEXT, text->text);
	free(text->text);
}

const char *report_count(char out[COUNT_TEXT_MAX], size_t count,
			 const char *what)
{
	snprintf(out, COUNT_TEXT_MAX, "%zu %s%s", count, what,
		 count == 1 ? "" : "s");
	return out;
}
