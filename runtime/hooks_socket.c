/* SPDX-License-Identifier: BSD-2-Clause */
/* hooks_socket.c: hooks on sockets -> pinned links; what is there. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpflog.h"
#include "cgroup.h"
#include "connect.h"
#include "embed.h"
#include "engine_error.h"
#include "object.h"
#include "sockets.h"

struct socket_hook {
	const char *pin, *prog;
	const void *(*object)(size_t *len);
	uint32_t attach_type; /* enum bpf_attach_type */
	bool is_advice;	      /* engine_path has it */
	const char *why;      /* that it is not there matters */
};

static const struct socket_hook socket_hooks[] = {
	{
		.pin = "setsockopt",
		.prog = "nfr_setsockopt",
		.object = embed_socket,
		.attach_type = BPF_CGROUP_SETSOCKOPT,
		.why = "PACKET_QDISC_BYPASS and AF_XDP send past every hook",
	},
	{
		.pin = "connect4",
		.prog = "nfr_stub_conn4",
		.object = embed_connect_stub,
		.attach_type = BPF_CGROUP_INET4_CONNECT,
		.is_advice = true,
		.why = "who connects in vain waits",
	},
	{
		.pin = "connect6",
		.prog = "nfr_stub_conn6",
		.object = embed_connect_stub,
		.attach_type = BPF_CGROUP_INET6_CONNECT,
		.is_advice = true,
		.why = "who connects in vain waits",
	},
	{
		.pin = "sock_create",
		.prog = "nfr_stub_sock",
		.object = embed_connect_stub,
		.attach_type = BPF_CGROUP_INET_SOCK_CREATE,
		.is_advice = true,
		.why = "what is sent without connect() is not steered",
	},
};
#define SOCKET_HOOKS (sizeof(socket_hooks) / sizeof(socket_hooks[0]))

/* Is it the hook's program, with this load's control? */
static bool sockets_is_ours(const struct socket_hook *hook, uint32_t prog_id,
			    const struct shared *shared)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);
	int control = shared ? shared->fd[PIN_CONTROL] : -1;
	int fd = bpf_prog_get_fd_by_id(prog_id);
	bool is_ours;

	if (fd < 0)
		return false;
	is_ours = !bpf_obj_get_info_by_fd(fd, &info, &len) &&
		  !strcmp(info.name, hook->prog) &&
		  (!shared || object_uses(fd, control, control) == 1);
	close(fd);
	return is_ours;
}

/* A new fd, -ENOENT, or -EEXIST. *cgroup_id is 0 of what was detached. */
static int sockets_open(const struct pins *pins, const struct socket_hook *hook,
			const struct shared *shared, uint64_t *cgroup_id)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info);
	char path[PATH_MAX];
	int fd;

	*cgroup_id = 0;
	pins_path(pins, PINS_SOCKETS, hook->pin, path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : -EEXIST;
	if (pins_kind(fd) == 'l' && !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	    info.type == CGROUP_LINK_TYPE &&
	    sockets_is_ours(hook, info.prog_id, shared)) {
		*cgroup_id = info.cgroup.cgroup_id;
		return fd;
	}
	close(fd);
	return -EEXIST;
}

/* The slots that a stub calls, where it calls any. */
static int sockets_share_slots(const struct pins *pins,
			       struct bpf_object *object)
{
	struct engine_error ignored;
	int fds[CONNECT_HOOKS], ret;

	for (unsigned i = 0; i < CONNECT_HOOKS; i++)
		fds[i] = pins_get(pins, PINS_SOCKETS, &connect_maps[i],
				  &ignored);
	ret = object_share(object, connect_maps, CONNECT_HOOKS, fds);
	for (unsigned i = 0; i < CONNECT_HOOKS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	return ret;
}

/* Of an object's programs only the hook's is loaded: its fd, or -errno. */
static int sockets_load(const struct pins *pins, const struct socket_hook *hook,
			const struct shared *shared, struct bpf_object *object)
{
	struct bpf_program *prog, *found = NULL;
	int ret =
		object_share(object, pins_shared, PIN_SHARED_COUNT, shared->fd);

	bpf_object__for_each_program(prog, object)
	{
		bool is_it = !strcmp(bpf_program__name(prog), hook->prog);

		bpf_program__set_autoload(prog, is_it);
		if (is_it)
			found = prog;
	}
	if (!ret)
		ret = sockets_share_slots(pins, object);
	if (!ret)
		ret = bpf_object__load(object);
	return ret ? ret : found ? bpf_program__fd(found) : -ENOENT;
}

/* A new link on the root cgroup, or -errno. */
static int sockets_link(const struct pins *pins, const struct socket_hook *hook,
			const struct shared *shared,
			const struct engine_options *options,
			struct engine_error *err)
{
	struct bpf_object *object;
	bool is_all;
	size_t len;
	const void *bytes = hook->object(&len);
	int cgroup, fd;

	cgroup = cgroup_open(&is_all);
	if (cgroup < 0)
		return error_kernel(err, cgroup, "open the root cgroup");
	bpflog_begin(options);
	object = bpf_object__open_mem(bytes, len, NULL);
	fd = object ? sockets_load(pins, hook, shared, object) : -errno;
	bpflog_end(fd < 0 ? err : NULL);
	if (fd >= 0)
		fd = cgroup_attach(fd, cgroup, hook->attach_type);
	bpf_object__close(object);
	close(cgroup);
	return fd < 0 ? error_kernel(err, fd, "hook %s of sockets", hook->pin)
		      : fd;
}

static void sockets_unpin(const struct pins *pins,
			  const struct socket_hook *hook)
{
	char path[PATH_MAX];

	pins_path(pins, PINS_SOCKETS, hook->pin, path);
	unlink(path);
}

static int sockets_attach_one(const struct pins *pins,
			      const struct socket_hook *hook,
			      const struct shared *shared,
			      const struct engine_options *options,
			      struct engine_error *err)
{
	uint64_t cgroup_id;
	int ret, fd = sockets_open(pins, hook, shared, &cgroup_id);

	if (fd == -EEXIST)
		return error_set(err, fd,
				 "%s/" PINS_SOCKETS "/%s is already pinned by "
				 "someone else",
				 pins->dir, hook->pin);
	if (fd >= 0) {
		close(fd);
		if (cgroup_id)
			return 0;
		sockets_unpin(pins, hook);
	}
	fd = sockets_link(pins, hook, shared, options, err);
	if (fd < 0)
		return fd;
	ret = pins_mkdir(pins, PINS_SOCKETS, err);
	if (!ret)
		ret = pins_put(pins, PINS_SOCKETS, hook->pin, fd, err);
	close(fd);
	return ret;
}

int sockets_attach(const struct pins *pins, const struct shared *shared,
		   const struct engine_options *options,
		   struct engine_error *err)
{
	struct engine_error why;
	int ret = 0;

	for (size_t i = 0; i < SOCKET_HOOKS; i++) {
		int one = sockets_attach_one(pins, &socket_hooks[i], shared,
					     options, &why);

		if (one && !ret) {
			*err = why;
			ret = one;
		}
	}
	return ret;
}

static size_t sockets_look_older(struct socket_diag *ended,
				 struct engine_path *out)
{
	struct socket_diag found;
	int ret = socket_diag(ended, &found);
	char hidden[48] = "";

	if (ended)
		*ended = found;
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

static void sockets_look_one(const struct pins *pins,
			     const struct socket_hook *hook,
			     const struct shared *shared,
			     struct engine_path *out)
{
	uint64_t cgroup_id;
	int fd = sockets_open(pins, hook, shared, &cgroup_id);

	*out = (struct engine_path){
		.name = hook->pin,
		.mode = fd >= 0 && cgroup_id ? "cgroup" : "none",
		.is_guarded = fd >= 0 && cgroup_id,
		.is_advice = hook->is_advice,
	};
	if (fd >= 0)
		close(fd);
	if (!out->is_guarded)
		snprintf(out->why, sizeof(out->why), "%s", hook->why);
	else if (cgroup_id != CGROUP_ROOT_ID)
		snprintf(out->why, sizeof(out->why),
			 "only of processes in this cgroup namespace");
}

size_t sockets_look(const struct pins *pins, const struct shared *shared,
		    struct socket_diag *ended, struct engine_path *out)
{
	for (size_t i = 0; i < SOCKET_HOOKS; i++)
		sockets_look_one(pins, &socket_hooks[i], shared, &out[i]);
	return SOCKET_HOOKS + sockets_look_older(ended, &out[SOCKET_HOOKS]);
}

void sockets_remove(const struct pins *pins, const struct shared *shared,
		    size_t *left)
{
	uint64_t cgroup_id;

	for (size_t i = 0; i < SOCKET_HOOKS; i++) {
		int fd = sockets_open(pins, &socket_hooks[i], shared,
				      &cgroup_id);

		if (fd == -EEXIST)
			++*left;
		if (fd < 0)
			continue;
		bpf_link_detach(fd);
		close(fd);
		sockets_unpin(pins, &socket_hooks[i]);
	}
	connect_remove(pins, left);
	pins_rmdir(pins, PINS_SOCKETS);
}
