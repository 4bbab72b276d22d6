/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine_tend.c: what is loaded, and the devices of now -> names bound, hooks
 * attached and first in their chains.
 *
 * A pass does what is to be done, whatever happened since the last: it needs no
 * history, so a missed message or a killed watch costs time and nothing else.
 * Both slots are brought up to date, so that going back finds the devices too.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binding.h"
#include "bpflog.h"
#include "connect.h"
#include "engine_error.h"
#include "engine_gate.h"
#include "engine_read.h"
#include "floor.h"
#include "hooks.h"
#include "links.h"
#include "localnet.h"
#include "poolset.h"
#include "sockets.h"
#include "steer.h"

struct tend {
	struct engine *engine;
	struct engine_options options;
	const struct engine_tend_log *log;
	struct engine_devices devices;
	struct hooks hooks;
	struct binding *bindings[2]; /* by slot; NULL: empty */
	bool has_policy;
	enum engine_floor floor;
};

static void __attribute__((format(printf, 2, 3)))
tend_say(const struct tend *tend, const char *fmt, ...)
{
	char line[320];
	va_list ap;

	if (!tend->log || !tend->log->say)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	tend->log->say(tend->log->arg, line);
}

/* The log speaks of the slot in force only. */
static int tend_bind_other(const struct tend *tend,
			   const struct binding *binding,
			   struct engine_error *err)
{
	struct engine_devices copy = {.count = tend->devices.count};
	int ret;

	copy.items = calloc(copy.count + 1, sizeof(*copy.items));
	if (!copy.items)
		return error_kernel(err, -ENOMEM, "list the devices");
	for (size_t i = 0; i < copy.count; i++)
		copy.items[i] = tend->devices.items[i];
	ret = binding_update(binding, &copy, NULL, err);
	engine_devices_free(&copy);
	return ret;
}

static int tend_bindings(struct tend *tend, struct engine_error *err)
{
	struct binding_log log = {
		.say = tend->log ? tend->log->say : NULL,
		.arg = tend->log ? tend->log->arg : NULL,
		.closed = tend->log ? tend->log->closed : NULL,
	};
	uint32_t active = tend->engine->shared->control->active;
	int ret = 0;

	for (uint32_t slot = 0; slot < 2 && !ret; slot++) {
		struct binding **binding = &tend->bindings[slot];

		ret = binding_open(tend->engine->pins, tend->engine->shared,
				   slot, binding, err);
		if (!ret && slot != active)
			ret = tend_bind_other(tend, *binding, err);
		else if (!ret)
			ret = binding_update(*binding, &tend->devices, &log,
					     err);
		if (ret == -ENOENT)
			ret = 0;
	}
	tend->has_policy = active < 2 && tend->bindings[active];
	return ret;
}

static void tend_hook(struct tend *tend, struct engine_device *device,
		      enum nfr_dir dir)
{
	const char *name = dir == NFR_DIR_IN ? "in" : "out";
	struct engine_hook *hook = &device->hook[dir];
	struct engine_error err = {0};
	int others = hook->position, ret;

	if (hook->mode == ENGINE_MODE_NONE) {
		ret = hooks_attach(&tend->hooks, device, dir, &err);
		if (!ret)
			tend_say(tend, "%s %s: attached by %s", device->name,
				 name, engine_mode_name(hook->mode));
		else if (ret != -ENODEV)
			tend_say(tend, "%s %s: can not attach: %s",
				 device->name, name, err.text);
	} else if (hook->position > 0) {
		ret = hooks_raise(&tend->hooks, device, dir, &err);
		if (!ret)
			tend_say(tend,
				 "%s %s: %d program(s) of others ran first; "
				 "back at the head",
				 device->name, name, others);
		else if (ret != -EOPNOTSUPP)
			tend_say(tend,
				 "%s %s: %d program(s) of others run first: %s",
				 device->name, name, others, err.text);
	}
}

/* Without a policy hooks block; loopback was never worth that. */
static bool tend_is_skipped(const struct tend *tend,
			    const struct engine_device *device)
{
	return tend->has_policy ? device->is_skipped
				: (device->flags & IFF_LOOPBACK) != 0;
}

static void tend_hooks(struct tend *tend)
{
	size_t count = hooks_release(&tend->hooks, &tend->devices);

	if (count)
		tend_say(tend, "%zu hook(s) of devices that left let go",
			 count);
	for (size_t i = 0; i < tend->devices.count; i++) {
		struct engine_device *device = &tend->devices.items[i];

		hooks_look(&tend->hooks, device);
		if (!tend_is_skipped(tend, device))
			tend_hook(tend, device, NFR_DIR_OUT);
	}
	/* What may leave comes first. */
	for (size_t i = 0; i < tend->devices.count; i++) {
		struct engine_device *device = &tend->devices.items[i];

		if (!tend_is_skipped(tend, device)) {
			tend_hook(tend, device, NFR_DIR_IN);
			continue;
		}
		for (unsigned dir = 0; dir < 2; dir++) {
			if (tend->has_policy &&
			    device->hook[dir].mode != ENGINE_MODE_NONE &&
			    !hooks_detach(&tend->hooks, device, dir))
				tend_say(tend, "%s %s: skipped, so detached",
					 device->name, dir ? "out" : "in");
		}
	}
}

/* Links of the floor and of sockets that others removed. */
static void tend_floor(struct tend *tend)
{
	struct engine_error err = {0};
	struct floor floor;
	size_t before;

	if (floor_open(tend->engine->pins, &tend->options, tend->engine->shared,
		       &floor, &err)) {
		tend_say(tend, "the floor: %s", err.text);
	} else {
		before = floor_count(&floor);
		if (floor_attach(&floor, &err))
			tend_say(tend, "the floor: %s", err.text);
		else if (floor_count(&floor) != before)
			tend_say(tend, "the floor: %zu hook(s) attached",
				 floor_count(&floor) - before);
	}
	tend->floor = floor.mode;
	floor_close(&floor);
	if (sockets_attach(tend->engine->pins, tend->engine->shared,
			   &tend->options, &err))
		tend_say(tend, "sockets: %s", err.text);
}

/* Routes that came, rules that others removed. */
static void tend_steer(struct tend *tend)
{
	const struct engine *engine = tend->engine;
	struct engine_error err = {0};
	int ret, outside;

	if (!engine->shared->control->steers)
		return;
	outside = pins_get(engine->pins, PINS_SOCKETS,
			   &connect_maps[CONNECT_OUTSIDE], &err);
	if (outside < 0) {
		tend_say(tend, "steering: %s", err.text);
		return;
	}
	ret = steer_update(engine->shared, outside, &tend->devices);
	close(outside);
	if (ret > 0)
		tend_say(tend, "steering: %d rules and routes changed", ret);
	else if (ret < 0)
		tend_say(tend, "steering: %s", strerror(-ret));
}

/*
 * What the policy in force needs, also of devices that came since; what it does
 * not is put back, unless the one that a trial began from may need it.
 */
static void tend_localnet(struct tend *tend)
{
	const struct shared *shared = tend->engine->shared;
	uint32_t active = shared->control->active;
	const struct image *image = NULL;
	struct engine_error err = {0};
	struct nfr_pending pending;

	if (tend->has_policy)
		image = &tend->bindings[active]->image;
	if (image && localnet_set(shared, image, &tend->devices, &err))
		tend_say(tend, "route_localnet: %s", err.text);
	if (!shared_pending(shared, &pending, &err) &&
	    pending.state != NFR_PENDING_WAITING)
		localnet_restore(shared->fd[PIN_LOCALNET], image,
				 &tend->devices);
}

/* After hooks: what has an edge is let by. */
static void tend_gate(struct tend *tend)
{
	const struct shared *shared = tend->engine->shared;
	const struct image *image = NULL;
	int ret;

	if (tend->has_policy)
		image = &tend->bindings[shared->control->active]->image;
	if (shared->control->active > 1)
		return;
	ret = engine_gate(shared, image, tend->floor, &tend->devices);
	if (ret > 0)
		tend_say(tend, "the gate for new devices: put up");
	else if (ret < 0 && ret != -EOPNOTSUPP)
		tend_say(tend, "the gate for new devices: %s", strerror(-ret));
}

bool engine_is_disturbed(const struct engine_devices *devices)
{
	struct tcx_chain chain;

	for (size_t i = 0; i < devices->count; i++) {
		const struct engine_device *device = &devices->items[i];

		for (unsigned dir = 0; dir < 2; dir++) {
			const struct engine_hook *hook = &device->hook[dir];

			if (hook->mode != ENGINE_MODE_TCX ||
			    hook->position != 0 ||
			    tcx_query(device->ifindex, dir, &chain))
				continue;
			if (!chain.count || chain.prog_id[0] != hook->prog_id)
				return true;
		}
	}
	return false;
}

static __u32 tend_ifindex(void *arg, const char *name)
{
	(void)arg;
	return if_nametoindex(name);
}

bool engine_is_moved(struct engine *engine, const struct image *image)
{
	uint32_t active = engine->shared->control->active;
	struct engine_error ignored = {0};
	struct poolset *now = NULL;
	struct nfr_pool_addr had;
	bool is_moved = false;
	int fd;

	if (active > 1 || !image->pool_count)
		return false;
	fd = pins_get(engine->pins, pins_slot_dir(active),
		      &pins_generation[PIN_POOL_ADDRS], &ignored);
	if (fd >= 0 && !poolset_new(image, tend_ifindex, NULL, NULL, &now))
		for (uint32_t i = 0; i < now->addr_count && !is_moved; i++)
			is_moved = !bpf_map_lookup_elem(fd, &i, &had) &&
				   had.ifindex != now->addrs[i].ifindex;
	poolset_free(&now);
	if (fd >= 0)
		close(fd);
	return is_moved;
}

static int tend_pass(struct tend *tend, struct engine_error *err)
{
	struct engine *engine = tend->engine;
	int ret = engine_still_there(engine, err);

	if (ret)
		return ret;
	if (engine->shared->control->active == NFR_SLOT_OPEN) {
		tend_steer(tend); /* of what was on trial */
		localnet_restore(engine->shared->fd[PIN_LOCALNET], NULL, NULL);
		return 0;
	}
	ret = links_list(&tend->devices);
	if (ret)
		return error_kernel(err, ret, "list the devices");
	hooks_init(&tend->hooks, engine->pins, &tend->options,
		   engine->shared->fd);
	ret = pins_mkdir(engine->pins, PINS_LINKS, err);
	if (!ret)
		ret = tend_bindings(tend, err);
	for (unsigned slot = 0; slot < 2 && !ret; slot++)
		if (tend->bindings[slot] &&
		    hooks_need_tc(&tend->bindings[slot]->image))
			tend->hooks.rewrites = true;
	bpflog_begin(&tend->options);
	if (!ret) {
		tend_hooks(tend);
		tend_floor(tend);
		tend_localnet(tend);
		tend_steer(tend);
		tend_gate(tend);
	}
	bpflog_end(NULL);
	for (unsigned slot = 0; slot < 2; slot++) {
		if (!ret && tend->bindings[slot])
			binding_edges(tend->bindings[slot], &tend->devices);
		binding_close(&tend->bindings[slot]);
	}
	return ret;
}

int engine_tend(struct engine *engine, const struct engine_options *options,
		const struct engine_tend_log *log, struct engine_error *err)
{
	struct tend tend = {.engine = engine, .log = log};
	int ret;

	memset(err, 0, sizeof(*err));
	if (options)
		tend.options = *options;
	ret = pins_lock(engine->pins,
			tend.options.lock_wait_ms ? tend.options.lock_wait_ms
						  : ENGINE_LOCK_WAIT_MS,
			err);
	if (!ret)
		ret = tend_pass(&tend, err);
	pins_unlock(engine->pins);
	engine_devices_free(&tend.devices);
	return ret;
}
