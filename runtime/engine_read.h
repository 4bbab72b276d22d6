/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_read.h: the read side's own: one open engine. */
#ifndef NFR_ENGINE_READ_H
#define NFR_ENGINE_READ_H

#include "shared.h"

/* An image that was read once; a generation's never changes. */
struct engine_loaded {
	struct engine_loaded *next;
	uint32_t generation;
	void *bytes;
	struct image image;
};

struct engine {
	struct pins *pins;
	struct shared *shared;
	uint64_t control_inode; /* of the pin: another means another load */
	struct engine_loaded *loaded;
	struct engine_devices names;
	int64_t names_asked_s; /* CLOCK_MONOTONIC; 0: never */
	char no_name[IF_NAMESIZE];
};

/* -ENOENT when what was opened has been unloaded. */
int engine_still_there(const struct engine *, struct engine_error *);
/* -ENOENT when what was read was not all of this generation. */
int engine_check_slot(const struct engine *, uint32_t generation,
		      struct engine_error *);
/* A map of *generation (0: in force, and set): a new fd or -errno. */
int engine_slot_map(const struct engine *, uint32_t *generation,
		    enum pin_generation, struct engine_error *);

#endif
