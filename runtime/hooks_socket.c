/* SPDX-License-Identifier: BSD-2-Clause */
/* hooks_socket.c: the setsockopt hook -> a pinned link; what is there. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpflog.h"
#include "cgroup.h"
#include "embed.h"
#include "engine_error.h"
#include "sockets.h"

#define SOCKETS_PIN "setsockopt"
#define SOCKETS_PROG "nfr_setsockopt"

/* Does the program use this load's control? */
static bool sockets_is_ours(uint32_t prog_id, const struct shared *shared)
{
	uint32_t ids[8], len = sizeof(struct bpf_prog_info);
	struct bpf_map_info control = {0};
	struct bpf_prog_info info = {
		.map_ids = (uintptr_t)ids,
		.nr_map_ids = sizeof(ids) / sizeof(ids[0]),
	};
	int fd = bpf_prog_get_fd_by_id(prog_id);
	bool is_ours = false;

	if (fd < 0)
		return false;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		info.nr_map_ids = 0;
	close(fd);
	if (strcmp(info.name, SOCKETS_PROG))
		return false;
	if (!shared)
		return true;
	len = sizeof(control);
	if (bpf_obj_get_info_by_fd(shared->fd[PIN_CONTROL], &control, &len))
		return false;
	for (uint32_t i = 0; i < info.nr_map_ids && i < 8; i++)
		is_ours |= ids[i] == control.id;
	return is_ours;
}

/* A new fd, -ENOENT, or -EEXIST. *cgroup_id is 0 of what was detached. */
static int sockets_open(const struct pins *pins, const struct shared *shared,
			uint64_t *cgroup_id)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	char path[PATH_MAX];
	int fd;

	pins_path(pins, PINS_SOCKETS, SOCKETS_PIN, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : -EEXIST;
	if (pins_kind(fd) == 'l' && !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	    info.type == CGROUP_LINK_TYPE &&
	    sockets_is_ours(info.prog_id, shared)) {
		*cgroup_id = info.cgroup.cgroup_id;
		return fd;
	}
	close(fd);
	return -EEXIST;
}

/* A new link on the root cgroup, or -errno. */
static int sockets_link(const struct shared *shared,
			const struct engine_options *options,
			struct engine_error *err)
{
	struct bpf_object *object;
	struct bpf_program *prog;
	bool is_all;
	size_t len;
	const void *bytes = embed_socket(&len);
	int cgroup, fd, ret;

	cgroup = cgroup_open(&is_all);
	if (cgroup < 0)
		return error_kernel(err, cgroup, "open the root cgroup");
	bpflog_begin(options);
	object = bpf_object__open_mem(bytes, len, NULL);
	ret = object ? bpf_map__reuse_fd(bpf_object__find_map_by_name(
						 object, "nfr_control"),
					 shared->fd[PIN_CONTROL])
		     : -errno;
	if (!ret)
		ret = bpf_map__reuse_fd(
			bpf_object__find_map_by_name(object, "nfr_reasons"),
			shared->fd[PIN_REASONS]);
	if (!ret)
		ret = bpf_object__load(object);
	bpflog_end(ret ? err : NULL);
	prog = ret ? NULL
		   : bpf_object__find_program_by_name(object, SOCKETS_PROG);
	fd = ret ? ret
		 : cgroup_attach(bpf_program__fd(prog), cgroup,
				 BPF_CGROUP_SETSOCKOPT);
	bpf_object__close(object);
	close(cgroup);
	return fd < 0 ? error_kernel(err, fd, "guard socket options") : fd;
}

static void sockets_unpin(const struct pins *pins)
{
	char path[PATH_MAX];

	pins_path(pins, PINS_SOCKETS, SOCKETS_PIN, path);
	unlink(path);
}

int sockets_attach(const struct pins *pins, const struct shared *shared,
		   const struct engine_options *options,
		   struct engine_error *err)
{
	uint64_t cgroup_id = 0;
	int ret, fd = sockets_open(pins, shared, &cgroup_id);

	if (fd == -EEXIST)
		return error_set(err, fd,
				 "%s/" PINS_SOCKETS "/" SOCKETS_PIN
				 " is already pinned by someone else",
				 pins->dir);
	if (fd >= 0) {
		close(fd);
		if (cgroup_id)
			return 0;
		sockets_unpin(pins);
	}
	fd = sockets_link(shared, options, err);
	if (fd < 0)
		return fd;
	ret = pins_mkdir(pins, PINS_SOCKETS, err);
	if (!ret)
		ret = pins_put(pins, PINS_SOCKETS, SOCKETS_PIN, fd, err);
	close(fd);
	return ret;
}

static size_t sockets_look_older(struct engine_path *out)
{
	struct socket_diag found;
	int ret = socket_diag(&found);
	char hidden[48] = "";

	if (!ret && !found.bypass && !found.xdp && !found.hidden)
		return 0;
	*out = (struct engine_path){.name = "older sockets", .mode = "none"};
	if (ret) {
		snprintf(out->why, sizeof(out->why),
			 "the kernel does not list packet sockets: %s",
			 strerror(-ret));
		return 1;
	}
	if (found.hidden)
		snprintf(hidden, sizeof(hidden), ", %u that can not be asked",
			 found.hidden);
	snprintf(out->why, sizeof(out->why),
		 "%u with PACKET_QDISC_BYPASS, %u AF_XDP%s: %s", found.bypass,
		 found.xdp, hidden, found.holders);
	return 1;
}

size_t sockets_look(const struct pins *pins, const struct shared *shared,
		    struct engine_path *out)
{
	uint64_t cgroup_id = 0;
	int fd = sockets_open(pins, shared, &cgroup_id);

	out[0] = (struct engine_path){
		.name = "setsockopt",
		.mode = fd >= 0 && cgroup_id ? "cgroup" : "none",
		.is_guarded = fd >= 0 && cgroup_id,
	};
	if (fd >= 0)
		close(fd);
	if (!out[0].is_guarded)
		snprintf(out[0].why, sizeof(out[0].why),
			 "PACKET_QDISC_BYPASS and AF_XDP send past every hook");
	else if (cgroup_id != CGROUP_ROOT_ID)
		snprintf(out[0].why, sizeof(out[0].why),
			 "only of processes in this cgroup namespace");
	return 1 + sockets_look_older(&out[1]);
}

void sockets_remove(const struct pins *pins, const struct shared *shared,
		    size_t *left)
{
	uint64_t cgroup_id;
	int fd = sockets_open(pins, shared, &cgroup_id);

	if (fd == -EEXIST)
		++*left;
	if (fd >= 0) {
		bpf_link_detach(fd);
		close(fd);
		sockets_unpin(pins);
	}
	pins_rmdir(pins, PINS_SOCKETS);
}
