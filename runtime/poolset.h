/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poolset.h: an image's pools -> as the datapath has them: tables expanded to
 * the addresses that they hold now, next hops with their device.
 */
#ifndef NFR_POOLSET_H
#define NFR_POOLSET_H

#include <stddef.h>

#include "../compiler/image.h"

struct poolset {
	struct nfr_pool *pools;
	struct nfr_pool_addr *addrs;
	size_t pool_count, addr_count, addr_capacity;
};

/* No device has this index: nothing can be sent there. */
#define POOLSET_NO_DEVICE 0xffffffffu

/*
 * ifindex says which device has a name now, 0: none; draw gives 16 bytes of a
 * key nobody wrote, NULL: it stays zero. 0, -E2BIG or -ENOMEM; *out untouched
 * on failure.
 */
int poolset_new(const struct image *,
		__u32 (*ifindex)(void *arg, const char *name), void *arg,
		void (*draw)(__u32 key[4]), struct poolset **out);
void poolset_free(struct poolset **); /* NULL is fine */

#endif
