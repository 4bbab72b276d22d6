/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_random_packet.c: what the oracle expects of packets written by hand, and
 * that random ones are of every kind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "runtime/packet.h"
#include "tests/agree/random_packet.h"

static struct packet_spec udp4(void)
{
	return (struct packet_spec){
		.link = NFR_LINK_ETHER,
		.ethertype = 0x0800,
		.ip = 4,
		.version = 4,
		.ttl = 64,
		.src = {{0x0a000001}},
		.dst = {{0xc6336407}},
		.proto = 17,
		.ihl = 5,
		.sport = 40000,
		.dport = 53,
		.data_len = 4,
		.cut = PACKET_UNCUT,
	};
}

static struct packet_spec tcp6(void)
{
	return (struct packet_spec){
		.link = NFR_LINK_RAW,
		.ip = 6,
		.version = 6,
		.ttl = 255,
		.src = {{0xfd000000, 0, 0, 1}},
		.dst = {{0x20010db8, 0, 0, 2}},
		.proto = 6,
		.sport = 1,
		.dport = 2,
		.tcpflags = 0x02,
		.doff = 5,
		.cut = PACKET_UNCUT,
	};
}

static void add_ext(struct packet_spec *s, uint8_t type, uint16_t len)
{
	s->ext[s->ext_count++] = (struct packet_ext){
		.type = type, .len = len, .routing_type = 2};
}

static void assert_doubt(const struct packet_spec *s, unsigned reason)
{
	struct packet_expected e;

	packet_expect(s, &e);
	assert_int_equal(e.doubt, reason);
}

static struct nfr_key key_of(const struct packet_spec *s)
{
	struct packet_expected e;

	packet_expect(s, &e);
	assert_int_equal(e.doubt, NFR_REASON_NONE);
	return e.key;
}

/* ---- bytes ------------------------------------------------------------- */

static void test_udp_over_ipv4_is_these_bytes(void **state)
{
	static const uint8_t expected[] = {
		2,    2,    2,	  2,  2, 2,  4,	   4,	 4,    4,   4,	  4,
		0x08, 0x00, 0x45, 0,  0, 32, 0x12, 0x34, 0,    0,   64,	  17,
		0,    0,    10,	  0,  0, 1,  198,  51,	 100,  7,   0x9c, 0x40,
		0,    53,   0,	  12, 0, 0,  0x45, 0x45, 0x45, 0x45};
	struct packet_spec s = udp4();
	uint8_t bytes[PACKET_SPEC_MAX];

	(void)state;
	assert_int_equal(packet_build(&s, bytes), sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
}

static void test_ipv6_with_extension_headers_is_these_bytes(void **state)
{
	static const uint8_t expected[] = {
		0x60, 1, 0x23, 0x45, 0, 28,   44, 255, 0xfd, 0,	   0,	 0,
		0,    0, 0,    0,    0, 0,    0,  0,   0,    0,	   0,	 1,
		0x20, 1, 0x0d, 0xb8, 0, 0,    0,  0,   0,    0,	   0,	 0,
		0,    0, 0,    2,    6, 0xee, 0,  1,   0x12, 0x34, 0x56, 0x78,
		0,    1, 0,    2,    1, 2,    3,  4,   5,    6,	   7,	 8,
		0x51, 2, 0xff, 0xff, 0, 0,    0,  0};
	struct packet_spec s = tcp6();
	uint8_t bytes[PACKET_SPEC_MAX];

	(void)state;
	add_ext(&s, 44, 8);
	s.ext[0].more_fragments = true;
	assert_int_equal(packet_build(&s, bytes), sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
}

/* ---- sound packets ----------------------------------------------------- */

static void test_udp_over_ipv4_has_this_key(void **state)
{
	const struct nfr_key expected = {.w = {[NFR_F_FAMILY] = NFR_FAMILY_IPV4,
					       [NFR_F_ETHERTYPE] = 0x0800,
					       [NFR_F_PROTO] = 17,
					       [NFR_F_SPORT] = 40000,
					       [NFR_F_DPORT] = 53,
					       [NFR_F_TTL] = 64,
					       [NFR_F_SRC0] = 0x0a000001,
					       [NFR_F_DST0] = 0xc6336407}};
	struct packet_spec s = udp4();
	struct nfr_key key = key_of(&s);

	(void)state;
	assert_memory_equal(&key, &expected, sizeof(key));
	s.tag_count = 2;
	key = key_of(&s);
	assert_memory_equal(&key, &expected, sizeof(key));
}

static void test_padding_behind_the_packet_is_fine(void **state)
{
	struct packet_spec s = udp4();

	(void)state;
	s.padding = 18;
	assert_int_equal(key_of(&s).w[NFR_F_DPORT], 53);
}

static void test_options_set_their_bit(void **state)
{
	struct packet_spec s = udp4();

	(void)state;
	s.ihl = 6;
	assert_int_equal(key_of(&s).w[NFR_F_BITS], NFR_BIT_OPTIONS);
	s = tcp6();
	add_ext(&s, 0, 8);
	assert_int_equal(key_of(&s).w[NFR_F_BITS], NFR_BIT_OPTIONS);
	s.ext[0].type = 43;
	assert_int_equal(key_of(&s).w[NFR_F_BITS], 0);
}

static void test_a_first_fragment_has_ports(void **state)
{
	struct packet_spec s = udp4();

	(void)state;
	s.more_fragments = true;
	s.udp_error = 1000;
	assert_int_equal(key_of(&s).w[NFR_F_BITS], NFR_BIT_FRAGMENT);
	assert_int_equal(key_of(&s).w[NFR_F_DPORT], 53);
}

static void test_a_later_fragment_has_none(void **state)
{
	struct packet_spec s = udp4();

	(void)state;
	s.fragment_offset = 1;
	assert_int_equal(key_of(&s).w[NFR_F_BITS],
			 NFR_BIT_FRAGMENT | NFR_BIT_LATER);
	assert_int_equal(key_of(&s).w[NFR_F_DPORT], 0);
	assert_int_equal(key_of(&s).w[NFR_F_PROTO], 17);
	s = tcp6();
	add_ext(&s, 44, 8);
	s.ext[0].fragment_offset = 9;
	add_ext(&s, 60, 8);
	assert_int_equal(key_of(&s).w[NFR_F_PROTO], 60);
	assert_int_equal(key_of(&s).w[NFR_F_BITS],
			 NFR_BIT_FRAGMENT | NFR_BIT_LATER);
}

static void test_an_atomic_fragment_is_a_fragment(void **state)
{
	struct packet_spec s = tcp6();

	(void)state;
	add_ext(&s, 44, 8);
	assert_int_equal(key_of(&s).w[NFR_F_BITS], NFR_BIT_FRAGMENT);
	assert_int_equal(key_of(&s).w[NFR_F_TCPFLAGS], 0x02);
}

static void test_the_other_familys_icmp_is_not_parsed(void **state)
{
	struct packet_spec s = udp4();

	(void)state;
	s.proto = 58;
	s.icmp_type = 8;
	s.data_len = 0;
	assert_int_equal(key_of(&s).w[NFR_F_ICMP], 0);
	s.proto = 1;
	assert_int_equal(key_of(&s).w[NFR_F_ICMP], 0x800);
}

static void test_other_frames_have_just_their_type(void **state)
{
	const struct nfr_key expected = {.w = {[NFR_F_ETHERTYPE] = 0x0806}};
	struct packet_spec s = {.link = NFR_LINK_ETHER,
				.ethertype = 0x0806,
				.cut = PACKET_UNCUT};
	struct nfr_key key = key_of(&s);

	(void)state;
	assert_memory_equal(&key, &expected, sizeof(key));
}

/* ---- doubts ------------------------------------------------------------ */

static void test_frames_cut_in_a_header_are_short(void **state)
{
	struct packet_spec s = udp4();

	(void)state;
	s.tag_count = 1;
	for (s.cut = 0; s.cut < 14 + 4 + 20; s.cut++)
		assert_doubt(&s, NFR_REASON_SHORT);
	/* The IP length is behind the frame's end before UDP is. */
	for (; s.cut < 14 + 4 + 32; s.cut++)
		assert_doubt(&s, NFR_REASON_IP_LENGTH);
	assert_doubt(&s, NFR_REASON_NONE);
}

static void test_transport_cut_by_the_ip_length_is_short(void **state)
{
	struct packet_spec s = udp4();

	(void)state;
	s.length_error = -5;
	assert_doubt(&s, NFR_REASON_SHORT);
	s.length_error = -4;
	assert_doubt(&s, NFR_REASON_L4_LENGTH);
	s.udp_error = -4;
	assert_doubt(&s, NFR_REASON_NONE);
	s.length_error = -13;
	assert_doubt(&s, NFR_REASON_IP_LENGTH);
	s.length_error = 1;
	assert_doubt(&s, NFR_REASON_IP_LENGTH);
	s.padding = 1;
	assert_doubt(&s, NFR_REASON_NONE);
}

static void test_header_lengths_are_held_to(void **state)
{
	struct packet_spec s = udp4();

	(void)state;
	s.ihl = 4;
	assert_doubt(&s, NFR_REASON_IP_LENGTH);
	s = tcp6();
	s.doff = 4;
	assert_doubt(&s, NFR_REASON_L4_LENGTH);
	s.doff = 6;
	assert_doubt(&s, NFR_REASON_L4_LENGTH);
	s.data_len = 4;
	assert_doubt(&s, NFR_REASON_NONE);
	s = udp4();
	s.udp_error = -5;
	assert_doubt(&s, NFR_REASON_L4_LENGTH);
}

static void test_versions_agree_with_the_link(void **state)
{
	struct packet_spec s = udp4();

	(void)state;
	s.version = 6;
	assert_doubt(&s, NFR_REASON_IP_VERSION);
	s.version = 4;
	s.ethertype = 0x86dd;
	s.data_len = 20;
	assert_doubt(&s, NFR_REASON_IP_VERSION);
	s.data_len = 0;
	assert_doubt(&s, NFR_REASON_SHORT);
	s = tcp6();
	s.version = 5;
	assert_doubt(&s, NFR_REASON_IP_VERSION);
}

static void test_links_and_tags_have_limits(void **state)
{
	struct packet_spec s = udp4();

	(void)state;
	s.tag_count = 3;
	assert_doubt(&s, NFR_REASON_VLAN);
	s.cut = 21;
	assert_doubt(&s, NFR_REASON_SHORT);
	s.cut = 22;
	assert_doubt(&s, NFR_REASON_VLAN);
	s.link = NFR_LINK_UNKNOWN;
	assert_doubt(&s, NFR_REASON_LINK);
}

static void test_extension_headers_have_an_order(void **state)
{
	struct packet_spec s = tcp6();

	(void)state;
	add_ext(&s, 60, 8);
	add_ext(&s, 0, 8);
	assert_doubt(&s, NFR_REASON_EXTHDR);
	s = tcp6();
	add_ext(&s, 44, 8);
	add_ext(&s, 44, 8);
	assert_doubt(&s, NFR_REASON_EXTHDR);
	s = tcp6();
	for (unsigned i = 0; i < NFR_EXTHDRS_MAX; i++)
		add_ext(&s, 60, 8);
	assert_doubt(&s, NFR_REASON_NONE);
	add_ext(&s, 60, 8);
	assert_doubt(&s, NFR_REASON_EXTHDR);
}

static void test_source_routes_are_refused(void **state)
{
	struct packet_spec s = tcp6();

	(void)state;
	add_ext(&s, 43, 24);
	assert_doubt(&s, NFR_REASON_NONE);
	s.ext[0].segments_left = 1;
	assert_doubt(&s, NFR_REASON_ROUTING);
	s.ext[0].segments_left = 0;
	s.ext[0].routing_type = 0;
	assert_doubt(&s, NFR_REASON_ROUTING);
}

static void test_headers_end_within_the_limit(void **state)
{
	struct packet_spec s = tcp6();

	(void)state;
	add_ext(&s, 60, 192); /* 40 + 192 + 20 = 252 */
	assert_doubt(&s, NFR_REASON_NONE);
	s.ext[0].len = 200;
	assert_doubt(&s, NFR_REASON_HEADERS);
	s.ext[0].len = 8;
	s.ext[0].is_overlong = true;
	assert_doubt(&s, NFR_REASON_HEADERS);
}

static void test_a_jumbogram_is_refused(void **state)
{
	struct packet_spec s = tcp6();

	(void)state;
	s.length_error = -20;
	assert_doubt(&s, NFR_REASON_IP_LENGTH);
	s.cut = 40;
	assert_doubt(&s, NFR_REASON_SHORT);
	s.proto = 59;
	assert_doubt(&s, NFR_REASON_NONE);
}

/* ---- random ones ------------------------------------------------------- */

static void test_random_packets_meet_every_doubt(void **state)
{
	unsigned met[NFR_REASON_COUNT] = {0};
	const unsigned parser[] = {NFR_REASON_NONE,	 NFR_REASON_SHORT,
				   NFR_REASON_HEADERS,	 NFR_REASON_LINK,
				   NFR_REASON_VLAN,	 NFR_REASON_IP_VERSION,
				   NFR_REASON_IP_LENGTH, NFR_REASON_EXTHDR,
				   NFR_REASON_ROUTING,	 NFR_REASON_L4_LENGTH};

	(void)state;
	for (uint64_t i = 0; i < 20000; i++) {
		struct random r = random_fork(3, i);
		struct packet_spec s;
		struct packet_expected e;

		random_packet(&r, &s);
		packet_expect(&s, &e);
		met[e.doubt]++;
	}
	for (size_t i = 0; i < sizeof(parser) / sizeof(parser[0]); i++)
		assert_in_range(met[parser[i]], 50, 20000);
	assert_true(met[NFR_REASON_NONE] > 10000);
}

static void check_parser(uint64_t seed)
{
	struct random r = random_fork(4, seed);
	struct packet_spec s;
	struct packet_expected e;
	uint8_t bytes[PACKET_SPEC_MAX];
	struct packet packet;
	struct packet_frame frame = {.start = bytes};
	uint8_t found;

	random_packet(&r, &s);
	packet_expect(&s, &e);
	frame.len = (uint32_t)packet_build(&s, bytes);
	frame.end = bytes + frame.len;
	frame.link = (uint8_t)s.link;
	found = packet_parse(&frame, &packet, 0);
	if (found != e.doubt)
		print_error("packet %llu\n", (unsigned long long)seed);
	assert_int_equal(found, e.doubt);
	if (found == NFR_REASON_NONE)
		assert_memory_equal(&packet.key, &e.key, sizeof(e.key));
}

static void test_the_parser_agrees(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 200000; seed++)
		check_parser(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp_over_ipv4_is_these_bytes),
		cmocka_unit_test(
			test_ipv6_with_extension_headers_is_these_bytes),
		cmocka_unit_test(test_udp_over_ipv4_has_this_key),
		cmocka_unit_test(test_padding_behind_the_packet_is_fine),
		cmocka_unit_test(test_options_set_their_bit),
		cmocka_unit_test(test_a_first_fragment_has_ports),
		cmocka_unit_test(test_a_later_fragment_has_none),
		cmocka_unit_test(test_an_atomic_fragment_is_a_fragment),
		cmocka_unit_test(test_the_other_familys_icmp_is_not_parsed),
		cmocka_unit_test(test_other_frames_have_just_their_type),
		cmocka_unit_test(test_frames_cut_in_a_header_are_short),
		cmocka_unit_test(test_transport_cut_by_the_ip_length_is_short),
		cmocka_unit_test(test_header_lengths_are_held_to),
		cmocka_unit_test(test_versions_agree_with_the_link),
		cmocka_unit_test(test_links_and_tags_have_limits),
		cmocka_unit_test(test_extension_headers_have_an_order),
		cmocka_unit_test(test_source_routes_are_refused),
		cmocka_unit_test(test_headers_end_within_the_limit),
		cmocka_unit_test(test_a_jumbogram_is_refused),
		cmocka_unit_test(test_random_packets_meet_every_doubt),
		cmocka_unit_test(test_the_parser_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
