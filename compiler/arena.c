/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arena.c: requests for memory -> blocks that are freed together.
 *
 * What was released is poisoned for AddressSanitizer until it is used again, so
 * that a pointer that was kept too long is found.
 */
#include "arena.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(memory, len) ASAN_POISON_MEMORY_REGION(memory, len)
#define UNPOISON(memory, len) ASAN_UNPOISON_MEMORY_REGION(memory, len)
#else
#define POISON(memory, len) ((void)(memory), (void)(len))
#define UNPOISON(memory, len) ((void)(memory), (void)(len))
#endif

#define BLOCK_MIN ((size_t)16 << 10)
#define BLOCK_MAX ((size_t)1 << 20)

struct block {
	struct block *next;
	size_t number; /* blocks are numbered as they come */
	size_t used, len;
	bool is_own; /* one request's alone */
	_Alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks; /* the one being filled first */
	size_t count;	      /* of blocks so far */
	struct arena *rest;   /* of a slab: where what has no room goes */
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
	b->number = ++a->count;
	b->is_own = is_big && head;
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
	if (a->rest && b->len - b->used < len)
		return arena_alloc(a->rest, len);
	if (!b || b->len - b->used < len)
		b = block_new(a, len);
	void *memory = b->bytes + b->used;
	b->used += len;
	UNPOISON(memory, len);
	return memory;
}

struct arena *arena_new_slab(size_t len, struct arena *rest)
{
	struct arena *a = arena_new();
	a->rest = rest;
	a->blocks = checked(calloc(1, sizeof(*a->blocks) + len));
	a->blocks->len = len;
	return a;
}

unsigned char *arena_slab(struct arena *a, size_t *used)
{
	*used = a->blocks->used;
	return a->blocks->bytes;
}

struct arena_mark arena_mark(const struct arena *a)
{
	return (struct arena_mark){a->count, a->blocks ? a->blocks->used : 0};
}

void arena_release(struct arena *a, struct arena_mark mark)
{
	for (struct block **at = &a->blocks; *at;) {
		struct block *b = *at;
		if (b->number <= mark.count) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		free(b);
	}
	a->count = mark.count;
	struct block *b = a->blocks;
	if (!b || b->used == mark.used)
		return;
	memset(b->bytes + mark.used, 0, b->used - mark.used);
	POISON(b->bytes + mark.used, b->used - mark.used);
	b->used = mark.used;
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

/* The block that holds nothing but these items, or NULL. */
static struct block **block_of(struct arena *a, const void *items)
{
	for (struct block **at = &a->blocks; items && *at; at = &(*at)->next)
		if ((*at)->is_own && (*at)->bytes == items)
			return at;
	return NULL;
}

/* What has a block of its own is not copied beside itself. */
static void *block_grow(struct block **at, size_t len)
{
	struct block *b = checked(realloc(*at, sizeof(*b) + len));
	memset(b->bytes + b->len, 0, len - b->len);
	b->used = b->len = len;
	*at = b;
	return b->bytes;
}

void *arena_grow(struct arena *a, void *items, size_t count, size_t *capacity,
		 size_t item_len)
{
	if (count < *capacity)
		return items;
	struct block **own = block_of(a, items);
	size_t old = *capacity;
	size_t want = *capacity ? *capacity * 2 : 8;
	if (own && (*own)->len >= BLOCK_MAX)
		want = *capacity + *capacity / 16;
	if (want <= count)
		want = count + 1;
	if (want > SIZE_MAX / 2 / item_len)
		checked(NULL);
	*capacity = want;
	if (own)
		return block_grow(own, want * item_len);
	void *moved = arena_alloc(a, want * item_len);
	if (old)
		memcpy(moved, items, old * item_len);
	return moved;
}
