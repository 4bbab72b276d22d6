/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_translate.c: flows through rules with pools, natively and in the kernel
 * (BPF_PROG_TEST_RUN, root only): the frames that come out are those that would
 * be built with the other addresses, the same from both.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <unistd.h>
#include <linux/pkt_cls.h>

#include "runtime/datapath_user.h"
#include "runtime/embed.h"
#include "runtime/statemap.h"
#include "tests/agree/fixture.h"
#include "tests/agree/flow_packet.h"

#define LAN 1 /* the loopback, where the kernel's test runs are */
#define WAN 2
#define STATES 4096
#define FLOWS 300
#define TCP 6
#define UDP 17
#define ICMP 1
#define ICMP6 58

static struct fixture fixture;
static struct image image;
static struct nfr_action action;
static struct nfr_pool pools[4];
static struct nfr_pool_addr addrs[8];
static struct datapath *dp;
static struct nfr_result result;
static struct random rnd;
static uint8_t bytes[FLOW_PACKET_MAX], want[FLOW_PACKET_MAX];
static size_t len;
static uint64_t now_ms;

/* ---- the kernel ---------------------------------------------------------- */

static struct {
	struct bpf_object *object;
	int in, out;
	bool was_tried;
	uint32_t generation;
} kernel;
static bool wants_kernel;

static int map_fd(const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(kernel.object, name);

	assert_true(fd >= 0);
	return fd;
}

static void put(const char *name, const void *items, uint32_t count,
		size_t size)
{
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(
			bpf_map_update_elem(map_fd(name), &i,
					    (const char *)items + i * size,
					    BPF_ANY),
			0);
}

static int silent(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

static void kernel_open(void)
{
	static const char *const names[] = {
		"nfr_code",    "nfr_rules", "nfr_rule_counts",
		"nfr_actions", "nfr_pools", "nfr_pool_addrs"};
	libbpf_print_fn_t print = libbpf_set_print(silent);
	size_t size;
	const void *elf = embed_datapath(&size);

	kernel.was_tried = true;
	kernel.object = bpf_object__open_mem(elf, size, NULL);
	assert_non_null(kernel.object);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(bpf_map__set_max_entries(
					 bpf_object__find_map_by_name(
						 kernel.object, names[i]),
					 64),
				 0);
	if (bpf_object__load(kernel.object)) {
		assert_int_not_equal(geteuid(), 0);
		bpf_object__close(kernel.object);
		kernel.object = NULL;
	} else {
		kernel.in = bpf_program__fd(bpf_object__find_program_by_name(
			kernel.object, "nfr_in"));
		kernel.out = bpf_program__fd(bpf_object__find_program_by_name(
			kernel.object, "nfr_out"));
	}
	libbpf_set_print(print);
}

static void empty(const char *name)
{
	unsigned char key[64];

	while (bpf_map_get_next_key(map_fd(name), NULL, key) == 0)
		assert_int_equal(bpf_map_delete_elem(map_fd(name), key), 0);
}

static void kernel_load(uint32_t flags)
{
	struct nfr_config config = {.abi_version = NFR_ABI_VERSION,
				    .generation = ++kernel.generation,
				    .hz = 250,
				    .insn_count = image.insn_count,
				    .rule_count = image.rule_count,
				    .flags = flags};
	struct nfr_iface iface = {.ifid = 1, .link = NFR_LINK_ETHER};
	uint32_t ifindex = LAN;
	struct statemap states;

	memcpy(config.entry, image.header->entry, sizeof(config.entry));
	for (unsigned i = 0; i < NFR_TIMEOUT_COUNT; i++)
		config.timeouts[i] = 60;
	put("nfr_config", &config, 1, sizeof(config));
	put("nfr_code", image.code, image.insn_count, sizeof(*image.code));
	put("nfr_rules", image.rules, image.rule_count, sizeof(*image.rules));
	put("nfr_actions", &action, 1, sizeof(action));
	put("nfr_pools", pools, 4, sizeof(*pools));
	put("nfr_pool_addrs", addrs, 8, sizeof(*addrs));
	assert_int_equal(bpf_map_update_elem(map_fd("nfr_ifaces"), &ifindex,
					     &iface, BPF_ANY),
			 0);
	ifindex = WAN;
	assert_int_equal(bpf_map_update_elem(map_fd("nfr_ifaces"), &ifindex,
					     &iface, BPF_ANY),
			 0);
	assert_int_equal(statemap_open(map_fd("nfr_states"), &states), 0);
	statemap_clear(&states);
	statemap_close(&states);
	empty("nfr_aliases");
	empty("nfr_pool_next");
}

/* The frame that comes out must be in want already, if it is passed. */
static void kernel_judge(const uint8_t *frame, enum nfr_dir dir)
{
	uint8_t out[FLOW_PACKET_MAX + 64];
	struct __sk_buff skb = {.ingress_ifindex = 0};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = (uint32_t)len, .data_out = out,
		    .data_size_out = sizeof(out), .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .repeat = 1);

	assert_int_equal(bpf_prog_test_run_opts(dir == NFR_DIR_IN ? kernel.in
								  : kernel.out,
						&opts),
			 0);
	if (result.verdict != NFR_PASS) {
		assert_int_equal(opts.retval, TC_ACT_SHOT);
		return;
	}
	assert_int_equal(opts.retval, result.action & NFR_RESULT_REDIRECTED
					      ? (uint32_t)TC_ACT_REDIRECT
					      : (uint32_t)TC_ACT_UNSPEC);
	assert_int_equal(opts.data_size_out, len);
	assert_memory_equal(out, bytes, len);
}

/* ---- a policy: one rule with an action ----------------------------------- */

static struct nfr_pool_addr addr_of(const char *text)
{
	struct policy_host host = fixture_range(text, text);
	struct nfr_pool_addr addr = {.mask = {~0u, ~0u, ~0u, ~0u}};

	memcpy(addr.first, host.first.w, sizeof(addr.first));
	return addr;
}

static void load(uint32_t flags)
{
	const struct datapath_device devices[] = {
		{"lan", LAN, NFR_LINK_ETHER, false},
		{"wan", WAN, NFR_LINK_ETHER, false}};
	struct datapath_actions actions = {.actions = &action,
					   .action_count = 1,
					   .pools = pools,
					   .pool_count = 4,
					   .pool_addrs = addrs,
					   .pool_addr_count = 8,
					   .flags = flags};

	assert_int_equal(datapath_switch(dp, &image, devices, 2), 0);
	datapath_set_actions(dp, &actions);
	if (wants_kernel && kernel.object)
		kernel_load(flags);
}

static void begin_in(bool is_v6, bool in_kernel)
{
	struct nfr_rule *rule;

	fixture_init(&fixture);
	fixture_rule(&fixture, true)->keeps_state = true;
	fixture_image(&fixture, false, &image);
	rule = (struct nfr_rule *)(uintptr_t)&image.rules[0];
	rule->action = 0;
	rule->flags |= NFR_RULE_ALLOW_OPTS;
	action = (struct nfr_action){.rule_id = 1,
				     .flags = NFR_ACTION_SLOPPY,
				     .nat = NFR_NO_POOL,
				     .rdr = NFR_NO_POOL,
				     .route_to = NFR_NO_POOL,
				     .reply_to = NFR_NO_POOL,
				     .dup_to = NFR_NO_POOL,
				     .overload = NFR_NO_TABLE};
	memset(pools, 0, sizeof(pools));
	memset(addrs, 0, sizeof(addrs));
	for (unsigned i = 0; i < 4; i++)
		pools[i] = (struct nfr_pool){.id = 100 + i,
					     .first = 2 * i,
					     .count = 1,
					     .family = is_v6 ? NFR_FAMILY_IPV6
							     : NFR_FAMILY_IPV4};
	assert_int_equal(datapath_new(STATES, &dp), 0);
	now_ms = 1000;
	wants_kernel = in_kernel;
	if (wants_kernel && !kernel.was_tried)
		kernel_open();
}

static void begin(bool is_v6)
{
	begin_in(is_v6, false);
}

static void end(void)
{
	datapath_free(&dp);
	fixture_free(&fixture);
}

/* Judges the packet; bytes is what comes out. */
static void judge_on(const struct flow_packet *p, uint32_t ifindex,
		     enum nfr_dir dir)
{
	uint8_t before[FLOW_PACKET_MAX];
	struct datapath_frame frame = {.bytes = bytes,
				       .writable = bytes,
				       .ifindex = ifindex,
				       .dir = dir,
				       .now_ms = now_ms};

	len = flow_packet_build(p, bytes);
	memcpy(before, bytes, len);
	frame.len = frame.caplen = len;
	result = datapath_judge(dp, &frame, NULL, NULL);
	if (wants_kernel && kernel.object)
		kernel_judge(before, dir);
}

static void judge(const struct flow_packet *p, enum nfr_dir dir)
{
	judge_on(p, LAN, dir);
}

static void assert_comes_out(struct flow_packet p, const struct flow_ends *ends)
{
	assert_int_equal(result.verdict, NFR_PASS);
	assert_int_equal(result.action, NFR_RESULT_REWRITTEN);
	p.ends = *ends;
	assert_int_equal(flow_packet_build(&p, want), len);
	assert_memory_equal(bytes, want, len);
}

static void reverse(struct flow_ends *ends)
{
	struct flow_ends was = *ends;

	memcpy(ends->src, was.dst, 16);
	memcpy(ends->dst, was.src, 16);
	ends->sport = was.dport;
	ends->dport = was.sport;
}

/* ---- flows --------------------------------------------------------------- */

static bool is_echo(const struct flow_packet *p)
{
	return p->proto == ICMP || p->proto == ICMP6;
}

/* Flow n, which shares no two ends with another. */
static void random_flow(bool is_v6, unsigned n, struct flow_packet *p)
{
	static const uint8_t protos[] = {TCP, UDP, 47};

	flow_packet_random(&rnd, p);
	p->is_v6 = is_v6;
	p->is_error = false;
	p->fragment = FLOW_WHOLE;
	p->proto = random_pick(&rnd, protos);
	p->ends.src[0] = p->ends.dst[0] = is_v6 ? 0x20 : 10;
	p->ends.src[2] = p->ends.dst[2] = (uint8_t)(n >> 8);
	p->ends.src[3] = p->ends.dst[3] = (uint8_t)n;
	if (p->proto != TCP && p->proto != UDP && !is_echo(p))
		p->ends.sport = p->ends.dport = 0;
}

static void set_addr(uint8_t *at, const struct nfr_pool_addr *addr, bool is_v6)
{
	for (int i = 0; i < (is_v6 ? 4 : 1); i++) {
		at[4 * i] = (uint8_t)(addr->first[i] >> 24);
		at[4 * i + 1] = (uint8_t)(addr->first[i] >> 16);
		at[4 * i + 2] = (uint8_t)(addr->first[i] >> 8);
		at[4 * i + 3] = (uint8_t)addr->first[i];
	}
}

/* Both ways, with the port kept: what goes out, and what answers. */
static void nat_flows(bool is_v6, bool in_kernel)
{
	begin_in(is_v6, in_kernel);
	action.nat = 0;
	pools[0].flags = NFR_POOL_STATIC_PORT;
	addrs[0] = addr_of(is_v6 ? "2001:db8::99" : "192.0.2.99");
	load(NFR_CONFIG_TRANSLATES);
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow_packet p, q;
		struct flow_ends wire;

		rnd = random_fork(4711 + is_v6, i);
		random_flow(is_v6, i, &p);
		wire = p.ends;
		set_addr(wire.src, &addrs[0], is_v6);
		judge(&p, NFR_DIR_OUT);
		assert_int_equal(result.reason, NFR_REASON_RULE);
		assert_comes_out(p, &wire);
		q = p;
		q.salt++;
		q.ends = wire;
		reverse(&q.ends);
		judge(&q, NFR_DIR_IN);
		assert_int_equal(result.reason, NFR_REASON_STATE);
		wire = p.ends;
		reverse(&wire);
		assert_comes_out(q, &wire);
		judge(&p, NFR_DIR_OUT);
		assert_int_equal(result.reason, NFR_REASON_STATE);
	}
	end();
}

static void rdr_flows(bool is_v6, bool in_kernel)
{
	begin_in(is_v6, in_kernel);
	action.rdr = 0;
	pools[0].port_low = pools[0].port_high = 8080;
	addrs[0] = addr_of(is_v6 ? "2001:db8::7" : "192.0.2.7");
	load(NFR_CONFIG_TRANSLATES);
	for (unsigned i = 0; i < FLOWS; i++) {
		struct flow_packet p, q;
		struct flow_ends stack;

		rnd = random_fork(815 + is_v6, i);
		random_flow(is_v6, i, &p);
		stack = p.ends;
		set_addr(stack.dst, &addrs[0], is_v6);
		if (p.proto == TCP || p.proto == UDP)
			stack.dport = 8080;
		judge(&p, NFR_DIR_IN);
		assert_comes_out(p, &stack);
		q = p;
		q.ends = stack;
		reverse(&q.ends);
		judge(&q, NFR_DIR_OUT);
		assert_int_equal(result.reason, NFR_REASON_STATE);
		stack = p.ends;
		reverse(&stack);
		assert_comes_out(q, &stack);
	}
	end();
}

static void nat_goes_out_and_answers_come_back(void **state)
{
	(void)state;
	nat_flows(false, false);
	nat_flows(true, false);
}

static void rdr_comes_in_and_answers_go_back(void **state)
{
	(void)state;
	rdr_flows(false, false);
	rdr_flows(true, false);
}

static void the_kernel_writes_the_same_bytes(void **state)
{
	(void)state;
	if (!kernel.was_tried)
		kernel_open();
	if (!kernel.object) {
		print_message("# loading eBPF programs needs root\n");
		skip();
	}
	nat_flows(false, true);
	nat_flows(true, true);
	rdr_flows(false, true);
	rdr_flows(true, true);
}

/* Echoes have their identifier rewritten; pf takes any. */
static void an_echo_is_found_by_its_new_identifier(void **state)
{
	struct flow_packet p = {.proto = ICMP, .ttl = 64, .data_len = 56};
	struct flow_ends wire;
	uint16_t id;

	(void)state;
	begin(false);
	action.nat = 0;
	addrs[0] = addr_of("192.0.2.99");
	load(NFR_CONFIG_TRANSLATES);
	p.ends.src[0] = 10;
	p.ends.dst[0] = 32;
	p.ends.sport = p.ends.dport = 77;
	judge(&p, NFR_DIR_OUT);
	id = (uint16_t)(bytes[38] << 8 | bytes[39]);
	wire = p.ends;
	set_addr(wire.src, &addrs[0], false);
	wire.sport = wire.dport = id;
	assert_comes_out(p, &wire);
	assert_int_not_equal(id, 77);
	end();
}

static void ports_are_drawn_until_none_is_free(void **state)
{
	struct flow_packet p = {.proto = UDP, .ttl = 64, .data_len = 5};
	unsigned seen = 0;

	(void)state;
	begin(false);
	action.nat = 0;
	pools[0].port_low = 60000;
	pools[0].port_high = 60003;
	addrs[0] = addr_of("192.0.2.99");
	load(NFR_CONFIG_TRANSLATES);
	p.ends.src[0] = 10;
	p.ends.dst[0] = 32;
	p.ends.dport = 53;
	for (unsigned i = 0; i < 4; i++) {
		p.ends.sport = (uint16_t)(1000 + i);
		judge(&p, NFR_DIR_OUT);
		assert_int_equal(result.verdict, NFR_PASS);
		seen |= 1u << ((bytes[34] << 8 | bytes[35]) - 60000);
	}
	assert_int_equal(seen, 15);
	p.ends.sport = 2000;
	judge(&p, NFR_DIR_OUT);
	assert_int_equal(result.verdict, NFR_BLOCK);
	assert_int_equal(result.reason, NFR_REASON_TRANSLATE);
	assert_int_equal(datapath_state_count(dp), 4);
	/* To somebody else the ports are free. */
	p.ends.dst[3] = 1;
	judge(&p, NFR_DIR_OUT);
	assert_int_equal(result.verdict, NFR_PASS);
	end();
}

/* Two public ports of one server, from one port of a client. */
static void what_the_host_could_not_tell_apart_blocks(void **state)
{
	struct flow_packet p = {.proto = TCP, .ttl = 64};

	(void)state;
	begin(false);
	action.rdr = 0;
	pools[0].port_low = pools[0].port_high = 8080;
	addrs[0] = addr_of("192.0.2.7");
	load(NFR_CONFIG_TRANSLATES);
	p.ends.src[0] = 10;
	p.ends.dst[0] = 32;
	p.ends.sport = 1234;
	p.ends.dport = 80;
	judge(&p, NFR_DIR_IN);
	assert_int_equal(result.verdict, NFR_PASS);
	p.ends.dport = 81;
	judge(&p, NFR_DIR_IN);
	assert_int_equal(result.reason, NFR_REASON_TRANSLATE);
	assert_int_equal(datapath_state_count(dp), 1);
	end();
}

static void a_pool_without_an_address_blocks(void **state)
{
	struct flow_packet p = {.proto = TCP, .ttl = 64};

	(void)state;
	begin(false);
	action.nat = 0;
	pools[0].count = 0;
	load(NFR_CONFIG_TRANSLATES);
	p.ends.src[0] = p.ends.dst[0] = 10;
	judge(&p, NFR_DIR_OUT);
	assert_int_equal(result.verdict, NFR_BLOCK);
	assert_int_equal(result.reason, NFR_REASON_TRANSLATE);
	assert_int_equal(datapath_state_count(dp), 0);
	end();
}

/* A client of the LAN, by the public address, to a server of the same LAN. */
static void a_hairpin_is_two_states(void **state)
{
	struct flow_packet p = {.proto = TCP, .ttl = 64, .data_len = 9};
	struct flow_ends in, out, back;

	(void)state;
	begin(false);
	action.rdr = 0; /* in on lan: public -> server */
	addrs[0] = addr_of("10.0.0.80");
	addrs[2] = addr_of("10.0.0.1");
	load(NFR_CONFIG_TRANSLATES);
	p.ends.src[0] = 10;
	p.ends.src[3] = 5;
	p.ends.dst[0] = 203;
	p.ends.sport = 4000;
	p.ends.dport = 80;
	judge(&p, NFR_DIR_IN);
	in = p.ends;
	set_addr(in.dst, &addrs[0], false);
	assert_comes_out(p, &in);
	action.rdr = NFR_NO_POOL; /* out on lan: the router's own address */
	action.nat = 1;
	p.ends = in;
	judge(&p, NFR_DIR_OUT);
	assert_int_equal(result.verdict, NFR_PASS);
	out = in;
	set_addr(out.src, &addrs[2], false);
	out.sport = (uint16_t)(bytes[34] << 8 | bytes[35]);
	assert_comes_out(p, &out);
	back = out;
	reverse(&back);
	p.ends = back;
	judge(&p, NFR_DIR_IN); /* the server answers the router */
	back = in;
	reverse(&back);
	assert_comes_out(p, &back);
	p.ends = back;
	judge(&p, NFR_DIR_OUT); /* and that goes to the client */
	reverse(&back);
	back.dst[0] = 203;
	back.dst[1] = back.dst[2] = back.dst[3] = 0;
	reverse(&back);
	assert_comes_out(p, &back);
	assert_int_equal(datapath_state_count(dp), 2);
	end();
}

/* A reload with the same pools goes on, one with another does not. */
static void a_changed_translation_does_not_linger(void **state)
{
	struct flow_packet p = {.proto = UDP, .ttl = 64, .data_len = 9};
	uint8_t first[FLOW_PACKET_MAX];

	(void)state;
	begin(false);
	action.nat = 0;
	addrs[0] = addr_of("192.0.2.99");
	load(NFR_CONFIG_TRANSLATES);
	p.ends.src[0] = p.ends.dst[0] = 10;
	p.ends.sport = 4000;
	judge(&p, NFR_DIR_OUT);
	memcpy(first, bytes, len);
	load(NFR_CONFIG_TRANSLATES);
	judge(&p, NFR_DIR_OUT);
	assert_int_equal(result.reason, NFR_REASON_STATE);
	assert_memory_equal(bytes, first, len);
	pools[0].id = 5;
	addrs[0] = addr_of("192.0.2.100");
	load(NFR_CONFIG_TRANSLATES);
	judge(&p, NFR_DIR_OUT);
	assert_int_equal(result.reason, NFR_REASON_RULE);
	assert_int_equal(bytes[29], 100);
	assert_int_equal(datapath_state_count(dp), 1);
	/* The same pool, whose interface has another address now. */
	addrs[0] = addr_of("192.0.2.101");
	load(NFR_CONFIG_TRANSLATES);
	judge(&p, NFR_DIR_OUT);
	assert_int_equal(bytes[29], 101);
	assert_int_equal(datapath_state_count(dp), 1);
	end();
}

static void sticky_sources_keep_their_address(void **state)
{
	struct flow_packet p = {.proto = UDP, .ttl = 64, .data_len = 9};
	uint8_t host[2];

	(void)state;
	begin(false);
	action.nat = 0;
	pools[0].count = 2;
	addrs[0] = addr_of("192.0.2.1");
	addrs[1] = addr_of("192.0.2.2");
	load(NFR_CONFIG_TRANSLATES);
	p.ends.src[0] = p.ends.dst[0] = 10;
	for (unsigned sticky = 0; sticky < 2; sticky++) {
		pools[0].flags = sticky ? NFR_POOL_STICKY : 0;
		for (unsigned i = 0; i < 2; i++) {
			p.ends.dport++;
			judge(&p, NFR_DIR_OUT);
			host[i] = bytes[29];
		}
		assert_int_equal(host[0] == host[1], sticky);
	}
	end();
}

/* Where nothing goes by these addresses but inside of a host. */
static void loopback_addresses_block_on_other_devices(void **state)
{
	struct flow_packet p = {.proto = UDP, .ttl = 64, .data_len = 9};
	struct flow_ends wire;

	(void)state;
	begin(false);
	action.rdr = 0;
	pools[0].port_low = pools[0].port_high = 8080;
	addrs[0] = addr_of("127.0.0.1");
	load(NFR_CONFIG_TRANSLATES);
	p.ends.src[0] = 10;
	p.ends.dst[0] = 127;
	judge(&p, NFR_DIR_IN);
	assert_int_equal(result.reason, NFR_REASON_ADDRESS);
	judge(&p, NFR_DIR_OUT);
	assert_int_equal(result.verdict, NFR_BLOCK);
	p.ends.dst[0] = 32;
	p.ends.dport = 80;
	wire = p.ends;
	reverse(&wire);
	judge(&p, NFR_DIR_IN); /* rdr-to 127.0.0.1 port 8080 */
	assert_int_equal(result.verdict, NFR_PASS);
	assert_int_equal(bytes[30], 127);
	set_addr(p.ends.dst, &addrs[0], false);
	p.ends.dport = 8080;
	reverse(&p.ends);
	judge(&p, NFR_DIR_OUT);
	assert_comes_out(p, &wire);
	action.rdr = NFR_NO_POOL;
	p.ends.dport++; /* no flow */
	judge(&p, NFR_DIR_OUT);
	assert_int_equal(result.reason, NFR_REASON_ADDRESS);
	assert_int_equal(datapath_state_count(dp), 1);
	end();
}

static void a_hop_is_an_order_and_takes_from_the_ttl(void **state)
{
	struct flow_packet p = {.proto = UDP, .ttl = 64, .data_len = 9};

	(void)state;
	begin(false);
	action.route_to = 0;
	addrs[0] = addr_of("192.0.2.1");
	addrs[0].ifindex = WAN;
	load(NFR_CONFIG_ROUTES);
	p.ends.src[0] = p.ends.dst[0] = 10;
	judge(&p, NFR_DIR_IN);
	assert_int_equal(result.verdict, NFR_PASS);
	assert_int_equal(result.action,
			 NFR_RESULT_REDIRECTED | NFR_RESULT_REWRITTEN);
	p.ttl = 63;
	flow_packet_build(&p, want);
	assert_memory_equal(bytes, want, len);
	p.ttl = 1;
	judge(&p, NFR_DIR_IN);
	assert_int_equal(result.reason, NFR_REASON_ROUTE);
	addrs[0].ifindex = 99; /* that no policy knows */
	p.ends.dport++;
	p.ttl = 64;
	judge(&p, NFR_DIR_IN);
	assert_int_equal(result.reason, NFR_REASON_ROUTE);
	assert_int_equal(datapath_state_count(dp), 1);
	end();
}

/* What answers leaves by the device that the flow came in on. */
static void answers_go_where_reply_to_says(void **state)
{
	struct flow_packet p = {.proto = UDP, .ttl = 64, .data_len = 9};

	(void)state;
	begin(false);
	action.reply_to = 0;
	addrs[0] = addr_of("192.0.2.1");
	addrs[0].ifindex = WAN;
	load(NFR_CONFIG_ROUTES);
	p.ends.src[0] = p.ends.dst[0] = 10;
	p.ends.src[3] = 9;
	judge_on(&p, WAN, NFR_DIR_IN);
	assert_int_equal(result.action, 0);
	reverse(&p.ends);
	judge_on(&p, LAN, NFR_DIR_OUT); /* as the route table says */
	assert_int_equal(result.verdict, NFR_PASS);
	assert_int_equal(result.reason, NFR_REASON_STATE);
	assert_int_equal(result.action, NFR_RESULT_REDIRECTED);
	assert_int_equal(datapath_state_count(dp), 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nat_goes_out_and_answers_come_back),
		cmocka_unit_test(rdr_comes_in_and_answers_go_back),
		cmocka_unit_test(the_kernel_writes_the_same_bytes),
		cmocka_unit_test(an_echo_is_found_by_its_new_identifier),
		cmocka_unit_test(ports_are_drawn_until_none_is_free),
		cmocka_unit_test(what_the_host_could_not_tell_apart_blocks),
		cmocka_unit_test(a_pool_without_an_address_blocks),
		cmocka_unit_test(a_hairpin_is_two_states),
		cmocka_unit_test(a_changed_translation_does_not_linger),
		cmocka_unit_test(sticky_sources_keep_their_address),
		cmocka_unit_test(loopback_addresses_block_on_other_devices),
		cmocka_unit_test(a_hop_is_an_order_and_takes_from_the_ttl),
		cmocka_unit_test(answers_go_where_reply_to_says),
	};
	int ret = cmocka_run_group_tests(tests, NULL, NULL);

	bpf_object__close(kernel.object);
	return ret;
}
