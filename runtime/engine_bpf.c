/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine_bpf.c: image in, policy in force out.
 *
 * Order of a load, and what a SIGKILL after each step leaves
 *   1 lock, look                 the old state
 *   2 shared maps, stubs pinned  no hook: as open as before the first load
 *   3 generation loaded          it goes with the process; or the inactive
 *                                slot's is filled anew: as 4
 *   4 inactive slot emptied      the old policy, no way back to its forerunner
 *   5 pinned and placed          the old policy; the next load clears it away
 *   6 hooks on new devices       they run the old policy
 *   7 route_localnet             packets to 127/8 are blocked by the hooks
 *   8 control.active             the new policy; on trial, the timer is set in
 *                                the same run of a program (confirm.bpf.h)
 *   9 route_localnet put back    the next load does it, or a watch
 * A first load has no old policy that new hooks could run: it switches before
 * it attaches.
 */
#include "engine.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "binding.h"
#include "bpflog.h"
#include "connect.h"
#include "engine_added.h"
#include "engine_error.h"
#include "engine_gate.h"
#include "floor.h"
#include "gate.h"
#include "generation.h"
#include "generation_reuse.h"
#include "hooks.h"
#include "links.h"
#include "localnet.h"
#include "queues.h"
#include "rebind.h"
#include "sockets.h"
#include "steer.h"
#include "steer_rules.h"
#include "ticket.h"

#define APPLY_ROUNDS 4 /* devices that appear while others are hooked */

struct apply {
	struct engine_options options;
	const struct image *image;
	struct pins *pins;
	struct shared *shared;
	struct hooks hooks;
	struct floor floor;
	struct connect connect;
	struct generation *generation;
	struct binding *old; /* what is in force; NULL: nothing */
	struct engine_report report;
	bool is_fresh;	  /* nothing was in force, and no hook was there */
	bool was_guarded; /* the policy in force had a tunnel */
};

static void engine_error_reset(struct engine_error *err)
{
	memset(err, 0, sizeof(*err));
	err->nothing_changed = true;
}

/* The smallest program that needs the privileges of the real ones. */
static int engine_probe_kernel(struct engine_error *err)
{
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_DROP},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "nfr_probe", "GPL", insns, 2,
			       NULL);

	if (fd < 0)
		return error_kernel(err, -errno, "load eBPF programs");
	close(fd);
	return 0;
}

int engine_probe(const char *dir, struct engine_error *err)
{
	struct engine_error ignored;
	struct pins *pins = NULL;
	int ret;

	engine_error_reset(err);
	ret = engine_probe_kernel(err);
	if (!ret)
		ret = pins_open(dir, true, &pins, err);
	if (!ret)
		pins_lock(pins, 0, &ignored); /* to remove what it made */
	pins_close(&pins);
	return ret;
}

static void __attribute__((format(printf, 2, 3)))
apply_note(struct apply *apply, const char *fmt, ...)
{
	struct engine_report *report = &apply->report;
	va_list ap;

	if (report->note_count == ENGINE_NOTES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(report->notes[report->note_count++], sizeof(report->notes[0]),
		  fmt, ap);
	va_end(ap);
}

/* What a killed first load left: no control, so no hook and nothing in force.
 */
static int apply_sweep_residue(struct apply *apply, struct engine_error *err)
{
	int ret = hooks_check(&apply->hooks, err);
	size_t left = 0;

	if (ret == -EEXIST)
		error_hint(err,
			   "there are hooks but no control: nfload "
			   "unload, or rm -r %s",
			   apply->pins->dir);
	if (!ret)
		ret = shared_check(apply->pins, err);
	if (!ret)
		ret = floor_open(apply->pins, &apply->options, NULL,
				 &apply->floor, err);
	if (!ret)
		ret = floor_remove(&apply->floor, &left, err);
	if (!ret)
		sockets_remove(apply->pins, NULL, &left);
	floor_close(&apply->floor);
	for (uint32_t slot = 0; slot < 2 && !ret; slot++)
		ret = generation_check(apply->pins, slot, err);
	for (uint32_t slot = 0; slot < 2 && !ret; slot++)
		ret = generation_clear(apply->pins, NULL, slot, err);
	return ret ? ret : shared_remove(apply->pins, err);
}

static int apply_open(struct apply *apply, const char *dir,
		      struct engine_error *err)
{
	int ret = pins_open(dir, true, &apply->pins, err);

	if (ret)
		return ret;
	ret = pins_lock(apply->pins, apply->options.lock_wait_ms, err);
	if (ret)
		return ret;
	apply->hooks =
		(struct hooks){.pins = apply->pins, .options = &apply->options};
	ret = shared_open(apply->pins, &apply->shared, err);
	if (ret == -ENOENT) {
		ret = apply_sweep_residue(apply, err);
		if (!ret)
			ret = shared_create(apply->pins, &apply->options,
					    &apply->shared, err);
		apply->is_fresh = !ret;
	}
	return ret;
}

/* The slot that is not active holds what a trial would go back to. */
static int apply_refuse_trial(const struct apply *apply,
			      struct engine_error *err)
{
	struct nfr_pending pending;
	int ret = shared_pending(apply->shared, &pending, err);

	if (ret || pending.state != NFR_PENDING_WAITING)
		return ret;
	if (pending.flags & NFR_PENDING_PORTAL) {
		error_set(err, -EINPROGRESS, "a portal is open");
		error_hint(err, "nfload portal --end closes it");
		return -EINPROGRESS;
	}
	error_set(err, -EINPROGRESS, "generation %u waits to be confirmed",
		  pending.from_generation);
	error_hint(err, "nfload confirm keeps it, nfload rollback takes it "
			"back");
	return -EINPROGRESS;
}

static int apply_activate(struct apply *apply, struct engine_error *err)
{
	struct engine_report *report = &apply->report;
	struct nfr_pending pending = {
		.from_slot = report->slot,
		.from_generation = report->generation,
		.to_slot = apply->shared->control->active,
		.to_generation = report->previous,
		.flags = apply->options.is_portal ? NFR_PENDING_PORTAL : 0,
	};

	if (!apply->options.trial_ms) {
		shared_activate(apply->shared, report->slot);
		return 0;
	}
	if (!report->previous)
		pending.to_slot = apply->options.trial_blocks ? NFR_SLOT_NONE
							      : NFR_SLOT_OPEN;
	return shared_try(apply->shared, &pending, apply->options.trial_ms,
			  err);
}

static int apply_look(struct apply *apply, struct engine_error *err)
{
	struct shared *shared = apply->shared;
	int ret = apply_refuse_trial(apply, err);

	if (ret)
		return ret;
	apply->report.previous = shared_generation(shared);
	if (apply->options.only_after &&
	    apply->options.only_after != apply->report.previous)
		return error_set(err, -EAGAIN,
				 "generation %u was replaced meanwhile",
				 apply->options.only_after);
	hooks_init(&apply->hooks, apply->pins, &apply->options, shared->fd);
	apply->hooks.rewrites = hooks_need_tc(apply->image);
	ret = floor_open(apply->pins, &apply->options, shared, &apply->floor,
			 err);
	if (!ret)
		ret = connect_open(apply->pins, &apply->options,
				   &apply->connect, err);
	if (!ret)
		ret = pins_mkdir(apply->pins, PINS_LINKS, err);
	if (!ret)
		ret = hooks_check(&apply->hooks, err);
	for (uint32_t slot = 0; slot < 2 && !ret; slot++)
		ret = generation_check(apply->pins, slot, err);
	if (ret)
		return ret;
	apply->report.slot = shared->control->active == 0 ? 1 : 0;
	apply->report.generation = shared->control->last_generation + 1;
	if (!apply->report.previous && !apply->is_fresh) {
		bpflog_begin(&apply->options);
		apply->is_fresh = hooks_count(&apply->hooks) == 0;
		bpflog_end(NULL);
	}
	return 0;
}

static int apply_attach_one(struct apply *apply, struct engine_device *device,
			    struct engine_error *err)
{
	hooks_look(&apply->hooks, device);
	for (unsigned dir = 0; dir < 2 && !device->is_skipped; dir++) {
		int ret = 0;

		if (device->hook[dir].mode == ENGINE_MODE_NONE)
			ret = hooks_attach(&apply->hooks, device, dir, err);
		else if (dir == NFR_DIR_IN &&
			 hooks_must_move(&apply->hooks, device))
			ret = hooks_move(&apply->hooks, device, err);
		if (ret)
			return ret;
		if (device->hook[dir].position > 0)
			apply_note(apply,
				   "%s %s: %d program(s) of others run before "
				   "nfr's and can keep packets from it",
				   device->name, dir ? "out" : "in",
				   device->hook[dir].position);
	}
	return 0;
}

/* A first load has none. */
static bool apply_has_old(const struct apply *apply)
{
	uint32_t active = apply->shared->control->active;

	return active < 2 && active != apply->report.slot;
}

/*
 * Of the image in force, which may be large, only the tunnel matters; and all
 * of it, where this one is the same with other tables.
 */
static bool apply_asks_old(const struct apply *apply)
{
	const struct image *image = apply->image;
	bool asks = apply->options.only_after || engine_has_guard(image);

	for (uint32_t i = 0; i < image->iface_count; i++)
		asks |= image->ifaces[i].flags & IMAGE_IFACE_TUNNEL;
	return asks;
}

/* What is in force, to be asked about devices. */
static int apply_open_old(struct apply *apply, struct engine_error *err)
{
	int ret;

	if (!apply_has_old(apply) || !apply_asks_old(apply))
		return 0;
	ret = binding_open(apply->pins, apply->shared,
			   apply->shared->control->active, &apply->old, err);
	/* One that can not be read is replaced, but not by its own tables. */
	return apply->options.only_after ? ret : 0;
}

/* Has it the tunnel's name, and is it no tunnel, when that was one? */
static bool apply_is_impostor(const struct apply *apply,
			      const struct engine_device *device,
			      char why[REBIND_WHY_MAX])
{
	struct rebind_identity before = {0};
	uint32_t flags, key;

	if (!apply->old)
		return false;
	key = generation_ifid(&apply->old->image, device, &flags);
	bpf_map_lookup_elem(apply->old->identity, &key, &before);
	if (!rebind_judge_applied(device, &before, why))
		return false;
	key = device->ifid;
	bpf_map_update_elem(apply->generation->fd[PIN_IDENTITY], &key, &before,
			    BPF_ANY);
	return true;
}

/*
 * The same policy with other tables is nobody's word that a device with the
 * tunnel's name is the tunnel: what was not trusted is not. Another apply is,
 * but for a device that is none: an uplink may have got the name.
 */
static void apply_keep_trust(struct apply *apply, struct engine_device *device)
{
	uint32_t ifindex = device->ifindex, value;
	char why[REBIND_WHY_MAX];

	if (!device->is_tunnel)
		return;
	if (apply->options.only_after
		    ? bpf_map_lookup_elem(apply->old->tunnels, &ifindex,
					  &value) != 0
		    : apply_is_impostor(apply, device, why))
		generation_distrust(apply->generation, device);
}

/* What the tunnel was stays known, whether its device is there now or not. */
static int apply_keep_identity(struct apply *apply, struct engine_error *err)
{
	int to = apply->generation->fd[PIN_IDENTITY], ret = 0;
	struct rebind_identity identity;
	struct binding *old = apply->old;
	uint32_t key, *at = NULL;

	if (!apply->options.only_after)
		return 0;
	while (!ret && !bpf_map_get_next_key(old->identity, at, &key)) {
		at = &key;
		if (!bpf_map_lookup_elem(old->identity, &key, &identity) &&
		    bpf_map_update_elem(to, &key, &identity, BPF_ANY))
			ret = error_kernel(err, -errno,
					   "note what the tunnel was");
	}
	return ret;
}

static int apply_add_device(struct apply *apply,
			    const struct engine_device *device,
			    struct engine_error *err)
{
	struct engine_devices *devices = &apply->report.devices;
	struct engine_device *grown, *added;
	const char *known_as = NULL;
	int ret;

	grown = reallocarray(devices->items, devices->count + 1,
			     sizeof(*grown));
	if (!grown)
		return error_kernel(err, -ENOMEM, "list the devices");
	devices->items = grown;
	added = &grown[devices->count++];
	*added = *device;
	/* A rename does not make it another device. */
	if (apply->options.only_after)
		known_as = binding_tunnel_name(apply->old, added->ifindex);
	ret = generation_bind(apply->generation, apply->image, known_as, added,
			      err);
	if (!ret)
		apply_keep_trust(apply, added);
	if (!ret)
		ret = apply_attach_one(apply, added, err);
	if (ret != -ENODEV)
		return ret;
	hooks_undo(&apply->hooks, added);
	devices->count--;
	return 0;
}

/* Until a listing holds no device that is not hooked. */
static int apply_attach(struct apply *apply, struct engine_error *err)
{
	bool is_settled = false;
	int ret = 0;

	hooks_sweep(&apply->hooks);
	for (unsigned round = 0; round < APPLY_ROUNDS && !is_settled && !ret;
	     round++) {
		struct engine_devices now = {0};

		ret = links_list(&now);
		if (ret)
			return error_kernel(err, ret, "list the devices");
		is_settled = true;
		for (size_t i = 0; i < now.count && !ret; i++) {
			if (links_find(&apply->report.devices,
				       now.items[i].ifindex))
				continue;
			is_settled = false;
			ret = apply_add_device(apply, &now.items[i], err);
		}
		engine_devices_free(&now);
	}
	return ret;
}

/*
 * Of a tunnel that is gone for now, what the policy in force knows of it; and
 * whether that has a tunnel at all.
 */
static int apply_ticket(struct apply *apply, struct engine_error *err)
{
	int fd = apply->generation->fd[PIN_TICKET], from = -1, ret;
	struct engine_error ignored;

	apply->was_guarded = apply->old && engine_has_guard(&apply->old->image);
	if (apply->old)
		from = apply->old->ticket;
	else if (apply_has_old(apply) && !apply_asks_old(apply))
		from = pins_get(apply->pins,
				pins_slot_dir(apply->shared->control->active),
				&pins_generation[PIN_TICKET], &ignored);
	ticket_copy(from, fd);
	if (from >= 0 && !apply->old)
		close(from);
	ret = ticket_update(fd, apply->image, &apply->report.devices);
	return ret ? error_kernel(err, ret, "say who carries the tunnel") : 0;
}

/* The same policy with other tables steers as it did. */
static bool apply_wants_steering(const struct apply *apply)
{
	const struct nfr_control *control = apply->shared->control;

	if (apply->options.only_after)
		return NFR_STEER_HAS(control, control->active);
	if (apply->options.steer == ENGINE_STEER_AUTO)
		return steer_splits(apply->image);
	return apply->options.steer == ENGINE_STEER_ON &&
	       engine_has_guard(apply->image);
}

/* Before the switch: the policy in force goes on as it does. */
static void apply_say_steering(const struct apply *apply)
{
	uint32_t bit = NFR_STEER_SLOT(apply->report.slot);

	if (apply_wants_steering(apply))
		apply->shared->control->steers |= bit;
	else
		apply->shared->control->steers &= ~bit;
}

static int apply_place(struct apply *apply, struct engine_error *err)
{
	int ret = generation_pin(apply->generation, apply->pins, apply->shared,
				 err);

	if (!ret)
		apply_say_steering(apply);
	if (!ret)
		ret = generation_place(apply->generation, apply->shared, err);
	if (!ret)
		ret = connect_place(&apply->connect, apply->report.slot, err);
	return ret ? ret : floor_place(&apply->floor, apply->report.slot, err);
}

/* A kernel that can not guard them is told, not refused. */
static int apply_sockets(struct apply *apply, struct engine_error *err)
{
	struct engine_path paths[ENGINE_PATHS_MAX];
	struct socket_diag ended = {0};
	struct engine_error why = {0};
	size_t count;
	int ret = sockets_attach(apply->pins, apply->shared, &apply->options,
				 &why);

	if (ret == -EEXIST && apply->is_fresh) {
		*err = why;
		return ret;
	}
	if (ret)
		apply_note(apply, "%.150s", why.text);
	if (apply->connect.why[0])
		apply_note(apply, "who connects in vain waits: %.150s",
			   apply->connect.why);
	count = sockets_look(apply->pins, apply->shared, &ended, paths);
	if (ended.ended)
		apply_note(apply,
			   "older sockets: PACKET_QDISC_BYPASS is taken from "
			   "%u: %s",
			   ended.ended, ended.former);
	for (size_t i = 0; i < count; i++)
		if (paths[i].why[0])
			apply_note(apply, "%s: %s", paths[i].name,
				   paths[i].why);
	return 0;
}

static void apply_steer(struct apply *apply)
{
	struct nfr_control *control = apply->shared->control;
	int ret;

	if (apply->is_fresh) /* who knows what was killed here */
		control->steers |= NFR_STEER_PLACED;
	ret = steer_update(apply->shared,
			   apply->connect.map_fd[CONNECT_OUTSIDE],
			   &apply->report.devices);
	if (ret >= 0)
		return;
	control->steers &= ~NFR_STEER_SLOT(apply->report.slot);
	if (ret == -EEXIST)
		apply_note(apply,
			   "not steered: table %u or %u has routes of others",
			   STEER_OUTSIDE, STEER_INSIDE);
	else
		apply_note(apply, "not steered: %s", strerror(-ret));
}

static void apply_say_queue(void *arg, const char *device, uint32_t frames,
			    int error)
{
	if (error)
		apply_note(arg,
			   "%s: %u frame(s) from before wait in its queue and "
			   "will leave: %s",
			   device, frames, strerror(-error));
	else
		apply_note(arg,
			   "%s: %u frame(s) that waited in its queue from "
			   "before are dropped",
			   device, frames);
}

/* What no tunnel has judged waits behind the hooks. */
static void apply_queues(struct apply *apply)
{
	int ret;

	if (apply->was_guarded || !engine_has_guard(apply->image))
		return;
	ret = queues_empty(&apply->report.devices, apply_say_queue, apply);
	if (ret)
		apply_note(apply, "what waits in queues is not known: %s",
			   strerror(-ret));
}

/* Last, when edges and floor are there: it is what closes all others. */
static void apply_gate(struct apply *apply)
{
	int ret = engine_gate(apply->shared, apply->image, apply->floor.mode,
			      &apply->report.devices);

	if (ret == -EOPNOTSUPP)
		apply_note(apply, "no gate: this kernel can not close devices "
				  "that appear; nfload watch does");
	else if (ret < 0)
		apply_note(apply, "no gate: nftables: %s", strerror(-ret));
}

/*
 * The policy is in force: what could not be done now leaves a path open that
 * was open before, unless there was nothing before.
 */
static int apply_floor(struct apply *apply, struct engine_error *err)
{
	struct engine_error why = {0};
	int ret = floor_attach(&apply->floor, &why);

	if (ret && apply->is_fresh) {
		*err = why;
		return ret;
	}
	if (ret)
		apply_note(apply, "%s", why.text);
	if (apply->floor.mode == ENGINE_FLOOR_NONE)
		apply_note(apply, "no floor: %s", apply->floor.why);
	else if (apply->floor.why[0])
		apply_note(apply, "the floor is by %s: %s",
			   engine_floor_name(apply->floor.mode),
			   apply->floor.why);
	ret = apply_sockets(apply, err);
	if (!ret)
		apply_steer(apply);
	if (!ret)
		apply_gate(apply);
	if (!ret)
		apply_queues(apply);
	return ret;
}

/* What the old policy wanted of the kernel and this one does not. */
static void apply_restore(struct apply *apply)
{
	size_t left = localnet_restore(apply->shared->fd[PIN_LOCALNET],
				       apply->image, &apply->report.devices);

	if (left)
		apply_note(apply,
			   "route_localnet of %zu device(s) could not be put "
			   "back",
			   left);
}

/*
 * The policy that a trial may go back to, when no process is there to tell it
 * of devices that came since: it is told now. A hook that only one of both
 * policies wants can not be added or removed by a timer.
 */
static int apply_ready_fallback(struct apply *apply, struct engine_error *err)
{
	struct engine_devices copy = {.count = apply->report.devices.count};
	struct binding *own = NULL, *binding = apply->old;
	int ret = 0;

	if (!apply_has_old(apply))
		return 0;
	if (!binding) {
		ret = binding_open(apply->pins, apply->shared,
				   apply->shared->control->active, &own, err);
		binding = own;
	}
	if (ret == -ENOENT)
		return 0;
	copy.items = calloc(copy.count + 1, sizeof(*copy.items));
	if (!ret && !copy.items)
		ret = error_kernel(err, -ENOMEM, "list the devices");
	for (size_t i = 0; i < copy.count && !ret; i++)
		copy.items[i] = apply->report.devices.items[i];
	if (!ret)
		ret = binding_update(binding, &copy, NULL, err);
	if (!ret)
		binding_edges(binding, &copy);
	for (size_t i = 0; i < copy.count && !ret; i++) {
		const struct engine_device *now =
			&apply->report.devices.items[i];

		if (now->is_skipped == copy.items[i].is_skipped)
			continue;
		ret = error_set(err, -EOPNOTSUPP,
				"\"set skip\" of %s is not as in generation "
				"%u, and a timer can not change hooks",
				now->name, apply->report.previous);
		error_hint(err, "load it without --confirm");
	}
	engine_devices_free(&copy);
	binding_close(&own);
	return ret;
}

/* Hooks that the old policy wanted and this one does not. */
static void apply_detach_skipped(struct apply *apply)
{
	for (size_t i = 0; i < apply->report.devices.count; i++) {
		struct engine_device *device = &apply->report.devices.items[i];

		for (unsigned dir = 0; dir < 2 && device->is_skipped; dir++) {
			if (hooks_detach(&apply->hooks, device, dir))
				apply_note(apply,
					   "%s is skipped, but its hook "
					   "could not be removed",
					   device->name);
		}
	}
}

/* What the generation before added to its tables until it was left. */
static void apply_carry(struct apply *apply)
{
	struct engine_error why = {0};
	int ret, fd;

	if (!apply->options.read ||
	    !(apply->image->config->flags & NFR_CONFIG_OVERLOADS))
		return;
	fd = pins_get(apply->pins, pins_slot_dir(!apply->report.slot),
		      &pins_generation[PIN_ADDED], &why);
	ret = fd < 0 ? fd : generation_wait(&why);
	if (!ret)
		ret = engine_added_carry(fd, apply->generation->fd[PIN_ADDED],
					 apply->options.read);
	if (fd >= 0)
		close(fd);
	if (ret)
		apply_note(apply,
			   "addresses that rules put into tables while this "
			   "was loaded may not be there: %s",
			   strerror(-ret));
}

static int apply_switch(struct apply *apply, struct engine_error *err)
{
	int ret = apply_place(apply, err);

	if (ret)
		return ret;
	if (apply->is_fresh)
		ret = apply_activate(apply, err);
	if (ret)
		return ret;
	ret = apply_open_old(apply, err);
	if (ret)
		return ret;
	bpflog_begin(&apply->options);
	ret = apply_attach(apply, err);
	if (!ret)
		ret = apply_keep_identity(apply, err);
	if (!ret)
		ret = apply_ticket(apply, err);
	if (!ret && apply->options.trial_ms)
		ret = apply_ready_fallback(apply, err);
	if (!ret)
		ret = localnet_set(apply->shared, apply->image,
				   &apply->report.devices, err);
	if (!ret && !apply->is_fresh)
		ret = apply_activate(apply, err);
	if (!ret) {
		apply_carry(apply);
		if (!apply->options.trial_ms)
			apply_restore(apply);
		apply_detach_skipped(apply);
		ret = apply_floor(apply, err);
	}
	bpflog_end(NULL);
	return ret;
}

static void apply_undo(struct apply *apply, struct engine_error *err)
{
	struct engine_error ignored;
	size_t left = 0;

	bpflog_begin(&apply->options);
	for (size_t i = 0; i < apply->report.devices.count; i++)
		hooks_undo(&apply->hooks, &apply->report.devices.items[i]);
	if (apply->is_fresh) {
		localnet_restore(apply->shared->fd[PIN_LOCALNET], NULL, NULL);
		hooks_remove(&apply->hooks, &left, &ignored);
		floor_remove(&apply->floor, &left, &ignored);
		sockets_remove(apply->pins, apply->shared, &left);
		steer_remove();
		gate_remove();
	}
	bpflog_end(NULL);
	if (!apply->is_fresh) {
		if (apply->shared && apply->generation)
			generation_clear(apply->pins, apply->shared,
					 apply->report.slot, &ignored);
		return;
	}
	if (left)
		err->nothing_changed = false;
	for (uint32_t slot = 0; slot < 2; slot++)
		generation_clear(apply->pins, apply->shared, slot, &ignored);
	shared_remove(apply->pins, &ignored);
	pins_rmdir(apply->pins, PINS_LINKS);
}

/* Names of the policy that no device has: said, not refused. */
static void apply_note_missing(struct apply *apply)
{
	const struct image *image = apply->image;

	for (uint32_t i = 0; i < image->iface_count; i++) {
		bool is_there = false;

		for (size_t d = 0; d < apply->report.devices.count; d++)
			is_there |=
				apply->report.devices.items[d].ifid == i + 1;
		if (is_there)
			continue;
		apply_note(apply,
			   image->ifaces[i].flags & IMAGE_IFACE_TUNNEL
				   ? "the tunnel %s does not exist yet: apply "
				     "again when it does"
				   : "there is no device %s yet: apply again "
				     "when there is",
			   image_string(image, image->ifaces[i].name));
	}
}

/* There, but not who the policy says. */
static void apply_note_strangers(struct apply *apply)
{
	for (size_t i = 0; i < apply->report.devices.count; i++) {
		const struct engine_device *device =
			&apply->report.devices.items[i];
		char why[REBIND_WHY_MAX] = "";

		if (!device->is_tunnel || device->is_trusted)
			continue;
		if (!apply_is_impostor(apply, device, why))
			rebind_judge_peers(apply->image, device->ifid, device,
					   why);
		apply_note(apply, "the tunnel %s stays closed: %.120s",
			   device->name, why);
	}
}

static const char *apply_refused(enum engine_kind kind)
{
	if (kind == ENGINE_KIND_INLINE)
		return "inline";
	return kind == ENGINE_KIND_HASH ? "data" : "native code";
}

static void apply_note_kind(struct apply *apply)
{
	struct engine_report *report = &apply->report;

	report->kind = apply->generation->kind;
	report->code_insns = apply->generation->code_insns;
	report->kernel_bytes = generation_bytes(apply->generation);
	snprintf(report->kind_why, sizeof(report->kind_why), "%s",
		 apply->generation->kind_why);
	if (apply->generation->refused)
		apply_note(apply, "the rules are not %s, but %s: %.150s",
			   apply_refused(apply->generation->refused),
			   engine_kind_name(report->kind), report->kind_why);
}

static void apply_note_modes(struct apply *apply)
{
	for (size_t i = 0; i < apply->report.devices.count; i++) {
		const struct engine_device *device =
			&apply->report.devices.items[i];
		const struct engine_hook *in = &device->hook[NFR_DIR_IN];

		if ((in->is_new || in->is_moved) && in->why[0])
			apply_note(apply, "%s in: %s, not native XDP (%s)",
				   device->name, engine_mode_name(in->mode),
				   in->why);
	}
}

static void apply_close(struct apply *apply)
{
	floor_close(&apply->floor);
	connect_close(&apply->connect);
	generation_free(&apply->generation);
	binding_close(&apply->old);
	shared_close(&apply->shared);
	pins_close(&apply->pins);
	engine_report_free(&apply->report);
}

int engine_apply(const char *dir, const struct image *image,
		 const struct engine_options *options,
		 struct engine_report *report, struct engine_error *err)
{
	struct apply apply = {
		.image = image,
		.floor = {.stub_fd = -1, .slots_fd = -1, .prog_fd = -1},
	};
	int ret;

	connect_begin(&apply.connect);
	engine_error_reset(err);
	if (options)
		apply.options = *options;
	if (!apply.options.lock_wait_ms)
		apply.options.lock_wait_ms = ENGINE_LOCK_WAIT_MS;
	ret = engine_probe_kernel(err);
	if (!ret)
		ret = apply_open(&apply, dir, err);
	if (!ret)
		ret = apply_look(&apply, err);
	if (!ret)
		ret = generation_load(apply.pins, apply.shared, image,
				      apply.report.generation,
				      apply.report.slot, &apply.options,
				      &apply.generation, err);
	progress_stage(apply.options.progress, "hooks");
	if (!ret)
		ret = floor_load(&apply.floor, apply.shared, apply.generation,
				 err);
	if (!ret)
		ret = connect_load(&apply.connect, apply.shared,
				   apply.generation, err);
	if (!ret)
		ret = apply_switch(&apply, err);
	if (ret && apply.shared)
		apply_undo(&apply, err);
	if (ret) {
		err->generation_in_force = apply.report.previous;
		goto out;
	}
	apply.report.loop = apply.generation->loop;
	apply_note_kind(&apply);
	apply_note_missing(&apply);
	apply_note_strangers(&apply);
	apply_note_modes(&apply);
	apply.pins->is_new = false;
	*report = apply.report;
	memset(&apply.report, 0, sizeof(apply.report));
out:
	apply_close(&apply);
	return ret;
}
