/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * flows.bpf.h: a flow's name -> where its state lies; the map of states.
 *
 * Overview
 *   Looking into a hash map of the kernel takes four calls, and by that a third
 *   of an established packet's time. This one is an array, which a program
 *   reads without a call. A flow has two buckets of NFR_WAYS places: its home,
 *   and another one when home has more flows. Its tag, from the same hash, says
 *   where to compare names. Of the ways of its home one is its first choice,
 *   and flows_near() looks only there: in a table that is not crowded nearly
 *   all flows are found by it. The hash has a random seed, so that nobody
 *   outside can choose names that meet.
 *
 * Invariants
 *   - Names are compared whole. Two flows whose tag would be the same in a
 *     bucket are one too many: there is no room for the second.
 *   - A place belongs to who turned its tag from 0 to odd, then, filled, to
 * all: even. Who turns that into 0 has ended the flow: one of those who try.
 *   - A name is never twice in the map: who inserts looks at all places of the
 *     name after he took one, and gives it back when there is another, even one
 *     that is being filled. Of two who do so at once none may stay; the flow's
 *     next packet tries again.
 *   - What is found may be deleted, and its place be another's, while it is
 *     looked at, as in a map of the kernel that has its entries made before.
 * Who ends a flow says which (flows_who): its tag and when it began.
 *   - When no place of a name is free, or there are NFR_STATES_MAX flows, there
 *     is no room.
 */
#ifndef NFR_FLOWS_BPF_H
#define NFR_FLOWS_BPF_H

#include "kmod-linux/env.bpf.h"
#include "runtime/state.h"

#define FLOWS_NOWHERE 0xffffffffu
#define FLOWS_FILLING 1u /* bit of a tag */
#define FLOWS_USED 2u	 /* of every tag, as 0 is nobody's */
#define FLOWS_CROWDED 2	 /* flows in a bucket: from here the other is asked */

struct flows_hash {
	__u32 tag; /* even, and not 0 */
	__u32 way; /* the first choice */
	__u32 home;
};

NFR_INLINE __u64 flows_pair(__u32 a, __u32 b, __u32 seed, __u32 seed_too)
{
	return (__u64)(a + seed) * (b + seed_too);
}

/* nfr_control.seed, written here by the loader: to be read without a look-up.
 */
const volatile __u32 flows_seed[5] SEC(".rodata.seed") = {0};

/*
 * Sums of products with secret offsets (NH, RFC 4418 5.2), then one step that
 * brings each bit to the upper ones.
 */
NFR_INLINE __u64 flows_sum(const struct nfr_state_key *name)
{
	const __u32 *near = name->near_addr, *far = name->far_addr;
	const volatile __u32 *seed = flows_seed;
	__u32 kind = (__u32)name->family << 8 | name->proto;
	__u32 ports = (__u32)name->near_port << 16 | name->far_port;
	__u64 sum = flows_pair(near[0], far[0], seed[0], seed[1]) +
		    flows_pair(name->ifindex, ports, seed[2], seed[3]) +
		    kind * 0x9e3779b97f4a7c15ull;

	if (name->family == NFR_FAMILY_IPV6)
		sum += flows_pair(near[1], far[1], seed[4], ~seed[0]) +
		       flows_pair(near[2], far[2], ~seed[1], ~seed[2]) +
		       flows_pair(near[3], far[3], ~seed[3], ~seed[4]);
	sum ^= sum >> 32;
	return sum * 0xff51afd7ed558ccdull;
}

NFR_INLINE struct flows_hash flows_hash(const struct nfr_state_key *name)
{
	__u64 sum = flows_sum(name);

	return (struct flows_hash){
		.tag = ((__u32)sum | FLOWS_USED) & ~FLOWS_FILLING,
		.way = (__u32)sum >> 29,
		.home = (__u32)((sum >> 32) * NFR_BUCKETS >> 32),
	};
}

/* Never 0. */
NFR_INLINE __u32 flows_hash_of(const struct nfr_state_key *name)
{
	return flows_hash(name).tag;
}

/* The other bucket: never the same. */
NFR_INLINE __u32 flows_other(const struct flows_hash *hash)
{
	__u32 other = hash->home + 1 +
		      (__u32)((__u64)hash->tag * (NFR_BUCKETS - 1) >> 32);

	return other < NFR_BUCKETS ? other : other - NFR_BUCKETS;
}

NFR_INLINE struct nfr_bucket *flows_bucket(__u32 index)
{
	return bpf_map_lookup_elem(&nfr_states, &index);
}

/* Where the name's state is, if it is at its first choice; or NULL. */
NFR_INLINE struct nfr_state *flows_near(const struct nfr_state_key *name,
					__u32 *tag)
{
	struct flows_hash hash = flows_hash(name);
	struct nfr_bucket *bucket = flows_bucket(hash.home);
	struct nfr_flow *flow;

	*tag = hash.tag;
	if (!bucket)
		return 0;
	PACKET_OPAQUE(bucket);
	if (bucket->tag[hash.way] != hash.tag)
		return 0;
	flow = &bucket->flow[hash.way];
	return state_same_key(&flow->name, name) ? &flow->state : 0;
}

#ifndef NFR_FLOOR /* which only looks */

/* The way of the bucket that has the tag, or NFR_WAYS. */
NFR_INLINE __u32 flows_way(const struct nfr_bucket *bucket, __u32 tag)
{
#pragma GCC unroll 8
	for (__u32 i = 0; i < NFR_WAYS; i++)
		if (*(const volatile __u32 *)&bucket->tag[i] == tag)
			return i;
	return NFR_WAYS;
}

/*
 * Its place, or FLOWS_NOWHERE. A subprogram: the verifier looks at it once. It
 * stands at the end of the longest chains of calls, so its stack is short.
 */
__attribute__((noinline)) __u32 flows_find(const struct nfr_state_key *name)
{
	const struct nfr_bucket *bucket;
	struct flows_hash hash;
	__u32 index, way;

	if (!name)
		return FLOWS_NOWHERE;
	hash = flows_hash(name);
	index = hash.home;
	bucket = bpf_map_lookup_elem(&nfr_states, &index);
	if (!bucket)
		return FLOWS_NOWHERE;
	way = flows_way(bucket, hash.tag);
	if (way == NFR_WAYS && *(const volatile __u32 *)&bucket->spilled) {
		hash.home = index;
		index = flows_other(&hash);
		bucket = bpf_map_lookup_elem(&nfr_states, &index);
		if (!bucket)
			return FLOWS_NOWHERE;
		way = flows_way(bucket, hash.tag);
	}
	PACKET_OPAQUE(way);
	if (way >= NFR_WAYS || !state_same_key(&bucket->flow[way].name, name))
		return FLOWS_NOWHERE;
	return index * NFR_WAYS + way;
}

/* A flow that lives at this place, or NULL. */
NFR_INLINE struct nfr_flow *flows_flow(__u32 place)
{
	struct nfr_bucket *bucket = flows_bucket(place / NFR_WAYS);
	__u32 way = place % NFR_WAYS;

	if (!bucket)
		return 0;
	PACKET_OPAQUE(bucket);
	if (!bucket->tag[way] || bucket->tag[way] & FLOWS_FILLING)
		return 0;
	return &bucket->flow[way];
}

NFR_INLINE struct nfr_state *flows_state(__u32 place)
{
	struct nfr_bucket *bucket = flows_bucket(place / NFR_WAYS);

	if (!bucket)
		return 0;
	PACKET_OPAQUE(bucket);
	return &bucket->flow[place % NFR_WAYS].state;
}

NFR_INLINE void flows_spill(__u32 home, __u32 by)
{
	struct nfr_bucket *bucket = flows_bucket(home);

	if (bucket)
		__sync_fetch_and_add(&bucket->spilled, by);
}

/* Which flow lives at the place. */
NFR_INLINE struct flows_who flows_who(__u32 place)
{
	struct nfr_bucket *bucket = flows_bucket(place / NFR_WAYS);
	__u32 way = place % NFR_WAYS, tag;
	struct flows_who who = {0};

	if (!bucket)
		return who;
	PACKET_OPAQUE(bucket);
	tag = *(const volatile __u32 *)&bucket->tag[way];
	if (!tag || tag & FLOWS_FILLING)
		return who;
	who.tag = tag;
	who.created = *(const volatile __u64 *)&bucket->flow[way].state.created;
	return who;
}

/*
 * 0 when it was there, and nobody else ended it. The place may have got another
 * flow since the caller looked at this one: that is not ended.
 */
NFR_INLINE int flows_delete(__u32 place, const struct flows_who *who)
{
	__u32 way = place % NFR_WAYS, home;
	struct nfr_bucket *bucket = flows_bucket(place / NFR_WAYS);

	if (!bucket)
		return 1;
	PACKET_OPAQUE(bucket);
	home = bucket->flow[way].home;
	if (!who->tag ||
	    *(const volatile __u64 *)&bucket->flow[way].state.created !=
		    who->created ||
	    __sync_val_compare_and_swap(&bucket->tag[way], who->tag, 0) !=
		    who->tag)
		return 1;
	if (home != place / NFR_WAYS)
		flows_spill(home, -1);
	return 0;
}

/* The same, of the flow that has the name. */
NFR_INLINE int flows_delete_name(const struct nfr_state_key *name)
{
	__u32 place = flows_find(name);
	struct flows_who who = flows_who(place);
	struct nfr_flow *flow = flows_flow(place);

	if (!flow || !state_same_key(&flow->name, name))
		return 1;
	return flows_delete(place, &who);
}

/* ---- a new one ----------------------------------------------------------- */

NFR_INLINE __u32 flows_count(const struct nfr_bucket *bucket)
{
	__u32 count = 0;

#pragma GCC unroll 8
	for (__u32 i = 0; i < NFR_WAYS; i++)
		count += (bucket->tag[i] & FLOWS_USED) / FLOWS_USED;
	return count;
}

/* Takes a free place of the bucket, the way first if it is. Or NFR_WAYS. */
NFR_INLINE __u32 flows_claim(struct nfr_bucket *bucket, __u32 tag, __u32 way)
{
	__u32 filling = tag | FLOWS_FILLING;

#pragma GCC unroll 8
	for (__u32 i = 0; i < NFR_WAYS; i++, way++) {
		way %= NFR_WAYS;
		if (!bucket->tag[way] &&
		    !__sync_val_compare_and_swap(&bucket->tag[way], 0, filling))
			return way;
	}
	return NFR_WAYS;
}

/* Has a place of the bucket, but for this one, the tag, or will have? */
NFR_INLINE int flows_meets(const struct nfr_bucket *bucket, __u32 tag,
			   __u32 but)
{
#pragma GCC unroll 8
	for (__u32 i = 0; i < NFR_WAYS; i++) {
		__u32 there = *(const volatile __u32 *)&bucket->tag[i];

		if (i != but &&
		    (there | FLOWS_FILLING) == (tag | FLOWS_FILLING))
			return 1;
	}
	return 0;
}

NFR_INLINE void flows_fill(struct nfr_flow *flow, __u32 home,
			   const struct nfr_state_key *name,
			   const struct nfr_state *state)
{
	flow->name = *name;
	flow->home = home;
	flow->state = *state;
}

/*
 * The bucket for a new flow. Who goes to the other one says so at home first:
 * see flows_is_twice().
 */
NFR_INLINE struct nfr_bucket *flows_choose(struct nfr_bucket *home,
					   const struct flows_hash *hash)
{
	__u32 count = flows_count(home);
	struct nfr_bucket *other;

	if (count <= FLOWS_CROWDED)
		return home;
	other = flows_bucket(flows_other(hash));
	if (!other || flows_count(other) >= count)
		return home;
	__sync_fetch_and_add(&home->spilled, 1);
	return other;
}

/*
 * Does the name of the place that was taken meet another one? The other bucket
 * is a page that no cache has, so it is looked into only where home has flows
 * that are elsewhere. Who takes a place there said so before that, and then
 * looks here: of two who do so at once one sees the other.
 */
NFR_INLINE int flows_is_twice(const struct nfr_bucket *home,
			      const struct nfr_bucket *taken, __u32 way,
			      const struct flows_hash *hash)
{
	const struct nfr_bucket *other;

	if (flows_meets(home, hash->tag, taken == home ? way : NFR_WAYS))
		return 1;
	if (!*(const volatile __u32 *)&home->spilled)
		return 0;
	other = flows_bucket(flows_other(hash));
	return !other ||
	       flows_meets(other, hash->tag, taken == home ? NFR_WAYS : way);
}

/* enum state_insert. */
__attribute__((noinline)) int flows_insert(const struct nfr_state_key *name,
					   const struct nfr_state *state)
{
	struct nfr_bucket *home, *taken;
	struct flows_hash hash;
	__u32 way;

	if (!name || !state || env_states(0) >= (__s32)NFR_STATES_MAX)
		return STATE_FULL;
	hash = flows_hash(name);
	home = flows_bucket(hash.home);
	if (!home)
		return STATE_FULL;
	taken = flows_choose(home, &hash);
	way = flows_claim(taken, hash.tag, hash.way);
	if (way < NFR_WAYS && !flows_is_twice(home, taken, way, &hash)) {
		flows_fill(&taken->flow[way], hash.home, name, state);
		__sync_lock_test_and_set(&taken->tag[way], hash.tag);
		return STATE_INSERTED;
	}
	if (way < NFR_WAYS)
		taken->tag[way] = 0;
	if (taken != home)
		__sync_fetch_and_add(&home->spilled, -1);
	return way < NFR_WAYS && flows_find(name) != FLOWS_NOWHERE
		       ? STATE_EXISTS
		       : STATE_FULL;
}

#endif
#endif
