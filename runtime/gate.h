/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gate.h: what closes a device that appears, before anybody knows of it.
 *
 * Overview
 *   A chain of nf_tables at netdev egress whose hook is of every device: the
 *   kernel (Linux 6.18) adds it to a device as it registers it, before the
 *   device can be set up, and no process takes part. It runs before tcx, and
 *   sees what AF_PACKET writes. It drops, but for
 *     - devices that have an edge, or are skipped: they are in the gate's
 *       group. Who was in a group already stays in it, and is known by his
 *       index and that group together: set "known";
 *     - packets that have a route: those the floor has judged. Not so on
 *       Ethernet: children of the device in other namespaces (macvlan, VLAN)
 *       send there what these have routed.
 *
 * Invariants
 *   - A device is put into the gate's group when its edge is there, and taken
 *     out when it has none. A group lives in the device, and goes with it:
 *     another of the same name or index has not got it.
 *   - Each gate draws its group, so that a device which comes from another
 *     namespace is not in it by what was done there.
 *   - The gate is put up after the edges, and taken away first.
 */
#ifndef NFR_GATE_H
#define NFR_GATE_H

#include <libmnl/libmnl.h>

#include "engine.h"

#define GATE_PATH "new devices"
#define GATE_TABLE "nfr-gate"
#define GATE_CHAIN "__chain" /* and a number, see gate_write.c */
#define GATE_SET "known"
/* Its group: "nf", and what was drawn. */
#define GATE_GROUP 0x6e660000u
#define GATE_GROUP_DRAWN 0xffffu

struct gate_key {
	uint32_t ifindex, group;
};

/* What the kernel has. */
struct gate {
	bool is_there;	/* a table of that name */
	bool is_ours;	/* by its mark */
	bool is_whole;	/* the chain drops, on every device, by our rules */
	bool is_strict; /* no floor: a route is not enough */
	uint32_t group;
	uint64_t number; /* of its base chain, and of the chain within */
	uint64_t inner;
	uint64_t dropped;
	struct gate_key *keys;
	size_t key_count;
};

/* 0 or -errno; the caller frees. Nothing there is fine. */
int gate_read(struct gate *out);
void gate_free(struct gate *);

/*
 * Puts it up, repairs it, and knows these devices, of which hooks_look() spoke.
 * *news: it was not there, or not whole. 0; -EOPNOTSUPP: the kernel has no such
 * hook; -EEXIST: the name is somebody else's; or another -errno.
 */
int gate_sync(const struct engine_devices *, bool is_strict, bool *news);
/* Down, and the devices' groups back. Nothing there is fine. */
int gate_remove(void);
/* 0: nothing is to be said, else 1. */
size_t gate_look(const struct engine_devices *, struct engine_path *out);

/* ---- gate_write.c -------------------------------------------------------- */

/* In one transaction: all anew, or the difference of two sets of keys. */
int gate_write(struct mnl_socket *, const struct gate *old,
	       const struct gate *want);
int gate_write_none(struct mnl_socket *);

/* Of the chain; all that begin with GATE_NAME are ours, of some version. */
#define GATE_NAME "nfr gate "
struct gate_mark {
	char name[12];
	uint32_t group;
};
extern const char gate_names[2][12]; /* by is_strict */
#define GATE_RULES(is_strict) ((is_strict) ? 3u : 4u)

#endif
