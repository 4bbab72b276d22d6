/* SPDX-License-Identifier: BSD-2-Clause */
/* reference_vm.h: the bytecode's meaning, in its plainest form. */
#ifndef NFR_REFERENCE_VM_H
#define NFR_REFERENCE_VM_H

#include "compiler/image.h"

/*
 * The rule that the stage's program for the key's direction and family
 * reaches; NFR_NO_RULE without a program. Aborts when the program does what
 * verify_code() promised it can not.
 */
uint32_t reference_vm_run(const struct image *, enum nfr_stage,
			  const struct nfr_key *);

#endif
