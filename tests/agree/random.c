/* SPDX-License-Identifier: BSD-2-Clause */
/* random.c: a seed -> numbers. */
#include "random.h"

#include <sys/random.h>

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t random_next(struct random *r)
{
	r->state += 0x9e3779b97f4a7c15u;
	return mix(r->state);
}

uint32_t random_below(struct random *r, uint32_t below)
{
	return (uint32_t)((random_next(r) >> 32) * below >> 32);
}

bool random_once_in(struct random *r, uint32_t times)
{
	return random_below(r, times) == 0;
}

struct random random_fork(uint64_t seed, uint64_t nth)
{
	return (struct random){.state = mix(seed) ^ mix(nth + 1)};
}

uint32_t random_seed(void)
{
	uint32_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed) || !seed)
		seed = 1;
	return seed;
}
