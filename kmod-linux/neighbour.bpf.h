/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * neighbour.bpf.h: ARP, or a neighbour advertisement, on its way out -> is the
 * address that it gives away somebody else's, behind another device?
 *
 * Overview
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
