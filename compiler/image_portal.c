/* SPDX-License-Identifier: BSD-2-Clause */
/* image_portal.c: an image -> its portals' tables, and whether one is open. */
#include <stdio.h>
#include <string.h>

#include "image_edit.h"
#include "table_edit.h"

int image_find_portal(const struct image *img, const char *iface,
		      unsigned modifier)
{
	for (__u32 i = 0; i < img->table_count; i++) {
		const struct image_table *t = &img->tables[i];

		if (t->modifiers == modifier &&
		    (!iface || !strcmp(image_string(img, t->iface), iface)))
			return (int)i;
	}
	return -1;
}

const char *image_open_portal(const struct image *img, __u32 *dns)
{
	for (__u32 i = 0; i < img->table_count; i++) {
		const struct image_table *t = &img->tables[i];
		const char *iface = image_string(img, t->iface);
		size_t count;
		int resolvers;

		if (t->modifiers != IMAGE_MODIFIER_PORTAL)
			continue;
		image_table_entries(img, i, &count);
		resolvers = image_find_portal(img, iface,
					      IMAGE_MODIFIER_PORTAL_DNS);
		if (!count || resolvers < 0)
			continue;
		*dns = (__u32)resolvers;
		return iface;
	}
	return NULL;
}

void image_portal_resolvers(const struct image *img, __u32 table,
			    char out[IMAGE_PORTAL_TEXT_MAX])
{
	const struct image_entry *entries;
	char text[TABLE_ENTRY_TEXT_MAX];
	size_t count, len = 0;

	snprintf(out, IMAGE_PORTAL_TEXT_MAX, "nobody");
	entries = image_table_entries(img, table, &count);
	for (size_t i = 0; i < count && len < IMAGE_PORTAL_TEXT_MAX; i++)
		len += (size_t)snprintf(out + len, IMAGE_PORTAL_TEXT_MAX - len,
					"%s%s", len ? ", " : "",
					table_entry_format(&entries[i], text));
}
