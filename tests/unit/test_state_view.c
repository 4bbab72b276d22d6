/* SPDX-License-Identifier: BSD-2-Clause */
/* test_state_view.c: flow states made by hand -> how they are shown, and which
 * filters mean them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/tag.h"
#include "runtime/state_filter.h"
#include "runtime/state_view.h"
#include "tests/agree/fixture.h"

#define HZ 250

static struct nfr_state_key name;
static struct nfr_state state;
static struct state_view view;
static struct fixture fixture;
static struct image image;

static const char *ifname_of(void *arg, uint32_t ifindex)
{
	(void)arg;
	return ifindex == 9 ? "eth1" : NULL;
}

static int begin(void **unused)
{
	(void)unused;
	name = (struct nfr_state_key){.ifindex = 3,
				      .proto = 6,
				      .family = NFR_FAMILY_IPV4,
				      .near_addr = {0x0a000002},
				      .far_addr = {0x09090909},
				      .near_port = 4000,
				      .far_port = 443};
	state = (struct nfr_state){.created = 1000,
				   .last_seen = 1000 + 10 * HZ,
				   .packets = {4, 5},
				   .bytes = {400, 500},
				   .generation = 7,
				   .dir = NFR_DIR_OUT,
				   .phase = NFR_STATE_ESTABLISHED,
				   .timeout = 3600 * HZ};
	view = (struct state_view){.name = &name,
				   .state = &state,
				   .ifname = "eth0",
				   .generation = 7,
				   .now = 1000 + 70 * HZ,
				   .hz = HZ,
				   .ifname_of = ifname_of};
	return 0;
}

static void translate(void)
{
	state.flags |= NFR_STATE_IS_TRANSLATED;
	state.stack = state_stack(&name, &(struct nfr_state){.dir = 0});
	state.stack.near_addr[0] = 0xc0a80105;
	state.stack.near_port = 1234;
}

static void assert_text(unsigned verbose, const char *want)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	state_print(&view, verbose, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

/* ---- text -------------------------------------------------------------- */

static void the_arrow_is_the_first_packets_way(void **unused)
{
	(void)unused;
	assert_text(0, "eth0 tcp 10.0.0.2:4000 -> 9.9.9.9:443  ESTABLISHED\n");
	state.dir = NFR_DIR_IN;
	assert_text(0, "eth0 tcp 10.0.0.2:4000 <- 9.9.9.9:443  ESTABLISHED\n");
}

static void a_translation_stands_in_parentheses(void **unused)
{
	(void)unused;
	translate();
	assert_text(0, "eth0 tcp 10.0.0.2:4000 (192.168.1.5:1234) -> "
		       "9.9.9.9:443  ESTABLISHED\n");
	state.stack.far_port = 8443;
	assert_text(0, "eth0 tcp 10.0.0.2:4000 (192.168.1.5:1234) -> "
		       "9.9.9.9:443 (9.9.9.9:8443)  ESTABLISHED\n");
}

static void ipv6_ports_stand_in_brackets(void **unused)
{
	(void)unused;
	name.family = NFR_FAMILY_IPV6;
	name.proto = 17;
	name.near_addr[0] = name.far_addr[0] = 0x20010db8;
	name.near_addr[3] = 1;
	name.far_addr[3] = 2;
	assert_text(0, "eth0 udp 2001:db8::1[4000] -> 2001:db8::2[443]  "
		       "MULTIPLE\n");
}

static void what_has_no_ports_shows_none(void **unused)
{
	(void)unused;
	name.proto = 47;
	name.near_port = name.far_port = 0;
	state.phase = NFR_STATE_OPENING;
	assert_text(0, "eth0 gre 10.0.0.2 -> 9.9.9.9  SINGLE\n");
	name.proto = 253;
	assert_text(0, "eth0 253 10.0.0.2 -> 9.9.9.9  SINGLE\n");
	name.proto = 1;
	name.near_port = name.far_port = 77;
	assert_text(0, "eth0 icmp 10.0.0.2:77 -> 9.9.9.9:77  SINGLE\n");
}

static void phases_have_names(void **unused)
{
	char words[] = STATE_PHASE_WORDS, *rest = words, *word;

	(void)unused;
	for (unsigned phase = NFR_STATE_OPENING; phase <= NFR_STATE_CLOSED;
	     phase++) {
		word = strsep(&rest, " ");
		for (char *at = word; *at; at++)
			*at = *at == '_' ? '_' : (char)(*at & ~0x20);
		assert_string_equal(state_phase_name(6, phase), word);
	}
	assert_string_equal(rest, "single multiple");
	assert_string_equal(state_phase_name(6, 99), "?");
}

static void verbose_has_rule_age_and_counts(void **unused)
{
	(void)unused;
	assert_text(1, "eth0 tcp 10.0.0.2:4000 -> 9.9.9.9:443  ESTABLISHED\n"
		       "    rule @0, judged by generation 7\n"
		       "    age 00:01:10, expires in 00:59:00, out 5:500, in "
		       "4:400 packets:bytes\n");
	view.generation = 8;
	state.given = 2;
	state.flags = NFR_STATE_IS_FLOATING | NFR_STATE_IS_SLOPPY |
		      NFR_STATE_IS_LOOSE | NFR_STATE_HAS_HOP;
	state.hop[NFR_DIR_OUT].ifindex = 9;
	state.hop[NFR_DIR_OUT].addr[0] = 0xc0000201;
	state.hop[NFR_DIR_IN].ifindex = 12;
	assert_text(1, "eth0 tcp 10.0.0.2:4000 -> 9.9.9.9:443  ESTABLISHED\n"
		       "    rule @0, judged by generation 7, now 8\n"
		       "    age 00:01:10, expires in 00:59:00, out 5:500, in "
		       "4:400 packets:bytes, tag 2, in by if12, out by eth1 "
		       "192.0.2.1, floating, sloppy, loose\n");
}

static void twice_verbose_has_the_rules_text(void **unused)
{
	(void)unused;
	fixture_init(&fixture);
	fixture_rule(&fixture, true)->label = "web";
	fixture_image(&fixture, false, &image);
	view.image = &image;
	assert_non_null(state_ruleinfo(&view));
	{
		char want[512];

		snprintf(want, sizeof(want),
			 "eth0 tcp 10.0.0.2:4000 -> 9.9.9.9:443  ESTABLISHED\n"
			 "    rule @0 label \"web\", judged by generation 7\n"
			 "    %s\n"
			 "    age 00:01:10, expires in 00:59:00, out 5:500, in "
			 "4:400 packets:bytes\n",
			 image_string(&image, image.ruleinfo[0].text));
		assert_text(2, want);
	}
	state.rule = image.rule_count;
	assert_null(state_ruleinfo(&view));
	fixture_free(&fixture);
}

static void a_tag_has_its_name_where_the_image_has_it(void **unused)
{
	static const char *const tags[] = {"web", "mail"};
	struct state_filter_error err;
	struct state_filter filter;
	char text[STATE_TAG_MAX];

	(void)unused;
	fixture_init(&fixture);
	fixture.policy.tags = (const char **)tags;
	fixture.policy.tag_count = 2;
	fixture_rule(&fixture, true);
	fixture_image(&fixture, false, &image);
	view.image = &image;
	state.tag = tag_number(
		"web"); /* with which it came; its rules said another */
	state.given = tag_number("mail");
	assert_string_equal(state_tag(&view, text), "mail");
	assert_int_equal(state_filter_parse("tag mail", &filter, &err), 0);
	assert_true(state_filter_matches(&filter, &view));
	assert_int_equal(state_filter_parse("tag web", &filter, &err), 0);
	assert_false(state_filter_matches(&filter, &view));
	state.given = 3;
	assert_string_equal(state_tag(&view, text), "3");
	view.image = NULL;
	state.given = 2;
	assert_string_equal(state_tag(&view, text), "2");
	fixture_free(&fixture);
}

static void a_state_is_expired_after_its_timeout(void **unused)
{
	(void)unused;
	state.timeout = 60 * HZ;
	assert_false(state_is_expired(&view));
	assert_int_equal(state_seconds_left(&view), 0);
	view.now++;
	assert_true(state_is_expired(&view));
	view.now = state.last_seen - 1; /* of another CPU's next tick */
	assert_false(state_is_expired(&view));
}

/* ---- JSON -------------------------------------------------------------- */

static void json_has_the_same(void **unused)
{
	json_t *o;

	(void)unused;
	translate();
	state.given = 3;
	view.generation = 8;
	o = state_json(&view);
	assert_string_equal(json_string_value(json_object_get(o, "near")),
			    "10.0.0.2");
	assert_string_equal(json_string_value(json_object_get(o, "stack_near")),
			    "192.168.1.5");
	assert_int_equal(
		json_integer_value(json_object_get(o, "stack_near_port")),
		1234);
	assert_int_equal(json_integer_value(json_object_get(o, "age")), 70);
	assert_int_equal(json_integer_value(json_object_get(o, "expires")),
			 3540);
	assert_int_equal(json_integer_value(json_object_get(o, "packets_out")),
			 5);
	assert_int_equal(json_integer_value(json_object_get(o, "bytes_in")),
			 400);
	assert_true(json_is_false(json_object_get(o, "current")));
	assert_true(json_is_false(json_object_get(o, "sloppy")));
	assert_null(json_object_get(o, "hop_out"));
	assert_null(json_object_get(o, "label"));
	json_decref(o);
}

/* ---- filter ------------------------------------------------------------ */

static bool means(const char *text)
{
	struct state_filter_error err;
	struct state_filter filter;

	assert_int_equal(state_filter_parse(text, &filter, &err), 0);
	assert_int_equal(state_filter_bind(&filter, view.image, &err), 0);
	return state_filter_matches(&filter, &view);
}

static void each_criterion_must_hold(void **unused)
{
	static const char *const yes[] = {
		"",
		"proto tcp",
		"proto 6",
		"inet",
		"out",
		"from 10.0.0.2",
		"from 10.0.0.0/8",
		"from 0.0.0.0/0",
		"to 9.9.9.8/31",
		"host 9.9.9.9",
		"host 10.0.0.2",
		"port 443",
		"port 4000",
		"port 400-500",
		"on eth0",
		"state established",
		"state ESTABLISHED",
		"proto tcp and to 9.9.9.9 and port 443 and on eth0",
		"proto tcp to 9.9.9.9 port 443 on \"eth0\"",
	};
	static const char *const no[] = {
		"proto udp",	 "inet6",	"in",
		"from 9.9.9.9",	 "to 10.0.0.2", "from ::/0",
		"host 10.0.0.3", "port 444",	"port 4001-65535",
		"on eth1",	 "translated",	"state closing",
		"label web",	 "tag 1",	"proto tcp and port 1",
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		if (!means(yes[i]))
			fail_msg("\"%s\" does not mean it", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		if (means(no[i]))
			fail_msg("\"%s\" means it", no[i]);
}

static void the_source_is_the_first_packets(void **unused)
{
	(void)unused;
	state.dir = NFR_DIR_IN;
	assert_true(means("from 9.9.9.9 in"));
	assert_true(means("to 10.0.0.2"));
	assert_false(means("from 10.0.0.2"));
}

static void both_forms_of_a_translated_state_are_meant(void **unused)
{
	(void)unused;
	translate();
	assert_true(means("from 10.0.0.2 translated"));
	assert_true(means("from 192.168.1.5 port 1234"));
	assert_true(means("port 4000"));
	assert_false(means("to 192.168.1.5"));
}

static void ports_are_of_tcp_and_udp(void **unused)
{
	(void)unused;
	name.proto = 1;
	assert_false(means("port 443"));
}

static void ipv6_prefixes_are_compared_by_words(void **unused)
{
	(void)unused;
	name.family = NFR_FAMILY_IPV6;
	memset(name.near_addr, 0, sizeof(name.near_addr));
	name.near_addr[0] = 0x20010db8;
	name.near_addr[1] = 0x00010000;
	assert_true(means("host 2001:db8::/32"));
	assert_true(means("host 2001:db8:1::/48"));
	assert_false(means("host 2001:db8:1::1"));
	assert_false(means("host 2001:db8:2::/47"));
	assert_true(means("host 2001:db8:0::/47"));
	assert_false(means("host 0.0.0.0/0"));
}

static void rules_are_found_by_label_and_number(void **unused)
{
	(void)unused;
	fixture_init(&fixture);
	fixture_rule(&fixture, true)->label = "a web";
	fixture_rule(&fixture, true);
	fixture.rules[0].id = 100;
	fixture.rules[1].id = 200;
	fixture_image(&fixture, false, &image);
	view.image = &image;
	assert_true(means("label \"a web\" and rule 0"));
	assert_true(means("rule @0"));
	assert_false(means("label web"));
	assert_false(means("rule 1"));
	state.rule = 1;
	assert_true(means("rule 1"));
	assert_false(means("label \"a web\""));
	view.image = NULL; /* of a generation that has gone */
	{
		struct state_filter_error err;
		struct state_filter filter;

		assert_int_equal(state_filter_parse("rule 1", &filter, &err),
				 0);
		assert_int_equal(state_filter_bind(&filter, &image, &err), 0);
		assert_false(state_filter_matches(&filter, &view));
		assert_int_equal(state_filter_parse("rule 9", &filter, &err),
				 0);
		assert_int_equal(state_filter_bind(&filter, &image, &err), -22);
		assert_string_equal(err.text,
				    "the policy in force has no rule @9");
	}
	fixture_free(&fixture);
}

static void mistakes_have_their_place(void **unused)
{
	static const struct {
		const char *text, *error;
		size_t offset, len;
	} bad[] = {
		{"from 10.0.0.0/8 prot tcp",
		 "\"prot\" is no criterion; did you mean \"proto\"?", 16, 4},
		{"proto tpc9", "\"tpc9\" is no protocol", 6, 4},
		{"proto 256", "\"256\" is no protocol", 6, 3},
		{"to 10.0.0.0/33",
		 "\"10.0.0.0/33\" is no address and no prefix; names are not "
		 "looked up",
		 3, 11},
		{"host example.org",
		 "\"example.org\" is no address and no prefix; names are not "
		 "looked up",
		 5, 11},
		{"port 70000",
		 "\"70000\" is no port, as 443, and no range, as 1-99", 5, 5},
		{"port 9-1",
		 "\"9-1\" is no port, as 443, and no range, as 1-99", 5, 3},
		{"port ssh",
		 "\"ssh\" is no port, as 443, and no range, as 1-99", 5, 3},
		{"state establishd",
		 "\"establishd\" is no phase of a state; did you mean "
		 "\"established\"?",
		 6, 10},
		{"rule x", "\"x\" is no rule's number", 5, 1},
		{"on", "\"on\" needs a word behind it", 2, 1},
		{"label \"", "the string does not end", 6, 1},
		{"label \"\"", "an empty word", 6, 2},
		{"in and", "\"and\" needs a criterion behind it", 6, 1},
		{"and in", "\"and\" stands between two criteria", 0, 3},
		{"in and and out", "\"and\" stands between two criteria", 7, 3},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct state_filter_error err;
		struct state_filter filter;

		if (!state_filter_parse(bad[i].text, &filter, &err))
			fail_msg("\"%s\" is taken", bad[i].text);
		assert_string_equal(err.text, bad[i].error);
		assert_int_equal(err.offset, bad[i].offset);
		assert_int_equal(err.len, bad[i].len);
	}
}

static void there_is_a_bound_on_criteria(void **unused)
{
	struct state_filter_error err;
	struct state_filter filter;
	char text[STATE_FILTER_MAX * 3 + 4] = "";

	(void)unused;
	for (int i = 0; i < STATE_FILTER_MAX; i++)
		strcat(text, "in ");
	assert_int_equal(state_filter_parse(text, &filter, &err), 0);
	strcat(text, "in");
	assert_int_equal(state_filter_parse(text, &filter, &err), -22);
	assert_int_equal(err.offset, STATE_FILTER_MAX * 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(the_arrow_is_the_first_packets_way),
		TEST(a_translation_stands_in_parentheses),
		TEST(ipv6_ports_stand_in_brackets),
		TEST(what_has_no_ports_shows_none),
		TEST(phases_have_names),
		TEST(verbose_has_rule_age_and_counts),
		TEST(twice_verbose_has_the_rules_text),
		TEST(a_tag_has_its_name_where_the_image_has_it),
		TEST(a_state_is_expired_after_its_timeout),
		TEST(json_has_the_same),
		TEST(each_criterion_must_hold),
		TEST(the_source_is_the_first_packets),
		TEST(both_forms_of_a_translated_state_are_meant),
		TEST(ports_are_of_tcp_and_udp),
		TEST(ipv6_prefixes_are_compared_by_words),
		TEST(rules_are_found_by_label_and_number),
		TEST(mistakes_have_their_place),
		TEST(there_is_a_bound_on_criteria),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
