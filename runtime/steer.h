/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * steer.h: routes of now -> routing that follows the marks of sockets, which
 * connect.bpf.c gives.
 *
 *   table 7235   what table main has, but for what leads into the tunnel; its
 *                own network is thrown back
 *   table 7236   a default route into the tunnel
 *   preference 7234   from all fwmark NFR_MARK_OWNED ipproto udp dport 53
 *                     lookup 7236
 *   preference 7235   from all fwmark NFR_MARK_OUTSIDE or _OWNED lookup 7235
 *   preference 7236   from all fwmark NFR_MARK_INSIDE lookup 7236
 *
 * or lower ones, where somebody's rules would come first (steer_rules.h).
 * Where a packet goes is changed, not whether it may: the guard judges after.
 * Rules come first and go last: a table with routes and no rule of ours is
 * somebody else's.
 */
#ifndef NFR_STEER_H
#define NFR_STEER_H

#include "shared.h"

/* Does it say of its tunnel what the routing table may say otherwise? */
bool steer_splits(const struct image *);
/*
 * As the policy in force, the routes and the devices of now want it; outside is
 * the map of that name. How many rules and routes were put there or removed, or
 * -errno; -EEXIST: a table is somebody else's, -ENOSPC: somebody's rule comes
 * first.
 */
int steer_update(const struct shared *, int outside,
		 const struct engine_devices *);
/* Empties both tables, and removes the rules. 0 or -errno. */
int steer_remove(void);
/*
 * One path where it is on, or could be: the policy in force splits. What is
 * missing, or keeps answers away.
 */
size_t steer_look(const struct shared *, const struct engine_devices *,
		  bool splits, struct engine_path *out);

#endif
