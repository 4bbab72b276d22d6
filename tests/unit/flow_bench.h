/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_bench.h: two policies, the native datapath and a clock, for tests that
 * send packets of wire.h, of both families.
 */
#ifndef NFR_TEST_FLOW_BENCH_H
#define NFR_TEST_FLOW_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/datapath_user.h"
#include "tests/agree/fixture.h"
#include "wire.h"

#define US 1
#define PEER 2
#define ROUTER 3
#define UPLINK 3 /* ifindex */
#define OTHER 4
#define IN NFR_DIR_IN
#define OUT NFR_DIR_OUT

static struct fixture first, second;
static struct image image, next_image;
static struct datapath *dp;
static uint64_t now_ms;
static bool is_v6; /* what the test is about this time */
static struct nfr_result result;
static struct nfr_event event;

/* 1: it passed. */
static inline int send_on(uint32_t ifindex, enum nfr_dir dir,
			  const struct wire *wire)
{
	uint8_t b[WIRE_MAX];
	size_t len = wire_build(wire, b);
	const struct datapath_frame frame = {.bytes = b,
					     .caplen = len,
					     .len = len,
					     .ifindex = ifindex,
					     .dir = dir,
					     .now_ms = now_ms};

	result = datapath_judge(dp, &frame, NULL, &event);
	return result.verdict == NFR_PASS;
}

static inline int send(enum nfr_dir dir, const struct wire *wire)
{
	return send_on(UPLINK, dir, wire);
}

static inline struct policy_rule *pass_out(struct fixture *f, bool keeps_state)
{
	struct policy_rule *rule = fixture_rule(f, true);

	rule->match.dirs = 1 << OUT;
	rule->keeps_state = keeps_state;
	return rule;
}

static inline void load(struct fixture *f, struct image *to)
{
	static const struct datapath_device devices[] = {
		{"eth0", UPLINK, NFR_LINK_RAW, false},
		{"eth1", OTHER, NFR_LINK_RAW, false},
	};

	fixture_image(f, false, to);
	assert_int_equal(datapath_switch(dp, to, devices, 2), 0);
}

static inline const struct nfr_state *flow(uint8_t proto, uint16_t near,
					   uint16_t far)
{
	struct nfr_state_key key = {.ifindex = UPLINK,
				    .proto = proto,
				    .family = NFR_FAMILY_IPV4,
				    .near_addr = {0x0a000000u | US},
				    .far_addr = {0x0a000000u | PEER},
				    .near_port = near,
				    .far_port = far};

	if (is_v6) {
		key.family = NFR_FAMILY_IPV6;
		key.near_addr[0] = key.far_addr[0] = 0xfd000000;
		key.near_addr[3] = US;
		key.far_addr[3] = PEER;
	}
	return datapath_state(dp, &key);
}

static inline int setup_ipv4(void **state)
{
	(void)state;
	is_v6 = false;
	fixture_init(&first);
	fixture_init(&second);
	now_ms = 1000000;
	return datapath_new(8, &dp);
}

static inline int setup_ipv6(void **state)
{
	int ret = setup_ipv4(state);

	is_v6 = true;
	return ret;
}

static inline int teardown(void **state)
{
	(void)state;
	datapath_free(&dp);
	fixture_free(&first);
	fixture_free(&second);
	return 0;
}

#define TEST(name) static void name(void **state __attribute__((unused)))
#define FACT(name)                                                             \
	{#name " (IPv4)", name, setup_ipv4, teardown, NULL},                   \
	{                                                                      \
#name " (IPv6)", name, setup_ipv6, teardown, NULL              \
	}

#endif
