/* SPDX-License-Identifier: BSD-2-Clause */
/* pins.c: a path -> the pin directory, opened, locked, of this namespace. */
#include "pins.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "engine_error.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define PINS_POLL_MS 20u

const char *pins_slot_dir(uint32_t slot)
{
	return slot ? "gen1" : "gen0";
}

void pins_path(const struct pins *pins, const char *sub, const char *pin,
	       char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s%s%s%s%s", pins->dir, *sub ? "/" : "", sub,
		 *pin ? "/" : "", pin);
}

static int pins_no_bpffs(const char *dir, struct engine_error *err)
{
	error_set(err, -ENODEV, "%s is not on a mounted bpffs", dir);
	error_hint(err,
		   "mount one: mount -t bpf bpf /sys/fs/bpf; or name a "
		   "directory on another with --bpffs (\"ip netns exec\" hides "
		   "what is mounted below /sys)");
	return -ENODEV;
}

static bool pins_has_dot(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strchr(slash ? slash : path, '.') != NULL;
}

/* 1: it is there and on a bpffs, 0: it is not there. */
static int pins_look(const char *path, struct engine_error *err)
{
	struct statfs fs;
	struct stat st;

	if (stat(path, &st)) {
		if (errno == ENOENT)
			return 0;
		/* A bpffs answers names with dots so. */
		if (errno == EPERM && pins_has_dot(path))
			return error_set(err, -EINVAL,
					 "%s: a name on a bpffs has no dots",
					 path);
		return error_kernel(err, -errno, "look at %s", path);
	}
	if (statfs(path, &fs))
		return error_kernel(err, -errno, "look at %s", path);
	if (fs.f_type != BPF_FS_MAGIC)
		return pins_no_bpffs(path, err);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, -EEXIST, "%s is not a directory", path);
	return 1;
}

static int pins_create(struct pins *pins, struct engine_error *err)
{
	char copy[PATH_MAX / 2], parent[PATH_MAX / 2];
	int ret;

	memcpy(copy, pins->dir, sizeof(copy));
	snprintf(parent, sizeof(parent), "%s", dirname(copy));
	ret = pins_look(parent, err);
	if (ret == 0)
		return pins_no_bpffs(pins->dir, err);
	if (ret < 0)
		return ret;
	if (mkdir(pins->dir, 0700) && errno != EEXIST)
		return error_kernel(err, -errno, "make %s", pins->dir);
	pins->is_new = true;
	return 0;
}

int pins_open(const char *dir, bool create, struct pins **out,
	      struct engine_error *err)
{
	struct pins *pins;
	size_t len = strlen(dir);
	int ret;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	if (len == 0 || len >= sizeof(pins->dir))
		return error_set(err, -EINVAL, "bad pin directory \"%s\"", dir);
	pins = calloc(1, sizeof(*pins));
	if (!pins)
		return error_kernel(err, -ENOMEM, "open %s", dir);
	memcpy(pins->dir, dir, len);
	pins->fd = -1;
	pins->may_create = create;
	ret = pins_look(pins->dir, err);
	if (ret == 0) {
		if (create)
			ret = pins_create(pins, err);
		else
			ret = error_set(err, -ENOENT, "nothing is loaded in %s",
					pins->dir);
	}
	if (ret < 0)
		goto out;
	pins->fd = open(pins->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (pins->fd < 0) {
		ret = error_kernel(err, -errno, "open %s", pins->dir);
		goto out;
	}
	*out = pins;
	pins = NULL;
	ret = 0;
out:
	pins_close(&pins);
	return ret;
}

void pins_close(struct pins **pins)
{
	if (!*pins)
		return;
	if ((*pins)->is_new && (*pins)->is_locked)
		rmdir((*pins)->dir);
	if ((*pins)->fd >= 0)
		close((*pins)->fd);
	free(*pins);
	*pins = NULL;
}

/* Who has the flock of fd, by /proc/locks; 0 when it does not say. */
static int pins_holder(int fd)
{
	char line[256];
	struct stat st;
	int holder = 0;
	FILE *locks;

	if (fstat(fd, &st))
		return 0;
	locks = fopen("/proc/locks", "re");
	if (!locks)
		return 0;
	while (!holder && fgets(line, sizeof(line), locks)) {
		unsigned major, minor;
		unsigned long long inode;
		int pid;

		if (sscanf(line, "%*s FLOCK %*s %*s %d %x:%x:%llu", &pid,
			   &major, &minor, &inode) == 4 &&
		    major == major(st.st_dev) && minor == minor(st.st_dev) &&
		    inode == st.st_ino)
			holder = pid;
	}
	fclose(locks);
	return holder;
}

/* "4711 (nfload apply vpn.nfr)"; without arguments where they can't be read. */
static void pins_describe(int pid, char *out, size_t len)
{
	char path[64], command[128] = "";
	FILE *file;
	size_t got = 0;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	file = fopen(path, "re");
	if (file) {
		got = fread(command, 1, sizeof(command) - 1, file);
		fclose(file);
	}
	for (size_t i = 0; i + 1 < got; i++) {
		if ((unsigned char)command[i] < ' ')
			command[i] = ' ';
	}
	snprintf(out, len, got ? "%d (%s)" : "%d", pid, command);
}

static uint64_t pins_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int pins_busy(struct pins *pins, struct engine_error *err)
{
	int holder = pins_holder(pins->fd);
	char who[192];

	if (holder > 0) {
		pins_describe(holder, who, sizeof(who));
		error_set(err, -EBUSY, "process %s is loading into %s", who,
			  pins->dir);
	} else {
		error_set(err, -EBUSY, "another process is loading into %s",
			  pins->dir);
	}
	error_hint(err, "wait until it is done, and try again");
	return -EBUSY;
}

/* The directory may have been removed, or replaced, while we waited. */
static int pins_reopen(struct pins *pins, struct engine_error *err)
{
	struct stat opened, named;
	int fd;

	if (!fstat(pins->fd, &opened) && !stat(pins->dir, &named) &&
	    opened.st_ino == named.st_ino && opened.st_dev == named.st_dev)
		return 0;
	if (!pins->may_create)
		return error_set(err, -ENOENT, "nothing is loaded in %s",
				 pins->dir);
	if (!mkdir(pins->dir, 0700))
		pins->is_new = true;
	else if (errno != EEXIST)
		return error_kernel(err, -errno, "make %s", pins->dir);
	fd = open(pins->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return error_kernel(err, -errno, "open %s", pins->dir);
	close(pins->fd);
	pins->fd = fd;
	return -EAGAIN;
}

int pins_lock(struct pins *pins, unsigned wait_ms, struct engine_error *err)
{
	uint64_t deadline_ms = pins_now_ms() + wait_ms;
	struct timespec pause = {.tv_nsec = PINS_POLL_MS * 1000000};

	for (;;) {
		if (!flock(pins->fd, LOCK_EX | LOCK_NB)) {
			int ret = pins_reopen(pins, err);

			pins->is_locked = !ret;
			if (ret != -EAGAIN)
				return ret;
			continue;
		}
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_kernel(err, -errno, "lock %s", pins->dir);
		if (pins_now_ms() >= deadline_ms)
			return pins_busy(pins, err);
		nanosleep(&pause, NULL);
	}
}

void pins_unlock(struct pins *pins)
{
	if (pins->is_locked)
		flock(pins->fd, LOCK_UN);
	pins->is_locked = false;
}

int pins_mkdir(const struct pins *pins, const char *sub,
	       struct engine_error *err)
{
	char path[PATH_MAX];
	struct stat st;

	pins_path(pins, sub, "", path);
	if (!mkdir(path, 0700))
		return 0;
	if (errno != EEXIST)
		return error_kernel(err, -errno, "make %s", path);
	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return error_set(err, -EEXIST,
				 "%s is already pinned by someone else", path);
	return 0;
}

void pins_rmdir(const struct pins *pins, const char *sub)
{
	char path[PATH_MAX];

	pins_path(pins, sub, "", path);
	rmdir(path);
}

int pins_netns(uint64_t *cookie, uint32_t *inode)
{
	socklen_t len = sizeof(*cookie);
	struct stat st;
	int fd, ret = 0;

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len))
		ret = -errno;
	close(fd);
	if (ret)
		return ret;
	if (stat("/proc/self/ns/net", &st))
		return -errno;
	*inode = (uint32_t)st.st_ino;
	return 0;
}
