/* SPDX-License-Identifier: BSD-2-Clause */
/* test_table_edit.c: what changes of tables make of tables and of images. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image_edit.h"
#include "compiler/table_edit.h"
#include "tests/agree/fixture.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

static struct table_list list_of(const char *text)
{
	struct table_list list = {.items = NULL};
	char *copy = strdup(text), *rest = copy, *word;
	struct image_entry entry;

	while ((word = strsep(&rest, " ")))
		if (*word) {
			assert_int_equal(table_entry_parse(word, &entry), 0);
			table_list_add(&list, &entry);
		}
	free(copy);
	return list;
}

static const char *text_of(const struct table_list *list, bool with_letters)
{
	static char out[1024];
	char text[TABLE_ENTRY_TEXT_MAX];

	out[0] = '\0';
	for (size_t i = 0; i < list->count; i++) {
		char letter[] = {table_letter(list->items[i].feedback), '\0'};

		strcat(out, i ? " " : "");
		if (with_letters && *letter != ' ')
			strcat(out, letter);
		strcat(out, table_entry_format(&list->items[i].entry, text));
	}
	return out;
}

typedef void (*operation)(const struct table_list *, struct table_list *,
			  struct table_list *);

/* held is in order, as in an image. */
static void assert_change(operation change, const char *held, const char *asked,
			  const char *said, const char *then)
{
	struct table_list before = list_of(held), question = list_of(asked);
	struct table_list now = {.items = NULL};

	change(&before, &question, &now);
	assert_string_equal(text_of(&question, true), said);
	assert_string_equal(text_of(&now, false), then);
	table_list_free(&before);
	table_list_free(&question);
	table_list_free(&now);
}

TEST(addresses_are_prefixes_in_one_form)
{
	static const char *const rows[][2] = {
		{"10.1.2.3", "10.1.2.3"},
		{"10.1.2.3/8", "10.0.0.0/8"},
		{"!10.0.0.0/8", "!10.0.0.0/8"},
		{"! fd00::1", "!fd00::1"},
		{"10.0.0.1/32", "10.0.0.1"},
		{"::/0", "::/0"},
		{"::ffff:10.0.0.1", "10.0.0.1"},
		{"::ffff:10.0.0.0/104", "10.0.0.0/8"}};
	struct image_entry entry;
	char text[TABLE_ENTRY_TEXT_MAX];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(table_entry_parse(rows[i][0], &entry), 0);
		assert_string_equal(table_entry_format(&entry, text),
				    rows[i][1]);
	}
}

TEST(what_is_no_address_is_refused)
{
	static const char *const rows[] = {"",
					   "!",
					   "10.0.0",
					   "10.0.0.0/",
					   "10.0.0.0/33",
					   "::/129",
					   "10.0.0.0/+8",
					   "10.0.0.0/8 ",
					   "example.org",
					   "10.0.0.0/0008",
					   "fe80::1%eth0"};
	struct image_entry entry;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(table_entry_parse(rows[i], &entry), -EINVAL);
}

TEST(adding_adds_what_is_not_there)
{
	assert_change(
		table_add, "10.0.0.1 10.0.0.3", "10.0.0.2 10.0.0.1 10.0.0.2",
		"A10.0.0.2 10.0.0.1 X10.0.0.2", "10.0.0.1 10.0.0.2 10.0.0.3");
}

TEST(adding_does_not_turn_an_exception_around)
{
	assert_change(table_add, "!10.0.0.1", "10.0.0.1", "Y10.0.0.1",
		      "!10.0.0.1");
}

TEST(deleting_deletes_what_is_there)
{
	assert_change(table_delete, "10.0.0.1 !10.0.0.3",
		      "10.0.0.2 10.0.0.1 10.0.0.3",
		      "10.0.0.2 D10.0.0.1 Y10.0.0.3", "!10.0.0.3");
}

TEST(a_prefix_and_its_first_address_are_two)
{
	assert_change(table_delete, "10.0.0.0/8 10.0.0.0/16", "10.0.0.0/8",
		      "D10.0.0.0/8", "10.0.0.0/16");
}

TEST(replacing_leaves_what_was_asked_for)
{
	assert_change(table_replace, "10.0.0.1 10.0.0.2 10.0.0.3",
		      "10.0.0.4 !10.0.0.2 10.0.0.1",
		      "A10.0.0.4 C!10.0.0.2 10.0.0.1 D10.0.0.3",
		      "10.0.0.1 !10.0.0.2 10.0.0.4");
}

TEST(replacing_by_nothing_deletes_all)
{
	assert_change(table_replace, "10.0.0.1 fd00::/8", "",
		      "D10.0.0.1 Dfd00::/8", "");
	assert_change(table_replace, "", "", "", "");
}

TEST(the_longest_prefix_says_what_matches)
{
	struct table_list held = list_of("10.0.0.0/8 !10.1.0.0/16 fd00::/8");
	struct table_list asked =
		list_of("10.2.0.1 10.1.0.1 fd00::1 fe80::1 11.0.0.1");

	table_test(&held, &asked);
	assert_string_equal(text_of(&asked, true),
			    "M10.2.0.1 10.1.0.1 Mfd00::1 fe80::1 11.0.0.1");
	table_list_free(&held);
	table_list_free(&asked);
}

/* ---- images ------------------------------------------------------------ */

struct edited {
	struct fixture fixture;
	struct image before, after;
	struct image_edit edit;
	__u8 *bytes;
	size_t len;
};

static void edited_begin(struct edited *e)
{
	struct policy_rule *rule;

	fixture_init(&e->fixture);
	rule = fixture_rule(&e->fixture, true);
	rule->match.dst.kind = POLICY_HOST_TABLE;
	rule->match.dst.table =
		fixture_table(&e->fixture, "one", "10.0.0.0/8 fd00::/8");
	rule = fixture_rule(&e->fixture, true);
	rule->match.dst.kind = POLICY_HOST_TABLE;
	rule->match.dst.is_negated = true;
	rule->match.dst.table =
		fixture_table(&e->fixture, "two", "192.0.2.1/32");
	fixture_image(&e->fixture, false, &e->before);
	image_edit_begin(&e->edit, &e->before);
}

static void edited_finish(struct edited *e)
{
	char error[IMAGE_ERROR_MAX];

	assert_int_equal(image_edit_finish(&e->edit, &e->bytes, &e->len), 0);
	assert_int_equal(image_open(e->bytes, e->len, &e->after, error), 0);
}

static void edited_free(struct edited *e)
{
	image_edit_free(&e->edit);
	fixture_free(&e->fixture);
	free(e->bytes);
}

static void set_table(struct edited *e, __u32 table, const char *text)
{
	struct table_list list = list_of(text);
	struct image_entry *entries = calloc(list.count + 1, sizeof(*entries));

	for (size_t i = 0; i < list.count; i++)
		entries[i] = list.items[i].entry;
	image_edit_table(&e->edit, table, entries, list.count);
	free(entries);
	table_list_free(&list);
}

static const char *table_text(const struct image *img, __u32 table)
{
	struct table_list list = {.items = NULL};
	const struct image_entry *entries;
	const char *text;
	size_t count;

	entries = image_table_entries(img, table, &count);
	for (size_t i = 0; i < count; i++)
		table_list_add(&list, &entries[i]);
	text = text_of(&list, false);
	table_list_free(&list);
	return text;
}

TEST(an_edit_without_changes_gives_the_same_bytes)
{
	struct edited e = {.bytes = NULL};

	edited_begin(&e);
	edited_finish(&e);
	assert_int_equal(e.len, e.fixture.len);
	assert_memory_equal(e.bytes, e.fixture.bytes, e.len);
	edited_free(&e);
}

TEST(only_the_entries_of_the_table_change)
{
	struct edited e = {.bytes = NULL};

	edited_begin(&e);
	set_table(&e, 0, "10.9.0.0/16 10.1.0.1 !10.9.1.0/24 10.1.0.1");
	edited_finish(&e);
	assert_string_equal(table_text(&e.after, 0),
			    "10.1.0.1 10.9.0.0/16 !10.9.1.0/24");
	assert_string_equal(table_text(&e.after, 1), "192.0.2.1");
	assert_int_equal(e.after.rule_count, e.before.rule_count);
	assert_memory_equal(e.after.code, e.before.code,
			    e.before.insn_count * sizeof(*e.before.code));
	assert_memory_not_equal(e.after.header->hash, e.before.header->hash,
				IMAGE_HASH_LEN);
	edited_free(&e);
}

TEST(an_ipv6_prefix_over_all_ipv4_leaves_ipv4_out)
{
	struct edited e = {.bytes = NULL};

	edited_begin(&e);
	set_table(&e, 0, "::/0 10.0.0.1");
	edited_finish(&e);
	assert_string_equal(table_text(&e.after, 0),
			    "::/0 !0.0.0.0/0 10.0.0.1");
	image_edit_free(&e.edit);
	free(e.bytes);
	image_edit_begin(&e.edit, &e.before);
	set_table(&e, 0, "::/0 0.0.0.0/0");
	edited_finish(&e);
	assert_string_equal(table_text(&e.after, 0), "::/0 0.0.0.0/0");
	edited_free(&e);
}

TEST(an_empty_table_that_opens_is_found)
{
	struct edited e = {.bytes = NULL};

	edited_begin(&e);
	assert_int_equal(image_find_open(&e.before), -1);
	set_table(&e, 0, "");
	set_table(&e, 1, "!192.0.2.1");
	edited_finish(&e);
	assert_int_equal(image_find_open(&e.after), 1);
	edited_free(&e);
}

TEST(a_table_that_keeps_takes_over_what_its_name_held)
{
	struct edited old = {.bytes = NULL};
	struct fixture f;
	struct image img;
	struct image_edit edit;
	__u8 *bytes;
	size_t len;
	char error[IMAGE_ERROR_MAX];

	edited_begin(&old);
	fixture_init(&f);
	fixture_table(&f, "other", "10.0.0.1/32");
	fixture_table(&f, "one", "");
	f.tables[1].is_persist = true;
	fixture_image(&f, false, &img);
	image_edit_begin(&edit, &img);
	assert_int_equal(image_edit_keep(&edit, &old.before), 1);
	assert_int_equal(image_edit_finish(&edit, &bytes, &len), 0);
	assert_int_equal(image_open(bytes, len, &img, error), 0);
	assert_string_equal(table_text(&img, 1), "10.0.0.0/8 fd00::/8");
	assert_string_equal(table_text(&img, 0), "10.0.0.1");
	free(bytes);
	image_edit_free(&edit);
	fixture_free(&f);
	edited_free(&old);
}

TEST(dynamic_tables_follow_the_host)
{
	struct arena *arena = arena_new();
	struct edited e = {.bytes = NULL};
	const char *error = NULL;
	struct host *host;

	fixture_init(&e.fixture);
	fixture_table(&e.fixture, "(lan0:network)", "10.0.0.1/32");
	fixture_table(&e.fixture, "self", "10.0.0.1/32");
	fixture_table(&e.fixture, "(gone)", "10.0.0.1/32");
	for (unsigned i = 0; i < 3; i++) {
		e.fixture.tables[i].is_dynamic = true;
		e.fixture.tables[i].prefix_len = -1;
	}
	e.fixture.tables[0].iface = "lan0";
	e.fixture.tables[0].modifiers = AST_MOD_NETWORK;
	e.fixture.tables[2].iface = "gone7";
	fixture_image(&e.fixture, false, &e.before);
	image_edit_begin(&e.edit, &e.before);
	assert_int_equal(
		host_profile(arena, "tests/hosts/router.json", &host, &error),
		0);
	assert_int_equal(image_edit_refill(&e.edit, host), 3);
	edited_finish(&e);
	assert_non_null(strstr(table_text(&e.after, 0), "/"));
	assert_non_null(strstr(table_text(&e.after, 1), "127.0.0.1"));
	assert_string_equal(table_text(&e.after, 2), "");
	edited_free(&e);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_prefixes_in_one_form),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(adding_adds_what_is_not_there),
		cmocka_unit_test(adding_does_not_turn_an_exception_around),
		cmocka_unit_test(deleting_deletes_what_is_there),
		cmocka_unit_test(a_prefix_and_its_first_address_are_two),
		cmocka_unit_test(replacing_leaves_what_was_asked_for),
		cmocka_unit_test(replacing_by_nothing_deletes_all),
		cmocka_unit_test(the_longest_prefix_says_what_matches),
		cmocka_unit_test(an_edit_without_changes_gives_the_same_bytes),
		cmocka_unit_test(only_the_entries_of_the_table_change),
		cmocka_unit_test(an_ipv6_prefix_over_all_ipv4_leaves_ipv4_out),
		cmocka_unit_test(an_empty_table_that_opens_is_found),
		cmocka_unit_test(
			a_table_that_keeps_takes_over_what_its_name_held),
		cmocka_unit_test(dynamic_tables_follow_the_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
