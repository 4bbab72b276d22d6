/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * local.bpf.h: a namespace -> its devices, and their addresses, and
 * whether others translate what it sends, as the kernel has them at the time.
 *
 * The kernel's lists are read at the places that CO-RE finds, one step a call.
 * What is removed meanwhile is freed after us, as programs run under RCU, and
 * still leads on.
 */
#ifndef NFR_LOCAL_BPF_H
#define NFR_LOCAL_BPF_H

#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define LOCAL_KERNEL __attribute__((preserve_access_index))

struct list_head___local {
	struct list_head___local *next;
} LOCAL_KERNEL;
struct nf_hook_entry___local {
	void *hook, *priv;
} LOCAL_KERNEL;
struct nf_hook_entries___local {
	__u16 num_hook_entries;
	struct nf_hook_entry___local
		hooks[1]; /* as many pointers to ops follow */
} LOCAL_KERNEL;
struct nf_hook_ops___local {
	int priority;
} LOCAL_KERNEL;
struct netns_nf___local {
	struct nf_hook_entries___local *hooks_ipv4[5];
	struct nf_hook_entries___local *hooks_ipv6[5];
} LOCAL_KERNEL;
struct net___local {
	struct list_head___local dev_base_head;
	struct netns_nf___local nf;
} LOCAL_KERNEL;
struct in_ifaddr___local {
	struct in_ifaddr___local *ifa_next;
	__u32 ifa_local;
} LOCAL_KERNEL;
struct in_device___local {
	struct in_ifaddr___local *ifa_list;
} LOCAL_KERNEL;
struct in6_addr___local {
	union {
		__u32 u6_addr32[4];
	} in6_u;
} LOCAL_KERNEL;
struct inet6_ifaddr___local {
	struct in6_addr___local addr;
	struct list_head___local if_list;
} LOCAL_KERNEL;
struct inet6_dev___local {
	struct list_head___local addr_list;
} LOCAL_KERNEL;
struct rtnl_link_ops___local {
	const char *kind;
} LOCAL_KERNEL;
struct net_device___local {
	unsigned int flags;
	int ifindex;
	struct list_head___local dev_list;
	struct in_device___local *ip_ptr;
	struct inet6_dev___local *ip6_ptr;
	const struct rtnl_link_ops___local *rtnl_link_ops;
} LOCAL_KERNEL;
struct net_ref___local {
	struct net___local *net;
} LOCAL_KERNEL;
struct sock_common___local {
	struct net_ref___local skc_net;
} LOCAL_KERNEL;
struct sock___local {
	struct sock_common___local __sk_common;
} LOCAL_KERNEL;

#define LOCAL_UP 1u	  /* IFF_UP */
#define LOCAL_LOOPBACK 8u /* IFF_LOOPBACK */

/* Where a walk stands; kernel addresses. */
struct local_walk {
	const void *head;    /* of the devices' list */
	const void *device;  /* the last that was given */
	const void *address; /* the next of the device; NULL: none */
	const void *end;     /* IPv6: where the device's list ends */
};

#define LOCAL_HOLDER(type, member, at)                                         \
	((const void *)((const char *)(at)-bpf_core_field_offset(type, member)))

static __always_inline void local_begin_at(struct local_walk *walk,
					   const void *namespace)
{
	const struct net___local *net = namespace;

	walk->head = net ? &net->dev_base_head : 0;
	walk->device = 0;
}

/* In a socket's namespace. */
static __always_inline void local_begin(struct local_walk *walk,
					const void *sock)
{
	const struct sock___local *sk = sock;

	local_begin_at(walk, BPF_CORE_READ(sk, __sk_common.skc_net.net));
}

/* The next device, or NULL. */
static __always_inline const struct net_device___local *
local_device(struct local_walk *walk)
{
	const struct net_device___local *device = walk->device;
	const struct list_head___local *next = 0, *head = walk->head;

	if (device)
		next = BPF_CORE_READ(device, dev_list.next);
	else if (head)
		next = BPF_CORE_READ(head, next);
	if (!next || next == head)
		return 0;
	device = LOCAL_HOLDER(struct net_device___local, dev_list, next);
	walk->device = device;
	return device;
}

static __always_inline void local_addresses(struct local_walk *walk,
					    const struct net_device___local *at,
					    int is_v6)
{
	const struct inet6_dev___local *in6;
	const struct in_device___local *in4;

	walk->address = walk->end = 0;
	if (is_v6) {
		in6 = BPF_CORE_READ(at, ip6_ptr);
		if (!in6)
			return;
		walk->end = &in6->addr_list;
		walk->address = BPF_CORE_READ(in6, addr_list.next);
		return;
	}
	in4 = BPF_CORE_READ(at, ip_ptr);
	if (in4)
		walk->address = BPF_CORE_READ(in4, ifa_list);
}

/* The device's next address in network byte order; 0: there is none. */
static __always_inline int local_address(struct local_walk *walk, int is_v6,
					 __u32 addr_be[4])
{
	const struct inet6_ifaddr___local *in6;
	const struct in_ifaddr___local *in4 = walk->address;

	if (!walk->address || walk->address == walk->end)
		return 0;
	addr_be[0] = addr_be[1] = addr_be[2] = addr_be[3] = 0;
	if (!is_v6) {
		addr_be[0] = BPF_CORE_READ(in4, ifa_local);
		walk->address = BPF_CORE_READ(in4, ifa_next);
		return 1;
	}
	in6 = LOCAL_HOLDER(struct inet6_ifaddr___local, if_list, walk->address);
	bpf_core_read(addr_be, sizeof(in6->addr), &in6->addr);
	walk->address = BPF_CORE_READ(in6, if_list.next);
	return 1;
}

/* ---- who has an address ------------------------------------------------- */

#define LOCAL_DEVICES 1024  /* that are looked at, ... */
#define LOCAL_ADDRESSES 256 /* ... and of each */

struct local_search {
	struct local_walk walk;
	__u32 addr[4]; /* as on the wire */
	__u32 is_v6;
	__u32 ifindex; /* of the device that may have it; 0: any */
	__u32 is_found;
};

static long local_search_address(__u32 turn, struct local_search *search)
{
	__u32 addr[4];

	(void)turn;
	if (!local_address(&search->walk, (int)search->is_v6, addr))
		return 1;
	search->is_found =
		addr[0] == search->addr[0] && addr[1] == search->addr[1] &&
		addr[2] == search->addr[2] && addr[3] == search->addr[3];
	return search->is_found != 0;
}

static __always_inline void
local_search_at(struct local_search *search,
		const struct net_device___local *device)
{
	local_addresses(&search->walk, device, (int)search->is_v6);
	bpf_loop(LOCAL_ADDRESSES, local_search_address, search, 0);
}

static long local_search_device(__u32 turn, struct local_search *search)
{
	const struct net_device___local *device = local_device(&search->walk);

	(void)turn;
	if (!device)
		return 1;
	if (search->ifindex &&
	    (__u32)BPF_CORE_READ(device, ifindex) != search->ifindex)
		return 0;
	local_search_at(search, device);
	return search->is_found || search->ifindex;
}

/* Nonzero: found. likely, which may be NULL, is looked at without a walk. */
static __always_inline int local_search(struct local_search *search,
					const void *namespace,
					const struct net_device___local *likely)
{
	local_begin_at(&search->walk, namespace);
	if (likely && search->ifindex &&
	    (__u32)BPF_CORE_READ(likely, ifindex) == search->ifindex)
		local_search_at(search, likely);
	else
		bpf_loop(LOCAL_DEVICES, local_search_device, search, 0);
	return search->is_found != 0;
}

/* A VRF is no way out: one of its members is. */
static __always_inline int local_is_vrf(const struct net_device___local *at)
{
	const char *kind = BPF_CORE_READ(at, rtnl_link_ops, kind);
	char text[4] = "";

	return kind &&
	       bpf_probe_read_kernel_str(text, sizeof(text), kind) > 0 &&
	       text[0] == 'v' && text[1] == 'r' && text[2] == 'f';
}

/* ---- who translates ------------------------------------------------------ */

#define LOCAL_OUTPUT 3	   /* NF_INET_LOCAL_OUT */
#define LOCAL_HOOKS 64	   /* more than any system has there */
#define LOCAL_NAT -100	   /* NF_IP_PRI_NAT_DST */
#define LOCAL_NAT_LAST -98 /* IPVS is behind it */

struct local_hooks {
	const struct nf_hook_entries___local *entries;
	__u32 count;
	__u32 translates;
};

static __always_inline const void *local_pointer(const void *at)
{
	const void *pointer = 0;

	bpf_probe_read_kernel(&pointer, sizeof(pointer), at);
	return pointer;
}

/*
 * The hook of NAT is there as soon as anybody translates anything; the chains
 * for this place are the first thing that its private data points to.
 */
static long local_hook(__u32 turn, void *arg)
{
	__u32 size = bpf_core_type_size(struct nf_hook_entry___local);
	struct local_hooks *hooks = arg;
	const char *first =
		(const char *)hooks->entries +
		bpf_core_field_offset(struct nf_hook_entries___local, hooks);
	const char *entry = first + turn * size;
	const struct nf_hook_ops___local *ops;
	const void *priv;
	int priority;

	if (turn >= hooks->count)
		return 1;
	ops = local_pointer(first + hooks->count * size +
			    turn * sizeof(void *));
	priority = BPF_CORE_READ(ops, priority);
	if (priority < LOCAL_NAT || priority > LOCAL_NAT_LAST)
		return 0;
	priv = local_pointer(
		entry +
		bpf_core_field_offset(struct nf_hook_entry___local, priv));
	if (priority == LOCAL_NAT && priv && !local_pointer(priv))
		return 0;
	hooks->translates = 1;
	return 1;
}

/* May somebody change where a packet of this socket goes, before the floor? */
static __always_inline int local_translates(const struct local_walk *walk,
					    int is_v6)
{
	const struct nf_hook_entries___local *entries;
	struct local_hooks hooks = {0};
	const struct net___local *net;

	if (!walk->head)
		return 1;
	net = LOCAL_HOLDER(struct net___local, dev_base_head, walk->head);
	entries = is_v6 ? BPF_CORE_READ(net, nf.hooks_ipv6[LOCAL_OUTPUT])
			: BPF_CORE_READ(net, nf.hooks_ipv4[LOCAL_OUTPUT]);
	if (!entries)
		return 0;
	hooks.entries = entries;
	hooks.count = BPF_CORE_READ(entries, num_hook_entries);
	if (hooks.count > LOCAL_HOOKS)
		return 1;
	bpf_loop(LOCAL_HOOKS, local_hook, &hooks, 0);
	return hooks.translates != 0;
}

#endif
