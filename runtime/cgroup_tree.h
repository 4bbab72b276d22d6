/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup_tree.h: the cgroups that an image names -> the map nfr_cgroups. */
#ifndef NFR_CGROUP_TREE_H
#define NFR_CGROUP_TREE_H

#include "../compiler/image.h"
#include "engine.h"

/* Room that the map needs, at least 1. */
size_t cgroup_tree_steps(const struct image *);
/*
 * Fills an empty map. -ENOTSUP from inside of a cgroup namespace: the paths
 * that it shows are not those that the kernel has.
 */
int cgroup_tree_fill(int map_fd, const struct image *, struct engine_error *);

#endif
