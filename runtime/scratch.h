/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * scratch.h: all that the datapath knows of the packet in its hands.
 *
 * In the kernel it lives in a map with one entry a CPU: it is too large for a
 * stack, and the subprograms of the slow path (slow.h) find it there by
 * themselves. What must hold for all of the packet's way is here; what can be
 * read from the frame alone is in struct packet.
 */
#ifndef NFR_SCRATCH_H
#define NFR_SCRATCH_H

#include "packet.h"
#include "pool.h"
#include "rewrite.h"
#include "tcp.h"
#include "vm_run.h"

/* What became of a translation. */
enum translate_result {
	TRANSLATE_DONE,	  /* v->fresh is in force, as v->name */
	TRANSLATE_NEXT,	  /* the name is taken: another port may be free */
	TRANSLATE_ADOPT,  /* v->name has the state of this very flow */
	TRANSLATE_FAILED, /* the reason is set */
};

/* Translation in the making (translate.h). */
struct translation {
	__u64 pools;	      /* what will be nfr_state.pools */
	__u32 nat, rdr;	      /* the last that applied, or NFR_NO_POOL */
	__u32 nat_of, rdr_of; /* what they gave is this device's; 0: nobody's */
	__u32 is_translated;
	struct rewrite_to had; /* what a state has that is judged again */
	__u32 sport, dport;    /* before translation; echo identifiers too */
	struct pool_draw draw;
	struct pool_choice chosen;
	struct nfr_endpoints ends; /* of the candidate */
	struct nfr_state_key alias, owner;
};

/* A packet of the state of v->name; its first; an ICMP error about it. */
enum apply_kind { APPLY_STATE, APPLY_FRESH, APPLY_ERROR };

/* What happens to the frame (apply.h). */
struct apply {
	struct rewrite_to to, quoted_to, ends;
	struct rewrite_headers quoted;
	__u32 has_quoted; /* an ICMP error, about a translated flow */
	__u32 hops;	  /* that are taken from the TTL */
	struct rewrite plan;
	struct nfr_hop hop;  /* NFR_RESULT_REDIRECTED: to here */
	struct nfr_hop copy; /* NFR_RESULT_COPIED: a copy to here */
};

/* What an ICMP error quotes: a packet of the other direction (icmp.h). */
struct icmp_quote {
	struct packet packet; /* network and transport: where it lies in the
				 frame; transport 0: it quotes none */
	__u32 seq;	      /* of a TCP segment */
	__u32 is_of_flow; /* the error passes by the state of verdict.name */
};

/* What env_slow_ask() is asked, of v->name and v->fresh. */
enum slow_ask { SLOW_UNCOUNT, SLOW_FLUSHED, SLOW_FORGET, SLOW_FORGET_OWNER };

/* What is kept of a state that is deleted: it may at once be another's. */
struct forgotten {
	struct nfr_source_key source;
	struct nfr_state_key alias;
};

/* What becomes of a state that is judged again. */
enum slow_answer { SLOW_GOES_ON, SLOW_LEAVE, SLOW_END };

/* In place of a rule: it is left to the slow path to ask the rules. */
#define NATIVE_NONE 0xfffffffdu

/* The run is over, as native code leaves it: see put_begin() of native.c. */
NFR_INLINE void native_ran(struct vm_run *run)
{
	run->reason = NFR_REASON_VM;
	run->paused = NFR_NO_RULE;
	run->seed = 0;
	run->matched_count = 0;
}

/* A key of late, and its rule (kmod-linux/steady.bpf.h). */
#define STEADY_WORDS (NFR_F_FAMILY + 1)
struct steady {
	__u32 w[STEADY_WORDS];
	__u32 rule;
	__u32 generation; /* that found it; 0: there is no such key */
	__u32 wait;	  /* keys that are not kept before the next is */
};

struct verdict {
	struct nfr_result result; /* first: tests read it from the map */
	struct packet packet;

	/* Of the frame, for those who have only this. */
	__u32 ifindex;
	__u32 ingress;
	__u32 len;  /* on the wire */
	__u32 role; /* enum state_role */

	/*
	 * What is looked up for the packet, then the name of its state. Without
	 * a state, the packet's own.
	 */
	struct nfr_state_key name;
	struct nfr_state_key alias; /* of those who need a second one */
	__u32 is_new;		    /* enum scratch_new */
	__u32 is_reply; /* with from_state: against its first packet's way */
	__u32 is_plain; /* of a state whose rule asks for nothing else */
	struct nfr_source_key source; /* under which fresh is counted */
	struct nfr_state fresh;
	struct nfr_fragment_key datagram; /* of a fragment */
	__u32 native; /* the rule, if it is known before: or NATIVE_NONE */
	struct nfr_fragment first; /* the first of datagram */
	struct icmp_quote quote;
	__u8 options[64]; /* of a SYN, as they are in the packet */
	__u32 options_len;
	__u32 walk;	      /* of those who walk through something */
	struct nfr_key other; /* a second key for the rules or the guard */

	struct vm_run rules, guard;  /* the latest run of each */
	struct nfr_state_key inward; /* of the flow where it came in */
	__u32 tag;		     /* of the packet before the rules */
	__u32 is_final;		     /* what a state is judged by again */
	__u32 reserved_too;
	__u32 seed;	   /* that the rules' run begins with */
	__u32 epoch;	   /* of tables, before the rules asked them */
	__u32 is_loopback; /* the device */
	__u32 whose;	   /* SCRATCH_WHOSE_*: not asked yet */
	__u64 counted;	   /* what fresh is counted as, until it is in */
	struct translation translation;
	struct apply apply;
	struct nfr_cgroup_key cgroup; /* that is looked up */
	struct forgotten forgotten;   /* of the state that ends */
	struct steady steady;	      /* of other packets */
};

/* What becomes of a piece before flows and rules are asked. */
enum fragment_way {
	FRAGMENT_NONE,	  /* it is no piece */
	FRAGMENT_BLOCKS,  /* the reason is set */
	FRAGMENT_FIRST,	  /* it is judged as any packet, then see below */
	FRAGMENT_PASSES,  /* by a rule; reason and rule are set */
	FRAGMENT_OF_STATE /* of v->name, by v->result.rule */
};

/* What an error is to flows. */
enum icmp_way {
	ICMP_NO_FLOW, /* a packet as others */
	ICMP_UNREAD,  /* the same, but no default may pass it */
	ICMP_BLOCKS,  /* reason and rule are set */
	ICMP_PASSES   /* the same; by the state of v->name */
};

/* fresh: nothing, a state just made, or a copy of that of this very flow. */
enum scratch_new { SCRATCH_NOTHING, SCRATCH_NEW, SCRATCH_ADOPTED };

/* Of whom a packet is: to be asked of its socket, if anybody wants to know. */
#define SCRATCH_WHOSE_OWNER 1u
#define SCRATCH_WHOSE_ORIGIN 2u

/* Which of the two keys a program runs on, and of what stage it is. */
enum scratch_key { SCRATCH_PACKET, SCRATCH_OTHER, SCRATCH_GUARD };

NFR_INLINE struct nfr_key *scratch_key(struct verdict *v, __u32 which)
{
	return which & SCRATCH_OTHER ? &v->other : &v->packet.key;
}

NFR_INLINE struct vm_run *scratch_run(struct verdict *v, __u32 which)
{
	return which & SCRATCH_GUARD ? &v->guard : &v->rules;
}

/* The segment as tcp.h wants it; its window scale is not looked for. */
NFR_INLINE struct tcp_segment scratch_segment(const struct verdict *v)
{
	const struct packet_segment *from = &v->packet.segment;

	return (struct tcp_segment){
		.seq = from->seq,
		.ack = from->ack,
		.len = from->len,
		.window = from->window,
		.flags = v->packet.key.w[NFR_F_TCPFLAGS],
		.wscale = TCP_NO_WSCALE,
	};
}

NFR_INLINE void verdict_set(struct verdict *v, __u8 reason, __u32 rule)
{
	v->result.reason = reason;
	v->result.rule = rule;
}

#endif
