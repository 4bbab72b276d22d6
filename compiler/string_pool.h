/* SPDX-License-Identifier: BSD-2-Clause */
/* string_pool.h: equal strings kept once, each known by its offset. */
#ifndef NFR_STRING_POOL_H
#define NFR_STRING_POOL_H

#include <stddef.h>
#include <stdint.h>

struct string_pool {
	char *bytes; /* malloc'd; "" first, NUL after each */
	size_t len;
	size_t capacity;
	uint32_t *slots;   /* offsets by hash; 0: free */
	size_t slot_count; /* a power of two */
	size_t used;
	int error; /* 0, -ENOMEM or -E2BIG; then all offsets are 0 */
};

void pool_init(struct string_pool *);
/* Offset of text in bytes; NULL is "". */
uint32_t pool_add(struct string_pool *, const char *text);
/* No string is added any more: what finds equal ones is freed. */
void pool_close(struct string_pool *);
void pool_free(struct string_pool *);

#endif
