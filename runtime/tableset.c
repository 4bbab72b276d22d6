/* SPDX-License-Identifier: BSD-2-Clause */
/* tableset.c: an image, and what is added -> what table_find() and a list of
 * single addresses say. */
#include "tableset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hashmap.h"
#include "table_build.h"
#include "table_find.h"

struct tableset {
	__u8 *bytes;
	struct table_bytes all;
	struct hashmap *added; /* NULL: nothing was */
};

int tableset_new(const struct image *image, struct tableset **out)
{
	struct tableset *set = calloc(1, sizeof(*set));
	size_t len;
	int ret;

	if (!set)
		return -ENOMEM;
	ret = table_build(image, TABLE_BYTES_MAX, &set->bytes, &len);
	if (ret) {
		free(set);
		return ret;
	}
	set->all.base = (const char *)set->bytes;
	set->all.last = len - TABLE_READ_MAX;
	*out = set;
	return 0;
}

void tableset_free(struct tableset **set)
{
	if (*set) {
		free((*set)->bytes);
		hashmap_free(&(*set)->added);
	}
	free(*set);
	*set = NULL;
}

int tableset_add(struct tableset *set, const struct nfr_table_address *a)
{
	const __u8 member = NFR_TABLE_MEMBER;
	int ret = 0;

	if (!set->added)
		ret = hashmap_new(NFR_ADDED_MAX, sizeof(*a), sizeof(member),
				  HASHMAP_REFUSES, &set->added);
	return ret ? ret : hashmap_insert(set->added, a, &member, HASHMAP_ANY);
}

/* As env_table_value() of the kernel side. */
static __u32 value_of(const struct tableset *set, __u32 table, __u32 family,
		      const __u32 *addr)
{
	struct nfr_table_address a = table_address(
		TABLE_UPPER(addr), TABLE_LOWER(addr), table, family);
	__u32 value = table_find(&set->all, &a);

	if (value == TABLE_DOUBT || !(value & TABLE_ADDS))
		return value;
	value = TABLE_VALUE(value);
	return set->added && hashmap_find(set->added, &a)
		       ? value | NFR_TABLE_MEMBER
		       : value;
}

int tableset_has(const struct tableset *set, __u32 table, __u32 family,
		 const __u32 *addr)
{
	__u32 value = value_of(set, table, family, addr);

	return value == TABLE_DOUBT ? -1 : (int)(value & NFR_TABLE_MEMBER);
}

__u32 tableset_slot(const struct tableset *set, __u32 table, __u32 family,
		    const __u32 *addr)
{
	__u32 value = value_of(set, table, family, addr);

	return value == TABLE_DOUBT ? 0 : NFR_TABLE_SLOT(value);
}
