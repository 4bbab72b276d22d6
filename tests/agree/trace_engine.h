/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_engine.h: what judges the packets of a trace, one after the other, and
 * keeps flows between them.
 */
#ifndef NFR_TRACE_ENGINE_H
#define NFR_TRACE_ENGINE_H

#include "compiler/image.h"
#include "flow_model.h"

#define TRACE_DEVICES 3 /* by enum trace_place, less TRACE_HERE */
extern const char *const trace_devices[TRACE_DEVICES];

/* What became of a frame. */
struct trace_left {
	struct nfr_result result;
	uint8_t bytes[TRACE_FRAME_MAX]; /* as it left, of the same length */
	struct nfr_hop hop, copy;	/* as the result's action says */
	bool has_copy;			/* one was seen on a device */
	uint32_t copy_ifindex;
	uint8_t copied[TRACE_FRAME_MAX];
};

struct trace_engine {
	const char *name;
	bool has_clock; /* takes the time from the hook */
	bool sends;	/* copies, and takes a hop from them */
	/* 0; or -errno when it can not run here, and *why says why. */
	int (*open)(void **self, const char **why);
	/* Forgets all flows. variety: which of its ways it takes. */
	void (*begin)(void *self, uint64_t variety, bool translates);
	/* From now on the image judges; flows go on. 0 or -errno. */
	int (*load)(void *self, const struct image *);
	/* 0 or -errno. */
	int (*judge)(void *self, const struct flow_hook *, const uint8_t *bytes,
		     size_t len, struct trace_left *);
	/* Every state there is, dead ones too. */
	void (*states)(void *self,
		       void (*visit)(void *arg, const struct nfr_state_key *,
				     const struct nfr_state *),
		       void *arg);
	/* Of a device in a state's name. */
	uint32_t (*ifindex)(void *self, unsigned device);
	void (*close)(void **self);
};

extern const struct trace_engine trace_native;
extern const struct trace_engine trace_kernel;

#endif
