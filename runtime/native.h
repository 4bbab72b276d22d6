/* SPDX-License-Identifier: BSD-2-Clause */
/* native.h: the rules' bytecode -> eBPF instructions. */
#ifndef NFR_NATIVE_H
#define NFR_NATIVE_H

#include <stdbool.h>

#include "../compiler/image.h"
#include "native_code.h"

/* What became of an image. */
struct native_about {
	size_t insns;	       /* eBPF instructions */
	unsigned entries;      /* of the rules' six: how many are code */
	bool has_long_jumps;   /* gotol: Linux 6.6 */
	bool is_steady;	       /* NFR_CONFIG_STEADY */
	bool has_tables;       /* some of it asks them */
	enum nfr_opcode first; /* that has no translation; 0: all have */
};

/*
 * More are refused: the verifier looks at a million in a program, and more than
 * once at some.
 */
#define NATIVE_INSNS_MAX 450000u

/*
 * 0, or -EOPNOTSUPP (no entry has code), -E2BIG, -ENOMEM. What tags, matches or
 * draws lots stays with the VM, an entry at a time. native_free() in any case.
 */
int native_compile(const struct image *, struct native_code *,
		   struct native_about *);
/*
 * The same for the hole in the datapath (hole.h), which calls nobody: where a
 * rule asks a table, the way ends in NATIVE_NONE. -E2BIG of both has
 * about->insns set, to so many at least.
 */
int native_compile_inline(const struct image *, struct native_code *,
			  struct native_about *);
void native_free(struct native_code *);
/* What nfr_config.flags says of such code: NFR_CONFIG_*. */
__u32 native_config(const struct native_about *);

#endif
