/* SPDX-License-Identifier: BSD-2-Clause */
/* series.c: what the rounds of one case gave -> median and quartiles. */
#include "series.h"

#include <stdlib.h>

void series_add(struct series *s, double value)
{
	if (s->count < SERIES_MAX)
		s->at[s->count++] = value;
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Between its neighbours, linearly. */
static double quantile(const struct series *sorted, double part)
{
	double place = part * (sorted->count - 1);
	unsigned below = (unsigned)place;
	unsigned above = below + 1 < sorted->count ? below + 1 : below;

	return sorted->at[below] +
	       (place - below) * (sorted->at[above] - sorted->at[below]);
}

struct spread series_spread(const struct series *s)
{
	struct series sorted = *s;

	if (sorted.count == 0)
		return (struct spread){0};
	qsort(sorted.at, sorted.count, sizeof(*sorted.at), compare);
	return (struct spread){.p25 = quantile(&sorted, 0.25),
			       .median = quantile(&sorted, 0.5),
			       .p75 = quantile(&sorted, 0.75)};
}

struct spread series_ratio(const struct series *s, const struct series *floor)
{
	struct series ratio = {0};

	for (unsigned i = 0; i < s->count && i < floor->count; i++)
		if (floor->at[i] > 0)
			series_add(&ratio, s->at[i] / floor->at[i]);
	return series_spread(&ratio);
}

struct spread series_added(const struct series *s, const struct series *floor)
{
	struct series added = {0};

	for (unsigned i = 0; i < s->count && i < floor->count; i++)
		series_add(&added, s->at[i] - floor->at[i]);
	return series_spread(&added);
}
