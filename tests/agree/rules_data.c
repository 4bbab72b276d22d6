/* SPDX-License-Identifier: BSD-2-Clause */
/* rules_data.c: an image -> the rule of a key, by its data form. */
#include "rules_data.h"

#include "runtime/packet.h"

struct env {
	const struct image *image;
};

#include "runtime/hash_user.h"

#include "runtime/classify_hash.h"

uint32_t rules_data_find(const struct image *image, const struct nfr_key *key)
{
	struct env env = {.image = image};
	const struct hash_head *head =
		image->hash_len ? hash_begin(&env, key->w[NFR_F_DIR],
					     key->w[NFR_F_FAMILY])
				: NULL;
	int is_lost = 0;
	uint32_t rank;

	if (!head || !head->is_whole)
		return RULES_DATA_NONE;
	rank = hash_find(&env, key, head, &is_lost);
	if (is_lost)
		return NFR_NO_RULE;
	return rank == HASH_NONE ? head->otherwise
				 : hash_rule(&env, head, rank);
}
