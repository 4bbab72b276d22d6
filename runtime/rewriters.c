/* SPDX-License-Identifier: BSD-2-Clause */
/* rewriters.c: a device -> what could rewrite packets behind the edge. */
#include "rewriters.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "netlink.h"

/* Where filters hang: a queueing discipline, or a class of one. */
struct rewriters {
	struct mnl_socket *socket;
	uint32_t ifindex, own; /* own: our program */
	uint32_t *parents;
	size_t parent_count;
	unsigned seq;
	int found;
};

static const struct {
	const char *kind;
	uint16_t actions;
} filter_kinds[] = {
	{"basic", TCA_BASIC_ACT},  {"cgroup", TCA_CGROUP_ACT},
	{"flow", TCA_FLOW_ACT},	   {"flower", TCA_FLOWER_ACT},
	{"fw", TCA_FW_ACT},	   {"matchall", TCA_MATCHALL_ACT},
	{"route", TCA_ROUTE4_ACT}, {"u32", TCA_U32_ACT},
};

/* They drop, count, note beside the packet, or send it to another device. */
static const char *const harmless[] = {
	"gact",	  "police", "skbedit", "mirred",   "sample",
	"ctinfo", "csum",   "gate",    "connmark", "simple",
};

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

static const struct nlattr *attr_in(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static bool is_harmless(const struct nlattr *action)
{
	const struct nlattr *kind = attr_in(action, TCA_ACT_KIND);

	for (size_t i = 0; kind && i < COUNT(harmless); i++)
		if (!strcmp(mnl_attr_get_str(kind), harmless[i]))
			return true;
	return false;
}

/* What is not known, as a program, can do anything. */
static bool may_rewrite(const char *kind, const struct nlattr *options)
{
	const struct nlattr *actions, *action;
	size_t i = 0;

	while (i < COUNT(filter_kinds) && strcmp(kind, filter_kinds[i].kind))
		i++;
	if (i == COUNT(filter_kinds))
		return true;
	actions = options ? attr_in(options, filter_kinds[i].actions) : NULL;
	if (!actions)
		return false;
	mnl_attr_for_each_nested(action, actions)
	{
		if (!is_harmless(action))
			return true;
	}
	return false;
}

static bool is_own(const struct rewriters *r, const struct nlattr *options)
{
	const struct nlattr *id = attr_in(options, TCA_BPF_ID);

	return r->own && id && mnl_attr_get_payload_len(id) == 4 &&
	       mnl_attr_get_u32(id) == r->own;
}

/* A handle of 0 heads those of a preference. */
static int filter_message(const struct nlmsghdr *message, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	const struct nlattr *attr, *options = NULL;
	struct rewriters *r = arg;
	const char *kind = NULL;

	if (message->nlmsg_type != RTM_NEWTFILTER || tc->tcm_handle == 0)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, message, sizeof(*tc))
	{
		if (mnl_attr_get_type(attr) == TCA_KIND)
			kind = mnl_attr_get_str(attr);
		else if (mnl_attr_get_type(attr) == TCA_OPTIONS)
			options = attr;
	}
	if (kind && may_rewrite(kind, options) &&
	    !(options && !strcmp(kind, "bpf") && is_own(r, options)))
		r->found++;
	return MNL_CB_OK;
}

/* Default ones have no number, and take no filters. */
static int parent_message(const struct nlmsghdr *message, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct rewriters *r = arg;
	uint32_t *grown;

	if (tc->tcm_ifindex != (int)r->ifindex || !TC_H_MAJ(tc->tcm_handle) ||
	    TC_H_MAJ(tc->tcm_handle) == TC_H_MAJ(TC_H_CLSACT))
		return MNL_CB_OK;
	grown = reallocarray(r->parents, r->parent_count + 1, sizeof(*grown));
	if (!grown)
		return MNL_CB_ERROR;
	r->parents = grown;
	grown[r->parent_count++] = tc->tcm_handle;
	return MNL_CB_OK;
}

static int dump(struct rewriters *r, uint16_t type, uint32_t parent,
		mnl_cb_t callback)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct tcmsg *tc;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = ++r->seq;
	tc = mnl_nlmsg_put_extra_header(message, sizeof(*tc));
	tc->tcm_family = AF_UNSPEC;
	tc->tcm_ifindex = (int)r->ifindex;
	tc->tcm_parent = parent;
	return netlink_ask(r->socket, message, callback, r);
}

static int look(struct rewriters *r)
{
	int ret = dump(r, RTM_GETQDISC, 0, parent_message);

	if (!ret && r->parent_count)
		ret = dump(r, RTM_GETTCLASS, 0, parent_message);
	if (!ret)
		ret = dump(r, RTM_GETTFILTER,
			   TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
			   filter_message);
	for (size_t i = 0; i < r->parent_count && !ret; i++)
		ret = dump(r, RTM_GETTFILTER, r->parents[i], filter_message);
	return ret;
}

int rewriters_count(const struct engine_device *device)
{
	const struct engine_hook *hook = &device->hook[NFR_DIR_OUT];
	struct rewriters r = {.ifindex = device->ifindex, .own = hook->prog_id};
	int ret;

	r.socket = netlink_open(NETLINK_ROUTE);
	if (!r.socket)
		return -errno;
	ret = look(&r);
	mnl_socket_close(r.socket);
	free(r.parents);
	if (hook->mode == ENGINE_MODE_TCX && hook->position >= 0 &&
	    hook->chain_len > (unsigned)hook->position + 1)
		r.found += (int)hook->chain_len - hook->position - 1;
	return ret ? ret : r.found;
}
