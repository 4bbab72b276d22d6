/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * decide.h: a key -> the rule that decides on it; and what the sealed guard
 * says.
 *
 * Overview
 *   The rules are asked by whatever form they have: code in the datapath, the
 *   data form, bytecode. A match rule that translates pauses them, so that what
 *   comes after it sees what it has made of the key. The guard is asked after
 *   them, and about whatever leaves.
 *
 * The environment's calls back into this file are env_slow_run(),
 * env_slow_find() and env_slow_guard().
 */
#ifndef NFR_DECIDE_H
#define NFR_DECIDE_H

#include "classify_hash.h"
#include "scratch.h"
#include "translate.h"
#include "vm.h"

NFR_INLINE __u32 decide_entry(const struct nfr_config *config, __u32 stage,
			      __u32 dir, __u32 family)
{
	__u32 index = NFR_ENTRY(stage, dir, family);

	return index < NFR_ENTRIES ? config->entry[index] : NFR_NO_ENTRY;
}

/* The id of a device. One with the tunnel's name that is not it is "other". */
NFR_INLINE __u32 decide_ifid(struct env *env, const struct nfr_iface *iface,
			     __u32 ifindex)
{
	if (iface->flags & NFR_IFACE_TUNNEL && !env_tunnel(env, ifindex))
		return 0;
	return iface->ifid;
}

/* NFR_F_RECEIVED of a packet at the device of ifid that came in at ingress. */
NFR_INLINE __u32 decide_received(struct env *env, __u32 dir, __u32 ifid,
				 __u32 ingress)
{
	const struct nfr_iface *iface;
	__u32 received = ifid;

	if (dir == NFR_DIR_OUT) {
		if (!ingress)
			return 0;
		iface = env_iface(env, ingress);
		received = iface ? decide_ifid(env, iface, ingress) : 0;
	}
	return received ? received : NFR_RECEIVED_OTHER;
}

/* ---- programs ---------------------------------------------------------- */

/* entry of env_slow_run(): goes on where the run paused. */
#define DECIDE_RESUME 0xfffffffeu

/* A run of a program, in a subprogram of its own. */
NFR_INLINE __u32 decide_run(struct env *env, struct verdict *v, __u32 which,
			    __u32 entry)
{
	struct vm_run *run = scratch_run(v, which);

	if (entry != DECIDE_RESUME)
		vm_begin(run, entry, v->seed);
	return vm_go(env, scratch_key(v, which), run);
}

/*
 * The rules' data form for the key. The rule that decides; or NFR_NO_RULE, and
 * then env_slow_run() may DECIDE_RESUME, what was found being the candidate.
 */
NFR_INLINE __u32 decide_find(struct env *env, struct verdict *v, __u32 which,
			     __u32 entry)
{
	struct vm_run *run = scratch_run(v, which);
	const struct nfr_key *key = scratch_key(v, which);
	const struct hash_head *head =
		hash_begin(env, key->w[NFR_F_DIR], key->w[NFR_F_FAMILY]);
	__u32 rank, rule;
	int is_lost;

	vm_begin(run, entry, v->seed);
	if (!head)
		return NFR_NO_RULE; /* all of it is bytecode */
	run->pc = head->entry;
	rank = hash_find(env, key, head, &is_lost);
	if (is_lost) {
		run->pc = NFR_NO_ENTRY;
		return NFR_NO_RULE;
	}
	rule = rank == HASH_NONE ? head->otherwise : hash_rule(env, head, rank);
	if (head->is_whole) {
		run->pc = NFR_NO_ENTRY;
		return rule;
	}
	if (rank != HASH_NONE) {
		run->candidate = rule + 1;
		run->rank = rank;
	}
	return NFR_NO_RULE;
}

/* The rules by whatever form they have. */
NFR_INLINE __u32 decide_search(struct env *env, struct verdict *v, __u32 which,
			       __u32 entry)
{
	const struct nfr_config *config = env_config(env);
	__u32 number;

	if (!config || !(config->flags & NFR_CONFIG_HASH) ||
	    entry == NFR_NO_ENTRY)
		return env_slow_run(env, v, which, entry);
	number = env_slow_find(env, v, which, entry);
	if (v->rules.pc == NFR_NO_ENTRY)
		return number;
	return env_slow_run(env, v, which, DECIDE_RESUME);
}

/* ---- the sealed guard -------------------------------------------------- */

#define DECIDE_ARP 0x0806
#define DECIDE_SOLICITATION 135	 /* RFC 4861 4.3 */
#define DECIDE_ADVERTISEMENT 136 /* 4.4 */

/* ARP (in the key of a link's frame), or neighbour discovery of the type? */
NFR_INLINE int decide_is_neighbour(const struct nfr_key *key, __u32 type)
{
	const __u32 *w = key->w;

	if (w[NFR_F_FAMILY] == NFR_FAMILY_LINK)
		return w[NFR_F_ETHERTYPE] == DECIDE_ARP;
	return w[NFR_F_PROTO] == PACKET_ICMP6 && w[NFR_F_ICMP] >> 8 == type;
}

NFR_INLINE int decide_gives(const struct nfr_key *key)
{
	return decide_is_neighbour(key, DECIDE_ADVERTISEMENT);
}

NFR_INLINE int decide_asks(const struct nfr_key *key)
{
	return decide_is_neighbour(key, DECIDE_SOLICITATION);
}

/* Why the guard has stopped it; who made it is asked only where a guard asks.
 */
NFR_INLINE enum nfr_reason decide_guard_reason(const struct nfr_config *config,
					       const struct nfr_key *key)
{
	__u32 origin = key->w[NFR_F_ORIGIN];

	if (!(config->flags & NFR_CONFIG_ORIGIN) ||
	    key->w[NFR_F_DIR] != NFR_DIR_OUT)
		return NFR_REASON_GUARD;
	if (!(origin & NFR_ORIGIN_OWN) && decide_gives(key))
		return NFR_REASON_PROXY;
	if (!(origin & NFR_ORIGIN_NEEDED) && decide_asks(key))
		return NFR_REASON_NEIGHBOUR;
	return NFR_REASON_GUARD;
}

/* Nonzero when the guard, or a doubt about it, forbids the key; why is set. */
NFR_INLINE int decide_guard(struct env *env, struct verdict *v, __u32 which)
{
	const struct nfr_config *config = env_config(env);
	const struct nfr_key *key = scratch_key(v, which);
	const struct nfr_rule *rule;
	__u32 entry, number;

	if (!config)
		return 1;
	entry = decide_entry(config, NFR_STAGE_GUARD, key->w[NFR_F_DIR],
			     key->w[NFR_F_FAMILY]);
	if (entry == NFR_NO_ENTRY)
		return 0;
	number = env_slow_run(env, v, which | SCRATCH_GUARD, entry);
	rule = env_rule(env, number);
	if (rule && rule->verdict == NFR_PASS)
		return 0;
	if (rule)
		verdict_set(v, decide_guard_reason(config, key), number);
	else
		verdict_set(v, NFR_REASON_VM, NFR_NO_RULE);
	return 1;
}

/* 127/8 and ::1 live inside of a host (RFC 1122 3.2.1.3, RFC 4291 2.5.3). */
NFR_INLINE int decide_is_local(const struct nfr_key *key)
{
	const __u32 *src = &key->w[NFR_F_SRC0], *dst = &key->w[NFR_F_DST0];

	if (key->w[NFR_F_FAMILY] == NFR_FAMILY_IPV4)
		return src[0] >> 24 == 127 || dst[0] >> 24 == 127;
	if (key->w[NFR_F_FAMILY] == NFR_FAMILY_IPV6)
		return (src[3] == 1 && !(src[0] | src[1] | src[2])) ||
		       (dst[3] == 1 && !(dst[0] | dst[1] | dst[2]));
	return 0;
}

/* Nonzero when such addresses must not be on the wire; why is set. */
NFR_INLINE int decide_stays(struct verdict *v, __u32 which)
{
	if (v->is_loopback || !decide_is_local(scratch_key(v, which)))
		return 0;
	verdict_set(v, NFR_REASON_ADDRESS, NFR_NO_RULE);
	return 1;
}

/* What leaves or came as this key: nonzero when it must not; why is set. */
NFR_INLINE int decide_wire(struct env *env, const struct nfr_config *config,
			   struct verdict *v, __u32 which)
{
	return decide_stays(v, which) ||
	       (config->has_guard && env_slow_guard(env, v, which));
}

/* ---- the rules --------------------------------------------------------- */

#define DECIDE_PAUSES 4

/* The rule's action, or NULL; one that is missing but named sets *is_lost. */
NFR_INLINE const struct nfr_action *
decide_action(struct env *env, const struct nfr_rule *rule, int *is_lost)
{
	const struct nfr_action *action = 0;

	if (rule->action != NFR_NO_ACTION)
		action = env_action(env, rule->action);
	*is_lost = rule->action != NFR_NO_ACTION && !action;
	return action;
}

/* Why rules run; a constant. */
enum decide_mode {
	DECIDE_NEW,   /* a new flow: pools are asked */
	DECIDE_AGAIN, /* a state is judged again: see translate_again() */
	DECIDE_PLAIN  /* there is no state that could be translated */
};

/*
 * A match rule translates: its pools change v->other. Nonzero when that failed.
 */
NFR_INLINE int decide_match(struct env *env, struct verdict *v, __u32 number,
			    enum decide_mode mode)
{
	const struct nfr_rule *rule = env_rule(env, number);
	const struct nfr_action *action;
	int is_lost;

	if (!rule || mode == DECIDE_PLAIN)
		return 1;
	action = decide_action(env, rule, &is_lost);
	if (v->other.w[NFR_F_DIR] == NFR_DIR_IN) {
		v->other.w[NFR_F_UID] = NFR_NO_ID; /* of who got it before */
		v->other.w[NFR_F_GID] = NFR_NO_ID;
		v->other.w[NFR_F_CGROUP] = 0;
	}
	return is_lost || translate_rule(env, v, action, mode == DECIDE_AGAIN);
}

/* The rule that decides on the key, or NFR_NO_RULE; then the reason is set. */
NFR_INLINE __u32 decide_rules(struct env *env, struct verdict *v, __u32 which,
			      __u32 entry, __u32 seed, enum decide_mode mode)
{
	__u32 number;

	v->seed = seed;
	if (mode == DECIDE_NEW && v->native != NATIVE_NONE)
		return v->native; /* and v->rules is its run, which is over */
	number = decide_search(env, v, which, entry);
#pragma GCC unroll 4
	for (int i = 0; i < DECIDE_PAUSES; i++) {
		if (v->rules.paused == NFR_NO_RULE)
			break;
		if (decide_match(env, v, v->rules.paused, mode)) {
			v->result.reason = NFR_REASON_TRANSLATE;
			return NFR_NO_RULE;
		}
		number = env_slow_run(env, v, which, DECIDE_RESUME);
	}
	if (number == NFR_NO_RULE)
		v->result.reason = v->rules.paused == NFR_NO_RULE
					   ? (__u8)v->rules.reason
					   : NFR_REASON_TRANSLATE;
	return number;
}

/* Counts the match rules that applied to the packet, and says if one logs. */
NFR_INLINE void decide_matched(struct env *env, struct verdict *v)
{
#pragma GCC unroll 16
	for (__u32 i = 0; i < VM_MATCHED_MAX; i++) {
		const struct nfr_rule *rule;

		if (i >= v->rules.matched_count)
			break;
		env_count_rule(env, v->rules.matched[i], v->len);
		rule = env_rule(env, v->rules.matched[i]);
		if (rule && rule->flags & NFR_RULE_LOG)
			v->result.action |= NFR_RESULT_LOGGED;
	}
}

#endif
