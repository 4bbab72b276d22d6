/* SPDX-License-Identifier: BSD-2-Clause */
/* netpoll.c: netconsole's targets, pktgen's devices -> paths that are open. */
#include "netpoll.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NETPOLL_VALUE 128

static bool is_here(const struct engine_devices *devices, const char *name)
{
	for (size_t i = 0; i < devices->count; i++)
		if (!strcmp(devices->items[i].name, name))
			return true;
	return false;
}

/* The first line of DIR/NAME/FILE; "" when it can not be read. */
static void value_of(int dir, const char *name, const char *file,
		     char value[NETPOLL_VALUE])
{
	char path[NETPOLL_VALUE * 3];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", name, file);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, value, NETPOLL_VALUE - 1);
		close(fd);
	}
	value[n > 0 ? n : 0] = '\0';
	value[strcspn(value, "\n")] = '\0';
}

/* Whether it is enabled is said as a number, or as Y. */
static bool is_console(int dir, const char *name,
		       const struct engine_devices *devices,
		       struct engine_path *out)
{
	char enabled[NETPOLL_VALUE], device[NETPOLL_VALUE], to[NETPOLL_VALUE];

	value_of(dir, name, "enabled", enabled);
	value_of(dir, name, "dev_name", device);
	value_of(dir, name, "remote_ip", to);
	if (!*enabled || !strcmp(enabled, "0") || !strcmp(enabled, "N") ||
	    !is_here(devices, device))
		return false;
	snprintf(out->why, sizeof(out->why),
		 "the kernel's log leaves by %.15s to %.46s, past every hook",
		 device, to);
	return true;
}

/* "eth0", or "eth0@1": the device, and the thread that sends. */
static bool is_generator(int dir, const char *name,
			 const struct engine_devices *devices,
			 struct engine_path *out)
{
	char device[NETPOLL_VALUE];

	(void)dir;
	snprintf(device, sizeof(device), "%.*s", (int)strcspn(name, "@"), name);
	if (!is_here(devices, device))
		return false;
	snprintf(out->why, sizeof(out->why),
		 "packets of its own leave by %.15s, past every hook", device);
	return true;
}

/* One path for the first that is; how many. */
static size_t look(const char *path, const char *name,
		   const struct engine_devices *devices,
		   bool (*is)(int, const char *, const struct engine_devices *,
			      struct engine_path *),
		   struct engine_path *out)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);
	size_t count = 0;

	*out = (struct engine_path){.name = name, .mode = "none"};
	while (dir && !count && (entry = readdir(dir)))
		count = entry->d_name[0] != '.' &&
			is(dirfd(dir), entry->d_name, devices, out);
	if (dir)
		closedir(dir);
	return count;
}

size_t netpoll_look(const char *consoles, const char *pktgen,
		    const struct engine_devices *devices,
		    struct engine_path *out)
{
	size_t count = look(consoles, "netconsole", devices, is_console, out);

	return count +
	       look(pktgen, "pktgen", devices, is_generator, out + count);
}
