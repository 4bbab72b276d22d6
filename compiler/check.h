/* SPDX-License-Identifier: BSD-2-Clause */
/* check.h: ast -> policy. */
#ifndef NFR_CHECK_H
#define NFR_CHECK_H

#include "diag.h"
#include "host.h"
#include "policy.h"
#include "progress.h"

struct check_options {
	bool lists_differences;		 /* of pf from nfr, as warnings */
	bool is_lean;			 /* policy.printable is left out */
	const struct progress *progress; /* or NULL */
	struct arena *texts; /* of rules' texts; NULL: the policy's */
	bool is_pf;	     /* pf's own defaults and leniencies */
	/* Tests: rules that break the tunnel's contract are for the guard. */
	bool allows_leaks;
};

/*
 * Resolves names against host, reads table files by sources, expands lists,
 * fixes families, adds the default and generated rules and the guard. What is
 * wrong goes to diag, and checking goes on. Never NULL; meaningful only when
 * diag_errors() is 0.
 */
struct policy *check_policy(struct arena *, struct sources *, struct diag *,
			    const struct host *, const struct ast *);
struct policy *check_policy_as(struct arena *, struct sources *, struct diag *,
			       const struct host *, const struct ast *,
			       const struct check_options *);

#endif
