/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hashmap.h: keys -> values of fixed sizes, bounded: what the kernel side's
 * HASH and LRU_HASH maps do, in user space.
 */
#ifndef NFR_HASHMAP_H
#define NFR_HASHMAP_H

#include <stdbool.h>
#include <stddef.h>

struct hashmap;

enum hashmap_full { HASHMAP_REFUSES, HASHMAP_EVICTS /* the oldest entry */ };
enum hashmap_mode { HASHMAP_ANY, HASHMAP_NOEXIST };

/*
 * At most max entries, max > 0; key_len a multiple of 4, at most 64. 0 or
 * -ENOMEM; *out untouched on failure.
 */
int hashmap_new(size_t max, size_t key_len, size_t value_len,
		enum hashmap_full full, struct hashmap **out);
void hashmap_free(struct hashmap **); /* NULL is fine */

/* NULL when there is none. Lives until the entry is deleted or evicted. */
void *hashmap_find(struct hashmap *, const void *key);
/*
 * 0, -EEXIST (HASHMAP_NOEXIST, and the key is there, also when full), -E2BIG
 * when full, -ENOMEM.
 */
int hashmap_insert(struct hashmap *, const void *key, const void *value,
		   enum hashmap_mode mode);
/* 0 or -ENOENT. */
int hashmap_delete(struct hashmap *, const void *key);
/* Calls visit for every entry; visit may delete that entry, no other. */
void hashmap_each(struct hashmap *,
		  void (*visit)(void *arg, const void *key, void *value),
		  void *arg);
size_t hashmap_count(const struct hashmap *);

#endif
