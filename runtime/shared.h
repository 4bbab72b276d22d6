/* SPDX-License-Identifier: BSD-2-Clause */
/* shared.h: what outlives policies: stubs, their slots, control, states. */
#ifndef NFR_SHARED_H
#define NFR_SHARED_H

#include "pins.h"
#include "statemap.h"

struct shared {
	int fd[PIN_SHARED_COUNT];
	struct nfr_control *control; /* the map itself, in memory */
	struct statemap states;	     /* the same, once someone asked for it */
	uint64_t netns_cookie;	     /* of the caller */
	uint32_t netns_inode;
};

/*
 * Opens what is pinned. -ENOENT: nothing is (no control), -EXDEV: it is of
 * another network namespace, -EPROTO: a part is missing, or the codes of
 * pins_get(). *out untouched on failure.
 */
int shared_open(const struct pins *, struct shared **out,
		struct engine_error *);
/* Makes and pins all of it, control last; on failure nothing stays pinned. */
int shared_create(const struct pins *, const struct engine_options *,
		  struct shared **out, struct engine_error *);
/* Is all that is there ours? -EEXIST when not. */
int shared_check(const struct pins *, struct engine_error *);
/* Removes the pins, control first; the hooks must be gone. */
int shared_remove(const struct pins *, struct engine_error *);
void shared_close(struct shared **);

/*
 * The switch. One store; every hook, device and CPU follows at its next
 * packet.
 */
void shared_activate(struct shared *, uint32_t slot);
/* No slot: every hook blocks. */
void shared_deactivate(struct shared *);
/*
 * On trial (kmod-linux/confirm.bpf.h). Start: switches to from_slot and sets
 * the timer, in one. 0 or -errno with nothing switched.
 */
int shared_try(struct shared *, const struct nfr_pending *, uint32_t wait_ms,
	       struct engine_error *);
/* Ends the wait as state says. 1: it did wait, 0: not any more, or -errno. */
int shared_settle(struct shared *, uint32_t state, struct engine_error *);
int shared_pending(const struct shared *, struct nfr_pending *out,
		   struct engine_error *);
/* The generation in force, 0: none. */
uint32_t shared_generation(const struct shared *);

#endif
