/* SPDX-License-Identifier: BSD-2-Clause */
/* event_packet.h: the packet's part of an event; used by event.c. */
#ifndef NFR_EVENT_PACKET_H
#define NFR_EVENT_PACKET_H

#include "abi.h"
#include "json.h"

void event_put_packet(const struct nfr_event *, json_t *);

#endif
