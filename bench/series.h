/* SPDX-License-Identifier: BSD-2-Clause */
/* series.h: what the rounds of one case gave -> median and quartiles. */
#ifndef NFR_SERIES_H
#define NFR_SERIES_H

#define SERIES_MAX 99

struct series {
	unsigned count;
	double at[SERIES_MAX]; /* by round */
};

struct spread {
	double p25, median, p75;
};

void series_add(struct series *, double value);
/* Of an empty series all are 0. */
struct spread series_spread(const struct series *);
/* Round by round, so that what slows down a round does so for both. */
struct spread series_ratio(const struct series *, const struct series *floor);
struct spread series_added(const struct series *, const struct series *floor);

#endif
