/* SPDX-License-Identifier: BSD-2-Clause */
/* string_pool.c: strings -> one block, in the order of their first use. */
#include "string_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_MIN 256

static uint64_t hash_text(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return hash ^ hash >> 32;
}

static uint32_t *find_slot(const struct string_pool *s, const char *text)
{
	size_t i = hash_text(text) & (s->slot_count - 1);

	while (s->slots[i] && strcmp(s->bytes + s->slots[i], text) != 0)
		i = (i + 1) & (s->slot_count - 1);
	return &s->slots[i];
}

static int grow_slots(struct string_pool *s)
{
	struct string_pool wider = *s;

	wider.slot_count = s->slot_count ? s->slot_count * 2 : SLOTS_MIN;
	wider.slots = calloc(wider.slot_count, sizeof(*wider.slots));
	if (!wider.slots)
		return -ENOMEM;
	for (size_t i = 0; i < s->slot_count; i++)
		if (s->slots[i])
			*find_slot(&wider, s->bytes + s->slots[i]) =
				s->slots[i];
	free(s->slots);
	*s = wider;
	return 0;
}

static int grow_bytes(struct string_pool *s, size_t len)
{
	size_t capacity = s->capacity ? s->capacity : 4096;
	char *bytes;

	if (len > UINT32_MAX - s->len)
		return -E2BIG;
	if (s->bytes && s->capacity - s->len >= len)
		return 0;
	while (capacity - s->len < len)
		capacity *= 2;
	bytes = realloc(s->bytes, capacity);
	if (!bytes)
		return -ENOMEM;
	s->bytes = bytes;
	s->capacity = capacity;
	return 0;
}

static int append(struct string_pool *s, const char *text, uint32_t *offset)
{
	size_t len = strlen(text) + 1;
	int err = grow_bytes(s, len);

	if (err)
		return err;
	*offset = (uint32_t)s->len;
	memcpy(s->bytes + s->len, text, len);
	s->len += len;
	return 0;
}

void pool_init(struct string_pool *s)
{
	uint32_t empty;

	*s = (struct string_pool){.len = 0};
	s->error = append(s, "", &empty);
}

uint32_t pool_add(struct string_pool *s, const char *text)
{
	uint32_t *slot, offset;

	if (!text || !*text || s->error)
		return 0;
	if (s->used * 2 >= s->slot_count)
		s->error = grow_slots(s);
	if (s->error)
		return 0;
	slot = find_slot(s, text);
	if (*slot != 0)
		return *slot;
	s->error = append(s, text, &offset);
	if (s->error)
		return 0;
	*slot = offset;
	s->used++;
	return offset;
}

void pool_close(struct string_pool *s)
{
	free(s->slots);
	s->slots = NULL;
	s->slot_count = s->used = 0;
}

void pool_free(struct string_pool *s)
{
	free(s->bytes);
	free(s->slots);
	*s = (struct string_pool){.len = 0};
}
