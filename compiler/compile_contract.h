/* SPDX-License-Identifier: BSD-2-Clause */
/* compile_contract.h: asks a new image what is asked when its tables change. */
#ifndef NFR_COMPILE_CONTRACT_H
#define NFR_COMPILE_CONTRACT_H

#include "compile.h"

/*
 * A promise that the image breaks goes to diag, and then there is neither image
 * nor policy. 0, or -errno when the image can not be asked.
 */
int contract_check(struct compilation *);

#endif
