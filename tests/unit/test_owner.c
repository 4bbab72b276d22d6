/* SPDX-License-Identifier: BSD-2-Clause */
/* test_owner.c: frames of known owners through the native datapath -> what
 * rules by user, group and cgroup decide, now and after a reload. */
#include "policy_text.h"

#include "compiler/image.h"
#include "compiler/lower.h"
#include "runtime/datapath_user.h"

#define UPLINK 3

struct made {
	struct policy_text text;
	__u8 *bytes;
	size_t len;
	struct image img;
};

static struct datapath *dp;
static const struct datapath_device device = {"eth0", UPLINK, NFR_LINK_RAW,
					      false};
static const struct datapath_owner nobody = {.has_socket = false};

static struct made make(const char *rules)
{
	struct made m = {.text = policy_text_sound(rules)};
	char error[IMAGE_ERROR_MAX];
	struct code code;

	assert_int_equal(lower_policy(m.text.arena, m.text.policy, &code), 0);
	assert_int_equal(image_write(m.text.policy, &code, m.text.sources,
				     &m.bytes, &m.len),
			 0);
	if (image_open(m.bytes, m.len, &m.img, error) != 0)
		fail_msg("%s", error);
	return m;
}

static void unmake(struct made *m)
{
	free(m->bytes);
	policy_text_free(&m->text);
}

static void load(const struct made *m)
{
	assert_int_equal(datapath_switch(dp, &m->img, &device, 1), 0);
}

static struct datapath_owner owner(__u32 uid, __u32 gid, __u32 cgroup)
{
	return (struct datapath_owner){true, uid, gid, cgroup};
}

/* UDP, port 4000 of 10.0.0.1 and port 53 of 10.0.0.2. */
static bool passes(enum nfr_dir dir, struct datapath_owner of)
{
	__u8 bytes[28] = {
		0x45,	   0,	     0,		28,	  [8] = 64, 17,
		[12] = 10, [15] = 1, [16] = 10, [19] = 2, [25] = 8};
	const struct datapath_frame frame = {.bytes = bytes,
					     .caplen = 28,
					     .len = 28,
					     .ifindex = UPLINK,
					     .dir = dir,
					     .owner = of};
	bool is_out = dir == NFR_DIR_OUT;

	bytes[15] = is_out ? 1 : 2;
	bytes[19] = is_out ? 2 : 1;
	bytes[is_out ? 20 : 22] = 4000 >> 8;
	bytes[is_out ? 21 : 23] = 4000 & 0xff;
	bytes[is_out ? 23 : 21] = 53;
	return datapath_judge(dp, &frame, NULL, NULL).verdict == NFR_PASS;
}

static void users_and_groups_are_compared(void **state)
{
	struct made m = make("pass out user 1001 no state\n"
			     "pass out group 7 no state\n");

	(void)state;
	load(&m);
	assert_true(passes(NFR_DIR_OUT, owner(1001, 1, 0)));
	assert_true(passes(NFR_DIR_OUT, owner(1002, 7, 0)));
	assert_false(passes(NFR_DIR_OUT, owner(1002, 8, 0)));
	assert_false(passes(NFR_DIR_OUT, owner(0, 0, 0)));
	assert_false(passes(NFR_DIR_OUT, nobody));
	assert_false(passes(NFR_DIR_IN, owner(1001, 7, 0)));
	unmake(&m);
}

static void who_is_not_known_is_no_user_but_another_one(void **state)
{
	struct made m = make("pass out user > 0 no state\n"
			     "pass in user != root no state\n");

	(void)state;
	load(&m);
	assert_true(passes(NFR_DIR_OUT, owner(5, 5, 0)));
	assert_false(passes(NFR_DIR_OUT, nobody));
	assert_true(passes(NFR_DIR_IN, nobody));
	assert_false(passes(NFR_DIR_IN, owner(0, 0, 0)));
	unmake(&m);
}

static __u32 class_of(const struct made *m, const char *path)
{
	const struct policy *p = m->text.policy;

	return cgroup_number(p->cgroups, p->cgroup_count, path);
}

static void a_cgroup_has_what_is_below_it(void **state)
{
	struct made m = make("pass out cgroup { \"b/c\" \"a\" } no state\n"
			     "block out cgroup \"a/deep\"\n");

	(void)state;
	load(&m);
	assert_int_equal(m.img.cgroup_count, 3);
	assert_true(passes(NFR_DIR_OUT, owner(1, 1, class_of(&m, "a"))));
	assert_true(passes(NFR_DIR_OUT, owner(1, 1, class_of(&m, "a/x/y"))));
	assert_true(passes(NFR_DIR_OUT, owner(1, 1, class_of(&m, "b/c/d"))));
	assert_false(passes(NFR_DIR_OUT, owner(1, 1, class_of(&m, "a/deep"))));
	assert_false(
		passes(NFR_DIR_OUT, owner(1, 1, class_of(&m, "a/deep/er"))));
	assert_false(passes(NFR_DIR_OUT, owner(1, 1, class_of(&m, "b"))));
	assert_false(passes(NFR_DIR_OUT, nobody));
	unmake(&m);
}

/* The guard asks of each packet, also of a flow that a rule has let out. */
static void the_guard_knows_whose_the_packets_of_a_flow_are(void **state)
{
	struct made m = make("tunnel wg0 over any {\n"
			     "transport proto udp to 192.0.2.1 port 9\n"
			     "exclude to 10.0.0.0/8 user 1001\n"
			     "}\n");

	(void)state;
	load(&m);
	assert_true(m.img.config->flags & NFR_CONFIG_GUARD_OWNERS);
	assert_false(passes(NFR_DIR_OUT, owner(1002, 1, 0)));
	assert_true(passes(NFR_DIR_OUT, owner(1001, 1, 0)));
	assert_int_equal(datapath_state_count(dp), 1);
	assert_false(passes(NFR_DIR_OUT, owner(1002, 1, 0)));
	assert_true(passes(NFR_DIR_OUT, owner(1001, 1, 0)));
	unmake(&m);
}

/* A state of a policy that did not ask knows nobody, not root. */
static void a_reload_asks_whose_an_open_flow_is(void **state)
{
	struct made all = make("pass out\n");
	struct made root = make("pass out user root\n");

	(void)state;
	load(&all);
	assert_true(passes(NFR_DIR_OUT, owner(0, 0, 0)));
	load(&root);
	assert_true(passes(NFR_DIR_OUT, owner(0, 0, 0)));
	assert_true(passes(NFR_DIR_IN, nobody)); /* it is known by now */
	load(&all);
	assert_true(passes(NFR_DIR_OUT, owner(1001, 1, 0)));
	load(&root);
	assert_false(passes(NFR_DIR_OUT, owner(1001, 1, 0)));
	assert_int_equal(datapath_state_count(dp), 0);
	load(&all);
	assert_true(passes(NFR_DIR_OUT, nobody));
	load(&root);
	assert_false(passes(NFR_DIR_IN, nobody));
	unmake(&all);
	unmake(&root);
}

static void a_policy_that_does_not_ask_has_no_flag(void **state)
{
	struct made none = make("pass out mark 1\n");
	struct made rules = make("pass out group 1\n");

	(void)state;
	assert_int_equal(none.img.config->flags & NFR_CONFIG_OWNERS, 0);
	assert_int_equal(rules.img.config->flags &
				 (NFR_CONFIG_OWNERS | NFR_CONFIG_GUARD_OWNERS),
			 NFR_CONFIG_OWNERS);
	unmake(&none);
	unmake(&rules);
}

static int begin(void **state)
{
	(void)state;
	return datapath_new(16, &dp);
}

static int end(void **state)
{
	(void)state;
	datapath_free(&dp);
	return 0;
}

#define FACT(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(users_and_groups_are_compared),
		FACT(who_is_not_known_is_no_user_but_another_one),
		FACT(a_cgroup_has_what_is_below_it),
		FACT(the_guard_knows_whose_the_packets_of_a_flow_are),
		FACT(a_reload_asks_whose_an_open_flow_is),
		FACT(a_policy_that_does_not_ask_has_no_flag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
