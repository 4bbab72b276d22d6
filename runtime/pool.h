/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * pool.h: a pool and a packet -> the address, and the port, that it gives.
 *
 * Overview
 *   Everything that is drawn or counted is an argument (struct pool_draw), so
 *   the kernel, user space, and the model come to the same choice from the
 *   same draw. Where the draw comes from is translate.h's.
 *
 * The types (pf.conf(5), "POOL OPTIONS")
 *   An address is an entry of the pool and an offset in it.
 *   - round-robin: turn n takes entry n mod count; its offset is n / count, so
 *     entries take turns and each is gone through from its first address.
 *   - random: both are drawn.
 *   - source-hash: both are a hash of the source address under the pool's key.
 *   - bitmask: the network of the first entry, the offset of the address that
 *     is replaced.
 *   - least-states: not here; compiler/check refuses it, and an image that has
 *     it translates nothing (reason translation).
 *   sticky-address stands above the type: a source gets what it got before, as
 *   long as the pool still has it (nfr_sticky, bounded: the source that was
 *   longest without a new flow is forgotten first).
 *
 * Ports
 *   rdr: port_low is the port, or the first of a range: with
 *   NFR_POOL_PORT_SHIFT the packet's distance from the rule's first port is
 *   kept, and goes around where the range is shorter; else the port is drawn
 *   from the range (of one port: that one).
 *   nat: candidate 0 is drawn from port_low-port_high, the others follow in
 *   steps of a drawn length, wrapping around, each another port; the caller
 *   asks for the next until one's name is free. Steps of 1 make runs of taken
 *   ports grow: of 13,000 flows to one port, 32 found none of pf's 15,535.
 *   Identifiers of echoes are drawn from 1-65535.
 *
 * Source of the hash: Aumasson, Bernstein, SipHash, 2012 (SipHash-2-4).
 */
#ifndef NFR_POOL_H
#define NFR_POOL_H

#include "packet.h"

#define POOL_NAT_LOW 50001u /* pf's default for nat-to */
#define POOL_NAT_HIGH 65535u
#define POOL_CANDIDATES 64 /* ports tried until one is free */
#define POOL_STATIC_CANDIDATES 1

/* Of one packet; drawn before the pool is asked. */
struct pool_draw {
	__u32 entry, host; /* random */
	__u32 port;	   /* random */
	__u32 turn;	   /* of the pool's counter */
};

/* What the pool gave; key words, host order. */
struct pool_choice {
	__u32 addr[4];
	__u32 port;    /* rdr: of the destination */
	__u32 ifindex; /* of a next hop */
};

/* nfr_sticky: LRU_HASH. */
struct pool_sticky_key {
	__u64 pool; /* nfr_pool.id */
	__u32 source[4];
	__u32 family;
	__u32 reserved;
};
struct pool_sticky {
	__u32 addr[4];
	__u32 at; /* entry, counted from the pool's first */
};

/* ---- SipHash-2-4 of one address ------------------------------------------ */

struct pool_sip {
	__u64 v0, v1, v2, v3;
};

NFR_INLINE __u64 pool_rotate(__u64 x, int bits)
{
	return x << bits | x >> (64 - bits);
}

NFR_INLINE void pool_sip_round(struct pool_sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = pool_rotate(s->v1, 13) ^ s->v0;
	s->v3 = pool_rotate(s->v3, 16) ^ s->v2;
	s->v0 = pool_rotate(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = pool_rotate(s->v1, 17) ^ s->v2;
	s->v3 = pool_rotate(s->v3, 21) ^ s->v0;
	s->v2 = pool_rotate(s->v2, 32);
}

NFR_INLINE void pool_sip_block(struct pool_sip *s, __u64 m)
{
	s->v3 ^= m;
	pool_sip_round(s);
	pool_sip_round(s);
	s->v0 ^= m;
}

/*
 * The message is 17 bytes: the four words, each little-endian, and n. The key
 * is the pool's, its words little-endian too.
 */
NFR_INLINE __u64 pool_hash(const __u32 key[4], const __u32 addr[4], __u32 n)
{
	__u64 k0 = (__u64)key[1] << 32 | key[0];
	__u64 k1 = (__u64)key[3] << 32 | key[2];
	struct pool_sip s = {
		k0 ^ 0x736f6d6570736575ull, k1 ^ 0x646f72616e646f6dull,
		k0 ^ 0x6c7967656e657261ull, k1 ^ 0x7465646279746573ull};

	pool_sip_block(&s, (__u64)addr[1] << 32 | addr[0]);
	pool_sip_block(&s, (__u64)addr[3] << 32 | addr[2]);
	pool_sip_block(&s, (__u64)17 << 56 | (n & 0xff));
	s.v2 ^= 0xff;
	pool_sip_round(&s);
	pool_sip_round(&s);
	pool_sip_round(&s);
	pool_sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* ---- addresses ----------------------------------------------------------- */

/* Is the address in this entry? */
NFR_INLINE int pool_entry_has(const struct nfr_pool_addr *entry,
			      const __u32 addr[4])
{
	__u32 differ = 0;

	for (int i = 0; i < 4; i++)
		differ |= (addr[i] ^ entry->first[i]) & entry->mask[i];
	return differ == 0;
}

/* Could it have been chosen from this entry? ifindex 0: by any device. */
NFR_INLINE int pool_entry_gives(const struct nfr_pool_addr *entry,
				const struct pool_choice *chosen)
{
	return pool_entry_has(entry, chosen->addr) &&
	       (!entry->ifindex || !chosen->ifindex ||
		entry->ifindex == chosen->ifindex);
}

/* The entry's network, the other bits from host. */
NFR_INLINE void pool_join(const struct nfr_pool_addr *entry,
			  const __u32 host[4], __u32 out[4])
{
	for (int i = 0; i < 4; i++)
		out[i] = (entry->first[i] & entry->mask[i]) |
			 (host[i] & ~entry->mask[i]);
}

/*
 * The index of the entry to take, counted from the pool's first; the pool has
 * one. source: of the packet before it was translated.
 */
NFR_INLINE __u32 pool_entry(const struct nfr_pool *pool, const __u32 source[4],
			    const struct pool_draw *draw)
{
	if (pool->type == NFR_POOL_RANDOM)
		return draw->entry % pool->count;
	if (pool->type == NFR_POOL_SOURCE_HASH)
		return (__u32)pool_hash(pool->key, source, 0) % pool->count;
	if (pool->type == NFR_POOL_BITMASK)
		return 0;
	return draw->turn % pool->count;
}

/*
 * The address in that entry. replaced: the address that goes (of nat the
 * source, of rdr the destination).
 */
NFR_INLINE void pool_address(const struct nfr_pool *pool,
			     const struct nfr_pool_addr *entry,
			     const __u32 source[4], const __u32 replaced[4],
			     const struct pool_draw *draw, __u32 out[4])
{
	__u32 last = pool->family == NFR_FAMILY_IPV6 ? 3 : 0;
	__u32 host[4] = {0};

	if (pool->type == NFR_POOL_BITMASK) {
		pool_join(entry, replaced, out);
		return;
	}
	if (pool->type == NFR_POOL_SOURCE_HASH) {
		__u64 low = pool_hash(pool->key, source, 1);
		__u64 high = pool_hash(pool->key, source, 2);

		host[0] = (__u32)(last ? high : low);
		host[1] = (__u32)(high >> 32);
		host[2] = (__u32)(low >> 32);
		host[3] = (__u32)low;
	} else if (pool->type == NFR_POOL_RANDOM) {
		host[0] = last ? 0 : draw->host;
		host[3] = draw->host;
		host[2] = draw->port ^ draw->entry;
	} else {
		host[0] = last ? 0 : draw->turn / pool->count;
		host[3] = draw->turn / pool->count;
	}
	/* A family has its own words; in those of the other nothing is. */
	if (!last)
		host[1] = host[2] = host[3] = 0;
	for (int i = 0; i < 4; i++)
		host[i] += entry->first[i] & ~entry->mask[i];
	pool_join(entry, host, out);
}

/* May the pool give this protocol an address of this family? */
NFR_INLINE int pool_is_usable(const struct nfr_pool *pool, __u32 family)
{
	return pool->count != 0 && pool->family == family &&
	       pool->type < NFR_POOL_LEAST_STATES;
}

/* ---- ports --------------------------------------------------------------- */

/* How many ports are in low-high. */
NFR_INLINE __u32 pool_ports(__u32 low, __u32 high)
{
	return high >= low ? high - low + 1 : 1;
}

/* Candidate n in low-high. */
NFR_INLINE __u32 pool_port_in(__u32 low, __u32 high,
			      const struct pool_draw *draw, __u32 n)
{
	__u32 count = pool_ports(low, high), step = 1;

	if (count >= 2 * POOL_CANDIDATES)
		step += draw->host % (count / POOL_CANDIDATES);
	return low + (draw->port % count + n * step) % count;
}

/* rdr: the destination port for a packet to this one. */
NFR_INLINE __u32 pool_rdr_port(const struct nfr_pool *pool, __u32 first,
			       __u32 port, const struct pool_draw *draw)
{
	if (pool->port_low == 0)
		return port;
	if (pool->flags & NFR_POOL_PORT_SHIFT)
		return pool->port_low +
		       (port - first) %
			       pool_ports(pool->port_low, pool->port_high);
	return pool->port_low +
	       draw->port % pool_ports(pool->port_low, pool->port_high);
}

/* nat: how many ports there are to try for a flow of this protocol. */
NFR_INLINE __u32 pool_nat_candidates(const struct nfr_pool *pool, int has_ports)
{
	if (!has_ports || pool->flags & NFR_POOL_STATIC_PORT)
		return POOL_STATIC_CANDIDATES;
	return POOL_CANDIDATES;
}

/* nat: candidate n for a flow from this port, or with this echo identifier. */
NFR_INLINE __u32 pool_nat_port(const struct nfr_pool *pool, int has_ports,
			       int is_echo, __u32 port,
			       const struct pool_draw *draw, __u32 n)
{
	if (!has_ports || pool->flags & NFR_POOL_STATIC_PORT)
		return port;
	if (is_echo)
		return pool_port_in(1, 65535, draw, n);
	if (pool->port_low == 0)
		return pool_port_in(POOL_NAT_LOW, POOL_NAT_HIGH, draw, n);
	return pool_port_in(pool->port_low, pool->port_high, draw, n);
}

#endif
