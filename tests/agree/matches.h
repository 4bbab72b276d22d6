/* SPDX-License-Identifier: BSD-2-Clause */
/* matches.h: a packet that no flow is of -> what all engines must say of it. */
#ifndef NFR_AGREE_MATCHES_H
#define NFR_AGREE_MATCHES_H

#include "compiler/policy.h"

/*
 * The model's verdict, and what the engines say beside it: whether a match rule
 * logs, and that they remember no more than so many of them.
 */
struct nfr_result matches_judge(const struct policy *, const struct nfr_key *);

#endif
