/* SPDX-License-Identifier: BSD-2-Clause */
/* test_hashmap.c: what user space's maps promise, as the kernel's do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/hashmap.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

static int put(struct hashmap *map, uint32_t key, uint64_t value,
	       enum hashmap_mode mode)
{
	return hashmap_insert(map, &key, &value, mode);
}

static uint64_t get(struct hashmap *map, uint32_t key)
{
	const uint64_t *value = hashmap_find(map, &key);

	return value ? *value : 0;
}

TEST(a_key_that_is_there_is_told_from_no_room)
{
	struct hashmap *map;

	assert_int_equal(hashmap_new(2, 4, 8, HASHMAP_REFUSES, &map), 0);
	assert_int_equal(put(map, 1, 10, HASHMAP_NOEXIST), 0);
	assert_int_equal(put(map, 2, 20, HASHMAP_NOEXIST), 0);
	assert_int_equal(put(map, 1, 11, HASHMAP_NOEXIST), -EEXIST);
	assert_int_equal(put(map, 3, 30, HASHMAP_NOEXIST), -E2BIG);
	assert_int_equal(put(map, 1, 11, HASHMAP_ANY), 0);
	assert_int_equal(get(map, 1), 11);
	assert_int_equal(hashmap_count(map), 2);
	hashmap_free(&map);
}

TEST(the_oldest_gives_way_where_that_is_asked)
{
	struct hashmap *map;
	uint32_t two = 2;

	assert_int_equal(hashmap_new(2, 4, 8, HASHMAP_EVICTS, &map), 0);
	for (uint32_t key = 1; key <= 3; key++)
		assert_int_equal(put(map, key, key * 10, HASHMAP_ANY), 0);
	assert_int_equal(get(map, 1), 0);
	assert_int_equal(get(map, 2), 20);
	assert_int_equal(hashmap_delete(map, &two), 0);
	assert_int_equal(hashmap_delete(map, &two), -ENOENT);
	assert_int_equal(hashmap_count(map), 1);
	hashmap_free(&map);
}

static void drop_odd(void *map, const void *key, void *value)
{
	(void)value;
	if (*(const uint32_t *)key % 2)
		hashmap_delete(map, key);
}

TEST(a_visit_may_delete_its_entry)
{
	struct hashmap *map;

	assert_int_equal(hashmap_new(1000, 4, 8, HASHMAP_REFUSES, &map), 0);
	for (uint32_t key = 1; key <= 1000; key++)
		put(map, key, key, HASHMAP_NOEXIST);
	hashmap_each(map, drop_odd, map);
	assert_int_equal(hashmap_count(map), 500);
	assert_int_equal(get(map, 500), 500);
	assert_int_equal(get(map, 501), 0);
	hashmap_free(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_that_is_there_is_told_from_no_room),
		cmocka_unit_test(the_oldest_gives_way_where_that_is_asked),
		cmocka_unit_test(a_visit_may_delete_its_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
