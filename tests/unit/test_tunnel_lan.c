/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_tunnel_lan.c: "exclude lan", "exclude discovery" and "portal": what
 * leaves to the network next to a device, and what comes from it.
 */
#include "tunnel_facts.h"

#define TUNNEL(over, clauses)                                                  \
	"tunnel wg0 over " over " {\n"                                         \
	"\ttransport proto udp to 203.0.113.7 port 51820\n" clauses "}\n"

#define TO_LAN(d, i, b, dp) TCP(d, i, "192.168.1.50", b, 4000, dp)

static void a_lan_is_what_is_connected_where_it_is(void **state)
{
	static const struct fact facts[] = {
		{"the printer", TO_LAN(OUT, "eth0", "192.168.1.9", 631), 1},
		{"the broadcast",
		 UDP(OUT, "eth0", "192.168.1.50", "192.168.1.255", 137, 137),
		 1},
		{"the printer, by a device that appeared",
		 TO_LAN(OUT, NULL, "192.168.1.9", 631), 0},
		{"another private network",
		 TO_LAN(OUT, "eth0", "192.168.2.9", 631), 0},
		{"a larger one", TO_LAN(OUT, "eth0", "10.0.0.9", 631), 0},
		{"the web", TO_LAN(OUT, "eth0", "9.9.9.9", 443), 0},
		{"a resolver", TO_LAN(OUT, "eth0", "192.168.1.1", 53), 0},
		{"a resolver, by UDP",
		 UDP(OUT, "eth0", "192.168.1.50", "192.168.1.1", 4, 53), 0},
		{"one by TLS", TO_LAN(OUT, "eth0", "192.168.1.1", 853), 0},
		{"one by QUIC",
		 UDP(OUT, "eth0", "192.168.1.50", "192.168.1.1", 4, 853), 0},
		{"a link-local neighbour",
		 TCP(OUT, "eth0", "fe80::1", "fe80::9", 4, 631), 1},
		{"a link-local resolver",
		 UDP(OUT, "eth0", "fe80::1", "fe80::9", 4, 53), 0},
		{"a group nobody named",
		 UDP(OUT, "eth0", "192.168.1.50", "224.0.0.251", 5353, 5353),
		 0},
		{"from the LAN, unasked",
		 TCP(IN, "eth0", "192.168.1.9", "192.168.1.50", 4, 22), 0},
	};

	(void)state;
	ASSERT_FACTS(TUNNEL("any", "exclude lan\n"), facts);
	ASSERT_FACTS(TUNNEL("eth0", "exclude lan\n"), facts);
	ASSERT_FACTS(TUNNEL("any", "exclude lan\ndns 10.64.0.1\n"), facts);
}

/* wan0 is public, and wide0 wider than what is private. */
static void a_network_that_is_not_private_is_no_lan(void **state)
{
	static const struct fact facts[] = {
		{"of a public network",
		 TCP(OUT, "wan0", "198.51.100.20", "198.51.100.9", 4, 80), 0},
		{"of a public IPv6 network",
		 TCP(OUT, "wan0", "2001:db8:20::20", "2001:db8:20::9", 4, 80),
		 0},
		{"what is private of a wider one",
		 TCP(OUT, "wide0", "192.0.2.1", "192.168.0.9", 4, 80), 0},
		{"the same of IPv6",
		 TCP(OUT, "wide0", "fc00::1", "fd00::9", 4, 80), 0},
		{"the LAN",
		 TCP(OUT, "lan0", "192.168.7.1", "192.168.7.9", 4, 80), 1},
		{"the LAN by IPv6",
		 TCP(OUT, "lan0", "fd00:7::1", "fd00:7::9", 4, 80), 1},
		{"the LAN by another device",
		 TCP(OUT, "wan0", "198.51.100.20", "192.168.7.9", 4, 80), 0},
	};

	(void)state;
	assert_facts_on("claimed", TUNNEL("any", "exclude lan\n"), facts,
			sizeof(facts) / sizeof(*facts));
}

/* eth0 is in 10.64.0.0/16, the tunnel in 10.64.0.0/24. */
static void what_the_tunnel_has_is_not_the_lans(void **state)
{
	static const struct fact facts[] = {
		{"the LAN", TCP(OUT, "eth0", "10.64.9.9", "10.64.9.1", 4, 80),
		 1},
		{"the tunnel's network",
		 TCP(OUT, "eth0", "10.64.9.9", "10.64.0.77", 4, 80), 0},
		{"the tunnel's resolver",
		 TCP(OUT, "eth0", "10.64.9.9", "10.64.5.53", 4, 80), 0},
		{"the tunnel's IPv6 network",
		 TCP(OUT, "eth0", "fd00:64:9::9", "fd00:64:0:1::7", 4, 80), 0},
		{"the LAN by IPv6",
		 TCP(OUT, "eth0", "fd00:64:9::9", "fd00:64:9::1", 4, 80), 1},
	};

	(void)state;
	assert_facts_on("overlap",
			TUNNEL("any", "exclude lan\ndns 10.64.5.53\n"), facts,
			sizeof(facts) / sizeof(*facts));
}

static void what_is_excluded_by_name_beats_the_lans_limits(void **state)
{
	static const struct fact facts[] = {
		{"a resolver that is named",
		 TO_LAN(OUT, "eth0", "192.168.1.1", 53), 1},
		{"another one", TO_LAN(OUT, "eth0", "192.168.1.2", 53), 0},
	};

	(void)state;
	ASSERT_FACTS(TUNNEL("any", "exclude lan\n"
				   "exclude to 192.168.1.1\n"),
		     facts);
}

#define GROUP(d, i, a, b, p) UDP(d, i, a, b, 40000, p)
#define LINK4(d, b, hops)                                                      \
	{                                                                      \
		.dir = d, .on = "eth0", .src = "192.168.1.50", .dst = b,       \
		.proto = 2, .ttl = hops                                        \
	}
#define LINK6(d, b, type, hops)                                                \
	{                                                                      \
		.dir = d, .on = "eth0", .src = "fe80::1", .dst = b,            \
		.proto = 58, .icmp = (type) << 8, .ttl = hops                  \
	}

static void discovery_is_the_groups_that_are_named(void **state)
{
	static const struct fact facts[] = {
		{"mdns",
		 GROUP(OUT, "eth0", "192.168.1.50", "224.0.0.251", 5353), 1},
		{"mdns, IPv6", GROUP(OUT, "eth0", "fe80::1", "ff02::fb", 5353),
		 1},
		{"ssdp",
		 GROUP(OUT, "eth0", "192.168.1.50", "239.255.255.250", 1900),
		 1},
		{"wsd, which is not named",
		 GROUP(OUT, "eth0", "192.168.1.50", "239.255.255.250", 3702),
		 0},
		{"llmnr, which is not named",
		 GROUP(OUT, "eth0", "fe80::1", "ff02::1:3", 5355), 0},
		{"the group by another port",
		 GROUP(OUT, "eth0", "192.168.1.50", "224.0.0.251", 53), 0},
		{"another group",
		 GROUP(OUT, "eth0", "192.168.1.50", "224.0.0.1", 5353), 0},
		{"a report to the routers", LINK4(OUT, "224.0.0.22", 1), 1},
		{"a report to the group", LINK4(OUT, "224.0.0.251", 1), 1},
		{"one that would be forwarded", LINK4(OUT, "224.0.0.22", 2), 0},
		{"one to another group", LINK4(OUT, "224.0.0.252", 1), 0},
		{"a query", LINK4(IN, "224.0.0.1", 1), 1},
		{"a report, IPv6", LINK6(OUT, "ff02::16", 143, 1), 1},
		{"a report of a group, IPv6", LINK6(OUT, "ff02::fb", 131, 1),
		 1},
		{"a router's query, IPv6", LINK6(IN, "ff02::1", 130, 1), 1},
		{"an echo to the routers", LINK6(OUT, "ff02::16", 128, 1), 0},
		{"the LAN, which is not named",
		 TO_LAN(OUT, "eth0", "192.168.1.9", 631), 0},
	};

	(void)state;
	ASSERT_FACTS(TUNNEL("any", "exclude discovery mdns, ssdp\n"), facts);
}

static void discovery_is_answered_from_the_lan_only(void **state)
{
	static const struct fact facts[] = {
		{"a neighbour's question",
		 UDP(IN, "eth0", "192.168.1.9", "224.0.0.251", 40000, 5353), 1},
		{"its answer to our question",
		 UDP(IN, "eth0", "192.168.1.9", "192.168.1.50", 5353, 40000),
		 1},
		{"by IPv6", UDP(IN, "eth0", "fe80::9", "fe80::1", 5353, 40000),
		 1},
		{"to a server's port",
		 UDP(IN, "eth0", "192.168.1.9", "192.168.1.50", 5353, 123), 0},
		{"from another port",
		 UDP(IN, "eth0", "192.168.1.9", "192.168.1.50", 5354, 40000),
		 0},
		{"from the world",
		 UDP(IN, "eth0", "9.9.9.9", "192.168.1.50", 5353, 40000), 0},
		{"from the world to the group",
		 UDP(IN, "eth0", "9.9.9.9", "224.0.0.251", 5353, 5353), 0},
		{"by a device that appeared",
		 UDP(IN, NULL, "192.168.1.9", "224.0.0.251", 5353, 5353), 0},
		{"in the tunnel",
		 UDP(IN, "wg0", "192.168.1.9", "10.64.0.2", 5353, 40000), 0},
	};

	(void)state;
	ASSERT_FACTS(TUNNEL("any", "exclude discovery mdns\n"), facts);
}

static void a_portal_is_closed_until_it_is_opened(void **state)
{
	static const struct fact facts[] = {
		{"the web", TO_LAN(OUT, "eth0", "9.9.9.9", 80), 0},
		{"by TLS", TO_LAN(OUT, "eth0", "9.9.9.9", 443), 0},
		{"a resolver", TO_LAN(OUT, "eth0", "192.168.1.1", 53), 0},
	};

	(void)state;
	ASSERT_FACTS(TUNNEL("any", "portal on eth0\n"), facts);
	ASSERT_FACTS(TUNNEL("eth0", "portal on eth0 user root\n"), facts);
}

static void an_open_portal_is_the_web_and_its_resolvers(void **state)
{
	static const struct fact facts[] = {
		{"the web", TO_LAN(OUT, "eth0", "9.9.9.9", 80), 1},
		{"by TLS", TO_LAN(OUT, "eth0", "9.9.9.9", 443), 1},
		{"by IPv6",
		 TCP(OUT, "eth0", "2001:db8::5", "2001:db8::9", 4, 80), 1},
		{"by QUIC", UDP(OUT, "eth0", "192.168.1.50", "9.9.9.9", 4, 443),
		 0},
		{"by another device", TO_LAN(OUT, NULL, "9.9.9.9", 80), 0},
		{"another port", TO_LAN(OUT, "eth0", "9.9.9.9", 8080), 0},
		{"the tunnel's resolver", TO_LAN(OUT, "eth0", "10.64.0.1", 80),
		 0},
		{"the tunnel's address", TO_LAN(OUT, "eth0", "10.64.0.2", 80),
		 0},
		{"the resolver",
		 UDP(OUT, "eth0", "192.168.1.50", "192.168.1.1", 4, 53), 1},
		{"the resolver by TCP", TO_LAN(OUT, "eth0", "192.168.1.1", 53),
		 1},
		{"the resolver by TLS", TO_LAN(OUT, "eth0", "192.168.1.1", 853),
		 0},
		{"another resolver",
		 UDP(OUT, "eth0", "192.168.1.50", "9.9.9.9", 4, 53), 0},
	};
	static struct policy_table_entry all[] = {
		{.family = FAMILY_IPV4},
		{.family = FAMILY_IPV6},
	};
	static struct policy_table_entry resolver[] = {
		{.family = FAMILY_IPV4,
		 .prefix_len = 32,
		 .addr = {{0xc0a80101}}},
	};
	struct policy_text t = policy_text_sound(
		TUNNEL("any", "portal on eth0\ndns 10.64.0.1\n"));

	(void)state;
	for (size_t i = 0; i < t.policy->table_count; i++) {
		struct policy_table *table = &t.policy->tables[i];

		if (table->modifiers == AST_MOD_PORTAL) {
			table->entries = all;
			table->entry_count = 2;
		} else if (table->modifiers == AST_MOD_PORTAL_DNS) {
			table->entries = resolver;
			table->entry_count = 1;
		}
	}
	assert_facts_of(&t, facts, sizeof(facts) / sizeof(*facts));
	policy_text_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lan_is_what_is_connected_where_it_is),
		cmocka_unit_test(a_network_that_is_not_private_is_no_lan),
		cmocka_unit_test(what_the_tunnel_has_is_not_the_lans),
		cmocka_unit_test(
			what_is_excluded_by_name_beats_the_lans_limits),
		cmocka_unit_test(discovery_is_the_groups_that_are_named),
		cmocka_unit_test(discovery_is_answered_from_the_lan_only),
		cmocka_unit_test(a_portal_is_closed_until_it_is_opened),
		cmocka_unit_test(an_open_portal_is_the_web_and_its_resolvers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
