/* SPDX-License-Identifier: BSD-2-Clause */
/* hooks_links.c: DIR/links -> links that are ours; check, sweep, remove. */
#include "hooks.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clsact.h"
#include "engine_error.h"
#include "links.h"

static bool hooks_is_stub(const struct hooks *hooks, uint32_t prog_id)
{
	for (unsigned i = 0; i < HOOKS_STUBS; i++) {
		if (hooks->stub_id[i] && hooks->stub_id[i] == prog_id)
			return true;
	}
	return false;
}

int hooks_open_link(const struct hooks *hooks, const char *pin,
		    struct tcx_link *link)
{
	char path[PATH_MAX];
	int fd, ret;

	pins_path(hooks->pins, PINS_LINKS, pin, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : -EEXIST;
	ret = pins_kind(fd) == 'l' ? tcx_link_info(fd, link) : -EEXIST;
	if (!ret && !hooks_is_stub(hooks, link->prog_id))
		ret = -EEXIST;
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

void hooks_pin_name(uint32_t ifindex, enum nfr_dir dir, char out[32])
{
	snprintf(out, 32, "%s-%u", dir == NFR_DIR_IN ? "in" : "out", ifindex);
}

/* Detached first: someone else may hold the link open too. */
static int hooks_drop(const struct hooks *hooks, const char *pin, int fd)
{
	char path[PATH_MAX];

	pins_path(hooks->pins, PINS_LINKS, pin, path);
	bpf_link_detach(fd);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

int hooks_drop_link(const struct hooks *hooks, const char *pin,
		    struct engine_error *err)
{
	struct tcx_link link;
	int ret, fd = hooks_open_link(hooks, pin, &link);

	if (fd == -ENOENT)
		return 0;
	if (fd < 0)
		return error_set(err, -EEXIST,
				 "%s/" PINS_LINKS "/%s is already pinned by "
				 "someone else",
				 hooks->pins->dir, pin);
	ret = hooks_drop(hooks, pin, fd);
	close(fd);
	return ret ? error_kernel(err, ret, "remove the stale hook %s", pin)
		   : 0;
}

/* Calls visit for each pin below links/; stops at the first that is not 0. */
static int hooks_each(const struct hooks *hooks,
		      int (*visit)(const struct hooks *, const char *pin,
				   void *arg, struct engine_error *err),
		      void *arg, struct engine_error *err)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int ret = 0;
	DIR *dir;

	pins_path(hooks->pins, PINS_LINKS, "", path);
	dir = opendir(path);
	if (!dir) {
		if (errno == ENOENT)
			return 0;
		if (errno == ENOTDIR)
			return error_set(err, -EEXIST,
					 "%s is already pinned by someone else",
					 path);
		return error_kernel(err, -errno, "read %s", path);
	}
	while (!ret && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] != '.')
			ret = visit(hooks, entry->d_name, arg, err);
	}
	closedir(dir);
	return ret;
}

static int hooks_visit_check(const struct hooks *hooks, const char *pin,
			     void *arg, struct engine_error *err)
{
	struct tcx_link link;
	int fd = hooks_open_link(hooks, pin, &link);

	(void)arg;
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || fd == -ENOENT)
		return 0;
	return error_set(err, -EEXIST,
			 "%s/" PINS_LINKS "/%s is already pinned by someone "
			 "else",
			 hooks->pins->dir, pin);
}

int hooks_check(const struct hooks *hooks, struct engine_error *err)
{
	return hooks_each(hooks, hooks_visit_check, NULL, err);
}

size_t hooks_count(const struct hooks *hooks)
{
	struct engine_devices devices = {0};
	size_t count = 0;

	if (links_list(&devices))
		return 0;
	for (size_t i = 0; i < devices.count; i++) {
		hooks_look(hooks, &devices.items[i]);
		for (unsigned dir = 0; dir < 2; dir++)
			count += devices.items[i].hook[dir].mode !=
				 ENGINE_MODE_NONE;
	}
	engine_devices_free(&devices);
	return count;
}

static int hooks_visit_sweep(const struct hooks *hooks, const char *pin,
			     void *arg, struct engine_error *err)
{
	struct tcx_link link = {.ifindex = 1};
	int fd = hooks_open_link(hooks, pin, &link);

	(void)arg;
	if (fd >= 0)
		close(fd);
	if (link.ifindex == 0 ||
	    !strncmp(pin, HOOKS_NEXT, sizeof(HOOKS_NEXT) - 1))
		hooks_drop_link(hooks, pin, err);
	return 0;
}

void hooks_sweep(const struct hooks *hooks)
{
	struct engine_error ignored;

	hooks_each(hooks, hooks_visit_sweep, NULL, &ignored);
}

struct hooks_release {
	const struct engine_devices *devices;
	size_t count;
};

static int hooks_visit_release(const struct hooks *hooks, const char *pin,
			       void *arg, struct engine_error *err)
{
	struct hooks_release *release = arg;
	struct tcx_link link;
	int fd = hooks_open_link(hooks, pin, &link);

	if (fd < 0)
		return 0;
	close(fd);
	if (link.ifindex && links_find(release->devices, link.ifindex))
		return 0;
	if (!hooks_drop_link(hooks, pin, err))
		release->count++;
	return 0;
}

size_t hooks_release(const struct hooks *hooks,
		     const struct engine_devices *devices)
{
	struct hooks_release release = {.devices = devices};
	struct engine_error ignored;

	hooks_each(hooks, hooks_visit_release, &release, &ignored);
	return release.count;
}

static int hooks_visit_remove(const struct hooks *hooks, const char *pin,
			      void *arg, struct engine_error *err)
{
	if (hooks_drop_link(hooks, pin, err))
		++*(size_t *)arg;
	return 0;
}

static void hooks_remove_clsact(const struct hooks *hooks, size_t *left)
{
	struct engine_devices devices = {0};

	if (links_list(&devices))
		return;
	for (size_t i = 0; i < devices.count; i++) {
		uint32_t ifindex = devices.items[i].ifindex;

		if (clsact_holds(ifindex, NFR_DIR_IN,
				 hooks->stub_id[HOOKS_IN]) &&
		    clsact_detach(ifindex, NFR_DIR_IN))
			++*left;
		if (clsact_holds(ifindex, NFR_DIR_OUT,
				 hooks->stub_id[HOOKS_OUT]) &&
		    clsact_detach(ifindex, NFR_DIR_OUT))
			++*left;
	}
	engine_devices_free(&devices);
}

int hooks_remove(const struct hooks *hooks, size_t *left,
		 struct engine_error *err)
{
	int ret;

	*left = 0;
	ret = hooks_each(hooks, hooks_visit_remove, left, err);
	hooks_remove_clsact(hooks, left);
	return ret;
}
