/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_again.c: what an older policy, or older tables, let in -> judged by
 * those in force: tags, answers that are routed, fragments. Through the native
 * datapath.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "in_force.h"

#define IN NFR_DIR_IN
#define OUT NFR_DIR_OUT

static uint64_t now_ms;
static bool is_v6;

static int begin(void **state)
{
	is_v6 = false;
	now_ms = 1000000;
	return begin_empty(state);
}

static int begin_ipv6(void **state)
{
	int ret = begin(state);

	is_v6 = true;
	return ret;
}

static bool judge(uint32_t ifindex, uint32_t ingress, enum nfr_dir dir,
		  const struct wire *wire)
{
	uint8_t b[WIRE_MAX];
	size_t len = wire_build(wire, b);
	const struct datapath_frame frame = {.bytes = b,
					     .caplen = len,
					     .len = len,
					     .ifindex = ifindex,
					     .ingress = ingress,
					     .dir = dir,
					     .now_ms = now_ms};

	result = datapath_judge(dp, &frame, NULL, NULL);
	return result.verdict == NFR_PASS;
}

/* UDP of the peer, or back; a piece when part is not 0. */
static struct wire udp(bool is_back, uint32_t at, uint32_t part)
{
	return (struct wire){.is_v6 = is_v6,
			     .src = is_back ? US : PEER,
			     .dst = is_back ? PEER : US,
			     .proto = 17,
			     .sport = is_back ? 53 : 4000,
			     .dport = is_back ? 4000 : 53,
			     .data = part ? 1000 : 9,
			     .is_piece = part != 0,
			     .id = 7,
			     .at = at,
			     .part = part,
			     .more = true};
}

/* In on eth0 and out on wg0, as if forwarded. */
static bool forward(uint32_t at, uint32_t part)
{
	const struct wire w = udp(false, at, part);

	assert_true(judge(UPLINK, 0, IN, &w));
	return judge(OTHER, UPLINK, OUT, &w);
}

static bool comes_back(void)
{
	const struct wire w = udp(true, 0, 0);

	return judge(OTHER, 0, IN, &w) && judge(UPLINK, OTHER, OUT, &w);
}

/* ---- tags ---------------------------------------------------------------- */

#define TAGS_A                                                                 \
	"block\nmatch in on eth0 tag A\npass in on eth0\n"                     \
	"pass out on wg0 tagged A\n"

TEST(a_tag_that_is_still_given_lets_the_flow_go_on)
{
	force(TAGS_A);
	assert_true(forward(0, 0));
	force(TAGS_A);
	assert_true(forward(0, 0));
	assert_int_equal(result.reason, NFR_REASON_STATE);
	assert_true(comes_back());
	assert_true(forward(0, 0));
}

TEST(a_tag_that_is_no_longer_given_ends_the_flow)
{
	force(TAGS_A);
	assert_true(forward(0, 0));
	force("block\npass in on eth0\npass out on wg0 tagged A\n");
	assert_false(forward(0, 0));
}

TEST(an_answer_does_not_hide_that_a_tag_is_no_longer_given)
{
	force(TAGS_A);
	assert_true(forward(0, 0));
	force("block\npass in on eth0\npass out on wg0 tagged A\n");
	comes_back(); /* before where the flow came in was asked */
	assert_false(forward(0, 0));
	assert_false(comes_back());
}

TEST(a_flow_goes_on_by_another_tag)
{
	force(TAGS_A);
	assert_true(forward(0, 0));
	force("block\nmatch in on eth0 tag B\npass in on eth0\n"
	      "pass out on wg0 tagged B\n");
	assert_true(forward(0, 0));
	assert_int_equal(result.reason, NFR_REASON_STATE);
	assert_true(comes_back());
}

TEST(a_floating_flow_has_its_tag_too)
{
	force("block\npass in on eth0 tag A keep state (floating)\n"
	      "pass out on wg0 tagged A\n");
	assert_true(forward(0, 0));
}

TEST(a_flow_that_is_over_gives_no_tag)
{
	force("block\npass in on eth0 tag A\npass out on wg0 tagged A\n");
	assert_true(forward(0, 0));
	now_ms += 3600000;
	force("block\npass in on eth0 tag A no state\n"
	      "pass out on wg0 tagged A\n");
	assert_false(forward(0, 0));
}

/* ---- answers that are routed --------------------------------------------- */

/* What came in on eth0: its answer, on its way out of wg0. */
static bool answer(uint32_t at, uint32_t part)
{
	const struct wire w = udp(true, at, part);

	return judge(OTHER, 0, OUT, &w);
}

static void ask_and_answer(const char *text)
{
	const struct wire w = udp(false, 0, 0);

	force(text);
	assert_true(judge(UPLINK, 0, IN, &w));
	assert_true(answer(0, 0));
	assert_int_equal(result.action, NFR_RESULT_REDIRECTED);
}

/* Of the policy in force. */
static const char *rule_text(uint32_t rule)
{
	const struct image *img = &made[made_count - 1].img;

	assert_true(rule < img->rule_count);
	return image_string(img, img->ruleinfo[rule].text);
}

#define REPLY_TO(hop) "pass in on eth0 inet reply-to " hop "@eth0\n"

TEST(an_answer_is_routed_while_its_rule_stands)
{
	ask_and_answer("block\n" REPLY_TO("192.0.2.1"));
	force("block\nblock in on wg0\n" REPLY_TO("192.0.2.1"));
	assert_true(answer(0, 0));
	assert_int_equal(result.action, NFR_RESULT_REDIRECTED);
	assert_non_null(strstr(rule_text(result.rule), "reply-to"));
}

TEST(an_answer_is_not_routed_by_a_hop_of_before)
{
	ask_and_answer("block\n" REPLY_TO("192.0.2.1"));
	force("block\n" REPLY_TO("192.0.2.2"));
	assert_false(answer(0, 0));
	assert_int_equal(result.action, 0);
	assert_int_equal(datapath_state_count(dp), 0);
}

TEST(an_answer_is_no_longer_routed)
{
	ask_and_answer("block\n" REPLY_TO("192.0.2.1"));
	force("block\npass in on eth0 inet\n"
	      "pass in on wg0 inet reply-to 192.0.2.9@wg0\n"
	      "pass out on wg0 inet\n");
	assert_true(answer(0, 0)); /* as a flow of its own */
	assert_int_equal(result.action, 0);
	assert_int_equal(result.reason, NFR_REASON_RULE);
}

TEST(an_answer_in_pieces_is_routed)
{
	ask_and_answer("block\n" REPLY_TO("192.0.2.1"));
	assert_true(answer(0, 32));
	assert_int_equal(result.action, NFR_RESULT_REDIRECTED);
	assert_true(answer(32, 32));
	assert_int_equal(result.action, NFR_RESULT_REDIRECTED);
	force("block\n" REPLY_TO("192.0.2.2"));
	assert_false(answer(64, 32));
}

/* ---- pools of tables ----------------------------------------------------- */

/*
 * A flow that began under the rule with one table, then the same rule with
 * another one: does it go on?
 */
static bool goes_on(const char *one, const char *two, const char *rule,
		    bool (*send)(void))
{
	char text[512];

	snprintf(text, sizeof(text), "table <t> { %s }\nblock\n%s\n", one,
		 rule);
	force(text);
	assert_true(send());
	assert_true(send());
	assert_int_equal(result.reason, NFR_REASON_STATE);
	snprintf(text, sizeof(text), "table <t> { %s }\nblock\n%s\n", two,
		 rule);
	force(text);
	return send() && result.from_state;
}

static bool comes_whole(void)
{
	const struct wire w = udp(false, 0, 0);

	return judge(UPLINK, 0, IN, &w);
}

static bool leaves_whole(void)
{
	const struct wire w = udp(true, 0, 0);

	return judge(UPLINK, 0, OUT, &w);
}

TEST(a_hop_of_a_table_is_used_while_it_is_a_member)
{
	static const char *const rules[] = {
		"pass in on eth0 inet route-to <t>",
		"pass in on eth0 inet reply-to <t>",
		"pass in on eth0 inet dup-to <t>",
		"pass in on eth0 inet route-to <t> source-hash",
	};
	unsigned i = 0;

	for (; i < sizeof(rules) / sizeof(*rules); i++) {
		assert_true(goes_on("192.0.2.1", "192.0.2.1 192.0.2.9",
				    rules[i], comes_whole));
		assert_int_equal(end(NULL), 0);
		assert_int_equal(begin(NULL), 0);
		assert_false(goes_on("192.0.2.1", "192.0.2.2 192.0.2.9",
				     rules[i], comes_whole));
		assert_int_equal(end(NULL), 0);
		assert_int_equal(begin(NULL), 0);
	}
}

TEST(a_source_of_a_table_is_used_while_it_is_a_member)
{
	static const char *const rule =
		"pass out on eth0 inet nat-to <t> source-hash";

	assert_true(goes_on("192.0.2.1", "192.0.2.0/30", rule, leaves_whole));
	assert_int_equal(result.action, NFR_RESULT_REWRITTEN);
	assert_int_equal(end(NULL), 0);
	assert_int_equal(begin(NULL), 0);
	assert_false(goes_on("192.0.2.1", "192.0.2.2", rule, leaves_whole));
	/* It has begun anew. */
	assert_int_equal(result.action, NFR_RESULT_REWRITTEN);
	assert_int_equal(datapath_state_count(dp), 1);
}

TEST(a_target_of_a_table_is_used_while_it_is_a_member)
{
	static const char *const rule =
		"pass in on eth0 inet proto udp to port 53 rdr-to <t>";

	assert_true(goes_on("192.0.2.1", "192.0.2.0/30 ! 192.0.2.0", rule,
			    comes_whole));
	assert_int_equal(end(NULL), 0);
	assert_int_equal(begin(NULL), 0);
	assert_false(goes_on("192.0.2.1", "192.0.2.0/30 ! 192.0.2.1", rule,
			     comes_whole));
	assert_int_equal(result.action, NFR_RESULT_REWRITTEN);
	assert_int_equal(datapath_state_count(dp), 1);
}

/* This host sees both as one flow: by eth0 translated, and by wg0. */
TEST(an_answer_goes_by_the_floating_flow_first)
{
	struct wire w = udp(false, 0, 0);

	force("block\npass in on eth0 inet proto udp to port 54 "
	      "rdr-to 10.0.0.1 port 53 keep state (floating)\n"
	      "pass in on wg0 inet reply-to 192.0.2.9@wg0\n");
	w.dport = 54;
	assert_true(judge(UPLINK, 0, IN, &w));
	w.dport = 53;
	assert_true(judge(OTHER, 0, IN, &w));
	w = udp(true, 0, 0);
	assert_true(judge(UPLINK, 0, OUT, &w));
	assert_int_equal(result.action, NFR_RESULT_REWRITTEN);
}

/* ---- fragments ------------------------------------------------------------
 */

static bool comes_in(uint32_t at)
{
	const struct wire w = udp(false, at, 32);

	return judge(UPLINK, 0, IN, &w);
}

static bool connects(uint16_t sport)
{
	struct wire w = {.is_v6 = is_v6,
			 .src = PEER,
			 .dst = US,
			 .proto = 6,
			 .sport = sport,
			 .dport = 22,
			 .flags = 0x02};
	const struct wire back = {.is_v6 = is_v6,
				  .src = US,
				  .dst = PEER,
				  .proto = 6,
				  .sport = 22,
				  .dport = sport,
				  .flags = 0x12};

	assert_true(judge(UPLINK, 0, IN, &w));
	assert_true(judge(UPLINK, 0, OUT, &back));
	w.flags = 0x10;
	w.seq = 1;
	return judge(UPLINK, 0, IN, &w);
}

TEST(a_table_that_changed_judges_the_first_again)
{
	force("table <bad> persist\nblock\npass in proto udp no state\n"
	      "block in quick proto udp from <bad>\n"
	      "pass in proto tcp to port 22 flags any keep state "
	      "(sloppy, max-src-conn 1, overload <bad>)\n");
	assert_true(comes_in(0));
	assert_true(comes_in(32));
	assert_true(connects(1000));
	assert_true(comes_in(64));
	assert_false(connects(1001));
	assert_false(comes_in(96));
	assert_int_equal(result.reason, NFR_REASON_FRAGMENT);
	assert_false(comes_in(0));
}

TEST(a_table_that_changed_keeps_what_it_does_not_forbid)
{
	force("table <bad> persist\nblock\npass in proto udp no state\n"
	      "block in quick proto tcp from <bad>\n"
	      "pass in proto tcp to port 22 flags any keep state "
	      "(sloppy, max-src-conn 1, overload <bad>)\n");
	assert_true(comes_in(0));
	assert_true(connects(1000));
	assert_false(connects(1001));
	assert_true(comes_in(32));
	assert_true(comes_in(64));
}

/* Its tag was not asked then, and nothing keeps it. */
TEST(a_first_without_a_state_is_not_without_a_tag)
{
	force("block\npass in on eth0 tag A\npass out on wg0 no state\n");
	assert_true(forward(0, 32));
	assert_true(forward(32, 32));
	force("block\npass in on eth0 tag A\npass out on wg0 no state\n"
	      "block out on wg0 tagged A\n");
	assert_false(forward(64, 32));
	assert_int_equal(result.reason, NFR_REASON_FRAGMENT);
}

/* Who sent it was not asked then: it is nobody's, and not root's. */
TEST(a_first_without_a_state_is_not_roots)
{
	const struct wire one = udp(true, 0, 32), two = udp(true, 32, 32);

	force("block\npass out on wg0 no state\n");
	assert_true(judge(OTHER, 0, OUT, &one));
	force("block\npass out on wg0 proto udp user root no state\n");
	assert_false(judge(OTHER, 0, OUT, &two));
}

#define BOTH(name)                                                             \
	{#name " (IPv4)", name, begin, end, NULL},                             \
	{                                                                      \
#name " (IPv6)", name, begin_ipv6, end, NULL                   \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_tag_that_is_still_given_lets_the_flow_go_on),
		BOTH(a_tag_that_is_no_longer_given_ends_the_flow),
		BOTH(an_answer_does_not_hide_that_a_tag_is_no_longer_given),
		BOTH(a_flow_goes_on_by_another_tag),
		BOTH(a_floating_flow_has_its_tag_too),
		BOTH(a_flow_that_is_over_gives_no_tag),
		cmocka_unit_test_setup_teardown(
			an_answer_is_routed_while_its_rule_stands, begin, end),
		cmocka_unit_test_setup_teardown(
			an_answer_is_not_routed_by_a_hop_of_before, begin, end),
		cmocka_unit_test_setup_teardown(an_answer_is_no_longer_routed,
						begin, end),
		cmocka_unit_test_setup_teardown(an_answer_in_pieces_is_routed,
						begin, end),
		cmocka_unit_test_setup_teardown(
			an_answer_goes_by_the_floating_flow_first, begin, end),
		cmocka_unit_test_setup_teardown(
			a_hop_of_a_table_is_used_while_it_is_a_member, begin,
			end),
		cmocka_unit_test_setup_teardown(
			a_source_of_a_table_is_used_while_it_is_a_member, begin,
			end),
		cmocka_unit_test_setup_teardown(
			a_target_of_a_table_is_used_while_it_is_a_member, begin,
			end),
		BOTH(a_table_that_changed_judges_the_first_again),
		BOTH(a_table_that_changed_keeps_what_it_does_not_forbid),
		BOTH(a_first_without_a_state_is_not_without_a_tag),
		BOTH(a_first_without_a_state_is_not_roots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
