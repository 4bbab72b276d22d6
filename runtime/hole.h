/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * hole.h: the room for the rules' code inside of the datapath's programs, as
 * these and who fills it see it.
 *
 * It is so many instructions, of which the first and last load a number that is
 * nowhere else. Before an object is opened, code is written over all of them
 * (hole_fill.c). It finds the scratch in BPF_REG_1, uses registers 0 to 3, and
 * goes to its end with a rule, or NATIVE_NONE, in BPF_REG_0.
 */
#ifndef NFR_HOLE_H
#define NFR_HOLE_H

#define HOLE_INSNS 1024
#define HOLE_BEGIN 0x6e667231 /* BPF_REG_0 = this */
#define HOLE_END 0x6e667232
#define HOLE_CODE_MAX (HOLE_INSNS - 3u) /* what goes around the rest is 3 */

#endif
