/* SPDX-License-Identifier: BSD-2-Clause */
/* test_icmp.c: ICMP errors through the native datapath -> which of them belong
 * to a flow, and what becomes of the others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flow_bench.h"

#define SYN 0x02
#define ACK 0x10
#define UNREACHABLE (is_v6 ? 1 : 3)
#define ECHO (is_v6 ? 128 : 8)
#define ECHO_REPLY (is_v6 ? 129 : 0)
#define ICMP (is_v6 ? 58 : 1)

static struct wire udp(enum nfr_dir dir)
{
	return (struct wire){.is_v6 = is_v6,
			     .src = dir == OUT ? US : PEER,
			     .dst = dir == OUT ? PEER : US,
			     .proto = 17,
			     .sport = dir == OUT ? 4000 : 53,
			     .dport = dir == OUT ? 53 : 4000,
			     .data = 20};
}

static struct wire tcp(enum nfr_dir dir, uint8_t flags, uint32_t seq)
{
	struct wire w = udp(dir);

	w.proto = 6;
	w.flags = flags;
	w.seq = seq;
	w.data = 0;
	return w;
}

static struct wire echo(enum nfr_dir dir, int type, uint16_t id)
{
	struct wire w = udp(dir);

	w.proto = (uint8_t)ICMP;
	w.icmp_type = (uint8_t)type;
	w.icmp_id = id;
	return w;
}

/* A router says so to who sent the quoted packet. */
static struct wire error_about(const struct wire *quoted, int type)
{
	return (struct wire){.is_v6 = is_v6,
			     .src = ROUTER,
			     .dst = quoted->src,
			     .proto = (uint8_t)ICMP,
			     .icmp_type = (uint8_t)type,
			     .icmp_code = 1,
			     .quoted = quoted};
}

static int send_error(enum nfr_dir dir, const struct wire *quoted)
{
	const struct wire w = error_about(quoted, UNREACHABLE);

	return send(dir, &w);
}

#define assert_blocks(x, why)                                                  \
	do {                                                                   \
		assert_false(x);                                               \
		assert_int_equal(result.reason, NFR_REASON_##why);             \
	} while (0)
#define assert_passes(x, why)                                                  \
	do {                                                                   \
		assert_true(x);                                                \
		assert_int_equal(result.reason, NFR_REASON_##why);             \
	} while (0)

static void load_pass_out(void)
{
	pass_out(&first, true);
	load(&first, &image);
}

/* The flow of udp(), begun by us. */
static struct wire udp_flow(void)
{
	const struct wire w = udp(OUT);

	load_pass_out();
	assert_true(send(OUT, &w));
	return w;
}

TEST(every_type_of_error_about_a_flow_passes)
{
	static const int ipv4[] = {3, 4, 11, 12}, ipv6[] = {1, 2, 3, 4};
	struct wire sent = udp_flow();

	for (int i = 0; i < 4; i++) {
		struct wire w = error_about(&sent, is_v6 ? ipv6[i] : ipv4[i]);

		assert_passes(send(IN, &w), STATE);
		assert_int_equal(result.rule, 0);
		assert_int_equal(result.from_state, 1);
	}
}

TEST(redirects_and_other_types_pass_by_no_flow)
{
	static const int ipv4[] = {5, 9, 10, 13}, ipv6[] = {137, 5, 100, 127};
	struct wire sent = udp_flow();

	for (int i = 0; i < 4; i++) {
		struct wire w = error_about(&sent, is_v6 ? ipv6[i] : ipv4[i]);

		assert_blocks(send(IN, &w), DEFAULT);
	}
}

TEST(errors_go_out_about_what_came_in)
{
	struct policy_rule *rule = fixture_rule(&first, true);
	const struct wire w = udp(IN);

	rule->match.dirs = 1 << IN;
	rule->keeps_state = true;
	load(&first, &image);
	assert_true(send(IN, &w));
	assert_passes(send_error(OUT, &w), STATE);
	assert_blocks(send_error(OUT, &(struct wire){.is_v6 = is_v6,
						     .src = PEER,
						     .dst = US,
						     .proto = 17,
						     .sport = 54,
						     .dport = 4000}),
		      DEFAULT);
}

/* What we sent is quoted to us, and not by us. */
TEST(an_error_the_wrong_way_is_of_no_flow)
{
	struct policy_rule *rule = fixture_rule(&second, true);
	const struct wire w = udp_flow();
	const struct wire error = error_about(&w, UNREACHABLE);

	rule->match.proto = 17;
	rule->keeps_state = true;
	load(&second, &next_image);
	assert_true(send(OUT, &w));
	assert_blocks(send(OUT, &error), DEFAULT);
	assert_blocks(send_on(OTHER, IN, &error), DEFAULT);
	assert_true(send(IN, &error));
}

TEST(an_error_is_for_who_sent_the_quoted_packet)
{
	const struct wire sent = udp_flow();
	struct wire w = error_about(&sent, UNREACHABLE);

	w.dst = 9;
	assert_blocks(send(IN, &w), DEFAULT);
	w.dst = PEER;
	assert_blocks(send(IN, &w), DEFAULT);
}

TEST(an_error_about_an_unknown_flow_asks_the_rules)
{
	struct wire sent = udp_flow();
	struct policy_rule *rule;

	sent.dport = 54;
	assert_blocks(send_error(IN, &sent), DEFAULT);
	rule = fixture_rule(&second, true);
	rule->match.dirs = 1 << IN;
	rule->match.proto = (int16_t)ICMP;
	rule->match.icmp_type = (int16_t)UNREACHABLE;
	load(&second, &next_image);
	assert_passes(send_error(IN, &sent), RULE);
	assert_int_equal(result.from_state, 0);
}

TEST(an_error_keeps_no_flow_alive_but_is_counted)
{
	const struct wire sent = udp_flow();

	now_ms += 20000;
	assert_true(send_error(IN, &sent));
	assert_int_equal(flow(17, 4000, 53)->packets[IN], 1);
	assert_int_equal(flow(17, 4000, 53)->phase, NFR_STATE_OPENING);
	now_ms += 41000;
	assert_blocks(send_error(IN, &sent), DEFAULT);
}

/* An error is an answer: for the entry that holds who sent what it quotes. */
TEST(an_error_counts_for_the_entry_of_its_flow)
{
	struct policy_rule *rule = pass_out(&first, true);
	const struct wire w = udp(OUT);

	rule->match.src.kind = POLICY_HOST_TABLE;
	rule->match.src.table =
		fixture_table(&first, "t", "10.0.0.1/32 fd00::1/128");
	first.tables[0].is_counters = true;
	load(&first, &image);
	assert_true(send(OUT, &w));
	assert_true(send_error(IN, &w));
	assert_int_equal(
		datapath_table_count(dp, 1 + is_v6, IN, NFR_PASS).packets, 1);
}

TEST(echo_requests_and_replies_have_errors)
{
	struct wire w = echo(OUT, ECHO, 9);

	load_pass_out();
	assert_true(send(OUT, &w));
	assert_passes(send_error(IN, &w), STATE);
	w.icmp_id = 10;
	assert_blocks(send_error(IN, &w), DEFAULT);
	w = echo(IN, ECHO_REPLY, 9);
	assert_passes(send_error(OUT, &w), STATE);
	w = echo(OUT, ECHO_REPLY, 9); /* we asked, and do not answer */
	assert_blocks(send_error(IN, &w), DEFAULT);
}

TEST(an_error_about_an_error_is_of_no_flow)
{
	const struct wire sent = udp_flow();
	const struct wire error = {.is_v6 = is_v6,
				   .src = US,
				   .dst = PEER,
				   .proto = (uint8_t)ICMP,
				   .icmp_type = (uint8_t)UNREACHABLE,
				   .quoted = &sent};

	assert_blocks(send_error(IN, &error), DEFAULT);
}

/* What a side sent, said by hand: from 1001 - 70000 to 1001. */
TEST(a_quoted_segment_is_in_the_window)
{
	struct wire w = tcp(OUT, SYN, 1000);
	struct nfr_state *tcp_flow;

	load_pass_out();
	assert_true(send(OUT, &w));
	tcp_flow = (struct nfr_state *)flow(6, 4000, 53);
	tcp_flow->tcp[OUT].end = 1001;
	tcp_flow->tcp[OUT].max_window = tcp_flow->tcp[IN].max_window = 70000;
	tcp_flow->phase = NFR_STATE_ESTABLISHED;
	assert_passes(send_error(IN, &w), STATE);
	w.seq = 1001;
	assert_passes(send_error(IN, &w), STATE);
	w.seq = 1001u - 70000u;
	assert_passes(send_error(IN, &w), STATE);
	assert_int_equal(tcp_flow->packets[IN], 3);
	w.seq--;
	assert_blocks(send_error(IN, &w), TCP_WINDOW);
	w.seq = 1002; /* we have not sent that */
	assert_blocks(send_error(IN, &w), TCP_WINDOW);
	w.seq = 0x80000000u;
	assert_blocks(send_error(IN, &w), TCP_WINDOW);
	assert_int_equal(tcp_flow->packets[IN], 3);
	tcp_flow->flags |= NFR_STATE_IS_SLOPPY;
	assert_passes(send_error(IN, &w), STATE);
}

TEST(eight_bytes_of_the_transport_are_enough)
{
	struct wire w = tcp(OUT, SYN, 1000), error;

	load_pass_out();
	assert_true(send(OUT, &w));
	error = error_about(&w, UNREACHABLE);
	error.quote = (is_v6 ? 40 : 20) + 8;
	assert_passes(send(IN, &error), STATE);
	error.quote--;
	assert_blocks(send(IN, &error), ICMP_INNER);
	assert_int_equal(result.rule, 1);
	for (error.quote = 1; error.quote < 20; error.quote++)
		assert_blocks(send(IN, &error), ICMP_INNER);
}

TEST(a_rule_may_pass_what_can_not_be_read_but_no_default)
{
	const struct wire sent = udp_flow();
	struct wire error = error_about(&sent, UNREACHABLE);
	static const struct datapath_device device = {"eth0", UPLINK,
						      NFR_LINK_RAW, false};
	struct policy_rule *rule;
	struct image pass_image;

	error.quote = 12;
	assert_blocks(send(IN, &error), ICMP_INNER);
	rule = fixture_rule(&second, true);
	rule->match.proto = (int16_t)ICMP;
	load(&second, &next_image);
	assert_passes(send(IN, &error), RULE);
	fixture_free(&second);
	fixture_init(&second);
	fixture_image(&second, true, &pass_image);
	assert_int_equal(datapath_switch(dp, &pass_image, &device, 1), 0);
	assert_blocks(send(IN, &error), ICMP_INNER);
	error.quote = 0;
	assert_passes(send(IN, &error), DEFAULT);
}

TEST(a_quote_of_the_other_family_can_not_be_read)
{
	struct wire sent = udp_flow(), error = error_about(&sent, UNREACHABLE);

	sent.is_v6 = !is_v6;
	assert_blocks(send(IN, &error), ICMP_INNER);
}

TEST(options_and_fragment_headers_in_a_quote_are_read)
{
	struct wire sent = udp_flow();

	sent.has_options = true;
	assert_passes(send_error(IN, &sent), STATE);
	sent.is_piece = true;
	sent.more = true;
	sent.part = 16;
	assert_passes(send_error(IN, &sent), STATE);
}

TEST(options_of_the_error_need_a_rule_that_allows_them)
{
	const struct wire sent = udp_flow();
	struct wire error = error_about(&sent, UNREACHABLE);

	error.has_options = true;
	assert_blocks(send(IN, &error), IP_OPTIONS);
	assert_int_equal(result.rule, 0);
	pass_out(&second, true)->allows_opts = true;
	load(&second, &next_image);
	assert_passes(send(IN, &error), STATE);
}

TEST(an_error_in_pieces_is_of_no_flow)
{
	const struct wire sent = udp_flow();
	struct wire error = error_about(&sent, UNREACHABLE);

	error.is_piece = true;
	error.more = true;
	error.part = 64;
	assert_blocks(send(IN, &error), DEFAULT);
}

TEST(an_error_about_a_later_fragment_is_of_the_flow_of_its_first)
{
	struct wire sent = udp(OUT);

	load_pass_out();
	sent.is_piece = true;
	sent.more = true;
	sent.part = 16;
	sent.id = 5;
	assert_true(send(OUT, &sent));
	sent.at = 16;
	assert_true(send(OUT, &sent));
	assert_passes(send_error(IN, &sent), STATE);
	sent.id = 6;
	assert_blocks(send_error(IN, &sent), DEFAULT);
	sent.id = 5;
	now_ms += 60001;
	assert_blocks(send_error(IN, &sent), DEFAULT);
}

TEST(an_error_about_a_later_fragment_without_a_state_asks_the_rules)
{
	struct wire sent = udp(OUT);

	pass_out(&first, false);
	load(&first, &image);
	sent.is_piece = true;
	sent.more = true;
	sent.part = 16;
	assert_true(send(OUT, &sent));
	sent.at = 16;
	assert_blocks(send_error(IN, &sent), DEFAULT);
}

TEST(a_new_policy_judges_the_flow_again)
{
	const struct wire sent = udp_flow();

	fixture_rule(&second, false)->match.proto = 99;
	pass_out(&second, true);
	load(&second, &next_image);
	assert_passes(send_error(IN, &sent), STATE);
	assert_int_equal(result.rule, 1);
	fixture_free(&second);
	fixture_init(&second);
	load(&second, &next_image);
	assert_blocks(send_error(IN, &sent), DEFAULT);
	assert_int_equal(datapath_state_count(dp), 0);
}

/* The transport of a tunnel and its errors: LEAKS.md, facts 11 and 13. */
TEST(the_guard_passes_errors_of_what_it_passes)
{
	struct policy_rule *rule;
	struct wire w = udp(IN);

	fixture_rule(&first, true)->keeps_state = true;
	rule = fixture_guard(&first, true);
	rule->match.dirs = 1 << OUT;
	rule->match.proto = 17;
	rule->match.sport = (struct policy_port){.first = 4000, .last = 4000};
	rule->match.dport = (struct policy_port){.first = 53, .last = 53};
	rule = fixture_guard(&first, false);
	rule->match.dirs = 1 << OUT;
	load(&first, &image);
	assert_true(send(IN, &w));
	assert_passes(send_error(OUT, &w), STATE);
	w.sport = 54; /* its answer may not go out */
	assert_true(send(IN, &w));
	assert_blocks(send_error(OUT, &w), GUARD);
	assert_int_equal(result.rule, 3);
	w.sport = 55; /* nor what is of no flow */
	assert_blocks(send_error(OUT, &w), GUARD);
}

TEST(the_guard_passes_errors_that_it_names)
{
	struct policy_rule *rule;
	const struct wire w = udp(IN);

	fixture_rule(&first, true)->keeps_state = true;
	rule = fixture_guard(&first, true);
	rule->match.proto = (int16_t)ICMP;
	rule = fixture_guard(&first, false);
	rule->match.dirs = 1 << OUT;
	load(&first, &image);
	assert_true(send(IN, &w));
	assert_passes(send_error(OUT, &w), STATE);
}

TEST(neighbour_discovery_asks_the_rules)
{
	struct policy_rule *rule = fixture_rule(&first, true);
	const struct wire w = {.is_v6 = is_v6,
			       .src = US,
			       .dst = PEER,
			       .proto = 58,
			       .icmp_type = 135,
			       .data = 16};

	rule->match.proto = 58;
	rule->keeps_state = true;
	load(&first, &image);
	assert_passes(send(OUT, &w), RULE);
	assert_passes(send(IN, &w), RULE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(every_type_of_error_about_a_flow_passes),
		FACT(redirects_and_other_types_pass_by_no_flow),
		FACT(errors_go_out_about_what_came_in),
		FACT(an_error_the_wrong_way_is_of_no_flow),
		FACT(an_error_is_for_who_sent_the_quoted_packet),
		FACT(an_error_about_an_unknown_flow_asks_the_rules),
		FACT(an_error_keeps_no_flow_alive_but_is_counted),
		FACT(an_error_counts_for_the_entry_of_its_flow),
		FACT(echo_requests_and_replies_have_errors),
		FACT(an_error_about_an_error_is_of_no_flow),
		FACT(a_quoted_segment_is_in_the_window),
		FACT(eight_bytes_of_the_transport_are_enough),
		FACT(a_rule_may_pass_what_can_not_be_read_but_no_default),
		FACT(a_quote_of_the_other_family_can_not_be_read),
		FACT(options_and_fragment_headers_in_a_quote_are_read),
		FACT(options_of_the_error_need_a_rule_that_allows_them),
		FACT(an_error_in_pieces_is_of_no_flow),
		FACT(an_error_about_a_later_fragment_is_of_the_flow_of_its_first),
		FACT(an_error_about_a_later_fragment_without_a_state_asks_the_rules),
		FACT(a_new_policy_judges_the_flow_again),
		FACT(the_guard_passes_errors_of_what_it_passes),
		FACT(the_guard_passes_errors_that_it_names),
		{"neighbour_discovery_asks_the_rules",
		 neighbour_discovery_asks_the_rules, setup_ipv6, teardown,
		 NULL},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
