/* SPDX-License-Identifier: BSD-2-Clause */
/* tcx.c: a program and a device -> a link in its tcx chain, and back. */
#include "tcx.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From linux/bpf.h of 6.6; the names there are enum members. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47
#define TCX_BEFORE (1u << 3)

/* union bpf_attr's "query" as of 6.6. */
struct tcx_query_attr {
	uint32_t target_ifindex;
	uint32_t attach_type;
	uint32_t query_flags;
	uint32_t attach_flags;
	uint64_t prog_ids;
	uint32_t count;
	uint32_t reserved;
	uint64_t prog_attach_flags;
	uint64_t link_ids;
	uint64_t link_attach_flags;
	uint64_t revision;
};
_Static_assert(sizeof(struct tcx_query_attr) == 64, "tcx_query_attr");

static uint32_t tcx_attach_type(enum nfr_dir dir)
{
	return dir == NFR_DIR_IN ? TCX_INGRESS : TCX_EGRESS;
}

int tcx_attach(int prog_fd, uint32_t ifindex, enum nfr_dir dir)
{
	/* Before nothing in particular is before everything. */
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = TCX_BEFORE);
	int fd = bpf_link_create(prog_fd, (int)ifindex,
				 (enum bpf_attach_type)tcx_attach_type(dir),
				 &opts);

	return fd < 0 ? -errno : fd;
}

int tcx_query(uint32_t ifindex, enum nfr_dir dir, struct tcx_chain *out)
{
	struct tcx_query_attr attr = {
		.target_ifindex = ifindex,
		.attach_type = tcx_attach_type(dir),
		.prog_ids = (uintptr_t)out->prog_id,
		.link_ids = (uintptr_t)out->link_id,
		.count = TCX_CHAIN_MAX,
	};

	memset(out, 0, sizeof(*out));
	if (syscall(SYS_bpf, BPF_PROG_QUERY, &attr, sizeof(attr)) < 0) {
		/* A chain that never had a member. */
		if (errno == ENOENT)
			return 0;
		return errno == E2BIG ? -EINVAL : -errno;
	}
	out->count = attr.count < TCX_CHAIN_MAX ? attr.count : TCX_CHAIN_MAX;
	return 0;
}

int tcx_link_info(int link_fd, struct tcx_link *out)
{
	struct bpf_link_info info = {0};
	uint32_t len = sizeof(info), attach_type;

	if (bpf_obj_get_info_by_fd(link_fd, &info, &len))
		return -errno;
	if (info.type != TCX_LINK_TYPE_XDP && info.type != TCX_LINK_TYPE_TCX)
		return -EEXIST;
	/* XDP's and tcx's parts both begin with ifindex. */
	memcpy(&attach_type, (char *)&info.xdp.ifindex + sizeof(uint32_t),
	       sizeof(attach_type));
	*out = (struct tcx_link){
		.type = info.type,
		.id = info.id,
		.prog_id = info.prog_id,
		.ifindex = info.xdp.ifindex,
		.dir = NFR_DIR_IN,
	};
	if (info.type == TCX_LINK_TYPE_TCX && attach_type == TCX_EGRESS)
		out->dir = NFR_DIR_OUT;
	return 0;
}
