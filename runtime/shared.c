/* SPDX-License-Identifier: BSD-2-Clause */
/* shared.c: pin directory -> stubs, slots, control and states, open. */
#include "shared.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "bpflog.h"
#include "embed.h"
#include "engine_error.h"

static int shared_new(struct shared **out, struct engine_error *err)
{
	struct shared *shared = calloc(1, sizeof(*shared));
	int ret;

	if (!shared)
		return error_kernel(err, -ENOMEM, "open what is loaded");
	for (unsigned i = 0; i < PIN_SHARED_COUNT; i++)
		shared->fd[i] = -1;
	ret = pins_netns(&shared->netns_cookie, &shared->netns_inode);
	if (ret) {
		free(shared);
		return error_kernel(err, ret,
				    "ask for the network namespace's cookie");
	}
	*out = shared;
	return 0;
}

void shared_close(struct shared **shared)
{
	if (!*shared)
		return;
	if ((*shared)->control)
		munmap((*shared)->control, (size_t)sysconf(_SC_PAGESIZE));
	statemap_close(&(*shared)->states);
	for (unsigned i = 0; i < PIN_SHARED_COUNT; i++) {
		if ((*shared)->fd[i] >= 0)
			close((*shared)->fd[i]);
	}
	free(*shared);
	*shared = NULL;
}

static int shared_map_control(struct shared *shared, struct engine_error *err)
{
	void *page = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE),
			  PROT_READ | PROT_WRITE, MAP_SHARED,
			  shared->fd[PIN_CONTROL], 0);

	if (page == MAP_FAILED)
		return error_kernel(err, -errno, "map nfr_control");
	shared->control = page;
	return 0;
}

/* Pins of two loads, mixed by hand, must not be taken for one. */
static int shared_check_stub(const struct pins *pins,
			     const struct shared *shared, unsigned stub,
			     unsigned slots, struct engine_error *err)
{
	struct bpf_map_info control = {0}, slot = {0};
	struct bpf_prog_info info = {0};
	uint32_t ids[16], len = sizeof(control), found = 0;

	if (bpf_obj_get_info_by_fd(shared->fd[PIN_CONTROL], &control, &len))
		return error_kernel(err, -errno, "read nfr_control");
	len = sizeof(slot);
	if (bpf_obj_get_info_by_fd(shared->fd[slots], &slot, &len))
		return error_kernel(err, -errno, "read the slots");
	info.map_ids = (uintptr_t)ids;
	info.nr_map_ids = sizeof(ids) / sizeof(ids[0]);
	len = sizeof(info);
	if (bpf_obj_get_info_by_fd(shared->fd[stub], &info, &len))
		return error_kernel(err, -errno, "read the stubs");
	for (uint32_t i = 0; i < info.nr_map_ids && i < 16; i++)
		found += ids[i] == control.id || ids[i] == slot.id;
	if (found == 2)
		return 0;
	return error_set(err, -EPROTO,
			 "%s/%s does not belong to what is pinned beside it",
			 pins->dir, pins_shared[stub].pin);
}

static int shared_open_all(const struct pins *pins, struct shared *shared,
			   struct engine_error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < PIN_SHARED_COUNT; i++) {
		shared->fd[i] = pins_get(pins, "", &pins_shared[i], err);
		if (shared->fd[i] >= 0)
			continue;
		if (shared->fd[i] == -ENOENT && i != PIN_CONTROL) {
			error_set(err, -EPROTO,
				  "%s is damaged: %s is not there", pins->dir,
				  pins_shared[i].pin);
			error_hint(err, "nfload unload removes the rest");
			return -EPROTO;
		}
		return shared->fd[i];
	}
	for (unsigned i = 0; i < 3 && !ret; i++)
		ret = shared_check_stub(pins, shared, PIN_STUB_XDP + i,
					PIN_SLOTS_XDP + i, err);
	return ret;
}

int shared_open(const struct pins *pins, struct shared **out,
		struct engine_error *err)
{
	struct shared *shared = NULL;
	int ret;

	ret = shared_new(&shared, err);
	if (ret)
		return ret;
	ret = shared_open_all(pins, shared, err);
	if (!ret)
		ret = shared_map_control(shared, err);
	if (!ret && shared->control->netns_cookie != shared->netns_cookie) {
		ret = error_set(err, -EXDEV,
				"%s belongs to another network namespace",
				pins->dir);
		error_hint(err,
			   "give each namespace its own directory with "
			   "--bpffs; if that namespace is gone: rm -r %s",
			   pins->dir);
	}
	if (ret)
		shared_close(&shared);
	else
		*out = shared;
	return ret;
}

/* Those that the stub object has no part in. */
static bool shared_is_made(enum pin_shared pin)
{
	return pin >= PIN_STATES && pin <= PIN_EVENTS;
}

/* Takes over the fds that the object owns. */
static int shared_load_stub(struct shared *shared,
			    const struct engine_options *options,
			    struct engine_error *err)
{
	struct bpf_object *object;
	size_t len;
	const void *bytes = embed_stub(&len);
	int ret;

	bpflog_begin(options);
	object = bpf_object__open_mem(bytes, len, NULL);
	ret = object ? bpf_object__load(object) : -errno;
	bpflog_end(ret ? err : NULL);
	if (ret) {
		bpf_object__close(object);
		return error_kernel(err, ret, "load the hook stubs");
	}
	for (unsigned i = 0; i < PIN_SHARED_COUNT && !ret; i++) {
		const char *name = pins_shared[i].name;
		int fd =
			pins_shared[i].is_prog
				? bpf_program__fd(
					  bpf_object__find_program_by_name(
						  object, name))
				: bpf_object__find_map_fd_by_name(object, name);

		if (shared_is_made(i))
			continue;
		shared->fd[i] = fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
		if (shared->fd[i] < 0)
			ret = error_set(err, -EPROTO,
					"the stub object has no %s", name);
	}
	bpf_object__close(object);
	return ret;
}

/* The datapath object says how large they are. */
static int shared_make_maps(struct shared *shared, struct engine_error *err)
{
	struct bpf_object *object;
	size_t len;
	const void *bytes = embed_datapath(&len);
	int ret = 0;

	bpflog_begin(NULL);
	object = bpf_object__open_mem(bytes, len, NULL);
	bpflog_end(object ? NULL : err);
	if (!object)
		return error_kernel(err, -errno, "read the datapath object");
	for (unsigned i = 0; i < PIN_SHARED_COUNT && !ret; i++) {
		const struct pin_spec *spec = &pins_shared[i];
		struct bpf_map *map =
			bpf_object__find_map_by_name(object, spec->name);
		LIBBPF_OPTS(bpf_map_create_opts, opts);
		int fd = -1;

		if (!shared_is_made(i))
			continue;
		if (map) {
			opts.map_flags = bpf_map__map_flags(map);
			fd = bpf_map_create((enum bpf_map_type)spec->type,
					    spec->name, spec->key_size,
					    spec->value_size,
					    bpf_map__max_entries(map), &opts);
		}
		if (fd < 0)
			ret = error_kernel(err, map ? -errno : -EPROTO,
					   "make %s", spec->name);
		shared->fd[i] = fd;
	}
	bpf_object__close(object);
	return ret;
}

int shared_create(const struct pins *pins, const struct engine_options *options,
		  struct shared **out, struct engine_error *err)
{
	struct engine_error ignored;
	struct shared *shared = NULL;
	int ret;

	ret = shared_new(&shared, err);
	if (ret)
		return ret;
	ret = shared_load_stub(shared, options, err);
	if (!ret)
		ret = shared_make_maps(shared, err);
	if (!ret)
		ret = shared_map_control(shared, err);
	if (ret)
		goto out;
	shared->control->netns_cookie = shared->netns_cookie;
	if (getrandom(shared->control->seed, sizeof(shared->control->seed),
		      0) != sizeof(shared->control->seed)) {
		ret = error_kernel(err, -errno, "ask for random numbers");
		goto out;
	}
	for (unsigned i = PIN_SHARED_COUNT; i-- > 0 && !ret;)
		ret = pins_put(pins, "", pins_shared[i].pin, shared->fd[i],
			       err);
	if (ret)
		shared_remove(pins, &ignored);
out:
	if (ret)
		shared_close(&shared);
	else
		*out = shared;
	return ret;
}

int shared_check(const struct pins *pins, struct engine_error *err)
{
	for (unsigned i = 0; i < PIN_SHARED_COUNT; i++) {
		int fd = pins_get(pins, "", &pins_shared[i], err);

		if (fd >= 0)
			close(fd);
		else if (fd != -ENOENT && fd != -EPROTO)
			return fd;
	}
	return 0;
}

int shared_remove(const struct pins *pins, struct engine_error *err)
{
	int ret = 0;

	for (unsigned i = 0; i < PIN_SHARED_COUNT && !ret; i++)
		ret = pins_remove(pins, "", &pins_shared[i], err);
	return ret;
}

void shared_activate(struct shared *shared, uint32_t slot)
{
	__atomic_store_n(&shared->control->active, slot, __ATOMIC_SEQ_CST);
}

void shared_deactivate(struct shared *shared)
{
	shared_activate(shared, NFR_SLOT_NONE);
}

uint32_t shared_generation(const struct shared *shared)
{
	uint32_t slot =
		__atomic_load_n(&shared->control->active, __ATOMIC_SEQ_CST);

	return slot < 2 ? shared->control->generation[slot] : 0;
}

static int shared_arm(const struct shared *shared, struct nfr_arm *arm,
		      int *result, struct engine_error *err)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = arm,
		    .ctx_size_in = sizeof(*arm));

	if (bpf_prog_test_run_opts(shared->fd[PIN_ARM], &opts))
		return error_kernel(err, -errno, "run the program nfr_arm");
	*result = (int)opts.retval;
	return 0;
}

int shared_try(struct shared *shared, const struct nfr_pending *pending,
	       uint32_t wait_ms, struct engine_error *err)
{
	struct nfr_arm arm = {
		.op = NFR_ARM_START, .wait_ms = wait_ms, .pending = *pending};
	int result = 0, ret = shared_arm(shared, &arm, &result, err);

	if (!ret && result)
		ret = error_kernel(err, result, "start the kernel's timer");
	return ret;
}

int shared_settle(struct shared *shared, uint32_t state,
		  struct engine_error *err)
{
	struct nfr_arm arm = {.op = NFR_ARM_SETTLE, .pending.state = state};
	int result = 0, ret = shared_arm(shared, &arm, &result, err);

	return ret ? ret : result;
}

int shared_pending(const struct shared *shared, struct nfr_pending *out,
		   struct engine_error *err)
{
	struct {
		uint8_t timer[NFR_TIMER_LEN];
		struct nfr_pending pending;
	} value;
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(shared->fd[PIN_PENDING], &zero, &value))
		return error_kernel(err, -errno, "read nfr_pending");
	*out = value.pending;
	return 0;
}
