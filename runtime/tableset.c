/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tableset.c: table entries -> an array sorted by table, then by longest
 * prefix, then by address. A lookup searches once for each prefix length that
 * the table has, the longest first.
 */
#include "tableset.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct tableset_entry {
	__u32 table;
	__u8 prefix_len; /* of 128 */
	__u8 is_negated;
	__u8 addr[16]; /* host bits zero */
	__u32 slot;
};

struct tableset {
	size_t count;
	struct tableset_entry entries[];
};

static void tableset_mask(__u8 addr[16], unsigned prefix_len)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = prefix_len < 8 * i	 ? 0
				: prefix_len - 8 * i > 8 ? 8
							 : prefix_len - 8 * i;

		addr[i] &= (__u8)(0xff00u >> kept);
	}
}

static int tableset_compare(const void *left, const void *right)
{
	const struct tableset_entry *a = left, *b = right;

	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	if (a->prefix_len != b->prefix_len)
		return a->prefix_len > b->prefix_len ? -1 : 1;
	return memcmp(a->addr, b->addr, sizeof(a->addr));
}

/* The first entry that is not before wanted. */
static size_t tableset_search(const struct tableset *set,
			      const struct tableset_entry *wanted)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tableset_compare(&set->entries[middle], wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int tableset_new(const struct image *image, struct tableset **out)
{
	struct tableset *set = calloc(
		1, sizeof(*set) + image->entry_count * sizeof(*set->entries));

	__u32 *slots = calloc((size_t)image->entry_count + 1, sizeof(*slots));

	if (!set || !slots) {
		free(set);
		free(slots);
		return -ENOMEM;
	}
	image_entry_slots(image, slots);
	set->count = image->entry_count;
	for (size_t i = 0; i < set->count; i++) {
		const struct image_entry *from = &image->entries[i];
		struct tableset_entry *to = &set->entries[i];

		to->table = from->table;
		to->is_negated = from->is_negated;
		to->prefix_len = from->prefix_len;
		if (from->family == NFR_FAMILY_IPV4)
			to->prefix_len += 96;
		memcpy(to->addr, from->addr, sizeof(to->addr));
		tableset_mask(to->addr, to->prefix_len);
		to->slot = slots[i];
	}
	free(slots);
	qsort(set->entries, set->count, sizeof(*set->entries),
	      tableset_compare);
	*out = set;
	return 0;
}

int tableset_add(struct tableset **out, const struct nfr_table_key *key)
{
	struct tableset_entry entry = {.table = ntohl(key->table_be),
				       .prefix_len = 128};
	struct tableset *set = *out;
	size_t at, end = set->count;

	memcpy(entry.addr, key->addr, sizeof(entry.addr));
	at = tableset_search(set, &entry);
	if (at < end && tableset_compare(&set->entries[at], &entry) == 0) {
		set->entries[at].is_negated = false;
		return 0;
	}
	set = realloc(set, sizeof(*set) + (end + 1) * sizeof(*set->entries));
	if (!set)
		return -ENOMEM;
	*out = set;
	memmove(&set->entries[at + 1], &set->entries[at],
		(end - at) * sizeof(*set->entries));
	set->entries[at] = entry;
	set->count++;
	return 0;
}

void tableset_free(struct tableset **set)
{
	free(*set);
	*set = NULL;
}

/* The longest prefix that holds the address, or NULL. */
static const struct tableset_entry *
tableset_find(const struct tableset *set, const struct nfr_table_key *key)
{
	struct tableset_entry wanted = {.table = ntohl(key->table_be),
					.prefix_len = 128};

	for (;;) {
		size_t at;

		memcpy(wanted.addr, key->addr, sizeof(wanted.addr));
		tableset_mask(wanted.addr, wanted.prefix_len);
		at = tableset_search(set, &wanted);
		if (at == set->count || set->entries[at].table != wanted.table)
			return NULL;
		if (tableset_compare(&set->entries[at], &wanted) == 0)
			return &set->entries[at];
		/* The search ended at this length, or at the next one. */
		if (set->entries[at].prefix_len < wanted.prefix_len) {
			wanted.prefix_len = set->entries[at].prefix_len;
			continue;
		}
		if (wanted.prefix_len == 0)
			return NULL;
		wanted.prefix_len--;
	}
}

bool tableset_has(const struct tableset *set, const struct nfr_table_key *key)
{
	const struct tableset_entry *found = tableset_find(set, key);

	return found && !found->is_negated;
}

__u32 tableset_slot(const struct tableset *set, const struct nfr_table_key *key)
{
	const struct tableset_entry *found = tableset_find(set, key);

	return found ? found->slot : 0;
}
