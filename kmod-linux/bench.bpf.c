/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * bench.bpf.c: a frame -> its key, then pass: the floor that nfbench holds the
 * datapath against. Loaded for test runs only, never attached.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "runtime/packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} bench_scratch SEC(".maps");

static __always_inline __u8 bench_parse(const void *start, const void *end,
					__u32 len, __u8 dir)
{
	struct packet_frame frame = {
		.start = start,
		.end = end,
		.len = len,
		.dir = dir,
		.link = NFR_LINK_ETHER,
	};
	__u32 zero = 0;
	struct packet *packet = bpf_map_lookup_elem(&bench_scratch, &zero);

	return packet ? packet_parse(&frame, packet, 0) : NFR_REASON_NONE;
}

SEC("xdp")
int nfr_bench_xdp(struct xdp_md *ctx)
{
	const void *start = (const void *)(unsigned long)ctx->data;
	const void *end = (const void *)(unsigned long)ctx->data_end;

	return bench_parse(start, end, end - start, NFR_DIR_IN) ? XDP_DROP
								: XDP_PASS;
}

SEC("tc")
int nfr_bench_tc(struct __sk_buff *skb)
{
	const void *start = (const void *)(unsigned long)skb->data;
	const void *end = (const void *)(unsigned long)skb->data_end;

	return bench_parse(start, end, skb->len, NFR_DIR_OUT) ? TC_ACT_SHOT
							      : TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Dual BSD/GPL";
