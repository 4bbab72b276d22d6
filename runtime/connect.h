/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect.h: what answers connect() before a packet does, and steers: slots,
 * and the programs of a generation in them. sockets.h has the stubs, and their
 * links.
 *
 *   DIR/sockets/slots4 slots6 slots_sock    as those of pins.h
 *   DIR/sockets/outside                     the map of steer.h
 *
 * It refuses what would be blocked anyway, so a kernel that can not have it
 * leaks nothing: who connects waits.
 */
#ifndef NFR_CONNECT_H
#define NFR_CONNECT_H

#include "generation.h"

enum connect_map {
	CONNECT_IPV4,
	CONNECT_IPV6,
	CONNECT_SOCK,
	CONNECT_HOOKS, /* so many slots, and: */
	CONNECT_OUTSIDE = CONNECT_HOOKS,
	CONNECT_MAPS
};
extern const struct pin_spec connect_maps[CONNECT_MAPS];

struct connect {
	const struct pins *pins;
	const struct engine_options *options;
	int map_fd[CONNECT_MAPS];  /* -1: there is none */
	struct bpf_object *object; /* of the generation; NULL: the slot's */
	int prog_fd[CONNECT_HOOKS];
	char why[144]; /* why not, or "" */
};

void connect_begin(struct connect *);
/* Opens the maps, or makes them. -EEXIST: someone else's pin, or others. */
int connect_open(const struct pins *, const struct engine_options *,
		 struct connect *out, struct engine_error *);
/* Loads the programs of a generation; where the kernel can not, why says it. */
int connect_load(struct connect *, const struct shared *,
		 const struct generation *, struct engine_error *);
int connect_place(const struct connect *, uint32_t slot, struct engine_error *);
void connect_close(struct connect *);
/* Removes the maps' pins. */
void connect_remove(const struct pins *, size_t *left);

#endif
