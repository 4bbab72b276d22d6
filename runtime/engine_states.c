/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_states.c: the map of flow states -> a list, by batches; entries out.
 */
#include "engine_states.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine_error.h"
#include "engine_read.h"

#define STATES_BATCH 4096u /* at first; a chain of the map must fit */

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

struct reader {
	int fd;
	struct engine_states *out;
	size_t capacity;
	uint32_t batch;
	struct nfr_state_key *keys;
	struct nfr_state *values;
};

static int reader_grow(struct reader *r, uint32_t batch)
{
	free(r->keys);
	free(r->values);
	r->batch = batch;
	r->keys = calloc(batch, sizeof(*r->keys));
	r->values = calloc(batch, sizeof(*r->values));
	return r->keys && r->values ? 0 : -ENOMEM;
}

static int reader_take(struct reader *r, uint32_t count)
{
	struct engine_states *out = r->out;

	if (out->count + count > r->capacity) {
		size_t capacity = 2 * r->capacity + count;
		struct engine_state *grown =
			reallocarray(out->items, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		out->items = grown;
		r->capacity = capacity;
	}
	for (uint32_t i = 0; i < count; i++) {
		out->items[out->count].name = r->keys[i];
		out->items[out->count++].state = r->values[i];
	}
	return 0;
}

/* The kernel copies whole chains, so each entry comes once. */
static int reader_run(struct reader *r)
{
	uint32_t place[2] = {0, 0}, count;
	bool is_first = true, is_last = false;
	int ret = reader_grow(r, STATES_BATCH);

	while (!ret && !is_last) {
		count = r->batch;
		ret = bpf_map_lookup_batch(r->fd, is_first ? NULL : &place[0],
					   &place[1], r->keys, r->values,
					   &count, NULL)
			      ? -errno
			      : 0;
		if (ret == -ENOSPC) { /* a chain longer than the batch */
			ret = reader_grow(r, 2 * r->batch);
			continue;
		}
		is_last = ret == -ENOENT;
		if (ret && !is_last)
			break;
		ret = reader_take(r, count);
		place[0] = place[1];
		is_first = false;
	}
	free(r->keys);
	free(r->values);
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

static int states_limit(struct engine *engine, int fd, uint32_t *limit,
			uint32_t *hz, struct engine_error *err)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info), generation = 0, zero = 0;
	struct nfr_config config = {.hz = 100};
	int config_fd;

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return error_kernel(err, -errno, "read nfr_states");
	*limit = info.max_entries;
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
	struct reader reader = {.fd = engine->shared->fd[PIN_STATES],
				.out = &states};
	int ret = engine_still_there(engine, err);

	if (!ret)
		ret = states_limit(engine, reader.fd, &states.limit, &states.hz,
				   err);
	if (ret)
		return ret;
	ret = reader_run(&reader);
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
	int fd = engine->shared->fd[PIN_STATES], failed;
	struct nfr_state state;
	int ret = engine_still_there(engine, err);

	if (ret)
		return ret;
	if (bpf_map_lookup_elem(fd, &which->name, &state)) {
		if (errno == ENOENT)
			return 0;
		return error_kernel(err, -errno, "read a state");
	}
	if (state.created != which->state.created)
		return 0;
	if (state.counted ||
	    state.flags & (NFR_STATE_IS_TRANSLATED | NFR_STATE_HAS_HOP)) {
		state.last_seen = 0;
		state.timeout = 0;
		failed = bpf_map_update_elem(fd, &which->name, &state,
					     BPF_EXIST);
	} else {
		failed = bpf_map_delete_elem(fd, &which->name);
	}
	if (failed && errno == ENOENT)
		return 0;
	return failed ? error_kernel(err, -errno, "end a state") : 1;
}
