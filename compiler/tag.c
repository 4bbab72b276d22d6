/* SPDX-License-Identifier: BSD-2-Clause */
/* tag.c: a tag's name -> its number, and in an image back. */
#include "tag.h"

#include "image.h"

uint32_t tag_number(const char *name)
{
	uint32_t hash = 0x811c9dc5u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 0x01000193u;
	return hash == TAG_NONE ? 1 : hash;
}

__u32 tag_find(const struct image *img, __u32 number)
{
	__u32 low = 0, high = img->tag_count;

	while (low < high) {
		__u32 at = low + (high - low) / 2;

		if (tag_number(image_string(img, img->tags[at])) < number)
			low = at + 1;
		else
			high = at;
	}
	if (low < img->tag_count &&
	    tag_number(image_string(img, img->tags[low])) == number)
		return low;
	return img->tag_count;
}

const char *tag_name(const struct image *img, __u32 number)
{
	__u32 at = tag_find(img, number);

	return at < img->tag_count ? image_string(img, img->tags[at]) : NULL;
}
