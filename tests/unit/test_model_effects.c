/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_model_effects.c: policies, packets and what is known beside their
 * headers -> verdict, and what else the model says happens to the packet.
 */
#include "compiler/tag.h"
#include "packet_key.h"

#define IN NFR_DIR_IN
#define OUT NFR_DIR_OUT
#define SYN 0x02
#define EVEN 0x7fffffffu

struct bench {
	struct policy_text text;
	const struct policy *policy;
	struct model_context context;
	struct packet_words packet;
	struct model_outcome out;
};

static struct bench bench_of(const char *text)
{
	struct bench b = {.text = policy_text_sound(text)};

	b.policy = b.text.policy;
	b.context = model_no_context();
	b.packet = (struct packet_words){
		.dir = OUT,
		.on = "eth0",
		.src = "10.0.0.1",
		.dst = "198.51.100.9",
		.proto = 6,
		.sport = 40000,
		.dport = 80,
		.flags = SYN,
	};
	return b;
}

static bool passes(struct bench *b)
{
	struct nfr_key key = packet_key(b->policy, &b->packet);

	model_evaluate(b->policy, &key, &b->context, &b->out);
	return b->out.result.verdict == NFR_PASS;
}

static void bench_end(struct bench *b)
{
	policy_text_free(&b->text);
}

static void assert_addr(const struct nfr_key *key, unsigned field,
			const char *wanted)
{
	const uint32_t *w = &key->w[field];
	struct addr a = {{w[0], w[1], w[2], w[3]}};
	char text[ADDR_TEXT_MAX];

	addr_format(&a, (enum addr_family)key->w[NFR_F_FAMILY], text);
	assert_string_equal(text, wanted);
}

static void assert_packet(const struct bench *b, const char *src,
			  unsigned sport, const char *dst, unsigned dport)
{
	assert_addr(&b->out.key, NFR_F_SRC0, src);
	assert_addr(&b->out.key, NFR_F_DST0, dst);
	assert_int_equal(b->out.key.w[NFR_F_SPORT], sport);
	assert_int_equal(b->out.key.w[NFR_F_DPORT], dport);
}

static const char *tag_of(const struct bench *b)
{
	for (size_t i = 0; i < b->policy->tag_count; i++)
		if (tag_number(b->policy->tags[i]) == b->out.tag)
			return b->policy->tags[i];
	return b->out.tag == TAG_NONE ? "" : "?";
}

/* ---- who ------------------------------------------------------------------
 */

/* A user of -1 is of no socket. */
struct owner {
	const char *policy;
	int64_t uid;
	bool passes;
};

static void users_are_ranges_and_unknown(void **state)
{
	static const struct owner owners[] = {
		{"pass user root\n", 0, true},
		{"pass user root\n", 1, false},
		{"pass user root\n", -1, false},
		{"pass user != root\n", 1, true},
		{"pass user != root\n", 0, false},
		{"pass user != root\n", -1, true},
		{"pass user unknown\n", -1, true},
		{"pass user unknown\n", 5, false},
		{"pass user != unknown\n", 5, true},
		{"pass user != unknown\n", -1, false},
		{"pass user >= 1000\n", 1000, true},
		{"pass user >= 1000\n", 999, false},
		{"pass user >= 1000\n", -1, false},
		{"pass user 5 >< 9\n", 5, false},
		{"pass user 5 >< 9\n", 6, true},
		{"pass user 5 <> 9\n", 4, true},
		{"pass user 5 <> 9\n", 9, false},
		{"pass user 5 <> 9\n", -1, false},
		{"pass user { 1 2 }\n", 2, true},
		{"block\npass user 1 group 2\n", 1, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
		struct bench b = bench_of(owners[i].policy);

		b.context.has_socket = owners[i].uid >= 0;
		b.context.uid = (uint32_t)owners[i].uid;
		if (passes(&b) != owners[i].passes)
			fail_msg("%s by %d", owners[i].policy,
				 (int)owners[i].uid);
		bench_end(&b);
	}
}

static void groups_are_asked_too(void **state)
{
	struct bench b = bench_of("pass group 7\n");

	(void)state;
	b.context.has_socket = true;
	b.context.gid = 7;
	assert_true(passes(&b));
	b.context.gid = 8;
	assert_false(passes(&b));
	bench_end(&b);
}

static void a_cgroup_has_what_is_below_it(void **state)
{
	static const struct {
		const char *path;
		bool passes;
	} paths[] = {
		{"vpn.slice", true},	    {"vpn.slice/a", true},
		{"vpn.slices", false},	    {NULL, false},
		{"user.slice/x/y", true},   {"user.slice", false},
		{"other/vpn.slice", false},
	};
	struct bench b =
		bench_of("pass cgroup { \"/vpn.slice/\" \"user.slice/x\" }\n");

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		b.context.cgroup = paths[i].path;
		assert_int_equal(passes(&b), paths[i].passes);
	}
	bench_end(&b);
}

static void a_mark_is_compared_under_its_mask(void **state)
{
	struct bench b = bench_of("pass mark { 0x7, 0x10/0xf0 }\n");

	(void)state;
	assert_false(passes(&b));
	b.context.mark = 7;
	assert_true(passes(&b));
	b.context.mark = 0x107;
	assert_false(passes(&b));
	b.context.mark = 0x110;
	assert_true(passes(&b));
	bench_end(&b);
}

static void prio_and_rdomain_are_the_packets(void **state)
{
	struct bench b = bench_of("pass prio 3\n");

	(void)state;
	assert_false(passes(&b));
	b.context.prio = 3;
	assert_true(passes(&b));
	bench_end(&b);
	b = bench_of("pass on ! rdomain 2\n");
	assert_true(passes(&b));
	b.context.rdomain = 2;
	assert_false(passes(&b));
	bench_end(&b);
}

/* ---- routes ---------------------------------------------------------------
 */

static void routes_are_asked_by_side(void **state)
{
	struct bench b = bench_of("pass\nblock from no-route\n");

	(void)state;
	assert_true(passes(&b));
	b.context.route[1].is_missing = true;
	assert_true(passes(&b));
	b.context.route[0].is_missing = true;
	assert_false(passes(&b));
	bench_end(&b);
	b = bench_of("pass to ! no-route\n");
	assert_true(passes(&b));
	b.context.route[1].is_missing = true;
	assert_false(passes(&b));
	bench_end(&b);
	b = bench_of("pass\nblock from urpf-failed\n");
	assert_true(passes(&b));
	b.context.is_urpf_failed = true;
	assert_false(passes(&b));
	bench_end(&b);
	b = bench_of("pass to route \"far\"\n");
	assert_false(passes(&b));
	b.context.route[1].label = "near";
	assert_false(passes(&b));
	b.context.route[1].label = "far";
	assert_true(passes(&b));
	bench_end(&b);
}

/* ---- tags, chances, once --------------------------------------------------
 */

static void a_tag_sticks_from_any_rule_that_matched(void **state)
{
	struct bench b = bench_of("block tag SEEN\npass tagged SEEN\n");

	(void)state;
	assert_true(passes(&b));
	assert_string_equal(tag_of(&b), "SEEN");
	bench_end(&b);
	b = bench_of("match tag A\nmatch proto udp tag B\npass ! tagged B\n");
	assert_true(passes(&b));
	assert_string_equal(tag_of(&b), "A");
	bench_end(&b);
}

static void a_tag_may_come_from_outside(void **state)
{
	struct bench b = bench_of("pass tagged A\n");

	(void)state;
	assert_false(passes(&b));
	b.context.tag = tag_number("A");
	assert_true(passes(&b));
	assert_string_equal(tag_of(&b), "A");
	bench_end(&b);
}

static void an_anchor_gives_its_tag_to_what_enters(void **state)
{
	struct bench b = bench_of(
		"anchor proto tcp tag T {\nblock proto udp\n}\npass tagged "
		"T\n");

	(void)state;
	assert_true(passes(&b));
	b.packet.proto = 17;
	assert_false(passes(&b));
	bench_end(&b);
}

static void a_chance_is_its_rules_own(void **state)
{
	struct bench b = bench_of(
		"pass probability 50%\nblock proto tcp probability 50%\n");
	uint32_t draws[2] = {0, EVEN + 1};

	(void)state;
	assert_int_equal(b.policy->draw_count, 2);
	b.context.draws = draws;
	assert_true(passes(&b));
	draws[0] = EVEN + 1;
	assert_false(passes(&b));
	assert_int_equal(b.out.result.reason, NFR_REASON_DEFAULT);
	draws[0] = draws[1] = 0;
	assert_false(passes(&b));
	assert_int_equal(b.out.result.reason, NFR_REASON_RULE);
	bench_end(&b);
}

static void an_anchors_chance_is_drawn_once(void **state)
{
	struct bench b = bench_of("anchor probability 50% {\nmatch tag A\n"
				  "pass tagged A\n}\n");
	uint32_t draw = 0;

	(void)state;
	assert_int_equal(b.policy->draw_count, 1);
	b.context.draws = &draw;
	assert_true(passes(&b));
	draw = UINT32_MAX - 1;
	assert_false(passes(&b));
	bench_end(&b);
}

static void a_rate_stops_the_match(void **state)
{
	struct bench b = bench_of("pass max-pkt-rate 5/1\n");
	uint32_t draw = 0;

	(void)state;
	b.context.draws = &draw;
	assert_true(passes(&b));
	draw = 1;
	assert_false(passes(&b));
	bench_end(&b);
}

static void once_is_spent_by_its_first_match(void **state)
{
	struct bench b = bench_of("pass once\nblock proto udp\n");
	bool is_spent[8] = {false};

	(void)state;
	b.context.is_spent = is_spent;
	b.packet.proto = 17; /* matched, and beaten */
	assert_false(passes(&b));
	b.packet.proto = 6;
	assert_false(passes(&b));
	assert_int_equal(b.out.result.reason, NFR_REASON_DEFAULT);
	memset(is_spent, 0, sizeof(is_spent));
	assert_true(passes(&b));
	assert_false(passes(&b));
	bench_end(&b);
}

/* ---- match rules ----------------------------------------------------------
 */

static void match_rules_never_decide(void **state)
{
	struct bench b = bench_of("pass\nmatch proto tcp label \"x\"\n");

	(void)state;
	assert_true(passes(&b));
	assert_int_equal(b.out.matched.count, 1);
	assert_string_equal(b.policy->rules[b.out.matched.rules[0]].label, "x");
	bench_end(&b);
	b = bench_of("match quick\npass\n");
	assert_false(passes(&b)); /* the search is over */
	bench_end(&b);
	b = bench_of("anchor quick {\nmatch tag A\n}\npass tagged A\n");
	assert_true(passes(&b)); /* no rule there decided */
	bench_end(&b);
}

static void logs_name_their_rules(void **state)
{
	struct bench b = bench_of("match log (matches) proto tcp\nmatch tos "
				  "9\nmatch out\npass log (all)\n");

	(void)state;
	assert_true(passes(&b));
	assert_int_equal(b.out.logged.count, 3);
	assert_int_equal(b.policy->rules[b.out.logged.rules[2]].is_pass, true);
	assert_int_equal(b.out.log, AST_LOG_MATCHES | AST_LOG_ALL);
	bench_end(&b);
	b = bench_of("match log\nblock\npass log\n");
	assert_true(passes(&b));
	assert_int_equal(b.out.logged.count, 2);
	bench_end(&b);
}

static void changes_are_gathered(void **state)
{
	struct bench b =
		bench_of("match scrub (no-df min-ttl 5) set tos 0x10 rtable 2\n"
			 "match scrub (max-mss 1400)\nmatch set prio (3, 5)\n"
			 "pass set tos 0x20\n");

	(void)state;
	assert_true(passes(&b));
	assert_true(b.out.scrub.is_no_df);
	assert_int_equal(b.out.scrub.min_ttl, 5);
	assert_int_equal(b.out.scrub.max_mss, 1400);
	assert_int_equal(b.out.changes.tos, 0x20);
	assert_int_equal(b.out.changes.prio, 3);
	assert_int_equal(b.out.changes.prio_lowdelay, 5);
	assert_int_equal(b.out.rtable, 2);
	bench_end(&b);
}

static void only_the_deciding_rule_routes(void **state)
{
	struct bench b = bench_of(
		"pass out route-to 192.0.2.1\npass out proto tcp dup-to "
		"(lo 192.0.2.2)\npass out proto 47 reply-to 192.0.2.3\n");

	(void)state;
	assert_true(passes(&b));
	assert_null(b.out.route_to);
	assert_null(b.out.reply_to);
	assert_string_equal(b.out.dup_to->targets[0].iface, "lo");
	b.packet.proto = 17;
	assert_true(passes(&b));
	assert_non_null(b.out.route_to);
	assert_null(b.out.dup_to);
	b.packet.proto = 47;
	assert_true(passes(&b));
	assert_non_null(b.out.reply_to);
	bench_end(&b);
}

/* ---- block return ---------------------------------------------------------
 */

static void a_block_answers_what_fits(void **state)
{
	static const struct {
		const char *policy;
		unsigned proto, icmp, flags;
		enum model_answer answer;
		unsigned code;
	} answers[] = {
		{"block\n", 6, 0, SYN, MODEL_ANSWER_NONE, 0},
		{"block return\n", 6, 0, SYN, MODEL_ANSWER_RST, 0},
		{"block return\n", 6, 0, 4, MODEL_ANSWER_NONE, 0},
		{"block return\n", 17, 0, 0, MODEL_ANSWER_ICMP, 3},
		{"block return\n", 1, 8 << 8, 0, MODEL_ANSWER_ICMP, 3},
		{"block return\n", 1, 3 << 8, 0, MODEL_ANSWER_NONE, 0},
		{"block return-icmp(1)\n", 6, 0, SYN, MODEL_ANSWER_ICMP, 1},
		{"block return-rst proto tcp\n", 6, 0, SYN, MODEL_ANSWER_RST,
		 0},
		{"set block-policy return\nblock\n", 6, 0, SYN,
		 MODEL_ANSWER_RST, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(*answers); i++) {
		struct bench b = bench_of(answers[i].policy);

		b.packet.proto = answers[i].proto;
		b.packet.icmp = answers[i].icmp;
		b.packet.flags = answers[i].flags;
		assert_false(passes(&b));
		if (b.out.answer != answers[i].answer ||
		    b.out.answer_code != answers[i].code)
			fail_msg("%s%zu: %u code %u", answers[i].policy, i,
				 b.out.answer, b.out.answer_code);
		bench_end(&b);
	}
}

/* ---- translation ----------------------------------------------------------
 */

static void later_rules_see_what_match_translated(void **state)
{
	struct bench b =
		bench_of("match out to any nat-to 192.0.2.7 static-port\n"
			 "pass out from 192.0.2.7\nblock out from 10.0.0.1\n");

	(void)state;
	assert_true(passes(&b));
	assert_packet(&b, "192.0.2.7", 40000, "198.51.100.9", 80);
	bench_end(&b);
	b = bench_of("match in proto tcp to port 80 rdr-to 127.0.0.1 port "
		     "8080\npass in proto tcp to 127.0.0.1 port 8080\n");
	b.packet.dir = IN;
	assert_true(passes(&b));
	assert_packet(&b, "10.0.0.1", 40000, "127.0.0.1", 8080);
	bench_end(&b);
}

static void a_rule_that_loses_translates_nothing(void **state)
{
	struct bench b = bench_of("pass out nat-to 192.0.2.7 static-port\n"
				  "pass out proto udp\n");

	(void)state;
	assert_true(passes(&b));
	assert_packet(&b, "192.0.2.7", 40000, "198.51.100.9", 80);
	b.packet.proto = 17;
	assert_true(passes(&b));
	assert_packet(&b, "10.0.0.1", 40000, "198.51.100.9", 80);
	bench_end(&b);
}

static void the_last_translation_wins(void **state)
{
	struct bench b = bench_of("match out nat-to 192.0.2.7 static-port\n"
				  "match out nat-to 192.0.2.8 static-port\n"
				  "match out rdr-to 203.0.113.1\npass out\n");

	(void)state;
	assert_true(passes(&b));
	assert_packet(&b, "192.0.2.8", 40000, "203.0.113.1", 80);
	assert_int_equal(b.policy->rules[b.out.nat_rule].is_match, true);
	assert_int_not_equal(b.out.nat_rule, b.out.rdr_rule);
	bench_end(&b);
}

static void without_a_state_nothing_is_translated(void **state)
{
	struct bench b = bench_of("match out nat-to 192.0.2.7\n"
				  "pass out no state\n");

	(void)state;
	assert_true(passes(&b));
	assert_packet(&b, "10.0.0.1", 40000, "198.51.100.9", 80);
	assert_null(b.out.nat);
	bench_end(&b);
}

static void ports_are_in_the_pools_range(void **state)
{
	struct bench b = bench_of("pass out nat-to 192.0.2.7 port 1000:1003\n");

	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		b.context.pick = i;
		assert_true(passes(&b));
		assert_int_equal(b.out.key.w[NFR_F_SPORT], 1000 + i % 4);
	}
	bench_end(&b);
	b = bench_of("pass out nat-to 192.0.2.7\n");
	assert_true(passes(&b));
	assert_in_range(b.out.key.w[NFR_F_SPORT], 50001, 65535);
	bench_end(&b);
}

static void a_range_of_ports_follows(void **state)
{
	struct bench b = bench_of("pass in proto tcp to port 8000:8010 rdr-to "
				  "10.0.0.5 port 9000:*\n");

	(void)state;
	b.packet.dir = IN;
	b.packet.dport = 8003;
	assert_true(passes(&b));
	assert_packet(&b, "10.0.0.1", 40000, "10.0.0.5", 9003);
	bench_end(&b);
	b = bench_of("pass in proto tcp to port 8000:8010 rdr-to 10.0.0.5 port "
		     "9000:9001\n");
	b.packet.dir = IN;
	b.packet.dport = 8003;
	assert_true(passes(&b));
	assert_packet(&b, "10.0.0.1", 40000, "10.0.0.5", 9001);
	bench_end(&b);
}

static void a_pool_gives_each_member(void **state)
{
	struct bench b =
		bench_of("table <t> { 192.0.2.4/30 !192.0.2.5 2001:db8::1 }\n"
			 "pass out inet nat-to <t> static-port\n");
	bool seen[4] = {false};

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		const struct addr from = {{0x0a000001}};
		struct addr a;

		b.context.pick = i;
		assert_true(passes(&b));
		a = (struct addr){{b.out.key.w[NFR_F_SRC0]}};
		assert_in_range(a.w[0], 0xc0000204, 0xc0000207);
		seen[a.w[0] - 0xc0000204] = true;
		assert_true(model_pool_has(b.policy, b.out.nat, FAMILY_IPV4,
					   &from, &a));
	}
	assert_true(seen[0] && !seen[1] && seen[2] && seen[3]);
	bench_end(&b);
}

static void a_source_keeps_its_address(void **state)
{
	struct bench b = bench_of(
		"pass out inet nat-to { 192.0.2.1 192.0.2.2 192.0.2.3 } "
		"source-hash static-port\n");
	uint32_t first;

	(void)state;
	b.context.pick = 77;
	assert_true(passes(&b));
	first = b.out.key.w[NFR_F_SRC0];
	b.packet.dst = "203.0.113.200";
	b.packet.sport = 9;
	assert_true(passes(&b));
	assert_int_equal(b.out.key.w[NFR_F_SRC0], first);
	bench_end(&b);
}

static void bitmask_keeps_the_hosts_bits(void **state)
{
	struct bench b = bench_of("pass out inet nat-to 192.0.2.0/24 bitmask "
				  "static-port\n");
	const struct addr from = {{0x0a000001}};
	const struct addr right = {{0xc0000201}}, wrong = {{0xc0000202}};

	(void)state;
	assert_true(passes(&b));
	assert_packet(&b, "192.0.2.1", 40000, "198.51.100.9", 80);
	assert_true(model_pool_has(b.policy, b.out.nat, FAMILY_IPV4, &from,
				   &right));
	assert_false(model_pool_has(b.policy, b.out.nat, FAMILY_IPV4, &from,
				    &wrong));
	bench_end(&b);
}

static void binat_maps_both_ways(void **state)
{
	struct bench b = bench_of(
		"pass from 10.0.0.0/24 to any binat-to 192.0.2.0/24\n");

	(void)state;
	b.packet.src = "10.0.0.77";
	assert_true(passes(&b));
	assert_packet(&b, "192.0.2.77", 40000, "198.51.100.9", 80);
	b.packet.dir = IN;
	b.packet.src = "198.51.100.9";
	b.packet.dst = "192.0.2.77";
	assert_true(passes(&b));
	assert_packet(&b, "198.51.100.9", 40000, "10.0.0.77", 80);
	bench_end(&b);
}

static void an_empty_pool_blocks(void **state)
{
	struct bench b = bench_of("table <t> persist { }\n"
				  "match out nat-to <t>\npass\n");

	(void)state;
	assert_false(passes(&b));
	assert_int_equal(b.out.result.reason, NFR_REASON_TRANSLATE);
	bench_end(&b);
}

static void af_to_embeds_addresses(void **state)
{
	struct bench b = bench_of(
		"pass in inet6 to 64:ff9b::/96 af-to inet from 192.0.2.1\n");

	(void)state;
	b.packet.dir = IN;
	b.packet.src = "2001:db8::1";
	b.packet.dst = "64:ff9b::c633:6409";
	assert_true(passes(&b));
	assert_addr(&b.out.key, NFR_F_SRC0, "192.0.2.1");
	assert_addr(&b.out.key, NFR_F_DST0, "198.51.100.9");
	bench_end(&b);
	b = bench_of("pass in inet af-to inet6 from 2001:db8::1 to "
		     "2001:db8:122:344::/64\n");
	b.packet.dir = IN;
	b.packet.dst = "192.0.2.33";
	assert_true(passes(&b));
	/* RFC 6052, 2.4 */
	assert_addr(&b.out.key, NFR_F_DST0, "2001:db8:122:344:c0:2:2100:0");
	bench_end(&b);
	b = bench_of("pass in inet af-to inet6 from 2001:db8::1\n");
	b.packet.dir = IN;
	b.packet.proto = 1;
	b.packet.icmp = 8 << 8;
	assert_true(passes(&b));
	assert_int_equal(b.out.key.w[NFR_F_PROTO], 58);
	assert_int_equal(b.out.key.w[NFR_F_ICMP], 128 << 8);
	b.packet.icmp = 13 << 8;
	assert_false(passes(&b));
	bench_end(&b);
}

/* ---- older lines ----------------------------------------------------------
 */

static void the_first_older_line_counts(void **state)
{
	struct bench b =
		bench_of("no nat on eth0 inet from 10.0.0.1 to any\n"
			 "nat on eth0 inet from any to any -> 192.0.2.1\n"
			 "nat on eth0 inet from any to any -> 192.0.2.2\n"
			 "pass out\n");

	(void)state;
	assert_true(passes(&b));
	assert_null(b.out.nat);
	b.packet.src = "10.0.0.2";
	assert_true(passes(&b));
	assert_addr(&b.out.key, NFR_F_SRC0, "192.0.2.1");
	bench_end(&b);
}

static void rdr_pass_needs_no_rule(void **state)
{
	struct bench b = bench_of(
		"rdr pass on eth0 inet proto tcp from 10.0.0.1 to any port "
		"{80, 443} -> 127.0.0.1 port 8080\nblock in\n");

	(void)state;
	b.packet.dir = IN;
	assert_true(passes(&b));
	assert_packet(&b, "10.0.0.1", 40000, "127.0.0.1", 8080);
	b.packet.dport = 81;
	assert_false(passes(&b));
	bench_end(&b);
}

/* ---- states and guards ----------------------------------------------------
 */

static void a_state_has_its_options(void **state)
{
	struct bench b = bench_of(
		"table <bad> persist\npass proto tcp modulate state (max 10, "
		"max-src-conn 3, overload <bad> flush global, tcp.first 7)\n");

	(void)state;
	assert_true(passes(&b));
	assert_true(b.out.keeps_state);
	assert_int_equal(b.out.state->kind, AST_STATE_MODULATE);
	assert_int_equal(b.out.state->options->max, 10);
	assert_int_equal(b.out.state->options->max_src_conn, 3);
	assert_true(b.out.state->options->is_flush_global);
	assert_string_equal(b.policy->tables[b.out.state->overload].name,
			    "bad");
	b.packet.proto = 17;
	assert_false(passes(&b));
	assert_null(b.out.state);
	bench_end(&b);
}

static void the_guard_sees_what_leaves(void **state)
{
	static const struct check_options leaks = {.allows_leaks = true};
	static const char text[] =
		"tunnel wg0 over any {\ntransport proto udp to 198.51.100.7 "
		"port 51820\nexclude to 192.168.0.0/16\n}\n"
		"pass out on eth0 to 192.168.0.0/16\n"
		"match out on eth0 to 192.168.9.9 rdr-to 9.9.9.9\n"
		"pass out on eth0 to 9.9.9.9\n";
	struct bench b = bench_of("pass\n");

	(void)state;
	bench_end(&b);
	b.text = policy_text_as("test.nfr", text, strlen(text), "laptop", NULL,
				&leaks);
	assert_int_equal(diag_errors(b.text.diag), 0);
	b.policy = b.text.policy;
	b.packet.dst = "192.168.1.1";
	assert_true(passes(&b));
	b.packet.dst = "192.168.9.9";
	assert_false(passes(&b));
	assert_int_equal(b.out.result.reason, NFR_REASON_GUARD);
	bench_end(&b);
}

static void the_transports_owner_is_asked(void **state)
{
	struct bench b = bench_of("tunnel wg0 over any {\ntransport proto udp "
				  "to 198.51.100.7 port 51820 user root\n}\n");

	(void)state;
	b.packet.proto = 17;
	b.packet.dst = "198.51.100.7";
	b.packet.dport = 51820;
	assert_false(passes(&b));
	b.context.has_socket = true;
	assert_true(passes(&b));
	b.context.uid = 1;
	assert_false(passes(&b));
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_are_ranges_and_unknown),
		cmocka_unit_test(groups_are_asked_too),
		cmocka_unit_test(a_cgroup_has_what_is_below_it),
		cmocka_unit_test(a_mark_is_compared_under_its_mask),
		cmocka_unit_test(prio_and_rdomain_are_the_packets),
		cmocka_unit_test(routes_are_asked_by_side),
		cmocka_unit_test(a_tag_sticks_from_any_rule_that_matched),
		cmocka_unit_test(a_tag_may_come_from_outside),
		cmocka_unit_test(an_anchor_gives_its_tag_to_what_enters),
		cmocka_unit_test(a_chance_is_its_rules_own),
		cmocka_unit_test(an_anchors_chance_is_drawn_once),
		cmocka_unit_test(a_rate_stops_the_match),
		cmocka_unit_test(once_is_spent_by_its_first_match),
		cmocka_unit_test(match_rules_never_decide),
		cmocka_unit_test(logs_name_their_rules),
		cmocka_unit_test(changes_are_gathered),
		cmocka_unit_test(only_the_deciding_rule_routes),
		cmocka_unit_test(a_block_answers_what_fits),
		cmocka_unit_test(later_rules_see_what_match_translated),
		cmocka_unit_test(a_rule_that_loses_translates_nothing),
		cmocka_unit_test(the_last_translation_wins),
		cmocka_unit_test(without_a_state_nothing_is_translated),
		cmocka_unit_test(ports_are_in_the_pools_range),
		cmocka_unit_test(a_range_of_ports_follows),
		cmocka_unit_test(a_pool_gives_each_member),
		cmocka_unit_test(a_source_keeps_its_address),
		cmocka_unit_test(bitmask_keeps_the_hosts_bits),
		cmocka_unit_test(binat_maps_both_ways),
		cmocka_unit_test(an_empty_pool_blocks),
		cmocka_unit_test(af_to_embeds_addresses),
		cmocka_unit_test(the_first_older_line_counts),
		cmocka_unit_test(rdr_pass_needs_no_rule),
		cmocka_unit_test(a_state_has_its_options),
		cmocka_unit_test(the_guard_sees_what_leaves),
		cmocka_unit_test(the_transports_owner_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
