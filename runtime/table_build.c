/* SPDX-License-Identifier: BSD-2-Clause */
/* table_build.c: entries, in order -> where pieces begin -> cells over them. */
#include "table_build.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "table_find.h"

#define DEPTH_MAX 130 /* of prefixes in each other: a length once */
#define CELL_BITS_MAX 20

__extension__ typedef unsigned __int128 address;

/* IPv4 in the line of all addresses: ::ffff:0:0/96. */
#define IPV4_FIRST ((address)0xffff00000000u)
#define IPV4_END ((address)0x1000000000000u)

struct begin {
	address at;
	__u32 value;
};

struct begins {
	struct begin *items;
	size_t count, capacity;
};

struct build {
	const struct image *image;
	__u32 *slots; /* of entries */
	struct begins all, ipv4, ipv6;
	__u8 *bytes;
	size_t len, capacity, max;
	int error; /* why there was no room */
};

/* ---- pieces -------------------------------------------------------------- */

static __u32 value_before(const struct begins *b, size_t i)
{
	return i ? b->items[i - 1].value : NFR_TABLE_NEGATED;
}

/* From there on; what has no length, or changes nothing, is not kept. */
static int begins_add(struct begins *b, address at, __u32 value)
{
	if (b->count && b->items[b->count - 1].at == at)
		b->count--;
	if (value_before(b, b->count) == value)
		return 0;
	if (b->count == b->capacity) {
		size_t capacity = 2 * b->capacity + 64;
		struct begin *items =
			reallocarray(b->items, capacity, sizeof(*items));

		if (!items)
			return -ENOMEM;
		b->items = items;
		b->capacity = capacity;
	}
	b->items[b->count++] = (struct begin){at, value};
	return 0;
}

static address entry_first(const struct image_entry *e)
{
	address first = 0;

	for (unsigned i = 0; i < 16; i++)
		first = first << 8 | e->addr[i];
	return first;
}

static address entry_last(const struct image_entry *e, address first)
{
	unsigned len = e->prefix_len + (e->family == NFR_FAMILY_IPV4 ? 96u : 0);

	return len == 128 ? first : first | ~(address)0 >> len;
}

/* Prefixes that are open where the sweep is, each in the one before. */
struct open {
	struct {
		address last;
		__u32 value;
	} of[DEPTH_MAX];
	unsigned depth;
};

/* Ends those whose last address is before this one. */
static int open_end(struct open *open, address before, struct begins *out)
{
	int ret = 0;

	while (open->depth && open->of[open->depth - 1].last < before && !ret) {
		address last = open->of[--open->depth].last;

		ret = begins_add(out, last + 1,
				 open->depth ? open->of[open->depth - 1].value
					     : NFR_TABLE_NEGATED);
	}
	return ret;
}

/* Entries come by address, the shortest prefix first: image_open(). */
static int sweep(struct build *b, size_t first, size_t end)
{
	struct open open = {.depth = 0};
	int ret = 0;

	b->all.count = 0;
	for (size_t i = first; i < end && !ret; i++) {
		const struct image_entry *e = &b->image->entries[i];
		address at = entry_first(e);
		__u32 value =
			e->is_negated ? NFR_TABLE_NEGATED : NFR_TABLE_MEMBER;

		value |= b->slots[i] << 1;
		ret = open_end(&open, at, &b->all);
		open.of[open.depth].last = entry_last(e, at);
		open.of[open.depth++].value = value;
		if (!ret)
			ret = begins_add(&b->all, at, value);
	}
	/* What reaches the end of all addresses does not end. */
	return ret ? ret : open_end(&open, ~(address)0, &b->all);
}

/* The line in two: that of IPv4, and the rest, as if that were not. */
static int split(struct build *b)
{
	const struct begins *all = &b->all;
	size_t i = 0;
	int ret = 0;

	b->ipv4.count = b->ipv6.count = 0;
	for (; i < all->count && all->items[i].at <= IPV4_FIRST && !ret; i++)
		if (all->items[i].at < IPV4_FIRST)
			ret = begins_add(&b->ipv6, all->items[i].at,
					 all->items[i].value);
	if (!ret)
		ret = begins_add(&b->ipv4, 0, value_before(all, i));
	for (; i < all->count && all->items[i].at < IPV4_END && !ret; i++)
		ret = begins_add(&b->ipv4, all->items[i].at << 96,
				 all->items[i].value);
	if (!ret)
		ret = begins_add(&b->ipv6, IPV4_END, value_before(all, i));
	for (; i < all->count && !ret; i++)
		ret = begins_add(&b->ipv6, all->items[i].at,
				 all->items[i].value);
	return ret;
}

/* ---- bytes --------------------------------------------------------------- */

/* Zeros at the end: their place, or 0: b->error says why there is none. */
static __u32 build_room(struct build *b, size_t len)
{
	size_t place = b->len, wanted = place + ((len + 15) & ~(size_t)15);

	if (wanted > b->max) {
		b->error = -E2BIG;
		return 0;
	}
	if (!b->bytes || wanted > b->capacity) {
		size_t capacity = 2 * b->capacity + 4096;
		__u8 *bytes;

		if (capacity < wanted)
			capacity = wanted;
		bytes = realloc(b->bytes, capacity);
		if (!bytes) {
			b->error = -ENOMEM;
			return 0;
		}
		b->bytes = bytes;
		b->capacity = capacity;
	}
	memset(b->bytes + place, 0, wanted - place);
	b->len = wanted;
	return (__u32)place;
}

static __u64 upper_of(const struct begin *begin)
{
	return (__u64)(begin->at >> 64);
}

static unsigned bits_of(__u64 x)
{
	return x ? 64 - (unsigned)__builtin_clzll(x) : 0;
}

/* Does another upper half begin there? */
static bool is_upper(const struct begins *begins, size_t i)
{
	return !i ||
	       upper_of(&begins->items[i]) != upper_of(&begins->items[i - 1]);
}

static size_t count_uppers(const struct begins *begins)
{
	size_t count = 0;

	for (size_t i = 0; i < begins->count; i++)
		count += is_upper(begins, i);
	return count;
}

/* As many cells as upper halves, or half of that. */
static void choose_cells(const struct begins *begins, size_t uppers,
			 struct table_side *side)
{
	__u64 span;
	unsigned bits;

	if (!uppers)
		return;
	side->first = upper_of(&begins->items[0]);
	span = upper_of(&begins->items[begins->count - 1]) - side->first;
	bits = bits_of(uppers) - 1;
	if (bits > CELL_BITS_MAX)
		bits = CELL_BITS_MAX;
	if (bits_of(span) > bits)
		side->shift = bits_of(span) - bits;
	if (side->shift > 63)
		side->shift = 63;
	side->cell_count = (__u32)(span >> side->shift) + 1;
}

static int put_cells(struct build *b, const struct begins *begins,
		     size_t uppers, struct table_side *side)
{
	__u32 *before, number = 0;
	size_t i = 0;

	choose_cells(begins, uppers, side);
	side->cells = build_room(b, ((size_t)side->cell_count + 1) * 4);
	if (!side->cells)
		return b->error;
	before = (void *)(b->bytes + side->cells);
	for (__u32 cell = 0; cell < side->cell_count; cell++) {
		before[cell] = number;
		for (; i < begins->count && (upper_of(&begins->items[i]) -
					     side->first) >> side->shift ==
						    cell;
		     i++)
			number += is_upper(begins, i);
	}
	before[side->cell_count] = number;
	return 0;
}

/* All lower halves are 0. */
static int put_plain(struct build *b, const struct begins *begins,
		     struct table_side *side)
{
	__u64 *upper;

	side->step = 3;
	side->uppers = build_room(b, begins->count * sizeof(*upper));
	if (!side->uppers)
		return b->error;
	upper = (void *)(b->bytes + side->uppers);
	for (size_t i = 0; i < begins->count; i++)
		upper[i] = upper_of(&begins->items[i]);
	return 0;
}

static int put_halves(struct build *b, const struct begins *begins,
		      size_t uppers, struct table_side *side)
{
	struct table_upper *upper;
	__u64 *lower;
	size_t at = 0;

	side->step = 4;
	side->uppers = build_room(b, uppers * sizeof(*upper));
	side->lowers = build_room(b, begins->count * sizeof(*lower));
	if (!side->uppers || !side->lowers)
		return b->error;
	upper = (void *)(b->bytes + side->uppers);
	lower = (void *)(b->bytes + side->lowers);
	for (size_t i = 0; i < begins->count; i++) {
		if (is_upper(begins, i))
			upper[at++] = (struct table_upper){
				.upper = upper_of(&begins->items[i]),
				.begin = (__u32)i,
			};
		upper[at - 1].end = (__u32)i + 1;
		lower[i] = (__u64)begins->items[i].at;
	}
	return 0;
}

static bool has_lowers(const struct begins *begins)
{
	for (size_t i = 0; i < begins->count; i++)
		if ((__u64)begins->items[i].at)
			return true;
	return false;
}

static int put_values(struct build *b, const struct begins *begins,
		      struct table_side *side)
{
	__u32 *value;

	side->values = build_room(b, (begins->count + 1) * 4);
	if (!side->values)
		return b->error;
	value = (void *)(b->bytes + side->values);
	for (size_t i = 0; i <= begins->count; i++)
		value[i] = value_before(begins, i);
	return 0;
}

/* ---- tables -------------------------------------------------------------- */

static bool is_added_to(const struct image *image, __u32 table)
{
	for (__u32 i = 0; i < image->action_count; i++)
		if (image->actions[i].overload == table)
			return true;
	return false;
}

static int put_side(struct build *b, __u32 table, bool is_ipv6,
		    const struct begins *begins)
{
	struct table_side side = {.count = (__u32)begins->count};
	size_t uppers;
	int ret;

	if (begins->count > TABLE_COUNT_MAX)
		return -E2BIG;
	if (is_added_to(b->image, table))
		side.flags = TABLE_ADDS;
	uppers = count_uppers(begins);
	ret = put_cells(b, begins, uppers, &side);
	if (!ret)
		ret = has_lowers(begins) ? put_halves(b, begins, uppers, &side)
					 : put_plain(b, begins, &side);
	if (!ret && b->image->tables[table].flags & IMAGE_TABLE_COUNTERS)
		ret = put_values(b, begins, &side);
	if (!ret)
		memcpy(b->bytes + sizeof(struct table_index) +
			       (2 * (size_t)table + is_ipv6) * sizeof(side),
		       &side, sizeof(side));
	return ret;
}

static int build_all(struct build *b)
{
	const struct image *image = b->image;
	size_t first = 0, end = 0;
	int ret = 0;

	for (__u32 table = 0; table < image->table_count && !ret; table++) {
		while (end < image->entry_count &&
		       image->entries[end].table == table)
			end++;
		ret = sweep(b, first, end);
		if (!ret)
			ret = split(b);
		if (!ret)
			ret = put_side(b, table, false, &b->ipv4);
		if (!ret)
			ret = put_side(b, table, true, &b->ipv6);
		first = end;
	}
	return ret;
}

static int build_index(struct build *b)
{
	struct table_index index = {.count = b->image->table_count};
	size_t sides = 2 * (size_t)index.count * sizeof(struct table_side);

	build_room(b, sizeof(index) + sides); /* at 0 */
	if (!b->bytes)
		return b->error;
	b->slots = calloc((size_t)b->image->entry_count + 1, sizeof(*b->slots));
	if (!b->slots)
		return -ENOMEM;
	memcpy(b->bytes, &index, sizeof(index));
	image_entry_slots(b->image, b->slots);
	return 0;
}

int table_build(const struct image *image, size_t max, __u8 **bytes,
		size_t *len)
{
	struct build b = {.image = image, .max = max};
	int ret = build_index(&b);

	if (!ret)
		ret = build_all(&b);
	if (!ret && !build_room(&b, TABLE_READ_MAX))
		ret = b.error;
	free(b.slots);
	free(b.all.items);
	free(b.ipv4.items);
	free(b.ipv6.items);
	if (ret) {
		free(b.bytes);
		return ret;
	}
	*bytes = b.bytes;
	*len = b.len;
	return 0;
}
