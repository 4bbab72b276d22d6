/* SPDX-License-Identifier: BSD-2-Clause */
/* test_check.c: what check understands of a policy, and what it refuses. */
#include "policy_text.h"

static const struct policy_rule *only_rule(const struct policy_text *t)
{
	const struct policy_rule *rule;

	assert_int_equal(user_rules(t->policy, &rule), 1);
	return rule;
}

static void assert_texts(const char *text, const char *const *wanted)
{
	struct policy_text t = policy_text_sound(text);
	const struct policy_rule *rule;
	size_t count = user_rules(t.policy, &rule), i;

	for (i = 0; wanted[i]; i++) {
		assert_true(i < count);
		assert_string_equal(rule[i].text, wanted[i]);
	}
	assert_int_equal(count, i);
	policy_text_free(&t);
}

#define ASSERT_TEXTS(text, ...)                                                \
	assert_texts(text, (const char *const[]){__VA_ARGS__, NULL})

/* ---- rules ----------------------------------------------------------------
 */

static void lists_expand_in_pf_s_order(void **state)
{
	(void)state;
	ASSERT_TEXTS("block in on { eth0 lo } proto { tcp udp } "
		     "to any port { 1 2 }\n",
		     "block drop in on eth0 proto tcp from any to any port = 1",
		     "block drop in on eth0 proto tcp from any to any port = 2",
		     "block drop in on eth0 proto udp from any to any port = 1",
		     "block drop in on eth0 proto udp from any to any port = 2",
		     "block drop in on lo proto tcp from any to any port = 1",
		     "block drop in on lo proto tcp from any to any port = 2",
		     "block drop in on lo proto udp from any to any port = 1",
		     "block drop in on lo proto udp from any to any port = 2");
	ASSERT_TEXTS("block proto tcp from { 10.0.0.1 10.0.0.2 } port { 1 2 } "
		     "to { 10.0.0.3 10.0.0.4 }\n",
		     "block drop inet proto tcp from 10.0.0.1 port = 1 "
		     "to 10.0.0.3",
		     "block drop inet proto tcp from 10.0.0.1 port = 2 "
		     "to 10.0.0.3",
		     "block drop inet proto tcp from 10.0.0.1 port = 1 "
		     "to 10.0.0.4",
		     "block drop inet proto tcp from 10.0.0.1 port = 2 "
		     "to 10.0.0.4",
		     "block drop inet proto tcp from 10.0.0.2 port = 1 "
		     "to 10.0.0.3",
		     "block drop inet proto tcp from 10.0.0.2 port = 2 "
		     "to 10.0.0.3",
		     "block drop inet proto tcp from 10.0.0.2 port = 1 "
		     "to 10.0.0.4",
		     "block drop inet proto tcp from 10.0.0.2 port = 2 "
		     "to 10.0.0.4");
}

static void combinations_of_two_families_are_dropped(void **state)
{
	(void)state;
	ASSERT_TEXTS("block from { 10.0.0.0/8 fd00::/8 } "
		     "to { 10.1.1.1 fd00::1 }\n",
		     "block drop inet from 10.0.0.0/8 to 10.1.1.1",
		     "block drop inet6 from fd00::/8 to fd00::1");
	assert_refused("block from 10.0.0.1 to fd00::1\n",
		       "rule expands to no valid combination");
	assert_refused("block inet6 from 10.0.0.1 to any\n",
		       "rule expands to no valid combination");
}

static void too_many_combinations_are_refused(void **state)
{
	char text[8192] = "block proto tcp from any port {";
	char number[16];

	(void)state;
	for (int i = 0; i < 520; i++) {
		snprintf(number, sizeof(number), " %d", i);
		strcat(text, number);
	}
	strcat(text, " } to any port {");
	for (int i = 0; i < 520; i++) {
		snprintf(number, sizeof(number), " %d", i);
		strcat(text, number);
	}
	strcat(text, " }\n");
	assert_refused(text, "the lists expand to more than 262144 rules");
}

static void pass_keeps_state_and_wants_a_syn(void **state)
{
	struct policy_text t = policy_text_sound("pass out all\n");
	const struct policy_rule *rule = only_rule(&t);

	(void)state;
	assert_string_equal(rule->text, "pass out all flags S/SA");
	assert_true(rule->keeps_state);
	assert_int_equal(rule->match.flags_set, 0x02);
	assert_int_equal(rule->match.flags_mask, 0x12);
	policy_text_free(&t);
}

static void flags_are_implied_as_in_pf(void **state)
{
	(void)state;
	ASSERT_TEXTS("pass no state\npass flags any no state\npass flags any\n"
		     "pass keep state\npass proto { udp tcp } flags S/SA\n"
		     "block flags any\nblock flags S/SA\npass proto udp\n",
		     "pass all no state", "pass all no state",
		     "pass all flags any", "pass all flags S/SA",
		     "pass proto udp all", "pass proto tcp all flags S/SA",
		     "block drop all", "block drop all flags S/SA",
		     "pass proto udp all");
}

static void labels_hold_the_rule_s_own_words(void **state)
{
	(void)state;
	ASSERT_TEXTS("block all\n"
		     "block on eth0 proto { tcp udp } from any to 10.0.0.1 "
		     "port 1:2 label \"$nr $if $proto $srcaddr>$dstaddr "
		     "$dstport $x\"\n",
		     "block drop all",
		     "block drop on eth0 inet proto tcp from any to 10.0.0.1 "
		     "port 1:2 label \"1 eth0 tcp any>10.0.0.1 1:2 $x\"",
		     "block drop on eth0 inet proto udp from any to 10.0.0.1 "
		     "port 1:2 label \"2 eth0 udp any>10.0.0.1 1:2 $x\"");
}

static void block_keeps_no_state(void **state)
{
	struct policy_text t = policy_text_sound("block all\n");

	(void)state;
	assert_false(only_rule(&t)->keeps_state);
	policy_text_free(&t);
	assert_refused("block all keep state\n",
		       "only a pass rule keeps state");
}

static void impossible_flags_are_refused(void **state)
{
	(void)state;
	assert_refused("pass proto tcp flags S/A\n", "never match");
	assert_refused("pass proto udp flags S/SA\n", "only tcp has flags");
}

static void rule_without_direction_means_both(void **state)
{
	struct policy_text t = policy_text_sound("pass all\n");

	(void)state;
	assert_int_equal(only_rule(&t)->match.dirs, 3);
	assert_int_equal(only_rule(&t)->match.families, 6);
	policy_text_free(&t);
}

static void default_is_last_and_blocks_all_families(void **state)
{
	struct policy_text t = policy_text_sound("pass all\n");
	const struct policy_rule *last =
		&t.policy->rules[t.policy->rule_count - 1];

	(void)state;
	assert_true(last->is_default);
	assert_true(last->is_generated);
	assert_false(last->is_pass);
	assert_int_equal(last->match.families, 7);
	policy_text_free(&t);
	t = policy_text_sound("set default pass\n");
	last = &t.policy->rules[t.policy->rule_count - 1];
	assert_true(last->is_pass);
	assert_true(last->span.start != 0);
	policy_text_free(&t);
	assert_refused("set default pass\nset default block\n",
		       "both pass and block");
}

static void arp_passes_without_a_tunnel(void **state)
{
	struct policy_text t = policy_text_sound("block all\n");
	const struct policy_rule *arp = &t.policy->rules[0];

	(void)state;
	assert_true(arp->is_generated);
	assert_true(arp->is_pass);
	assert_int_equal(arp->match.ethertype, 0x0806);
	assert_int_equal(arp->match.families, 1);
	assert_int_equal(arp->match.dirs, 3);
	policy_text_free(&t);
}

static void ids_are_stable_and_unique(void **state)
{
	struct policy_text a = policy_text_sound("pass out\npass out\n"
						 "block in\n");
	struct policy_text b = policy_text_sound("block in\npass out\n");
	const struct policy_rule *ra, *rb;

	(void)state;
	user_rules(a.policy, &ra);
	user_rules(b.policy, &rb);
	assert_true(ra[0].id != ra[1].id);
	assert_true(ra[0].id == rb[1].id);
	assert_true(ra[2].id == rb[0].id);
	policy_text_free(&a);
	policy_text_free(&b);
}

/* ---- names -----------------------------------------------------------------
 */

static void interface_as_address_is_a_rule_an_address(void **state)
{
	(void)state;
	ASSERT_TEXTS(
		"block from eth0\n", "block drop inet from 192.168.1.50 to any",
		"block drop on eth0 inet6 from fe80::5054:ff:fe12:3456 to any");
	ASSERT_TEXTS("block inet from eth0/24\n",
		     "block drop inet from 192.168.1.0/24 to any");
}

static void names_are_not_asked_in_the_dns(void **state)
{
	(void)state;
	assert_refused("block from example.org\n",
		       "names are not looked up in the DNS");
	assert_refused("block from eht0\n", "did you mean \"eth0\"?");
	assert_refused("table <lan> { 10.0.0.0/8 }\n"
		       "block from <lan>\nblock from lan\n",
		       "did you mean <lan>?");
}

static void unknown_interface_is_refused_with_a_suggestion(void **state)
{
	struct policy_text t;

	(void)state;
	assert_refused("block on eht0\n", "did you mean \"eth0\"?");
	assert_refused("block on eht0\n", "unknown interface \"eht0\"");
	t = policy_text_named("t", "block on eht0\n", 14, "laptop",
			      "no-unknown-interface");
	assert_int_equal(diag_errors(t.diag), 0);
	assert_string_equal(t.policy->ifaces[0].name, "eht0");
	policy_text_free(&t);
	assert_refused("block on abcdefghijklmnop\n", "at most 15 letters");
	assert_refused("block on ! eth1\n", "unknown interface");
}

static void services_and_protocols_have_names(void **state)
{
	(void)state;
	ASSERT_TEXTS("block proto { icmp6 103 } from any to any\n",
		     "block drop proto ipv6-icmp all",
		     "block drop proto pim all");
	ASSERT_TEXTS("block proto udp to port { ssh https }\n",
		     "block drop proto udp from any to any port = 22",
		     "block drop proto udp from any to any port = 443");
	ASSERT_TEXTS("block proto tcp to port ssh:80\n",
		     "block drop proto tcp from any to any port 22:80");
	assert_refused("block proto tcp to port sssh\n",
		       "unknown service \"sssh\"");
	assert_refused("block proto tpc\n", "did you mean \"tcp\"?");
	assert_refused("block proto 256\n", "256 is out of range");
}

static void icmp_types_have_names(void **state)
{
	struct policy_text t;

	(void)state;
	ASSERT_TEXTS("block inet proto icmp icmp-type { 8 code 0 unreach }\n",
		     "block drop inet proto icmp all icmp-type echoreq code 0",
		     "block drop inet proto icmp all icmp-type unreach");
	t = policy_text_sound("block proto icmp6 icmp6-type neighbrsol\n");
	assert_int_equal(only_rule(&t)->match.icmp_type, 135);
	assert_int_equal(only_rule(&t)->match.families, 4);
	policy_text_free(&t);
	assert_refused("block inet proto icmp icmp-type echorep1\n",
		       "did you mean \"echorep\"?");
	assert_refused("block proto tcp icmp-type echoreq\n",
		       "icmp-type needs \"proto icmp\"");
	assert_refused("block icmp6-type echoreq\n",
		       "icmp6-type needs \"proto icmp6\"");
	assert_refused("block inet6 proto icmp6 icmp-type 0\n",
		       "icmp-type is not in inet6");
}

static void families_and_protocols_fit(void **state)
{
	(void)state;
	assert_refused("block inet6 proto icmp\n", "icmp is not in inet6");
	assert_refused("block inet proto icmp6\n", "icmp6 is not in inet");
}

static void ports_need_tcp_or_udp(void **state)
{
	(void)state;
	assert_refused("pass to any port 22\n", "a port needs \"proto tcp\"");
	assert_refused("pass proto { tcp icmp } to any port 22\n",
		       "only tcp and udp have ports");
}

/* ---- ranges and prefixes
 * ------------------------------------------------------ */

static void assert_port(const char *port, bool is_negated, unsigned first,
			unsigned last)
{
	char text[128];
	struct policy_text t;
	const struct policy_rule *rule;

	snprintf(text, sizeof(text), "block proto tcp to any port %s\n", port);
	t = policy_text_sound(text);
	rule = only_rule(&t);
	assert_int_equal(rule->match.dport.is_negated, is_negated);
	assert_int_equal(rule->match.dport.first, first);
	assert_int_equal(rule->match.dport.last, last);
	assert_true(rule->match.sport.is_any);
	policy_text_free(&t);
}

static void port_operators_are_inclusive_ranges(void **state)
{
	(void)state;
	assert_port("22", false, 22, 22);
	assert_port("!= 22", true, 22, 22);
	assert_port("< 22", false, 0, 21);
	assert_port("<= 22", false, 0, 22);
	assert_port("> 22", false, 23, 65535);
	assert_port(">= 22", false, 22, 65535);
	assert_port("20 >< 30", false, 21, 29);
	assert_port("20 <> 30", true, 20, 30);
	assert_port("20:30", false, 20, 30);
}

static void empty_and_backward_ranges_are_refused(void **state)
{
	(void)state;
	assert_refused("block proto tcp to any port < 0\n", "no port is in");
	assert_refused("block proto tcp to any port > 65535\n", "no port is");
	assert_refused("block proto tcp to any port 5 >< 6\n", "no port is in");
	assert_refused("block proto tcp to any port 0 <> 65535\n",
		       "no port is in");
	assert_refused("block proto tcp to any port 30:20\n", "backwards");
	assert_refused("block proto tcp to any port 65536\n", "0 to 65535");
	assert_refused("block from 10.0.0.9 - 10.0.0.1\n", "ends before");
}

static void host_bits_are_cleared(void **state)
{
	(void)state;
	ASSERT_TEXTS("block from 10.1.2.3/8\nblock from 10.1.2.3/32\n"
		     "block from fd00::1/64\nblock from 0.0.0.0/0\n",
		     "block drop inet from 10.0.0.0/8 to any",
		     "block drop inet from 10.1.2.3 to any",
		     "block drop inet6 from fd00::/64 to any",
		     "block drop inet all");
	assert_refused("block from ! 0.0.0.0/0\n", "outside of a /0");
}

static void address_range_is_its_ends(void **state)
{
	struct policy_text t =
		policy_text_sound("block from 10.0.0.1 - 10.0.0.9\n");
	const struct policy_host *src = &only_rule(&t)->match.src;

	(void)state;
	assert_int_equal(src->kind, POLICY_HOST_RANGE);
	assert_int_equal(src->first.w[0], 0x0a000001);
	assert_int_equal(src->last.w[0], 0x0a000009);
	policy_text_free(&t);
}

/* ---- warnings
 * ------------------------------------------------------------------ */

static void assert_warned(const char *text, const char *words)
{
	struct policy_text t = policy_text_sound(text);
	char *said = policy_text_diag(&t);

	if (!strstr(said, words))
		print_error("wanted \"%s\", got:\n%s", words, said);
	assert_non_null(strstr(said, words));
	free(said);
	policy_text_free(&t);
}

static void assert_not_warned(const char *text)
{
	struct policy_text t = policy_text_sound(text);

	assert_int_equal(diag_warnings(t.diag), 0);
	policy_text_free(&t);
}

static void negated_lists_are_warned_of(void **state)
{
	(void)state;
	assert_warned("block from { ! 10.0.0.1 ! 10.0.0.2 }\n", "negated");
	assert_warned("block from { 10.0.0.0/8 ! 10.0.0.1 }\n", "negated");
	assert_warned("block on { ! eth0 ! lo }\n", "negated");
	assert_not_warned("block from ! 10.0.0.1\n");
	assert_not_warned("block from { ! 10.0.0.1 ! fd00::1 }\n");
	assert_not_warned("block from ! eth0\n");
}

static void same_criteria_after_quick_are_warned_of(void **state)
{
	(void)state;
	assert_warned("block quick from 10.0.0.1\npass from 10.0.0.1\n",
		      "never matches");
	assert_warned("pass quick all\npass all\n", "never matches");
	assert_not_warned("pass quick all\nblock all\n");
	assert_not_warned("block from 10.0.0.1\npass from 10.0.0.1\n");
	assert_not_warned("block in quick all\npass out all\n");
}

/* ---- tables
 * --------------------------------------------------------------------- */

static void table_entries_are_sorted_and_unique(void **state)
{
	struct policy_text t = policy_text_sound(
		"table <t> const { fd00::/8 10.1.2.3/8 !10.0.0.1 10.0.0.0/8 "
		"eth0 }\nblock from <t>\n");
	const struct policy_table *table = &t.policy->tables[0];

	(void)state;
	assert_true(table->is_const);
	assert_int_equal(table->entry_count, 5);
	assert_int_equal(table->entries[0].addr.w[0], 0x0a000000);
	assert_int_equal(table->entries[0].prefix_len, 8);
	assert_true(table->entries[1].is_negated);
	assert_int_equal(table->entries[1].prefix_len, 32);
	assert_int_equal(table->entries[2].addr.w[0], 0xc0a80132);
	assert_int_equal(table->entries[3].family, FAMILY_IPV6);
	assert_int_equal(table->entries[3].prefix_len, 8);
	policy_text_free(&t);
}

static void mapped_entries_are_ipv4(void **state)
{
	struct policy_text t = policy_text_sound(
		"table <t> const { ::ffff:10.0.0.0/104 10.0.0.0/8 }\n"
		"table <all> const { ::/0 }\n"
		"block from <t> to <all>\n");
	const struct policy_table *table = t.policy->tables;

	(void)state;
	assert_int_equal(table[0].entry_count, 1);
	assert_int_equal(table[0].entries[0].family, FAMILY_IPV4);
	assert_int_equal(table[0].entries[0].prefix_len, 8);
	assert_int_equal(table[1].entry_count, 2);
	assert_int_equal(table[1].entries[0].family, FAMILY_IPV4);
	assert_int_equal(table[1].entries[0].prefix_len, 0);
	assert_true(table[1].entries[0].is_negated);
	policy_text_free(&t);
}

static void wrong_tables_are_refused(void **state)
{
	(void)state;
	assert_refused("block from <lan>\n", "undefined table <lan>");
	assert_refused("table <lans> { ::1 }\nblock from <lan>\n",
		       "did you mean <lans>?");
	assert_refused("table <t> { ::1 }\ntable <t> { ::2 }\n"
		       "block from <t>\n",
		       "declared twice");
	assert_refused("table <t> { 10.0.0.1 !10.0.0.1 }\nblock from <t>\n",
		       "both in table <t> and negated");
	assert_refused("table <t> { 10.0.0.1 - 10.0.0.9 }\nblock from <t>\n",
		       "no ranges");
	assert_refused("table <t> { <u> }\n", "can not hold a table");
	assert_refused("table <t> file \"/nonexistent/t\"\nblock from <t>\n",
		       "No such file");
}

static void useless_tables_are_warned_of(void **state)
{
	(void)state;
	assert_warned("table <t> { ::1 }\nblock all\n", "never used");
	assert_warned("table <t> const { }\nblock from <t>\n",
		      "has no entries");
}

static void pass_to_all_but_an_empty_table_is_refused(void **state)
{
	(void)state;
	assert_refused("table <t> persist\npass to ! <t>\n", "fails-open");
	assert_warned("table <t> const { }\nblock to ! <t>\n",
		      "has no entries");
}

static void skip_is_for_loopback(void **state)
{
	struct policy_text t = policy_text_sound("set skip on lo\n");

	(void)state;
	assert_true(t.policy->ifaces[0].is_skipped);
	assert_true(t.policy->ifaces[0].is_loopback);
	policy_text_free(&t);
	assert_refused("set skip on eth0\n", "only loopback can be skipped");
}

static void errors_are_collected(void **state)
{
	struct policy_text t = policy_text("block on nope0\nblock proto zzz\n"
					   "block from <t>\npass all\n");

	(void)state;
	assert_int_equal(diag_errors(t.diag), 3);
	policy_text_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_expand_in_pf_s_order),
		cmocka_unit_test(combinations_of_two_families_are_dropped),
		cmocka_unit_test(too_many_combinations_are_refused),
		cmocka_unit_test(pass_keeps_state_and_wants_a_syn),
		cmocka_unit_test(flags_are_implied_as_in_pf),
		cmocka_unit_test(labels_hold_the_rule_s_own_words),
		cmocka_unit_test(block_keeps_no_state),
		cmocka_unit_test(impossible_flags_are_refused),
		cmocka_unit_test(rule_without_direction_means_both),
		cmocka_unit_test(default_is_last_and_blocks_all_families),
		cmocka_unit_test(arp_passes_without_a_tunnel),
		cmocka_unit_test(ids_are_stable_and_unique),
		cmocka_unit_test(interface_as_address_is_a_rule_an_address),
		cmocka_unit_test(names_are_not_asked_in_the_dns),
		cmocka_unit_test(
			unknown_interface_is_refused_with_a_suggestion),
		cmocka_unit_test(services_and_protocols_have_names),
		cmocka_unit_test(icmp_types_have_names),
		cmocka_unit_test(families_and_protocols_fit),
		cmocka_unit_test(ports_need_tcp_or_udp),
		cmocka_unit_test(port_operators_are_inclusive_ranges),
		cmocka_unit_test(empty_and_backward_ranges_are_refused),
		cmocka_unit_test(host_bits_are_cleared),
		cmocka_unit_test(address_range_is_its_ends),
		cmocka_unit_test(negated_lists_are_warned_of),
		cmocka_unit_test(same_criteria_after_quick_are_warned_of),
		cmocka_unit_test(table_entries_are_sorted_and_unique),
		cmocka_unit_test(mapped_entries_are_ipv4),
		cmocka_unit_test(wrong_tables_are_refused),
		cmocka_unit_test(useless_tables_are_warned_of),
		cmocka_unit_test(pass_to_all_but_an_empty_table_is_refused),
		cmocka_unit_test(skip_is_for_loopback),
		cmocka_unit_test(errors_are_collected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
