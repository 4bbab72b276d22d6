/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sockets.h: hooks on sockets: what no packet hook sees is not set up, and who
 * connects is told early (connect.h); and sockets that were made before.
 *
 *   DIR/sockets/setsockopt connect4 ...    links on the root cgroup
 */
#ifndef NFR_SOCKETS_H
#define NFR_SOCKETS_H

#include "shared.h"

#define PINS_SOCKETS "sockets"

/* Attaches where no link of ours is. -EEXIST: someone else's pin, or others. */
int sockets_attach(const struct pins *, const struct shared *,
		   const struct engine_options *, struct engine_error *);
struct socket_diag;

/*
 * Fills one path a hook, and one for older sockets if there are: how many. With
 * ended these are first let to bypass no more, as far as that can be; it says
 * which.
 */
size_t sockets_look(const struct pins *, const struct shared *,
		    struct socket_diag *ended, struct engine_path *out);
/* shared may be NULL: then whatever link is there is taken for ours. */
void sockets_remove(const struct pins *, const struct shared *, size_t *left);

/* Sockets of this namespace that send past every hook. */
struct socket_diag {
	unsigned bypass;  /* AF_PACKET with PACKET_QDISC_BYPASS */
	unsigned xdp;	  /* AF_XDP */
	unsigned hidden;  /* AF_PACKET whose holder was not found */
	unsigned ended;	  /* AF_PACKET that had it, and has it no more */
	char holders[56]; /* "dhclient (812), pid 99", or "" */
	char former[56];  /* the same, of those that ended */
};
/*
 * ends: takes PACKET_QDISC_BYPASS from who has it. 0 or -errno when the kernel
 * does not list packet sockets.
 */
int socket_diag(bool ends, struct socket_diag *out);

#endif
