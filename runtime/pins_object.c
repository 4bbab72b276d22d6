/* SPDX-License-Identifier: BSD-2-Clause */
/* pins_object.c: a pin's name -> its fd, once it was found to be ours. */
#include "pins.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_error.h"
#include "generation.h"
#include "rebind.h"
#include "pool.h"
#include "scratch.h"

#define MAP(file, map, kind, key, value, max)                                  \
	{                                                                      \
		.pin = (file), .name = (map), .type = BPF_MAP_TYPE_##kind,     \
		.key_size = (key), .value_size = (value), .max_entries = (max) \
	}
#define PROG(file, prog, kind)                                                 \
	{                                                                      \
		.pin = (file), .name = (prog), .is_prog = true,                \
		.type = BPF_PROG_TYPE_##kind                                   \
	}

const struct pin_spec pins_shared[PIN_SHARED_COUNT] = {
	[PIN_CONTROL] = MAP("control", "nfr_control", ARRAY, 4,
			    sizeof(struct nfr_control), 1),
	[PIN_REASONS] = MAP("reasons", "nfr_reasons", PERCPU_ARRAY, 4,
			    sizeof(struct nfr_count), 2 * NFR_REASON_COUNT),
	[PIN_LOCALNET] = MAP("localnet", "nfr_localnet", HASH, 4,
			     sizeof(struct nfr_localnet), 0),
	[PIN_PENDING] = MAP("pending", "nfr_pending", ARRAY, 4,
			    NFR_TIMER_LEN + sizeof(struct nfr_pending), 1),
	[PIN_STATES] = MAP("states", "nfr_states", ARRAY, 4,
			   sizeof(struct nfr_bucket), NFR_BUCKETS),
	[PIN_ALIASES] = MAP("aliases", "nfr_aliases", HASH,
			    sizeof(struct nfr_state_key),
			    sizeof(struct nfr_state_key), 0),
	[PIN_FRAGMENTS] = MAP("fragments", "nfr_fragments", LRU_HASH,
			      sizeof(struct nfr_fragment_key),
			      sizeof(struct nfr_fragment), 0),
	[PIN_COUNTED] = MAP("counted", "nfr_counted", HASH,
			    sizeof(struct nfr_source_key),
			    sizeof(struct nfr_source), 0),
	[PIN_POOL_NEXT] = MAP("pool_next", "nfr_pool_next", LRU_HASH, 8, 4, 0),
	[PIN_STICKY] = MAP("sticky", "nfr_sticky", LRU_HASH,
			   sizeof(struct pool_sticky_key),
			   sizeof(struct pool_sticky), 0),
	[PIN_EVENTS] = MAP("events", "nfr_events", RINGBUF, 0, 0, 0),
	[PIN_SLOTS_XDP] =
		MAP("slots_xdp", "nfr_slots_xdp", PROG_ARRAY, 4, 4, 2),
	[PIN_SLOTS_IN] = MAP("slots_in", "nfr_slots_in", PROG_ARRAY, 4, 4, 2),
	[PIN_SLOTS_OUT] =
		MAP("slots_out", "nfr_slots_out", PROG_ARRAY, 4, 4, 2),
	[PIN_STUB_XDP] = PROG("stub_xdp", "nfr_stub_xdp", XDP),
	[PIN_STUB_IN] = PROG("stub_in", "nfr_stub_in", SCHED_CLS),
	[PIN_STUB_OUT] = PROG("stub_out", "nfr_stub_out", SCHED_CLS),
	[PIN_ARM] = PROG("arm", "nfr_arm", SYSCALL),
};

const struct pin_spec pins_generation[PIN_GENERATION_COUNT] = {
	[PIN_IMAGE] = MAP("image", "nfr_image", ARRAY, 4, 0, 1),
	[PIN_ABOUT] = MAP("about", "nfr_about", ARRAY, 4,
			  sizeof(struct generation_about), 1),
	[PIN_CONFIG] = MAP("config", "nfr_config", ARRAY, 4,
			   sizeof(struct nfr_config), 1),
	[PIN_HASH] = MAP("hash", "nfr_hash", ARRAY, 4, 0, 1),
	[PIN_CODE] =
		MAP("code", "nfr_code", ARRAY, 4, sizeof(struct nfr_insn), 0),
	[PIN_RULES] =
		MAP("rules", "nfr_rules", ARRAY, 4, sizeof(struct nfr_rule), 0),
	[PIN_ACTIONS] = MAP("actions", "nfr_actions", ARRAY, 4,
			    sizeof(struct nfr_action), 0),
	[PIN_POOLS] =
		MAP("pools", "nfr_pools", ARRAY, 4, sizeof(struct nfr_pool), 0),
	[PIN_POOL_ADDRS] = MAP("pool_addrs", "nfr_pool_addrs", ARRAY, 4,
			       sizeof(struct nfr_pool_addr), 0),
	[PIN_RULE_COUNTS] = MAP("rule_counts", "nfr_rule_counts", PERCPU_ARRAY,
				4, sizeof(struct nfr_count), 0),
	[PIN_TABLES] = MAP("tables", "nfr_tables", ARRAY, 4, 0, 1),
	[PIN_ADDED] = MAP("added", "nfr_added", HASH,
			  sizeof(struct nfr_table_address), 4, 0),
	[PIN_RULE_TABLES] = MAP("rule_tables", "nfr_rule_tables", HASH, 4,
				sizeof(struct nfr_rule_tables), 0),
	[PIN_TABLE_COUNTS] = MAP("table_counts", "nfr_table_cnts", PERCPU_ARRAY,
				 4, sizeof(struct nfr_count), 0),
	[PIN_CGROUPS] = MAP("cgroups", "nfr_cgroups", HASH,
			    sizeof(struct nfr_cgroup_key),
			    sizeof(struct nfr_cgroup), 0),
	[PIN_IFACES] = MAP("ifaces", "nfr_ifaces", HASH, 4,
			   sizeof(struct nfr_iface), 0),
	[PIN_NEAR] = MAP("near", "nfr_near", ARRAY, 4, sizeof(struct nfr_iface),
			 NFR_NEAR_MAX),
	[PIN_TICKET] = MAP("ticket", "nfr_ticket", ARRAY, 4,
			   sizeof(struct nfr_ticket), 1),
	[PIN_TUNNELS] = MAP("tunnels", "nfr_tunnels", DEVMAP_HASH, 4, 4, 0),
	[PIN_IDENTITY] = MAP("identity", "nfr_identity", HASH, 4,
			     sizeof(struct rebind_identity), 0),
	[PIN_EDGES] = MAP("edges", "nfr_edges", DEVMAP_HASH, 4, 4, 0),
	[PIN_SCRATCH] = MAP("scratch", "nfr_scratch", PERCPU_ARRAY, 4,
			    sizeof(struct verdict), 1),
	[PIN_NATIVE_XDP] =
		MAP("native_xdp", "nfr_native_xdp", PROG_ARRAY, 4, 4, 1),
	[PIN_NATIVE_TC] =
		MAP("native_tc", "nfr_native_tc", PROG_ARRAY, 4, 4, 1),
	[PIN_PROG_XDP] = PROG("xdp", "nfr_xdp", XDP),
	[PIN_PROG_IN] = PROG("in", "nfr_in", SCHED_CLS),
	[PIN_PROG_OUT] = PROG("out", "nfr_out", SCHED_CLS),
};

char pins_kind(int fd)
{
	char link[64], target[64];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return '?';
	target[len] = '\0';
	if (!strcmp(target, "anon_inode:bpf-map"))
		return 'm';
	if (!strcmp(target, "anon_inode:bpf-prog"))
		return 'p';
	if (!strcmp(target, "anon_inode:bpf_link") ||
	    !strcmp(target, "anon_inode:bpf-link"))
		return 'l';
	return '?';
}

uint32_t pins_prog_id(int fd)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	return info.id;
}

/* 0 ours, -EEXIST not, -EPROTO ours but of another type or size. */
static int pins_judge_map(int fd, const struct pin_spec *spec)
{
	struct bpf_map_info info = {0};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (strcmp(info.name, spec->name))
		return -EEXIST;
	if (info.type != spec->type ||
	    (spec->key_size && info.key_size != spec->key_size) ||
	    (spec->value_size && info.value_size != spec->value_size) ||
	    (spec->max_entries && info.max_entries != spec->max_entries))
		return -EPROTO;
	return 0;
}

static int pins_judge_prog(int fd, const struct pin_spec *spec)
{
	struct bpf_prog_info info = {0};
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	if (info.type != spec->type || strcmp(info.name, spec->name))
		return -EEXIST;
	return 0;
}

static int pins_judge(int fd, const struct pin_spec *spec)
{
	if (pins_kind(fd) != (spec->is_prog ? 'p' : 'm'))
		return -EEXIST;
	return spec->is_prog ? pins_judge_prog(fd, spec)
			     : pins_judge_map(fd, spec);
}

static int pins_foreign(const char *path, struct engine_error *err)
{
	error_set(err, -EEXIST, "%s is already pinned by someone else", path);
	error_hint(err, "name another directory with --bpffs, or remove it");
	return -EEXIST;
}

int pins_get(const struct pins *pins, const char *sub,
	     const struct pin_spec *spec, struct engine_error *err)
{
	char path[PATH_MAX];
	int fd, ret;

	pins_path(pins, sub, spec->pin, path);
	fd = bpf_obj_get(path);
	if (fd < 0) {
		ret = -errno;
		if (ret == -ENOENT)
			return error_set(err, ret, "%s is not there", path);
		/* A directory or a plain file can not be opened as an object.
		 */
		if (ret == -EACCES || ret == -EINVAL || ret == -EISDIR) {
			struct stat st;

			if (!stat(path, &st) && S_ISDIR(st.st_mode))
				return pins_foreign(path, err);
		}
		return error_kernel(err, ret, "open %s", path);
	}
	ret = pins_judge(fd, spec);
	if (!ret)
		return fd;
	close(fd);
	if (ret == -EEXIST)
		return pins_foreign(path, err);
	if (ret == -EPROTO) {
		error_set(err, ret, "%s is of another version of nfr", path);
		error_hint(err, "unload with the nfload that loaded it");
		return ret;
	}
	return error_kernel(err, ret, "read %s", path);
}

int pins_put(const struct pins *pins, const char *sub, const char *pin, int fd,
	     struct engine_error *err)
{
	char path[PATH_MAX];

	pins_path(pins, sub, pin, path);
	if (!bpf_obj_pin(fd, path))
		return 0;
	if (errno == EEXIST)
		return pins_foreign(path, err);
	return error_kernel(err, -errno, "pin %s", path);
}

int pins_remove(const struct pins *pins, const char *sub,
		const struct pin_spec *spec, struct engine_error *err)
{
	char path[PATH_MAX];
	int fd = pins_get(pins, sub, spec, err);

	/* Of another version is still ours to remove. */
	if (fd == -ENOENT)
		return 0;
	if (fd < 0 && fd != -EPROTO)
		return fd;
	if (fd >= 0)
		close(fd);
	pins_path(pins, sub, spec->pin, path);
	if (unlink(path) && errno != ENOENT)
		return error_kernel(err, -errno, "remove %s", path);
	return 0;
}
