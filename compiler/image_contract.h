/* SPDX-License-Identifier: BSD-2-Clause */
/* image_contract.h: an image's asserts and excludes, as they are written. */
#ifndef NFR_IMAGE_CONTRACT_H
#define NFR_IMAGE_CONTRACT_H

#include "image.h"
#include "source.h"
#include "string_pool.h"

/* Index of the file, or IMAGE_NO_FILE. */
void image_place(const struct sources *, struct span, __u32 *file, __u32 *line,
		 __u32 *col);
/* Adds the strings to the pool. */
struct image_assert image_make_assert(const struct policy *,
				      const struct code_assert *,
				      const struct sources *,
				      struct string_pool *);
struct image_exclude image_make_exclude(const struct policy_exclude *,
					const struct sources *);
/* May what this rule passes never leave outside of the tunnel? */
bool image_is_outside(const struct policy *, const struct policy_rule *);

#endif
