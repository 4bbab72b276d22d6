/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.h: what a policy means, written to be read. Every other engine is
 * compared with this one. No state: flows are the caller's.
 */
#ifndef NFR_MODEL_H
#define NFR_MODEL_H

#include "policy.h"

bool model_matches(const struct policy *, const struct policy_match *,
		   const struct nfr_key *);
/* Single criteria, for who makes packets that match. */
bool model_host_matches(const struct policy *, const struct policy_host *,
			enum addr_family, const uint32_t *words);
bool model_port_matches(const struct policy_port *, uint32_t value);
bool model_iface_matches(const struct policy_match *, uint32_t ifid);
/* The same with the criteria of the anchors around it. */
bool model_rule_matches(const struct policy *, const struct policy_rule *,
			const struct nfr_key *);
/* The rules alone: index of the rule that decides (never the guard's). */
uint32_t model_classify(const struct policy *, const struct nfr_key *);
/* The guard alone: index in the image's numbering, or NFR_NO_RULE: no
 * objection. */
uint32_t model_guard(const struct policy *, const struct nfr_key *);
/*
 * The verdict on a packet that parsed without doubt and belongs to no flow:
 * rules, then options and later fragments, then guard.
 */
struct nfr_result model_judge(const struct policy *, const struct nfr_key *);
/* The same when a flow already decided on rule; guard still looks. */
struct nfr_result model_judge_flow(const struct policy *,
				   const struct nfr_key *, uint32_t rule);

#endif
