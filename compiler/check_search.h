/* SPDX-License-Identifier: BSD-2-Clause */
/* check_search.h: what the files of the search for packets share. */
#ifndef NFR_CHECK_SEARCH_H
#define NFR_CHECK_SEARCH_H

#include "check_internal.h"
#include "model.h"

#define CORNERS_MAX 512
#define CONTEXTS_MAX CORNERS_MAX

enum dimension {
	IFID,
	PROTO,
	SRC,
	DST,
	SPORT,
	DPORT,
	DETAIL,
	TOS,
	CONTEXT, /* an index in contexts */
	DIMENSIONS
};

struct corners {
	struct addr items[CORNERS_MAX]; /* numbers are in the first word */
	size_t count;
};

struct search {
	struct check *check;
	const struct policy *policy;
	struct corners numbers[DIMENSIONS];
	struct corners hosts[2][2]; /* IPv4, IPv6; source, destination */
	struct corners fit[DIMENSIONS];
	struct model_context *contexts;
	size_t context_count;
	bool *is_spent;	    /* scratch, by rule; NULL: no rule is "once" */
	bool is_translated; /* some rule sees another address than arrived */
	bool is_over;	    /* a search ended early */
	uint64_t random;
	uint64_t left;
};

/* check_corner.c: fills numbers, hosts and contexts from the policy. */
void corners_collect(struct search *);

#endif
