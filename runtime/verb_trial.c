/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_trial.c: a policy on trial -> kept, or gone back from. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nfload.h"

#define TRIAL_POLL_MS 200

static const char *const trial_names[] = {"none", "waiting", "confirmed",
					  "went-back", "taken-back"};

void trial_put(struct nfload *t, const struct engine_pending *pending)
{
	json_put_text(t->json, JSON_FIELD_TRIAL,
		      pending->state < 5 ? trial_names[pending->state] : "?");
	if (!pending->state)
		return;
	json_put_int(t->json, JSON_FIELD_TRIAL_GENERATION, pending->generation);
	json_put_int(t->json, JSON_FIELD_TRIAL_LEFT, pending->left_ms);
}

const char *trial_before(const struct engine_pending *pending,
			 char out[TRIAL_BEFORE_MAX])
{
	if (pending->before)
		snprintf(out, TRIAL_BEFORE_MAX, "generation %u",
			 pending->before);
	else
		snprintf(out, TRIAL_BEFORE_MAX, "no policy, %s",
			 pending->opens ? "everything open"
					: "everything blocked");
	return out;
}

static int fail_trial(struct nfload *t, int rc, const struct engine_error *err)
{
	if (rc == -ETIMEDOUT)
		return report_engine(t, EXIT_ROLLED_BACK, err);
	return report_engine(t, rc == -ENOENT ? EXIT_NO : EXIT_REFUSED, err);
}

int verb_confirm(struct nfload *t)
{
	struct engine_pending pending = {0};
	struct engine_error err = {0};
	int rc = engine_confirm(t->bpffs, &t->engine, &pending, &err);

	trial_put(t, &pending);
	if (rc)
		return fail_trial(t, rc, &err);
	report_summary(t, false, "generation %u is confirmed",
		       pending.generation);
	history_note(t);
	return EXIT_YES;
}

/* ---- on a terminal ------------------------------------------------------ */

/* Enter alone is no answer to "keep it?"; 0: none yet. */
static int read_answer(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
	char line[64];
	ssize_t len;

	if (poll(&in, 1, TRIAL_POLL_MS) <= 0)
		return 0;
	len = read(STDIN_FILENO, line, sizeof(line));
	if (len <= 0)
		return 'n';
	if (line[0] == 'y' || line[0] == 'Y')
		return 'y';
	return line[0] == 'n' || line[0] == 'N' ? 'n' : 0;
}

/* Another shell may confirm, roll back, or the time may come to its end. */
static int ask(struct nfload *t, struct engine *engine,
	       struct engine_pending *pending)
{
	struct engine_error err = {0};
	uint32_t shown_s = 0;
	int answer = 0;

	while (!answer) {
		uint32_t left_s;

		if (engine_pending(engine, pending, &err))
			return EXIT_OPEN;
		if (pending->state != NFR_PENDING_WAITING)
			break;
		left_s = (pending->left_ms + 999) / 1000;
		if (left_s != shown_s)
			fprintf(stderr, "\rkeep generation %u? [y/n] %u s  ",
				pending->generation, left_s);
		shown_s = left_s;
		answer = read_answer();
	}
	fputc('\n', stderr);
	if (answer == 'y')
		return verb_confirm(t);
	if (answer == 'n')
		return verb_rollback(t) ? EXIT_OPEN : EXIT_ROLLED_BACK;
	if (pending->state == NFR_PENDING_CONFIRMED) {
		report_summary(t, false, "generation %u was confirmed",
			       pending->generation);
		return EXIT_YES;
	}
	return EXIT_ROLLED_BACK;
}

int trial_wait(struct nfload *t, const struct engine_report *report)
{
	struct engine_pending pending = {0};
	char before[TRIAL_BEFORE_MAX];
	struct engine_error err = {0};
	struct engine *engine = NULL;
	int status = EXIT_YES;

	(void)report;
	if (engine_open(t->bpffs, &engine, &err) ||
	    engine_pending(engine, &pending, &err))
		status = report_engine(t, EXIT_OPEN, &err);
	else if (!t->json && isatty(STDIN_FILENO) && isatty(STDERR_FILENO))
		status = ask(t, engine, &pending);
	else
		report_summary(t, false,
			       "generation %u is on trial: in %u s the kernel "
			       "goes back to %s, unless \"nfload confirm\" "
			       "keeps it",
			       pending.generation,
			       (pending.left_ms + 999) / 1000,
			       trial_before(&pending, before));
	trial_put(t, &pending);
	if (status == EXIT_ROLLED_BACK)
		report_summary(t, true,
			       "Generation %u was taken back; %s is in force.",
			       pending.generation,
			       trial_before(&pending, before));
	engine_close(&engine);
	return status;
}

/* ---- back by hand ------------------------------------------------------- */

static int go_back(struct nfload *t, uint32_t only_after)
{
	struct engine_options options = t->engine;
	struct engine_report report = {0};
	struct engine_error err = {0};
	int rc;

	options.only_after = only_after;
	rc = engine_rollback(t->bpffs, &options, &report, &err);
	if (rc)
		return fail_trial(t, rc, &err);
	json_put_int(t->json, JSON_FIELD_GENERATION, report.generation);
	json_put_int(t->json, JSON_FIELD_PREVIOUS, report.previous);
	engine_devices_free(&report.devices);
	if (report.generation) {
		report_summary(t, false, "generation %u is in force again",
			       report.generation);
		history_note(t);
	} else if (report.slot == NFR_SLOT_OPEN) {
		/* What the timer can not do: the hooks go too. */
		if (engine_unload(t->bpffs, ENGINE_LEAVE_OPEN, &t->engine, NULL,
				  &err))
			return report_engine(t, EXIT_OPEN, &err);
		report_summary(t, false,
			       "nothing is in force, as before, and "
			       "nothing is guarded");
	} else {
		report_summary(t, false,
			       "no policy is in force, as before, "
			       "and its hooks block all");
	}
	return EXIT_YES;
}

/* Where the other slot is this policy with other table entries, it is not what
 * anyone means by "the one before". */
static int go_to_other(struct nfload *t, struct engine *engine)
{
	const struct image *now, *other;
	struct nfr_control control;
	struct engine_error err = {0};
	uint32_t number = 0;
	struct input in = {0};
	int status;

	if (!engine_control(engine, &control) && control.active < 2)
		number = control.generation[!control.active];
	if (engine_image(engine, 0, &now, &err))
		return go_back(t, 0);
	if (number && !engine_image(engine, number, &other, &err) &&
	    !image_same_policy(now, other))
		return go_back(t, control.generation[control.active]);
	if (!t->state)
		return go_back(t, control.generation[control.active]);
	status = history_other(t, now, &in);
	if (!status)
		status = apply_input(t, &in);
	input_free(&in);
	return status;
}

static int go_to_kept(struct nfload *t, const char *which)
{
	struct input in = {0};
	int status = history_image(t, which, &in);

	if (!status)
		status = apply_input(t, &in);
	input_free(&in);
	return status;
}

int verb_rollback(struct nfload *t)
{
	struct engine_pending pending = {0};
	struct engine_error err = {0};
	struct engine *engine = NULL;
	int rc, status;

	if (t->topic && t->verb == VERB_ROLLBACK)
		return go_to_kept(t, t->topic);
	rc = engine_open(t->bpffs, &engine, &err);
	if (!rc)
		rc = engine_pending(engine, &pending, &err);
	if (rc)
		status = fail_trial(t, rc, &err);
	else if (pending.state == NFR_PENDING_WAITING)
		status = go_back(t, 0);
	else
		status = go_to_other(t, engine);
	engine_close(&engine);
	return status;
}
