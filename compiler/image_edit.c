/* SPDX-License-Identifier: BSD-2-Clause */
/* image_edit.c: an image and table entries -> the bytes of another image. */
#include "image_edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check_internal.h"
#include "image_layout.h"

static const __u8 mapped[16] = {[10] = 0xff, [11] = 0xff};

/* ---- looking ----------------------------------------------------------- */

int image_find_table(const struct image *img, const char *name)
{
	for (__u32 i = 0; i < img->table_count; i++)
		if (strcmp(image_string(img, img->tables[i].name), name) == 0)
			return (int)i;
	return -1;
}

const struct image_entry *image_table_entries(const struct image *img,
					      __u32 table, size_t *count)
{
	const struct image_entry *first = img->entries;
	const struct image_entry *end = first + img->entry_count;
	__u32 left = img->entry_count;

	while (left > 0) { /* the first that is not before the table's */
		if (first[left / 2].table < table) {
			first += left / 2 + 1;
			left -= left / 2 + 1;
		} else {
			left /= 2;
		}
	}
	*count = 0;
	while (first + *count < end && first[*count].table == table)
		++*count;
	return first;
}

int image_find_open(const struct image *img)
{
	for (__u32 i = 0; i < img->table_count; i++) {
		const struct image_entry *entries;
		bool has_member = false;
		size_t count;

		if (!(img->tables[i].flags & IMAGE_TABLE_NEVER_EMPTY))
			continue;
		entries = image_table_entries(img, i, &count);
		for (size_t k = 0; k < count; k++)
			has_member |= !entries[k].is_negated;
		if (!has_member)
			return (int)i;
	}
	return -1;
}

bool image_entry_is_implied(const struct image_entry *e)
{
	return e->family == NFR_FAMILY_IPV4 && e->prefix_len == 0 &&
	       e->is_negated;
}

/* ---- editing ----------------------------------------------------------- */

static void edit_add(struct image_edit *edit, __u32 table,
		     const struct image_entry *entry)
{
	if (edit->count == edit->capacity) {
		edit->capacity = 2 * edit->capacity + 64;
		edit->entries = reallocarray(edit->entries, edit->capacity,
					     sizeof(*edit->entries));
		if (!edit->entries)
			abort(); /* as the arena does */
	}
	edit->entries[edit->count] = *entry;
	edit->entries[edit->count++].table = table;
}

void image_edit_begin(struct image_edit *edit, const struct image *img)
{
	*edit = (struct image_edit){.image = img};
	for (__u32 i = 0; i < img->entry_count; i++)
		edit_add(edit, img->entries[i].table, &img->entries[i]);
}

void image_edit_free(struct image_edit *edit)
{
	free(edit->entries);
	*edit = (struct image_edit){.image = NULL};
}

static bool covers_ipv4(const struct image_entry *e)
{
	if (e->family != NFR_FAMILY_IPV6 || e->prefix_len >= 96)
		return false;
	for (unsigned bit = 0; bit < e->prefix_len; bit++)
		if ((e->addr[bit / 8] ^ mapped[bit / 8]) & 0x80u >> bit % 8)
			return false;
	return true;
}

void image_edit_table(struct image_edit *edit, __u32 table,
		      const struct image_entry *entries, size_t count)
{
	struct image_entry no_ipv4 = {.family = NFR_FAMILY_IPV4,
				      .is_negated = 1};
	bool is_covered = false, has_all = false;
	size_t kept = 0;

	for (size_t i = 0; i < edit->count; i++)
		if (edit->entries[i].table != table)
			edit->entries[kept++] = edit->entries[i];
	edit->count = kept;
	for (size_t i = 0; i < count; i++) {
		if (image_entry_is_implied(&entries[i]))
			continue;
		edit_add(edit, table, &entries[i]);
		is_covered |= covers_ipv4(&entries[i]);
		has_all |= entries[i].family == NFR_FAMILY_IPV4 &&
			   entries[i].prefix_len == 0;
	}
	memcpy(no_ipv4.addr, mapped, sizeof(mapped));
	if (is_covered && !has_all)
		edit_add(edit, table, &no_ipv4);
}

bool image_keeps_tables(const struct image *img)
{
	bool keeps = false;

	for (__u32 i = 0; i < img->table_count; i++)
		keeps |= img->tables[i].flags & IMAGE_TABLE_KEEP;
	return keeps;
}

size_t image_edit_keep(struct image_edit *edit, const struct image *old)
{
	const struct image *img = edit->image;
	size_t found = 0;

	for (__u32 i = 0; i < img->table_count; i++) {
		const struct image_entry *entries;
		size_t count;
		int before;

		if (!(img->tables[i].flags & IMAGE_TABLE_KEEP))
			continue;
		before = image_find_table(
			old, image_string(img, img->tables[i].name));
		if (before < 0)
			continue;
		entries = image_table_entries(old, (__u32)before, &count);
		image_edit_table(edit, i, entries, count);
		found++;
	}
	return found;
}

/* ---- addresses of interfaces ------------------------------------------- */

struct refill {
	struct image_entry *entries;
	size_t count;
};

static void refill_add(struct refill *r, const struct ast_host *h)
{
	unsigned len = h->prefix_len < 0 ? addr_bits(h->family)
					 : (unsigned)h->prefix_len;
	struct addr first;
	struct image_entry *e;

	/* "(eth0)/64" is for IPv6; all of an IPv4 address, as in pf. */
	if (len > addr_bits(h->family))
		len = addr_bits(h->family);
	first = addr_first(h->first, h->family, len);
	r->entries = reallocarray(r->entries, r->count + 1, sizeof(*e));
	if (!r->entries)
		abort();
	e = &r->entries[r->count++];
	*e = (struct image_entry){.family = (__u8)h->family,
				  .prefix_len = (__u8)len};
	addr_to_mapped(&first, h->family, e->addr);
}

static void refill_iface(struct refill *r, const struct image_table *table,
			 const struct host_iface *iface)
{
	int prefix_len =
		table->prefix_len == IMAGE_NO_PREFIX ? -1 : table->prefix_len;
	struct ast_host *hosts;
	size_t count;

	if (!iface)
		return;
	hosts = calloc(iface->addr_count + 1, sizeof(*hosts));
	if (!hosts)
		abort();
	count = hosts_of_iface(iface, table->modifiers, prefix_len, hosts,
			       iface->addr_count);
	for (size_t i = 0; i < count; i++)
		refill_add(r, &hosts[i]);
	free(hosts);
}

size_t image_edit_refill(struct image_edit *edit, const struct host *host)
{
	const struct image *img = edit->image;
	size_t found = 0;

	for (__u32 i = 0; i < img->table_count; i++) {
		const struct image_table *table = &img->tables[i];
		const char *name = image_string(img, table->iface);
		const char *const *names = &name;
		struct refill r = {.entries = NULL};
		size_t count = 1;

		if (!(table->flags & IMAGE_TABLE_DYNAMIC))
			continue;
		if (!*name) /* self */
			names = host_iface_names(host, &count);
		for (size_t k = 0; k < count; k++)
			refill_iface(&r, table, host_iface(host, names[k]));
		image_edit_table(edit, i, r.entries, r.count);
		free(r.entries);
		found++;
	}
	return found;
}

/* ---- writing ----------------------------------------------------------- */

static int entry_order(const void *a, const void *b)
{
	return image_entry_compare(a, b);
}

static void edit_sort(struct image_edit *edit)
{
	size_t kept = 0;

	if (edit->count == 0)
		return;
	qsort(edit->entries, edit->count, sizeof(*edit->entries), entry_order);
	for (size_t i = 1; i < edit->count; i++)
		if (image_entry_compare(&edit->entries[kept],
					&edit->entries[i]) != 0)
			edit->entries[++kept] = edit->entries[i];
	edit->count = kept + 1;
}

int image_edit_finish(struct image_edit *edit, __u8 **bytes, size_t *len_out)
{
	const struct image_header *from = edit->image->header;
	__u32 count[IMAGE_SECTIONS];
	uint64_t offset[IMAGE_SECTIONS], len;
	struct image_header *header;

	edit_sort(edit);
	if (edit->count > UINT32_MAX / sizeof(*edit->entries))
		return -E2BIG;
	for (unsigned i = 0; i < IMAGE_SECTIONS; i++)
		count[i] = from->section[i].count;
	count[IMAGE_ENTRIES] = (__u32)edit->count;
	len = image_layout(count, offset);
	if (len > UINT32_MAX)
		return -E2BIG;
	header = calloc(1, (size_t)len);
	if (!header)
		return -ENOMEM;
	*header = *from;
	header->len = (__u32)len;
	for (unsigned i = 0; i < IMAGE_SECTIONS; i++) {
		const void *items =
			edit->image->bytes + from->section[i].offset;

		if (i == IMAGE_ENTRIES)
			items = edit->entries;
		header->section[i].offset = (__u32)offset[i];
		header->section[i].count = count[i];
		if (count[i])
			memcpy((__u8 *)header + offset[i], items,
			       (size_t)count[i] * image_item_len[i]);
	}
	image_hash(header, (size_t)len, header->hash);
	*bytes = (__u8 *)header;
	*len_out = (size_t)len;
	return 0;
}
