/* SPDX-License-Identifier: BSD-2-Clause */
/* verb_force.c: the pin directory -> the words that say what is in force. */
#include <errno.h>
#include <stdio.h>

#include "nfload.h"

static void say_unknown(int rc, const char *why, char out[FORCE_TEXT_MAX])
{
	if (rc == -EPERM || rc == -EACCES)
		why = "needs root";
	snprintf(out, FORCE_TEXT_MAX, "what is in force is unknown (%s)", why);
}

static void say_generation(uint32_t generation, char out[FORCE_TEXT_MAX])
{
	if (generation)
		snprintf(out, FORCE_TEXT_MAX, "generation %u stays in force",
			 generation);
	else
		snprintf(out, FORCE_TEXT_MAX, "nothing is in force");
}

void force_look(struct nfload *t, char out[FORCE_TEXT_MAX])
{
	struct engine_error err = {0};
	struct nfr_control control;
	struct engine *engine = NULL;
	int rc = engine_open(t->bpffs, &engine, &err);

	if (rc == -ENOENT) {
		say_generation(0, out);
		return;
	}
	if (!rc)
		rc = engine_control(engine, &control);
	if (rc)
		say_unknown(rc, err.text, out);
	else if (control.active < 2 && control.generation[control.active])
		say_generation(control.generation[control.active], out);
	else
		snprintf(out, FORCE_TEXT_MAX,
			 "no policy is in force, and its hooks block all");
	engine_close(&engine);
}

void force_after(struct nfload *t, int rc, const struct engine_error *err,
		 char out[FORCE_TEXT_MAX])
{
	/* Without privilege nothing was read, so 0 says nothing. */
	if (rc == -EPERM || rc == -EACCES)
		say_unknown(rc, err->text, out);
	else if (err->generation_in_force)
		say_generation(err->generation_in_force, out);
	else
		force_look(t, out);
}
