/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_map.c: the bytes of tables -> the map nfr_tables of an object.
 *
 * The datapath reads nothing behind a place that the verifier knows, so each
 * object that has the map is told where that is before it is loaded.
 */
#include "table_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "rodata.h"
#include "table_build.h"
#include "table_find.h"

#define TABLE_MAP_MIN ((size_t)4096)

/* An object may have the map only for others, and no such constant. */
static int map_tell(struct bpf_object *object, size_t value_size)
{
	__u32 last = (__u32)(value_size - TABLE_READ_MAX);

	if (!bpf_object__find_map_by_name(object, ".rodata.tables"))
		return 0;
	return rodata_set(object, ".rodata.tables", &last, sizeof(last));
}

int table_map_size(struct bpf_object *object, size_t len)
{
	struct bpf_map *map =
		bpf_object__find_map_by_name(object, "nfr_tables");
	size_t size = len + len / 8;

	size = (size + TABLE_MAP_MIN - 1) & ~(TABLE_MAP_MIN - 1);
	if (!map)
		return -EPROTO;
	if (len > TABLE_BYTES_MAX)
		return -E2BIG;
	if (size > TABLE_BYTES_MAX)
		size = TABLE_BYTES_MAX;
	return map_tell(object, size)
		       ? -EPROTO
		       : bpf_map__set_value_size(map, (__u32)size);
}

static int map_value_size(int fd)
{
	struct bpf_map_info info = {0};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? -errno
						       : (int)info.value_size;
}

int table_map_last(int fd)
{
	int size = map_value_size(fd);

	if (size < 0)
		return size;
	return size < (int)TABLE_READ_MAX ? -EPROTO
					  : size - (int)TABLE_READ_MAX;
}

int table_map_share(struct bpf_object *object, int fd)
{
	int size = map_value_size(fd);

	if (!bpf_object__find_map_by_name(object, "nfr_tables"))
		return 0;
	return size < 0 ? size : map_tell(object, (size_t)size);
}

int table_map_fill(int fd, const void *bytes, size_t len)
{
	int size = map_value_size(fd), ret = 0;
	__u32 zero = 0;
	__u8 *value;

	if (size < 0)
		return size;
	if ((size_t)size < len)
		return -E2BIG;
	value = calloc(1, (size_t)size);
	if (!value)
		return -ENOMEM;
	memcpy(value, bytes, len);
	if (bpf_map_update_elem(fd, &zero, value, BPF_ANY))
		ret = -errno;
	free(value);
	return ret;
}

int table_map_image(int fd, const struct image *image)
{
	__u8 *bytes;
	size_t len;
	int ret = table_build(image, TABLE_BYTES_MAX, &bytes, &len);

	if (ret)
		return ret;
	ret = table_map_fill(fd, bytes, len);
	free(bytes);
	return ret;
}
