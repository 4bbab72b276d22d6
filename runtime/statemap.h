/* SPDX-License-Identifier: BSD-2-Clause */
/* statemap.h: the map of flow states, in memory of ours: read, and ended. */
#ifndef NFR_STATEMAP_H
#define NFR_STATEMAP_H

#include "abi.h"

/* Zero is a closed one. */
struct statemap {
	struct nfr_bucket *buckets; /* NFR_BUCKETS, as packets change them */
};

/* The same map once more. 0 or -errno, *out untouched. */
int statemap_open(int fd, struct statemap *out);
void statemap_close(struct statemap *);

/* The first place from this one on that is not free, or NFR_PLACES. */
__u32 statemap_next(const struct statemap *, __u32 place);
/* How many are not free. */
__u32 statemap_count(const struct statemap *);
/*
 * A copy of the flow at this place, below NFR_PLACES. 1; 0: none is there, or
 * it comes or goes.
 */
int statemap_read(const struct statemap *, __u32 place, struct nfr_flow *out);
/* Where the name is, looked for everywhere; or NFR_PLACES. */
__u32 statemap_find(const struct statemap *, const struct nfr_state_key *name);

/*
 * Ends the flow at the place, as long as its name and age are these. What hangs
 * on it is the caller's to see. 1, or 0 when it was gone.
 */
int statemap_end(const struct statemap *, __u32 place, const struct nfr_flow *);
/* The same, but it stays, as one that has expired. */
int statemap_expire(const struct statemap *, __u32 place,
		    const struct nfr_flow *);
/* All. */
void statemap_clear(const struct statemap *);

#endif
