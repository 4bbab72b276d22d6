/* SPDX-License-Identifier: BSD-2-Clause */
/* random_trace.c: random numbers -> conversations and their steps. */
#include "random_trace.h"

#include <stdlib.h>
#include <string.h>

/* The host of host.json has the first of each; the others are around it. */
static const char *const here[] = {"192.168.1.77", "10.0.0.1", "10.1.2.3",
				   "2001:db8::1", "fd00::1"};
static const char *const inside[2][3] = {{"10.0.0.2", "10.0.0.3", "10.0.0.10"},
					 {"fd00::2", "fd00::3", "fd00::10"}};
static const char *const outside[2][3] = {
	{"198.51.100.7", "203.0.113.9", "192.168.1.64"},
	{"2001:db8:1::7", "2001:db8:0:1::", "2001:db8::7"}};

static struct addr parse(const char *text)
{
	enum addr_family family;
	struct addr a;

	if (addr_parse(text, &a, &family) != 0)
		abort();
	return a;
}

enum trace_place trace_place_of(enum addr_family family, const struct addr *a)
{
	for (size_t i = 0; i < sizeof(here) / sizeof(*here); i++) {
		struct addr own = parse(here[i]);

		if ((strchr(here[i], ':') != NULL) == (family == FAMILY_IPV6) &&
		    addr_compare(&own, a) == 0)
			return TRACE_HERE;
	}
	if (family == FAMILY_IPV4 && a->w[0] >> 16 == 0x0a01)
		return TRACE_TUNNEL; /* 10.1.0.0/16 */
	if (a->w[0] >> 24 == (family == FAMILY_IPV4 ? 0x0a : 0xfd))
		return TRACE_INSIDE;
	return TRACE_OUTSIDE;
}

static struct addr draw_inside(struct random *r, bool is_v6)
{
	return parse(random_pick(r, inside[is_v6]));
}

static struct addr draw_outside(struct random *r, bool is_v6)
{
	return parse(random_pick(r, outside[is_v6]));
}

static struct addr draw_here(struct random *r, bool is_v6)
{
	if (is_v6)
		return parse(here[3 + random_below(r, 2)]);
	return parse(here[random_below(r, 3)]);
}

static void draw_ends(struct random *r, struct trace_talk *t)
{
	static const uint16_t ports[] = {80, 443, 53, 22, 8080};
	bool is_v6 = t->family == FAMILY_IPV6;
	struct trace_ends *e = &t->ends;

	switch (random_below(r, 6)) {
	case 0: /* to here */
		e->src = random_once_in(r, 2) ? draw_inside(r, is_v6)
					      : draw_outside(r, is_v6);
		e->dst = draw_here(r, is_v6);
		break;
	case 1: /* from here */
		e->src = draw_here(r, is_v6);
		e->dst = random_once_in(r, 4) ? draw_inside(r, is_v6)
					      : draw_outside(r, is_v6);
		break;
	case 2: /* from outside, to an address here that may be redirected */
		e->src = draw_outside(r, is_v6);
		e->dst = parse(here[is_v6 ? 3 : 0]);
		break;
	default:
		e->src = draw_inside(r, is_v6);
		e->dst = draw_outside(r, is_v6);
	}
	e->sport = (uint16_t)(1024 + random_below(r, 4));
	e->dport = random_pick(r, ports);
}

static void draw_talk(struct random *r, struct trace_talk *t)
{
	static const uint8_t protos[] = {TRACE_TCP, TRACE_TCP, TRACE_TCP,
					 TRACE_UDP, TRACE_UDP, TRACE_ICMP,
					 47};

	t->family = random_once_in(r, 3) ? FAMILY_IPV6 : FAMILY_IPV4;
	t->proto = random_pick(r, protos);
	if (t->proto == TRACE_ICMP && t->family == FAMILY_IPV6)
		t->proto = TRACE_ICMP6;
	draw_ends(r, t);
	if (t->proto == TRACE_ICMP || t->proto == TRACE_ICMP6)
		t->ends.dport = t->ends.sport;
	if (t->proto == 47)
		t->ends.sport = t->ends.dport = 0;
	for (unsigned i = 0; i < 2; i++)
		t->scale[i] = random_once_in(r, 3)
				      ? TRACE_NO_SCALE
				      : (uint8_t)random_below(r, 16);
}

/* Mostly what conversations are made of. */
static enum trace_kind draw_kind(struct random *r, bool has_jumps)
{
	uint32_t n = random_below(r, 100);

	if (n < 60)
		return TRACE_NEXT;
	if (n < 65)
		return TRACE_AGAIN;
	if (n < 72)
		return TRACE_STRAY;
	if (n < 77)
		return TRACE_FINISH;
	if (n < 80)
		return TRACE_RESET;
	if (n < 83)
		return TRACE_ANEW;
	if (n < 87)
		return TRACE_PIECES;
	if (n < 92)
		return TRACE_ERROR;
	if (n < 96)
		return TRACE_SPOOF;
	return has_jumps && n < 98 ? TRACE_JUMP : TRACE_RELOAD;
}

void random_trace(struct random *r, struct trace *t)
{
	unsigned talk = 0, turn = 0;

	memset(t, 0, sizeof(*t));
	t->has_jumps = random_once_in(r, 3);
	t->talk_count = 1 + random_below(r, TRACE_TALKS);
	for (unsigned i = 0; i < t->talk_count; i++) {
		draw_talk(r, &t->talks[i]);
		/* Some are alike but for a port: they compete. */
		if (i && random_once_in(r, 3)) {
			t->talks[i] = t->talks[random_below(r, i)];
			if (t->talks[i].proto != 47)
				t->talks[i].ends.sport++;
			if (t->talks[i].proto == TRACE_ICMP ||
			    t->talks[i].proto == TRACE_ICMP6)
				t->talks[i].ends.dport++;
		}
	}
	t->step_count = 20 + random_below(r, 41);
	for (unsigned i = 0; i < t->step_count; i++) {
		struct trace_step *s = &t->steps[i];

		if (random_once_in(r, 4))
			talk = random_below(r, t->talk_count);
		turn = random_once_in(r, 4) ? random_below(r, 2) : !turn;
		*s = (struct trace_step){.kind = draw_kind(r, t->has_jumps),
					 .talk = talk,
					 .side = turn,
					 .seed = random_next(r)};
	}
}

const char *trace_kind_name(enum trace_kind kind)
{
	static const char *const names[] = {
		"next",	  "again", "stray", "finish", "reset", "anew",
		"pieces", "error", "spoof", "jump",   "reload"};

	return names[kind];
}
