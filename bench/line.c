/* SPDX-License-Identifier: BSD-2-Clause */
/* line.c: one measurement -> a row of the table, or a JSON object. */
#include "line.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

void line_print_header(bool is_veth)
{
	printf("\n%-8s %7s %-6s %-14s %-11s %-8s %7s %13s %7s %6s", "set",
	       "rules", "family", "hook", "engine", "trace", "ns", "p25-p75",
	       "added", "ratio");
	if (is_veth)
		printf(" %9s %9s\n", "packets/s", "states/s");
	else
		printf(" %9s %9s\n", "load ms", "bytes");
}

struct figures {
	struct spread ns;
	double floor, ratio, added; /* medians; the latter two by round */
};

static double per_second(const struct line *l, const struct figures *f,
			 double count)
{
	return l->packets > 0 && f->ns.median > 0
		       ? 1e9 / f->ns.median * count / l->packets
		       : 0;
}

static void print_row(const struct line *l, const struct figures *f)
{
	char spread[32];

	snprintf(spread, sizeof(spread), "%.1f-%.1f", f->ns.p25, f->ns.p75);
	printf("%-8s %7u %-6s %-14s %-11s %-8s %7.1f %13s %7.1f %6.2f", l->set,
	       l->rules, l->family, l->hook, l->engine, l->trace, f->ns.median,
	       spread, f->added, f->ratio);
	if (l->is_veth)
		printf(" %9.0f %9.0f\n", per_second(l, f, l->packets),
		       per_second(l, f, l->states));
	else
		printf(" %9.1f %9zu\n", l->load_ms, l->bytes);
}

static int print_json(const struct line *l, const struct figures *f,
		      const struct machine *m)
{
	json_t *out = json_pack(
		"{ss si ss ss ss ss sf sf sf sI sf sf sf sf si}", "set", l->set,
		"rules", (int)l->rules, "family", l->family, "engine",
		l->engine, "hook", l->hook, "trace", l->trace, "floor_ns",
		f->floor, "ns", f->ns.median, "load_ms", l->load_ms, "bytes",
		(json_int_t)l->bytes, "ratio", f->ratio, "added_ns", f->added,
		"p25", f->ns.p25, "p75", f->ns.p75, "rounds", (int)l->rounds);
	json_t *where = json_pack("{ss ss ss ss sf}", "kernel", m->uts.release,
				  "cpu", m->cpu, "jit", m->jit, "mitigations",
				  m->mitigations, "loadavg", m->load);
	json_t *veth =
		l->is_veth ? json_pack("{sf sf sf sf sf sf}", "packets",
				       l->packets, "passed", l->passed,
				       "states", l->states, "packets_s",
				       per_second(l, f, l->packets), "passed_s",
				       per_second(l, f, l->passed), "states_s",
				       per_second(l, f, l->states))
			   : json_object();
	json_t *iperf = l->iperf ? json_pack("{ss ss}", "iperf3", l->iperf,
					     "cpus", l->cpus)
				 : json_object();
	int ret = !out || !where || !veth || !iperf ||
		  json_object_update(out, veth) ||
		  json_object_update(out, iperf) ||
		  json_object_update(out, where) ||
		  json_dumpf(out, stdout, JSON_REAL_PRECISION(6));

	json_decref(out);
	json_decref(where);
	json_decref(veth);
	json_decref(iperf);
	if (!ret)
		putchar('\n');
	return ret ? -ENOMEM : 0;
}

int line_print(const struct line *l, bool is_json, const struct machine *m)
{
	struct figures f = {
		.ns = series_spread(l->ns),
		.floor = series_spread(l->floor).median,
		.ratio = series_ratio(l->ns, l->floor).median,
	};

	f.added = l->is_alone ? f.ns.median
			      : series_added(l->ns, l->floor).median;
	if (is_json)
		return print_json(l, &f, m);
	print_row(l, &f);
	return 0;
}
