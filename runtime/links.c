/* SPDX-License-Identifier: BSD-2-Clause */
/* links.c: rtnetlink -> the network devices of this namespace. */
#include "links.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "netlink.h"

#ifndef ARPHRD_RAWIP
#define ARPHRD_RAWIP 519
#endif

#define LINKS_TRIES 5 /* a dump during which devices changed is asked again */

enum nfr_link links_type(uint16_t arphrd)
{
	switch (arphrd) {
	case ARPHRD_ETHER:
	case ARPHRD_LOOPBACK:
		return NFR_LINK_ETHER;
	case ARPHRD_NONE:
	case ARPHRD_RAWIP:
	case ARPHRD_PPP:
		return NFR_LINK_RAW;
	default:
		return NFR_LINK_UNKNOWN;
	}
}

const struct engine_device *links_find(const struct engine_devices *devices,
				       uint32_t ifindex)
{
	for (size_t i = 0; i < devices->count; i++) {
		if (devices->items[i].ifindex == ifindex)
			return &devices->items[i];
	}
	return NULL;
}

void engine_devices_free(struct engine_devices *devices)
{
	free(devices->items);
	*devices = (struct engine_devices){0};
}

static void links_text(const struct nlattr *attr, char out[IF_NAMESIZE])
{
	size_t len = mnl_attr_get_payload_len(attr);

	len = strnlen(mnl_attr_get_payload(attr), len);
	if (len >= IF_NAMESIZE)
		len = IF_NAMESIZE - 1;
	memcpy(out, mnl_attr_get_payload(attr), len);
	out[len] = '\0';
}

static void links_xdp(const struct nlattr *nest, struct engine_device *device)
{
	const struct nlattr *attr;
	uint32_t native_id = 0;

	mnl_attr_for_each_nested(attr, nest)
	{
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == IFLA_XDP_ATTACHED && len == 1)
			device->xdp_mode = mnl_attr_get_u8(attr);
		else if (mnl_attr_get_type(attr) == IFLA_XDP_PROG_ID &&
			 len == 4)
			device->xdp_prog_id = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == IFLA_XDP_DRV_PROG_ID &&
			 len == 4)
			native_id = mnl_attr_get_u32(attr);
	}
	if (device->xdp_mode == XDP_ATTACHED_MULTI) {
		device->xdp_mode = XDP_ATTACHED_DRV;
		device->xdp_prog_id = native_id;
	}
}

static void links_kind(const struct nlattr *nest, struct engine_device *device)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == IFLA_INFO_KIND)
			links_text(attr, device->kind);
	}
}

static int links_message(const struct nlmsghdr *message, void *arg)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct engine_devices *devices = arg;
	struct engine_device *grown, *device;
	const struct nlattr *attr;

	if (message->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	grown = reallocarray(devices->items, devices->count + 1,
			     sizeof(*devices->items));
	if (!grown)
		return MNL_CB_ERROR;
	devices->items = grown;
	device = &grown[devices->count++];
	*device = (struct engine_device){
		.ifindex = (uint32_t)info->ifi_index,
		.arphrd = info->ifi_type,
		.flags = info->ifi_flags,
		.link = links_type(info->ifi_type),
	};
	mnl_attr_for_each(attr, message, sizeof(*info))
	{
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			links_text(attr, device->name);
			break;
		case IFLA_GROUP:
			if (mnl_attr_validate(attr, MNL_TYPE_U32) >= 0)
				device->group = mnl_attr_get_u32(attr);
			break;
		case IFLA_XDP:
			links_xdp(attr, device);
			break;
		case IFLA_LINKINFO:
			links_kind(attr, device);
			break;
		}
	}
	return MNL_CB_OK;
}

static int links_dump(struct mnl_socket *socket, unsigned seq,
		      struct engine_devices *devices)
{
	char buffer[1024];
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *info;

	message->nlmsg_type = RTM_GETLINK;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = seq;
	info = mnl_nlmsg_put_extra_header(message, sizeof(*info));
	info->ifi_family = AF_UNSPEC;
	return netlink_ask(socket, message, links_message, devices);
}

static int links_compare(const void *a, const void *b)
{
	const struct engine_device *left = a, *right = b;

	return (left->ifindex > right->ifindex) -
	       (left->ifindex < right->ifindex);
}

int links_list(struct engine_devices *out)
{
	struct engine_devices devices = {0};
	struct mnl_socket *socket = netlink_open(NETLINK_ROUTE);
	int ret = -EINTR;

	if (!socket)
		return -errno;
	for (unsigned try = 1; try <= LINKS_TRIES && ret == -EINTR; try++) {
		engine_devices_free(&devices);
		ret = links_dump(socket, try, &devices);
	}
	if (ret)
		goto out;
	if (devices.count)
		qsort(devices.items, devices.count, sizeof(*devices.items),
		      links_compare);
	*out = devices;
	devices = (struct engine_devices){0};
out:
	engine_devices_free(&devices);
	mnl_socket_close(socket);
	return ret;
}
