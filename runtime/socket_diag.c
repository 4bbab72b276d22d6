/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * socket_diag.c: the sockets of this namespace -> those that send past every
 * hook. sock_diag(7) lists packet sockets, but not whether they bypass; that is
 * asked of the socket itself, by a copy of a holder's descriptor. So is that it
 * does so no more: what it sends from then on is seen. An AF_XDP socket has no
 * such option.
 */
#include <dirent.h>
#include <errno.h>
#include <linux/packet_diag.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "netlink.h"
#include "sockets.h"

#define DIAG_AF_XDP 44
#define DIAG_QDISC_BYPASS 20

/* The inodes of sockets that were listed, and not yet found. */
struct diag {
	struct socket_diag *out;
	bool ends;
	uint32_t *inodes;
	size_t count;
};

static int diag_visit(const struct nlmsghdr *header, void *arg)
{
	const struct packet_diag_msg *msg = mnl_nlmsg_get_payload(header);
	struct diag *diag = arg;
	uint32_t *grown;

	grown = reallocarray(diag->inodes, diag->count + 1, sizeof(*grown));
	if (!grown)
		return MNL_CB_ERROR;
	diag->inodes = grown;
	diag->inodes[diag->count++] = msg->pdiag_ino;
	return MNL_CB_OK;
}

/* All packet sockets of the caller's namespace. */
static int diag_list(struct diag *diag)
{
	char buffer[256];
	struct nlmsghdr *header = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *nl = netlink_open(NETLINK_SOCK_DIAG);
	struct packet_diag_req *request;
	int ret;

	if (!nl)
		return -errno;
	header->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	header->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request = mnl_nlmsg_put_extra_header(header, sizeof(*request));
	request->sdiag_family = AF_PACKET;
	ret = netlink_ask(nl, header, diag_visit, diag);
	mnl_socket_close(nl);
	return ret;
}

/* Was it listed? Then it is found. */
static bool diag_take(struct diag *diag, uint32_t inode)
{
	for (size_t i = 0; i < diag->count; i++) {
		if (diag->inodes[i] != inode)
			continue;
		diag->inodes[i] = diag->inodes[--diag->count];
		return true;
	}
	return false;
}

#define DIAG_HOLDERS sizeof(((struct socket_diag *)0)->holders)

static void diag_name(char holders[DIAG_HOLDERS], int pid)
{
	size_t len = strlen(holders);
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	file = fopen(path, "re");
	if (file) {
		if (!fgets(name, sizeof(name), file))
			name[0] = '\0';
		name[strcspn(name, "\n")] = '\0';
		fclose(file);
	}
	snprintf(holders + len, DIAG_HOLDERS - len, "%s%s (%d)",
		 len ? ", " : "", name, pid);
}

static bool diag_bypasses(int fd)
{
	int bypass = 1;
	socklen_t len = sizeof(bypass);

	return getsockopt(fd, SOL_PACKET, DIAG_QDISC_BYPASS, &bypass, &len) ||
	       bypass;
}

/* The option is the socket's, so a copy of the descriptor can take it. */
static bool diag_end(int fd)
{
	int bypass = 0;

	return !setsockopt(fd, SOL_PACKET, DIAG_QDISC_BYPASS, &bypass,
			   sizeof(bypass)) &&
	       !diag_bypasses(fd);
}

/* A socket of ours by its own word: which kind? */
static void diag_ask(struct diag *diag, int pid, int fd, uint32_t inode,
		     uint64_t cookie)
{
	struct socket_diag *out = diag->out;
	int domain = 0;
	socklen_t len = sizeof(domain);
	uint64_t netns = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) ||
	    (domain != AF_PACKET && domain != DIAG_AF_XDP))
		return;
	if (domain == DIAG_AF_XDP) {
		len = sizeof(netns);
		if (getsockopt(fd, SOL_SOCKET, 71 /* SO_NETNS_COOKIE */, &netns,
			       &len) ||
		    netns == cookie) {
			out->xdp++;
			diag_name(out->holders, pid);
		}
		return;
	}
	if (!diag_take(diag, inode) || !diag_bypasses(fd))
		return;
	if (diag->ends && diag_end(fd)) {
		out->ended++;
		diag_name(out->former, pid);
		return;
	}
	out->bypass++;
	diag_name(out->holders, pid);
}

/* Every socket among the descriptors of one process. */
static void diag_process(struct diag *diag, int pid, uint64_t cookie)
{
	char path[300], target[64];
	struct dirent *entry;
	int pidfd = -1;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		unsigned inode;
		ssize_t len;
		int fd;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid,
			 entry->d_name);
		len = readlink(path, target, sizeof(target) - 1);
		if (len < 0)
			continue;
		target[len] = '\0';
		if (sscanf(target, "socket:[%u]", &inode) != 1)
			continue;
		if (pidfd < 0)
			pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		fd = (int)syscall(SYS_pidfd_getfd, pidfd, atoi(entry->d_name),
				  0);
		if (fd < 0)
			continue;
		diag_ask(diag, pid, fd, inode, cookie);
		close(fd);
	}
	if (dir)
		closedir(dir);
	if (pidfd >= 0)
		close(pidfd);
}

/* Those that were listed, whose holder was not found, and that still live. */
static unsigned diag_hidden(struct diag *diag)
{
	struct diag now = {0};
	unsigned hidden = 0;

	if (!diag->count)
		return 0;
	if (diag_list(&now)) {
		hidden = (unsigned)diag->count;
	} else {
		for (size_t i = 0; i < now.count; i++)
			hidden += diag_take(diag, now.inodes[i]);
	}
	free(now.inodes);
	return hidden;
}

int socket_diag(bool ends, struct socket_diag *out)
{
	struct diag diag = {.out = out, .ends = ends};
	struct dirent *entry;
	uint64_t cookie = 0;
	uint32_t inode;
	DIR *proc;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = diag_list(&diag);
	if (!ret)
		ret = pins_netns(&cookie, &inode);
	proc = ret ? NULL : opendir("/proc");
	while (proc && (entry = readdir(proc)))
		if (atoi(entry->d_name) > 0)
			diag_process(&diag, atoi(entry->d_name), cookie);
	if (proc)
		closedir(proc);
	out->hidden = ret ? 0 : diag_hidden(&diag);
	free(diag.inodes);
	return ret;
}
