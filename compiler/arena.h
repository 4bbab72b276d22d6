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

/*
 * A slab is one block of len bytes that stays where it is; what has no room in
 * it comes out of rest. Its bytes, of which the first *used are in use.
 */
struct arena *arena_new_slab(size_t len, struct arena *rest);
unsigned char *arena_slab(struct arena *, size_t *used);

/* Frees what was requested since the mark; arrays must not have grown since. */
struct arena_mark {
	size_t count, used;
};
struct arena_mark arena_mark(const struct arena *);
void arena_release(struct arena *, struct arena_mark);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *, size_t len);
char *arena_strdup(struct arena *, const char *);
char *arena_strndup(struct arena *, const char *, size_t len);
char *arena_printf(struct arena *, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *, const char *fmt, va_list);

/* Room for count + 1 items of a growing array: items, or where they are now. */
void *arena_grow(struct arena *, void *items, size_t count, size_t *capacity,
		 size_t item_len);

#define arena_new_of(a, type) ((type *)arena_alloc((a), sizeof(type)))

#endif
