/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c: the running system, or a JSON profile -> what names mean here.
 * Nothing asks the DNS, and nothing needs root.
 */
#include "host.h"

#include <errno.h>
#include <ifaddrs.h>
#include <jansson.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define PORT_MAX 65535

struct service {
	const char *name, *proto;
	int port;
};

struct host {
	struct host_iface *ifaces;
	const char **names;
	size_t iface_count, iface_capacity;
	struct service *services; /* unless the system is asked */
	size_t service_count, service_capacity;
	bool has_services;
};

/* Protocols by pf's names; the first name of a number is its canonical one. */
static const struct {
	const char *name;
	unsigned number;
} protocols[] = {
	{"tcp", 6},	    {"udp", 17},	{"icmp", 1},
	{"ipv6-icmp", 58},  {"icmp6", 58},	{"igmp", 2},
	{"ipencap", 4},	    {"egp", 8},		{"igp", 9},
	{"rdp", 27},	    {"dccp", 33},	{"ipv6", 41},
	{"ipv6-route", 43}, {"ipv6-frag", 44},	{"rsvp", 46},
	{"gre", 47},	    {"esp", 50},	{"ah", 51},
	{"skip", 57},	    {"ipv6-nonxt", 59}, {"ipv6-opts", 60},
	{"eigrp", 88},	    {"ospf", 89},	{"etherip", 97},
	{"encap", 98},	    {"pim", 103},	{"ipcomp", 108},
	{"carp", 112},	    {"vrrp", 112},	{"l2tp", 115},
	{"sctp", 132},	    {"mobility", 135},	{"udplite", 136},
};

int host_proto(const char *name)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (strcmp(protocols[i].name, name) == 0)
			return (int)protocols[i].number;
	return -1;
}

const char *host_proto_name(unsigned number)
{
	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (protocols[i].number == number)
			return protocols[i].name;
	return NULL;
}

const struct host_iface *host_iface(const struct host *h, const char *name)
{
	for (size_t i = 0; i < h->iface_count; i++)
		if (strcmp(h->ifaces[i].name, name) == 0)
			return &h->ifaces[i];
	return NULL;
}

const char *const *host_iface_names(const struct host *h, size_t *count)
{
	*count = h->iface_count;
	return h->names;
}

static int service_of_system(const char *name, const char *proto)
{
	const struct servent *s = getservbyname(name, proto);

	return s ? ntohs((uint16_t)s->s_port) : -1;
}

int host_service(const struct host *h, const char *name, const char *proto)
{
	if (!h->has_services)
		return service_of_system(name, proto);
	for (size_t i = 0; i < h->service_count; i++)
		if (strcmp(h->services[i].name, name) == 0 &&
		    (!proto || strcmp(h->services[i].proto, proto) == 0))
			return h->services[i].port;
	return -1;
}

static struct host_iface *iface_add(struct arena *a, struct host *h,
				    const char *name)
{
	struct host_iface *iface;

	h->ifaces = arena_grow(a, h->ifaces, h->iface_count, &h->iface_capacity,
			       sizeof(*h->ifaces));
	iface = &h->ifaces[h->iface_count++];
	memset(iface, 0, sizeof(*iface));
	iface->name = arena_strdup(a, name);
	return iface;
}

static void iface_add_addr(struct arena *a, struct host_iface *iface,
			   const struct host_addr *addr)
{
	struct host_addr *more =
		arena_alloc(a, (iface->addr_count + 1) * sizeof(*more));

	if (iface->addr_count)
		memcpy(more, iface->addrs, iface->addr_count * sizeof(*more));
	more[iface->addr_count++] = *addr;
	iface->addrs = more;
}

static void names_fill(struct arena *a, struct host *h)
{
	h->names = arena_alloc(a, (h->iface_count + 1) * sizeof(*h->names));
	for (size_t i = 0; i < h->iface_count; i++)
		h->names[i] = h->ifaces[i].name;
}

/* ---- the running system ------------------------------------------------ */

static bool addr_of_sockaddr(const struct sockaddr *sa, struct addr *out,
			     enum addr_family *family)
{
	uint8_t bytes[16];
	unsigned len;

	memset(out, 0, sizeof(*out));
	if (sa && sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;
		*family = FAMILY_IPV4;
		len = 4;
		memcpy(bytes, &in->sin_addr, len);
	} else if (sa && sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)sa;
		*family = FAMILY_IPV6;
		len = 16;
		memcpy(bytes, &in6->sin6_addr, len);
	} else {
		return false;
	}
	for (unsigned i = 0; i < len; i++)
		out->w[i / 4] |= (uint32_t)bytes[i] << (24 - i % 4 * 8);
	return true;
}

static uint8_t mask_len(const struct sockaddr *mask, unsigned full)
{
	enum addr_family family;
	struct addr a;
	unsigned len = 0;

	if (!addr_of_sockaddr(mask, &a, &family))
		return (uint8_t)full;
	for (unsigned i = 0; i < 4; i++)
		len += (unsigned)__builtin_popcount(a.w[i]);
	return (uint8_t)len;
}

/* IPv4 aliases are listed by their label, as in eth0:1. */
static struct host_iface *iface_of_label(struct host *h, const char *label)
{
	size_t len = strcspn(label, ":");

	for (size_t i = 0; i < h->iface_count; i++)
		if (strcmp(h->ifaces[i].name, label) == 0 ||
		    (strlen(h->ifaces[i].name) == len &&
		     memcmp(h->ifaces[i].name, label, len) == 0))
			return &h->ifaces[i];
	return NULL;
}

static void system_add_addr(struct arena *a, struct host *h,
			    const struct ifaddrs *ifa)
{
	struct host_iface *iface = iface_of_label(h, ifa->ifa_name);
	struct host_addr addr = {0};
	enum addr_family family;

	if (!iface)
		return;
	iface->is_loopback |= (ifa->ifa_flags & IFF_LOOPBACK) != 0;
	if (!addr_of_sockaddr(ifa->ifa_addr, &addr.addr, &addr.family))
		return;
	addr.prefix_len = mask_len(ifa->ifa_netmask, addr_bits(addr.family));
	if ((ifa->ifa_flags & IFF_BROADCAST) && addr.family == FAMILY_IPV4)
		addr_of_sockaddr(ifa->ifa_broadaddr, &addr.broadcast, &family);
	if (ifa->ifa_flags & IFF_POINTOPOINT)
		addr_of_sockaddr(ifa->ifa_dstaddr, &addr.peer, &family);
	iface_add_addr(a, iface, &addr);
}

int host_system(struct arena *a, struct host **out)
{
	struct host *h = arena_new_of(a, struct host);
	struct if_nameindex *index = if_nameindex();
	struct ifaddrs *ifas = NULL;
	int err = 0;

	if (!index || getifaddrs(&ifas) != 0) {
		err = -errno;
		goto done;
	}
	for (const struct if_nameindex *i = index; i->if_name; i++)
		iface_add(a, h, i->if_name);
	for (const struct ifaddrs *i = ifas; i; i = i->ifa_next)
		system_add_addr(a, h, i);
	names_fill(a, h);
	*out = h;
done:
	if (ifas)
		freeifaddrs(ifas);
	if (index)
		if_freenameindex(index);
	return err;
}

/* ---- a profile --------------------------------------------------------- */

struct profile {
	struct arena *arena;
	struct host *host;
	const char *path;
	const char *error;
};

static bool profile_error(struct profile *p, const char *what,
			  const char *wanted)
{
	p->error = arena_printf(p->arena, "%s: %s %s", p->path, what, wanted);
	return false;
}

static bool profile_prefix(struct profile *p, const char *text,
			   struct host_addr *out)
{
	const char *slash = strchr(text, '/');
	char *end = NULL;
	unsigned long len;
	const char *addr =
		slash ? arena_strndup(p->arena, text, (size_t)(slash - text))
		      : text;

	if (addr_parse(addr, &out->addr, &out->family) != 0)
		return profile_error(p, text, "is not an address");
	len = addr_bits(out->family);
	if (slash) {
		unsigned long max = len;

		len = strtoul(slash + 1, &end, 10);
		if (end == slash + 1 || *end || len > max)
			return profile_error(p, text, "is not a prefix");
	}
	out->prefix_len = (uint8_t)len;
	return true;
}

static bool profile_member(struct profile *p, const json_t *object,
			   const char *key, struct addr *out)
{
	const json_t *member = json_object_get(object, key);
	enum addr_family family;

	if (!member)
		return true;
	if (!json_is_string(member) ||
	    addr_parse(json_string_value(member), out, &family) != 0)
		return profile_error(p, key, "must be an address");
	return true;
}

static bool profile_addr(struct profile *p, const json_t *value,
			 struct host_addr *out)
{
	const json_t *text = json_is_object(value)
				     ? json_object_get(value, "address")
				     : value;

	if (!json_is_string(text))
		return profile_error(p, "each of addresses",
				     "must be \"address/length\"");
	return profile_prefix(p, json_string_value(text), out) &&
	       (!json_is_object(value) ||
		(profile_member(p, value, "broadcast", &out->broadcast) &&
		 profile_member(p, value, "peer", &out->peer)));
}

static bool profile_iface(struct profile *p, const json_t *value)
{
	const json_t *name = json_object_get(value, "name");
	const json_t *addrs = json_object_get(value, "addresses");
	const json_t *loopback = json_object_get(value, "loopback");
	struct host_iface *iface;

	if (!json_is_string(name) || !*json_string_value(name))
		return profile_error(p, "each of interfaces",
				     "must be an object with a name");
	if (host_iface(p->host, json_string_value(name)))
		return profile_error(p, json_string_value(name),
				     "is in interfaces twice");
	if ((addrs && !json_is_array(addrs)) ||
	    (loopback && !json_is_boolean(loopback)))
		return profile_error(
			p, json_string_value(name),
			"has addresses or loopback of a wrong type");
	iface = iface_add(p->arena, p->host, json_string_value(name));
	iface->is_loopback = json_is_true(loopback);
	for (size_t i = 0; i < json_array_size(addrs); i++) {
		struct host_addr addr = {0};

		if (!profile_addr(p, json_array_get(addrs, i), &addr))
			return false;
		iface_add_addr(p->arena, iface, &addr);
	}
	return true;
}

static bool profile_number(struct profile *p, const json_t *value,
			   const char *key, json_int_t max)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0 ||
	    json_integer_value(value) > max)
		return profile_error(p, key, "must be a number in range");
	return true;
}

static bool profile_ids(struct profile *p, const json_t *root, const char *key)
{
	json_t *ids = json_object_get(root, key), *id;
	const char *name;

	if (ids && !json_is_object(ids))
		return profile_error(p, key, "must be an object");
	json_object_foreach(
		ids, name,
		id) if (!profile_number(p, id, name, UINT32_MAX)) return false;
	return true;
}

static void service_add(struct profile *p, const char *name, const char *proto,
			int port)
{
	struct host *h = p->host;

	h->services = arena_grow(p->arena, h->services, h->service_count,
				 &h->service_capacity, sizeof(*h->services));
	h->services[h->service_count++] = (struct service){
		.name = arena_strdup(p->arena, name),
		.proto = arena_strdup(p->arena, proto),
		.port = port,
	};
}

static bool profile_services(struct profile *p, const json_t *root)
{
	json_t *services = json_object_get(root, "services"), *ports, *port;
	const char *name, *proto;

	if (services && !json_is_object(services))
		return profile_error(p, "services", "must be an object");
	p->host->has_services = services != NULL;
	json_object_foreach(services, name, ports)
	{
		if (!json_is_object(ports))
			return profile_error(p, name,
					     "must be like {\"tcp\": 22}");
		json_object_foreach(ports, proto, port)
		{
			if (!profile_number(p, port, name, PORT_MAX))
				return false;
			service_add(p, name, proto,
				    (int)json_integer_value(port));
		}
	}
	return true;
}

static bool profile_fill(struct profile *p, const json_t *root)
{
	const json_t *ifaces = json_object_get(root, "interfaces");

	if (!json_is_object(root))
		return profile_error(p, "a profile", "must be an object");
	if (!json_is_array(ifaces))
		return profile_error(p, "interfaces", "must be an array");
	for (size_t i = 0; i < json_array_size(ifaces); i++)
		if (!profile_iface(p, json_array_get(ifaces, i)))
			return false;
	return profile_services(p, root) && profile_ids(p, root, "users") &&
	       profile_ids(p, root, "groups");
}

int host_profile(struct arena *a, const char *path, struct host **out,
		 const char **error)
{
	struct profile p = {.arena = a, .path = path};
	json_error_t at;
	json_t *root;
	FILE *file = fopen(path, "re");
	int err = 0;

	if (!file) {
		err = -errno;
		*error = arena_printf(a, "%s: %s", path, strerror(-err));
		return err;
	}
	p.host = arena_new_of(a, struct host);
	root = json_loadf(file, JSON_REJECT_DUPLICATES, &at);
	fclose(file);
	if (!root) {
		*error = arena_printf(a, "%s:%d:%d: %s", path, at.line,
				      at.column, at.text);
		return -EINVAL;
	}
	if (profile_fill(&p, root)) {
		names_fill(a, p.host);
		*out = p.host;
	} else {
		*error = p.error;
		err = -EINVAL;
	}
	json_decref(root);
	return err;
}
