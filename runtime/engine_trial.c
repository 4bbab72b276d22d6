/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine_trial.c: a policy on trial -> confirmed, or taken back; and the policy
 * of the other slot -> in force again.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../compiler/image_edit.h"
#include "binding.h"
#include "bpflog.h"
#include "engine_error.h"
#include "engine_read.h"
#include "hooks.h"
#include "links.h"
#include "localnet.h"

struct trial {
	struct engine *engine;
	struct engine_options options;
	struct engine_devices devices;
	struct hooks hooks;
};

static void trial_describe(const struct nfr_pending *from,
			   struct engine_pending *out)
{
	struct timespec now;
	uint64_t now_ns;

	*out = (struct engine_pending){
		.state = from->state,
		.generation = from->from_generation,
		.before = from->to_generation,
		.opens = from->to_slot == NFR_SLOT_OPEN,
		.is_portal = from->flags & NFR_PENDING_PORTAL,
	};
	clock_gettime(CLOCK_BOOTTIME, &now);
	now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	if (from->state == NFR_PENDING_WAITING && from->deadline_ns > now_ns)
		out->left_ms =
			(uint32_t)((from->deadline_ns - now_ns) / 1000000u);
}

int engine_pending(struct engine *engine, struct engine_pending *out,
		   struct engine_error *err)
{
	struct nfr_pending pending;
	int ret = engine_still_there(engine, err);

	if (!ret)
		ret = shared_pending(engine->shared, &pending, err);
	if (!ret)
		trial_describe(&pending, out);
	return ret;
}

static int trial_open(struct trial *trial, const char *dir,
		      const struct engine_options *options,
		      struct engine_error *err)
{
	int ret;

	memset(trial, 0, sizeof(*trial));
	if (options)
		trial->options = *options;
	if (!trial->options.lock_wait_ms)
		trial->options.lock_wait_ms = ENGINE_LOCK_WAIT_MS;
	ret = engine_open(dir, &trial->engine, err);
	if (!ret)
		ret = pins_lock(trial->engine->pins,
				trial->options.lock_wait_ms, err);
	if (!ret)
		ret = engine_still_there(trial->engine, err);
	if (trial->engine)
		err->generation_in_force =
			shared_generation(trial->engine->shared);
	return ret;
}

static void trial_close(struct trial *trial)
{
	engine_devices_free(&trial->devices);
	engine_close(&trial->engine);
}

/* What a trial could not do, as a timer could not have undone it. */
static void trial_settled(struct trial *trial)
{
	struct engine_error ignored;

	pins_unlock(trial->engine->pins);
	engine_tend(trial->engine, &trial->options, NULL, &ignored);
}

static int confirm_refuse_portal(struct trial *trial, struct engine_error *err)
{
	struct nfr_pending pending;
	int ret = shared_pending(trial->engine->shared, &pending, err);

	if (ret || pending.state != NFR_PENDING_WAITING ||
	    !(pending.flags & NFR_PENDING_PORTAL))
		return ret;
	error_set(err, -EPERM, "a portal is open, which nobody can keep");
	error_hint(err, "nfload portal --end closes it");
	return -EPERM;
}

int engine_confirm(const char *dir, const struct engine_options *options,
		   struct engine_pending *out, struct engine_error *err)
{
	struct nfr_pending pending = {0};
	struct trial trial;
	int waited = 0, ret = trial_open(&trial, dir, options, err);

	if (!ret)
		ret = confirm_refuse_portal(&trial, err);
	if (!ret)
		ret = waited = shared_settle(trial.engine->shared,
					     NFR_PENDING_CONFIRMED, err);
	if (ret >= 0)
		ret = shared_pending(trial.engine->shared, &pending, err);
	if (ret)
		goto out;
	trial_describe(&pending, out);
	if (waited)
		trial_settled(&trial);
	if (!waited && pending.state == NFR_PENDING_WENT_BACK)
		ret = error_set(err, -ETIMEDOUT,
				"generation %u was not confirmed in time, and "
				"was taken back",
				pending.from_generation);
	else if (!waited)
		ret = error_set(err, -ENOENT,
				"no policy waits to be confirmed");
out:
	trial_close(&trial);
	return ret;
}

/* ---- back --------------------------------------------------------------- */

/* The devices of now, in the maps of the slot; hooks that it wants. */
static int trial_prepare(struct trial *trial, uint32_t slot,
			 struct engine_error *err)
{
	struct engine *engine = trial->engine;
	struct binding *binding = NULL;
	int ret = links_list(&trial->devices);

	if (ret)
		return error_kernel(err, ret, "list the devices");
	ret = binding_open(engine->pins, engine->shared, slot, &binding, err);
	if (!ret)
		ret = binding_update(binding, &trial->devices, NULL, err);
	if (!ret)
		ret = localnet_set(engine->shared, &binding->image,
				   &trial->devices, err);
	for (size_t i = 0; i < trial->devices.count && !ret; i++) {
		struct engine_device *device = &trial->devices.items[i];

		hooks_look(&trial->hooks, device);
		for (unsigned dir = 0; dir < 2 && !ret; dir++) {
			if (device->is_skipped ||
			    device->hook[dir].mode != ENGINE_MODE_NONE)
				continue;
			ret = hooks_attach(&trial->hooks, device, dir, err);
			if (ret == -ENODEV)
				ret = 0;
		}
	}
	if (!ret)
		binding_edges(binding, &trial->devices);
	binding_close(&binding);
	return ret;
}

static void trial_detach_skipped(struct trial *trial)
{
	for (size_t i = 0; i < trial->devices.count; i++) {
		struct engine_device *device = &trial->devices.items[i];

		for (unsigned dir = 0; dir < 2 && device->is_skipped; dir++)
			hooks_detach(&trial->hooks, device, dir);
	}
}

/* What was open for a while is no policy to go back to. */
static bool trial_was_portal(const struct trial *trial, uint32_t generation)
{
	struct engine_error ignored = {0};
	const struct image *image;
	__u32 dns;

	return engine_image(trial->engine, generation, &image, &ignored) ||
	       image_open_portal(image, &dns);
}

/* Where to: what the trial began from, or the other slot. */
static int trial_target(const struct trial *trial, struct nfr_pending *pending,
			uint32_t *slot, struct engine_error *err)
{
	const struct nfr_control *control = trial->engine->shared->control;
	int ret = shared_pending(trial->engine->shared, pending, err);

	if (ret)
		return ret;
	if (pending->state == NFR_PENDING_WAITING) {
		*slot = pending->to_slot;
		return 0;
	}
	if (trial->options.only_after &&
	    trial->options.only_after !=
		    shared_generation(trial->engine->shared))
		return error_set(err, -EAGAIN,
				 "generation %u was replaced meanwhile",
				 trial->options.only_after);
	*slot = control->active == 0 ? 1 : 0;
	if (control->active < 2 && control->generation[*slot] &&
	    !trial_was_portal(trial, control->generation[*slot]))
		return 0;
	error_set(err, -ENOENT, "there is no earlier generation to go back to");
	error_hint(err, "nfload history lists confirmed policies; \"nfload "
			"rollback 1\" applies one");
	return -ENOENT;
}

static int trial_go_back(struct trial *trial, uint32_t *slot,
			 struct engine_error *err)
{
	struct shared *shared = trial->engine->shared;
	struct nfr_pending pending;
	int ret = trial_target(trial, &pending, slot, err);

	if (!ret && *slot < 2)
		ret = trial_prepare(trial, *slot, err);
	if (ret)
		return ret;
	if (pending.state == NFR_PENDING_WAITING) {
		ret = shared_settle(shared, NFR_PENDING_TAKEN_BACK, err);
		if (ret <= 0) /* the timer was faster, and did the same */
			return ret;
	}
	shared_activate(shared, *slot);
	if (*slot < 2)
		trial_detach_skipped(trial);
	return 0;
}

int engine_rollback(const char *dir, const struct engine_options *options,
		    struct engine_report *report, struct engine_error *err)
{
	struct trial trial;
	uint32_t slot = 0, before;
	int ret = trial_open(&trial, dir, options, err);

	if (ret)
		goto out;
	err->nothing_changed = true;
	before = shared_generation(trial.engine->shared);
	hooks_init(&trial.hooks, trial.engine->pins, &trial.options,
		   trial.engine->shared->fd);
	bpflog_begin(&trial.options);
	ret = trial_go_back(&trial, &slot, err);
	bpflog_end(NULL);
	if (ret)
		goto out;
	memset(report, 0, sizeof(*report));
	report->previous = before;
	report->slot = slot;
	report->generation = shared_generation(trial.engine->shared);
	report->devices = trial.devices;
	trial.devices = (struct engine_devices){0};
	trial_settled(&trial);
out:
	trial_close(&trial);
	return ret;
}
