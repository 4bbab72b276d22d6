/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_corners.h: bytecode and tables -> for each part of a packet the values
 * where verdicts change.
 */
#ifndef NFR_IMAGE_CORNERS_H
#define NFR_IMAGE_CORNERS_H

#include "image.h"

#define CORNERS_MAX 512

enum dimension {
	DIM_IFID,
	DIM_PROTO,
	DIM_SRC,
	DIM_DST,
	DIM_SPORT,
	DIM_DPORT,
	DIM_TCPFLAGS,
	DIM_ICMP,
	DIM_TOS,
	DIM_TTL,
	DIM_MARK,
	DIM_UID,
	DIM_GID,
	DIM_CGROUP,
	DIMENSIONS
};

/* Distinct values in the order in which they came; numbers are in w[0]. */
struct corners {
	struct addr items[CORNERS_MAX];
	size_t count;
};

/* The dimension of a key word, or DIMENSIONS. */
enum dimension corners_dimension(unsigned field);

/* What a packet looks like where nothing is asked of it. */
void corners_usual(struct corners[DIMENSIONS], const struct image *,
		   enum nfr_family);
/* The constants of instructions, and members of the tables they ask. */
void corners_of_code(struct corners[DIMENSIONS], const struct image *,
		     const struct nfr_insn *, size_t count, enum nfr_family);
/* Entries that one image has and the other has not, as both addresses. */
void corners_of_change(struct corners[DIMENSIONS], const struct image *before,
		       const struct image *after, enum nfr_family);
/* What from has and to has room for. */
void corners_merge(struct corners *to, const struct corners *from);

#endif
