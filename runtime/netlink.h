/* SPDX-License-Identifier: BSD-2-Clause */
/* netlink.h: a netlink message -> what answers it, message by message. */
#ifndef NFR_NETLINK_H
#define NFR_NETLINK_H

#include <libmnl/libmnl.h>

/* Of that protocol, bound; NULL with errno set. By mnl_socket_close(). */
struct mnl_socket *netlink_open(int protocol);
/*
 * Sends the message, and gives all answers with its sequence number (any, when
 * it is 0) to the callback, until the last one, an acknowledgement or an error.
 * callback: as in libmnl; NULL where only that one is waited for. 0 or -errno,
 * the kernel's where it says one.
 */
int netlink_ask(struct mnl_socket *, const struct nlmsghdr *, mnl_cb_t callback,
		void *arg);

#endif
