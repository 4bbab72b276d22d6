/* SPDX-License-Identifier: BSD-2-Clause */
/* queues.c: devices -> the frames that wait in their queues, dropped. */
#include "queues.h"

#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/if_link.h>
#include <linux/membarrier.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netlink.h"

struct queues {
	struct mnl_socket *socket;
	const struct engine_devices *devices;
	uint32_t *waiting; /* frames, of each */
	unsigned seq;
};

/* struct gnet_stats_queue, in TCA_STATS_QUEUE of TCA_STATS2 */
static uint32_t queues_length(const struct nlattr *stats)
{
	struct gnet_stats_queue queue;
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, stats)
	{
		if (mnl_attr_get_type(attr) != TCA_STATS_QUEUE ||
		    mnl_attr_get_payload_len(attr) < sizeof(queue))
			continue;
		memcpy(&queue, mnl_attr_get_payload(attr), sizeof(queue));
		return queue.qlen;
	}
	return 0;
}

/* A root counts what is in all that hangs below it. */
static int queues_message(const struct nlmsghdr *message, void *arg)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct queues *q = arg;
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWQDISC || tc->tcm_parent != TC_H_ROOT)
		return MNL_CB_OK;
	for (size_t i = 0; i < q->devices->count; i++) {
		if (q->devices->items[i].ifindex != (uint32_t)tc->tcm_ifindex)
			continue;
		mnl_attr_for_each(attr, message, sizeof(*tc))
		{
			if (mnl_attr_get_type(attr) == TCA_STATS2)
				q->waiting[i] = queues_length(attr);
		}
	}
	return MNL_CB_OK;
}

static int queues_read(struct queues *q)
{
	char buffer[256];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = RTM_GETQDISC;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = ++q->seq;
	mnl_nlmsg_put_extra_header(message, sizeof(struct tcmsg));
	memset(q->waiting, 0, q->devices->count * sizeof(*q->waiting));
	return netlink_ask(q->socket, message, queues_message, q);
}

static struct nlmsghdr *queues_link(struct queues *q, char *buffer, int type,
				    uint32_t ifindex)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	message->nlmsg_type = (__u16)type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = ++q->seq;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_index = (int)ifindex;
	return message;
}

static int queues_limit_message(const struct nlmsghdr *message, void *arg)
{
	const struct nlattr *attr;
	uint32_t *limit = arg;

	mnl_attr_for_each(attr, message, sizeof(struct ifinfomsg))
	{
		if (mnl_attr_get_type(attr) == IFLA_TXQLEN)
			*limit = mnl_attr_get_u32(attr);
	}
	return MNL_CB_OK;
}

static int queues_set_limit(struct queues *q, uint32_t ifindex, uint32_t limit)
{
	char buffer[256];
	struct nlmsghdr *message = queues_link(q, buffer, RTM_NEWLINK, ifindex);

	mnl_attr_put_u32(message, IFLA_TXQLEN, limit);
	return netlink_ask(q->socket, message, NULL, NULL);
}

/* To another length, and back. */
static int queues_flush(struct queues *q, uint32_t ifindex)
{
	uint32_t limit = 0;
	char buffer[256];
	int ret = netlink_ask(q->socket,
			      queues_link(q, buffer, RTM_GETLINK, ifindex),
			      queues_limit_message, &limit);

	if (!ret)
		ret = queues_set_limit(q, ifindex, limit ? limit - 1 : 1);
	if (!ret)
		ret = queues_set_limit(q, ifindex, limit);
	return ret;
}

static bool queues_is_outside(const struct engine_device *device)
{
	return !(device->flags & IFF_LOOPBACK) && !device->is_tunnel &&
	       !device->is_skipped;
}

int queues_empty(const struct engine_devices *devices,
		 void (*say)(void *arg, const char *device, uint32_t frames,
			     int error),
		 void *arg)
{
	struct queues q = {.devices = devices};
	int ret = -ENOMEM;

	/* What went by the hooks before they were there is in a queue now. */
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	q.waiting = calloc(devices->count + 1, sizeof(*q.waiting));
	if (!q.waiting)
		goto out;
	q.socket = netlink_open(NETLINK_ROUTE);
	ret = q.socket ? queues_read(&q) : -errno;
	for (size_t i = 0; i < devices->count && !ret; i++) {
		const struct engine_device *device = &devices->items[i];

		if (q.waiting[i] && queues_is_outside(device))
			say(arg, device->name, q.waiting[i],
			    queues_flush(&q, device->ifindex));
	}
out:
	if (q.socket)
		mnl_socket_close(q.socket);
	free(q.waiting);
	return ret;
}
