/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * rewrite.h: a packet and what its addresses become -> the bytes that change.
 *
 * Overview
 *   rewrite_plan() reads the headers and writes down edits: places and new
 *   bytes, checksums included. rewrite_apply() stores them, through
 *   env_store(): memory in user space, bpf_skb_store_bytes() in tc. As both
 *   store the same edits, the same bytes come out of both.
 *
 * Checksums
 *   Incremental (RFC 1624, eqn. 3), so a wrong one stays wrong, by as much.
 *   - Addresses are part of the pseudo header of TCP, UDP, UDP-Lite, DCCP and
 *     ICMPv6; ports and echo identifiers are part of the transport header.
 *   - UDP: 0 means "none" and stays 0, also over IPv6 (there it is for the
 *     receiver to refuse, RFC 6936); a checksum that comes to be 0 is written
 *     as 0xffff (RFC 768).
 *   - Where the kernel still has to write the checksum (CHECKSUM_PARTIAL, and
 *     each part of a packet that it will cut), the field holds the sum of the
 *     pseudo header, not inverted: only addresses change it.
 *   - Where the device has summed the packet up (CHECKSUM_COMPLETE), the
 *     kernel takes each stored byte into its sum (BPF_F_RECOMPUTE_CSUM). That
 *     is right for both families, in every kernel. bpf_l4_csum_replace() is
 *     not: over IPv6 it needs BPF_F_IPV6, which is new in 6.16.
 *   - A later fragment has addresses only; its first carries the checksum of
 *     the datagram. So has a protocol that is not named here: the checksum of
 *     SCTP does not cover addresses, and that of others is unknown.
 *   - ICMP errors: the quoted headers change the other way round, each of
 *     their checksums that is quoted with them, and the outer one with all.
 *
 * Invariants
 *   - Nothing is stored unless everything could be planned.
 *   - All that is edited lies in headers that the parser read, or in the part
 *     of a quoted packet that lies within the first NFR_HEADERS_MAX bytes.
 *   - Whoever calls rewrite_apply() in eBPF has lost all packet pointers.
 */
#ifndef NFR_REWRITE_H
#define NFR_REWRITE_H

#include "packet.h"

#define REWRITE_UDPLITE 136
#define REWRITE_DCCP 33
#define REWRITE_NO_PLACE 0xffffffffu

/* What a packet shall have; as in a key. Echoes: the identifier in both. */
struct rewrite_to {
	__u32 src[4], dst[4];
	__u16 sport, dport;
};

/* Headers that belong together: the packet's own, or those an error quotes. */
struct rewrite_headers {
	__u32 network;	 /* offsets in the frame */
	__u32 transport; /* 0: only addresses */
	__u32 limit;	 /* what lies behind this is not theirs */
	__u8 family;	 /* enum nfr_family */
	__u8 proto;
	__u16 reserved;
};

/* How the kernel treats the frame after us. */
struct rewrite_offload {
	__u32 place; /* of the checksum it will write, or REWRITE_NO_PLACE */
	__u32 is_cut;
};

#define REWRITE_EDIT_LEN 36
struct rewrite_edit {
	__u16 off;
	__u16 len; /* 0: nothing is to be changed */
	__u8 bytes[REWRITE_EDIT_LEN];
};

enum rewrite_slot {
	REWRITE_NETWORK,
	REWRITE_PORTS,
	REWRITE_CHECKSUM,
	REWRITE_QUOTED_NETWORK,
	REWRITE_QUOTED_PORTS,
	REWRITE_QUOTED_CHECKSUM,
	REWRITE_SLOTS
};
struct rewrite {
	struct rewrite_edit edit[REWRITE_SLOTS];
};

/* Sums of 16-bit words, new less old, before they are folded. */
struct rewrite_delta {
	__u32 addresses; /* what a pseudo header sees */
	__u32 all;	 /* of all edits so far: what an outer checksum sees */
};

/* ---- sums (RFC 1071, RFC 1624) ------------------------------------------ */

NFR_INLINE __u32 rewrite_differ16(__u32 old, __u32 new)
{
	return (~old & 0xffff) + (new & 0xffff);
}

NFR_INLINE __u32 rewrite_differ32(__u32 old, __u32 new)
{
	return rewrite_differ16(old, new) +
	       rewrite_differ16(old >> 16, new >> 16);
}

NFR_INLINE __u32 rewrite_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

NFR_INLINE __u32 rewrite_checksum(__u32 old, __u32 delta)
{
	return ~rewrite_fold((~old & 0xffff) + rewrite_fold(delta)) & 0xffff;
}

/* ---- edits --------------------------------------------------------------- */

NFR_INLINE void rewrite_put16(struct rewrite_edit *edit, __u32 at, __u32 value)
{
	edit->bytes[at] = (__u8)(value >> 8);
	edit->bytes[at + 1] = (__u8)value;
}

NFR_INLINE void rewrite_put32(struct rewrite_edit *edit, __u32 at, __u32 value)
{
	rewrite_put16(edit, at, value >> 16);
	rewrite_put16(edit, at + 2, value);
}

/* Bytes 8-19 of an IPv4 header: TTL, protocol, checksum, addresses. */
NFR_INLINE int rewrite_ipv4(const struct packet_frame *frame,
			    const struct rewrite_headers *headers,
			    const struct rewrite_to *to, __u32 hops,
			    struct rewrite_edit *edit,
			    struct rewrite_delta *delta)
{
	const __u8 *ip = packet_at(frame, headers->network, 20, headers->limit);
	__u32 old, sum, ttl, ttl_word;

	if (!ip)
		return 0;
	old = packet_be16(ip + 10);
	ttl_word = packet_be16(ip + 8);
	ttl = ttl_word - (hops << 8);
	delta->addresses = rewrite_differ32(packet_be32(ip + 12), to->src[0]) +
			   rewrite_differ32(packet_be32(ip + 16), to->dst[0]);
	sum = rewrite_checksum(old, delta->addresses +
					    rewrite_differ16(ttl_word, ttl));
	delta->all += delta->addresses + rewrite_differ16(ttl_word, ttl) +
		      rewrite_differ16(old, sum);
	edit->off = (__u16)(headers->network + 8);
	edit->len = 12;
	rewrite_put16(edit, 0, ttl);
	rewrite_put16(edit, 2, sum);
	rewrite_put32(edit, 4, to->src[0]);
	rewrite_put32(edit, 8, to->dst[0]);
	return 1;
}

/* Bytes 6-39 of an IPv6 header: next header, hop limit, addresses. */
NFR_INLINE int rewrite_ipv6(const struct packet_frame *frame,
			    const struct rewrite_headers *headers,
			    const struct rewrite_to *to, __u32 hops,
			    struct rewrite_edit *edit,
			    struct rewrite_delta *delta)
{
	const __u8 *ip = packet_at(frame, headers->network, 40, headers->limit);
	__u32 hop_word, sum = 0;

	if (!ip)
		return 0;
	hop_word = packet_be16(ip + 6);
	rewrite_put16(edit, 0, hop_word - hops);
	for (int i = 0; i < 4; i++) {
		sum += rewrite_differ32(packet_be32(ip + 8 + 4 * i),
					to->src[i]) +
		       rewrite_differ32(packet_be32(ip + 24 + 4 * i),
					to->dst[i]);
		rewrite_put32(edit, 2 + 4 * i, to->src[i]);
		rewrite_put32(edit, 18 + 4 * i, to->dst[i]);
	}
	edit->off = (__u16)(headers->network + 6);
	edit->len = 34;
	delta->addresses = sum;
	delta->all += sum + rewrite_differ16(hop_word, hop_word - hops);
	return 1;
}

/* ---- transport headers --------------------------------------------------- */

/* Where the checksum lies in the transport header; 0: there is none. */
NFR_INLINE __u32 rewrite_checksum_at(__u32 family, __u32 proto)
{
	if (proto == PACKET_TCP)
		return 16;
	if (proto == PACKET_UDP || proto == REWRITE_UDPLITE ||
	    proto == REWRITE_DCCP)
		return 6;
	if (proto == (family == NFR_FAMILY_IPV4 ? PACKET_ICMP : PACKET_ICMP6))
		return 2;
	return 0;
}

/* Ports, or the identifier of an echo. Nonzero unless they can not be read. */
NFR_INLINE int rewrite_ports(const struct packet_frame *frame,
			     const struct rewrite_headers *headers,
			     const struct rewrite_to *to,
			     struct rewrite_edit *edit,
			     struct rewrite_delta *delta)
{
	__u32 ports = (__u32)to->sport << 16 | to->dport;
	const __u8 *at;

	if (headers->proto == PACKET_TCP || headers->proto == PACKET_UDP) {
		at = packet_at(frame, headers->transport, 4, headers->limit);
		if (!at)
			return 0;
		edit->off = (__u16)headers->transport;
		edit->len = 4;
		rewrite_put32(edit, 0, ports);
		delta->all += rewrite_differ32(packet_be32(at), ports);
	} else {
		at = packet_at(frame, headers->transport + 4, 2,
			       headers->limit);
		if (!at)
			return 0;
		edit->off = (__u16)(headers->transport + 4);
		edit->len = 2;
		rewrite_put16(edit, 0, to->sport);
		delta->all += rewrite_differ16(packet_be16(at), to->sport);
	}
	return 1;
}

/* The checksum at off over what changed; nonzero unless it can not be read. */
NFR_INLINE int rewrite_sum(const struct packet_frame *frame,
			   const struct rewrite_headers *headers, __u32 off,
			   __u32 changed, int is_seed,
			   struct rewrite_edit *edit,
			   struct rewrite_delta *delta)
{
	const __u8 *at = packet_at(frame, off, 2, headers->limit);
	__u32 old, sum;

	if (!at)
		return 0;
	old = packet_be16(at);
	if (is_seed)
		sum = rewrite_fold(old + rewrite_fold(changed));
	else
		sum = rewrite_checksum(old, changed);
	if (!is_seed && headers->proto == PACKET_UDP) {
		if (old == 0)
			return 1;
		if (sum == 0)
			sum = 0xffff;
	}
	edit->off = (__u16)off;
	edit->len = 2;
	rewrite_put16(edit, 0, sum);
	delta->all += rewrite_differ16(old, sum);
	return 1;
}

NFR_INLINE int rewrite_is_echo(const struct packet *packet)
{
	__u32 type = packet->key.w[NFR_F_ICMP] >> 8;

	if (packet->key.w[NFR_F_FAMILY] == NFR_FAMILY_IPV4)
		return type == 8 || type == 0;
	return type == 128 || type == 129;
}

NFR_INLINE int rewrite_has_ports(const struct rewrite_headers *headers,
				 int is_echo)
{
	__u32 icmp =
		headers->family == NFR_FAMILY_IPV4 ? PACKET_ICMP : PACKET_ICMP6;

	return headers->proto == PACKET_TCP || headers->proto == PACKET_UDP ||
	       (headers->proto == icmp && is_echo);
}

/* ---- whole packets ------------------------------------------------------- */

NFR_INLINE int rewrite_network(const struct packet_frame *frame,
			       const struct rewrite_headers *headers,
			       const struct rewrite_to *to, __u32 hops,
			       struct rewrite_edit *edit,
			       struct rewrite_delta *delta)
{
	if (headers->family == NFR_FAMILY_IPV4)
		return rewrite_ipv4(frame, headers, to, hops, edit, delta);
	return rewrite_ipv6(frame, headers, to, hops, edit, delta);
}

NFR_INLINE void rewrite_clear(struct rewrite *out)
{
	for (int i = 0; i < REWRITE_SLOTS; i++)
		out->edit[i].len = 0;
}

/*
 * The headers that an ICMP error quotes; *all is what the outer checksum must
 * take in. A checksum that is not quoted is not changed.
 */
NFR_INLINE int rewrite_quoted(const struct packet_frame *frame,
			      const struct rewrite_headers *quoted,
			      const struct rewrite_to *to, struct rewrite *out,
			      __u32 *all)
{
	struct rewrite_delta delta = {0};
	__u32 at, before, changed;

	if (!rewrite_network(frame, quoted, to, 0,
			     &out->edit[REWRITE_QUOTED_NETWORK], &delta))
		return 0;
	at = rewrite_checksum_at(quoted->family, quoted->proto);
	if (quoted->transport) {
		before = delta.all;
		/* Of ICMP, only echoes make flows that an error can quote. */
		if (rewrite_has_ports(quoted, 1) &&
		    !rewrite_ports(frame, quoted, to,
				   &out->edit[REWRITE_QUOTED_PORTS], &delta))
			return 0;
		changed = delta.all - before;
		if (quoted->proto != PACKET_ICMP)
			changed += delta.addresses;
		if (at)
			rewrite_sum(
				frame, quoted, quoted->transport + at, changed,
				0, &out->edit[REWRITE_QUOTED_CHECKSUM], &delta);
	}
	*all = delta.all;
	return 1;
}

/* Will the kernel write its checksum over something that is edited? */
NFR_INLINE int rewrite_collides(const struct rewrite *plan, __u32 place,
				__u32 own)
{
	if (place == REWRITE_NO_PLACE || place == own)
		return 0;
#pragma GCC unroll 6
	for (int i = 0; i < REWRITE_SLOTS; i++) {
		const struct rewrite_edit *edit = &plan->edit[i];

		if (edit->len && place + 2 > edit->off &&
		    place < (__u32)edit->off + edit->len)
			return 1;
	}
	return 0;
}

/*
 * NFR_REASON_NONE and in *out what changes, else the doubt. The packet was
 * parsed without one. hops is taken from the TTL, which must be larger. quoted
 * is NULL unless the packet is an ICMP error whose quoted headers are to be
 * rewritten to *quoted_to.
 */
NFR_INLINE __u8 rewrite_plan(const struct packet_frame *frame,
			     const struct packet *packet,
			     const struct rewrite_to *to, __u32 hops,
			     const struct rewrite_headers *quoted,
			     const struct rewrite_to *quoted_to,
			     const struct rewrite_offload *offload,
			     struct rewrite *out)
{
	struct rewrite_headers own = {
		.network = packet->network,
		.transport = packet->transport,
		.limit = frame->len,
		.family = (__u8)packet->key.w[NFR_F_FAMILY],
		.proto = (__u8)packet->key.w[NFR_F_PROTO],
	};
	struct rewrite_delta delta = {0};
	__u32 at, place = 0, changed = 0, before;
	int is_seed = 0;

	rewrite_clear(out);
	if (quoted && !rewrite_quoted(frame, quoted, quoted_to, out, &changed))
		return NFR_REASON_REWRITE;
	if (!rewrite_network(frame, &own, to, hops, &out->edit[REWRITE_NETWORK],
			     &delta))
		return NFR_REASON_REWRITE;
	at = rewrite_checksum_at(own.family, own.proto);
	if (own.transport && at) {
		place = own.transport + at;
		is_seed =
			offload->place == place ||
			(offload->place != REWRITE_NO_PLACE && offload->is_cut);
		before = delta.all;
		if (rewrite_has_ports(&own, rewrite_is_echo(packet)) &&
		    !rewrite_ports(frame, &own, to, &out->edit[REWRITE_PORTS],
				   &delta))
			return NFR_REASON_REWRITE;
		changed = is_seed ? 0 : changed + delta.all - before;
		if (own.proto != PACKET_ICMP)
			changed += delta.addresses;
		if (changed &&
		    !rewrite_sum(frame, &own, place, changed, is_seed,
				 &out->edit[REWRITE_CHECKSUM], &delta))
			return NFR_REASON_REWRITE;
	}
	return rewrite_collides(out, offload->place, place) ? NFR_REASON_OFFLOAD
							    : NFR_REASON_NONE;
}

#endif
