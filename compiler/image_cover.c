/* SPDX-License-Identifier: BSD-2-Clause */
/* image_cover.c: the excludes of an image -> whether they are everything, as
 * tunnel_exclude.c asks it of a policy. */
#include "image_cover.h"

#include <string.h>

#include "cover.h"
#include "image_edit.h"

static struct policy_table_entry entry_of(const struct image_entry *e)
{
	struct policy_table_entry out = {
		.family = (enum addr_family)e->family,
		.prefix_len = e->prefix_len,
		.is_negated = e->is_negated,
	};
	const __u8 *b = e->addr + (out.family == FAMILY_IPV4 ? 12 : 0);

	for (unsigned i = 0; i < addr_bits(out.family) / 8; i++)
		out.addr.w[i / 4] = out.addr.w[i / 4] << 8 | b[i];
	return out;
}

static void exclude_add(struct cover *cover, const struct image *img,
			const struct image_exclude *x)
{
	const struct image_entry *from;
	struct policy_table_entry *entries;
	struct addr first, last;
	size_t count;

	if (x->table == IMAGE_NO_TABLE) {
		memcpy(first.w, x->first, sizeof(first.w));
		memcpy(last.w, x->last, sizeof(last.w));
		cover_range(cover, &first, &last, x->is_negated);
		return;
	}
	from = image_table_entries(img, x->table, &count);
	entries = arena_alloc(cover->arena, (count + 1) * sizeof(*entries));
	for (size_t i = 0; i < count; i++)
		entries[i] = entry_of(&from[i]);
	cover_table(cover, entries, count, x->is_negated);
}

bool image_covers_all(const struct image *img, struct image_finding *out)
{
	struct arena *arena = arena_new();
	bool is_all = false;

	for (enum addr_family f = FAMILY_IPV4; f <= FAMILY_IPV6; f++) {
		struct cover cover = {.arena = arena, .family = f};

		for (__u32 i = 0; i < img->exclude_count && !is_all; i++) {
			if (!(img->excludes[i].families & 1u << f))
				continue;
			exclude_add(&cover, img, &img->excludes[i]);
			is_all = cover_is_all(&cover);
			*out = (struct image_finding){
				.promise = IMAGE_PROMISE_EXCLUDE,
				.index = i,
				.rule = NFR_NO_RULE,
				.key.w[NFR_F_FAMILY] = f,
			};
		}
		if (is_all)
			break;
	}
	arena_free(&arena);
	return is_all;
}
