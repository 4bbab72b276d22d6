/* SPDX-License-Identifier: BSD-2-Clause */
/* worst.c: the data form, walked in user space -> turns of a header. */
#include "worst.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/packet.h"

struct env {
	const struct image *image;
};

#include "runtime/hash_user.h"

#include "runtime/classify_hash.h"

#define TRIED 100000u
#define KEPT 64u

struct candidate {
	struct bench_header4 header;
	unsigned turns;
};

static void key_of(const struct bench_header4 *h, bool is_ipv6,
		   struct nfr_key *key)
{
	struct bench_header6 wide = filters_wide(h);

	memset(key, 0, sizeof(*key));
	key->w[NFR_F_PROTO] = is_ipv6 ? wide.proto : h->proto;
	key->w[NFR_F_SPORT] = h->sport;
	key->w[NFR_F_DPORT] = h->dport;
	if (!is_ipv6) {
		key->w[NFR_F_SRC0] = h->src;
		key->w[NFR_F_DST0] = h->dst;
		return;
	}
	memcpy(&key->w[NFR_F_SRC0], wide.src, sizeof(wide.src));
	memcpy(&key->w[NFR_F_DST0], wide.dst, sizeof(wide.dst));
}

static unsigned turns(const struct image *image, const struct hash_head *head,
		      const struct bench_header4 *h)
{
	struct env env = {.image = image};
	struct hash_walk walk;
	struct nfr_key key;
	unsigned count = 1;

	key_of(h, head->words > 1, &key);
	hash_start(&env, &key, head, &walk);
	while (!hash_turn(&walk))
		count++;
	return count;
}

static int by_turns(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	return a->turns > b->turns ? -1 : a->turns < b->turns;
}

/* The source of one header of the trace, the destination of another ... */
static struct bench_header4 mix(const struct filters *set)
{
	size_t n = set->trace_count;
	struct bench_header4 h = set->trace[(size_t)random() % n];

	h.dst = set->trace[(size_t)random() % n].dst;
	if (random() % 2)
		h.src = set->trace[(size_t)random() % n].src;
	return h;
}

int worst_trace(struct filters *set, const struct image *image, bool is_ipv6,
		double *mean, double *worst)
{
	const struct hash_head *head = image_hash_head(
		image, is_ipv6 ? NFR_FAMILY_IPV6 : NFR_FAMILY_IPV4);
	struct candidate *all;

	if (!head || !set->trace_count)
		return -ENOENT;
	all = calloc(TRIED, sizeof(*all));
	if (!all)
		return -ENOMEM;
	*mean = *worst = 0;
	for (size_t i = 0; i < set->trace_count; i++)
		*mean += turns(image, head, &set->trace[i]);
	*mean /= (double)set->trace_count;
	srandom(1);
	for (size_t i = 0; i < TRIED; i++) {
		all[i].header = mix(set);
		all[i].turns = turns(image, head, &all[i].header);
	}
	qsort(all, TRIED, sizeof(*all), by_turns);
	set->trace_count = KEPT;
	for (size_t i = 0; i < KEPT; i++) {
		set->trace[i] = all[i].header;
		*worst += all[i].turns;
	}
	*worst /= KEPT;
	free(all);
	return 0;
}
