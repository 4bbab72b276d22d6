/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_added.c: the tables in force -> the addresses that their image does
 * not have: those that "overload" put there. */
#include "engine_added.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../compiler/image_edit.h"
#include "../compiler/image_layout.h"
#include "engine_error.h"
#include "engine_read.h"

struct added {
	struct image_entry *entries;
	size_t count, capacity;
};

static int compare(const void *left, const void *right)
{
	return image_entry_compare(left, right);
}

static void words_to(__u8 *to, __u64 words)
{
	for (int i = 0; i < 8; i++)
		to[i] = (__u8)(words >> (56 - 8 * i));
}

static struct image_entry entry_of(const struct nfr_table_address *a)
{
	bool is_v4 = !(a->side & 1);
	struct image_entry e = {
		.table = a->side / 2,
		.family = is_v4 ? NFR_FAMILY_IPV4 : NFR_FAMILY_IPV6,
		.prefix_len = is_v4 ? 32 : 128,
	};

	words_to(e.addr, is_v4 ? 0 : a->upper);
	words_to(e.addr + 8,
		 is_v4 ? 0xffffull << 32 | a->upper >> 32 : a->lower);
	return e;
}

static int added_put(struct added *a, const struct image_entry *entry)
{
	if (a->count == a->capacity) {
		size_t capacity = 2 * a->capacity + 64;
		struct image_entry *e =
			reallocarray(a->entries, capacity, sizeof(*e));

		if (!e)
			return -ENOMEM;
		a->entries = e;
		a->capacity = capacity;
	}
	a->entries[a->count++] = *entry;
	return 0;
}

static bool has_entry(const struct image *image,
		      const struct image_entry *entry)
{
	return bsearch(entry, image->entries, image->entry_count,
		       sizeof(*entry), compare) != NULL;
}

/* The datapath adds single addresses, and only while this goes on. */
static int added_read(struct added *a, int fd, const struct image *image)
{
	struct nfr_table_address key, *before = NULL, next;
	int ret = 0;

	while (!ret && bpf_map_get_next_key(fd, before, &next) == 0) {
		struct image_entry entry = entry_of(&next);

		key = next;
		before = &key;
		if (!has_entry(image, &entry))
			ret = added_put(a, &entry);
	}
	return ret;
}

int engine_added_carry(int from, int to, const struct image *read)
{
	struct nfr_table_address key, *before = NULL, next;
	const __u32 member = NFR_TABLE_MEMBER;

	while (bpf_map_get_next_key(from, before, &next) == 0) {
		struct image_entry entry = entry_of(&next);

		key = next;
		before = &key;
		if (!has_entry(read, &entry) &&
		    bpf_map_update_elem(to, &key, &member, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* The image with all of a; *bytes are the new one's. */
static int added_merge(const struct added *a, const struct image *image,
		       struct image *out, __u8 **bytes)
{
	struct image_entry *entries =
		calloc(image->entry_count + a->count + 1, sizeof(*entries));
	char error[IMAGE_ERROR_MAX] = "";
	struct image_edit edit;
	size_t len;
	int ret;

	if (!entries)
		return -ENOMEM;
	image_edit_begin(&edit, image);
	for (__u32 t = 0; t < image->table_count; t++) {
		size_t had, count;
		const struct image_entry *old =
			image_table_entries(image, t, &had);

		if (had)
			memcpy(entries, old, had * sizeof(*old));
		count = had;
		for (size_t i = 0; i < a->count; i++)
			if (a->entries[i].table == t)
				entries[count++] = a->entries[i];
		if (count > had)
			image_edit_table(&edit, t, entries, count);
	}
	ret = image_edit_finish(&edit, bytes, &len);
	image_edit_free(&edit);
	free(entries);
	if (!ret && image_open(*bytes, len, out, error))
		ret = -EBADMSG;
	if (ret) {
		free(*bytes);
		*bytes = NULL;
	}
	return ret;
}

int engine_image_live(struct engine *engine, uint32_t generation,
		      const struct image *image, struct image *out,
		      __u8 **bytes, struct engine_error *err)
{
	struct added a = {.entries = NULL};
	int fd, ret;

	*bytes = NULL;
	*out = *image;
	if (!(image->config->flags & NFR_CONFIG_OVERLOADS))
		return 0;
	fd = engine_slot_map(engine, &generation, PIN_ADDED, err);
	if (fd < 0)
		return fd;
	ret = added_read(&a, fd, image);
	close(fd);
	if (!ret && a.count)
		ret = added_merge(&a, image, out, bytes);
	free(a.entries);
	if (ret)
		return error_kernel(err, ret, "read nfr_added");
	return engine_check_slot(engine, generation, err);
}
