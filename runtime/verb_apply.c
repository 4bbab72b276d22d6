/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_apply.c: a policy -> in force; and out of force again. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>

#include "nfload.h"

#define BRIEF_DEVICES_MAX 8

static int fail_input(struct nfload *t, const struct input *in, int status)
{
	char force[FORCE_TEXT_MAX];

	force_look(t, force);
	report_summary(t, true, "%s. Nothing was loaded; %s.", in->failure,
		       force);
	return status;
}

static int fail_engine(struct nfload *t, int rc, const struct engine_error *err)
{
	char force[FORCE_TEXT_MAX];

	report_engine(t, EXIT_REFUSED, err);
	force_after(t, rc, err, force);
	report_summary(t, true, "1 error. Nothing was loaded; %s%s.", force,
		       err->nothing_changed ? ""
					    : ", but its hooks are not the "
					      "same as before");
	return EXIT_REFUSED;
}

static void say_hooks(const struct engine_devices *devices, FILE *out)
{
	if (devices->count > BRIEF_DEVICES_MAX)
		fprintf(out, "; hooks: on %zu devices", devices->count);
	else if (devices->count) {
		fputs("; hooks: ", out);
		devices_print_brief(devices, out);
	}
}

/* How the rules of each direction and family are found, and what it costs. */
static void say_forms(const struct image *image,
		      const struct engine_report *report, FILE *out)
{
	static const char *const names[] = {"in/link",	"in/ipv4",  "in/ipv6",
					    "out/link", "out/ipv4", "out/ipv6"};

	for (unsigned i = 0; i < 6 && !report->code_insns; i++) {
		const struct hash_head *head = image_hash_head(image, i);

		if (!head)
			fprintf(out,
				"rules/%s: bytecode: few rules, or none "
				"that fit a hash\n",
				names[i]);
		else
			fprintf(out,
				"rules/%s: hash of %u tuples, %u services"
				"%s\n",
				names[i], head->tuple_count, head->services,
				head->is_whole ? ""
					       : ", bytecode for the rest");
	}
	fprintf(out, "%zu bytes of bytecode, %u of hash, %zu of eBPF\n",
		image->insn_count * sizeof(*image->code), image->hash_len,
		report->code_insns * sizeof(struct bpf_insn));
	fprintf(out, "%.1f MB in the kernel\n",
		(double)report->kernel_bytes / 1e6);
}

static void say_report(struct nfload *t, const struct input *in,
		       const struct engine_report *report)
{
	char summary[INPUT_SUMMARY_MAX];
	char *hooks = NULL;
	size_t hooks_len = 0;
	FILE *out = open_memstream(&hooks, &hooks_len);

	if (!out)
		abort();
	say_hooks(&report->devices, out);
	if (fclose(out))
		abort();
	input_put(t, in);
	json_put_int(t->json, JSON_FIELD_GENERATION, report->generation);
	json_put_int(t->json, JSON_FIELD_PREVIOUS, report->previous);
	json_put_text(t->json, JSON_FIELD_ENGINE,
		      engine_kind_name(report->kind));
	json_put_text(t->json, JSON_FIELD_ENGINE_WHY, report->kind_why);
	json_put_int(t->json, JSON_FIELD_NATIVE_BYTES,
		     report->code_insns * sizeof(struct bpf_insn));
	json_put_int(t->json, JSON_FIELD_KERNEL_BYTES,
		     (json_int_t)report->kernel_bytes);
	json_put_text(t->json, JSON_FIELD_LOOP, engine_loop_name(report->loop));
	devices_put(t, &report->devices);
	for (size_t i = 0; i < report->note_count; i++)
		report_note(t, report->notes[i]);
	if (t->verbose && !t->json)
		say_forms(&in->image, report, stdout);
	if (t->verbose && in->compilation)
		input_print(t, in);
	if (t->verbose && !t->json) {
		printf("engine %s: %s\n", engine_kind_name(report->kind),
		       report->kind_why);
		devices_print_table(t, &report->devices);
	}
	report_stages(t);
	report_summary(t, false, "generation %u is in force: %s%s",
		       report->generation, input_summary(t, in, summary),
		       hooks);
	free(hooks);
}

int apply_input(struct nfload *t, struct input *in)
{
	struct engine_error err = {.nothing_changed = true};
	struct engine_report report = {0};
	int rc, status = input_localise(t, in);

	if (status)
		return fail_input(t, in, status);
	/* What is open for a portal gives way to any policy. */
	status = portal_close(t, false);
	if (status && status != EXIT_NO)
		return status;
	status = EXIT_YES;
	progress_stage(t->engine.progress, "open");
	rc = engine_apply(t->bpffs, &in->image, &t->engine, &report, &err);
	meter_pause(t->meter);
	if (rc)
		return fail_engine(t, rc, &err);
	say_report(t, in, &report);
	if (t->engine.trial_ms)
		status = trial_wait(t, &report);
	else
		history_note(t);
	engine_report_free(&report);
	return status;
}

/*
 * --engine says how an image must look; one that was written before may not. A
 * policy that is too large for a data form is not one without rules for it.
 */
static int check_form(struct nfload *t, const struct input *in)
{
	if (t->compile.form == POLICY_FORM_CODE && in->image.hash_len)
		return report_fail(t, EXIT_INPUT,
				   "--engine=%s: the image has a data form; "
				   "apply the policy it was made of",
				   engine_kind_name(t->engine.kind));
	if (t->compile.form == POLICY_FORM_HASH && !in->image.hash_len &&
	    !(in->compilation && in->compilation->is_too_large))
		return report_fail(t, EXIT_INPUT,
				   "--engine=hash: no rules here fit a data "
				   "form");
	return 0;
}

int verb_apply(struct nfload *t)
{
	struct input in;
	int status = input_read(t, 0, &in);

	if (!status) {
		status = check_form(t, &in);
		if (status) {
			input_free(&in);
			return status;
		}
	}

	if (status)
		status = fail_input(t, &in, status);
	else
		status = apply_input(t, &in);
	input_free(&in);
	return status;
}

static int fail_unload(struct nfload *t, int rc, const struct engine_error *err)
{
	char force[FORCE_TEXT_MAX];

	if (rc == -ENOENT) {
		report_fail(t, EXIT_NO, "nothing is loaded in %s", t->bpffs);
		report_summary(t, true,
			       "Nothing was unloaded; nothing is in "
			       "force.");
		return EXIT_NO;
	}
	report_engine(t, EXIT_REFUSED, err);
	force_after(t, rc, err, force);
	report_summary(t, true, "%s; %s.",
		       err->nothing_changed ? "Nothing was unloaded"
					    : "Not all was unloaded",
		       force);
	return err->nothing_changed ? EXIT_REFUSED : EXIT_OPEN;
}

int verb_unload(struct nfload *t)
{
	struct engine_error err = {.nothing_changed = true};
	char hooks[COUNT_TEXT_MAX];
	size_t hooks_left = 0;
	enum engine_leave leave;
	int rc;

	if (!t->leave) {
		report_fail(t, EXIT_INPUT,
			    "say what comes after the policy: "
			    "--leave=blocked or --leave=open");
		return EXIT_INPUT;
	}
	leave = (enum engine_leave)option_word(LEAVE_WORDS, t->leave);
	rc = engine_unload(t->bpffs, leave, &t->engine, &hooks_left, &err);
	if (rc)
		return fail_unload(t, rc, &err);
	json_put_int(t->json, JSON_FIELD_HOOKS_LEFT, (json_int_t)hooks_left);
	if (leave == ENGINE_LEAVE_BLOCKED)
		report_summary(t, false,
			       "unloaded; no policy is in force, and %s %s all",
			       report_count(hooks, hooks_left, "hook"),
			       hooks_left == 1 ? "blocks" : "block");
	else
		report_summary(t, false,
			       "unloaded; nothing is in force, and nothing is "
			       "guarded");
	return EXIT_YES;
}
