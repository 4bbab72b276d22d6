/* SPDX-License-Identifier: BSD-2-Clause */
/* random_policy.h: a seed -> the text of a policy that check accepts. */
#ifndef NFR_RANDOM_POLICY_H
#define NFR_RANDOM_POLICY_H

#include "random.h"

/*
 * 1 to 40 rules over the interfaces of tests/agree/host.json and what pool.h
 * has; sometimes a tunnel. malloc'd, the caller's.
 */
char *random_policy(struct random *);

#endif
