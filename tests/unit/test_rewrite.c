/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_rewrite.c: random packets rewritten -> the bytes of the packet that was
 * built with the new addresses, whose checksums are computed from scratch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/rewrite.h"
#include "tests/agree/flow_packet.h"

#define PACKETS 20000
#define TCP 6
#define UDP 17
#define ICMP 1

static struct random rnd;
static struct packet packet;
static struct packet_frame frame;
static struct rewrite plan;
static uint8_t bytes[FLOW_PACKET_MAX], want[FLOW_PACKET_MAX];
static size_t len;

/* ---- helpers ------------------------------------------------------------- */

static void words(const uint8_t *addr, bool is_v6, __u32 out[4])
{
	for (int i = 0; i < 4; i++)
		out[i] = i == 0 || is_v6 ? packet_be32(addr + 4 * i) : 0;
}

static void to_words(const struct flow_ends *ends, bool is_v6,
		     struct rewrite_to *out)
{
	words(ends->src, is_v6, out->src);
	words(ends->dst, is_v6, out->dst);
	out->sport = ends->sport;
	out->dport = ends->dport;
}

static void parse(const struct flow_packet *p)
{
	len = flow_packet_build(p, bytes);
	frame = (struct packet_frame){.start = bytes,
				      .end = bytes + len,
				      .len = (uint32_t)len,
				      .link = NFR_LINK_ETHER};
	assert_int_equal(packet_parse(&frame, &packet, 1), NFR_REASON_NONE);
}

static void apply(void)
{
	for (int i = 0; i < REWRITE_SLOTS; i++) {
		const struct rewrite_edit *edit = &plan.edit[i];

		if (!edit->len)
			continue;
		assert_in_range(edit->len, 0, REWRITE_EDIT_LEN);
		assert_true((size_t)edit->off + edit->len <= len);
		memcpy(bytes + edit->off, edit->bytes, edit->len);
	}
}

/* The quoted transport header, as icmp.h would find it. */
static struct rewrite_headers quoted_headers(const struct flow_packet *p)
{
	struct rewrite_headers quoted = {
		.network = packet.transport + 8,
		.limit = (uint32_t)(len - p->padding),
		.family = p->is_v6 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
		.proto = p->quoted_proto,
	};

	quoted.transport = quoted.network + (p->is_v6 ? 40 : 20);
	return quoted;
}

static void assert_rewritten(struct flow_packet p, const struct flow_ends *ends,
			     const struct flow_ends *quoted_ends, uint8_t hops)
{
	struct rewrite_offload offload = {.place = REWRITE_NO_PLACE};
	struct rewrite_headers quoted;
	struct rewrite_to to, quoted_to;

	parse(&p);
	if (p.is_partial)
		offload.place = packet.transport + (p.proto == TCP   ? 16
						    : p.proto == UDP ? 6
								     : 2);
	quoted = quoted_headers(&p);
	to_words(ends, p.is_v6, &to);
	to_words(quoted_ends, p.is_v6, &quoted_to);
	assert_int_equal(rewrite_plan(&frame, &packet, &to, hops,
				      p.is_error ? &quoted : NULL, &quoted_to,
				      &offload, &plan),
			 NFR_REASON_NONE);
	apply();
	p.ends = *ends;
	p.quoted = *quoted_ends;
	assert_int_equal(flow_packet_build(&p, want), len);
	if (hops) {
		size_t at = packet.network + (p.is_v6 ? 7 : 8);

		assert_int_equal(bytes[at], p.ttl - hops);
		p.ttl = (uint8_t)(p.ttl - hops);
		/* The quote's TTL is built from the same number. */
		if (!p.is_error) {
			flow_packet_build(&p, want);
			assert_memory_equal(bytes, want, len);
		}
		return;
	}
	assert_memory_equal(bytes, want, len);
}

static void random_ends(bool is_v6, struct flow_ends *ends)
{
	flow_ends_random(&rnd, ends);
	if (is_v6)
		ends->src[0] = ends->dst[0] = 0x20;
}

/* ---- tests --------------------------------------------------------------- */

static void rewriting_is_building_with_other_addresses(void **state)
{
	unsigned errors = 0, fragments = 0, none = 0;

	(void)state;
	for (unsigned i = 0; i < PACKETS; i++) {
		struct flow_packet p;
		struct flow_ends ends, quoted;

		rnd = random_fork(20261121, i);
		flow_packet_random(&rnd, &p);
		if (p.is_v6)
			p.ends.src[0] = p.ends.dst[0] = p.quoted.src[0] =
				p.quoted.dst[0] = 0x20;
		random_ends(p.is_v6, &ends);
		random_ends(p.is_v6, &quoted);
		/* Protocols without ports keep what is there. */
		if (p.is_error || p.fragment == FLOW_LATER)
			ends.sport = p.ends.sport;
		errors += p.is_error;
		fragments += p.fragment != FLOW_WHOLE;
		none += p.proto == UDP && p.has_no_checksum;
		assert_rewritten(p, &ends, &quoted, 0);
	}
	assert_true(errors > PACKETS / 50 && fragments > PACKETS / 50 &&
		    none > PACKETS / 50);
}

/* CHECKSUM_PARTIAL: the seed of the new addresses, and nothing of ports. */
static void a_checksum_to_come_is_seeded_anew(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PACKETS; i++) {
		struct flow_packet p;
		struct flow_ends ends;

		rnd = random_fork(20261122, i);
		flow_packet_random(&rnd, &p);
		p.proto = random_once_in(&rnd, 2) ? TCP : UDP;
		p.is_error = p.has_no_checksum = false;
		p.fragment = FLOW_WHOLE;
		p.is_partial = true;
		if (p.is_v6)
			p.ends.src[0] = p.ends.dst[0] = 0x20;
		random_ends(p.is_v6, &ends);
		assert_rewritten(p, &ends, &p.quoted, 0);
	}
}

static void a_hop_takes_one_from_the_ttl(void **state)
{
	(void)state;
	for (unsigned i = 0; i < PACKETS; i++) {
		struct flow_packet p;
		struct flow_ends ends;

		rnd = random_fork(20261123, i);
		flow_packet_random(&rnd, &p);
		p.is_error = false;
		p.fragment = FLOW_WHOLE;
		if (p.is_v6)
			p.ends.src[0] = p.ends.dst[0] = 0x20;
		random_ends(p.is_v6, &ends);
		assert_rewritten(p, &ends, &p.quoted, 1);
	}
}

/* A wrong checksum does not become right, nor a right one wrong. */
static void a_damaged_checksum_stays_damaged(void **state)
{
	struct flow_packet p = {.proto = TCP, .ttl = 64, .data_len = 31};
	struct rewrite_offload offload = {.place = REWRITE_NO_PLACE};
	struct rewrite_to to;

	(void)state;
	rnd = random_fork(1, 1);
	flow_ends_random(&rnd, &p.ends);
	parse(&p);
	bytes[packet.transport + 17] ^= 0x40;
	flow_ends_random(&rnd, &p.ends);
	to_words(&p.ends, false, &to);
	assert_int_equal(rewrite_plan(&frame, &packet, &to, 0, NULL, NULL,
				      &offload, &plan),
			 NFR_REASON_NONE);
	apply();
	assert_int_equal(flow_packet_build(&p, want), len);
	assert_int_not_equal(packet_be16(bytes + packet.transport + 16),
			     packet_be16(want + packet.transport + 16));
	memcpy(want + packet.transport + 16, bytes + packet.transport + 16, 2);
	assert_memory_equal(bytes, want, len);
}

/* UDP: a checksum that comes to 0 is sent as 0xffff (RFC 768). */
static void a_udp_checksum_never_becomes_none(void **state)
{
	struct rewrite_offload offload = {.place = REWRITE_NO_PLACE};
	unsigned seen = 0;

	(void)state;
	for (unsigned port = 0; port < 65536; port++) {
		struct flow_packet p = {.proto = UDP, .ttl = 64, .data_len = 3};
		struct rewrite_to to;

		p.ends.src[0] = p.ends.dst[0] = 10;
		parse(&p);
		p.ends.sport = (uint16_t)port;
		to_words(&p.ends, false, &to);
		assert_int_equal(rewrite_plan(&frame, &packet, &to, 0, NULL,
					      NULL, &offload, &plan),
				 NFR_REASON_NONE);
		apply();
		flow_packet_build(&p, want);
		assert_memory_equal(bytes, want, len);
		seen += packet_be16(bytes + packet.transport + 6) == 0xffff;
	}
	assert_int_equal(seen, 1);
}

/* Where the kernel would write its checksum over what was rewritten. */
static void a_checksum_over_an_edit_is_a_doubt(void **state)
{
	struct flow_packet p = {.proto = TCP, .ttl = 64, .data_len = 31};
	struct rewrite_offload offload = {0};
	struct rewrite_to to;

	(void)state;
	p.ends.src[0] = p.ends.dst[0] = 10;
	p.ends.sport = 1;
	parse(&p);
	to_words(&p.ends, false, &to);
	to.sport = 2;
	for (uint32_t place = 0; place < len; place++) {
		uint32_t own = packet.transport + 16;
		bool is_edited = (place + 2 > packet.network + 8 &&
				  place < packet.network + 20) ||
				 (place + 2 > packet.transport &&
				  place < packet.transport + 4) ||
				 place + 1 == own || place == own + 1;

		offload.place = place;
		assert_int_equal(rewrite_plan(&frame, &packet, &to, 0, NULL,
					      NULL, &offload, &plan),
				 is_edited ? NFR_REASON_OFFLOAD
					   : NFR_REASON_NONE);
	}
}

/* The parser read 8 bytes of ICMP; a quote needs its addresses and ports. */
static void a_quote_that_is_cut_off_is_a_doubt(void **state)
{
	struct flow_packet p = {.proto = ICMP,
				.ttl = 64,
				.is_error = true,
				.quoted_proto = UDP,
				.quoted_len = 8};
	struct rewrite_offload offload = {.place = REWRITE_NO_PLACE};
	struct rewrite_headers quoted;
	struct rewrite_to to;

	(void)state;
	p.ends.src[0] = p.ends.dst[0] = p.quoted.src[0] = p.quoted.dst[0] = 10;
	parse(&p);
	to_words(&p.ends, false, &to);
	quoted = quoted_headers(&p);
	for (uint32_t limit = quoted.network; limit <= len; limit++) {
		quoted.limit = limit;
		assert_int_equal(rewrite_plan(&frame, &packet, &to, 0, &quoted,
					      &to, &offload, &plan),
				 limit < quoted.transport + 4
					 ? NFR_REASON_REWRITE
					 : NFR_REASON_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rewriting_is_building_with_other_addresses),
		cmocka_unit_test(a_checksum_to_come_is_seeded_anew),
		cmocka_unit_test(a_hop_takes_one_from_the_ttl),
		cmocka_unit_test(a_damaged_checksum_stays_damaged),
		cmocka_unit_test(a_udp_checksum_never_becomes_none),
		cmocka_unit_test(a_checksum_over_an_edit_is_a_doubt),
		cmocka_unit_test(a_quote_that_is_cut_off_is_a_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
