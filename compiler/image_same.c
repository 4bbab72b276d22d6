/* SPDX-License-Identifier: BSD-2-Clause */
/* image_same.c: two images -> is one the other, but for its tables' entries? */
#include "image_edit.h"

#include <string.h>

#include "image_layout.h"

bool image_same_policy(const struct image *a, const struct image *b)
{
	for (unsigned i = 0; i < IMAGE_SECTIONS; i++) {
		size_t len = a->header->section[i].count * image_item_len[i];

		if (i == IMAGE_ENTRIES)
			continue;
		if (a->header->section[i].count !=
			    b->header->section[i].count ||
		    (len &&
		     memcmp(a->bytes + a->header->section[i].offset,
			    b->bytes + b->header->section[i].offset, len)))
			return false;
	}
	return true;
}
