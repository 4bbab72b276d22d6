/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compare.c: an old run and a new one -> a table of what got worse.
 *
 * Times are held against the floor of their own run: a machine that is busier
 * than it was makes both slower. Quartiles that overlap are noise.
 */
#include "compare.h"

#include <stdio.h>
#include <string.h>

#include "record.h"

#define CLOCK_NS 1.0 /* a test run reports whole ns: less is no difference */

enum change { CHANGE_SAME, CHANGE_NOISE, CHANGE_BETTER, CHANGE_WORSE };
static const char *const change_names[] = {"same", "noise", "better", "WORSE"};

/* a is more than b, by more than the share; what is added may be nothing. */
static bool is_more(const struct record *a, const struct record *b,
		    double share)
{
	/* As if a's floor had taken as long as b's. */
	double scale = b->floor_ns / a->floor_ns;
	double added = a->added_ns * scale;

	return a->ns * scale - b->ns > CLOCK_NS &&
	       (a->ratio > b->ratio * (1 + share) ||
		(added - b->added_ns > CLOCK_NS &&
		 added > (b->added_ns > 0 ? b->added_ns : 0) * (1 + share)));
}

/* a's quartiles are above b's. */
static bool is_apart(const struct record *a, const struct record *b)
{
	return a->p25 / a->floor_ns > b->p75 / b->floor_ns;
}

static enum change change_of(const struct record *old, const struct record *new,
			     double share)
{
	if (is_more(new, old, share))
		return is_apart(new, old) ? CHANGE_WORSE : CHANGE_NOISE;
	if (is_more(old, new, share))
		return is_apart(old, new) ? CHANGE_BETTER : CHANGE_NOISE;
	return CHANGE_SAME;
}

static void print_name(const struct record *r)
{
	printf("%-8s %7u %-6s %-14s %-11s %-8s", r->set, r->rules, r->family,
	       r->hook, r->engine, r->trace);
}

static void print_header(void)
{
	printf("%-8s %7s %-6s %-14s %-11s %-8s %8s %8s %7s %7s %8s %8s  %s\n",
	       "set", "rules", "family", "hook", "engine", "trace", "old ns",
	       "new ns", "ratio", "ratio", "added", "added", "change");
}

static void print_row(const struct record *old, const struct record *new,
		      enum change change)
{
	print_name(old);
	printf(" %8.1f %8.1f %7.2f %7.2f %8.1f %8.1f  %s\n", old->ns, new->ns,
	       old->ratio, new->ratio, old->added_ns, new->added_ns,
	       change_names[change]);
}

/* Rows that only one of the files has: each is named. */
static size_t print_missing(const struct records *from,
			    const struct records *in, const char *which)
{
	size_t count = 0;

	for (size_t i = 0; i < from->count; i++)
		if (!records_find(in, &from->items[i])) {
			print_name(&from->items[i]);
			printf(" %s\n", which);
			count++;
		}
	return count;
}

static void note_machine(const struct record *old, const struct record *new)
{
	if (strcmp(old->kernel, new->kernel) || strcmp(old->cpu, new->cpu))
		fprintf(stderr,
			"nfbench: two machines: %s, Linux %s and %s, Linux "
			"%s\n",
			old->cpu, old->kernel, new->cpu, new->kernel);
}

static int compare(const struct records *old, const struct records *new,
		   double share)
{
	size_t counts[4] = {0}, gone, extra;

	note_machine(&old->items[0], &new->items[0]);
	print_header();
	for (size_t i = 0; i < old->count; i++) {
		const struct record *o = &old->items[i];
		const struct record *n = records_find(new, o);

		if (n) {
			enum change change = change_of(o, n, share);

			counts[change]++;
			print_row(o, n, change);
		}
	}
	gone = print_missing(old, new, "missing in the new file");
	extra = print_missing(new, old, "only in the new file");
	printf("%zu worse by more than %.0f %%, %zu better, %zu same, %zu "
	       "within noise, %zu missing, %zu only new\n",
	       counts[CHANGE_WORSE], share * 100, counts[CHANGE_BETTER],
	       counts[CHANGE_SAME], counts[CHANGE_NOISE], gone, extra);
	if (counts[CHANGE_WORSE])
		return EXIT_NO;
	if (gone) {
		fprintf(stderr,
			"nfbench: %zu cases of the old file are not in "
			"the new one\n",
			gone);
		return EXIT_REFUSED;
	}
	return EXIT_YES;
}

int bench_compare(const struct settings *s)
{
	char error[RECORD_ERROR_MAX] = "";
	struct records old = {0}, new = {0};
	int status;

	if (records_read(s->files[0], &old, error) ||
	    records_read(s->files[1], &new, error)) {
		fprintf(stderr, "nfbench: %s\n", error);
		status = EXIT_INPUT;
	} else {
		status = compare(&old, &new, s->share / 100.0);
	}
	records_free(&old);
	records_free(&new);
	return status;
}
