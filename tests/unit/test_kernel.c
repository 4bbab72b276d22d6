/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_kernel.c: random sequences of packets of few flows, with policies
 * that change between them: the kernel's states and verdicts are the native
 * ones, packet by packet; bytecode that can not be; and packets of two CPUs at
 * once, which leave the map of states in order. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <cmocka.h>

#include "runtime/datapath_user.h"
#include "tests/agree/agree.h"
#include "tests/agree/fixture.h"
#include "tests/agree/kernel.h"
#include "tests/agree/race.h"
#include "tests/agree/random.h"

#define DEVICE 1
#define STATES 64 /* as in kernel.c */
#define RUNS 20
#define POLICIES 3
#define PACKETS 250
#define RACE_TURNS 30
#define RACE_MS 600

static void *kernel;
static const char *why_not;
static struct datapath *native;
static struct random rnd;
static unsigned passed_by_state, limited, overloaded, kept;

/* ---- frames ------------------------------------------------------------ */

struct frame {
	uint8_t b[128];
	size_t len;
	enum nfr_dir dir;
};

static void put_transport(uint8_t *l4, uint8_t proto, bool is_out)
{
	static const uint8_t flags[] = {0x02, 0x02, 0x12, 0x10, 0x10,
					0x10, 0x11, 0x11, 0x04, 0x14};
	static const uint8_t types[] = {8, 0, 128, 129, 3};
	uint8_t local = (uint8_t)(1 + random_below(&rnd, 2));

	if (proto == 1 || proto == 58) {
		l4[0] = random_pick(&rnd, types);
		l4[5] = local;
		return;
	}
	if (proto != 6 && proto != 17)
		return;
	l4[is_out ? 1 : 3] = local;
	l4[is_out ? 3 : 1] = 53;
	if (proto == 17) {
		l4[5] = 20;
	} else {
		l4[12] = 0x50;
		l4[13] = random_pick(&rnd, flags);
	}
}

/* Between one address of ours and two of theirs. */
static void random_frame(struct frame *f)
{
	static const uint8_t protos[] = {6, 6, 6, 17, 1, 58, 47};
	uint8_t proto = random_pick(&rnd, protos);
	uint8_t peer = (uint8_t)(1 + random_below(&rnd, 2));
	bool is_v6 = random_once_in(&rnd, 2);
	bool is_out = random_once_in(&rnd, 2);
	size_t header = is_v6 ? 40 : random_once_in(&rnd, 20) ? 24 : 20;
	uint8_t *ip = f->b + 14;

	memset(f, 0, sizeof(*f));
	f->dir = is_out ? NFR_DIR_OUT : NFR_DIR_IN;
	f->len = 14 + header + 20;
	f->b[12] = is_v6 ? 0x86 : 0x08;
	f->b[13] = is_v6 ? 0xdd : 0x00;
	if (is_v6) {
		ip[0] = 0x60;
		ip[5] = 20;
		ip[6] = proto;
		ip[8] = ip[24] = 0x20;
		ip[23] = is_out ? 9 : peer;
		ip[39] = is_out ? peer : 9;
	} else {
		ip[0] = (uint8_t)(0x40 | header / 4);
		ip[3] = (uint8_t)(header + 20);
		ip[9] = proto;
		ip[12] = ip[16] = 10;
		ip[15] = is_out ? 9 : peer;
		ip[19] = is_out ? peer : 9;
	}
	put_transport(ip + header, proto, is_out);
}

/* ---- policies ---------------------------------------------------------- */

static void random_match(struct policy_match *match)
{
	static const int16_t protos[] = {-1, 6, 17, 47};

	match->proto = random_pick(&rnd, protos);
	if (random_once_in(&rnd, 2))
		match->dirs = (uint8_t)(1u << random_below(&rnd, 2));
	if (random_once_in(&rnd, 4))
		match->families = (uint8_t)(2u << random_below(&rnd, 2));
	if (match->proto == 6 && random_once_in(&rnd, 2)) {
		match->flags_set = 0x02;
		match->flags_mask = 0x12;
	}
}

/* No flush: it depends on when expired flows are swept. */
static void random_limits(struct fixture *f, struct policy_rule *rule,
			  uint32_t table)
{
	struct ast_state_options *o =
		arena_new_of(f->arena, struct ast_state_options);
	struct policy_state *state =
		arena_new_of(f->arena, struct policy_state);
	bool has_rate = random_once_in(&rnd, 2);

	if (random_once_in(&rnd, 3))
		o->max = 1 + random_below(&rnd, 8);
	if (random_once_in(&rnd, 3))
		o->max_src_nodes = 1 + random_below(&rnd, 3);
	if (random_once_in(&rnd, 3))
		o->max_src_states = 1 + random_below(&rnd, 4);
	if (!has_rate)
		o->max_src_conn = 1 + random_below(&rnd, 2);
	o->rate_conns = has_rate ? 1 + random_below(&rnd, 2) : 0;
	o->rate_seconds = has_rate ? 1000 : 0;
	o->track = random_once_in(&rnd, 2) ? AST_TRACK_RULE : AST_TRACK_GLOBAL;
	state->options = o;
	state->overload = random_once_in(&rnd, 4) ? POLICY_NONE : table;
	rule->state = state;
}

static void random_fixture(struct fixture *f, struct image *image)
{
	unsigned rules = 1 + random_below(&rnd, 5);
	uint32_t table;

	fixture_init(f);
	table = fixture_table(f, "bad", "10.0.0.77/32");
	for (unsigned i = 0; i < rules; i++) {
		bool is_pass = !random_once_in(&rnd, 4);
		struct policy_rule *rule = fixture_rule(f, is_pass);

		random_match(&rule->match);
		rule->keeps_state = is_pass && !random_once_in(&rnd, 4);
		if (rule->keeps_state && random_once_in(&rnd, 2))
			random_limits(f, rule, table);
		if (!is_pass && random_once_in(&rnd, 2)) {
			rule->match.src.kind = POLICY_HOST_TABLE;
			rule->match.src.table = table;
		}
	}
	if (random_once_in(&rnd, 3))
		random_match(&fixture_guard(f, false)->match);
	fixture_image(f, random_once_in(&rnd, 4), image);
}

/* ---- comparing --------------------------------------------------------- */

static void assert_same_packet(void)
{
	struct frame f;
	struct agree_frame frame = {
		.bytes = f.b, .ifindex = DEVICE, .link = NFR_LINK_ETHER};
	struct datapath_frame own = {.bytes = f.b, .ifindex = DEVICE};
	struct nfr_result got, want;

	random_frame(&f);
	frame.len = own.len = own.caplen = f.len;
	frame.dir = own.dir = f.dir;
	want = datapath_judge(native, &own, NULL, NULL);
	assert_int_equal(agree_kernel.judge(kernel, &frame, &got), 0);
	assert_memory_equal(&got, &want, sizeof(got));
	passed_by_state += want.from_state;
	limited += want.reason == NFR_REASON_LIMIT;
}

/* The guard's: of other generations, and the kernel's names its flow. */
static void assert_same_consent(struct nfr_state *got,
				const struct nfr_state *want)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		assert_int_equal(got->consent[dir] != 0,
				 want->consent[dir] != 0);
		got->consent[dir] = want->consent[dir];
		kept += want->consent[dir] != 0;
	}
}

static void assert_same_states(unsigned object)
{
	const struct statemap *map = agree_kernel_states(kernel, object);
	size_t count = 0;

	for (uint32_t place = statemap_next(map, 0); place < NFR_PLACES;
	     place = statemap_next(map, place + 1)) {
		const struct nfr_state *want;
		struct nfr_flow flow;
		struct nfr_state got;

		assert_int_equal(statemap_read(map, place, &flow), 1);
		want = datapath_state(native, &flow.name);
		got = flow.state;
		assert_non_null(want);
		got.created = want->created;
		got.last_seen = want->last_seen;
		/* Its clock has 250 ticks a second, ours 1000. */
		assert_int_equal(got.timeout * 4, want->timeout);
		got.timeout = want->timeout;
		overloaded += got.epoch != 0;
		assert_same_consent(&got, want);
		assert_memory_equal(&got, want, sizeof(got));
		count++;
	}
	assert_int_equal(count, datapath_state_count(native));
}

static void forget(void)
{
	datapath_forget_states(native);
	agree_kernel_forget(kernel);
}

static void flows_are_the_same_in_the_kernel(void **state)
{
	const struct agree_device device = {"dev", DEVICE, NFR_LINK_ETHER};
	const struct datapath_device own = {"dev", DEVICE, NFR_LINK_ETHER,
					    false};

	(void)state;
	if (!kernel) {
		print_message("# %s\n", why_not);
		skip();
	}
	agree_kernel_keep_flows(kernel, true);
	for (uint64_t run = 0; run < RUNS; run++) {
		rnd = random_fork(20261121, run);
		forget();
		for (unsigned i = 0; i < POLICIES; i++) {
			struct fixture f;
			struct image image;

			random_fixture(&f, &image);
			assert_int_equal(
				agree_kernel.load(kernel, &image, &device, 1),
				0);
			assert_int_equal(
				datapath_switch(native, &image, &own, 1), 0);
			for (unsigned n = 0; n < PACKETS; n++)
				assert_same_packet();
			for (unsigned o = 0; o < AGREE_KERNEL_OBJECTS; o++)
				assert_same_states(o);
			fixture_free(&f);
		}
	}
	assert_true(passed_by_state > RUNS * POLICIES * PACKETS / 10);
	print_message("# %u by states, %u limited, %u states after overloads, "
		      "%u consents\n",
		      passed_by_state, limited, overloaded, kept);
	assert_true(limited > RUNS * POLICIES);
	assert_true(overloaded > RUNS);
	assert_true(kept > 0);
}

/* What verify_code() refuses is loaded behind its back. */
static void assert_code_blocks(const struct nfr_insn *code, __u32 count)
{
	const struct agree_device device = {"dev", DEVICE, NFR_LINK_ETHER};
	struct image_header header;
	struct image image;
	struct nfr_result got;
	struct fixture f;
	struct frame bytes;
	struct agree_frame frame = {
		.bytes = bytes.b, .ifindex = DEVICE, .link = NFR_LINK_ETHER};

	fixture_init(&f);
	fixture_image(&f, true, &image);
	header = *image.header;
	memset(header.entry, 0, sizeof(header.entry));
	image.header = &header;
	image.code = code;
	image.insn_count = count;
	assert_int_equal(agree_kernel.load(kernel, &image, &device, 1), 0);
	random_frame(&bytes);
	frame.len = bytes.len;
	frame.dir = bytes.dir;
	assert_int_equal(agree_kernel.judge(kernel, &frame, &got), 0);
	assert_int_equal(got.verdict, NFR_BLOCK);
	assert_int_equal(got.reason, NFR_REASON_VM);
	assert_int_equal(got.rule, NFR_NO_RULE);
	fixture_free(&f);
}

static void damaged_bytecode_blocks_in_the_kernel(void **state)
{
	const struct nfr_insn unknown[] = {{.op = 200}};
	const struct nfr_insn no_rule[] = {{.op = NFR_OP_RET, .imm = 1u << 20}};
	const struct nfr_insn beyond[] = {{.op = NFR_OP_JA, .imm = 1u << 20}};
	const struct nfr_insn endless[] = {{.op = NFR_OP_JA, .imm = ~0u}};

	(void)state;
	if (!kernel) {
		print_message("# %s\n", why_not);
		skip();
	}
	agree_kernel_keep_flows(kernel, false);
	assert_code_blocks(unknown, 1);
	assert_code_blocks(no_rule, 1);
	assert_code_blocks(beyond, 1);
	assert_code_blocks(endless, 1);
}

static void assert_in_order(const struct race_faults *faults,
			    const struct race_work *work)
{
	print_message("# %llu begun, %llu refused, %llu killed, %llu asked\n",
		      (unsigned long long)work->begun,
		      (unsigned long long)work->refused,
		      (unsigned long long)work->killed,
		      (unsigned long long)work->asked_again);
	print_message("# %u miscounted %u half %u twice %u unreachable "
		      "%u misspilled %u cut %u failed %u left %u lost %u "
		      "beyond\n",
		      faults->miscounted, faults->half, faults->twice,
		      faults->unreachable, faults->misspilled, faults->cut,
		      faults->failed, faults->left, faults->lost,
		      faults->beyond);
	assert_int_equal(faults->failed, 0);
	assert_int_equal(faults->miscounted, 0);
	assert_int_equal(faults->half, 0);
	assert_int_equal(faults->twice, 0);
	assert_int_equal(faults->unreachable, 0);
	assert_int_equal(faults->misspilled, 0);
	assert_int_equal(faults->cut, 0);
	assert_int_equal(faults->left, 0);
	assert_int_equal(faults->lost, 0);
	assert_int_equal(faults->beyond, 0);
	assert_true(work->begun > RACE_MS);
}

static void two_cpus_share_flows(void **state)
{
	struct race_faults faults;
	struct race_work work;

	(void)state;
	if (!kernel) {
		print_message("# %s\n", why_not);
		skip();
	}
	assert_int_equal(race_shared(kernel, 0, RACE_MS, &faults, &work), 0);
	assert_in_order(&faults, &work);
	assert_true(work.refused > 0 && work.killed > 0);
}

static void two_cpus_share_buckets(void **state)
{
	struct race_faults faults;
	struct race_work work;

	(void)state;
	if (!kernel) {
		print_message("# %s\n", why_not);
		skip();
	}
	/* On a busy machine both may hardly meet. */
	for (unsigned turn = 0; turn < RACE_TURNS; turn++) {
		assert_int_equal(race_own(kernel, 0, RACE_MS, &faults, &work),
				 0);
		assert_in_order(&faults, &work);
		if (work.refused && work.asked_again)
			return;
	}
	fail_msg("nobody was refused, or asked again");
}

static int setup(void **state)
{
	int ret = agree_kernel.open(&kernel, &why_not);

	(void)state;
	if (ret) {
		kernel = NULL;
		print_error("%s: %s\n", why_not, strerror(-ret));
	}
	if (ret && ret != -ENOTSUP)
		return ret;
	return datapath_new(STATES, &native);
}

static int teardown(void **state)
{
	(void)state;
	if (kernel)
		agree_kernel.close(&kernel);
	datapath_free(&native);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flows_are_the_same_in_the_kernel),
		cmocka_unit_test(damaged_bytecode_blocks_in_the_kernel),
		cmocka_unit_test(two_cpus_share_flows),
		cmocka_unit_test(two_cpus_share_buckets),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
