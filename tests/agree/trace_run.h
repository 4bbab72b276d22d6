/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_run.h: steps -> packets, at one device of the host after the other.
 *
 * A packet comes in at the device that its sender is behind, and what passes
 * leaves, as it is by then, at the device that its destination is behind; or at
 * those to which it is sent, and copies of it at theirs.
 */
#ifndef NFR_TRACE_RUN_H
#define NFR_TRACE_RUN_H

#include "flow_model.h"
#include "random_trace.h"

/* One side of a conversation. */
struct trace_side {
	bool has_sent, has_received, is_open;
	struct trace_frame sent;    /* its last packet, as it was sent */
	struct trace_ends received; /* of the last that reached it */
	uint32_t next, wants;	    /* sequence numbers */
	/* Its last packet, where it came in and where it went out. */
	bool has_come, has_left;
	struct trace_frame come, left;
	unsigned come_at, left_at;
};

struct trace_run {
	const struct trace *trace;
	struct trace_side sides[TRACE_TALKS][2];
	uint64_t now_ms;
	const char *const *devices;
	/*
	 * True when the frame passes, and *out says how it left, and where it
	 * and a copy are sent. What steps need beside packets is the caller's
	 * too.
	 */
	bool (*judge)(void *arg, const struct flow_hook *,
		      const struct trace_frame *, struct flow_answer *out);
	void (*reload)(void *arg, unsigned policy);
	void *arg;
};

void trace_run_begin(struct trace_run *, const struct trace *, uint64_t now_ms);
void trace_run_step(struct trace_run *, const struct trace_step *);

#endif
