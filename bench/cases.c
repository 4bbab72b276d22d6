/* SPDX-License-Identifier: BSD-2-Clause */
/* cases.c: ways, families and kinds in each lab of a contract -> rounds ->
 * lines.
 */
#include "cases.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "line.h"

static const char *const net_names[] = {"lan", "tunnel"};

bool cases_want(const struct settings *settings, bool is_ipv6)
{
	return settings->family < 0 || settings->family == is_ipv6;
}

static unsigned rows(const struct cases *c)
{
	return 4 * c->kinds->count;
}

static bool is_there(const struct cases *c, size_t lab, unsigned row)
{
	return contract_has(c->contract, lab) &&
	       cases_want(c->contract->settings, c->at[lab][row].is_ipv6);
}

static const char *hooks(const struct lab *lab)
{
	return *lab->hooks ? lab->hooks : lab->hook;
}

static const char *family_name(const struct path_case *at)
{
	return at->is_ipv6 ? "inet6" : "inet";
}

/* ---- rounds ------------------------------------------------------------ */

static void name_cases(struct cases *c)
{
	unsigned kinds = c->kinds->count;

	for (size_t lab = 0; lab < CONTRACT_LABS; lab++)
		for (unsigned row = 0; row < rows(c); row++)
			c->at[lab][row] = (struct path_case){
				.lab = lab,
				.net = row / kinds / 2 ? LAB_TUNNEL : LAB_CABLE,
				.is_ipv6 = row / kinds % 2,
				.kind = row % kinds};
}

/* The round before the first one calibrates: as many as fill the time. */
static int measure_case(struct cases *c, struct path_case *at,
			char error[MEASURE_ERROR_MAX])
{
	const struct cases_kinds *kinds = c->kinds;
	const struct lab *lab = &c->contract->labs[at->lab];
	unsigned count = at->count ? at->count : kinds->least;
	char why[MEASURE_ERROR_MAX] = "";
	uint64_t passed = 0;
	double ns = 0;
	int ret = kinds->measure(c->who, at, count, &ns, &passed, why);

	if (ret) {
		snprintf(error, MEASURE_ERROR_MAX,
			 "%s %s by the %s under %s (%s): %.300s",
			 family_name(at), kinds->names[at->kind],
			 net_names[at->net], lab->engine_name, hooks(lab), why);
		return ret;
	}
	if (at->count) {
		series_add(&at->ns, ns);
		series_add(&at->passed, (double)passed);
		return 0;
	}
	at->count = measure_repeat(c->contract->settings->ms, ns);
	if (kinds->is_least && at->count < kinds->least)
		at->count = kinds->least;
	return 0;
}

static int measure_round(struct cases *c, unsigned round,
			 char error[MEASURE_ERROR_MAX])
{
	int ret = 0;

	for (unsigned row = 0; row < rows(c); row++)
		for (size_t i = 0; i < CONTRACT_LABS && !ret; i++) {
			size_t lab = (i + round) % CONTRACT_LABS;

			if (is_there(c, lab, row))
				ret = measure_case(c, &c->at[lab][row], error);
		}
	return ret;
}

/* ---- lines ------------------------------------------------------------- */

static int print_case(const struct cases *c, const struct machine *m,
		      const struct path_case *at, const struct series *floor)
{
	const struct settings *settings = c->contract->settings;
	const struct lab *lab = &c->contract->labs[at->lab];
	struct line line = {
		.set = net_names[at->net],
		.rules = at->lab == CONTRACT_NONE ? 0 : 1,
		.family = family_name(at),
		.engine = lab->engine_name,
		.hook = hooks(lab),
		.trace = c->kinds->names[at->kind],
		.floor = floor,
		.ns = &at->ns,
		.rounds = settings->rounds,
		.load_ms = lab->load_ms,
		.bytes = lab->bytes,
		.is_veth = true,
		.packets = at->count,
		.passed = series_spread(&at->passed).median,
		.cpus = c->cpus,
		.iperf = c->iperf,
	};

	return line_print(&line, settings->is_json, m);
}

/* How many times what the others get through a second. */
static void print_times(const struct cases *c, unsigned row)
{
	const struct path_case *nfr = &c->at[CONTRACT_NFR][row];

	printf("%-6s %-5s %-8s nfr has", net_names[nfr->net], family_name(nfr),
	       c->kinds->names[nfr->kind]);
	for (size_t i = 0; i < CONTRACT_LABS; i++)
		if (i != CONTRACT_NFR && is_there(c, i, row))
			printf(" %.3f of %s",
			       series_ratio(&c->at[i][row].ns, &nfr->ns).median,
			       i == CONTRACT_NONE
				       ? "no filter"
				       : c->contract->labs[i].engine_name);
	putchar('\n');
}

static int print(const struct cases *c, const struct machine *m)
{
	bool is_json = c->contract->settings->is_json;
	int ret = 0;

	if (!is_json)
		line_print_header(true);
	for (unsigned row = 0; row < rows(c); row++)
		for (size_t i = 0; i < CONTRACT_LABS && !ret; i++)
			if (is_there(c, i, row))
				ret = print_case(c, m, &c->at[i][row],
						 &c->at[CONTRACT_NONE][row].ns);
	for (unsigned row = 0; row < rows(c) && !is_json; row++)
		if (is_there(c, CONTRACT_NFR, row))
			print_times(c, row);
	return ret;
}

int cases_run(struct cases *c, const struct machine *m,
	      char error[MEASURE_ERROR_MAX])
{
	unsigned rounds = c->contract->settings->rounds;
	int ret = 0;

	name_cases(c);
	for (unsigned round = 0; !ret && round <= rounds; round++)
		ret = measure_round(c, round, error);
	return ret ? ret : print(c, m);
}
