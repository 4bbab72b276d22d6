/* SPDX-License-Identifier: BSD-2-Clause */
/* program.h: the programs of an image -> where they end, and what they ask. */
#ifndef NFR_PROGRAM_H
#define NFR_PROGRAM_H

#include <stdbool.h>

#include "../compiler/image.h"

/* Behind the last instruction of the program that begins at start. */
__u32 program_end(const struct image *, __u32 start);

/* Of the rules: the first entries of an image. */
#define PROGRAM_RULES NFR_ENTRY(NFR_STAGE_GUARD, 0, 0)

/*
 * Do the rules' programs, at these entries or NFR_NO_ENTRY, find the same rule
 * for each key that is the same in all words up to NFR_F_FAMILY? They ask no
 * others and no table, draw no lots and change nothing. See
 * kmod-linux/steady.bpf.h.
 */
bool programs_are_steady(const struct image *,
			 const __u32 entry[PROGRAM_RULES]);

#endif
