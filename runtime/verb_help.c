/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_help.c: the tables of verbs, options, exits, reasons and fields -> text.
 */
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "../bench/option_table.h"
#include "nfload.h"

static void print_reasons(FILE *out)
{
	for (unsigned i = 0; i < NFR_REASON_COUNT; i++)
		fprintf(out, "%-12s %-6s %s\n", event_reason_name(i),
			event_reason_is_doubt(i) ? "doubt" : "",
			event_reason_text(i));
}

/* 0, or an exit status after saying that there is no such topic. */
static int print_topic(struct nfload *t, FILE *out)
{
	const char *names[VERB_COUNT + 3] = {"exits", "json", "reasons"};
	const char *near;
	size_t count = 3;

	for (size_t i = 0; i < VERB_COUNT; i++) {
		names[count++] = nfload_options.verbs[i].name;
		if (t->topic && !strcmp(t->topic, names[count - 1])) {
			option_print_help(&nfload_options, (int)i, out);
			return 0;
		}
	}
	if (!t->topic)
		option_print_help(&nfload_options, -1, out);
	else if (!strcmp(t->topic, "exits"))
		option_print_exits(out);
	else if (!strcmp(t->topic, "json"))
		json_print_fields(out);
	else if (!strcmp(t->topic, "reasons"))
		print_reasons(out);
	else {
		near = diag_nearest(t->topic, names, count);
		return report_fail(t, EXIT_INPUT, "no help on \"%s\"%s%s%s",
				   t->topic, near ? "; did you mean \"" : "",
				   near ? near : "", near ? "\"?" : "");
	}
	return 0;
}

int verb_help(struct nfload *t)
{
	struct report_text text;
	int status;

	report_open(t, &text);
	status = print_topic(t, text.out);
	report_close(t, &text);
	return status;
}

int verb_completion(struct nfload *t)
{
	static const struct option_table *const tables[] = {
		&nfload_options, &nfbench_options, &nftrace_options};
	struct report_text text;

	if (!t->topic || strcmp(t->topic, "bash"))
		return report_fail(t, EXIT_INPUT,
				   "completion is there for \"bash\" only");
	report_open(t, &text);
	option_print_bash(tables, sizeof(tables) / sizeof(*tables), text.out);
	report_close(t, &text);
	return EXIT_YES;
}
