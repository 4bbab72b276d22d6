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
	struct spread floor, ns, ratio, added; /* the latter two by round */
	unsigned rounds;
	double load_ms;
	size_t bytes; /* of bytecode and rules */
	/* Between namespaces; means of a round. */
	bool is_veth;
	double packets, passed, states;
};

/* A round's packets: what their first line of the table says. */
void line_print_header(bool is_veth);
void line_print_row(const struct line *);
/* 0 or -ENOMEM. */
int line_print_json(const struct line *, const struct machine *);

#endif
