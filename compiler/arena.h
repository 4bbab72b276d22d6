/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.h: one compilation's memory, freed at once. */
#ifndef NFR_ARENA_H
#define NFR_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* Never returns NULL: out of memory is abort(), as nothing could be reported.
 */
struct arena *arena_new(void);
void arena_free(struct arena **);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *, size_t len);
char *arena_strdup(struct arena *, const char *);
char *arena_strndup(struct arena *, const char *, size_t len);
char *arena_printf(struct arena *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *, const char *fmt, va_list);

/* Room for a growing array: returns *items, moved if it had to grow. */
void *arena_grow(struct arena *, void *items, size_t count, size_t *capacity,
		 size_t item_len);

#define arena_new_of(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
