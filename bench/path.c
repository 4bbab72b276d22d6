/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * path.c: plain sockets under a tunnel's contract, under nftables as a kill
 * switch and under no filter -> a line a case.
 *
 * "lan" is what the contract excludes: out by the cable. "tunnel" is the whole
 * path: into tun0, and what the kernel wraps out by the cable.
 */
#include "path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "burst.h"
#include "cases.h"
#include "stream.h"

#define CALIBRATION 500u

static const char *const kind_names[STREAMS] = {
	[STREAM_UDP] = "udp",		[STREAM_TCP] = "tcp",
	[STREAM_REQUEST] = "request",	[STREAM_UPLOAD] = "upload",
	[STREAM_DOWNLOAD] = "download",
};
_Static_assert(STREAMS <= CASES_KINDS, "cases have room for all kinds");

struct bench {
	struct contract contract;
	struct stream streams[CONTRACT_LABS][2][2]; /* by net, family */
	struct cases cases;
};

static int open_streams(void *who, const struct lab *lab, size_t number,
			char error[MEASURE_ERROR_MAX])
{
	struct bench *b = who;
	int ret = 0;

	for (unsigned n = 0; n < 4 && !ret; n++)
		if (cases_want(b->contract.settings, n % 2))
			ret = stream_open(
				lab, n % 2 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
				n / 2 ? LAB_TUNNEL : LAB_CABLE,
				&b->streams[number][n / 2][n % 2], error);
	return ret;
}

static int stay(char error[MEASURE_ERROR_MAX])
{
	bool is_first;
	int ret = burst_pin(&is_first, error);

	if (!ret && !is_first)
		fputs("nfbench: no SCHED_FIFO here: other programs take "
		      "turns\n",
		      stderr);
	return ret;
}

static int measure(void *who, const struct path_case *at, unsigned count,
		   double *ns, uint64_t *passed, char error[MEASURE_ERROR_MAX])
{
	struct bench *b = who;
	struct stream *stream = &b->streams[at->lab][at->net][at->is_ipv6];
	uint64_t elapsed_ns = 0;
	int ret = stream_run(stream, (enum stream_kind)at->kind, count,
			     &elapsed_ns, passed, error);

	*ns = (double)elapsed_ns / count;
	if (ret || *passed >= count - count / 1000)
		return ret;
	snprintf(error, MEASURE_ERROR_MAX, "of %u %llu arrived", count,
		 (unsigned long long)*passed);
	return -EBADE;
}

int bench_path(const struct settings *settings, const struct machine *m,
	       char error[MEASURE_ERROR_MAX])
{
	static const struct cases_kinds kinds = {.names = kind_names,
						 .count = STREAMS,
						 .least = CALIBRATION,
						 .measure = measure};
	struct bench *b;
	int ret = lab_begin(error);

	if (ret)
		return ret;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	for (unsigned n = 0; n < CONTRACT_LABS * 4; n++)
		b->streams[n / 4][n / 2 % 2][n % 2] =
			(struct stream){.udp = -1, .sink = -1, .listener = -1};
	b->cases.contract = &b->contract;
	b->cases.kinds = &kinds;
	b->cases.who = b;
	ret = contract_open(&b->contract, settings, open_streams, b, error);
	if (!ret)
		ret = stay(error);
	if (!ret)
		ret = cases_run(&b->cases, m, error);
	for (unsigned n = 0; n < CONTRACT_LABS * 4; n++)
		stream_close(&b->streams[n / 4][n / 2 % 2][n % 2]);
	contract_close(&b->contract);
	free(b);
	return ret;
}
