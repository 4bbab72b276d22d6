/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup_tree.c: the cgroups that an image names -> the map nfr_cgroups. */
#include "cgroup_tree.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cgroup.h"
#include "engine_error.h"

size_t cgroup_tree_steps(const struct image *image)
{
	size_t steps = 1;

	for (__u32 i = 0; i < image->cgroup_count; i++) {
		const char *path = image_string(image, image->cgroups[i]);

		for (steps++; *path; path++)
			steps += *path == '/';
	}
	return steps;
}

/* The step from *node by name, made when it is not there; -errno. */
static int tree_step(int fd, __u32 *node, const char *name, size_t len,
		     __u32 *nodes, struct nfr_cgroup_key *key,
		     struct nfr_cgroup *step)
{
	*key = (struct nfr_cgroup_key){.parent = *node};
	memcpy(key->name, name, len);
	if (bpf_map_lookup_elem(fd, key, step)) {
		*step = (struct nfr_cgroup){.node = ++*nodes};
		if (bpf_map_update_elem(fd, key, step, BPF_ANY))
			return -errno;
	}
	*node = step->node;
	return 0;
}

static int tree_add(int fd, const char *path, __u32 class, __u32 *nodes)
{
	struct nfr_cgroup_key key = {.parent = 0};
	struct nfr_cgroup step = {.node = 0};
	__u32 node = 0;

	while (*path) {
		size_t len = strcspn(path, "/");
		int ret = tree_step(fd, &node, path, len, nodes, &key, &step);

		if (ret)
			return ret;
		path += len + (path[len] == '/');
	}
	step.class = class;
	return bpf_map_update_elem(fd, &key, &step, BPF_ANY) ? -errno : 0;
}

static int tree_is_seen(struct engine_error *err)
{
	bool is_all = false;
	int fd = cgroup_open(&is_all);

	if (fd < 0)
		return error_kernel(err, fd, "open the root cgroup");
	close(fd);
	if (is_all)
		return 0;
	return error_set(err, -ENOTSUP,
			 "rules by cgroup can not be loaded from inside of a "
			 "cgroup namespace");
}

int cgroup_tree_fill(int map_fd, const struct image *image,
		     struct engine_error *err)
{
	int ret = image->cgroup_count ? tree_is_seen(err) : 0;
	__u32 nodes = 0;

	if (ret)
		return ret;
	for (__u32 i = 0; i < image->cgroup_count && !ret; i++)
		ret = tree_add(map_fd, image_string(image, image->cgroups[i]),
			       i + 1, &nodes);
	return ret ? error_kernel(err, ret, "fill nfr_cgroups") : 0;
}
