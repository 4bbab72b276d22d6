/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tracer.h: a trace's headers -> frames, written one after the other in front
 * of a subject's program: ns of both, and what became of each.
 */
#ifndef NFR_TRACER_H
#define NFR_TRACER_H

#include "filters.h"
#include "measure.h"

/*
 * Headers that no packet has, or that the datapath blocks before it asks a
 * rule, go: addresses of the loopback, and protocols that IPv6 has for its own
 * headers. How many went.
 */
size_t tracer_sift(struct filters *, bool is_ipv6);

struct tracer {
	struct bpf_object *object;
	enum measure_hook hook;
	int prog, cursor; /* of it; fds */
	uint32_t count;	  /* of frames */
	struct bench_packet first;
};

/*
 * The hook is MEASURE_XDP or MEASURE_IN. All: 0, or -errno with error set.
 * tracer_close() in any case.
 */
int tracer_open(const struct subject *, enum measure_hook,
		const struct filters *, bool is_ipv6, struct tracer *out,
		char error[MEASURE_ERROR_MAX]);
void tracer_close(struct tracer *);
/* Does frame number i of the trace pass? */
int tracer_judge(const struct tracer *, uint32_t i, bool *passes,
		 char error[MEASURE_ERROR_MAX]);
/* Mean ns of so many runs over the trace; one: always its first frame. */
int tracer_run(const struct tracer *, bool is_one, uint32_t repeat, double *ns,
	       char error[MEASURE_ERROR_MAX]);

#endif
