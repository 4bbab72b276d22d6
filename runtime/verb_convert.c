/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verb_convert.c: a pf.conf -> an nfr policy that means the same; what can not
 * be kept is said at its place, and marked where it stands in the output.
 */
#include <stdio.h>

#include "nfload.h"

static int convert(struct nfload *t, struct compilation *c)
{
	struct report_text text;
	char places[COUNT_TEXT_MAX];
	const char *said;
	unsigned decisions;

	report_open(t, &text);
	decisions = convert_write(&c->conversion, c->policy, text.out);
	report_close(t, &text);
	input_show(t, c->diag);
	if (decisions) {
		report_summary(t, true,
			       "%s: %s to be decided; nfr refuses what was "
			       "printed until then.",
			       t->file,
			       report_count(places, decisions, "statement"));
		return EXIT_NO;
	}
	said = diag_summary(c->diag);
	if (said)
		report_summary(t, true, "%s. What was printed checks.", said);
	return EXIT_YES;
}

int verb_convert(struct nfload *t)
{
	struct input in;
	int status;

	t->compile.is_pf = true;
	status = input_read(t, INPUT_TEXT_ONLY, &in);
	if (status) {
		if (in.compilation)
			input_show(t, in.compilation->diag);
		report_summary(t, true, "%s. Nothing was printed.", in.failure);
	} else {
		status = convert(t, in.compilation);
	}
	input_free(&in);
	return status;
}
