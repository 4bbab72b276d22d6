/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * native_call.bpf.h: the packet in the scratch -> the rule, by native code.
 *
 * Native code is a program of its own (runtime/native.c), so that a policy has
 * the verifier look at its rules alone and not at the datapath again. A tail
 * call out of a subprogram returns to who called that, with what the program
 * returned (Linux 5.10 on x86, 6.0 on arm64). The subprograms are global, so
 * that the verifier does not take their own return for the only one; and called
 * from the hook's program itself, as less than 256 bytes of stack may be above
 * them.
 */
#ifndef NFR_NATIVE_CALL_BPF_H
#define NFR_NATIVE_CALL_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "kmod-linux/slots.bpf.h"
#include "runtime/scratch.h"

SLOTS(nfr_native_xdp, 1);
SLOTS(nfr_native_tc, 1);

__u32 datapath_native_xdp(struct xdp_md *xdp);
__u32 datapath_native_tc(struct __sk_buff *skb);

__attribute__((noinline)) __u32 datapath_native_xdp(struct xdp_md *xdp)
{
	__u32 none = NATIVE_NONE;

	bpf_tail_call_static(xdp, &nfr_native_xdp, 0);
	PACKET_OPAQUE(none);
	return none;
}

__attribute__((noinline)) __u32 datapath_native_tc(struct __sk_buff *skb)
{
	__u32 none = NATIVE_NONE;

	bpf_tail_call_static(skb, &nfr_native_tc, 0);
	PACKET_OPAQUE(none);
	return none;
}

#endif
