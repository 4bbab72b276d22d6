/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine_waits.c: a policy in force, and the devices of now -> what of it
 * waits: for a device that it names, for the tunnel's address, for another
 * compilation. All of it is closed until then.
 */
#include "engine_waits.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void __attribute__((format(printf, 2, 3)))
waits_say(struct engine_status *status, const char *fmt, ...)
{
	va_list ap;

	if (status->wait_count == ENGINE_WAITS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(status->waits[status->wait_count++], sizeof(status->waits[0]),
		  fmt, ap);
	va_end(ap);
}

/* The device that is trusted as this tunnel, whatever it is called. */
static const struct engine_device *
waits_tunnel_device(const struct engine_status *status, uint32_t ifid)
{
	for (size_t i = 0; i < status->devices.count; i++)
		if (status->devices.items[i].is_trusted &&
		    status->devices.items[i].ifid == ifid)
			return &status->devices.items[i];
	return NULL;
}

static const struct engine_device *
waits_device(const struct engine_status *status, const char *name)
{
	for (size_t i = 0; i < status->devices.count; i++)
		if (!strcmp(status->devices.items[i].name, name))
			return &status->devices.items[i];
	return NULL;
}

/* "wlan1, usb0", what does not fit as "and more". */
static void waits_names(struct engine_status *status, const struct image *image)
{
	static const char more[] = ", and more";
	char names[120] = "";
	size_t len = 0;

	for (__u32 i = 0; i < image->iface_count; i++) {
		const char *name = image_string(image, image->ifaces[i].name);

		if (image->ifaces[i].flags & IMAGE_IFACE_TUNNEL ||
		    waits_device(status, name))
			continue;
		if (len + strlen(name) + sizeof(more) + 2 > sizeof(names)) {
			snprintf(names + len, sizeof(names) - len, more);
			break;
		}
		len += (size_t)snprintf(names + len, sizeof(names) - len,
					"%s%s", len ? ", " : "", name);
	}
	if (*names)
		waits_say(
			status,
			"%s: the policy names it, and no device has that name",
			names);
}

/* Does the device have one? Yes when nobody can say. */
static bool waits_has_address(const char *name)
{
	struct ifaddrs *all, *a;
	bool found = false;

	if (getifaddrs(&all))
		return true;
	for (a = all; a && !found; a = a->ifa_next)
		found = a->ifa_addr && !strcmp(a->ifa_name, name) &&
			(a->ifa_addr->sa_family == AF_INET ||
			 a->ifa_addr->sa_family == AF_INET6);
	freeifaddrs(all);
	return found;
}

static void waits_tunnel(struct engine_status *status,
			 const struct image *image)
{
	for (__u32 i = 0; i < image->iface_count; i++) {
		const char *name = image_string(image, image->ifaces[i].name);
		const struct engine_device *device =
			waits_tunnel_device(status, i + 1);

		if (!(image->ifaces[i].flags & IMAGE_IFACE_TUNNEL))
			continue;
		if (!device)
			device = waits_device(status, name);
		if (!device)
			waits_say(status,
				  "the tunnel %s is not there: what is its own "
				  "goes nowhere",
				  name);
		else if (!waits_has_address(device->name))
			waits_say(status,
				  "the tunnel %s has no address: nothing is "
				  "sent into it",
				  name);
	}
}

static bool waits_excludes_lan(const struct image *image)
{
	for (__u32 i = 0; i < image->table_count; i++)
		if (image->tables[i].modifiers & IMAGE_MODIFIER_LAN)
			return true;
	return false;
}

static void waits_lan(struct engine_status *status, const struct image *image)
{
	if (!waits_excludes_lan(image))
		return;
	for (size_t i = 0; i < status->devices.count; i++) {
		const struct engine_device *device = &status->devices.items[i];

		if (device->flags & IFF_LOOPBACK || device->is_tunnel ||
		    device->ifid)
			continue;
		waits_say(status,
			  "%s came after the policy was compiled: its LAN is "
			  "not excluded until it is applied again",
			  device->name);
	}
}

void engine_waits(struct engine_status *status, const struct image *image)
{
	waits_tunnel(status, image);
	waits_names(status, image);
	waits_lan(status, image);
}
