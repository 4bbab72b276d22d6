/* SPDX-License-Identifier: BSD-2-Clause */
/* netlink.c: a netlink message -> what answers it, message by message. */
#include "netlink.h"

#include <errno.h>

struct mnl_socket *netlink_open(int protocol)
{
	struct mnl_socket *socket = mnl_socket_open2(protocol, SOCK_CLOEXEC);

	if (socket && mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID)) {
		int code = errno;

		mnl_socket_close(socket);
		errno = code;
		return NULL;
	}
	return socket;
}

int netlink_ask(struct mnl_socket *socket, const struct nlmsghdr *message,
		mnl_cb_t callback, void *arg)
{
	unsigned port = mnl_socket_get_portid(socket);
	uint32_t seq = message->nlmsg_seq;
	char buffer[32768];
	int more;

	if (mnl_socket_sendto(socket, message, message->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t len =
			mnl_socket_recvfrom(socket, buffer, sizeof(buffer));

		if (len < 0)
			return -errno;
		more = mnl_cb_run(buffer, (size_t)len, seq, port, callback,
				  arg);
		if (more < 0)
			return errno ? -errno : -EIO;
	} while (more > 0);
	return 0;
}
