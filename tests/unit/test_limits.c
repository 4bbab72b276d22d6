/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_limits.c: what rules say of their states (limits, flags, sloppy,
 * timeouts), and packets of many sources -> what passes, in user space and, as
 * root, packet by packet the same in the kernel.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_text.h"
#include "runtime/datapath_user.h"
#include "tests/agree/agree.h"
#include "tests/agree/kernel.h"
#include "wire.h"

#define DEVICE 1
#define US 9
#define ETHER 14
#define STATES 64 /* as in kernel.c */
#define IN NFR_DIR_IN
#define OUT NFR_DIR_OUT
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

struct loaded {
	struct policy_text text;
	struct code code;
	struct image image;
	__u8 *bytes;
	size_t len;
};

static void *kernel; /* NULL: not root */
static struct datapath *native;
static struct loaded policies[4];
static size_t policy_count;
static uint64_t now_ms;
static bool is_v6, is_native_only;
static struct nfr_result result;

/* ---- policies and packets ------------------------------------------------ */

static void load(const char *text)
{
	static const struct agree_device device = {"eth0", DEVICE,
						   NFR_LINK_ETHER};
	static const struct datapath_device own = {"eth0", DEVICE,
						   NFR_LINK_ETHER, false};
	struct loaded *p = &policies[policy_count++];
	char error[IMAGE_ERROR_MAX] = "";

	assert_true(policy_count <= sizeof(policies) / sizeof(*policies));
	p->text = policy_text_sound(text);
	assert_int_equal(lower_policy(p->text.arena, p->text.policy, &p->code),
			 0);
	assert_int_equal(image_write(p->text.policy, &p->code, p->text.sources,
				     &p->bytes, &p->len),
			 0);
	if (image_open(p->bytes, p->len, &p->image, error) != 0)
		fail_msg("%s", error);
	assert_int_equal(datapath_switch(native, &p->image, &own, 1), 0);
	if (kernel && !is_native_only)
		assert_int_equal(
			agree_kernel.load(kernel, &p->image, &device, 1), 0);
}

/* 1: both engines pass it. */
static int send(enum nfr_dir dir, const struct wire *wire)
{
	uint8_t b[ETHER + WIRE_MAX] = {[12] = wire->is_v6 ? 0x86 : 0x08,
				       [13] = wire->is_v6 ? 0xdd : 0x00};
	size_t len = ETHER + wire_build(wire, b + ETHER);
	struct agree_frame frame = {.bytes = b,
				    .len = len,
				    .ifindex = DEVICE,
				    .dir = dir,
				    .link = NFR_LINK_ETHER};
	struct datapath_frame own = {.bytes = b,
				     .caplen = len,
				     .len = len,
				     .ifindex = DEVICE,
				     .dir = dir,
				     .now_ms = now_ms};
	struct nfr_result got;

	result = datapath_judge(native, &own, NULL, NULL);
	if (kernel && !is_native_only) {
		assert_int_equal(agree_kernel.judge(kernel, &frame, &got), 0);
		assert_memory_equal(&got, &result, sizeof(got));
	}
	return result.verdict == NFR_PASS;
}

/* A segment between a client, who has the dynamic port, and our port 22. */
static int tcp(enum nfr_dir dir, uint8_t host, uint16_t port, uint8_t flags)
{
	struct wire wire = {.is_v6 = is_v6,
			    .src = dir == IN ? host : US,
			    .dst = dir == IN ? US : host,
			    .proto = 6,
			    .sport = dir == IN ? port : 22,
			    .dport = dir == IN ? 22 : port,
			    .flags = flags};

	return send(dir, &wire);
}

static int udp(uint8_t host, uint16_t port)
{
	struct wire wire = {.is_v6 = is_v6,
			    .src = host,
			    .dst = US,
			    .proto = 17,
			    .sport = port,
			    .dport = 53};

	return send(IN, &wire);
}

/* The whole handshake; 0 when its last segment does not pass. */
static int connects(uint8_t host, uint16_t port)
{
	assert_true(tcp(IN, host, port, SYN));
	assert_true(tcp(OUT, host, port, SYN | ACK));
	return tcp(IN, host, port, ACK);
}

static int talks(uint8_t host, uint16_t port)
{
	return tcp(IN, host, port, ACK);
}

#define assert_limited(x)                                                      \
	do {                                                                   \
		assert_false(x);                                               \
		assert_int_equal(result.reason, NFR_REASON_LIMIT);             \
	} while (0)

#define TEST(name) static void name(void **state __attribute__((unused)))

/* ---- states -------------------------------------------------------------- */

TEST(max_stops_new_flows_of_the_rule_alone)
{
	load("pass in proto udp keep state (max 2)\n"
	     "pass in proto tcp to port 22\n");
	assert_true(udp(1, 1));
	assert_true(udp(2, 1));
	assert_limited(udp(3, 1));
	assert_true(udp(1, 1));
	assert_true(tcp(IN, 3, 1, SYN));
}

TEST(max_src_nodes_is_how_many_sources)
{
	load("pass in proto udp keep state (max-src-nodes 2)\n");
	assert_true(udp(1, 1));
	assert_true(udp(2, 1));
	assert_limited(udp(3, 1));
	assert_true(udp(1, 2));
	assert_true(udp(2, 2));
}

TEST(max_src_states_is_of_each_source)
{
	load("pass in proto udp keep state (max-src-states 2)\n");
	assert_true(udp(1, 1));
	assert_true(udp(1, 2));
	assert_limited(udp(1, 3));
	assert_true(udp(2, 1));
	assert_true(udp(2, 2));
	assert_limited(udp(2, 3));
}

TEST(source_track_global_is_of_all_rules)
{
	load("pass in proto udp keep state (source-track global, "
	     "max-src-states 2)\n"
	     "pass in proto tcp keep state (source-track global, "
	     "max-src-states 2)\n");
	assert_true(udp(1, 1));
	assert_true(tcp(IN, 1, 1, SYN));
	assert_limited(udp(1, 2));
	assert_limited(tcp(IN, 1, 2, SYN));
	assert_true(udp(2, 1));
}

/* The SYN of a new connection ends what is left of the older one. */
TEST(a_flow_that_is_replaced_makes_room)
{
	load("pass in proto tcp keep state (max 1)\n");
	assert_true(connects(1, 1));
	assert_true(tcp(OUT, 1, 1, RST | ACK));
	assert_limited(tcp(IN, 1, 2, SYN));
	assert_true(tcp(IN, 1, 1, SYN));
	assert_limited(tcp(IN, 1, 2, SYN));
}

TEST(what_is_counted_outlives_a_reload)
{
	static const char text[] = "pass in proto udp keep state (max 2)\n";

	load(text);
	assert_true(udp(1, 1));
	load(text);
	assert_true(udp(1, 1));
	assert_true(udp(1, 2));
	assert_limited(udp(1, 3));
}

TEST(what_another_policy_ends_is_not_counted_on)
{
	static const char text[] = "pass in proto udp keep state (max 1)\n";

	load(text);
	assert_true(udp(1, 1));
	load("block in\n");
	assert_false(udp(1, 1));
	load(text);
	assert_true(udp(1, 2));
	assert_limited(udp(1, 1));
}

TEST(what_expired_makes_room)
{
	is_native_only = true; /* the kernel's clock is not ours */
	load("pass in proto udp keep state (max 1, udp.first 10)\n");
	assert_true(udp(1, 1));
	now_ms += 10000;
	assert_limited(udp(1, 2));
	now_ms += 1001;
	assert_true(udp(1, 2));
	assert_limited(udp(1, 1));
}

/* ---- connections --------------------------------------------------------- */

TEST(max_src_conn_is_of_done_handshakes)
{
	load("pass in proto tcp keep state (max-src-conn 2)\n");
	for (uint16_t port = 10; port < 20; port++)
		assert_true(tcp(IN, 1, port, SYN));
	assert_true(connects(1, 1));
	assert_true(connects(1, 2));
	assert_limited(connects(1, 3));
	assert_false(talks(1, 3));
	assert_true(talks(1, 1));
	assert_true(connects(2, 1));
}

TEST(a_rate_that_is_too_high_overloads)
{
	load("table <bad> persist\n"
	     "block in quick from <bad>\n"
	     "pass in proto tcp keep state (max-src-conn-rate 3/100, "
	     "overload <bad>)\n"
	     "pass in proto udp\n");
	assert_true(udp(1, 1));
	for (uint16_t port = 1; port <= 3; port++) {
		assert_true(connects(1, port));
		assert_true(connects(2, port));
	}
	assert_limited(connects(1, 4));
	assert_false(tcp(IN, 1, 5, SYN));
	assert_int_equal(result.reason, NFR_REASON_RULE);
	/* The table changed, so each flow is judged again. */
	assert_false(talks(1, 1));
	assert_false(udp(1, 1));
	assert_true(talks(2, 1));
	assert_true(udp(2, 1));
}

TEST(a_source_that_overloads_is_an_address)
{
	load("table <bad> persist\n"
	     "block in quick proto udp from <bad>\n"
	     "pass in proto udp\n"
	     "pass in proto tcp keep state (max-src-conn 1, "
	     "overload <bad>)\n");
	assert_true(connects(1, 1));
	assert_limited(connects(1, 2));
	for (uint8_t host = 2; host < 8; host++)
		assert_true(udp(host, 1));
	assert_false(udp(1, 1));
	/* It is not ended by what no rule says. */
	assert_true(talks(1, 1));
}

TEST(what_expired_is_no_connection)
{
	is_native_only = true; /* the kernel's clock is not ours */
	load("table <bad> persist\n"
	     "block in quick from <bad>\n"
	     "pass in proto tcp keep state (tcp.established 10, "
	     "max-src-conn 2, overload <bad> flush global)\n");
	assert_true(connects(1, 1));
	assert_true(connects(2, 1));
	now_ms += 6000;
	assert_true(connects(1, 2));
	now_ms += 6000;
	assert_true(connects(1, 3));
	assert_true(talks(1, 2));
	assert_true(talks(1, 3));
	assert_limited(connects(1, 4));
	assert_false(talks(1, 2));
	assert_true(connects(2, 2));
}

/* The state that a rule's time is shorter than its handshake took. */
TEST(who_expires_in_the_sweep_is_blocked)
{
	is_native_only = true;
	load("pass in proto tcp keep state (tcp.established 1, "
	     "max-src-conn 1)\n");
	assert_true(connects(1, 1));
	assert_true(tcp(IN, 1, 2, SYN));
	assert_true(tcp(OUT, 1, 2, SYN | ACK));
	now_ms += 3000;
	assert_limited(talks(1, 2));
	assert_true(connects(1, 3));
	assert_true(talks(1, 3));
}

/* ---- flush --------------------------------------------------------------- */

static const char two_rules[] =
	"table <bad> persist\n"
	"pass in proto udp\n"
	"pass in proto tcp keep state (max-src-conn 1, overload <bad>%s)\n";

static void overload_by(const char *how)
{
	char text[256];

	snprintf(text, sizeof(text), two_rules, how);
	load(text);
	assert_true(udp(1, 1));
	assert_true(udp(2, 1));
	assert_true(connects(1, 1));
	assert_true(connects(2, 1));
	assert_limited(connects(1, 2));
}

TEST(without_flush_flows_go_on)
{
	overload_by("");
	assert_true(talks(1, 1));
	assert_true(udp(1, 1));
	assert_int_equal(result.from_state, 1);
}

TEST(flush_ends_the_rules_flows_of_the_source)
{
	overload_by(" flush");
	assert_false(talks(1, 1));
	assert_true(talks(2, 1));
	assert_true(udp(1, 1));
	assert_int_equal(result.from_state, 1);
	assert_true(udp(2, 1));
}

TEST(flush_global_ends_all_flows_of_the_source)
{
	overload_by(" flush global");
	assert_false(talks(1, 1));
	assert_true(talks(2, 1));
	assert_true(udp(1, 1));
	assert_int_equal(result.from_state, 0); /* a new one */
	assert_true(udp(2, 1));
	assert_int_equal(result.from_state, 1);
}

TEST(who_was_flushed_may_connect_again)
{
	overload_by(" flush");
	assert_false(talks(1, 1));
	assert_true(connects(1, 5));
	assert_true(talks(1, 5));
	assert_limited(connects(1, 6));
	assert_false(talks(1, 5));
}

/* ---- which packets begin and continue a state -----------------------------
 */

TEST(only_a_syn_begins_a_connection)
{
	static const uint8_t others[] = {ACK,	    SYN | ACK,	RST,
					 RST | ACK, 0x01 | ACK, 0};

	load("pass in proto tcp to port 22\n");
	for (size_t i = 0; i < sizeof(others); i++) {
		assert_false(tcp(IN, 1, 1, others[i]));
		assert_int_equal(datapath_state_count(native), 0);
	}
	assert_true(tcp(IN, 1, 1, SYN));
	assert_int_equal(datapath_state_count(native), 1);
}

TEST(flags_any_takes_a_connection_in_its_middle)
{
	load("pass in proto tcp to port 22 flags any\n");
	assert_true(tcp(IN, 1, 1, ACK));
	assert_int_equal(datapath_state_count(native), 1);
	assert_true(tcp(OUT, 1, 1, ACK));
}

/* Far from all that the other side has allowed. */
static int strays(uint8_t flags)
{
	const struct wire wire = {.is_v6 = is_v6,
				  .src = 1,
				  .dst = US,
				  .proto = 6,
				  .sport = 1,
				  .dport = 22,
				  .flags = flags,
				  .seq = 0x40000000,
				  .data = 100};

	return send(IN, &wire);
}

TEST(a_stray_segment_is_of_no_strict_state)
{
	load("pass in proto tcp to port 22\n");
	connects(1, 1);
	assert_false(strays(ACK));
	assert_int_equal(result.reason, NFR_REASON_TCP_WINDOW);
	assert_false(strays(RST));
	assert_true(talks(1, 1));
}

TEST(a_sloppy_state_asks_no_numbers)
{
	load("pass in proto tcp to port 22 keep state (sloppy)\n");
	assert_true(connects(1, 1));
	assert_true(strays(ACK));
	assert_true(talks(1, 1));
	assert_true(strays(RST));
	assert_int_equal(datapath_state_count(native), 1);
	/* Which is over: another connection begins. */
	assert_true(connects(1, 1));
}

static int answers(uint16_t port)
{
	const struct wire wire = {.is_v6 = is_v6,
				  .src = US,
				  .dst = 1,
				  .proto = 17,
				  .sport = 53,
				  .dport = port};

	return send(OUT, &wire);
}

TEST(a_timeout_of_a_rule_is_of_its_states_alone)
{
	is_native_only = true;
	load("set timeout udp.first 20\n"
	     "pass in proto udp\n"
	     "pass in proto udp from port 1:2 keep state (udp.first 5)\n");
	assert_true(udp(1, 1));
	assert_true(udp(1, 2));
	assert_true(udp(1, 3));
	assert_true(udp(1, 4));
	now_ms += 5000;
	assert_true(answers(1));
	now_ms += 1;
	assert_false(answers(2));
	now_ms += 14999;
	assert_true(answers(3));
	now_ms += 1;
	assert_false(answers(4));
}

/* ---- all ----------------------------------------------------------------- */

static int setup_ipv4(void **state)
{
	(void)state;
	is_v6 = is_native_only = false;
	now_ms = 1000000;
	if (kernel)
		agree_kernel_forget(kernel);
	return datapath_new(STATES, &native);
}

static int setup_ipv6(void **state)
{
	int ret = setup_ipv4(state);

	is_v6 = true;
	return ret;
}

static int teardown(void **state)
{
	(void)state;
	datapath_free(&native);
	while (policy_count > 0) {
		struct loaded *p = &policies[--policy_count];

		free(p->bytes);
		policy_text_free(&p->text);
	}
	return 0;
}

static int open_kernel(void **state)
{
	const char *why = "";
	int ret = agree_kernel.open(&kernel, &why);

	(void)state;
	if (ret) {
		kernel = NULL;
		print_message("# in user space alone: %s\n", why);
		return ret == -ENOTSUP ? 0 : ret;
	}
	agree_kernel_keep_flows(kernel, true);
	return 0;
}

static int close_kernel(void **state)
{
	(void)state;
	if (kernel)
		agree_kernel.close(&kernel);
	return 0;
}

#define FACT(name)                                                             \
	{#name " (IPv4)", name, setup_ipv4, teardown, NULL},                   \
	{                                                                      \
#name " (IPv6)", name, setup_ipv6, teardown, NULL              \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(max_stops_new_flows_of_the_rule_alone),
		FACT(max_src_nodes_is_how_many_sources),
		FACT(max_src_states_is_of_each_source),
		FACT(source_track_global_is_of_all_rules),
		FACT(a_flow_that_is_replaced_makes_room),
		FACT(what_is_counted_outlives_a_reload),
		FACT(what_another_policy_ends_is_not_counted_on),
		FACT(what_expired_makes_room),
		FACT(max_src_conn_is_of_done_handshakes),
		FACT(a_rate_that_is_too_high_overloads),
		FACT(a_source_that_overloads_is_an_address),
		FACT(what_expired_is_no_connection),
		FACT(who_expires_in_the_sweep_is_blocked),
		FACT(without_flush_flows_go_on),
		FACT(flush_ends_the_rules_flows_of_the_source),
		FACT(flush_global_ends_all_flows_of_the_source),
		FACT(who_was_flushed_may_connect_again),
		FACT(only_a_syn_begins_a_connection),
		FACT(flags_any_takes_a_connection_in_its_middle),
		FACT(a_stray_segment_is_of_no_strict_state),
		FACT(a_sloppy_state_asks_no_numbers),
		FACT(a_timeout_of_a_rule_is_of_its_states_alone),
	};

	return cmocka_run_group_tests(tests, open_kernel, close_kernel);
}
