/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * guard.h: the sealed guard's consent to a flow's packets, kept in its state.
 *
 * Overview
 *   The guard is a function of the packet's key, within one generation. A run
 *   of its bytecode notes which words of the key it asked (vm.h). Where these
 *   are no others than a flow's packets of one direction have in common, the
 *   next packet's run would take the same path, and need not be made. Who made
 *   the packet (origin) differs from packet to packet: where a run asked it,
 * its answer is part of what is kept; where none did, it is anybody's.
 *
 * Invariants
 *   - What is kept names the generation, the interface's id, the origin, and by
 *     a hash the flow, in one word that is read and written at once: a reload,
 *     a changed table, a device that is no tunnel any more, or another flow in
 *     the state's place make it another word.
 *   - Only a consent is kept. Tables that the datapath changes itself
 *     (overload) are not of the generation: with them nothing is.
 */
#ifndef NFR_GUARD_H
#define NFR_GUARD_H

#include "scratch.h"

#define GUARD_BIT(field) (1u << (field))
#define GUARD_ADDR(first)                                                      \
	(GUARD_BIT(first) | GUARD_BIT((first) + 1) | GUARD_BIT((first) + 2) |  \
	 GUARD_BIT((first) + 3))
/* What all packets of a flow's direction, on one device, have in common. */
#define GUARD_OF_FLOW                                                          \
	(GUARD_BIT(NFR_F_IFID) | GUARD_BIT(NFR_F_PROTO) |                      \
	 GUARD_BIT(NFR_F_SPORT) | GUARD_BIT(NFR_F_DPORT) |                     \
	 GUARD_ADDR(NFR_F_SRC0) | GUARD_ADDR(NFR_F_DST0) |                     \
	 GUARD_BIT(NFR_F_DIR) | GUARD_BIT(NFR_F_FAMILY))

#define GUARD_ANYBODY 0x80u /* in place of an origin: none was asked */
_Static_assert(NFR_ORIGIN_ALL < GUARD_ANYBODY, "an origin is not anybody");

/* The consent as it is kept. flow: a hash of its name. */
NFR_INLINE __u64 guard_word(const struct nfr_config *config, __u32 flow,
			    __u32 ifid, __u32 origin)
{
	return (__u64)config->generation << 32 | (flow ^ (ifid << 8 | origin));
}

NFR_INLINE int guard_is_kept(const struct nfr_config *config,
			     const struct nfr_state *state, __u32 dir,
			     __u32 flow, __u32 ifid, __u32 origin)
{
	return *(const volatile __u64 *)&state->consent[dir & 1] ==
	       guard_word(config, flow, ifid, origin);
}

/* asked: of the run that consented. */
NFR_INLINE void guard_keep(const struct nfr_config *config,
			   struct nfr_state *state, __u32 dir, __u32 flow,
			   const __u32 *w, __u32 asked)
{
	__u32 origin = asked & GUARD_BIT(NFR_F_ORIGIN) ? w[NFR_F_ORIGIN]
						       : GUARD_ANYBODY;

	if (asked & ~(GUARD_OF_FLOW | GUARD_BIT(NFR_F_ORIGIN)) ||
	    config->flags & NFR_CONFIG_OVERLOADS)
		return;
	*(volatile __u64 *)&state->consent[dir & 1] =
		guard_word(config, flow, w[NFR_F_IFID], origin);
}

#endif
