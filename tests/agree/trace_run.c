/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_run.c: what a step says -> packets on their way through the host. */
#include "trace_run.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_MIN 1000

static struct trace_side *side_of(struct trace_run *run,
				  const struct trace_step *s, unsigned side)
{
	return &run->sides[s->talk][side];
}

/* ---- the way through the host ----------------------------------------------
 */

/* A frame on its way. */
struct way {
	enum trace_place at, came; /* came: TRACE_HERE, or where it came in */
	unsigned hops;
	bool was_here, is_copy, has_come_in;
};

static bool judge(struct trace_run *run, enum nfr_dir dir, const struct way *w,
		  const struct trace_frame *frame, struct flow_answer *out)
{
	const struct flow_hook h = {
		.names = run->devices,
		.device = w->at - 1,
		.ingress = dir == NFR_DIR_OUT && w->came != TRACE_HERE
				   ? w->came - 1u
				   : FLOW_HERE,
		.dir = dir,
		.now_ms = run->now_ms,
		.hops = w->hops,
		.was_here = w->was_here,
		.is_copy = w->is_copy,
		.has_come_in = w->has_come_in,
	};

	return run->judge(run->arg, &h, frame, out);
}

static bool depart(struct trace_run *run, struct way *w,
		   struct trace_frame *frame);

/* A copy goes out at its device, as any packet; whoever gets it is not asked.
 */
static void copy(struct trace_run *run, const struct way *w,
		 const struct flow_answer *a, bool has_come_in)
{
	struct way own = {.at = (enum trace_place)(a->copy + 1),
			  .came = has_come_in ? w->at : w->came,
			  .hops = w->hops + 1,
			  .is_copy = true,
			  .has_come_in = has_come_in};
	struct trace_frame frame = a->out;

	if (a->copy != FLOW_NOWHERE && !w->is_copy)
		depart(run, &own, &frame);
}

/*
 * Out at w->at, and from there to where it is sent, until a device has it; that
 * is w->at then. What is sent to the device where it is comes there once more.
 */
static bool depart(struct trace_run *run, struct way *w,
		   struct trace_frame *frame)
{
	struct flow_answer a;
	bool is_sent;

	do {
		if (!judge(run, NFR_DIR_OUT, w, frame, &a))
			return false;
		*frame = a.out;
		copy(run, w, &a, false);
		is_sent = a.hop != FLOW_NOWHERE &&
			  (a.hop != w->at - 1u || w->hops == 0);
		if (is_sent && a.hop != w->at - 1u) {
			w->was_here = false;
			w->at = (enum trace_place)(a.hop + 1);
		} else {
			w->was_here = is_sent || w->is_copy;
			is_sent = w->was_here;
		}
		w->hops++;
		w->is_copy = w->has_come_in = false;
	} while (is_sent);
	return true;
}

/* True when it reached who it was for; who keeps where it was seen, or NULL. */
static bool pass(struct trace_run *run, enum trace_place from,
		 struct trace_frame *frame, struct trace_side *who)
{
	struct way w = {.at = from, .came = from};
	struct flow_answer a = {.hop = FLOW_NOWHERE};

	if (from != TRACE_HERE) {
		if (!judge(run, NFR_DIR_IN, &w, frame, &a))
			return false;
		*frame = a.out;
		copy(run, &w, &a, true);
		if (who) {
			who->has_come = true;
			who->come = *frame;
			who->come_at = from;
		}
	}
	w.hops = a.hop != FLOW_NOWHERE;
	w.at = w.hops ? (enum trace_place)(a.hop + 1)
		      : trace_place_of(frame->packet.family,
				       &frame->packet.ends.dst);
	if (w.at == TRACE_HERE)
		return from != TRACE_HERE;
	if (!depart(run, &w, frame))
		return false;
	if (who) {
		who->has_left = true;
		who->left = *frame;
		who->left_at = w.at;
	}
	return true;
}

/* ---- packets of a conversation ---------------------------------------------
 */

/* Some are at their end, or nearly. */
static uint8_t draw_ttl(struct random *r)
{
	uint32_t ttl = random_below(r, 200);

	return (uint8_t)(random_once_in(r, 10) ? ttl % 4 : 4 + ttl);
}

static struct trace_packet base(struct trace_run *run,
				const struct trace_step *s, struct random *r)
{
	const struct trace_talk *talk = &run->trace->talks[s->talk];
	const struct trace_side *me = side_of(run, s, s->side);
	struct trace_packet p = {
		.family = talk->family,
		.proto = talk->proto,
		.ends = talk->ends,
		.ttl = draw_ttl(r),
		.tos = random_once_in(r, 8) ? 0x10 : 0,
		.wscale = talk->scale[s->side],
		.has_options = random_once_in(r, 24),
		.has_no_checksum =
			talk->family == FAMILY_IPV4 && random_once_in(r, 6),
		.data_len = (uint16_t)random_below(r, 60),
		.salt = (uint32_t)random_next(r),
		.id = (uint32_t)random_next(r),
		.seq = me->next,
		.ack = me->wants,
		.flags = TRACE_ACK,
		.window = (uint16_t)(WINDOW_MIN + random_below(r, 60000)),
	};

	if (s->side == 1)
		p.ends = me->has_received ? trace_swapped(&me->received)
					  : trace_swapped(&talk->ends);
	if (p.proto == TRACE_ICMP)
		p.type = s->side ? 0 : 8;
	if (p.proto == TRACE_ICMP6)
		p.type = s->side ? 129 : 128;
	return p;
}

/* A handshake before data. */
static void shake(struct trace_run *run, const struct trace_step *s,
		  struct trace_packet *p)
{
	const struct trace_side *me = side_of(run, s, s->side);

	if (p->proto != TRACE_TCP || me->is_open)
		return;
	p->flags = s->side ? TRACE_SYN | TRACE_ACK : TRACE_SYN;
	p->data_len = 0;
	if (!s->side)
		p->ack = 0;
}

static enum trace_place place_of_sender(const struct trace_packet *p)
{
	return trace_place_of(p->family, &p->ends.src);
}

/* A SYN is sent again with its number, until it is answered. */
static void open_side(struct trace_side *it)
{
	if (!it->is_open && it->has_sent)
		it->next++;
	it->is_open = true;
}

/* What the other side makes of a segment that reached it. */
static void receive(struct trace_run *run, const struct trace_step *s,
		    const struct trace_packet *p)
{
	struct trace_side *it = side_of(run, s, !s->side);

	it->has_received = true;
	it->received = p->ends;
	if (p->proto != TRACE_TCP)
		return;
	if (p->flags & TRACE_SYN) {
		it->wants = p->seq + 1;
		if (s->side)
			open_side(it);
	} else if (p->seq == it->wants) {
		it->wants += p->data_len;
		it->wants += (p->flags & TRACE_FIN) != 0;
		open_side(it);
	}
}

static void send_packet(struct trace_run *run, const struct trace_step *s,
			const struct trace_packet *p)
{
	struct trace_side *me = side_of(run, s, s->side);
	struct trace_frame frame = {.packet = *p};
	bool counts = p->seq == me->next;

	me->has_sent = true;
	me->sent = frame;
	if (p->proto == TRACE_TCP && counts && !(p->flags & TRACE_SYN))
		me->next += p->data_len + ((p->flags & TRACE_FIN) != 0);
	if (pass(run, place_of_sender(p), &frame, me))
		receive(run, s, &frame.packet);
}

static void step_next(struct trace_run *run, const struct trace_step *s,
		      struct random *r)
{
	struct trace_packet p = base(run, s, r);

	shake(run, s, &p);
	if (p.flags == TRACE_ACK && random_once_in(r, 3))
		p.data_len = 0;
	send_packet(run, s, &p);
}

static void step_stray(struct trace_run *run, const struct trace_step *s,
		       struct random *r)
{
	static const uint32_t off[] = {1,     100,   1000,    65535,
				       67035, 67036, 1 << 20, 0x40000000};
	static const uint8_t flags[] = {0,    0x01, 0x03, 0x06, 0x12,
					0x11, 0x18, 0x02, 0x04, 0x14};
	struct trace_packet p = base(run, s, r);
	uint32_t by = random_pick(r, off);

	shake(run, s, &p);
	if (random_once_in(r, 2))
		by = 0 - by;
	switch (random_below(r, 4)) {
	case 0:
		p.seq += by;
		break;
	case 1:
		p.ack += by;
		break;
	case 2:
		p.flags = random_pick(r, flags);
		break;
	default:
		p.seq += by;
		p.flags = random_pick(r, flags);
	}
	if (random_once_in(r, 4))
		p.window = 0;
	send_packet(run, s, &p);
}

static void step_close(struct trace_run *run, const struct trace_step *s,
		       struct random *r)
{
	struct trace_packet p = base(run, s, r);

	if (s->kind == TRACE_FINISH) {
		p.flags = TRACE_FIN | TRACE_ACK;
	} else {
		p.flags = random_once_in(r, 2) ? TRACE_RST
					       : TRACE_RST | TRACE_ACK;
		p.data_len = 0;
		if (random_once_in(r, 4))
			p.seq += random_below(r, 5) - 2;
	}
	send_packet(run, s, &p);
}

static void step_anew(struct trace_run *run, const struct trace_step *s,
		      struct random *r)
{
	struct trace_step first = *s;
	struct trace_packet p;

	first.side = 0;
	for (unsigned i = 0; i < 2; i++) {
		side_of(run, s, i)->is_open = false;
		side_of(run, s, i)->next = (uint32_t)random_next(r);
	}
	p = base(run, &first, r);
	shake(run, &first, &p);
	send_packet(run, &first, &p);
}

static void step_again(struct trace_run *run, const struct trace_step *s,
		       struct random *r)
{
	struct trace_side *me = side_of(run, s, s->side);
	struct trace_frame frame = me->sent;

	if (!me->has_sent) {
		step_next(run, s, r);
		return;
	}
	if (pass(run, place_of_sender(&frame.packet), &frame, me))
		receive(run, s, &frame.packet);
}

/* ---- pieces ---------------------------------------------------------------
 */

static void send_piece(struct trace_run *run, const struct trace_packet *p,
		       unsigned at, unsigned end, unsigned whole)
{
	struct trace_frame frame = {.packet = *p};

	if (end > whole)
		end = whole;
	frame.packet.is_piece = true;
	frame.packet.at = (uint16_t)at;
	frame.packet.len = (uint16_t)(end - at);
	frame.packet.has_more = end < whole;
	pass(run, place_of_sender(p), &frame, NULL);
}

static void step_pieces(struct trace_run *run, const struct trace_step *s,
			struct random *r)
{
	struct trace_packet p = base(run, s, r);
	unsigned first = 32 + 8 * random_below(r, 3), second, whole;

	shake(run, s, &p);
	p.data_len = (uint16_t)(120 + random_below(r, 100));
	whole = (unsigned)trace_transport_len(&p);
	second = first + 8 + 8 * random_below(r, 4);
	switch (random_below(r, 7)) {
	case 0: /* the last one early */
		send_piece(run, &p, second, whole, whole);
		send_piece(run, &p, 0, first, whole);
		send_piece(run, &p, first, second, whole);
		break;
	case 1: /* over the first */
		send_piece(run, &p, 0, first, whole);
		send_piece(run, &p, 8, second, whole);
		send_piece(run, &p, first - 8, second, whole);
		send_piece(run, &p, first, second, whole);
		break;
	case 2: /* another first, longer or shorter */
		send_piece(run, &p, 0, first, whole);
		send_piece(run, &p, 0, second, whole);
		send_piece(run, &p, first, second, whole);
		send_piece(run, &p, second, whole, whole);
		break;
	case 3: /* another packet between */
		send_piece(run, &p, 0, first, whole);
		step_next(run, s, r);
		send_piece(run, &p, first, whole, whole);
		break;
	case 4: /* another policy between */
		send_piece(run, &p, 0, first, whole);
		run->reload(run->arg, random_below(r, TRACE_POLICIES));
		send_piece(run, &p, first, whole, whole);
		break;
	default:
		send_piece(run, &p, 0, first, whole);
		send_piece(run, &p, first, second, whole);
		send_piece(run, &p, second, whole, whole);
	}
}

/* ---- errors ---------------------------------------------------------------
 */

static struct addr text_addr(const char *text)
{
	enum addr_family family;
	struct addr a;

	if (addr_parse(text, &a, &family) != 0)
		abort();
	return a;
}

static void quote(struct random *r, const struct trace_frame *about,
		  struct trace_frame *frame)
{
	static const uint8_t types[2][3] = {{3, 11, 3}, {1, 2, 3}};
	const struct trace_packet *q = &about->packet;
	bool is_v6 = q->family == FAMILY_IPV6;
	size_t head =
		is_v6 ? 40u + 8u * q->has_options : 20u + 4u * q->has_options;
	size_t whole = head + trace_transport_len(q);

	memset(frame, 0, sizeof(*frame));
	frame->is_error = true;
	frame->quoted = *q;
	frame->quoted_len = (uint16_t)(head + 8 < whole ? head + 8 : whole);
	if (random_once_in(r, 2))
		frame->quoted_len = (uint16_t)whole;
	frame->packet = (struct trace_packet){
		.family = q->family,
		.proto = is_v6 ? TRACE_ICMP6 : TRACE_ICMP,
		.ttl = 64,
		.wscale = TRACE_NO_SCALE,
		.type = random_pick(r, types[is_v6]),
		.code = (uint8_t)random_below(r, 2),
		.data_len = frame->quoted_len,
		.id = (uint32_t)random_next(r),
		.ends = {.dst = q->ends.src},
	};
}

/* Errors that nobody would send. */
static void disturb(struct random *r, struct trace_frame *frame)
{
	switch (random_below(r, 4)) {
	case 0:
		frame->packet.ends.dst.w[0] ^= 1;
		break;
	case 1:
		frame->quoted.ends.dport ^= frame->quoted.proto != 47;
		if (trace_is_echo(&frame->quoted))
			frame->quoted.ends.sport ^= 1;
		break;
	case 2:
		frame->quoted.seq +=
			random_once_in(r, 2) ? 1u << 20 : 0u - (1u << 20);
		break;
	default:
		frame->quoted.ends.dst.w[0] ^= 1;
	}
}

static void step_error(struct trace_run *run, const struct trace_step *s,
		       struct random *r)
{
	struct trace_side *me = side_of(run, s, s->side);
	bool is_v6 = run->trace->talks[s->talk].family == FAMILY_IPV6;
	bool is_own = random_once_in(r, 3);
	struct trace_frame frame;
	struct flow_answer a;

	if (is_own ? !me->has_come : !me->has_left)
		return;
	quote(r, is_own ? &me->come : &me->left, &frame);
	frame.packet.ends.src =
		text_addr(is_v6 ? "2001:db8:9::9" : "192.0.2.99");
	if (is_own)
		frame.packet.ends.src =
			text_addr(is_v6 ? "2001:db8::1" : "192.168.1.77");
	else if (random_once_in(r, 2))
		frame.packet.ends.src = frame.quoted.ends.dst;
	if (random_once_in(r, 5))
		disturb(r, &frame);
	if (is_own)
		judge(run, NFR_DIR_OUT, &(struct way){.at = me->come_at},
		      &frame, &a);
	else
		pass(run, me->left_at, &frame, NULL);
}

/* ---- lookalikes ------------------------------------------------------------
 */

static void step_spoof(struct trace_run *run, const struct trace_step *s,
		       struct random *r)
{
	struct trace_packet p = base(run, s, r);
	struct trace_frame frame;
	enum trace_place from;

	shake(run, s, &p);
	from = place_of_sender(&p);
	switch (random_below(r, 6)) {
	case 0:
		p.ends.src.w[p.family == FAMILY_IPV4 ? 0 : 3] ^= 1;
		break;
	case 1:
		p.ends.dst.w[p.family == FAMILY_IPV4 ? 0 : 3] ^= 1;
		break;
	case 2:
		p.ends.sport ^= 1;
		break;
	case 3:
		p.ends.dport ^= 1;
		break;
	case 4: /* as who does not see the translation would */
		p.ends = run->trace->talks[s->talk].ends;
		if (s->side)
			p.ends = trace_swapped(&p.ends);
		break;
	default:
		from = 1 + random_below(r, 3);
	}
	if (p.proto == 47)
		p.ends.sport = p.ends.dport = 0;
	if (trace_is_echo(&p))
		p.ends.dport = p.ends.sport;
	frame = (struct trace_frame){.packet = p};
	pass(run, from, &frame, NULL);
}

/* ---- steps ----------------------------------------------------------------
 */

void trace_run_begin(struct trace_run *run, const struct trace *trace,
		     uint64_t now_ms)
{
	run->trace = trace;
	run->now_ms = now_ms;
	memset(run->sides, 0, sizeof(run->sides));
	for (unsigned i = 0; i < TRACE_TALKS; i++)
		for (unsigned k = 0; k < 2; k++)
			run->sides[i][k].next =
				0x10000000u * (i + 8 * k) - 50 * i;
}

void trace_run_step(struct trace_run *run, const struct trace_step *s)
{
	static const uint16_t jumps[] = {1,  3,	 4,  8,	  10,  21, 31,
					 46, 61, 91, 121, 901, 40};
	struct random r = {.state = s->seed};

	switch (s->kind) {
	case TRACE_NEXT:
		step_next(run, s, &r);
		break;
	case TRACE_AGAIN:
		step_again(run, s, &r);
		break;
	case TRACE_STRAY:
		step_stray(run, s, &r);
		break;
	case TRACE_FINISH:
	case TRACE_RESET:
		step_close(run, s, &r);
		break;
	case TRACE_ANEW:
		step_anew(run, s, &r);
		break;
	case TRACE_PIECES:
		step_pieces(run, s, &r);
		break;
	case TRACE_ERROR:
		step_error(run, s, &r);
		break;
	case TRACE_SPOOF:
		step_spoof(run, s, &r);
		break;
	case TRACE_JUMP:
		run->now_ms += random_pick(&r, jumps) * (uint64_t)1000;
		break;
	default:
		run->reload(run->arg, random_below(&r, TRACE_POLICIES));
	}
}
