/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * form.c: a program's rules -> which form they run in.
 *
 * Bytecode walks over half of the rules for a packet of any of them; the hash
 * costs about the same whatever their number, and what does not fit it is
 * walked over as before.
 */
#include "form.h"

bool form_wants_hash(const struct policy *policy, struct hash_fit fit)
{
	if (policy->form == POLICY_FORM_CODE || fit.inside == 0)
		return false;
	if (policy->form == POLICY_FORM_HASH)
		return true;
	return fit.inside * FORM_RULE_NS / 2 > 2 * FORM_HASH_NS;
}
