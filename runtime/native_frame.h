/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * native_frame.h: what generated code sees of a packet.
 *
 * It is the scratch (scratch.h) up to the rules' run, by words: the packet's
 * key is read, the run is written as vm_begin() and the VM would write it.
 */
#ifndef NFR_NATIVE_FRAME_H
#define NFR_NATIVE_FRAME_H

#include "scratch.h"

#define NATIVE_FRAME_WORDS                                                     \
	((__builtin_offsetof(struct verdict, rules) + sizeof(struct vm_run)) / \
	 sizeof(__u32))

struct native_frame {
	__u32 w[NATIVE_FRAME_WORDS];
};

/* Where in the frame, in bytes. */
#define NATIVE_KEY(field)                                                      \
	(__builtin_offsetof(struct verdict, packet.key) + 4 * (field))
#define NATIVE_RUN(member)                                                     \
	(__builtin_offsetof(struct verdict, rules) +                           \
	 __builtin_offsetof(struct vm_run, member))

#endif
