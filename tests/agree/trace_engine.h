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

struct trace_engine {
	const char *name;
	bool has_clock; /* takes the time from the hook */
	/* 0; or -errno when it can not run here, and *why says why. */
	int (*open)(void **self, const char **why);
	/* Forgets all flows. variety: which of its ways it takes. */
	void (*begin)(void *self, uint64_t variety, bool translates);
	/* From now on the image judges; flows go on. 0 or -errno. */
	int (*load)(void *self, const struct image *);
	/* out: the frame as it left, of the same length. 0 or -errno. */
	int (*judge)(void *self, const struct flow_hook *, const uint8_t *bytes,
		     size_t len, uint8_t out[TRACE_FRAME_MAX],
		     struct nfr_result *);
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
