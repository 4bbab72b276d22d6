/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * native_frame.h: what generated code sees of a packet.
 *
 * It is the scratch (scratch.h), of which the packet's key is read, and the run
 * is written as vm_begin() and the VM would write it.
 */
#ifndef NFR_NATIVE_FRAME_H
#define NFR_NATIVE_FRAME_H

#include "scratch.h"

/* Where in the frame, in bytes. */
#define NATIVE_KEY(field)                                                      \
	(__builtin_offsetof(struct verdict, packet.key) + 4 * (field))
#define NATIVE_RUN(member)                                                     \
	(__builtin_offsetof(struct verdict, rules) +                           \
	 __builtin_offsetof(struct vm_run, member))

#endif
