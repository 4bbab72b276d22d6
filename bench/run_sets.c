/* SPDX-License-Identifier: BSD-2-Clause */
/* run_sets.c: "run --set": numbers of rules and families, a set at a time. */
#include "run_sets.h"

#include "line.h"

int run_sets(const struct settings *settings, const struct machine *m,
	     run_set_fn *run_set, char error[MEASURE_ERROR_MAX])
{
	int ret = 0;

	if (!settings->is_json)
		line_print_header(false);
	for (unsigned i = 0; i < settings->rules_count && !ret; i++)
		for (unsigned family = 0; family < 2 && !ret; family++)
			if (settings->family < 0 ||
			    (unsigned)settings->family == family)
				ret = run_set(settings, m, settings->rules[i],
					      family == 1, error);
	return ret;
}
