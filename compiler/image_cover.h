/* SPDX-License-Identifier: BSD-2-Clause */
/* image_cover.h: does an image's tunnel let all of a family go outside? */
#ifndef NFR_IMAGE_COVER_H
#define NFR_IMAGE_COVER_H

#include "image_search.h"

/* True with the exclude that is one too many, and the family in the key. */
bool image_covers_all(const struct image *, struct image_finding *out);

#endif
