/* SPDX-License-Identifier: BSD-2-Clause */
/* test_disasm.c: images as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/agree/fixture.h"

static void assert_text(const struct image *img,
			void (*print)(const struct image *, FILE *),
			const char *expected)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	print(img, out);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_code_names_what_it_tests(void **state)
{
	struct fixture f;
	struct policy_rule *rule;
	struct image img;

	(void)state;
	fixture_init(&f);
	rule = fixture_rule(&f, true);
	rule->match.dirs = 1u << NFR_DIR_OUT;
	rule->match.families = 1u << NFR_FAMILY_IPV4;
	rule->match.ifid = fixture_iface(&f, "eth0");
	rule->match.on_any = false;
	rule->match.proto = 6;
	rule->match.dport = (struct policy_port){.first = 80, .last = 443};
	rule->match.flags_set = 0x02;
	rule->match.flags_mask = 0x12;
	rule->match.dst = fixture_range("10.0.0.0", "10.255.255.255");
	rule->match.src.kind = POLICY_HOST_TABLE;
	rule->match.src.table = fixture_table(&f, "lan", "10.0.0.0/8");
	rule = fixture_rule(&f, true);
	rule->match.dirs = 1u << NFR_DIR_OUT;
	rule->match.families = 1u << NFR_FAMILY_IPV6;
	rule->match.dst = fixture_range("2001:db8::", "2001:db8::");
	fixture_guard(&f, false)->match.dirs = 1u << NFR_DIR_OUT;
	fixture_image(&f, false, &img);
	assert_text(&img, disasm_code,
		    "rules/in/link:\n"
		    "rules/in/ipv4:\n"
		    "rules/in/ipv6:\n"
		    "rules/out/link:\n"
		    "     0  ret   2  ; block default 2\n"
		    "rules/out/ipv4:\n"
		    "     1  jne   ifid, eth0, 10\n"
		    "     2  jne   proto, 6, 10\n"
		    "     3  jlt   dport, 80, 10\n"
		    "     4  jgt   dport, 443, 10\n"
		    "     5  jlt   dst[0], 10.0.0.0, 10\n"
		    "     6  jgt   dst[0], 10.255.255.255, 10\n"
		    "     7  jmne  tcpflags, 0x0002/0x0012, 10\n"
		    "     8  jnin  src, <lan>, 10\n"
		    "     9  ret   0  ; pass rule 0\n"
		    "    10  ret   2  ; block default 2\n"
		    "rules/out/ipv6:\n"
		    "    11  jne   dst[0], 0x20010db8, 16\n"
		    "    12  jne   dst[1], 0x00000000, 16\n"
		    "    13  jne   dst[2], 0x00000000, 16\n"
		    "    14  jne   dst[3], 0x00000000, 16\n"
		    "    15  ret   1  ; pass rule 1\n"
		    "    16  ret   2  ; block default 2\n"
		    "guard/in/link:\n"
		    "guard/in/ipv4:\n"
		    "guard/in/ipv6:\n"
		    "guard/out/link:\n"
		    "    17  ret   4  ; # the guard has no objection\n"
		    "guard/out/ipv4:\n"
		    "guard/out/ipv6:\n"
		    "    18  ret   3  ; block guard 0\n");
	fixture_free(&f);
}

static void test_image_names_its_sections(void **state)
{
	const char text[] = "block log\n";
	const struct source_file *file;
	struct fixture f;
	struct policy_rule *rule;
	struct image img;
	char expected[1024], hash[13];

	(void)state;
	fixture_init(&f);
	file = sources_add(f.sources, "a.nfr", text, sizeof(text) - 1);
	rule = fixture_rule(&f, false);
	rule->is_logged = true;
	rule->label = "here";
	rule->match.families = 7;
	rule->span = (struct span){file->base, file->base + 9};
	fixture_iface(&f, "wg0");
	f.ifaces[0].is_tunnel = true;
	fixture_table(&f, "lan", "10.0.0.0/8 !10.1.0.0/16 fd00::/8");
	f.tables[0].is_const = true;
	fixture_image(&f, true, &img);
	image_short_hash(&img, hash);
	snprintf(expected, sizeof(expected),
		 "image %s, version %u, %zu bytes\n"
		 "file 0: a.nfr\n"
		 "interface 1: wg0 tunnel\n"
		 "table 0: <lan> const { 10.0.0.0/8 !10.1.0.0/16 fd00::/8 }\n"
		 "config: flags 512\n"
		 "rule 0: id 0000000000000001 block log label \"here\"  ; "
		 "a.nfr:1:1 block rule 0\n"
		 "rule 1: id 0000000000000002 pass default  ; pass default 1\n"
		 "rules/in/link:\nrules/in/ipv4:\nrules/in/ipv6:\n"
		 "rules/out/link:\nrules/out/ipv4:\nrules/out/ipv6:\n"
		 "     0  ret   0  ; a.nfr:1:1 block rule 0\n",
		 hash, NFR_ABI_VERSION, img.len);
	assert_text(&img, disasm_image, expected);
	fixture_free(&f);
}

/* The verifier and these names speak of the same words. */
static void test_every_field_has_a_name(void **state)
{
	unsigned next = 0;

	(void)state;
#define NFR_FIELD(number, name, text)                                          \
	assert_int_equal(number, next);                                        \
	next++;
#include "compiler/fields.def"
#undef NFR_FIELD
	assert_int_equal(next, NFR_F_LAST + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code_names_what_it_tests),
		cmocka_unit_test(test_image_names_its_sections),
		cmocka_unit_test(test_every_field_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
