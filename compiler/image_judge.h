/* SPDX-License-Identifier: BSD-2-Clause */
/* image_judge.h: an image and a packet key -> what its programs say. */
#ifndef NFR_IMAGE_JUDGE_H
#define NFR_IMAGE_JUDGE_H

#include "image_corners.h"

struct judge;

/* The tests of one rule, and where its RET is. */
struct block {
	const struct nfr_insn *first;
	__u32 count; /* with the RET */
	__u32 rule;
};

/* The image must outlive it. 0 or -ENOMEM. */
int judge_new(const struct image *, struct judge **);
void judge_free(struct judge **); /* NULL is fine */
/* Instructions run since the last time that it was asked. */
uint64_t judge_steps(struct judge *);

/*
 * The rule that decides, which may be the guard's, and whether the packet
 * passes; *classified is the rule that the guard then looked at.
 */
__u32 judge_packet(struct judge *, const struct nfr_key *, bool *is_pass,
		   __u32 *classified);
/* Does the assert speak of the packet? */
bool judge_asserts(struct judge *, const struct image_assert *,
		   const struct nfr_key *);
/*
 * Do the block's tests of one dimension let the key come to its end? Others
 * are left out, as if they let it by. An empty block lets all by.
 */
bool judge_sift(struct judge *, const struct block *, enum dimension,
		const struct nfr_key *);

#endif
