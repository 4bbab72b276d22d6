/* SPDX-License-Identifier: BSD-2-Clause */
/* clsact.c: a program and a device -> a tc filter at preference 1, and back. */
#include "clsact.h"

#include <bpf/libbpf.h>
#include <errno.h>

#define CLSACT_PLACE 1 /* handle and preference */

static enum bpf_tc_attach_point clsact_point(enum nfr_dir dir)
{
	return dir == NFR_DIR_IN ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

int clsact_attach(uint32_t ifindex, enum nfr_dir dir, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = clsact_point(dir));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_PLACE,
		    .priority = CLSACT_PLACE, .prog_fd = prog_fd);
	int ret = bpf_tc_hook_create(&hook);

	if (ret && ret != -EEXIST)
		return ret;
	return bpf_tc_attach(&hook, &opts);
}

bool clsact_holds(uint32_t ifindex, enum nfr_dir dir, uint32_t prog_id)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = clsact_point(dir));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_PLACE,
		    .priority = CLSACT_PLACE);

	return prog_id && !bpf_tc_query(&hook, &opts) &&
	       opts.prog_id == prog_id;
}

int clsact_detach(uint32_t ifindex, enum nfr_dir dir)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = clsact_point(dir));
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = CLSACT_PLACE,
		    .priority = CLSACT_PLACE);

	return bpf_tc_detach(&hook, &opts);
}
