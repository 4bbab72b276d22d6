/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_assert.c: policies with asserts -> the witness against them, or none,
 * where the answer hangs on more than headers.
 */
#include "policy_text.h"

struct fact {
	const char *policy;
	const char *witness; /* words of the message; NULL: it holds */
};

static void check_facts(const struct fact *facts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct policy_text t = policy_text(facts[i].policy);
		char *said = policy_text_diag(&t);
		const char *words = facts[i].witness;
		bool is_right = words ? diag_errors(t.diag) == 1 &&
						strstr(said, words) != NULL
				      : !*said;

		if (!is_right)
			fail_msg("%swanted \"%s\", got:\n%s", facts[i].policy,
				 words ? words : "", said);
		free(said);
		policy_text_free(&t);
	}
}

#define CHECK(facts) check_facts(facts, sizeof(facts) / sizeof(*(facts)))

static void owners_are_free(void **state)
{
	static const struct fact facts[] = {
		{"block\npass out user root\nassert block out\n",
		 "out an interface that no rule names, user 0 group 1000"},
		{"block\npass out user root\nassert block out user != root\n",
		 NULL},
		{"block\npass out user root\nassert pass out user root\n",
		 NULL},
		{"pass\nblock out user 5\nassert pass out\n", "user 5"},
		{"pass\nblock out user 5\nassert pass out user 1000\n", NULL},
		{"block\npass out group 7 user >= 100\nassert block out\n",
		 "group 7"},
		{"block\npass out user unknown\nassert block out\n",
		 "witness: udp 10.0.0.1:40000 > 9.9.9.9:443 out an interface "
		 "that no rule names\n"},
	};

	(void)state;
	CHECK(facts);
}

static void cgroups_and_marks_are_free(void **state)
{
	static const struct fact facts[] = {
		{"block\npass out cgroup \"vpn\"\nassert block out\n",
		 "cgroup \"vpn\""},
		{"block\npass out cgroup \"vpn/a\"\nassert block out cgroup "
		 "\"mail\"\n",
		 NULL},
		{"block\npass out cgroup \"vpn/a\"\nassert block out cgroup "
		 "\"vpn\"\n",
		 "cgroup \"vpn/a\""},
		{"block\npass out mark 0x7/0xff\nassert block out\n",
		 "mark 0x7"},
		{"pass\nblock out mark 0x7/0xff\nassert pass out mark 0x8\n",
		 NULL},
		{"block\npass out mark 0x0/0xff\nassert pass out\n",
		 "mark 0xff"},
	};

	(void)state;
	CHECK(facts);
}

static void tags_follow_the_rules(void **state)
{
	static const struct fact facts[] = {
		{"block\npass out tagged A\nassert block out\n", "tagged A"},
		{"block\nmatch out proto udp tag A\npass out tagged A\n"
		 "assert pass out proto udp\n",
		 NULL},
		{"block\nmatch out proto udp to port 53 tag A\n"
		 "pass out tagged A\nassert block out ! tagged A\n",
		 ":53 out"},
		{"block\nmatch out tag B\npass out tagged A\n"
		 "assert block out tagged A\n",
		 NULL},
	};

	(void)state;
	CHECK(facts);
}

static void chances_may_fall_either_way(void **state)
{
	static const struct fact facts[] = {
		{"block\npass out probability 50%\nassert block out\n",
		 "passed by \"pass out all flags S/SA probability 50%\""},
		{"block\npass out probability 50%\nassert pass out\n",
		 "by chance"},
		{"block\npass out once\nassert pass out\n", "once"},
		{"block\npass out once\nassert block out\n", "passed by"},
		{"block\npass out max-pkt-rate 3/1\nassert pass out\n",
		 "by chance or rate"},
		{"pass\nblock out probability 10%\npass out quick\n"
		 "assert pass out\n",
		 NULL},
	};

	(void)state;
	CHECK(facts);
}

static void routes_are_free(void **state)
{
	static const struct fact facts[] = {
		{"pass\nblock in from no-route\nassert pass in\n",
		 "no route to its source"},
		{"pass\nblock in from urpf-failed\nassert pass in\n",
		 "from where no route"},
		{"block\npass out to route far\nassert block out\n",
		 "labelled \"far\""},
		{"block\npass out to ! no-route\nassert pass out\n",
		 "no route to its destination"},
	};

	(void)state;
	CHECK(facts);
}

static void translations_are_seen_through(void **state)
{
	static const struct fact facts[] = {
		{"block\nmatch in proto tcp to port 80 rdr-to 10.9.9.9 port "
		 "8080\npass in proto tcp to 10.9.9.9 port 8080\n"
		 "assert block in proto tcp to port 80\n",
		 "as 10.0.0.1:40000 > 10.9.9.9:8080"},
		{"block\nmatch in proto tcp to port 80 rdr-to 10.9.9.9 port "
		 "8080\npass in proto tcp to 10.9.9.9 port 8080\n"
		 "assert pass in inet proto tcp to port 80\n",
		 NULL},
		{"pass\nmatch in proto tcp to port 80 rdr-to { 10.9.9.1 "
		 "10.9.9.2 10.9.9.3 }\nblock in to 10.9.9.3\n"
		 "assert pass in inet proto tcp to 192.0.2.1 port 80\n",
		 "as 10.0.0.1:40000 > 10.9.9.3:80"},
		{"table <t> persist { }\nmatch out inet nat-to <t>\npass\n"
		 "assert pass out inet\n",
		 "not everything here passes"},
		{"rdr pass on eth0 inet proto tcp from 192.168.2.104 to any "
		 "port {80, 443, 8883} -> 127.0.0.1 port 8080\n"
		 "assert block in on eth0 inet proto tcp from 192.168.2.104\n",
		 "> 127.0.0.1:8080"},
		{"no rdr on eth0 inet proto tcp from any to 9.9.9.9 port 80\n"
		 "rdr pass on eth0 inet proto tcp from any to any port 80 -> "
		 "127.0.0.1 port 8080\nblock in proto tcp to 9.9.9.9\n"
		 "assert block in on eth0 inet proto tcp to 9.9.9.9\n",
		 NULL},
	};

	(void)state;
	CHECK(facts);
}

#define TUNNEL                                                                 \
	"tunnel wg0 over any {\ntransport proto udp to 198.51.100.7 port "     \
	"51820\nexclude to 192.168.0.0/16\n}\n"

static void the_contract_is_of_what_leaves(void **state)
{
	static const struct fact facts[] = {
		{TUNNEL "pass out on eth0 to 192.168.0.0/16\n", NULL},
		{TUNNEL "pass out on eth0 to 192.168.7.7 rdr-to 9.9.9.9\n",
		 "> 192.168.7.7:443 out eth0, as 10.0.0.1:40000 > "
		 "9.9.9.9:443"},
		{TUNNEL "pass out on eth0 proto tcp to 9.9.9.9 user root\n",
		 "lets traffic leave outside the tunnel"},
	};

	(void)state;
	CHECK(facts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_are_free),
		cmocka_unit_test(cgroups_and_marks_are_free),
		cmocka_unit_test(tags_follow_the_rules),
		cmocka_unit_test(chances_may_fall_either_way),
		cmocka_unit_test(routes_are_free),
		cmocka_unit_test(translations_are_seen_through),
		cmocka_unit_test(the_contract_is_of_what_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
