/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * tcp.h: a state and a segment's numbers -> does it belong to the connection?
 *
 * Overview
 *   Each side has sent up to end, may send up to max_end, and takes max_window
 *   bytes at once. A segment must begin at most the other side's window before
 *   end, end at most at max_end, and acknowledge what is about to be
 *   acknowledged; until the handshake is done, within 65535 bytes of end. A
 *   reset must be exactly at end: who guesses ends nothing.
 *   Source: G. van Rooij, "Real Stateful TCP Packet Filtering in IP Filter"
 *   (2000), as pf follows it; RFC 9293, 7323, 5961.
 *
 * Invariants
 *   - A segment that is blocked or ignored leaves the state as it was.
 *   - Its flags are not nonsense: packet.h's parser has seen to it.
 *   - Windows are kept in bytes, so a side's max_window needs no scale. When
 *     both sides were seen, wscale is what non-SYN segments are scaled by: 0
 *     unless both SYNs offered it.
 *   - A connection whose SYN was not seen (IS_LOOSE) is scaled by the most
 *     there is: its windows can not be known.
 *   - Nothing that passes here can move a window so that what the real
 *     connection sends next is outside, beyond what pf allows, too.
 *
 * Pure functions: unit tests and fuzzers run them without a datapath.
 */
#ifndef NFR_TCP_H
#define NFR_TCP_H

#include "packet.h"

/* pf's: how far numbers may be off where nothing better is known. */
#define TCP_SLACK (0xffffu + 1500u)
#define TCP_HANDSHAKE_SLACK 0xffff /* a window without a scale */
#define TCP_WSCALE_MAX 14u	   /* RFC 7323 2.3 */
#define TCP_NO_WSCALE 0xffu

struct tcp_segment {
	__u32 seq, ack;
	__u32 len;    /* of the payload, in bytes; of all of a GSO packet */
	__u32 window; /* as in the header */
	__u32 flags;  /* low byte */
	__u32 wscale; /* that a SYN offers; TCP_NO_WSCALE: none */
};

enum tcp_answer {
	TCP_BLOCK,
	TCP_PASS,
	TCP_IGNORE /* passes, and is not of the connection as it is known */
};

/* Distance from a to b in sequence space: how far b is ahead. */
NFR_INLINE __s32 tcp_ahead(__u32 a, __u32 b)
{
	return (__s32)(b - a);
}

NFR_INLINE __u32 tcp_length(const struct tcp_segment *seg)
{
	return seg->len + (seg->flags & TCP_SYN ? 1 : 0) +
	       (seg->flags & TCP_FIN ? 1 : 0);
}

NFR_INLINE __u32 tcp_window(const struct tcp_segment *seg, __u32 wscale)
{
	__u32 window = seg->flags & TCP_SYN ? seg->window
					    : seg->window << (wscale & 15);

	return window ? window : 1;
}

NFR_INLINE void tcp_learn_scale(struct nfr_tcp_side *side,
				const struct tcp_segment *seg)
{
	if (!(seg->flags & TCP_SYN) || seg->wscale == TCP_NO_WSCALE)
		return;
	side->flags |= NFR_TCP_SCALES;
	side->wscale = (__u8)(seg->wscale > TCP_WSCALE_MAX ? TCP_WSCALE_MAX
							   : seg->wscale);
}

/* From here on nobody knows by how much windows are scaled. */
NFR_INLINE void tcp_loosen(struct nfr_state *state)
{
	state->flags |= NFR_STATE_IS_LOOSE;
	state->tcp[0].wscale = state->tcp[1].wscale = TCP_WSCALE_MAX;
}

/* The first segment of a state; tcp[] is all zero. */
NFR_INLINE void tcp_begin(struct nfr_state *state, __u32 dir,
			  const struct tcp_segment *seg)
{
	struct nfr_tcp_side *src = &state->tcp[dir & 1];
	struct nfr_tcp_side *dst = &state->tcp[~dir & 1];

	tcp_learn_scale(src, seg);
	if ((seg->flags & (TCP_SYN | TCP_ACK)) != TCP_SYN)
		tcp_loosen(state);
	src->flags |= NFR_TCP_SEEN;
	src->end = seg->seq + tcp_length(seg);
	src->max_end = src->end;
	src->max_window = tcp_window(seg, src->wscale);
	dst->max_window = 1;
	if (seg->flags & TCP_ACK)
		dst->end = seg->ack;
}

/* The most that an acknowledgement of src may be behind, or ahead. */
NFR_INLINE int tcp_is_ack_near(const struct nfr_tcp_side *src,
			       const struct nfr_tcp_side *dst, __u32 ack,
			       int is_loose)
{
	__s32 behind = tcp_ahead(ack, dst->end);
	__s32 slack = (__s32)(TCP_SLACK << (src->wscale & 15));

	return behind <= slack &&
	       behind >= -(is_loose ? slack : (__s32)TCP_SLACK);
}

/*
 * The same while the handshake goes on: its ends are known. Were the window
 * scaled here, one guess of two could connect in another's name.
 */
NFR_INLINE int tcp_is_ack_of_handshake(const struct nfr_tcp_side *dst,
				       __u32 ack)
{
	__s32 behind = tcp_ahead(ack, dst->end);

	return behind <= TCP_HANDSHAKE_SLACK && behind >= -TCP_HANDSHAKE_SLACK;
}

/* What a segment that belongs here teaches. ack: 0 when it has none. */
NFR_INLINE void tcp_learn(struct nfr_tcp_side *src, struct nfr_tcp_side *dst,
			  __u32 end, __u32 ack, __u32 window)
{
	if (tcp_ahead(src->end, end) > 0)
		src->end = end;
	if (src->max_window < window)
		src->max_window = window;
	if (tcp_ahead(dst->max_end, ack + window) > 0)
		dst->max_end = ack + window;
}

/*
 * The case that counts: both sides were seen, and the segment opens or ends
 * nothing. Nonzero when it belongs to the connection.
 */
NFR_INLINE int tcp_plain(struct nfr_state *state, __u32 dir,
			 const struct tcp_segment *seg)
{
	struct nfr_tcp_side *src = &state->tcp[dir & 1];
	struct nfr_tcp_side *dst = &state->tcp[~dir & 1];
	__u32 window = tcp_window(seg, src->wscale);
	__u32 end = seg->seq + seg->len;

	if (!tcp_is_ack_near(src, dst, seg->ack,
			     state->flags & NFR_STATE_IS_LOOSE))
		return 0;
	if (seg->len) {
		if (tcp_ahead(end, src->max_end) < 0 ||
		    tcp_ahead(src->end - dst->max_window, seg->seq) < 0)
			return 0;
	} else {
		end = src->end;
	}
	tcp_learn(src, dst, end, seg->ack, window);
	return 1;
}

NFR_INLINE int tcp_is_plain(const struct nfr_state *state, __u32 flags)
{
	return state->phase == NFR_STATE_ESTABLISHED &&
	       (flags & (TCP_SYN | TCP_FIN | TCP_RST | TCP_ACK)) == TCP_ACK &&
	       state->tcp[0].flags & state->tcp[1].flags & NFR_TCP_SEEN;
}

/* ---- all other segments ------------------------------------------------- */

/* The other side has not been seen yet. */
NFR_INLINE enum tcp_answer tcp_opening(struct nfr_state *state, __u32 dir,
				       const struct tcp_segment *seg)
{
	struct nfr_tcp_side *src = &state->tcp[dir & 1];
	__u32 slack = TCP_SLACK
		      << (state->flags & NFR_STATE_IS_LOOSE ? TCP_WSCALE_MAX
							    : 0);
	__u32 end = seg->seq + tcp_length(seg);

	if ((seg->flags & (TCP_SYN | TCP_ACK)) == TCP_SYN &&
	    !(state->flags & NFR_STATE_IS_LOOSE)) {
		/* Sent again, or by who began anew. */
		tcp_begin(state, dir, seg);
		return TCP_PASS;
	}
	/* It resets what the other side still holds of an older one. */
	if (seg->flags & TCP_RST)
		return seg->seq == src->end ? TCP_PASS : TCP_IGNORE;
	/* Distances, as twice this slack is more than half of the space. */
	if (tcp_ahead(src->max_end, end) > (__s32)slack ||
	    tcp_ahead(seg->seq, src->end) > (__s32)slack)
		return TCP_BLOCK;
	if (tcp_ahead(src->end, end) > 0)
		src->end = src->max_end = end;
	if (src->max_window < tcp_window(seg, src->wscale))
		src->max_window = tcp_window(seg, src->wscale);
	if (seg->flags & TCP_ACK)
		state->tcp[~dir & 1].end = seg->ack;
	return TCP_PASS;
}

/* The first segment of the other side. */
NFR_INLINE enum tcp_answer tcp_answering(struct nfr_state *state, __u32 dir,
					 const struct tcp_segment *seg)
{
	struct nfr_tcp_side *src = &state->tcp[dir & 1];
	struct nfr_tcp_side *dst = &state->tcp[~dir & 1];
	int is_loose = state->flags & NFR_STATE_IS_LOOSE;
	__u32 flags = seg->flags, end = seg->seq + tcp_length(seg), window;

	/* Without ACK, only a SYN, or a reset of what was picked up: it is
	 * where the other side's acknowledgement was. */
	if (!(flags & (TCP_ACK | TCP_SYN)) &&
	    !(is_loose && flags & TCP_RST && seg->seq == src->end))
		return TCP_BLOCK;
	if (flags & TCP_ACK && !tcp_is_ack_near(src, dst, seg->ack, is_loose))
		/* It holds an older connection, and says so (RFC 9293 3.5.1) */
		return !is_loose && flags == TCP_ACK && !seg->len ? TCP_IGNORE
								  : TCP_BLOCK;
	if (flags & TCP_ACK && !is_loose && tcp_ahead(dst->end, seg->ack) > 0)
		return TCP_BLOCK;
	tcp_learn_scale(src, seg);
	if (!(flags & (TCP_SYN | TCP_RST)))
		tcp_loosen(state);
	if (state->flags & NFR_STATE_IS_LOOSE)
		src->wscale = TCP_WSCALE_MAX;
	else if (!(src->flags & dst->flags & NFR_TCP_SCALES))
		src->wscale = dst->wscale = 0;
	window = tcp_window(seg, src->wscale);
	src->flags |= NFR_TCP_SEEN;
	src->end = end;
	src->max_end = end + dst->max_window;
	src->max_window = window;
	dst->max_end = (flags & TCP_ACK ? seg->ack : dst->end) + window;
	/* What passed once may come again. */
	if (tcp_ahead(dst->max_end, dst->end) > 0)
		dst->max_end = dst->end;
	return TCP_PASS;
}

/* Both sides were seen. */
NFR_INLINE enum tcp_answer tcp_going(struct nfr_state *state, __u32 dir,
				     const struct tcp_segment *seg)
{
	struct nfr_tcp_side *src = &state->tcp[dir & 1];
	struct nfr_tcp_side *dst = &state->tcp[~dir & 1];
	__u32 flags = seg->flags, seq = seg->seq, ack = seg->ack;
	__u32 end = seq + tcp_length(seg), data_end = end;
	int is_over = state->phase >= NFR_STATE_FINWAIT;
	__u32 high = src->max_end, low = src->end - dst->max_window;
	/* Its host answers a SYN with a challenge ACK (RFC 5961 4). */
	int is_anew =
		(flags & (TCP_SYN | TCP_ACK)) == TCP_SYN && dir == state->dir;

	if (flags & TCP_FIN)
		data_end--;
	if (!(flags & TCP_ACK))
		ack = dst->end;
	if (is_over) {
		high += TCP_SLACK;
		low = src->end - TCP_SLACK - dst->max_window;
	}
	if (seq == end) /* a guess at seq alone moves nothing */
		seq = data_end = end = high = src->end;
	if (tcp_ahead(data_end, high) < 0 || tcp_ahead(low, seq) < 0 ||
	    !tcp_is_ack_near(src, dst, ack,
			     is_over || state->flags & NFR_STATE_IS_LOOSE))
		return is_anew ? TCP_IGNORE : TCP_BLOCK;
	if (state->phase == NFR_STATE_HALF &&
	    !tcp_is_ack_of_handshake(dst, ack))
		return TCP_BLOCK;
	if (is_anew && state->phase >= NFR_STATE_ESTABLISHED)
		return TCP_IGNORE;
	if (flags & TCP_RST && !is_over &&
	    (__u32)tcp_ahead(src->end, seg->seq) + 1 > 2)
		return TCP_BLOCK;
	tcp_learn(src, dst, end, ack, tcp_window(seg, src->wscale));
	return TCP_PASS;
}

/* Any segment but the first; after TCP_PASS the state has its numbers. */
NFR_INLINE enum tcp_answer tcp_track(struct nfr_state *state, __u32 dir,
				     const struct tcp_segment *seg)
{
	if (!(state->tcp[dir & 1].flags & NFR_TCP_SEEN))
		return tcp_answering(state, dir, seg);
	if (!(state->tcp[~dir & 1].flags & NFR_TCP_SEEN))
		return tcp_opening(state, dir, seg);
	return tcp_going(state, dir, seg);
}

/* ---- options ------------------------------------------------------------ */

#define TCP_OPTIONS_MAX 40

/*
 * The window scale in the options of a SYN, or TCP_NO_WSCALE. at is where the
 * walk stands: memory of the caller, so that in eBPF all paths through a turn
 * meet in one state.
 */
NFR_INLINE __u32 tcp_wscale(const __u8 options[64], __u32 len,
			    volatile __u32 *at)
{
	*at = 0;
#pragma GCC unroll 40
	for (int i = 0; i < TCP_OPTIONS_MAX; i++) {
		__u32 off = *at, kind, size;

		if (off >= len)
			break;
		kind = options[off & 63];
		size = options[(off + 1) & 63];
		if (kind == 0)
			break;
		if (kind == 3 && size == 3 && off + 2 < len)
			return options[(off + 2) & 63];
		if (kind == 1)
			*at = off + 1;
		else if (size < 2)
			break;
		else
			*at = off + size;
	}
	return TCP_NO_WSCALE;
}

#endif
