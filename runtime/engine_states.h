/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_states.h: the map of flow states -> a list; and entries taken out. */
#ifndef NFR_ENGINE_STATES_H
#define NFR_ENGINE_STATES_H

#include "engine.h"

struct engine_state {
	struct nfr_state_key name;
	__u32 place; /* in the map */
	struct nfr_state state;
};

/* Zero is an empty one. */
struct engine_states {
	struct engine_state *items; /* oldest first */
	size_t count;		    /* expired ones included */
	uint32_t limit;		    /* of them, as it is in force */
	uint64_t now;		    /* jiffies, after they were read */
	uint32_t hz;
};

/*
 * All there are, while packets go on, and the count of them put right: a state
 * that comes or goes meanwhile may be in it or not, but none is twice; a flow
 * that ends and begins again may be in it as both. The caller owns *out
 * (engine_states_free); untouched on failure.
 */
int engine_states(struct engine *, struct engine_states *out,
		  struct engine_error *err);
void engine_states_free(struct engine_states *);

/*
 * Ends the state that was read, not one that took its name since. One that has
 * another name, or that limits count, is left as expired: no packet continues
 * it, and the datapath takes it out with all that hangs on it, at the latest
 * when a limit is reached. 1: ended; 0: it was gone already; -errno.
 */
int engine_state_end(struct engine *, const struct engine_state *,
		     struct engine_error *err);

/* The kernel's jiffies64, as bpf_jiffies64() has them. 0 or -errno. */
int engine_jiffies(uint64_t *out);

#endif
