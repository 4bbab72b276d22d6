/* SPDX-License-Identifier: BSD-2-Clause */
/* native_load.h: native code -> programs in the kernel, beside a datapath. */
#ifndef NFR_NATIVE_LOAD_H
#define NFR_NATIVE_LOAD_H

#include "native_code.h"

/* The datapath's, by name as its object has them. */
struct native_maps {
	int scratch, tables, added; /* which the programs read and write */
	int xdp, tc; /* which hold them; -1: no program of that type */
};

/*
 * Writes the maps into the code, verifies it, then puts its programs into the
 * maps, which hold them from then on. 0; or -errno, and what the maps held
 * stays or is gone: see native_unload().
 */
int native_load(struct native_code *, const struct native_maps *);
/* No programs: the datapath finds none, and asks other forms. 0 or -errno. */
int native_unload(const struct native_maps *);

#endif
