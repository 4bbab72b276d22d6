/* SPDX-License-Identifier: BSD-2-Clause */
/* steer.c: routes and devices of now -> rules, two tables, and a map. */
#include "steer.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netlink.h"
#include "steer_routes.h"

/* A datagram to a resolver from a socket that is not connected is told by its
 * port, as its mark is older than it. */
static const struct {
	uint32_t priority, mark, mask, table;
	uint16_t udp_port; /* 0: any packet */
} steer_rules[] = {
	{STEER_NAMES, NFR_MARK_OWNED, UINT32_MAX, STEER_INSIDE, 53},
	{STEER_OUTSIDE, NFR_MARK_OUTSIDE, ~(NFR_MARK_OUTSIDE ^ NFR_MARK_OWNED),
	 STEER_OUTSIDE, 0},
	{STEER_INSIDE, NFR_MARK_INSIDE, UINT32_MAX, STEER_INSIDE, 0},
};
#define STEER_ROUTES_MAX 4096u /* each is compared with all others */
#define STEER_RULES (sizeof(steer_rules) / sizeof(steer_rules[0]))
static const uint8_t steer_families[] = {AF_INET, AF_INET6};

static int steer_socket(struct mnl_socket **out)
{
	struct mnl_socket *socket =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID)) {
		int ret = -errno;

		mnl_socket_close(socket);
		return ret;
	}
	*out = socket;
	return 0;
}

/* ---- rules --------------------------------------------------------------- */

static int rule_ask(struct mnl_socket *socket, uint16_t type, uint16_t flags,
		    uint8_t family, unsigned at)
{
	char buffer[256] __attribute__((aligned(8)));
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct fib_rule_hdr *rule =
		mnl_nlmsg_put_extra_header(message, sizeof(*rule));

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	message->nlmsg_seq = 1;
	rule->family = family;
	rule->action = FR_ACT_TO_TBL;
	mnl_attr_put_u32(message, FRA_PRIORITY, steer_rules[at].priority);
	mnl_attr_put_u32(message, FRA_FWMARK, steer_rules[at].mark);
	mnl_attr_put_u32(message, FRA_FWMASK, steer_rules[at].mask);
	mnl_attr_put_u32(message, FRA_TABLE, steer_rules[at].table);
	if (steer_rules[at].udp_port) {
		const struct fib_rule_port_range port = {
			steer_rules[at].udp_port, steer_rules[at].udp_port};

		mnl_attr_put_u8(message, FRA_IP_PROTO, IPPROTO_UDP);
		mnl_attr_put(message, FRA_DPORT_RANGE, sizeof(port), &port);
	}
	return netlink_ask(socket, message, NULL, NULL);
}

/* How many were missing, or -errno. */
static int rules_put(struct mnl_socket *socket)
{
	int count = 0;

	for (unsigned f = 0; f < 2; f++)
		for (unsigned i = 0; i < STEER_RULES; i++) {
			int ret = rule_ask(socket, RTM_NEWRULE,
					   NLM_F_CREATE | NLM_F_EXCL,
					   steer_families[f], i);

			if (ret == -EAFNOSUPPORT || ret == -EOPNOTSUPP)
				break; /* no IPv6 */
			if (ret && ret != -EEXIST)
				return ret;
			count += !ret;
		}
	return count;
}

static int rules_remove(struct mnl_socket *socket)
{
	int failed = 0;

	for (unsigned f = 0; f < 2; f++)
		for (unsigned i = 0; i < STEER_RULES; i++) {
			int ret = rule_ask(socket, RTM_DELRULE, 0,
					   steer_families[f], i);

			if (ret && ret != -ENOENT && ret != -EAFNOSUPPORT &&
			    ret != -EOPNOTSUPP)
				failed = ret;
		}
	return failed;
}

struct rules_found {
	unsigned count;
};

static int rules_message(const struct nlmsghdr *message, void *arg)
{
	struct rules_found *found = arg;
	uint32_t mark = 0, priority = 0;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct fib_rule_hdr))
	{
		if (mnl_attr_get_type(attr) == FRA_FWMARK)
			mark = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == FRA_PRIORITY)
			priority = mnl_attr_get_u32(attr);
	}
	for (unsigned i = 0; i < STEER_RULES; i++)
		found->count += mark == steer_rules[i].mark &&
				priority == steer_rules[i].priority;
	return MNL_CB_OK;
}

/* How many of ours are there, of both families; or -errno. */
static int rules_count(struct mnl_socket *socket)
{
	struct rules_found found = {0};

	for (unsigned f = 0; f < 2; f++) {
		char buffer[64] __attribute__((aligned(8)));
		struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
		struct fib_rule_hdr *rule =
			mnl_nlmsg_put_extra_header(message, sizeof(*rule));
		int ret;

		message->nlmsg_type = RTM_GETRULE;
		message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
		message->nlmsg_seq = 1 + f;
		rule->family = steer_families[f];
		ret = netlink_ask(socket, message, rules_message, &found);
		if (ret && f == 0)
			return ret;
	}
	return (int)found.count;
}

/* ---- routes -------------------------------------------------------------- */

static const struct engine_device *
steer_tunnel(const struct engine_devices *devices, uint32_t ifindex)
{
	for (size_t i = 0; i < devices->count; i++)
		if (devices->items[i].is_tunnel &&
		    devices->items[i].ifindex == ifindex)
			return &devices->items[i];
	return NULL;
}

/* Who hands on what goes to the device, on one that asks for neighbours. */
static const struct steer_route *route_by(const struct steer_routes *routes,
					  uint8_t family, uint32_t ifindex)
{
	for (size_t i = 0; i < routes->count; i++)
		if (routes->items[i].has_gateway &&
		    routes->items[i].family == family &&
		    routes->items[i].ifindex == ifindex &&
		    routes->items[i].table != STEER_INSIDE)
			return &routes->items[i];
	return NULL;
}

static int routes_add(struct steer_routes *wanted,
		      const struct steer_route *route)
{
	struct steer_route *grown =
		reallocarray(wanted->items, wanted->count + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	wanted->items = grown;
	grown[wanted->count++] = *route;
	return 0;
}

static int routes_want_inside(const struct steer_routes *now,
			      const struct engine_devices *devices,
			      struct steer_routes *wanted)
{
	int ret = 0;

	for (size_t i = 0; i < devices->count; i++) {
		const struct engine_device *device = &devices->items[i];

		if (!device->is_tunnel || !device->is_trusted ||
		    !(device->flags & IFF_UP))
			continue;
		for (unsigned f = 0; f < 2 && !ret; f++) {
			struct steer_route route;
			const struct steer_route *by = NULL;

			if (device->link == NFR_LINK_ETHER)
				by = route_by(now, steer_families[f],
					      device->ifindex);
			steer_route_default(steer_families[f], STEER_INSIDE,
					    device->ifindex, by, &route);
			ret = routes_add(wanted, &route);
		}
	}
	return ret;
}

/* The tunnel's own network is inside, whoever is excluded. */
static int routes_want(const struct steer_routes *now,
		       const struct engine_devices *devices,
		       struct steer_routes *wanted)
{
	int ret = 0;

	for (size_t i = 0; i < now->count && !ret; i++) {
		struct steer_route route = now->items[i];

		if (route.table != RT_TABLE_MAIN)
			continue;
		if (wanted->count == STEER_ROUTES_MAX)
			return -E2BIG;
		if (!steer_tunnel(devices, route.ifindex))
			route.table = STEER_OUTSIDE;
		else if (route.is_connected && route.prefix_len)
			steer_route_throw(&now->items[i], STEER_OUTSIDE,
					  &route);
		else
			continue;
		ret = routes_add(wanted, &route);
	}
	return ret ? ret : routes_want_inside(now, devices, wanted);
}

/*
 * New ones first, so that there is no moment without. A route in table main was
 * read for STEER_OUTSIDE, and so was what is there of it.
 */
static int routes_put(struct mnl_socket *socket, const struct steer_routes *now,
		      const struct steer_routes *wanted)
{
	int count = 0;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct steer_route *route = &wanted->items[i];

		if (steer_routes_have(now, route->table, route))
			continue;
		/* A device without the family, or a gateway that is gone. */
		if (!steer_route_ask(socket, RTM_NEWROUTE, NLM_F_CREATE, route))
			count++;
	}
	for (size_t i = 0; i < now->count; i++) {
		struct steer_route route = now->items[i];

		if ((route.table != STEER_OUTSIDE &&
		     route.table != STEER_INSIDE) ||
		    steer_routes_have(wanted, route.table, &route))
			continue;
		steer_route_in(&route, route.table);
		count += !steer_route_ask(socket, RTM_DELROUTE, 0, &route);
	}
	return count;
}

/* ---- the map of where the routes outside lead ------------------------------
 */

static void outside_key(const struct steer_route *route,
			struct nfr_table_key *key)
{
	*key = (struct nfr_table_key){.prefix_len = 32u + route->prefix_len};
	memcpy(key->addr + (route->family == AF_INET ? 12 : 0), route->dst,
	       route->family == AF_INET ? 4 : 16);
	if (route->family == AF_INET) {
		key->prefix_len += 96;
		key->addr[10] = key->addr[11] = 0xff;
	}
}

/* Of two for the same prefix, the one that the kernel takes. */
static bool outside_is_beaten(const struct steer_routes *wanted, size_t at)
{
	const struct steer_route *route = &wanted->items[at];

	for (size_t i = 0; i < wanted->count; i++) {
		const struct steer_route *other = &wanted->items[i];

		if (i != at && other->table == route->table &&
		    other->family == route->family &&
		    other->prefix_len == route->prefix_len &&
		    !memcmp(other->dst, route->dst, sizeof(route->dst)) &&
		    (other->priority < route->priority ||
		     (other->priority == route->priority && i < at)))
			return true;
	}
	return false;
}

static bool outside_has(const struct steer_routes *wanted,
			const struct nfr_table_key *key)
{
	struct nfr_table_key other;

	for (size_t i = 0; i < wanted->count; i++) {
		if (wanted->items[i].table != STEER_OUTSIDE)
			continue;
		outside_key(&wanted->items[i], &other);
		if (!memcmp(&other, key, sizeof(other)))
			return true;
	}
	return false;
}

static void outside_fill(int fd, const struct steer_routes *wanted)
{
	struct nfr_table_key key, next;
	bool more;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct steer_route *route = &wanted->items[i];
		uint32_t ifindex = route->leads ? route->ifindex : 0;

		if (route->table != STEER_OUTSIDE ||
		    outside_is_beaten(wanted, i))
			continue;
		outside_key(route, &key);
		bpf_map_update_elem(fd, &key, &ifindex, BPF_ANY);
	}
	more = !bpf_map_get_next_key(fd, NULL, &key);
	while (more) {
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (!outside_has(wanted, &key))
			bpf_map_delete_elem(fd, &key);
		key = next;
	}
}

/* ---- all of it ----------------------------------------------------------- */

static bool steer_is_foreign(const struct steer_routes *now)
{
	for (size_t i = 0; i < now->count; i++)
		if (now->items[i].table == STEER_OUTSIDE ||
		    now->items[i].table == STEER_INSIDE)
			return true;
	return false;
}

int steer_sync(int outside, const struct engine_devices *devices)
{
	struct steer_routes now = {0}, wanted = {0};
	struct mnl_socket *socket;
	int ret = steer_socket(&socket), rules = 0;

	if (ret)
		return ret;
	ret = steer_routes_read(socket, STEER_OUTSIDE, &now);
	if (!ret)
		ret = rules = rules_count(socket);
	if (ret == 0 && steer_is_foreign(&now))
		ret = -EEXIST;
	if (ret >= 0)
		ret = rules = rules_put(socket);
	if (ret >= 0)
		ret = routes_want(&now, devices, &wanted);
	if (ret >= 0)
		ret = routes_put(socket, &now, &wanted);
	if (ret >= 0)
		outside_fill(outside, &wanted);
	steer_routes_free(&now);
	steer_routes_free(&wanted);
	mnl_socket_close(socket);
	return ret < 0 ? ret : ret + rules;
}

int steer_remove(void)
{
	struct steer_routes now = {0};
	struct mnl_socket *socket;
	int ret = steer_socket(&socket);

	if (ret)
		return ret;
	ret = rules_count(socket);
	if (ret > 0) {
		ret = steer_routes_read(socket, STEER_OUTSIDE, &now);
		for (size_t i = 0; i < now.count; i++) {
			struct steer_route *route = &now.items[i];

			if (route->table != STEER_OUTSIDE &&
			    route->table != STEER_INSIDE)
				continue;
			steer_route_in(route, route->table);
			steer_route_ask(socket, RTM_DELROUTE, 0, route);
		}
		if (!ret)
			ret = rules_remove(socket);
	}
	steer_routes_free(&now);
	mnl_socket_close(socket);
	return ret < 0 ? ret : 0;
}

/* ---- how it stands ------------------------------------------------------- */

static int filters_strictly(const char *name)
{
	char path[96];
	FILE *file;
	int value = 0;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter",
		 name);
	file = fopen(path, "re");
	if (file) {
		if (fscanf(file, "%d", &value) != 1)
			value = 0;
		fclose(file);
	}
	return value;
}

/* The larger of both counts (Documentation/networking/ip-sysctl.rst). */
static void look_answers(const struct engine_devices *devices,
			 struct engine_path *out)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct engine_device *device = &devices->items[i];
		int all = filters_strictly("all");
		int own = filters_strictly(device->name);

		if (device->is_tunnel || device->flags & IFF_LOOPBACK ||
		    !(device->flags & IFF_UP) || (all > own ? all : own) != 1)
			continue;
		snprintf(out->why, sizeof(out->why),
			 "%s drops answers from outside: rp_filter is 1, "
			 "and should be 2 or 0",
			 device->name);
		return;
	}
}

size_t steer_look(const struct shared *shared,
		  const struct engine_devices *devices, struct engine_path *out)
{
	struct mnl_socket *socket;
	int ret;

	if (!shared->control->steers)
		return 0;
	*out = (struct engine_path){
		.name = "steering", .mode = "marks", .is_advice = true};
	ret = steer_socket(&socket);
	if (!ret) {
		ret = rules_count(socket);
		mnl_socket_close(socket);
	}
	out->is_guarded = ret >= (int)STEER_RULES;
	if (ret < 0)
		snprintf(out->why, sizeof(out->why), "ip rules: %s",
			 strerror(-ret));
	else if (ret < (int)STEER_RULES)
		snprintf(out->why, sizeof(out->why),
			 "its ip rules are not there: the routing table says "
			 "where packets go");
	else
		look_answers(devices, out);
	return 1;
}
