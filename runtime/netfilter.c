/* SPDX-License-Identifier: BSD-2-Clause */
/* netfilter.c: a program and a netfilter hook -> a link, and back. */
#include "netfilter.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* union bpf_attr's "link_create" as of 6.4. */
struct netfilter_create {
	uint32_t prog_fd;
	uint32_t target;
	uint32_t attach_type;
	uint32_t flags;
	uint32_t family;
	uint32_t hook;
	int32_t priority;
	uint32_t hook_flags;
};

/* The end of struct bpf_link_info. */
struct netfilter_info {
	uint32_t family;
	uint32_t hook;
	int32_t priority;
	uint32_t flags;
};

int netfilter_attach(int prog_fd, const struct netfilter_hook *hook)
{
	struct netfilter_create attr = {
		.prog_fd = (uint32_t)prog_fd,
		.attach_type = NETFILTER_ATTACH_TYPE,
		.family = hook->family,
		.hook = hook->hook,
		.priority = hook->priority,
	};
	long fd = syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

	if (fd < 0)
		return errno == E2BIG ? -EINVAL : -errno;
	return (int)fd;
}

int netfilter_link_info(int link_fd, struct netfilter_hook *out,
			uint32_t *prog_id)
{
	struct bpf_link_info info = {0};
	struct netfilter_info hook;
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &len))
		return -errno;
	if (info.type != NETFILTER_LINK_TYPE)
		return -EEXIST;
	memcpy(&hook, &info.xdp, sizeof(hook));
	*out = (struct netfilter_hook){
		.family = hook.family,
		.hook = hook.hook,
		.priority = hook.priority,
	};
	*prog_id = info.prog_id;
	return 0;
}
