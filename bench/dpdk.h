/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpdk.h: filters and headers -> what DPDK's librte_acl takes for a header, by
 * its own program dpdk-test-acl: user space, without huge pages.
 */
#ifndef NFR_DPDK_H
#define NFR_DPDK_H

#include "filters.h"
#include "measure.h"

enum dpdk_way {
	DPDK_SCALAR, /* one header a call */
	DPDK_AVX2,   /* batches of 256 */
	DPDK_WAYS
};
extern const char *const dpdk_names[DPDK_WAYS]; /* "dpdk-scalar" ... */

struct dpdk {
	int rules, trace;	   /* files; -1: none */
	const struct filters *set; /* its trace may change once it is checked */
	size_t filters, headers;   /* in the files */
	bool is_ipv6;
	double load_ms[DPDK_WAYS]; /* of its last run: all but the headers */
};

/*
 * All: 0, or -errno with error set; -ENOENT: it is not installed.
 * dpdk_close() in any case.
 */
int dpdk_open(const struct filters *, bool is_ipv6, struct dpdk *out,
	      char error[MEASURE_ERROR_MAX]);
void dpdk_close(struct dpdk *);
/* Every header of the trace finds what a walk over the filters finds. */
int dpdk_check(struct dpdk *, enum dpdk_way, char error[MEASURE_ERROR_MAX]);
/* Mean ns of a header, in a run of ms milliseconds or longer. */
int dpdk_run(struct dpdk *, enum dpdk_way, unsigned ms, double *ns,
	     char error[MEASURE_ERROR_MAX]);

#endif
