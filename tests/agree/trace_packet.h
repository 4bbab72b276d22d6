/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_packet.h: a packet of a conversation, as it is meant -> its bytes, and
 * the key that rules see.
 *
 * Checksums are computed from scratch over the whole datagram, so the frame of
 * a packet with other addresses is what rewriting must come to.
 */
#ifndef NFR_TRACE_PACKET_H
#define NFR_TRACE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "compiler/addr.h"
#include "runtime/abi.h"

#define TRACE_FRAME_MAX 640
#define TRACE_NO_SCALE 0xff

enum { TRACE_ICMP = 1, TRACE_TCP = 6, TRACE_UDP = 17, TRACE_ICMP6 = 58 };
enum { TRACE_FIN = 0x01, TRACE_SYN = 0x02, TRACE_RST = 0x04, TRACE_ACK = 0x10 };

/* The addresses of a packet; an echo has its identifier in both ports. */
struct trace_ends {
	struct addr src, dst;
	uint16_t sport, dport;
};

/* A datagram, and which part of it this is. */
struct trace_packet {
	enum addr_family family;
	uint8_t proto;
	struct trace_ends ends;
	uint8_t ttl, tos;
	uint8_t flags, wscale; /* TCP; the scale is in a SYN, or NO_SCALE */
	uint16_t window;
	uint32_t seq, ack;
	uint8_t type, code;   /* ICMP */
	bool has_no_checksum; /* UDP over IPv4 */
	bool has_options;     /* IPv4: four bytes; IPv6: for destinations */
	uint16_t data_len;
	uint32_t salt; /* what the data is follows from it */
	/* Of a fragment: bytes at to at + len of what IP carries. */
	bool is_piece, has_more;
	uint32_t id;
	uint16_t at, len;
};

/* The packet, and the one that it quotes where it is an ICMP error. */
struct trace_frame {
	struct trace_packet packet;
	bool is_error;
	struct trace_packet quoted;
	uint16_t quoted_len; /* bytes of its IP packet that are there */
};

/* Bytes of what IP carries: transport header and data. */
size_t trace_transport_len(const struct trace_packet *);
/* Bytes of data behind the header that are in this packet, or first piece. */
uint32_t trace_data_len(const struct trace_packet *);
/* The length of the frame: Ethernet, IP and the rest. */
size_t trace_frame_build(const struct trace_frame *,
			 uint8_t bytes[TRACE_FRAME_MAX]);
/* IFID, DIR and RECEIVED are the caller's. */
void trace_frame_key(const struct trace_packet *, struct nfr_key *);
/* The ends that the bytes of such a frame say. */
struct trace_ends trace_frame_ends(const struct trace_packet *,
				   const uint8_t *bytes);
bool trace_is_echo(const struct trace_packet *);
bool trace_same_ends(const struct trace_ends *, const struct trace_ends *);
struct trace_ends trace_swapped(const struct trace_ends *);

#endif
