/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h: what a policy may know of the host: interfaces with their addresses,
 * users, groups, services. Read from the system or from a JSON profile, so
 * that tests do not depend on the machine.
 */
#ifndef NFR_HOST_H
#define NFR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "arena.h"

struct host_addr {
	struct addr addr;
	enum addr_family family;
	uint8_t prefix_len;
	struct addr broadcast; /* IPv4; zero when none */
	struct addr peer;      /* point to point; zero when none */
};

struct host_iface {
	const char *name;
	const struct host_addr *addrs;
	size_t addr_count;
	bool is_loopback;
	bool has_default_route;
};

struct host;

/* The running system; needs no root. 0 or -errno. */
int host_system(struct arena *, struct host **out);
/*
 * A profile:
 * {"interfaces": [{"name": "lo0", "loopback": true,
 *                  "addresses": ["127.0.0.1/8", {"address": "10.0.0.1/24",
 *                                "broadcast": "10.0.0.255"}]},
 *                 {"name": "eth0", "default-route": true}],
 *  "users": {"bin": 3}, "groups": {"sshd": 27},
 *  "services": {"ssh": {"tcp": 22, "udp": 22}},
 *  "hosts": {"localhost": ["127.0.0.1", "::1"]}}
 * A missing "services", "users", "groups" or "hosts" asks the system. 0, or
 * -errno with *error set to a message in the arena.
 */
int host_profile(struct arena *, const char *path, struct host **out,
		 const char **error);

const struct host_iface *host_iface(const struct host *, const char *name);
/*
 * From now on the interface "from" is called "to", which lives as long as the
 * host, and what was called so has no name. Nothing if there is no "from".
 */
void host_rename(struct host *, const char *from, const char *to);
/* Those of the default route, IPv4 or IPv6, in the order of interfaces. */
const char *const *host_default_ifaces(const struct host *, size_t *count);
/* All interface names, for suggestions. */
const char *const *host_iface_names(const struct host *, size_t *count);
/* Port of a service for "tcp" or "udp" (NULL: either), or -1. */
int host_service(const struct host *, const char *name, const char *proto);
/* Number of a user or group, or -1. */
int64_t host_user(const struct host *, const char *name);
int64_t host_group(const struct host *, const char *name);
/* All names of users or groups, of services, for suggestions; in the arena. */
const char *const *host_user_names(const struct host *, struct arena *,
				   bool is_group, size_t *count);
const char *const *host_service_names(const struct host *, struct arena *,
				      size_t *count);
/*
 * The addresses of a host's name from the profile or /etc/hosts, never from
 * the DNS; returns how many.
 */
size_t host_lookup(const struct host *, struct arena *, const char *name,
		   struct host_addr **out);
/* Protocol number by name, or -1; name by number, or NULL. */
int host_proto(const char *name);
const char *host_proto_name(unsigned number);

#endif
