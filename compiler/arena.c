/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.c: requests for memory -> blocks that are freed together. */
#include "arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MIN ((size_t)16 << 10)
#define BLOCK_MAX ((size_t)1 << 20)

struct block {
	struct block *next;
	size_t used, len;
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks; /* the one being filled first */
};

static void *checked(void *memory)
{
	if (!memory) {
		fputs("nfr: out of memory\n", stderr);
		abort();
	}
	return memory;
}

struct arena *arena_new(void)
{
	return checked(calloc(1, sizeof(struct arena)));
}

void arena_free(struct arena **arena)
{
	if (!arena || !*arena)
		return;
	for (struct block *b = (*arena)->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	free(*arena);
	*arena = NULL;
}

/* A big request gets a block of its own, behind the one being filled. */
static struct block *block_new(struct arena *a, size_t len)
{
	struct block *head = a->blocks;
	size_t want = head ? head->len * 2 : BLOCK_MIN;
	if (want > BLOCK_MAX)
		want = BLOCK_MAX;
	bool is_big = len > want / 4;
	struct block *b = checked(calloc(1, sizeof(*b) + (is_big && head ? len
							  : want > len	 ? want
								       : len)));
	b->len = is_big && head ? len : want > len ? want : len;
	if (is_big && head) {
		b->next = head->next;
		head->next = b;
	} else {
		b->next = head;
		a->blocks = b;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t len)
{
	const size_t align = _Alignof(max_align_t);
	if (len > SIZE_MAX / 2)
		checked(NULL);
	len = (len + align - 1) / align * align;
	struct block *b = a->blocks;
	if (!b || b->len - b->used < len)
		b = block_new(a, len);
	void *memory = b->bytes + b->used;
	b->used += len;
	return memory;
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_alloc(a, len + 1);
	if (len)
		memcpy(copy, text, len);
	return copy;
}

char *arena_strdup(struct arena *a, const char *text)
{
	return arena_strndup(a, text, strlen(text));
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
{
	assert(fmt);
	va_list again;
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	assert(len >= 0);
	char *text = arena_alloc(a, (size_t)len + 1);
	vsnprintf(text, (size_t)len + 1, fmt, again);
	va_end(again);
	return text;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	char *text = arena_vprintf(a, fmt, args);
	va_end(args);
	return text;
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t *capacity,
		 size_t item_len)
{
	if (count < *capacity)
		return items;
	size_t want = *capacity ? *capacity * 2 : 8;
	if (want <= count)
		want = count + 1;
	if (want > SIZE_MAX / 2 / item_len)
		checked(NULL);
	void *moved = arena_alloc(a, want * item_len);
	if (count)
		memcpy(moved, items, count * item_len);
	*capacity = want;
	return moved;
}
