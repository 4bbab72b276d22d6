/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_added.c: the tables in force -> the addresses that their image does
 * not have: those that "overload" put there. */
#include "engine_added.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../compiler/image_edit.h"
#include "engine_error.h"
#include "engine_read.h"

struct added {
	struct nfr_table_key *known; /* the image's, in order */
	struct image_entry *entries;
	size_t count, capacity;
};

static int compare(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(struct nfr_table_key));
}

static int added_begin(struct added *a, const struct image *image)
{
	a->known = calloc((size_t)image->entry_count + 1, sizeof(*a->known));
	if (!a->known)
		return -ENOMEM;
	for (__u32 i = 0; i < image->entry_count; i++)
		image_table_key(&image->entries[i], &a->known[i]);
	qsort(a->known, image->entry_count, sizeof(*a->known), compare);
	return 0;
}

static void added_free(struct added *a)
{
	free(a->known);
	free(a->entries);
}

static int added_put(struct added *a, const struct nfr_table_key *key)
{
	static const __u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool is_v4 = memcmp(key->addr, mapped, sizeof(mapped)) == 0;
	struct image_entry *e;

	if (a->count == a->capacity) {
		size_t capacity = 2 * a->capacity + 64;

		e = reallocarray(a->entries, capacity, sizeof(*e));
		if (!e)
			return -ENOMEM;
		a->entries = e;
		a->capacity = capacity;
	}
	e = &a->entries[a->count++];
	*e = (struct image_entry){
		.table = ntohl(key->table_be),
		.family = is_v4 ? NFR_FAMILY_IPV4 : NFR_FAMILY_IPV6,
		.prefix_len = is_v4 ? 32 : 128,
	};
	memcpy(e->addr, key->addr, sizeof(e->addr));
	return 0;
}

/* The datapath adds single addresses, and only while this goes on. */
static int added_read(struct added *a, int fd, const struct image *image)
{
	struct nfr_table_key key, *before = NULL, next;
	int ret = 0;

	while (!ret && bpf_map_get_next_key(fd, before, &next) == 0) {
		key = next;
		before = &key;
		if (key.prefix_len == 32 + 128 &&
		    !bsearch(&key, a->known, image->entry_count, sizeof(key),
			     compare))
			ret = added_put(a, &key);
	}
	return ret;
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
	struct added a = {.known = NULL};
	int fd, ret;

	*bytes = NULL;
	*out = *image;
	if (!(image->config->flags & NFR_CONFIG_OVERLOADS))
		return 0;
	fd = engine_slot_map(engine, &generation, PIN_TABLES, err);
	if (fd < 0)
		return fd;
	ret = added_begin(&a, image);
	if (!ret)
		ret = added_read(&a, fd, image);
	close(fd);
	if (!ret && a.count)
		ret = added_merge(&a, image, out, bytes);
	added_free(&a);
	if (ret)
		return error_kernel(err, ret, "read nfr_tables");
	return engine_check_slot(engine, generation, err);
}
