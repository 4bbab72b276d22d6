/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native_load.c: native code -> native.bpf.c with it in, in the kernel, in the
 * maps that the datapath calls it from.
 *
 * Nothing else is loaded or changed: the datapath was verified before, and a
 * failure leaves it without native code, which it knows how to do.
 */
#include "native_load.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "embed.h"

/* Only the two maps that code reads; the others are the datapath's alone. */
static int load_maps(struct bpf_object *object, const struct native_maps *maps)
{
	struct bpf_map *map;
	int ret = 0;

	bpf_object__for_each_map(map, object)
	{
		const char *name = bpf_map__name(map);

		if (!strcmp(name, "nfr_scratch"))
			ret = bpf_map__reuse_fd(map, maps->scratch);
		else if (!strcmp(name, "nfr_tables"))
			ret = bpf_map__reuse_fd(map, maps->tables);
		else
			ret = bpf_map__set_autocreate(map, false);
		if (ret)
			return ret;
	}
	return 0;
}

static int load_one(struct bpf_object *object, const char *name, int map)
{
	struct bpf_program *program =
		bpf_object__find_program_by_name(object, name);
	int fd = program ? bpf_program__fd(program) : -1;
	__u32 zero = 0;

	if (map < 0)
		return 0;
	if (fd < 0)
		return -ENOENT;
	return bpf_map_update_elem(map, &zero, &fd, BPF_ANY) ? -errno : 0;
}

/* What no map is there for is not verified. */
static int load_choose(struct bpf_object *object,
		       const struct native_maps *maps)
{
	struct bpf_program *program;
	int ret = 0;

	bpf_object__for_each_program(program, object)
	{
		bool is_xdp = bpf_program__type(program) == BPF_PROG_TYPE_XDP;

		if ((is_xdp ? maps->xdp : maps->tc) < 0)
			ret = bpf_program__set_autoload(program, false);
		if (ret)
			return ret;
	}
	return 0;
}

int native_load(const struct native_code *code, const struct native_maps *maps)
{
	struct bpf_object *object = NULL;
	const void *skeleton;
	void *elf = NULL;
	size_t skeleton_len, len = 0;
	int ret;

	skeleton = embed_native(&skeleton_len);
	ret = native_link(skeleton, skeleton_len, code, &elf, &len);
	if (!ret) {
		object = bpf_object__open_mem(elf, len, NULL);
		ret = object ? 0 : -errno;
	}
	if (!ret)
		ret = load_maps(object, maps);
	if (!ret)
		ret = load_choose(object, maps);
	if (!ret)
		ret = bpf_object__load(object);
	if (!ret)
		ret = load_one(object, "nfr_native_xdp", maps->xdp);
	if (!ret)
		ret = load_one(object, "nfr_native_tc", maps->tc);
	bpf_object__close(object);
	free(elf);
	return ret;
}

/* Asked first: taking one out makes the kernel wait for all CPUs. */
static int unload_one(int map)
{
	__u32 zero = 0, id;

	if (map < 0 || bpf_map_lookup_elem(map, &zero, &id))
		return 0;
	return bpf_map_delete_elem(map, &zero) && errno != ENOENT ? -errno : 0;
}

int native_unload(const struct native_maps *maps)
{
	int ret = unload_one(maps->xdp);

	return ret ? ret : unload_one(maps->tc);
}
