/* SPDX-License-Identifier: BSD-2-Clause */
/* object.c: maps and programs of an object -> what is there already. */
#include "object.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generation_reuse.h"

#define OBJECT_MAPS_MAX 32u

int object_share(struct bpf_object *object, const struct pin_spec *specs,
		 size_t count, const int *fds)
{
	int ret = 0;

	for (size_t i = 0; i < count && !ret; i++) {
		struct bpf_map *map = specs[i].is_prog
					      ? NULL
					      : bpf_object__find_map_by_name(
							object, specs[i].name);

		if (map && fds[i] >= 0)
			ret = bpf_map__reuse_fd(map, fds[i]);
	}
	return ret;
}

int object_uses(int prog, int one, int other)
{
	uint32_t ids[OBJECT_MAPS_MAX] = {0}, len = sizeof(struct bpf_prog_info);
	uint32_t one_id = generation_id(one, false);
	uint32_t other_id = generation_id(other, false);
	bool has_one = false, has_other = false;
	struct bpf_prog_info info = {
		.map_ids = (uintptr_t)ids,
		.nr_map_ids = OBJECT_MAPS_MAX,
	};

	if (bpf_obj_get_info_by_fd(prog, &info, &len))
		return -errno;
	for (uint32_t i = 0; i < info.nr_map_ids && i < OBJECT_MAPS_MAX; i++) {
		has_one |= ids[i] == one_id;
		has_other |= ids[i] == other_id;
	}
	return has_one && has_other;
}

int object_in_slot(int slots, uint32_t slot, int one, int other)
{
	uint32_t id = 0;
	int prog;

	if (bpf_map_lookup_elem(slots, &slot, &id))
		return -1;
	prog = bpf_prog_get_fd_by_id(id);
	if (prog < 0)
		return -1;
	if (object_uses(prog, one, other) != 1) {
		close(prog);
		return -1;
	}
	return prog;
}

uint64_t object_bytes(int fd)
{
	char path[64], line[128];
	uint64_t bytes = 0;
	FILE *info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = fopen(path, "re");
	while (info && !bytes && fgets(line, sizeof(line), info))
		if (!strncmp(line, "memlock:", 8))
			bytes = strtoull(line + 8, NULL, 10);
	if (info)
		fclose(info);
	return bytes;
}
