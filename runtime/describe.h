/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* describe.h: a parsed packet -> its part of an event. */
#ifndef NFR_DESCRIBE_H
#define NFR_DESCRIBE_H

#include "packet.h"

/* All of an event that the key says. */
NFR_INLINE void describe_packet(const struct packet *packet,
				struct nfr_event *event)
{
	const __u32 *w = packet->key.w;

	event->family = (__u8)w[NFR_F_FAMILY];
	event->proto = (__u8)w[NFR_F_PROTO];
	event->tcpflags = (__u8)w[NFR_F_TCPFLAGS];
	event->icmp = (__u16)w[NFR_F_ICMP];
	event->sport = (__u16)w[NFR_F_SPORT];
	event->dport = (__u16)w[NFR_F_DPORT];
	event->ethertype = (__u16)w[NFR_F_ETHERTYPE];
	event->bits = (__u16)w[NFR_F_BITS];
	for (int i = 0; i < 4; i++) {
		event->src[i] = w[NFR_F_SRC0 + i];
		event->dst[i] = w[NFR_F_DST0 + i];
	}
	event->reserved = 0;
}

#endif
