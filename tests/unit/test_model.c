/* SPDX-License-Identifier: BSD-2-Clause */
/* test_model.c: policies and packets -> verdict, reason and the rule's line. */
#include "packet_key.h"

#define IN NFR_DIR_IN
#define OUT NFR_DIR_OUT
#define SYN 0x02
#define ACK 0x10

struct fact {
	const char *name, *policy;
	struct packet_words packet;
	enum nfr_verdict verdict;
	enum nfr_reason reason;
	unsigned line; /* of the rule; 0: generated or none */
};

#define TCP(d, a, b, sp, dp)                                                   \
	{                                                                      \
		.dir = d, .on = "eth0", .src = a, .dst = b, .proto = 6,        \
		.sport = sp, .dport = dp, .flags = SYN                         \
	}
#define UDP(d, a, b, sp, dp)                                                   \
	{                                                                      \
		.dir = d, .on = "eth0", .src = a, .dst = b, .proto = 17,       \
		.sport = sp, .dport = dp                                       \
	}

#define OUT_UDP UDP(OUT, "10.0.0.1", "10.0.0.2", 1, 2)

static const struct fact facts[] = {
	{"an anchor's rules ask for its criteria",
	 "anchor out proto tcp {\npass\n}\n", OUT_UDP, NFR_BLOCK,
	 NFR_REASON_DEFAULT, 0},
	{"an anchor's rules stand where it stands",
	 "block all\nanchor out {\npass\n}\nblock in\n", OUT_UDP, NFR_PASS,
	 NFR_REASON_RULE, 3},
	{"quick in an anchor ends all",
	 "anchor out {\npass quick\n}\nblock all\n", OUT_UDP, NFR_PASS,
	 NFR_REASON_RULE, 2},
	{"an anchor without quick is overridden",
	 "anchor out {\npass\n}\nblock all\n", OUT_UDP, NFR_BLOCK,
	 NFR_REASON_RULE, 4},
	{"a quick anchor ends where a rule in it matched",
	 "anchor \"a\" out quick {\nblock\npass\n}\nblock all\n", OUT_UDP,
	 NFR_PASS, NFR_REASON_RULE, 3},
	{"a quick anchor without a match ends nothing",
	 "anchor \"a\" out quick {\npass proto tcp\n}\nblock all\n", OUT_UDP,
	 NFR_BLOCK, NFR_REASON_RULE, 4},
	{"tos is the whole byte",
	 "pass tos 0x10\n",
	 {.dir = OUT, .src = "::1", .dst = "::2", .proto = 17, .tos = 0x11},
	 NFR_BLOCK,
	 NFR_REASON_DEFAULT,
	 0},
	{"received-on is where it came in",
	 "pass out received-on eth0\n",
	 {.dir = OUT,
	  .src = "::1",
	  .dst = "::2",
	  .proto = 17,
	  .received = "eth0"},
	 NFR_PASS,
	 NFR_REASON_RULE,
	 1},
	{"what is made here was not received",
	 "pass out received-on eth0\n",
	 {.dir = OUT, .src = "::1", .dst = "::2", .proto = 17},
	 NFR_BLOCK,
	 NFR_REASON_DEFAULT,
	 0},
	{"received-on any is what came in somewhere",
	 "pass out received-on any\nblock on eth0\n",
	 {.dir = OUT,
	  .src = "::1",
	  .dst = "::2",
	  .proto = 17,
	  .received = "eth0"},
	 NFR_PASS,
	 NFR_REASON_RULE,
	 1},
	{"on any is an interface", "pass out on any\n", OUT_UDP, NFR_PASS,
	 NFR_REASON_RULE, 1},
	{"on any is an interface that no rule names",
	 "pass out on any\n",
	 {.dir = OUT, .src = "::1", .dst = "::2", .proto = 17},
	 NFR_PASS,
	 NFR_REASON_RULE,
	 1},
	{"on any is not loopback",
	 "pass out on any\n",
	 {.dir = OUT, .on = "lo", .src = "::1", .dst = "::2", .proto = 17},
	 NFR_BLOCK,
	 NFR_REASON_DEFAULT,
	 0},
	{"not received-on any is what is made here",
	 "pass out ! received-on any\n",
	 {.dir = OUT, .src = "::1", .dst = "::2", .proto = 17},
	 NFR_PASS,
	 NFR_REASON_RULE,
	 1},
	{"allow-opts passes options",
	 "pass allow-opts\n",
	 {.dir = OUT,
	  .src = "10.0.0.1",
	  .dst = "10.0.0.2",
	  .proto = 17,
	  .bits = NFR_BIT_OPTIONS},
	 NFR_PASS,
	 NFR_REASON_RULE,
	 1},
	{"fragment is asked of whole packets too",
	 "block fragment\npass proto udp\nblock fragment\n", OUT_UDP, NFR_PASS,
	 NFR_REASON_RULE, 2},
	{"an interface's address at run time is a table", "pass from (eth0)\n",
	 UDP(OUT, "192.168.1.50", "10.0.0.2", 1, 2), NFR_PASS, NFR_REASON_RULE,
	 1},
	{"an interface's network has its neighbours",
	 "pass from (eth0:network)\n",
	 UDP(IN, "192.168.1.77", "10.0.0.2", 1, 2), NFR_PASS, NFR_REASON_RULE,
	 1},
	{"self is every interface's address", "pass from self\n",
	 UDP(OUT, "10.64.0.2", "10.0.0.2", 1, 2), NFR_PASS, NFR_REASON_RULE, 1},
	{"no match blocks", "pass in all\n",
	 TCP(OUT, "10.0.0.1", "10.0.0.2", 1, 2), NFR_BLOCK, NFR_REASON_DEFAULT,
	 0},
	{"set default pass passes", "set default pass\n",
	 TCP(OUT, "10.0.0.1", "10.0.0.2", 1, 2), NFR_PASS, NFR_REASON_DEFAULT,
	 1},
	{"the last match wins", "pass all\nblock all\npass all\n",
	 UDP(OUT, "10.0.0.1", "10.0.0.2", 1, 2), NFR_PASS, NFR_REASON_RULE, 3},
	{"quick ends", "pass all\nblock quick all\npass out all\n",
	 UDP(OUT, "10.0.0.1", "10.0.0.2", 1, 2), NFR_BLOCK, NFR_REASON_RULE, 2},
	{"the default is beaten by every rule", "set default pass\nblock out\n",
	 UDP(OUT, "10.0.0.1", "10.0.0.2", 1, 2), NFR_BLOCK, NFR_REASON_RULE, 2},
	{"flags are asked of TCP",
	 "pass all\n",
	 {.dir = OUT, .src = "::1", .dst = "::2", .proto = 6, .flags = ACK},
	 NFR_BLOCK,
	 NFR_REASON_DEFAULT,
	 0},
	{"flags are not asked of UDP",
	 "pass all\n",
	 {.dir = OUT, .src = "::1", .dst = "::2", .proto = 17},
	 NFR_PASS,
	 NFR_REASON_RULE,
	 1},
	{"an interface is matched", "pass on eth0\n",
	 UDP(IN, "10.0.0.1", "10.0.0.2", 1, 2), NFR_PASS, NFR_REASON_RULE, 1},
	{"another interface is not",
	 "pass on eth0\n",
	 {.dir = IN, .on = NULL, .src = "::1", .dst = "::2", .proto = 17},
	 NFR_BLOCK,
	 NFR_REASON_DEFAULT,
	 0},
	{"a negated interface is every other",
	 "pass on ! eth0\n",
	 {.dir = IN, .on = NULL, .src = "::1", .dst = "::2", .proto = 17},
	 NFR_PASS,
	 NFR_REASON_RULE,
	 1},
	{"and not itself", "pass on ! eth0\n",
	 UDP(IN, "10.0.0.1", "10.0.0.2", 1, 2), NFR_BLOCK, NFR_REASON_DEFAULT,
	 0},
	{"a prefix holds its last address", "pass from 10.0.0.0/8\n",
	 UDP(IN, "10.255.255.255", "1.1.1.1", 1, 2), NFR_PASS, NFR_REASON_RULE,
	 1},
	{"a prefix ends there", "pass from 10.0.0.0/8\n",
	 UDP(IN, "11.0.0.0", "1.1.1.1", 1, 2), NFR_BLOCK, NFR_REASON_DEFAULT,
	 0},
	{"a negated prefix is of its family", "pass from ! 10.0.0.0/8\n",
	 UDP(IN, "fd00::1", "fd00::2", 1, 2), NFR_BLOCK, NFR_REASON_DEFAULT, 0},
	{"an IPv6 prefix may end within a word", "pass to fd00::/35\n",
	 UDP(IN, "::1", "fd00:0:1fff:ffff::", 1, 2), NFR_PASS, NFR_REASON_RULE,
	 1},
	{"and not after it", "pass to fd00::/35\n",
	 UDP(IN, "::1", "fd00:0:2000::", 1, 2), NFR_BLOCK, NFR_REASON_DEFAULT,
	 0},
	{"a range of addresses", "pass to 10.0.0.5 - 10.0.0.7\n",
	 UDP(IN, "1.1.1.1", "10.0.0.7", 1, 2), NFR_PASS, NFR_REASON_RULE, 1},
	{"a range of ports", "pass proto udp to any port 10 >< 12\n",
	 UDP(IN, "1.1.1.1", "10.0.0.7", 1, 11), NFR_PASS, NFR_REASON_RULE, 1},
	{"and outside of it", "pass proto udp to any port 10 <> 12\n",
	 UDP(IN, "1.1.1.1", "10.0.0.7", 1, 12), NFR_BLOCK, NFR_REASON_DEFAULT,
	 0},
	{"the longest prefix of a table wins",
	 "table <t> const { 10.0.0.0/8 !10.1.0.0/16 10.1.1.0/24 }\n"
	 "pass from <t>\n",
	 UDP(IN, "10.1.1.9", "10.0.0.7", 1, 2), NFR_PASS, NFR_REASON_RULE, 2},
	{"also when it is negated",
	 "table <t> const { 10.0.0.0/8 !10.1.0.0/16 10.1.1.0/24 }\n"
	 "pass from <t>\n",
	 UDP(IN, "10.1.2.9", "10.0.0.7", 1, 2), NFR_BLOCK, NFR_REASON_DEFAULT,
	 0},
	{"a negated table", "table <t> const { 10.0.0.0/8 }\npass to ! <t>\n",
	 UDP(IN, "10.1.2.9", "11.0.0.1", 1, 2), NFR_PASS, NFR_REASON_RULE, 2},
	{"::/0 of a table is no IPv4 address",
	 "table <t> const { ::/0 }\npass to <t>\n",
	 UDP(IN, "10.1.2.9", "11.0.0.1", 1, 2), NFR_BLOCK, NFR_REASON_DEFAULT,
	 0},
	{"a mapped address is IPv4 in a table",
	 "table <t> const { 10.0.0.0/8 }\npass to <t>\n",
	 UDP(IN, "::1", "::ffff:10.0.0.1", 1, 2), NFR_PASS, NFR_REASON_RULE, 2},
	{"icmp type and code",
	 "pass inet proto icmp icmp-type 3 code 4\n",
	 {.dir = IN,
	  .src = "1.1.1.1",
	  .dst = "2.2.2.2",
	  .proto = 1,
	  .icmp = 3 << 8 | 4},
	 NFR_PASS,
	 NFR_REASON_RULE,
	 1},
	{"icmp code differs",
	 "pass inet proto icmp icmp-type 3 code 4\n",
	 {.dir = IN,
	  .src = "1.1.1.1",
	  .dst = "2.2.2.2",
	  .proto = 1,
	  .icmp = 3 << 8 | 3},
	 NFR_BLOCK,
	 NFR_REASON_DEFAULT,
	 0},
	{"ARP passes",
	 "block all\n",
	 {.dir = OUT, .ethertype = 0x0806},
	 NFR_PASS,
	 NFR_REASON_RULE,
	 0},
	{"other frames do not, whatever the default",
	 "set default pass\npass quick all\n",
	 {.dir = OUT, .ethertype = 0x8863},
	 NFR_BLOCK,
	 NFR_REASON_ETHERTYPE,
	 1},
	{"options block",
	 "pass all\n",
	 {.dir = IN,
	  .src = "::1",
	  .dst = "::2",
	  .proto = 17,
	  .bits = NFR_BIT_OPTIONS},
	 NFR_BLOCK,
	 NFR_REASON_IP_OPTIONS,
	 1},
	{"a blocked packet is blocked by its rule, options or not",
	 "block all\n",
	 {.dir = IN,
	  .src = "::1",
	  .dst = "::2",
	  .proto = 17,
	  .bits = NFR_BIT_OPTIONS},
	 NFR_BLOCK,
	 NFR_REASON_RULE,
	 1},
	{"later fragments block before any rule",
	 "pass quick all\n",
	 {.dir = IN,
	  .src = "::1",
	  .dst = "::2",
	  .proto = 17,
	  .bits = NFR_BIT_FRAGMENT | NFR_BIT_LATER},
	 NFR_BLOCK,
	 NFR_REASON_FRAGMENT,
	 0},
	{"first fragments are judged",
	 "pass quick all\n",
	 {.dir = IN,
	  .src = "::1",
	  .dst = "::2",
	  .proto = 17,
	  .bits = NFR_BIT_FRAGMENT},
	 NFR_PASS,
	 NFR_REASON_RULE,
	 1},
};

static unsigned line_of(const struct policy_text *t, uint32_t rule)
{
	struct location loc;

	if (rule == NFR_NO_RULE || rule >= t->policy->rule_count)
		return 0;
	sources_locate(t->sources, t->policy->rules[rule].span.start, &loc);
	return loc.file ? loc.line : 0;
}

static void facts_hold(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
		const struct fact *f = &facts[i];
		struct policy_text t = policy_text_sound(f->policy);
		struct nfr_key key = packet_key(t.policy, &f->packet);
		struct nfr_result r = model_judge(t.policy, &key);

		if (r.verdict != f->verdict || r.reason != f->reason ||
		    line_of(&t, r.rule) != f->line) {
			print_error("%s: verdict %u reason %u line %u\n",
				    f->name, r.verdict, r.reason,
				    line_of(&t, r.rule));
			wrong++;
		}
		policy_text_free(&t);
	}
	assert_int_equal(wrong, 0);
}

static void a_flow_is_passed_by_its_state(void **state)
{
	struct policy_text t = policy_text_sound("pass out all\n");
	struct packet_words reply = {
		.dir = IN, .src = "1.1.1.1", .dst = "10.0.0.1", .proto = 17};
	struct nfr_key key = packet_key(t.policy, &reply);
	struct nfr_result r = model_judge_flow(t.policy, &key, 1);

	(void)state;
	assert_int_equal(r.verdict, NFR_PASS);
	assert_int_equal(r.reason, NFR_REASON_STATE);
	assert_int_equal(r.from_state, 1);
	assert_int_equal(r.rule, 1);
	key.w[NFR_F_BITS] = NFR_BIT_OPTIONS;
	r = model_judge_flow(t.policy, &key, 1);
	assert_int_equal(r.verdict, NFR_BLOCK);
	policy_text_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_hold),
		cmocka_unit_test(a_flow_is_passed_by_its_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
