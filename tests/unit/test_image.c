/* SPDX-License-Identifier: BSD-2-Clause */
/* test_image.c: an image is what was written, or it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image_layout.h"
#include "tests/agree/fixture.h"
#include "tests/agree/random.h"
#include "tests/agree/reference_vm.h"

struct bench {
	struct fixture fixture;
	struct image img;
	__u8 *copy; /* of the bytes, to be damaged */
	char error[IMAGE_ERROR_MAX];
};

/* Some of everything. */
static void fill(struct fixture *f)
{
	const char text[] = "pass out\nblock in\n";
	const struct source_file *file =
		sources_add(f->sources, "some.nfr", text, sizeof(text) - 1);
	struct policy_rule *rule;

	rule = fixture_rule(f, true);
	rule->match.ifid = fixture_iface(f, "eth0");
	rule->match.on_any = false;
	rule->label = "first";
	rule->keeps_state = true;
	rule->span = (struct span){file->base + 9, file->base + 17};
	fixture_iface(f, "wg0");
	f->ifaces[1].is_tunnel = true;
	rule = fixture_rule(f, false);
	rule->is_quick = true;
	rule->label = "eth0";
	rule->is_logged = true;
	rule->match.src.kind = POLICY_HOST_TABLE;
	rule->match.src.table =
		fixture_table(f, "lan", "10.0.0.0/8 !10.1.0.0/16 fd00::/8");
	rule = fixture_rule(f, true);
	rule->match.families = 1u << NFR_FAMILY_IPV6;
	rule->match.dst = fixture_range("2001:db8::1", "2001:db8::1:0:5");
	rule = fixture_guard(f, false);
	rule->match.dirs = 1u << NFR_DIR_OUT;
}

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	fixture_init(&b->fixture);
	fill(&b->fixture);
	fixture_image(&b->fixture, false, &b->img);
	b->copy = malloc(b->fixture.len);
	memcpy(b->copy, b->fixture.bytes, b->fixture.len);
	*state = b;
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;

	fixture_free(&b->fixture);
	free(b->copy);
	free(b);
	return 0;
}

static struct image_header *header(struct bench *b)
{
	return (struct image_header *)b->copy;
}

static void *item(struct bench *b, enum image_section s)
{
	return b->copy + header(b)->section[s].offset;
}

static int open_copy(struct bench *b)
{
	struct image img;

	b->error[0] = '\0';
	return image_open(b->copy, b->fixture.len, &img, b->error);
}

/* As open_copy(), for damage by one who can compute a hash. */
static int open_hashed(struct bench *b)
{
	image_hash(b->copy, b->fixture.len, header(b)->hash);
	return open_copy(b);
}

static void assert_refused(struct bench *b, const char *why)
{
	assert_int_equal(open_hashed(b), -EBADMSG);
	assert_string_equal(b->error, why);
	memcpy(b->copy, b->fixture.bytes, b->fixture.len);
}

/* ---- writing ----------------------------------------------------------- */

static void test_what_is_written_is_read(void **state)
{
	struct bench *b = *state;
	const struct image *img = &b->img;

	assert_int_equal(img->rule_count, 6);
	assert_int_equal(img->header->guard_first, 4);
	assert_int_equal(img->rules[0].flags, NFR_RULE_STATE);
	assert_int_equal(img->rules[1].flags, NFR_RULE_LOG);
	assert_int_equal(img->rules[3].flags, NFR_RULE_DEFAULT);
	assert_int_equal(img->rules[4].flags, NFR_RULE_GUARD);
	assert_int_equal(img->ruleinfo[1].flags, IMAGE_RULE_QUICK);
	assert_string_equal(image_string(img, img->ruleinfo[0].label), "first");
	assert_string_equal(image_string(img, img->ruleinfo[0].text),
			    "pass rule 0");
	assert_string_equal(image_string(img, img->ifaces[1].name), "wg0");
	assert_int_equal(img->ifaces[1].flags, IMAGE_IFACE_TUNNEL);
	assert_int_equal(img->entry_count, 3);
	assert_int_equal(img->entries[2].family, NFR_FAMILY_IPV6);
}

static void test_a_rule_knows_its_place(void **state)
{
	struct bench *b = *state;
	const struct image_ruleinfo *info = b->img.ruleinfo;

	assert_int_equal(info[0].file, 0);
	assert_int_equal(info[0].line, 2);
	assert_int_equal(info[0].col, 1);
	assert_string_equal(image_string(&b->img, b->img.files[0]), "some.nfr");
	assert_int_equal(info[1].file, IMAGE_NO_FILE);
}

static void test_the_same_policy_gives_the_same_bytes(void **state)
{
	struct bench *b = *state;
	struct fixture other;
	struct image img;

	fixture_init(&other);
	fill(&other);
	fixture_image(&other, false, &img);
	assert_int_equal(other.len, b->fixture.len);
	assert_memory_equal(other.bytes, b->fixture.bytes, other.len);
	fixture_free(&other);
}

static void test_equal_strings_are_stored_once(void **state)
{
	struct bench *b = *state;
	const struct image *img = &b->img;

	/* The second rule has the interface's name for a label. */
	assert_int_equal(img->ruleinfo[1].label, img->ifaces[0].name);
}

static void test_the_short_hash_is_the_hash(void **state)
{
	struct bench *b = *state;
	char name[13], expected[13];
	const __u8 *h = b->img.header->hash;

	image_short_hash(&b->img, name);
	snprintf(expected, sizeof(expected), "%02x%02x%02x%02x%02x%02x", h[0],
		 h[1], h[2], h[3], h[4], h[5]);
	assert_string_equal(name, expected);
}

/* ---- damage ------------------------------------------------------------ */

static void test_every_flipped_bit_is_noticed(void **state)
{
	struct bench *b = *state;

	for (size_t bit = 0; bit < b->fixture.len * 8; bit++) {
		b->copy[bit / 8] ^= (__u8)(1u << bit % 8);
		assert_true(open_copy(b) < 0);
		assert_true(b->error[0] != '\0');
		b->copy[bit / 8] ^= (__u8)(1u << bit % 8);
	}
	assert_int_equal(open_copy(b), 0);
}

/* Each in memory of just that length, so that a sanitizer sees more reads. */
static void test_every_truncation_is_noticed(void **state)
{
	struct bench *b = *state;
	struct image img;

	for (size_t len = 0; len < b->fixture.len; len++) {
		__u8 *cut = malloc(len ? len : 1);

		memcpy(cut, b->fixture.bytes, len);
		assert_int_equal(image_open(cut, len, &img, b->error),
				 -EBADMSG);
		free(cut);
	}
}

static void test_trailing_bytes_are_noticed(void **state)
{
	struct bench *b = *state;
	size_t len = b->fixture.len + 8;
	__u8 *longer = calloc(1, len);
	struct image_header *h = (struct image_header *)longer;
	struct image img;

	memcpy(longer, b->fixture.bytes, b->fixture.len);
	assert_int_equal(image_open(longer, len, &img, b->error), -EBADMSG);
	h->len = (__u32)len;
	image_hash(longer, len, h->hash);
	assert_int_equal(image_open(longer, len, &img, b->error), -EBADMSG);
	free(longer);
}

static void test_another_version_is_told_from_damage(void **state)
{
	struct bench *b = *state;
	char want[80];

	header(b)->abi_version = NFR_ABI_VERSION + 1;
	assert_int_equal(open_copy(b), -EPROTO);
	snprintf(want, sizeof(want),
		 "image of version %u, this is for version %u",
		 NFR_ABI_VERSION + 1, NFR_ABI_VERSION);
	assert_string_equal(b->error, want);
}

static void test_another_file_is_told_from_damage(void **state)
{
	struct bench *b = *state;

	header(b)->magic = 0x464c457f;
	assert_int_equal(open_copy(b), -EBADMSG);
	assert_string_equal(b->error, "not an nfr image");
}

/* ---- images made to harm ----------------------------------------------- */

static void test_sections_have_one_place(void **state)
{
	struct bench *b = *state;

	header(b)->section[IMAGE_RULES].offset -= 8;
	assert_refused(b, "section rules is not at 408");
	header(b)->section[IMAGE_STRINGS].offset += 1;
	assert_int_equal(open_hashed(b), -EBADMSG);
	header(b)->section[IMAGE_STRINGS].offset = 0xfffffff8;
	assert_int_equal(open_hashed(b), -EBADMSG);
}

static void test_counts_that_overflow_are_refused(void **state)
{
	static const __u32 counts[] = {0xffffffff, 0x80000000, 0x20000000,
				       0x10000001};
	struct bench *b = *state;

	for (unsigned s = 0; s < IMAGE_SECTIONS; s++)
		for (unsigned i = 0; i < 4; i++) {
			header(b)->section[s].count = counts[i];
			assert_int_equal(open_hashed(b), -EBADMSG);
			memcpy(b->copy, b->fixture.bytes, b->fixture.len);
		}
}

static void test_padding_is_zero(void **state)
{
	struct bench *b = *state;
	__u32 *files = item(b, IMAGE_FILES);

	assert_int_equal(header(b)->section[IMAGE_FILES].count, 1);
	files[1] = 1;
	assert_refused(b, "padding behind section files");
}

static void test_strings_begin_and_end_with_nul(void **state)
{
	struct bench *b = *state;
	char *strings = item(b, IMAGE_STRINGS);
	__u32 len = header(b)->section[IMAGE_STRINGS].count;

	strings[len - 1] = 'x';
	assert_refused(b, "strings do not begin and end with NUL");
	strings[0] = 'x';
	assert_refused(b, "strings do not begin and end with NUL");
}

static void test_offsets_of_strings_end_inside(void **state)
{
	struct bench *b = *state;
	__u32 len = header(b)->section[IMAGE_STRINGS].count;

	((struct image_ruleinfo *)item(b, IMAGE_RULEINFO))[2].text = len;
	assert_refused(b, "rule 2: no such string");
	((struct image_iface *)item(b, IMAGE_IFACES))->name = len;
	assert_refused(b, "interface 1: no such string or flag");
	((struct image_table *)item(b, IMAGE_TABLES))->name = 0xffffffff;
	assert_refused(b, "table 0: no such string");
	((struct image_table *)item(b, IMAGE_TABLES))->iface = len;
	assert_refused(b, "table 0: no such string");
	((struct image_table *)item(b, IMAGE_TABLES))->flags = 1u << 31;
	assert_refused(b, "table 0: unknown flags");
	((struct image_table *)item(b, IMAGE_TABLES))->modifiers = 1;
	assert_refused(b, "table 0: an interface, but it is not dynamic");
	((struct image_table *)item(b, IMAGE_TABLES))->prefix_len = 24;
	assert_refused(b, "table 0: prefix is too long");
	*(__u32 *)item(b, IMAGE_FILES) = len;
	assert_refused(b, "file 0: no such string");
}

static void test_places_name_files_that_are_there(void **state)
{
	struct bench *b = *state;

	((struct image_ruleinfo *)item(b, IMAGE_RULEINFO))->file = 1;
	assert_refused(b, "rule 0: no such file");
}

static void test_entries_are_prefixes_in_order(void **state)
{
	struct bench *b = *state;
	struct image_entry *e = item(b, IMAGE_ENTRIES), swap = e[0];

	e[0] = e[1];
	e[1] = swap;
	assert_refused(b, "table entry 1: not in order");
	e[1] = e[0];
	assert_refused(b, "table entry 1: not in order");
	e[0].prefix_len = 33;
	assert_refused(b, "table entry 0: prefix is too long");
	e[0].prefix_len = 4;
	assert_refused(b, "table entry 0: address has bits behind its prefix");
	e[2].prefix_len = 129;
	assert_refused(b, "table entry 2: prefix is too long");
	e[0].family = NFR_FAMILY_LINK;
	assert_refused(b, "table entry 0: unknown family");
	e[0].family = NFR_FAMILY_IPV6;
	e[0].prefix_len += 96;
	assert_refused(b, "table entry 0: IPv4 address as IPv6");
	e[0].addr[10] = 0;
	assert_refused(b, "table entry 0: IPv4 address is not mapped");
	e[2].table = 1;
	assert_refused(b, "table entry 2: no such table");
	e[2].is_negated = 2;
	assert_refused(b, "table entry 2: unknown flags");
	e[2].reserved = 1;
	assert_refused(b, "table entry 2: unknown flags");
}

static void test_interfaces_have_names_of_their_own(void **state)
{
	struct bench *b = *state;
	struct image_iface *iface = item(b, IMAGE_IFACES);

	iface[1].name = iface[0].name;
	assert_refused(b, "interface 2: named twice");
	iface[1].name = 0;
	assert_refused(b, "interface 2: not a name");
	iface[1].flags = 1u << 31;
	assert_refused(b, "interface 2: no such string or flag");
}

static void test_bytecode_is_verified(void **state)
{
	struct bench *b = *state;

	((struct nfr_insn *)item(b, IMAGE_CODE))->op = 99;
	assert_refused(b, "instruction 0: unknown opcode");
}

/* ---- random harm ------------------------------------------------------- */

static void run_everywhere(const struct image *img, struct random *r)
{
	struct nfr_key key;

	for (unsigned i = 0; i < 12; i++) {
		for (unsigned w = 0; w < NFR_KEY_WORDS; w++)
			key.w[w] = (__u32)random_next(r) >> random_below(r, 32);
		key.w[NFR_F_DIR] = i % 2;
		key.w[NFR_F_FAMILY] = i / 2 % 3;
		reference_vm_run(img, NFR_STAGE_RULES, &key);
		reference_vm_run(img, NFR_STAGE_GUARD, &key);
	}
}

static void mutate(struct bench *b, struct random *r)
{
	unsigned section = random_below(r, IMAGE_SECTIONS + 1);
	size_t at = 0, len = sizeof(struct image_header);

	if (section < IMAGE_SECTIONS) {
		at = b->img.header->section[section].offset;
		len = b->fixture.len - at;
		if (len > 64)
			len = 64;
	}
	at += random_below(r, (uint32_t)len);
	if (random_once_in(r, 2))
		b->copy[at] ^= (__u8)(1u << random_below(r, 8));
	else
		b->copy[at] = (__u8)random_below(r, 12);
}

/* Whoever mutates and hashes may get an image accepted; then it is total. */
static void test_what_is_accepted_is_total(void **state)
{
	struct bench *b = *state;
	unsigned accepted = 0;

	for (uint64_t seed = 0; seed < 50000; seed++) {
		struct random r = random_fork(2, seed);
		struct image img;

		for (uint32_t i = 1 + random_below(&r, 3); i > 0; i--)
			mutate(b, &r);
		image_hash(b->copy, b->fixture.len, header(b)->hash);
		if (image_open(b->copy, b->fixture.len, &img, b->error) == 0) {
			accepted++;
			run_everywhere(&img, &r);
		}
		memcpy(b->copy, b->fixture.bytes, b->fixture.len);
	}
	assert_true(accepted > 500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_what_is_written_is_read),
		TEST(test_a_rule_knows_its_place),
		TEST(test_the_same_policy_gives_the_same_bytes),
		TEST(test_equal_strings_are_stored_once),
		TEST(test_the_short_hash_is_the_hash),
		TEST(test_every_flipped_bit_is_noticed),
		TEST(test_every_truncation_is_noticed),
		TEST(test_trailing_bytes_are_noticed),
		TEST(test_another_version_is_told_from_damage),
		TEST(test_another_file_is_told_from_damage),
		TEST(test_sections_have_one_place),
		TEST(test_counts_that_overflow_are_refused),
		TEST(test_padding_is_zero),
		TEST(test_strings_begin_and_end_with_nul),
		TEST(test_offsets_of_strings_end_inside),
		TEST(test_places_name_files_that_are_there),
		TEST(test_entries_are_prefixes_in_order),
		TEST(test_interfaces_have_names_of_their_own),
		TEST(test_bytecode_is_verified),
		TEST(test_what_is_accepted_is_total),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
