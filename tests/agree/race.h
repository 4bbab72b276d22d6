/* SPDX-License-Identifier: BSD-2-Clause */
/* race.h: packets of two CPUs at once, and what the map of states is then. */
#ifndef NFR_AGREE_RACE_H
#define NFR_AGREE_RACE_H

#include <stdint.h>

/*
 * What is not as it has to be, once nobody is at work any more; each is a
 * number of times, 0 is right.
 */
struct race_faults {
	uint32_t miscounted; /* the count of states against those there */
	uint32_t half;	     /* places that are being filled for ever */
	uint32_t twice;	     /* names that two places have */
	uint32_t
		unreachable; /* states that their flow's packet does not find */
	uint32_t misspilled; /* buckets that count other flows than theirs */
	uint32_t cut;	     /* living flows whose next packet was blocked */
	uint32_t failed;     /* test runs */
	uint32_t left;	     /* what is not as it was, when all have ended */
	uint32_t lost;	     /* of NFR_STATES_MAX flows then, without a place */
	uint32_t beyond;     /* flows more than that, with one */
};

/* What happened, so that a test which does nothing can not pass. */
struct race_work {
	uint64_t begun, refused, killed, asked_again;
};

/*
 * Two threads, each on a CPU if there are two, send packets of few flows for so
 * long through an object of agree_kernel (see kernel.h), whose states expire in
 * some ticks and are swept all the time. What is left of them afterwards:
 * *faults. 0 or -errno.
 *   race_shared(): of the same flows, TCP and UDP, which both also end as
 *     "nfload kill" does; then the table is filled to its full size;
 *   race_own(): each of its own, in the same buckets; nothing but time and
 *     sweeps ends one.
 */
int race_shared(void *kernel, unsigned object, uint32_t ms,
		struct race_faults *faults, struct race_work *work);
int race_own(void *kernel, unsigned object, uint32_t ms,
	     struct race_faults *faults, struct race_work *work);

#endif
