/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * fragment.h: fragments -> the datagram they belong to: what its first
 * fragment was, and whether a later one may follow it.
 *
 * Overview
 *   Nothing is put together. A first fragment has the transport header, and
 *   the parser sees to it that it has all of it; it is judged as any packet.
 *   What passed is remembered by its identification, and the later fragments
 *   are judged like it: by the same rule or flow, with its ports, and with
 *   addresses and options of their own.
 *
 * Invariants
 *   - A later fragment passes only behind its first. One that comes before it
 *     blocks, as does one whose first was blocked or has been forgotten.
 *   - It never carries a byte that the first carried: whoever puts the datagram
 *     together reads the header that was judged (RFC 1858, 3128, 5722).
 *   - Another first fragment of the same identification is judged by itself.
 *     If it passes, later ones follow it, but stay behind the longer of both;
 *     identifications of IPv4 are used again soon (RFC 6864), so it is no
 *     reason to block. If it is blocked, the datagram is over.
 *   - A datagram in one piece with a fragment header (RFC 6946) is a packet.
 *
 * Sources: RFC 791, 1858, 3128, 5722, 6864, 6946, 8200 4.5.
 */
#ifndef NFR_FRAGMENT_H
#define NFR_FRAGMENT_H

#include "again.h"

/* One of several pieces of a datagram? */
NFR_INLINE int fragment_is_piece(const struct packet *packet)
{
	return packet->key.w[NFR_F_BITS] & NFR_BIT_FRAGMENT &&
	       (packet->part_at || packet->part_more);
}

/* Of a piece that comes to the hook, or that an error quotes. */
NFR_INLINE void fragment_key(const struct packet *packet, __u32 ifindex,
			     struct nfr_fragment_key *out)
{
	const __u32 *w = packet->key.w;

	out->ifindex = ifindex;
	out->id = packet->datagram;
	for (int i = 0; i < 4; i++) {
		out->src[i] = w[NFR_F_SRC0 + i];
		out->dst[i] = w[NFR_F_DST0 + i];
	}
	out->dir = (__u8)w[NFR_F_DIR];
	out->family = (__u8)w[NFR_F_FAMILY];
	out->proto =
		w[NFR_F_FAMILY] == NFR_FAMILY_IPV4 ? (__u8)w[NFR_F_PROTO] : 0;
	out->reserved = 0;
}

/* Is a piece wrong whatever the others are? */
NFR_INLINE __u8 fragment_doubt(const struct packet *packet)
{
	__u32 len = packet->end - packet->part;
	__u32 headers = packet->part - packet->network;

	/* What IPv6 counts: not its own header, nor that of the fragment. */
	if (packet->key.w[NFR_F_FAMILY] == NFR_FAMILY_IPV6)
		headers -= 40 + 8;
	if (headers + packet->part_at + len > 65535)
		return NFR_REASON_IP_LENGTH;
	if (len == 0 || (packet->part_more && len % 8 != 0))
		return NFR_REASON_FRAGMENT;
	return NFR_REASON_NONE;
}

/* ticks: how long a first fragment is remembered. */
NFR_INLINE int fragment_is_alive(const struct nfr_fragment *first, __u64 now,
				 __u64 ticks)
{
	return (__s64)(now - first->seen) <= (__s64)ticks;
}

/* May a later fragment follow this first one? */
NFR_INLINE __u8 fragment_follows(const struct packet *packet,
				 const struct nfr_fragment *first, __u64 now,
				 __u64 ticks)
{
	if (!fragment_is_alive(first, now, ticks))
		return NFR_REASON_FRAGMENT;
	return packet->part_at < first->end ? NFR_REASON_OVERLAP
					    : NFR_REASON_NONE;
}

/* The key that guard and events see: ports are the first fragment's. */
NFR_INLINE void fragment_complete(struct nfr_key *key,
				  const struct nfr_key *first)
{
	key->w[NFR_F_PROTO] = first->w[NFR_F_PROTO];
	key->w[NFR_F_SPORT] = first->w[NFR_F_SPORT];
	key->w[NFR_F_DPORT] = first->w[NFR_F_DPORT];
	key->w[NFR_F_TCPFLAGS] = first->w[NFR_F_TCPFLAGS];
	key->w[NFR_F_ICMP] = first->w[NFR_F_ICMP];
}

/*
 * What is known of a first fragment before it is judged. older: the one with
 * this identification that is still remembered, or NULL.
 */
NFR_INLINE void fragment_begin(struct nfr_fragment *first,
			       const struct packet *packet, __u32 ingress,
			       __u64 now, const struct nfr_fragment *older)
{
	__u32 end = packet->end - packet->part;

	if (older && older->end > end)
		end = older->end;
	__builtin_memset(first, 0, sizeof(*first));
	first->seen = now;
	first->ingress = ingress;
	first->end = end;
	first->key = packet->key;
}

NFR_INLINE __u64 fragment_ticks(const struct nfr_config *config)
{
	__u32 seconds = config->timeouts[NFR_TIMEOUT_FRAG];

	return (__u64)(seconds ? seconds : 60) * config->hz;
}

/* ---- in the subprogram of the slow path -------------------------------- */

/*
 * The rule that passed the first without a state, or under a newer policy or
 * newer tables the one that would; NULL when none does, or it would translate,
 * which needs a state, or rules ask for its owner or tag.
 */
NFR_INLINE const struct nfr_rule *fragment_rule(struct env *env,
						const struct nfr_config *config,
						struct verdict *v)
{
	struct nfr_fragment *first = &v->first;
	__u32 ifid = v->packet.key.w[NFR_F_IFID], dir = first->key.w[NFR_F_DIR];
	const struct nfr_rule *rule;

	if (first->generation == config->generation &&
	    first->key.w[NFR_F_IFID] == ifid &&
	    (!(config->flags & NFR_CONFIG_OVERLOADS) ||
	     first->epoch == env_epoch(env)))
		return env_rule(env, first->rule);
	/* Whose it was, and its tag, are not known. */
	if (config->flags & (NFR_CONFIG_OWNERS | NFR_CONFIG_TAGS)) {
		env_fragment_delete(env, &v->datagram);
		return 0;
	}
	first->epoch = env_epoch(env);
	first->key.w[NFR_F_IFID] = ifid;
	first->key.w[NFR_F_RECEIVED] =
		decide_received(env, dir, ifid, first->ingress);
	v->other = first->key;
	first->rule = decide_rules(env, v, SCRATCH_OTHER,
				   decide_entry(config, NFR_STAGE_RULES, dir,
						first->key.w[NFR_F_FAMILY]),
				   first->seed, DECIDE_PLAIN);
	first->generation = config->generation;
	rule = env_rule(env, first->rule);
	if (!rule || rule->verdict != NFR_PASS ||
	    rule->action != NFR_NO_ACTION ||
	    (first->key.w[NFR_F_BITS] & NFR_BIT_OPTIONS &&
	     !(rule->flags & NFR_RULE_ALLOW_OPTS))) {
		env_fragment_delete(env, &v->datagram);
		return 0;
	}
	env_fragment_put(env, &v->datagram, first);
	return rule;
}

/* A later piece of a datagram that no state stands behind: nonzero passes. */
NFR_INLINE int fragment_by_rule(struct env *env,
				const struct nfr_config *config,
				struct verdict *v)
{
	const struct nfr_rule *rule = fragment_rule(env, config, v);

	if (!rule) {
		v->result.reason = NFR_REASON_FRAGMENT;
		return 0;
	}
	if (!slow_rule(v, rule, v->first.rule, 0))
		return 0;
	return !config->has_guard || !env_slow_guard(env, v, SCRATCH_PACKET);
}

/*
 * Does the state, whose name is v->name, stand under the policy in force and
 * for the device as it is? Then v->result.rule stands behind it.
 */
NFR_INLINE int fragment_is_current(struct env *env,
				   const struct nfr_config *config,
				   struct verdict *v,
				   const struct nfr_state *state)
{
	struct state_judgement judgement = state_judgement(state);

	v->result.rule = judgement.rule;
	return slow_is_current(env, config, v, state, judgement) ||
	       env_slow_again(env, v);
}

/* Is there still the state that the first made or belonged to? As above. */
NFR_INLINE int fragment_has_state(struct env *env,
				  const struct nfr_config *config,
				  struct verdict *v)
{
	struct nfr_state *state;

	v->name = v->first.name;
	state = env_state_find(env, &v->name);
	return state && state_is_alive(state, env_now(env)) &&
	       fragment_is_current(env, config, v, state);
}

NFR_INLINE enum fragment_way fragment_later(struct env *env,
					    const struct nfr_config *config,
					    struct verdict *v)
{
	const struct nfr_fragment *first = env_fragment_find(env, &v->datagram);

	if (!first) {
		v->result.reason = NFR_REASON_FRAGMENT;
		return FRAGMENT_BLOCKS;
	}
	v->first = *first;
	v->result.reason = fragment_follows(&v->packet, &v->first, env_now(env),
					    fragment_ticks(config));
	if (v->result.reason != NFR_REASON_NONE)
		return FRAGMENT_BLOCKS;
	fragment_complete(&v->packet.key, &v->first.key);
	if (!(v->first.flags & NFR_FRAGMENT_HAS_STATE))
		return fragment_by_rule(env, config, v) ? FRAGMENT_PASSES
							: FRAGMENT_BLOCKS;
	if (fragment_has_state(env, config, v))
		return FRAGMENT_OF_STATE;
	verdict_set(v, NFR_REASON_FRAGMENT, NFR_NO_RULE);
	return FRAGMENT_BLOCKS;
}

/* A piece: which way it goes. */
NFR_INLINE enum fragment_way fragment_judge(struct env *env, struct verdict *v)
{
	const struct nfr_config *config = env_config(env);
	const struct nfr_fragment *older;
	__u64 now = env_now(env);

	v->result.reason = fragment_doubt(&v->packet);
	if (!config || v->result.reason != NFR_REASON_NONE)
		return FRAGMENT_BLOCKS;
	fragment_key(&v->packet, v->ifindex, &v->datagram);
	if (v->packet.part_at)
		return fragment_later(env, config, v);
	older = env_fragment_find(env, &v->datagram);
	if (older && !fragment_is_alive(older, now, fragment_ticks(config)))
		older = 0;
	fragment_begin(&v->first, &v->packet, v->ingress, now, older);
	return FRAGMENT_FIRST;
}

/* A first piece was judged: those behind it shall know. */
NFR_INLINE void fragment_note(struct env *env, struct verdict *v)
{
	const struct nfr_config *config = env_config(env);
	struct nfr_fragment *first = &v->first;

	if (!config || v->result.verdict != NFR_PASS) {
		env_fragment_delete(env, &v->datagram);
		return;
	}
	first->rule = v->result.rule;
	first->generation = config->generation;
	first->epoch = v->epoch;
	first->seed = v->rules.seed;
	if (v->result.from_state || v->is_new) {
		first->flags = NFR_FRAGMENT_HAS_STATE;
		first->name = v->name;
	}
	/* If it is not kept, those behind it block. */
	if (env_fragment_put(env, &v->datagram, first))
		env_fragment_delete(env, &v->datagram);
}

#endif
