/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * race.c: packets of two CPUs at once -> a map of states, and what does not
 * hold of it.
 *
 * A flow is a number: a host 10.x.y.z outside, which asks port 53 of a host
 * here. The policy passes what comes in; what goes out passes only by a state.
 */
#include "race.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/pkt_cls.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "agree.h"
#include "fixture.h"
#include "kernel.h"
#include "random.h"
#include "runtime/statemap.h"

#define DEVICE 1
#define WORKERS 2
#define LIMIT 1500	/* states */
#define FLOWS 8192	/* more, so that the table is often full */
#define TICKS 2		/* that a silent flow lives */
#define SURE_NS 1000000 /* less than that, by any HZ */
#define FRAME_LEN (14 + 20 + 20)
#define SYN 0x02
#define RST 0x04

struct race {
	void *kernel;
	const struct statemap *map;
	struct nfr_control *control;
	int config, in, out;
	uint32_t timeout; /* ticks */
	bool is_shared;
	atomic_bool is_over;
	atomic_uint cut, failed;
	atomic_ullong begun, refused, killed, asked_again;
};

struct worker {
	struct race *race;
	unsigned number;
	pthread_t thread;
	struct random rnd;
};

/* ---- packets ------------------------------------------------------------- */

static bool is_tcp(uint32_t flow)
{
	return flow & 1;
}

static void make_frame(uint8_t *b, uint32_t flow, bool is_out, uint8_t flags)
{
	uint8_t *ip = b + 14, *l4 = ip + 20;
	uint8_t *far = ip + (is_out ? 16 : 12), *near = ip + (is_out ? 12 : 16);

	memset(b, 0, FRAME_LEN);
	b[12] = 0x08;
	ip[0] = 0x45;
	ip[3] = 40;
	ip[9] = is_tcp(flow) ? 6 : 17;
	far[0] = 10;
	far[1] = (uint8_t)(flow >> 16);
	far[2] = (uint8_t)(flow >> 8);
	far[3] = (uint8_t)flow;
	near[0] = 192;
	near[3] = 1;
	l4[is_out ? 2 : 0] = 0x80;
	l4[is_out ? 1 : 3] = 53;
	if (is_tcp(flow)) {
		l4[12] = 0x50;
		l4[13] = flags;
	} else {
		l4[5] = 20;
	}
}

static bool passes(struct race *r, uint32_t flow, bool is_out, uint8_t flags)
{
	uint8_t b[FRAME_LEN];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = b,
		    .data_size_in = sizeof(b), .repeat = 1);

	make_frame(b, flow, is_out, flags);
	if (bpf_prog_test_run_opts(is_out ? r->out : r->in, &opts)) {
		r->failed++;
		return false;
	}
	return opts.retval == (uint32_t)TC_ACT_UNSPEC;
}

/* ---- one object of the kernel, prepared -----------------------------------
 */

static void short_lives(struct race *r, uint32_t limit)
{
	struct nfr_config config;
	uint32_t zero = 0;

	bpf_map_lookup_elem(r->config, &zero, &config);
	config.hz = 1; /* so a second is a tick: of a timeout, and of sweeps */
	config.state_limit = limit;
	for (unsigned i = 0; i < NFR_TIMEOUT_COUNT; i++)
		config.timeouts[i] = r->timeout;
	bpf_map_update_elem(r->config, &zero, &config, BPF_ANY);
}

/* So that the loopback is the device. */
static int bind_device(struct race *r)
{
	uint8_t b[FRAME_LEN];
	struct agree_frame frame = {.bytes = b,
				    .len = sizeof(b),
				    .dir = NFR_DIR_OUT,
				    .ifindex = DEVICE,
				    .link = NFR_LINK_ETHER};
	struct nfr_result result;

	make_frame(b, 0, true, 0);
	return agree_kernel.judge(r->kernel, &frame, &result);
}

static int load_policy(struct race *r)
{
	const struct agree_device device = {"dev", DEVICE, NFR_LINK_ETHER};
	struct policy_rule *rule;
	struct image image;
	struct fixture f;
	int ret;

	fixture_init(&f);
	rule = fixture_rule(&f, true);
	rule->match.dirs = 1u << NFR_DIR_IN;
	rule->keeps_state = true;
	fixture_image(&f, false, &image);
	ret = agree_kernel.load(r->kernel, &image, &device, 1);
	fixture_free(&f);
	return ret ? ret : bind_device(r);
}

static void race_close(struct race *r)
{
	if (r->control)
		munmap(r->control, sizeof(*r->control));
	agree_kernel_forget(r->kernel);
}

static int race_open(struct race *r, void *kernel, unsigned object)
{
	struct bpf_object *o = agree_kernel_object(kernel, object);
	struct bpf_program *in = bpf_object__find_program_by_name(o, "nfr_in");
	struct bpf_program *out =
		bpf_object__find_program_by_name(o, "nfr_out");
	void *control;
	int ret;

	*r = (struct race){.kernel = kernel, .timeout = TICKS};
	if (!in || !out)
		return -ENOENT;
	r->in = bpf_program__fd(in);
	r->out = bpf_program__fd(out);
	r->config = bpf_object__find_map_fd_by_name(o, "nfr_config");
	r->map = agree_kernel_states(kernel, object);
	control = mmap(NULL, sizeof(*r->control), PROT_READ | PROT_WRITE,
		       MAP_SHARED,
		       bpf_object__find_map_fd_by_name(o, "nfr_control"), 0);
	if (control == MAP_FAILED)
		return -errno;
	r->control = control;
	agree_kernel_keep_flows(kernel, true);
	agree_kernel_forget(kernel);
	ret = load_policy(r);
	if (ret)
		race_close(r);
	return ret;
}

/* ---- work ------------------------------------------------------------------
 */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool begins(struct race *r, uint32_t flow)
{
	bool is_passed = passes(r, flow, false, SYN);

	atomic_fetch_add(is_passed ? &r->begun : &r->refused, 1);
	return is_passed;
}

/* As engine_state_end() does. */
static void kill_place(struct race *r, uint32_t place)
{
	struct nfr_flow flow;

	if (place >= NFR_PLACES || !statemap_read(r->map, place, &flow) ||
	    !statemap_end(r->map, place, &flow))
		return;
	__atomic_fetch_sub(&r->control->states, 1, __ATOMIC_SEQ_CST);
	r->killed++;
}

static void work_shared(struct worker *w)
{
	struct race *r = w->race;
	uint32_t flow = random_below(&w->rnd, FLOWS), what;

	what = random_below(&w->rnd, 8);
	if (what == 0) {
		kill_place(r, statemap_next(r->map,
					    random_below(&w->rnd, NFR_PLACES)));
	} else if (what == 1) {
		passes(r, flow | 1, false, RST);
		begins(r, flow | 1);
	} else {
		begins(r, flow);
	}
}

/* The answer to a flow's packet, at once: there has to be a state. */
static void work_own(struct worker *w)
{
	struct race *r = w->race;
	uint32_t flow = random_below(&w->rnd, FLOWS / WORKERS / 2);
	uint64_t start = now_ns();
	bool is_answered;

	flow = (flow * WORKERS + w->number) * 2; /* even: UDP */
	if (!begins(r, flow))
		return;
	is_answered = passes(r, flow, true, 0);
	if (now_ns() - start > SURE_NS)
		return;
	r->asked_again++;
	if (!is_answered)
		r->cut++;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(w->number % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &cpu);
	pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu);
	while (!w->race->is_over)
		if (w->race->is_shared)
			work_shared(w);
		else
			work_own(w);
	return NULL;
}

static int run(struct race *r, uint32_t ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
	struct worker workers[WORKERS];
	unsigned started = 0;
	int ret = 0;

	for (; started < WORKERS && !ret; started++) {
		struct worker *w = &workers[started];

		*w = (struct worker){.race = r,
				     .number = started,
				     .rnd = random_fork(20261121, started)};
		ret = -pthread_create(&w->thread, NULL, work, w);
	}
	if (!ret)
		nanosleep(&time, NULL);
	else
		started--;
	r->is_over = true;
	while (started)
		pthread_join(workers[--started].thread, NULL);
	return ret;
}

/* ---- what has to hold
 * -------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct nfr_state_key));
}

static uint32_t count_twice(struct nfr_state_key *names, uint32_t count)
{
	uint32_t twice = 0;

	if (count)
		qsort(names, count, sizeof(*names), compare_names);
	for (uint32_t i = 1; i < count; i++)
		twice += compare_names(&names[i - 1], &names[i]) == 0;
	return twice;
}

static uint32_t count_misspilled(const struct statemap *map)
{
	uint32_t wrong = 0, *spilled = calloc(NFR_BUCKETS, sizeof(*spilled));

	if (!spilled)
		return UINT32_MAX;
	for (uint32_t place = 0; place < NFR_PLACES; place++) {
		struct nfr_flow flow;

		if (statemap_read(map, place, &flow) &&
		    flow.home != place / NFR_WAYS && flow.home < NFR_BUCKETS)
			spilled[flow.home]++;
	}
	for (uint32_t i = 0; i < NFR_BUCKETS; i++)
		wrong += spilled[i] != map->buckets[i].spilled;
	free(spilled);
	return wrong;
}

/* Its next packet is counted where it is. */
static bool is_reachable(struct race *r, uint32_t place)
{
	struct nfr_bucket *bucket = &r->map->buckets[place / NFR_WAYS];
	struct nfr_flow *flow = &bucket->flow[place % NFR_WAYS];
	uint64_t before = flow->state.packets[NFR_DIR_IN];

	flow->state.timeout = UINT32_MAX;
	if (flow->state.phase >= NFR_STATE_FINWAIT)
		return true; /* a SYN begins another one */
	passes(r, flow->name.far_addr[0] & 0xffffff, false, SYN);
	return flow->state.packets[NFR_DIR_IN] == before + 1;
}

static int look(struct race *r, struct race_faults *faults)
{
	struct nfr_state_key *names = calloc(NFR_PLACES, sizeof(*names));
	uint32_t count = 0;

	if (!names)
		return -ENOMEM;
	*faults = (struct race_faults){.cut = r->cut, .failed = r->failed};
	for (uint32_t place = 0; place < NFR_PLACES; place++) {
		struct nfr_bucket *bucket = &r->map->buckets[place / NFR_WAYS];
		struct nfr_flow flow;

		faults->half += bucket->tag[place % NFR_WAYS] & 1;
		if (statemap_read(r->map, place, &flow))
			names[count++] = flow.name;
	}
	faults->miscounted = (uint32_t)abs((int)(r->control->states - count));
	faults->twice = count_twice(names, count);
	faults->misspilled = count_misspilled(r->map);
	for (uint32_t place = statemap_next(r->map, 0); place < NFR_PLACES;
	     place = statemap_next(r->map, place + 1))
		faults->unreachable += !is_reachable(r, place);
	free(names);
	return 0;
}

static void end_all(struct race *r, struct race_faults *faults)
{
	static const struct nfr_bucket none;

	for (uint32_t place = statemap_next(r->map, 0); place < NFR_PLACES;
	     place = statemap_next(r->map, place + 1))
		kill_place(r, place);
	faults->left = r->control->states != 0;
	for (uint32_t i = 0; i < NFR_BUCKETS; i++)
		faults->left += memcmp(&r->map->buckets[i], &none,
				       offsetof(struct nfr_bucket, flow)) != 0;
}

static void fill(struct race *r, struct race_faults *faults)
{
	uint32_t found = 0, flow = 0;

	r->timeout = 1u << 20;
	short_lives(r, 0);
	for (; flow < NFR_STATES_MAX; flow++)
		found += begins(r, flow);
	faults->lost = NFR_STATES_MAX - found;
	for (; flow < NFR_STATES_MAX + 100; flow++)
		found += begins(r, flow);
	faults->beyond = found + faults->lost - NFR_STATES_MAX;
}

static int race(void *kernel, unsigned object, bool is_shared, uint32_t ms,
		struct race_faults *faults, struct race_work *work)
{
	struct race r;
	int ret = race_open(&r, kernel, object);

	if (ret)
		return ret;
	r.is_shared = is_shared;
	short_lives(&r, LIMIT);
	ret = run(&r, ms);
	if (!ret)
		ret = look(&r, faults);
	if (!ret)
		end_all(&r, faults);
	if (!ret && is_shared)
		fill(&r, faults);
	*work = (struct race_work){.begun = r.begun,
				   .refused = r.refused,
				   .killed = r.killed,
				   .asked_again = r.asked_again};
	race_close(&r);
	return ret;
}

int race_shared(void *kernel, unsigned object, uint32_t ms,
		struct race_faults *faults, struct race_work *work)
{
	return race(kernel, object, true, ms, faults, work);
}

int race_own(void *kernel, unsigned object, uint32_t ms,
	     struct race_faults *faults, struct race_work *work)
{
	return race(kernel, object, false, ms, faults, work);
}
