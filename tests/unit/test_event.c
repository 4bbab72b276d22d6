/* SPDX-License-Identifier: BSD-2-Clause */
/* test_event.c: trace records as lines and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/event.h"
#include "runtime/json.h"

/* A view of three rules, made by hand: image_open() is tested elsewhere. */
static const char strings[] = "\0vpn.nfr\0web\0block all";
static const __u32 files[] = {1};
static const struct image_ruleinfo ruleinfo[] = {
	{.text = 13, .file = 0, .line = 4, .col = 1},
	{.text = 13, .label = 9, .file = 0, .line = 5, .col = 9},
	{.text = 13, .file = 0xffffffff},
};
static struct image_header header = {
	.section[IMAGE_STRINGS] = {.count = sizeof(strings)},
};
static const struct image image = {
	.bytes = (const __u8 *)strings,
	.len = sizeof(strings),
	.header = &header,
	.ruleinfo = ruleinfo,
	.files = files,
	.strings = strings,
	.rule_count = 3,
	.file_count = 1,
};

static struct nfr_event udp_event(void)
{
	return (struct nfr_event){
		.time_ns = 1,
		.generation = 6,
		.rule = 0,
		.length = 61,
		.verdict = NFR_BLOCK,
		.reason = NFR_REASON_GUARD,
		.dir = NFR_DIR_OUT,
		.family = NFR_FAMILY_IPV4,
		.proto = IPPROTO_UDP,
		.sport = 4000,
		.dport = 53,
		.ethertype = 0x0800,
		.src = {0x0a000002},
		.dst = {0x09090909},
	};
}

static void expect_line(const struct nfr_event *e, const struct image *i,
			const char *wanted)
{
	struct event_context c = {.image = i, .ifname = "eth0"};
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	event_print(e, &c, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, wanted);
	free(text);
}

static void a_line_has_packet_reason_rule_place_generation(void **state)
{
	struct nfr_event e = udp_event();

	(void)state;
	expect_line(&e, &image,
		    "block out on eth0 IP 10.0.0.2.4000 > 9.9.9.9.53: udp, "
		    "length 61 [guard] @0 vpn.nfr:4:1 gen 6");
}

static void a_label_is_shown(void **state)
{
	struct nfr_event e = udp_event();

	(void)state;
	e.rule = 1;
	e.verdict = NFR_PASS;
	e.dir = NFR_DIR_IN;
	e.reason = NFR_REASON_RULE;
	expect_line(&e, &image,
		    "pass in on eth0 IP 10.0.0.2.4000 > 9.9.9.9.53: udp, "
		    "length 61 [rule] @1 label \"web\" vpn.nfr:5:9 gen 6");
}

static void a_generated_rule_has_no_place(void **state)
{
	struct nfr_event e = udp_event();

	(void)state;
	e.rule = 2;
	expect_line(&e, &image,
		    "block out on eth0 IP 10.0.0.2.4000 > 9.9.9.9.53: udp, "
		    "length 61 [guard] @2 gen 6");
}

static void a_rule_that_the_image_does_not_have_is_only_a_number(void **state)
{
	struct nfr_event e = udp_event();

	(void)state;
	e.rule = 3;
	expect_line(&e, &image,
		    "block out on eth0 IP 10.0.0.2.4000 > 9.9.9.9.53: udp, "
		    "length 61 [guard] @3 gen 6");
}

static void without_image_and_rule_the_line_still_says_what(void **state)
{
	struct nfr_event e = udp_event();

	(void)state;
	e.rule = NFR_NO_RULE;
	e.reason = NFR_REASON_SHORT;
	expect_line(&e, NULL,
		    "block out on eth0 IP 10.0.0.2.4000 > 9.9.9.9.53: udp, "
		    "length 61 [short] gen 6");
}

static void expect_packet(const struct nfr_event *e, const char *wanted)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	event_print_packet(e, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, wanted);
	free(text);
}

static void tcp_shows_its_flags(void **state)
{
	struct nfr_event e = udp_event();

	(void)state;
	e.proto = IPPROTO_TCP;
	e.tcpflags = 0x12;
	expect_packet(&e, "IP 10.0.0.2.4000 > 9.9.9.9.53: tcp flags [S.], "
			  "length 61");
	e.tcpflags = 0;
	expect_packet(&e, "IP 10.0.0.2.4000 > 9.9.9.9.53: tcp flags [none], "
			  "length 61");
	e.tcpflags = 0xff;
	expect_packet(&e,
		      "IP 10.0.0.2.4000 > 9.9.9.9.53: tcp flags [FSRP.UEW], "
		      "length 61");
}

static void icmp_shows_its_type(void **state)
{
	struct nfr_event e = udp_event();

	(void)state;
	e.proto = IPPROTO_ICMP;
	e.icmp = 8 << 8;
	expect_packet(&e, "IP 10.0.0.2 > 9.9.9.9: icmp echo request, length "
			  "61");
	e.icmp = 3 << 8 | 4;
	expect_packet(&e, "IP 10.0.0.2 > 9.9.9.9: icmp unreachable code 4, "
			  "length 61");
	e.icmp = 200 << 8;
	expect_packet(&e, "IP 10.0.0.2 > 9.9.9.9: icmp type 200, length 61");
}

static void ipv6_shows_icmp6(void **state)
{
	struct nfr_event e = {.family = NFR_FAMILY_IPV6,
			      .proto = IPPROTO_ICMPV6,
			      .icmp = 135 << 8,
			      .length = 72,
			      .src = {0xfe800000, 0, 0, 1},
			      .dst = {0xff020000, 0, 1, 0xff000002}};

	(void)state;
	expect_packet(&e, "IP6 fe80::1 > ff02::1:ff00:2: icmp6 neighbor "
			  "solicitation, length 72");
}

static void icmp6_in_ipv4_is_no_icmp(void **state)
{
	struct nfr_event e = udp_event();

	(void)state;
	e.proto = IPPROTO_ICMPV6;
	e.icmp = 135 << 8;
	expect_packet(&e, "IP 10.0.0.2 > 9.9.9.9: ipv6-icmp, length 61");
}

static void a_later_fragment_has_no_ports(void **state)
{
	struct nfr_event e = udp_event();

	(void)state;
	e.bits = NFR_BIT_FRAGMENT | NFR_BIT_LATER;
	expect_packet(&e, "IP 10.0.0.2 > 9.9.9.9: udp, later fragment, length "
			  "61");
	e.bits = NFR_BIT_FRAGMENT;
	expect_packet(&e, "IP 10.0.0.2.4000 > 9.9.9.9.53: udp, first "
			  "fragment, length 61");
}

static void link_frames_show_their_type(void **state)
{
	struct nfr_event e = {
		.family = NFR_FAMILY_LINK, .ethertype = 0x0806, .length = 28};

	(void)state;
	expect_packet(&e, "arp, length 28");
	e.ethertype = 0x88cc;
	expect_packet(&e, "ethertype 0x88cc, length 28");
}

static void every_byte_may_be_anything(void **state)
{
	struct nfr_event e;
	struct event_context c = {.image = &image, .ifname = "?"};
	json_t *o;
	char *text;
	size_t len;
	FILE *out;

	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		memset(&e, byte, sizeof(e));
		out = open_memstream(&text, &len);
		assert_non_null(out);
		event_print(&e, &c, out);
		assert_int_equal(fclose(out), 0);
		assert_true(len > 0);
		free(text);
		o = event_json(&e, &c);
		assert_non_null(json_object_get(o, "reason"));
		json_decref(o);
	}
}

static void json_has_the_tables_fields_only(void **state)
{
	struct event_context c = {
		.image = &image, .ifname = "eth0", .time_us = 1500000};
	struct nfr_event e = udp_event();
	const char *key;
	json_t *value, *o;

	(void)state;
	e.rule = 1;
	o = event_json(&e, &c);
	json_object_foreach(o, key, value)
	{
		bool is_known = false;

		for (unsigned i = 0; i < JSON_FIELD_COUNT; i++)
			is_known |=
				!strcmp(json_field_info(i)->object, "event") &&
				!strcmp(json_field_info(i)->name, key);
		assert_true(is_known);
	}
	assert_string_equal(json_string_value(json_object_get(o, "label")),
			    "web");
	assert_int_equal(json_integer_value(json_object_get(o, "time_us")),
			 1500000);
	assert_int_equal(json_integer_value(json_object_get(o, "dport")), 53);
	assert_string_equal(json_string_value(json_object_get(o, "src")),
			    "10.0.0.2");
	assert_null(json_object_get(o, "flags"));
	json_decref(o);
}

static void times_are_written_as_tcpdump_does(void **state)
{
	int64_t us = INT64_C(1763712345123456);
	char text[EVENT_TIME_MAX];

	(void)state;
	setenv("TZ", "UTC", 1);
	event_format_time(EVENT_TIME_CLOCK, us, 0, text);
	assert_string_equal(text, "08:05:45.123456 ");
	event_format_time(EVENT_TIME_NONE, us, 0, text);
	assert_string_equal(text, "");
	event_format_time(EVENT_TIME_EPOCH, us, 0, text);
	assert_string_equal(text, "1763712345.123456 ");
	event_format_time(EVENT_TIME_DELTA, us, us - 1000001, text);
	assert_string_equal(text, "1.000001 ");
	event_format_time(EVENT_TIME_DELTA, us, 0, text);
	assert_string_equal(text, "0.000000 ");
	event_format_time(EVENT_TIME_DELTA, us, us + 5, text);
	assert_string_equal(text, "-0.000005 ");
	event_format_time(EVENT_TIME_DATE, us, 0, text);
	assert_string_equal(text, "2025-11-21 08:05:45.123456 ");
}

static void an_unknown_reason_is_a_doubt(void **state)
{
	(void)state;
	assert_string_equal(event_reason_name(NFR_REASON_COUNT), "?");
	assert_true(event_reason_is_doubt(NFR_REASON_COUNT));
	assert_string_equal(event_reason_name(NFR_REASON_GUARD), "guard");
	assert_false(event_reason_is_doubt(NFR_REASON_GUARD));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_line_has_packet_reason_rule_place_generation),
		cmocka_unit_test(a_label_is_shown),
		cmocka_unit_test(a_generated_rule_has_no_place),
		cmocka_unit_test(
			a_rule_that_the_image_does_not_have_is_only_a_number),
		cmocka_unit_test(
			without_image_and_rule_the_line_still_says_what),
		cmocka_unit_test(tcp_shows_its_flags),
		cmocka_unit_test(icmp_shows_its_type),
		cmocka_unit_test(ipv6_shows_icmp6),
		cmocka_unit_test(icmp6_in_ipv4_is_no_icmp),
		cmocka_unit_test(a_later_fragment_has_no_ports),
		cmocka_unit_test(link_frames_show_their_type),
		cmocka_unit_test(every_byte_may_be_anything),
		cmocka_unit_test(json_has_the_tables_fields_only),
		cmocka_unit_test(times_are_written_as_tcpdump_does),
		cmocka_unit_test(an_unknown_reason_is_a_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
