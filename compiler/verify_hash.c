/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_hash.c: the data form of an image -> 0, or why it is refused.
 *
 * Readers hold every read within the section by themselves, so a wrong place
 * can only find a wrong rule. What is accepted here has all its parts inside,
 * finds rules that decide for the policy and no others, and lines that end.
 */
#include <stdbool.h>
#include <stddef.h>

#include "hash.h"
#include "image_layout.h"

const struct hash_head *image_hash_head(const struct image *img, unsigned entry)
{
	const struct hash_index *index = (const void *)img->hash;

	if (img->hash_len == 0 || index->head[entry] == HASH_NONE)
		return NULL;
	return (const void *)(img->hash + index->head[entry]);
}

/* What the section holds without the room at its end. */
static uint64_t room(const struct image *img)
{
	return img->hash_len - HASH_READ_MAX;
}

static bool is_inside(const struct image *img, __u32 at, uint64_t count,
		      size_t len)
{
	return at % 8 == 0 && at <= room(img) && count <= room(img) &&
	       at + count * len <= room(img);
}

static bool has_side(const struct image *img, const struct hash_side *side)
{
	return side->window_word <= 1 &&
	       (side->window_shift == 0 || side->window_shift == 16) &&
	       side->filter_bits >= 1 && side->filter_bits <= 16 &&
	       is_inside(img, side->window, 65536, sizeof(__u16)) &&
	       is_inside(img, side->filter, 1u << side->filter_bits,
			 sizeof(__u16));
}

static bool has_services(const struct image *img, const struct hash_head *h)
{
	uint64_t cells = h->sport_count;

	if (h->sport_count > 65536 || h->dport_count > 65536 ||
	    h->combine_count > 1u << 24)
		return false;
	for (unsigned f = 0; f < HASH_FIELDS; f++)
		if (h->field_count[f] == 0 || h->field_count[f] > 256 ||
		    !is_inside(img, h->field[f],
			       f == HASH_IFID ? HASH_IFIDS : 256, 1))
			return false;
	cells *= h->dport_count;
	return h->combine_count == (uint64_t)h->field_count[0] *
					   h->field_count[1] *
					   h->field_count[2] &&
	       is_inside(img, h->combine, h->combine_count, sizeof(__u16)) &&
	       is_inside(img, h->sports, 65536, sizeof(__u16)) &&
	       is_inside(img, h->dports, 65536, sizeof(__u16)) &&
	       is_inside(img, h->classes, cells, sizeof(__u16)) &&
	       h->asks_stride % 4 == 0 && h->asks_stride <= 1u << 16 &&
	       is_inside(img, h->asks, h->class_count, h->asks_stride);
}

static bool has_parts(const struct image *img, const struct hash_head *h)
{
	__u32 row = h->row_words * 8;

	return (h->words == 1 || h->words == 4) &&
	       h->row_words <= HASH_ROW_WORDS && h->is_whole <= 1 &&
	       h->tuple_count <= h->row_words * 64 && h->line_bits >= 1 &&
	       h->line_bits <= 24 && h->class_count <= HASH_CLASSES_MAX &&
	       h->row_count <= HASH_CLASSES_MAX && has_services(img, h) &&
	       has_side(img, &h->src) && has_side(img, &h->dst) &&
	       is_inside(img, h->rules, h->rank_count, sizeof(__u32)) &&
	       is_inside(img, h->tuples, h->tuple_count,
			 sizeof(struct hash_tuple)) &&
	       is_inside(img, h->lines, (uint64_t)1 << h->line_bits,
			 sizeof(struct hash_line)) &&
	       is_inside(img, h->lists, h->list_count,
			 sizeof(struct hash_item)) &&
	       is_inside(img, h->firsts,
			 (uint64_t)h->first_count * h->class_count,
			 sizeof(__u32)) &&
	       is_inside(img, h->exact, h->exact_count,
			 sizeof(struct hash_exact)) &&
	       is_inside(img, h->rows, h->row_count, row) &&
	       is_inside(img, h->class_rows, h->class_count, row);
}

static bool is_rule(const struct image *img, __u32 rule)
{
	return rule < img->header->guard_first &&
	       !(img->rules[rule].flags & NFR_RULE_MATCH);
}

/* Ranks without a rule that decides are there, but in no slot and no list. */
static bool is_rank(const struct image *img, const struct hash_head *h,
		    __u32 rank)
{
	const __u32 *rules = (const void *)(img->hash + h->rules);

	return rank < h->rank_count && is_rule(img, rules[rank]);
}

static bool is_slot(const struct image *img, const struct hash_head *h,
		    const struct hash_slot *slot)
{
	__u32 count = slot->service & HASH_LOWER;

	if (h->words > 1 && slot->b >= h->exact_count)
		return false;
	if (!(slot->service & HASH_LIST))
		return count < h->services && is_rank(img, h, slot->rank);
	if (count == 0)
		return slot->rank < h->first_count;
	return slot->rank < h->list_count &&
	       count <= h->list_count - slot->rank;
}

static bool has_lines(const struct image *img, const struct hash_head *h)
{
	const struct hash_line *lines = (const void *)(img->hash + h->lines);
	size_t count = (size_t)1 << h->line_bits;
	bool ends = false;

	for (size_t i = 0; i < count; i++) {
		bool is_empty = false;

		for (unsigned k = 0; k < HASH_SLOTS; k++) {
			const struct hash_slot *slot = &lines[i].slot[k];

			if (slot->rank == HASH_NONE &&
			    slot->service == HASH_NONE)
				is_empty = true;
			else if (is_empty || !is_slot(img, h, slot))
				return false;
		}
		ends |= is_empty;
	}
	return ends;
}

static bool has_lists(const struct image *img, const struct hash_head *h)
{
	const struct hash_item *items = (const void *)(img->hash + h->lists);
	const __u32 *firsts = (const void *)(img->hash + h->firsts);
	uint64_t cells = (uint64_t)h->first_count * h->class_count;

	for (__u32 i = 0; i < h->list_count; i++)
		if (items[i].service >= h->services ||
		    !is_rank(img, h, items[i].rank))
			return false;
	for (uint64_t i = 0; i < cells; i++)
		if (firsts[i] != HASH_NONE && !is_rank(img, h, firsts[i]))
			return false;
	return true;
}

static const char *check_head(const struct image *img, __u32 at)
{
	const struct hash_head *h = (const void *)(img->hash + at);

	if (at < sizeof(struct hash_index) ||
	    !is_inside(img, at, 1, sizeof(*h)))
		return "its head is not there";
	if (!has_parts(img, h))
		return "a part of it is not there";
	if (!is_rule(img, h->otherwise) || !has_lists(img, h))
		return "no such rule";
	if (!has_lines(img, h))
		return "a line that is none";
	return NULL;
}

int verify_hash(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	const struct hash_index *index = (const void *)img->hash;

	if (img->hash_len == 0)
		return 0;
	if (img->hash_len % 8 || img->hash_len < sizeof(*index) + HASH_READ_MAX)
		return image_refuse(error, "the hash is cut short");
	for (unsigned i = 0; i < HASH_ENTRIES; i++) {
		const char *why = NULL;

		if (index->head[i] != HASH_NONE)
			why = check_head(img, index->head[i]);
		if (why)
			return image_refuse(error, "hash %u: %s", i, why);
	}
	return 0;
}
