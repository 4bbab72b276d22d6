/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_table_counts.c: a table's entries with what they counted, as pfctl -v
 * -T show prints them. */
#include <inttypes.h>
#include <stdio.h>

#include "../compiler/image_edit.h"
#include "../compiler/table_edit.h"
#include "nfload.h"

/* In the order of NFR_TABLE_COUNT(). */
static const struct {
	const char *title;
	enum json_field packets, bytes;
} kinds[4] = {
	{"In/Block:", JSON_FIELD_ADDRESS_IN_BLOCK_PACKETS,
	 JSON_FIELD_ADDRESS_IN_BLOCK_BYTES},
	{"In/Pass:", JSON_FIELD_ADDRESS_IN_PASS_PACKETS,
	 JSON_FIELD_ADDRESS_IN_PASS_BYTES},
	{"Out/Block:", JSON_FIELD_ADDRESS_OUT_BLOCK_PACKETS,
	 JSON_FIELD_ADDRESS_OUT_BLOCK_BYTES},
	{"Out/Pass:", JSON_FIELD_ADDRESS_OUT_PASS_PACKETS,
	 JSON_FIELD_ADDRESS_OUT_PASS_BYTES},
};

static void print_one(const struct image_entry *e, const struct nfr_count *c)
{
	char text[TABLE_ENTRY_TEXT_MAX];

	table_entry_format(e, text);
	printf("  %c%s\n", e->is_negated ? '!' : ' ', text + e->is_negated);
	for (unsigned i = 0; i < 4 && c; i++)
		printf("\t%-12s [ Packets: %-18" PRIu64 " Bytes: %-18" PRIu64
		       " ]\n",
		       kinds[i].title, (uint64_t)c[i].packets,
		       (uint64_t)c[i].bytes);
}

static json_t *one_json(const struct image_entry *e, const struct nfr_count *c)
{
	json_t *o = json_object();
	char text[TABLE_ENTRY_TEXT_MAX];

	json_put_text(o, JSON_FIELD_ADDRESS_TEXT, table_entry_format(e, text));
	json_put_text(o, JSON_FIELD_ADDRESS_WHAT, "held");
	for (unsigned i = 0; i < 4 && c; i++) {
		json_put_int(o, kinds[i].packets, (json_int_t)c[i].packets);
		json_put_int(o, kinds[i].bytes, (json_int_t)c[i].bytes);
	}
	return o;
}

void table_print_counts(struct nfload *t, const struct image *image,
			__u32 table, const __u32 *slots,
			const struct nfr_count *counts)
{
	json_t *list = t->json ? json_array() : NULL;

	for (__u32 i = 0; i < image->entry_count; i++) {
		const struct image_entry *e = &image->entries[i];
		const struct nfr_count *c =
			slots[i] ? &counts[4 * slots[i]] : NULL;

		if (e->table != table || image_entry_is_implied(e))
			continue;
		if (list)
			json_array_append_new(list, one_json(e, c));
		else
			print_one(e, c);
	}
	if (list)
		json_put(t->json, JSON_FIELD_ADDRESSES, list);
}
