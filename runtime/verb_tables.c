/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verb_tables.c: "show tables": the tables of the policy in force -> names, and
 * with -v what pfctl -vvsT says of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../compiler/image_edit.h"
#include "nfload.h"

struct tables {
	struct nfload *tool;
	const struct image *image;
	uint64_t loaded_at;
	uint64_t *asked; /* table << 32 | rule, sorted, each once */
	size_t asked_count;
};

static int u64_order(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

/* Which rules ask which tables: the tests before a RET are its rule's. */
static void tables_collect(struct tables *tables)
{
	const struct image *img = tables->image;
	size_t first = 0, count = 0, kept = 0;
	uint64_t *asked = calloc((size_t)img->insn_count + 1, sizeof(*asked));

	if (!asked)
		abort();
	for (__u32 i = 0; i < img->insn_count; i++) {
		const struct nfr_insn *insn = &img->code[i];

		if (insn->op == NFR_OP_JIN || insn->op == NFR_OP_JNIN)
			asked[count++] = (uint64_t)insn->imm << 32;
		for (; insn->op == NFR_OP_RET && first < count; first++)
			asked[first] |= insn->imm;
	}
	qsort(asked, count, sizeof(*asked), u64_order);
	for (size_t i = 0; i < count; i++)
		if (!kept || asked[kept - 1] != asked[i])
			asked[kept++] = asked[i];
	tables->asked = asked;
	tables->asked_count = kept;
}

static size_t tables_rules(const struct tables *tables, __u32 table)
{
	size_t count = 0;

	for (size_t i = 0; i < tables->asked_count; i++)
		count += tables->asked[i] >> 32 == table;
	return count;
}

static size_t tables_addresses(const struct tables *tables, __u32 table)
{
	const struct image_entry *entries;
	size_t count, implied = 0;

	entries = image_table_entries(tables->image, table, &count);
	for (size_t i = 0; i < count; i++)
		implied += image_entry_is_implied(&entries[i]);
	return count - implied;
}

/* pfctl's letters: const, persist, active, referenced, counters. */
static void print_flags(const struct image_table *table, size_t rules)
{
	printf("%c%ca-%c-%c\t", table->flags & IMAGE_TABLE_CONST ? 'c' : '-',
	       table->flags & IMAGE_TABLE_PERSIST ? 'p' : '-',
	       rules ? 'r' : '-',
	       table->flags & IMAGE_TABLE_COUNTERS ? 'C' : '-');
}

static void print_one(const struct tables *tables, __u32 i)
{
	const struct image_table *table = &tables->image->tables[i];
	size_t rules = tables_rules(tables, i);
	time_t loaded = (time_t)tables->loaded_at;
	char since[32] = "unknown";
	struct tm tm;

	if (tables->tool->verbose)
		print_flags(table, rules);
	puts(image_string(tables->image, table->name));
	if (!tables->tool->verbose)
		return;
	if (loaded && localtime_r(&loaded, &tm))
		strftime(since, sizeof(since), "%Y-%m-%d %H:%M:%S", &tm);
	printf("\tAddresses:   %zu\n", tables_addresses(tables, i));
	printf("\tCleared:     %s\n", since);
	printf("\tReferences:  [ Rules: %-18zu ]\n", rules);
}

static json_t *one_json(const struct tables *tables, __u32 i)
{
	const struct image_table *table = &tables->image->tables[i];
	json_t *o = json_object();

	json_put_text(o, JSON_FIELD_TABLE_NAME,
		      image_string(tables->image, table->name));
	json_put_bool(o, JSON_FIELD_TABLE_CONST,
		      !!(table->flags & IMAGE_TABLE_CONST));
	json_put_bool(o, JSON_FIELD_TABLE_PERSIST,
		      !!(table->flags & IMAGE_TABLE_PERSIST));
	json_put_bool(o, JSON_FIELD_TABLE_COUNTERS,
		      !!(table->flags & IMAGE_TABLE_COUNTERS));
	json_put_bool(o, JSON_FIELD_TABLE_DYNAMIC,
		      !!(table->flags & IMAGE_TABLE_DYNAMIC));
	json_put_int(o, JSON_FIELD_TABLE_ADDRESSES,
		     (json_int_t)tables_addresses(tables, i));
	json_put_int(o, JSON_FIELD_TABLE_RULES,
		     (json_int_t)tables_rules(tables, i));
	json_put_int(o, JSON_FIELD_TABLE_CLEARED,
		     (json_int_t)tables->loaded_at);
	return o;
}

/* Interfaces' addresses in parentheses are tables, too: JSON and -v -v. */
static void list_tables(const struct tables *tables)
{
	struct nfload *t = tables->tool;
	json_t *list = t->json ? json_array() : NULL;

	for (__u32 i = 0; i < tables->image->table_count; i++) {
		__u32 flags = tables->image->tables[i].flags;

		if (list)
			json_array_append_new(list, one_json(tables, i));
		else if (!(flags & IMAGE_TABLE_DYNAMIC) || t->verbose > 1)
			print_one(tables, i);
	}
	if (list)
		json_put(t->json, JSON_FIELD_TABLES, list);
}

int show_tables(struct nfload *t, struct engine *engine)
{
	struct tables tables = {.tool = t};
	struct engine_status status = {0};
	struct engine_error err = {0};
	int rc = engine_status(engine, &status, &err);

	if (!rc)
		rc = engine_image(engine, status.generation, &tables.image,
				  &err);
	if (rc) {
		engine_status_free(&status);
		return report_engine(t, rc == -ENOENT ? EXIT_NO : EXIT_REFUSED,
				     &err);
	}
	json_put_int(t->json, JSON_FIELD_GENERATION, status.generation);
	tables.loaded_at = status.loaded_at;
	tables_collect(&tables);
	list_tables(&tables);
	free(tables.asked);
	engine_status_free(&status);
	return EXIT_YES;
}
