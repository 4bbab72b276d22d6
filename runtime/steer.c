/* SPDX-License-Identifier: BSD-2-Clause */
/* steer.c: routes and devices of now -> rules, two tables, and a map. */
#include "steer.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netlink.h"
#include "steer_routes.h"
#include "steer_rules.h"

#define STEER_ROUTES_MAX 4096u /* each is compared with all others */
#define STEER_HALF                                                             \
	1u /* prefix: two of these are as good as a default route              \
	    */
static const uint8_t steer_families[] = {AF_INET, AF_INET6};

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

struct outside_entry {
	struct nfr_table_key key;
	uint32_t value;
};

struct outside {
	struct outside_entry *items;
	size_t count;
};

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

static struct outside_entry *outside_find(const struct outside *outside,
					  const struct nfr_table_key *key)
{
	for (size_t i = 0; i < outside->count; i++)
		if (!memcmp(&outside->items[i].key, key, sizeof(*key)))
			return &outside->items[i];
	return NULL;
}

static void outside_add(struct outside *outside,
			const struct steer_route *route, uint32_t value)
{
	struct outside_entry *entry = &outside->items[outside->count];

	outside_key(route, &entry->key);
	entry->value = value;
	outside->count += !outside_find(outside, &entry->key);
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

static bool prefix_covers(const struct steer_route *wide,
			  const struct steer_route *narrow)
{
	unsigned bytes = wide->prefix_len / 8, bits = wide->prefix_len % 8;

	return wide->family == narrow->family &&
	       wide->prefix_len <= narrow->prefix_len &&
	       !memcmp(wide->dst, narrow->dst, bytes) &&
	       (!bits ||
		!((wide->dst[bytes] ^ narrow->dst[bytes]) >> (8 - bits)));
}

/* Where all of a prefix would go outside; 0: nowhere. */
static uint32_t outside_of(const struct steer_routes *wanted,
			   const struct steer_route *narrow)
{
	const struct steer_route *best = NULL;

	for (size_t i = 0; i < wanted->count; i++) {
		const struct steer_route *route = &wanted->items[i];

		if (route->table == STEER_OUTSIDE &&
		    prefix_covers(route, narrow) &&
		    !outside_is_beaten(wanted, i) &&
		    (!best || route->prefix_len > best->prefix_len))
			best = route;
	}
	return best && best->leads ? best->ifindex : 0;
}

/* Does table main lead this part of the world into the tunnel, and no more? */
static bool route_is_own_word(const struct steer_route *route,
			      const struct engine_devices *devices)
{
	return route->table == RT_TABLE_MAIN && !route->is_connected &&
	       route->prefix_len > STEER_HALF &&
	       steer_tunnel(devices, route->ifindex);
}

static int outside_list(const struct steer_routes *now,
			const struct steer_routes *wanted,
			const struct engine_devices *devices,
			struct outside *out)
{
	const struct steer_route ipv4 = {.family = AF_INET};

	out->items =
		calloc(now->count + wanted->count + 1, sizeof(*out->items));
	if (!out->items)
		return -ENOMEM;
	for (size_t i = 0; i < wanted->count; i++) {
		const struct steer_route *route = &wanted->items[i];

		if (route->table == STEER_OUTSIDE &&
		    !outside_is_beaten(wanted, i))
			outside_add(out, route,
				    route->leads ? route->ifindex : 0);
	}
	for (size_t i = 0; i < now->count; i++)
		if (route_is_own_word(&now->items[i], devices))
			outside_add(out, &now->items[i],
				    outside_of(wanted, &now->items[i]) |
					    NFR_OUTSIDE_OWN);
	/* IPv6's default route is none of IPv4's. */
	outside_add(out, &ipv4, 0);
	return 0;
}

static int outside_fill(int fd, const struct steer_routes *now,
			const struct steer_routes *wanted,
			const struct engine_devices *devices)
{
	struct outside outside = {0};
	struct nfr_table_key key, next;
	bool more;
	int ret = outside_list(now, wanted, devices, &outside);

	if (ret)
		return ret;
	for (size_t i = 0; i < outside.count; i++)
		bpf_map_update_elem(fd, &outside.items[i].key,
				    &outside.items[i].value, BPF_ANY);
	more = !bpf_map_get_next_key(fd, NULL, &key);
	while (more) {
		more = !bpf_map_get_next_key(fd, &key, &next);
		if (!outside_find(&outside, &key))
			bpf_map_delete_elem(fd, &key);
		key = next;
	}
	free(outside.items);
	return 0;
}

/* ---- all of it ----------------------------------------------------------- */

/* What is there, and what is asked of it. */
struct steer {
	struct mnl_socket *socket;
	struct steer_routes routes;
	struct steer_rules rules;
	const struct engine_devices *devices;
};

static int steer_open(struct steer *steer, const struct engine_devices *devices)
{
	int ret;

	*steer = (struct steer){.devices = devices};
	steer->socket = netlink_open(NETLINK_ROUTE);
	if (!steer->socket)
		return -errno;
	ret = steer_routes_read(steer->socket, STEER_OUTSIDE, &steer->routes);
	if (!ret)
		ret = steer_rules_read(steer->socket, &steer->rules);
	return ret;
}

static void steer_close(struct steer *steer)
{
	steer_routes_free(&steer->routes);
	steer_rules_free(&steer->rules);
	if (steer->socket)
		mnl_socket_close(steer->socket);
}

/* Does the table lead anything into the tunnel? */
static bool steer_leads(const void *arg, uint32_t table)
{
	const struct steer *steer = arg;

	for (size_t i = 0; i < steer->routes.count; i++) {
		const struct steer_route *route = &steer->routes.items[i];

		if (route->table == table && route->leads &&
		    steer_tunnel(steer->devices, route->ifindex))
			return true;
	}
	return false;
}

static bool steer_has_routes(const struct steer *steer)
{
	for (size_t i = 0; i < steer->routes.count; i++)
		if (steer->routes.items[i].table == STEER_OUTSIDE ||
		    steer->routes.items[i].table == STEER_INSIDE)
			return true;
	return false;
}

static int steer_put(struct steer *steer, int outside)
{
	struct steer_routes wanted = {0};
	int ret, count;

	if (!steer_rules_own(&steer->rules) && steer_has_routes(steer))
		return -EEXIST;
	ret = count = steer_rules_put(steer->socket, &steer->rules, steer_leads,
				      steer);
	if (ret >= 0)
		ret = routes_want(&steer->routes, steer->devices, &wanted);
	if (ret >= 0)
		ret = routes_put(steer->socket, &steer->routes, &wanted);
	if (ret >= 0) {
		count += ret;
		ret = outside_fill(outside, &steer->routes, &wanted,
				   steer->devices);
	}
	steer_routes_free(&wanted);
	return ret < 0 ? ret : count;
}

static int steer_take(struct steer *steer)
{
	if (!steer_rules_own(&steer->rules))
		return 0;
	for (size_t i = 0; i < steer->routes.count; i++) {
		struct steer_route *route = &steer->routes.items[i];

		if (route->table != STEER_OUTSIDE &&
		    route->table != STEER_INSIDE)
			continue;
		steer_route_in(route, route->table);
		steer_route_ask(steer->socket, RTM_DELROUTE, 0, route);
	}
	return steer_rules_remove(steer->socket, &steer->rules);
}

int steer_remove(void)
{
	struct steer steer;
	int ret = steer_open(&steer, NULL);

	if (!ret)
		ret = steer_take(&steer);
	steer_close(&steer);
	return ret;
}

bool steer_splits(const struct image *image)
{
	for (uint32_t i = 0; i < image->iface_count; i++)
		if (image->ifaces[i].flags & IMAGE_IFACE_SPLIT)
			return true;
	return false;
}

/* The policy in force steers, or one that a timer may put in force. */
static bool steer_is_wanted(const struct shared *shared)
{
	const struct nfr_control *control = shared->control;
	struct nfr_pending pending;
	struct engine_error ignored;

	if (NFR_STEER_HAS(control, control->active))
		return true;
	return !shared_pending(shared, &pending, &ignored) &&
	       pending.state == NFR_PENDING_WAITING &&
	       NFR_STEER_HAS(control, pending.to_slot);
}

int steer_update(const struct shared *shared, int outside,
		 const struct engine_devices *devices)
{
	struct nfr_control *control = shared->control;
	struct steer steer;
	int ret;

	if (!steer_is_wanted(shared)) {
		ret = control->steers & NFR_STEER_PLACED ? steer_remove() : 0;
		if (!ret)
			control->steers &= ~NFR_STEER_PLACED;
		return ret;
	}
	ret = steer_open(&steer, devices);
	if (!ret) {
		control->steers |= NFR_STEER_PLACED;
		ret = steer_put(&steer, outside);
	}
	if (ret == -EEXIST) /* it would be removed as ours */
		control->steers &= ~NFR_STEER_PLACED;
	steer_close(&steer);
	return ret;
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
		  const struct engine_devices *devices, bool splits,
		  struct engine_path *out)
{
	bool steers = NFR_STEER_HAS(shared->control, shared->control->active);
	bool is_left = shared->control->steers & NFR_STEER_PLACED &&
		       !steer_is_wanted(shared);
	struct steer steer;
	int ret;

	if (!steers && !is_left && !splits)
		return 0;
	*out = (struct engine_path){.name = "steering",
				    .mode = steers ? "marks" : "none",
				    .is_advice = true};
	ret = steer_open(&steer, devices);
	if (ret)
		snprintf(out->why, sizeof(out->why), "ip rules: %s",
			 strerror(-ret));
	else if (is_left)
		snprintf(out->why, sizeof(out->why),
			 "ip rules of a policy that is not in force are left: "
			 "nfload watch, or the next apply, removes them");
	else if (!steers)
		snprintf(out->why, sizeof(out->why),
			 "off: who is excluded goes where the routing table "
			 "says, or is blocked; apply --steer=auto");
	else if (!steer_rules_are_placed(&steer.rules, steer_leads, &steer))
		snprintf(out->why, sizeof(out->why),
			 "its ip rules are missing, or others come first: "
			 "nfload watch, or the next apply, mends it");
	else
		out->is_guarded = true;
	if (out->is_guarded)
		look_answers(devices, out);
	steer_close(&steer);
	return 1;
}
