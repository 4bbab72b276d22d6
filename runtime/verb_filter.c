/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_filter.c: a policy and a capture -> what passes, and what was judged. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine_pcap.h"
#include "event.h"
#include "nfload.h"
#include "term.h"

struct filter {
	struct nfload *tool;
	const struct image *image;
	FILE *out;	/* not standard output when the capture goes there */
	json_t *events; /* of -v --json */
	int64_t last_us;
};

static void take_packet(void *arg, const struct engine_pcap_packet *p)
{
	struct filter *f = arg;
	const struct nfload *t = f->tool;
	struct event_context context = {.image = f->image,
					.ifname = t->on ? t->on : "?",
					.time_us = p->time_us,
					.use_color = t->use_color &&
						     f->out == stdout};
	char time_text[EVENT_TIME_MAX];

	if (f->events) {
		json_array_append_new(f->events,
				      event_json(p->event, &context));
		return;
	}
	event_format_time(EVENT_TIME_CLOCK, p->time_us, f->last_us, time_text);
	f->last_us = p->time_us;
	fprintf(f->out, "%" PRIu64 " %s", p->number, time_text);
	event_print(p->event, &context, f->out);
	fputc('\n', f->out);
}

static void put_counters(json_t *list, const char *verdict,
			 const struct nfr_count by[])
{
	for (unsigned i = 0; i < NFR_REASON_COUNT; i++) {
		json_t *o;

		if (!by[i].packets)
			continue;
		o = json_object();
		json_put_text(o, JSON_FIELD_COUNTER_VERDICT, verdict);
		json_put_text(o, JSON_FIELD_COUNTER_REASON,
			      event_reason_name(i));
		json_put_bool(o, JSON_FIELD_COUNTER_DOUBT,
			      event_reason_is_doubt(i));
		json_put_text(o, JSON_FIELD_COUNTER_TEXT, event_reason_text(i));
		json_put_int(o, JSON_FIELD_COUNTER_PACKETS,
			     (json_int_t)by[i].packets);
		json_put_int(o, JSON_FIELD_COUNTER_BYTES,
			     (json_int_t)by[i].bytes);
		json_array_append_new(list, o);
	}
}

static void put_counts(struct nfload *t, const struct engine_pcap_counts *c)
{
	json_t *list = json_array();

	json_put_int(t->json, JSON_FIELD_PACKETS, (json_int_t)c->all.packets);
	json_put_int(t->json, JSON_FIELD_PASSED, (json_int_t)c->passed.packets);
	json_put_int(t->json, JSON_FIELD_BLOCKED,
		     (json_int_t)c->blocked.packets);
	put_counters(list, "pass", c->passed_by);
	put_counters(list, "block", c->blocked_by);
	json_put(t->json, JSON_FIELD_COUNTERS, list);
	if (t->write_path)
		json_put_text(t->json, JSON_FIELD_OUTPUT, t->write_path);
}

static void add_counts(struct term_table *table, const char *verdict,
		       const struct nfr_count by[])
{
	for (unsigned i = 0; i < NFR_REASON_COUNT; i++) {
		char packets[24], bytes[24];
		const char *cells[] = {verdict, event_reason_name(i), packets,
				       bytes, event_reason_text(i)};

		if (!by[i].packets)
			continue;
		snprintf(packets, sizeof(packets), "%" PRIu64,
			 (uint64_t)by[i].packets);
		snprintf(bytes, sizeof(bytes), "%" PRIu64,
			 (uint64_t)by[i].bytes);
		term_table_add(table, cells);
	}
}

/* A rule may still be about it, as one on every interface or on ! another. */
static bool names_iface(const struct image *image, const char *name)
{
	for (__u32 i = 0; i < image->iface_count; i++)
		if (!strcmp(image_string(image, image->ifaces[i].name), name))
			return true;
	return false;
}

static void print_counts(const struct filter *f,
			 const struct engine_pcap_counts *c)
{
	static const char *const heading[] = {"verdict", "reason", "packets",
					      "bytes", ""};
	const struct nfload *t = f->tool;
	struct term_table table;
	char packets[COUNT_TEXT_MAX];

	if (t->is_quiet)
		return;
	term_table_begin(&table, 5, "llrrl");
	term_table_add(&table, heading);
	add_counts(&table, "pass", c->passed_by);
	add_counts(&table, "block", c->blocked_by);
	term_table_end(&table, f->out, t->use_color && f->out == stdout);
	fprintf(f->out, "%s: %s, %" PRIu64 " passed, %" PRIu64 " blocked",
		t->read_path, report_count(packets, c->all.packets, "packet"),
		(uint64_t)c->passed.packets, (uint64_t)c->blocked.packets);
	if (c->truncated)
		fprintf(f->out, ", %" PRIu64 " of them captured in part",
			c->truncated);
	if (t->on && !names_iface(f->image, t->on))
		fprintf(f->out, "; no rule names %s", t->on);
	if (t->write_path)
		fprintf(f->out, "; what passed is in %s", t->write_path);
	fputc('\n', f->out);
}

static int run_filter(struct nfload *t, const struct input *in)
{
	bool is_piped = t->write_path && !strcmp(t->write_path, "-");
	struct filter f = {.tool = t,
			   .image = &in->image,
			   .out = is_piped ? stderr : stdout};
	struct engine_pcap_options options = {.in_path = t->read_path,
					      .out_path = t->write_path,
					      .iface = t->on,
					      .dir = t->dir,
					      .packet_arg = &f};
	struct engine_pcap_counts counts = {0};
	char error[ENGINE_PCAP_ERROR_MAX] = "";

	if (t->verbose)
		options.packet = take_packet;
	if (t->verbose && t->json)
		f.events = json_array();
	if (engine_pcap_filter(&in->image, &options, &counts, error)) {
		json_decref(f.events);
		return report_fail(t, EXIT_INPUT, "%s", error);
	}
	if (t->json) {
		put_counts(t, &counts);
		if (f.events)
			json_put(t->json, JSON_FIELD_EVENTS, f.events);
	} else {
		print_counts(&f, &counts);
	}
	return counts.passed.packets ? EXIT_YES : EXIT_NO;
}

/* 0, or an exit status. */
static int check_paths(struct nfload *t)
{
	if (!t->read_path)
		return report_fail(t, EXIT_INPUT,
				   "\"nfload filter\" needs --read PCAP");
	if (!strcmp(t->read_path, "-") && !strcmp(t->file, "-"))
		return report_fail(t, EXIT_INPUT,
				   "FILE and --read can not both be standard "
				   "input");
	if (t->json && t->write_path && !strcmp(t->write_path, "-"))
		return report_fail(t, EXIT_INPUT,
				   "--json and the capture can not both go to "
				   "standard output");
	return 0;
}

int verb_filter(struct nfload *t)
{
	struct input in = {0};
	int status = check_paths(t);

	if (!status) {
		status = input_read(t, 0, &in);
		if (status)
			report_summary(t, true, "%s. Nothing was filtered.",
				       in.failure);
		else
			status = run_filter(t, &in);
	}
	input_free(&in);
	return status;
}
