/* SPDX-License-Identifier: BSD-2-Clause */
/* line.h: one measurement -> a row of the table, or a JSON object. */
#ifndef NFR_LINE_H
#define NFR_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "machine.h"
#include "series.h"

struct line {
	const char *set;
	unsigned rules;
	const char *family, *engine, *hook, *trace;
	const struct series *floor, *ns;
	bool is_alone; /* ns has no floor in it: all of it is added */
	unsigned rounds;
	double load_ms;
	size_t bytes; /* of bytecode and rules */
	/* Between namespaces; means of a round. */
	bool is_veth;
	double packets, passed, states;
	/* Of iperf3, its version and its CPUs, "0,1"; NULL: it was not run. */
	const char *iperf, *cpus;
};

void line_print_header(bool is_veth);
/* As a row, or as JSON with the machine. 0 or -ENOMEM. */
int line_print(const struct line *, bool is_json, const struct machine *);

#endif
