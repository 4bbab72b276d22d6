/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * in_force.h: texts of policies -> the native datapath, each in force until the
 * next. Between eth0 (UPLINK) and wg0 (OTHER).
 */
#ifndef NFR_TEST_IN_FORCE_H
#define NFR_TEST_IN_FORCE_H

#include "policy_text.h"
#include "runtime/datapath_user.h"
#include "wire.h"

#define MADE_MAX 4
#define US 1
#define PEER 2
#define UPLINK 3 /* ifindex */
#define OTHER 4
#define TEST(name) static void name(void **state __attribute__((unused)))

static struct datapath *dp;
static struct nfr_result result;

static struct {
	struct policy_text text;
	struct code code;
	struct image img;
	__u8 *bytes;
	size_t len;
} made[MADE_MAX];
static unsigned made_count;

static inline int begin_empty(void **state)
{
	(void)state;
	made_count = 0;
	return datapath_new(8, &dp);
}

static inline int end(void **state)
{
	(void)state;
	datapath_free(&dp);
	while (made_count > 0) {
		free(made[--made_count].bytes);
		policy_text_free(&made[made_count].text);
	}
	return 0;
}

static inline void force(const char *text)
{
	static const struct datapath_device devices[] = {
		{"eth0", UPLINK, NFR_LINK_RAW, false},
		{"wg0", OTHER, NFR_LINK_RAW, false},
	};
	char error[IMAGE_ERROR_MAX];
	unsigned i = made_count++;

	assert_true(i < MADE_MAX);
	made[i].text = policy_text_sound(text);
	assert_int_equal(lower_policy(made[i].text.arena, made[i].text.policy,
				      &made[i].code),
			 0);
	assert_int_equal(image_write(made[i].text.policy, &made[i].code,
				     made[i].text.sources, &made[i].bytes,
				     &made[i].len),
			 0);
	if (image_open(made[i].bytes, made[i].len, &made[i].img, error) != 0)
		fail_msg("%s", error);
	assert_int_equal(datapath_switch(dp, &made[i].img, devices, 2), 0);
}

#endif
