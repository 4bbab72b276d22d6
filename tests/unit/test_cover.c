/* SPDX-License-Identifier: BSD-2-Clause */
/* test_cover.c: whether ranges and tables are all of a family. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/cover.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

#define ENTRIES_MAX 8

static size_t entries_of(const char *text, struct policy_table_entry *out)
{
	char copy[256], *rest = copy, *word;
	size_t count = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, " "))) {
		struct policy_table_entry *e = &out[count++];
		char *slash = strchr(word, '/');

		assert_true(slash && count <= ENTRIES_MAX);
		*slash = '\0';
		e->is_negated = *word == '!';
		e->prefix_len = (uint8_t)atoi(slash + 1);
		assert_int_equal(
			addr_parse(word + e->is_negated, &e->addr, &e->family),
			0);
	}
	return count;
}

static bool covers(const char *text, enum addr_family family, bool is_negated)
{
	struct policy_table_entry entries[ENTRIES_MAX] = {0};
	size_t count = entries_of(text, entries);
	struct cover cover = {.arena = arena_new(), .family = family};
	bool is_all;

	cover_table(&cover, entries, count, is_negated);
	is_all = cover_is_all(&cover);
	arena_free(&cover.arena);
	return is_all;
}

TEST(halves_are_a_whole)
{
	assert_true(covers("0.0.0.0/0", FAMILY_IPV4, false));
	assert_true(covers("0.0.0.0/1 128.0.0.0/1", FAMILY_IPV4, false));
	assert_true(covers("::/1 8000::/1", FAMILY_IPV6, false));
	assert_false(covers("0.0.0.0/1 128.0.0.0/2", FAMILY_IPV4, false));
	assert_false(covers("::/0", FAMILY_IPV4, false));
}

TEST(a_hole_of_one_address_is_a_hole)
{
	assert_false(covers("0.0.0.0/0 !10.0.0.1/32", FAMILY_IPV4, false));
	assert_false(
		covers("0.0.0.0/0 !255.255.255.255/32", FAMILY_IPV4, false));
	assert_false(covers("::/0 !::/128", FAMILY_IPV6, false));
	assert_true(covers("0.0.0.0/0 !10.0.0.0/31 10.0.0.0/32 10.0.0.1/32",
			   FAMILY_IPV4, false));
	assert_true(covers("::/0 !ffff::/16 ffff::/17 ffff:8000::/17",
			   FAMILY_IPV6, false));
}

TEST(what_is_not_in_a_table_without_members_is_everything)
{
	assert_true(covers("10.0.0.0/8", FAMILY_IPV6, true));
	assert_true(covers("!10.0.0.0/8", FAMILY_IPV4, true));
	assert_false(covers("10.0.0.1/32", FAMILY_IPV4, true));
	assert_false(covers("255.255.255.255/32", FAMILY_IPV4, true));
}

TEST(ranges_and_tables_fill_each_other)
{
	struct policy_table_entry entries[ENTRIES_MAX] = {0};
	struct cover cover = {.arena = arena_new(), .family = FAMILY_IPV4};
	const struct addr first = {{1}}, last = {{0x7fffffff}};

	cover_table(&cover, entries, entries_of("128.0.0.0/1", entries), false);
	cover_range(&cover, &first, &last, false);
	assert_false(cover_is_all(&cover));
	cover_range(&cover, &first, &last, true);
	assert_true(cover_is_all(&cover));
	arena_free(&cover.arena);
}

/* Of the 16 prefixes of four bits: is the longest prefix a member? */
static bool has_block(const struct policy_table_entry *e, size_t count,
		      unsigned block)
{
	int best = -1;

	for (size_t i = 0; i < count; i++)
		if (block >> (4 - e[i].prefix_len) ==
			    e[i].addr.w[0] >> 28 >> (4 - e[i].prefix_len) &&
		    (best < 0 || e[i].prefix_len > e[best].prefix_len))
			best = (int)i;
	return best >= 0 && !e[best].is_negated;
}

static int entry_order(const void *va, const void *vb)
{
	const struct policy_table_entry *a = va, *b = vb;
	int by_addr = addr_compare(&a->addr, &b->addr);

	return by_addr ? by_addr : a->prefix_len - b->prefix_len;
}

TEST(random_tables_cover_what_their_longest_prefixes_say)
{
	struct arena *arena = arena_new();
	unsigned wholes = 0, random = 1;

	for (unsigned turn = 0; turn < 200000; turn++) {
		struct policy_table_entry e[ENTRIES_MAX] = {0};
		struct cover cover = {.arena = arena, .family = FAMILY_IPV4};
		bool is_negated = turn & 1, is_all = true;
		size_t count = 0;

		for (unsigned i = 0; i < 6; i++) {
			bool is_known = false;

			random = random * 1664525 + 1013904223;
			e[count] = (struct policy_table_entry){
				.family = FAMILY_IPV4,
				.prefix_len = (uint8_t)((random >> 8) % 5),
				.is_negated = random >> 16 & 1,
			};
			e[count].addr =
				addr_first((struct addr){{random & 0xf0000000}},
					   FAMILY_IPV4, e[count].prefix_len);
			for (size_t k = 0; k < count; k++)
				is_known |= entry_order(&e[k], &e[count]) == 0;
			count += !is_known;
		}
		qsort(e, count, sizeof(*e), entry_order);
		for (unsigned block = 0; block < 16; block++)
			is_all &= has_block(e, count, block) != is_negated;
		cover_table(&cover, e, count, is_negated);
		assert_int_equal(cover_is_all(&cover), is_all);
		wholes += is_all;
	}
	assert_true(wholes > 1000);
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(halves_are_a_whole),
		cmocka_unit_test(a_hole_of_one_address_is_a_hole),
		cmocka_unit_test(
			what_is_not_in_a_table_without_members_is_everything),
		cmocka_unit_test(ranges_and_tables_fill_each_other),
		cmocka_unit_test(
			random_tables_cover_what_their_longest_prefixes_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
