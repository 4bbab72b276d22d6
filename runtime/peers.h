/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peers.h: a WireGuard device -> the public keys of its peers, and its socket.
 *
 * The kernel's by generic netlink (linux/wireguard.h); that of a daemon with a
 * tun device by its socket (wireguard.com/xplatform).
 */
#ifndef NFR_PEERS_H
#define NFR_PEERS_H

#include "engine.h"

#define PEERS_KEY_LEN 32
#define PEERS_KEY_TEXT 45 /* base64 (RFC 4648 4) and its end */

struct peers {
	uint8_t (*keys)[PEERS_KEY_LEN]; /* malloc'd */
	size_t count;
	uint16_t port;	 /* that it listens on; 0: none yet */
	uint32_t uid;	 /* of its daemon; NFR_NO_ID: the kernel's */
	bool is_kernel;	 /* it has no daemon */
	bool is_proxied; /* a peer's endpoint is this host */
};

/* 0 or -errno; -EOPNOTSUPP: not a WireGuard device. *out is the caller's. */
int peers_read(const struct engine_device *, struct peers *out);
void peers_free(struct peers *);
void peers_key_text(const uint8_t key[PEERS_KEY_LEN], char out[PEERS_KEY_TEXT]);

#endif
