/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pins.h: the pin directory: where what is pinned, whose it is, who may change
 * it now.
 *
 *   DIR/control reasons pending states events maps that outlive policies
 *   DIR/arm                                   puts a policy on trial
 *   DIR/slots_xdp slots_in slots_out          two programs each
 *   DIR/stub_xdp stub_in stub_out             what the hooks hold
 *   DIR/floor/ sockets/                       of floor.h, sockets.h
 *   DIR/links/in-<ifindex> out-<ifindex>      the hooks
 *   DIR/gen0/ gen1/                           the two generations
 *
 * control is pinned last and removed first: a directory without it holds
 * nothing that is in force, only what a killed load left behind.
 *
 * Nothing found here is used or removed before pins_get_*() has said that it
 * is ours: -ENOENT nothing there, -EEXIST someone else's, -EPROTO of another
 * version of nfr.
 */
#ifndef NFR_PINS_H
#define NFR_PINS_H

#include <limits.h>

#include "engine.h"

/* A pinned map or program: where, and what it must be. 0 is any size. */
struct pin_spec {
	const char *pin;  /* in its directory */
	const char *name; /* the kernel's name of it */
	bool is_prog;
	uint32_t type; /* enum bpf_map_type or bpf_prog_type */
	uint32_t key_size, value_size, max_entries;
};

enum pin_shared {
	PIN_CONTROL, /* first, so removed first */
	PIN_REASONS,
	PIN_LOCALNET,
	PIN_PENDING,
	PIN_STATES,
	PIN_ALIASES,
	PIN_FRAGMENTS,
	PIN_COUNTED,
	PIN_POOL_NEXT,
	PIN_STICKY,
	PIN_EVENTS,
	PIN_SLOTS_XDP,
	PIN_SLOTS_IN,
	PIN_SLOTS_OUT,
	PIN_STUB_XDP,
	PIN_STUB_IN,
	PIN_STUB_OUT,
	PIN_ARM,
	PIN_SHARED_COUNT
};
extern const struct pin_spec pins_shared[PIN_SHARED_COUNT];

enum pin_generation {
	PIN_IMAGE,
	PIN_ABOUT,
	PIN_CONFIG,
	PIN_CODE,
	PIN_HASH,
	PIN_RULES,
	PIN_ACTIONS,
	PIN_POOLS,
	PIN_POOL_ADDRS,
	PIN_RULE_COUNTS,
	PIN_TABLES,
	PIN_ADDED,
	PIN_RULE_TABLES,
	PIN_TABLE_COUNTS,
	PIN_CGROUPS,
	PIN_IFACES,
	PIN_NEAR,
	PIN_TUNNELS,
	PIN_TICKET,
	PIN_IDENTITY,
	PIN_EDGES,
	PIN_SCRATCH,
	PIN_NATIVE_XDP,
	PIN_NATIVE_TC,
	PIN_PROG_XDP,
	PIN_PROG_IN,
	PIN_PROG_OUT,
	PIN_GENERATION_COUNT
};
extern const struct pin_spec pins_generation[PIN_GENERATION_COUNT];

#define PINS_LINKS "links"
const char *pins_slot_dir(uint32_t slot); /* "gen0", "gen1" */

struct pins {
	char dir[PATH_MAX / 2];
	int fd;		 /* of dir: holds the lock */
	bool may_create; /* as pins_open() was told */
	bool is_new;	 /* dir is ours to remove if it stays empty */
	bool is_locked;
};

/*
 * Checks that dir is on a bpffs, and opens it; with create, makes it where
 * only its parent exists. -ENOENT, -ENODEV, -EPERM, -EINVAL or others.
 */
int pins_open(const char *dir, bool create, struct pins **out,
	      struct engine_error *err);
/*
 * Closes, and so unlocks. A directory that was made here and is still empty is
 * removed, but only under the lock: someone may have begun to fill it.
 */
void pins_close(struct pins **);
/* Waits up to wait_ms for the exclusive lock; -EBUSY with the holder's pid. */
int pins_lock(struct pins *, unsigned wait_ms, struct engine_error *err);
void pins_unlock(struct pins *); /* the directory stays open */

/* sub is "", "gen0", "gen1" or "links". */
void pins_path(const struct pins *, const char *sub, const char *pin,
	       char out[PATH_MAX]);
/* A new fd, which the caller closes, or the codes above. */
int pins_get(const struct pins *, const char *sub, const struct pin_spec *,
	     struct engine_error *err);
int pins_put(const struct pins *, const char *sub, const char *pin, int fd,
	     struct engine_error *err);
/* Removes what is ours; nothing there is fine. */
int pins_remove(const struct pins *, const char *sub, const struct pin_spec *,
		struct engine_error *err);
int pins_mkdir(const struct pins *, const char *sub, struct engine_error *err);
void pins_rmdir(const struct pins *, const char *sub); /* if it is empty */

/* What a BPF fd is: 'm'ap, 'p'rogram, 'l'ink or '?'. */
char pins_kind(int fd);
/* The kernel's id of a program, or 0. */
uint32_t pins_prog_id(int fd);

/* The caller's network namespace. 0 or -errno. */
int pins_netns(uint64_t *cookie, uint32_t *inode);

#endif
