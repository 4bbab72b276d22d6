/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_seen.c: a key, such as a text's hash -> what is known of it, by open
 * addressing. Two texts with one hash are taken for the same: of 100,000 that
 * happens once in 4,000,000,000 policies, and costs a warning too many.
 */
#include "check_internal.h"

#include <stdlib.h>

#define SLOTS_MIN 256u /* a power of two; at least half of them are free */

static struct check_seen_slot *slot_of(const struct check_seen *s, uint64_t key)
{
	size_t at = (size_t)(key * 0x9e3779b97f4a7c15u >> 20);

	while (s->slots[at & (s->slot_count - 1)].value &&
	       s->slots[at & (s->slot_count - 1)].key != key)
		at++;
	return &s->slots[at & (s->slot_count - 1)];
}

static void grow(struct check_seen *s)
{
	struct check_seen old = *s;

	s->slot_count = old.slot_count ? 2 * old.slot_count : SLOTS_MIN;
	s->slots = calloc(s->slot_count, sizeof(*s->slots));
	if (!s->slots)
		abort(); /* as the arena does */
	for (size_t i = 0; i < old.slot_count; i++)
		if (old.slots[i].value)
			*slot_of(s, old.slots[i].key) = old.slots[i];
	free(old.slots);
}

uint64_t *seen_put(struct check_seen *s, uint64_t key)
{
	struct check_seen_slot *slot;

	if (2 * s->count >= s->slot_count)
		grow(s);
	slot = slot_of(s, key);
	if (!slot->value) {
		slot->key = key;
		s->count++;
	}
	return &slot->value;
}

uint64_t seen_find(const struct check_seen *s, uint64_t key)
{
	return s->slot_count ? slot_of(s, key)->value : 0;
}

void seen_free(struct check_seen *s)
{
	free(s->slots);
	*s = (struct check_seen){0};
}
