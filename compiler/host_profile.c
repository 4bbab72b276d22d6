/* SPDX-License-Identifier: BSD-2-Clause */
/* host_profile.c: a JSON profile -> what names mean on the host it describes.
 */
#include "host_internal.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_MAX 65535

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
	const json_t *route = json_object_get(value, "default-route");
	struct host_iface *iface;

	if (!json_is_string(name) || !*json_string_value(name))
		return profile_error(p, "each of interfaces",
				     "must be an object with a name");
	if (host_iface(p->host, json_string_value(name)))
		return profile_error(p, json_string_value(name),
				     "is in interfaces twice");
	if ((addrs && !json_is_array(addrs)) ||
	    (loopback && !json_is_boolean(loopback)) ||
	    (route && !json_is_boolean(route)))
		return profile_error(p, json_string_value(name),
				     "has addresses, loopback or "
				     "default-route of a wrong type");
	iface = host_iface_add(p->arena, p->host, json_string_value(name));
	iface->is_loopback = json_is_true(loopback);
	iface->has_default_route = json_is_true(route);
	for (size_t i = 0; i < json_array_size(addrs); i++) {
		struct host_addr addr = {0};

		if (!profile_addr(p, json_array_get(addrs, i), &addr))
			return false;
		host_iface_add_addr(p->arena, iface, &addr);
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

static bool profile_ids(struct profile *p, const json_t *root, const char *key,
			struct host_ids *out)
{
	json_t *ids = json_object_get(root, key), *id;
	const char *name;

	if (ids && !json_is_object(ids))
		return profile_error(p, key, "must be an object");
	out->is_given = ids != NULL;
	json_object_foreach(ids, name, id)
	{
		if (!profile_number(p, id, name, UINT32_MAX))
			return false;
		out->items = arena_grow(p->arena, out->items, out->count,
					&out->capacity, sizeof(*out->items));
		out->items[out->count++] = (struct host_id){
			.name = arena_strdup(p->arena, name),
			.number = json_integer_value(id),
		};
	}
	return true;
}

static bool profile_hosts(struct profile *p, const json_t *root)
{
	json_t *hosts = json_object_get(root, "hosts"), *list;
	struct host *h = p->host;
	const char *name;

	if (hosts && !json_is_object(hosts))
		return profile_error(p, "hosts", "must be an object");
	h->has_hosts = hosts != NULL;
	json_object_foreach(hosts, name, list)
	{
		if (!json_is_array(list))
			return profile_error(p, name, "must be an array");
		for (size_t i = 0; i < json_array_size(list); i++) {
			struct host_name host = {
				.name = arena_strdup(p->arena, name),
			};

			if (!profile_addr(p, json_array_get(list, i),
					  &host.addr))
				return false;
			h->hosts = arena_grow(p->arena, h->hosts, h->host_count,
					      &h->host_capacity,
					      sizeof(*h->hosts));
			h->hosts[h->host_count++] = host;
		}
	}
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
	return profile_services(p, root) && profile_hosts(p, root) &&
	       profile_ids(p, root, "users", &p->host->users) &&
	       profile_ids(p, root, "groups", &p->host->groups);
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
		host_names_fill(a, p.host);
		*out = p.host;
	} else {
		*error = p.error;
		err = -EINVAL;
	}
	json_decref(root);
	return err;
}
