/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_engine_states.c: a full map of flow states, made by hand -> a list, each
 * once and oldest first; entries ended. In namespaces of its own; needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "runtime/engine_states.h"
#include "runtime/statemap.h"
#include "tests/agree/fixture.h"

#define BPFFS "/tmp/nfr-test-states"
#define DIR BPFFS "/nfr"
#define STATES 60000u

static struct fixture fixture;
static struct image image;
static struct engine_error err;
static struct engine *engine;
static struct statemap map;

static void run(const char *command)
{
	int status = system(command);

	if (status)
		fail_msg("%s: status %d", command, status);
}

static struct nfr_state_key name_of(uint32_t number)
{
	return (struct nfr_state_key){.ifindex = 1,
				      .proto = 17,
				      .family = NFR_FAMILY_IPV4,
				      .near_addr = {0x0a000001},
				      .far_addr = {number},
				      .near_port = 53,
				      .far_port = 53};
}

/* A /tmp of its own: this test runs twice at once, in two builds. */
static int group_setup(void **state)
{
	struct engine_report report = {0};
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmp", "/tmp", "tmpfs", 0, NULL))
		return -1;
	run("mkdir " BPFFS " && mount -t bpf bpf " BPFFS);
	fixture_init(&fixture);
	fixture_image(&fixture, true, &image);
	if (engine_apply(DIR, &image, NULL, &report, &err) ||
	    engine_open(DIR, &engine, &err))
		fail_msg("%s\n%s", err.text, err.log);
	engine_report_free(&report);
	fd = bpf_obj_get(DIR "/states");
	if (fd < 0 || statemap_open(fd, &map))
		return -1;
	close(fd);
	return 0;
}

static int group_teardown(void **state)
{
	(void)state;
	statemap_close(&map);
	engine_close(&engine);
	engine_unload(DIR, ENGINE_LEAVE_OPEN, NULL, NULL, &err);
	fixture_free(&fixture);
	run("umount " BPFFS " && rmdir " BPFFS);
	return 0;
}

static void an_empty_map_is_an_empty_list(void **state)
{
	struct engine_states states = {0};

	(void)state;
	assert_int_equal(engine_states(engine, &states, &err), 0);
	assert_int_equal(states.count, 0);
	assert_true(states.limit >= STATES);
	engine_states_free(&states);
}

static void the_clock_is_the_kernels(void **state)
{
	struct timespec pause = {.tv_nsec = 100000000};
	struct engine_states states = {0};
	uint64_t before, after;

	(void)state;
	assert_int_equal(engine_states(engine, &states, &err), 0);
	assert_int_equal(engine_jiffies(&before), 0);
	nanosleep(&pause, NULL);
	assert_int_equal(engine_jiffies(&after), 0);
	assert_in_range(after - before, states.hz / 10, states.hz * 5);
	engine_states_free(&states);
}

/* Where no packet would look for it, but readers look everywhere. */
static void put(uint32_t number)
{
	struct nfr_bucket *bucket = &map.buckets[number / NFR_WAYS];

	bucket->flow[number % NFR_WAYS] =
		(struct nfr_flow){.name = name_of(number),
				  .home = number / NFR_WAYS,
				  .state.created = 2 * STATES - number};
	bucket->tag[number % NFR_WAYS] = 2;
}

static struct nfr_flow *there(uint32_t number)
{
	struct nfr_state_key name = name_of(number);
	uint32_t place = statemap_find(&map, &name);

	return place < NFR_PLACES
		       ? &map.buckets[place / NFR_WAYS].flow[place % NFR_WAYS]
		       : NULL;
}

/* Oldest first, though they are made the other way round. */
static void a_full_map_is_read_whole_and_sorted(void **state)
{
	struct engine_states states = {0};
	struct timespec begin, end;
	static bool seen[STATES];

	(void)state;
	for (uint32_t i = 0; i < STATES; i++)
		put(i);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	assert_int_equal(engine_states(engine, &states, &err), 0);
	clock_gettime(CLOCK_MONOTONIC, &end);
	print_message("# %u states in %ld ms\n", STATES,
		      (end.tv_sec - begin.tv_sec) * 1000 +
			      (end.tv_nsec - begin.tv_nsec) / 1000000);
	assert_int_equal(states.count, STATES);
	for (uint32_t i = 0; i < STATES; i++) {
		uint32_t number = states.items[i].name.far_addr[0];

		assert_int_equal(number, STATES - 1 - i);
		assert_false(seen[number]);
		seen[number] = true;
	}
	engine_states_free(&states);
}

static void an_ended_state_is_gone_once(void **state)
{
	struct engine_state which = {.name = name_of(17), .place = 17};

	(void)state;
	which.state.created = 2 * STATES - 17;
	assert_int_equal(engine_state_end(engine, &which, &err), 1);
	assert_null(there(17));
	assert_int_equal(engine_state_end(engine, &which, &err), 0);
}

/* The name has another flow since the list was read; so has the place. */
static void what_took_its_place_lives(void **state)
{
	struct engine_state which = {
		.name = name_of(18), .place = 18, .state.created = 1};

	(void)state;
	assert_int_equal(engine_state_end(engine, &which, &err), 0);
	assert_non_null(there(18));
	which.name = name_of(20);
	which.state.created = 2 * STATES - 18;
	assert_int_equal(engine_state_end(engine, &which, &err), 0);
	assert_non_null(there(18));
}

/* Packets look for it elsewhere only as long as there is something. */
static void what_spilled_is_taken_from_its_home(void **state)
{
	struct engine_state which = {.name = name_of(32), .place = 32};

	(void)state;
	map.buckets[2].spilled = 1;
	there(32)->home = 2;
	which.state = there(32)->state;
	assert_int_equal(engine_state_end(engine, &which, &err), 1);
	assert_int_equal(map.buckets[2].spilled, 0);
}

/* The datapath takes its alias and counts back with it. */
static void what_is_counted_is_left_as_expired(void **state)
{
	struct engine_state which = {.name = name_of(19), .place = 19};
	struct nfr_state *there_is = &there(19)->state;

	(void)state;
	there_is->counted = 8;
	there_is->last_seen = UINT64_MAX / 4;
	there_is->timeout = UINT32_MAX;
	which.state = *there_is;
	assert_int_equal(engine_state_end(engine, &which, &err), 1);
	assert_ptr_equal(&there(19)->state, there_is);
	assert_int_equal(there_is->counted, 8);
	assert_int_equal(there_is->last_seen, 0);
	assert_int_equal(there_is->timeout, 0);
}

static uint32_t counted(void)
{
	struct nfr_control control = {0};
	uint32_t zero = 0;
	int fd = bpf_obj_get(DIR "/control");

	assert_true(fd >= 0);
	assert_int_equal(bpf_map_lookup_elem(fd, &zero, &control), 0);
	close(fd);
	return control.states;
}

/* As one who is killed when a state has ended, and is not counted yet. */
static void what_was_not_counted_is_put_right(void **state)
{
	struct engine_states states = {0};

	(void)state;
	statemap_clear(&map);
	for (uint32_t i = 0; i < 3; i++)
		put(i);
	assert_int_equal(engine_states(engine, &states, &err), 0);
	engine_states_free(&states);
	assert_int_equal(counted(), 3);
	assert_int_equal(statemap_end(&map, 1, there(1)), 1);
	assert_int_equal(counted(), 3);
	assert_int_equal(engine_states(engine, &states, &err), 0);
	assert_int_equal(states.count, 2);
	engine_states_free(&states);
	assert_int_equal(counted(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_map_is_an_empty_list),
		cmocka_unit_test(the_clock_is_the_kernels),
		cmocka_unit_test(a_full_map_is_read_whole_and_sorted),
		cmocka_unit_test(an_ended_state_is_gone_once),
		cmocka_unit_test(what_took_its_place_lives),
		cmocka_unit_test(what_spilled_is_taken_from_its_home),
		cmocka_unit_test(what_is_counted_is_left_as_expired),
		cmocka_unit_test(what_was_not_counted_is_put_right),
	};

	if (geteuid()) {
		printf("SKIP test_engine_states: needs root\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
