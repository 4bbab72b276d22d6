/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c: the running system -> what names mean here. Nothing asks the DNS,
 * and nothing needs root.
 */
#include "host_internal.h"

#include <errno.h>
#include <grp.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

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

static void host_call(struct host *h, const char *from, const char *to)
{
	for (size_t i = 0; i < h->iface_count; i++)
		if (strcmp(h->ifaces[i].name, from) == 0)
			h->ifaces[i].name = h->names[i] = to;
}

void host_rename(struct host *h, const char *from, const char *to)
{
	if (!host_iface(h, from))
		return;
	host_call(h, to, "");
	host_call(h, from, to);
}

const char *const *host_iface_names(const struct host *h, size_t *count)
{
	*count = h->iface_count;
	return h->names;
}

const char *const *host_default_ifaces(const struct host *h, size_t *count)
{
	*count = h->default_count;
	return h->defaults;
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

static const struct host_id *id_find(const struct host_ids *ids,
				     const char *name)
{
	for (size_t i = 0; i < ids->count; i++)
		if (strcmp(ids->items[i].name, name) == 0)
			return &ids->items[i];
	return NULL;
}

int64_t host_user(const struct host *h, const char *name)
{
	const struct host_id *id = id_find(&h->users, name);
	const struct passwd *pw;

	if (h->users.is_given)
		return id ? id->number : -1;
	pw = getpwnam(name);
	return pw ? (int64_t)pw->pw_uid : -1;
}

int64_t host_group(const struct host *h, const char *name)
{
	const struct host_id *id = id_find(&h->groups, name);
	const struct group *gr;

	if (h->groups.is_given)
		return id ? id->number : -1;
	gr = getgrnam(name);
	return gr ? (int64_t)gr->gr_gid : -1;
}

/* ---- names, for suggestions ---------------------------------------------- */

struct names {
	struct arena *arena;
	const char **items;
	size_t count, capacity;
};

static void names_push(struct names *n, const char *name)
{
	n->items = arena_grow(n->arena, n->items, n->count, &n->capacity,
			      sizeof(*n->items));
	n->items[n->count++] = arena_strdup(n->arena, name);
}

static void names_of_system(struct names *n, bool is_group)
{
	const struct passwd *pw;
	const struct group *gr;

	if (is_group) {
		setgrent();
		while ((gr = getgrent()))
			names_push(n, gr->gr_name);
		endgrent();
		return;
	}
	setpwent();
	while ((pw = getpwent()))
		names_push(n, pw->pw_name);
	endpwent();
}

const char *const *host_user_names(const struct host *h, struct arena *a,
				   bool is_group, size_t *count)
{
	const struct host_ids *ids = is_group ? &h->groups : &h->users;
	struct names n = {.arena = a};

	if (!ids->is_given)
		names_of_system(&n, is_group);
	for (size_t i = 0; i < ids->count; i++)
		names_push(&n, ids->items[i].name);
	*count = n.count;
	return n.items;
}

const char *const *host_service_names(const struct host *h, struct arena *a,
				      size_t *count)
{
	struct names n = {.arena = a};
	const struct servent *service;

	if (!h->has_services) {
		setservent(0);
		while ((service = getservent()))
			names_push(&n, service->s_name);
		endservent();
	}
	for (size_t i = 0; i < h->service_count; i++)
		names_push(&n, h->services[i].name);
	*count = n.count;
	return n.items;
}

/* ---- /etc/hosts --------------------------------------------------------- */

static void hosts_push(struct arena *a, struct host_addr **out, size_t *count,
		       size_t *capacity, const struct host_addr *addr)
{
	*out = arena_grow(a, *out, *count, capacity, sizeof(**out));
	(*out)[(*count)++] = *addr;
}

/* "ADDRESS NAME NAME ..."; true when name is one of them. */
static bool hosts_line(char *line, const char *name, struct host_addr *addr)
{
	char *save = NULL, *word;

	line[strcspn(line, "#\n")] = '\0';
	word = strtok_r(line, " \t", &save);
	if (!word || addr_parse(word, &addr->addr, &addr->family) != 0)
		return false;
	addr->prefix_len = (uint8_t)addr_bits(addr->family);
	while ((word = strtok_r(NULL, " \t", &save)))
		if (strcasecmp(word, name) == 0)
			return true;
	return false;
}

size_t host_lookup(const struct host *h, struct arena *a, const char *name,
		   struct host_addr **out)
{
	size_t count = 0, capacity = 0, len = 0;
	struct host_addr addr = {0};
	char *line = NULL;
	FILE *file;

	*out = NULL;
	for (size_t i = 0; i < h->host_count; i++)
		if (strcasecmp(h->hosts[i].name, name) == 0)
			hosts_push(a, out, &count, &capacity,
				   &h->hosts[i].addr);
	if (h->has_hosts)
		return count;
	file = fopen("/etc/hosts", "re");
	while (file && getline(&line, &len, file) >= 0)
		if (hosts_line(line, name, &addr))
			hosts_push(a, out, &count, &capacity, &addr);
	free(line);
	if (file)
		fclose(file);
	return count;
}

/* ---- interfaces --------------------------------------------------------- */

struct host_iface *host_iface_add(struct arena *a, struct host *h,
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

void host_iface_add_addr(struct arena *a, struct host_iface *iface,
			 const struct host_addr *addr)
{
	struct host_addr *more =
		arena_alloc(a, (iface->addr_count + 1) * sizeof(*more));

	if (iface->addr_count)
		memcpy(more, iface->addrs, iface->addr_count * sizeof(*more));
	more[iface->addr_count++] = *addr;
	iface->addrs = more;
}

void host_names_fill(struct arena *a, struct host *h)
{
	h->names = arena_alloc(a, (h->iface_count + 1) * sizeof(*h->names));
	for (size_t i = 0; i < h->iface_count; i++)
		h->names[i] = h->ifaces[i].name;
	h->defaults =
		arena_alloc(a, (h->iface_count + 1) * sizeof(*h->defaults));
	for (size_t i = 0; i < h->iface_count; i++)
		if (h->ifaces[i].has_default_route)
			h->defaults[h->default_count++] = h->ifaces[i].name;
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
	host_iface_add_addr(a, iface, &addr);
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
		host_iface_add(a, h, i->if_name);
	for (const struct ifaddrs *i = ifas; i; i = i->ifa_next)
		system_add_addr(a, h, i);
	host_routes_read(h);
	host_names_fill(a, h);
	*out = h;
done:
	if (ifas)
		freeifaddrs(ifas);
	if (index)
		if_freenameindex(index);
	return err;
}
