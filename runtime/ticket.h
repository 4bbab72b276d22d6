/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ticket.h: the tunnel's device -> who carries it (struct nfr_ticket), where
 * the policy's transport names no user, group or cgroup.
 *
 * A WireGuard device says its port; a daemon's control socket also whose it is.
 * Of other tunnels nothing is known: then whoever writes no raw frames may send
 * to the endpoint, and status says so.
 */
#ifndef NFR_TICKET_H
#define NFR_TICKET_H

#include "../compiler/image.h"
#include "engine.h"

#define TICKET_TEXT_MAX 160

/* Learns it from the trusted device among these -> the map of fd. */
int ticket_update(int fd, const struct image *, const struct engine_devices *);
/* From one map to another; from -1: nobody holds it. */
void ticket_copy(int from, int to);
/* "the UDP socket of user 0 at port 51820". */
void ticket_text(const struct nfr_ticket *, char out[TICKET_TEXT_MAX]);
/* Does some transport of the policy need it? */
bool ticket_is_asked(const struct image *);

#endif
