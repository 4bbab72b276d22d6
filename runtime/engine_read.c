/* SPDX-License-Identifier: BSD-2-Clause */
/* engine_read.c: pin directory -> images, counters and events, for the tools.
 */
#include "engine_read.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine_error.h"
#include "links.h"

#define ENGINE_NAMES_AGE_S 1 /* names are asked for at most this often */

const char *engine_loop_name(enum engine_loop loop)
{
	static const char *const names[] = {"auto", "may_goto", "bpf_loop"};

	return (unsigned)loop < 3 ? names[loop] : "unknown";
}

const char *engine_mode_name(enum engine_mode mode)
{
	static const char *const names[] = {"none", "xdp-native", "xdp-generic",
					    "tcx", "clsact"};

	return (unsigned)mode < 5 ? names[mode] : "unknown";
}

const char *engine_posture_name(enum engine_posture posture)
{
	static const char *const names[] = {"guarded", "partly", "blocked",
					    "open"};

	return (unsigned)posture < 4 ? names[posture] : "unknown";
}

static uint64_t engine_control_inode(const struct pins *pins)
{
	char path[PATH_MAX];
	struct stat st;

	pins_path(pins, "", pins_shared[PIN_CONTROL].pin, path);
	return stat(path, &st) ? 0 : (uint64_t)st.st_ino;
}

int engine_open(const char *dir, struct engine **out, struct engine_error *err)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	int ret;

	memset(err, 0, sizeof(*err));
	err->nothing_changed = true;
	if (!engine)
		return error_kernel(err, -ENOMEM, "open %s", dir);
	ret = pins_open(dir, false, &engine->pins, err);
	if (!ret) {
		ret = shared_open(engine->pins, &engine->shared, err);
		if (ret == -ENOENT)
			error_set(err, ret, "nothing is loaded in %s",
				  engine->pins->dir);
	}
	if (ret) {
		engine_close(&engine);
		return ret;
	}
	engine->control_inode = engine_control_inode(engine->pins);
	*out = engine;
	return 0;
}

void engine_close(struct engine **engine)
{
	struct engine_loaded *next;

	if (!*engine)
		return;
	for (struct engine_loaded *loaded = (*engine)->loaded; loaded;
	     loaded = next) {
		next = loaded->next;
		free(loaded->bytes);
		free(loaded);
	}
	engine_devices_free(&(*engine)->names);
	shared_close(&(*engine)->shared);
	pins_close(&(*engine)->pins);
	free(*engine);
	*engine = NULL;
}

int engine_still_there(const struct engine *engine, struct engine_error *err)
{
	if (engine->control_inode &&
	    engine_control_inode(engine->pins) == engine->control_inode)
		return 0;
	return error_set(err, -ENOENT, "%s was unloaded meanwhile",
			 engine->pins->dir);
}

int engine_control(struct engine *engine, struct nfr_control *out)
{
	struct engine_error ignored;
	int ret = engine_still_there(engine, &ignored);

	if (!ret)
		memcpy(out, engine->shared->control, sizeof(*out));
	return ret;
}

int engine_set_trace(struct engine *engine, bool on, struct engine_error *err)
{
	int ret = engine_still_there(engine, err);

	if (!ret)
		__atomic_store_n(&engine->shared->control->trace_block,
				 on ? 1u : 0u, __ATOMIC_SEQ_CST);
	return ret;
}

int engine_events_fd(const struct engine *engine)
{
	return engine->shared->fd[PIN_EVENTS];
}

/* The slot that holds a generation (0: the one in force); -ENOENT: none. */
static int engine_slot(const struct engine *engine, uint32_t *generation,
		       struct engine_error *err)
{
	const struct nfr_control *control = engine->shared->control;
	int ret = engine_still_there(engine, err);

	if (ret)
		return ret;
	if (*generation == 0)
		*generation = shared_generation(engine->shared);
	for (int slot = 0; slot < 2; slot++) {
		if (*generation && control->generation[slot] == *generation)
			return slot;
	}
	if (*generation == 0)
		return error_set(err, -ENOENT, "no generation is in force");
	return error_set(err, -ENOENT, "generation %u is no longer loaded",
			 *generation);
}

int engine_slot_map(const struct engine *engine, uint32_t *generation,
		    enum pin_generation pin, struct engine_error *err)
{
	int slot = engine_slot(engine, generation, err);

	if (slot < 0)
		return slot;
	return pins_get(engine->pins, pins_slot_dir((uint32_t)slot),
			&pins_generation[pin], err);
}

/* A load may have filled the slot with another generation while it was read:
 * its config is the first to go. */
int engine_check_slot(const struct engine *engine, uint32_t generation,
		      struct engine_error *err)
{
	struct nfr_config config = {0};
	uint32_t zero = 0;
	int fd = engine_slot_map(engine, &generation, PIN_CONFIG, err);

	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &zero, &config))
		config.generation = 0;
	close(fd);
	if (config.generation == generation)
		return 0;
	return error_set(err, -ENOENT, "generation %u is no longer loaded",
			 generation);
}

/* The one element of an array map, malloc'd. */
static int engine_read_one(int fd, void **bytes, uint32_t *len,
			   struct engine_error *err)
{
	struct bpf_map_info info = {0};
	uint32_t info_len = sizeof(info), zero = 0;

	if (bpf_obj_get_info_by_fd(fd, &info, &info_len))
		return error_kernel(err, -errno, "read nfr_image");
	*len = info.value_size;
	*bytes = malloc((info.value_size + 7) & ~7u);
	if (!*bytes)
		return error_kernel(err, -ENOMEM, "read nfr_image");
	if (!bpf_map_lookup_elem(fd, &zero, *bytes))
		return 0;
	free(*bytes);
	return error_kernel(err, -errno, "read nfr_image");
}

static int engine_load_image(struct engine *engine, uint32_t generation,
			     struct engine_loaded *loaded,
			     struct engine_error *err)
{
	char why[IMAGE_ERROR_MAX];
	struct image_header *header;
	uint32_t len = 0;
	int ret, fd = engine_slot_map(engine, &generation, PIN_IMAGE, err);

	if (fd < 0)
		return fd;
	ret = engine_read_one(fd, &loaded->bytes, &len, err);
	close(fd);
	if (ret)
		return ret;
	loaded->generation = generation;
	header = loaded->bytes;
	if (len < sizeof(*header) || header->len > len)
		ret = error_set(err, -EPROTO, "the pinned image is damaged");
	else if (image_open(loaded->bytes, header->len, &loaded->image, why))
		ret = error_set(err, -EPROTO, "the pinned image: %s", why);
	else
		ret = engine_check_slot(engine, generation, err);
	if (ret) {
		free(loaded->bytes);
		loaded->bytes = NULL;
	}
	return ret;
}

int engine_image(struct engine *engine, uint32_t generation,
		 const struct image **out, struct engine_error *err)
{
	struct engine_loaded *loaded;
	int ret = engine_still_there(engine, err);

	if (ret)
		return ret;
	if (generation == 0)
		generation = shared_generation(engine->shared);
	for (loaded = engine->loaded; loaded; loaded = loaded->next) {
		if (loaded->generation == generation) {
			*out = &loaded->image;
			return 0;
		}
	}
	loaded = calloc(1, sizeof(*loaded));
	if (!loaded)
		return error_kernel(err, -ENOMEM, "read nfr_image");
	ret = engine_load_image(engine, generation, loaded, err);
	if (ret) {
		free(loaded);
		return ret;
	}
	loaded->next = engine->loaded;
	engine->loaded = loaded;
	*out = &loaded->image;
	return 0;
}

/* Sums a per-CPU array of struct nfr_count over CPUs, keys 0 to count - 1. */
static int engine_sum(int fd, struct nfr_count *counts, size_t count,
		      const char *name, struct engine_error *err)
{
	int cpus = libbpf_num_possible_cpus();
	struct nfr_count *values;
	int ret = 0;

	if (cpus < 0)
		return error_kernel(err, cpus, "count the CPUs");
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return error_kernel(err, -ENOMEM, "read %s", name);
	for (uint32_t key = 0; key < count && !ret; key++) {
		counts[key] = (struct nfr_count){0};
		if (bpf_map_lookup_elem(fd, &key, values))
			ret = error_kernel(err, -errno, "read %s", name);
		for (int cpu = 0; cpu < cpus && !ret; cpu++) {
			counts[key].packets += values[cpu].packets;
			counts[key].bytes += values[cpu].bytes;
		}
	}
	free(values);
	return ret;
}

int engine_rule_counts(struct engine *engine, uint32_t generation,
		       struct nfr_count *counts, size_t count,
		       struct engine_error *err)
{
	int ret,
		fd = engine_slot_map(engine, &generation, PIN_RULE_COUNTS, err);

	if (fd < 0)
		return fd;
	ret = engine_sum(fd, counts, count, "nfr_rule_counts", err);
	if (!ret)
		ret = engine_check_slot(engine, generation, err);
	close(fd);
	return ret;
}

int engine_table_counts(struct engine *engine, uint32_t generation,
			struct nfr_count *counts, size_t count,
			struct engine_error *err)
{
	int ret, fd = engine_slot_map(engine, &generation, PIN_TABLE_COUNTS,
				      err);

	if (fd < 0)
		return fd;
	ret = engine_sum(fd, counts, count, "nfr_table_cnts", err);
	if (!ret)
		ret = engine_check_slot(engine, generation, err);
	close(fd);
	return ret;
}

int engine_table_zero(struct engine *engine, uint32_t generation, uint32_t slot,
		      struct engine_error *err)
{
	int cpus = libbpf_num_possible_cpus();
	struct nfr_count *zero;
	int ret, fd;

	if (cpus < 0)
		return error_kernel(err, cpus, "count the CPUs");
	fd = engine_slot_map(engine, &generation, PIN_TABLE_COUNTS, err);
	if (fd < 0)
		return fd;
	zero = calloc((size_t)cpus, sizeof(*zero));
	ret = zero ? engine_check_slot(engine, generation, err)
		   : error_kernel(err, -ENOMEM, "clear nfr_table_cnts");
	for (uint32_t i = 4 * slot; i < 4 * slot + 4 && !ret; i++)
		if (bpf_map_update_elem(fd, &i, zero, BPF_ANY))
			ret = error_kernel(err, -errno, "clear nfr_table_cnts");
	free(zero);
	close(fd);
	return ret;
}

int engine_reasons(struct engine *engine,
		   struct nfr_count counts[][NFR_REASON_COUNT],
		   struct engine_error *err)
{
	int ret = engine_still_there(engine, err);

	if (ret)
		return ret;
	return engine_sum(engine->shared->fd[PIN_REASONS], &counts[0][0],
			  2 * NFR_REASON_COUNT, "nfr_reasons", err);
}

static const struct engine_device *engine_find(const struct engine *engine,
					       uint32_t ifindex)
{
	return links_find(&engine->names, ifindex);
}

static bool engine_names_are_old(const struct engine *engine)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return !engine->names_asked_s ||
	       now.tv_sec - engine->names_asked_s > ENGINE_NAMES_AGE_S;
}

/* Devices that have gone keep the name they had. */
static void engine_ask_names(struct engine *engine)
{
	struct engine_devices now = {0};
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	engine->names_asked_s = time.tv_sec ? time.tv_sec : 1;
	if (links_list(&now))
		return;
	for (size_t i = 0; i < engine->names.count; i++) {
		struct engine_device *grown;

		if (links_find(&now, engine->names.items[i].ifindex))
			continue;
		grown = reallocarray(now.items, now.count + 1, sizeof(*grown));
		if (!grown)
			break;
		now.items = grown;
		now.items[now.count++] = engine->names.items[i];
	}
	engine_devices_free(&engine->names);
	engine->names = now;
}

const char *engine_ifname(struct engine *engine, uint32_t ifindex)
{
	const struct engine_device *device;

	if (engine_names_are_old(engine))
		engine_ask_names(engine);
	device = engine_find(engine, ifindex);
	if (device)
		return device->name;
	snprintf(engine->no_name, sizeof(engine->no_name), "if%u", ifindex);
	return engine->no_name;
}
