/* SPDX-License-Identifier: BSD-2-Clause */
/* steer_routes.c: rtnetlink -> routes, and back. */
#include "steer_routes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "netlink.h"

#define STEER_TRIES 5 /* a dump during which routes changed is asked again */

struct steer_read {
	struct steer_routes *routes;
	uint32_t into;
};

void steer_routes_free(struct steer_routes *routes)
{
	free(routes->items);
	*routes = (struct steer_routes){0};
}

/* What says where it leads; not what a table or its age is. */
static bool route_keeps(const struct rtmsg *rtm, uint16_t type)
{
	switch (type) {
	case RTA_DST:
	case RTA_PRIORITY:
	case RTA_METRICS:
		return true;
	case RTA_OIF:
	case RTA_GATEWAY:
	case RTA_VIA:
	case RTA_MULTIPATH:
	case RTA_PREFSRC:
	case RTA_PREF:
	case RTA_ENCAP:
	case RTA_ENCAP_TYPE:
		return rtm->rtm_type == RTN_UNICAST;
	default:
		return false;
	}
}

static void route_address(const struct nlattr *attr, uint8_t out[16])
{
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(out, mnl_attr_get_payload(attr), len < 16 ? len : 16);
}

static void route_facts(const struct nlattr *attr, struct steer_route *route)
{
	const struct rtnexthop *hop = mnl_attr_get_payload(attr);

	switch (mnl_attr_get_type(attr)) {
	case RTA_TABLE:
		route->table = mnl_attr_get_u32(attr);
		break;
	case RTA_DST:
		route_address(attr, route->dst);
		break;
	case RTA_OIF:
		route->ifindex = mnl_attr_get_u32(attr);
		break;
	case RTA_PRIORITY:
		route->priority = mnl_attr_get_u32(attr);
		break;
	case RTA_GATEWAY:
		route_address(attr, route->gateway);
		route->has_gateway = true;
		break;
	case RTA_MULTIPATH:
		if (mnl_attr_get_payload_len(attr) >= sizeof(*hop))
			route->ifindex = (uint32_t)hop->rtnh_ifindex;
		break;
	default:
		break;
	}
}

/* The message's own header, with the table it is to be in. */
static struct nlmsghdr *route_begin(char *buffer, const struct rtmsg *from,
				    uint32_t table)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(message, sizeof(*rtm));

	*rtm = (struct rtmsg){
		.rtm_family = from->rtm_family,
		.rtm_dst_len = from->rtm_dst_len,
		.rtm_tos = from->rtm_tos,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_scope = from->rtm_scope,
		.rtm_type = from->rtm_type,
		.rtm_flags = from->rtm_flags & RTNH_F_ONLINK,
	};
	mnl_attr_put_u32(message, RTA_TABLE, table);
	return message;
}

static void route_end(const struct nlmsghdr *message, struct steer_route *route)
{
	route->len = message->nlmsg_len - MNL_NLMSG_HDRLEN;
	memcpy(route->bytes, mnl_nlmsg_get_payload(message), route->len);
}

static bool route_parse(const struct nlmsghdr *message, uint32_t into,
			struct steer_route *route)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	char buffer[2 * STEER_ROUTE_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *made = route_begin(buffer, rtm, into);
	const struct nlattr *attr;

	*route = (struct steer_route){
		.family = rtm->rtm_family,
		.prefix_len = rtm->rtm_dst_len,
		.table = rtm->rtm_table,
		.is_connected = rtm->rtm_protocol == RTPROT_KERNEL,
		.leads = rtm->rtm_type == RTN_UNICAST &&
			 !(rtm->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN)),
	};
	if (rtm->rtm_flags & RTM_F_CLONED ||
	    (rtm->rtm_type != RTN_UNICAST && rtm->rtm_type != RTN_BLACKHOLE &&
	     rtm->rtm_type != RTN_UNREACHABLE &&
	     rtm->rtm_type != RTN_PROHIBIT && rtm->rtm_type != RTN_THROW))
		return false;
	mnl_attr_for_each(attr, message, sizeof(*rtm))
	{
		uint16_t type = mnl_attr_get_type(attr);
		uint16_t len = mnl_attr_get_payload_len(attr);

		route_facts(attr, route);
		if (!route_keeps(rtm, type))
			continue;
		if (made->nlmsg_len + MNL_ALIGN(len) + MNL_ATTR_HDRLEN >
		    STEER_ROUTE_MAX)
			return false;
		mnl_attr_put(made, attr->nla_type, len,
			     mnl_attr_get_payload(attr));
	}
	if (rtm->rtm_type != RTN_UNICAST)
		route->ifindex = 0; /* IPv6 says loopback */
	route_end(made, route);
	return true;
}

static int routes_message(const struct nlmsghdr *message, void *arg)
{
	const struct steer_read *read = arg;
	struct steer_routes *routes = read->routes;
	struct steer_route *grown;

	if (message->nlmsg_type != RTM_NEWROUTE)
		return MNL_CB_OK;
	if (!(routes->count & (routes->count - 1))) { /* it doubles */
		size_t room = routes->count ? 2 * routes->count : 1;

		grown = reallocarray(routes->items, room, sizeof(*grown));
		if (!grown)
			return MNL_CB_ERROR;
		routes->items = grown;
	}
	if (route_parse(message, read->into, &routes->items[routes->count]))
		routes->count++;
	return MNL_CB_OK;
}

static int routes_dump(struct mnl_socket *socket, uint8_t family,
		       struct steer_read *read)
{
	char buffer[MNL_NLMSG_HDRLEN + sizeof(struct rtmsg)]
		__attribute__((aligned(8)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(message, sizeof(*rtm));

	message->nlmsg_type = RTM_GETROUTE;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = family;
	rtm->rtm_family = family;
	return netlink_ask(socket, message, routes_message, read);
}

int steer_routes_read(struct mnl_socket *socket, uint32_t into,
		      struct steer_routes *routes)
{
	struct steer_read read = {.routes = routes, .into = into};
	int ret = -EINTR;

	for (unsigned try = 0; try < STEER_TRIES && ret == -EINTR; try++) {
		steer_routes_free(routes);
		ret = routes_dump(socket, AF_INET, &read);
		if (!ret)
			ret = routes_dump(socket, AF_INET6, &read);
	}
	if (ret == -ENOENT || ret == -EOPNOTSUPP) /* no IPv6 */
		ret = 0;
	return ret;
}

static bool route_is(const struct steer_route *a, const struct steer_route *b)
{
	if (!a->is_made && !b->is_made)
		return a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
	return a->family == b->family && a->prefix_len == b->prefix_len &&
	       !memcmp(a->dst, b->dst, sizeof(a->dst)) &&
	       a->ifindex == b->ifindex && a->has_gateway == b->has_gateway &&
	       !memcmp(a->gateway, b->gateway, sizeof(a->gateway));
}

bool steer_routes_have(const struct steer_routes *routes, uint32_t table,
		       const struct steer_route *route)
{
	for (size_t i = 0; i < routes->count; i++) {
		const struct steer_route *other = &routes->items[i];

		if (other->table == table && route_is(other, route))
			return true;
	}
	return false;
}

void steer_route_default(uint8_t family, uint32_t table, uint32_t ifindex,
			 const struct steer_route *by, struct steer_route *out)
{
	const struct rtmsg rtm = {
		.rtm_family = family,
		.rtm_type = RTN_UNICAST,
		.rtm_scope = family == AF_INET && !by ? RT_SCOPE_LINK
						      : RT_SCOPE_UNIVERSE,
		.rtm_flags = by ? RTNH_F_ONLINK : 0,
	};
	char buffer[STEER_ROUTE_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *message = route_begin(buffer, &rtm, table);

	*out = (struct steer_route){
		.family = family,
		.table = table,
		.ifindex = ifindex,
		.leads = true,
		.is_made = true,
		.has_gateway = by,
	};
	if (by)
		memcpy(out->gateway, by->gateway, sizeof(out->gateway));
	if (by)
		mnl_attr_put(message, RTA_GATEWAY, family == AF_INET ? 4 : 16,
			     by->gateway);
	mnl_attr_put_u32(message, RTA_OIF, ifindex);
	route_end(message, out);
}

void steer_route_throw(const struct steer_route *of, uint32_t table,
		       struct steer_route *out)
{
	const struct rtmsg rtm = {
		.rtm_family = of->family,
		.rtm_dst_len = of->prefix_len,
		.rtm_type = RTN_THROW,
	};
	char buffer[STEER_ROUTE_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *message = route_begin(buffer, &rtm, table);

	*out = (struct steer_route){
		.family = of->family,
		.prefix_len = of->prefix_len,
		.table = table,
		.is_made = true,
	};
	memcpy(out->dst, of->dst, sizeof(out->dst));
	mnl_attr_put(message, RTA_DST, of->family == AF_INET ? 4 : 16, of->dst);
	route_end(message, out);
}

/* The attribute comes first. */
void steer_route_in(struct steer_route *route, uint32_t table)
{
	memcpy(route->bytes + MNL_ALIGN(sizeof(struct rtmsg)) + MNL_ATTR_HDRLEN,
	       &table, sizeof(table));
}

int steer_route_ask(struct mnl_socket *socket, uint16_t type, uint16_t flags,
		    const struct steer_route *route)
{
	char buffer[MNL_NLMSG_HDRLEN + STEER_ROUTE_MAX]
		__attribute__((aligned(8)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	message->nlmsg_seq = 1;
	memcpy(mnl_nlmsg_put_extra_header(message, route->len), route->bytes,
	       route->len);
	return netlink_ask(socket, message, NULL, NULL);
}
