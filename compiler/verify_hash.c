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
	return side->cell_count <= HASH_CELLS_MAX &&
	       is_inside(img, side->cells, side->cell_count, sizeof(__u32));
}

static __u32 most(const __u32 *items, size_t count)
{
	__u32 max = 0;

	for (size_t i = 0; i < count; i++)
		max = items[i] > max ? items[i] : max;
	return max;
}

static __u32 most16(const __u16 *items, size_t count)
{
	__u32 max = 0;

	for (size_t i = 0; i < count; i++)
		max = items[i] > max ? items[i] : max;
	return max;
}

/* Are all sums of the fields there, and all cells of classes? */
static bool has_classes(const struct image *img, const struct hash_head *h)
{
	const __u8 *b = img->hash;
	uint64_t cell = most((const void *)(b + h->protos), 256);

	if (!h->is_plain) {
		cell += most((const void *)(b + h->flags), 256);
		cell += most((const void *)(b + h->ifids), HASH_IFIDS);
		if (cell >= h->combine_count)
			return false;
		cell = most((const void *)(b + h->combine), h->combine_count);
	}
	cell += (uint64_t)most16((const void *)(b + h->sports),
				 h->sport_mask + 1) *
		h->dport_count;
	cell += most16((const void *)(b + h->dports), h->dport_mask + 1);
	return cell < h->cell_count && most16((const void *)(b + h->classes),
					      h->cell_count) < h->class_count;
}

static bool has_services(const struct image *img, const struct hash_head *h)
{
	return (h->sport_mask == 0 || h->sport_mask == 65535) &&
	       (h->dport_mask == 0 || h->dport_mask == 65535) &&
	       h->is_plain <= 1 &&
	       is_inside(img, h->protos, 256, sizeof(__u32)) &&
	       is_inside(img, h->flags, 256, sizeof(__u32)) &&
	       is_inside(img, h->ifids, HASH_IFIDS, sizeof(__u32)) &&
	       is_inside(img, h->combine, h->combine_count, sizeof(__u32)) &&
	       is_inside(img, h->sports, h->sport_mask + 1, sizeof(__u16)) &&
	       is_inside(img, h->dports, h->dport_mask + 1, sizeof(__u16)) &&
	       is_inside(img, h->classes, h->cell_count, sizeof(__u16)) &&
	       h->asks_stride % 4 == 0 && h->asks_stride <= 1u << 16 &&
	       is_inside(img, h->asks, h->class_count, h->asks_stride) &&
	       has_classes(img, h);
}

static bool has_parts(const struct image *img, const struct hash_head *h)
{
	__u32 row = h->row_words * 8;

	return (h->words == 1 || h->words == 4) &&
	       h->row_words <= HASH_ROW_WORDS && h->is_whole <= 1 &&
	       h->tuple_count <= h->row_words * 64 &&
	       h->class_count <= HASH_CLASSES_MAX &&
	       h->order_len == h->class_count + 1 && has_services(img, h) &&
	       has_side(img, &h->src) && has_side(img, &h->dst) &&
	       is_inside(img, h->rules, h->rank_count, sizeof(__u32)) &&
	       is_inside(img, h->tuples, (uint64_t)h->row_words * 64,
			 sizeof(struct hash_tuple)) &&
	       is_inside(img, h->lines, h->line_count,
			 h->words > 1 ? sizeof(struct hash_wide)
				      : sizeof(struct hash_line)) &&
	       is_inside(img, h->lists, h->list_count,
			 sizeof(struct hash_item)) &&
	       is_inside(img, h->firsts,
			 (uint64_t)h->order_count * h->order_len,
			 sizeof(__u16)) &&
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

static bool is_value(const struct image *img, const struct hash_head *h,
		     __u32 rank, __u32 service)
{
	const __u16 *firsts = (const void *)(img->hash + h->firsts);
	__u32 lower = service & HASH_LOWER;

	if (service & HASH_LIST)
		return lower < h->order_count && rank < h->list_count &&
		       firsts[lower * h->order_len + h->class_count] <=
			       h->list_count - rank;
	if (service & HASH_WALK)
		return rank < h->list_count && lower <= h->list_count - rank;
	return lower < h->services && is_rank(img, h, rank);
}

static bool is_empty(__u32 rank, __u32 service)
{
	return rank == HASH_NONE && service == 0;
}

/* Is a line one? *ends: it has an empty slot. */
static bool is_line(const struct image *img, const struct hash_head *h,
		    __u32 line, bool *ends)
{
	const struct hash_line *lines = (const void *)(img->hash + h->lines);
	bool has_empty = false;

	for (unsigned k = 0; k < HASH_SLOTS; k++) {
		const struct hash_slot *slot = &lines[line].slot[k];

		if (is_empty(slot->rank, slot->service))
			has_empty = true;
		else if (has_empty ||
			 !is_value(img, h, slot->rank, slot->service))
			return false;
	}
	*ends = has_empty;
	return true;
}

static bool is_wide(const struct image *img, const struct hash_head *h,
		    __u32 line, bool *ends)
{
	const struct hash_wide *wides = (const void *)(img->hash + h->lines);
	const struct hash_wide *wide = &wides[line];

	if (!is_empty(wide->rank, wide->service))
		return is_value(img, h, wide->rank, wide->service);
	*ends = true;
	return true;
}

/* Of one tuple; the last has an empty slot. */
static bool has_own_lines(const struct image *img, const struct hash_head *h,
			  const struct hash_tuple *t)
{
	bool ends = false;

	if (t->end > h->line_count || t->line >= t->end ||
	    t->line_count >= t->end - t->line)
		return false;
	for (__u32 i = t->line; i < t->end; i++) {
		ends = false;
		if (!(h->words > 1 ? is_wide(img, h, i, &ends)
				   : is_line(img, h, i, &ends)))
			return false;
	}
	return ends;
}

static bool has_lines(const struct image *img, const struct hash_head *h)
{
	const struct hash_tuple *tuples = (const void *)(img->hash + h->tuples);
	__u32 count = 0;

	for (size_t i = 0; i < (size_t)h->row_words * 64; i++) {
		if (tuples[i].best == HASH_NONE)
			continue;
		if (!has_own_lines(img, h, &tuples[i]))
			return false;
		count++;
	}
	return count == h->tuple_count;
}

/* No number in an order is behind the end of such a list. */
static bool has_orders(const struct image *img, const struct hash_head *h)
{
	const __u16 *firsts = (const void *)(img->hash + h->firsts);

	for (__u32 i = 0; i < h->order_count; i++, firsts += h->order_len)
		if (most16(firsts, h->class_count) > firsts[h->class_count])
			return false;
	return true;
}

static bool has_lists(const struct image *img, const struct hash_head *h)
{
	const struct hash_item *items = (const void *)(img->hash + h->lists);

	for (__u32 i = 0; i < h->list_count; i++)
		if (items[i].service >= h->services ||
		    !is_rank(img, h, items[i].rank))
			return false;
	return has_orders(img, h);
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
