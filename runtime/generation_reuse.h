/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * generation_reuse.h: what a slot holds -> a generation to be filled anew.
 *
 * It is taken when it is not in force; when its programs came from the objects
 * that this nfload carries, with the loop that is asked for, and have the code
 * in them that is asked for; when all its pins
 * are the maps and programs that were loaded together, and nobody has changed
 * them for others; and when its maps have room for the image, without being
 * many times too large. Else a new one is loaded.
 *
 * Order: the slot is said to be empty; we wait until no CPU runs its programs
 * any more, as the switch away from it may have been just now; its config is
 * cleared, so that these programs block whatever happens; then the other maps
 * are. A load that is killed in between leaves an empty slot. config is filled
 * last of those that do not depend on devices.
 */
#ifndef NFR_GENERATION_REUSE_H
#define NFR_GENERATION_REUSE_H

#include "generation.h"

/* How many entries a map must have for an image: need is the least of it. */
struct generation_room {
	uint32_t need[PIN_GENERATION_COUNT]; /* 0: any number */
};
/* With some to spare, so that the next image fits too. */
uint32_t generation_spare(uint32_t need);

/* What identifies the programs of this nfload. */
void generation_objects(enum engine_loop, uint8_t out[32]);
/* The kernel's id of a map or program, or 0. */
uint32_t generation_id(int fd, bool is_prog);

/* What its programs must be. */
struct generation_wish {
	enum engine_loop loop;
	uint64_t hole; /* this code is in them; 0: whatever is */
};

/* Until no CPU is in a program that it entered before now. */
int generation_wait(struct engine_error *);

/*
 * 1: generation->fd, loop and hole are the slot's, all but image, about and
 * identity, and its maps are empty. 0: it can not be, or there is none, and
 * nothing was changed. -errno: it began, and failed; the slot is empty.
 */
int generation_reuse(struct generation *, const struct pins *, struct shared *,
		     const struct generation_room *,
		     const struct generation_wish *, struct engine_error *);

#endif
