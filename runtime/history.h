/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * history.h: confirmed images, kept in a directory over reboots.
 *
 * A file each, SEQUENCE-GENERATION-HASH.nfi, made under another name and
 * renamed, so that a crash leaves the old list or the new one. The directory is
 * the caller's own and writable by nobody else, for what is in it becomes the
 * policy at boot.
 */
#ifndef NFR_HISTORY_H
#define NFR_HISTORY_H

#include "engine.h"

#define HISTORY_MAX 10

struct history_entry {
	uint32_t sequence;
	uint32_t generation; /* as which it was in force */
	int64_t time;	     /* seconds since 1970 */
	char hash[13];	     /* image_short_hash() */
	char name[64];	     /* of the file */
};

struct history {
	struct history_entry entries[HISTORY_MAX]; /* the last first */
	size_t count;
};

/* 0 or -errno; -ENOENT: there is no such directory. */
int history_list(const char *dir, struct history *out, struct engine_error *);
/* The last one is not noted twice; the oldest gives way. */
int history_add(const char *dir, const struct image *, uint32_t generation,
		struct engine_error *);
/* Bytes are malloc'd and the caller's; open them by image_open(). */
int history_read(const char *dir, const struct history_entry *, void **bytes,
		 size_t *len, struct engine_error *);
/* By number, or by the first 4 or more digits of the hash; NULL: none. */
const struct history_entry *history_find(const struct history *,
					 const char *which);

#endif
