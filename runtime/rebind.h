/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rebind.h: a device with the tunnel's name -> may it be the tunnel?
 *
 * Neither name nor index says so. With "rebind" a device made later may, if it
 * is of the link kind that the tunnel was, and, where the policy states peers,
 * if it talks to these and no others.
 */
#ifndef NFR_REBIND_H
#define NFR_REBIND_H

#include "engine.h"

#define REBIND_WHY_MAX 160

/* What is kept of a trusted device; all zero: there was none. */
struct rebind_identity {
	char kind[IF_NAMESIZE]; /* rtnetlink's; "" is physical */
	uint32_t ifindex;
	uint16_t arphrd;
	uint16_t was; /* 1: this is filled in */
};

void rebind_describe(const struct engine_device *, struct rebind_identity *out);
/*
 * Kind and peers. 0, or -EPERM with why. Without a tunnel before, only kinds
 * that are tunnels will do.
 */
int rebind_judge(const struct image *, uint16_t ifid,
		 const struct engine_device *,
		 const struct rebind_identity *before,
		 char why[REBIND_WHY_MAX]);
/* The same for a device of an apply, which may be of another tunnel's kind. */
int rebind_judge_applied(const struct engine_device *,
			 const struct rebind_identity *before,
			 char why[REBIND_WHY_MAX]);
/* Peers alone: 0 also where the policy states none. */
int rebind_judge_peers(const struct image *, uint16_t ifid,
		       const struct engine_device *, char why[REBIND_WHY_MAX]);
/* Asks again: 0 while index, name and kind are one device's. */
int rebind_still_is(const struct engine_device *);

#endif
