/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plot.c: measurements -> a script for gnuplot -> an SVG.
 *
 * A panel is a set, a family and a trace; a curve in it an engine at a hook:
 * ns a packet over rules, with bars from quartile to quartile; and below them
 * the floor of their hook. Lines of engine "none" are the floor, which the
 * others bring along.
 */
#include "plot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gnuplot.h"
#include "record.h"

#define COLUMNS 3
#define PANEL_WIDTH 420
#define PANEL_HEIGHT 320
#define LOG_FROM 30 /* times from least to most: ns on a log scale too */

struct plot {
	struct records all; /* by rules, then by name */
	FILE *script;
	unsigned blocks; /* of data, so far */
};

static bool is_drawn(const struct record *r)
{
	return strcmp(r->engine, "none") != 0;
}

static bool is_panel(const struct record *a, const struct record *b)
{
	return is_drawn(a) && is_drawn(b) && !strcmp(a->set, b->set) &&
	       !strcmp(a->family, b->family) && !strcmp(a->trace, b->trace);
}

static bool is_floor(const struct record *a, const struct record *b)
{
	return is_panel(a, b) && !strcmp(a->hook, b->hook);
}

static bool is_curve(const struct record *a, const struct record *b)
{
	return is_floor(a, b) && !strcmp(a->engine, b->engine);
}

/* Nothing before it is like it. */
static bool is_first(const struct plot *p, const struct record *r,
		     bool (*is_like)(const struct record *,
				     const struct record *))
{
	for (const struct record *at = p->all.items; at < r; at++)
		if (is_like(at, r))
			return false;
	return is_drawn(r);
}

static int by_rules(const void *left, const void *right)
{
	const struct record *a = left, *b = right;
	const char *const as[] = {a->set, a->family, a->trace, a->hook,
				  a->engine};
	const char *const bs[] = {b->set, b->family, b->trace, b->hook,
				  b->engine};
	int order = (a->rules > b->rules) - (a->rules < b->rules);

	for (size_t i = 0; i < sizeof(as) / sizeof(*as) && !order; i++)
		order = strcmp(as[i], bs[i]);
	return order;
}

/* For between single quotes of gnuplot's. */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++)
		if (*text == '\'')
			fputs("''", out);
		else if ((unsigned char)*text >= ' ')
			putc(*text, out);
}

/* ---- a panel ----------------------------------------------------------- */

/* The points of a curve; floors once a number of rules. */
static void put_points(struct plot *p, const struct record *like,
		       bool is_of_floor)
{
	unsigned rules = 0;

	fprintf(p->script, "$d%u << END\n", p->blocks++);
	for (size_t i = 0; i < p->all.count; i++) {
		const struct record *r = &p->all.items[i];

		if (is_of_floor && is_floor(r, like) && r->rules != rules)
			fprintf(p->script, "%u %g\n", r->rules, r->floor_ns);
		else if (!is_of_floor && is_curve(r, like))
			fprintf(p->script, "%u %g %g %g\n", r->rules, r->ns,
				r->p25, r->p75);
		if (is_floor(r, like))
			rules = r->rules;
	}
	fputs("END\n", p->script);
}

static void put_ranges(const struct plot *p, const struct record *like)
{
	const struct record *last = like;
	double least = like->floor_ns, most = like->p75;

	for (size_t i = 0; i < p->all.count; i++) {
		const struct record *r = &p->all.items[i];

		if (!is_panel(r, like))
			continue;
		last = r;
		least = r->floor_ns < least ? r->floor_ns : least;
		most = r->p75 > most ? r->p75 : most;
	}
	fprintf(p->script, "set xrange [%g:%g]\n", like->rules / 2.0,
		last->rules * 2.0);
	if (most > least * LOG_FROM)
		fprintf(p->script, "set logscale y\nset yrange [%g:%g]\n",
			least / 2, most * 4);
	else
		fprintf(p->script, "unset logscale y\nset yrange [0:%g]\n",
			most * 1.3);
}

/* A comma behind each but the last: a floor, of which there is one a hook. */
static void put_panel(struct plot *p, const struct record *like)
{
	const struct record *end = p->all.items + p->all.count;
	unsigned block = p->blocks, curves = 0;

	for (const struct record *r = like; r < end; r++)
		if (is_panel(r, like) && is_first(p, r, is_curve))
			put_points(p, r, false);
	for (const struct record *r = like; r < end; r++)
		if (is_panel(r, like) && is_first(p, r, is_floor))
			put_points(p, r, true);
	put_ranges(p, like);
	fputs("set title '", p->script);
	put_text(p->script, like->set);
	fprintf(p->script, " %s, %s'\nplot ", like->family, like->trace);
	for (int floor = 0; floor < 2; floor++)
		for (const struct record *r = like; r < end; r++) {
			if (!is_panel(r, like) ||
			    !is_first(p, r, floor ? is_floor : is_curve))
				continue;
			fprintf(p->script, "%s$d%u using %s title '",
				curves++ ? ", " : "", block++,
				floor ? "1:2 with lines dashtype 2"
				      : "1:2:3:4 with yerrorlines");
			put_text(p->script, floor ? "floor" : r->engine);
			putc(' ', p->script);
			put_text(p->script, r->hook);
			putc('\'', p->script);
		}
	putc('\n', p->script);
}

/* ---- all of it --------------------------------------------------------- */

static void put_script(struct plot *p)
{
	const struct record *end = p->all.items + p->all.count;
	unsigned panels = 0, columns, lines;

	for (const struct record *r = p->all.items; r < end; r++)
		panels += is_first(p, r, is_panel);
	columns = panels && panels < COLUMNS ? panels : COLUMNS;
	lines = (panels + columns - 1) / columns;
	fprintf(p->script,
		"set terminal svg size %u,%u dynamic noenhanced font "
		"'sans,11' background rgb 'white'\n"
		"set multiplot layout %u,%u title 'ns a packet over rules; "
		"bars: p25-p75; ",
		columns * PANEL_WIDTH, lines * PANEL_HEIGHT + 40, lines,
		columns);
	put_text(p->script, p->all.items[0].cpu);
	fputs(", Linux ", p->script);
	put_text(p->script, p->all.items[0].kernel);
	fputs("'\nset logscale x\nset grid\nset key top left\n"
	      "set xlabel 'rules'\nset ylabel 'ns'\n",
	      p->script);
	for (const struct record *r = p->all.items; r < end; r++)
		if (is_first(p, r, is_panel))
			put_panel(p, r);
}

static int check(const struct plot *p, char error[RECORD_ERROR_MAX])
{
	bool has_curve = false;

	for (size_t i = 0; i < p->all.count; i++) {
		const struct record *r = &p->all.items[i];

		has_curve |= is_drawn(r);
		if (is_drawn(r) && r->rules == 0) {
			snprintf(error, RECORD_ERROR_MAX,
				 "%s:%zu: no rules: they have no place on a "
				 "log scale",
				 r->path, r->line);
			return -EINVAL;
		}
	}
	if (has_curve)
		return 0;
	snprintf(error, RECORD_ERROR_MAX, "floors alone: nothing to draw");
	return -EINVAL;
}

static int plot(struct plot *p, const char *output,
		char error[RECORD_ERROR_MAX])
{
	qsort(p->all.items, p->all.count, sizeof(*p->all.items), by_rules);
	p->script = tmpfile();
	if (p->script) {
		put_script(p);
		if (fflush(p->script) == 0 && !ferror(p->script)) {
			rewind(p->script);
			return gnuplot_run(fileno(p->script), output, error,
					   RECORD_ERROR_MAX);
		}
	}
	snprintf(error, RECORD_ERROR_MAX, "gnuplot's script: %s",
		 strerror(errno));
	return -EIO;
}

int bench_plot(const struct settings *s)
{
	char error[RECORD_ERROR_MAX] = "";
	struct plot p = {0};
	int status = EXIT_YES;
	int ret = 0;

	for (int i = 0; i < s->file_count && !ret; i++)
		ret = records_read(s->files[i], &p.all, error);
	if (!ret)
		ret = check(&p, error);
	if (ret)
		status = EXIT_INPUT;
	else if (plot(&p, s->output, error))
		status = EXIT_REFUSED;
	if (status != EXIT_YES)
		fprintf(stderr, "nfbench: %s\n", error);
	if (p.script)
		fclose(p.script);
	records_free(&p.all);
	return status;
}
