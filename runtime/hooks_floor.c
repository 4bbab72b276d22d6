/* SPDX-License-Identifier: BSD-2-Clause */
/* hooks_floor.c: the floor's stub -> pinned links; what is there, and back. */
#include "floor.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "engine_error.h"
#include "netfilter.h"

/* Behind all others: INT_MAX itself is refused. */
#define FLOOR_PRIORITY (INT_MAX - 1)

struct floor_link {
	const char *pin, *name;
	struct netfilter_hook hook;
};

#define LINK(file, text, pf, at)                                               \
	{                                                                      \
		.pin = (file), .name = (text), .hook = {                       \
			.family = NFPROTO_##pf,                                \
			.hook = NF_INET_##at,                                  \
			.priority = FLOOR_PRIORITY,                            \
		}                                                              \
	}

static const struct floor_link floor_links[] = {
	LINK("output4", "IPv4 output", IPV4, LOCAL_OUT),
	LINK("output6", "IPv6 output", IPV6, LOCAL_OUT),
	LINK("forward4", "IPv4 forward", IPV4, FORWARD),
	LINK("forward6", "IPv6 forward", IPV6, FORWARD),
	LINK("postrouting4", "IPv4 postrouting", IPV4, POST_ROUTING),
	LINK("postrouting6", "IPv6 postrouting", IPV6, POST_ROUTING),
};
#define FLOOR_LINKS (sizeof(floor_links) / sizeof(floor_links[0]))

static const struct floor_link floor_cgroup_link = {
	.pin = "egress",
	.name = "root cgroup egress",
};

/* What the root cgroup does not see. */
static const char floor_cgroup_why[] =
	"not what is forwarded, nor the kernel's own replies: on a device that "
	"appears later these are open";

static const struct floor_link *floor_link_of(const struct floor *floor,
					      size_t i)
{
	if (floor->mode == ENGINE_FLOOR_CGROUP)
		return i == 0 ? &floor_cgroup_link : NULL;
	return i < FLOOR_LINKS ? &floor_links[i] : NULL;
}

static bool floor_is_hook(const struct netfilter_hook *a,
			  const struct netfilter_hook *b)
{
	return a->family == b->family && a->hook == b->hook &&
	       a->priority == b->priority;
}

/* Is this link of our stub, at this hook? */
static bool floor_is_link(const struct floor *floor,
			  const struct floor_link *link, int fd)
{
	uint32_t stub_id = pins_prog_id(floor->stub_fd), prog_id, len;
	struct bpf_link_info info = {0};
	struct netfilter_hook hook;

	if (floor->mode == ENGINE_FLOOR_NETFILTER)
		return !netfilter_link_info(fd, &hook, &prog_id) &&
		       prog_id == stub_id && floor_is_hook(&hook, &link->hook);
	len = sizeof(info);
	/* A link of a cgroup that is gone, or that was detached, has no id. */
	return !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       info.type == CGROUP_LINK_TYPE && info.prog_id == stub_id &&
	       info.cgroup.cgroup_id != 0;
}

/* A new fd, -ENOENT, or -EEXIST. */
static int floor_open_link(const struct floor *floor,
			   const struct floor_link *link)
{
	char path[PATH_MAX];
	int fd;

	pins_path(floor->pins, PINS_FLOOR, link->pin, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : -EEXIST;
	if (pins_kind(fd) == 'l' && floor_is_link(floor, link, fd))
		return fd;
	close(fd);
	return -EEXIST;
}

static int floor_attach_cgroup(const struct floor *floor)
{
	bool is_all;
	int fd, cgroup = cgroup_open(&is_all);

	if (cgroup < 0)
		return cgroup;
	fd = cgroup_attach(floor->stub_fd, cgroup, BPF_CGROUP_INET_EGRESS);
	close(cgroup);
	return fd;
}

static int floor_attach_one(const struct floor *floor,
			    const struct floor_link *link,
			    struct engine_error *err)
{
	int ret, fd = floor_open_link(floor, link);

	if (fd == -EEXIST)
		return error_set(err, fd,
				 "%s/" PINS_FLOOR "/%s is already pinned by "
				 "someone else, or was detached",
				 floor->pins->dir, link->pin);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	fd = floor->mode == ENGINE_FLOOR_CGROUP
		     ? floor_attach_cgroup(floor)
		     : netfilter_attach(floor->stub_fd, &link->hook);
	if (fd < 0)
		return error_kernel(err, fd, "attach the floor to %s",
				    link->name);
	ret = pins_put(floor->pins, PINS_FLOOR, link->pin, fd, err);
	close(fd);
	return ret;
}

int floor_attach(struct floor *floor, struct engine_error *err)
{
	const struct floor_link *link;
	int ret = 0;

	if (floor->mode == ENGINE_FLOOR_NONE)
		return 0;
	for (size_t i = 0; !ret && (link = floor_link_of(floor, i)); i++)
		ret = floor_attach_one(floor, link, err);
	return ret;
}

size_t floor_look(const struct floor *floor, struct engine_path *out)
{
	const struct floor_link *link;
	size_t i;

	if (floor->mode == ENGINE_FLOOR_NONE) {
		*out = (struct engine_path){.name = "floor", .mode = "none"};
		snprintf(out->why, sizeof(out->why), "%s",
			 floor->why[0] ? floor->why : "no floor was loaded");
		return 1;
	}
	for (i = 0; (link = floor_link_of(floor, i)); i++) {
		int fd = floor_open_link(floor, link);

		out[i] = (struct engine_path){
			.name = link->name,
			.mode = fd >= 0 ? engine_floor_name(floor->mode)
					: "none",
			.is_guarded = fd >= 0,
		};
		if (fd >= 0)
			close(fd);
		if (fd < 0)
			snprintf(out[i].why, sizeof(out[i].why),
				 "its link was removed");
		else if (floor->mode == ENGINE_FLOOR_CGROUP)
			snprintf(out[i].why, sizeof(out[i].why), "%s",
				 floor_cgroup_why);
	}
	return i;
}

size_t floor_count(const struct floor *floor)
{
	struct engine_path paths[ENGINE_PATHS_MAX];
	size_t count = floor_look(floor, paths), found = 0;

	for (size_t i = 0; i < count; i++)
		found += paths[i].is_guarded;
	return found;
}

int floor_remove(struct floor *floor, size_t *left, struct engine_error *err)
{
	const struct floor_link *link;
	char path[PATH_MAX];

	(void)err;
	for (size_t i = 0; floor->mode != ENGINE_FLOOR_NONE &&
			   (link = floor_link_of(floor, i));
	     i++) {
		int fd = floor_open_link(floor, link);

		if (fd == -ENOENT)
			continue;
		pins_path(floor->pins, PINS_FLOOR, link->pin, path);
		if (fd >= 0)
			bpf_link_detach(fd);
		if (fd < 0 || (unlink(path) && errno != ENOENT))
			++*left;
		if (fd >= 0)
			close(fd);
	}
	if (*left)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		pins_path(floor->pins, PINS_FLOOR, i ? "stub" : "slots", path);
		if ((i ? floor->stub_fd : floor->slots_fd) >= 0)
			unlink(path);
	}
	pins_rmdir(floor->pins, PINS_FLOOR);
	return 0;
}
