/* SPDX-License-Identifier: BSD-2-Clause */
/* host_internal.h: what a host is made of, for who fills it in. */
#ifndef NFR_HOST_INTERNAL_H
#define NFR_HOST_INTERNAL_H

#include "host.h"

struct service {
	const char *name, *proto;
	int port;
};

/* A user or group with its number. */
struct host_id {
	const char *name;
	int64_t number;
};

struct host_ids {
	struct host_id *items;
	size_t count, capacity;
	bool is_given; /* else the system is asked */
};

/* A name with one of its addresses. */
struct host_name {
	const char *name;
	struct host_addr addr;
};

struct host {
	struct host_iface *ifaces;
	const char **names;
	const char **defaults; /* names of those with the default route */
	size_t default_count;
	size_t iface_count, iface_capacity;
	struct service *services; /* unless the system is asked */
	size_t service_count, service_capacity;
	bool has_services;
	struct host_ids users, groups;
	struct host_name *hosts;
	size_t host_count, host_capacity;
	bool has_hosts;
};

struct host_iface *host_iface_add(struct arena *, struct host *,
				  const char *name);
void host_iface_add_addr(struct arena *, struct host_iface *,
			 const struct host_addr *);
void host_names_fill(struct arena *, struct host *);
/* host_route.c: marks the interfaces of the system's default routes. */
void host_routes_read(struct host *);

#endif
