/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_limit.c: states that begin, connect and end -> what limit.h counts of
 * them, held against a list of the states there are; with threads, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/hashmap.h"
#include "runtime/scratch.h"
#include "runtime/state.h"
#include "runtime/table_find.h"
#include "tests/agree/random.h"

#define HZ 1000
#define FLOWS 64
#define TABLE 7

struct env {
	struct hashmap *counted, *states;
	struct nfr_config config;
	uint64_t now;
	uint32_t epoch;
	struct nfr_table_address added;
	unsigned added_count;
	bool is_table_full;
};

/* ---- the environment ---------------------------------------------------- */

static int env_table_has(struct env *env, __u32 table, __u32 family,
			 const __u32 *addr)
{
	struct nfr_table_address a = table_address(
		TABLE_UPPER(addr), TABLE_LOWER(addr), table, family);

	return env->added_count && !memcmp(&env->added, &a, sizeof(a));
}

static int env_table_add(struct env *env, const struct nfr_table_address *a)
{
	if (env->is_table_full)
		return 1;
	env->added = *a;
	env->added_count++;
	return 0;
}

static __u64 env_now(struct env *env)
{
	return env->now;
}

static __u32 env_epoch(struct env *env)
{
	return env->epoch;
}

static void env_epoch_next(struct env *env)
{
	env->epoch++;
}

static struct nfr_source *env_counted_find(struct env *env,
					   const struct nfr_source_key *key)
{
	return hashmap_find(env->counted, key);
}

static enum state_insert env_counted_insert(struct env *env,
					    const struct nfr_source_key *key,
					    const struct nfr_source *value)
{
	int ret = hashmap_insert(env->counted, key, value, HASHMAP_NOEXIST);

	if (ret == 0)
		return STATE_INSERTED;
	return ret == -EEXIST ? STATE_EXISTS : STATE_FULL;
}

static void env_counted_sweep(struct env *env);

static int env_state_delete(struct env *env, const struct nfr_state_key *name)
{
	return hashmap_delete(env->states, name);
}

static void env_states_add(struct env *env, __s32 n)
{
	(void)env;
	(void)n;
}

static const struct nfr_state_key *
env_alias_find(struct env *env, const struct nfr_state_key *name)
{
	(void)env;
	(void)name;
	return NULL;
}

static void env_alias_delete(struct env *env, const struct nfr_state_key *name)
{
	(void)env;
	(void)name;
}

#include "runtime/forget.h"

static struct env env;
static struct nfr_action action;

static void drop_idle(void *arg, const void *key, void *entry)
{
	struct env *e = arg;

	if (limit_is_idle(entry, e->now, &e->config))
		hashmap_delete(e->counted, key);
}

static void env_counted_sweep(struct env *e)
{
	hashmap_each(e->counted, drop_idle, e);
}

/* ---- helpers ------------------------------------------------------------ */

static int begin(void **unused)
{
	(void)unused;
	hashmap_free(&env.counted);
	hashmap_free(&env.states);
	memset(&env, 0, sizeof(env));
	env.now = 100000;
	env.config.hz = HZ;
	env.config.timeouts[NFR_TIMEOUT_TCP_ESTABLISHED] = 86400;
	if (hashmap_new(32, sizeof(struct nfr_source_key),
			sizeof(struct nfr_source), HASHMAP_REFUSES,
			&env.counted) ||
	    hashmap_new(FLOWS, sizeof(struct nfr_state_key),
			sizeof(struct nfr_state), HASHMAP_REFUSES, &env.states))
		return -1;
	action = (struct nfr_action){.rule_id = 11, .overload = NFR_NO_TABLE};
	return 0;
}

static int end(void **unused)
{
	(void)unused;
	hashmap_free(&env.counted);
	hashmap_free(&env.states);
	return 0;
}

static struct nfr_state_key name_of(uint32_t source, uint16_t port)
{
	return (struct nfr_state_key){.ifindex = 1,
				      .proto = 6,
				      .family = NFR_FAMILY_IPV4,
				      .near_addr = {source},
				      .far_addr = {0x09090909},
				      .near_port = port,
				      .far_port = 443};
}

/* A flow that goes out; false: a limit is reached. */
static bool opens(uint32_t source, uint16_t port)
{
	struct nfr_state_key name = name_of(source, port);
	struct nfr_state state = {
		.dir = NFR_DIR_OUT, .created = env.now, .epoch = env.epoch};

	if (limit_begin(&env, &env.config, &action, &name, &state))
		return false;
	assert_int_equal(
		hashmap_insert(env.states, &name, &state, HASHMAP_NOEXIST), 0);
	return true;
}

static struct nfr_state *find(uint32_t source, uint16_t port)
{
	struct nfr_state_key name = name_of(source, port);
	struct nfr_state *state = hashmap_find(env.states, &name);

	assert_non_null(state);
	return state;
}

static bool closes(uint32_t source, uint16_t port)
{
	struct nfr_state_key name = name_of(source, port);
	struct nfr_state copy = *find(source, port);

	return state_forget(&env, &name, &copy) == 0;
}

static bool connects(uint32_t source, uint16_t port)
{
	struct nfr_state_key name = name_of(source, port);
	struct nfr_state *state = find(source, port);
	enum limit_answer answer =
		limit_connected(&env, &env.config, &action, &name, state);

	/* Nothing expires here that a sweep could take. */
	if (answer == LIMIT_CROWDED)
		answer = limit_connected_still(&env, &action, &name, state);
	assert_int_not_equal(answer, LIMIT_CROWDED);
	return answer == LIMIT_KEPT;
}

static struct nfr_source entry(uint64_t rule_id, uint32_t source)
{
	struct nfr_source_key key = {.rule_id = rule_id,
				     .addr = {source},
				     .family = source ? NFR_FAMILY_IPV4 : 0};
	struct nfr_source *found = hashmap_find(env.counted, &key);

	return found ? *found : (struct nfr_source){.states = 0};
}

/* ---- states ------------------------------------------------------------- */

static void a_rule_without_limits_counts_nothing(void **unused)
{
	(void)unused;
	assert_true(opens(1, 1));
	assert_int_equal(find(1, 1)->counted, 0);
	assert_int_equal(hashmap_count(env.counted), 0);
	assert_true(closes(1, 1));
}

static void max_is_of_the_rule(void **unused)
{
	(void)unused;
	action.max_states = 2;
	assert_true(opens(1, 1));
	assert_true(opens(2, 2));
	assert_false(opens(3, 3));
	assert_int_equal(entry(11, 0).states, 2);
	action.rule_id = 12;
	assert_true(opens(3, 3));
	action.rule_id = 11;
	assert_true(closes(1, 1));
	assert_true(opens(1, 4));
}

static void nodes_are_sources_with_states(void **unused)
{
	(void)unused;
	action.max_src_nodes = 2;
	assert_true(opens(1, 1));
	assert_true(opens(1, 2));
	assert_true(opens(2, 1));
	assert_false(opens(3, 1));
	assert_true(opens(2, 2));
	assert_int_equal(entry(11, 0).nodes, 2);
	assert_true(closes(1, 1));
	assert_false(opens(3, 1));
	assert_true(closes(1, 2));
	assert_true(opens(3, 1));
}

static void src_states_are_of_one_source(void **unused)
{
	(void)unused;
	action.max_src_states = 2;
	assert_true(opens(1, 1));
	assert_true(opens(1, 2));
	assert_false(opens(1, 3));
	assert_true(opens(2, 1));
	assert_true(closes(1, 2));
	assert_true(opens(1, 3));
}

static void global_sources_are_of_all_rules_that_say_so(void **unused)
{
	(void)unused;
	action.flags = NFR_ACTION_TRACK_GLOBAL;
	action.max_src_states = 2;
	assert_true(opens(1, 1));
	action.rule_id = 12;
	assert_true(opens(1, 2));
	assert_false(opens(1, 3));
	assert_int_equal(entry(0, 1).states, 2);
	action.flags = NFR_ACTION_TRACK_RULE;
	assert_true(opens(1, 3));
	action.flags = NFR_ACTION_TRACK_GLOBAL;
	action.rule_id = 11;
	assert_false(opens(1, 4));
	assert_true(closes(1, 2));
	assert_true(opens(1, 4));
	action.max_src_nodes = 1;
	assert_false(opens(2, 1));
}

static void a_refusal_leaves_no_count(void **unused)
{
	(void)unused;
	action.max_states = 5;
	action.max_src_states = 1;
	action.max_src_nodes = 1;
	assert_true(opens(1, 1));
	for (unsigned turn = 0; turn < 10; turn++) {
		assert_false(opens(1, 2)); /* the source's */
		assert_false(opens(2, 1)); /* the nodes */
	}
	assert_int_equal(entry(11, 0).states, 1);
	assert_int_equal(entry(11, 0).nodes, 1);
	assert_int_equal(entry(11, 1).states, 1);
	assert_int_equal(entry(11, 2).states, 0);
}

static void the_source_is_who_began(void **unused)
{
	struct nfr_state_key name = name_of(5, 1);
	struct nfr_state state = {.dir = NFR_DIR_OUT};
	struct nfr_source_key source;

	(void)unused;
	limit_source(&name, &state, &source);
	assert_int_equal(source.addr[0], 5);
	state.dir = NFR_DIR_IN;
	limit_source(&name, &state, &source);
	assert_int_equal(source.addr[0], 0x09090909);
	state.flags = NFR_STATE_IS_TRANSLATED; /* rdr: the far end is its own */
	state.stack.near_addr[0] = 6;
	limit_source(&name, &state, &source);
	assert_int_equal(source.addr[0], 0x09090909);
	state.dir = NFR_DIR_OUT; /* nat: not as on the wire */
	limit_source(&name, &state, &source);
	assert_int_equal(source.addr[0], 6);
}

static void a_state_ends_once(void **unused)
{
	struct nfr_state_key name = name_of(1, 1);
	struct nfr_state copy;

	(void)unused;
	action.max_states = 3;
	assert_true(opens(1, 1));
	assert_true(opens(1, 2));
	copy = *find(1, 1);
	assert_int_equal(state_forget(&env, &name, &copy), 0);
	assert_int_not_equal(state_forget(&env, &name, &copy), 0);
	assert_int_equal(entry(11, 0).states, 1);
}

static void no_room_for_an_entry_refuses(void **unused)
{
	uint32_t source = 1;

	(void)unused;
	action.max_src_states = 9;
	while (opens(source, 1))
		source++;
	assert_int_equal(source, 32); /* with the rule's own */
	assert_int_equal(entry(11, 0).states, 31);
	assert_true(closes(4, 1)); /* its entry is idle, so it gives way */
	assert_true(opens(source, 1));
}

static void a_dying_entry_refuses(void **unused)
{
	struct nfr_source_key key = {.rule_id = 11};
	struct nfr_source *own;

	(void)unused;
	action.max_states = 3;
	assert_true(opens(1, 1));
	own = hashmap_find(env.counted, &key);
	assert_false(limit_is_idle(own, env.now, &env.config));
	assert_true(closes(1, 1));
	assert_true(limit_is_idle(own, env.now, &env.config));
	assert_false(opens(1, 1));
	assert_int_equal(own->states, NFR_SOURCE_DYING);
}

/* ---- connections -------------------------------------------------------- */

static void src_conn_is_of_done_handshakes(void **unused)
{
	(void)unused;
	action.max_src_conn = 2;
	for (uint16_t port = 1; port <= 4; port++)
		assert_true(opens(1, port));
	assert_true(connects(1, 1));
	assert_true(connects(1, 1)); /* counted once */
	assert_true(connects(1, 2));
	assert_false(connects(1, 3));
	assert_true(closes(1, 3));
	assert_false(connects(1, 4));
	assert_true(closes(1, 4));
	assert_int_equal(entry(11, 1).connections, 2);
	assert_true(closes(1, 1));
	assert_true(opens(1, 5));
	assert_true(connects(1, 5));
	assert_true(opens(2, 1));
	assert_true(connects(2, 1));
}

/* Who is one too many overloads nothing as long as some may have expired. */
static void who_is_crowded_out_waits_for_the_sweep(void **unused)
{
	struct nfr_state_key name = name_of(1, 2);
	struct nfr_state *state;

	(void)unused;
	action.max_src_conn = 1;
	action.overload = TABLE;
	assert_true(opens(1, 1));
	assert_true(opens(1, 2));
	assert_true(connects(1, 1));
	state = find(1, 2);
	assert_int_equal(
		limit_connected(&env, &env.config, &action, &name, state),
		LIMIT_CROWDED);
	assert_int_equal(env.added_count, 0);
	assert_true(closes(1, 1));
	assert_int_equal(limit_connected_still(&env, &action, &name, state),
			 LIMIT_KEPT);
	assert_int_equal(entry(11, 1).connections, 1);
	assert_int_equal(env.added_count, 0);
	assert_true(opens(1, 3));
	assert_false(connects(1, 3));
	assert_int_equal(env.added_count, 1);
}

/* pf's: what was counted fades over the window. */
static void a_rate_is_a_moving_average(void **unused)
{
	(void)unused;
	action.rate_conns = 3;
	action.rate_seconds = 10;
	for (uint16_t port = 1; port <= 6; port++)
		assert_true(opens(1, port));
	assert_true(connects(1, 1));
	assert_true(connects(1, 2));
	assert_true(connects(1, 3));
	assert_false(connects(1, 4)); /* 4000 of 3000 */
	env.now += 5 * HZ;	      /* 2000 are left */
	assert_true(connects(1, 5));
	env.now += 10 * HZ; /* none */
	assert_true(connects(1, 6));
	assert_int_equal((uint32_t)entry(11, 1).rate, 1000);
}

static void a_clock_that_is_behind_is_no_window(void **unused)
{
	struct nfr_source node = {.rate = (uint64_t)5000 << 32 | 2000};

	(void)unused;
	assert_int_equal(limit_rate(&node, 4999, 10 * HZ), 3000);
	node.rate = (uint64_t)0xfffffff0 << 32 | 2000; /* around 0 */
	assert_int_equal(limit_rate(&node, 0x100000010u, 64), 2000);
}

static void a_rate_does_not_wrap(void **unused)
{
	struct nfr_source node = {.rate = 0xffffffff};

	(void)unused;
	assert_int_equal(limit_rate(&node, 0, HZ), 0xffffffff);
}

static void too_many_overload_the_table(void **unused)
{
	(void)unused;
	action.max_src_conn = 1;
	action.overload = TABLE;
	assert_true(opens(0x0a000001, 1));
	assert_true(opens(0x0a000001, 2));
	assert_true(connects(0x0a000001, 1));
	assert_int_equal(env.added_count, 0);
	assert_int_equal(env.epoch, 0);
	assert_false(connects(0x0a000001, 2));
	assert_int_equal(env.added_count, 1);
	assert_int_equal(env.epoch, 1);
	{
		struct nfr_table_address want = {.upper = 0x0a00000100000000,
						 .side = 2 * TABLE};

		assert_memory_equal(&env.added, &want, sizeof(want));
	}
	assert_true(closes(0x0a000001, 2));
	assert_true(opens(0x0a000001, 3));
	assert_false(connects(0x0a000001, 3)); /* a member already */
	assert_int_equal(env.added_count, 1);
	assert_int_equal(env.epoch, 1);
}

static void a_full_table_still_blocks(void **unused)
{
	(void)unused;
	action.max_src_conn = 1;
	action.overload = TABLE;
	env.is_table_full = true;
	assert_true(opens(1, 1));
	assert_true(opens(1, 2));
	assert_true(connects(1, 1));
	assert_false(connects(1, 2));
	assert_int_equal(env.epoch, 0);
}

static bool is_flushed(uint32_t source, uint16_t port)
{
	struct nfr_state_key name = name_of(source, port);

	return limit_is_flushed(&env, &name, find(source, port));
}

static void flush_ends_the_rules_states_of_the_source(void **unused)
{
	(void)unused;
	action.max_src_conn = 1;
	action.overload = TABLE;
	action.flags = NFR_ACTION_FLUSH;
	assert_true(opens(1, 1));
	assert_true(opens(1, 2));
	assert_true(opens(2, 1));
	action.rule_id = 12;
	assert_true(opens(1, 3));
	action.rule_id = 11;
	assert_false(is_flushed(1, 1));
	assert_true(connects(1, 1));
	assert_false(connects(1, 2));
	assert_true(is_flushed(1, 1));
	assert_false(is_flushed(2, 1));
	assert_false(is_flushed(1, 3));
	env.now++;
	assert_true(opens(1, 4)); /* what comes later is not */
	assert_false(is_flushed(1, 4));
}

static void flush_global_ends_all_of_the_source(void **unused)
{
	struct nfr_action limited = {.rule_id = 11,
				     .max_src_conn = 1,
				     .overload = TABLE,
				     .flags = NFR_ACTION_FLUSH_GLOBAL};

	(void)unused;
	action.rule_id = 12; /* which counts nothing */
	assert_true(opens(1, 3));
	assert_true(opens(2, 3));
	action = limited;
	assert_true(opens(1, 1));
	assert_true(opens(1, 2));
	assert_true(connects(1, 1));
	assert_false(connects(1, 2));
	assert_true(is_flushed(1, 1));
	assert_true(is_flushed(1, 3));
	assert_false(is_flushed(2, 3));
}

static void a_mark_is_kept_as_long_as_a_state_may_be_older(void **unused)
{
	struct nfr_source young = {.flushed = 5}, old = young, busy = {0};

	(void)unused;
	assert_false(limit_is_idle(&young, 6, &env.config));
	assert_true(limit_is_idle(&old, 6 + (uint64_t)86400 * HZ, &env.config));
	busy.rate = (uint64_t)6 << 32 | 1000;
	assert_false(limit_is_idle(&busy, 7, &env.config));
}

/* ---- against a list ----------------------------------------------------- */

struct flow {
	bool is_there, is_connected;
	uint32_t rule, source;
	struct nfr_action action;
};

static struct flow flows[FLOWS];

static unsigned live(uint32_t rule, uint32_t source, bool is_connected)
{
	unsigned count = 0;

	for (size_t i = 0; i < FLOWS; i++)
		count += flows[i].is_there &&
			 (!rule || flows[i].rule == rule) &&
			 (!source || flows[i].source == source) &&
			 (!is_connected || flows[i].is_connected);
	return count;
}

static void assert_counts(uint32_t rule)
{
	unsigned nodes = 0;

	for (uint32_t source = 1; source <= 4; source++) {
		struct nfr_source node = entry(rule, source);

		assert_int_equal(node.states, live(rule, source, false));
		assert_int_equal(node.connections, live(rule, source, true));
		nodes += node.states != 0;
	}
	assert_int_equal(entry(rule, 0).states, live(rule, 0, false));
	assert_int_equal(entry(rule, 0).nodes, nodes);
}

static bool may_open(const struct flow *flow)
{
	const struct nfr_action *a = &flow->action;
	uint32_t tracked = a->flags & NFR_ACTION_TRACK_GLOBAL ? 0 : flow->rule;
	unsigned states = live(tracked, flow->source, false), nodes = 0;

	for (uint32_t source = 1; source <= 4; source++)
		nodes += live(tracked, source, false) != 0;
	return live(flow->rule, 0, false) < a->max_states &&
	       states < a->max_src_states &&
	       (states || nodes < a->max_src_nodes);
}

static void flip(struct random *rnd, size_t i, bool is_global)
{
	struct flow *flow = &flows[i];
	struct nfr_action *a = &flow->action;

	if (flow->is_there) {
		action = *a;
		if (!flow->is_connected && random_once_in(rnd, 2)) {
			flow->is_connected = true;
			assert_true(connects(flow->source, (uint16_t)i));
			return;
		}
		assert_true(closes(flow->source, (uint16_t)i));
		flow->is_there = false;
		return;
	}
	flow->rule = 1 + random_below(rnd, 2);
	flow->source = 1 + random_below(rnd, 4);
	*a = (struct nfr_action){.rule_id = flow->rule,
				 .flags = is_global ? NFR_ACTION_TRACK_GLOBAL
						    : NFR_ACTION_TRACK_RULE,
				 .overload = NFR_NO_TABLE,
				 .max_states = 1 + random_below(rnd, 20),
				 .max_src_states = 1 + random_below(rnd, 8),
				 .max_src_nodes = 1 + random_below(rnd, 4)};
	flow->is_connected = false;
	action = *a;
	flow->is_there = may_open(flow);
	assert_int_equal(opens(flow->source, (uint16_t)i), flow->is_there);
}

static void random_flows_are_counted_as_a_list_counts_them(void **unused)
{
	struct random rnd;
	unsigned was_there = 0;

	for (uint64_t run = 0; run < 40; run++) {
		bool is_global = run % 2;

		assert_int_equal(begin(unused), 0);
		memset(flows, 0, sizeof(flows));
		rnd = random_fork(1, run);
		for (unsigned turn = 0; turn < 500; turn++) {
			flip(&rnd, random_below(&rnd, FLOWS), is_global);
			was_there += live(0, 0, false);
			if (is_global) {
				assert_int_equal(entry(1, 0).states,
						 live(1, 0, false));
				assert_counts(0);
			} else {
				assert_counts(1);
				assert_counts(2);
			}
		}
	}
	assert_in_range(was_there, 20000, UINT32_MAX);
}

/* ---- threads ------------------------------------------------------------ */

#define THREADS 4
#define TURNS 300000
#define THREAD_MAX 3u

static uint32_t inside[3], worst;

/* Entries are there already, so that nothing changes the map. */
static void *begin_and_end(void *arg)
{
	const struct nfr_action a = {.rule_id = 11,
				     .max_states = 9,
				     .max_src_states = THREAD_MAX,
				     .max_src_nodes = 1};
	struct nfr_source_key source;
	struct nfr_state_key name;
	struct random rnd;
	unsigned taken = 0;

	rnd = random_fork(2, (uintptr_t)arg);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		uint32_t who = 1 + random_below(&rnd, 2), now;
		struct nfr_state state = {.dir = NFR_DIR_OUT};

		name = name_of(who, 1);
		limit_source(&name, &state, &source);
		if (limit_take_all(&env, &a, &source, NFR_COUNTED_SOURCE))
			continue;
		now = __sync_add_and_fetch(&inside[who], 1);
		if (now > THREAD_MAX)
			__sync_fetch_and_add(&worst, 1);
		taken++;
		__sync_fetch_and_sub(&inside[who], 1);
		limit_drop(&env, 11 << NFR_COUNTED_SHIFT | NFR_COUNTED_SOURCE,
			   &source);
	}
	return (void *)(uintptr_t)taken;
}

static void threads_leave_no_count_and_pass_no_limit(void **unused)
{
	pthread_t threads[THREADS];
	uintptr_t taken = 0;

	(void)unused;
	worst = 0;
	action.max_src_states = 9;
	assert_true(opens(1, 1));
	assert_true(opens(2, 1));
	assert_true(closes(1, 1));
	assert_true(closes(2, 1));
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						begin_and_end, (void *)i),
				 0);
	for (unsigned i = 0; i < THREADS; i++) {
		void *result;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		taken += (uintptr_t)result;
	}
	assert_int_equal(worst, 0);
	assert_in_range(taken, TURNS / 10, UINT32_MAX);
	assert_int_equal(entry(11, 0).states, 0);
	assert_int_equal(entry(11, 0).nodes, 0);
	assert_int_equal(entry(11, 1).states, 0);
	assert_int_equal(entry(11, 2).states, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_rule_without_limits_counts_nothing),
		TEST(max_is_of_the_rule),
		TEST(nodes_are_sources_with_states),
		TEST(src_states_are_of_one_source),
		TEST(global_sources_are_of_all_rules_that_say_so),
		TEST(a_refusal_leaves_no_count),
		TEST(the_source_is_who_began),
		TEST(a_state_ends_once),
		TEST(no_room_for_an_entry_refuses),
		TEST(a_dying_entry_refuses),
		TEST(src_conn_is_of_done_handshakes),
		TEST(who_is_crowded_out_waits_for_the_sweep),
		TEST(a_rate_is_a_moving_average),
		TEST(a_clock_that_is_behind_is_no_window),
		TEST(a_rate_does_not_wrap),
		TEST(too_many_overload_the_table),
		TEST(a_full_table_still_blocks),
		TEST(flush_ends_the_rules_states_of_the_source),
		TEST(flush_global_ends_all_of_the_source),
		TEST(a_mark_is_kept_as_long_as_a_state_may_be_older),
		TEST(random_flows_are_counted_as_a_list_counts_them),
		TEST(threads_leave_no_count_and_pass_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
