/* SPDX-License-Identifier: BSD-2-Clause */
/* test_tcp.c: traces of segments, real ones and forged ones -> what TCP
 * tracking answers, and what it makes of the state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "runtime/tcp.h"
#include "tests/agree/random.h"

#define C NFR_DIR_OUT /* who opened it */
#define S NFR_DIR_IN
#define FIN TCP_FIN
#define SYN TCP_SYN
#define RST TCP_RST
#define ACK TCP_ACK
#define CLIENT 0xfffffff0u /* so that it wraps */
#define SERVER 0x10000000u

static struct nfr_state flow;

static void phase(__u32 dir, __u32 flags)
{
	if (flags & RST)
		flow.phase = NFR_STATE_CLOSED;
	else if (flags & FIN)
		flow.phase = flow.phase < NFR_STATE_CLOSING ? NFR_STATE_CLOSING
							    : NFR_STATE_FINWAIT;
	else if (flow.phase == NFR_STATE_OPENING && dir != flow.dir)
		flow.phase =
			flags & SYN ? NFR_STATE_HALF : NFR_STATE_ESTABLISHED;
	else if (flow.phase == NFR_STATE_HALF && dir == flow.dir && flags & ACK)
		flow.phase = NFR_STATE_ESTABLISHED;
}

/* As verdict.h does it: the plain case is answered by tcp_plain(). */
static enum tcp_answer put(__u32 dir, struct tcp_segment seg)
{
	struct nfr_state before = flow, both = flow;
	enum tcp_answer answer;

	if (tcp_is_plain(&flow, seg.flags)) {
		answer = tcp_plain(&flow, dir, &seg) ? TCP_PASS : TCP_BLOCK;
		assert_int_equal(tcp_track(&both, dir, &seg), answer);
		assert_memory_equal(&both, &flow, sizeof(flow));
	} else {
		answer = tcp_track(&flow, dir, &seg);
	}
	if (answer == TCP_PASS)
		phase(dir, seg.flags);
	else
		assert_memory_equal(&before, &flow, sizeof(flow));
	return answer;
}

static enum tcp_answer send_seg(__u32 dir, __u32 seq, __u32 ack, __u32 flags,
				__u32 len, __u32 window)
{
	return put(dir, (struct tcp_segment){.seq = seq,
					     .ack = ack,
					     .flags = flags,
					     .len = len,
					     .window = window,
					     .wscale = TCP_NO_WSCALE});
}

static void syn(__u32 wscale)
{
	struct tcp_segment seg = {
		.seq = CLIENT, .flags = SYN, .window = 64240, .wscale = wscale};

	memset(&flow, 0, sizeof(flow));
	flow.dir = C;
	tcp_begin(&flow, C, &seg);
}

static enum tcp_answer syn_ack(__u32 ack, __u32 wscale)
{
	return put(S, (struct tcp_segment){.seq = SERVER,
					   .ack = ack,
					   .flags = SYN | ACK,
					   .window = 65160,
					   .wscale = wscale});
}

/* c, s: the next sequence number of each side after the handshake. */
static const __u32 c = CLIENT + 1, s = SERVER + 1;

static void handshake(__u32 client_scale, __u32 server_scale)
{
	syn(client_scale);
	assert_int_equal(syn_ack(c, server_scale), TCP_PASS);
	assert_int_equal(send_seg(C, c, s, ACK, 0, 502), TCP_PASS);
	assert_int_equal(flow.phase, NFR_STATE_ESTABLISHED);
}

#define TEST(name) static void name(void **state __attribute__((unused)))
#define PASSES(...) assert_int_equal(send_seg(__VA_ARGS__), TCP_PASS)
#define BLOCKS(...) assert_int_equal(send_seg(__VA_ARGS__), TCP_BLOCK)
#define IGNORES(...) assert_int_equal(send_seg(__VA_ARGS__), TCP_IGNORE)

TEST(a_request_and_its_answer_pass_to_the_end)
{
	handshake(7, 7);
	PASSES(C, c, s, ACK, 100, 502);
	PASSES(S, s, c + 100, ACK, 0, 509);
	PASSES(S, s, c + 100, ACK, 1448, 509);
	PASSES(S, s + 1448, c + 100, ACK, 1448, 509);
	PASSES(C, c + 100, s + 2896, ACK, 0, 501);
	PASSES(S, s + 2896, c + 100, FIN | ACK, 0, 509);
	assert_int_equal(flow.phase, NFR_STATE_CLOSING);
	PASSES(C, c + 100, s + 2897, ACK, 50, 501); /* half-closed */
	PASSES(S, s + 2897, c + 150, ACK, 0, 509);
	PASSES(C, c + 150, s + 2897, FIN | ACK, 0, 501);
	PASSES(S, s + 2897, c + 151, ACK, 0, 509);
	PASSES(C, c + 150, s + 2897, FIN | ACK, 0, 501); /* sent again */
	assert_int_equal(flow.phase, NFR_STATE_FINWAIT);
}

TEST(windows_are_scaled_when_both_offer_it)
{
	handshake(7, 7);
	PASSES(S, s, c, ACK, 65160 - 1448, 509);
	handshake(7, 7); /* 502 << 7 is 64256 */
	PASSES(S, s, c, ACK, 64240, 509);
	BLOCKS(S, s + 64240, c, ACK, 1448, 509);
	handshake(TCP_NO_WSCALE, 7);
	PASSES(C, c, s, ACK, 0, 502);
	BLOCKS(S, s + 64240, c, ACK, 1448, 509);
}

TEST(a_large_window_takes_a_large_flight)
{
	handshake(7, 10);
	PASSES(C, c, s, ACK, 0, 8192);
	for (__u32 at = 0; at < 8192u << 7; at += 32768)
		PASSES(S, s + at, c, ACK, 32768, 64);
	BLOCKS(S, s + (8192u << 7), c, ACK, 1, 64);
	PASSES(S, s, c, ACK, 1448, 64); /* the first, again */
}

TEST(scales_above_14_are_14)
{
	handshake(200, 3);
	assert_int_equal(flow.tcp[C].wscale, 14);
}

TEST(a_closed_window_is_probed)
{
	handshake(0, 0);
	PASSES(S, s, c, ACK, 502, 509);
	PASSES(C, c, s + 502, ACK, 0, 0);
	PASSES(S, s + 501, c, ACK, 1, 509); /* keep-alive with a byte */
	PASSES(S, s + 501, c, ACK, 0, 509); /* and without */
	PASSES(S, s + 502, c, ACK, 1, 509); /* probe */
	PASSES(C, c, s + 503, ACK, 0, 502);
	PASSES(S, s + 503, c, ACK, 502, 509);
}

TEST(both_may_open)
{
	syn(7);
	assert_int_equal(put(S, (struct tcp_segment){.seq = SERVER,
						     .flags = SYN,
						     .window = 65160,
						     .wscale = 7}),
			 TCP_PASS);
	PASSES(C, CLIENT, s, SYN | ACK, 0, 64240);
	PASSES(S, SERVER, c, SYN | ACK, 0, 65160);
	PASSES(C, c, s, ACK, 1000, 502);
	PASSES(S, s, c + 1000, ACK, 1000, 509);
}

TEST(a_refusal_closes_and_a_forged_one_does_not)
{
	syn(7);
	BLOCKS(S, 0, 12345, RST | ACK, 0, 0);
	BLOCKS(S, 0, 0, RST, 0, 0);
	PASSES(S, 0, c, RST | ACK, 0, 0);
	assert_int_equal(flow.phase, NFR_STATE_CLOSED);
}

TEST(a_blind_reset_ends_nothing)
{
	handshake(7, 7);
	PASSES(S, s, c, ACK, 1448, 509);
	BLOCKS(S, s + 1448 + 2, 0, RST, 0, 0);
	BLOCKS(S, s + 1446, 0, RST, 0, 0);
	BLOCKS(S, s + 20000, c, RST | ACK, 0, 0);
	BLOCKS(S, s + 0x40000000, 0, RST, 0, 0);
	assert_int_equal(flow.phase, NFR_STATE_ESTABLISHED);
	PASSES(S, s + 1448, 0, RST, 0, 0);
	assert_int_equal(flow.phase, NFR_STATE_CLOSED);
}

TEST(blind_data_is_blocked)
{
	handshake(7, 7);
	BLOCKS(S, s + 0x20000000, c, ACK, 100, 509);
	BLOCKS(S, s - 0x20000000, c, ACK, 100, 509);
	BLOCKS(S, s, c + 0x20000000, ACK, 100, 509);
	BLOCKS(S, s, c - 0x20000000, ACK, 100, 509);
	BLOCKS(S, s + 0x20000000, c, FIN | ACK, 0, 509);
	assert_int_equal(flow.phase, NFR_STATE_ESTABLISHED);
	PASSES(S, s, c, ACK, 100, 509);
}

TEST(a_handshake_is_not_done_by_who_guesses)
{
	static const __u32 far[] = {0x10000, 0x20000, 0x1000000, 0x20000000,
				    0x3fffffff};

	syn(14);
	assert_int_equal(syn_ack(c, 14), TCP_PASS);
	for (size_t i = 0; i < sizeof(far) / sizeof(*far); i++) {
		BLOCKS(C, c, s - far[i], ACK, 0, 502);
		BLOCKS(C, c, s + far[i], ACK, 0, 502);
		BLOCKS(C, c, s - far[i], ACK, 10, 502);
		BLOCKS(C, c, s - far[i], FIN | ACK, 0, 502);
	}
	assert_int_equal(flow.phase, NFR_STATE_HALF);
	PASSES(C, c, s - 0xffff, ACK, 0, 502);
	assert_int_equal(flow.phase, NFR_STATE_ESTABLISHED);
	/* From here on the window counts. */
	PASSES(C, c, s - 0x1000000, ACK, 0, 502);
}

/* Data with the SYN ACK (RFC 7413), acknowledged as if there were none. */
TEST(a_handshake_with_data_is_done)
{
	syn(7);
	assert_int_equal(put(S, (struct tcp_segment){.seq = SERVER,
						     .ack = c,
						     .flags = SYN | ACK,
						     .len = 1400,
						     .window = 65160,
						     .wscale = 7}),
			 TCP_PASS);
	PASSES(C, c, s, ACK, 0, 502);
	PASSES(C, c, s + 1400, ACK, 0, 502);
	assert_int_equal(flow.phase, NFR_STATE_ESTABLISHED);
}

TEST(an_old_syn_is_ignored_and_the_others_is_blocked)
{
	handshake(7, 7);
	PASSES(C, c, s, ACK, 50000, 502);
	IGNORES(C, c - 0x30000000, 0, SYN, 0, 64240);
	BLOCKS(S, s - 0x30000000, 0, SYN, 0, 64240);
	BLOCKS(S, s - 0x30000000, c, SYN | ACK, 0, 64240);
	PASSES(C, c + 50000, s, ACK, 100, 502);
}

TEST(a_syn_is_sent_again_and_with_other_numbers)
{
	syn(7);
	PASSES(C, CLIENT, 0, SYN, 0, 64240);
	PASSES(C, 0x5000000, 0, SYN, 0, 64240);
	assert_int_equal(syn_ack(c, 7), TCP_BLOCK);
	assert_int_equal(syn_ack(0x5000001, 7), TCP_PASS);
}

TEST(who_holds_an_old_connection_can_say_so)
{
	syn(7);
	IGNORES(S, 77777777, 99999999, ACK, 0, 509);
	IGNORES(C, 99999999, 0, RST, 0, 0);
	PASSES(C, CLIENT, 0, SYN, 0, 64240);
	assert_int_equal(syn_ack(c, 7), TCP_PASS);
}

TEST(a_syn_ack_is_sent_again)
{
	syn(7);
	assert_int_equal(syn_ack(c, 7), TCP_PASS);
	assert_int_equal(syn_ack(c, 7), TCP_PASS);
	PASSES(C, c, s, ACK, 0, 502);
	assert_int_equal(syn_ack(c, 7), TCP_PASS);
}

TEST(a_connection_is_picked_up_in_its_middle)
{
	struct tcp_segment seg = {.seq = 500000,
				  .ack = 900000,
				  .flags = ACK,
				  .len = 1448,
				  .window = 501,
				  .wscale = TCP_NO_WSCALE};

	memset(&flow, 0, sizeof(flow));
	flow.dir = C;
	tcp_begin(&flow, C, &seg);
	assert_true(flow.flags & NFR_STATE_IS_LOOSE);
	PASSES(C, 501448, 900000, ACK, 64000, 501);
	PASSES(C, 565448, 900000, ACK, 64000, 501);
	PASSES(S, 900000, 501448, ACK, 0, 2000);
	PASSES(S, 900000, 629448, ACK, 60000, 2000);
	PASSES(S, 960000, 629448, ACK, 60000, 2000);
	PASSES(C, 629448, 1020000, ACK, 0, 501);
	BLOCKS(C, 629448, 1020000 + 0x70000000, ACK, 10, 501);
	BLOCKS(S, 1020002, 0, RST, 0, 0);
	PASSES(S, 1020000, 0, RST, 0, 0);
}

TEST(a_peer_that_has_gone_resets_what_was_picked_up)
{
	struct tcp_segment seg = {.seq = 500000,
				  .ack = 900000,
				  .flags = ACK,
				  .len = 10,
				  .window = 501,
				  .wscale = TCP_NO_WSCALE};

	memset(&flow, 0, sizeof(flow));
	flow.dir = C;
	tcp_begin(&flow, C, &seg);
	BLOCKS(S, 900001, 0, RST, 0, 0);
	PASSES(S, 900000, 0, RST, 0, 0);
}

TEST(the_scale_is_found_among_the_options)
{
	static const __u8 linux_syn[64] = {2, 4, 5, 180, 4, 2, 8, 10, 1, 2,
					   3, 4, 0, 0,	 0, 0, 1, 3,  3, 7};
	static const __u8 nops[64] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
				      1, 1, 1, 1, 1, 1, 1, 3, 3, 9};
	static const __u8 ended[64] = {0, 3, 3, 7};
	static const __u8 cut[64] = {1, 1, 3, 3};
	static const __u8 endless[64] = {8, 0, 3, 3, 7};
	__u32 at;

	assert_int_equal(tcp_wscale(linux_syn, 20, &at), 7);
	assert_int_equal(tcp_wscale(nops, 20, &at), 9);
	assert_int_equal(tcp_wscale(ended, 4, &at), TCP_NO_WSCALE);
	assert_int_equal(tcp_wscale(cut, 4, &at), TCP_NO_WSCALE);
	assert_int_equal(tcp_wscale(endless, 8, &at), TCP_NO_WSCALE);
	assert_int_equal(tcp_wscale(linux_syn, 0, &at), TCP_NO_WSCALE);
}

/*
 * A connection whose segments an attacker mixes with random ones: those that
 * do not hit the windows must leave no trace, so whatever the real hosts send
 * passes. (What does hit is as good as the real one to everybody.)
 */
struct host {
	__u32 next, acked; /* own data */
	__u32 expects;
};

static void talk(struct random *r, struct host *a, struct host *b, __u32 dir)
{
	__u32 len = random_below(r, 1449);
	__u32 again = random_below(r, 8) == 0 ? a->next - a->acked : 0;

	if (a->next - a->acked + len > 60000)
		len = 0;
	PASSES(dir, a->next - again, a->expects, ACK, again ? again : len, 502);
	if (!again)
		a->next += len;
	if (random_below(r, 3)) {
		b->expects = a->next;
		a->acked = a->next;
	}
}

TEST(random_segments_do_not_stop_a_connection)
{
	struct random r = random_fork(4, 4);

	for (int run = 0; run < 300; run++) {
		struct host client = {c, c, s}, server = {s, s, c};

		handshake(7, 7);
		for (int turn = 0; turn < 300; turn++) {
			__u32 dir = random_below(&r, 2);
			struct tcp_segment seg = {
				.seq = (__u32)random_next(&r),
				.ack = (__u32)random_next(&r),
				.flags = (__u32)random_next(&r) & 0x3f,
				.len = random_below(&r, 1449),
				.window = random_below(&r, 65536),
				.wscale = random_below(&r, 20),
			};

			if (packet_is_nonsense(seg.flags))
				continue;
			put(dir, seg);
			if (flow.phase != NFR_STATE_ESTABLISHED)
				break; /* one in billions hits */
			if (random_below(&r, 2))
				talk(&r, &client, &server, C);
			else
				talk(&r, &server, &client, S);
		}
		assert_int_equal(flow.phase, NFR_STATE_ESTABLISHED);
	}
}

int main(void)
{
#define FACT(name) cmocka_unit_test(name)
	const struct CMUnitTest tests[] = {
		FACT(a_request_and_its_answer_pass_to_the_end),
		FACT(windows_are_scaled_when_both_offer_it),
		FACT(a_large_window_takes_a_large_flight),
		FACT(scales_above_14_are_14),
		FACT(a_closed_window_is_probed),
		FACT(both_may_open),
		FACT(a_refusal_closes_and_a_forged_one_does_not),
		FACT(a_blind_reset_ends_nothing),
		FACT(blind_data_is_blocked),
		FACT(a_handshake_is_not_done_by_who_guesses),
		FACT(a_handshake_with_data_is_done),
		FACT(an_old_syn_is_ignored_and_the_others_is_blocked),
		FACT(a_syn_is_sent_again_and_with_other_numbers),
		FACT(who_holds_an_old_connection_can_say_so),
		FACT(a_syn_ack_is_sent_again),
		FACT(a_connection_is_picked_up_in_its_middle),
		FACT(a_peer_that_has_gone_resets_what_was_picked_up),
		FACT(the_scale_is_found_among_the_options),
		FACT(random_segments_do_not_stop_a_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
