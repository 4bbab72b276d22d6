/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * native_frame.h: what generated code sees of a packet.
 *
 * It is a part of the scratch (scratch.h): the key that the rules judge and the
 * run's record behind it. Generated code reads and writes it by words.
 */
#ifndef NFR_NATIVE_FRAME_H
#define NFR_NATIVE_FRAME_H

#include "abi.h"
#include "vm_run.h"

#define NATIVE_FRAME_WORDS 56

struct native_frame {
	__u32 w[NATIVE_FRAME_WORDS];
};
_Static_assert(sizeof(struct native_frame) ==
		       sizeof(struct nfr_key) + sizeof(struct vm_run),
	       "native_frame");

/* Where in the frame, in bytes. */
#define NATIVE_KEY(field) (4 * (field))
#define NATIVE_RUN(member)                                                     \
	(sizeof(struct nfr_key) + __builtin_offsetof(struct vm_run, member))

/* In place of a rule: there is no code for this entry, ask the VM. */
#define NATIVE_NONE 0xfffffffdu

#endif
