/* SPDX-License-Identifier: BSD-2-Clause */
/* random.h: numbers that are the same for the same seed, on every machine. */
#ifndef NFR_RANDOM_H
#define NFR_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* Weyl sequence and mixer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
uint64_t random_next(struct random *);
/* 0 .. below - 1; below > 0. */
uint32_t random_below(struct random *, uint32_t below);
/* True once in `times`. */
bool random_once_in(struct random *, uint32_t times);
/* A generator of its own for the nth item, whatever the others drew. */
struct random random_fork(uint64_t seed, uint64_t nth);

/* A seed that differs from run to run; never 0. */
uint32_t random_seed(void);

#define random_pick(r, array)                                                  \
	((array)[random_below((r), sizeof(array) / sizeof((array)[0]))])

#endif
