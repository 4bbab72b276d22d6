/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine_unload.c: policy in force -> hooks that block, or nothing at all.
 *
 * Open: the hooks go first, then what they ran, so that no packet is blocked
 * by a half-removed policy. Blocked: the switch goes to no slot first, which
 * closes every hook at once, then the generations are removed.
 */
#include "engine.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpflog.h"
#include "engine_error.h"
#include "floor.h"
#include "gate.h"
#include "generation.h"
#include "hooks.h"
#include "localnet.h"
#include "sockets.h"
#include "steer.h"

struct unload {
	struct pins *pins;
	struct shared *shared; /* NULL: damaged, some of it is not there */
	int stub_fd[PIN_SHARED_COUNT]; /* when damaged: what is there of it */
	struct hooks hooks;
	struct floor floor;
};

/* A directory that lost pins by hand can still be emptied. */
static int unload_open_damaged(struct unload *unload, struct engine_error *err)
{
	struct engine_error ignored;

	for (unsigned i = PIN_LOCALNET; i < PIN_SHARED_COUNT; i++) {
		int fd = i != PIN_LOCALNET && i < PIN_STUB_XDP
				 ? -ENOENT
				 : pins_get(unload->pins, "", &pins_shared[i],
					    &ignored);

		if (fd < 0 && fd != -ENOENT && fd != -EPROTO) {
			*err = ignored;
			return fd;
		}
		unload->stub_fd[i] = fd;
	}
	hooks_init(&unload->hooks, unload->pins, NULL, unload->stub_fd);
	return 0;
}

static int unload_open(struct unload *unload, const char *dir,
		       enum engine_leave leave,
		       const struct engine_options *options,
		       struct engine_error *err)
{
	unsigned wait_ms = options && options->lock_wait_ms
				   ? options->lock_wait_ms
				   : ENGINE_LOCK_WAIT_MS;
	int ret = pins_open(dir, false, &unload->pins, err);

	if (!ret)
		ret = pins_lock(unload->pins, wait_ms, err);
	if (ret)
		return ret;
	ret = shared_open(unload->pins, &unload->shared, err);
	if (!ret)
		hooks_init(&unload->hooks, unload->pins, NULL,
			   unload->shared->fd);
	else if (ret == -EPROTO && leave == ENGINE_LEAVE_OPEN)
		ret = unload_open_damaged(unload, err);
	else if (ret == -ENOENT)
		error_set(err, ret, "nothing is loaded in %s",
			  unload->pins->dir);
	if (!ret)
		ret = hooks_check(&unload->hooks, err);
	if (!ret)
		ret = floor_open(unload->pins, NULL, unload->shared,
				 &unload->floor, err);
	for (uint32_t slot = 0; slot < 2 && !ret; slot++)
		ret = generation_check(unload->pins, slot, err);
	return ret;
}

/* While the hooks still block what else comes to 127/8. */
static int unload_restore(const struct unload *unload, struct engine_error *err)
{
	int fd = unload->shared ? unload->shared->fd[PIN_LOCALNET]
				: unload->stub_fd[PIN_LOCALNET];
	size_t left = fd < 0 ? 0 : localnet_restore(fd, NULL, NULL);

	if (!left)
		return 0;
	return error_set(
		err, -EACCES,
		"route_localnet of %zu device(s) could not be put back", left);
}

static void unload_steering(const struct unload *unload, size_t *left)
{
	if (unload->shared && !unload->shared->control->steers)
		return;
	if (steer_remove())
		++*left;
	else if (unload->shared)
		unload->shared->control->steers = 0;
}

static int unload_to_open(struct unload *unload, size_t *left,
			  struct engine_error *err)
{
	int ret = unload_restore(unload, err);

	if (!ret && gate_remove())
		++*left;
	if (!ret)
		unload_steering(unload, left);
	if (!ret)
		ret = hooks_remove(&unload->hooks, left, err);
	if (!ret)
		ret = floor_remove(&unload->floor, left, err);
	if (!ret)
		sockets_remove(unload->pins, unload->shared, left);
	err->nothing_changed = false;
	if (*left)
		ret = error_set(err, -EBUSY, "%zu hook(s) would not go", *left);
	for (uint32_t slot = 0; slot < 2 && !ret; slot++)
		ret = generation_clear(unload->pins, unload->shared, slot, err);
	if (!ret)
		ret = shared_remove(unload->pins, err);
	if (ret)
		return ret;
	pins_rmdir(unload->pins, PINS_LINKS);
	unload->pins->is_new = true; /* removed if nothing else is in it */
	return 0;
}

static int unload_to_blocked(struct unload *unload, size_t *left,
			     struct engine_error *err)
{
	int ret = 0;

	shared_deactivate(unload->shared);
	err->nothing_changed = false;
	err->generation_in_force = 0;
	ret = unload_restore(unload, err);
	unload_steering(unload, left);
	for (uint32_t slot = 0; slot < 2 && !ret; slot++)
		ret = generation_clear(unload->pins, unload->shared, slot, err);
	if (!ret)
		shared_activate(unload->shared, 0); /* an empty slot */
	for (uint32_t slot = 0; slot < 2; slot++)
		floor_clear(&unload->floor, slot);
	*left += hooks_count(&unload->hooks) + floor_count(&unload->floor);
	return ret;
}

int engine_unload(const char *dir, enum engine_leave leave,
		  const struct engine_options *options, size_t *hooks_left,
		  struct engine_error *err)
{
	struct unload unload = {
		.floor = {.stub_fd = -1, .slots_fd = -1, .prog_fd = -1}};
	size_t left = 0;
	int ret;

	memset(err, 0, sizeof(*err));
	err->nothing_changed = true;
	for (unsigned i = 0; i < PIN_SHARED_COUNT; i++)
		unload.stub_fd[i] = -1;
	bpflog_begin(options);
	ret = unload_open(&unload, dir, leave, options, err);
	if (unload.shared)
		err->generation_in_force = shared_generation(unload.shared);
	if (!ret && unload.shared &&
	    shared_settle(unload.shared, NFR_PENDING_TAKEN_BACK, err) < 0)
		ret = -EIO;
	if (!ret)
		ret = leave == ENGINE_LEAVE_OPEN
			      ? unload_to_open(&unload, &left, err)
			      : unload_to_blocked(&unload, &left, err);
	bpflog_end(NULL);
	if (hooks_left)
		*hooks_left = left;
	for (unsigned i = 0; i < PIN_SHARED_COUNT; i++) {
		if (unload.stub_fd[i] >= 0)
			close(unload.stub_fd[i]);
	}
	floor_close(&unload.floor);
	shared_close(&unload.shared);
	pins_close(&unload.pins);
	return ret;
}
