/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * hole.bpf.h: the packet in the scratch -> the rule, by code that is here.
 *
 * A call out of the datapath and its return cost more than the rules of a small
 * policy. So there is room for their code (runtime/hole.h), which is filled
 * before the verifier sees this. nfr_hole names it, nfr_config.hole what is in
 * force: where they differ, as after a reload that used these programs again,
 * it is not run. Where the room is empty, the verifier knows that, as nfr_hole
 * is frozen, and removes it.
 */
#ifndef NFR_HOLE_BPF_H
#define NFR_HOLE_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "runtime/hole.h"
#include "runtime/scratch.h"

/* 0: the hole is empty. */
const volatile __u64 nfr_hole SEC(".rodata.hole") = 0;

#define HOLE_TEXT(number) #number
#define HOLE_LINES(first, count, last)                                         \
	"r0 = " HOLE_TEXT(first) "\n"                                          \
				 ".rept " HOLE_TEXT(count) " - 2\n"            \
							   "r0 = r0\n"         \
							   ".endr\n"           \
							   "r0 = " HOLE_TEXT(  \
								   last) "\n"

/* Is what is there the code of the policy that is in force? */
NFR_INLINE int hole_is_for(const struct nfr_config *config)
{
	__u64 number = nfr_hole;

	return number && number == config->hole;
}

/* The rule, or NATIVE_NONE: other forms have it. */
NFR_INLINE __u32 hole_find(struct verdict *v)
{
	__u64 rule;

	native_ran(&v->rules);
	asm volatile("r1 = %[v]\n" HOLE_LINES(HOLE_BEGIN, HOLE_INSNS,
					      HOLE_END) "%[rule] = r0\n"
		     : [rule] "=r"(rule)
		     : [v] "r"(v)
		     : "r0", "r1", "r2", "r3", "memory");
	return (__u32)rule;
}

#endif
