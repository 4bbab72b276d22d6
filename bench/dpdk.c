/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dpdk.c: filters and headers -> files in ClassBench's format, a run of
 * dpdk-test-acl on them, and what it says of them.
 *
 * The program times its headers itself, from the first call to the last, and
 * says which filter each header found where it is asked to.
 */
#include "dpdk.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "lab.h"

#define PROGRAM "dpdk-test-acl"
#define MEMORY_MB "2048" /* which it maps, and touches as it needs */
#define HEADER_NS 100	 /* so little or more: runs are long enough */
#define ROUNDS_MIN 10u	 /* of the trace; the first finds cold caches */
#define LOUD 2		 /* --verbose: each header */
#define SAID_MAX (MEASURE_ERROR_MAX / 4)

const char *const dpdk_names[DPDK_WAYS] = {"dpdk-scalar", "dpdk-avx2"};

static const struct {
	const char *alg;
	unsigned step;
} ways[DPDK_WAYS] = {{"scalar", 1}, {"avx2", 256}};

static int dpdk_fail(int err, const char *what, char error[MEASURE_ERROR_MAX])
{
	snprintf(error, MEASURE_ERROR_MAX, "%s: %s", what, strerror(-err));
	return err;
}

/* ---- files ------------------------------------------------------------- */

static void put_filter(const struct filter *f, bool is_ipv6, FILE *out)
{
	char src[FILTERS_NET_MAX], dst[FILTERS_NET_MAX];

	filters_net(f->src, f->src_len, is_ipv6, src);
	filters_net(f->dst, f->dst_len, is_ipv6, dst);
	fprintf(out, "@%s\t%s\t%u : %u\t%u : %u\t0x%02x/0x%02x\n", src, dst,
		f->sport[0], f->sport[1], f->dport[0], f->dport[1],
		is_ipv6 ? filters_wide_proto(f->proto) : f->proto,
		f->has_proto ? 0xff : 0);
}

/* Addresses as numbers, or as IPv6 writes them. */
static void put_header(const struct bench_header4 *h, bool is_ipv6, FILE *out)
{
	char src[FILTERS_NET_MAX], dst[FILTERS_NET_MAX];

	if (is_ipv6) {
		filters_net(h->src, 32, true, src);
		filters_net(h->dst, 32, true, dst);
		*strchr(src, '/') = *strchr(dst, '/') = '\0';
	} else {
		snprintf(src, sizeof(src), "%u", h->src);
		snprintf(dst, sizeof(dst), "%u", h->dst);
	}
	fprintf(out, "%s %s %u %u %u\n", src, dst, h->sport, h->dport,
		is_ipv6 ? filters_wide_proto(h->proto) : h->proto);
}

static int write_files(const struct dpdk *d)
{
	FILE *rules = fdopen(dup(d->rules), "w");
	FILE *trace = fdopen(dup(d->trace), "w");
	bool is_written = rules && trace;

	for (size_t i = 0; i < d->set->count && is_written; i++)
		put_filter(&d->set->items[i], d->is_ipv6, rules);
	for (size_t i = 0; i < d->set->trace_count && is_written; i++)
		put_header(&d->set->trace[i], d->is_ipv6, trace);
	if (rules)
		is_written &= !fclose(rules);
	if (trace)
		is_written &= !fclose(trace);
	return is_written ? 0 : -EIO;
}

int dpdk_open(const struct filters *set, bool is_ipv6, struct dpdk *d,
	      char error[MEASURE_ERROR_MAX])
{
	int ret;

	*d = (struct dpdk){.set = set,
			   .filters = set->count,
			   .headers = set->trace_count,
			   .is_ipv6 = is_ipv6,
			   .trace = -1};
	d->rules = memfd_create("nfbench-rules", MFD_CLOEXEC);
	if (d->rules >= 0)
		d->trace = memfd_create("nfbench-trace", MFD_CLOEXEC);
	ret = d->trace < 0 ? -errno : write_files(d);
	return ret ? dpdk_fail(ret, "files for " PROGRAM, error) : 0;
}

void dpdk_close(struct dpdk *d)
{
	if (d->rules >= 0)
		close(d->rules);
	if (d->trace >= 0)
		close(d->trace);
	d->rules = d->trace = -1;
}

/* ---- the program ------------------------------------------------------- */

static unsigned one_cpu(void)
{
	cpu_set_t set;
	unsigned cpu = 0;

	CPU_ZERO(&set);
	if (sched_getaffinity(0, sizeof(set), &set))
		return 0;
	while (cpu + 1 < CPU_SETSIZE && !CPU_ISSET(cpu, &set))
		cpu++;
	return cpu;
}

/*
 * Before other programs, where the kernel lets us: a test run's clock stands
 * while they take their turn, this one's goes on.
 */
static FILE *open_first(const char *command)
{
	const struct sched_param first = {.sched_priority = 1}, other = {0};
	bool is_first = !sched_setscheduler(0, SCHED_FIFO, &first);
	FILE *pipe = popen(command, "re");

	if (is_first)
		sched_setscheduler(0, SCHED_OTHER, &other);
	return pipe;
}

static FILE *start(const struct dpdk *d, enum dpdk_way way, unsigned rounds,
		   unsigned verbose)
{
	char command[768];

	snprintf(
		command, sizeof(command),
		"exec " PROGRAM " --no-huge -m " MEMORY_MB
		" --no-pci --no-shconf --no-telemetry --log-level=1 -l %u -- "
		"--rulesf=/proc/%d/fd/%d --tracef=/proc/%d/fd/%d --rulenum=%zu "
		"--tracenum=%zu --bldcat=1 --alg=%s --tracestep=%u --iter=%u "
		"--verbose=%u%s 2>&1",
		one_cpu(), getpid(), d->rules, getpid(), d->trace,
		d->filters + 1, d->headers + 1, ways[way].alg, ways[way].step,
		rounds, verbose, d->is_ipv6 ? " --ipv6" : "");
	return open_first(command);
}

static int not_found(const char *way, size_t header, uint32_t found,
		     uint32_t want, char error[MEASURE_ERROR_MAX])
{
	snprintf(error, MEASURE_ERROR_MAX,
		 "%s finds filter %d for header %zu, a walk over the filters "
		 "%d",
		 way, (int)found, header, (int)want);
	return -EBADE;
}

/* What a line says: of a header, or of all. */
struct said {
	size_t headers;		    /* that it told of */
	double per_second, seconds; /* 0: nothing yet */
	char last[SAID_MAX];
};

static int hear(const struct dpdk *d, enum dpdk_way way, const char *line,
		struct said *said, char error[MEASURE_ERROR_MAX])
{
	const char *time = strstr(line, " cycles (");
	uint32_t found, want;
	size_t number;

	if (sscanf(line, "ipv%*c_5tuple: %zu, category: 0, result: %" SCNu32,
		   &number, &found) == 2) {
		if (number != ++said->headers || number > d->headers)
			return not_found(dpdk_names[way], number, found,
					 FILTERS_NONE, error);
		want = filters_find(d->set, &d->set->trace[number - 1]);
		return found == want ? 0
				     : not_found(dpdk_names[way], number, found,
						 want, error);
	}
	snprintf(said->last, sizeof(said->last), "%.*s",
		 (int)strcspn(line, "\n"), line);
	if (time)
		sscanf(time, " cycles (%lf sec), %*f cycles/pkt, %lf pkt/sec",
		       &said->seconds, &said->per_second);
	return 0;
}

static int go(struct dpdk *d, enum dpdk_way way, unsigned rounds,
	      unsigned verbose, struct said *said,
	      char error[MEASURE_ERROR_MAX])
{
	uint64_t begun = clock_now_ns();
	FILE *pipe = start(d, way, rounds, verbose);
	char line[512];
	int status, ret = 0;

	*said = (struct said){0};
	if (!pipe)
		return dpdk_fail(-errno, PROGRAM, error);
	while (fgets(line, sizeof(line), pipe))
		if (!ret)
			ret = hear(d, way, line, said, error);
	status = pclose(pipe);
	d->load_ms[way] = clock_ms_since(begun) - said->seconds * 1e3;
	/* As the shell says it: none, or none that may run. */
	if (status != -1 && WIFEXITED(status) && WEXITSTATUS(status) >= 126) {
		snprintf(error, MEASURE_ERROR_MAX, "%s: it is not installed",
			 PROGRAM);
		return -ENOENT;
	}
	if (ret || (status == 0 && said->per_second > 0))
		return ret;
	snprintf(error, MEASURE_ERROR_MAX, "%s: " PROGRAM " failed: %.120s",
		 dpdk_names[way], said->last);
	return -EPROTO;
}

int dpdk_check(struct dpdk *d, enum dpdk_way way, char error[MEASURE_ERROR_MAX])
{
	struct said said;
	int ret = go(d, way, 1, LOUD, &said, error);

	if (!ret && said.headers != d->headers) {
		snprintf(error, MEASURE_ERROR_MAX,
			 "%s tells of %zu headers of %zu", dpdk_names[way],
			 said.headers, d->headers);
		ret = -EBADE;
	}
	return ret;
}

int dpdk_run(struct dpdk *d, enum dpdk_way way, unsigned ms, double *ns,
	     char error[MEASURE_ERROR_MAX])
{
	size_t headers = (size_t)ms * 1000000 / HEADER_NS;
	unsigned rounds = ROUNDS_MIN + (unsigned)(headers / d->headers);
	struct said said;
	int ret = go(d, way, rounds, 0, &said, error);

	if (!ret)
		*ns = 1e9 / said.per_second;
	return ret;
}
