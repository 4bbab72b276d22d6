/* SPDX-License-Identifier: BSD-2-Clause */
/* tc_only.bpf.c: frames on the uplink's tc egress -> default deny; a peer. What
 * a careful author writes who trusts one hook: transport, ARP, neighbour
 * discovery, DHCP and the LAN (but its DNS) leave, nothing else. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#define SEC(name) __attribute__((section(name), used))
#define IS_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)
#define HTONS(x) (IS_BIG ? (x) : __builtin_bswap16(x))
#define HTONL(x) (IS_BIG ? (x) : __builtin_bswap32(x))
#define IP(a, b, c, d) HTONL((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static int lan_port(const void *ports, const void *end)
{
	const struct udphdr *u = ports;

	if ((const void *)(u + 1) > end)
		return TC_ACT_SHOT;
	return u->dest == HTONS(53) || u->dest == HTONS(853) ? TC_ACT_SHOT
							     : TC_ACT_OK;
}

static int out4(const struct iphdr *ip, const void *end)
{
	const struct udphdr *u;

	if ((const void *)(ip + 1) > end || ip->version != 4 || ip->ihl != 5 ||
	    ip->frag_off & HTONS(0x3fff))
		return TC_ACT_SHOT;
	u = (const void *)(ip + 1);
	if (ip->protocol == IPPROTO_UDP) {
		if ((const void *)(u + 1) > end)
			return TC_ACT_SHOT;
		if (ip->daddr == IP(198, 51, 100, 7) && u->dest == HTONS(51820))
			return TC_ACT_OK;
		if (ip->daddr == 0xffffffff && u->source == HTONS(68) &&
		    u->dest == HTONS(67))
			return TC_ACT_OK;
	}
	if ((ip->daddr & IP(255, 255, 0, 0)) != IP(192, 168, 0, 0) &&
	    (ip->daddr & IP(255, 0, 0, 0)) != IP(10, 0, 0, 0))
		return TC_ACT_SHOT;
	if (ip->protocol == IPPROTO_ICMP)
		return TC_ACT_OK;
	return lan_port(u, end);
}

static int out6(const struct ipv6hdr *ip, const void *end)
{
	const __u8 *icmp = (const void *)(ip + 1);

	if ((const void *)(icmp + 8) > end || ip->version != 6)
		return TC_ACT_SHOT;
	if (ip->nexthdr == IPPROTO_ICMPV6 && ip->hop_limit == 255 &&
	    icmp[0] >= 133 && icmp[0] <= 136)
		return TC_ACT_OK;
	if (ip->daddr.s6_addr[0] != 0xfd)
		return TC_ACT_SHOT;
	if (ip->nexthdr == IPPROTO_ICMPV6)
		return TC_ACT_OK;
	if (ip->nexthdr != IPPROTO_TCP && ip->nexthdr != IPPROTO_UDP)
		return TC_ACT_SHOT;
	return lan_port(icmp, end);
}

SEC("egress") int tc_only(struct __sk_buff *skb)
{
	const void *data = (const void *)(long)skb->data;
	const void *end = (const void *)(long)skb->data_end;
	const struct ethhdr *eth = data;

	if ((const void *)(eth + 1) > end)
		return TC_ACT_SHOT;
	switch (eth->h_proto) {
	case HTONS(ETH_P_ARP):
		return TC_ACT_OK;
	case HTONS(ETH_P_IP):
		return out4((const void *)(eth + 1), end);
	case HTONS(ETH_P_IPV6):
		return out6((const void *)(eth + 1), end);
	default:
		return TC_ACT_SHOT;
	}
}

/* Another tool's filter, in front: "all well". */
SEC("pass") int pass_all(struct __sk_buff *skb)
{
	(void)skb;
	return TC_ACT_OK;
}

SEC("license") const char license_text[] = "Dual BSD/GPL";
