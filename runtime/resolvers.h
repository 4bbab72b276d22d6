/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * resolvers.h: a device -> whom its network says to ask for names: a lease of
 * systemd-networkd or dhclient, else the router. It is what anybody on
 * that network may say, and good for a portal only.
 */
#ifndef NFR_RESOLVERS_H
#define NFR_RESOLVERS_H

#include <stddef.h>

#include "../compiler/image.h"

#define RESOLVERS_MAX 8u

/* Returns how many; *from says of what, and lives for ever. */
size_t resolvers_of(const char *device, unsigned ifindex,
		    struct image_entry out[RESOLVERS_MAX], const char **from);
/* "10.0.0.1" or "fe80::1"; 0, or -EINVAL. */
int resolvers_parse(const char *text, struct image_entry *out);

#endif
