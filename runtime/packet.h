/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * packet.h: a frame -> the packet key, or the reason why it can not be judged.
 *
 * Overview
 *   Headers are read in their order on the wire; the first doubt ends it. Two
 *   lengths matter: what can be read (start to end) and what the frame was on
 *   the wire (len). They differ for non-linear skbs and cut captures. A header
 *   must be readable; the lengths that headers state are held against len.
 *
 * Invariants
 *   - Every access goes through packet_at(), which checks it against end, and
 *     starts at most NFR_HEADERS_MAX bytes into the frame: that bound is also
 *     what lets the eBPF verifier follow the offsets.
 *   - HEADERS comes before SHORT for the same header; inside the IP payload,
 *     SHORT is also said of a header that the payload's length cuts off.
 *   - Only a key that came with NFR_REASON_NONE may be judged. After a doubt it
 *     holds what was read so far, for the trace.
 *
 * Sources: RFC 791, 8200, 4302, 9293, 768, 792, 4443, 4291; IEEE 802.1Q,
 * 802.1ad.
 */
#ifndef NFR_PACKET_H
#define NFR_PACKET_H

#include <linux/types.h>

#include "abi.h"

/* In eBPF a call costs, and its arguments are few; elsewhere a compiler knows.
 */
#ifdef __bpf__
#define NFR_INLINE static inline __attribute__((always_inline))
#else
#define NFR_INLINE static inline
#endif

#define PACKET_ETH_LEN 14
#define PACKET_VLAN_LEN 4
#define PACKET_ETHERTYPE_IPV4 0x0800
#define PACKET_ETHERTYPE_IPV6 0x86dd
#define PACKET_ETHERTYPE_VLAN 0x8100
#define PACKET_ETHERTYPE_QINQ 0x88a8

#define PACKET_ICMP 1
#define PACKET_TCP 6
#define PACKET_UDP 17
#define PACKET_ICMP6 58
#define PACKET_HOPOPTS 0
#define PACKET_ROUTING 43
#define PACKET_FRAGMENT 44
#define PACKET_AH 51
#define PACKET_DSTOPTS 60

/* The bytes of a frame, as long as one call lasts. */
struct packet_frame {
	const __u8 *start;
	const __u8 *end; /* of what can be read */
	__u32 len;	 /* on the wire; at least end - start */
	__u32 ifindex;
	__u32 ingress;	/* ifindex where it came into the host; 0: not known */
	__u8 dir;	/* enum nfr_dir */
	__u8 link;	/* enum nfr_link */
	__u16 received; /* what NFR_F_RECEIVED will be */
	__u8 is_brief;	/* a constant: extension headers are PACKET_MORE */
};

/* A doubt of a brief frame only: the packet is to be parsed whole. */
#define PACKET_MORE 0xff

/* Where the walk along IPv6 extension headers stands. */
struct packet_walk {
	__u32 off;
	__u32 limit;
	__u32 next;
	__u32 has_fragment;
};

/* What TCP tracking asks of a segment. */
struct packet_segment {
	__u32 seq;
	__u32 ack;
	__u32 len;	  /* of the payload here, in bytes */
	__u16 window;	  /* as the header has it, not scaled */
	__u16 header_len; /* with options */
};

/* What parsing found. */
struct packet {
	struct nfr_key key;
	__u32 network;	 /* offset of the network header */
	__u32 transport; /* and of the transport header; 0: it was not read */
	__u16 echo_id;	 /* ICMP and ICMPv6: bytes 4-5, the identifier of echoes
			  */
	__u16 outer;	 /* outermost EtherType; 0x0800/0x86dd on raw links */
	__u32 end;	 /* offset behind the IP payload, without padding */
	struct packet_walk walk;
	/* Of fragments (NFR_BIT_FRAGMENT) only: */
	__u32 datagram;	 /* identification */
	__u32 part;	 /* offset in the frame of what it carries, ... */
	__u32 part_at;	 /* ... which is at so many bytes in the datagram */
	__u32 part_more; /* nonzero: others follow it */
	struct packet_segment segment; /* TCP */
};

/*
 * What was read before is read again. In eBPF the paths through the parser
 * then meet in one state, as the verifier knows nothing of a map's memory.
 */
#define PACKET_FORGET() __asm__ volatile("" ::: "memory")

/*
 * Hides a value from the optimiser. In eBPF the bound that was checked must
 * be on the very register that is used.
 */
#define PACKET_OPAQUE(x) __asm__ volatile("" : "+r"(x))
#define PACKET_IN_MEMORY(x) __asm__ volatile("" : "+m"(x))

/* n readable bytes at off, or NULL; packet_missing() says why not. */
NFR_INLINE const __u8 *packet_at(const struct packet_frame *frame, __u32 off,
				 __u32 n, __u32 limit)
{
	const __u8 *at;

	PACKET_OPAQUE(off);
	if (off > NFR_HEADERS_MAX - n || off + n > limit)
		return 0;
	at = frame->start + off;
	PACKET_OPAQUE(at);
	if (at + n > frame->end)
		return 0;
	return at;
}

/* Why a header that ends at end can not be read; NONE when it can. */
NFR_INLINE __u8 packet_missing(const struct packet_frame *frame, __u32 end,
			       __u32 limit)
{
	if (end > NFR_HEADERS_MAX)
		return NFR_REASON_HEADERS;
	if (end > limit || end > (__u32)(frame->end - frame->start))
		return NFR_REASON_SHORT;
	return NFR_REASON_NONE;
}

/*
 * Headers lie at odd addresses. The eBPF target has unaligned loads for
 * packets, but its compiler would split a memcpy() into bytes.
 */
#ifdef __bpf__
#define PACKET_LOAD(type, at) (*(const type *)(at))
#else
#define PACKET_LOAD(type, at)                                                  \
	(__extension__({                                                       \
		type packet_value;                                             \
		__builtin_memcpy(&packet_value, at, sizeof(packet_value));     \
		packet_value;                                                  \
	}))
#endif
/*
 * The four words of an address, each as it was written: two at once would wait
 * until both writes are in the cache.
 */
NFR_INLINE void packet_copy_addr(__u32 *to, const __u32 *from)
{
	to[0] = from[0];
	to[1] = from[1];
	to[2] = from[2];
	to[3] = from[3];
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define PACKET_SWAP16(x) __builtin_bswap16(x)
#define PACKET_SWAP32(x) __builtin_bswap32(x)
#else
#define PACKET_SWAP16(x) (x)
#define PACKET_SWAP32(x) (x)
#endif

NFR_INLINE __u32 packet_be16(const __u8 *at)
{
	return PACKET_SWAP16(PACKET_LOAD(__u16, at));
}

NFR_INLINE __u32 packet_be32(const __u8 *at)
{
	return PACKET_SWAP32(PACKET_LOAD(__u32, at));
}

#define TCP_FIN 0x01u
#define TCP_SYN 0x02u
#define TCP_RST 0x04u
#define TCP_ACK 0x10u

/*
 * Flags of no segment that a host sends: not a SYN alone nor with ACK, not of a
 * connection (RFC 9293 3.10.7.4: without ACK it is dropped), not a reset. What
 * is made so asks who answers how, or how a filter reads it.
 */
NFR_INLINE int packet_is_nonsense(__u32 flags)
{
	__u32 way = flags & (TCP_FIN | TCP_SYN | TCP_RST);

	return (flags & (TCP_SYN | TCP_ACK)) != TCP_ACK && way != TCP_SYN &&
	       way != TCP_RST;
}

NFR_INLINE __u8 packet_tcp(const struct packet_frame *frame,
			   struct packet *packet, __u32 off, __u32 limit)
{
	const __u8 *tcp = packet_at(frame, off, 20, limit);
	__u32 len;

	if (!tcp)
		return packet_missing(frame, off + 20, limit);
	len = (tcp[12] >> 4) * 4u;
	packet->key.w[NFR_F_SPORT] = packet_be16(tcp);
	packet->key.w[NFR_F_DPORT] = packet_be16(tcp + 2);
	packet->key.w[NFR_F_TCPFLAGS] = tcp[13];
	if (len < 20)
		return NFR_REASON_L4_LENGTH;
	if (off + len > NFR_HEADERS_MAX)
		return NFR_REASON_HEADERS;
	if (off + len > limit)
		return NFR_REASON_L4_LENGTH;
	packet->segment.seq = packet_be32(tcp + 4);
	packet->segment.ack = packet_be32(tcp + 8);
	packet->segment.len = limit - off - len;
	packet->segment.window = (__u16)packet_be16(tcp + 14);
	packet->segment.header_len = (__u16)len;
	return packet_is_nonsense(tcp[13]) ? NFR_REASON_TCP_FLAGS
					   : NFR_REASON_NONE;
}

NFR_INLINE __u8 packet_udp(const struct packet_frame *frame,
			   struct packet *packet, __u32 off, __u32 limit)
{
	const __u8 *udp = packet_at(frame, off, 8, limit);
	__u32 len;

	if (!udp)
		return packet_missing(frame, off + 8, limit);
	len = packet_be16(udp + 4);
	packet->key.w[NFR_F_SPORT] = packet_be16(udp);
	packet->key.w[NFR_F_DPORT] = packet_be16(udp + 2);
	if (len < 8)
		return NFR_REASON_L4_LENGTH;
	/* A first fragment states the length of the whole datagram. */
	if (off + len > limit &&
	    !(packet->key.w[NFR_F_BITS] & NFR_BIT_FRAGMENT))
		return NFR_REASON_L4_LENGTH;
	return NFR_REASON_NONE;
}

NFR_INLINE __u8 packet_icmp(const struct packet_frame *frame,
			    struct packet *packet, __u32 off, __u32 limit)
{
	const __u8 *icmp = packet_at(frame, off, 8, limit);

	if (!icmp)
		return packet_missing(frame, off + 8, limit);
	packet->key.w[NFR_F_ICMP] = packet_be16(icmp);
	packet->echo_id = (__u16)packet_be16(icmp + 4);
	return NFR_REASON_NONE;
}

/* limit: the end of the IP payload, from the start of the frame. */
NFR_INLINE __u8 packet_transport(const struct packet_frame *frame,
				 struct packet *packet, __u32 proto, __u32 off,
				 __u32 limit)
{
	__u32 icmp = packet->key.w[NFR_F_FAMILY] == NFR_FAMILY_IPV4
			     ? PACKET_ICMP
			     : PACKET_ICMP6;

	packet->key.w[NFR_F_PROTO] = proto;
	if (packet->key.w[NFR_F_BITS] & NFR_BIT_LATER)
		return NFR_REASON_NONE;
	packet->transport = off;
	if (proto == PACKET_TCP)
		return packet_tcp(frame, packet, off, limit);
	if (proto == PACKET_UDP)
		return packet_udp(frame, packet, off, limit);
	if (proto == icmp)
		return packet_icmp(frame, packet, off, limit);
	return NFR_REASON_NONE;
}

/* part: offset of what the fragment carries; at: bytes before it. */
NFR_INLINE void packet_fragment(struct packet *packet, __u32 datagram,
				__u32 part, __u32 at, __u32 more)
{
	packet->key.w[NFR_F_BITS] |=
		at ? NFR_BIT_FRAGMENT | NFR_BIT_LATER : NFR_BIT_FRAGMENT;
	packet->datagram = datagram;
	packet->part = part;
	packet->part_at = at;
	packet->part_more = more;
}

NFR_INLINE __u8 packet_ipv4(const struct packet_frame *frame,
			    struct packet *packet, __u32 off)
{
	__u32 *w = packet->key.w;
	const __u8 *ip = packet_at(frame, off, 20, frame->len);
	__u32 header_len, total_len, fragment;
	__u8 doubt;

	if (!ip)
		return packet_missing(frame, off + 20, frame->len);
	if (ip[0] >> 4 != 4)
		return NFR_REASON_IP_VERSION;
	header_len = (ip[0] & 15) * 4u;
	total_len = packet_be16(ip + 2);
	w[NFR_F_TOS] = ip[1];
	w[NFR_F_TTL] = ip[8];
	w[NFR_F_PROTO] = ip[9];
	w[NFR_F_SRC0] = packet_be32(ip + 12);
	w[NFR_F_DST0] = packet_be32(ip + 16);
	if (header_len < 20)
		return NFR_REASON_IP_LENGTH;
	doubt = packet_missing(frame, off + header_len, frame->len);
	if (doubt)
		return doubt;
	if (total_len < header_len || total_len > frame->len - off)
		return NFR_REASON_IP_LENGTH;
	if (header_len > 20)
		w[NFR_F_BITS] |= NFR_BIT_OPTIONS;
	packet->end = off + total_len;
	fragment = packet_be16(ip + 6);
	if (fragment & 0x3fff)
		packet_fragment(packet, packet_be16(ip + 4), off + header_len,
				(fragment & 0x1fff) * 8, fragment & 0x2000);
	return packet_transport(frame, packet, ip[9], off + header_len,
				off + total_len);
}

NFR_INLINE int packet_is_exthdr(__u32 next)
{
	return next == PACKET_HOPOPTS || next == PACKET_ROUTING ||
	       next == PACKET_FRAGMENT || next == PACKET_AH ||
	       next == PACKET_DSTOPTS;
}

/* Reads the extension header at walk->off, the index-th, and steps over it. */
NFR_INLINE __u8 packet_exthdr(const struct packet_frame *frame,
			      struct packet *packet, struct packet_walk *walk,
			      int index)
{
	__u32 *w = packet->key.w;
	const __u8 *ext = packet_at(frame, walk->off, 8, walk->limit);
	__u32 next = walk->next, len;
	__u8 doubt;

	if (!ext)
		return packet_missing(frame, walk->off + 8, walk->limit);
	if (next == PACKET_FRAGMENT)
		len = 8;
	else if (next == PACKET_AH)
		len = (ext[1] + 2) * 4u;
	else
		len = (ext[1] + 1) * 8u;
	doubt = packet_missing(frame, walk->off + len, walk->limit);
	if (doubt)
		return doubt;
	if (next == PACKET_HOPOPTS && index > 0)
		return NFR_REASON_EXTHDR;
	if (next == PACKET_HOPOPTS || next == PACKET_DSTOPTS)
		w[NFR_F_BITS] |= NFR_BIT_OPTIONS;
	if (next == PACKET_ROUTING && (ext[3] != 0 || ext[2] == 0))
		return NFR_REASON_ROUTING;
	if (next == PACKET_FRAGMENT) {
		if (walk->has_fragment)
			return NFR_REASON_EXTHDR;
		walk->has_fragment = 1;
		packet_fragment(packet, packet_be32(ext + 4), walk->off + 8,
				packet_be16(ext + 2) & 0xfff8u, ext[3] & 1);
	}
	walk->next = ext[0];
	walk->off += len;
	return NFR_REASON_NONE;
}

NFR_INLINE __u8 packet_exthdrs(const struct packet_frame *frame,
			       struct packet *packet, struct packet_walk *walk)
{
#pragma GCC unroll 8
	for (int i = 0; i <= NFR_EXTHDRS_MAX; i++) {
		__u8 doubt;

		if (!packet_is_exthdr(walk->next) ||
		    packet->key.w[NFR_F_BITS] & NFR_BIT_LATER)
			return NFR_REASON_NONE;
		if (i == NFR_EXTHDRS_MAX)
			break;
		doubt = packet_exthdr(frame, packet, walk, i);
		if (doubt)
			return doubt;
		PACKET_FORGET();
	}
	return NFR_REASON_EXTHDR;
}

/*
 * ::ffff:a.b.c.d stands for IPv4 inside of a host (RFC 4291 2.5.5.2). On a wire
 * it is a disguise: RFC 4942 2.2 and RFC 5156 2.2 want it dropped, and a table
 * would take it for a.b.c.d where a prefix would not.
 */
NFR_INLINE int packet_is_mapped(const __u32 *addr)
{
	return addr[0] == 0 && addr[1] == 0 && addr[2] == 0xffff;
}

NFR_INLINE __u8 packet_ipv6(const struct packet_frame *frame,
			    struct packet *packet, __u32 off)
{
	__u32 *w = packet->key.w;
	const __u8 *ip = packet_at(frame, off, 40, frame->len);
	struct packet_walk *walk = &packet->walk;
	__u32 payload_len;
	__u8 doubt;

	if (!ip)
		return packet_missing(frame, off + 40, frame->len);
	if (ip[0] >> 4 != 6)
		return NFR_REASON_IP_VERSION;
	payload_len = packet_be16(ip + 4);
	walk->off = off + 40;
	walk->next = ip[6];
	w[NFR_F_TOS] = packet_be16(ip) >> 4 & 0xff;
	w[NFR_F_PROTO] = ip[6];
	w[NFR_F_TTL] = ip[7];
	for (int i = 0; i < 4; i++) {
		w[NFR_F_SRC0 + i] = packet_be32(ip + 8 + 4 * i);
		w[NFR_F_DST0 + i] = packet_be32(ip + 24 + 4 * i);
	}
	/* 0 would be a jumbogram's (RFC 2675), unless nothing follows. */
	if (payload_len > frame->len - walk->off ||
	    (payload_len == 0 && frame->len > walk->off))
		return NFR_REASON_IP_LENGTH;
	if (packet_is_mapped(&w[NFR_F_SRC0]) ||
	    packet_is_mapped(&w[NFR_F_DST0]))
		return NFR_REASON_ADDRESS;
	walk->limit = walk->off + payload_len;
	packet->end = walk->limit;
	if (frame->is_brief && packet_is_exthdr(walk->next))
		return PACKET_MORE;
	doubt = packet_exthdrs(frame, packet, walk);
	if (doubt)
		return doubt;
	return packet_transport(frame, packet, walk->next, walk->off,
				walk->limit);
}

NFR_INLINE int packet_is_vlan(__u32 ethertype)
{
	return ethertype == PACKET_ETHERTYPE_VLAN ||
	       ethertype == PACKET_ETHERTYPE_QINQ;
}

/* Leaves the innermost EtherType in the key and the offset behind it. */
NFR_INLINE __u8 packet_ether(const struct packet_frame *frame,
			     struct packet *packet)
{
	const __u8 *at = packet_at(frame, 0, PACKET_ETH_LEN, frame->len);
	__u32 off = PACKET_ETH_LEN, ethertype;

	if (!at)
		return NFR_REASON_SHORT;
	ethertype = packet_be16(at + 12);
	packet->outer = (__u16)ethertype;
#pragma GCC unroll 2
	for (int i = 0; i < NFR_VLAN_TAGS_MAX; i++) {
		if (!packet_is_vlan(ethertype))
			break;
		at = packet_at(frame, off, PACKET_VLAN_LEN, frame->len);
		if (!at)
			return NFR_REASON_SHORT;
		ethertype = packet_be16(at + 2);
		off += PACKET_VLAN_LEN;
	}
	packet->key.w[NFR_F_ETHERTYPE] = ethertype;
	packet->network = off;
	return packet_is_vlan(ethertype) ? NFR_REASON_VLAN : NFR_REASON_NONE;
}

NFR_INLINE __u8 packet_raw(const struct packet_frame *frame,
			   struct packet *packet)
{
	const __u8 *at = packet_at(frame, 0, 1, frame->len);

	if (!at)
		return NFR_REASON_SHORT;
	packet->network = 0;
	if (at[0] >> 4 == 4)
		packet->key.w[NFR_F_ETHERTYPE] = PACKET_ETHERTYPE_IPV4;
	else if (at[0] >> 4 == 6)
		packet->key.w[NFR_F_ETHERTYPE] = PACKET_ETHERTYPE_IPV6;
	else
		return NFR_REASON_IP_VERSION;
	packet->outer = (__u16)packet->key.w[NFR_F_ETHERTYPE];
	return NFR_REASON_NONE;
}

/*
 * May the two bytes at this offset still change? Where checksums are offloaded,
 * the kernel writes one after every hook, and who sends raw frames, or is a
 * virtual machine, says where (struct virtio_net_hdr): not over what the key
 * was read from.
 */
NFR_INLINE int packet_may_change(const struct packet *packet, __u32 off)
{
	__u32 proto = packet->key.w[NFR_F_PROTO];

	if (!packet->transport || off < packet->transport)
		return 0;
	off -= packet->transport;
	if (proto == PACKET_TCP)
		return off >= 14;
	if (proto == PACKET_UDP)
		return off >= 6;
	if (proto == PACKET_ICMP || proto == PACKET_ICMP6)
		return off == 2 || off >= 8;
	return 1;
}

NFR_INLINE void packet_clear(struct packet *packet)
{
	__builtin_memset(packet, 0, sizeof(*packet));
}

/* NFR_REASON_NONE when the packet's key may be judged, else the doubt. */
NFR_INLINE __u8 packet_parse(const struct packet_frame *frame,
			     struct packet *packet, __u32 ifid)
{
	__u32 *w = packet->key.w;
	__u8 doubt;

	packet_clear(packet);
	w[NFR_F_IFID] = ifid;
	w[NFR_F_DIR] = frame->dir;
	w[NFR_F_RECEIVED] = frame->received;
	if (frame->link == NFR_LINK_ETHER)
		doubt = packet_ether(frame, packet);
	else if (frame->link == NFR_LINK_RAW)
		doubt = packet_raw(frame, packet);
	else
		return NFR_REASON_LINK;
	if (doubt)
		return doubt;
	if (w[NFR_F_ETHERTYPE] == PACKET_ETHERTYPE_IPV4) {
		w[NFR_F_FAMILY] = NFR_FAMILY_IPV4;
		return packet_ipv4(frame, packet, packet->network);
	}
	if (w[NFR_F_ETHERTYPE] == PACKET_ETHERTYPE_IPV6) {
		w[NFR_F_FAMILY] = NFR_FAMILY_IPV6;
		return packet_ipv6(frame, packet, packet->network);
	}
	return NFR_REASON_NONE;
}

#endif
