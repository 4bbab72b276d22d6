/* SPDX-License-Identifier: BSD-2-Clause */
/* test_source.c: files, offsets and lines; memory and addresses beside them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "compiler/addr.h"
#include "compiler/source.h"

struct fixture {
	struct arena *arena;
	struct sources *sources;
	char folder[32];
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));
	x->arena = arena_new();
	x->sources = sources_new(x->arena);
	strcpy(x->folder, "/tmp/nfr-source-XXXXXX");
	*state = x;
	return mkdtemp(x->folder) ? 0 : -1;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	char *command = arena_printf(x->arena, "rm -rf %s", x->folder);
	int status = system(command);
	arena_free(&x->arena);
	free(x);
	return status;
}

static const char *write_file(struct fixture *x, const char *name,
			      const char *text)
{
	const char *path = arena_printf(x->arena, "%s/%s", x->folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
	return path;
}

static const struct source_file *add(struct fixture *x, const char *text)
{
	return sources_add(x->sources, "text", text, strlen(text));
}

static void offset_zero_is_nowhere(void **state)
{
	struct fixture *x = *state;
	struct location loc;
	add(x, "pass");
	sources_locate(x->sources, 0, &loc);
	assert_null(loc.file);
}

static void an_offset_past_all_files_is_nowhere(void **state)
{
	struct fixture *x = *state;
	struct location loc;
	const struct source_file *file = add(x, "pass");
	sources_locate(x->sources, file->base + 5, &loc);
	assert_null(loc.file);
}

static void an_offset_is_a_line_and_a_column(void **state)
{
	struct fixture *x = *state;
	struct location loc;
	const struct source_file *file = add(x, "one\ntwo three\n\nfour");
	sources_locate(x->sources, file->base + 8, &loc);
	assert_ptr_equal(loc.file, file);
	assert_int_equal(loc.line, 2);
	assert_int_equal(loc.col, 5);
	assert_int_equal(loc.line_len, 9);
	assert_memory_equal(loc.line_text, "two three", 9);
}

static void a_newline_belongs_to_its_line(void **state)
{
	struct fixture *x = *state;
	struct location loc;
	const struct source_file *file = add(x, "ab\ncd");
	sources_locate(x->sources, file->base + 2, &loc);
	assert_int_equal(loc.line, 1);
	assert_int_equal(loc.col, 3);
}

static void the_end_of_a_file_has_a_place(void **state)
{
	struct fixture *x = *state;
	struct location loc;
	const struct source_file *first = add(x, "ab");
	const struct source_file *second = add(x, "cd");
	sources_locate(x->sources, first->base + 2, &loc);
	assert_ptr_equal(loc.file, first);
	assert_int_equal(loc.col, 3);
	sources_locate(x->sources, second->base, &loc);
	assert_ptr_equal(loc.file, second);
}

static void an_empty_file_has_a_place(void **state)
{
	struct fixture *x = *state;
	struct location loc;
	const struct source_file *file = add(x, "");
	sources_locate(x->sources, file->base, &loc);
	assert_ptr_equal(loc.file, file);
	assert_int_equal(loc.line, 1);
	assert_int_equal(loc.line_len, 0);
}

static void a_path_is_relative_to_the_file_that_names_it(void **state)
{
	struct fixture *x = *state;
	const struct source_file *outer, *inner;
	write_file(x, "inner.nfr", "pass\n");
	const char *path = write_file(x, "outer.nfr", "include\n");
	assert_int_equal(sources_read(x->sources, path, SPAN_NONE, &outer), 0);
	struct span span = {outer->base, outer->base + 7};
	assert_int_equal(sources_read(x->sources, "inner.nfr", span, &inner),
			 0);
	assert_string_equal(inner->text, "pass\n");
	assert_int_equal(inner->included.start, span.start);
	assert_int_equal(inner->index, 1);
	assert_int_equal(sources_count(x->sources), 2);
	assert_ptr_equal(sources_file(x->sources, 1), inner);
}

static void a_missing_file_is_enoent(void **state)
{
	struct fixture *x = *state;
	const struct source_file *file;
	assert_int_equal(
		sources_read(x->sources, "/no/such/file", SPAN_NONE, &file),
		-ENOENT);
}

static void a_folder_is_eisdir(void **state)
{
	struct fixture *x = *state;
	const struct source_file *file;
	assert_int_equal(sources_read(x->sources, x->folder, SPAN_NONE, &file),
			 -EISDIR);
}

static void more_than_64_mib_is_efbig(void **state)
{
	struct fixture *x = *state;
	const struct source_file *file;
	const char *path = write_file(x, "big", "");
	assert_int_equal(truncate(path, (64 << 20) + 1), 0);
	assert_int_equal(sources_read(x->sources, path, SPAN_NONE, &file),
			 -EFBIG);
	assert_int_equal(sources_count(x->sources), 0);
}

static void nul_bytes_are_kept(void **state)
{
	struct fixture *x = *state;
	const struct source_file *file =
		sources_add(x->sources, "text", "a\0b", 3);
	assert_int_equal(file->len, 3);
	assert_memory_equal(file->text, "a\0b\0", 4);
}

static void a_macro_use_is_found_inside_its_span_only(void **state)
{
	struct fixture *x = *state;
	const struct source_file *file = add(x, "a = \"b\"\npass on $a $a\n");
	struct span defined = {file->base, file->base + 1};
	struct span one = {file->base + 16, file->base + 18};
	struct span two = {file->base + 19, file->base + 21};
	sources_add_use(x->sources, one, "a", defined);
	sources_add_use(x->sources, two, "a", defined);
	assert_null(sources_find_use(x->sources, one.start - 1));
	assert_int_equal(sources_find_use(x->sources, one.start)->use.start,
			 one.start);
	assert_int_equal(sources_find_use(x->sources, two.end - 1)->use.start,
			 two.start);
	assert_null(sources_find_use(x->sources, one.end));
	assert_null(sources_find_use(x->sources, two.end));
}

static void spans_join_from_start_to_end(void **state)
{
	(void)state;
	struct span joined =
		span_join((struct span){3, 5}, (struct span){9, 12});
	assert_int_equal(joined.start, 3);
	assert_int_equal(joined.end, 12);
	joined = span_join(SPAN_NONE, (struct span){9, 12});
	assert_int_equal(joined.start, 9);
	joined = span_join((struct span){3, 5}, SPAN_NONE);
	assert_int_equal(joined.end, 5);
}

static void memory_is_zero_and_aligned(void **state)
{
	struct fixture *x = *state;
	for (size_t len = 1; len < 100000; len = len * 3 + 1) {
		unsigned char *memory = arena_alloc(x->arena, len);
		assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < len; i++)
			assert_int_equal(memory[i], 0);
		memset(memory, 0xff, len);
	}
}

static void a_growing_array_keeps_its_items(void **state)
{
	struct fixture *x = *state;
	int *items = NULL;
	size_t capacity = 0;
	for (int i = 0; i < 10000; i++) {
		items = arena_grow(x->arena, items, (size_t)i, &capacity,
				   sizeof(*items));
		items[i] = i;
	}
	for (int i = 0; i < 10000; i++)
		assert_int_equal(items[i], i);
}

static struct addr address(const char *text, enum addr_family *family)
{
	struct addr a;
	assert_int_equal(addr_parse(text, &a, family), 0);
	return a;
}

static void an_address_prints_as_it_was_written(void **state)
{
	static const char *const texts[] = {
		"0.0.0.0", "255.255.255.255",	   "10.0.0.1", "::", "::1",
		"fe80::1", "2001:db8:0:1::ff00:42"};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		char text[ADDR_TEXT_MAX];
		enum addr_family family;
		struct addr a = address(texts[i], &family);
		assert_string_equal(addr_format(&a, family, text), texts[i]);
	}
}

static void what_is_no_address_is_einval(void **state)
{
	static const char *const texts[] = {
		"",  "10",    "10.0.0", "10.0.0.256", "10.0.0.1/8",
		":", "1:2:3", "x",	"10.0.0.0.1"};
	(void)state;
	struct addr a;
	enum addr_family family;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_int_equal(addr_parse(texts[i], &a, &family), -EINVAL);
}

static void a_prefix_is_from_first_to_last(void **state)
{
	static const struct {
		const char *addr;
		unsigned len;
		const char *first, *last;
	} rows[] = {
		{"10.1.2.3", 8, "10.0.0.0", "10.255.255.255"},
		{"10.1.2.3", 32, "10.1.2.3", "10.1.2.3"},
		{"10.1.2.3", 0, "0.0.0.0", "255.255.255.255"},
		{"10.1.2.3", 31, "10.1.2.2", "10.1.2.3"},
		{"fe80::1:2", 64, "fe80::", "fe80::ffff:ffff:ffff:ffff"},
		{"2001:db8::1", 33,
		 "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"},
		{"::1", 128, "::1", "::1"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[ADDR_TEXT_MAX];
		enum addr_family family;
		struct addr a = address(rows[i].addr, &family);
		struct addr first = addr_first(a, family, rows[i].len);
		struct addr last = addr_last(a, family, rows[i].len);
		assert_string_equal(addr_format(&first, family, text),
				    rows[i].first);
		assert_string_equal(addr_format(&last, family, text),
				    rows[i].last);
	}
}

static void addresses_are_ordered_by_value(void **state)
{
	(void)state;
	enum addr_family family;
	struct addr low = address("9.255.255.255", &family);
	struct addr high = address("10.0.0.0", &family);
	assert_true(addr_compare(&low, &high) < 0);
	assert_true(addr_compare(&high, &low) > 0);
	assert_int_equal(addr_compare(&low, &low), 0);
}

static void ipv4_is_mapped_for_tables(void **state)
{
	static const uint8_t wanted[16] = {0, 0, 0,    0,    0,	 0, 0, 0,
					   0, 0, 0xff, 0xff, 10, 1, 2, 3};
	(void)state;
	enum addr_family family;
	uint8_t bytes[16];
	struct addr a = address("10.1.2.3", &family);
	addr_to_mapped(&a, family, bytes);
	assert_memory_equal(bytes, wanted, 16);
	a = address("fd00::1", &family);
	addr_to_mapped(&a, family, bytes);
	assert_int_equal(bytes[0], 0xfd);
	assert_int_equal(bytes[15], 1);
}

#define fact(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		fact(offset_zero_is_nowhere),
		fact(an_offset_past_all_files_is_nowhere),
		fact(an_offset_is_a_line_and_a_column),
		fact(a_newline_belongs_to_its_line),
		fact(the_end_of_a_file_has_a_place),
		fact(an_empty_file_has_a_place),
		fact(a_path_is_relative_to_the_file_that_names_it),
		fact(a_missing_file_is_enoent),
		fact(a_folder_is_eisdir),
		fact(more_than_64_mib_is_efbig),
		fact(nul_bytes_are_kept),
		fact(a_macro_use_is_found_inside_its_span_only),
		fact(spans_join_from_start_to_end),
		fact(memory_is_zero_and_aligned),
		fact(a_growing_array_keeps_its_items),
		fact(an_address_prints_as_it_was_written),
		fact(what_is_no_address_is_einval),
		fact(a_prefix_is_from_first_to_last),
		fact(addresses_are_ordered_by_value),
		fact(ipv4_is_mapped_for_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
