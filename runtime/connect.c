/* SPDX-License-Identifier: BSD-2-Clause */
/* connect.c: a generation -> what answers connect(), in a slot. */
#include "connect.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpflog.h"
#include "embed.h"
#include "engine_error.h"
#include "object.h"
#include "table_map.h"
#include "sockets.h"

#define SLOTS(file, map)                                                       \
	{                                                                      \
		.pin = (file), .name = (map), .type = BPF_MAP_TYPE_PROG_ARRAY, \
		.key_size = 4, .value_size = 4, .max_entries = 2               \
	}

const struct pin_spec connect_maps[CONNECT_MAPS] = {
	[CONNECT_IPV4] = SLOTS("slots4", "nfr_slots_conn4"),
	[CONNECT_IPV6] = SLOTS("slots6", "nfr_slots_conn6"),
	[CONNECT_SOCK] = SLOTS("slots_sock", "nfr_slots_sock"),
	[CONNECT_OUTSIDE] = {.pin = "outside",
			     .name = "nfr_outside",
			     .type = BPF_MAP_TYPE_LPM_TRIE,
			     .key_size = sizeof(struct nfr_table_key),
			     .value_size = sizeof(uint32_t),
			     .max_entries = 65536},
};

static const char *const connect_progs[CONNECT_HOOKS] = {
	[CONNECT_IPV4] = "nfr_connect4",
	[CONNECT_IPV6] = "nfr_connect6",
	[CONNECT_SOCK] = "nfr_sock",
};

void connect_begin(struct connect *connect)
{
	memset(connect, 0, sizeof(*connect));
	for (unsigned i = 0; i < CONNECT_HOOKS; i++)
		connect->prog_fd[i] = -1;
	for (unsigned i = 0; i < CONNECT_MAPS; i++)
		connect->map_fd[i] = -1;
}

static int connect_make(const struct pins *pins, const struct pin_spec *spec,
			struct engine_error *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		    .map_flags = spec->type == BPF_MAP_TYPE_LPM_TRIE
					 ? BPF_F_NO_PREALLOC
					 : 0);
	int ret, fd = bpf_map_create((enum bpf_map_type)spec->type, spec->name,
				     spec->key_size, spec->value_size,
				     spec->max_entries, &opts);

	if (fd < 0)
		return error_kernel(err, -errno, "make %s", spec->name);
	ret = pins_mkdir(pins, PINS_SOCKETS, err);
	if (!ret)
		ret = pins_put(pins, PINS_SOCKETS, spec->pin, fd, err);
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

int connect_open(const struct pins *pins, const struct engine_options *options,
		 struct connect *out, struct engine_error *err)
{
	connect_begin(out);
	out->pins = pins;
	out->options = options;
	for (unsigned i = 0; i < CONNECT_MAPS; i++) {
		const struct pin_spec *spec = &connect_maps[i];
		int fd = pins_get(pins, PINS_SOCKETS, spec, err);

		if (fd == -ENOENT)
			fd = connect_make(pins, spec, err);
		if (fd < 0)
			return fd;
		out->map_fd[i] = fd;
	}
	return 0;
}

void connect_close(struct connect *connect)
{
	for (unsigned i = 0; i < CONNECT_HOOKS; i++) {
		if (!connect->object && connect->prog_fd[i] >= 0)
			close(connect->prog_fd[i]);
		connect->prog_fd[i] = -1;
	}
	for (unsigned i = 0; i < CONNECT_MAPS; i++) {
		if (connect->map_fd[i] >= 0)
			close(connect->map_fd[i]);
		connect->map_fd[i] = -1;
	}
	bpf_object__close(connect->object);
	connect->object = NULL;
}

static bool connect_reuse(struct connect *connect,
			  const struct generation *generation)
{
	if (!generation_is_reused(generation))
		return false;
	for (unsigned i = 0; i < CONNECT_HOOKS; i++) {
		connect->prog_fd[i] = object_in_slot(
			connect->map_fd[i], generation->slot,
			generation->fd[PIN_CONFIG], generation->fd[PIN_CODE]);
		if (connect->prog_fd[i] < 0)
			return false;
	}
	return true;
}

int connect_load(struct connect *connect, const struct shared *shared,
		 const struct generation *generation, struct engine_error *err)
{
	struct bpf_object *object;
	const void *bytes;
	size_t len;
	int ret;

	if (connect_reuse(connect, generation))
		return 0;
	bytes = generation->loop == ENGINE_LOOP_HELPER
			? embed_connect_loop(&len)
			: embed_connect(&len);
	bpflog_begin(connect->options);
	object = bpf_object__open_mem(bytes, len, NULL);
	ret = object ? object_share(object, pins_shared, PIN_SHARED_COUNT,
				    shared->fd)
		     : -errno;
	if (!ret)
		ret = object_share(object, pins_generation,
				   PIN_GENERATION_COUNT, generation->fd);
	if (!ret)
		ret = table_map_share(object, generation->fd[PIN_TABLES]);
	if (!ret)
		ret = object_share(object, connect_maps, CONNECT_MAPS,
				   connect->map_fd);
	if (!ret)
		ret = bpf_object__load(object);
	bpflog_end(ret ? err : NULL);
	if (ret) {
		bpf_object__close(object);
		error_kernel(err, ret, "load what answers connect()");
		snprintf(connect->why, sizeof(connect->why), "%.*s",
			 (int)sizeof(connect->why) - 1, err->text);
		return ret == -EPERM || ret == -ENOMEM ? ret : 0;
	}
	connect->object = object;
	for (unsigned i = 0; i < CONNECT_HOOKS; i++)
		connect->prog_fd[i] =
			bpf_program__fd(bpf_object__find_program_by_name(
				object, connect_progs[i]));
	return 0;
}

int connect_place(const struct connect *connect, uint32_t slot,
		  struct engine_error *err)
{
	for (unsigned i = 0; i < CONNECT_HOOKS; i++) {
		int slots = connect->map_fd[i];

		/* One of an older policy would ask its maps, which are gone. */
		if (slots >= 0 && connect->prog_fd[i] < 0)
			bpf_map_delete_elem(slots, &slot);
		else if (slots >= 0 &&
			 bpf_map_update_elem(slots, &slot, &connect->prog_fd[i],
					     BPF_ANY))
			return error_kernel(err, -errno, "fill slot %u of %s",
					    slot, connect_maps[i].name);
	}
	return 0;
}

void connect_remove(const struct pins *pins, size_t *left)
{
	struct engine_error ignored;

	for (unsigned i = 0; i < CONNECT_MAPS; i++)
		if (pins_remove(pins, PINS_SOCKETS, &connect_maps[i], &ignored))
			++*left;
}
