/* SPDX-License-Identifier: BSD-2-Clause */
/* craft.h: names and numbers -> the bytes of a packet, checksums and all. */
#ifndef NFR_CRAFT_H
#define NFR_CRAFT_H

#include <stdbool.h>
#include <stddef.h>

#include "runtime/abi.h"

#define CRAFT_MAX 160
#define CRAFT_ETHER 14
#define CRAFT_PIECE 64 /* bytes of the datagram in a first fragment */
#define CRAFT_TCP 6
#define CRAFT_UDP 17

/* TCP flags of a header. */
#define CRAFT_SYN 0x02
#define CRAFT_ACK 0x10

enum craft_piece { CRAFT_WHOLE, CRAFT_FIRST, CRAFT_LATER };

struct craft {
	enum nfr_family family;
	__u8 proto;		/* CRAFT_TCP or CRAFT_UDP */
	__u8 src[16], dst[16];	/* IPv4: the first four bytes */
	__u16 sport, dport;	/* host byte order, as seq and ack are */
	__u32 seq, ack;		/* TCP */
	__u8 flags;		/* TCP; a SYN offers a window scale of 14 */
	size_t data_len;	/* a later fragment is all data */
	enum craft_piece piece; /* of a UDP datagram */
	__u32 id;		/* of its fragments */
};

/* From the IP header on; returns the length, at most CRAFT_MAX. */
size_t craft_packet(const struct craft *, __u8 out[CRAFT_MAX]);
/* The same behind an Ethernet header. */
size_t craft_frame(const struct craft *, __u8 out[CRAFT_MAX]);
/* Where the transport header begins in the packet. */
size_t craft_transport(const struct craft *);
/* The data that makes the frame, headers included, so long. */
size_t craft_fill(const struct craft *, size_t frame_len);
/* Addresses and ports the other way round. */
void craft_turn(const struct craft *, struct craft *out);

#endif
