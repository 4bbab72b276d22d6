/* SPDX-License-Identifier: BSD-2-Clause */
/* event.h: a record of the ring buffer -> a line for people, or JSON. */
#ifndef NFR_EVENT_H
#define NFR_EVENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../compiler/image.h"
#include "abi.h"

struct event_context {
	const struct image
		*image; /* of the event's generation; NULL: unknown */
	const char *ifname;
	int64_t time_us; /* since 1970 */
	bool use_color;
};

/* tcpdump's -t, -tt, -ttt, -tttt, by how many t there are. */
enum event_time {
	EVENT_TIME_CLOCK, /* 12:00:01.123456, local */
	EVENT_TIME_NONE,
	EVENT_TIME_EPOCH, /* 1763712345.123456 */
	EVENT_TIME_DELTA, /* since the last line */
	EVENT_TIME_DATE,  /* 2026-11-21 12:00:01.123456, local */
	EVENT_TIMES
};

#define EVENT_TIME_MAX 64
/* Text with one space behind it, or "". last_us: the event before, or 0. */
void event_format_time(enum event_time, int64_t time_us, int64_t last_us,
		       char out[EVENT_TIME_MAX]);

/*
 * "block out on eth0 IP 10.0.0.2.4000 > 9.9.9.9.53: udp, length 61 [guard] @14
 * vpn.nfr:4:1 gen 6", without newline. Any bytes of an event are fine.
 */
void event_print(const struct nfr_event *, const struct event_context *,
		 FILE *);
/* The packet alone: "IP 10.0.0.2.4000 > 9.9.9.9.53: udp, length 61". */
void event_print_packet(const struct nfr_event *, FILE *);
/* A new object, of the fields "event" in json.def. */
json_t *event_json(const struct nfr_event *, const struct event_context *);

const char *event_reason_name(unsigned reason); /* "?" beyond the last */
const char *event_reason_text(unsigned reason);
bool event_reason_is_doubt(unsigned reason);

#endif
