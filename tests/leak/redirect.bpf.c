/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * redirect.bpf.c: another tool's programs on a device, the tunnel's or a
 * container's, which send what is there to the device UPLINK; or on that, or on
 * a route, which send elsewhere what leaves there.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

/* To the router, which the route of the packet does not lead to. */
SEC("neighbour") int to_neighbour(struct __sk_buff *skb)
{
	struct bpf_redir_neigh next = {0};

	if (bpf_skb_change_head(skb, 14, 0))
		return TC_ACT_OK;
	if (skb->protocol == __builtin_bswap16(0x0800)) {
		next.nh_family = 2;
		next.ipv4_nh = __builtin_bswap32(0xc0a80101);
	} else {
		next.nh_family = 10;
		next.ipv6_nh[0] = __builtin_bswap32(0xfe800000);
		next.ipv6_nh[3] = __builtin_bswap32(1);
	}
	return (int)bpf_redirect_neigh(UPLINK, &next, sizeof(next), 0);
}

/* A copy, with a header that all take. */
SEC("clone") int to_all(struct __sk_buff *skb)
{
	__u8 head[14] = {255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 1, 16};
	__u16 type = (__u16)skb->protocol;

	if (bpf_skb_change_head(skb, 14, 0))
		return TC_ACT_OK;
	__builtin_memcpy(head + 12, &type, 2);
	bpf_skb_store_bytes(skb, 0, head, sizeof(head), 0);
	bpf_clone_redirect(skb, UPLINK, 0);
	return TC_ACT_SHOT;
}

/* What comes from a container, as it is. */
SEC("xdp") int from_box(struct xdp_md *xdp)
{
	(void)xdp;
	return (int)bpf_redirect(UPLINK, 0);
}

/* What goes to the excluded printer goes to the web server. */
SEC("rewrite") int to_web(struct __sk_buff *skb)
{
	const __u32 web = __builtin_bswap32(0xcb007150);
	const __u32 printer = __builtin_bswap32(0xc0a80114);
	__u32 to;

	if (skb->protocol == __builtin_bswap16(0x0800) &&
	    !bpf_skb_load_bytes(skb, 30, &to, sizeof(to)) && to == printer) {
		bpf_l3_csum_replace(skb, 24, to, web, sizeof(to));
		bpf_skb_store_bytes(skb, 30, &web, sizeof(web), 0);
	}
	return TC_ACT_OK;
}

/* What has a route with it goes to the web server; there is no frame yet. */
SEC("lwt_xmit") int route_to_web(struct __sk_buff *skb)
{
	const __u32 web = __builtin_bswap32(0xcb007150);
	__u32 to;

	if (!bpf_skb_load_bytes(skb, 16, &to, sizeof(to))) {
		bpf_l3_csum_replace(skb, 10, to, web, sizeof(to));
		bpf_skb_store_bytes(skb, 16, &web, sizeof(web), 0);
	}
	return BPF_OK;
}

SEC("license") const char license_text[] = "Dual BSD/GPL";
