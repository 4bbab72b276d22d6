/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * neighbour.bpf.h: ARP, or neighbour discovery, on its way out -> is the
 * address that it gives away somebody else's, behind another device? Is there
 * anything here that waits for the one it asks for?
 *
 * Answers
 *   The kernel answers for such an address where proxy_arp or proxy_ndp is on,
 * and so tells the link which addresses have a route through this host.
 *
 *   ARP's packets have no socket. Who forwards there has the route by which the
 *   kernel decided to answer: bpf_fib_lookup() finds it, and none for own
 *   addresses. What the device's master reaches (bridge, bond, VRF), it
 * reaches. For IPv6 that helper does not know "suppress_prefixlength"; but
 * there an advertisement has the socket of its namespace, and nobody but a
 * proxy answers for an address that no device of it has.
 *
 *   What another host's frame says, which is bridged or comes from a macvlan
 *   child, is its own word: it has not this device's Ethernet address.
 *
 * Questions
 *   An address of the link's own, private or link-local, anyone may ask for,
 * and this host for its own addresses (RFC 4862 5.4). For others it asks when a
 * packet has come by the floor and waits in the neighbour's entry, or when the
 * entry grows old and is in a network of its device. An entry that somebody had
 * made ("ip neigh add ... use") has no packet, and one that a router made, who
 * asked with a source of his choice, is in no such network. All devices'
 * entries are looked at: what a bridge or a bond asks leaves by its members,
 * and their children's in other namespaces are not among them.
 *
 * Who has asked
 *   An advertisement to who is not on the link is a packet that routers pass
 * on. The link is what the device's own addresses say; of IPv6 at most a /64,
 * as DHCPv6 gives addresses without a network.
 */
#ifndef NFR_NEIGHBOUR_BPF_H
#define NFR_NEIGHBOUR_BPF_H

#include "runtime/packet.h"
#include "runtime/scratch.h"

#include "kmod-linux/local.bpf.h"
#include "kmod-linux/origin.bpf.h"

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define NEIGHBOUR_INET 2    /* AF_INET */
#define NEIGHBOUR_ETH_SRC 6 /* in a frame */
#define NEIGHBOUR_TARGET 8  /* in an advertisement: RFC 4861 4.4 */

#define NEIGHBOUR_KERNEL __attribute__((preserve_access_index))

struct list_head___neighbour {
	struct list_head___neighbour *next;
} NEIGHBOUR_KERNEL;
struct net_device___neighbour {
	int ifindex;
	const unsigned char *dev_addr;
	struct {
		struct list_head___neighbour upper;
	} adj_list;
} NEIGHBOUR_KERNEL;
/* A master is always the first above a device. */
struct netdev_adjacent___neighbour {
	struct net_device___neighbour *dev;
	_Bool master;
	struct list_head___neighbour list;
} NEIGHBOUR_KERNEL;
struct sk_buff___neighbour {
	struct net_device___neighbour *dev;
} NEIGHBOUR_KERNEL;

/* Of the device's master; 0: it has none. */
static __always_inline __u32
neighbour_master(const struct net_device___neighbour *dev)
{
	const struct list_head___neighbour *first =
		BPF_CORE_READ(dev, adj_list.upper.next);
	const struct netdev_adjacent___neighbour *above;
	const struct net_device___neighbour *master;

	if (!first || first == &dev->adj_list.upper)
		return 0;
	above = (const void *)((const char *)first -
			       bpf_core_field_offset(
				       struct netdev_adjacent___neighbour,
				       list));
	if (!BPF_CORE_READ(above, master))
		return 0;
	master = BPF_CORE_READ(above, dev);
	return (__u32)BPF_CORE_READ(master, ifindex);
}

/* Has the frame the device's own Ethernet address? */
static __always_inline int
neighbour_is_ours(struct __sk_buff *skb,
		  const struct net_device___neighbour *dev)
{
	const unsigned char *addr = BPF_CORE_READ(dev, dev_addr);
	__u16 own[3] = {0}, src[3];

	bpf_probe_read_kernel(own, sizeof(own), addr);
	return !bpf_skb_load_bytes(skb, NEIGHBOUR_ETH_SRC, src, sizeof(src)) &&
	       src[0] == own[0] && src[1] == own[1] && src[2] == own[2];
}

/* ---- IPv4: by the route -------------------------------------------------- */

static __always_inline int
neighbour_is_routed(struct __sk_buff *skb, const __u32 *w,
		    const struct net_device___neighbour *dev)
{
	struct bpf_fib_lookup to = {
		.family = NEIGHBOUR_INET,
		.ifindex = skb->ifindex,
		.ipv4_src = PACKET_SWAP32(w[NFR_F_DST0]),
		.ipv4_dst = PACKET_SWAP32(w[NFR_F_SRC0]),
	};
	long ret = bpf_fib_lookup(skb, &to, sizeof(to), 0);

	if (ret < 0 || ret == BPF_FIB_LKUP_RET_UNSUPP_LWT)
		return 1;
	if (ret != BPF_FIB_LKUP_RET_SUCCESS &&
	    ret != BPF_FIB_LKUP_RET_NO_NEIGH &&
	    ret != BPF_FIB_LKUP_RET_FRAG_NEEDED)
		return 0;
	return to.ifindex != skb->ifindex &&
	       to.ifindex != neighbour_master(dev);
}

/* ---- IPv6: by who has the address ---------------------------------------- */

/* Of this namespace's own socket, for what no device here has? */
static __always_inline int
neighbour_is_advertised(struct __sk_buff *skb, __u32 transport, const void *dev)
{
	const struct net_device___origin *here = dev;
	struct local_search search = {.is_v6 = 1};
	struct origin_socket s = {0};

	origin_of_skb(skb, &s);
	if (s.net && s.net != BPF_CORE_READ(here, nd_net.net, net_cookie))
		return 0;
	if (bpf_skb_load_bytes(skb, transport + NEIGHBOUR_TARGET, search.addr,
			       sizeof(search.addr)))
		return 1;
	return !local_search(&search, BPF_CORE_READ(here, nd_net.net), 0);
}

/* ---- the link ------------------------------------------------------------ */

#define NEIGHBOUR_HALF 64 /* bits of an IPv6 address that say the network */

struct in_ifaddr___neighbour {
	__u32 ifa_address, ifa_mask; /* the other end's, where that is one */
} NEIGHBOUR_KERNEL;
struct in6_addr___neighbour {
	union {
		__u32 u6_addr32[4];
	} in6_u;
} NEIGHBOUR_KERNEL;
struct inet6_ifaddr___neighbour {
	struct in6_addr___neighbour addr;
	__u32 prefix_len;
} NEIGHBOUR_KERNEL;

struct neighbour_link {
	struct local_walk walk;
	__u32 addr[4]; /* as on the wire */
	__u32 is_v6, is_found;
};

static __always_inline int
neighbour_is_in4(const __u32 *addr, const struct in_ifaddr___neighbour *at)
{
	return !((addr[0] ^ BPF_CORE_READ(at, ifa_address)) &
		 BPF_CORE_READ(at, ifa_mask));
}

static __always_inline int neighbour_is_in6(const __u32 *addr, const void *item)
{
	const struct inet6_ifaddr___neighbour *at =
		LOCAL_HOLDER(struct inet6_ifaddr___local, if_list, item);
	__u32 own[4] = {0}, len = BPF_CORE_READ(at, prefix_len);
	__u64 differs;

	bpf_core_read(own, sizeof(own), &at->addr);
	differs = (__u64)PACKET_SWAP32(own[0] ^ addr[0]) << 32 |
		  PACKET_SWAP32(own[1] ^ addr[1]);
	if (len > NEIGHBOUR_HALF)
		len = NEIGHBOUR_HALF;
	return len && !(differs >> (NEIGHBOUR_HALF - len));
}

static long neighbour_network(__u32 turn, struct neighbour_link *link)
{
	const void *at = link->walk.address;
	__u32 unused[4];

	(void)turn;
	if (!local_address(&link->walk, (int)link->is_v6, unused))
		return 1;
	link->is_found = link->is_v6 ? neighbour_is_in6(link->addr, at)
				     : neighbour_is_in4(link->addr, at);
	return link->is_found != 0;
}

static long neighbour_networks(__u32 turn, struct neighbour_link *link)
{
	const struct net_device___local *device = local_device(&link->walk);

	(void)turn;
	if (!device)
		return 1;
	if (BPF_CORE_READ(device, flags) & LOCAL_LOOPBACK ||
	    env_tunnel(0, (__u32)BPF_CORE_READ(device, ifindex)))
		return 0;
	local_addresses(&link->walk, device, (int)link->is_v6);
	bpf_loop(LOCAL_ADDRESSES, neighbour_network, link, 0);
	return link->is_found != 0;
}

/* Is it in a network of a device that is not the tunnel? */
static __always_inline int neighbour_is_on_link(struct neighbour_link *link,
						const void *namespace)
{
	local_begin_at(&link->walk, namespace);
	bpf_loop(LOCAL_DEVICES, neighbour_networks, link, 0);
	return link->is_found != 0;
}

/* ---- questions ----------------------------------------------------------- */

#define NEIGHBOUR_TRIES 64 /* entries in a bucket that are looked at */
#define NEIGHBOUR_KNOWN                                                        \
	30	       /* REACHABLE, STALE, DELAY, PROBE: uapi neighbour.h */
#define NEIGHBOUR_OP 6 /* in ARP: RFC 826 */

struct sk_buff_head___neighbour {
	__u32 qlen;
} NEIGHBOUR_KERNEL;
struct neighbour___entry {
	__u8 nud_state;
	struct sk_buff_head___neighbour arp_queue;
	const void *dev;
	__u8 primary_key[0];
} NEIGHBOUR_KERNEL;
/* The next of a bucket, before Linux 6.13 and since. */
struct neighbour___before {
	const void *next;
} NEIGHBOUR_KERNEL;
struct hlist_node___neighbour {
	const void *next;
} NEIGHBOUR_KERNEL;
struct neighbour___since {
	struct hlist_node___neighbour hash;
} NEIGHBOUR_KERNEL;
struct neigh_hash_table___before {
	const void *hash_buckets;
	__u32 hash_shift, hash_rnd[4];
} NEIGHBOUR_KERNEL;
struct neigh_hash_table___since {
	const void *hash_heads;
} NEIGHBOUR_KERNEL;
struct neigh_table___neighbour {
	const struct neigh_hash_table___before *nht;
} NEIGHBOUR_KERNEL;
struct neigh_parms___neighbour {
	const struct neigh_table___neighbour *tbl;
} NEIGHBOUR_KERNEL;
struct in_device___neighbour {
	const struct neigh_parms___neighbour *arp_parms;
} NEIGHBOUR_KERNEL;
struct inet6_dev___neighbour {
	const struct neigh_parms___neighbour *nd_parms;
} NEIGHBOUR_KERNEL;
struct net_device___asks {
	const struct in_device___neighbour *ip_ptr;
	const struct inet6_dev___neighbour *ip6_ptr;
} NEIGHBOUR_KERNEL;

struct neighbour_question {
	struct local_walk walk;
	const void *entry;
	__u32 target[4]; /* as on the wire */
	__u32 is_v6, is_needed, is_known;
};

/* arp_hashfn() and ndisc_hashfn(), include/net/arp.h and ndisc.h. */
static __always_inline __u32 neighbour_hash(const struct neighbour_question *q,
					    const void *dev, const __u32 rnd[4])
{
	__u64 at = (__u64)dev;
	__u32 hash = (q->target[0] ^ (__u32)at ^ (__u32)(at >> 32)) * rnd[0];

	if (q->is_v6)
		hash += q->target[1] * rnd[1] + q->target[2] * rnd[2] +
			q->target[3] * rnd[3];
	return hash;
}

/* The first entry of the device's bucket for the target, or NULL. */
static __always_inline const void *
neighbour_bucket(const struct neighbour_question *q,
		 const struct net_device___asks *dev)
{
	const struct neigh_hash_table___before *nht;
	const struct neigh_hash_table___since *since;
	const char *buckets;
	__u32 rnd[4], shift;

	nht = q->is_v6 ? BPF_CORE_READ(dev, ip6_ptr, nd_parms, tbl, nht)
		       : BPF_CORE_READ(dev, ip_ptr, arp_parms, tbl, nht);
	if (!nht)
		return 0;
	since = (const void *)nht;
	if (bpf_core_field_exists(nht->hash_buckets))
		buckets = BPF_CORE_READ(nht, hash_buckets);
	else
		buckets = BPF_CORE_READ(since, hash_heads);
	shift = BPF_CORE_READ(nht, hash_shift);
	if (!buckets || !shift || shift > 31 ||
	    bpf_core_read(rnd, sizeof(rnd), &nht->hash_rnd))
		return 0;
	return local_pointer(buckets +
			     (neighbour_hash(q, dev, rnd) >> (32 - shift)) *
				     sizeof(void *));
}

/* Is it the target's, of this device, and is somebody waiting or known? */
static long neighbour_entry(__u32 turn, struct neighbour_question *q)
{
	const struct neighbour___entry *entry = q->entry;
	const struct neighbour___since *since = q->entry;
	const struct neighbour___before *before = q->entry;
	__u32 key[4] = {0};
	int is_it;

	(void)turn;
	if (!entry)
		return 1;
	bpf_probe_read_kernel(
		key, q->is_v6 ? 16 : 4,
		(const char *)entry +
			bpf_core_field_offset(struct neighbour___entry,
					      primary_key));
	is_it = key[0] == q->target[0] && key[1] == q->target[1] &&
		key[2] == q->target[2] && key[3] == q->target[3] &&
		BPF_CORE_READ(entry, dev) == q->walk.device;
	q->is_needed = is_it && BPF_CORE_READ(entry, arp_queue.qlen);
	if (is_it && BPF_CORE_READ(entry, nud_state) & NEIGHBOUR_KNOWN)
		q->is_known = 1;
	if (bpf_core_field_exists(since->hash))
		q->entry = BPF_CORE_READ(since, hash.next);
	else
		q->entry = BPF_CORE_READ(before, next);
	return q->is_needed != 0;
}

/* Has the device such a neighbour? */
static long neighbour_needs(__u32 turn, struct neighbour_question *q)
{
	const struct net_device___local *device = local_device(&q->walk);

	(void)turn;
	if (!device)
		return 1;
	q->entry = neighbour_bucket(q, (const void *)device);
	bpf_loop(NEIGHBOUR_TRIES, neighbour_entry, q, 0);
	return q->is_needed != 0;
}

/* 10/8, 172.16/12, 192.168/16, 169.254/16, 100.64/10; see tables_link(). */
static __always_inline int neighbour_is_near4(__u32 addr)
{
	return addr >> 24 == 10 || addr >> 20 == 0xac1 ||
	       addr >> 16 == 0xc0a8 || addr >> 16 == 0xa9fe ||
	       addr >> 22 == 0x191;
}

/* fe80::/10, and unique local ones: RFC 4193. */
static __always_inline int neighbour_is_near6(__u32 first)
{
	return first >> 22 == 0x3fa || first >> 25 == 0x7e;
}

static __always_inline int neighbour_is_own(const struct neighbour_question *q,
					    const void *net)
{
	struct local_search search = {.is_v6 = 1};

	__builtin_memcpy(search.addr, q->target, sizeof(search.addr));
	return local_search(&search, net, 0);
}

enum neighbour_question_is {
	NEIGHBOUR_NEEDED,
	NEIGHBOUR_IN_VAIN, /* nothing here waits for its answer */
	NEIGHBOUR_KEPT,	   /* an entry grows old: on the link, it is needed */
};

static __always_inline int neighbour_question(struct __sk_buff *skb,
					      const struct packet *packet)
{
	const struct sk_buff___neighbour *kernel = (const void *)skb;
	const struct net_device___origin *here;
	struct neighbour_question q = {0};
	const __u32 *w = packet->key.w;
	__u16 op = 0;

	q.is_v6 = w[NFR_F_FAMILY] != NFR_FAMILY_LINK;
	if (q.is_v6) {
		if (bpf_skb_load_bytes(skb,
				       packet->transport + NEIGHBOUR_TARGET,
				       q.target, sizeof(q.target)))
			return NEIGHBOUR_IN_VAIN;
		if (neighbour_is_near6(PACKET_SWAP32(q.target[0])))
			return NEIGHBOUR_NEEDED;
	} else {
		if (bpf_skb_load_bytes(skb, packet->network + NEIGHBOUR_OP, &op,
				       sizeof(op)))
			return NEIGHBOUR_IN_VAIN;
		/* An answer, or an announcement of an own address. */
		if (op != PACKET_SWAP16(1) || w[NFR_F_DST0] == w[NFR_F_SRC0] ||
		    neighbour_is_near4(w[NFR_F_DST0]))
			return NEIGHBOUR_NEEDED;
		q.target[0] = PACKET_SWAP32(w[NFR_F_DST0]);
	}
	here = (const void *)BPF_CORE_READ(kernel, dev);
	if (q.is_v6 && neighbour_is_own(&q, BPF_CORE_READ(here, nd_net.net)))
		return NEIGHBOUR_NEEDED;
	if (!(w[NFR_F_ORIGIN] & NFR_ORIGIN_KERNEL))
		return NEIGHBOUR_IN_VAIN;
	local_begin_at(&q.walk, BPF_CORE_READ(here, nd_net.net));
	bpf_loop(LOCAL_DEVICES, neighbour_needs, &q, 0);
	if (q.is_needed)
		return NEIGHBOUR_NEEDED;
	return q.is_known ? NEIGHBOUR_KEPT : NEIGHBOUR_IN_VAIN;
}

/*
 * Is the one that a question asks for, or to whom an advertisement goes, not
 * on the link? Groups, and what is near, are. No address: it is not.
 */
static __always_inline int neighbour_is_afar(struct __sk_buff *skb,
					     const struct packet *packet,
					     int is_question)
{
	const struct sk_buff___neighbour *kernel = (const void *)skb;
	const struct net_device___origin *here;
	const __u32 *w = packet->key.w;
	struct neighbour_link link = {0};

	link.is_v6 = w[NFR_F_FAMILY] != NFR_FAMILY_LINK;
	for (int i = 0; i < 4; i++)
		link.addr[i] = PACKET_SWAP32(w[NFR_F_DST0 + i]);
	if (is_question && link.is_v6 &&
	    bpf_skb_load_bytes(skb, packet->transport + NEIGHBOUR_TARGET,
			       link.addr, sizeof(link.addr)))
		return 1;
	if (!is_question && (!link.is_v6 || w[NFR_F_DST0] >> 24 == 0xff ||
			     neighbour_is_near6(w[NFR_F_DST0])))
		return 0;
	here = (const void *)BPF_CORE_READ(kernel, dev);
	return !neighbour_is_on_link(&link, BPF_CORE_READ(here, nd_net.net));
}

/* Nonzero: it is somebody's behind another device. */
static __always_inline int neighbour_is_proxied(struct __sk_buff *skb,
						const struct packet *packet)
{
	const struct sk_buff___neighbour *kernel = (const void *)skb;
	const __u32 *w = packet->key.w;
	const struct net_device___neighbour *dev;
	int is_arp = w[NFR_F_FAMILY] == NFR_FAMILY_LINK;

	/* One that asks whether an address is taken (RFC 5227) gives none. */
	if (is_arp && !w[NFR_F_SRC0])
		return 0;
	dev = BPF_CORE_READ(kernel, dev);
	if (!dev || !neighbour_is_ours(skb, dev))
		return 0;
	return is_arp ? neighbour_is_routed(skb, w, dev)
		      : neighbour_is_advertised(skb, packet->transport, dev);
}

#endif
