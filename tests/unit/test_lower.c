/* SPDX-License-Identifier: BSD-2-Clause */
/* test_lower.c: what is lowered decides as the model does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "compiler/lower_rules.h"
#include "compiler/model.h"
#include "compiler/tag.h"
#include "tests/agree/fixture.h"
#include "tests/agree/random.h"
#include "tests/agree/reference_vm.h"

static int setup(void **state)
{
	static struct fixture fixture;

	fixture_init(&fixture);
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static void assert_insn(const struct fixture *f, uint32_t at, unsigned op,
			unsigned field, unsigned jump, uint32_t imm)
{
	const struct nfr_insn *insn = &f->code.insns[at];

	assert_true(at < f->code.count);
	assert_int_equal(insn->op, op);
	assert_int_equal(insn->field, field);
	assert_int_equal(insn->jump, jump);
	assert_int_equal(insn->imm, imm);
}

/* ---- shapes ------------------------------------------------------------ */

static void test_no_rules_is_the_default_alone(void **state)
{
	struct fixture *f = *state;
	struct image img;

	fixture_image(f, false, &img);
	assert_int_equal(img.insn_count, 1);
	assert_insn(f, 0, NFR_OP_RET, 0, 0, 0);
	assert_int_equal(img.header->entry[NFR_ENTRY(NFR_STAGE_GUARD, 0, 1)],
			 NFR_NO_ENTRY);
}

static void test_equal_entries_share_their_program(void **state)
{
	struct fixture *f = *state;
	struct image img;

	fixture_rule(f, true)->match.proto = 6;
	fixture_image(f, false, &img);
	/* link: ret; IPv4, IPv6, in and out: jne, ret, ret */
	assert_int_equal(img.insn_count, 4);
	assert_int_equal(img.header->entry[NFR_ENTRY(0, NFR_DIR_IN, 1)],
			 img.header->entry[NFR_ENTRY(0, NFR_DIR_OUT, 2)]);
}

static void test_ipv4_host_is_one_test(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = fixture_rule(f, true);
	struct image img;

	rule->match.families = 1u << NFR_FAMILY_IPV4;
	rule->match.dst = fixture_range("10.0.0.1", "10.0.0.1");
	fixture_image(f, false, &img);
	assert_insn(f, 1, NFR_OP_JNE, NFR_F_DST0, 1, 0x0a000001);
	assert_insn(f, 2, NFR_OP_RET, 0, 0, 0);
	assert_insn(f, 3, NFR_OP_RET, 0, 0, 1);
}

static void test_ipv4_prefix_is_two_tests(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = fixture_rule(f, true);
	struct image img;

	rule->match.families = 1u << NFR_FAMILY_IPV4;
	rule->match.dst = fixture_range("10.0.0.0", "10.255.255.255");
	fixture_image(f, false, &img);
	assert_insn(f, 1, NFR_OP_JLT, NFR_F_DST0, 2, 0x0a000000);
	assert_insn(f, 2, NFR_OP_JGT, NFR_F_DST0, 1, 0x0affffff);
	assert_insn(f, 3, NFR_OP_RET, 0, 0, 0);
}

static void test_negated_ipv4_prefix_is_two_tests(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = fixture_rule(f, true);
	struct image img;

	rule->match.families = 1u << NFR_FAMILY_IPV4;
	rule->match.dst = fixture_range("10.0.0.0", "10.255.255.255");
	rule->match.dst.is_negated = true;
	fixture_image(f, false, &img);
	assert_insn(f, 1, NFR_OP_JLT, NFR_F_DST0, 1, 0x0a000000);
	assert_insn(f, 2, NFR_OP_JLT, NFR_F_DST0, 1, 0x0b000000);
	assert_insn(f, 3, NFR_OP_RET, 0, 0, 0);
}

static void test_every_ipv4_address_needs_no_test(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = fixture_rule(f, true);
	struct image img;

	rule->match.families = 1u << NFR_FAMILY_IPV4;
	rule->match.dst = fixture_range("0.0.0.0", "255.255.255.255");
	fixture_image(f, false, &img);
	/* The default is not reachable behind it, and is not there. */
	assert_int_equal(img.insn_count, 2);
	assert_insn(f, 1, NFR_OP_RET, 0, 0, 0);
}

static void test_no_ipv4_address_leaves_the_rule_out(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = fixture_rule(f, true);
	struct image img;

	rule->match.dst = fixture_range("0.0.0.0", "255.255.255.255");
	rule->match.dst.is_negated = true;
	rule->match.families = 1u << NFR_FAMILY_IPV4;
	fixture_image(f, false, &img);
	assert_int_equal(img.insn_count, 1);
}

static void test_ipv6_prefix_of_whole_words_is_equalities(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = fixture_rule(f, true);
	struct image img;

	rule->match.families = 1u << NFR_FAMILY_IPV6;
	rule->match.dst = fixture_range("2001:db8::", "2001:db8::ffff:ffff:ffff"
						      ":ffff");
	fixture_image(f, false, &img);
	assert_insn(f, 1, NFR_OP_JNE, NFR_F_DST0, 2, 0x20010db8);
	assert_insn(f, 2, NFR_OP_JNE, NFR_F_DST0 + 1, 1, 0);
	assert_insn(f, 3, NFR_OP_RET, 0, 0, 0);
}

static void test_icmp_type_without_code_is_one_mask(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = fixture_rule(f, true);
	struct image img;

	rule->match.proto = 1;
	rule->match.icmp_type = 8;
	fixture_image(f, false, &img);
	assert_insn(f, 2, NFR_OP_JMNE, NFR_F_ICMP, 1, 0xff000800);
}

static void test_flags_without_proto_ask_only_tcp(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = fixture_rule(f, true);
	struct image img;

	rule->match.flags_set = 0x02;
	rule->match.flags_mask = 0x12;
	fixture_image(f, false, &img);
	assert_insn(f, 1, NFR_OP_JNE, NFR_F_PROTO, 1, 6);
	assert_insn(f, 2, NFR_OP_JMNE, NFR_F_TCPFLAGS, 1, 0x00120002);
	assert_insn(f, 3, NFR_OP_RET, 0, 0, 0);
}

static void test_tables_are_asked_last(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = fixture_rule(f, true);
	struct image img;

	rule->match.src.kind = POLICY_HOST_TABLE;
	rule->match.src.table = fixture_table(f, "lan", "fd00::/8");
	rule->match.src.is_negated = true;
	rule->match.ttl = 255;
	fixture_image(f, false, &img);
	assert_insn(f, 1, NFR_OP_JNE, NFR_F_TTL, 2, 255);
	assert_insn(f, 2, NFR_OP_JIN, NFR_F_SRC0, 1, 0);
}

/* ---- order ------------------------------------------------------------- */

static uint32_t classify(const struct image *img, uint32_t proto)
{
	struct nfr_key key = {
		.w = {[NFR_F_PROTO] = proto, [NFR_F_FAMILY] = NFR_FAMILY_IPV4}};

	return reference_vm_run(img, NFR_STAGE_RULES, &key);
}

static void test_last_match_wins_and_quick_ends(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule;
	struct image img;

	fixture_rule(f, false);
	rule = fixture_rule(f, true);
	rule->match.proto = 6;
	rule = fixture_rule(f, false);
	rule->match.proto = 17;
	rule->is_quick = true;
	rule = fixture_rule(f, true);
	rule->match.proto = 17;
	rule = fixture_rule(f, true);
	rule->match.proto = 17;
	rule->is_quick = true;
	fixture_image(f, true, &img);
	assert_int_equal(classify(&img, 6), 1);
	assert_int_equal(classify(&img, 17), 2);
	assert_int_equal(classify(&img, 1), 0);
}

static void test_guard_is_first_match_and_no_objection_last(void **state)
{
	struct fixture *f = *state;
	struct nfr_key key = {.w = {[NFR_F_DIR] = NFR_DIR_OUT,
				    [NFR_F_FAMILY] = NFR_FAMILY_IPV4}};
	struct policy_rule *rule;
	struct image img;

	rule = fixture_guard(f, true);
	rule->match.proto = 17;
	rule->match.dirs = 1u << NFR_DIR_OUT;
	rule = fixture_guard(f, false);
	rule->match.dirs = 1u << NFR_DIR_OUT;
	fixture_image(f, true, &img);
	assert_int_equal(img.header->guard_first, 1);
	assert_int_equal(img.rule_count, 4);
	assert_int_equal(img.rules[3].verdict, NFR_PASS);
	assert_int_equal(img.rules[3].flags, NFR_RULE_GUARD);
	assert_int_equal(reference_vm_run(&img, NFR_STAGE_GUARD, &key), 2);
	key.w[NFR_F_PROTO] = 17;
	assert_int_equal(reference_vm_run(&img, NFR_STAGE_GUARD, &key), 1);
	key.w[NFR_F_DIR] = NFR_DIR_IN;
	assert_int_equal(reference_vm_run(&img, NFR_STAGE_GUARD, &key), 3);
}

/* ---- agreement with the model ------------------------------------------ */

/* Few values, of which many are neighbours of others. */
static uint32_t random_word(struct random *r)
{
	static const uint32_t pool[] = {
		0,	    1,		2,	    0x0a000000, 0x0a0000ff,
		0x0a000100, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

	return random_pick(r, pool);
}

static struct policy_host random_host(struct random *r, enum addr_family family,
				      uint32_t tables)
{
	struct policy_host host = {
		.kind = (enum policy_host_kind)random_below(r, 3),
		.is_negated = random_once_in(r, 3)};
	unsigned words = family == FAMILY_IPV4 ? 1 : 4;
	bool has_shared_front = random_once_in(r, 2);

	if (host.kind == POLICY_HOST_TABLE)
		host.table = random_below(r, tables);
	if (host.kind != POLICY_HOST_RANGE)
		return host;
	for (unsigned i = 0; i < words; i++) {
		host.first.w[i] = random_word(r);
		host.last.w[i] = has_shared_front && i + 1 < words
					 ? host.first.w[i]
					 : random_word(r);
	}
	if (addr_compare(&host.first, &host.last) > 0) {
		struct addr swap = host.first;

		host.first = host.last;
		host.last = swap;
	}
	return host;
}

static struct policy_port random_port(struct random *r)
{
	static const uint16_t pool[] = {0, 1, 53, 80, 65534, 65535};
	uint16_t a = random_pick(r, pool), b = random_pick(r, pool);

	return (struct policy_port){.is_any = random_once_in(r, 2),
				    .is_negated = random_once_in(r, 3),
				    .first = a < b ? a : b,
				    .last = a < b ? b : a};
}

static void random_match(struct random *r, struct policy_match *m,
			 uint32_t ifaces, uint32_t tables)
{
	static const int16_t protos[] = {-1, 1, 6, 17};
	enum addr_family family =
		random_once_in(r, 2) ? FAMILY_IPV4 : FAMILY_IPV6;

	m->dirs = (uint8_t)(1 + random_below(r, 3));
	m->families = (uint8_t)(1u << family);
	m->on_any = random_once_in(r, 2);
	m->on_negated = random_once_in(r, 2);
	m->ifid = (uint16_t)(1 + random_below(r, ifaces));
	m->proto = random_pick(r, protos);
	if (random_once_in(r, 3)) {
		m->src = random_host(r, family, tables);
		m->dst = random_host(r, family, tables);
	}
	if (m->proto == 6 || m->proto == 17) {
		m->sport = random_port(r);
		m->dport = random_port(r);
	}
	if (m->proto == 1 && random_once_in(r, 2)) {
		m->icmp_type = random_once_in(r, 2) ? 0 : 8;
		m->icmp_code = (int16_t)((int)random_below(r, 3) - 1);
	}
	if (random_once_in(r, 3)) {
		m->flags_mask = (uint8_t)random_below(r, 8);
		m->flags_set = m->flags_mask & (uint8_t)random_below(r, 8);
	}
	if (random_once_in(r, 9))
		m->ttl = 255;
}

static struct nfr_key random_key(struct random *r, uint32_t ifaces)
{
	static const uint16_t ports[] = {0, 1, 2, 53, 79, 80, 65534, 65535};
	static const uint8_t protos[] = {1, 6, 17, 50};
	struct nfr_key key = {.w = {0}};

	key.w[NFR_F_FAMILY] =
		random_once_in(r, 9) ? NFR_FAMILY_LINK : 1 + random_below(r, 2);
	key.w[NFR_F_DIR] = random_below(r, 2);
	key.w[NFR_F_IFID] = random_below(r, ifaces + 1);
	key.w[NFR_F_PROTO] = random_pick(r, protos);
	key.w[NFR_F_SPORT] = random_pick(r, ports);
	key.w[NFR_F_DPORT] = random_pick(r, ports);
	key.w[NFR_F_TCPFLAGS] = random_below(r, 8);
	key.w[NFR_F_ICMP] = random_below(r, 3) * 0x400 + random_below(r, 3);
	key.w[NFR_F_TTL] = 254 + random_below(r, 2);
	key.w[NFR_F_TOS] = random_below(r, 2);
	key.w[NFR_F_BITS] = random_below(r, 2) * NFR_BIT_FRAGMENT;
	key.w[NFR_F_ORIGIN] = random_below(r, NFR_ORIGIN_ALL + 1);
	if (key.w[NFR_F_FAMILY] == NFR_FAMILY_LINK)
		key.w[NFR_F_ETHERTYPE] =
			random_once_in(r, 3) ? 0x88cc : ETHERTYPE_ARP;
	key.w[NFR_F_RECEIVED] = random_below(r, ifaces + 1);
	if (random_once_in(r, 4))
		key.w[NFR_F_RECEIVED] = NFR_RECEIVED_OTHER;
	for (unsigned i = 0; i < 8; i++)
		if (i % 4 == 0 || key.w[NFR_F_FAMILY] == NFR_FAMILY_IPV6)
			key.w[NFR_F_SRC0 + i] = random_word(r);
	return key;
}

/* What only some rules ask, and the criteria of anchors around a rule. */
static void more_randomly(struct fixture *f, struct random *r,
			  struct policy_rule *rule)
{
	struct policy_match *m = &rule->match, *within;

	if (random_once_in(r, 4))
		m->tos = (int32_t)random_below(r, 2);
	m->is_fragment = random_once_in(r, 8);
	if (random_once_in(r, 6))
		m->origin = (uint8_t)(1u << random_below(r, 3));
	if (random_once_in(r, 6))
		m->lacks = NFR_ORIGIN_OWN;
	m->has_received = random_once_in(r, 4);
	m->received_negated = random_once_in(r, 2);
	m->received_ifid = (uint16_t)random_below(r, 3); /* 0: any */
	if (!random_once_in(r, 4))
		return;
	rule->within_count = 1 + random_below(r, 3);
	rule->within = within =
		arena_alloc(f->arena, rule->within_count * sizeof(*within));
	for (size_t i = 0; i < rule->within_count; i++) {
		within[i] = *m;
		random_match(r, &within[i], 2, 3);
	}
}

/* Of some rules, rules about ARP, by its two addresses. */
static void arp_randomly(struct random *r, struct policy_match *m)
{
	if (!random_once_in(r, 6))
		return;
	m->families = 1u << NFR_FAMILY_LINK;
	m->ethertype = ETHERTYPE_ARP;
	m->src = random_host(r, FAMILY_IPV4, 3);
	m->dst = random_host(r, FAMILY_IPV4, 3);
}

static void fill_randomly(struct fixture *f, struct random *r)
{
	uint32_t rules = 1 + random_below(r, 12);

	fixture_iface(f, "eth0");
	fixture_iface(f, "wg0");
	fixture_table(f, "both",
		      "0.0.0.0/0 !10.0.0.0/8 10.0.0.0/24 ::/0 !::/1 "
		      "::/127 a00:ff:a00:ff::/64");
	fixture_table(f, "six", "!0.0.0.0/0 ::/0 !8000::/1");
	fixture_table(f, "none", "");
	for (uint32_t i = 0; i < rules; i++) {
		struct policy_rule *rule =
			fixture_rule(f, random_once_in(r, 2));

		rule->is_quick = random_once_in(r, 3);
		random_match(r, &rule->match, 2, 3);
		more_randomly(f, r, rule);
		arp_randomly(r, &rule->match);
	}
	for (uint32_t i = random_below(r, 4); i > 0; i--) {
		struct policy_rule *rule =
			fixture_guard(f, random_once_in(r, 2));

		random_match(r, &rule->match, 2, 3);
		arp_randomly(r, &rule->match);
	}
}

static void compare_with_model(const struct fixture *f, const struct image *img,
			       const struct nfr_key *key)
{
	uint32_t guard = reference_vm_run(img, NFR_STAGE_GUARD, key);

	assert_int_equal(reference_vm_run(img, NFR_STAGE_RULES, key),
			 model_classify(&f->policy, key));
	if (f->policy.guard_count > 0 && guard == img->rule_count - 1)
		guard = NFR_NO_RULE;
	assert_int_equal(guard, model_guard(&f->policy, key));
}

static void test_bytecode_decides_as_the_model(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 1000; seed++) {
		struct random r = random_fork(1, seed);
		struct fixture f;
		struct image img;

		fixture_init(&f);
		fill_randomly(&f, &r);
		fixture_image(&f, random_once_in(&r, 2), &img);
		for (unsigned i = 0; i < 200; i++) {
			struct nfr_key key = random_key(&r, 2);

			compare_with_model(&f, &img, &key);
		}
		fixture_free(&f);
	}
}

/* ---- what acts before the deciding rule -------------------------------- */

static const char *tag_names[] = {"one", "two", "three"};
/* In the order of classes. */
static const char *cgroup_names[] = {"a", "a/b", "a/b/c", "a-b", "d/e"};
static const char *const cgroup_paths[8] = {NULL,      "",	"a",  "a/b/x",
					    "a/b/c/d", "a-b/c", "ab", "d/e"};

static const struct policy_pool *random_pool(struct fixture *f,
					     struct random *r)
{
	struct policy_target *t = arena_alloc(f->arena, 2 * sizeof(*t));
	struct policy_pool *pool = arena_new_of(f->arena, struct policy_pool);

	memset(t, 0, 2 * sizeof(*t));
	for (int i = 0; i < 2; i++) {
		t[i].family = i ? FAMILY_IPV6 : FAMILY_IPV4;
		t[i].first.w[0] = t[i].last.w[0] = random_word(r);
		t[i].prefix_len = (int)addr_bits(t[i].family);
		t[i].weight = 1;
	}
	pool->targets = t;
	pool->target_count = 2;
	pool->is_static_port = true;
	pool->has_port = true;
	pool->port_first = pool->port_last = random_once_in(r, 2) ? 80 : 53;
	return pool;
}

static void ask_cgroups(struct fixture *f, struct random *r,
			struct policy_meta *m)
{
	struct policy_class *classes;

	m->cgroup_count = 1 + random_below(r, 3);
	m->cgroups = cgroup_names + random_below(r, 3);
	classes = arena_alloc(f->arena, 3 * sizeof(*classes));
	for (size_t i = 0; i < m->cgroup_count; i++)
		classes[i] = cgroup_class(cgroup_names, 5, m->cgroups[i]);
	m->classes = classes;
}

static const struct policy_meta *random_meta(struct fixture *f,
					     struct random *r)
{
	struct policy_meta *m = arena_new_of(f->arena, struct policy_meta);
	static struct policy_mark marks[] = {
		{0, 1}, {0x10000, 0x30000}, {3, 0xffffffff}, {8, 4}, {2, 2}};

	m->user.is_any = m->group.is_any = true;
	m->prio = m->rdomain = -1;
	if (random_once_in(r, 2)) {
		m->has_tagged = true;
		m->tagged_negated = random_once_in(r, 2);
		m->tagged = tag_number(random_pick(r, tag_names));
	}
	if (random_once_in(r, 4)) {
		m->probability = random_once_in(r, 3) ? UINT32_MAX
						      : random_next(r) >> 32;
		m->draw = random_below(r, 4);
	}
	if (random_once_in(r, 4)) {
		m->mark_count = 1 + random_below(r, 3);
		m->marks = marks + random_below(r, 3);
	}
	if (random_once_in(r, 4))
		m->user = (struct policy_id){
			.is_negated = random_once_in(r, 2),
			.takes_unknown = random_once_in(r, 2),
			.first = random_below(r, 3),
			.last = random_once_in(r, 3) ? NFR_NO_ID
						     : random_below(r, 3)};
	if (random_once_in(r, 4))
		ask_cgroups(f, r, m);
	return m;
}

static void act_randomly(struct fixture *f, struct random *r,
			 struct policy_rule *rule)
{
	struct policy_effects *e =
		arena_new_of(f->arena, struct policy_effects);

	if (rule->match.ethertype >= 0)
		return; /* nothing acts on frames */
	if (random_once_in(r, 2))
		rule->match.meta = random_meta(f, r);
	rule->is_match = random_once_in(r, 3);
	if (!random_once_in(r, 3) && !rule->is_match)
		return;
	rule->effects = e;
	e->rtable = -1;
	e->tag = random_once_in(r, 2) ? TAG_NONE
				      : tag_number(random_pick(r, tag_names));
	if (!rule->is_match)
		return;
	rule->is_pass = rule->keeps_state = false;
	if (random_once_in(r, 3))
		e->older = (enum ast_no)(1 + random_below(r, 4));
	e->is_no = e->older && random_once_in(r, 3);
	if (!e->is_no && random_once_in(r, 2))
		e->nat = random_pool(f, r);
	if (!e->is_no && random_once_in(r, 2))
		e->rdr = random_pool(f, r);
}

/* Quick anchors: some rules that follow each other, and some within these. */
static void group_randomly(struct fixture *f, struct random *r, size_t first,
			   size_t end)
{
	while (first < end) {
		size_t len = 1 + random_below(r, (uint32_t)(end - first));

		if (random_once_in(r, 3)) {
			for (size_t i = first; i < first + len; i++)
				f->rules[i].group_end = first + len;
			if (len > 1)
				group_randomly(f, r, first, first + len - 1);
		}
		first += len;
	}
}

static void fill_with_stops(struct fixture *f, struct random *r)
{
	fill_randomly(f, r);
	f->policy.guard_count = 0; /* it may object after the rules */
	f->policy.tags = tag_names;
	f->policy.tag_count = 3;
	f->policy.draw_count = 4;
	f->policy.cgroups = cgroup_names;
	f->policy.cgroup_count = 5;
	for (size_t i = 0; i < f->policy.rule_count; i++)
		act_randomly(f, r, &f->rules[i]);
	group_randomly(f, r, 0, f->policy.rule_count);
}

struct stops_case {
	const struct fixture *f;
	uint32_t draws[4];
};

static uint32_t case_chance(void *arg, uint32_t number)
{
	return ((const struct stops_case *)arg)->draws[number];
}

static void case_translate(void *arg, uint32_t rule, struct nfr_key *key)
{
	const struct stops_case *c = arg;

	assert_true(model_translate(&c->f->policy,
				    c->f->policy.rules[rule].effects, 0, key));
}

/* Every rule with a number that applied and is remembered. */
static void compare_matched(const struct fixture *f,
			    const struct model_trace *model,
			    const struct reference_trace *found)
{
	size_t at = 0;

	for (size_t i = 0; i < model->count; i++) {
		if (!lower_is_kept(&f->policy.rules[model->rules[i]]))
			continue;
		assert_true(at < found->count);
		assert_int_equal(found->rules[at++], model->rules[i]);
	}
	assert_int_equal(at, found->count);
}

static void compare_stops(const struct fixture *f, const struct image *img,
			  struct random *r, struct nfr_key key)
{
	struct stops_case c = {.f = f};
	struct model_context context = model_no_context();
	struct reference_trace trace = {
		.chance = case_chance, .translate = case_translate, .arg = &c};
	struct model_outcome out;
	struct nfr_key found = key;

	for (int i = 0; i < 4; i++)
		c.draws[i] = (uint32_t)(random_next(r) >> 32);
	context.draws = c.draws;
	context.mark = random_below(r, 4) | random_below(r, 4) << 16;
	context.has_socket = random_once_in(r, 2);
	context.uid = context.has_socket ? random_below(r, 4) : 0;
	context.cgroup = cgroup_paths[random_below(r, 8)];
	found.w[NFR_F_CGROUP] = cgroup_number(cgroup_names, 5, context.cgroup);
	context.tag = random_once_in(r, 3)
			      ? tag_number(random_pick(r, tag_names))
			      : TAG_NONE;
	found.w[NFR_F_MARK] = context.mark;
	found.w[NFR_F_UID] = context.has_socket ? context.uid : NFR_NO_ID;
	found.w[NFR_F_TAG] = context.tag;
	model_evaluate(&f->policy, &key, &context, &out);
	assert_int_equal(
		reference_vm_trace(img, NFR_STAGE_RULES, &found, &trace),
		out.result.rule);
	compare_matched(f, &out.matched, &trace);
	if (out.result.verdict == NFR_PASS)
		assert_int_equal(found.w[NFR_F_TAG], out.tag);
}

static void test_a_cgroup_and_all_below_are_a_range(void **state)
{
	const char *paths[] = {"d/e", "a-b", "a/b/c", "a", "a/b", "d/e", "a"};
	struct policy_class all;

	(void)state;
	assert_int_equal(cgroups_sort(paths, 7), 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(paths[i], cgroup_names[i]);
	assert_int_equal(cgroup_class(paths, 5, "a").first, 1);
	assert_int_equal(cgroup_class(paths, 5, "a").last, 3);
	all = cgroup_class(paths, 5, "");
	assert_int_equal(all.first, 1);
	assert_int_equal(all.last, 5);
	assert_int_equal(cgroup_number(paths, 5, "a/b/x"), 2);
	assert_int_equal(cgroup_number(paths, 5, "ab"), 0);
	assert_int_equal(cgroup_number(paths, 5, NULL), 0);
}

static void test_stops_act_as_in_the_model(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 3000; seed++) {
		struct random r = random_fork(2, seed);
		struct fixture f;
		struct image img;

		fixture_init(&f);
		fill_with_stops(&f, &r);
		fixture_image(&f, random_once_in(&r, 2), &img);
		for (unsigned i = 0; i < 100; i++)
			compare_stops(&f, &img, &r, random_key(&r, 2));
		fixture_free(&f);
	}
}

static void test_too_many_rules_are_refused(void **state)
{
	struct fixture *f = *state;

	f->policy.rule_count = NFR_RULE_MAX;
	assert_int_equal(lower_policy(f->arena, &f->policy, &f->code), -E2BIG);
	f->policy.rule_count = 1;
	f->policy.guard_count = NFR_RULE_MAX - 1;
	assert_int_equal(lower_policy(f->arena, &f->policy, &f->code), -E2BIG);
}

static void test_anchors_too_deep_for_a_jump_are_refused(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = fixture_rule(f, true);
	struct policy_match *within;

	rule->match.proto = 6;
	rule->within_count = 70000;
	rule->within = within =
		arena_alloc(f->arena, rule->within_count * sizeof(*within));
	for (size_t i = 0; i < rule->within_count; i++)
		within[i] = rule->match;
	fixture_rule(f, false)->is_default = true;
	assert_int_equal(lower_policy(f->arena, &f->policy, &f->code), -E2BIG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_rules_is_the_default_alone),
		TEST(test_equal_entries_share_their_program),
		TEST(test_ipv4_host_is_one_test),
		TEST(test_ipv4_prefix_is_two_tests),
		TEST(test_negated_ipv4_prefix_is_two_tests),
		TEST(test_every_ipv4_address_needs_no_test),
		TEST(test_no_ipv4_address_leaves_the_rule_out),
		TEST(test_ipv6_prefix_of_whole_words_is_equalities),
		TEST(test_icmp_type_without_code_is_one_mask),
		TEST(test_flags_without_proto_ask_only_tcp),
		TEST(test_tables_are_asked_last),
		TEST(test_last_match_wins_and_quick_ends),
		TEST(test_guard_is_first_match_and_no_objection_last),
		TEST(test_bytecode_decides_as_the_model),
		TEST(test_a_cgroup_and_all_below_are_a_range),
		TEST(test_stops_act_as_in_the_model),
		TEST(test_too_many_rules_are_refused),
		TEST(test_anchors_too_deep_for_a_jump_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
