/* SPDX-License-Identifier: BSD-2-Clause */
/* history.c: images -> files of a directory, and back. */
#include "history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine_error.h"

#define HISTORY_IMAGE_MAX (256u << 20)
#define HISTORY_NEW "new.tmp"
#define HISTORY_HASH_MIN 4u

/* Only what nobody but us can write is trusted. */
static int history_check(int fd, const char *dir, struct engine_error *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return error_kernel(err, -errno, "look at %s", dir);
	if (st.st_uid == geteuid() && !(st.st_mode & (S_IWGRP | S_IWOTH)))
		return 0;
	error_set(err, -EACCES, "%s can be written by others", dir);
	error_hint(err, "chown root %s; chmod 700 %s", dir, dir);
	return -EACCES;
}

/* An fd of the directory, or -errno. */
static int history_open(const char *dir, bool create, struct engine_error *err)
{
	int fd, ret;

	if (create && mkdir(dir, 0700) && errno != EEXIST)
		return error_kernel(err, -errno, "make %s", dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, -ENOENT, "there is no %s", dir);
	if (fd < 0)
		return error_kernel(err, -errno, "open %s", dir);
	ret = history_check(fd, dir, err);
	if (!ret)
		return fd;
	close(fd);
	return ret;
}

static bool history_parse(const char *name, struct history_entry *out)
{
	int end = 0;

	memset(out, 0, sizeof(*out));
	if (strlen(name) >= sizeof(out->name) ||
	    sscanf(name, "%8u-%10u-%12[0-9a-f].nfi%n", &out->sequence,
		   &out->generation, out->hash, &end) != 3 ||
	    !end || name[end] || strlen(out->hash) != 12)
		return false;
	strcpy(out->name, name);
	return true;
}

static int history_compare(const void *a, const void *b)
{
	const struct history_entry *left = a, *right = b;

	return (left->sequence < right->sequence) -
	       (left->sequence > right->sequence);
}

/* All there are, the last first; *out is malloc'd. */
static int history_read_all(int fd, struct history_entry **out, size_t *count)
{
	struct history_entry *entries = NULL;
	struct dirent *entry;
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy < 0 ? NULL : fdopendir(copy);

	*count = 0;
	if (!folder) {
		int ret = -errno;

		if (copy >= 0)
			close(copy);
		return ret;
	}
	while ((entry = readdir(folder)) != NULL) {
		struct history_entry parsed, *grown;
		struct stat st;

		if (!history_parse(entry->d_name, &parsed) ||
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
		    !S_ISREG(st.st_mode))
			continue;
		parsed.time = st.st_mtime;
		grown = reallocarray(entries, *count + 1, sizeof(*grown));
		if (!grown) {
			free(entries);
			closedir(folder);
			return -ENOMEM;
		}
		entries = grown;
		entries[(*count)++] = parsed;
	}
	closedir(folder);
	if (*count)
		qsort(entries, *count, sizeof(*entries), history_compare);
	*out = entries;
	return 0;
}

int history_list(const char *dir, struct history *out, struct engine_error *err)
{
	struct history_entry *entries = NULL;
	size_t count = 0;
	int ret, fd = history_open(dir, false, err);

	if (fd < 0)
		return fd;
	ret = history_read_all(fd, &entries, &count);
	close(fd);
	if (ret)
		return error_kernel(err, ret, "read %s", dir);
	out->count = count < HISTORY_MAX ? count : HISTORY_MAX;
	if (out->count)
		memcpy(out->entries, entries, out->count * sizeof(*entries));
	free(entries);
	return 0;
}

static int history_write(int dir_fd, const struct image *image,
			 const char *name)
{
	int ret = 0,
	    fd = openat(dir_fd, HISTORY_NEW,
			O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
			0600);
	size_t done = 0;

	if (fd < 0)
		return -errno;
	while (done < image->len && !ret) {
		ssize_t wrote =
			write(fd, image->bytes + done, image->len - done);

		if (wrote > 0)
			done += (size_t)wrote;
		else if (wrote == 0 || errno != EINTR)
			ret = wrote ? -errno : -EIO;
	}
	if (!ret && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	if (!ret && renameat(dir_fd, HISTORY_NEW, dir_fd, name))
		ret = -errno;
	if (!ret && fsync(dir_fd))
		ret = -errno;
	return ret;
}

int history_add(const char *dir, const struct image *image, uint32_t generation,
		struct engine_error *err)
{
	struct history_entry *entries = NULL;
	char hash[13], name[64];
	size_t count = 0;
	int ret, fd = history_open(dir, true, err);

	if (fd < 0)
		return fd;
	/* Two at a time would take one number. */
	ret = flock(fd, LOCK_EX) ? -errno
				 : history_read_all(fd, &entries, &count);
	image_short_hash(image, hash);
	if (ret || (count && !strcmp(entries[0].hash, hash)))
		goto out;
	snprintf(name, sizeof(name), "%08u-%u-%s.nfi",
		 count ? (entries[0].sequence + 1) % 100000000u : 1, generation,
		 hash);
	ret = history_write(fd, image, name);
	for (size_t i = HISTORY_MAX - 1; i < count && !ret; i++)
		unlinkat(fd, entries[i].name, 0);
out:
	free(entries);
	close(fd);
	return ret ? error_kernel(err, ret, "keep the policy in %s", dir) : 0;
}

int history_read(const char *dir, const struct history_entry *entry,
		 void **bytes, size_t *len, struct engine_error *err)
{
	int ret = 0, file, fd = history_open(dir, false, err);
	struct stat st;
	char *data;

	if (fd < 0)
		return fd;
	file = openat(fd, entry->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	close(fd);
	if (file < 0 || fstat(file, &st) || st.st_size > HISTORY_IMAGE_MAX) {
		ret = error_kernel(err, errno ? -errno : -EFBIG, "read %s/%s",
				   dir, entry->name);
		if (file >= 0)
			close(file);
		return ret;
	}
	data = malloc((size_t)st.st_size + 1);
	*len = 0;
	while (data && *len < (size_t)st.st_size) {
		ssize_t got =
			read(file, data + *len, (size_t)st.st_size - *len);

		if (got <= 0)
			break;
		*len += (size_t)got;
	}
	close(file);
	*bytes = data;
	return data ? 0 : error_kernel(err, -ENOMEM, "read %s", dir);
}

const struct history_entry *history_find(const struct history *history,
					 const char *which)
{
	size_t len = strlen(which);

	if (len < HISTORY_HASH_MIN && len == strspn(which, "0123456789")) {
		size_t number = (size_t)strtoul(which, NULL, 10);

		return len && number < history->count
			       ? &history->entries[number]
			       : NULL;
	}
	for (size_t i = 0; i < history->count && len >= HISTORY_HASH_MIN; i++) {
		if (!strncmp(history->entries[i].hash, which, len))
			return &history->entries[i];
	}
	return NULL;
}
