/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agree.h: what an engine must do to be compared with the model.
 *
 *   agree.c           random policies and packets; the comparison, a program
 *   agree_follow.c    the same of what follows a packet: fragments, errors
 *   native.c          agree_native: the datapath headers, compiled natively
 *   kernel.c          agree_kernel: the datapath in the kernel, by test-run
 */
#ifndef NFR_AGREE_H
#define NFR_AGREE_H

#include "compiler/image.h"

/* A device that the test pretends to have; names bind to it. */
struct agree_device {
	const char *name;
	uint32_t ifindex;
	enum nfr_link link;
};

struct agree_frame {
	const uint8_t *bytes;
	size_t len;
	uint32_t ifindex;
	uint32_t ingress; /* of what goes out: where it came in, or 0 */
	uint32_t origin;  /* NFR_ORIGIN_*: what a test run's socket says */
	enum nfr_dir dir;
	enum nfr_link link; /* the device's */
	/* What an earlier hook did to it: a mark (kmod-linux/marks.h), or 0. */
	uint32_t mark;
	bool has_come_in; /* a copy of what came in */
};

struct agree_engine {
	const char *name;
	/* 0; -ENOTSUP when it can not run here; else -errno, a failure. *why
	 * says why. */
	int (*open)(void **self, const char **why);
	/*
	 * From now on the image judges; what was loaded before is forgotten.
	 * Every device is known to the engine, also those that the image does
	 * not name (their ifid is 0). 0 or -errno.
	 */
	int (*load)(void *self, const struct image *,
		    const struct agree_device *, size_t count);
	/*
	 * The verdict on a packet that belongs to no flow: flows that earlier
	 * packets began must not be seen. 0, or -errno when there is no
	 * verdict (-ENOTSUP: this engine can not be given such a frame).
	 */
	int (*judge)(void *self, const struct agree_frame *,
		     struct nfr_result *);
	void (*close)(void **self);
};

extern const struct agree_engine agree_native;
extern const struct agree_engine agree_kernel;

#endif
