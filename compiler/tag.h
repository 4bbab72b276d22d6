/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tag.h: a tag's name -> its number, the same in every policy: states keep it
 * over reloads.
 */
#ifndef NFR_TAG_H
#define NFR_TAG_H

#include <stdint.h>

#include "runtime/abi.h"

struct image;

#define TAG_NONE 0u /* the number of no name */

/* FNV-1a, 32 bits (Fowler, Noll, Vo); 1 where that is 0. */
uint32_t tag_number(const char *name);

/* Index in img->tags, or tag_count when the image has no such tag. */
__u32 tag_find(const struct image *, __u32 number);
/* The name, or NULL. */
const char *tag_name(const struct image *, __u32 number);

#endif
