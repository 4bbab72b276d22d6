/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_packet.h: a packet of a flow, as it is meant -> its bytes, with all
 * checksums computed over the whole of what they cover.
 *
 * Two packets that differ in addresses and ports alone are what rewriting has
 * to turn into each other, byte by byte.
 */
#ifndef NFR_FLOW_PACKET_H
#define NFR_FLOW_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "random.h"

#define FLOW_PACKET_MAX 1024

/* IPv4 addresses are in the first four bytes; ports of ICMP: the echo's id. */
struct flow_ends {
	uint8_t src[16], dst[16];
	uint16_t sport, dport;
};

enum flow_fragment { FLOW_WHOLE, FLOW_FIRST, FLOW_LATER };

struct flow_packet {
	unsigned tags; /* VLAN; frames are Ethernet */
	bool is_v6;
	uint8_t options; /* bytes of them: 4 n (v4), 8 n (v6) */
	uint8_t ttl;
	uint8_t proto; /* ICMP and ICMPv6: an echo request, unless is_error */
	struct flow_ends ends;
	uint16_t data_len;
	enum flow_fragment fragment;
	bool has_no_checksum; /* UDP: 0 */
	bool is_partial;      /* the kernel would still write the checksum */
	uint8_t padding;      /* behind the IP packet */
	uint32_t salt;	      /* what else is in it follows from this */
	/* An ICMP error quotes the head of such a packet. */
	bool is_error;
	uint8_t quoted_proto;
	struct flow_ends quoted;
	uint16_t quoted_data_len; /* of the packet that was quoted */
	uint16_t quoted_len;	  /* of its transport's bytes that are there */
	bool quoted_has_no_checksum;
};

/* Everything but the addresses and ports; they are random too. */
void flow_packet_random(struct random *, struct flow_packet *);
void flow_ends_random(struct random *, struct flow_ends *);
/* Length of the frame. */
size_t flow_packet_build(const struct flow_packet *,
			 uint8_t bytes[FLOW_PACKET_MAX]);

#endif
