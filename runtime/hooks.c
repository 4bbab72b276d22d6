/* SPDX-License-Identifier: BSD-2-Clause */
/* hooks.c: pinned links and chains -> which of a device's hooks are ours. */
#include "hooks.h"

#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clsact.h"
#include "tcx.h"

static bool hooks_look_tcx(const struct tcx_link *link, enum nfr_dir dir,
			   const struct engine_device *device,
			   struct engine_hook *hook)
{
	struct tcx_chain chain;

	if (link->type != TCX_LINK_TYPE_TCX || link->dir != dir ||
	    tcx_query(device->ifindex, dir, &chain))
		return false;
	for (uint32_t i = 0; i < chain.count; i++) {
		if (chain.link_id[i] != link->id)
			continue;
		hook->mode = ENGINE_MODE_TCX;
		hook->position = (int)i;
		hook->chain_len = chain.count;
		hook->prog_id = link->prog_id;
		return true;
	}
	return false;
}

static bool hooks_look_xdp(const struct tcx_link *link,
			   const struct engine_device *device,
			   struct engine_hook *hook)
{
	if (link->type != TCX_LINK_TYPE_XDP ||
	    link->prog_id != device->xdp_prog_id)
		return false;
	hook->mode = device->xdp_mode == XDP_ATTACHED_SKB
			     ? ENGINE_MODE_XDP_GENERIC
			     : ENGINE_MODE_XDP_NATIVE;
	hook->position = 0;
	hook->chain_len = 1;
	hook->prog_id = link->prog_id;
	return true;
}

/* All of tcx runs before clsact. */
static void hooks_look_clsact(const struct engine_device *device,
			      enum nfr_dir dir, uint32_t stub_id,
			      struct engine_hook *hook)
{
	struct tcx_chain chain;
	unsigned count;
	int place;

	if (!clsact_holds(device->ifindex, dir, stub_id))
		return;
	hook->mode = ENGINE_MODE_CLSACT;
	hook->prog_id = stub_id;
	if (tcx_query(device->ifindex, dir, &chain))
		chain.count = 0;
	place = clsact_place(device->ifindex, dir, stub_id, &count);
	if (place < 0)
		return;
	hook->position = (int)chain.count + place;
	hook->chain_len = chain.count + count;
}

static void hooks_look_dir(const struct hooks *hooks,
			   struct engine_device *device, enum nfr_dir dir)
{
	enum hooks_stub stub = dir == NFR_DIR_IN ? HOOKS_IN : HOOKS_OUT;
	struct engine_hook *hook = &device->hook[dir];
	struct tcx_link link;
	bool is_ours = false;
	char pin[32];
	int fd;

	*hook = (struct engine_hook){.position = -1};
	hooks_pin_name(device->ifindex, dir, pin);
	fd = hooks_open_link(hooks, pin, &link);
	if (fd >= 0) {
		if (link.ifindex == device->ifindex)
			is_ours = hooks_look_tcx(&link, dir, device, hook) ||
				  (dir == NFR_DIR_IN &&
				   hooks_look_xdp(&link, device, hook));
		close(fd);
	}
	if (!is_ours)
		hooks_look_clsact(device, dir, hooks->stub_id[stub], hook);
	if (hook->mode == ENGINE_MODE_NONE)
		snprintf(hook->why, sizeof(hook->why), "no hook of ours");
}

void hooks_init(struct hooks *hooks, const struct pins *pins,
		const struct engine_options *options,
		const int shared_fd[PIN_SHARED_COUNT])
{
	*hooks = (struct hooks){.pins = pins, .options = options};
	for (unsigned i = 0; i < HOOKS_STUBS; i++) {
		hooks->stub_fd[i] = shared_fd[PIN_STUB_XDP + i];
		if (hooks->stub_fd[i] >= 0)
			hooks->stub_id[i] = pins_prog_id(hooks->stub_fd[i]);
	}
}

void hooks_look(const struct hooks *hooks, struct engine_device *device)
{
	hooks_look_dir(hooks, device, NFR_DIR_IN);
	hooks_look_dir(hooks, device, NFR_DIR_OUT);
}
