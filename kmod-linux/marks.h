/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * marks.h: what we did to a packet at other hooks, for the next: its mark, and
 * the copy that is on its way.
 *
 * The mark is in skb->tc_index, which goes with a packet from egress to egress:
 * how often it was sent elsewhere, and why. Someone else's value counts as
 * none; one that looks like ours can make a packet block, or be taken for one
 * that has the addresses of its own flow already.
 */
#ifndef NFR_MARKS_H
#define NFR_MARKS_H

#include "runtime/abi.h"

#define ENV_MARK 0x6e00u
#define ENV_MARK_MASK 0xff00u
#define ENV_HOPS 0x07u	   /* how often */
#define ENV_IS_COPY 0x08u  /* to be sent as nfr_copy says */
#define ENV_WAS_HERE 0x10u /* to the device where it was */

/* nfr_copy: from the hook that made the copy to that of its device. */
struct datapath_copying {
	struct nfr_hop hop;
	__u32 is_on;
	__u32 has_come_in; /* a hop is taken from its TTL */
};

#endif
