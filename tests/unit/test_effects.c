/* SPDX-License-Identifier: BSD-2-Clause */
/* test_effects.c: pools, limits and options of a policy's text -> an image, and
 * an image whose effects were damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compiler/image_layout.h"
#include "policy_text.h"
#include "runtime/datapath_user.h"
#include "runtime/poolset.h"

struct made {
	struct policy_text text;
	struct code code;
	struct image img;
	__u8 *bytes;
	size_t len;
	char error[IMAGE_ERROR_MAX];
};

static struct made make(const char *text)
{
	struct made m = {.text = policy_text_sound(text)};

	assert_int_equal(lower_policy(m.text.arena, m.text.policy, &m.code), 0);
	assert_int_equal(image_write(m.text.policy, &m.code, m.text.sources,
				     &m.bytes, &m.len),
			 0);
	if (image_open(m.bytes, m.len, &m.img, m.error) != 0)
		fail_msg("%s", m.error);
	return m;
}

static void unmake(struct made *m)
{
	free(m->bytes);
	policy_text_free(&m->text);
}

/* The action of the first rule that has one. */
static const struct nfr_action *action_of(const struct made *m)
{
	assert_true(m->img.action_count > 0);
	return &m->img.actions[0];
}

static __u32 no_device(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "eth0") == 0 ? 7 : 0;
}

static struct poolset *expand(const struct made *m)
{
	struct poolset *set;

	assert_int_equal(poolset_new(&m->img, no_device, NULL, NULL, &set), 0);
	return set;
}

#define TEST(name) static void name(void **state __attribute__((unused)))

TEST(nat_takes_pfs_ports_and_one_address)
{
	struct made m = make("pass out on eth0 inet from 192.168.2.0/24 "
			     "nat-to 198.51.100.9\n");
	const struct nfr_pool *pool = &m.img.pools[action_of(&m)->nat];
	struct poolset *set = expand(&m);

	assert_int_equal(action_of(&m)->rdr, NFR_NO_POOL);
	assert_int_equal(pool->port_low, 50001);
	assert_int_equal(pool->port_high, 65535);
	assert_int_equal(pool->family, NFR_FAMILY_IPV4);
	assert_int_equal(m.img.config->flags,
			 NFR_CONFIG_TRANSLATES | NFR_CONFIG_EARLY);
	assert_int_equal(set->pools[0].count, 1);
	assert_int_equal(set->addrs[0].first[0], 0xc6336409);
	assert_int_equal(set->addrs[0].mask[0], 0xffffffff);
	poolset_free(&set);
	unmake(&m);
}

TEST(static_port_has_no_ports)
{
	struct made m = make("pass out on eth0 inet from 192.168.2.0/24 "
			     "nat-to 198.51.100.9 static-port\n");

	assert_int_equal(m.img.pools[0].port_low, 0);
	assert_int_equal(m.img.pools[0].flags, NFR_POOL_STATIC_PORT);
	unmake(&m);
}

TEST(open_ports_of_rdr_follow_the_rules)
{
	struct made m = make("pass in on eth0 inet proto tcp to port 80:89 "
			     "rdr-to 192.168.2.5 port 8080:*\n");
	const struct nfr_pool *pool = &m.img.pools[action_of(&m)->rdr];

	assert_int_equal(pool->port_low, 8080);
	assert_int_equal(pool->port_high, 8089);
	assert_int_equal(pool->flags, NFR_POOL_PORT_SHIFT);
	assert_int_equal(m.img.pool_addrs[pool->first].shift, 80);
	unmake(&m);
}

TEST(an_interface_in_parentheses_is_a_pool_of_each_family)
{
	struct made m = make("pass out on eth0 nat-to (eth0)\n");
	const struct nfr_action *a = action_of(&m);

	assert_int_equal(m.img.pool_count, 2);
	assert_int_equal(m.img.pools[a->nat].family, NFR_FAMILY_IPV4);
	assert_int_equal(m.img.pools[a->nat + 1].family, NFR_FAMILY_IPV6);
	assert_int_not_equal(m.img.pools[0].id, m.img.pools[1].id);
	assert_int_not_equal(m.img.pool_addrs[0].table, NFR_NO_TABLE);
	unmake(&m);
}

TEST(an_address_in_parentheses_knows_whose_it_is)
{
	struct made m = make("pass out on eth0 nat-to (eth0)\n");
	struct poolset *set = expand(&m);

	assert_int_equal(set->pools[0].count, 1);
	assert_int_equal(set->addrs[0].first[0], 0xc0a80132);
	assert_int_equal(set->addrs[0].ifindex, 7);
	poolset_free(&set);
	unmake(&m);
	m = make("pass out on eth0 inet nat-to (eth0:network)\n");
	set = expand(&m);
	assert_int_equal(set->addrs[0].ifindex, 0);
	poolset_free(&set);
	unmake(&m);
}

/* eth0 has no other of IPv6: nobody may leave with it. */
TEST(nobody_is_translated_to_a_link_local_address)
{
	struct made m = make("pass out on eth0 nat-to (eth0)\n");
	struct poolset *set = expand(&m);

	assert_int_equal(set->pools[1].family, NFR_FAMILY_IPV6);
	assert_int_equal(set->pools[1].count, 0);
	poolset_free(&set);
	unmake(&m);
}

TEST(equal_pools_have_one_id_in_every_policy)
{
	struct made a = make("pass out on eth0 inet from 10.0.0.1 nat-to "
			     "198.51.100.9\n");
	struct made b = make("block in\npass out on eth0 inet from 10.0.0.2 "
			     "nat-to 198.51.100.9\npass out on eth0 inet "
			     "from 10.0.0.3 nat-to 198.51.100.8\n");

	assert_int_equal(a.img.pools[0].id, b.img.pools[0].id);
	assert_int_not_equal(b.img.pools[0].id, b.img.pools[1].id);
	unmake(&a);
	unmake(&b);
}

TEST(what_a_table_excepts_is_cut_out_of_a_pool)
{
	struct made m =
		make("table <out> { 198.51.100.0/30 !198.51.100.1 }\n"
		     "pass out on eth0 inet from 10.0.0.1 nat-to <out>\n");
	struct poolset *set = expand(&m);

	assert_int_equal(set->addr_count, 2);
	assert_int_equal(set->addrs[0].first[0], 0xc6336400);
	assert_int_equal(set->addrs[0].mask[0], 0xffffffff);
	assert_int_equal(set->addrs[1].first[0], 0xc6336402);
	assert_int_equal(set->addrs[1].mask[0], 0xfffffffe);
	poolset_free(&set);
	unmake(&m);
}

TEST(a_next_hop_knows_its_device)
{
	struct made m = make("pass in on wg0 inet route-to 10.0.0.1@eth0\n");
	struct poolset *set = expand(&m);

	assert_int_equal(action_of(&m)->route_to, 0);
	assert_int_equal(set->addrs[0].ifindex, 7);
	poolset_free(&set);
	unmake(&m);
	m = make("pass in on eth0 inet route-to 10.0.0.1@wg0\n");
	set = expand(&m);
	assert_int_equal(set->addrs[0].ifindex, POOLSET_NO_DEVICE);
	poolset_free(&set);
	unmake(&m);
}

TEST(limits_and_timeouts_of_states_are_the_actions)
{
	struct made m = make(
		"table <bad> persist\n"
		"pass in proto tcp keep state (max 9, source-track rule, "
		"max-src-conn 3, max-src-conn-rate 5/6, overload <bad> flush "
		"global, tcp.established 77, sloppy)\n");
	const struct nfr_action *a = action_of(&m);

	assert_int_equal(a->max_states, 9);
	assert_int_equal(a->max_src_conn, 3);
	assert_int_equal(a->rate_conns, 5);
	assert_int_equal(a->rate_seconds, 6);
	assert_int_equal(a->overload, 0);
	assert_int_equal(a->timeouts[NFR_TIMEOUT_TCP_ESTABLISHED], 77);
	assert_true(a->flags & NFR_ACTION_SLOPPY);
	assert_true(a->flags & NFR_ACTION_TRACK_RULE);
	assert_true(a->flags & NFR_ACTION_FLUSH_GLOBAL);
	assert_int_equal(m.img.config->flags,
			 NFR_CONFIG_OVERLOADS | NFR_CONFIG_EARLY);
	unmake(&m);
}

TEST(options_are_the_config)
{
	struct made m = make("set optimization aggressive\n"
			     "set timeout { tcp.first 31, udp.first 7 }\n"
			     "set limit states 1234\n");
	const struct image_config *config = m.img.config;

	assert_int_equal(config->state_limit, 1234);
	assert_int_equal(config->timeouts[NFR_TIMEOUT_TCP_FIRST], 31);
	assert_int_equal(config->timeouts[NFR_TIMEOUT_TCP_OPENING], 5);
	assert_int_equal(config->timeouts[NFR_TIMEOUT_UDP_FIRST], 7);
	assert_int_equal(config->timeouts[NFR_TIMEOUT_UDP_SINGLE], 30);
	unmake(&m);
}

/* ---- damage ------------------------------------------------------------ */

static void *item(struct made *m, enum image_section s)
{
	struct image_header *header = (struct image_header *)m->bytes;

	return m->bytes + header->section[s].offset;
}

static void assert_damage(struct made *m, const char *why)
{
	struct image_header *header = (struct image_header *)m->bytes;
	struct image img;

	image_hash(m->bytes, m->len, header->hash);
	assert_int_equal(image_open(m->bytes, m->len, &img, m->error),
			 -EBADMSG);
	assert_string_equal(m->error, why);
}

#define DAMAGED(type, section, member, value, why)                             \
	do {                                                                   \
		type *x = item(&m, section);                                   \
		type kept = *x;                                                \
		x->member = (value);                                           \
		assert_damage(&m, why);                                        \
		*x = kept;                                                     \
	} while (0)

TEST(damaged_effects_are_refused)
{
	struct made m = make("pass out on eth0 inet from 10.0.0.1 nat-to "
			     "198.51.100.9 tag X\n");

	DAMAGED(struct nfr_action, IMAGE_ACTIONS, nat, 1,
		"action 0: no such pool");
	DAMAGED(struct nfr_action, IMAGE_ACTIONS, flags, 0x40,
		"action 0: unknown flags");
	DAMAGED(struct nfr_action, IMAGE_ACTIONS, overload, 0,
		"action 0: no such table");
	DAMAGED(struct nfr_action, IMAGE_ACTIONS, rate_conns, 1,
		"action 0: a rate is of two numbers");
	DAMAGED(struct nfr_pool, IMAGE_POOLS, family, 3,
		"pool 0: unknown family");
	DAMAGED(struct nfr_pool, IMAGE_POOLS, type, 5, "pool 0: unknown flags");
	DAMAGED(struct nfr_pool, IMAGE_POOLS, reserved, 4,
		"pool 0: unknown flags");
	DAMAGED(struct nfr_pool, IMAGE_POOLS, port_high, 50000,
		"pool 0: ports end before they begin");
	DAMAGED(struct nfr_pool, IMAGE_POOLS, count, 2,
		"pool 0: its addresses are not the next ones");
	DAMAGED(struct nfr_pool, IMAGE_POOLS, count, 0, "addresses of no pool");
	DAMAGED(struct image_pool_addr, IMAGE_POOL_ADDRS, mask[0], 0xff00ff00,
		"pool 0: not a mask");
	DAMAGED(struct image_pool_addr, IMAGE_POOL_ADDRS, mask[1], 0x80000000,
		"pool 0: not a mask");
	DAMAGED(struct image_pool_addr, IMAGE_POOL_ADDRS, mask[0], 0xff000000,
		"pool 0: address has bits behind its prefix");
	DAMAGED(struct image_pool_addr, IMAGE_POOL_ADDRS, table, 9,
		"pool 0: no such table");
	DAMAGED(struct image_pool_addr, IMAGE_POOL_ADDRS, ifid, 99,
		"pool 0: no such interface");
	DAMAGED(struct image_pool_addr, IMAGE_POOL_ADDRS, weight, 0,
		"pool 0: unknown flags");
	DAMAGED(struct image_config, IMAGE_CONFIG, flags, 0,
		"config: flags are not the rules'");
	*(__u32 *)item(&m, IMAGE_TAGS) = 0x7fffffff;
	assert_damage(&m, "tag 1: no such string");
	unmake(&m);
}

TEST(tags_of_an_image_are_in_the_order_of_their_numbers)
{
	struct made m = make("match in tag A\npass in tagged B\n");
	__u32 *tags = item(&m, IMAGE_TAGS), first = tags[0];

	tags[0] = tags[1];
	assert_damage(&m, "tag 2: not behind tag 1");
	tags[1] = first;
	assert_damage(&m, "tag 2: not behind tag 1");
	unmake(&m);
}

/* ---- a tag, from device to device -------------------------------------- */

/* UDP from 10.0.0.1:4000 to 10.0.0.2:53 in Ethernet. */
static const __u8 frame[] = {2, 0,  0,	  0,  0, 2,  2,	 0, 0, 0, 0,	1,
			     8, 0,  0x45, 0,  0, 32, 0,	 1, 0, 0, 64,	17,
			     0, 0,  10,	  0,  0, 1,  10, 0, 0, 2, 0x0f, 0xa0,
			     0, 53, 0,	  12, 0, 0,  1,	 2, 3, 4};

static struct nfr_result judge(struct datapath *dp, __u32 ifindex,
			       __u32 ingress, enum nfr_dir dir)
{
	const struct datapath_frame f = {.bytes = frame,
					 .caplen = sizeof(frame),
					 .len = sizeof(frame),
					 .ifindex = ifindex,
					 .ingress = ingress,
					 .dir = dir,
					 .now_ms = 1000};

	return datapath_judge(dp, &f, NULL, NULL);
}

TEST(a_forwarded_packet_keeps_the_tag_of_its_flow)
{
	static const struct datapath_device devices[] = {
		{"eth0", 2, NFR_LINK_ETHER, false},
		{"eth1", 3, NFR_LINK_ETHER, false},
		{"lo", 4, NFR_LINK_ETHER, false}};
	struct made m = make("block all\nmatch in on eth0 tag A\n"
			     "pass in on eth0\npass out on lo tagged A\n");
	struct datapath *dp;

	assert_int_equal(datapath_new(16, &dp), 0);
	assert_int_equal(datapath_switch(dp, &m.img, devices, 3), 0);
	/* Not yet in, not from there, then as it should be. */
	assert_int_equal(judge(dp, 4, 2, NFR_DIR_OUT).verdict, NFR_BLOCK);
	assert_int_equal(judge(dp, 2, 0, NFR_DIR_IN).verdict, NFR_PASS);
	assert_int_equal(judge(dp, 4, 3, NFR_DIR_OUT).verdict, NFR_BLOCK);
	assert_int_equal(judge(dp, 4, 0, NFR_DIR_OUT).verdict, NFR_BLOCK);
	assert_int_equal(judge(dp, 4, 2, NFR_DIR_OUT).verdict, NFR_PASS);
	datapath_free(&dp);
	unmake(&m);
}

/*
 * The flow of frame passed through eth0 and lo under before; is it still passed
 * at lo under after, whose tags are in another order?
 */
static bool goes_on(const char *before, const char *after)
{
	static const struct datapath_device devices[] = {
		{"eth0", 2, NFR_LINK_ETHER, false},
		{"lo", 4, NFR_LINK_ETHER, false}};
	struct made m = make(before), n = make(after);
	struct datapath *dp;
	bool passes;

	assert_int_equal(datapath_new(16, &dp), 0);
	assert_int_equal(datapath_switch(dp, &m.img, devices, 2), 0);
	assert_int_equal(judge(dp, 2, 0, NFR_DIR_IN).verdict, NFR_PASS);
	assert_int_equal(judge(dp, 4, 2, NFR_DIR_OUT).verdict, NFR_PASS);
	assert_int_equal(datapath_switch(dp, &n.img, devices, 2), 0);
	assert_int_equal(judge(dp, 2, 0, NFR_DIR_IN).verdict, NFR_PASS);
	passes = judge(dp, 4, 2, NFR_DIR_OUT).verdict == NFR_PASS;
	datapath_free(&dp);
	unmake(&m);
	unmake(&n);
	return passes;
}

TEST(a_tag_is_the_same_in_every_policy)
{
	static const char before[] =
		"block all\nmatch in on eth0 tag A\n"
		"pass in on eth0\npass out on lo tagged A\n";

	assert_true(goes_on(before, "block all\n"
				    "match in on eth0 proto tcp tag B\n"
				    "match in on eth0 tag A\n"
				    "pass in on eth0\n"
				    "pass out on lo tagged A\n"));
	assert_false(goes_on(before, "block all\n"
				     "match in on eth0 proto tcp tag B\n"
				     "match in on eth0 tag A\n"
				     "pass in on eth0\n"
				     "pass out on lo tagged B\n"));
	assert_false(goes_on(before, "block all\n"
				     "match in on eth0 proto tcp tag B\n"
				     "pass in on eth0\n"
				     "pass out on lo tagged B\n"));
}

TEST(a_match_rule_is_counted)
{
	static const struct datapath_device devices[] = {
		{"eth0", 2, NFR_LINK_ETHER, false}};
	struct made m = make("pass in no state\nmatch in on eth0 proto udp\n"
			     "match in on eth0 proto tcp\n");
	struct datapath *dp;

	assert_int_equal(datapath_new(16, &dp), 0);
	assert_int_equal(datapath_switch(dp, &m.img, devices, 1), 0);
	assert_int_equal(judge(dp, 2, 0, NFR_DIR_IN).verdict, NFR_PASS);
	for (__u32 i = 0; i < m.img.rule_count; i++) {
		bool is_udp =
			m.img.rules[i].flags & NFR_RULE_MATCH &&
			strstr(image_string(&m.img, m.img.ruleinfo[i].text),
			       "udp");

		if (m.img.rules[i].flags & NFR_RULE_MATCH)
			assert_int_equal(datapath_rule_count(dp, i).packets,
					 is_udp);
	}
	datapath_free(&dp);
	unmake(&m);
}

TEST(a_chance_comes_true_as_often_as_it_says)
{
	static const struct datapath_device devices[] = {
		{"eth0", 2, NFR_LINK_ETHER, false}};
	struct made m = make("pass in no state\n"
			     "block in on eth0 proto udp probability 25%\n");
	unsigned blocked = 0;
	struct datapath *dp;

	assert_int_equal(datapath_new(16, &dp), 0);
	assert_int_equal(datapath_switch(dp, &m.img, devices, 1), 0);
	for (int i = 0; i < 10000; i++)
		blocked += judge(dp, 2, 0, NFR_DIR_IN).verdict == NFR_BLOCK;
	assert_in_range(blocked, 2350, 2650); /* 3.4 standard deviations */
	datapath_free(&dp);
	unmake(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nat_takes_pfs_ports_and_one_address),
		cmocka_unit_test(static_port_has_no_ports),
		cmocka_unit_test(open_ports_of_rdr_follow_the_rules),
		cmocka_unit_test(
			an_interface_in_parentheses_is_a_pool_of_each_family),
		cmocka_unit_test(an_address_in_parentheses_knows_whose_it_is),
		cmocka_unit_test(nobody_is_translated_to_a_link_local_address),
		cmocka_unit_test(equal_pools_have_one_id_in_every_policy),
		cmocka_unit_test(what_a_table_excepts_is_cut_out_of_a_pool),
		cmocka_unit_test(a_next_hop_knows_its_device),
		cmocka_unit_test(limits_and_timeouts_of_states_are_the_actions),
		cmocka_unit_test(options_are_the_config),
		cmocka_unit_test(damaged_effects_are_refused),
		cmocka_unit_test(
			tags_of_an_image_are_in_the_order_of_their_numbers),
		cmocka_unit_test(a_forwarded_packet_keeps_the_tag_of_its_flow),
		cmocka_unit_test(a_tag_is_the_same_in_every_policy),
		cmocka_unit_test(a_match_rule_is_counted),
		cmocka_unit_test(a_chance_comes_true_as_often_as_it_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
