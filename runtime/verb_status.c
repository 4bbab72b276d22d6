/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_status.c: what is loaded -> one line: is everything guarded? */
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "nfload.h"
#include "term.h"

/* "generation 6, vpn.nfr (3fa9c0d1e2b3), since 2026-11-21 08:05:45" */
static void say_policy(const struct engine_status *s, FILE *out)
{
	time_t loaded = (time_t)s->loaded_at;
	char since[40];
	struct tm tm;

	fprintf(out, "generation %u", s->generation);
	if (*s->source)
		fprintf(out, ", %s", s->source);
	if (*s->image_hash)
		fprintf(out, " (%s)", s->image_hash);
	if (s->loaded_at && localtime_r(&loaded, &tm) &&
	    strftime(since, sizeof(since), "%Y-%m-%d %H:%M:%S", &tm))
		fprintf(out, ", since %s", since);
}

static size_t count_unguarded(const struct engine_status *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->devices.count; i++)
		if (!s->devices.items[i].is_skipped &&
		    !device_is_guarded(&s->devices.items[i]))
			count++;
	return count;
}

static size_t count_open_paths(const struct engine_status *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->path_count; i++)
		count += !s->paths[i].is_guarded && !s->paths[i].is_advice;
	return count;
}

static size_t count_hooks(const struct engine_status *s)
{
	size_t count = 0;

	for (size_t i = 0; i < s->devices.count; i++)
		for (unsigned dir = 0; dir < 2; dir++)
			count += s->devices.items[i].hook[dir].mode !=
				 ENGINE_MODE_NONE;
	return count;
}

/* The first line, without its first word. */
static void say_posture(const struct engine_status *s, FILE *out)
{
	char count[COUNT_TEXT_MAX];
	size_t unguarded = count_unguarded(s);

	switch (s->posture) {
	case ENGINE_POSTURE_GUARDED:
		say_policy(s, out);
		fputs(", every hook attached", out);
		break;
	case ENGINE_POSTURE_PARTLY:
		if (s->generation)
			say_policy(s, out);
		else
			fputs("no policy is in force, hooks block", out);
		unguarded += count_open_paths(s);
		if (*s->portal)
			fprintf(out, ", but the portal on %s is open",
				s->portal);
		if (unguarded)
			fprintf(out, ", and %s not guarded",
				report_count(count, unguarded, "path"));
		else if (!*s->portal)
			fputs(", and not everything is guarded", out);
		break;
	case ENGINE_POSTURE_BLOCKED:
		fprintf(out,
			"no policy is in force, everything is blocked by %s",
			report_count(count, count_hooks(s), "hook"));
		break;
	default:
		fputs(s->is_open ? "no policy is in force, and hooks pass all: "
				   "a first policy was not confirmed"
				 : "no hook is attached, so nothing is guarded",
		      out);
	}
}

static int exit_of(enum engine_posture posture)
{
	return posture == ENGINE_POSTURE_GUARDED ||
			       posture == ENGINE_POSTURE_BLOCKED
		       ? EXIT_YES
		       : EXIT_OPEN;
}

static unsigned seconds_left(const struct engine_pending *pending)
{
	return (pending->left_ms + 999) / 1000;
}

static void say_trial(const struct engine_status *s)
{
	const struct engine_pending *pending = &s->pending;
	char before[TRIAL_BEFORE_MAX];

	if (*s->portal)
		printf("  portal on %s: TCP 80 and 443 to anywhere, DNS to %s; "
		       "in %u s the kernel closes it, \"nfload portal --end\" "
		       "now\n",
		       s->portal, s->portal_dns, seconds_left(pending));
	if (pending->is_portal) /* which ends as it should */
		return;
	if (pending->state == NFR_PENDING_WAITING)
		printf("  on trial: in %u s the kernel goes back to %s; "
		       "\"nfload confirm\" keeps this\n",
		       seconds_left(pending), trial_before(pending, before));
	else if (pending->state == NFR_PENDING_WENT_BACK)
		printf("  generation %u was not confirmed in time: the kernel "
		       "went back to %s\n",
		       pending->generation, trial_before(pending, before));
}

static void print_paths(struct nfload *t, const struct engine_status *s)
{
	static const char *const heading[] = {"PATH", "MODE", ""};
	struct term_table table;

	term_table_begin(&table, 3, "lll");
	term_table_add(&table, heading);
	for (size_t i = 0; i < s->path_count; i++) {
		const struct engine_path *path = &s->paths[i];
		const char *cells[] = {path->name, path->mode, path->why};

		term_table_add(&table, cells);
	}
	term_table_end(&table, stdout, t->use_color);
}

static void put_paths(struct nfload *t, const struct engine_status *s)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->path_count; i++) {
		const struct engine_path *path = &s->paths[i];
		json_t *o = json_object();

		json_put_text(o, JSON_FIELD_PATH_NAME, path->name);
		json_put_text(o, JSON_FIELD_PATH_MODE, path->mode);
		json_put_bool(o, JSON_FIELD_PATH_GUARDED, path->is_guarded);
		if (*path->why)
			json_put_text(o, JSON_FIELD_PATH_WHY, path->why);
		json_array_append_new(list, o);
	}
	json_put(t->json, JSON_FIELD_PATHS, list);
}

static void say_states(const struct nfload *t, const struct engine_status *s)
{
	bool is_full = s->states >= s->states_limit;

	if (s->generation && (is_full || t->verbose))
		printf("  %u of at most %u states%s\n", s->states,
		       s->states_limit,
		       is_full ? ": new flows that keep state are blocked"
			       : "");
}

static void print_status(struct nfload *t, const struct engine_status *s)
{
	bool is_closed = exit_of(s->posture) == EXIT_YES;
	static const char *const words[] = {
		[ENGINE_POSTURE_GUARDED] = "guarded",
		[ENGINE_POSTURE_PARTLY] = "PARTLY GUARDED",
		[ENGINE_POSTURE_BLOCKED] = "blocked",
		[ENGINE_POSTURE_OPEN] = "OPEN"};

	if (t->is_quiet && is_closed)
		return;
	printf("%s%s:%s ",
	       term_style(is_closed ? TERM_GREEN : TERM_RED, t->use_color),
	       words[s->posture], term_style(TERM_PLAIN, t->use_color));
	say_posture(s, stdout);
	putchar('\n');
	say_trial(s);
	say_states(t, s);
	for (size_t i = 0; i < s->note_count; i++)
		printf("  not covered: %s\n", s->notes[i]);
	for (size_t i = 0; i < s->wait_count; i++)
		printf("  waiting: %s\n", s->waits[i]);
	if (!t->verbose)
		return;
	printf("  engine %s, loop %s, %u rules, %u guard rules, %u "
	       "instructions (%u of eBPF); other slot: generation %u\n",
	       s->engine, engine_loop_name(s->loop), s->rule_count,
	       s->guard_count, s->insn_count, s->code_insns, s->other);
	if (*s->transport)
		printf("  transport by %s\n", s->transport);
	printf("  trace %s, %llu events lost\n", s->trace_block ? "on" : "off",
	       (unsigned long long)s->events_lost);
	devices_print_table(t, &s->devices);
	print_paths(t, s);
}

static void put_status(struct nfload *t, const struct engine_status *s)
{
	json_t *open = json_array(), *waits = json_array();

	json_put_text(t->json, JSON_FIELD_POSTURE,
		      engine_posture_name(s->posture));
	json_put_int(t->json, JSON_FIELD_GENERATION, s->generation);
	json_put_int(t->json, JSON_FIELD_OTHER, s->other);
	json_put_text(t->json, JSON_FIELD_HASH, s->image_hash);
	json_put_text(t->json, JSON_FIELD_SOURCE, s->source);
	json_put_int(t->json, JSON_FIELD_LOADED_AT, (json_int_t)s->loaded_at);
	json_put_text(t->json, JSON_FIELD_ENGINE, s->engine);
	json_put_text(t->json, JSON_FIELD_LOOP, engine_loop_name(s->loop));
	if (*s->transport)
		json_put_text(t->json, JSON_FIELD_TRANSPORT, s->transport);
	json_put_int(t->json, JSON_FIELD_STATES_NOW, s->states);
	json_put_int(t->json, JSON_FIELD_STATES_LIMIT, s->states_limit);
	json_put_bool(t->json, JSON_FIELD_TRACING, s->trace_block);
	json_put_int(t->json, JSON_FIELD_EVENTS_LOST,
		     (json_int_t)s->events_lost);
	for (size_t i = 0; i < s->note_count; i++)
		json_array_append_new(open, json_text(s->notes[i]));
	json_put(t->json, JSON_FIELD_OPEN_WHY, open);
	for (size_t i = 0; i < s->wait_count; i++)
		json_array_append_new(waits, json_text(s->waits[i]));
	json_put(t->json, JSON_FIELD_WAITING, waits);
	if (*s->portal)
		json_put_text(t->json, JSON_FIELD_PORTAL, s->portal);
	trial_put(t, &s->pending);
	devices_put(t, &s->devices);
	put_paths(t, s);
}

/* Nothing is loaded: a plain no. Anything else can not be known. */
static int fail_status(struct nfload *t, int rc, const struct engine_error *err)
{
	bool is_open = rc == -ENOENT;
	int status = is_open ? EXIT_NO : EXIT_OPEN;

	json_put_text(t->json, JSON_FIELD_POSTURE,
		      is_open ? "open" : "unknown");
	if (t->json) {
		report_engine(t, status, err);
		return status;
	}
	printf("%s%s:%s ", term_style(TERM_RED, t->use_color),
	       is_open ? "OPEN" : "UNKNOWN",
	       term_style(TERM_PLAIN, t->use_color));
	if (is_open)
		printf("nothing is loaded in %s\n", t->bpffs);
	else
		printf("%s\n", err->text);
	if (*err->hint)
		printf("  hint: %s\n", err->hint);
	return status;
}

int verb_status(struct nfload *t)
{
	struct engine_error err = {0};
	struct engine_status status = {0};
	struct engine *engine = NULL;
	int rc, result;

	rc = engine_open(t->bpffs, &engine, &err);
	if (!rc)
		rc = engine_status(engine, &status, &err);
	if (rc) {
		result = fail_status(t, rc, &err);
	} else {
		if (t->json)
			put_status(t, &status);
		else
			print_status(t, &status);
		result = exit_of(status.posture);
	}
	engine_status_free(&status);
	engine_close(&engine);
	return result;
}
