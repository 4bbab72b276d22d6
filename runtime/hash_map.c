/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hash_map.c: the data form of an image -> the map nfr_hash of an object.
 *
 * The datapath holds each read under a mask that the verifier knows, so the
 * map's size is a power of two, and HASH_READ_MAX.
 */
#include "hash_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "rodata.h"

#define HASH_MAP_MIN ((size_t)128)

/* Places that a read may begin at. */
static size_t hash_map_places(size_t hash_len)
{
	size_t places = HASH_MAP_MIN;

	while (places + HASH_READ_MAX < hash_len)
		places *= 2;
	return places;
}

size_t hash_map_len(size_t hash_len)
{
	return hash_map_places(hash_len) + HASH_READ_MAX;
}

int hash_map_size(struct bpf_object *object, size_t hash_len)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "nfr_hash");
	__u32 mask = (__u32)(hash_map_places(hash_len) - 1);

	if (!map || rodata_set(object, ".rodata.hash", &mask, sizeof(mask)))
		return -EPROTO;
	return bpf_map__set_value_size(map, (__u32)hash_map_len(hash_len));
}

int hash_map_fill(int fd, const struct image *image)
{
	struct bpf_map_info info = {0};
	__u32 zero = 0, len = sizeof(info);
	__u8 *value;
	int ret = 0;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (info.value_size < image->hash_len ||
	    info.value_size < sizeof(struct hash_index))
		return -E2BIG;
	value = calloc(1, info.value_size);
	if (!value)
		return -ENOMEM;
	if (image->hash_len)
		memcpy(value, image->hash, image->hash_len);
	else
		memset(value, 0xff, sizeof(struct hash_index));
	if (bpf_map_update_elem(fd, &zero, value, BPF_ANY))
		ret = -errno;
	free(value);
	return ret;
}
