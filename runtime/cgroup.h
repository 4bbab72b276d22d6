/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.h: the root of the v2 hierarchy, and programs on it. */
#ifndef NFR_CGROUP_H
#define NFR_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_LINK_TYPE 3u /* BPF_LINK_TYPE_CGROUP */
#define CGROUP_ROOT_ID 1u   /* the inode of the root of all processes */

/*
 * An fd of the hierarchy's root, wherever it is mounted, or -errno. *is_all:
 * it is the root of all processes, not that of a cgroup namespace.
 */
int cgroup_open(bool *is_all);
/* A new link, or -errno. attach_type is an enum bpf_attach_type. */
int cgroup_attach(int prog_fd, int cgroup_fd, uint32_t attach_type);

#endif
