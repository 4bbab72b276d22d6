/* SPDX-License-Identifier: BSD-2-Clause */
/* presence.c: a directory -> a name among the abstract sockets. */
#include "presence.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Paths are longer than such names: a hash (FNV-1a) stands for them. */
static socklen_t presence_name(const char *dir, struct sockaddr_un *out)
{
	uint64_t hash = 0xcbf29ce484222325u;
	char real[PATH_MAX];

	if (!realpath(dir, real))
		snprintf(real, sizeof(real), "%s", dir);
	for (const char *at = real; *at; at++)
		hash = (hash ^ (uint8_t)*at) * 0x100000001b3u;
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(out->sun_path + 1, sizeof(out->sun_path) - 1,
		 "nfload-watch-%016llx", (unsigned long long)hash);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   sizeof("nfload-watch-") - 1 + 16);
}

int presence_begin(const char *dir)
{
	struct sockaddr_un name;
	socklen_t len = presence_name(dir, &name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), code;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&name, len))
		return fd;
	code = errno;
	close(fd);
	return -code;
}

bool presence_is(const char *dir)
{
	struct sockaddr_un name;
	socklen_t len = presence_name(dir, &name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_there = fd >= 0 && !connect(fd, (struct sockaddr *)&name, len);

	if (fd >= 0)
		close(fd);
	return is_there;
}
