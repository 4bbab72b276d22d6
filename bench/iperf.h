/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iperf.h: iperf3 between the sides of a lab. What is started here ends with
 * this process, however that ends.
 */
#ifndef NFR_BENCH_IPERF_H
#define NFR_BENCH_IPERF_H

#include <sys/types.h>

#include "lab.h"

struct iperf {
	pid_t pid; /* -1: none */
	int said;  /* fd of what it said; -1: none */
};
#define IPERF_NONE ((struct iperf){-1, -1})

#define IPERF_VERSION_MAX 16

struct iperf_task {
	const struct lab *lab; /* whose server runs */
	enum nfr_family family;
	enum lab_net net;
	bool is_up;	    /* near sends */
	unsigned kilobytes; /* of 1,000 bytes */
	unsigned likely_ms; /* how long that takes, if nothing is wrong */
	const char *cpus;   /* near's and far's, "0,1"; or "0": no choice */
};

/* What arrived, and in what time. */
struct iperf_result {
	double bytes, seconds;
};

/* All: 0, or -errno with error set; -ENOENT: iperf3 is not installed. */
int iperf_version(char version[IPERF_VERSION_MAX],
		  char error[MEASURE_ERROR_MAX]);
/* A server at far, for both families and ways; ended in any case. */
int iperf_serve(const struct lab *, struct iperf *out,
		char error[MEASURE_ERROR_MAX]);
void iperf_end(struct iperf *);
/* One connection. */
int iperf_run(const struct iperf_task *, struct iperf_result *out,
	      char error[MEASURE_ERROR_MAX]);

#endif
