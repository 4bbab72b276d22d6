/* SPDX-License-Identifier: BSD-2-Clause */
/* matches.c: the model's verdict, within the bounds that engines have. */
#include "matches.h"

#include "compiler/lower_rules.h"
#include "compiler/model.h"
#include "runtime/packet.h"
#include "runtime/vm_run.h"

struct nfr_result matches_judge(const struct policy *p,
				const struct nfr_key *key)
{
	const struct model_context none = model_no_context();
	struct model_outcome out;
	size_t kept = 0;

	model_evaluate(p, key, &none, &out);
	for (size_t i = 0; i < out.matched.count; i++) {
		const struct policy_rule *rule =
			&p->rules[out.matched.rules[i]];

		if (!lower_is_kept(rule) || kept++ == VM_MATCHED_MAX)
			continue;
		if (rule->is_logged)
			out.result.action |= NFR_RESULT_LOGGED;
	}
	if (kept > VM_MATCHED_MAX) {
		out.result.verdict = NFR_BLOCK;
		out.result.reason = NFR_REASON_MATCHES;
		out.result.rule = NFR_NO_RULE;
	}
	return out.result;
}
