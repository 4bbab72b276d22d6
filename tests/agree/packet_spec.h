/* SPDX-License-Identifier: BSD-2-Clause */
/* packet_spec.h: what follows from a packet's specification, for both its
 * readers. */
#ifndef NFR_PACKET_SPEC_H
#define NFR_PACKET_SPEC_H

#include "random_packet.h"

enum packet_transport {
	TRANSPORT_OTHER,
	TRANSPORT_TCP,
	TRANSPORT_UDP,
	TRANSPORT_ICMP
};

/* Which transport header is there; none behind a later fragment's header. */
enum packet_transport packet_transport_of(const struct packet_spec *);
/* Fragment headers of IPv6 count too. */
bool packet_is_later(const struct packet_spec *);
/* Bytes of the transport's header and data. */
unsigned packet_transport_len(const struct packet_spec *);
/* Bytes of all extension headers. */
unsigned packet_exts_len(const struct packet_spec *);
/* IPv4's total or IPv6's payload length, as stated. */
uint16_t packet_stated_len(const struct packet_spec *);
uint16_t packet_stated_udp_len(const struct packet_spec *);
/* The whole frame, before it is cut, and as it is. */
size_t packet_full_len(const struct packet_spec *);
size_t packet_frame_len(const struct packet_spec *);

#endif
