/* SPDX-License-Identifier: BSD-2-Clause */
/* test_features.c: each word of features.def that does not run, refused. */
#include "policy_text.h"

static const char *const texts[FEATURE_COUNT] = {
	[FEATURE_AF_TO] = "pass in inet6 af-to inet from 192.0.2.1\n",
	[FEATURE_BINAT_TO] = "pass from 10.0.0.1 to any binat-to 192.0.2.1\n",
	[FEATURE_CGROUP] = "pass cgroup \"a\"\n",
	[FEATURE_DIVERT] =
		"pass in inet proto tcp divert-to 127.0.0.1 port 1\n",
	[FEATURE_DUP_TO] = "pass out dup-to 192.0.2.1\n",
	[FEATURE_GROUP] = "pass group root\n",
	[FEATURE_LEAST_STATES] = "pass out nat-to 192.0.2.0/24 least-states\n",
	[FEATURE_LOG_OPTIONS] = "pass log (all)\n",
	[FEATURE_MARK] = "pass mark 0x1\n",
	[FEATURE_MATCH] = "match label \"x\"\n",
	[FEATURE_MAX_PKT_RATE] = "pass max-pkt-rate 5/1\n",
	[FEATURE_NAT_TO] = "pass out nat-to 192.0.2.1\n",
	[FEATURE_NO_ROUTE] = "block from no-route\n",
	[FEATURE_ONCE] = "pass once\n",
	[FEATURE_PRIO] = "pass prio 1\n",
	[FEATURE_PROBABILITY] = "pass probability 5%\n",
	[FEATURE_RDOMAIN] = "pass on rdomain 1\n",
	[FEATURE_RDR_TO] = "pass in rdr-to 192.0.2.1\n",
	[FEATURE_RDR_LOOPBACK6] = "pass in rdr-to ::1\n",
	[FEATURE_REPLY_TO] = "pass in reply-to 192.0.2.1\n",
	[FEATURE_RETURN] = "block return\n",
	[FEATURE_ROUTE] = "pass to route \"x\"\n",
	[FEATURE_ROUTE_TO] = "pass out route-to 192.0.2.1\n",
	[FEATURE_RTABLE] = "pass rtable 1\n",
	[FEATURE_SCRUB] = "match scrub (no-df)\n",
	[FEATURE_SET_ADAPTIVE] = "set timeout adaptive.start 5\n",
	[FEATURE_SET_OPTION] = "set reassemble no\n",
	[FEATURE_SET_RULE] = "match set tos 1\n",
	[FEATURE_STATE_OPTIONS] = "pass keep state (max 5)\n",
	[FEATURE_STATE_PFLOW] = "pass keep state (pflow)\n",
	[FEATURE_STATE_TIMEOUT] = "pass keep state (adaptive.start 5)\n",
	[FEATURE_STATE_FLOATING] = "pass keep state (floating)\n",
	[FEATURE_SYNPROXY] = "pass proto tcp synproxy state\n",
	[FEATURE_TAG] = "pass tag a\n",
	[FEATURE_TAGGED] = "pass tagged a\n",
	[FEATURE_URPF_FAILED] = "block from urpf-failed\n",
	[FEATURE_USER] = "pass user root\n",
};

static bool is_noted(const struct policy *p, enum feature feature)
{
	for (size_t i = 0; i < p->unsupported_count; i++)
		if (p->unsupported[i].feature == feature)
			return true;
	return false;
}

/* What is noted, compile.c refuses by name. */
static void what_does_not_run_is_noted(void **state)
{
	(void)state;
	for (int i = 0; i < FEATURE_COUNT; i++) {
		struct policy_text t;

		if (feature_runs((enum feature)i))
			continue;
		if (!texts[i]) {
			fail_msg("no text has \"%s\"",
				 feature_name((enum feature)i));
			return;
		}
		t = policy_text_sound(texts[i]);
		if (!is_noted(t.policy, (enum feature)i))
			fail_msg("%s: \"%s\" would be left out", texts[i],
				 feature_name((enum feature)i));
		policy_text_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_run_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
