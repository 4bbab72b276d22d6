/* SPDX-License-Identifier: BSD-2-Clause */
/* lower_match.h: what one rule matches -> tests. */
#ifndef NFR_LOWER_MATCH_H
#define NFR_LOWER_MATCH_H

#include "emit.h"
#include "policy.h"

/*
 * Emits tests that jump to miss when a packet of this family does not match,
 * and go on when it does. Direction and family themselves are the entry's and
 * not tested. False when nothing of this family can match; what was emitted is
 * then of no use.
 */
bool lower_match(struct emit *, const struct policy_match *, enum nfr_family,
		 struct emit_label *miss);

#endif
