/* SPDX-License-Identifier: BSD-2-Clause */
/* hashmap.c: key -> value; a hash table of chains, bounded, in order of age. */
#include "hashmap.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define KEY_MAX 64

/* Key and value follow. */
struct entry {
	struct entry *next;	     /* in its chain */
	struct entry *older, *newer; /* of all */
	_Alignas(8) char bytes[];
};

struct hashmap {
	size_t max, count;
	size_t key_len, value_at, value_len;
	size_t mask;   /* of chains, a power of two, less one */
	uint64_t seed; /* so that captures can not be made to fill one chain */
	enum hashmap_full full;
	struct entry *oldest, *newest;
	struct entry *chains[];
};

int hashmap_new(size_t max, size_t key_len, size_t value_len,
		enum hashmap_full full, struct hashmap **out)
{
	struct hashmap *map;
	size_t chains = 64;

	assert(key_len <= KEY_MAX && key_len % 4 == 0);
	while (chains < max && chains < (size_t)1 << 20)
		chains *= 2;
	map = calloc(1, sizeof(*map) + chains * sizeof(*map->chains));
	if (!map)
		return -ENOMEM;
	map->max = max;
	map->key_len = key_len;
	map->value_at = (key_len + 7) & ~(size_t)7;
	map->value_len = value_len;
	map->mask = chains - 1;
	map->full = full;
	if (getrandom(&map->seed, sizeof(map->seed), GRND_NONBLOCK) < 0)
		map->seed = (uintptr_t)map;
	*out = map;
	return 0;
}

/* FNV-1a, 64 bits, over words (Fowler, Noll, Vo), with a seed. */
static size_t hashmap_chain(const struct hashmap *map, const void *key)
{
	uint64_t hash = 0xcbf29ce484222325u ^ map->seed;
	uint32_t words[KEY_MAX / 4];

	memcpy(words, key, map->key_len);
	for (size_t i = 0; i < map->key_len / 4; i++) {
		hash = (hash ^ words[i]) * 0x100000001b3u;
		hash ^= hash >> 29;
	}
	return hash & map->mask;
}

/* Where the entry hangs, or the NULL at its chain's end. */
static struct entry **hashmap_place(struct hashmap *map, const void *key)
{
	struct entry **at = &map->chains[hashmap_chain(map, key)];

	while (*at && memcmp((*at)->bytes, key, map->key_len) != 0)
		at = &(*at)->next;
	return at;
}

static void hashmap_drop(struct hashmap *map, struct entry **at)
{
	struct entry *entry = *at;

	*at = entry->next;
	if (entry->older)
		entry->older->newer = entry->newer;
	else
		map->oldest = entry->newer;
	if (entry->newer)
		entry->newer->older = entry->older;
	else
		map->newest = entry->older;
	free(entry);
	map->count--;
}

void hashmap_free(struct hashmap **map)
{
	if (!*map)
		return;
	while ((*map)->oldest)
		hashmap_drop(*map, hashmap_place(*map, (*map)->oldest->bytes));
	free(*map);
	*map = NULL;
}

void *hashmap_find(struct hashmap *map, const void *key)
{
	struct entry *entry = *hashmap_place(map, key);

	return entry ? entry->bytes + map->value_at : NULL;
}

int hashmap_insert(struct hashmap *map, const void *key, const void *value,
		   enum hashmap_mode mode)
{
	struct entry **at = hashmap_place(map, key), *entry = *at;

	if (entry && mode == HASHMAP_NOEXIST)
		return -EEXIST;
	if (entry) {
		memcpy(entry->bytes + map->value_at, value, map->value_len);
		return 0;
	}
	if (map->count >= map->max && map->full == HASHMAP_REFUSES)
		return -E2BIG;
	entry = calloc(1, sizeof(*entry) + map->value_at + map->value_len);
	if (!entry)
		return -ENOMEM;
	if (map->count >= map->max) {
		hashmap_drop(map, hashmap_place(map, map->oldest->bytes));
		at = hashmap_place(map, key);
	}
	memcpy(entry->bytes, key, map->key_len);
	memcpy(entry->bytes + map->value_at, value, map->value_len);
	entry->older = map->newest;
	if (map->newest)
		map->newest->newer = entry;
	else
		map->oldest = entry;
	map->newest = entry;
	*at = entry;
	map->count++;
	return 0;
}

int hashmap_delete(struct hashmap *map, const void *key)
{
	struct entry **at = hashmap_place(map, key);

	if (!*at)
		return -ENOENT;
	hashmap_drop(map, at);
	return 0;
}

void hashmap_each(struct hashmap *map,
		  void (*visit)(void *arg, const void *key, void *value),
		  void *arg)
{
	for (struct entry *entry = map->oldest, *newer; entry; entry = newer) {
		newer = entry->newer;
		visit(arg, entry->bytes, entry->bytes + map->value_at);
	}
}

size_t hashmap_count(const struct hashmap *map)
{
	return map->count;
}
