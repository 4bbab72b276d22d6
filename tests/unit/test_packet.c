/* SPDX-License-Identifier: BSD-2-Clause */
/* test_packet.c: frames by hand -> key or doubt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/packet.h"

struct bytes {
	uint8_t at[4096];
	size_t len;
};

static struct bytes b;
static struct packet packet;

static void put(size_t count, const uint8_t *bytes)
{
	memcpy(b.at + b.len, bytes, count);
	b.len += count;
}
#define PUT(...)                                                               \
	put(sizeof((uint8_t[]){__VA_ARGS__}), (const uint8_t[]){__VA_ARGS__})

static void fill(size_t count)
{
	memset(b.at + b.len, 0, count);
	b.len += count;
}

static void put16(size_t at, unsigned value)
{
	b.at[at] = (uint8_t)(value >> 8);
	b.at[at + 1] = (uint8_t)value;
}

static void ether(unsigned ethertype)
{
	fill(12);
	PUT((uint8_t)(ethertype >> 8), (uint8_t)ethertype);
}

/* 10.0.0.1 > 192.0.2.2, with room for len bytes behind the header. */
static size_t ipv4(uint8_t proto, unsigned len)
{
	size_t at = b.len;

	PUT(0x45, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0, 10, 0, 0, 1, 192, 0, 2,
	    2);
	put16(at + 2, 20 + len);
	return at;
}

static size_t ipv6(uint8_t next, unsigned len)
{
	size_t at = b.len;

	PUT(0x60, 0, 0, 0, 0, 0, next, 63);
	put16(at + 4, len);
	PUT(0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
	PUT(0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);
	return at;
}

static void tcp(void)
{
	PUT(0x9c, 0x40, 1, 187, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x12, 0, 0, 0, 0,
	    0, 0);
}

static void udp(unsigned len)
{
	size_t at = b.len;

	PUT(0x9c, 0x40, 0, 53, 0, 0, 0, 0);
	put16(at + 4, len);
}

/*
 * Judged from an allocation of exactly caplen bytes, so that the sanitizer
 * sees every byte too many.
 */
static int parse_cut(enum nfr_link link, size_t caplen)
{
	uint8_t *copy = malloc(caplen ? caplen : 1);
	struct packet_frame frame = {.start = copy,
				     .end = copy + caplen,
				     .len = (uint32_t)b.len,
				     .dir = NFR_DIR_OUT,
				     .link = (uint8_t)link};
	int doubt;

	memcpy(copy, b.at, caplen);
	memset(&packet, 0xa5, sizeof(packet));
	doubt = packet_parse(&frame, &packet, 7);
	free(copy);
	return doubt;
}

static int parse(enum nfr_link link)
{
	return parse_cut(link, b.len);
}

static uint32_t word(unsigned field)
{
	return packet.key.w[field];
}

static int setup(void **state)
{
	(void)state;
	b.len = 0;
	return 0;
}

#define TEST(name) static void name(void **state __attribute__((unused)))
#define ETHER NFR_LINK_ETHER
#define RAW NFR_LINK_RAW
#define assert_doubt(link, reason)                                             \
	assert_int_equal(parse(link), NFR_REASON_##reason)

TEST(tcp_over_ipv4_gives_the_whole_key)
{
	struct nfr_key want = {.w = {[NFR_F_IFID] = 7,
				     [NFR_F_PROTO] = 6,
				     [NFR_F_SPORT] = 40000,
				     [NFR_F_DPORT] = 443,
				     [NFR_F_TCPFLAGS] = 0x12,
				     [NFR_F_ETHERTYPE] = 0x800,
				     [NFR_F_SRC0] = 0x0a000001,
				     [NFR_F_DST0] = 0xc0000202,
				     [NFR_F_DIR] = NFR_DIR_OUT,
				     [NFR_F_FAMILY] = NFR_FAMILY_IPV4,
				     [NFR_F_TTL] = 64}};

	ether(0x800);
	ipv4(6, 20);
	tcp();
	assert_doubt(ETHER, NONE);
	assert_memory_equal(&packet.key, &want, sizeof(want));
	assert_int_equal(packet.network, 14);
}

TEST(udp_over_ipv6_gives_the_whole_key)
{
	struct nfr_key want = {.w = {[NFR_F_IFID] = 7,
				     [NFR_F_PROTO] = 17,
				     [NFR_F_SPORT] = 40000,
				     [NFR_F_DPORT] = 53,
				     [NFR_F_ETHERTYPE] = 0x86dd,
				     [NFR_F_SRC0] = 0x20010db8,
				     [NFR_F_SRC0 + 3] = 1,
				     [NFR_F_DST0] = 0xfe800000,
				     [NFR_F_DST0 + 3] = 2,
				     [NFR_F_DIR] = NFR_DIR_OUT,
				     [NFR_F_FAMILY] = NFR_FAMILY_IPV6,
				     [NFR_F_TTL] = 63}};

	ipv6(17, 12);
	udp(12);
	fill(4);
	assert_doubt(RAW, NONE);
	assert_memory_equal(&packet.key, &want, sizeof(want));
}

TEST(icmp_gives_type_code_and_identifier)
{
	ipv4(1, 8);
	PUT(8, 3, 0, 0, 0x12, 0x34, 0, 1);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_ICMP), 0x803);
	assert_int_equal(packet.echo_id, 0x1234);
}

TEST(icmp_of_the_other_family_is_an_other_protocol)
{
	ipv4(58, 0);
	assert_doubt(RAW, NONE);
	b.len = 0;
	ipv6(1, 4);
	PUT(8, 0, 0, 0);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_ICMP), 0);
	assert_int_equal(word(NFR_F_PROTO), 1);
}

TEST(two_vlan_tags_are_looked_behind)
{
	ether(0x88a8);
	PUT(0, 5, 0x81, 0, 0, 6, 8, 0);
	ipv4(47, 0);
	assert_doubt(ETHER, NONE);
	assert_int_equal(word(NFR_F_ETHERTYPE), 0x800);
	assert_int_equal(packet.network, 22);
}

TEST(a_third_vlan_tag_is_a_doubt)
{
	ether(0x8100);
	PUT(0, 5, 0x81, 0, 0, 6, 0x81, 0, 0, 7, 8, 0);
	assert_doubt(ETHER, VLAN);
}

TEST(a_cut_vlan_tag_is_short)
{
	ether(0x8100);
	PUT(0, 5, 8);
	assert_doubt(ETHER, SHORT);
}

TEST(another_ethertype_is_a_link_frame_with_nothing_else)
{
	struct nfr_key want = {.w = {[NFR_F_IFID] = 7,
				     [NFR_F_ETHERTYPE] = 0x806,
				     [NFR_F_DIR] = NFR_DIR_OUT}};

	ether(0x806);
	fill(28);
	assert_doubt(ETHER, NONE);
	assert_memory_equal(&packet.key, &want, sizeof(want));
}

TEST(an_unknown_link_type_is_a_doubt)
{
	ether(0x800);
	assert_doubt(NFR_LINK_UNKNOWN, LINK);
	assert_doubt((enum nfr_link)9, LINK);
}

TEST(a_raw_frame_must_begin_with_an_ip_version)
{
	assert_doubt(RAW, SHORT);
	PUT(0x50);
	assert_doubt(RAW, IP_VERSION);
}

TEST(ethertype_and_ip_version_must_agree)
{
	ether(0x86dd);
	ipv4(6, 20);
	tcp();
	assert_doubt(ETHER, IP_VERSION);
}

TEST(every_shorter_frame_is_a_doubt)
{
	size_t len;

	ether(0x800);
	ipv4(6, 20);
	tcp();
	for (len = b.len; b.len-- > 0;)
		assert_int_equal(parse(ETHER), b.len < 34
						       ? NFR_REASON_SHORT
						       : NFR_REASON_IP_LENGTH);
	b.len = len;
	assert_doubt(ETHER, NONE);
}

TEST(a_cut_capture_is_judged_by_the_headers_that_are_there)
{
	ether(0x800);
	ipv4(6, 1400);
	tcp();
	fill(1380);
	assert_int_equal(parse_cut(ETHER, 54), NFR_REASON_NONE);
	assert_int_equal(parse_cut(ETHER, 53), NFR_REASON_SHORT);
}

TEST(ipv4_header_length_below_five_is_a_doubt)
{
	ipv4(6, 20);
	tcp();
	b.at[0] = 0x44;
	assert_doubt(RAW, IP_LENGTH);
}

TEST(ipv4_options_are_marked)
{
	ipv4(47, 4);
	b.at[0] = 0x46;
	fill(4);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_BITS), NFR_BIT_OPTIONS);
	b.len -= 1;
	assert_doubt(RAW, SHORT);
}

TEST(ipv4_total_length_must_hold_header_and_fit_the_frame)
{
	ipv4(47, 0);
	put16(2, 19);
	assert_doubt(RAW, IP_LENGTH);
	put16(2, 21);
	assert_doubt(RAW, IP_LENGTH);
	put16(2, 20);
	fill(30); /* padding */
	assert_doubt(RAW, NONE);
}

TEST(transport_must_fit_the_ip_length_not_the_padding)
{
	ipv4(6, 19);
	tcp();
	assert_doubt(RAW, SHORT);
}

TEST(first_fragments_are_parsed_and_later_ones_not)
{
	ipv4(17, 8);
	udp(1000);
	put16(6, 0x2000);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_BITS), NFR_BIT_FRAGMENT);
	assert_int_equal(word(NFR_F_DPORT), 53);
	put16(6, 1);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_BITS), NFR_BIT_FRAGMENT | NFR_BIT_LATER);
	assert_int_equal(word(NFR_F_DPORT), 0);
	assert_int_equal(word(NFR_F_PROTO), 17);
	put16(6, 0x4000); /* don't fragment */
	put16(24, 8);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_BITS), 0);
}

TEST(an_ipv4_fragment_says_where_it_belongs)
{
	ether(0x800);
	ipv4(17, 24);
	udp(1000);
	fill(16 + 2); /* with padding */
	put16(18, 0xbeef);
	put16(20, 0x2000);
	assert_doubt(ETHER, NONE);
	assert_int_equal(packet.datagram, 0xbeef);
	assert_int_equal(packet.part, 34);
	assert_int_equal(packet.part_at, 0);
	assert_true(packet.part_more);
	assert_int_equal(packet.end, 34 + 24);
	put16(20, 0x1fff);
	assert_doubt(ETHER, NONE);
	assert_int_equal(packet.part_at, 65528);
	assert_false(packet.part_more);
}

TEST(an_ipv6_fragment_says_where_it_belongs)
{
	ipv6(60, 32);
	PUT(44, 0, 0, 0, 0, 0, 0, 0);
	PUT(17, 0xff, 0, 7, 0xde, 0xad, 0xbe, 0xef); /* reserved bits set */
	udp(1000);
	fill(8);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_BITS), NFR_BIT_OPTIONS | NFR_BIT_FRAGMENT);
	assert_int_equal(packet.datagram, 0xdeadbeef);
	assert_int_equal(packet.part, 56);
	assert_int_equal(packet.part_at, 0);
	assert_true(packet.part_more);
	assert_int_equal(packet.end, 72);
	put16(50, 0xfff8);
	assert_doubt(RAW, NONE);
	assert_int_equal(packet.part_at, 65528);
	assert_false(packet.part_more);
}

TEST(a_tiny_first_fragment_is_short)
{
	static const struct {
		uint8_t proto;
		unsigned needs;
	} all[] = {{6, 20}, {17, 8}, {58, 8}};

	for (size_t i = 0; i < 3; i++) {
		b.len = 0;
		ipv6(44, 8 + all[i].needs - 1);
		PUT(all[i].proto, 0, 0, 1, 0, 0, 0, 1);
		fill(all[i].needs - 1);
		assert_doubt(RAW, SHORT);
	}
	b.len = 0;
	ipv4(6, 8);
	fill(8);
	put16(6, 0x2000);
	assert_doubt(RAW, SHORT);
}

TEST(tcp_data_offset_is_checked)
{
	ipv4(6, 20);
	tcp();
	b.at[32] = 0x40;
	assert_doubt(RAW, L4_LENGTH);
	b.at[32] = 0x60;
	assert_doubt(RAW, L4_LENGTH);
}

/* FIN, SYN, RST and ACK as RFC 9293 has them; PSH, URG, ECE, CWR as they are.
 */
TEST(tcp_flags_that_no_host_sends_are_a_doubt)
{
	for (unsigned flags = 0; flags < 256; flags++) {
		unsigned way = flags & 0x17;
		int is_sent = way == 0x02 || way == 0x12 || way == 0x10 ||
			      way == 0x11 || way == 0x04 || way == 0x14 ||
			      way == 0x15;

		b.len = 0;
		ipv4(6, 20);
		tcp();
		b.at[33] = (uint8_t)flags;
		assert_int_equal(parse(RAW), is_sent ? NFR_REASON_NONE
						     : NFR_REASON_TCP_FLAGS);
		assert_int_equal(word(NFR_F_TCPFLAGS), flags);
	}
}

TEST(udp_length_is_checked)
{
	ipv4(17, 8);
	udp(7);
	assert_doubt(RAW, L4_LENGTH);
	put16(24, 9);
	assert_doubt(RAW, L4_LENGTH);
}

TEST(ipv6_payload_length_zero_is_only_for_nothing)
{
	ipv6(59, 0);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_PROTO), 59);
	fill(1);
	assert_doubt(RAW, IP_LENGTH);
	b.len = 0;
	ipv6(17, 0);
	assert_doubt(RAW, SHORT);
}

TEST(ipv6_payload_length_beyond_the_frame_is_a_doubt)
{
	ipv6(59, 1);
	assert_doubt(RAW, IP_LENGTH);
}

TEST(tos_and_traffic_class_are_the_whole_byte)
{
	ipv4(59, 0);
	b.at[1] = 0xb9;
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_TOS), 0xb9);
	b.len = 0;
	ipv6(59, 0);
	b.at[0] = 0x6b;
	b.at[1] = 0x9f;
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_TOS), 0xb9);
}

TEST(a_mapped_address_is_a_doubt_in_either_place)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	ipv6(59, 0);
	memcpy(b.at + 8, mapped, sizeof(mapped));
	assert_doubt(RAW, ADDRESS);
	b.len = 0;
	ipv6(59, 0);
	memcpy(b.at + 24, mapped, sizeof(mapped));
	assert_doubt(RAW, ADDRESS);
	b.at[24 + 9] = 1;
	assert_doubt(RAW, NONE);
	b.at[24 + 9] = 0;
	b.at[24 + 11] = 0xfe;
	assert_doubt(RAW, NONE);
}

TEST(ipv6_options_are_marked_and_stepped_over)
{
	ipv6(0, 32);
	PUT(60, 0, 0, 0, 0, 0, 0, 0);
	PUT(17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	udp(8);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_BITS), NFR_BIT_OPTIONS);
	assert_int_equal(word(NFR_F_DPORT), 53);
}

TEST(hop_by_hop_must_come_first)
{
	ipv6(60, 16);
	PUT(0, 0, 0, 0, 0, 0, 0, 0);
	PUT(59, 0, 0, 0, 0, 0, 0, 0);
	assert_doubt(RAW, EXTHDR);
}

TEST(six_extension_headers_are_walked_and_a_seventh_is_a_doubt)
{
	size_t last;

	ipv6(60, 48);
	for (int i = 0; i < 6; i++)
		PUT(60, 0, 0, 0, 0, 0, 0, 0);
	last = b.len - 8;
	b.at[last] = 59;
	assert_doubt(RAW, NONE);
	b.at[last] = 60;
	assert_doubt(RAW, EXTHDR);
}

TEST(a_routing_header_may_not_route)
{
	ipv6(43, 8);
	PUT(59, 0, 2, 0, 0, 0, 0, 0);
	assert_doubt(RAW, NONE);
	b.at[43] = 1;
	assert_doubt(RAW, ROUTING);
	b.at[42] = b.at[43] = 0;
	assert_doubt(RAW, ROUTING);
}

TEST(ah_counts_words_of_four_bytes)
{
	ipv6(51, 12 + 8);
	PUT(17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	udp(8);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_DPORT), 53);
}

TEST(ipv6_fragments_are_told_apart)
{
	ipv6(44, 16);
	PUT(17, 0, 0, 0, 0, 0, 0, 1);
	udp(8);
	assert_doubt(RAW, NONE); /* atomic */
	assert_int_equal(word(NFR_F_BITS), NFR_BIT_FRAGMENT);
	assert_int_equal(word(NFR_F_DPORT), 53);
	put16(42, 8); /* offset 1 */
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_BITS), NFR_BIT_FRAGMENT | NFR_BIT_LATER);
	assert_int_equal(word(NFR_F_PROTO), 17);
	assert_int_equal(word(NFR_F_DPORT), 0);
}

TEST(what_follows_a_later_fragment_is_not_walked)
{
	ipv6(44, 8);
	PUT(60, 0, 0, 8, 0, 0, 0, 1);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_PROTO), 60);
}

TEST(a_second_fragment_header_is_a_doubt)
{
	ipv6(44, 24);
	PUT(44, 0, 0, 0, 0, 0, 0, 1);
	PUT(17, 0, 0, 0, 0, 0, 0, 1);
	udp(8);
	assert_doubt(RAW, EXTHDR);
}

TEST(an_extension_header_beyond_the_payload_is_short)
{
	ipv6(60, 8);
	PUT(17, 1, 0, 0, 0, 0, 0, 0);
	fill(0);
	assert_doubt(RAW, SHORT);
}

TEST(headers_beyond_the_limit_are_a_doubt_even_where_the_frame_ends)
{
	ipv6(60, 8);
	PUT(17, 31, 0, 0, 0, 0, 0, 0); /* 256 bytes */
	assert_doubt(RAW, HEADERS);
}

TEST(a_header_may_end_at_the_limit)
{
	ipv6(60, 216); /* 40 + 208 + 8 == NFR_HEADERS_MAX */
	PUT(17, 25, 0, 0, 0, 0, 0, 0);
	fill(200);
	udp(8);
	assert_doubt(RAW, NONE);
	assert_int_equal(word(NFR_F_DPORT), 53);
	b.len = 0;
	fill(12);
	PUT(0x86, 0xdd);
	ipv6(60, 216);
	PUT(17, 25, 0, 0, 0, 0, 0, 0);
	fill(200);
	udp(8);
	assert_doubt(ETHER, HEADERS);
}

TEST(tcp_options_count_for_the_limit)
{
	ipv6(60, 192 + 60);
	PUT(6, 23, 0, 0, 0, 0, 0, 0);
	fill(184);
	tcp();
	fill(40);
	assert_doubt(RAW, NONE);
	b.at[40 + 192 + 12] = 0x70; /* 28 bytes: 260 */
	assert_doubt(RAW, HEADERS);
}

/* Offsets of a checksum from the transport header that are fine, up to 20. */
static void assert_may_change(const char *fine)
{
	assert_doubt(ETHER, NONE);
	for (uint32_t off = 0; off < packet.transport; off++)
		assert_false(packet_may_change(&packet, off));
	for (uint32_t off = 0; off < 20; off++)
		assert_int_equal(
			packet_may_change(&packet, packet.transport + off),
			fine[off] == '+');
}

TEST(a_late_checksum_may_not_change_what_was_judged)
{
	ether(0x800);
	ipv4(6, 20);
	tcp();
	assert_may_change("--------------++++++");
	b.len = 0;
	ether(0x86dd);
	ipv6(17, 8);
	udp(8);
	assert_may_change("------++++++++++++++");
	b.len = 0;
	ether(0x86dd);
	ipv6(58, 8);
	fill(8);
	assert_may_change("--+-----++++++++++++");
	b.len = 0;
	ether(0x800);
	ipv4(132, 12);
	fill(12);
	assert_may_change("++++++++++++++++++++");
	b.len = 0;
	ether(0x806);
	fill(28);
	assert_may_change("--------------------");
}

int main(void)
{
#define FACT(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		FACT(tcp_over_ipv4_gives_the_whole_key),
		FACT(udp_over_ipv6_gives_the_whole_key),
		FACT(icmp_gives_type_code_and_identifier),
		FACT(icmp_of_the_other_family_is_an_other_protocol),
		FACT(two_vlan_tags_are_looked_behind),
		FACT(a_third_vlan_tag_is_a_doubt),
		FACT(a_cut_vlan_tag_is_short),
		FACT(another_ethertype_is_a_link_frame_with_nothing_else),
		FACT(an_unknown_link_type_is_a_doubt),
		FACT(a_raw_frame_must_begin_with_an_ip_version),
		FACT(ethertype_and_ip_version_must_agree),
		FACT(every_shorter_frame_is_a_doubt),
		FACT(a_cut_capture_is_judged_by_the_headers_that_are_there),
		FACT(ipv4_header_length_below_five_is_a_doubt),
		FACT(ipv4_options_are_marked),
		FACT(ipv4_total_length_must_hold_header_and_fit_the_frame),
		FACT(transport_must_fit_the_ip_length_not_the_padding),
		FACT(first_fragments_are_parsed_and_later_ones_not),
		FACT(an_ipv4_fragment_says_where_it_belongs),
		FACT(an_ipv6_fragment_says_where_it_belongs),
		FACT(a_tiny_first_fragment_is_short),
		FACT(tcp_data_offset_is_checked),
		FACT(tcp_flags_that_no_host_sends_are_a_doubt),
		FACT(udp_length_is_checked),
		FACT(ipv6_payload_length_zero_is_only_for_nothing),
		FACT(ipv6_payload_length_beyond_the_frame_is_a_doubt),
		FACT(tos_and_traffic_class_are_the_whole_byte),
		FACT(a_mapped_address_is_a_doubt_in_either_place),
		FACT(ipv6_options_are_marked_and_stepped_over),
		FACT(hop_by_hop_must_come_first),
		FACT(six_extension_headers_are_walked_and_a_seventh_is_a_doubt),
		FACT(a_routing_header_may_not_route),
		FACT(ah_counts_words_of_four_bytes),
		FACT(ipv6_fragments_are_told_apart),
		FACT(what_follows_a_later_fragment_is_not_walked),
		FACT(a_second_fragment_header_is_a_doubt),
		FACT(an_extension_header_beyond_the_payload_is_short),
		FACT(headers_beyond_the_limit_are_a_doubt_even_where_the_frame_ends),
		FACT(a_header_may_end_at_the_limit),
		FACT(tcp_options_count_for_the_limit),
		FACT(a_late_checksum_may_not_change_what_was_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
