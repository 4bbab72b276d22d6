/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_image_search.c: policies, and tables that change -> what is broken then,
 * with a packet that shows it.
 */
#include "policy_text.h"

#include <errno.h>
#include <stdio.h>

#include "compiler/image_edit.h"
#include "compiler/image_layout.h"
#include "compiler/image_search.h"
#include "compiler/table_edit.h"

#define TEST(name) static void name(void **state __attribute__((unused)))

struct bench {
	struct policy_text text;
	struct code code;
	__u8 *bytes, *changed;
	struct image before, after;
};

static void bench_open(struct bench *b, const char *text)
{
	char error[IMAGE_ERROR_MAX];
	size_t len;

	*b = (struct bench){.text = policy_text_sound(text)};
	assert_int_equal(lower_policy(b->text.arena, b->text.policy, &b->code),
			 0);
	assert_int_equal(image_write(b->text.policy, &b->code, b->text.sources,
				     &b->bytes, &len),
			 0);
	assert_int_equal(image_open(b->bytes, len, &b->before, error), 0);
}

/* The table holds these and nothing else. */
static void bench_table(struct bench *b, const char *name, const char *members)
{
	char *copy = strdup(members), *rest = copy, *word, error[160];
	struct image_entry entries[32];
	struct image_edit edit;
	size_t count = 0, len;

	free(b->changed);
	while ((word = strsep(&rest, " ")))
		if (*word)
			assert_int_equal(
				table_entry_parse(word, &entries[count++]), 0);
	image_edit_begin(&edit, &b->before);
	image_edit_table(&edit, (__u32)image_find_table(&b->before, name),
			 entries, count);
	assert_int_equal(image_edit_finish(&edit, &b->changed, &len), 0);
	assert_int_equal(image_open(b->changed, len, &b->after, error), 0);
	image_edit_free(&edit);
	free(copy);
}

static void bench_close(struct bench *b)
{
	policy_text_free(&b->text);
	free(b->bytes);
	free(b->changed);
}

static void assert_kept(struct bench *b, const char *table, const char *members)
{
	struct image_finding f;
	char text[IMAGE_KEY_TEXT_MAX];

	bench_table(b, table, members);
	if (image_search(&b->before, &b->after, &f) == 0)
		return;
	fail_msg("<%s> {%s} breaks %u: %s", table, members, f.index,
		 image_key_text(&b->after, &f.key, text));
}

/* rule: the start of the text of the one that decides. */
static void assert_broken(struct bench *b, const char *table,
			  const char *members, enum image_promise promise,
			  const char *packet, const char *rule)
{
	struct image_finding f;
	char text[IMAGE_KEY_TEXT_MAX];

	bench_table(b, table, members);
	assert_int_equal(image_search(&b->before, &b->after, &f), 1);
	assert_int_equal(f.promise, promise);
	assert_string_equal(image_key_text(&b->after, &f.key, text), packet);
	assert_memory_equal(
		image_string(&b->after, b->after.ruleinfo[f.rule].text), rule,
		strlen(rule));
}

#define TUNNEL                                                                 \
	"table <lan> { 192.168.0.0/16 fd00::/8 }\n"                            \
	"table <t> { 192.168.1.0/24 fd00:1::/32 }\n"                           \
	"tunnel wg0 over any {\n"                                              \
	"transport proto udp to 198.51.100.7 port 51820\n"                     \
	"exclude to <lan>\n"                                                   \
	"dns 10.64.0.1\n}\n"

TEST(what_is_blocked_by_promise_stays_blocked)
{
	struct bench b;

	bench_open(&b, "table <t> { 10.0.0.1 }\n"
		       "block all\n"
		       "pass out on eth0 proto tcp to <t> port 22\n"
		       "assert block out proto { udp tcp } to 10.9.0.0/16\n");
	assert_kept(&b, "t", "10.0.0.1 10.8.0.0/16 fd00::/8");
	assert_broken(&b, "t", "10.0.0.1 10.9.7.7", IMAGE_PROMISE_ASSERT,
		      "tcp 10.0.0.1:40000 > 10.9.7.7:22 out eth0",
		      "pass out on eth0 proto tcp");
	assert_kept(&b, "t", "10.0.0.0/8 !10.9.0.0/16");
	assert_broken(&b, "t", "10.0.0.0/8 !10.9.0.0/16 10.9.255.255",
		      IMAGE_PROMISE_ASSERT,
		      "tcp 10.0.0.1:40000 > 10.9.255.255:22 out eth0", "pass");
	bench_close(&b);
}

TEST(what_passes_by_promise_goes_on_to_pass)
{
	struct bench b;

	bench_open(&b, "table <ok> { 10.0.0.0/8 2001:db8::/32 }\n"
		       "table <bad> { 192.0.2.1 }\n"
		       "pass in on eth0 proto tcp from <ok> to any port 22\n"
		       "block quick from <bad>\n"
		       "assert pass in on eth0 inet6 proto tcp "
		       "from 2001:db8:5::/48 to any port 22\n");
	assert_kept(&b, "ok", "2001:db8::/32");
	assert_kept(&b, "ok", "2001:db8:5::/49 2001:db8:5:8000::/49");
	assert_broken(
		&b, "ok", "10.0.0.0/8", IMAGE_PROMISE_ASSERT,
		"tcp [2001:db8:5::]:40000 > [2001:db8:0:9:0:9:0:9]:22 in eth0",
		"set default block");
	assert_broken(&b, "bad", "2001:db8:5::77", IMAGE_PROMISE_ASSERT,
		      "tcp [2001:db8:5::77]:40000 > [2001:db8:0:9:0:9:0:9]:22 "
		      "in eth0",
		      "block drop quick from <bad>");
	assert_kept(&b, "bad", "2001:db8:4::/48 2001:db8:6::/47");
	bench_close(&b);
}

TEST(a_rule_may_not_begin_to_leak)
{
	struct bench b;

	bench_open(&b, TUNNEL "pass out on eth0 proto tcp to <t> port 80\n");
	assert_kept(&b, "t", "192.168.9.9 fd00:9::/32");
	assert_kept(&b, "t", "");
	assert_broken(&b, "t", "192.168.1.0/24 203.0.113.9", IMAGE_PROMISE_RULE,
		      "tcp 10.0.0.1:40000 > 203.0.113.9:80 out eth0",
		      "guard: block drop");
	assert_broken(&b, "lan", "192.168.0.0/16", IMAGE_PROMISE_RULE,
		      "tcp [2001:db8::1]:40000 > [fd00:1::]:80 out eth0",
		      "guard: block drop");
	bench_close(&b);
}

/* The guard stops it, and that is no mistake of the rule. */
TEST(a_rule_that_speaks_of_the_tunnel_is_left_to_the_guard)
{
	struct bench b;

	bench_open(&b, TUNNEL "pass out proto tcp to <t> port 80\n");
	assert_kept(&b, "t", "192.168.1.0/24 203.0.113.9");
	bench_close(&b);
}

TEST(excludes_grow_but_not_to_all_of_a_family)
{
	static const char *const all[][2] = {
		{"0.0.0.0/0", "4"},
		{"0.0.0.0/1 128.0.0.0/1", "4"},
		{"::/0", "6"},
		{"10.0.0.0/8 ::/1 8000::/1", "6"},
	};
	struct image_finding f;
	struct bench b;

	bench_open(&b, TUNNEL);
	assert_kept(&b, "lan", "9.0.0.0/8 128.0.0.0/1 ::/1");
	assert_kept(&b, "lan", "0.0.0.0/0 !203.0.113.0/24");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		bench_table(&b, "lan", all[i][0]);
		assert_int_equal(image_search(&b.before, &b.after, &f), 1);
		assert_int_equal(f.promise, IMAGE_PROMISE_EXCLUDE);
		assert_int_equal(b.after.excludes[f.index].line, 5);
		assert_int_equal(f.key.w[NFR_F_FAMILY],
				 *all[i][1] == '4' ? 1 : 2);
	}
	bench_close(&b);
}

/* DNS is stopped before exclude is asked, whatever that holds. */
TEST(what_the_guard_stops_before_stays_stopped)
{
	struct bench b;

	bench_open(&b, TUNNEL
		   "assert block out on eth0 proto udp to port 53\n"
		   "assert pass out on eth0 proto udp to 192.168.1.1 port 9\n");
	assert_kept(&b, "lan", "0.0.0.0/1 192.168.0.0/16 fd00::/8");
	assert_broken(&b, "lan", "fd00::/8", IMAGE_PROMISE_ASSERT,
		      "udp 10.0.0.1:40000 > 192.168.1.1:9 out eth0",
		      "set default block");
	bench_close(&b);
}

/* One address among many tables and rules, at either end of the changes. */
TEST(a_change_is_found_in_a_crowd)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct image_finding found;
	struct bench b;

	fprintf(out, "table <t> { 10.0.0.1 }\n");
	for (unsigned i = 0; i < 400; i++)
		fprintf(out,
			"pass out on eth0 proto tcp to { 20.%u.%u.0/24 "
			"2001:db8:%x::/48 } port %u\n",
			i / 200, i % 200, i, 1000 + i);
	fprintf(out, "pass out proto tcp to <t> port 4321\n"
		     "assert block out proto tcp to port 4321\n");
	fclose(out);
	bench_open(&b, text);
	assert_int_equal(image_search(NULL, &b.before, &found), 1);
	assert_int_equal(found.key.w[NFR_F_DST0], 0x0a000001);
	assert_kept(&b, "t", "");
	assert_broken(&b, "t", "10.0.0.0/8 !10.0.0.0/9 !10.128.0.0/9 10.1.2.3",
		      IMAGE_PROMISE_ASSERT,
		      "tcp 10.0.0.1:40000 > 10.1.2.3:4321 out eth0",
		      "pass out");
	assert_broken(&b, "t", "2001:db8:77::77", IMAGE_PROMISE_ASSERT,
		      "tcp [2001:db8::1]:40000 > [2001:db8:77::77]:4321 out "
		      "eth0",
		      "pass out");
	bench_close(&b);
	free(text);
}

/* Whoever can compute a hash can write anything. */
static void assert_damaged(struct bench *b, const void *at, size_t len,
			   const void *bytes, const char *why)
{
	struct image_header *h = (struct image_header *)b->bytes;
	__u8 *place = b->bytes + ((const __u8 *)at - b->bytes);
	char error[IMAGE_ERROR_MAX] = "";
	__u8 kept[8];
	struct image img;

	memcpy(kept, place, len);
	memcpy(place, bytes, len);
	image_hash(b->bytes, h->len, h->hash);
	assert_int_equal(image_open(b->bytes, h->len, &img, error), -EBADMSG);
	assert_string_equal(error, why);
	memcpy(place, kept, len);
}

TEST(a_contract_made_to_harm_is_refused)
{
	const struct nfr_insn ret2 = {.op = NFR_OP_RET, .imm = 2};
	const struct nfr_insn far = {.op = NFR_OP_JA, .imm = 0xfffffffe};
	const __u32 none = 0xfffffff0;
	const __u8 three = 3, two = 2;
	struct bench b;

	bench_open(&b, TUNNEL "assert block in on eth0 proto tcp to port 22\n");
	assert_damaged(&b, &b.before.assert_code[2], 8, &ret2,
		       "the asserts' instruction 2: no such rule");
	assert_damaged(&b, &b.before.assert_code[0], 8, &far,
		       "the asserts' instruction 0: jumps behind the end");
	assert_damaged(&b, &b.before.asserts[0].start, 4, &none,
		       "assert 0: outside of the code");
	assert_damaged(&b, &b.before.asserts[1].start, 4, "\0\0\0\0",
		       "the asserts' instruction 5: can not be reached");
	assert_damaged(&b, &b.before.asserts[0].text, 4, &none,
		       "assert 0: no such string or file");
	assert_damaged(&b, &b.before.asserts[0].family, 1, &three,
		       "assert 0: unknown flags");
	assert_damaged(&b, &b.before.asserts[0].is_pass, 1, &two,
		       "assert 0: unknown flags");
	assert_damaged(&b, &b.before.excludes[0].table, 4, &none,
		       "exclude 0: no such table");
	assert_damaged(&b, &b.before.excludes[0].families, 1, &three,
		       "exclude 0: unknown family");
	bench_close(&b);
}

TEST(the_same_images_give_the_same_answer)
{
	struct image_finding first, second;
	struct bench b;

	bench_open(&b, TUNNEL "pass out on eth0 proto tcp to <t> port 80\n");
	bench_table(&b, "t", "203.0.113.0/24 2001:db8::/32 9.9.9.9");
	assert_int_equal(image_search(&b.before, &b.after, &first), 1);
	assert_int_equal(image_search(&b.before, &b.after, &second), 1);
	assert_memory_equal(&first, &second, sizeof(first));
	bench_close(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_blocked_by_promise_stays_blocked),
		cmocka_unit_test(what_passes_by_promise_goes_on_to_pass),
		cmocka_unit_test(a_rule_may_not_begin_to_leak),
		cmocka_unit_test(
			a_rule_that_speaks_of_the_tunnel_is_left_to_the_guard),
		cmocka_unit_test(excludes_grow_but_not_to_all_of_a_family),
		cmocka_unit_test(what_the_guard_stops_before_stays_stopped),
		cmocka_unit_test(a_change_is_found_in_a_crowd),
		cmocka_unit_test(a_contract_made_to_harm_is_refused),
		cmocka_unit_test(the_same_images_give_the_same_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
