/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * contract.h: a tunnel's contract, what others have in its place, and no
 * filter: a lab for each, all of them there at once.
 */
#ifndef NFR_BENCH_CONTRACT_H
#define NFR_BENCH_CONTRACT_H

#include "lab.h"
#include "settings.h"

/* The first has no filter, the second is nfr's. */
enum { CONTRACT_NONE, CONTRACT_NFR, CONTRACT_LABS = 5 };

struct contract {
	const struct settings *settings;
	struct lab labs[CONTRACT_LABS];
	bool has_no_bare; /* the kernel lacks a hook */
};

/* What a verb has in each lab, when the filter is in force there. */
typedef int contract_ready(void *who, const struct lab *, size_t number,
			   char error[MEASURE_ERROR_MAX]);

/*
 * After lab_begin(). 0, or -errno with error set; closed in any case. A filter
 * is in force when a socket bound to the cable does not reach a host outside,
 * as it does where nothing filters.
 */
int contract_open(struct contract *, const struct settings *,
		  contract_ready *ready, void *who,
		  char error[MEASURE_ERROR_MAX]);
void contract_close(struct contract *);
/* Is that lab to be measured? */
bool contract_has(const struct contract *, size_t lab);

#endif
