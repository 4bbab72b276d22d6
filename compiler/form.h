/* SPDX-License-Identifier: BSD-2-Clause */
/* form.h: a program's rules -> which form they run in. */
#ifndef NFR_FORM_H
#define NFR_FORM_H

#include "hash.h"
#include "policy.h"

/* What a look at the hash costs, and a rule that is not matched, in ns. */
#define FORM_HASH_NS 45u
#define FORM_RULE_NS 5u

/* Is it worth a data form? */
bool form_wants_hash(const struct policy *, struct hash_fit);

#endif
