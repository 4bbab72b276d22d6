/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tunnel.c: what a tunnel block lets out, by the rules and by the guard,
 * and what is wrong in one.
 */
#include "tunnel_facts.h"

#define EXCLUDE                                                                \
	"table <lan> const { 192.168.0.0/16 fd00::/8 }\n"                      \
	"tunnel wg0 over any {\n"                                              \
	"\ttransport proto udp to 198.51.100.7 port 51820\n"                   \
	"\texclude to <lan>\n"                                                 \
	"\tdns { 10.64.0.1 192.168.9.53 }\n"                                   \
	"\tlink arp ndp dhcp\n"                                                \
	"}\n"
#define INCLUDE                                                                \
	"tunnel wg0 over any {\n"                                              \
	"\ttransport proto udp to 198.51.100.7 port 51820\n"                   \
	"\tinclude to 10.20.0.0/16\n"                                          \
	"\tdns 10.20.0.53\n"                                                   \
	"\tlink arp\n"                                                         \
	"}\n"
#define OVER_ETH0                                                              \
	"tunnel wg0 over eth0 {\n"                                             \
	"\ttransport proto udp to 198.51.100.7 port 51820\n"                   \
	"}\n"

static const struct fact exclude_facts[] = {
	{"the web, inside", TCP(OUT, "wg0", "10.64.0.2", "9.9.9.9", 4, 443), 1},
	{"the web, outside", TCP(OUT, "eth0", "192.168.1.5", "9.9.9.9", 4, 443),
	 0},
	{"the web by an uplink that appeared",
	 TCP(OUT, NULL, "192.168.1.5", "9.9.9.9", 4, 443), 0},
	{"IPv6, outside", TCP(OUT, "eth0", "2001:db8::1", "2001:db8::2", 4, 1),
	 0},
	{"the transport",
	 UDP(OUT, "eth0", "192.168.1.5", "198.51.100.7", 9, 51820), 1},
	{"the endpoint by another port",
	 UDP(OUT, "eth0", "192.168.1.5", "198.51.100.7", 9, 51821), 0},
	{"the endpoint by TCP",
	 TCP(OUT, "eth0", "192.168.1.5", "198.51.100.7", 9, 51820), 0},
	{"the printer", TCP(OUT, "eth0", "192.168.1.5", "192.168.1.9", 4, 631),
	 1},
	{"the printer by IPv6", TCP(OUT, "eth0", "fd00::2", "fd00::9", 4, 631),
	 1},
	{"the printer's resolver",
	 UDP(OUT, "eth0", "192.168.1.5", "192.168.1.1", 4, 53), 0},
	{"DNS over TLS there",
	 TCP(OUT, "eth0", "192.168.1.5", "192.168.1.1", 4, 853), 0},
	{"the tunnel's resolver",
	 UDP(OUT, "wg0", "10.64.0.2", "10.64.0.1", 4, 53), 1},
	{"another resolver, inside",
	 UDP(OUT, "wg0", "10.64.0.2", "9.9.9.9", 4, 53), 0},
	{"the tunnel's resolver, outside, by another port",
	 TCP(OUT, "eth0", "192.168.1.5", "192.168.9.53", 4, 443), 0},
	{"a host beside it",
	 TCP(OUT, "eth0", "192.168.1.5", "192.168.9.54", 4, 443), 1},
	{"the tunnel's resolver, outside",
	 UDP(OUT, "eth0", "192.168.1.5", "10.64.0.1", 4, 53), 0},
	{"loopback", TCP(OUT, "lo", "127.0.0.1", "127.0.0.1", 4, 53), 1},
	{"loopback, in", TCP(IN, "lo", "127.0.0.1", "127.0.0.1", 4, 53), 1},
	{"a stranger, in", TCP(IN, "eth0", "9.9.9.9", "192.168.1.5", 4, 22), 0},
	{"a stranger, inside, in",
	 TCP(IN, "wg0", "9.9.9.9", "10.64.0.2", 4, 22), 0},
	{"ARP of an odd kind, by the kernel", FRAME(OUT, "eth0", 0x0806), 1},
	{"ARP of an odd kind", FRAME_BY(PACKET_FOREIGN, OUT, "eth0", 0x0806),
	 0},
	{"ARP, in", FRAME(IN, "eth0", 0x0806), 1},
	{"EAPOL, which link does not name", FRAME(OUT, "eth0", 0x888e), 0},
	{"PPPoE", FRAME(OUT, "eth0", 0x8864), 0},
	{"a router solicitation", ICMP6(OUT, "eth0", 133, 255), 1},
	{"a router solicitation, in", ICMP6(IN, "eth0", 133, 255), 0},
	{"a router advertisement", ICMP6(IN, "eth0", 134, 255), 1},
	{"a router advertisement, out", ICMP6(OUT, "eth0", 134, 255), 0},
	{"a neighbour solicitation", ICMP6(OUT, "eth0", 135, 255), 1},
	{"one that was forwarded", ICMP6(OUT, "eth0", 135, 254), 0},
	{"a neighbour advertisement", ICMP6(IN, "eth0", 136, 255), 1},
	{"a redirect", ICMP6(IN, "eth0", 137, 255), 0},
	{"a redirect, out", ICMP6(OUT, "eth0", 137, 255), 0},
	{"a DHCP request",
	 UDP(OUT, "eth0", "0.0.0.0", "255.255.255.255", 68, 67), 1},
	{"a DHCP reply",
	 UDP(IN, "eth0", "192.168.1.1", "255.255.255.255", 67, 68), 1},
	{"a DHCP server of ours",
	 UDP(OUT, "eth0", "9.9.9.9", "255.255.255.255", 67, 68), 0},
	{"a DHCPv6 request", UDP(OUT, "eth0", "fe80::2", "ff02::1:2", 546, 547),
	 1},
	{"a DHCPv6 reply", UDP(IN, "eth0", "fe80::1", "fe80::2", 547, 546), 1},
	{"a lease renewed with the server here",
	 UDP(OUT, "eth0", "192.168.1.5", "192.168.1.1", 68, 67), 1},
	{"DHCP's ports to the internet",
	 UDP(OUT, "eth0", "192.168.1.5", "9.9.9.9", 68, 67), 0},
	{"DHCPv6's ports to the internet",
	 UDP(OUT, "eth0", "2001:db8::1", "2001:db8:9::9", 546, 547), 0},
	{"the transport, by someone else",
	 UDP_BY(NFR_ORIGIN_SOCKET | NFR_ORIGIN_KERNEL, OUT, "eth0",
		"192.168.1.5", "198.51.100.7", 9, 51820),
	 0},
	{"the transport, written raw",
	 UDP_BY(PACKET_FOREIGN, OUT, "eth0", "192.168.1.5", "198.51.100.7", 9,
		51820),
	 0},
	{"ARP for a neighbour, written raw",
	 ARP_BY(PACKET_FOREIGN, OUT, "192.168.1.5", "192.168.1.9"), 1},
	{"ARP for the world, written raw",
	 ARP_BY(PACKET_FOREIGN, OUT, "192.168.1.5", "9.9.9.9"), 0},
	{"ARP for a neighbour of a public network, by the kernel",
	 ARP_BY(NFR_ORIGIN_KERNEL, OUT, "192.168.1.5", "9.9.9.9"), 1},
	{"ARP for a neighbour that nothing waits for",
	 ARP_BY(NFR_ORIGIN_KERNEL | PACKET_VAIN, OUT, "192.168.1.5", "9.9.9.9"),
	 0},
	{"ARP that answers for a neighbour of another device",
	 ARP_BY(NFR_ORIGIN_KERNEL | PACKET_PROXY, OUT, "192.168.1.9",
		"192.168.1.1"),
	 0},
	{"ARP for the tunnel's address", ARP(OUT, "192.168.1.5", "10.64.0.2"),
	 0},
	{"ARP that gives it away", ARP(OUT, "10.64.0.2", "192.168.1.1"), 0},
	{"ARP for it, in", ARP(IN, "192.168.1.1", "10.64.0.2"), 0},
	{"ARP by someone who claims it, in",
	 ARP(IN, "10.64.0.2", "192.168.1.5"), 0},
	{"a neighbour solicitation to the internet, written raw",
	 NDP_BY(PACKET_FOREIGN, OUT, "2001:db8::1", "2001:db8:9::9", 135), 0},
	{"one to a neighbour with a public address, by the kernel",
	 NDP_BY(NFR_ORIGIN_KERNEL, OUT, "2001:db8::1", "2001:db8::9", 135), 1},
	{"one that nothing waits for",
	 NDP_BY(NFR_ORIGIN_KERNEL | PACKET_VAIN, OUT, "2001:db8::1",
		"2001:db8::9", 135),
	 0},
	{"one to the neighbour's group, written raw, that nothing waits for",
	 NDP_BY(PACKET_FOREIGN | PACKET_VAIN, OUT, "2001:db8::1",
		"ff02::1:ff00:9", 135),
	 0},
	{"an advertisement of a neighbour's, by the kernel",
	 NDP_BY(NFR_ORIGIN_KERNEL, OUT, "fe80::5", "fe80::1", 136), 1},
	{"one for a neighbour of another device",
	 NDP_BY(NFR_ORIGIN_KERNEL | PACKET_PROXY, OUT, "fe80::5", "fe80::1",
		136),
	 0},
	{"a router solicitation to the internet",
	 NDP(OUT, "2001:db8::1", "2001:db8:9::9", 133), 0},
	{"a router advertisement from afar",
	 NDP(IN, "2001:db8::1", "ff02::1", 134), 0},
	{"IPv6 within IPv4, to the LAN",
	 {.dir = OUT,
	  .on = "eth0",
	  .src = "192.168.1.5",
	  .dst = "192.168.1.1",
	  .proto = 41},
	 0},
	{"the web, inside, by the uplink's address",
	 TCP(OUT, "wg0", "192.168.1.50", "9.9.9.9", 4, 443), 0},
	{"the web, inside, by anyone's address",
	 TCP(OUT, "wg0", "172.16.5.2", "9.9.9.9", 4, 443), 0},
	{"the tunnel's resolver, inside, by anyone's address",
	 UDP(OUT, "wg0", "172.16.5.2", "10.64.0.1", 4, 53), 0},
	{"IPv6, inside, by anyone's address",
	 TCP(OUT, "wg0", "2001:db8::1", "2001:db8:9::9", 4, 443), 0},
};

static void exclude_lets_out_what_it_names(void **state)
{
	(void)state;
	ASSERT_FACTS(EXCLUDE, exclude_facts);
}

/* Whatever the rules say, "out" is the same. */
static void no_rule_overrides_the_guard(void **state)
{
	struct policy_text t = policy_text_sound("set default pass\n" EXCLUDE
						 "pass quick all flags any\n");

	(void)state;
	for (size_t i = 0; i < sizeof(exclude_facts) / sizeof(struct fact);
	     i++) {
		const struct fact *f = &exclude_facts[i];
		struct nfr_key key = packet_key(t.policy, &f->packet);
		struct nfr_result r = model_judge(t.policy, &key);

		if (f->packet.dir == IN || f->is_passed)
			continue;
		if (r.verdict == NFR_PASS)
			fail_msg("%s leaves", f->name);
		if (f->packet.src && !f->packet.ethertype)
			assert_int_equal(r.reason,
					 f->packet.origin & PACKET_VAIN
						 ? NFR_REASON_NEIGHBOUR
						 : NFR_REASON_GUARD);
		r = model_judge_flow(t.policy, &key, 0);
		assert_int_equal(r.verdict, NFR_BLOCK);
	}
	policy_text_free(&t);
}

static void a_rule_of_the_user_beats_the_default_rules(void **state)
{
	static const struct fact facts[] = {
		{"the printer",
		 TCP(OUT, "eth0", "192.168.1.5", "192.168.1.9", 4, 631), 0},
		{"ssh, in", TCP(IN, "wg0", "9.9.9.9", "10.64.0.2", 4, 22), 1},
	};

	(void)state;
	ASSERT_FACTS(EXCLUDE "block out to 192.168.1.9\n"
			     "pass in on wg0 proto tcp to port 22\n",
		     facts);
}

/* Does a packet to address leave by wan0, whose network is public? */
static bool leaves_by_wan(const char *exclude, const char *address)
{
	const struct packet_words packet = {.dir = OUT,
					    .on = "wan0",
					    .src = "198.51.100.20",
					    .dst = address,
					    .proto = 17};
	struct policy_text t;
	struct nfr_key key;
	char text[256];
	bool is_passed;

	snprintf(text, sizeof(text),
		 "tunnel wg0 over any {\n"
		 "\ttransport proto udp to 203.0.113.7 port 51820\n"
		 "\texclude to %s\n"
		 "}\n",
		 exclude);
	t = policy_text_named("test.nfr", text, strlen(text), "router", NULL);
	assert_int_equal(diag_errors(t.diag), 0);
	key = packet_key(t.policy, &packet);
	is_passed = model_judge(t.policy, &key).verdict == NFR_PASS;
	policy_text_free(&t);
	return is_passed;
}

static void a_claimed_network_is_excluded_where_it_is_private(void **state)
{
	(void)state;
	assert_false(leaves_by_wan("(wan0:network)", "198.51.100.9"));
	assert_true(leaves_by_wan("(wan0:network) trusted", "198.51.100.9"));
	assert_true(leaves_by_wan("(lan0:network)", "192.168.7.9"));
	assert_false(leaves_by_wan("(lan0:network)", "192.168.8.9"));
}

static void a_network_by_name_is_cut_the_same(void **state)
{
	static const char text[] =
		"tunnel wg0 over any {\n"
		"\ttransport proto udp to 203.0.113.7 port 51820\n"
		"\texclude to wan0:network\n"
		"}\n";
	struct policy_text t = policy_text_named("test.nfr", text, strlen(text),
						 "claimed", NULL);
	char *said = policy_text_diag(&t);

	(void)state;
	assert_non_null(strstr(said, "nothing of it is excluded [-Wcut]"));
	free(said);
	policy_text_free(&t);
	assert_false(leaves_by_wan("wan0:network", "198.51.100.9"));
	assert_true(leaves_by_wan("wan0:network trusted", "198.51.100.9"));
	assert_true(leaves_by_wan("lan0:network", "192.168.7.9"));
	assert_false(leaves_by_wan("lan0:network", "192.168.8.9"));
}

static void include_keeps_in_what_it_names(void **state)
{
	static const struct fact facts[] = {
		{"the office, inside",
		 TCP(OUT, "wg0", "10.64.0.2", "10.20.1.1", 4, 443), 1},
		{"the office, outside",
		 TCP(OUT, "eth0", "192.168.1.5", "10.20.1.1", 4, 443), 0},
		{"the office by another uplink",
		 TCP(OUT, NULL, "192.168.1.5", "10.20.1.1", 4, 443), 0},
		{"the world, outside",
		 TCP(OUT, "eth0", "192.168.1.5", "9.9.9.9", 4, 443), 1},
		{"the world, inside",
		 TCP(OUT, "wg0", "10.64.0.2", "9.9.9.9", 4, 443), 1},
		{"the transport",
		 UDP(OUT, "eth0", "192.168.1.5", "198.51.100.7", 9, 51820), 1},
		{"names, outside",
		 UDP(OUT, "eth0", "192.168.1.5", "9.9.9.9", 9, 53), 0},
		{"names, inside",
		 UDP(OUT, "wg0", "10.64.0.2", "10.20.0.53", 9, 53), 1},
		{"ARP", FRAME(OUT, "eth0", 0x0806), 1},
		{"EAPOL", FRAME(OUT, "eth0", 0x888e), 0},
	};
	static const struct fact opened[] = {
		{"the office, outside",
		 TCP(OUT, "eth0", "192.168.1.5", "10.20.1.1", 4, 443), 0},
		{"names, outside",
		 UDP(OUT, "eth0", "192.168.1.5", "9.9.9.9", 9, 53), 0},
		{"IPX", FRAME(OUT, "eth0", 0x8137), 0},
	};

	(void)state;
	ASSERT_FACTS(INCLUDE, facts);
	ASSERT_FACTS(INCLUDE "pass quick all flags any\n", opened);
}

static void over_a_name_leaves_other_interfaces_to_the_rules(void **state)
{
	static const struct fact facts[] = {
		{"eth0", UDP(OUT, "eth0", "192.168.1.5", "9.9.9.9", 9, 5), 0},
		{"ARP on eth0, which no link clause names",
		 FRAME(OUT, "eth0", 0x0806), 0},
		{"another", UDP(OUT, NULL, "192.168.1.5", "9.9.9.9", 9, 5), 1},
		{"ARP on another", FRAME(OUT, NULL, 0x0806), 1},
	};

	(void)state;
	ASSERT_FACTS(OVER_ETH0 "pass out quick all\n", facts);
}

static void transport_on_port_53_is_a_transport(void **state)
{
	static const struct fact facts[] = {
		{"the transport",
		 UDP(OUT, "eth0", "192.168.1.5", "198.51.100.7", 9, 53), 1},
		{"DNS", UDP(OUT, "eth0", "192.168.1.5", "198.51.100.8", 9, 53),
		 0},
	};

	(void)state;
	ASSERT_FACTS("tunnel wg0 over any {\n"
		     "transport proto udp to 198.51.100.7 port 53\n"
		     "exclude to 198.51.100.0/24\n"
		     "dns 10.64.0.1\n}\n",
		     facts);
}

static void an_excluded_endpoint_is_the_tunnels_own(void **state)
{
	static const struct fact facts[] = {
		{"the transport",
		 UDP(OUT, "eth0", "192.168.1.5", "192.168.1.7", 9, 51820), 1},
		{"it, by someone else",
		 UDP_BY(NFR_ORIGIN_SOCKET, OUT, "eth0", "192.168.1.5",
			"192.168.1.7", 9, 51820),
		 0},
		{"it, written raw",
		 UDP_BY(PACKET_FOREIGN, OUT, "eth0", "192.168.1.5",
			"192.168.1.7", 9, 51820),
		 0},
		{"the endpoint by another port",
		 UDP_BY(NFR_ORIGIN_SOCKET, OUT, "eth0", "192.168.1.5",
			"192.168.1.7", 9, 51821),
		 1},
		{"that port elsewhere",
		 UDP_BY(NFR_ORIGIN_SOCKET, OUT, "eth0", "192.168.1.5",
			"192.168.1.8", 9, 51820),
		 1},
	};

	(void)state;
	ASSERT_FACTS("tunnel wg0 over any {\n"
		     "transport proto udp to 192.168.1.7 port 51820\n"
		     "exclude to 192.168.0.0/16\n"
		     "}\n",
		     facts);
}

static void what_rules_name_is_forwarded_inside(void **state)
{
	static const struct fact facts[] = {
		{"the tunnel's own",
		 TCP(OUT, "wg0", "10.64.0.2", "9.9.9.9", 4, 443), 1},
		{"a container",
		 TCP(OUT, "wg0", "172.16.5.2", "9.9.9.9", 4, 443), 1},
		{"another", TCP(OUT, "wg0", "172.16.6.2", "9.9.9.9", 4, 443),
		 0},
		{"a container by IPv6",
		 TCP(OUT, "wg0", "fd55::2", "2001:db8::1", 4, 443), 0},
		{"its names", UDP(OUT, "wg0", "172.16.5.2", "9.9.9.9", 4, 53),
		 0},
		{"a container, outside",
		 TCP(OUT, "eth0", "172.16.5.2", "9.9.9.9", 4, 443), 0},
	};
	static const struct fact others[] = {
		{"of a rule for every device",
		 TCP(OUT, "wg0", "172.16.5.2", "9.9.9.9", 4, 443), 0},
		{"of a rule for all sources",
		 TCP(OUT, "wg0", "172.16.7.2", "9.9.9.9", 4, 443), 0},
		{"of a rule that translates it",
		 TCP(OUT, "wg0", "172.16.8.2", "9.9.9.9", 4, 443), 1},
	};

	(void)state;
	ASSERT_FACTS(EXCLUDE "pass out on wg0 from 172.16.5.0/24\n", facts);
	ASSERT_FACTS(EXCLUDE "pass out from 172.16.5.0/24\n"
			     "pass out on wg0\n"
			     "pass out on wg0 inet from 172.16.8.0/24 "
			     "nat-to 10.64.0.2\n",
		     others);
}

static void redirects_stay_out_whatever_rules_say(void **state)
{
	static const struct fact facts[] = {
		{"a redirect",
		 {.dir = IN,
		  .on = "eth0",
		  .src = "192.168.1.1",
		  .dst = "192.168.1.5",
		  .proto = 1,
		  .icmp = 5 << 8 | 1},
		 0},
		{"one of IPv6", ICMP6(IN, "eth0", 137, 255), 0},
		{"an echo request",
		 {.dir = IN,
		  .on = "eth0",
		  .src = "192.168.1.1",
		  .dst = "192.168.1.5",
		  .proto = 1,
		  .icmp = 8 << 8},
		 1},
		{"GRE",
		 {.dir = IN,
		  .on = "eth0",
		  .src = "192.168.1.1",
		  .dst = "192.168.1.5",
		  .proto = 47},
		 0},
	};

	(void)state;
	ASSERT_FACTS(EXCLUDE "pass quick all flags any\n", facts);
}

static void another_tunnel_may_be_the_transport(void **state)
{
	static const struct fact facts[] = {
		{"out",
		 {.dir = OUT,
		  .on = "eth0",
		  .src = "192.168.1.5",
		  .dst = "198.51.100.7",
		  .proto = 47},
		 1},
		{"elsewhere",
		 {.dir = OUT,
		  .on = "eth0",
		  .src = "192.168.1.5",
		  .dst = "198.51.100.8",
		  .proto = 47},
		 0},
	};

	(void)state;
	ASSERT_FACTS("tunnel wg0 over any {\n"
		     "transport proto gre to 198.51.100.7\n}\n",
		     facts);
}

static void what_it_makes_is_marked_and_placed(void **state)
{
	struct policy_text t = policy_text_sound(EXCLUDE);
	const struct policy *p = t.policy;
	struct location loc;

	(void)state;
	assert_string_equal(p->ifaces[0].name, "wg0");
	assert_true(p->ifaces[0].is_tunnel);
	assert_string_equal(p->ifaces[1].name, "lo");
	assert_true(p->ifaces[1].is_loopback);
	for (size_t i = 0; i + 1 < p->rule_count; i++) {
		assert_true(p->rules[i].is_generated);
		sources_locate(t.sources, p->rules[i].span.start, &loc);
		assert_non_null(loc.file);
	}
	for (size_t i = 0; i < p->guard_count; i++) {
		assert_true(p->guard[i].is_generated);
		assert_false(p->guard[i].keeps_state);
		assert_memory_equal(p->guard[i].text, "guard: ", 7);
	}
	assert_string_equal(p->guard[p->guard_count - 1].text,
			    "guard: block drop out on ! wg0 all "
			    "(tunnel wg0 over any)");
	policy_text_free(&t);
}

static void wrong_blocks_are_refused_with_a_lesson(void **state)
{
	(void)state;
	assert_refused("tunnel wg0 over any {\ndns 10.0.0.1\n}\n",
		       "without \"transport\"");
	assert_refused("tunnel wg0 over any {\n"
		       "transport proto udp to any port 51820\n}\n",
		       "names its endpoint's address");
	assert_refused("tunnel wg0 over any {\n"
		       "transport proto udp to ! 10.0.0.1 port 51820\n}\n",
		       "names its endpoint's address");
	assert_refused("tunnel wg0 over any {\n"
		       "transport proto udp to 10.0.0.1\n}\n",
		       "names its endpoint's port");
	assert_refused("tunnel wg0 over any {\ntransport to 10.0.0.1\n}\n",
		       "names its endpoint's protocol");
	assert_refused("tunnel wg0 over any {\n"
		       "transport proto udp to 10.0.0.1 port 1\n"
		       "exclude to 10.0.0.0/8\ninclude to 10.0.0.0/8\n}\n",
		       "\"exclude\" or \"include\", not both");
	assert_refused("tunnel wg0 over any {\n"
		       "transport proto udp to 10.0.0.1 port 1\n"
		       "dns 10.0.0.0/8\n}\n",
		       "a resolver is one address");
	assert_refused("table <t> persist\ntunnel wg0 over any {\n"
		       "transport proto udp to 10.0.0.1 port 1\n"
		       "exclude to ! <t>\n}\n",
		       "so everything goes outside");
	assert_refused("table <t> persist\ntunnel wg0 over any {\n"
		       "transport proto udp to 10.0.0.1 port 1\n"
		       "include to <t>\n}\n",
		       "so nothing goes through the tunnel");
	assert_refused("tunnel wg0 over { eth0 wg0 } {\n"
		       "transport proto udp to 10.0.0.1 port 1\n}\n",
		       "not run over itself");
	assert_refused("tunnel wg0 over lo {\n"
		       "transport proto udp to 10.0.0.1 port 1\n}\n",
		       "loopback is never outside");
	assert_refused("tunnel lo over eth0 {\n"
		       "transport proto udp to 10.0.0.1 port 1\n}\n",
		       "can not be a tunnel");
	assert_refused("tunnel wg0 over eth9 {\n"
		       "transport proto udp to 10.0.0.1 port 1\n}\n",
		       "unknown interface \"eth9\"");
	assert_refused(OVER_ETH0 OVER_ETH0, "one tunnel block");
}

static void the_tunnel_need_not_exist_yet(void **state)
{
	struct policy_text t =
		policy_text_sound("tunnel wg7 over any {\n"
				  "transport proto udp to 10.0.0.1 port 1\n}\n"
				  "pass in on wg7 inet proto icmp\n");

	(void)state;
	assert_int_equal(diag_warnings(t.diag), 0);
	policy_text_free(&t);
}

static void a_transport_without_ports_is_fine(void **state)
{
	static const struct fact facts[] = {
		{"ESP",
		 {.dir = OUT,
		  .on = "eth0",
		  .src = "192.168.1.5",
		  .dst = "198.51.100.7",
		  .proto = 50},
		 1},
	};

	(void)state;
	ASSERT_FACTS("tunnel wg0 over any {\n"
		     "transport proto esp to 198.51.100.7\n}\n",
		     facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exclude_lets_out_what_it_names),
		cmocka_unit_test(no_rule_overrides_the_guard),
		cmocka_unit_test(a_rule_of_the_user_beats_the_default_rules),
		cmocka_unit_test(include_keeps_in_what_it_names),
		cmocka_unit_test(
			a_claimed_network_is_excluded_where_it_is_private),
		cmocka_unit_test(a_network_by_name_is_cut_the_same),
		cmocka_unit_test(
			over_a_name_leaves_other_interfaces_to_the_rules),
		cmocka_unit_test(transport_on_port_53_is_a_transport),
		cmocka_unit_test(an_excluded_endpoint_is_the_tunnels_own),
		cmocka_unit_test(what_it_makes_is_marked_and_placed),
		cmocka_unit_test(wrong_blocks_are_refused_with_a_lesson),
		cmocka_unit_test(what_rules_name_is_forwarded_inside),
		cmocka_unit_test(redirects_stay_out_whatever_rules_say),
		cmocka_unit_test(another_tunnel_may_be_the_transport),
		cmocka_unit_test(the_tunnel_need_not_exist_yet),
		cmocka_unit_test(a_transport_without_ports_is_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
