/* SPDX-License-Identifier: BSD-2-Clause */
/* clsact.c: a program and a device -> a tc filter at preference 1, and back. */
#include "clsact.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "netlink.h"

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

/* A listing of filters, in the order in which they run. */
struct clsact_walk {
	uint32_t prog_id;
	unsigned count;
	int place; /* of the program; -ENOENT until it is seen */
};

static uint32_t clsact_prog_id(const struct nlattr *options)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, options)
	{
		if (mnl_attr_get_type(attr) == TCA_BPF_ID &&
		    mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
			return mnl_attr_get_u32(attr);
	}
	return 0;
}

/* Chain 0 is where packets begin; a handle of 0 heads those of a preference. */
static int clsact_filter(const struct nlmsghdr *message, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct clsact_walk *walk = arg;
	const struct nlattr *attr;
	uint32_t prog_id = 0, chain = 0;
	bool is_bpf = false;

	if (message->nlmsg_type != RTM_NEWTFILTER || tc->tcm_handle == 0)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*tc))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND)
			is_bpf = !strcmp(mnl_attr_get_str(attr), "bpf");
		else if (mnl_attr_get_type(attr) == TCA_CHAIN)
			chain = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == TCA_OPTIONS && is_bpf)
			prog_id = clsact_prog_id(attr);
	}
	if (chain)
		return MNL_CB_OK;
	if (prog_id == walk->prog_id && walk->place < 0)
		walk->place = (int)walk->count;
	walk->count++;
	return MNL_CB_OK;
}

static int clsact_dump(struct mnl_socket *socket, uint32_t ifindex,
		       enum nfr_dir dir, struct clsact_walk *walk)
{
	char buffer[1024];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc;

	message->nlmsg_type = RTM_GETTFILTER;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	tc = mnl_nlmsg_put_extra_header(message, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)ifindex;
	tc->tcm_parent =
		TC_H_MAKE(TC_H_CLSACT, dir == NFR_DIR_IN ? TC_H_MIN_INGRESS
							 : TC_H_MIN_EGRESS);
	return netlink_ask(socket, message, clsact_filter, walk);
}

int clsact_place(uint32_t ifindex, enum nfr_dir dir, uint32_t prog_id,
		 unsigned *count)
{
	struct clsact_walk walk = {.prog_id = prog_id, .place = -ENOENT};
	struct mnl_socket *socket = netlink_open(NETLINK_ROUTE);
	int ret;

	if (!socket)
		return -errno;
	ret = clsact_dump(socket, ifindex, dir, &walk);
	mnl_socket_close(socket);
	*count = walk.count;
	return ret ? ret : walk.place;
}
