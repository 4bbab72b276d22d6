/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_show.c: what is in force -> rules, counters, hooks, states. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "nfload.h"
#include "term.h"

static int fail_read(struct nfload *t, int rc, const struct engine_error *err)
{
	if (rc == -ENOENT)
		return report_fail(t, EXIT_NO, "nothing is loaded in %s",
				   t->bpffs);
	return report_engine(t, EXIT_REFUSED, err);
}

/* In the order of SHOW_WORDS. */
enum show {
	SHOW_RULES,
	SHOW_COUNTERS,
	SHOW_HOOKS,
	SHOW_STATES,
	SHOW_INFO,
	SHOW_TABLES
};

/* ---- rules ------------------------------------------------------------- */

struct shown_rule {
	const struct image *image;
	const struct nfr_rule *rule;
	const struct image_ruleinfo *info;
	const char *file; /* or NULL */
	__u32 number;
	struct nfr_count count;
};

static void print_shown(const struct nfload *t, const struct shown_rule *r)
{
	char place[300] = "generated";

	if (r->file)
		snprintf(place, sizeof(place), "%.255s:%u:%u", r->file,
			 r->info->line, r->info->col);
	printf("%s@%u%s %s  [%s", term_style(TERM_BOLD, t->use_color),
	       r->number, term_style(TERM_PLAIN, t->use_color),
	       image_string(r->image, r->info->text), place);
	if (r->file && r->info->flags & IMAGE_RULE_GENERATED)
		fputs(", generated", stdout);
	puts("]");
	if (!t->verbose)
		return;
	printf("    packets %" PRIu64 ", bytes %" PRIu64,
	       (uint64_t)r->count.packets, (uint64_t)r->count.bytes);
	if (r->info->label)
		printf("; label \"%s\"",
		       image_string(r->image, r->info->label));
	if (t->verbose > 1)
		printf("; id %016" PRIx64, (uint64_t)r->info->id);
	putchar('\n');
}

static json_t *shown_json(const struct shown_rule *r)
{
	json_t *o = json_object();
	char id[17];

	snprintf(id, sizeof(id), "%016" PRIx64, (uint64_t)r->info->id);
	json_put_int(o, JSON_FIELD_RULE_NUMBER, r->number);
	json_put_text(o, JSON_FIELD_RULE_TEXT,
		      image_string(r->image, r->info->text));
	json_put_text(o, JSON_FIELD_RULE_VERDICT,
		      r->rule->verdict == NFR_PASS ? "pass" : "block");
	json_put_bool(o, JSON_FIELD_RULE_GUARD,
		      r->rule->flags & NFR_RULE_GUARD ? 1 : 0);
	json_put_bool(o, JSON_FIELD_RULE_GENERATED,
		      r->info->flags & IMAGE_RULE_GENERATED ? 1 : 0);
	if (r->info->label)
		json_put_text(o, JSON_FIELD_RULE_LABEL,
			      image_string(r->image, r->info->label));
	if (r->file) {
		json_put_text(o, JSON_FIELD_RULE_FILE, r->file);
		json_put_int(o, JSON_FIELD_RULE_LINE, r->info->line);
		json_put_int(o, JSON_FIELD_RULE_COLUMN, r->info->col);
	}
	json_put_text(o, JSON_FIELD_RULE_ID, id);
	json_put_int(o, JSON_FIELD_RULE_PACKETS, (json_int_t)r->count.packets);
	json_put_int(o, JSON_FIELD_RULE_BYTES, (json_int_t)r->count.bytes);
	return o;
}

static void list_rules(struct nfload *t, const struct image *image,
		       const struct nfr_count *counts)
{
	json_t *list = t->json ? json_array() : NULL;

	for (__u32 i = 0; i < image->rule_count; i++) {
		const struct image_ruleinfo *info = &image->ruleinfo[i];
		struct shown_rule r = {.image = image,
				       .rule = &image->rules[i],
				       .info = info,
				       .number = i,
				       .count = counts[i]};

		if (info->file < image->file_count)
			r.file = image_string(image, image->files[info->file]);
		if (list)
			json_array_append_new(list, shown_json(&r));
		else
			print_shown(t, &r);
	}
	if (list)
		json_put(t->json, JSON_FIELD_RULES, list);
}

static int show_rules(struct nfload *t, struct engine *engine)
{
	struct engine_error err = {0};
	const struct image *image;
	struct nfr_count *counts = NULL;
	struct nfr_control control;
	uint32_t generation;
	int rc;

	rc = engine_control(engine, &control);
	if (rc)
		return report_fail(t, EXIT_REFUSED, "the switch: %s",
				   strerror(-rc));
	generation =
		control.active < 2 ? control.generation[control.active] : 0;
	json_put_int(t->json, JSON_FIELD_GENERATION, generation);
	if (!generation)
		return report_fail(t, EXIT_NO,
				   "no policy is in force; the hooks that are "
				   "there block everything");
	rc = engine_image(engine, generation, &image, &err);
	if (rc)
		return fail_read(t, rc, &err);
	counts = calloc((size_t)image->rule_count + 1, sizeof(*counts));
	if (!counts)
		abort();
	rc = engine_rule_counts(engine, generation, counts, image->rule_count,
				&err);
	if (!rc) {
		if (!t->json && !t->is_quiet)
			printf("generation %u\n", generation);
		list_rules(t, image, counts);
	}
	free(counts);
	return rc ? fail_read(t, rc, &err) : EXIT_YES;
}

/* ---- counters ---------------------------------------------------------- */

static json_t *counter_json(unsigned reason, const char *dir,
			    const struct nfr_count *count)
{
	json_t *o = json_object();

	json_put_text(o, JSON_FIELD_COUNTER_REASON, event_reason_name(reason));
	json_put_text(o, JSON_FIELD_COUNTER_DIR, dir);
	json_put_bool(o, JSON_FIELD_COUNTER_DOUBT,
		      event_reason_is_doubt(reason));
	json_put_text(o, JSON_FIELD_COUNTER_TEXT, event_reason_text(reason));
	json_put_int(o, JSON_FIELD_COUNTER_PACKETS, (json_int_t)count->packets);
	json_put_int(o, JSON_FIELD_COUNTER_BYTES, (json_int_t)count->bytes);
	return o;
}

static void add_counter(struct term_table *table, unsigned reason,
			const char *dir, const struct nfr_count *count)
{
	char packets[24], bytes[24];
	const char *cells[] = {event_reason_name(reason),
			       dir,
			       packets,
			       bytes,
			       event_reason_is_doubt(reason) ? "doubt" : "",
			       event_reason_text(reason)};

	snprintf(packets, sizeof(packets), "%" PRIu64,
		 (uint64_t)count->packets);
	snprintf(bytes, sizeof(bytes), "%" PRIu64, (uint64_t)count->bytes);
	term_table_add(table, cells);
}

/* Reasons that occurred; all of them with -v and in JSON. */
static int show_counters(struct nfload *t, struct engine *engine)
{
	static const char *const heading[] = {"reason", "dir", "packets",
					      "bytes",	"",    ""};
	static const char *const dirs[] = {"in", "out"};
	struct nfr_count counts[2][NFR_REASON_COUNT] = {0};
	struct engine_error err = {0};
	json_t *list = t->json ? json_array() : NULL;
	struct term_table table;
	int rc = engine_reasons(engine, counts, &err);

	if (rc) {
		json_decref(list);
		return fail_read(t, rc, &err);
	}
	term_table_begin(&table, 6, "llrrll");
	if (!list)
		term_table_add(&table, heading);
	for (unsigned i = 0; i < 2 * NFR_REASON_COUNT; i++) {
		const struct nfr_count *count = &counts[i % 2][i / 2];

		if (list)
			json_array_append_new(
				list, counter_json(i / 2, dirs[i % 2], count));
		else if (count->packets || t->verbose)
			add_counter(&table, i / 2, dirs[i % 2], count);
	}
	if (list)
		json_put(t->json, JSON_FIELD_COUNTERS, list);
	term_table_end(&table, stdout, t->use_color);
	return EXIT_YES;
}

/* ---- hooks ------------------------------------------------------------- */

static int show_hooks(struct nfload *t, struct engine *engine)
{
	struct engine_status status = {0};
	struct engine_error err = {0};
	bool has_hook = false;
	int rc = engine_status(engine, &status, &err);

	if (rc)
		return fail_read(t, rc, &err);
	for (size_t i = 0; i < status.devices.count; i++)
		for (unsigned dir = 0; dir < 2; dir++)
			has_hook |= status.devices.items[i].hook[dir].mode !=
				    ENGINE_MODE_NONE;
	if (t->json)
		devices_put(t, &status.devices);
	else
		devices_print_table(t, &status.devices);
	engine_status_free(&status);
	return has_hook ? EXIT_YES : EXIT_NO;
}

int verb_show(struct nfload *t)
{
	struct engine_error err = {0};
	struct engine *engine = NULL;
	int rc, status, what;

	what = t->topic ? option_word(SHOW_WORDS, t->topic) : -1;
	if (what < 0)
		return report_fail(
			t, EXIT_INPUT,
			"\"nfload show\" takes one of \"" SHOW_WORDS "\"%s%s",
			t->topic ? ", not " : "", t->topic ? t->topic : "");
	if (t->is_count && what != SHOW_STATES)
		return report_fail(t, EXIT_INPUT,
				   "--count is an option of \"show states\"");
	if (what == SHOW_STATES)
		return show_states(t);
	rc = engine_open(t->bpffs, &engine, &err);
	if (rc)
		return fail_read(t, rc, &err);
	status = what == SHOW_RULES	 ? show_rules(t, engine)
		 : what == SHOW_COUNTERS ? show_counters(t, engine)
		 : what == SHOW_HOOKS	 ? show_hooks(t, engine)
		 : what == SHOW_TABLES	 ? show_tables(t, engine)
					 : show_info(t, engine);
	engine_close(&engine);
	return status;
}
