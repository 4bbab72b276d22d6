/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_states.c: the map of flow states -> a list; entries out. */
#include "engine_states.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine_error.h"
#include "engine_read.h"

#define RECOUNTS 3

/* Not in sync with CLOCK_MONOTONIC, so the kernel has to be asked. */
int engine_jiffies(uint64_t *out)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_X,
		 .dst_reg = BPF_REG_6,
		 .src_reg = BPF_REG_1},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64},
		{.code = BPF_STX | BPF_MEM | BPF_DW,
		 .dst_reg = BPF_REG_6,
		 .src_reg = BPF_REG_0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, load, .prog_flags = BPF_F_SLEEPABLE);
	LIBBPF_OPTS(bpf_test_run_opts, run);
	uint64_t now = 0;
	int ret = 0, fd;

	fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "nfr_jiffies", "Dual BSD/GPL",
			   insns, sizeof(insns) / sizeof(*insns), &load);
	if (fd < 0)
		return fd;
	run.ctx_in = &now;
	run.ctx_size_in = sizeof(now);
	if (bpf_prog_test_run_opts(fd, &run))
		ret = -errno;
	close(fd);
	if (!ret)
		*out = now;
	return ret;
}

void engine_states_free(struct engine_states *states)
{
	free(states->items);
	*states = (struct engine_states){.items = NULL};
}

/* ---- reading ----------------------------------------------------------- */

static int states_open(struct engine *engine, struct engine_error *err)
{
	struct shared *shared = engine->shared;
	int ret = engine_still_there(engine, err);

	if (ret || shared->states.buckets)
		return ret;
	ret = statemap_open(shared->fd[PIN_STATES], &shared->states);
	return ret ? error_kernel(err, ret, "map nfr_states") : 0;
}

/*
 * The count of states is wrong by one where somebody was killed between ending
 * one and counting it. It is put right when it stays, and is found to be wrong
 * by as much, several times: a flow that comes or goes is counted soon.
 */
static void states_recount(const struct shared *shared)
{
	__u32 *count = &shared->control->states;
	__u32 said = __atomic_load_n(count, __ATOMIC_SEQ_CST);
	__u32 there = statemap_count(&shared->states);

	for (unsigned i = 0; i < RECOUNTS; i++)
		if (there == said ||
		    __atomic_load_n(count, __ATOMIC_SEQ_CST) != said ||
		    statemap_count(&shared->states) != there)
			return;
	__atomic_compare_exchange_n(count, &said, there, 0, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
}

static int states_add(struct engine_states *states, size_t *capacity,
		      __u32 place, const struct nfr_flow *flow)
{
	struct engine_state *to;

	if (states->count == *capacity) {
		size_t more = 2 * *capacity + 64;
		struct engine_state *grown =
			reallocarray(states->items, more, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		states->items = grown;
		*capacity = more;
	}
	to = &states->items[states->count++];
	*to = (struct engine_state){
		.name = flow->name, .place = place, .state = flow->state};
	return 0;
}

static int states_read(const struct statemap *map, struct engine_states *states)
{
	size_t capacity = 0;
	int ret = 0;

	for (__u32 place = statemap_next(map, 0); place < NFR_PLACES && !ret;
	     place = statemap_next(map, place + 1)) {
		struct nfr_flow flow;

		if (statemap_read(map, place, &flow))
			ret = states_add(states, &capacity, place, &flow);
	}
	return ret;
}

static int compare_age(const void *left, const void *right)
{
	const struct engine_state *a = left, *b = right;

	if (a->state.created != b->state.created)
		return (int64_t)(a->state.created - b->state.created) < 0 ? -1
									  : 1;
	return memcmp(&a->name, &b->name, sizeof(a->name));
}

static int states_limit(struct engine *engine, uint32_t *limit, uint32_t *hz,
			struct engine_error *err)
{
	uint32_t generation = 0, zero = 0;
	struct nfr_config config = {.hz = 100};
	int config_fd;

	*limit = NFR_STATES_MAX;
	config_fd = engine_slot_map(engine, &generation, PIN_CONFIG, err);
	if (config_fd < 0 && config_fd != -ENOENT)
		return config_fd;
	if (config_fd >= 0) {
		bpf_map_lookup_elem(config_fd, &zero, &config);
		close(config_fd);
	}
	if (config.state_limit && config.state_limit < *limit)
		*limit = config.state_limit;
	*hz = config.hz;
	return 0;
}

int engine_states(struct engine *engine, struct engine_states *out,
		  struct engine_error *err)
{
	struct engine_states states = {.items = NULL};
	int ret = states_open(engine, err);

	if (!ret)
		ret = states_limit(engine, &states.limit, &states.hz, err);
	if (ret)
		return ret;
	states_recount(engine->shared);
	ret = states_read(&engine->shared->states, &states);
	if (!ret)
		ret = engine_jiffies(&states.now);
	if (ret) {
		engine_states_free(&states);
		return error_kernel(err, ret, "read nfr_states");
	}
	if (states.count)
		qsort(states.items, states.count, sizeof(*states.items),
		      compare_age);
	*out = states;
	return 0;
}

/* ---- ending ------------------------------------------------------------ */

int engine_state_end(struct engine *engine, const struct engine_state *which,
		     struct engine_error *err)
{
	const struct nfr_state *state = &which->state;
	struct nfr_flow flow = {.name = which->name, .state = *state};
	int ret = states_open(engine, err);

	if (ret || which->place >= NFR_PLACES)
		return ret;
	if (state->counted ||
	    state->flags & (NFR_STATE_IS_TRANSLATED | NFR_STATE_HAS_HOP))
		return statemap_expire(&engine->shared->states, which->place,
				       &flow);
	ret = statemap_end(&engine->shared->states, which->place, &flow);
	if (ret)
		__atomic_fetch_sub(&engine->shared->control->states, 1,
				   __ATOMIC_SEQ_CST);
	return ret;
}
