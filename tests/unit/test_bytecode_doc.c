/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_bytecode_doc.c: the tables of docs/bytecode.md are those of the code.
 * Prints the table that should be there when it is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image_layout.h"

static char *doc;

static int setup(void **state)
{
	FILE *file = fopen("docs/bytecode.md", "re");
	size_t capacity = 0;

	(void)state;
	if (!file || getdelim(&doc, &capacity, '\0', file) < 0)
		return -1;
	fclose(file);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(doc);
	return 0;
}

/* fill prints the rows; the table must stand in the document as a whole. */
static void assert_table(const char *head, void (*fill)(FILE *))
{
	char *table = NULL;
	size_t len;
	FILE *out = open_memstream(&table, &len);
	bool is_there;

	assert_non_null(out);
	fputs(head, out);
	fill(out);
	fputc('\n', out);
	fclose(out);
	is_there = strstr(doc, table) != NULL;
	if (!is_there)
		print_error("docs/bytecode.md should have:\n%s", table);
	free(table);
	assert_true(is_there);
}

static void fill_opcodes(FILE *out)
{
#define NFR_OPCODE(sym, num, name, form, text)                                 \
	fprintf(out, "| %u | `%s` | %s | %s |\n", num, name, #form, text);
#include "runtime/opcodes.def"
#undef NFR_OPCODE
}

static void test_instructions_are_those_of_opcodes_def(void **state)
{
	(void)state;
	assert_table("| number | name | operands | meaning |\n"
		     "| --- | --- | --- | --- |\n",
		     fill_opcodes);
}

static void fill_fields(FILE *out)
{
#define NFR_FIELD(number, name, text)                                          \
	fprintf(out, "| %u | `%s` | %s |\n", (unsigned)(number), name, text);
#include "compiler/fields.def"
#undef NFR_FIELD
}

static void test_fields_are_those_of_fields_def(void **state)
{
	(void)state;
	assert_table("| word | name | contents |\n| --- | --- | --- |\n",
		     fill_fields);
}

static void fill_entries(FILE *out)
{
	static const char *const stages[] = {"rules", "guard"};
	static const char *const dirs[] = {"in", "out"};
	static const char *const families[] = {"link", "ipv4", "ipv6"};

	for (unsigned s = 0; s < 2; s++)
		for (unsigned d = 0; d < 2; d++)
			for (unsigned f = 0; f < 3; f++)
				fprintf(out, "| %u | `%s/%s/%s` |\n",
					NFR_ENTRY(s, d, f), stages[s], dirs[d],
					families[f]);
}

static void test_entries_are_those_of_abi_h(void **state)
{
	(void)state;
	assert_table("| number | program |\n| --- | --- |\n", fill_entries);
}

#define ROW(member, text)                                                      \
	fprintf(out, "| %zu | %zu | %s | %s |\n",                              \
		offsetof(struct image_header, member),                         \
		sizeof(((struct image_header *)0)->member), #member, text)

static void fill_header(FILE *out)
{
	ROW(magic, "`NFI1`");
	ROW(abi_version, "of everything that is described here");
	ROW(len, "of the whole image, in bytes");
	ROW(guard_first, "number of the guard's first rule");
	ROW(hash, "SHA-256 of all bytes, these 32 taken as zero");
	ROW(entry, "first instruction of each program, by number");
	ROW(section, "offset and count of items, each 4 bytes, by number");
}

static void test_header_is_that_of_image_h(void **state)
{
	(void)state;
	assert_table("| offset | bytes | name | contents |\n"
		     "| --- | --- | --- | --- |\n",
		     fill_header);
}

static void fill_sections(FILE *out)
{
	for (unsigned i = 0; i < IMAGE_SECTIONS; i++)
		fprintf(out, "| %u | %s | %zu |\n", i, image_section_name[i],
			image_item_len[i]);
}

static void test_sections_are_those_of_image_h(void **state)
{
	(void)state;
	assert_table("| number | section | bytes an item |\n"
		     "| --- | --- | --- |\n",
		     fill_sections);
}

static void fill_limits(FILE *out)
{
	fprintf(out, "| instructions | %u |\n", NFR_INSN_MAX);
	fprintf(out, "| rules, the guard's included | %u |\n", NFR_RULE_MAX);
	fprintf(out, "| tables | %u |\n", NFR_TABLE_MAX);
	fprintf(out, "| interfaces | %u |\n", NFR_IFACE_MAX);
}

static void test_limits_are_those_of_abi_h(void **state)
{
	(void)state;
	assert_table("| of | at most |\n| --- | --- |\n", fill_limits);
}

static void test_version_is_that_of_abi_h(void **state)
{
	char line[64];

	(void)state;
	snprintf(line, sizeof(line), "This is version %u.\n", NFR_ABI_VERSION);
	assert_non_null(strstr(doc, line));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instructions_are_those_of_opcodes_def),
		cmocka_unit_test(test_fields_are_those_of_fields_def),
		cmocka_unit_test(test_entries_are_those_of_abi_h),
		cmocka_unit_test(test_header_is_that_of_image_h),
		cmocka_unit_test(test_sections_are_those_of_image_h),
		cmocka_unit_test(test_limits_are_those_of_abi_h),
		cmocka_unit_test(test_version_is_that_of_abi_h),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
