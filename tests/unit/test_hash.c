/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_hash.c: policies -> their data form, which finds what the model finds,
 * for every header near the edges of their rules; and data forms made to harm.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/hash.h"
#include "compiler/image_layout.h"
#include "compiler/model.h"
#include "policy_text.h"
#include "runtime/packet.h"

struct env {
	const struct image *image;
};

#include "runtime/hash_user.h"

#include "runtime/classify_hash.h"

struct made {
	struct policy_text text;
	struct code code;
	struct image image;
	__u8 *bytes;
	size_t len;
	char error[IMAGE_ERROR_MAX];
};

static void make(struct made *m, const char *text)
{
	memset(m, 0, sizeof(*m));
	m->text = policy_text_sound(text);
	m->text.policy->form = POLICY_FORM_HASH;
	assert_int_equal(lower_policy(m->text.arena, m->text.policy, &m->code),
			 0);
	assert_int_equal(image_write(m->text.policy, &m->code, m->text.sources,
				     &m->bytes, &m->len),
			 0);
	assert_int_equal(image_open(m->bytes, m->len, &m->image, m->error), 0);
}

static void drop(struct made *m)
{
	free(m->bytes);
	policy_text_free(&m->text);
}

/* The rule by the hash alone, or NFR_NO_RULE; *head NULL: there is none. */
static __u32 find(const struct made *m, const struct nfr_key *key,
		  const struct hash_head **head)
{
	struct env env = {.image = &m->image};
	int is_lost = 0;
	__u32 rank;

	*head = hash_begin(&env, key->w[NFR_F_DIR], key->w[NFR_F_FAMILY]);
	if (!*head)
		return NFR_NO_RULE;
	rank = hash_find(&env, key, *head, &is_lost);
	assert_false(is_lost);
	return rank == HASH_NONE ? (*head)->otherwise
				 : hash_rule(&env, *head, rank);
}

/* Of a policy that is in its hash whole: all of these headers. */
static void agrees(const char *text, const uint32_t *addrs, size_t addr_count,
		   const uint32_t *ports, size_t port_count)
{
	const struct hash_head *head;
	struct made m;

	make(&m, text);
	for (size_t i = 0; i < addr_count * addr_count * port_count * 6; i++) {
		size_t k = i / 6;
		struct nfr_key key = {.w = {0}};

		key.w[NFR_F_FAMILY] = i & 1 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4;
		key.w[NFR_F_PROTO] = i % 3 == 0 ? 6 : i % 3 == 1 ? 17 : 47;
		key.w[NFR_F_SRC0] = addrs[k % addr_count];
		key.w[NFR_F_DST0] = addrs[k / addr_count % addr_count];
		if (i % 3 < 2)
			key.w[NFR_F_DPORT] = ports[k / addr_count / addr_count];
		if (find(&m, &key, &head) ==
			    model_classify(m.text.policy, &key) &&
		    head->is_whole)
			continue;
		print_error("header %zu\n", i);
		assert_int_equal(find(&m, &key, &head),
				 model_classify(m.text.policy, &key));
		assert_true(head->is_whole);
	}
	drop(&m);
}

static const uint32_t addrs[] = {0,	     1,		 0x0a000000, 0x0a000001,
				 0x0a0000ff, 0x0a000100, 0x7fffffff, 0x80000000,
				 0xc0a80001, 0xffffffff};
static const uint32_t ports[] = {0,  1,	  21,	22,   23,    79,
				 80, 443, 1023, 1024, 65534, 65535};
#define ALL                                                                    \
	addrs, sizeof(addrs) / sizeof(*addrs), ports,                          \
		sizeof(ports) / sizeof(*ports)

static void test_prefixes_of_one_address_are_told_apart(void **state)
{
	(void)state;
	/* All of these have the key 0, 0. */
	agrees("pass in quick inet from 0.0.0.0/32 to any no state\n"
	       "block in quick inet from 0.0.0.0/1 to any\n"
	       "pass in quick inet from any to 0.0.0.0/1 no state\n"
	       "block in quick inet from any to 0.0.0.0/8\n"
	       "pass in quick all no state\n",
	       ALL);
}

static void test_the_last_match_wins_where_nothing_is_quick(void **state)
{
	(void)state;
	agrees("pass in from any to any no state\n"
	       "block in inet proto tcp from 10.0.0.0/8 to any port 22:80\n"
	       "pass in inet proto tcp from 10.0.0.0/24 to any port 80 no "
	       "state\n"
	       "block in quick inet proto udp from any to 192.168.0.0/16\n",
	       ALL);
}

/* ---- many prefixes ------------------------------------------------------ */

/* An address within one of some nets, or beside it; the same each time. */
static struct addr near(bool is_ipv6)
{
	static const uint32_t nets[][4] = {
		{0x20010db8, 0, 0, 0},		{0x20010db8, 0xff000000, 0, 1},
		{0x2a001450, 0x40010000, 0, 0}, {0xfe800000, 0, 0x0200, 7},
		{0x0a000000, 0, 0, 0},		{0x0a010200, 0, 0, 0}};
	struct addr a;

	memcpy(a.w, nets[(size_t)random() % 6], sizeof(a.w));
	if (random() % 3)
		a.w[is_ipv6 ? random() % 4 : 0] ^= 1u << random() % 31;
	if (random() % 3)
		a.w[is_ipv6 ? random() % 4 : 0] ^= (uint32_t)random() & 0xf0f;
	return a;
}

static void write_net(FILE *out, const char *what, bool is_ipv6)
{
	static const unsigned lens[] = {1, 9, 17, 23, 24, 25, 31, 32};
	unsigned len = lens[random() % 8];
	char text[ADDR_TEXT_MAX];
	struct addr a = near(is_ipv6);

	if (random() % 5 == 0) {
		fprintf(out, " %s any", what);
		return;
	}
	len = is_ipv6 ? 4 * len : len;
	a = addr_first(a, is_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4, len);
	fprintf(out, " %s %s/%u", what,
		addr_format(&a, is_ipv6 ? FAMILY_IPV6 : FAMILY_IPV4, text),
		len);
}

static char *write_rules(bool is_ipv6, unsigned count)
{
	static const char *const services[] = {"", " port 22", " port 20:30",
					       " port 80"};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	for (unsigned i = 0; i < count; i++) {
		bool is_pass = random() % 2;

		fprintf(out, "%s in quick %s proto tcp",
			is_pass ? "pass" : "block", is_ipv6 ? "inet6" : "inet");
		write_net(out, "from", is_ipv6);
		write_net(out, "to", is_ipv6);
		fprintf(out, "%s%s\n", services[random() % 4],
			is_pass ? " no state" : "");
	}
	assert_int_equal(fclose(out), 0);
	return text;
}

static void prefixes_agree(bool is_ipv6, unsigned count)
{
	char *text = write_rules(is_ipv6, count);
	const struct hash_head *head;
	struct made m;

	make(&m, text);
	for (unsigned i = 0; i < 20000; i++) {
		struct addr src = near(is_ipv6), dst = near(is_ipv6);
		struct nfr_key key = {.w = {0}};

		key.w[NFR_F_FAMILY] =
			is_ipv6 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4;
		key.w[NFR_F_PROTO] = 6;
		key.w[NFR_F_DPORT] = (uint32_t[]){21, 22, 80, 81}[random() % 4];
		memcpy(&key.w[NFR_F_SRC0], src.w, is_ipv6 ? 16 : 4);
		memcpy(&key.w[NFR_F_DST0], dst.w, is_ipv6 ? 16 : 4);
		assert_int_equal(find(&m, &key, &head),
				 model_classify(m.text.policy, &key));
	}
	drop(&m);
	free(text);
}

static void test_nested_prefixes_of_many_lengths(void **state)
{
	(void)state;
	srandom(1);
	for (unsigned count = 2; count < 1000; count *= 3) {
		prefixes_agree(false, count);
		prefixes_agree(true, count);
	}
}

/* The shapes that broke NPF's compiler. */
static void test_a_key_with_many_services_has_a_table(void **state)
{
	/* 0, 1, 2, 3 and 6 rules of one key, some of one service. */
	static const char text[] =
		"block in inet\n"
		"block in inet6\n"
		"pass in quick proto tcp from any to any port 22 no state\n"
		"block in quick proto tcp from any to any port 21:79\n"
		"pass in quick proto tcp from any to any port 1024 no state\n"
		"block in quick proto udp from any to any port 443\n"
		"block in quick proto tcp from any to any port 22\n"
		"pass in quick proto udp from any to any port > 1000 no state\n"
		"pass in quick inet proto tcp from any to 10.0.0.0/24 port 80 "
		"no state\n"
		"pass in quick inet proto udp from any to 10.0.0.0/24 port 80 "
		"no state\n"
		"pass in quick inet proto udp from any to 10.0.0.1 port 80 "
		"no state\n"
		"block in quick inet proto udp from any to 10.0.0.1 port 81\n"
		"pass in quick inet proto tcp from any to 10.0.0.1 port 23 "
		"no state\n";
	struct nfr_key key = {.w = {0}};
	const struct hash_head *head;
	struct made m;

	(void)state;
	agrees(text, ALL);
	make(&m, text);
	key.w[NFR_F_FAMILY] = NFR_FAMILY_IPV4;
	find(&m, &key, &head);
	assert_int_equal(head->order_count, 3);
	assert_int_equal(head->list_count, 2 + 3 + 6);
	drop(&m);
}

static void test_a_range_in_a_list_of_ports(void **state)
{
	(void)state;
	agrees("block in all\n"
	       "pass in proto { tcp udp } from any to any port "
	       "{ 21 22:80 >= 1024 } no state\n"
	       "block in proto tcp from any to any port != 443\n",
	       ALL);
}

static void test_what_does_not_fit_is_left_to_bytecode(void **state)
{
	struct nfr_key key = {.w = {[NFR_F_FAMILY] = NFR_FAMILY_IPV4}};
	const struct hash_head *head;
	struct made m;

	(void)state;
	make(&m, "block in quick inet from ! 10.0.0.0/8 to any\n"
		 "pass in quick inet from any to 10.0.0.0/8 no state\n");
	find(&m, &key, &head);
	assert_non_null(head);
	assert_false(head->is_whole);
	drop(&m);
}

static size_t count_ops(const struct image *image, unsigned op)
{
	size_t count = 0;

	for (__u32 i = 0; i < image->insn_count; i++)
		count += image->code[i].op == op;
	return count;
}

/* Ports of so many classes on either side that no table has room for them. */
static void test_what_is_too_large_leaves_no_program(void **state)
{
	const struct hash_head *four, *six;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct made m;

	(void)state;
	assert_non_null(out);
	for (unsigned i = 1; i < 2060; i++)
		fprintf(out,
			"pass in quick inet proto tcp from any port %u to any "
			"port %u no state\n",
			i, i);
	fputs("pass in quick inet proto icmp all icmp-type echoreq no state\n"
	      "pass in quick inet6 from 2001:db8::/32 to any no state\n"
	      "pass in quick inet6 proto icmp6 all icmp6-type echoreq "
	      "no state\n",
	      out);
	assert_int_equal(fclose(out), 0);
	make(&m, text);
	four = image_hash_head(&m.image, NFR_FAMILY_IPV4);
	six = image_hash_head(&m.image, NFR_FAMILY_IPV6);
	assert_true(m.code.is_too_large);
	assert_null(four);
	assert_non_null(six);
	assert_int_equal(m.image.code[six->entry].op, NFR_OP_JRANK);
	assert_int_equal(count_ops(&m.image, NFR_OP_JRANK), 1);
	drop(&m);
	free(text);
}

static void test_rules_that_act_and_go_on_have_no_data_form(void **state)
{
	struct nfr_key key = {.w = {[NFR_F_FAMILY] = NFR_FAMILY_IPV4}};
	const struct hash_head *head;
	struct made m;

	(void)state;
	make(&m, "match in all tag a\npass in quick inet all no state\n");
	find(&m, &key, &head);
	assert_null(head);
	drop(&m);
}

/* A byte of the section becomes another; the hash is right again. */
static int with_word(struct made *m, size_t at, __u32 value)
{
	struct image_header *header = (void *)m->bytes;
	struct image image;

	memcpy(m->bytes + header->section[IMAGE_HASH].offset + at, &value,
	       sizeof(value));
	image_hash(m->bytes, m->len, header->hash);
	return image_open(m->bytes, m->len, &image, m->error);
}

static void test_no_part_lies_outside(void **state)
{
	static const size_t fields[] = {
		offsetof(struct hash_head, rules),
		offsetof(struct hash_head, tuples),
		offsetof(struct hash_head, lines),
		offsetof(struct hash_head, lists),
		offsetof(struct hash_head, rows),
		offsetof(struct hash_head, class_rows),
		offsetof(struct hash_head, asks),
		offsetof(struct hash_head, combine),
		offsetof(struct hash_head, sports),
		offsetof(struct hash_head, classes),
		offsetof(struct hash_head, src) +
			offsetof(struct hash_side, cells),
		offsetof(struct hash_head, dst) +
			offsetof(struct hash_side, cells)};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const struct hash_index *index;
		struct made m;

		make(&m,
		     "pass in quick inet from 10.0.0.0/8 to any no state\n");
		index = (const void *)m.image.hash;
		assert_int_equal(with_word(&m, index->head[1] + fields[i],
					   m.image.hash_len & ~7u),
				 -EBADMSG);
		drop(&m);
	}
}

static void test_no_rule_but_the_policys_is_found(void **state)
{
	const struct hash_head *head;
	const struct hash_index *index;
	struct made m;

	(void)state;
	make(&m, "pass in quick inet from 10.0.0.0/8 to any no state\n");
	index = (const void *)m.image.hash;
	head = image_hash_head(&m.image, 1);
	assert_int_equal(with_word(&m, head->rules, m.image.rule_count),
			 -EBADMSG);
	assert_int_equal(with_word(&m, head->rules, 0), 0);
	assert_int_equal(with_word(&m,
				   index->head[1] + offsetof(struct hash_head,
							     otherwise),
				   m.image.rule_count),
			 -EBADMSG);
	drop(&m);
}

/* Where the rank of a line's first slot is. */
static size_t rank_at(const struct hash_head *head, __u32 line)
{
	if (head->words > 1)
		return head->lines + line * sizeof(struct hash_wide) +
		       offsetof(struct hash_wide, rank);
	return head->lines + line * sizeof(struct hash_line) +
	       offsetof(struct hash_slot, rank);
}

/* Its key may be that of a packet, as what is not there is zero. */
static void an_empty_slot_says_nothing(const char *text, unsigned entry)
{
	const struct hash_head *head;
	struct made m;

	make(&m, text);
	head = image_hash_head(&m.image, entry);
	for (__u32 i = 0; i < head->line_count; i++) {
		size_t at = rank_at(head, i);

		if (*(const __u32 *)(const void *)(m.image.hash + at) !=
		    HASH_NONE)
			continue;
		assert_int_equal(with_word(&m, at + 4, HASH_LIST), -EBADMSG);
		drop(&m);
		return;
	}
	fail_msg("all lines are full");
}

static void test_an_empty_slot_says_nothing(void **state)
{
	(void)state;
	an_empty_slot_says_nothing(
		"pass in quick inet from 10.0.0.0/8 to any no state\n", 1);
	an_empty_slot_says_nothing(
		"pass in quick inet6 from 2001:db8::/32 to any no state\n", 2);
}

/* The first that is there. */
static const struct hash_tuple *
tuple_of(const struct made *m, const struct hash_head *head, size_t *at)
{
	for (*at = head->tuples;; *at += sizeof(struct hash_tuple)) {
		const struct hash_tuple *t =
			(const void *)(m->image.hash + *at);

		if (t->best != HASH_NONE)
			return t;
	}
}

static void is_refused(struct made *m, size_t at, __u32 value)
{
	__u32 was;

	memcpy(&was, m->image.hash + at, sizeof(was));
	assert_int_equal(with_word(m, at, value), -EBADMSG);
	assert_int_equal(with_word(m, at, was), 0);
}

/* Readers go on from line to line until a slot is empty, and know no end. */
static void lines_end_with_an_empty_slot(const char *text, unsigned entry)
{
	const struct hash_tuple *t;
	const struct hash_head *head;
	struct made m;
	size_t at;

	make(&m, text);
	head = image_hash_head(&m.image, entry);
	t = tuple_of(&m, head, &at);
	assert_true(t->end > t->line + t->line_count);
	is_refused(&m, at + offsetof(struct hash_tuple, end),
		   t->line + t->line_count);
	is_refused(&m, at + offsetof(struct hash_tuple, end),
		   head->line_count + 1);
	is_refused(&m, at + offsetof(struct hash_tuple, line),
		   head->line_count);
	is_refused(&m, at + offsetof(struct hash_tuple, line_count),
		   t->end - t->line);
	if (head->words > 1) /* its only slot */
		is_refused(&m, rank_at(head, t->end - 1), 0);
	drop(&m);
}

static void test_lines_end_with_an_empty_slot(void **state)
{
	(void)state;
	lines_end_with_an_empty_slot(
		"pass in quick inet from 10.0.0.0/8 to any no state\n", 1);
	lines_end_with_an_empty_slot(
		"pass in quick inet6 from 2001:db8::/32 to any no state\n", 2);
}

static void test_the_same_policy_gives_the_same_bytes(void **state)
{
	static const char text[] =
		"pass in quick inet from 10.0.0.0/8 to any no state\n"
		"pass in quick inet6 proto tcp from any to 2001:db8::/32 "
		"port 22 no state\n";
	struct made a, b;

	(void)state;
	make(&a, text);
	make(&b, text);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.bytes, b.bytes, a.len);
	drop(&a);
	drop(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefixes_of_one_address_are_told_apart),
		cmocka_unit_test(
			test_the_last_match_wins_where_nothing_is_quick),
		cmocka_unit_test(test_a_key_with_many_services_has_a_table),
		cmocka_unit_test(test_nested_prefixes_of_many_lengths),
		cmocka_unit_test(test_a_range_in_a_list_of_ports),
		cmocka_unit_test(test_what_does_not_fit_is_left_to_bytecode),
		cmocka_unit_test(test_what_is_too_large_leaves_no_program),
		cmocka_unit_test(
			test_rules_that_act_and_go_on_have_no_data_form),
		cmocka_unit_test(test_no_part_lies_outside),
		cmocka_unit_test(test_no_rule_but_the_policys_is_found),
		cmocka_unit_test(test_an_empty_slot_says_nothing),
		cmocka_unit_test(test_lines_end_with_an_empty_slot),
		cmocka_unit_test(test_the_same_policy_gives_the_same_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
