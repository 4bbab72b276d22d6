/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * bench.bpf.c: a frame -> its key, then pass: the floor that nfbench holds the
 * datapath against. And programs that write the frame anew before they call
 * the floor or the datapath, as a test run gives each run what the last left,
 * or make it the next packet of a trace;
 * one that sends the frame out of a device, and one that is a filter of a
 * single rule. Loaded for test runs, and attached in nfbench's own namespaces.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

#include "bench/bench_frame.h"
#include "kmod-linux/bench_cursor.bpf.h"
#include "kmod-linux/slots.bpf.h"
#include "runtime/packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct packet);
} bench_scratch SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_frame);
} bench_frame SEC(".maps");

/* A trace. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_packet);
} bench_packets SEC(".maps");

/* Where nfr_send_xdp sends to: an index of the namespace it runs in. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} bench_device SEC(".maps");

/* What is measured behind a write. */
SLOTS(bench_xdp, 1);
SLOTS(bench_in, 1);
SLOTS(bench_out, 1);

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

/* Run with BPF_F_TEST_XDP_LIVE_FRAMES. */
SEC("xdp")
int nfr_send_xdp(struct xdp_md *ctx)
{
	__u32 zero = 0;
	const __u32 *device = bpf_map_lookup_elem(&bench_device, &zero);

	(void)ctx;
	return device ? bpf_redirect(*device, 0) : XDP_ABORTED;
}

/* Parses, passes datagrams to BENCH_PORT, and blocks all else. */
SEC("xdp")
int nfr_door_xdp(struct xdp_md *ctx)
{
	const void *start = (const void *)(unsigned long)ctx->data;
	const void *end = (const void *)(unsigned long)ctx->data_end;
	__u32 zero = 0;
	const struct packet *packet =
		bpf_map_lookup_elem(&bench_scratch, &zero);

	if (!packet || bench_parse(start, end, end - start, NFR_DIR_IN))
		return XDP_DROP;
	return packet->key.w[NFR_F_PROTO] == BENCH_UDP &&
			       packet->key.w[NFR_F_DPORT] == BENCH_PORT
		       ? XDP_PASS
		       : XDP_DROP;
}

static __always_inline int bench_tc(struct __sk_buff *skb, __u8 dir)
{
	const void *start = (const void *)(unsigned long)skb->data;
	const void *end = (const void *)(unsigned long)skb->data_end;

	return bench_parse(start, end, skb->len, dir) ? TC_ACT_SHOT
						      : TC_ACT_UNSPEC;
}

SEC("tc")
int nfr_bench_in(struct __sk_buff *skb)
{
	return bench_tc(skb, NFR_DIR_IN);
}

SEC("tc")
int nfr_bench_out(struct __sk_buff *skb)
{
	return bench_tc(skb, NFR_DIR_OUT);
}

/* Nonzero when the frame is too short. */
static __always_inline int bench_write(void *start, const void *end)
{
	__u32 zero = 0, at;
	struct bench_frame *frame = bpf_map_lookup_elem(&bench_frame, &zero);
	__u64 *to = start;

	if (!frame || (const void *)(to + BENCH_FRAME_LEN / 8) > end)
		return 1;
	at = frame->seq_at;
	if (at && at < BENCH_FRAME_LEN - 4) {
		__u32 *seq = (void *)frame->words + at;

		*seq = __builtin_bswap32(__builtin_bswap32(*seq) +
					 frame->seq_step);
	}
#pragma GCC unroll 12
	for (int i = 0; i < BENCH_FRAME_LEN / 8; i++)
		to[i] = frame->words[i];
	return 0;
}

SEC("xdp")
int nfr_write_xdp(struct xdp_md *ctx)
{
	if (!bench_write((void *)(unsigned long)ctx->data,
			 (const void *)(unsigned long)ctx->data_end))
		bpf_tail_call_static(ctx, &bench_xdp, 0);
	return XDP_ABORTED;
}

static __always_inline int bench_write_tc(struct __sk_buff *skb)
{
	return bench_write((void *)(unsigned long)skb->data,
			   (const void *)(unsigned long)skb->data_end);
}

SEC("tc")
int nfr_write_in(struct __sk_buff *skb)
{
	if (!bench_write_tc(skb))
		bpf_tail_call_static(skb, &bench_in, 0);
	return TC_ACT_SHOT;
}

SEC("tc")
int nfr_write_out(struct __sk_buff *skb)
{
	if (!bench_write_tc(skb))
		bpf_tail_call_static(skb, &bench_out, 0);
	return TC_ACT_SHOT;
}

/* The frame becomes the next one of the trace. */
static __always_inline int bench_advance(void *start, const void *end)
{
	struct bench_packet *to = start;
	const struct bench_packet *from;
	struct bench_cursor *cursor = bench_cursor_get();
	__u32 at;

	if (!cursor || (const void *)(to + 1) > end)
		return 1;
	at = bench_cursor_step(cursor);
	from = bpf_map_lookup_elem(&bench_packets, &at);
	if (!from)
		return 1;
#pragma GCC unroll 10
	for (unsigned i = 0; i < BENCH_PACKET_LEN / 8; i++)
		to->words[i] = from->words[i];
	return 0;
}

SEC("xdp")
int nfr_trace_xdp(struct xdp_md *ctx)
{
	if (!bench_advance((void *)(unsigned long)ctx->data,
			   (const void *)(unsigned long)ctx->data_end))
		bpf_tail_call_static(ctx, &bench_xdp, 0);
	return XDP_ABORTED;
}

SEC("tc")
int nfr_trace_in(struct __sk_buff *skb)
{
	if (!bench_advance((void *)(unsigned long)skb->data,
			   (const void *)(unsigned long)skb->data_end))
		bpf_tail_call_static(skb, &bench_in, 0);
	return BENCH_LOST;
}

char _license[] SEC("license") = "Dual BSD/GPL";
