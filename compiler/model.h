/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.h: what a policy means, written to be read. Every other engine is
 * compared with this one. No state: flows are the caller's.
 */
#ifndef NFR_MODEL_H
#define NFR_MODEL_H

#include "policy.h"

/* ---- headers alone ---------------------------------------------------------
 */

/*
 * Does the packet fulfil what is asked of its headers? What policy_meta and
 * the routing table are asked for is not looked at.
 */
bool model_matches(const struct policy *, const struct policy_match *,
		   const struct nfr_key *);
/* Single criteria, for who makes packets that match. */
bool model_host_matches(const struct policy *, const struct policy_host *,
			enum addr_family, const uint32_t *words);
bool model_port_matches(const struct policy_port *, uint32_t value);
bool model_iface_matches(const struct policy_match *, uint32_t ifid);
/* Does the longest prefix that covers the address say that it is in? */
bool model_table_has(const struct policy_table *, enum addr_family,
		     const struct addr *);

/* ---- packets with what is known beside their headers -----------------------
 */

/* What the routing table says of one end. */
struct model_route {
	bool is_missing;
	const char *label; /* or NULL */
};

/*
 * All zero: of no socket here, in no cgroup, with no mark, both ends
 * with a route; every chance comes true, and no rate is exceeded. Strings
 * are the caller's.
 */
struct model_context {
	bool has_socket;
	uint32_t uid, gid;  /* of the socket */
	const char *cgroup; /* path below the mount, without "/" at an end; or
			       NULL */
	uint32_t mark;
	uint8_t prio;
	uint16_t rdomain;
	uint32_t tag;		     /* number (tag.h), or TAG_NONE */
	struct model_route route[2]; /* to the source, to the destination */
	bool is_urpf_failed;
	/*
	 * By policy_meta.draw, policy.draw_count of them; NULL: all 0. A
	 * chance comes true below its probability; a rate is exceeded when not
	 * 0.
	 */
	const uint32_t *draws;
	uint64_t pick; /* chooses from pools; equal ones choose the same */
	/* "once" rules that matched, by rule; marked here. NULL: none. */
	bool *is_spent;
};

struct model_context model_no_context(void);

#define MODEL_TRACE_MAX 64

/* Rules in the order in which they matched; only the first ones are kept. */
struct model_trace {
	uint32_t rules[MODEL_TRACE_MAX];
	size_t count; /* of all */
};

/* What a block sends back. */
enum model_answer {
	MODEL_ANSWER_NONE,
	MODEL_ANSWER_RST,
	MODEL_ANSWER_ICMP,
	MODEL_ANSWER_ICMP6,
};

/*
 * key is the packet as it leaves the filter, also of another family. nat and
 * rdr, when not NULL, are the last pools that the new source and destination
 * were chosen from: another implementation may choose another member, see
 * model_pool_has().
 */
struct model_outcome {
	struct nfr_result result;
	uint32_t decider; /* of the rules, whatever the guard says */
	struct nfr_key key;
	struct nfr_key seen; /* as the last rule left it, blocked or not; and
				its tag */
	const struct policy_pool *nat, *rdr;
	uint32_t nat_rule, rdr_rule; /* that the pools are of; NFR_NO_RULE */
	enum addr_family af_to;	     /* FAMILY_ANY: none */
	/* Of the deciding rule; NULL when not, or when the packet is blocked.
	 */
	const struct policy_pool *route_to, *reply_to, *dup_to;
	const struct policy_effects *divert;
	bool keeps_state;
	const struct policy_state *state; /* options; NULL: none */
	/* Gathered, the last one said counts. */
	uint32_t tag; /* number (tag.h), or TAG_NONE */
	int rtable;   /* -1: none */
	struct ast_scrub scrub;
	struct ast_changes changes;
	unsigned log; /* enum ast_log, ored */
	enum model_answer answer;
	uint8_t answer_code, answer_ttl;
	struct model_trace matched; /* "match" rules */
	struct model_trace logged;  /* rules that log the packet */
};

/*
 * The verdict on a packet that parsed without doubt and belongs to no flow:
 * rules, then options and later fragments, then guard. The context's is_spent
 * is written.
 */
void model_evaluate(const struct policy *, const struct nfr_key *,
		    const struct model_context *, struct model_outcome *);
/* The guard alone, as model_guard(). */
uint32_t model_guard_meets(const struct policy *, const struct nfr_key *,
			   const struct model_context *);
/* Does the rule match the packet as it is, anchors around it included? */
bool model_rule_matches(const struct policy *, const struct policy_rule *,
			const struct nfr_key *, const struct model_context *);
/* Beside the headers alone, as in policy_meta and of the routing table. */
bool model_context_meets(const struct policy_match *,
			 const struct model_context *);
/* The same of one match alone. */
bool model_meets(const struct policy *, const struct policy_match *,
		 const struct nfr_key *, const struct model_context *);

/* ---- model_translate.c ----------------------------------------------------
 */

/*
 * May address be what pool makes of from, the address that it replaces, in a
 * packet of family?
 */
bool model_pool_has(const struct policy *, const struct policy_pool *,
		    enum addr_family, const struct addr *from,
		    const struct addr *address);
/* One of these, chosen by pick; false when there is none. */
bool model_pool_choose(const struct policy *, const struct policy_pool *,
		       enum addr_family, const struct addr *from, uint64_t pick,
		       struct addr *out);
/*
 * Translates key as effects say. False when a pool has no address: pf drops
 * the packet then.
 */
bool model_translate(const struct policy *, const struct policy_effects *,
		     uint64_t pick, struct nfr_key *key);
bool model_translate_family(const struct policy *,
			    const struct policy_effects *, uint64_t pick,
			    struct nfr_key *key);

/* ---- the same with no context ----------------------------------------------
 */

/* The rules alone: index of the rule that decides (never the guard's). */
uint32_t model_classify(const struct policy *, const struct nfr_key *);
/* The guard alone: index in the image's numbering, or NFR_NO_RULE: no
 * objection. */
uint32_t model_guard(const struct policy *, const struct nfr_key *);
struct nfr_result model_judge(const struct policy *, const struct nfr_key *);
/* The same when a flow already decided on rule; guard still looks. */
struct nfr_result model_judge_flow(const struct policy *,
				   const struct nfr_key *, uint32_t rule);

#endif
