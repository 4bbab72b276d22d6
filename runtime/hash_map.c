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
#include <sys/mman.h>

#include "rodata.h"

#define HASH_MAP_MIN ((size_t)128)
/* From so many bytes on a map is written in place, so much of it at a time. */
#define HASH_MAP_LARGE ((size_t)1 << 18)
#define HASH_MAP_WINDOW ((size_t)1 << 20)

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
	size_t len = hash_map_len(hash_len);
	int ret;

	if (!map || rodata_set(object, ".rodata.hash", &mask, sizeof(mask)))
		return -EPROTO;
	ret = bpf_map__set_value_size(map, (__u32)len);
	if (!ret && len >= HASH_MAP_LARGE)
		ret = bpf_map__set_map_flags(map, bpf_map__map_flags(map) |
							  BPF_F_MMAPABLE);
	return ret;
}

/* A copy of a large one, here and in the kernel, would cost as much again. */
static int hash_map_write(int fd, const __u8 *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += HASH_MAP_WINDOW) {
		size_t part = len - at;
		void *window;

		if (part > HASH_MAP_WINDOW)
			part = HASH_MAP_WINDOW;
		window = mmap(NULL, part, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, (off_t)at);
		if (window == MAP_FAILED)
			return -errno;
		memcpy(window, bytes + at, part);
		munmap(window, part);
	}
	return 0;
}

static int hash_map_update(int fd, const __u8 *bytes, size_t len,
			   size_t value_size)
{
	__u8 *value = calloc(1, value_size);
	__u32 zero = 0;
	int ret = 0;

	if (!value)
		return -ENOMEM;
	memcpy(value, bytes, len);
	if (bpf_map_update_elem(fd, &zero, value, BPF_ANY))
		ret = -errno;
	free(value);
	return ret;
}

int hash_map_fill(int fd, const struct image *image)
{
	struct hash_index none;
	const __u8 *bytes = image->hash_len ? image->hash : (__u8 *)&none;
	size_t size = image->hash_len ? image->hash_len : sizeof(none);
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	memset(&none, 0xff, sizeof(none));
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (info.value_size < size)
		return -E2BIG;
	if (info.map_flags & BPF_F_MMAPABLE)
		return hash_map_write(fd, bytes, size);
	return hash_map_update(fd, bytes, size, info.value_size);
}
