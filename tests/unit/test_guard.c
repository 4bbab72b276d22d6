/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_guard.c: the guard's consent that a flow keeps -> of what it holds, and
 * of what not. Through the native datapath.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "in_force.h"

#define SOMEBODY 1001
#define OTHERS "transport proto udp to 10.0.0.9 port 51821\n"

/* UDP to the peer's port 51820, of such an origin and owner; or back. */
static bool goes(uint32_t origin, uint32_t uid)
{
	const struct wire w = {.src = US,
			       .dst = PEER,
			       .proto = 17,
			       .sport = 4000,
			       .dport = 51820,
			       .data = 9};
	uint8_t b[WIRE_MAX];
	size_t len = wire_build(&w, b);
	const struct datapath_frame frame = {
		.bytes = b,
		.caplen = len,
		.len = len,
		.ifindex = UPLINK,
		.dir = NFR_DIR_OUT,
		.now_ms = 1000000,
		.owner = {.has_socket = true, .uid = uid, .gid = 7},
		.origin = origin,
	};

	result = datapath_judge(dp, &frame, NULL, NULL);
	return result.verdict == NFR_PASS;
}

/* Twice: the packet that begins a flow, and one that its state passes. */
static void establish(uint32_t origin, uint32_t uid)
{
	assert_true(goes(origin, uid));
	assert_true(goes(origin, uid));
	assert_true(result.from_state);
}

/* What the flow keeps, of what goes out. */
static uint64_t kept(void)
{
	const struct nfr_state_key name = {.ifindex = UPLINK,
					   .proto = 17,
					   .family = NFR_FAMILY_IPV4,
					   .near_addr = {0x0a000001},
					   .far_addr = {0x0a000002},
					   .near_port = 4000,
					   .far_port = 51820};
	const struct nfr_state *state = datapath_state(dp, &name);

	assert_non_null(state);
	return state->consent[NFR_DIR_OUT];
}

static bool guard_objects(uint32_t origin, uint32_t uid)
{
	return !goes(origin, uid) && result.reason == NFR_REASON_GUARD;
}

static const char transport[] =
	"tunnel wg0 over any { transport proto udp to 10.0.0.2 port 51820 }\n";
static const char exclude[] =
	"table <t> const { 10.0.0.2 }\n"
	"tunnel wg0 over any { " OTHERS " exclude to <t> }\n";

TEST(a_flow_keeps_the_guards_consent)
{
	force(exclude);
	establish(0, 0);
	assert_int_not_equal(kept(), 0);
}

TEST(a_consent_that_asked_no_origin_is_anybodys)
{
	uint64_t first;

	force(exclude);
	establish(0, 0);
	first = kept();
	assert_true(goes(NFR_ORIGIN_SOCKET, 0));
	assert_int_equal(kept(), first);
}

TEST(a_ticket_is_asked_of_each_packet)
{
	force(transport);
	establish(NFR_ORIGIN_TICKET, 0);
	assert_int_not_equal(kept(), 0);
	assert_true(guard_objects(0, 0));
	assert_true(guard_objects(NFR_ORIGIN_SOCKET, 0));
	assert_true(goes(NFR_ORIGIN_TICKET, 0));
}

TEST(an_owner_is_asked_of_each_packet)
{
	force("tunnel wg0 over any { " OTHERS " exclude user 1001 }\n");
	establish(0, SOMEBODY);
	assert_int_equal(kept(), 0);
	assert_true(guard_objects(0, SOMEBODY + 1));
	assert_true(goes(0, SOMEBODY));
}

TEST(a_consent_is_of_its_generation)
{
	force(exclude);
	establish(0, 0);
	force("tunnel wg0 over any { " OTHERS " exclude to 10.0.0.3 }\n");
	assert_false(goes(0, 0));
}

TEST(tables_that_the_datapath_changes_are_asked_each_time)
{
	force("table <bad> { 10.0.0.99 }\n"
	      "table <t> const { 10.0.0.2 }\n"
	      "tunnel wg0 over any { " OTHERS " exclude to <t> }\n"
	      "pass in on eth0 proto tcp keep state "
	      "(max-src-conn 3, overload <bad>)\n");
	establish(0, 0);
	assert_int_equal(kept(), 0);
}

int main(void)
{
#define GUARD(name) cmocka_unit_test_setup_teardown(name, begin_empty, end)
	const struct CMUnitTest tests[] = {
		GUARD(a_flow_keeps_the_guards_consent),
		GUARD(a_consent_that_asked_no_origin_is_anybodys),
		GUARD(a_ticket_is_asked_of_each_packet),
		GUARD(an_owner_is_asked_of_each_packet),
		GUARD(a_consent_is_of_its_generation),
		GUARD(tables_that_the_datapath_changes_are_asked_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
