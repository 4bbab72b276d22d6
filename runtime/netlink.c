/* SPDX-License-Identifier: BSD-2-Clause */
/* netlink.c: a netlink message -> what answers it, message by message. */
#include "netlink.h"

#include <errno.h>

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
