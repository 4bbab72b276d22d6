/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tcx.h: the tcx chains of a device (Linux 6.6), which libbpf 1.1 and the
 * headers of Linux 6.1 do not know; and link information, whose tcx part they
 * do not know either.
 */
#ifndef NFR_TCX_H
#define NFR_TCX_H

#include <stdint.h>

#include "abi.h"

#define TCX_CHAIN_MAX 64 /* BPF_MPROG_MAX of kernel/bpf/mprog.c */

/* A new link at the head of the chain: its fd, or -errno (-EINVAL: no tcx). */
int tcx_attach(int prog_fd, uint32_t ifindex, enum nfr_dir);

struct tcx_chain {
	uint32_t prog_id[TCX_CHAIN_MAX];
	uint32_t link_id[TCX_CHAIN_MAX]; /* 0: attached without a link */
	uint32_t count;
};
/* In the order in which they run. 0 or -errno (-EINVAL: no tcx). */
int tcx_query(uint32_t ifindex, enum nfr_dir, struct tcx_chain *out);

#define TCX_LINK_TYPE_XDP 6u
#define TCX_LINK_TYPE_TCX 11u
struct tcx_link {
	uint32_t type, id, prog_id;
	uint32_t ifindex; /* 0: its device is gone, or it was detached */
	enum nfr_dir dir; /* of a tcx link */
};
/* Of an XDP or tcx link. 0, -errno, or -EEXIST: of another type. */
int tcx_link_info(int link_fd, struct tcx_link *out);

#endif
