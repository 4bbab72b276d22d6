/* SPDX-License-Identifier: BSD-2-Clause */
/* reference_vm.h: the bytecode's meaning, in its plainest form. */
#ifndef NFR_REFERENCE_VM_H
#define NFR_REFERENCE_VM_H

#include "compiler/image.h"

#define REFERENCE_TRACE_MAX 64

/* What a program asks for, and the match rules that applied. */
struct reference_trace {
	uint32_t rules[REFERENCE_TRACE_MAX];
	size_t count; /* of all */
	/* The packet's chance of this number; NULL: 0. */
	uint32_t (*chance)(void *arg, uint32_t number);
	/* Changes the key as the rule's pools do; NULL: not at all. */
	void (*translate)(void *arg, uint32_t rule, struct nfr_key *);
	void *arg;
};

/*
 * The rule that the stage's program for the key's direction and family
 * reaches; NFR_NO_RULE without a program. Aborts when the program does what
 * verify_code() promised it can not.
 */
uint32_t reference_vm_run(const struct image *, enum nfr_stage,
			  const struct nfr_key *);
/* The same; the key gets tags and translations. */
uint32_t reference_vm_trace(const struct image *, enum nfr_stage,
			    struct nfr_key *, struct reference_trace *);

#endif
