/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks_attach.c: a device -> our stubs on it, moved, or taken away.
 *
 * Where a policy rewrites, what comes in is seen behind XDP, by tcx or clsact.
 * A hook that is moved there is in both places for a moment: a packet may be
 * judged twice, by the same policy and state, but never by none.
 */
#include "hooks.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/pkt_cls.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clsact.h"
#include "engine_error.h"
#include "tcx.h"

static int hooks_attach_xdp(const struct hooks *hooks,
			    const struct engine_device *device, uint32_t flags)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = flags);
	int fd = bpf_link_create(hooks->stub_fd[HOOKS_XDP],
				 (int)device->ifindex, BPF_XDP, &opts);

	return fd < 0 ? -errno : fd;
}

static void hooks_why(struct engine_hook *hook, const char *what, int code)
{
	size_t len = strlen(hook->why);

	snprintf(hook->why + len, sizeof(hook->why) - len, "%s%s: %s",
		 len ? "; " : "", what,
		 code == -EBUSY || code == -EEXIST ? "another program is there"
						   : strerror(-code));
}

static void hooks_why_rewrites(struct engine_hook *hook)
{
	snprintf(hook->why, sizeof(hook->why),
		 "XDP does not rewrite, and this policy does");
}

/* An XDP link's fd, or the reason why tcx has to do. */
static int hooks_try_xdp(const struct hooks *hooks,
			 struct engine_device *device)
{
	struct engine_hook *hook = &device->hook[NFR_DIR_IN];
	int fd = -EOPNOTSUPP;

	if (!hooks->options->no_native_xdp) {
		fd = hooks_attach_xdp(hooks, device, XDP_FLAGS_DRV_MODE);
		hook->mode = ENGINE_MODE_XDP_NATIVE;
		if (fd >= 0 || fd == -ENODEV)
			return fd;
		hooks_why(hook, "native XDP", fd);
	}
	if (fd != -EBUSY && fd != -EEXIST &&
	    (hooks->options->any_xdp || hooks->options->no_native_xdp)) {
		fd = hooks_attach_xdp(hooks, device, XDP_FLAGS_SKB_MODE);
		hook->mode = ENGINE_MODE_XDP_GENERIC;
		if (fd >= 0 || fd == -ENODEV)
			return fd;
		hooks_why(hook, "generic XDP", fd);
	}
	return fd;
}

/*
 * With XDP on one end of a veth the other end cuts what it sends into packets
 * of the MTU, and each is copied: a tenth of the throughput. Generic XDP copies
 * what is shared or in pieces. tcx does neither.
 */
static bool hooks_wants_xdp(const struct hooks *hooks,
			    const struct engine_device *device)
{
	const struct engine_options *options = hooks->options;

	/* Link-level frames of other devices are not what XDP programs expect.
	 */
	if (device->arphrd != ARPHRD_ETHER || options->no_xdp)
		return false;
	return options->any_xdp || options->no_native_xdp ||
	       strcmp(device->kind, "veth") != 0;
}

static int hooks_try_links(const struct hooks *hooks,
			   struct engine_device *device, enum nfr_dir dir)
{
	enum hooks_stub stub = dir == NFR_DIR_IN ? HOOKS_IN : HOOKS_OUT;
	struct engine_hook *hook = &device->hook[dir];
	int fd = -EINVAL;

	if (dir == NFR_DIR_IN && hooks_wants_xdp(hooks, device)) {
		if (hooks->rewrites)
			hooks_why_rewrites(hook);
		else
			fd = hooks_try_xdp(hooks, device);
		if (fd >= 0 || fd == -ENODEV)
			return fd;
	}
	if (hooks->options->no_tcx)
		return -EINVAL;
	fd = tcx_attach(hooks->stub_fd[stub], device->ifindex, dir);
	hook->mode = ENGINE_MODE_TCX;
	if (fd < 0)
		hooks_why(hook, "tcx", fd);
	return fd;
}

static int hooks_attach_clsact(const struct hooks *hooks,
			       struct engine_device *device, enum nfr_dir dir,
			       struct engine_error *err)
{
	enum hooks_stub stub = dir == NFR_DIR_IN ? HOOKS_IN : HOOKS_OUT;
	int ret = clsact_attach(device->ifindex, dir, hooks->stub_fd[stub]);

	if (!ret) {
		device->hook[dir].mode = ENGINE_MODE_CLSACT;
		return 0;
	}
	device->hook[dir].mode = ENGINE_MODE_NONE;
	if (ret == -ENODEV)
		return ret;
	error_kernel(err, ret, "attach to %s %s (%s)", device->name,
		     dir == NFR_DIR_IN ? "in" : "out", device->hook[dir].why);
	if (ret == -EEXIST || ret == -EBUSY)
		error_hint(err,
			   "someone's tc filter has preference 1 there: "
			   "tc filter show dev %s",
			   device->name);
	return ret;
}

int hooks_attach(const struct hooks *hooks, struct engine_device *device,
		 enum nfr_dir dir, struct engine_error *err)
{
	enum hooks_stub stub = dir == NFR_DIR_IN ? HOOKS_IN : HOOKS_OUT;
	struct engine_hook *hook = &device->hook[dir];
	char pin[32];
	int fd, ret;

	hooks_pin_name(device->ifindex, dir, pin);
	ret = hooks_drop_link(hooks, pin, err);
	if (ret)
		return ret;
	*hook = (struct engine_hook){.position = 0, .is_new = true};
	fd = hooks_try_links(hooks, device, dir);
	if (fd == -ENODEV || fd == -EPERM) {
		hook->mode = ENGINE_MODE_NONE;
		return error_kernel(err, fd, "attach to %s", device->name);
	}
	if (fd < 0) {
		hook->position = -1;
		ret = hooks_attach_clsact(hooks, device, dir, err);
	} else {
		ret = pins_put(hooks->pins, PINS_LINKS, pin, fd, err);
		close(fd); /* the pin holds it, or it is gone again */
	}
	if (ret) {
		hook->mode = ENGINE_MODE_NONE;
		return ret;
	}
	hook->prog_id =
		hooks->stub_id[hook->mode == ENGINE_MODE_XDP_NATIVE ||
					       hook->mode ==
						       ENGINE_MODE_XDP_GENERIC
				       ? HOOKS_XDP
				       : stub];
	return 0;
}

/*
 * A chain takes a program once, so the stub has to leave before it can come
 * back at the head. Meanwhile this one is there, and lets nothing by.
 */
static int hooks_shut(const struct engine_device *device, enum nfr_dir dir)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = TC_ACT_SHOT},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int link, prog = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "nfr_shut",
				       "GPL", insns, 2, NULL);

	if (prog < 0)
		return -errno;
	link = tcx_attach(prog, device->ifindex, dir);
	close(prog);
	return link;
}

int hooks_raise(const struct hooks *hooks, struct engine_device *device,
		enum nfr_dir dir, struct engine_error *err)
{
	bool was_clsact = device->hook[dir].mode == ENGINE_MODE_CLSACT;
	enum hooks_stub stub = dir == NFR_DIR_IN ? HOOKS_IN : HOOKS_OUT;
	int shut, fd, ret;
	char pin[32];

	if ((device->hook[dir].mode != ENGINE_MODE_TCX && !was_clsact) ||
	    hooks->options->no_tcx)
		return error_set(err, -EOPNOTSUPP, "only tcx has an order");
	hooks_pin_name(device->ifindex, dir, pin);
	shut = hooks_shut(device, dir);
	if (shut < 0)
		return was_clsact ? error_set(err, -EOPNOTSUPP, "no tcx")
				  : error_kernel(err, shut, "attach to %s",
						 device->name);
	ret = hooks_drop_link(hooks, pin, err);
	fd = ret ? ret : tcx_attach(hooks->stub_fd[stub], device->ifindex, dir);
	if (!ret && fd < 0)
		ret = error_kernel(err, fd, "attach to %s", device->name);
	if (!ret)
		ret = pins_put(hooks->pins, PINS_LINKS, pin, fd, err);
	if (fd >= 0)
		close(fd); /* the pin holds it, or it is gone again */
	if (!ret && was_clsact)
		clsact_detach(device->ifindex, dir);
	if (!ret)
		device->hook[dir] = (struct engine_hook){
			.mode = ENGINE_MODE_TCX,
			.prog_id = hooks->stub_id[stub],
			.is_new = true,
		};
	close(shut);
	return ret;
}

bool hooks_need_tc(const struct image *image)
{
	return (image->config->flags &
		(NFR_CONFIG_TRANSLATES | NFR_CONFIG_ROUTES)) != 0;
}

bool hooks_must_move(const struct hooks *hooks,
		     const struct engine_device *device)
{
	enum engine_mode mode = device->hook[NFR_DIR_IN].mode;

	return hooks->rewrites && (mode == ENGINE_MODE_XDP_NATIVE ||
				   mode == ENGINE_MODE_XDP_GENERIC);
}

/* The tcx link takes the name, and so the life, of the XDP link. */
static int hooks_move_to_tcx(const struct hooks *hooks,
			     const struct engine_device *device, int fd,
			     struct engine_error *err)
{
	char pin[32], next[32], from[PATH_MAX], to[PATH_MAX];
	struct tcx_link link;
	int ret, xdp_fd;

	hooks_pin_name(device->ifindex, NFR_DIR_IN, pin);
	snprintf(next, sizeof(next), HOOKS_NEXT "%u", device->ifindex);
	pins_path(hooks->pins, PINS_LINKS, next, from);
	pins_path(hooks->pins, PINS_LINKS, pin, to);
	xdp_fd = hooks_open_link(hooks, pin, &link);
	if (xdp_fd < 0)
		return error_kernel(err, xdp_fd, "open the hook %s", pin);
	ret = pins_put(hooks->pins, PINS_LINKS, next, fd, err);
	if (!ret && rename(from, to)) {
		ret = error_kernel(err, -errno, "rename %s", from);
		unlink(from);
	}
	if (!ret)
		bpf_link_detach(xdp_fd);
	close(xdp_fd);
	return ret;
}

static int hooks_move_to_clsact(const struct hooks *hooks,
				struct engine_device *device,
				struct engine_error *err)
{
	char pin[32];
	int ret = 0;

	hooks_pin_name(device->ifindex, NFR_DIR_IN, pin);
	if (!clsact_holds(device->ifindex, NFR_DIR_IN,
			  hooks->stub_id[HOOKS_IN]))
		ret = hooks_attach_clsact(hooks, device, NFR_DIR_IN, err);
	return ret ? ret : hooks_drop_link(hooks, pin, err);
}

int hooks_move(const struct hooks *hooks, struct engine_device *device,
	       struct engine_error *err)
{
	struct engine_hook before = device->hook[NFR_DIR_IN];
	struct engine_hook *hook = &device->hook[NFR_DIR_IN];
	int fd = -EINVAL, ret;

	*hook = (struct engine_hook){.mode = ENGINE_MODE_TCX, .is_moved = true};
	hooks_why_rewrites(hook);
	if (!hooks->options->no_tcx)
		fd = tcx_attach(hooks->stub_fd[HOOKS_IN], device->ifindex,
				NFR_DIR_IN);
	if (fd >= 0) {
		ret = hooks_move_to_tcx(hooks, device, fd, err);
		close(fd);
	} else if (fd == -ENODEV || fd == -EPERM) {
		ret = error_kernel(err, fd, "attach to %s", device->name);
	} else {
		hook->mode = ENGINE_MODE_CLSACT;
		hook->position = -1;
		ret = hooks_move_to_clsact(hooks, device, err);
	}
	if (ret)
		*hook = before;
	else
		hook->prog_id = hooks->stub_id[HOOKS_IN];
	return ret;
}

int hooks_detach(const struct hooks *hooks, struct engine_device *device,
		 enum nfr_dir dir)
{
	struct engine_hook *hook = &device->hook[dir];
	struct engine_error ignored;
	char pin[32];
	int ret = 0;

	hooks_pin_name(device->ifindex, dir, pin);
	if (hook->mode == ENGINE_MODE_CLSACT)
		ret = clsact_detach(device->ifindex, dir);
	else if (hook->mode != ENGINE_MODE_NONE)
		ret = hooks_drop_link(hooks, pin, &ignored);
	if (!ret)
		*hook = (struct engine_hook){.position = -1};
	return ret;
}

void hooks_undo(const struct hooks *hooks, struct engine_device *device)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		if (device->hook[dir].is_new)
			hooks_detach(hooks, device, dir);
	}
}
