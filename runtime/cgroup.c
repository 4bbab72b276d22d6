/* SPDX-License-Identifier: BSD-2-Clause */
/* cgroup.c: the v2 hierarchy -> its root, without a mount point. */
#include "cgroup.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* "ip netns exec" hides what is mounted below /sys, so it is mounted anew. */
int cgroup_open(bool *is_all)
{
	int mount_fd = -1, ret = 0;
	int fs = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);
	struct stat st;

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		ret = -errno;
	if (!ret) {
		mount_fd = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
		ret = mount_fd < 0 ? -errno : 0;
	}
	close(fs);
	if (ret)
		return ret;
	*is_all = !fstat(mount_fd, &st) && st.st_ino == CGROUP_ROOT_ID;
	return mount_fd;
}

int cgroup_attach(int prog_fd, int cgroup_fd, uint32_t attach_type)
{
	int fd = bpf_link_create(prog_fd, cgroup_fd,
				 (enum bpf_attach_type)attach_type, NULL);

	return fd < 0 ? -errno : fd;
}
