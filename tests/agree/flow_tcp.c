/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_tcp.c: a connection and a segment -> does it belong there?
 *
 * Guido van Rooij's four bounds ("Real Stateful TCP Packet Filtering in IP
 * Filter", 2000), as pf.conf(5) promises them for "keep state":
 *   I   its last byte is within what the receiver has allowed,
 *   II  its first is no further back than one window of the receiver,
 *   III it acknowledges nothing that was not sent, but for some slack,
 *   IV  and nothing older than that slack.
 * Beside them RFC 5961: a reset is where the next byte would be, and a SYN in
 * a connection changes nothing; RFC 7323: who scales windows.
 */
#include "flow_model.h"

#include <string.h>

#define SLACK 67035 /* a window without scaling, and a packet */
#define HANDSHAKE_SLACK 65535
#define SCALE_MAX 14

/* How far b is ahead of a, in a space of 32 bits. */
static int64_t ahead(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a);
}

static bool has(const struct trace_packet *p, unsigned flags)
{
	return (p->flags & flags) == flags;
}

static bool is_plain_syn(const struct trace_packet *p)
{
	return has(p, TRACE_SYN) && !has(p, TRACE_ACK);
}

/* Of a segment in pieces the first is what is seen. */
static uint32_t last_of(const struct trace_packet *p)
{
	return p->seq + trace_data_len(p) + has(p, TRACE_SYN) +
	       has(p, TRACE_FIN);
}

/* A window of nothing still takes a probe; a SYN's is not scaled. */
static uint32_t window_of(const struct trace_packet *p, unsigned scale)
{
	uint32_t window = p->window;

	if (!has(p, TRACE_SYN))
		window <<= scale;
	return window ? window : 1;
}

static void learn_scale(struct flow_side *s, const struct trace_packet *p)
{
	if (!has(p, TRACE_SYN) || p->wscale == TRACE_NO_SCALE)
		return;
	s->has_scale = true;
	s->scale = p->wscale > SCALE_MAX ? SCALE_MAX : p->wscale;
}

/* Picked up in the middle: how windows are scaled is not known. */
static void loosen(struct flow *f)
{
	f->is_loose = true;
	f->side[0].scale = f->side[1].scale = SCALE_MAX;
}

void flow_tcp_begin(struct flow *f, const struct trace_packet *p)
{
	struct flow_side *from = &f->side[0], *to = &f->side[1];

	learn_scale(from, p);
	if (!is_plain_syn(p))
		loosen(f);
	from->is_seen = true;
	from->sent = from->may = last_of(p);
	from->window = window_of(p, from->scale);
	to->window = 1;
	if (has(p, TRACE_ACK))
		to->sent = p->ack;
}

/* III and IV, for what from acknowledges of to. */
static bool acknowledges(const struct flow_side *from,
			 const struct flow_side *to, uint32_t ack, bool is_wide)
{
	int64_t scaled = (int64_t)SLACK << from->scale;
	int64_t unsent = ahead(to->sent, ack);

	return unsent <= (is_wide ? scaled : SLACK) && -unsent <= scaled;
}

static void learn(struct flow_side *from, struct flow_side *to, uint32_t last,
		  uint32_t ack, uint32_t window)
{
	if (ahead(from->sent, last) > 0)
		from->sent = last;
	if (window > from->window)
		from->window = window;
	if (ahead(to->may, ack + window) > 0)
		to->may = ack + window;
}

/* More of the side that began, before the other one said anything. */
static enum flow_fit alone(struct flow *f, const struct trace_packet *p)
{
	struct flow_side *from = &f->side[0], *to = &f->side[1];
	int64_t slack = (int64_t)SLACK << (f->is_loose ? SCALE_MAX : 0);
	uint32_t window, last = last_of(p);

	if (is_plain_syn(p) && !f->is_loose) {
		flow_tcp_begin(f, p);
		return FLOW_FITS;
	}
	if (has(p, TRACE_RST))
		return p->seq == from->sent ? FLOW_FITS : FLOW_PASSES_BY;
	if (ahead(from->may, last) > slack || ahead(p->seq, from->sent) > slack)
		return FLOW_MISFIT;
	if (ahead(from->sent, last) > 0)
		from->sent = from->may = last;
	window = window_of(p, from->scale);
	if (window > from->window)
		from->window = window;
	if (has(p, TRACE_ACK))
		to->sent = p->ack;
	return FLOW_FITS;
}

/* The first segment of the side that did not begin. */
static enum flow_fit answers(struct flow *f, struct flow_side *from,
			     struct flow_side *to, const struct trace_packet *p)
{
	bool is_reset_there =
		f->is_loose && has(p, TRACE_RST) && p->seq == from->sent;

	if (!has(p, TRACE_ACK) && !has(p, TRACE_SYN) && !is_reset_there)
		return FLOW_MISFIT;
	if (has(p, TRACE_ACK)) {
		/* A half-open connection (RFC 9293 3.5.1) is told of. */
		if (!acknowledges(from, to, p->ack, f->is_loose))
			return !f->is_loose && p->flags == TRACE_ACK &&
					       !trace_data_len(p)
				       ? FLOW_PASSES_BY
				       : FLOW_MISFIT;
		if (!f->is_loose && ahead(to->sent, p->ack) > 0)
			return FLOW_MISFIT;
	}
	learn_scale(from, p);
	if (!has(p, TRACE_SYN) && !has(p, TRACE_RST))
		loosen(f);
	if (f->is_loose)
		from->scale = SCALE_MAX;
	else if (!from->has_scale || !to->has_scale)
		from->scale = to->scale = 0;
	from->is_seen = true;
	from->sent = last_of(p);
	from->may = from->sent + to->window;
	from->window = window_of(p, from->scale);
	to->may = (has(p, TRACE_ACK) ? p->ack : to->sent) + from->window;
	if (ahead(to->may, to->sent) > 0)
		to->may = to->sent; /* what passed once may come again */
	return FLOW_FITS;
}

/* Both sides are known. */
static enum flow_fit goes_on(struct flow *f, unsigned back,
			     const struct trace_packet *p)
{
	struct flow_side *from = &f->side[back], *to = &f->side[!back];
	bool is_over = f->phase >= FLOW_FINWAIT;
	bool is_anew = is_plain_syn(p) && !back;
	int64_t slack = is_over ? SLACK : 0;
	uint32_t ack = has(p, TRACE_ACK) ? p->ack : to->sent;
	uint32_t first = p->seq, last = last_of(p);
	uint32_t data = last - has(p, TRACE_FIN);
	bool is_empty = first == last;

	if (is_empty) /* only what it says counts */
		last = from->sent;
	if ((!is_empty && ahead(from->may, data) > slack) ||
	    (!is_empty && ahead(first, from->sent - to->window) > slack) ||
	    !acknowledges(from, to, ack, is_over || f->is_loose))
		return is_anew ? FLOW_PASSES_BY : FLOW_MISFIT;
	if (f->phase == FLOW_HALF && (ahead(to->sent, ack) > HANDSHAKE_SLACK ||
				      ahead(to->sent, ack) < -HANDSHAKE_SLACK))
		return FLOW_MISFIT;
	if (is_anew && f->phase >= FLOW_ESTABLISHED)
		return FLOW_PASSES_BY; /* RFC 5961 4: its host asks back */
	if (has(p, TRACE_RST) && !is_over &&
	    (ahead(from->sent, p->seq) < -1 || ahead(from->sent, p->seq) > 1))
		return FLOW_MISFIT;
	learn(from, to, last, ack, window_of(p, from->scale));
	return FLOW_FITS;
}

/* RFC 9293 3.10.7.4, and what scans are made of: no rule is asked. */
bool flow_tcp_is_sent(const struct trace_packet *p)
{
	if (has(p, TRACE_SYN))
		return !has(p, TRACE_FIN) && !has(p, TRACE_RST);
	return has(p, TRACE_ACK) || (has(p, TRACE_RST) && !has(p, TRACE_FIN));
}

enum flow_fit flow_tcp_segment(struct flow *f, unsigned back,
			       const struct trace_packet *p)
{
	struct flow_side *from = &f->side[back], *to = &f->side[!back];

	if (!from->is_seen)
		return answers(f, from, to, p);
	if (!to->is_seen)
		return alone(f, p);
	return goes_on(f, back, p);
}

/*
 * RFC 5927 4: at most a window behind the last; until the other side has
 * spoken, a window of the largest. Who was only called has sent nothing.
 */
bool flow_tcp_was_sent(const struct flow *f, unsigned back, uint32_t seq)
{
	const struct flow_side *from = &f->side[back], *to = &f->side[!back];
	uint32_t window = to->window;

	if (f->is_sloppy)
		return true;
	if (!from->is_seen && !f->is_loose)
		return false;
	if (f->phase == FLOW_OPENING || window < 65535)
		window = 65535;
	return from->sent - seq <= window;
}
