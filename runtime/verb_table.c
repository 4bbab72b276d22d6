/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verb_table.c: a table of the policy in force -> shown, asked, or changed.
 *
 * A change makes a new image, which is verified and put in force like any
 * policy: as a new generation, at once for every packet, with flows judged
 * again; what fails leaves the old one in force. Another load between reading
 * and applying is noticed, and the change made again on what it left.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/image_edit.h"
#include "../compiler/table_edit.h"
#include "engine_added.h"
#include "nfload.h"

#define TABLE_TRIES 8

enum command { SHOW, ADD, DELETE, REPLACE, TEST, ZERO, FLUSH };

struct table {
	struct nfload *tool;
	enum command command;
	const char *name;
	struct engine *engine;
	const struct image *loaded; /* as it was put in force */
	const struct image *image;  /* with what the datapath added since */
	struct image live;
	__u8 *live_bytes;
	uint32_t generation;
	__u32 index;
	struct table_list held, asked, now;
};

static int fail_read(struct nfload *t, int rc, const struct engine_error *err)
{
	if (rc == -ENOENT)
		return report_fail(t, EXIT_NO, "%s", err->text);
	return report_engine(t, EXIT_REFUSED, err);
}

/* ---- addresses --------------------------------------------------------- */

static int ask_one(struct table *table, const char *text, const char *place)
{
	struct nfload *t = table->tool;
	struct image_entry entry;
	unsigned bits;

	if (table_entry_parse(text, &entry)) {
		report_fail(t, EXIT_INPUT,
			    "%s\"%s\" is no address and no prefix", place,
			    text);
		report_hint(t, "names are not looked up: a table holds "
			       "addresses, as in 10.0.0.0/8, !10.1.2.3 or "
			       "fd00::/8");
		return EXIT_INPUT;
	}
	bits = addr_bits((enum addr_family)entry.family);
	if (table->command == TEST &&
	    (entry.is_negated || entry.prefix_len != bits))
		return report_fail(t, EXIT_INPUT,
				   "%s\"%s\": single addresses can be tested, "
				   "as 10.1.2.3",
				   place, text);
	table_list_add(&table->asked, &entry);
	return 0;
}

/* One address or prefix a line; "#" begins a comment. */
static int ask_line(struct table *table, char *line, unsigned number)
{
	char place[300];
	size_t len;

	line[strcspn(line, "#\r\n")] = '\0';
	line += strspn(line, " \t");
	len = strlen(line);
	while (len > 0 && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	if (!len)
		return 0;
	snprintf(place, sizeof(place), "%.255s:%u: ", table->tool->file,
		 number);
	return ask_one(table, line, place);
}

static int ask_file(struct table *table)
{
	const char *path = table->tool->file;
	bool is_stdin = !strcmp(path, "-");
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	unsigned number = 0;
	size_t capacity = 0;
	char *line = NULL;
	int status = 0;

	if (!file)
		return report_fail(table->tool, EXIT_INPUT, "%s: %s", path,
				   strerror(errno));
	errno = 0;
	while (!status && getline(&line, &capacity, file) >= 0)
		status = ask_line(table, line, ++number);
	if (!status && ferror(file))
		status = report_fail(table->tool, EXIT_INPUT, "%s: %s", path,
				     strerror(errno));
	free(line);
	if (!is_stdin)
		fclose(file);
	return status;
}

static int ask(struct table *table)
{
	struct nfload *t = table->tool;
	bool takes_addresses = table->command >= ADD && table->command <= TEST;
	int status = 0;

	if (!takes_addresses && (t->file || t->operand_count > 2))
		return report_fail(t, EXIT_INPUT,
				   "\"nfload table %s %s\" takes no address",
				   table->name, t->operands[1]);
	for (int i = 2; i < t->operand_count && !status; i++)
		status = ask_one(table, t->operands[i], "");
	if (!status && t->file)
		status = ask_file(table);
	if (!status && takes_addresses && !table->asked.count &&
	    !(table->command == REPLACE && t->file))
		return report_fail(t, EXIT_INPUT,
				   "which address? as in \"nfload table %s %s "
				   "10.0.0.0/8\", or -f FILE",
				   table->name, t->operands[1]);
	return status;
}

/* ---- the policy in force ----------------------------------------------- */

static int find_table(struct table *table)
{
	const struct image *image = table->image;
	const char **names, *near;
	int found = image_find_table(image, table->name);

	if (found >= 0) {
		table->index = (__u32)found;
		return 0;
	}
	names = calloc((size_t)image->table_count + 1, sizeof(*names));
	if (!names)
		abort();
	for (__u32 i = 0; i < image->table_count; i++)
		names[i] = image_string(image, image->tables[i].name);
	near = diag_nearest(table->name, names, image->table_count);
	report_fail(table->tool, EXIT_INPUT,
		    "generation %u has no table <%s>%s%s%s", table->generation,
		    table->name, near ? "; did you mean <" : "",
		    near ? near : "", near ? ">?" : "");
	free(names);
	return EXIT_INPUT;
}

static int look(struct table *table)
{
	struct nfload *t = table->tool;
	struct engine_error err = {0};
	const struct image_entry *entries;
	struct nfr_control control;
	size_t count;
	int status, rc = 0;

	if (!table->engine)
		rc = engine_open(t->bpffs, &table->engine, &err);
	if (rc)
		return fail_read(t, rc, &err);
	rc = engine_control(table->engine, &control);
	if (rc)
		return report_fail(t, EXIT_REFUSED, "the switch: %s",
				   strerror(-rc));
	table->generation =
		control.active < 2 ? control.generation[control.active] : 0;
	free(table->live_bytes);
	table->live_bytes = NULL;
	rc = engine_image(table->engine, table->generation, &table->loaded,
			  &err);
	if (!rc)
		rc = engine_image_live(table->engine, table->generation,
				       table->loaded, &table->live,
				       &table->live_bytes, &err);
	table->image = &table->live;
	if (rc)
		return fail_read(t, rc, &err);
	status = find_table(table);
	if (status)
		return status;
	table_list_free(&table->held);
	entries = image_table_entries(table->image, table->index, &count);
	for (size_t i = 0; i < count; i++)
		if (!image_entry_is_implied(&entries[i]))
			table_list_add(&table->held, &entries[i]);
	return 0;
}

/* ---- what is said ------------------------------------------------------ */

static const char *const feedback_names[] = {
	[TABLE_NONE] = "none",		 [TABLE_ADDED] = "added",
	[TABLE_DELETED] = "deleted",	 [TABLE_CHANGED] = "changed",
	[TABLE_DUPLICATE] = "duplicate", [TABLE_CONFLICT] = "conflict",
	[TABLE_MATCH] = "match",
};

static void put_list(struct nfload *t, const struct table_list *list,
		     bool is_held)
{
	json_t *array = json_array();
	char text[TABLE_ENTRY_TEXT_MAX];

	for (size_t i = 0; i < list->count; i++) {
		const struct table_item *item = &list->items[i];
		json_t *o = json_object();

		json_put_text(o, JSON_FIELD_ADDRESS_TEXT,
			      table_entry_format(&item->entry, text));
		json_put_text(o, JSON_FIELD_ADDRESS_WHAT,
			      is_held ? "held"
				      : feedback_names[item->feedback]);
		json_array_append_new(array, o);
	}
	json_put(t->json, JSON_FIELD_ADDRESSES, array);
}

/* "A  10.0.0.0/8": as pfctl, all with -v -v, with -v those that it concerned.
 */
static void say_list(const struct table *table, const struct table_list *list,
		     bool is_held)
{
	struct nfload *t = table->tool;
	char text[TABLE_ENTRY_TEXT_MAX];

	json_put_text(t->json, JSON_FIELD_TABLE, table->name);
	json_put_int(t->json, JSON_FIELD_GENERATION, table->generation);
	if (t->json) {
		put_list(t, list, is_held);
		return;
	}
	for (size_t i = 0; i < list->count; i++) {
		const struct table_item *item = &list->items[i];
		bool is_negated = item->entry.is_negated;

		if (!is_held && t->verbose < 2 &&
		    (!t->verbose || item->feedback == TABLE_NONE))
			continue;
		table_entry_format(&item->entry, text);
		printf("%c %c%s\n",
		       is_held ? ' ' : table_letter(item->feedback),
		       is_negated ? '!' : ' ', text + is_negated);
	}
}

static void say_replaced(const struct table *table)
{
	static const enum table_feedback kinds[] = {TABLE_ADDED, TABLE_DELETED,
						    TABLE_CHANGED};
	bool has_any = false;

	for (size_t i = 0; i < 3; i++) {
		size_t count = table_list_count(&table->asked, kinds[i]);

		if (count)
			report_summary(table->tool, false, "%zu addresses %s.",
				       count, feedback_names[kinds[i]]);
		has_any |= count != 0;
	}
	if (!has_any)
		report_summary(table->tool, false, "no changes.");
}

static void say_changed(const struct table *table)
{
	bool is_add = table->command == ADD;
	enum table_feedback kind = is_add ? TABLE_ADDED : TABLE_DELETED;
	size_t count = table_list_count(&table->asked, kind);

	say_list(table, &table->asked, false);
	if (table->command == REPLACE)
		say_replaced(table);
	else if (table->command == FLUSH)
		report_summary(table->tool, false, "%zu addresses deleted.",
			       count);
	else
		report_summary(table->tool, false, "%zu/%zu addresses %s.",
			       count, table->asked.count, feedback_names[kind]);
}

/* ---- changes ----------------------------------------------------------- */

static int refuse_change(const struct table *table)
{
	struct nfload *t = table->tool;
	__u32 flags = table->image->tables[table->index].flags;

	if (flags & IMAGE_TABLE_DYNAMIC) {
		report_fail(t, EXIT_INPUT,
			    "the table <%s> holds addresses of interfaces, and "
			    "changes with them",
			    table->name);
		report_hint(t, "apply the policy again to read them anew");
		return EXIT_INPUT;
	}
	if (!(flags & IMAGE_TABLE_CONST))
		return 0;
	report_fail(t, EXIT_INPUT, "the table <%s> is const", table->name);
	report_hint(t, "change the policy and apply it, or declare the table "
		       "without const");
	return EXIT_INPUT;
}

static int refuse_open(const struct table *table)
{
	struct nfload *t = table->tool;
	__u32 flags = table->image->tables[table->index].flags;

	if (!(flags & IMAGE_TABLE_NEVER_EMPTY))
		return 0;
	for (size_t i = 0; i < table->now.count; i++)
		if (!table->now.items[i].entry.is_negated)
			return 0;
	report_fail(t, EXIT_INPUT,
		    "the table <%s> would be empty, and a rule passes what is "
		    "not in it, which then is everything [fails-open]",
		    table->name);
	report_hint(t, "\"nfload table NAME replace\" changes all addresses at "
		       "once");
	return EXIT_INPUT;
}

static void change(struct table *table)
{
	table_list_free(&table->now);
	switch (table->command) {
	case ADD:
		table_add(&table->held, &table->asked, &table->now);
		break;
	case DELETE:
		table_delete(&table->held, &table->asked, &table->now);
		break;
	default: /* a flush replaces by nothing */
		table_replace(&table->held, &table->asked, &table->now);
	}
}

static bool is_changed(const struct table *table)
{
	return table_list_count(&table->asked, TABLE_ADDED) ||
	       table_list_count(&table->asked, TABLE_DELETED) ||
	       table_list_count(&table->asked, TABLE_CHANGED);
}

static int make_image(const struct table *table, __u8 **bytes,
		      struct image *out)
{
	char error[IMAGE_ERROR_MAX] = "";
	struct image_entry *entries;
	struct image_edit edit;
	size_t len;
	int rc;

	entries = calloc(table->now.count + 1, sizeof(*entries));
	if (!entries)
		abort();
	for (size_t i = 0; i < table->now.count; i++)
		entries[i] = table->now.items[i].entry;
	image_edit_begin(&edit, table->image);
	image_edit_table(&edit, table->index, entries, table->now.count);
	rc = image_edit_finish(&edit, bytes, &len);
	image_edit_free(&edit);
	free(entries);
	if (!rc && image_open(*bytes, len, out, error))
		rc = -EBADMSG;
	if (rc)
		return report_fail(table->tool, EXIT_INPUT,
				   "the changed policy: %s",
				   *error ? error : strerror(-rc));
	return 0;
}

/* 0, -EAGAIN, or an exit status. */
static int put_in_force(struct table *table)
{
	struct nfload *t = table->tool;
	struct engine_options options = t->engine;
	struct engine_error err = {.nothing_changed = true};
	struct engine_report report = {0};
	struct image image;
	__u8 *bytes = NULL;
	int rc, status = make_image(table, &bytes, &image);

	if (!status)
		status = refuse_broken(t, table->image, &image);
	if (status)
		goto out;
	options.only_after = table->generation;
	options.read = table->image;
	rc = engine_apply(t->bpffs, &image, &options, &report, &err);
	if (rc == -EAGAIN)
		status = -EAGAIN;
	else if (rc)
		status = report_engine(t, EXIT_REFUSED, &err);
	else
		table->generation = report.generation;
	for (size_t i = 0; !status && t->verbose > 1 && i < report.note_count;
	     i++)
		report_note(t, report.notes[i]);
	engine_report_free(&report);
out:
	free(bytes);
	return status;
}

/* What replacing appended to the list is no part of the question. */
static void ask_again(struct table *table, size_t count)
{
	table->asked.count = count;
	for (size_t i = 0; i < count; i++)
		table->asked.items[i].feedback = TABLE_NONE;
}

static int run_change(struct table *table)
{
	size_t count = table->asked.count;
	int status = -EAGAIN;

	for (unsigned turn = 0; turn < TABLE_TRIES && status == -EAGAIN;
	     turn++) {
		ask_again(table, count);
		status = turn ? look(table) : 0;
		if (!status)
			status = refuse_change(table);
		if (status)
			break;
		change(table);
		status = refuse_open(table);
		if (!status && is_changed(table))
			status = put_in_force(table);
	}
	if (status == -EAGAIN)
		status =
			report_fail(table->tool, EXIT_REFUSED,
				    "the policy in force changes all the time");
	if (!status)
		say_changed(table);
	return status;
}

static int run_test(struct table *table)
{
	size_t matched;

	table_test(&table->held, &table->asked);
	matched = table_list_count(&table->asked, TABLE_MATCH);
	say_list(table, &table->asked, false);
	report_summary(table->tool, false, "%zu/%zu addresses match.", matched,
		       table->asked.count);
	return matched == table->asked.count ? EXIT_YES : EXIT_INPUT;
}

/* ---- what its entries count -------------------------------------------- */

static bool has_counts(const struct table *table)
{
	const struct nfload *t = table->tool;

	return (t->verbose || t->json) &&
	       table->image->tables[table->index].flags & IMAGE_TABLE_COUNTERS;
}

static int show_counts(const struct table *table)
{
	const struct image *image = table->loaded;
	size_t count = (size_t)4 * image_slots(image);
	struct nfr_count *counts = calloc(count, sizeof(*counts));
	__u32 *slots = calloc((size_t)image->entry_count + 1, sizeof(*slots));
	struct engine_error err = {0};
	int rc;

	if (!counts || !slots)
		abort();
	image_entry_slots(image, slots);
	rc = engine_table_counts(table->engine, table->generation, counts,
				 count, &err);
	if (!rc)
		table_print_counts(table->tool, image, table->index, slots,
				   counts);
	free(counts);
	free(slots);
	if (rc)
		return fail_read(table->tool, rc, &err);
	json_put_text(table->tool->json, JSON_FIELD_TABLE, table->name);
	json_put_int(table->tool->json, JSON_FIELD_GENERATION,
		     table->generation);
	return EXIT_YES;
}

/* A table without counters has nothing to set to zero. */
static int run_zero(const struct table *table)
{
	const struct image *image = table->loaded;
	__u32 *slots = calloc((size_t)image->entry_count + 1, sizeof(*slots));
	struct engine_error err = {0};
	int rc = 0;

	if (!slots)
		abort();
	image_entry_slots(image, slots);
	for (__u32 i = 0; i < image->entry_count && !rc; i++)
		if (image->entries[i].table == table->index && slots[i])
			rc = engine_table_zero(table->engine, table->generation,
					       slots[i], &err);
	free(slots);
	if (rc)
		return fail_read(table->tool, rc, &err);
	report_summary(table->tool, false, "1 table/stats cleared.");
	return EXIT_YES;
}

static int run(struct table *table)
{
	switch (table->command) {
	case SHOW:
		if (has_counts(table))
			return show_counts(table);
		say_list(table, &table->held, true);
		return EXIT_YES;
	case TEST:
		return run_test(table);
	case ZERO:
		return run_zero(table);
	default:
		return run_change(table);
	}
}

int verb_table(struct nfload *t)
{
	struct table table = {.tool = t};
	int command = -1, status;

	if (t->operand_count >= 2)
		command = option_word(TABLE_WORDS, t->operands[1]);
	if (command < 0)
		return report_fail(
			t, EXIT_INPUT,
			"\"nfload table NAME\" takes one of \"" TABLE_WORDS
			"\"%s%s",
			t->operand_count >= 2 ? ", not " : "",
			t->operand_count >= 2 ? t->operands[1] : "");
	table.command = (enum command)command;
	table.name = t->operands[0];
	status = ask(&table);
	if (!status)
		status = look(&table);
	if (!status)
		status = run(&table);
	table_list_free(&table.held);
	table_list_free(&table.asked);
	table_list_free(&table.now);
	free(table.live_bytes);
	engine_close(&table.engine);
	return status;
}
