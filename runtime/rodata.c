/* SPDX-License-Identifier: BSD-2-Clause */
/* rodata.c: a constant that only the loader knows -> an object, not yet loaded.
 */
#include "rodata.h"

#include <errno.h>
#include <string.h>

int rodata_set(struct bpf_object *object, const char *section,
	       const void *value, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, section);
	size_t len = 0;
	void *now = map ? (void *)bpf_map__initial_value(map, &len) : NULL;

	if (!now || len != size)
		return -EPROTO;
	memcpy(now, value, size);
	return 0;
}
