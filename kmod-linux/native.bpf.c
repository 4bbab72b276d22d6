/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * native.bpf.c: the programs that native code is in: the datapath's packet ->
 * the rule that decides, or NATIVE_NONE. Their maps are the datapath's; see
 * native_call.bpf.h for who calls them.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "kmod-linux/native.bpf.h"
#include "kmod-linux/scratch.bpf.h"

NFR_INLINE __u32 native_judge(void)
{
	struct verdict *v = datapath_scratch();

	return v ? datapath_native((struct native_frame *)(void *)v)
		 : NATIVE_NONE;
}

SEC("xdp")
int nfr_native_xdp(struct xdp_md *ctx)
{
	(void)ctx;
	return (int)native_judge();
}

SEC("tc")
int nfr_native_tc(struct __sk_buff *ctx)
{
	(void)ctx;
	return (int)native_judge();
}

char _license[] SEC("license") = "Dual BSD/GPL";
