/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* vm_run.h: what a run of bytecode leaves behind for its caller. */
#ifndef NFR_VM_RUN_H
#define NFR_VM_RUN_H

#include "abi.h"

#define VM_MATCHED_MAX 16u /* a power of two */
#define VM_NO_RANK 0xffffffffu
#define VM_CHANCE (1u << 31) /* a chance was drawn */

/*
 * What a run leaves behind: how it went, the match rules that applied, in
 * order, and what it needs to go on after a pause. In eBPF part of a map's
 * value.
 */
struct vm_run {
	__u32 reason; /* when no rule decided and it does not pause: why */
	__u32 paused; /* match rule that translates, or NFR_NO_RULE */
	__u32 seed;   /* of the packet's chances; 0: none drawn */
	__u32 matched_count;
	__u32 matched[VM_MATCHED_MAX];
	__u32 pc;
	__u32 candidate; /* rule + 1; 0: none */
	__u32 done;	 /* bits 1 << kind of older lines */
	__u32 rank;	 /* the candidate's */
	__u32 asked;	 /* bits 1 << enum nfr_field, and VM_CHANCE */
};

#endif
