/* SPDX-License-Identifier: BSD-2-Clause */
/* test_fragment.c: pieces of datagrams through the native datapath -> which of
 * them follow their first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flow_bench.h"

/* UDP from us to the peer, or back; 32 bytes of 96 and more. */
static struct wire piece(enum nfr_dir dir, uint32_t at, bool more)
{
	return (struct wire){.is_v6 = is_v6,
			     .src = dir == OUT ? US : PEER,
			     .dst = dir == OUT ? PEER : US,
			     .proto = 17,
			     .sport = dir == OUT ? 4000 : 53,
			     .dport = dir == OUT ? 53 : 4000,
			     .data = 1000,
			     .is_piece = true,
			     .id = 7,
			     .at = at,
			     .part = 32,
			     .more = more};
}

static int send_piece(enum nfr_dir dir, uint32_t at, bool more)
{
	const struct wire w = piece(dir, at, more);

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

static void load_pass_out(bool keeps_state)
{
	pass_out(&first, keeps_state);
	load(&first, &image);
}

TEST(later_ones_pass_by_the_rule_of_their_first)
{
	load_pass_out(false);
	assert_passes(send_piece(OUT, 0, true), RULE);
	assert_passes(send_piece(OUT, 32, true), RULE);
	assert_int_equal(result.rule, 0);
	assert_int_equal(result.from_state, 0);
	assert_passes(send_piece(OUT, 64, false), RULE);
	assert_int_equal(datapath_state_count(dp), 0);
	assert_int_equal(datapath_rule_count(dp, 0).packets, 3);
}

TEST(later_ones_pass_by_the_state_of_their_first)
{
	load_pass_out(true);
	assert_passes(send_piece(OUT, 0, true), RULE);
	assert_passes(send_piece(OUT, 32, false), STATE);
	assert_int_equal(result.from_state, 1);
	assert_passes(send_piece(IN, 0, true), STATE);
	assert_passes(send_piece(IN, 32, false), STATE);
	assert_int_equal(flow(17, 4000, 53)->packets[OUT], 2);
	assert_int_equal(flow(17, 4000, 53)->packets[IN], 2);
}

TEST(later_ones_keep_the_flow_alive)
{
	load_pass_out(true);
	send_piece(OUT, 0, true);
	now_ms += 50000;
	assert_true(send_piece(OUT, 32, false));
	now_ms += 50000;
	assert_passes(send_piece(IN, 0, true), STATE);
}

TEST(an_event_of_a_later_one_has_the_ports_of_its_first)
{
	load_pass_out(false);
	send_piece(OUT, 0, true);
	assert_true(send_piece(OUT, 32, false));
	assert_int_equal(event.sport, 4000);
	assert_int_equal(event.dport, 53);
}

TEST(a_later_one_before_its_first_blocks)
{
	load_pass_out(true);
	assert_blocks(send_piece(OUT, 32, false), FRAGMENT);
	assert_int_equal(result.rule, NFR_NO_RULE);
	assert_true(send_piece(OUT, 0, true));
	assert_true(send_piece(OUT, 32, false));
}

TEST(a_later_one_of_a_blocked_first_blocks)
{
	load_pass_out(true);
	assert_blocks(send_piece(IN, 0, true), DEFAULT);
	assert_blocks(send_piece(IN, 32, false), FRAGMENT);
}

TEST(a_later_one_of_another_datagram_blocks)
{
	struct wire w;

	load_pass_out(true);
	send_piece(OUT, 0, true);
	w = piece(OUT, 32, false);
	w.id++;
	assert_blocks(send(OUT, &w), FRAGMENT);
	w = piece(OUT, 32, false);
	w.src = ROUTER;
	assert_blocks(send(OUT, &w), FRAGMENT);
	w = piece(OUT, 32, false);
	w.dst = ROUTER;
	assert_blocks(send(OUT, &w), FRAGMENT);
	w = piece(OUT, 32, false);
	assert_blocks(send(IN, &w), FRAGMENT);
	assert_blocks(send_on(OTHER, OUT, &w), FRAGMENT);
	assert_true(send(OUT, &w));
}

/* RFC 791: the protocol is part of the name. RFC 8200 4.5: only the first's
 * next header counts. */
TEST(the_protocol_of_a_later_one_counts_in_ipv4_only)
{
	struct wire w;

	load_pass_out(true);
	send_piece(OUT, 0, true);
	w = piece(OUT, 32, false);
	w.proto = 6;
	assert_int_equal(send(OUT, &w), is_v6);
	if (is_v6)
		assert_int_equal(event.proto, 17);
}

TEST(what_overlaps_the_first_blocks)
{
	load_pass_out(true);
	send_piece(OUT, 0, true);
	assert_blocks(send_piece(OUT, 8, true), OVERLAP);
	assert_blocks(send_piece(OUT, 24, false), OVERLAP);
	assert_int_equal(result.rule, NFR_NO_RULE);
	assert_true(send_piece(OUT, 32, false));
}

TEST(a_second_first_is_judged_and_the_longer_one_counts)
{
	struct wire w;

	load_pass_out(false);
	w = piece(OUT, 0, true);
	w.part = 64;
	assert_true(send(OUT, &w));
	assert_true(send_piece(OUT, 0, true));
	assert_blocks(send_piece(OUT, 32, false), OVERLAP);
	assert_true(send_piece(OUT, 64, false));
	w.part = 96;
	assert_true(send(OUT, &w));
	assert_blocks(send_piece(OUT, 64, false), OVERLAP);
}

TEST(an_old_first_is_not_counted_for_length)
{
	struct wire w;

	load_pass_out(false);
	w = piece(OUT, 0, true);
	w.part = 64;
	assert_true(send(OUT, &w));
	now_ms += 60001;
	assert_true(send_piece(OUT, 0, true));
	assert_true(send_piece(OUT, 32, false));
}

TEST(a_blocked_second_first_ends_the_datagram)
{
	struct policy_rule *rule;
	struct wire w;

	pass_out(&first, true);
	rule = fixture_rule(&first, false);
	rule->match.proto = 17;
	rule->match.dport = (struct policy_port){.first = 54, .last = 54};
	load(&first, &image);
	assert_true(send_piece(OUT, 0, true));
	w = piece(OUT, 0, true);
	w.dport = 54;
	assert_blocks(send(OUT, &w), RULE);
	assert_blocks(send_piece(OUT, 32, false), FRAGMENT);
}

TEST(a_first_is_remembered_for_60_seconds)
{
	load_pass_out(false);
	send_piece(OUT, 0, true);
	now_ms += 60000;
	assert_true(send_piece(OUT, 32, true));
	now_ms += 1;
	assert_blocks(send_piece(OUT, 32, false), FRAGMENT);
}

TEST(a_datagram_is_at_most_65535_bytes)
{
	struct wire w;
	uint32_t room = 65535 - (is_v6 ? 0 : 20);

	load_pass_out(true);
	send_piece(OUT, 0, true);
	w = piece(OUT, room / 8 * 8, false);
	w.part = room % 8;
	assert_true(send(OUT, &w));
	w.part++;
	assert_blocks(send(OUT, &w), IP_LENGTH);
	w.has_options = true; /* count in both families */
	w.part = room % 8;
	assert_blocks(send(OUT, &w), IP_LENGTH);
}

TEST(a_piece_is_of_eight_bytes_but_the_last)
{
	struct wire w;

	load_pass_out(true);
	w = piece(OUT, 0, true);
	w.part = 33;
	assert_blocks(send(OUT, &w), FRAGMENT);
	assert_blocks(send_piece(OUT, 40, false), FRAGMENT);
	send_piece(OUT, 0, true);
	w = piece(OUT, 32, true);
	w.part = 7;
	assert_blocks(send(OUT, &w), FRAGMENT);
	w.more = false;
	assert_true(send(OUT, &w));
	w.part = 0;
	assert_blocks(send(OUT, &w), FRAGMENT);
}

/* RFC 1858: what would leave the ports, or TCP's flags, to the second. */
TEST(a_tiny_first_blocks_and_what_follows_it)
{
	struct wire w;

	load_pass_out(true);
	w = piece(OUT, 0, true);
	w.proto = 6;
	w.part = 16;
	assert_blocks(send(OUT, &w), SHORT);
	w = piece(OUT, 16, false);
	w.proto = 6;
	assert_blocks(send(OUT, &w), FRAGMENT);
}

/* RFC 6946. */
TEST(a_datagram_in_one_piece_is_a_packet)
{
	struct wire w;

	load_pass_out(true);
	w = piece(OUT, 0, false);
	w.data = 24;
	assert_passes(send(OUT, &w), RULE);
	assert_blocks(send_piece(OUT, 32, false), FRAGMENT);
	if (!is_v6)
		return;
	send_piece(OUT, 0, true);
	assert_passes(send(OUT, &w), STATE);
	assert_true(send_piece(OUT, 32, false));
}

TEST(options_of_a_later_one_are_its_own)
{
	struct wire w;

	load_pass_out(true);
	send_piece(OUT, 0, true);
	w = piece(OUT, 32, false);
	w.has_options = true;
	assert_blocks(send(OUT, &w), IP_OPTIONS);
	assert_int_equal(result.rule, 0);
	pass_out(&second, true)->allows_opts = true;
	load(&second, &next_image);
	assert_true(send(OUT, &w));
}

TEST(the_guard_sees_ports_of_the_first_and_the_rest_of_the_later)
{
	struct policy_rule *rule;
	struct wire w;

	pass_out(&first, true);
	rule = fixture_guard(&first, false);
	rule->match.proto = 17;
	rule->match.dport = (struct policy_port){.first = 53, .last = 53};
	rule->match.tos = 0x10;
	load(&first, &image);
	assert_true(send_piece(OUT, 0, true));
	assert_true(send_piece(OUT, 32, true));
	w = piece(OUT, 64, false);
	w.tos = 0x10;
	assert_blocks(send(OUT, &w), GUARD);
}

TEST(the_guard_looks_where_no_state_is_too)
{
	struct policy_rule *rule;
	struct wire w;

	pass_out(&first, false);
	rule = fixture_guard(&first, false);
	rule->match.proto = 17;
	rule->match.dport = (struct policy_port){.first = 53, .last = 53};
	rule->match.tos = 0x10;
	load(&first, &image);
	assert_true(send_piece(OUT, 0, true));
	w = piece(OUT, 64, false);
	w.tos = 0x10;
	assert_blocks(send(OUT, &w), GUARD);
}

TEST(a_new_policy_judges_the_first_again)
{
	load_pass_out(false);
	send_piece(OUT, 0, true);
	fixture_rule(&second, false)->match.proto = 99;
	pass_out(&second, false);
	second.rules[1].match.proto = 17;
	second.rules[1].match.sport =
		(struct policy_port){.first = 4000, .last = 4000};
	load(&second, &next_image);
	assert_passes(send_piece(OUT, 32, true), RULE);
	assert_int_equal(result.rule, 1);
}

TEST(a_new_policy_that_blocks_the_first_blocks_the_rest)
{
	load_pass_out(false);
	send_piece(OUT, 0, true);
	load(&second, &next_image);
	assert_blocks(send_piece(OUT, 32, true), FRAGMENT);
	assert_int_equal(result.rule, NFR_NO_RULE);
}

TEST(a_new_policy_judges_the_state_again)
{
	load_pass_out(true);
	send_piece(OUT, 0, true);
	fixture_rule(&second, false)->match.proto = 99;
	pass_out(&second, true);
	load(&second, &next_image);
	assert_passes(send_piece(OUT, 32, true), STATE);
	assert_int_equal(result.rule, 1);
}

TEST(without_its_state_a_later_one_blocks)
{
	load_pass_out(true);
	send_piece(OUT, 0, true);
	assert_true(send_piece(OUT, 32, true));
	now_ms += 59999;
	assert_true(send_piece(OUT, 64, true));
	now_ms += 1;
	((struct nfr_state *)flow(17, 4000, 53))->last_seen -= 60000;
	assert_blocks(send_piece(OUT, 32, true), FRAGMENT);
	assert_int_equal(result.rule, NFR_NO_RULE);
	send_piece(OUT, 0, true);
	load(&second, &next_image);
	assert_blocks(send_piece(OUT, 32, true), FRAGMENT);
	assert_int_equal(datapath_state_count(dp), 0);
}

TEST(a_fragment_rule_is_for_all_pieces)
{
	struct wire whole = piece(OUT, 0, false);

	whole.is_piece = false;
	pass_out(&first, false)->match.is_fragment = true;
	load(&first, &image);
	assert_blocks(send(OUT, &whole), DEFAULT);
	assert_true(send_piece(OUT, 0, true));
	assert_passes(send_piece(OUT, 32, false), RULE);
	pass_out(&second, false);
	fixture_rule(&second, false)->match.is_fragment = true;
	load(&second, &next_image);
	assert_true(send(OUT, &whole));
	assert_blocks(send_piece(OUT, 0, true), RULE);
	assert_blocks(send_piece(OUT, 32, false), FRAGMENT);
}

TEST(pieces_of_tcp_and_of_unknown_protocols_follow_too)
{
	static const uint8_t protos[] = {6, 47};

	load_pass_out(true);
	for (size_t i = 0; i < 2; i++) {
		struct wire w = piece(OUT, 0, true);

		w.proto = protos[i];
		w.flags = 0x02;
		assert_passes(send(OUT, &w), RULE);
		w.at = 32;
		assert_passes(send(OUT, &w), STATE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FACT(later_ones_pass_by_the_rule_of_their_first),
		FACT(later_ones_pass_by_the_state_of_their_first),
		FACT(later_ones_keep_the_flow_alive),
		FACT(an_event_of_a_later_one_has_the_ports_of_its_first),
		FACT(a_later_one_before_its_first_blocks),
		FACT(a_later_one_of_a_blocked_first_blocks),
		FACT(a_later_one_of_another_datagram_blocks),
		FACT(the_protocol_of_a_later_one_counts_in_ipv4_only),
		FACT(what_overlaps_the_first_blocks),
		FACT(a_second_first_is_judged_and_the_longer_one_counts),
		FACT(an_old_first_is_not_counted_for_length),
		FACT(a_blocked_second_first_ends_the_datagram),
		FACT(a_first_is_remembered_for_60_seconds),
		FACT(a_datagram_is_at_most_65535_bytes),
		FACT(a_piece_is_of_eight_bytes_but_the_last),
		FACT(a_tiny_first_blocks_and_what_follows_it),
		FACT(a_datagram_in_one_piece_is_a_packet),
		FACT(options_of_a_later_one_are_its_own),
		FACT(the_guard_sees_ports_of_the_first_and_the_rest_of_the_later),
		FACT(the_guard_looks_where_no_state_is_too),
		FACT(a_new_policy_judges_the_first_again),
		FACT(a_new_policy_that_blocks_the_first_blocks_the_rest),
		FACT(a_new_policy_judges_the_state_again),
		FACT(without_its_state_a_later_one_blocks),
		FACT(a_fragment_rule_is_for_all_pieces),
		FACT(pieces_of_tcp_and_of_unknown_protocols_follow_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
