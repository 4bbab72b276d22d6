/* SPDX-License-Identifier: BSD-2-Clause */
/* flow.h: a flow with a state in the maps of a subject, for test runs. */
#ifndef NFR_FLOW_H
#define NFR_FLOW_H

#include "craft.h"
#include "measure.h"

struct flow {
	enum measure_hook hook;	  /* where packets are measured */
	bool is_nat;		  /* by the rules of workload_nat() */
	struct craft there, back; /* what is measured; what answers it */
	struct bench_frame frame; /* what is written, once it is open */
};

/*
 * number: no two flows of a subject share one. The state is made and its
 * connection established by packets of both ways; then there is a segment with
 * data that continues it. 0, or -errno with error set.
 */
int flow_open(const struct subject *, enum nfr_family, __u8 proto,
	      enum measure_hook hook, bool is_nat, bool is_piece,
	      unsigned number, struct flow *out, char error[MEASURE_ERROR_MAX]);
/* The other side acknowledges what was written: the window moves on. */
int flow_acknowledge(const struct subject *, struct flow *,
		     char error[MEASURE_ERROR_MAX]);

#endif
