/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * owner.bpf.h: a packet's socket -> user, group and cgroup in its key.
 *
 * Overview
 *   Of what goes out the socket comes with the packet; of what comes in it is
 *   the one that would get it (bpf_sk_lookup), connected or listening, as in
 *   pf. The kernel's structures are read at the places that CO-RE finds. A
 *   cgroup is known by its path, so one that is made later, or again, counts.
 *
 * Invariants
 *   - What is not certain has no owner, NFR_NO_ID, which a rule only takes by
 *     "!=" or "unknown": a socket of the kernel, of another namespace, or one
 *     that did not make this packet. A tunnel of the kernel leaves the socket
 *     of what it wraps on what it sends: protocol and port tell.
 */
#ifndef NFR_OWNER_BPF_H
#define NFR_OWNER_BPF_H

#include "kmod-linux/maps.bpf.h"
#include "runtime/packet.h"

#include <bpf/bpf_core_read.h>

#define OWNER_KERNEL __attribute__((preserve_access_index))

struct owner_id {
	__u32 val;
} OWNER_KERNEL;
struct cred___owner {
	struct owner_id fsgid;
} OWNER_KERNEL;
struct file___owner {
	const struct cred___owner *f_cred;
} OWNER_KERNEL;
struct socket___owner {
	struct file___owner *file;
} OWNER_KERNEL;
struct net___owner {
	__u64 net_cookie;
} OWNER_KERNEL;
struct owner_net {
	struct net___owner *net;
} OWNER_KERNEL;
struct sock___owner;
struct kernfs_node___owner {
	const char *name;
} OWNER_KERNEL;
struct cgroup___owner {
	int level;
	struct kernfs_node___owner *kn;
	struct cgroup___owner *ancestors[1]; /* by level, itself the last */
} OWNER_KERNEL;
struct sock_cgroup_data___owner {
	struct cgroup___owner *cgroup;
} OWNER_KERNEL;
struct sock_common___owner {
	__u16 skc_num; /* the local port, host order */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct owner_net skc_net;
	struct sock___owner *skc_listener; /* of what is half open */
} OWNER_KERNEL;
struct sock___owner {
	struct sock_common___owner __sk_common;
	struct owner_id sk_uid;
	__u16 sk_type, sk_protocol;
	__u8 sk_kern_sock : 1;
	struct socket___owner *sk_socket;
	struct sock_cgroup_data___owner sk_cgrp_data;
} OWNER_KERNEL;
struct sk_buff___owner {
	struct sock___owner *sk;
} OWNER_KERNEL;

#define OWNER_INET 2	/* AF_INET */
#define OWNER_INET6 10	/* AF_INET6 */
#define OWNER_PACKET 17 /* AF_PACKET */
#define OWNER_TIME_WAIT 6
#define OWNER_REQUEST 12 /* TCP_NEW_SYN_RECV: half open, of a listener */
#define OWNER_RAW 3	 /* SOCK_RAW */
#define OWNER_ANY 255	 /* IPPROTO_RAW: it writes the header itself */

NFR_INLINE void owner_none(__u32 *w)
{
	w[NFR_F_UID] = NFR_NO_ID;
	w[NFR_F_GID] = NFR_NO_ID;
	w[NFR_F_CGROUP] = 0;
}

/* Did the socket make the packet of this key? */
NFR_INLINE int owner_made(const struct sock___owner *sk, const __u32 *w)
{
	__u32 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	__u32 proto = BPF_CORE_READ(sk, sk_protocol);

	if (family == OWNER_PACKET)
		return 1;
	if ((family != OWNER_INET && family != OWNER_INET6) ||
	    w[NFR_F_FAMILY] == NFR_FAMILY_LINK)
		return 0;
	if (BPF_CORE_READ(sk, sk_type) == OWNER_RAW)
		return proto == w[NFR_F_PROTO] || proto == OWNER_ANY;
	if (proto != w[NFR_F_PROTO])
		return 0;
	return (proto != PACKET_TCP && proto != PACKET_UDP) ||
	       BPF_CORE_READ(sk, __sk_common.skc_num) == w[NFR_F_SPORT];
}

/* A socket of this namespace, and no kernel's. */
NFR_INLINE int owner_is_here(const struct sock___owner *sk)
{
	__u32 zero = 0;
	const struct nfr_control *control =
		bpf_map_lookup_elem(&nfr_control, &zero);

	return control &&
	       BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie) ==
		       control->netns_cookie &&
	       !BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock);
}

/* The deepest of the named cgroups that this one is, or is below. */
NFR_INLINE __u32 owner_class(const struct cgroup___owner *cgroup,
			     struct nfr_cgroup_key *key)
{
	__u32 class = 0, level = (__u32)BPF_CORE_READ(cgroup, level);
	const struct nfr_cgroup *found;

	__builtin_memset(key, 0, sizeof(*key));
	found = bpf_map_lookup_elem(&nfr_cgroups, key);
	if (found)
		class = found->class;
#pragma GCC unroll 12
	for (__u32 i = 1; i <= NFR_CGROUP_DEPTH; i++) {
		const struct cgroup___owner *at = 0;
		const char *name;

		if (i > level)
			break;
		bpf_probe_read_kernel(
			&at, sizeof(at),
			(const void *)__builtin_preserve_access_index(
				&cgroup->ancestors) +
				i * sizeof(at));
		name = at ? BPF_CORE_READ(at, kn, name) : 0;
		__builtin_memset(key->name, 0, sizeof(key->name));
		if (!name || bpf_probe_read_kernel_str(
				     key->name, sizeof(key->name), name) < 0)
			return class;
		found = bpf_map_lookup_elem(&nfr_cgroups, key);
		if (!found)
			break;
		key->parent = found->node;
		if (found->class)
			class = found->class;
	}
	return class;
}

/*
 * Of a socket that a process no longer holds, the group is not known: it was
 * its file's. What is half open is its listener's.
 */
NFR_INLINE void owner_read(const struct sock___owner *sk, __u32 *w,
			   struct nfr_cgroup_key *key)
{
	const struct cgroup___owner *cgroup =
		BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	const struct socket___owner *socket = BPF_CORE_READ(sk, sk_socket);
	const struct cred___owner *cred = 0;

	if (socket)
		cred = BPF_CORE_READ(socket, file, f_cred);
	w[NFR_F_UID] = BPF_CORE_READ(sk, sk_uid.val);
	if (cred)
		w[NFR_F_GID] = BPF_CORE_READ(cred, fsgid.val);
	if (cgroup)
		w[NFR_F_CGROUP] = owner_class(cgroup, key);
}

/* Of what goes out: skb is the kernel's; key is for this to use. */
NFR_INLINE void owner_of_packet(const void *skb, __u32 *w,
				struct nfr_cgroup_key *key)
{
	const struct sk_buff___owner *packet = skb;
	const struct sock___owner *sk = BPF_CORE_READ(packet, sk);
	__u32 state;

	owner_none(w);
	if (!sk)
		return;
	state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (state == OWNER_REQUEST)
		sk = BPF_CORE_READ(sk, __sk_common.skc_listener);
	if (state == OWNER_TIME_WAIT || !sk)
		return;
	if (owner_is_here(sk) && owner_made(sk, w))
		owner_read(sk, w, key);
}

/* Both ends of what came in, as the kernel's lookup wants them. */
NFR_INLINE __u32 owner_tuple(const __u32 *w, struct bpf_sock_tuple *tuple)
{
	__u16 sport = PACKET_SWAP16((__u16)w[NFR_F_SPORT]);
	__u16 dport = PACKET_SWAP16((__u16)w[NFR_F_DPORT]);

	if (w[NFR_F_FAMILY] == NFR_FAMILY_IPV4) {
		tuple->ipv4.saddr = PACKET_SWAP32(w[NFR_F_SRC0]);
		tuple->ipv4.daddr = PACKET_SWAP32(w[NFR_F_DST0]);
		tuple->ipv4.sport = sport;
		tuple->ipv4.dport = dport;
		return sizeof(tuple->ipv4);
	}
	for (int i = 0; i < 4; i++) {
		tuple->ipv6.saddr[i] = PACKET_SWAP32(w[NFR_F_SRC0 + i]);
		tuple->ipv6.daddr[i] = PACKET_SWAP32(w[NFR_F_DST0 + i]);
	}
	tuple->ipv6.sport = sport;
	tuple->ipv6.dport = dport;
	return sizeof(tuple->ipv6);
}

/*
 * The socket's address as a number: the verifier lets nobody add to a
 * reference, nor read beside what it knows of it.
 */
NFR_INLINE const struct sock___owner *owner_address(struct bpf_sock *sk)
{
	struct bpf_sock *volatile kept = sk;
	const struct sock___owner *address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), (const void *)&kept);
	return address;
}

/* Of what came in: ctx is the hook's; key is for this to use. */
NFR_INLINE void owner_of_arrival(void *ctx, __u32 *w,
				 struct nfr_cgroup_key *key)
{
	struct bpf_sock_tuple tuple = {0};
	const struct sock___owner *address;
	struct bpf_sock *sk;
	__u32 len;

	owner_none(w);
	if (w[NFR_F_FAMILY] == NFR_FAMILY_LINK ||
	    (w[NFR_F_PROTO] != PACKET_TCP && w[NFR_F_PROTO] != PACKET_UDP))
		return;
	len = owner_tuple(w, &tuple);
	if (w[NFR_F_PROTO] == PACKET_TCP)
		sk = bpf_sk_lookup_tcp(ctx, &tuple, len, BPF_F_CURRENT_NETNS,
				       0);
	else
		sk = bpf_sk_lookup_udp(ctx, &tuple, len, BPF_F_CURRENT_NETNS,
				       0);
	if (!sk)
		return;
	address = owner_address(sk);
	if (owner_is_here(address))
		owner_read(address, w, key);
	bpf_sk_release(sk);
}

#endif
