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

static double per_second(const struct line *l, double count)
{
	return l->packets > 0 && l->ns.median > 0
		       ? 1e9 / l->ns.median * count / l->packets
		       : 0;
}

void line_print_row(const struct line *l)
{
	char spread[32];

	snprintf(spread, sizeof(spread), "%.1f-%.1f", l->ns.p25, l->ns.p75);
	printf("%-8s %7u %-6s %-14s %-11s %-8s %7.1f %13s %7.1f %6.2f", l->set,
	       l->rules, l->family, l->hook, l->engine, l->trace, l->ns.median,
	       spread, l->added.median, l->ratio.median);
	if (l->is_veth)
		printf(" %9.0f %9.0f\n", per_second(l, l->packets),
		       per_second(l, l->states));
	else
		printf(" %9.1f %9zu\n", l->load_ms, l->bytes);
}

int line_print_json(const struct line *l, const struct machine *m)
{
	json_t *out = json_pack(
		"{ss si ss ss ss ss sf sf sf sI sf sf sf sf si}", "set", l->set,
		"rules", (int)l->rules, "family", l->family, "engine",
		l->engine, "hook", l->hook, "trace", l->trace, "floor_ns",
		l->floor.median, "ns", l->ns.median, "load_ms", l->load_ms,
		"bytes", (json_int_t)l->bytes, "ratio", l->ratio.median,
		"added_ns", l->added.median, "p25", l->ns.p25, "p75", l->ns.p75,
		"rounds", (int)l->rounds);
	json_t *where = json_pack("{ss ss ss ss sf}", "kernel", m->uts.release,
				  "cpu", m->cpu, "jit", m->jit, "mitigations",
				  m->mitigations, "loadavg", m->load);
	json_t *veth = l->is_veth
			       ? json_pack("{sf sf sf sf sf sf}", "packets",
					   l->packets, "passed", l->passed,
					   "states", l->states, "packets_s",
					   per_second(l, l->packets),
					   "passed_s", per_second(l, l->passed),
					   "states_s", per_second(l, l->states))
			       : json_object();
	int ret = !out || !where || !veth || json_object_update(out, veth) ||
		  json_object_update(out, where) ||
		  json_dumpf(out, stdout, JSON_REAL_PRECISION(6));

	json_decref(out);
	json_decref(where);
	json_decref(veth);
	if (!ret)
		putchar('\n');
	return ret ? -ENOMEM : 0;
}
