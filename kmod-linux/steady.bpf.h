/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * steady.bpf.h: a key that the rules were asked for lately -> its rule.
 *
 * Packets without a state that are all alike, as of a flood, or of a flow that
 * makes no state, need no walk over rules, whatever their form: comparing a key
 * costs less than a call. One key a CPU. It is compared by all words that the
 * rules may ask, where they ask no others and no table (NFR_CONFIG_STEADY); it
 * is void in the next generation. What is not like it pays for one comparison;
 * to be kept costs more, so only each eighth of those is. Code in the datapath
 * itself (hole.bpf.h) costs less than all this, and comes first.
 */
#ifndef NFR_STEADY_BPF_H
#define NFR_STEADY_BPF_H

#include "kmod-linux/hole.bpf.h"
#include "kmod-linux/native_call.bpf.h"

#define STEADY_WAIT 7u

/* The includer's: the rules in the forms that are the datapath's own. */
NFR_INLINE __u32 steady_rules(const struct nfr_config *config,
			      struct verdict *v);

NFR_INLINE __u32 steady_differs(const __u32 *a, const __u32 *b, __u32 first,
				__u32 count)
{
	__u32 differs = 0;

#pragma GCC unroll 8
	for (__u32 i = first; i < first + count; i++)
		differs |= a[i] ^ b[i];
	return differs;
}

/* What most likely differs comes first. */
NFR_INLINE int steady_is(const struct steady *s,
			 const struct nfr_config *config, const __u32 *w)
{
	const __u32 *kept = s->w;

	if (steady_differs(kept, w, NFR_F_SRC0, 1) |
	    steady_differs(kept, w, NFR_F_DST0, 1) |
	    steady_differs(kept, w, NFR_F_SPORT, 2))
		return 0;
	if (steady_differs(kept, w, NFR_F_IFID, 2) |
	    steady_differs(kept, w, NFR_F_TCPFLAGS, 4) |
	    steady_differs(kept, w, NFR_F_DIR, 2) |
	    (s->generation ^ config->generation))
		return 0;
	return w[NFR_F_FAMILY] != NFR_FAMILY_IPV6 ||
	       !(steady_differs(kept, w, NFR_F_SRC0 + 1, 3) |
		 steady_differs(kept, w, NFR_F_DST0 + 1, 3));
}

NFR_INLINE void steady_keep(struct steady *s, const struct nfr_config *config,
			    const __u32 *w, __u32 rule)
{
	if (s->wait) {
		s->wait--;
		return;
	}
	s->wait = STEADY_WAIT;
	if (!(config->flags & NFR_CONFIG_STEADY))
		return;
#pragma GCC unroll 18
	for (int i = 0; i < STEADY_WORDS; i++)
		s->w[i] = w[i];
	s->rule = rule;
	s->generation = config->generation;
}

/* Its rule; the run is as native code leaves it. */
NFR_INLINE __u32 steady_rule(struct verdict *v)
{
	native_ran(&v->rules);
	return v->steady.rule;
}

/*
 * The rule of the packet in the scratch, or NATIVE_NONE: by the rules' native
 * code, or by what steady_rules() asks. One context is NULL.
 */
NFR_INLINE __u32 steady_find(struct xdp_md *xdp, struct __sk_buff *skb,
			     const struct nfr_config *config, struct verdict *v)
{
	const __u32 *w = v->packet.key.w;
	__u32 rule;

	if (hole_is_for(config)) {
		rule = hole_find(v);
		if (rule != NATIVE_NONE)
			return rule;
	}
	if (steady_is(&v->steady, config, w))
		return steady_rule(v);
	if (!(config->flags & NFR_CONFIG_NATIVE))
		rule = steady_rules(config, v);
	else
		rule = skb ? datapath_native_tc(skb) : datapath_native_xdp(xdp);
	steady_keep(&v->steady, config, w, rule);
	return rule;
}

#endif
