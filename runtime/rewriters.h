/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rewriters.h: a device -> what runs on its egress behind the edge, and could
 * make another packet of one that was judged.
 *
 * These are programs of others behind ours in the tcx chain, and filters of
 * tc's, at clsact or in the device's queueing discipline, that are programs or
 * have actions which change packets. Filters that only sort them into classes
 * are not, nor those that send them to another device, as that has an edge.
 */
#ifndef NFR_REWRITERS_H
#define NFR_REWRITERS_H

#include "engine.h"

/* How many, of a device of which hooks_look() spoke; or -errno. */
int rewriters_count(const struct engine_device *);

#endif
