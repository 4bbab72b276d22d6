/* SPDX-License-Identifier: BSD-2-Clause */
/* nfbench.c: a verb and its settings -> measurements on standard output. */
#include <stdio.h>
#include <string.h>

#include "compare.h"
#include "machine.h"
#include "path.h"
#include "peers.h"
#include "plot.h"
#include "run.h"
#include "run_rules.h"
#include "run_trace.h"
#include "settings.h"
#include "state.h"
#include "table.h"
#include "throughput.h"

static void print_machine(const struct machine *m, const struct settings *s)
{
	printf("Linux %s, %s, JIT %s, load %.1f\n", m->uts.release, m->cpu,
	       m->jit, m->load);
	printf("ns a %s, median of %u rounds of %u ms; ratio to the floor "
	       "of its round\n",
	       s->verb == BENCH_THROUGHPUT ? "kB" : "packet", s->rounds, s->ms);
}

static int run(const struct settings *s, const struct machine *m,
	       char error[MEASURE_ERROR_MAX])
{
	int ret = 0;

	if (s->verb == BENCH_STATE)
		return bench_state(s, m, error);
	if (s->verb == BENCH_PATH)
		return bench_path(s, m, error);
	if (s->verb == BENCH_THROUGHPUT)
		return bench_throughput(s, m, error);
	if (s->verb == BENCH_TABLE)
		return bench_table(s, m, error);
	if (!s->set)
		return bench_run(s, m, error);
	if (s->method != METHOD_VETH)
		ret = s->hooks ? bench_run_trace(s, m, error)
			       : bench_run_rules(s, m, error);
	if (!ret && settings_on_veth(s))
		ret = bench_peers(s, m, error);
	return ret;
}

int main(int argc, char **argv)
{
	char error[MEASURE_ERROR_MAX] = "not enough memory";
	struct settings s;
	struct machine m;
	int ret = settings_parse(argc, argv, &s);

	if (ret < 0 && s.verb == BENCH_COMPARE)
		ret = bench_compare(&s);
	if (ret < 0 && s.verb == BENCH_PLOT)
		ret = bench_plot(&s);
	if (ret < 0) {
		machine_read(&m);
		if (!s.is_json)
			print_machine(&m, &s);
		ret = run(&s, &m, error);
		if (ret) {
			fprintf(stderr, "nfbench: %s\n", error);
			return EXIT_REFUSED;
		}
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "nfbench: standard output: %m\n");
		return EXIT_INPUT;
	}
	return ret;
}
