/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_waits.h: a policy in force -> what of it waits for something. */
#ifndef NFR_ENGINE_WAITS_H
#define NFR_ENGINE_WAITS_H

#include "../compiler/image.h"
#include "engine.h"

/* Fills status->waits; its devices are filled. */
void engine_waits(struct engine_status *, const struct image *);

#endif
