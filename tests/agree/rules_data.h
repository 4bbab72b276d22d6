/* SPDX-License-Identifier: BSD-2-Clause */
/* rules_data.h: an image -> the rule of a key, by its data form. */
#ifndef NFR_RULES_DATA_H
#define NFR_RULES_DATA_H

#include "compiler/image.h"

/* No data form has all the rules of the key's entry. */
#define RULES_DATA_NONE 0xfffffffeu

/* As the datapath does it, with user space's copy of its code. */
uint32_t rules_data_find(const struct image *, const struct nfr_key *);

#endif
