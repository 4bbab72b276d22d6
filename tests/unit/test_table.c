/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_table.c: random tables -> what table_find() says of the addresses at
 * their networks' ends, held against the longest prefix of a plain list; and
 * bytes that are damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image_layout.h"
#include "runtime/table_build.h"
#include "runtime/table_find.h"
#include "runtime/tableset.h"
#include "tests/agree/random.h"

#define ENTRIES 300
#define TABLES 4
#define COUNTS 1 /* the table that counts */
#define ADDS 2	 /* the one that overload adds to */

struct fixture {
	struct image image;
	struct image_table tables[TABLES];
	struct image_entry entries[ENTRIES];
	struct nfr_action action;
	__u32 slots[ENTRIES];
	__u8 *bytes;
	size_t len;
	struct random random;
};

/* ---- tables -------------------------------------------------------------- */

static int by_order(const void *a, const void *b)
{
	return image_entry_compare(a, b);
}

static unsigned length_in_128(const struct image_entry *e)
{
	return e->prefix_len + (e->family == NFR_FAMILY_IPV4 ? 96u : 0);
}

static void cut(struct image_entry *e)
{
	for (unsigned bit = length_in_128(e); bit < 128; bit++)
		e->addr[bit / 8] &= (__u8) ~(0x80u >> bit % 8);
}

/* Few values a byte, so that prefixes lie in each other and side by side. */
static struct image_entry draw_entry(struct random *r)
{
	static const __u8 bytes[] = {0, 0, 1, 0x7f, 0x80, 0xfe, 0xff};
	struct image_entry e = {.table = random_below(r, TABLES),
				.family = NFR_FAMILY_IPV6,
				.is_negated = random_below(r, 4) == 0};

	for (unsigned i = 0; i < 16; i++)
		e.addr[i] = bytes[random_below(r, sizeof(bytes))];
	if (random_below(r, 2)) {
		e.family = NFR_FAMILY_IPV4;
		memset(e.addr, 0, 10);
		memset(e.addr + 10, 0xff, 2);
		e.prefix_len = (__u8)random_below(r, 33);
	} else {
		if (random_below(r, 2))
			memset(e.addr, 0, 10 - random_below(r, 3));
		e.prefix_len = (__u8)random_below(r, 129);
	}
	cut(&e);
	return e;
}

static int is_image_entry(const struct image_entry *e)
{
	static const __u8 mapped[12] = {[10] = 0xff, [11] = 0xff};

	return e->family == NFR_FAMILY_IPV4 || e->prefix_len < 96 ||
	       memcmp(e->addr, mapped, sizeof(mapped)) != 0;
}

static void draw(struct fixture *f, unsigned count)
{
	__u32 kept = 0;

	f->image = (struct image){.tables = f->tables,
				  .entries = f->entries,
				  .actions = &f->action,
				  .table_count = TABLES,
				  .action_count = 1};
	f->tables[COUNTS].flags = IMAGE_TABLE_COUNTERS;
	f->action.overload = ADDS;
	for (unsigned i = 0; i < count; i++) {
		f->entries[i] = draw_entry(&f->random);
		while (!is_image_entry(&f->entries[i]))
			f->entries[i] = draw_entry(&f->random);
	}
	qsort(f->entries, count, sizeof(*f->entries), by_order);
	for (unsigned i = 0; i < count; i++)
		if (!kept ||
		    image_entry_compare(&f->entries[kept - 1], &f->entries[i]))
			f->entries[kept++] = f->entries[i];
	f->image.entry_count = kept;
	image_entry_slots(&f->image, f->slots);
	free(f->bytes);
	f->bytes = NULL;
	assert_int_equal(
		table_build(&f->image, TABLE_BYTES_MAX, &f->bytes, &f->len), 0);
}

/* ---- what is asked ------------------------------------------------------- */

static void words_of(const __u8 addr[16], __u32 *family, __u32 words[4])
{
	static const __u8 mapped[12] = {[10] = 0xff, [11] = 0xff};

	for (unsigned i = 0; i < 4; i++)
		words[i] = (__u32)addr[4 * i] << 24 |
			   (__u32)addr[4 * i + 1] << 16 |
			   (__u32)addr[4 * i + 2] << 8 | addr[4 * i + 3];
	*family = NFR_FAMILY_IPV6;
	if (memcmp(addr, mapped, sizeof(mapped)) == 0) {
		*family = NFR_FAMILY_IPV4;
		words[0] = words[3];
		words[1] = words[2] = words[3] = 0;
	}
}

static __u32 plain(const struct fixture *f, __u32 table, const __u8 addr[16])
{
	const struct image_entry *best = NULL;

	for (__u32 i = 0; i < f->image.entry_count; i++) {
		const struct image_entry *e = &f->entries[i];
		struct image_entry own = *e;

		memcpy(own.addr, addr, sizeof(own.addr));
		cut(&own);
		if (e->table == table &&
		    !memcmp(own.addr, e->addr, sizeof(own.addr)) &&
		    (!best || length_in_128(best) < length_in_128(e)))
			best = e;
	}
	if (!best)
		return NFR_TABLE_NEGATED;
	return (best->is_negated ? NFR_TABLE_NEGATED : NFR_TABLE_MEMBER) |
	       f->slots[best - f->entries] << 1;
}

static __u32 found(const struct fixture *f, __u32 table, const __u8 addr[16])
{
	const struct table_bytes bytes = {(const char *)f->bytes,
					  f->len - TABLE_READ_MAX};
	struct nfr_table_address a;
	__u32 family, words[4];

	words_of(addr, &family, words);
	a = table_address(TABLE_UPPER(words), TABLE_LOWER(words), table,
			  family);
	return table_find(&bytes, &a);
}

static void step(__u8 addr[16], int by)
{
	for (int i = 15; i >= 0; i--) {
		addr[i] = (__u8)(addr[i] + by);
		if (addr[i] != (by > 0 ? 0 : 0xff))
			return;
	}
}

static void compare(const struct fixture *f, const __u8 addr[16])
{
	for (__u32 t = 0; t < TABLES; t++) {
		__u32 value = found(f, t, addr);

		assert_int_not_equal(value, TABLE_DOUBT);
		assert_int_equal(value & TABLE_ADDS,
				 t == ADDS ? TABLE_ADDS : 0);
		assert_int_equal(TABLE_VALUE(value), plain(f, t, addr));
	}
}

static void compare_ends(const struct fixture *f, const struct image_entry *e)
{
	__u8 addr[16];

	memcpy(addr, e->addr, sizeof(addr));
	compare(f, addr);
	step(addr, -1);
	compare(f, addr);
	memcpy(addr, e->addr, sizeof(addr));
	for (unsigned bit = length_in_128(e); bit < 128; bit++)
		addr[bit / 8] |= (__u8)(0x80u >> bit % 8);
	compare(f, addr);
	step(addr, 1);
	compare(f, addr);
}

/* ---- facts --------------------------------------------------------------- */

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (f)
		f->random = random_fork(20261121, 0);
	*state = f;
	return f ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->bytes);
	free(f);
	return 0;
}

static void the_longest_prefix_decides(void **state)
{
	struct fixture *f = *state;

	for (unsigned turn = 0; turn < 400; turn++) {
		draw(f, random_below(&f->random, turn % 8 ? 24 : ENTRIES));
		for (__u32 i = 0; i < f->image.entry_count; i++)
			compare_ends(f, &f->entries[i]);
		for (unsigned i = 0; i < 50; i++) {
			struct image_entry e = draw_entry(&f->random);

			compare(f, e.addr);
		}
	}
}

static void an_empty_table_has_nobody(void **state)
{
	struct fixture *f = *state;
	__u8 addr[16] = {0};

	draw(f, 0);
	compare(f, addr);
	memset(addr, 0xff, sizeof(addr));
	compare(f, addr);
	memset(addr, 0, 10);
	compare(f, addr);
}

static void a_table_that_is_not_there_is_a_doubt(void **state)
{
	struct fixture *f = *state;
	const __u8 addr[16] = {0};

	draw(f, 20);
	assert_int_equal(found(f, TABLES, addr), TABLE_DOUBT);
	assert_int_equal(found(f, 0x7fffffff, addr), TABLE_DOUBT);
	assert_int_equal(found(f, 0xffffffff, addr), TABLE_DOUBT);
}

/* As many bytes as it takes are enough, and one less is too few. */
static void what_has_no_room_is_refused(void **state)
{
	struct fixture *f = *state;
	__u8 *bytes = NULL;
	size_t len = 0;

	for (unsigned turn = 0; turn < 20; turn++) {
		draw(f, random_below(&f->random, ENTRIES));
		assert_int_equal(table_build(&f->image, f->len, &bytes, &len),
				 0);
		assert_int_equal(len, f->len);
		free(bytes);
		bytes = NULL;
		for (size_t less = 1; less < f->len; less += 97)
			assert_int_equal(table_build(&f->image, f->len - less,
						     &bytes, &len),
					 -E2BIG);
		assert_null(bytes);
	}
}

/* A byte of the index, none of those that say what a place is aligned to. */
static void damage(struct fixture *f)
{
	const size_t len = sizeof(struct table_index) +
			   2 * TABLES * sizeof(struct table_side);
	size_t at = random_below(&f->random, (__u32)len);

	f->bytes[at % 4 ? at : at + 1] = (__u8)random_next(&f->random);
}

/* Whatever it says, nothing behind the end is read: ASan looks. */
static void damaged_bytes_are_read_within_their_end(void **state)
{
	struct fixture *f = *state;
	unsigned doubts = 0;

	for (unsigned turn = 0; turn < 2000; turn++) {
		struct image_entry e = draw_entry(&f->random);

		if (turn % 50 == 0)
			draw(f, 100);
		for (unsigned i = 0; i < 4; i++)
			damage(f);
		for (__u32 t = 0; t < TABLES; t++)
			doubts += found(f, t, e.addr) == TABLE_DOUBT;
	}
	assert_true(doubts > 100);
}

static void what_is_added_is_a_member(void **state)
{
	struct fixture *f = *state;
	struct tableset *set;
	const __u32 addr[4] = {0xcb007109};
	struct nfr_table_address a = table_address(
		TABLE_UPPER(addr), TABLE_LOWER(addr), ADDS, NFR_FAMILY_IPV4);

	draw(f, 0);
	assert_int_equal(tableset_new(&f->image, &set), 0);
	assert_int_equal(tableset_has(set, ADDS, NFR_FAMILY_IPV4, addr), 0);
	assert_int_equal(tableset_add(set, &a), 0);
	assert_int_equal(tableset_has(set, ADDS, NFR_FAMILY_IPV4, addr), 1);
	assert_int_equal(tableset_has(set, ADDS, NFR_FAMILY_IPV6, addr), 0);
	assert_int_equal(tableset_has(set, 0, NFR_FAMILY_IPV4, addr), 0);
	for (a.lower = 1; a.lower < NFR_ADDED_MAX; a.lower++)
		assert_int_equal(tableset_add(set, &a), 0);
	assert_int_equal(tableset_add(set, &a), -E2BIG);
	tableset_free(&set);
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		FACT(the_longest_prefix_decides),
		FACT(an_empty_table_has_nobody),
		FACT(a_table_that_is_not_there_is_a_doubt),
		FACT(what_has_no_room_is_refused),
		FACT(damaged_bytes_are_read_within_their_end),
		FACT(what_is_added_is_a_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
