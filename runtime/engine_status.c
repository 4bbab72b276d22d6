/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_status.c: what is loaded and hooked -> a posture that can be trusted.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../compiler/image_edit.h"
#include "bpflog.h"
#include "engine_error.h"
#include "engine_gate.h"
#include "engine_read.h"
#include "engine_waits.h"
#include "floor.h"
#include "gate.h"
#include "generation.h"
#include "hooks.h"
#include "links.h"
#include "netpoll.h"
#include "rewriters.h"
#include "sockets.h"
#include "steer.h"
#include "ticket.h"

#define STATUS_LIMITS 1u
#define STATUS_DEVICE_NOTES (ENGINE_NOTES_MAX - STATUS_LIMITS - 1)

void engine_status_free(struct engine_status *status)
{
	engine_devices_free(&status->devices);
	memset(status, 0, sizeof(*status));
}

void engine_report_free(struct engine_report *report)
{
	engine_devices_free(&report->devices);
	memset(report, 0, sizeof(*report));
}

/* Of a device; the last ones are kept for what is always said. */
static void __attribute__((format(printf, 2, 3)))
status_note(struct engine_status *status, const char *fmt, ...)
{
	va_list ap;

	if (status->note_count == STATUS_DEVICE_NOTES) {
		snprintf(status->notes[STATUS_DEVICE_NOTES],
			 sizeof(status->notes[0]),
			 "and more of this kind: nfload show hooks");
		status->note_count++;
	}
	if (status->note_count > STATUS_DEVICE_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(status->notes[status->note_count++], sizeof(status->notes[0]),
		  fmt, ap);
	va_end(ap);
}

/* What no hook of this version can see; a gate closes the way out. */
static void status_note_limits(struct engine_status *status, bool has_gate)
{
	snprintf(status->notes[status->note_count++], sizeof(status->notes[0]),
		 "a device that appears later: what comes in%s, until the next "
		 "apply",
		 has_gate ? "" : ", and frames that are not IP");
}

/* Who holds the ticket for the transport, and how sure that is. */
static void status_transport(struct engine *engine,
			     struct engine_status *status,
			     const struct image *image)
{
	uint32_t zero = 0, generation = status->generation;
	struct nfr_ticket ticket = {0};
	struct engine_error ignored;
	int fd;

	if (!ticket_is_asked(image))
		return;
	fd = engine_slot_map(engine, &generation, PIN_TICKET, &ignored);
	if (fd < 0)
		return;
	bpf_map_lookup_elem(fd, &zero, &ticket);
	close(fd);
	ticket_text(&ticket, status->transport);
	status->is_transport_known = ticket.kind != NFR_TICKET_ANY;
	status->is_transport_kernels = ticket.kind == NFR_TICKET_KERNEL;
	if (!status->is_transport_known)
		status_note(status,
			    "the transport: any process may send to the "
			    "endpoint, as the tunnel does not say who carries "
			    "it: add \"user\" to the clause");
}

static void status_portal(struct engine_status *status,
			  const struct image *image)
{
	const char *device;
	__u32 dns;

	if (status->pending.state != NFR_PENDING_WAITING ||
	    !status->pending.is_portal)
		return;
	device = image_open_portal(image, &dns);
	if (!device)
		return;
	snprintf(status->portal, sizeof(status->portal), "%s", device);
	image_portal_resolvers(image, dns, status->portal_dns);
}

static int status_policy(struct engine *engine, struct engine_status *status,
			 struct engine_error *err)
{
	struct generation_about about = {0};
	uint32_t zero = 0, generation = status->generation;
	const struct image *image = NULL;
	int fd, ret = engine_image(engine, generation, &image, err);

	if (ret)
		return ret;
	status_portal(status, image);
	image_short_hash(image, status->image_hash);
	if (image->file_count)
		snprintf(status->source, sizeof(status->source), "%s",
			 image_string(image, image->files[0]));
	status->rule_count = image->header->guard_first;
	status->guard_count = image->rule_count - status->rule_count;
	status->insn_count = image->insn_count;
	status_transport(engine, status, image);
	if (image->config->state_limit &&
	    image->config->state_limit < status->states_limit)
		status->states_limit = image->config->state_limit;
	fd = engine_slot_map(engine, &generation, PIN_ABOUT, err);
	if (fd < 0)
		return fd == -ENOENT || fd == -EPROTO ? 0 : fd;
	if (!bpf_map_lookup_elem(fd, &zero, &about)) {
		status->loop = about.loop;
		status->engine = engine_kind_name(about.kind);
		status->code_insns = about.code_insns;
		status->loaded_at = about.loaded_at;
	}
	close(fd);
	return 0;
}

/* What the generation knows of a device; ifaces and tunnels may be -1. */
static void status_device(struct engine_status *status,
			  struct engine_device *device,
			  const struct image *image, int ifaces, int tunnels)
{
	uint32_t flags, ifindex = device->ifindex, value;
	struct nfr_iface iface = {0};

	if (ifaces >= 0 && !bpf_map_lookup_elem(ifaces, &ifindex, &iface)) {
		device->is_known = true;
		device->ifid = iface.ifid;
		device->is_tunnel = iface.flags & NFR_IFACE_TUNNEL;
		device->is_trusted =
			device->is_tunnel && tunnels >= 0 &&
			!bpf_map_lookup_elem(tunnels, &ifindex, &value);
	}
	/* Without a policy nobody says what is skipped; loopback leaks nothing.
	 */
	if (!image)
		device->is_skipped = device->flags & IFF_LOOPBACK;
	else if (generation_ifid(image, device, &flags))
		device->is_skipped = flags & IMAGE_IFACE_SKIP;
	if (image && device->is_known &&
	    generation_ifid(image, device, &flags) != device->ifid)
		status_note(status,
			    "%s was renamed: rules for its old name apply to "
			    "it until the next apply",
			    device->name);
}

/* What it redirects, or sends back, goes to the driver and meets no hook. */
static bool status_has_strange_xdp(const struct engine_device *device)
{
	return device->xdp_prog_id &&
	       device->hook[NFR_DIR_IN].prog_id != device->xdp_prog_id;
}

static void status_note_device(struct engine_status *status,
			       const struct engine_device *device)
{
	for (unsigned dir = 0; dir < 2 && !device->is_skipped; dir++) {
		const struct engine_hook *hook = &device->hook[dir];
		const char *name = dir == NFR_DIR_IN ? "in" : "out";

		if (hook->mode == ENGINE_MODE_NONE)
			status_note(status,
				    "%s %s is not guarded: it appeared after "
				    "the load, or its hook was removed",
				    device->name, name);
		else if (hook->position > 0)
			status_note(status,
				    "%s %s: %d program(s) of others run first "
				    "and can keep packets from nfr",
				    device->name, name, hook->position);
		else if (hook->mode == ENGINE_MODE_CLSACT)
			status_note(status,
				    "%s %s: clsact, which others can remove",
				    device->name, name);
	}
	if (status_has_strange_xdp(device))
		status_note(
			status,
			"%s in: an XDP program of others runs first: it can "
			"keep packets from nfr, and send past every hook",
			device->name);
	if (device->rewriters > 0)
		status_note(status,
			    "%s out: %d program(s) or filter(s) of others run "
			    "after nfr and can rewrite packets",
			    device->name, device->rewriters);
	else if (device->rewriters < 0)
		status_note(status,
			    "%s out: what of others runs after nfr is not "
			    "known: %s",
			    device->name, strerror(-device->rewriters));
	if (device->is_tunnel && !device->is_trusted)
		status_note(status,
			    "the tunnel %s is not the device that was trusted: "
			    "it stays closed until the next apply, or until "
			    "nfload watch lets it back in by \"rebind\"",
			    device->name);
}

/* The paths that no single device has. */
static int status_paths(struct engine *engine, struct engine_status *status,
			struct engine_error *err)
{
	const struct image *image = NULL;
	struct engine_error ignored;
	struct floor floor;
	int ret = floor_open(engine->pins, NULL, engine->shared, &floor, err);

	if (!ret && status->generation)
		engine_image(engine, status->generation, &image, &ignored);
	if (!ret) {
		status->path_count = floor_look(&floor, status->paths);
		status->path_count +=
			sockets_look(engine->pins, engine->shared, NULL,
				     status->paths + status->path_count);
		status->path_count +=
			steer_look(engine->shared, &status->devices,
				   image && steer_splits(image),
				   status->paths + status->path_count);
	}
	floor_close(&floor);
	if (!ret && image)
		status->path_count += engine_gate_look(
			engine->pins->dir, image, &status->devices,
			status->paths + status->path_count);
	if (!ret && engine_has_guard(image))
		status->path_count += netpoll_look(
			NETPOLL_CONSOLES, NETPOLL_PKTGEN, &status->devices,
			status->paths + status->path_count);
	for (size_t i = 0; i < status->path_count; i++) {
		const struct engine_path *path = &status->paths[i];

		if (path->why[0])
			status_note(status, "%s: %s%s", path->name,
				    path->is_guarded || path->is_advice
					    ? ""
					    : "not guarded: ",
				    path->why);
	}
	return ret;
}

/* The kernel's own packets have a sender for netfilter's hooks alone. */
static void status_note_ticket(struct engine_status *status)
{
	if (!status->is_transport_kernels)
		return;
	for (size_t i = 0; i < status->path_count; i++)
		if (status->paths[i].is_guarded &&
		    !strcmp(status->paths[i].mode,
			    engine_floor_name(ENGINE_FLOOR_NETFILTER)))
			return;
	status_note(status,
		    "the transport: known by its port and route alone, so root "
		    "can send to the endpoint from that port: netfilter links "
		    "(Linux 6.4) tell the kernel's packets from others");
}

static bool status_has_gate(const struct engine_status *status)
{
	for (size_t i = 0; i < status->path_count; i++) {
		const struct engine_path *path = &status->paths[i];

		if (!strcmp(path->name, GATE_PATH))
			return path->is_guarded;
	}
	return false;
}

/* With a tunnel, that nothing goes past counts. */
static bool status_is_guarded(const struct engine_status *status,
			      const struct engine_device *device)
{
	if (status->guard_count &&
	    (status_has_strange_xdp(device) || device->rewriters))
		return false;
	return device->is_skipped ||
	       (device->hook[NFR_DIR_IN].mode != ENGINE_MODE_NONE &&
		device->hook[NFR_DIR_OUT].mode != ENGINE_MODE_NONE &&
		device->hook[NFR_DIR_IN].position <= 0 &&
		device->hook[NFR_DIR_OUT].position <= 0);
}

static enum engine_posture status_posture(const struct engine_status *status)
{
	size_t hook_count = 0, open_count = 0;

	for (size_t i = 0; i < status->devices.count; i++) {
		const struct engine_device *device = &status->devices.items[i];

		for (unsigned dir = 0; dir < 2; dir++)
			hook_count +=
				device->hook[dir].mode != ENGINE_MODE_NONE;
		open_count += !status_is_guarded(status, device);
	}
	for (size_t i = 0; i < status->path_count; i++) {
		if (status->paths[i].is_advice)
			continue;
		hook_count += status->paths[i].is_guarded;
		open_count += !status->paths[i].is_guarded;
	}
	if (status->is_open || (!hook_count && open_count))
		return ENGINE_POSTURE_OPEN;
	if (open_count || *status->portal)
		return ENGINE_POSTURE_PARTLY;
	return status->generation ? ENGINE_POSTURE_GUARDED
				  : ENGINE_POSTURE_BLOCKED;
}

static int status_devices(struct engine *engine, struct engine_status *status,
			  struct engine_error *err)
{
	uint32_t generation = status->generation;
	const struct image *image = NULL;
	struct engine_error ignored;
	int ifaces = -1, tunnels = -1, ret;
	struct hooks hooks;

	ret = links_list(&status->devices);
	if (ret)
		return error_kernel(err, ret, "list the devices");
	if (generation) {
		engine_image(engine, generation, &image, &ignored);
		ifaces = engine_slot_map(engine, &generation, PIN_IFACES,
					 &ignored);
		tunnels = engine_slot_map(engine, &generation, PIN_TUNNELS,
					  &ignored);
	}
	hooks_init(&hooks, engine->pins, NULL, engine->shared->fd);
	bpflog_begin(NULL);
	for (size_t i = 0; i < status->devices.count; i++) {
		struct engine_device *device = &status->devices.items[i];

		hooks_look(&hooks, device);
		status_device(status, device, image, ifaces, tunnels);
		if (status->guard_count && !device->is_skipped &&
		    !device->is_tunnel && !(device->flags & IFF_LOOPBACK))
			device->rewriters = rewriters_count(device);
		status_note_device(status, device);
	}
	bpflog_end(NULL);
	if (ifaces >= 0)
		close(ifaces);
	if (tunnels >= 0)
		close(tunnels);
	return 0;
}

int engine_status(struct engine *engine, struct engine_status *out,
		  struct engine_error *err)
{
	struct engine_status *status;
	struct nfr_control control;
	int ret = engine_still_there(engine, err);

	if (ret)
		return ret;
	status = calloc(1, sizeof(*status));
	if (!status)
		return error_kernel(err, -ENOMEM, "read the status");
	control = *engine->shared->control;
	status->slot = control.active < 2 ? control.active : 0;
	status->generation = shared_generation(engine->shared);
	status->is_open = control.active == NFR_SLOT_OPEN;
	ret = engine_pending(engine, &status->pending, err);
	status->other = control.generation[!status->slot];
	status->netns_cookie = control.netns_cookie;
	status->netns_inode = engine->shared->netns_inode;
	status->engine = "vm";
	/* Two CPUs can leave it below none for a moment. */
	status->states = (int32_t)control.states > 0 ? control.states : 0;
	status->states_limit = NFR_STATES_MAX;
	status->trace_block = control.trace_block != 0;
	status->events_lost = control.events_lost;
	if (!ret && status->generation)
		ret = status_policy(engine, status, err);
	if (!ret)
		ret = status_devices(engine, status, err);
	if (!ret)
		ret = status_paths(engine, status, err);
	if (!ret) {
		const struct image *image = NULL;
		struct engine_error ignored;

		status_note_ticket(status);
		if (status->generation &&
		    !engine_image(engine, status->generation, &image, &ignored))
			engine_waits(status, image);
		status->posture = status_posture(status);
		status_note_limits(status, status_has_gate(status));
		*out = *status;
		free(status);
		return 0;
	}
	engine_status_free(status);
	free(status);
	return ret;
}
