/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_states.c: flow states -> shown, counted, or ended. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "engine_states.h"
#include "nfload.h"
#include "state_filter.h"
#include "term.h"

struct states {
	struct nfload *tool;
	struct engine *engine;
	struct engine_states all;
	struct state_filter filter;
	char *text; /* the filter's */
	uint32_t generation;
	const struct image *image; /* in force, or NULL */
	size_t expired;
	const struct engine_state *at; /* what each() is at */
};

static int fail_read(struct nfload *t, int rc, const struct engine_error *err)
{
	if (rc == -ENOENT)
		return report_fail(t, EXIT_NO, "%s", err->text);
	return report_engine(t, EXIT_REFUSED, err);
}

/* ---- the filter -------------------------------------------------------- */

/* Operands as one line; what stands behind "label" may hold blanks. */
static void join(struct states *s, int first)
{
	const struct nfload *t = s->tool;
	size_t len = 0;
	FILE *out = open_memstream(&s->text, &len);

	if (!out)
		abort();
	for (int i = first; i < t->operand_count; i++) {
		const char *word = t->operands[i];
		bool is_quoted = i > first &&
				 !strcmp(t->operands[i - 1], "label") &&
				 strpbrk(word, " \t") && *word != '"';

		fprintf(out, "%s%s%s%s", i > first ? " " : "",
			is_quoted ? "\"" : "", word, is_quoted ? "\"" : "");
	}
	if (fclose(out))
		abort();
}

static int fail_filter(struct states *s, const struct state_filter_error *err)
{
	struct nfload *t = s->tool;

	report_fail(t, EXIT_INPUT, "%s", err->text);
	if (!t->json && err->len) {
		fprintf(stderr, "  %s\n  %*s^", s->text, (int)err->offset, "");
		for (size_t i = 1; i < err->len; i++)
			fputc('~', stderr);
		fputc('\n', stderr);
	}
	report_hint(t, "as in \"nfload show states proto tcp to 192.0.2.0/24 "
		       "port 443\"; nfload(8) has all words");
	return EXIT_INPUT;
}

static int parse_filter(struct states *s, int first)
{
	struct state_filter_error err = {.len = 0};

	join(s, first);
	return state_filter_parse(s->text, &s->filter, &err)
		       ? fail_filter(s, &err)
		       : 0;
}

/* ---- what is in force -------------------------------------------------- */

static int look(struct states *s)
{
	struct nfload *t = s->tool;
	struct state_filter_error error = {.len = 0};
	struct engine_error err = {0};
	struct nfr_control control;
	int rc = engine_open(t->bpffs, &s->engine, &err);

	if (rc == -ENOENT)
		return report_fail(t, EXIT_NO, "nothing is loaded in %s",
				   t->bpffs);
	if (rc)
		return fail_read(t, rc, &err);
	rc = engine_control(s->engine, &control);
	if (rc)
		return report_fail(t, EXIT_REFUSED, "the switch: %s",
				   strerror(-rc));
	s->generation =
		control.active < 2 ? control.generation[control.active] : 0;
	if (s->generation &&
	    engine_image(s->engine, s->generation, &s->image, &err))
		s->image = NULL;
	json_put_int(t->json, JSON_FIELD_GENERATION, s->generation);
	if (state_filter_bind(&s->filter, s->image, &error))
		return fail_filter(s, &error);
	rc = engine_states(s->engine, &s->all, &err);
	return rc ? fail_read(t, rc, &err) : 0;
}

static const char *ifname_of(void *arg, uint32_t ifindex)
{
	return engine_ifname(arg, ifindex);
}

/* A generation that is no longer loaded has no image, which is fine. */
static const struct image *image_of(struct states *s, uint32_t generation)
{
	struct engine_error ignored;
	const struct image *image = NULL;

	if (generation == s->generation)
		return s->image;
	if (generation + 1 != s->generation && s->generation)
		return NULL;
	if (engine_image(s->engine, generation, &image, &ignored))
		return NULL;
	return image;
}

static struct state_view view_of(struct states *s, const struct engine_state *e)
{
	struct state_view view = {.name = &e->name,
				  .state = &e->state,
				  .ifname = "all",
				  .image = image_of(s, e->state.generation),
				  .generation = s->generation,
				  .now = s->all.now,
				  .hz = s->all.hz,
				  .ifname_of = ifname_of,
				  .ifname_arg = s->engine};

	if (e->name.ifindex)
		view.ifname = engine_ifname(s->engine, e->name.ifindex);
	return view;
}

/* Calls what for each living state that the filter means, until it says no. */
static size_t each(struct states *s,
		   bool (*what)(struct states *, const struct state_view *))
{
	size_t count = 0;

	s->expired = 0;
	for (size_t i = 0; i < s->all.count; i++) {
		struct state_view view = view_of(s, &s->all.items[i]);

		s->at = &s->all.items[i];

		if (state_is_expired(&view)) {
			s->expired++;
			continue;
		}
		if (!state_filter_matches(&s->filter, &view))
			continue;
		if (what && !what(s, &view))
			break;
		count++;
	}
	return count;
}

static void begin(struct states *s, struct nfload *t)
{
	memset(s, 0, sizeof(*s));
	s->tool = t;
}

static void end(struct states *s)
{
	engine_states_free(&s->all);
	engine_close(&s->engine);
	free(s->text);
}

/* ---- show -------------------------------------------------------------- */

static bool show_one(struct states *s, const struct state_view *view)
{
	struct nfload *t = s->tool;

	if (t->json)
		json_array_append_new(
			json_object_get(
				t->json,
				json_field_info(JSON_FIELD_STATES)->name),
			state_json(view));
	else
		state_print(view, t->verbose, stdout);
	return true;
}

static uint64_t reason_count(const struct nfr_count counts[][NFR_REASON_COUNT],
			     enum nfr_reason reason)
{
	return counts[NFR_DIR_IN][reason].packets +
	       counts[NFR_DIR_OUT][reason].packets;
}

/* "12 of at most 65536 states; 3 expired; the table was full 0 times" */
static int say_counts(struct states *s, size_t shown)
{
	struct nfr_count counts[2][NFR_REASON_COUNT];
	struct nfload *t = s->tool;
	size_t now = s->all.count - s->expired;
	struct engine_error err = {0};
	int rc = engine_reasons(s->engine, counts, &err);
	uint64_t full;

	if (rc)
		return fail_read(t, rc, &err);
	full = reason_count(counts, NFR_REASON_STATE_FULL);
	json_put_int(t->json, JSON_FIELD_STATES_SHOWN, (json_int_t)shown);
	json_put_int(t->json, JSON_FIELD_STATES_NOW, (json_int_t)now);
	json_put_int(t->json, JSON_FIELD_STATES_EXPIRED,
		     (json_int_t)s->expired);
	json_put_int(t->json, JSON_FIELD_STATES_LIMIT, s->all.limit);
	json_put_int(t->json, JSON_FIELD_STATES_FULL, (json_int_t)full);
	if (t->json)
		return EXIT_YES;
	if (s->filter.count)
		printf("%zu of ", shown);
	printf("%zu states, at most %u; %zu expired; %" PRIu64
	       " packets blocked as the table was full\n",
	       now, s->all.limit, s->expired, full);
	return EXIT_YES;
}

int show_states(struct nfload *t)
{
	struct states s;
	size_t shown = 0;
	int status;

	begin(&s, t);
	status = parse_filter(&s, 1);
	if (!status)
		status = look(&s);
	if (!status) {
		if (t->json && !t->is_count)
			json_put(t->json, JSON_FIELD_STATES, json_array());
		shown = each(&s, t->is_count ? NULL : show_one);
		if (t->is_count || t->json || t->verbose)
			status = say_counts(&s, shown);
	}
	end(&s);
	return status;
}

int show_info(struct nfload *t, struct engine *engine)
{
	struct nfr_count counts[2][NFR_REASON_COUNT];
	struct states s;
	struct engine_error err = {0};
	uint64_t full, limited;
	size_t now;
	int rc;

	begin(&s, t);
	s.engine = engine;
	rc = engine_states(engine, &s.all, &err);
	if (!rc)
		rc = engine_reasons(engine, counts, &err);
	if (rc) {
		engine_states_free(&s.all);
		return fail_read(t, rc, &err);
	}
	now = each(&s, NULL);
	full = reason_count(counts, NFR_REASON_STATE_FULL);
	limited = reason_count(counts, NFR_REASON_LIMIT);
	json_put_int(t->json, JSON_FIELD_STATES_NOW, (json_int_t)now);
	json_put_int(t->json, JSON_FIELD_STATES_EXPIRED, (json_int_t)s.expired);
	json_put_int(t->json, JSON_FIELD_STATES_LIMIT, s.all.limit);
	json_put_int(t->json, JSON_FIELD_STATES_FULL, (json_int_t)full);
	json_put_int(t->json, JSON_FIELD_STATES_LIMITED, (json_int_t)limited);
	if (!t->json)
		printf("states now       %10zu\n"
		       "states expired   %10zu  (not removed yet)\n"
		       "states at most   %10u\n"
		       "blocked as full  %10" PRIu64 "  packets\n"
		       "blocked by limit %10" PRIu64 "  packets\n",
		       now, s.expired, s.all.limit, full, limited);
	engine_states_free(&s.all);
	return EXIT_YES;
}

/* ---- kill -------------------------------------------------------------- */

struct killing {
	size_t ended;
	int rc;
	struct engine_error err;
};

/* Of the list: a view of an entry ends its state; failures end the loop. */
static bool kill_one(struct states *s, const struct state_view *view,
		     struct killing *k)
{
	struct nfload *t = s->tool;
	int rc = 1;

	if (!t->is_dry_run)
		rc = engine_state_end(s->engine, s->at, &k->err);
	if (rc < 0) {
		k->rc = rc;
		return false;
	}
	k->ended += (size_t)rc;
	if (rc && t->verbose)
		show_one(s, view);
	return true;
}

static void kill_all(struct states *s, struct killing *k)
{
	bool goes_on = true;

	for (size_t i = 0; i < s->all.count && goes_on; i++) {
		struct state_view view = view_of(s, &s->all.items[i]);

		s->at = &s->all.items[i];

		if (!state_is_expired(&view) &&
		    state_filter_matches(&s->filter, &view))
			goes_on = kill_one(s, &view, k);
	}
}

static int run_kill(struct states *s)
{
	struct killing k = {.rc = 0};
	struct nfload *t = s->tool;
	char text[COUNT_TEXT_MAX];

	if (t->json && t->verbose)
		json_put(t->json, JSON_FIELD_STATES, json_array());
	kill_all(s, &k);
	json_put_int(t->json, JSON_FIELD_STATES_KILLED, (json_int_t)k.ended);
	report_count(text, k.ended, "state");
	if (k.rc) {
		fail_read(t, k.rc, &k.err);
		report_summary(t, true, "%s killed, then it failed.", text);
		return EXIT_REFUSED;
	}
	report_summary(t, false,
		       t->is_dry_run ? "%s would be killed." : "%s killed.",
		       text);
	return k.ended ? EXIT_YES : EXIT_NO;
}

int verb_kill(struct nfload *t)
{
	struct states s;
	int status;

	if (!t->operand_count || strcmp(t->operands[0], "states") != 0)
		return report_fail(t, EXIT_INPUT,
				   "\"nfload kill\" takes \"states\"%s%s",
				   t->operand_count ? ", not " : "",
				   t->operand_count ? t->operands[0] : "");
	begin(&s, t);
	status = parse_filter(&s, 1);
	if (!status && s.filter.count && t->is_all)
		status = report_fail(t, EXIT_INPUT,
				     "either a filter or --all, not both");
	if (!status && !s.filter.count && !t->is_all) {
		status = report_fail(t, EXIT_INPUT,
				     "which states? a filter, or --all");
		report_hint(t, "as in \"nfload kill states from 192.0.2.7\"");
	}
	if (!status)
		status = look(&s);
	if (!status)
		status = run_kill(&s);
	end(&s);
	return status;
}
