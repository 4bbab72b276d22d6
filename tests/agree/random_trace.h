/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random_trace.h: a seed -> policies under which flows pass, conversations, and
 * what happens in them, step by step.
 *
 * A step names what is sent, not its bytes: an answer goes to whatever address
 * the packet before it came with. So any step can be left out, and a trace runs
 * on engines that choose different ports.
 */
#ifndef NFR_RANDOM_TRACE_H
#define NFR_RANDOM_TRACE_H

#include "random.h"
#include "trace_packet.h"

#define TRACE_POLICIES 3
#define TRACE_TALKS 6
#define TRACE_STEPS 64

enum trace_kind {
	TRACE_NEXT,   /* what the side would send now */
	TRACE_AGAIN,  /* its last packet once more */
	TRACE_STRAY,  /* a segment with numbers that are off */
	TRACE_FINISH, /* FIN; of other protocols as NEXT */
	TRACE_RESET,
	TRACE_ANEW,   /* the same ports, another connection */
	TRACE_PIECES, /* a datagram in fragments */
	TRACE_ERROR,  /* ICMP about the side's last packet */
	TRACE_SPOOF,  /* its last packet, but for an address or port */
	TRACE_JUMP,   /* time passes */
	TRACE_RELOAD, /* another policy */
	TRACE_KINDS
};

struct trace_step {
	enum trace_kind kind;
	unsigned talk, side; /* 0: who begins */
	uint64_t seed;	     /* of all else that is random in it */
};

/* Who talks with whom; where they are follows from the addresses. */
struct trace_talk {
	enum addr_family family;
	uint8_t proto;
	struct trace_ends ends; /* as the one who begins says */
	uint8_t scale[2];
};

struct trace {
	struct trace_talk talks[TRACE_TALKS];
	unsigned talk_count;
	struct trace_step steps[TRACE_STEPS];
	unsigned step_count;
	bool has_jumps;
};

enum trace_place { TRACE_HERE, TRACE_OUTSIDE, TRACE_INSIDE, TRACE_TUNNEL };
/* Where an address is, and packets to it go. */
enum trace_place trace_place_of(enum addr_family, const struct addr *);

/* malloc'd; TRACE_POLICIES of them, like each other. */
void random_trace_policies(struct random *, char *texts[TRACE_POLICIES]);
void random_trace(struct random *, struct trace *);
const char *trace_kind_name(enum trace_kind);

#endif
