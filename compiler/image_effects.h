/* SPDX-License-Identifier: BSD-2-Clause */
/* image_effects.h: what rules do beside their verdict -> items of an image. */
#ifndef NFR_IMAGE_EFFECTS_H
#define NFR_IMAGE_EFFECTS_H

#include "image.h"

struct image_effects {
	__u32 *action_of; /* of each rule: index, or NFR_NO_ACTION */
	struct nfr_action *actions;
	struct nfr_pool *pools;
	struct image_pool_addr *addrs;
	size_t action_count, pool_count, addr_count;
	size_t action_capacity, pool_capacity, addr_capacity;
	struct image_config config;
};

/* Of the rules, not the guard. 0, -E2BIG or -ENOMEM; to be freed after each. */
int image_effects_make(const struct policy *, struct image_effects *);
/* The rules have their actions: action_of is freed. */
void image_effects_drop(struct image_effects *);
void image_effects_free(struct image_effects *);

#endif
