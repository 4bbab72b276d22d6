/* SPDX-License-Identifier: BSD-2-Clause */
/* event.c: a trace record, and the image that explains it -> one line of text.
 */
#include "event.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <time.h>

#include "../compiler/addr.h"
#include "../compiler/host.h"
#include "event_packet.h"
#include "term.h"

static const struct {
	const char *name, *text;
	bool is_doubt;
} reasons[] = {
#define NFR_REASON(sym, name, doubt, text) {(name), (text), (doubt)},
#include "reasons.def"
#undef NFR_REASON
};

const char *event_reason_name(unsigned reason)
{
	return reason < NFR_REASON_COUNT ? reasons[reason].name : "?";
}

const char *event_reason_text(unsigned reason)
{
	return reason < NFR_REASON_COUNT ? reasons[reason].text
					 : "of a newer version";
}

bool event_reason_is_doubt(unsigned reason)
{
	return reason >= NFR_REASON_COUNT || reasons[reason].is_doubt;
}

/* ---- time -------------------------------------------------------------- */

void event_format_time(enum event_time style, int64_t time_us, int64_t last_us,
		       char out[EVENT_TIME_MAX])
{
	time_t seconds = (time_t)(time_us / 1000000);
	int us = (int)(time_us % 1000000);
	int64_t delta = last_us ? time_us - last_us : 0;
	char clock[40];
	struct tm tm;

	switch (style) {
	case EVENT_TIME_CLOCK:
	case EVENT_TIME_DATE:
		if (!localtime_r(&seconds, &tm) ||
		    !strftime(clock, sizeof(clock),
			      style == EVENT_TIME_DATE ? "%Y-%m-%d %H:%M:%S"
						       : "%H:%M:%S",
			      &tm))
			clock[0] = '\0';
		snprintf(out, EVENT_TIME_MAX, "%s.%06d ", clock, us);
		break;
	case EVENT_TIME_EPOCH:
		snprintf(out, EVENT_TIME_MAX, "%lld.%06d ", (long long)seconds,
			 us);
		break;
	case EVENT_TIME_DELTA:
		snprintf(out, EVENT_TIME_MAX, "%s%lld.%06lld ",
			 delta < 0 ? "-" : "", llabs(delta) / 1000000,
			 llabs(delta) % 1000000);
		break;
	default:
		out[0] = '\0';
	}
}

/* ---- rule -------------------------------------------------------------- */

/* The rule's place in the image, or NULL when either is not known. */
static const struct image_ruleinfo *info_of(const struct nfr_event *e,
					    const struct event_context *c)
{
	if (!c->image || e->rule >= c->image->rule_count)
		return NULL;
	return &c->image->ruleinfo[e->rule];
}

static const char *file_of(const struct image_ruleinfo *info,
			   const struct event_context *c)
{
	if (!info || info->file >= c->image->file_count)
		return NULL;
	return image_string(c->image, c->image->files[info->file]);
}

static void print_rule_place(const struct nfr_event *e,
			     const struct event_context *c, FILE *out)
{
	const struct image_ruleinfo *info = info_of(e, c);
	const char *file = file_of(info, c);

	if (e->rule != NFR_NO_RULE)
		fprintf(out, " @%u", e->rule);
	if (info && info->label)
		fprintf(out, " label \"%s\"",
			image_string(c->image, info->label));
	if (file)
		fprintf(out, " %s:%u:%u", file, info->line, info->col);
}

void event_print(const struct nfr_event *e, const struct event_context *c,
		 FILE *out)
{
	bool is_pass = e->verdict == NFR_PASS;

	fprintf(out, "%s%s%s %s on %s ",
		term_style(is_pass ? TERM_GREEN : TERM_RED, c->use_color),
		is_pass ? "pass" : "block",
		term_style(TERM_PLAIN, c->use_color),
		e->dir == NFR_DIR_OUT ? "out" : "in", c->ifname);
	event_print_packet(e, out);
	fprintf(out, " [%s]", event_reason_name(e->reason));
	print_rule_place(e, c, out);
	fprintf(out, " gen %u", e->generation);
}

/* ---- JSON -------------------------------------------------------------- */

static void put_rule(json_t *o, const struct nfr_event *e,
		     const struct event_context *c)
{
	const struct image_ruleinfo *info = info_of(e, c);
	const char *file = file_of(info, c);

	if (e->rule != NFR_NO_RULE)
		json_put_int(o, JSON_FIELD_EVENT_RULE, e->rule);
	if (info && info->label)
		json_put_text(o, JSON_FIELD_EVENT_LABEL,
			      image_string(c->image, info->label));
	if (file) {
		json_put_text(o, JSON_FIELD_EVENT_FILE, file);
		json_put_int(o, JSON_FIELD_EVENT_LINE, info->line);
		json_put_int(o, JSON_FIELD_EVENT_COLUMN, info->col);
	}
}

json_t *event_json(const struct nfr_event *e, const struct event_context *c)
{
	json_t *o = json_object();

	if (!o)
		abort();
	json_put_int(o, JSON_FIELD_EVENT_TIME, c->time_us);
	json_put_text(o, JSON_FIELD_EVENT_VERDICT,
		      e->verdict == NFR_PASS ? "pass" : "block");
	json_put_text(o, JSON_FIELD_EVENT_DIR,
		      e->dir == NFR_DIR_OUT ? "out" : "in");
	json_put_text(o, JSON_FIELD_EVENT_IFACE, c->ifname);
	event_put_packet(e, o);
	json_put_text(o, JSON_FIELD_EVENT_REASON, event_reason_name(e->reason));
	put_rule(o, e, c);
	json_put_int(o, JSON_FIELD_EVENT_GENERATION, e->generation);
	return o;
}
