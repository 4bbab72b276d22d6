/* SPDX-License-Identifier: BSD-2-Clause */
/* test_state.c: sequences of packets through the native datapath -> what the
 * flow state makes of them, and the pipeline's reasons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/datapath_user.h"
#include "tests/agree/fixture.h"

#define US 0x0a000001u
#define PEER 0xc0000202u
#define UPLINK 3
#define OTHER 4
#define TUNNEL 5

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define ACK 0x10

static struct fixture first, second;
static struct image image, next_image;
static struct datapath *dp;
static uint64_t now_ms;
static struct nfr_result result;
static const struct datapath_device devices[] = {
	{"eth0", UPLINK, NFR_LINK_RAW, false},
	{"eth1", OTHER, NFR_LINK_RAW, false},
	{"wg0", TUNNEL, NFR_LINK_RAW, false},
};

struct packet_text {
	uint8_t proto;
	uint16_t sport, dport;
	uint8_t flags; /* TCP */
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id;
	uint8_t has_options;
	uint8_t tos;
	uint32_t ingress; /* ifindex; of what goes out */
	uint32_t seq;	  /* TCP */
};

/* An IPv4 packet between us and the peer; in: from the peer. */
static int send_on(uint32_t ifindex, enum nfr_dir dir,
		   const struct packet_text *text)
{
	uint8_t b[64] = {0};
	size_t header = text->has_options ? 24 : 20, len = header + 20;
	uint32_t src = dir == NFR_DIR_OUT ? US : PEER;
	uint32_t dst = dir == NFR_DIR_OUT ? PEER : US;
	struct datapath_frame frame = {.bytes = b,
				       .caplen = len,
				       .len = len,
				       .ifindex = ifindex,
				       .ingress = text->ingress,
				       .dir = dir,
				       .now_ms = now_ms};
	uint8_t *l4 = b + header;

	b[0] = (uint8_t)(0x40 | header / 4);
	b[1] = text->tos;
	b[3] = (uint8_t)len;
	b[9] = text->proto;
	for (int i = 0; i < 4; i++) {
		b[12 + i] = (uint8_t)(src >> (24 - 8 * i));
		b[16 + i] = (uint8_t)(dst >> (24 - 8 * i));
	}
	if (text->proto == 1) {
		l4[0] = text->icmp_type;
		l4[1] = text->icmp_code;
		l4[4] = (uint8_t)(text->icmp_id >> 8);
		l4[5] = (uint8_t)text->icmp_id;
	} else if (text->proto == 6 || text->proto == 17) {
		l4[0] = (uint8_t)(text->sport >> 8);
		l4[1] = (uint8_t)text->sport;
		l4[2] = (uint8_t)(text->dport >> 8);
		l4[3] = (uint8_t)text->dport;
		if (text->proto == 17)
			l4[5] = 20;
		else
			l4[12] = 0x50;
		l4[13] = text->flags;
		if (text->proto == 6)
			for (int i = 0; i < 4; i++)
				l4[4 + i] =
					(uint8_t)(text->seq >> (24 - 8 * i));
	}
	result = datapath_judge(dp, &frame, NULL, NULL);
	return result.verdict == NFR_PASS;
}

static int tcp(enum nfr_dir dir, uint8_t flags)
{
	return send_on(
		UPLINK, dir,
		&(struct packet_text){.proto = 6,
				      .sport = dir == NFR_DIR_OUT ? 4000 : 443,
				      .dport = dir == NFR_DIR_OUT ? 443 : 4000,
				      .flags = flags});
}

static int udp(enum nfr_dir dir, uint16_t port)
{
	return send_on(
		UPLINK, dir,
		&(struct packet_text){.proto = 17,
				      .sport = dir == NFR_DIR_OUT ? port : 53,
				      .dport = dir == NFR_DIR_OUT ? 53 : port});
}

static int echo(enum nfr_dir dir, uint8_t type, uint16_t id)
{
	return send_on(UPLINK, dir,
		       &(struct packet_text){
			       .proto = 1, .icmp_type = type, .icmp_id = id});
}

static int other(enum nfr_dir dir)
{
	return send_on(UPLINK, dir, &(struct packet_text){.proto = 47});
}

static const struct nfr_state *tcp_state(void)
{
	const struct nfr_state_key key = {.ifindex = UPLINK,
					  .proto = 6,
					  .family = NFR_FAMILY_IPV4,
					  .near_addr = {US},
					  .far_addr = {PEER},
					  .near_port = 4000,
					  .far_port = 443};

	return datapath_state(dp, &key);
}

static const struct nfr_state *udp_state(void)
{
	const struct nfr_state_key key = {.ifindex = UPLINK,
					  .proto = 17,
					  .family = NFR_FAMILY_IPV4,
					  .near_addr = {US},
					  .far_addr = {PEER},
					  .near_port = 4000,
					  .far_port = 53};

	return datapath_state(dp, &key);
}

static void load(const struct image *img)
{
	assert_int_equal(datapath_switch(dp, img, devices, 3), 0);
}

static struct policy_rule *pass_out(struct fixture *f)
{
	struct policy_rule *rule = fixture_rule(f, true);

	rule->match.dirs = 1 << NFR_DIR_OUT;
	rule->keeps_state = true;
	return rule;
}

/* "pass out keep state", block by default. */
static void load_pass_out(void)
{
	pass_out(&first);
	fixture_image(&first, false, &image);
	load(&image);
}

#define IN NFR_DIR_IN
#define OUT NFR_DIR_OUT
#define TEST(name) static void name(void **state __attribute__((unused)))

/* Replies count for the entry that the flow's rule asked for. */
TEST(entries_count_what_their_rule_decides)
{
	struct policy_rule *rule = pass_out(&first);

	rule->match.dst.kind = POLICY_HOST_TABLE;
	rule->match.dst.table = fixture_table(
		&first, "t", "192.0.0.0/16 192.0.2.0/24 !192.0.2.9/32");
	first.tables[0].is_counters = true;
	fixture_image(&first, false, &image);
	load(&image);
	assert_int_equal(image_slots(&image), 3);
	assert_false(tcp(IN, SYN | ACK)); /* by the default, which asks none */
	assert_true(tcp(OUT, SYN));
	assert_true(tcp(IN, SYN | ACK));
	assert_true(tcp(OUT, ACK));
	assert_int_equal(datapath_table_count(dp, 2, OUT, NFR_PASS).packets, 2);
	assert_int_equal(datapath_table_count(dp, 2, IN, NFR_PASS).packets, 1);
	assert_int_equal(datapath_table_count(dp, 2, IN, NFR_PASS).bytes, 40);
	assert_int_equal(datapath_table_count(dp, 2, IN, NFR_BLOCK).packets, 0);
	assert_int_equal(datapath_table_count(dp, 1, OUT, NFR_PASS).packets, 0);
}

TEST(a_reply_passes_by_the_state_and_only_then)
{
	load_pass_out();
	assert_false(tcp(IN, SYN | ACK));
	assert_int_equal(result.reason, NFR_REASON_DEFAULT);
	assert_true(tcp(OUT, SYN));
	assert_int_equal(result.reason, NFR_REASON_RULE);
	assert_int_equal(result.from_state, 0);
	assert_true(tcp(IN, SYN | ACK));
	assert_int_equal(result.reason, NFR_REASON_STATE);
	assert_int_equal(result.from_state, 1);
	assert_int_equal(result.rule, 0);
}

TEST(a_state_is_bound_to_its_interface)
{
	load_pass_out();
	udp(OUT, 4000);
	assert_false(send_on(OTHER, IN,
			     &(struct packet_text){
				     .proto = 17, .sport = 53, .dport = 4000}));
}

TEST(a_rule_without_state_makes_none)
{
	pass_out(&first)->keeps_state = false;
	fixture_image(&first, false, &image);
	load(&image);
	assert_true(udp(OUT, 4000));
	assert_int_equal(datapath_state_count(dp), 0);
	assert_false(udp(IN, 4000));
}

TEST(a_blocked_packet_makes_no_state)
{
	load_pass_out();
	udp(IN, 4000);
	assert_int_equal(datapath_state_count(dp), 0);
}

TEST(tcp_goes_from_opening_to_closed)
{
	load_pass_out();
	tcp(OUT, SYN);
	assert_int_equal(tcp_state()->phase, NFR_STATE_OPENING);
	tcp(OUT, SYN);
	assert_int_equal(tcp_state()->phase, NFR_STATE_OPENING);
	tcp(IN, SYN | ACK);
	assert_int_equal(tcp_state()->phase, NFR_STATE_HALF);
	tcp(OUT, ACK);
	assert_int_equal(tcp_state()->phase, NFR_STATE_ESTABLISHED);
	tcp(OUT, FIN | ACK);
	assert_int_equal(tcp_state()->phase, NFR_STATE_CLOSING);
	tcp(OUT, FIN | ACK); /* sent again */
	assert_int_equal(tcp_state()->phase, NFR_STATE_CLOSING);
	assert_true(tcp(IN, ACK));
	tcp(IN, FIN | ACK);
	assert_int_equal(tcp_state()->phase, NFR_STATE_FINWAIT);
	assert_true(tcp(OUT, ACK));
	assert_int_equal(tcp_state()->phase, NFR_STATE_FINWAIT);
	assert_int_equal(tcp_state()->packets[NFR_DIR_OUT], 6);
	assert_int_equal(tcp_state()->packets[NFR_DIR_IN], 3);
	assert_int_equal(tcp_state()->bytes[NFR_DIR_IN], 120);
}

TEST(a_reset_closes)
{
	load_pass_out();
	tcp(OUT, SYN);
	tcp(IN, RST | ACK);
	assert_int_equal(tcp_state()->phase, NFR_STATE_CLOSED);
}

TEST(a_segment_outside_of_the_windows_blocks_and_changes_nothing)
{
	struct packet_text text = {.proto = 6,
				   .sport = 443,
				   .dport = 4000,
				   .flags = RST,
				   .seq = 0x40000000};
	struct nfr_state before;

	load_pass_out();
	tcp(OUT, SYN);
	tcp(IN, SYN | ACK);
	tcp(OUT, ACK);
	before = *tcp_state();
	assert_false(send_on(UPLINK, IN, &text));
	assert_int_equal(result.reason, NFR_REASON_TCP_WINDOW);
	assert_int_equal(result.rule, 0);
	assert_memory_equal(&before, tcp_state(), sizeof(before));
	text.seq = 1;
	assert_true(send_on(UPLINK, IN, &text));
	assert_int_equal(tcp_state()->phase, NFR_STATE_CLOSED);
}

TEST(a_new_syn_after_the_close_begins_a_new_state)
{
	load_pass_out();
	tcp(OUT, SYN);
	tcp(IN, RST | ACK);
	now_ms += 1000;
	assert_true(tcp(OUT, SYN));
	assert_int_equal(result.reason, NFR_REASON_RULE);
	assert_int_equal(tcp_state()->phase, NFR_STATE_OPENING);
	assert_int_equal(tcp_state()->created, now_ms);
	assert_int_equal(tcp_state()->packets[NFR_DIR_IN], 0);
}

TEST(the_other_sides_syn_does_not_reopen)
{
	load_pass_out();
	tcp(OUT, SYN);
	tcp(IN, RST | ACK);
	assert_true(tcp(IN, SYN));
	assert_int_equal(tcp_state()->phase, NFR_STATE_CLOSED);
}

/* Idle for so many ms after the packets so far: is the flow still known? */
static void assert_idle(uint64_t seconds, enum nfr_dir dir,
			int (*send)(enum nfr_dir))
{
	now_ms += seconds * 1000;
	assert_true(send(dir));
	now_ms += seconds * 1000 + 1;
	assert_false(send(dir));
}

static int reply_ack(enum nfr_dir dir)
{
	return tcp(dir, ACK);
}
static int reply_udp(enum nfr_dir dir)
{
	return udp(dir, 4000);
}

TEST(the_first_tcp_packet_is_remembered_for_2_minutes)
{
	load_pass_out();
	tcp(OUT, SYN);
	now_ms += 120000;
	assert_true(tcp(IN, SYN | ACK));
	datapath_forget_states(dp);
	tcp(OUT, SYN);
	now_ms += 120001;
	assert_false(tcp(IN, SYN | ACK));
}

TEST(a_half_open_tcp_flow_lives_30_seconds)
{
	load_pass_out();
	tcp(OUT, SYN);
	tcp(IN, SYN | ACK);
	now_ms += 30001;
	assert_false(tcp(IN, SYN | ACK));
}

TEST(an_established_tcp_flow_lives_a_day)
{
	load_pass_out();
	tcp(OUT, SYN);
	tcp(IN, SYN | ACK);
	tcp(OUT, ACK);
	assert_idle(86400, IN, reply_ack);
}

TEST(a_closing_tcp_flow_lives_15_minutes)
{
	load_pass_out();
	tcp(OUT, SYN);
	tcp(OUT, FIN | ACK);
	assert_idle(900, IN, reply_ack);
}

TEST(a_closed_tcp_flow_lives_90_seconds)
{
	load_pass_out();
	tcp(OUT, SYN);
	tcp(IN, RST | ACK);
	assert_idle(90, IN, reply_ack);
}

TEST(udp_that_was_answered_lives_60_seconds)
{
	load_pass_out();
	udp(OUT, 4000);
	assert_idle(60, IN, reply_udp);
}

TEST(udp_without_an_answer_lives_60_then_30_seconds)
{
	load_pass_out();
	udp(OUT, 4000);
	now_ms += 60000;
	assert_true(udp(OUT, 4000));
	assert_int_equal(result.from_state, 1);
	now_ms += 30001;
	assert_false(udp(IN, 4000));
}

TEST(an_echo_lives_20_seconds_and_10_once_answered)
{
	load_pass_out();
	echo(OUT, 8, 9);
	now_ms += 20000;
	assert_true(echo(IN, 0, 9));
	now_ms += 10000;
	assert_true(echo(IN, 0, 9));
	now_ms += 10001;
	assert_false(echo(IN, 0, 9));
}

TEST(other_protocols_live_60_seconds)
{
	load_pass_out();
	other(OUT);
	assert_idle(60, IN, other);
}

TEST(a_clock_that_steps_back_ends_nothing)
{
	load_pass_out();
	udp(OUT, 4000);
	now_ms -= 5000;
	assert_true(udp(IN, 4000));
}

TEST(echo_replies_match_by_identifier)
{
	load_pass_out();
	assert_true(echo(OUT, 8, 9));
	assert_false(echo(IN, 0, 10));
	assert_true(echo(IN, 0, 9));
}

TEST(an_echo_reply_makes_no_state)
{
	load_pass_out();
	assert_true(echo(OUT, 0, 9));
	assert_int_equal(datapath_state_count(dp), 0);
}

TEST(our_request_lets_no_request_in)
{
	load_pass_out();
	echo(OUT, 8, 9);
	assert_false(echo(IN, 8, 9));
	assert_true(echo(IN, 0, 9));
}

TEST(a_request_of_another_code_asks_the_rules)
{
	struct packet_text text = {.proto = 1, .icmp_type = 8, .icmp_id = 7};
	struct policy_rule *rule = pass_out(&first);

	rule->match.families = 1 << NFR_FAMILY_IPV4;
	rule->match.proto = 1;
	rule->match.icmp_type = 8;
	rule->match.icmp_code = 0;
	fixture_image(&first, false, &image);
	load(&image);
	assert_true(send_on(UPLINK, OUT, &text));
	text.icmp_code = 9;
	assert_false(send_on(UPLINK, OUT, &text));
	text.icmp_code = 0;
	assert_true(send_on(UPLINK, OUT, &text));
	assert_int_equal(result.from_state, 1);
}

TEST(other_icmp_makes_and_matches_no_state)
{
	load_pass_out();
	assert_true(echo(OUT, 13, 9));
	assert_int_equal(datapath_state_count(dp), 0);
	echo(OUT, 8, 9);
	assert_false(echo(IN, 3, 9));
}

TEST(options_block_also_in_a_flow)
{
	const struct packet_text text = {
		.proto = 17, .sport = 4000, .dport = 53, .has_options = 1};

	load_pass_out();
	udp(OUT, 4000);
	assert_false(send_on(UPLINK, OUT, &text));
	assert_int_equal(result.reason, NFR_REASON_IP_OPTIONS);
	assert_int_equal(result.rule, 0);
}

TEST(the_guard_looks_at_flows_too)
{
	struct policy_rule *rule;

	load_pass_out();
	udp(OUT, 4000);
	pass_out(&second);
	rule = fixture_guard(&second, false);
	rule->match.dirs = 1 << IN;
	rule->match.proto = 17;
	fixture_image(&second, false, &next_image);
	load(&next_image);
	assert_true(udp(OUT, 4000));
	assert_int_equal(result.reason, NFR_REASON_STATE);
	assert_false(udp(IN, 4000));
	assert_int_equal(result.reason, NFR_REASON_GUARD);
	assert_int_equal(result.rule, 2);
}

TEST(a_flow_goes_on_under_a_new_policy_that_would_pass_it)
{
	load_pass_out();
	tcp(OUT, SYN);
	tcp(IN, SYN | ACK);
	tcp(OUT, ACK);
	fixture_rule(&second, false)->match.proto = 99;
	pass_out(&second);
	second.rules[1].match.flags_set = SYN;
	second.rules[1].match.flags_mask = SYN | ACK;
	fixture_image(&second, false, &next_image);
	load(&next_image);
	assert_true(tcp(IN, ACK)); /* judged by its first packet, a SYN out */
	assert_int_equal(result.rule, 1);
	assert_int_equal(tcp_state()->rule, 1);
	assert_int_equal(tcp_state()->generation, 2);
	assert_int_equal(tcp_state()->phase, NFR_STATE_ESTABLISHED);
}

TEST(a_flow_ends_under_a_new_policy_that_would_not_pass_it)
{
	load_pass_out();
	udp(OUT, 4000);
	fixture_image(&second, false, &next_image);
	load(&next_image);
	assert_false(udp(IN, 4000));
	assert_int_equal(datapath_state_count(dp), 0);
}

TEST(a_flow_ends_when_the_new_rule_keeps_no_state)
{
	load_pass_out();
	udp(OUT, 4000);
	pass_out(&second)->keeps_state = false;
	fixture_image(&second, false, &next_image);
	load(&next_image);
	assert_true(udp(OUT, 4000));
	assert_int_equal(result.reason, NFR_REASON_RULE);
	assert_int_equal(datapath_state_count(dp), 0);
}

/* Forwarded from eth1, with TOS 0x10, or not. */
static int forwarded(uint8_t tos, uint32_t ingress)
{
	return send_on(UPLINK, OUT,
		       &(struct packet_text){.proto = 17,
					     .sport = 4000,
					     .dport = 53,
					     .tos = tos,
					     .ingress = ingress});
}

TEST(a_flow_is_judged_again_by_tos_and_where_it_came_in)
{
	struct policy_rule *rule;

	load_pass_out();
	forwarded(0x10, OTHER);
	fixture_iface(&second, "wg0"); /* another id than before */
	rule = pass_out(&second);
	rule->match.tos = 0x10;
	rule->match.has_received = true;
	rule->match.received_ifid = fixture_iface(&second, "eth1");
	fixture_image(&second, false, &next_image);
	load(&next_image);
	assert_true(forwarded(0, 0));
	assert_int_equal(result.reason, NFR_REASON_STATE);
	datapath_forget_states(dp);
	assert_false(forwarded(0x10, 0));
	assert_false(forwarded(0x10, TUNNEL));
	assert_false(forwarded(0, OTHER));
	assert_true(forwarded(0x10, OTHER));
}

/* A packet still in the old program while the policies are switched. */
TEST(an_older_policy_does_not_end_what_a_newer_one_passes)
{
	struct nfr_state *flow;

	load_pass_out();
	udp(OUT, 4000);
	fixture_rule(&second, false);
	fixture_image(&second, false, &next_image);
	load(&next_image);
	flow = (struct nfr_state *)udp_state();
	flow->generation = 3;
	assert_false(udp(IN, 4000));
	assert_ptr_equal(udp_state(), flow);
	assert_int_equal(udp_state()->generation, 3);
	load(&image); /* generation 3, which passes it */
	assert_true(udp(IN, 4000));
}

TEST(an_inbound_flow_is_judged_again_as_inbound)
{
	struct policy_rule *rule = fixture_rule(&first, true);

	rule->match.dirs = 1 << IN;
	rule->match.proto = 17;
	rule->match.dport = (struct policy_port){.first = 4000, .last = 4000};
	rule->match.src = fixture_range("192.0.2.2", "192.0.2.2");
	rule->match.families = 1 << NFR_FAMILY_IPV4;
	rule->keeps_state = true;
	fixture_image(&first, false, &image);
	load(&image);
	assert_true(udp(IN, 4000));
	load(&image);
	assert_true(udp(OUT, 4000));
	assert_int_equal(result.reason, NFR_REASON_STATE);
}

TEST(a_full_table_blocks_new_flows_and_keeps_old_ones)
{
	load_pass_out();
	for (uint16_t port = 1; port <= 8; port++)
		assert_true(udp(OUT, port));
	assert_false(udp(OUT, 9));
	assert_int_equal(result.reason, NFR_REASON_STATE_FULL);
	assert_true(udp(IN, 8));
	assert_true(echo(OUT, 13, 1)); /* needs no state */
}

TEST(a_limit_of_the_policy_is_a_full_table)
{
	load_pass_out();
	udp(OUT, 1);
	pass_out(&second);
	second.policy.options.state_limit = 2;
	fixture_image(&second, false, &next_image);
	load(&next_image);
	assert_true(udp(OUT, 2));
	assert_false(udp(OUT, 3));
	assert_int_equal(result.reason, NFR_REASON_STATE_FULL);
	assert_true(udp(IN, 1));
	assert_true(udp(IN, 2));
	now_ms += 60001;
	assert_true(udp(OUT, 3));
	assert_int_equal(datapath_state_count(dp), 1);
}

TEST(expired_states_make_room_at_most_once_a_second)
{
	load_pass_out();
	for (uint16_t port = 1; port <= 8; port++)
		udp(OUT, port);
	assert_false(udp(OUT, 9));
	now_ms += 60001;
	assert_true(udp(OUT, 9));
	assert_int_equal(datapath_state_count(dp), 1);
	for (uint16_t port = 10; port <= 16; port++)
		udp(OUT, port);
	assert_false(udp(OUT, 17)); /* no sweep yet, and nothing to sweep */
	now_ms += 500;
	assert_false(udp(OUT, 17));
}

TEST(before_the_first_policy_everything_blocks)
{
	assert_false(udp(OUT, 4000));
	assert_int_equal(result.reason, NFR_REASON_VERSION);
}

TEST(an_unknown_interface_blocks)
{
	load_pass_out();
	assert_false(send_on(99, OUT, &(struct packet_text){.proto = 17}));
	assert_int_equal(result.reason, NFR_REASON_INTERFACE);
}

TEST(an_impostor_is_not_the_tunnel)
{
	struct datapath_device wg = {"wg0", TUNNEL, NFR_LINK_RAW, false};
	struct policy_rule *rule = pass_out(&first);

	rule->match.on_any = false;
	rule->match.ifid = fixture_iface(&first, "wg0");
	first.ifaces[0].is_tunnel = true;
	fixture_image(&first, false, &image);
	datapath_switch(dp, &image, &wg, 1);
	assert_true(send_on(TUNNEL, OUT, &(struct packet_text){.proto = 47}));
	datapath_forget_states(dp);
	wg.is_impostor = true;
	datapath_switch(dp, &image, &wg, 1);
	assert_false(send_on(TUNNEL, OUT, &(struct packet_text){.proto = 47}));
	assert_int_equal(result.reason, NFR_REASON_DEFAULT);
}

static unsigned events;
static struct nfr_event last_event;
static void note(void *arg, const struct nfr_event *event)
{
	(void)arg;
	events++;
	last_event = *event;
}

/* It lost the kernel's trust, as by a move to another namespace and back. */
TEST(flows_of_the_tunnel_end_when_it_is_an_impostor)
{
	const struct nfr_state_key key = {.ifindex = TUNNEL,
					  .proto = 47,
					  .family = NFR_FAMILY_IPV4,
					  .near_addr = {US},
					  .far_addr = {PEER}};
	struct datapath_device wg = {"wg0", TUNNEL, NFR_LINK_RAW, false};
	struct policy_rule *rule = pass_out(&first);
	struct nfr_state *flow;

	rule->match.on_any = false;
	rule->match.ifid = fixture_iface(&first, "wg0");
	first.ifaces[0].is_tunnel = true;
	fixture_image(&first, false, &image);
	datapath_switch(dp, &image, &wg, 1);
	assert_true(send_on(TUNNEL, OUT, &(struct packet_text){.proto = 47}));
	assert_true(send_on(TUNNEL, IN, &(struct packet_text){.proto = 47}));
	wg.is_impostor = true;
	datapath_switch(dp, &image, &wg, 1);
	flow = (struct nfr_state *)datapath_state(dp, &key);
	flow->generation = 2; /* as if nothing but the device had changed */
	assert_false(send_on(TUNNEL, IN, &(struct packet_text){.proto = 47}));
	assert_false(send_on(TUNNEL, OUT, &(struct packet_text){.proto = 47}));
}

TEST(log_tells_the_first_packet_of_a_flow_only)
{
	pass_out(&first)->is_logged = true;
	fixture_image(&first, false, &image);
	load(&image);
	events = 0;
	datapath_on_event(dp, note, NULL);
	udp(OUT, 4000);
	udp(OUT, 4000);
	udp(IN, 4000);
	assert_int_equal(events, 1);
	udp(OUT, 4001);
	assert_int_equal(events, 2);
}

TEST(counters_and_events_say_what_happened)
{
	pass_out(&first)->is_logged = true;
	fixture_image(&first, false, &image);
	load(&image);
	events = 0;
	datapath_on_event(dp, note, NULL);
	udp(OUT, 4000);
	assert_int_equal(events, 1);
	assert_int_equal(last_event.verdict, NFR_PASS);
	assert_int_equal(last_event.dport, 53);
	assert_int_equal(last_event.src[0], US);
	assert_int_equal(last_event.generation, 1);
	udp(IN, 5000);
	assert_int_equal(events, 1);
	datapath_trace_block(dp, true);
	udp(IN, 5000);
	assert_int_equal(events, 2);
	assert_int_equal(last_event.reason, NFR_REASON_DEFAULT);
	assert_int_equal(last_event.length, 40);
	assert_int_equal(datapath_rule_count(dp, 0).packets, 1);
	assert_int_equal(datapath_rule_count(dp, 1).packets, 2);
	assert_int_equal(datapath_rule_count(dp, 1).bytes, 80);
	assert_int_equal(
		datapath_reason_count(dp, IN, NFR_REASON_DEFAULT).packets, 2);
	assert_int_equal(
		datapath_reason_count(dp, OUT, NFR_REASON_RULE).packets, 1);
}

TEST(tables_take_the_longest_prefix)
{
	struct policy_rule *rule = pass_out(&first);

	rule->match.families = 1 << NFR_FAMILY_IPV4;
	rule->match.dst = (struct policy_host){
		.kind = POLICY_HOST_TABLE,
		.table = fixture_table(&first, "t",
				       "0.0.0.0/0 !192.0.0.0/8 192.0.2.0/30 "
				       "!192.0.2.2/32 10.0.0.0/8")};
	fixture_image(&first, false, &image);
	load(&image);
	assert_false(udp(OUT, 4000));
	fixture_free(&second);
	fixture_init(&second);
	rule = pass_out(&second);
	rule->match.families = 1 << NFR_FAMILY_IPV4;
	rule->match.dst = (struct policy_host){
		.kind = POLICY_HOST_TABLE,
		.table = fixture_table(&second, "t",
				       "!0.0.0.0/0 192.0.0.0/8 !192.0.3.0/24 "
				       "!192.0.2.3/32 !192.0.2.0/31")};
	fixture_image(&second, false, &next_image);
	load(&next_image);
	assert_true(udp(OUT, 4000));
}

static int setup(void **state)
{
	(void)state;
	fixture_init(&first);
	fixture_init(&second);
	now_ms = 1000000;
	return datapath_new(8, &dp);
}

static int teardown(void **state)
{
	(void)state;
	datapath_free(&dp);
	fixture_free(&first);
	fixture_free(&second);
	return 0;
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		FACT(entries_count_what_their_rule_decides),
		FACT(a_reply_passes_by_the_state_and_only_then),
		FACT(a_state_is_bound_to_its_interface),
		FACT(a_rule_without_state_makes_none),
		FACT(a_blocked_packet_makes_no_state),
		FACT(tcp_goes_from_opening_to_closed),
		FACT(a_reset_closes),
		FACT(a_segment_outside_of_the_windows_blocks_and_changes_nothing),
		FACT(a_new_syn_after_the_close_begins_a_new_state),
		FACT(the_other_sides_syn_does_not_reopen),
		FACT(the_first_tcp_packet_is_remembered_for_2_minutes),
		FACT(a_half_open_tcp_flow_lives_30_seconds),
		FACT(an_established_tcp_flow_lives_a_day),
		FACT(a_closing_tcp_flow_lives_15_minutes),
		FACT(a_closed_tcp_flow_lives_90_seconds),
		FACT(udp_that_was_answered_lives_60_seconds),
		FACT(udp_without_an_answer_lives_60_then_30_seconds),
		FACT(an_echo_lives_20_seconds_and_10_once_answered),
		FACT(other_protocols_live_60_seconds),
		FACT(a_clock_that_steps_back_ends_nothing),
		FACT(echo_replies_match_by_identifier),
		FACT(an_echo_reply_makes_no_state),
		FACT(our_request_lets_no_request_in),
		FACT(a_request_of_another_code_asks_the_rules),
		FACT(other_icmp_makes_and_matches_no_state),
		FACT(options_block_also_in_a_flow),
		FACT(the_guard_looks_at_flows_too),
		FACT(a_flow_goes_on_under_a_new_policy_that_would_pass_it),
		FACT(a_flow_ends_under_a_new_policy_that_would_not_pass_it),
		FACT(a_flow_ends_when_the_new_rule_keeps_no_state),
		FACT(an_older_policy_does_not_end_what_a_newer_one_passes),
		FACT(a_flow_is_judged_again_by_tos_and_where_it_came_in),
		FACT(an_inbound_flow_is_judged_again_as_inbound),
		FACT(a_full_table_blocks_new_flows_and_keeps_old_ones),
		FACT(a_limit_of_the_policy_is_a_full_table),
		FACT(expired_states_make_room_at_most_once_a_second),
		FACT(before_the_first_policy_everything_blocks),
		FACT(an_unknown_interface_blocks),
		FACT(an_impostor_is_not_the_tunnel),
		FACT(flows_of_the_tunnel_end_when_it_is_an_impostor),
		FACT(log_tells_the_first_packet_of_a_flow_only),
		FACT(counters_and_events_say_what_happened),
		FACT(tables_take_the_longest_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
