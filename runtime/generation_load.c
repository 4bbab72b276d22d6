/* SPDX-License-Identifier: BSD-2-Clause */
/* generation_load.c: an image -> programs verified, maps filled and frozen. */
#include "generation.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpflog.h"
#include "cgroup_tree.h"
#include "config.h"
#include "embed.h"
#include "engine_error.h"
#include "generation_code.h"
#include "generation_reuse.h"
#include "hash_map.h"
#include "hole_fill.h"
#include "poolset.h"
#include "rebind.h"
#include "rodata.h"
#include "table_build.h"
#include "table_map.h"

#define GENERATION_BATCH 8192u
#define GENERATION_IFACES_MIN 1024u
#define GENERATION_TUNNELS_MIN 64u
#define GENERATION_SPARE                                                       \
	256u /* devices that may appear while it is in force                   \
	      */

/* What is made of an image before its maps are. */
struct made {
	struct poolset *pools;
	__u8 *tables;
	size_t tables_len;
};

/* Entries that a map of the generation needs for this image; 0: as it is. */
static uint32_t generation_need(enum pin_generation pin,
				const struct image *image,
				const struct made *made)
{
	switch (pin) {
	case PIN_POOLS:
		return made->pools->pool_count
			       ? (uint32_t)made->pools->pool_count
			       : 1;
	case PIN_POOL_ADDRS:
		return made->pools->addr_count
			       ? (uint32_t)made->pools->addr_count
			       : 1;
	case PIN_HASH: /* bytes of its value */
		return (uint32_t)hash_map_len(image->hash_len);
	case PIN_TABLES: /* the same */
		return (uint32_t)made->tables_len;
	case PIN_CODE:
		return image->insn_count ? image->insn_count : 1;
	case PIN_ACTIONS:
		return image->action_count ? image->action_count : 1;
	case PIN_RULES:
	case PIN_RULE_COUNTS:
		return image->rule_count ? image->rule_count : 1;
	case PIN_ADDED:
		return image->config->flags & NFR_CONFIG_OVERLOADS
			       ? NFR_ADDED_MAX
			       : 1;
	case PIN_RULE_TABLES:
		return image_slots(image) > 1 ? image->rule_count : 1;
	case PIN_TABLE_COUNTS:
		return 4 * image_slots(image);
	case PIN_CGROUPS:
		return (uint32_t)cgroup_tree_steps(image);
	case PIN_TUNNELS:
		return image->iface_count > GENERATION_TUNNELS_MIN
			       ? image->iface_count
			       : GENERATION_TUNNELS_MIN;
	case PIN_IFACES:
	case PIN_EDGES:
		return image->iface_count + GENERATION_SPARE >
				       GENERATION_IFACES_MIN
			       ? image->iface_count + GENERATION_SPARE
			       : GENERATION_IFACES_MIN;
	default:
		return 0;
	}
}

static int generation_size_maps(struct bpf_object *object,
				const struct shared *shared,
				const struct generation_room *room)
{
	int ret = 0;

	for (unsigned i = 0; i < PIN_SHARED_COUNT && !ret; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(
			object, pins_shared[i].name);

		if (map && !pins_shared[i].is_prog)
			ret = bpf_map__reuse_fd(map, shared->fd[i]);
	}
	for (unsigned i = 0; i < PIN_GENERATION_COUNT && !ret; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(
			object, pins_generation[i].name);

		if (map && room->need[i] && i != PIN_HASH && i != PIN_TABLES)
			ret = bpf_map__set_max_entries(
				map, generation_spare(room->need[i]));
	}
	if (!ret)
		ret = rodata_set(object, ".rodata.seed", shared->control->seed,
				 sizeof(shared->control->seed));
	if (!ret)
		ret = hash_map_size(object, room->need[PIN_HASH]);
	return ret ? ret : table_map_size(object, room->need[PIN_TABLES]);
}

/* Has the object's fds as its own; -EPROTO when one is missing. */
static int generation_take(struct generation *generation,
			   struct engine_error *err)
{
	for (unsigned i = 0; i < PIN_GENERATION_COUNT; i++) {
		const struct pin_spec *spec = &pins_generation[i];
		struct bpf_program *prog;
		int fd;

		if (i == PIN_IMAGE || i == PIN_ABOUT || i == PIN_IDENTITY)
			continue;
		prog = bpf_object__find_program_by_name(generation->object,
							spec->name);
		fd = spec->is_prog ? (prog ? bpf_program__fd(prog) : -1)
				   : bpf_object__find_map_fd_by_name(
					     generation->object, spec->name);
		if (fd < 0)
			return error_set(err, -EPROTO,
					 "the datapath object has no %s",
					 spec->name);
		generation->fd[i] = fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (generation->fd[i] < 0)
			return error_kernel(err, -errno, "keep %s open",
					    spec->name);
	}
	return 0;
}

static int
generation_try(struct generation *generation, const struct shared *shared,
	       const struct generation_room *room, enum engine_loop loop,
	       const struct native_code *inlined,
	       const struct engine_options *options, struct engine_error *err)
{
	size_t len;
	const void *bytes = loop == ENGINE_LOOP_HELPER
				    ? embed_datapath_loop(&len)
				    : embed_datapath(&len);
	int ret;

	bpflog_begin(options);
	ret = hole_open(bytes, len, inlined, &generation->object);
	if (!ret)
		ret = generation_size_maps(generation->object, shared, room);
	if (!ret)
		ret = bpf_object__load(generation->object);
	bpflog_end(ret ? err : NULL);
	if (ret) {
		bpf_object__close(generation->object);
		generation->object = NULL;
	}
	generation->loop = loop;
	generation->hole = inlined ? hole_number(inlined) : 0;
	return ret;
}

static bool generation_has_jit(void)
{
	FILE *file = fopen("/proc/sys/net/core/bpf_jit_enable", "re");
	int value = 1;

	if (file) {
		if (fscanf(file, "%d", &value) != 1)
			value = 1;
		fclose(file);
	}
	return value != 0;
}

static int generation_refused(int code, const struct generation_room *room,
			      enum engine_loop loop, struct engine_error *err)
{
	int ret = error_kernel(err, code, "load the datapath (VM by %s)",
			       engine_loop_name(loop));

	if (code == -EPERM || code == -ENOMEM)
		return ret;
	if (code == -E2BIG)
		error_hint(err,
			   "the policy's maps, of which tables take %u bytes, "
			   "or the datapath, are more than this kernel takes",
			   room->need[PIN_TABLES]);
	else if (!generation_has_jit())
		error_hint(err, "the BPF JIT is off: sysctl "
				"net.core.bpf_jit_enable=1");
	else if (access("/sys/kernel/btf/vmlinux", R_OK))
		error_hint(err, "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF)"
				"; Linux 6.1 or newer is needed");
	else
		error_hint(err, "Linux 6.1 or newer is needed; -v shows what "
				"the verifier said");
	return ret;
}

/* May the kernel take something else? */
static bool generation_is_refusal(int ret)
{
	return ret && ret != -EPERM && ret != -ENOMEM;
}

/* Only a kernel that does not know may_goto is worth the second try. */
static int generation_try_loops(struct generation *generation,
				const struct shared *shared,
				const struct generation_room *room,
				const struct native_code *inlined,
				const struct engine_options *options,
				struct engine_error *err)
{
	enum engine_loop loop = options->loop == ENGINE_LOOP_HELPER
					? ENGINE_LOOP_HELPER
					: ENGINE_LOOP_MAY_GOTO;
	int ret = generation_try(generation, shared, room, loop, inlined,
				 options, err);

	if (generation_is_refusal(ret) && options->loop == ENGINE_LOOP_AUTO)
		ret = generation_try(generation, shared, room,
				     ENGINE_LOOP_HELPER, inlined, options, err);
	return ret;
}

/* The rules inside of it if they are so, and the kernel takes it. */
static int generation_load_object(struct generation *generation,
				  const struct shared *shared,
				  const struct generation_room *room,
				  const struct generation_code *code,
				  const struct engine_options *options,
				  struct engine_error *err)
{
	const struct native_code *inlined = code->hole ? &code->inlined : NULL;
	int ret = generation_try_loops(generation, shared, room, inlined,
				       options, err);

	if (generation_is_refusal(ret) && inlined)
		ret = generation_try_loops(generation, shared, room, NULL,
					   options, err);
	return ret ? generation_refused(ret, room, generation->loop, err) : 0;
}

/* A map of one element that only user space reads. */
static int generation_make_map(const char *name, uint32_t value_size,
			       struct engine_error *err)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, name, sizeof(uint32_t),
				value_size, 1, NULL);

	return fd < 0 ? error_kernel(err, -errno, "make %s", name) : fd;
}

static int generation_fill_array(int fd, const void *items, size_t item_len,
				 uint32_t count, const char *name,
				 struct engine_error *err)
{
	static const struct bpf_map_batch_opts opts = {.sz = sizeof(opts)};
	uint32_t keys[GENERATION_BATCH];

	for (uint32_t first = 0; first < count;) {
		uint32_t len = count - first;

		if (len > GENERATION_BATCH)
			len = GENERATION_BATCH;
		for (uint32_t i = 0; i < len; i++)
			keys[i] = first + i;
		if (bpf_map_update_batch(fd, keys,
					 (const char *)items +
						 (size_t)first * item_len,
					 &len, &opts))
			return error_kernel(err, -errno, "fill %s", name);
		first += len;
	}
	return 0;
}

static int generation_fill_counts(int fd, const struct image *image,
				  struct engine_error *err)
{
	struct nfr_rule_tables *tables;
	int ret = 0;

	if (image_slots(image) == 1)
		return 0;
	tables = calloc((size_t)image->rule_count + 1, sizeof(*tables));
	if (!tables)
		return error_kernel(err, -ENOMEM, "fill nfr_rule_tables");
	image_rule_tables(image, tables);
	for (uint32_t i = 0; i < image->rule_count && !ret; i++)
		if ((tables[i].src || tables[i].dst) &&
		    bpf_map_update_elem(fd, &i, &tables[i], BPF_ANY))
			ret = error_kernel(err, -errno, "fill nfr_rule_tables");
	free(tables);
	return ret;
}

static uint32_t generation_hz(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || !tick.tv_nsec)
		return 100;
	return (uint32_t)(1000000000L / tick.tv_nsec);
}

static int generation_fill_config(const struct generation *generation,
				  const struct image *image,
				  struct engine_error *err)
{
	struct nfr_config config;

	config_of_image(image, generation->number, generation_hz(), &config);
	config.flags |= generation->code_flags;
	config.hole = generation->hole_used;
	return generation_fill_array(generation->fd[PIN_CONFIG], &config,
				     sizeof(config), 1, "nfr_config", err);
}

static int generation_fill_about(struct generation *generation,
				 const struct shared *shared,
				 struct engine_error *err)
{
	struct generation_about about = {
		.loaded_at = (uint64_t)time(NULL),
		.abi_version = NFR_ABI_VERSION,
		.loop = generation->loop,
		.kind = generation->kind,
		.code_insns = generation->code_insns,
		.control = generation_id(shared->fd[PIN_CONTROL], false),
		.hole = generation->hole,
	};

	snprintf(about.version, sizeof(about.version), "%s", NFR_VERSION);
	generation_objects(generation->loop, about.objects);
	for (unsigned i = 0; i < PIN_GENERATION_COUNT; i++)
		if (generation->fd[i] >= 0)
			about.ids[i] = generation_id(
				generation->fd[i], pins_generation[i].is_prog);
	generation->fd[PIN_IDENTITY] = bpf_map_create(
		BPF_MAP_TYPE_HASH, "nfr_identity", sizeof(uint32_t),
		sizeof(struct rebind_identity), GENERATION_TUNNELS_MIN, NULL);
	if (generation->fd[PIN_IDENTITY] < 0)
		return error_kernel(err, -errno, "make nfr_identity");
	generation->fd[PIN_ABOUT] =
		generation_make_map("nfr_about", sizeof(about), err);
	if (generation->fd[PIN_ABOUT] < 0)
		return generation->fd[PIN_ABOUT];
	return generation_fill_array(generation->fd[PIN_ABOUT], &about,
				     sizeof(about), 1, "nfr_about", err);
}

static int generation_fill_image(struct generation *generation,
				 const struct image *image,
				 struct engine_error *err)
{
	generation->fd[PIN_IMAGE] =
		generation_make_map("nfr_image", (uint32_t)image->len, err);
	if (generation->fd[PIN_IMAGE] < 0)
		return generation->fd[PIN_IMAGE];
	return generation_fill_array(generation->fd[PIN_IMAGE], image->bytes,
				     image->len, 1, "nfr_image", err);
}

/* What is of this image only; the rest is filled again some day. */
static int generation_freeze(const struct generation *generation,
			     struct engine_error *err)
{
	static const enum pin_generation frozen[] = {PIN_IMAGE, PIN_ABOUT};

	for (unsigned i = 0; i < sizeof(frozen) / sizeof(frozen[0]); i++) {
		if (bpf_map_freeze(generation->fd[frozen[i]]))
			return error_kernel(err, -errno, "freeze %s",
					    pins_generation[frozen[i]].name);
	}
	return 0;
}

static int generation_fill_pools(const struct generation *generation,
				 const struct poolset *pools,
				 struct engine_error *err)
{
	int ret = generation_fill_array(
		generation->fd[PIN_POOLS], pools->pools, sizeof(*pools->pools),
		(uint32_t)pools->pool_count, "nfr_pools", err);

	return ret ? ret
		   : generation_fill_array(generation->fd[PIN_POOL_ADDRS],
					   pools->addrs, sizeof(*pools->addrs),
					   (uint32_t)pools->addr_count,
					   "nfr_pool_addrs", err);
}

static int generation_fill(struct generation *generation,
			   const struct shared *shared,
			   const struct image *image, const struct made *made,
			   struct engine_error *err)
{
	int ret = generation_fill_array(generation->fd[PIN_CODE], image->code,
					sizeof(*image->code), image->insn_count,
					"nfr_code", err);

	if (!ret)
		ret = generation_fill_array(generation->fd[PIN_RULES],
					    image->rules, sizeof(*image->rules),
					    image->rule_count, "nfr_rules",
					    err);
	if (!ret)
		ret = generation_fill_array(
			generation->fd[PIN_ACTIONS], image->actions,
			sizeof(*image->actions), image->action_count,
			"nfr_actions", err);
	if (!ret)
		ret = generation_fill_pools(generation, made->pools, err);
	if (!ret) {
		ret = table_map_fill(generation->fd[PIN_TABLES], made->tables,
				     made->tables_len);
		if (ret)
			error_kernel(err, ret, "fill nfr_tables");
	}
	if (!ret)
		ret = generation_fill_counts(generation->fd[PIN_RULE_TABLES],
					     image, err);
	if (!ret) {
		ret = hash_map_fill(generation->fd[PIN_HASH], image);
		if (ret)
			error_kernel(err, ret, "fill nfr_hash");
	}
	if (!ret)
		ret = cgroup_tree_fill(generation->fd[PIN_CGROUPS], image, err);
	if (!ret)
		ret = generation_fill_image(generation, image, err);
	if (!ret)
		ret = generation_fill_about(generation, shared, err);
	if (!ret)
		ret = generation_fill_config(generation, image, err);
	return ret ? ret : generation_freeze(generation, err);
}

static uint32_t generation_ifindex(void *arg, const char *name)
{
	(void)arg;
	return if_nametoindex(name);
}

static void generation_draw(uint32_t key[4])
{
	arc4random_buf(key, 4 * sizeof(*key));
}

static void made_free(struct made *made)
{
	poolset_free(&made->pools);
	free(made->tables);
}

static int made_new(const struct image *image, struct made *made,
		    struct engine_error *err)
{
	int ret = poolset_new(image, generation_ifindex, NULL, generation_draw,
			      &made->pools);

	if (ret)
		return error_kernel(err, ret, "gather the addresses of pools");
	ret = table_build(image, TABLE_BYTES_MAX, &made->tables,
			  &made->tables_len);
	if (ret == -E2BIG)
		return error_set(err, ret,
				 "the tables' %u networks take more than %u MB",
				 image->entry_count, TABLE_BYTES_MAX >> 20);
	return ret ? error_kernel(err, ret, "lay out %u networks of tables",
				  image->entry_count)
		   : 0;
}

/* 0 when the slot's own was taken, or another was loaded. */
static int generation_obtain(struct generation *generation,
			     const struct pins *pins, struct shared *shared,
			     const struct generation_room *room,
			     const struct generation_code *code,
			     const struct engine_options *options,
			     struct engine_error *err)
{
	const struct generation_wish wish = {
		.loop = options->loop,
		.hole = options->kind == ENGINE_KIND_INLINE ? code->hole : 0,
	};
	int ret = generation_reuse(generation, pins, shared, room, &wish, err);

	generation->is_reused = ret > 0;
	if (ret)
		return ret < 0 ? ret : 0;
	ret = generation_load_object(generation, shared, room, code, options,
				     err);
	if (!ret)
		ret = generation_take(generation, err);
	bpf_object__close(generation->object);
	generation->object = NULL;
	return ret;
}

/*
 * The same; where that is refused for its size, without room for the image's
 * data form, which is then taken off: bytecode has all its rules too.
 */
static int generation_obtain_some(struct generation *generation,
				  const struct pins *pins,
				  struct shared *shared, struct image *image,
				  struct generation_room *room,
				  struct generation_code *code,
				  const struct engine_options *options,
				  struct engine_error *err)
{
	int ret = generation_obtain(generation, pins, shared, room, code,
				    options, err);

	if ((ret != -E2BIG && ret != -ENOMEM) || !image->hash_len)
		return ret;
	generation_code_drop_hash(code, image, ret);
	image->hash_len = 0;
	room->need[PIN_HASH] = generation_need(PIN_HASH, image, NULL);
	return generation_obtain(generation, pins, shared, room, code, options,
				 err);
}

int generation_load(const struct pins *pins, struct shared *shared,
		    const struct image *image, uint32_t number, uint32_t slot,
		    const struct engine_options *options,
		    struct generation **out, struct engine_error *err)
{
	struct generation_room room;
	struct generation *generation = calloc(1, sizeof(*generation));
	struct image taken = *image; /* what of it the kernel takes */
	struct made made = {.pools = NULL};
	struct generation_code code;
	int ret;

	if (!generation)
		return error_kernel(err, -ENOMEM, "load the datapath");
	for (unsigned i = 0; i < PIN_GENERATION_COUNT; i++)
		generation->fd[i] = -1;
	generation->number = number;
	generation->slot = slot;
	progress_stage(options->progress, "translate");
	ret = generation_code_make(&code, image, options, err);
	if (!ret)
		ret = made_new(image, &made, err);
	for (unsigned i = 0; i < PIN_GENERATION_COUNT && !ret; i++)
		room.need[i] = generation_need(i, image, &made);
	progress_stage(options->progress, "datapath");
	if (!ret)
		ret = generation_obtain_some(generation, pins, shared, &taken,
					     &room, &code, options, err);
	progress_stage(options->progress, "native");
	if (!ret)
		ret = generation_code_place(&code, generation, options, err);
	generation_code_free(&code);
	progress_stage(options->progress, "maps");
	if (!ret)
		ret = generation_fill(generation, shared, &taken, &made, err);
	made_free(&made);
	if (ret)
		generation_free(&generation);
	else
		*out = generation;
	return ret;
}
