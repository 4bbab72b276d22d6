/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_edit.c: two lists of addresses -> a third, and what became of each.
 *
 * Both lists are sorted by address and prefix and walked side by side; after
 * that what was asked stands again in the order in which it was given.
 */
#include "table_edit.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image_layout.h"

/* ---- lists ------------------------------------------------------------- */

char table_letter(enum table_feedback feedback)
{
	return " ADCXYM"[feedback];
}

void table_list_add(struct table_list *list, const struct image_entry *entry)
{
	if (list->count == list->capacity) {
		list->capacity = 2 * list->capacity + 16;
		list->items = reallocarray(list->items, list->capacity,
					   sizeof(*list->items));
		if (!list->items)
			abort(); /* as the arena does */
	}
	list->items[list->count] = (struct table_item){
		.entry = *entry,
		.order = list->count,
	};
	list->items[list->count++].entry.table = 0;
}

void table_list_free(struct table_list *list)
{
	free(list->items);
	*list = (struct table_list){.items = NULL};
}

size_t table_list_count(const struct table_list *list,
			enum table_feedback feedback)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->items[i].feedback == feedback;
	return count;
}

static int by_entry(const void *left, const void *right)
{
	const struct table_item *a = left, *b = right;
	int order = image_entry_compare(&a->entry, &b->entry);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

static int by_order(const void *left, const void *right)
{
	const struct table_item *a = left, *b = right;

	return (a->order > b->order) - (a->order < b->order);
}

static void list_sort(struct table_list *list,
		      int (*compare)(const void *, const void *))
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare);
}

/* ---- text -------------------------------------------------------------- */

static int prefix_parse(const char *text, unsigned max)
{
	unsigned value = 0;

	if (!*text || strlen(text) > 3)
		return -EINVAL;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -EINVAL;
		value = value * 10 + (unsigned)(*text - '0');
	}
	return value <= max ? (int)value : -EINVAL;
}

static void entry_fit(struct image_entry *e, enum addr_family family,
		      struct addr addr, int len)
{
	static const __u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	struct addr first = addr_first(addr, family, (unsigned)len);

	addr_to_mapped(&first, family, e->addr);
	e->family = (__u8)family;
	e->prefix_len = (__u8)len;
	if (family == FAMILY_IPV6 && len >= 96 &&
	    memcmp(e->addr, mapped, sizeof(mapped)) == 0) {
		e->family = FAMILY_IPV4;
		e->prefix_len = (__u8)(len - 96);
	}
}

int table_entry_parse(const char *text, struct image_entry *out)
{
	char copy[ADDR_TEXT_MAX];
	const char *slash;
	enum addr_family family;
	struct addr addr;
	size_t len;
	int prefix;

	*out = (struct image_entry){.is_negated = *text == '!'};
	text += out->is_negated;
	text += strspn(text, " \t");
	slash = strchr(text, '/');
	len = slash ? (size_t)(slash - text) : strlen(text);
	if (len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (addr_parse(copy, &addr, &family) != 0)
		return -EINVAL;
	prefix = (int)addr_bits(family);
	if (slash)
		prefix = prefix_parse(slash + 1, addr_bits(family));
	if (prefix < 0)
		return -EINVAL;
	entry_fit(out, family, addr, prefix);
	return 0;
}

const char *table_entry_format(const struct image_entry *e,
			       char out[TABLE_ENTRY_TEXT_MAX])
{
	enum addr_family family = (enum addr_family)e->family;
	const __u8 *b = e->addr + (family == FAMILY_IPV4 ? 12 : 0);
	struct addr addr = {.w = {0}};
	char text[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < addr_bits(family) / 8; i++)
		addr.w[i / 4] = addr.w[i / 4] << 8 | b[i];
	addr_format(&addr, family, text);
	if (e->prefix_len == addr_bits(family))
		snprintf(out, TABLE_ENTRY_TEXT_MAX, "%s%s",
			 e->is_negated ? "!" : "", text);
	else
		snprintf(out, TABLE_ENTRY_TEXT_MAX, "%s%s/%u",
			 e->is_negated ? "!" : "", text, e->prefix_len);
	return out;
}

/* ---- changes ----------------------------------------------------------- */

enum change { CHANGE_ADD, CHANGE_DELETE, CHANGE_REPLACE };

static void mark_duplicates(struct table_list *asked)
{
	for (size_t i = 1; i < asked->count; i++)
		if (image_entry_compare(&asked->items[i - 1].entry,
					&asked->items[i].entry) == 0)
			asked->items[i].feedback = TABLE_DUPLICATE;
}

/* Asked for, and not held. */
static void change_new(enum change change, struct table_item *item,
		       struct table_list *now)
{
	if (change == CHANGE_DELETE)
		return;
	item->feedback = TABLE_ADDED;
	table_list_add(now, &item->entry);
}

/* Both asked for and held. */
static void change_known(enum change change, struct table_item *item,
			 const struct image_entry *held, struct table_list *now)
{
	bool is_same = item->entry.is_negated == held->is_negated;

	if (change == CHANGE_REPLACE) {
		item->feedback = is_same ? TABLE_NONE : TABLE_CHANGED;
		table_list_add(now, &item->entry);
		return;
	}
	if (!is_same)
		item->feedback = TABLE_CONFLICT;
	if (is_same && change == CHANGE_DELETE)
		item->feedback = TABLE_DELETED;
	else
		table_list_add(now, held);
}

/* Held, and not asked for. */
static void change_old(enum change change, const struct image_entry *held,
		       struct table_list *deleted, struct table_list *now)
{
	if (change == CHANGE_REPLACE)
		table_list_add(deleted, held);
	else
		table_list_add(now, held);
}

/* Which comes next; a list that has ended comes last. */
static int compare_at(const struct table_list *a, size_t i,
		      const struct table_list *b, size_t k)
{
	if (i == a->count)
		return 1;
	if (k == b->count)
		return -1;
	return image_entry_compare(&a->items[i].entry, &b->items[k].entry);
}

/* held is sorted, as the image's entries are. */
static void change_all(enum change change, const struct table_list *held,
		       struct table_list *asked, struct table_list *now)
{
	struct table_list deleted = {.items = NULL};
	size_t i = 0, k = 0;

	list_sort(asked, by_entry);
	mark_duplicates(asked);
	while (i < asked->count || k < held->count) {
		int order = compare_at(asked, i, held, k);

		if (order <= 0 && asked->items[i].feedback == TABLE_DUPLICATE) {
			i++;
			continue;
		}
		if (order < 0)
			change_new(change, &asked->items[i], now);
		else if (order == 0)
			change_known(change, &asked->items[i],
				     &held->items[k].entry, now);
		else
			change_old(change, &held->items[k].entry, &deleted,
				   now);
		i += order <= 0;
		k += order >= 0;
	}
	list_sort(asked, by_order);
	for (i = 0; i < deleted.count; i++) {
		table_list_add(asked, &deleted.items[i].entry);
		asked->items[asked->count - 1].feedback = TABLE_DELETED;
	}
	table_list_free(&deleted);
}

void table_add(const struct table_list *held, struct table_list *asked,
	       struct table_list *now)
{
	change_all(CHANGE_ADD, held, asked, now);
}

void table_delete(const struct table_list *held, struct table_list *asked,
		  struct table_list *now)
{
	change_all(CHANGE_DELETE, held, asked, now);
}

void table_replace(const struct table_list *held, struct table_list *asked,
		   struct table_list *now)
{
	change_all(CHANGE_REPLACE, held, asked, now);
}

/* ---- test -------------------------------------------------------------- */

static bool has_prefix(const struct image_entry *e, const struct image_entry *a)
{
	unsigned len = e->prefix_len + (e->family == NFR_FAMILY_IPV4 ? 96 : 0);

	for (unsigned bit = 0; bit < len; bit++)
		if ((e->addr[bit / 8] ^ a->addr[bit / 8]) & 0x80u >> bit % 8)
			return false;
	return e->family == a->family;
}

/* The longest prefix that the address is in says whether it is a member. */
void table_test(const struct table_list *held, struct table_list *asked)
{
	for (size_t i = 0; i < asked->count; i++) {
		struct table_item *item = &asked->items[i];
		const struct image_entry *best = NULL;

		for (size_t k = 0; k < held->count; k++) {
			const struct image_entry *e = &held->items[k].entry;

			if (has_prefix(e, &item->entry) &&
			    (!best || best->prefix_len < e->prefix_len))
				best = e;
		}
		item->feedback =
			best && !best->is_negated ? TABLE_MATCH : TABLE_NONE;
	}
}
