/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * origin.bpf.h: a packet on its way out, and its socket -> NFR_ORIGIN_*.
 *
 * Overview
 *   What a frame says of itself anyone can write who may write frames; the
 *   socket that it comes from is the kernel's word. A packet socket never holds
 *   a ticket, nor does a raw one, and what was forwarded has no socket here.
 *
 *   A process's ticket is its UDP socket's port, and the user: as long as the
 *   tunnel's device lives, so does its daemon, which holds the port, and nobody
 *   else can bind it. It works again after a restart as soon as the device is
 *   trusted again.
 *
 *   A tunnel of the kernel's (WireGuard) leaves on its packets the socket of
 *   whoever sent what it wraps. Its own socket is told to netfilter, so there
 *   the floor decides (origin_of_hook). At the edge a packet that this
 *   namespace has routed came by the floor; raw frames have no route.
 *
 * Invariants
 *   - What can not be read is not it.
 */
#ifndef NFR_ORIGIN_BPF_H
#define NFR_ORIGIN_BPF_H

#include "kmod-linux/env.bpf.h"
#include "runtime/packet.h"

#include <bpf/bpf_core_read.h>

#define ORIGIN_KERNEL __attribute__((preserve_access_index))

struct net___origin {
	__u64 net_cookie;
} ORIGIN_KERNEL;
struct net_ref___origin {
	struct net___origin *net;
} ORIGIN_KERNEL;
struct uid___origin {
	__u32 val;
} ORIGIN_KERNEL;
struct sock_common___origin {
	__u16 skc_num; /* the local port, host order */
	unsigned short skc_family;
	volatile unsigned char skc_state;
	struct net_ref___origin skc_net;
} ORIGIN_KERNEL;
struct sock___origin {
	struct sock_common___origin __sk_common;
	struct uid___origin sk_uid;
	__u16 sk_type, sk_protocol;
	__u8 sk_kern_sock : 1;
} ORIGIN_KERNEL;
struct net_device___origin {
	struct net_ref___origin nd_net;
} ORIGIN_KERNEL;
struct dst_entry___origin {
	struct net_device___origin *dev;
} ORIGIN_KERNEL;
struct sk_buff___origin {
	unsigned long _skb_refdst;
	struct sock___origin *sk;
} ORIGIN_KERNEL;

#define ORIGIN_INET 2	/* AF_INET */
#define ORIGIN_INET6 10 /* AF_INET6 */
#define ORIGIN_DGRAM 2	/* SOCK_DGRAM */
#define ORIGIN_RAW 3
#define ORIGIN_OWN_HEADER 255 /* IPPROTO_RAW */
#define ORIGIN_TIME_WAIT 6
#define ORIGIN_REQUEST 12

/* What is asked of a socket; all zero: there is none. */
struct origin_socket {
	__u64 net; /* the cookie of its namespace; never 0 */
	__u32 family, type, proto, port, uid, is_kernel;
};

NFR_INLINE int origin_is_short(__u32 state)
{
	return state == ORIGIN_TIME_WAIT || state == ORIGIN_REQUEST;
}

/* The verifier knows what sk points to. */
NFR_INLINE void origin_load(const struct sock___origin *sk,
			    struct origin_socket *s)
{
	s->net = sk->__sk_common.skc_net.net->net_cookie;
	s->family = sk->__sk_common.skc_family;
	s->proto = PACKET_TCP;
	if (origin_is_short(sk->__sk_common.skc_state))
		return;
	s->type = sk->sk_type;
	s->proto = sk->sk_protocol;
	s->port = sk->__sk_common.skc_num;
	s->uid = sk->sk_uid.val;
	s->is_kernel = BPF_CORE_READ_BITFIELD(sk, sk_kern_sock);
}

/* It does not: Linux 6.1. */
NFR_INLINE void origin_probe(const struct sock___origin *sk,
			     struct origin_socket *s)
{
	s->net = BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie);
	s->family = BPF_CORE_READ(sk, __sk_common.skc_family);
	s->proto = PACKET_TCP;
	if (origin_is_short(BPF_CORE_READ(sk, __sk_common.skc_state)))
		return;
	s->type = BPF_CORE_READ(sk, sk_type);
	s->proto = BPF_CORE_READ(sk, sk_protocol);
	s->port = BPF_CORE_READ(sk, __sk_common.skc_num);
	s->uid = BPF_CORE_READ(sk, sk_uid.val);
	s->is_kernel = BPF_CORE_READ_BITFIELD_PROBED(sk, sk_kern_sock);
}

/* Of the packet of tc, or of a cgroup. */
NFR_INLINE void origin_of_skb(struct __sk_buff *skb, struct origin_socket *s)
{
	const struct sk_buff___origin *packet = (const void *)skb;
	const struct sock___origin *sk;

	if (bpf_cast_to_kern_ctx) {
		packet = bpf_cast_to_kern_ctx(skb);
		sk = packet->sk;
		if (sk)
			origin_load(sk, s);
		return;
	}
	sk = BPF_CORE_READ(packet, sk);
	if (sk)
		origin_probe(sk, s);
}

/*
 * Does it write the protocol's header itself? The floor knows the sender's own
 * socket, which may write a header of any protocol. At the edge it may be that
 * of what a tunnel of the kernel's has wrapped.
 */
NFR_INLINE int origin_is_raw(const struct origin_socket *s, const __u32 *w)
{
	if (s->type != ORIGIN_RAW || s->is_kernel)
		return 0;
#ifdef NFR_FLOOR
	(void)w;
	return 1;
#else
	return s->proto == w[NFR_F_PROTO] || s->proto == ORIGIN_OWN_HEADER;
#endif
}

/* The ticket, as long as the tunnel that it is of lives; or NULL. */
NFR_INLINE const struct nfr_ticket *origin_ticket(void)
{
	const struct nfr_ticket *ticket;
	__u32 zero = 0, ifindex;

	ticket = bpf_map_lookup_elem(&nfr_ticket, &zero);
	if (!ticket)
		return 0;
	ifindex = ticket->ifindex;
	if (ifindex && !bpf_map_lookup_elem(&nfr_tunnels, &ifindex))
		return 0;
	return ticket;
}

/* Does a process's UDP socket hold it? */
NFR_INLINE int origin_is_daemon(const struct nfr_ticket *ticket,
				const struct origin_socket *s)
{
	return s->net == ticket->netns_cookie && !s->is_kernel &&
	       s->type == ORIGIN_DGRAM && s->proto == PACKET_UDP &&
	       (!ticket->port || s->port == ticket->port) &&
	       (ticket->uid == NFR_NO_ID || s->uid == ticket->uid);
}

/*
 * Of a ticket that nobody knows: what is not written raw, nor forwarded with
 * ports of its own choice. What the kernel wraps (ESP, GRE) may be forwarded.
 */
NFR_INLINE int origin_is_any(const struct nfr_ticket *ticket,
			     const struct origin_socket *s, const __u32 *w,
			     __u32 ingress)
{
	if (s->net && (origin_is_raw(s, w) || s->net != ticket->netns_cookie))
		return 0;
	return !ingress ||
	       (w[NFR_F_PROTO] != PACKET_UDP && w[NFR_F_PROTO] != PACKET_TCP);
}

/* Where a tunnel of the kernel's is told from others; hooks differ. */
NFR_INLINE int origin_is_tunnel(const struct nfr_ticket *ticket,
				const void *packet,
				const struct origin_socket *s, const __u32 *w);

NFR_INLINE int origin_has_ticket(const void *packet,
				 const struct origin_socket *s, const __u32 *w,
				 __u32 ingress)
{
	const struct nfr_ticket *ticket = origin_ticket();

	if (!ticket || ticket->kind == NFR_TICKET_NONE)
		return 0;
	if (ticket->kind == NFR_TICKET_ANY || w[NFR_F_PROTO] != PACKET_UDP)
		return origin_is_any(ticket, s, w, ingress);
	if (ingress)
		return 0;
	if (ticket->kind == NFR_TICKET_SOCKET)
		return origin_is_daemon(ticket, s);
	return ticket->kind == NFR_TICKET_KERNEL &&
	       origin_is_tunnel(ticket, packet, s, w);
}

/* Who made it. Who is of no inet socket writes frames. */
NFR_INLINE __u32 origin_maker(const void *packet, const struct origin_socket *s,
			      const __u32 *w, __u32 ingress)
{
	__u32 origin = 0;

	if (s->net && s->family != ORIGIN_INET && s->family != ORIGIN_INET6)
		return 0;
	if (w[NFR_F_FAMILY] == NFR_FAMILY_LINK ||
	    w[NFR_F_PROTO] == PACKET_ICMP6)
		return !ingress && (!s->net || s->is_kernel) ? NFR_ORIGIN_KERNEL
							     : 0;
	if (s->net && !ingress && s->type != ORIGIN_RAW)
		origin = NFR_ORIGIN_SOCKET;
	if (origin_has_ticket(packet, s, w, ingress))
		origin |= NFR_ORIGIN_TICKET;
	return origin;
}

/*
 * All of it: NFR_ORIGIN_*, for those who know no neighbours; the edge asks
 * (neighbour.bpf.h).
 */
NFR_INLINE __u32 origin_of(const void *packet, const struct origin_socket *s,
			   const __u32 *w, __u32 ingress)
{
	return origin_maker(packet, s, w, ingress) | NFR_ORIGIN_OWN |
	       NFR_ORIGIN_NEEDED;
}

/* The same of a plain TCP or UDP packet, of which only its flow's name is here.
 */
NFR_INLINE __u32 origin_of_flow(const void *packet,
				const struct origin_socket *s,
				const struct nfr_state_key *name, __u32 ingress)
{
	__u32 w[NFR_KEY_WORDS];

	w[NFR_F_FAMILY] = name->family;
	w[NFR_F_PROTO] = name->proto;
	w[NFR_F_SPORT] = name->near_port;
	w[NFR_F_BITS] = 0;
	return origin_of(packet, s, w, ingress);
}

#ifndef NFR_FLOOR

extern void *bpf_rdonly_cast(const void *, __u32)
__ksym __weak; /* Linux 6.2 */

/* Of the namespace that has routed it; 0: none has. */
NFR_INLINE __u64 origin_routed(const void *packet)
{
	const struct sk_buff___origin *skb = packet;
	const struct dst_entry___origin *dst;

	if (!bpf_cast_to_kern_ctx || !bpf_rdonly_cast) {
		dst = (const void *)(BPF_CORE_READ(skb, _skb_refdst) & ~1ul);
		return dst ? BPF_CORE_READ(dst, dev, nd_net.net, net_cookie)
			   : 0;
	}
	skb = bpf_cast_to_kern_ctx((void *)packet);
	dst = (const void *)(skb->_skb_refdst & ~1ul);
	if (!dst)
		return 0;
	dst = bpf_rdonly_cast(
		dst, bpf_core_type_id_kernel(struct dst_entry___origin));
	return dst->dev->nd_net.net->net_cookie;
}

/* Has this namespace routed it? Then it came by the floor, which was told. */
NFR_INLINE int origin_is_tunnel(const struct nfr_ticket *ticket,
				const void *packet,
				const struct origin_socket *s, const __u32 *w)
{
	(void)s;
	if (ticket->port && !(w[NFR_F_BITS] & NFR_BIT_LATER) &&
	    w[NFR_F_SPORT] != ticket->port)
		return 0;
	return origin_routed(packet) == ticket->netns_cookie;
}

#else

/* The socket is the sender's own here. */
NFR_INLINE int origin_is_tunnel(const struct nfr_ticket *ticket,
				const void *packet,
				const struct origin_socket *s, const __u32 *w)
{
	(void)packet;
	(void)w;
	return s->is_kernel && s->net == ticket->netns_cookie &&
	       (!ticket->port || s->port == ticket->port);
}

#endif
#endif
