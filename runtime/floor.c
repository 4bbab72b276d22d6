/* SPDX-License-Identifier: BSD-2-Clause */
/* floor.c: a generation -> its floor in a slot; the stub that calls it. */
#include "floor.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bpflog.h"
#include "embed.h"
#include "engine_error.h"
#include "netfilter.h"
#include "object.h"
#include "table_map.h"
#include "rodata.h"

static const struct pin_spec floor_slots = {
	.pin = "slots",
	.name = "nfr_slots_floor",
	.type = BPF_MAP_TYPE_PROG_ARRAY,
	.key_size = 4,
	.value_size = 4,
	.max_entries = 2,
};

/* The programs of the two modes: what each object calls them. */
struct floor_programs {
	struct pin_spec stub;
	const char *prog;
	enum engine_floor mode;
};

static const struct floor_programs floor_programs[] = {
	{
		.stub = {.pin = "stub",
			 .name = "nfr_stub_floor",
			 .is_prog = true,
			 .type = NETFILTER_PROG_TYPE},
		.prog = "nfr_floor",
		.mode = ENGINE_FLOOR_NETFILTER,
	},
	{
		.stub = {.pin = "stub",
			 .name = "nfr_stub_cgroup",
			 .is_prog = true,
			 .type = BPF_PROG_TYPE_CGROUP_SKB},
		.prog = "nfr_floor_cgroup",
		.mode = ENGINE_FLOOR_CGROUP,
	},
};
#define FLOOR_MODES (sizeof(floor_programs) / sizeof(floor_programs[0]))

static const struct floor_programs *floor_of(enum engine_floor mode)
{
	return &floor_programs[mode == ENGINE_FLOOR_CGROUP];
}

const char *engine_floor_name(enum engine_floor mode)
{
	return mode == ENGINE_FLOOR_NETFILTER ? "netfilter"
	       : mode == ENGINE_FLOOR_CGROUP  ? "cgroup"
					      : "none";
}

/* Pins of two loads, mixed by hand, must not be taken for one. */
static int floor_check(const struct floor *floor, const struct shared *shared,
		       struct engine_error *err)
{
	int ret = object_uses(floor->stub_fd, floor->slots_fd,
			      shared->fd[PIN_CONTROL]);

	if (ret < 0)
		return error_kernel(err, ret, "read the floor's stub");
	if (ret)
		return 0;
	error_set(err, -EPROTO,
		  "%s/" PINS_FLOOR " does not belong to what is pinned "
		  "beside it",
		  floor->pins->dir);
	error_hint(err, "rm -r %s/" PINS_FLOOR ", and apply again",
		   floor->pins->dir);
	return -EPROTO;
}

int floor_open(const struct pins *pins, const struct engine_options *options,
	       const struct shared *shared, struct floor *out,
	       struct engine_error *err)
{
	struct engine_error ignored;

	*out = (struct floor){
		.pins = pins,
		.options = options,
		.stub_fd = -1,
		.slots_fd = -1,
		.prog_fd = -1,
	};
	out->slots_fd = pins_get(pins, PINS_FLOOR, &floor_slots, err);
	if (out->slots_fd == -ENOENT)
		return 0;
	if (out->slots_fd < 0)
		return out->slots_fd;
	for (unsigned i = 0; i < FLOOR_MODES && out->stub_fd < 0; i++) {
		out->stub_fd =
			pins_get(pins, PINS_FLOOR, &floor_programs[i].stub,
				 i ? &ignored : err);
		if (out->stub_fd >= 0)
			out->mode = floor_programs[i].mode;
	}
	/* Pinned before the slots are: a killed load's, which can be replaced.
	 */
	if (out->stub_fd < 0)
		return out->stub_fd == -ENOENT ? 0 : out->stub_fd;
	return shared ? floor_check(out, shared, err) : 0;
}

void floor_close(struct floor *floor)
{
	bpf_object__close(floor->object);
	if (!floor->object && floor->prog_fd >= 0)
		close(floor->prog_fd);
	floor->object = NULL;
	floor->prog_fd = -1;
	if (floor->stub_fd >= 0)
		close(floor->stub_fd);
	if (floor->slots_fd >= 0)
		close(floor->slots_fd);
	floor->stub_fd = floor->slots_fd = -1;
}

/* ---- loading ---------------------------------------------------------------
 */

/* Of an object's programs, the one that is called name; typed by hand, as
 * libbpf may not know its section. */
static int floor_select(struct bpf_object *object, const char *name,
			enum engine_floor mode)
{
	struct bpf_program *prog;
	int ret = -ENOENT;

	bpf_object__for_each_program(prog, object)
	{
		bool is_it = !strcmp(bpf_program__name(prog), name);

		bpf_program__set_autoload(prog, is_it);
		if (!is_it)
			continue;
		ret = 0;
		if (mode != ENGINE_FLOOR_NETFILTER)
			continue;
		ret = bpf_program__set_type(
			prog, (enum bpf_prog_type)NETFILTER_PROG_TYPE);
		if (!ret)
			ret = bpf_program__set_expected_attach_type(
				prog,
				(enum bpf_attach_type)NETFILTER_ATTACH_TYPE);
	}
	return ret;
}

static int floor_load_object(struct floor *floor, const struct shared *shared,
			     const struct generation *generation,
			     enum engine_floor mode, struct engine_error *err)
{
	size_t len;
	const void *bytes = generation->loop == ENGINE_LOOP_HELPER
				    ? embed_floor_loop(&len)
				    : embed_floor(&len);
	const char *name = floor_of(mode)->prog;
	struct bpf_object *object;
	int ret;

	bpflog_begin(floor->options);
	object = bpf_object__open_mem(bytes, len, NULL);
	ret = object ? floor_select(object, name, mode) : -errno;
	if (!ret)
		ret = object_share(object, pins_shared, PIN_SHARED_COUNT,
				   shared->fd);
	if (!ret)
		ret = object_share(object, pins_generation,
				   PIN_GENERATION_COUNT, generation->fd);
	if (!ret)
		ret = table_map_share(object, generation->fd[PIN_TABLES]);
	if (!ret)
		ret = rodata_set(object, ".rodata.seed", shared->control->seed,
				 sizeof(shared->control->seed));
	if (!ret)
		ret = bpf_object__load(object);
	bpflog_end(ret ? err : NULL);
	if (ret) {
		bpf_object__close(object);
		return error_kernel(err, ret, "load the floor (%s)",
				    engine_floor_name(mode));
	}
	floor->object = object;
	floor->prog_fd =
		bpf_program__fd(bpf_object__find_program_by_name(object, name));
	return 0;
}

/* The slot's own, where it was loaded for the maps of this generation. */
static bool floor_reuse(struct floor *floor,
			const struct generation *generation)
{
	if (!generation_is_reused(generation))
		return false;
	floor->prog_fd = object_in_slot(floor->slots_fd, generation->slot,
					generation->fd[PIN_CONFIG],
					generation->fd[PIN_CODE]);
	return floor->prog_fd >= 0;
}

/* Takes over the fds that the object owns. */
static int floor_load_stub(struct floor *floor, const struct shared *shared,
			   enum engine_floor mode, struct engine_error *err)
{
	const char *name = floor_of(mode)->stub.name;
	size_t len;
	const void *bytes = embed_floor_stub(&len);
	struct bpf_object *object;
	int ret;

	bpflog_begin(floor->options);
	object = bpf_object__open_mem(bytes, len, NULL);
	ret = object ? floor_select(object, name, mode) : -errno;
	if (!ret)
		ret = object_share(object, pins_shared, PIN_SHARED_COUNT,
				   shared->fd);
	if (!ret)
		ret = bpf_object__load(object);
	bpflog_end(ret ? err : NULL);
	if (!ret) {
		floor->stub_fd =
			fcntl(bpf_program__fd(bpf_object__find_program_by_name(
				      object, name)),
			      F_DUPFD_CLOEXEC, 3);
		floor->slots_fd = fcntl(bpf_object__find_map_fd_by_name(
						object, floor_slots.name),
					F_DUPFD_CLOEXEC, 3);
		if (floor->stub_fd < 0 || floor->slots_fd < 0)
			ret = -errno;
	}
	bpf_object__close(object);
	return ret ? error_kernel(err, ret, "load the floor's stub (%s)",
				  engine_floor_name(mode))
		   : 0;
}

static int floor_pin(struct floor *floor, struct engine_error *err)
{
	int ret = pins_mkdir(floor->pins, PINS_FLOOR, err);

	if (!ret)
		ret = pins_remove(floor->pins, PINS_FLOOR,
				  &floor_of(floor->mode)->stub, err);
	if (!ret)
		ret = pins_put(floor->pins, PINS_FLOOR, "stub", floor->stub_fd,
			       err);
	if (!ret)
		ret = pins_put(floor->pins, PINS_FLOOR, floor_slots.pin,
			       floor->slots_fd, err);
	return ret;
}

/* A feature that the kernel lacks, rather than a failure of its own. */
static bool floor_is_missing(int ret)
{
	return ret != -EPERM && ret != -ENOMEM && ret != -EEXIST;
}

static int floor_make(struct floor *floor, const struct shared *shared,
		      const struct generation *generation,
		      enum engine_floor mode, struct engine_error *err)
{
	int ret = floor_load_object(floor, shared, generation, mode, err);

	if (!ret)
		ret = floor_load_stub(floor, shared, mode, err);
	floor->mode = mode;
	if (!ret)
		ret = floor_pin(floor, err);
	if (!ret) {
		floor->is_new = true;
		return 0;
	}
	floor_close(floor);
	floor->mode = ENGINE_FLOOR_NONE;
	return ret;
}

int floor_load(struct floor *floor, const struct shared *shared,
	       const struct generation *generation, struct engine_error *err)
{
	int ret = -EOPNOTSUPP;

	if (floor->mode != ENGINE_FLOOR_NONE)
		return floor_reuse(floor, generation)
			       ? 0
			       : floor_load_object(floor, shared, generation,
						   floor->mode, err);
	if (floor->slots_fd >= 0)
		close(floor->slots_fd);
	floor->slots_fd = -1;
	for (unsigned i = 0; i < FLOOR_MODES; i++) {
		struct engine_error why = {0};

		if (floor->options->no_netfilter && i == 0) {
			snprintf(floor->why, sizeof(floor->why),
				 "netfilter links were not asked for");
			continue;
		}
		ret = floor_make(floor, shared, generation,
				 floor_programs[i].mode, &why);
		if (!ret)
			return 0;
		if (!floor_is_missing(ret)) {
			*err = why;
			return ret;
		}
		snprintf(floor->why, sizeof(floor->why), "%.*s",
			 (int)sizeof(floor->why) - 1, why.text);
	}
	return 0;
}

int floor_place(const struct floor *floor, uint32_t slot,
		struct engine_error *err)
{
	uint32_t id = 0;

	if (floor->mode == ENGINE_FLOOR_NONE ||
	    (!bpf_map_lookup_elem(floor->slots_fd, &slot, &id) &&
	     id == pins_prog_id(floor->prog_fd)))
		return 0;
	if (bpf_map_update_elem(floor->slots_fd, &slot, &floor->prog_fd,
				BPF_ANY))
		return error_kernel(err, -errno, "fill slot %u of %s", slot,
				    floor_slots.name);
	return 0;
}

void floor_clear(const struct floor *floor, uint32_t slot)
{
	if (floor->slots_fd >= 0)
		bpf_map_delete_elem(floor->slots_fd, &slot);
}
