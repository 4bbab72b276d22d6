/* SPDX-License-Identifier: BSD-2-Clause */
/* generation_reuse.c: a slot's pins -> its programs, and its maps, emptied. */
#include "generation_reuse.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embed.h"
#include "engine_error.h"

#define REUSE_SPARE_MIN 64u
/* A map larger than this, and so many times too large, is made anew. */
#define REUSE_LARGE 16384u
#define REUSE_LARGE_BYTES (1u << 22) /* the same of a map of one value */
#define REUSE_FACTOR 8u
#define REUSE_BATCH_BYTES (1u << 18)

/* What no program reads is made for each image. */
static bool reuse_is_fresh(enum pin_generation pin)
{
	return pin == PIN_IMAGE || pin == PIN_ABOUT || pin == PIN_IDENTITY;
}

/* What comes in place of the programs there; generation_code.c sees to it. */
static bool reuse_is_native(enum pin_generation pin)
{
	return pin == PIN_NATIVE_XDP || pin == PIN_NATIVE_TC;
}

uint32_t generation_spare(uint32_t need)
{
	uint32_t spare = REUSE_SPARE_MIN;

	while (spare < need && spare < 1u << 31)
		spare *= 2;
	return spare < need ? need : spare;
}

void generation_objects(enum engine_loop loop, uint8_t out[32])
{
	bool is_helper = loop == ENGINE_LOOP_HELPER;
	const void *bytes;
	SHA2_CTX ctx;
	size_t len;

	SHA256Init(&ctx);
	bytes = is_helper ? embed_datapath_loop(&len) : embed_datapath(&len);
	SHA256Update(&ctx, bytes, len);
	bytes = is_helper ? embed_floor_loop(&len) : embed_floor(&len);
	SHA256Update(&ctx, bytes, len);
	bytes = is_helper ? embed_connect_loop(&len) : embed_connect(&len);
	SHA256Update(&ctx, bytes, len);
	SHA256Final(out, &ctx);
}

uint32_t generation_id(int fd, bool is_prog)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	if (is_prog)
		return pins_prog_id(fd);
	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

/* ---- may it be taken ------------------------------------------------------
 */

static int reuse_about(const struct pins *pins, uint32_t slot,
		       struct generation_about *out)
{
	struct engine_error ignored;
	uint32_t zero = 0;
	int ret, fd = pins_get(pins, pins_slot_dir(slot),
			       &pins_generation[PIN_ABOUT], &ignored);

	if (fd < 0)
		return fd;
	ret = bpf_map_lookup_elem(fd, &zero, out);
	close(fd);
	return ret;
}

static bool reuse_is_ours(const struct generation_about *about,
			  const struct shared *shared,
			  const struct generation_wish *wish)
{
	uint8_t objects[sizeof(about->objects)];

	if (about->abi_version != NFR_ABI_VERSION ||
	    (wish->loop != ENGINE_LOOP_AUTO && about->loop != wish->loop) ||
	    (wish->hole && about->hole != wish->hole) ||
	    about->control != generation_id(shared->fd[PIN_CONTROL], false))
		return false;
	generation_objects(about->loop, objects);
	return !memcmp(objects, about->objects, sizeof(objects));
}

static bool reuse_has_room(int fd, uint32_t need)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	if (!need)
		return true;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return false;
	return info.max_entries >= need &&
	       (info.max_entries <= REUSE_LARGE ||
		info.max_entries / REUSE_FACTOR <= generation_spare(need));
}

/* The one value of a map is of at least so many bytes, and not many more. */
static bool reuse_has_value(int fd, uint32_t need)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       info.value_size >= need &&
	       (info.value_size <= REUSE_LARGE_BYTES ||
		info.value_size / REUSE_FACTOR <= need);
}

static bool reuse_has(enum pin_generation pin, int fd, uint32_t need)
{
	return pin == PIN_HASH || pin == PIN_TABLES ? reuse_has_value(fd, need)
						    : reuse_has_room(fd, need);
}

static bool reuse_open(struct generation *generation, const struct pins *pins,
		       const struct generation_about *about,
		       const struct generation_room *room)
{
	struct engine_error ignored;

	for (unsigned i = 0; i < PIN_GENERATION_COUNT; i++) {
		const struct pin_spec *spec = &pins_generation[i];

		if (reuse_is_fresh(i))
			continue;
		generation->fd[i] = pins_get(
			pins, pins_slot_dir(generation->slot), spec, &ignored);
		if (generation->fd[i] < 0 || !about->ids[i] ||
		    generation_id(generation->fd[i], spec->is_prog) !=
			    about->ids[i] ||
		    !reuse_has((enum pin_generation)i, generation->fd[i],
			       room->need[i]))
			return false;
	}
	return true;
}

static void reuse_close(struct generation *generation)
{
	for (unsigned i = 0; i < PIN_GENERATION_COUNT; i++) {
		if (generation->fd[i] >= 0)
			close(generation->fd[i]);
		generation->fd[i] = -1;
	}
}

/* ---- emptied --------------------------------------------------------------
 */

/*
 * The kernel waits so when a map of maps is changed, for just this purpose
 * (kernel/bpf/syscall.c, maybe_wait_bpf_programs).
 */
int generation_wait(struct engine_error *err)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	uint32_t zero = 0;
	int ret = 0, outer = -1;
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "nfr_wait_inner", 4, 4,
				   1, NULL);

	if (inner >= 0) {
		opts.inner_map_fd = (uint32_t)inner;
		outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "nfr_wait",
				       4, 4, 1, &opts);
	}
	if (outer < 0 || bpf_map_update_elem(outer, &zero, &inner, BPF_ANY))
		ret = error_kernel(err, -errno,
				   "wait for the programs of a policy that was "
				   "replaced");
	if (outer >= 0)
		close(outer);
	if (inner >= 0)
		close(inner);
	return ret;
}

/* All elements zero, on every CPU. */
static int reuse_zero(int fd, const struct bpf_map_info *info)
{
	static const struct bpf_map_batch_opts opts = {.sz = sizeof(opts)};
	size_t len = info->value_size;
	uint32_t batch, *keys;
	void *zero;
	int ret = 0;

	if (info->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		len = ((len + 7) & ~(size_t)7) *
		      (size_t)libbpf_num_possible_cpus();
	batch = len < REUSE_BATCH_BYTES ? (uint32_t)(REUSE_BATCH_BYTES / len)
					: 1;
	if (!info->max_entries)
		return 0;
	if (batch > info->max_entries)
		batch = info->max_entries;
	keys = calloc(batch, sizeof(*keys));
	zero = calloc(batch, len);
	if (!keys || !zero)
		ret = -ENOMEM;
	for (uint32_t first = 0; first < info->max_entries && !ret;) {
		uint32_t count = info->max_entries - first;

		if (count > batch)
			count = batch;
		for (uint32_t i = 0; i < count; i++)
			keys[i] = first + i;
		if (bpf_map_update_batch(fd, keys, zero, &count, &opts))
			ret = -errno;
		first += count;
	}
	free(keys);
	free(zero);
	return ret;
}

/* Nobody adds to it: the programs are at rest, and we have the lock. */
static int reuse_remove_all(int fd, const struct bpf_map_info *info)
{
	char *keys = calloc(2, info->key_size), *key = keys, *next;
	int ret = 0;

	if (!keys)
		return -ENOMEM;
	ret = bpf_map_get_next_key(fd, NULL, key);
	while (!ret) {
		next = key == keys ? keys + info->key_size : keys;
		ret = bpf_map_get_next_key(fd, key, next);
		if (bpf_map_delete_elem(fd, key) && errno != ENOENT) {
			ret = -errno;
			free(keys);
			return ret;
		}
		key = next;
	}
	free(keys);
	return ret == -ENOENT ? 0 : ret;
}

static int reuse_empty(int fd)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	return info.type == BPF_MAP_TYPE_ARRAY ||
			       info.type == BPF_MAP_TYPE_PERCPU_ARRAY
		       ? reuse_zero(fd, &info)
		       : reuse_remove_all(fd, &info);
}

static int reuse_clear(const struct generation *generation,
		       struct shared *shared, struct engine_error *err)
{
	int ret;

	shared->control->generation[generation->slot] = 0;
	ret = generation_wait(err);
	if (ret)
		return ret;
	ret = reuse_empty(generation->fd[PIN_CONFIG]);
	for (unsigned i = 0; i < PIN_GENERATION_COUNT && !ret; i++)
		if (!reuse_is_fresh(i) && !pins_generation[i].is_prog &&
		    i != PIN_CONFIG && !reuse_is_native(i))
			ret = reuse_empty(generation->fd[i]);
	return ret ? error_kernel(err, ret, "empty the maps of slot %u",
				  generation->slot)
		   : 0;
}

int generation_reuse(struct generation *generation, const struct pins *pins,
		     struct shared *shared, const struct generation_room *room,
		     const struct generation_wish *wish,
		     struct engine_error *err)
{
	struct generation_about about = {0};
	int ret;

	if (shared->control->active == generation->slot ||
	    reuse_about(pins, generation->slot, &about) ||
	    !reuse_is_ours(&about, shared, wish))
		return 0;
	if (!reuse_open(generation, pins, &about, room)) {
		reuse_close(generation);
		return 0;
	}
	generation->loop = about.loop;
	generation->hole = about.hole;
	ret = reuse_clear(generation, shared, err);
	return ret ? ret : 1;
}
