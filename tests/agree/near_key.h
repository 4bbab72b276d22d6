/* SPDX-License-Identifier: BSD-2-Clause */
/* near_key.h: a policy -> keys at the corners of its rules, and next to them.
 */
#ifndef NFR_NEAR_KEY_H
#define NFR_NEAR_KEY_H

#include "compiler/policy.h"
#include "random.h"

/* Of a policy with a rule beside the default; either direction. */
struct nfr_key near_key(const struct policy *, struct random *,
			enum nfr_family);

#endif
