/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_route.c: /proc/net/route and ipv6_route (proc(5)) -> which interfaces
 * have a default route. Without them, none has.
 */
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>

#include "host_internal.h"

static void mark(struct host *h, const char *name)
{
	for (size_t i = 0; i < h->iface_count; i++)
		if (strcmp(h->ifaces[i].name, name) == 0)
			h->ifaces[i].has_default_route = true;
}

/* Iface Destination Gateway Flags RefCnt Use Metric Mask ... */
static void read_ipv4(struct host *h, FILE *routes)
{
	char line[512], name[IF_NAMESIZE];
	unsigned to, flags, mask;

	while (fgets(line, sizeof(line), routes))
		if (sscanf(line, "%15s %x %*x %x %*d %*d %*d %x", name, &to,
			   &flags, &mask) == 4 &&
		    !to && !mask && (flags & RTF_UP) && !(flags & RTF_REJECT))
			mark(h, name);
}

/* Destination length source length gateway metric refs use flags device */
static void read_ipv6(struct host *h, FILE *routes)
{
	char line[512], to[33], name[IF_NAMESIZE];
	unsigned len, flags;

	while (fgets(line, sizeof(line), routes))
		if (sscanf(line, "%32s %x %*32s %*x %*32s %*x %*x %*x %x %15s",
			   to, &len, &flags, name) == 4 &&
		    len == 0 && strspn(to, "0") == strlen(to) &&
		    (flags & RTF_UP) && !(flags & RTF_REJECT))
			mark(h, name);
}

void host_routes_read(struct host *h)
{
	FILE *routes = fopen("/proc/net/route", "re");

	if (routes) {
		read_ipv4(h, routes);
		fclose(routes);
	}
	routes = fopen("/proc/net/ipv6_route", "re");
	if (routes) {
		read_ipv6(h, routes);
		fclose(routes);
	}
}
