/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_added.h: an image in force -> the same with what its datapath added.
 */
#ifndef NFR_ENGINE_ADDED_H
#define NFR_ENGINE_ADDED_H

#include "../compiler/image.h"
#include "engine.h"

/*
 * The image of that generation (0: in force) with the addresses that rules put
 * into its tables by "overload". *out is the image itself, and *bytes NULL,
 * when there are none; else *out lives in *bytes, which the caller frees. An
 * address that comes meanwhile may be in it or not; engine_options.read is for
 * that. 0 or -errno.
 */
int engine_image_live(struct engine *, uint32_t generation,
		      const struct image *, struct image *out, __u8 **bytes,
		      struct engine_error *err);

/*
 * What is in one map nfr_added, and not in that image: into another. Nobody
 * adds to the first any more. 0 or -errno.
 */
int engine_added_carry(int from, int to, const struct image *read);

#endif
