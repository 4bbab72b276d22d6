/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * socket.bpf.c: a socket option -> allowed, or EPERM.
 *
 * PACKET_QDISC_BYPASS and AF_XDP send past every hook that sees packets, so a
 * socket of the guarded namespace is not let to set either up. No policy is
 * asked: what is not to be seen can not be judged. To end the first is allowed:
 * apply does it to sockets that are older (socket_diag.c).
 */
#define NFR_STUB
#include "kmod-linux/maps.bpf.h"

#define SOCKET_SOL_PACKET 263
#define SOCKET_QDISC_BYPASS 20
#define SOCKET_SOL_XDP 283

/* PACKET_QDISC_BYPASS takes an int, and nothing longer. */
static __always_inline int socket_ends_bypass(const struct bpf_sockopt *ctx)
{
	const __u32 *value = ctx->optval;

	return ctx->level == SOCKET_SOL_PACKET &&
	       ctx->optlen == sizeof(*value) &&
	       (const void *)(value + 1) <= ctx->optval_end && !*value;
}

SEC("cgroup/setsockopt")
int nfr_setsockopt(struct bpf_sockopt *ctx)
{
	__u32 zero = 0;
	struct nfr_control *control = bpf_map_lookup_elem(&nfr_control, &zero);

	if (ctx->level != SOCKET_SOL_XDP &&
	    (ctx->level != SOCKET_SOL_PACKET ||
	     ctx->optname != SOCKET_QDISC_BYPASS))
		goto allow;
	if (socket_ends_bypass(ctx))
		goto allow;
	if (control && bpf_get_netns_cookie(ctx) != control->netns_cookie)
		goto allow;
	maps_count_reason(NFR_DIR_OUT, NFR_REASON_SOCKET, 0);
	return 0;
allow:
	/* Others' options may be longer than the page that was copied. */
	if (ctx->optlen > 4096)
		ctx->optlen = 0;
	return 1;
}

char _license[] SEC("license") = "Dual BSD/GPL";
