/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pack.c: nodes -> bytes -> the same nodes at the same addresses.
 *
 * A rule is parsed into a slab, whose bytes are then written down without what
 * is zero, and copied back when the rule is checked. As the slab never moves,
 * pointers within it hold. Blocks of the log are freed as they have been read.
 */
#include "pack.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SLAB_LEN ((size_t)1 << 16)
#define BLOCK_LEN ((size_t)1 << 18)

/* A packed word is one of these and what follows. */
enum {
	ZEROS = 0x00,  /* + how many, less one; up to 0x7f */
	BYTES = 0x80,  /* + how many; the low ones follow */
	INSIDE = 0x90, /* two bytes: where in the slab it points */
};
#define ZEROS_MAX 0x80u
#define WORD_MAX 9u /* bytes that a word becomes */

struct block {
	struct block *next;
	size_t used;
	unsigned char bytes[];
};

struct record {
	struct ast_node *node;
	uint32_t len;	     /* of the slab; 0: the node is not packed */
	uint32_t packed_len; /* bytes that follow */
};

struct pack {
	struct arena *arena;
	struct block *first, *last;
	size_t read; /* bytes of first */
	unsigned char packed[SLAB_LEN / 8 * WORD_MAX + 1];
};

struct pack *pack_new(struct arena *rest)
{
	struct pack *p = calloc(1, sizeof(*p));

	if (!p)
		abort(); /* as the arena does */
	p->arena = arena_new_slab(SLAB_LEN, rest);
	return p;
}

void pack_free(struct pack **pack)
{
	struct pack *p = *pack;

	if (!p)
		return;
	for (struct block *b = p->first, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	arena_free(&p->arena);
	free(p);
	*pack = NULL;
}

struct arena *pack_arena(struct pack *p)
{
	return p->arena;
}

/* ---- words ------------------------------------------------------------- */

static uint64_t word_at(const unsigned char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static unsigned char *word_pack(uint64_t word, uint64_t slab,
				unsigned char *out)
{
	unsigned count = 0;

	if (word - slab < SLAB_LEN) {
		*out++ = INSIDE;
		*out++ = (unsigned char)(word - slab);
		*out++ = (unsigned char)((word - slab) >> 8);
		return out;
	}
	for (uint64_t rest = word; rest; rest >>= 8)
		count++;
	*out++ = (unsigned char)(BYTES + count);
	for (; word; word >>= 8)
		*out++ = (unsigned char)word;
	return out;
}

static size_t slab_pack(const unsigned char *slab, size_t words,
			unsigned char *out)
{
	unsigned char *at = out;
	size_t zeros = 0;

	for (size_t i = 0; i <= words; i++) {
		bool is_end = i == words;
		uint64_t word = is_end ? 0 : word_at(slab + 8 * i);

		if (!word && !is_end && ++zeros < ZEROS_MAX)
			continue;
		if (zeros)
			*at++ = (unsigned char)(ZEROS + zeros - 1);
		zeros = 0;
		if (word)
			at = word_pack(word, (uintptr_t)slab, at);
	}
	return (size_t)(at - out);
}

static void slab_unpack(const unsigned char *from, size_t len,
			unsigned char *slab)
{
	const unsigned char *end = from + len;
	uint64_t base = (uintptr_t)slab;

	while (from < end) {
		unsigned op = *from++;
		uint64_t word = 0;

		if (op < BYTES) {
			slab += 8 * ((size_t)op + 1);
			continue;
		}
		if (op == INSIDE) {
			word = base + (from[0] | (uint64_t)from[1] << 8);
			from += 2;
		}
		for (unsigned i = 0; op != INSIDE && i < op - BYTES; i++)
			word |= (uint64_t)*from++ << (8 * i);
		memcpy(slab, &word, sizeof(word));
		slab += 8;
	}
}

/* ---- the log ----------------------------------------------------------- */

static void log_add(struct pack *p, const struct record *record)
{
	size_t len = sizeof(*record) + record->packed_len;
	struct block *b = p->last;

	if (!b || b->used + len > BLOCK_LEN) {
		b = malloc(sizeof(*b) + BLOCK_LEN);
		if (!b)
			abort(); /* as the arena does */
		b->next = NULL;
		b->used = 0;
		*(p->last ? &p->last->next : &p->first) = b;
		p->last = b;
	}
	memcpy(b->bytes + b->used, record, sizeof(*record));
	memcpy(b->bytes + b->used + sizeof(*record), p->packed,
	       record->packed_len);
	b->used += len;
}

void pack_add(struct pack *p, struct ast_node *node, bool is_packed)
{
	struct record record = {.node = node};
	size_t used;
	const unsigned char *slab = arena_slab(p->arena, &used);

	if (is_packed) {
		record.len = (uint32_t)used;
		record.packed_len =
			(uint32_t)slab_pack(slab, used / 8, p->packed);
	}
	log_add(p, &record);
}

void pack_clear(struct pack *p)
{
	arena_release(p->arena, (struct arena_mark){0, 0});
}

struct ast_node *pack_next(struct pack *p)
{
	struct block *b = p->first;
	struct record record;

	pack_clear(p);
	if (b && p->read == b->used) {
		p->first = b->next;
		p->read = 0;
		free(b);
		b = p->first;
	}
	if (!b) {
		p->last = NULL;
		return NULL;
	}
	memcpy(&record, b->bytes + p->read, sizeof(record));
	p->read += sizeof(record);
	if (record.len)
		slab_unpack(b->bytes + p->read, record.packed_len,
			    arena_alloc(p->arena, record.len));
	p->read += record.packed_len;
	return record.node;
}
