/* SPDX-License-Identifier: BSD-2-Clause */
/* flows.c: flow key -> state; a hash table of chains, bounded. */
#include "flows.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct flow {
	struct flow *next;
	struct nfr_state_key key;
	struct nfr_state state;
};

struct flows {
	size_t max, count;
	size_t mask; /* of chains, a power of two, less one */
	__u64 seed;  /* so that captures can not be made to fill one chain */
	struct flow *chains[];
};

int flows_new(size_t max, struct flows **out)
{
	struct flows *flows;
	size_t chains = 64;

	while (chains < max && chains < (size_t)1 << 20)
		chains *= 2;
	flows = calloc(1, sizeof(*flows) + chains * sizeof(*flows->chains));
	if (!flows)
		return -ENOMEM;
	flows->max = max;
	flows->mask = chains - 1;
	if (getrandom(&flows->seed, sizeof(flows->seed), GRND_NONBLOCK) < 0)
		flows->seed = (uintptr_t)flows;
	*out = flows;
	return 0;
}

static void flows_drop(struct flows *flows, struct flow **at)
{
	struct flow *flow = *at;

	*at = flow->next;
	free(flow);
	flows->count--;
}

void flows_free(struct flows **flows)
{
	if (!*flows)
		return;
	for (size_t i = 0; i <= (*flows)->mask; i++)
		while ((*flows)->chains[i])
			flows_drop(*flows, &(*flows)->chains[i]);
	free(*flows);
	*flows = NULL;
}

/* FNV-1a, 64 bits, over words (Fowler, Noll, Vo), with a seed. */
static size_t flows_hash(const struct flows *flows,
			 const struct nfr_state_key *key)
{
	__u64 hash = 0xcbf29ce484222325u ^ flows->seed;
	__u32 words[sizeof(*key) / 4];

	memcpy(words, key, sizeof(words));
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		hash = (hash ^ words[i]) * 0x100000001b3u;
		hash ^= hash >> 29;
	}
	return hash & flows->mask;
}

/* Where the flow hangs, or the NULL at its chain's end. */
static struct flow **flows_place(struct flows *flows,
				 const struct nfr_state_key *key)
{
	struct flow **at = &flows->chains[flows_hash(flows, key)];

	while (*at && memcmp(&(*at)->key, key, sizeof(*key)) != 0)
		at = &(*at)->next;
	return at;
}

struct nfr_state *flows_find(struct flows *flows,
			     const struct nfr_state_key *key)
{
	struct flow *flow = *flows_place(flows, key);

	return flow ? &flow->state : NULL;
}

int flows_insert(struct flows *flows, const struct nfr_state_key *key,
		 const struct nfr_state *state)
{
	struct flow **at = flows_place(flows, key);
	struct flow *flow = *at;

	if (!flow) {
		if (flows->count >= flows->max)
			return -E2BIG;
		flow = calloc(1, sizeof(*flow));
		if (!flow)
			return -ENOMEM;
		flow->key = *key;
		*at = flow;
		flows->count++;
	}
	flow->state = *state;
	return 0;
}

void flows_delete(struct flows *flows, const struct nfr_state_key *key)
{
	struct flow **at = flows_place(flows, key);

	if (*at)
		flows_drop(flows, at);
}

void flows_sweep(struct flows *flows,
		 int (*is_dead)(void *arg, const struct nfr_state_key *,
				const struct nfr_state *),
		 void *arg)
{
	for (size_t i = 0; i <= flows->mask; i++)
		for (struct flow **at = &flows->chains[i]; *at;) {
			if (is_dead(arg, &(*at)->key, &(*at)->state))
				flows_drop(flows, at);
			else
				at = &(*at)->next;
		}
}

size_t flows_count(const struct flows *flows)
{
	return flows->count;
}
