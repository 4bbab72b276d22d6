/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * throughput.c: iperf3 under a tunnel's contract, under nftables as a kill
 * switch and under no filter -> a line a case.
 *
 * The ways are those of path.c. What sends and what receives have a CPU each,
 * where there are two: what a path carries when it is not one core that does
 * all of it.
 */
#include "throughput.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"
#include "iperf.h"

#define CALIBRATION 32000u /* kB, of 1,000 bytes: beyond what sockets hold */

enum { KIND_UP, KIND_DOWN, KINDS };
static const char *const kind_names[KINDS] = {"up", "down"};

/* What measures: iperf3, and where it runs. */
struct meter {
	char version[IPERF_VERSION_MAX];
	char cpus[32];
};

struct bench {
	struct contract contract;
	struct iperf servers[CONTRACT_LABS];
	struct cases cases;
};

/* Far from each other, as neighbours may be threads of one core. */
static int choose_cpus(struct meter *m, char error[MEASURE_ERROR_MAX])
{
	int first = CPU_SETSIZE, last = -1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set)) {
		int err = errno;

		snprintf(error, MEASURE_ERROR_MAX, "read the set of CPUs: %s",
			 strerror(err));
		return -err;
	}
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			first = cpu < first ? cpu : first;
			last = cpu;
		}
	snprintf(m->cpus, sizeof(m->cpus), first == last ? "%d" : "%d,%d",
		 first, last);
	return 0;
}

static int serve(void *who, const struct lab *lab, size_t number,
		 char error[MEASURE_ERROR_MAX])
{
	struct bench *b = who;

	return iperf_serve(lab, &b->servers[number], error);
}

static int measure(void *who, const struct path_case *at, unsigned count,
		   double *ns, uint64_t *passed, char error[MEASURE_ERROR_MAX])
{
	struct bench *b = who;
	const struct iperf_task task = {
		.lab = &b->contract.labs[at->lab],
		.family = at->is_ipv6 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4,
		.net = at->net,
		.is_up = at->kind == KIND_UP,
		.kilobytes = count,
		.cpus = b->cases.cpus,
		.likely_ms = b->contract.settings->ms,
	};
	struct iperf_result result;
	int ret = iperf_run(&task, &result, error);

	if (ret)
		return ret;
	*ns = result.seconds * 1e12 / result.bytes;
	*passed = (uint64_t)(result.bytes / 1000);
	return 0;
}

int bench_throughput(const struct settings *settings, const struct machine *m,
		     char error[MEASURE_ERROR_MAX])
{
	static const struct cases_kinds kinds = {.names = kind_names,
						 .count = KINDS,
						 .least = CALIBRATION,
						 .is_least = true,
						 .measure = measure};
	struct meter meter;
	struct bench *b;
	int ret = lab_begin(error);

	if (!ret)
		ret = iperf_version(meter.version, error);
	if (!ret)
		ret = choose_cpus(&meter, error);
	if (ret)
		return ret;
	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	for (size_t i = 0; i < CONTRACT_LABS; i++)
		b->servers[i] = IPERF_NONE;
	if (!settings->is_json)
		printf("iperf3 %s on CPU %s\n", meter.version, meter.cpus);
	b->cases.contract = &b->contract;
	b->cases.kinds = &kinds;
	b->cases.who = b;
	b->cases.cpus = meter.cpus;
	b->cases.iperf = meter.version;
	ret = contract_open(&b->contract, settings, serve, b, error);
	if (!ret)
		ret = cases_run(&b->cases, m, error);
	for (size_t i = 0; i < CONTRACT_LABS; i++)
		iperf_end(&b->servers[i]);
	contract_close(&b->contract);
	free(b);
	return ret;
}
