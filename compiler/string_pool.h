/* SPDX-License-Identifier: BSD-2-Clause */
/* string_pool.h: equal strings kept once, each known by its offset. */
#ifndef NFR_STRING_POOL_H
#define NFR_STRING_POOL_H

#include <stddef.h>
#include <stdint.h>

struct string_pool {
	char *block;   /* malloc'd: what is before the strings, and these */
	size_t before; /* bytes, zero at first; not the pool's business */
	char *bytes;   /* "" first, NUL after each */
	size_t len;
	size_t capacity;
	uint32_t *slots;   /* offsets by hash; 0: free */
	size_t slot_count; /* a power of two */
	size_t used;
	int error; /* 0, -ENOMEM or -E2BIG; then all offsets are 0 */
};

void pool_init(struct string_pool *);
/* Behind so many bytes of its block, which moves as strings are added. */
void pool_init_behind(struct string_pool *, size_t before);
/* Offset of text in bytes; NULL is "". */
uint32_t pool_add(struct string_pool *, const char *text);
/* The block, with len bytes for strings, zero behind them; then the caller's.
 * NULL after an error. */
char *pool_take(struct string_pool *, size_t len);
void pool_free(struct string_pool *);

#endif
