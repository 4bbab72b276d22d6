/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tree.c: many rules, as trees, decide as the model does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "compiler/model.h"
#include "compiler/tree.h"
#include "tests/agree/fixture.h"
#include "tests/agree/near_key.h"
#include "tests/agree/random.h"
#include "tests/agree/reference_vm.h"

#define POLICIES 60
#define KEYS 400
#define IFACES 3

/* ---- rules as people write them ---------------------------------------- */

static uint32_t random_prefix_word(struct random *r, unsigned len,
				   uint32_t *last)
{
	static const uint32_t nets[] = {0x0a000000, 0x0a010000, 0xc0a80000,
					0xc6336400, 0x20010db8};
	uint32_t mask = len ? UINT32_MAX << (32 - len) : 0;
	uint32_t word = random_pick(r, nets) | random_below(r, 1u << 16);

	*last = (word & mask) | ~mask;
	return word & mask;
}

/* Of four words only the first differ, or the last: nets and hosts. */
static struct policy_host random_net(struct random *r, enum addr_family family)
{
	static const unsigned char lens[] = {8, 15, 16, 20, 24, 28, 32, 32};
	struct policy_host host = {.kind = POLICY_HOST_RANGE};
	unsigned words = family == FAMILY_IPV6 ? 4 : 1, i = 0;
	unsigned whole = random_below(r, words);

	if (random_once_in(r, 3))
		return (struct policy_host){.kind = POLICY_HOST_ANY};
	for (; i < whole; i++)
		host.first.w[i] = host.last.w[i] = 0x20010db8 + 3 * i;
	host.first.w[i] =
		random_prefix_word(r, random_pick(r, lens), &host.last.w[i]);
	for (i++; i < words; i++)
		host.last.w[i] = UINT32_MAX;
	if (random_once_in(r, 12)) { /* a range that is no prefix */
		host.last.w[words - 1] -= host.last.w[words - 1] > 5 ? 5 : 0;
		host.first.w[words - 1] += 3;
		if (addr_compare(&host.first, &host.last) > 0)
			host.first = host.last;
	}
	host.is_negated = random_once_in(r, 20);
	return host;
}

static struct policy_port random_ports(struct random *r)
{
	uint16_t first = (uint16_t)random_below(r, 2000);
	uint16_t span =
		(uint16_t)(random_once_in(r, 3) ? random_below(r, 900) : 0);

	if (random_once_in(r, 3))
		return (struct policy_port){.is_any = true};
	if (random_once_in(r, 9))
		return (struct policy_port){.first = 1024, .last = UINT16_MAX};
	return (struct policy_port){.first = first,
				    .last = (uint16_t)(first + span),
				    .is_negated = random_once_in(r, 15)};
}

static void random_criteria(struct random *r, struct policy_match *m,
			    enum addr_family family)
{
	static const int16_t protos[] = {-1, 1, 6, 6, 6, 17, 17};

	m->families = (uint8_t)(1u << family);
	m->src = random_net(r, family);
	m->dst = random_net(r, family);
	while (m->src.kind == POLICY_HOST_ANY && m->dst.kind == m->src.kind &&
	       !random_once_in(r, 40))
		m->dst = random_net(r, family);
	m->proto = random_pick(r, protos);
	if (m->proto == 6 || m->proto == 17) {
		m->sport = random_once_in(r, 4) ? random_ports(r) : m->sport;
		m->dport = random_ports(r);
	}
	if (m->proto == 6 && random_once_in(r, 5))
		m->flags_set = 2, m->flags_mask = 18;
	if (random_once_in(r, 4)) {
		m->on_any = false;
		m->on_negated = random_once_in(r, 4);
		m->ifid = (uint16_t)(1 + random_below(r, IFACES));
	}
	if (random_once_in(r, 30))
		m->src = (struct policy_host){.kind = POLICY_HOST_TABLE,
					      .is_negated =
						      random_once_in(r, 2)};
	if (random_once_in(r, 40))
		m->ttl = 255;
	if (random_once_in(r, 20))
		m->origin = (uint8_t)(1u << random_below(r, 3));
	if (random_once_in(r, 20))
		m->lacks = NFR_ORIGIN_OWN;
}

static void fill(struct fixture *f, struct random *r, enum addr_family family)
{
	uint32_t rules = 17 + random_below(r, FIXTURE_MAX - 17);
	bool is_mixed = random_once_in(r, 2);

	fixture_iface(f, "eth0");
	fixture_iface(f, "eth1");
	fixture_iface(f, "wg0");
	fixture_table(f, "some", "10.0.0.0/9 !10.1.0.0/17 2001:db8::/33");
	for (uint32_t i = 0; i < rules; i++) {
		struct policy_rule *rule =
			fixture_rule(f, random_once_in(r, 2));
		struct policy_match *within;

		rule->is_quick = !is_mixed || random_once_in(r, 2);
		random_criteria(r, &rule->match, family);
		if (is_mixed && random_once_in(r, 6))
			rule->match.dirs = 1u << NFR_DIR_OUT;
		if (!random_once_in(r, 12))
			continue;
		within = arena_alloc(f->arena, sizeof(*within));
		*within = rule->match;
		random_criteria(r, within, family);
		rule->within = within;
		rule->within_count = 1;
	}
	if (random_once_in(r, 3)) /* leaves ask all that the rules ask */
		random_criteria(r, &fixture_guard(f, false)->match, family);
}

/* ---- tests ------------------------------------------------------------- */

static unsigned count_op(const struct image *img, enum nfr_opcode op)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < img->insn_count; i++)
		count += img->code[i].op == op;
	return count;
}

static void test_trees_decide_as_the_model(void **state)
{
	unsigned parted = 0, decided = 0;

	(void)state;
	for (uint64_t seed = 0; seed < POLICIES; seed++) {
		struct random r = random_fork(5, seed);
		enum addr_family family = seed & 1 ? FAMILY_IPV6 : FAMILY_IPV4;
		struct fixture f;
		struct image img;

		fixture_init(&f);
		fill(&f, &r, family);
		fixture_image(&f, random_once_in(&r, 2), &img);
		parted += count_op(&img, NFR_OP_JRANK) > 0;
		for (unsigned i = 0; i < KEYS; i++) {
			struct nfr_key key = near_key(&f.policy, &r,
						      (enum nfr_family)family);
			uint32_t rule;

			key.w[NFR_F_ORIGIN] =
				random_below(&r, NFR_ORIGIN_ALL + 1);
			rule = model_classify(&f.policy, &key);
			assert_int_equal(
				reference_vm_run(&img, NFR_STAGE_RULES, &key),
				rule);
			decided += rule + 1 < f.policy.rule_count;
		}
		fixture_free(&f);
	}
	assert_true(parted > POLICIES / 6);
	assert_true(decided > POLICIES * KEYS / 3);
}

/* ---- trees themselves -------------------------------------------------- */

static struct tree_rule box_of(uint32_t first, uint32_t last)
{
	struct tree_rule rule = {.exact = (1u << TREE_DIMS) - 1,
				 .is_box = true};

	for (unsigned d = 0; d < TREE_DIMS; d++)
		rule.at[d].last = UINT32_MAX;
	rule.at[TREE_SPORT].last = rule.at[TREE_DPORT].last = UINT16_MAX;
	rule.at[TREE_SRC] = (struct tree_range){first, last};
	return rule;
}

static void build(struct fixture *f, const struct tree_rule *rules,
		  size_t count, struct tree *tree)
{
	uint32_t *ranks = arena_alloc(f->arena, count * sizeof(*ranks));

	for (uint32_t i = 0; i < count; i++)
		ranks[i] = i;
	assert_int_equal(
		tree_build(f->arena, rules, ranks, count, 1, count * 4, tree),
		0);
}

static void test_hosts_are_not_repeated(void **state)
{
	struct tree_rule rules[256];
	struct fixture f;
	struct tree tree;

	(void)state;
	fixture_init(&f);
	for (uint32_t i = 0; i < 256; i++)
		rules[i] = box_of(i * 7919u, i * 7919u);
	build(&f, rules, 256, &tree);
	assert_int_equal(tree.item_count, 256);
	assert_true(tree.depth <= 8);
	assert_true(tree.longest <= 3);
	fixture_free(&f);
}

static void test_what_is_covered_is_cut_off(void **state)
{
	struct tree_rule rules[100];
	struct fixture f;
	struct tree tree;

	(void)state;
	fixture_init(&f);
	rules[0] = box_of(5, 5);
	rules[1] = box_of(0, UINT32_MAX);
	for (uint32_t i = 2; i < 100; i++)
		rules[i] = box_of(i, i);
	build(&f, rules, 100, &tree);
	for (size_t i = 0; i < tree.item_count; i++)
		assert_true(tree.items[i].rank < 2);
	fixture_free(&f);
}

static void test_equal_leaves_are_one(void **state)
{
	struct tree_rule rules[64];
	struct fixture f;
	struct tree tree;
	unsigned empty = 0;

	(void)state;
	fixture_init(&f);
	for (uint32_t i = 0; i < 64; i++)
		rules[i] = box_of(i << 20, (i << 20) + 9);
	build(&f, rules, 64, &tree);
	for (size_t i = 0; i < tree.node_count; i++)
		empty += tree.nodes[i].dim == TREE_DIMS &&
			 tree.nodes[i].count == 0;
	assert_true(empty <= 1);
	fixture_free(&f);
}

static void test_too_many_items_are_refused(void **state)
{
	struct tree_rule rules[64];
	uint32_t ranks[64];
	struct fixture f;
	struct tree tree;

	(void)state;
	fixture_init(&f);
	for (uint32_t i = 0; i < 64; i++) {
		rules[i] = box_of(i, 1000000 + i);
		ranks[i] = i;
	}
	assert_true(tree_build(f.arena, rules, ranks, 64, 1, 20, &tree) < 0);
	fixture_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trees_decide_as_the_model),
		cmocka_unit_test(test_hosts_are_not_repeated),
		cmocka_unit_test(test_what_is_covered_is_cut_off),
		cmocka_unit_test(test_equal_leaves_are_one),
		cmocka_unit_test(test_too_many_items_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
