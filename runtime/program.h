/* SPDX-License-Identifier: BSD-2-Clause */
/* program.h: the programs of an image -> where they end, and what they ask. */
#ifndef NFR_PROGRAM_H
#define NFR_PROGRAM_H

#include <stdbool.h>

#include "../compiler/image.h"

/* Behind the last instruction of the program that begins at start. */
__u32 program_end(const struct image *, __u32 start);

/*
 * Does the program at start find the same rule for each key that is the same
 * in all words up to NFR_F_FAMILY? It asks no others and no table, draws no
 * lots and changes nothing. See kmod-linux/steady.bpf.h.
 */
bool program_is_steady(const struct image *, __u32 start);

#endif
