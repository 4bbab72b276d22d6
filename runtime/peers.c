/* SPDX-License-Identifier: BSD-2-Clause */
/* peers.c: generic netlink, or a daemon's socket -> public keys. */
#include "peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "netlink.h"

#define PEERS_SOCKET_WAIT_S 1
#define PEERS_MAX 65536u

void peers_free(struct peers *peers)
{
	free(peers->keys);
	*peers = (struct peers){0};
}

static int peers_add(struct peers *peers, const uint8_t key[PEERS_KEY_LEN])
{
	uint8_t(*grown)[PEERS_KEY_LEN];

	/* A peer that does not fit in one message comes in several. */
	for (size_t i = 0; i < peers->count; i++) {
		if (!memcmp(peers->keys[i], key, PEERS_KEY_LEN))
			return 0;
	}
	if (peers->count == PEERS_MAX)
		return -E2BIG;
	grown = reallocarray(peers->keys, peers->count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	peers->keys = grown;
	memcpy(grown[peers->count++], key, PEERS_KEY_LEN);
	return 0;
}

void peers_key_text(const uint8_t key[PEERS_KEY_LEN], char out[PEERS_KEY_TEXT])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	char *at = out;

	for (unsigned i = 0; i < PEERS_KEY_LEN; i += 3) {
		uint32_t bits = (uint32_t)key[i] << 16;

		if (i + 1 < PEERS_KEY_LEN)
			bits |= (uint32_t)key[i + 1] << 8;
		if (i + 2 < PEERS_KEY_LEN)
			bits |= key[i + 2];
		*at++ = digits[bits >> 18];
		*at++ = digits[bits >> 12 & 63];
		*at++ = digits[bits >> 6 & 63];
		*at++ = i + 2 < PEERS_KEY_LEN ? digits[bits & 63] : '=';
	}
	*at = '\0';
}

/* ---- the kernel's ------------------------------------------------------- */

static int peers_family_message(const struct nlmsghdr *message, void *arg)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
			*(uint16_t *)arg = mnl_attr_get_u16(attr);
	}
	return MNL_CB_OK;
}

static struct nlmsghdr *peers_message(char *buffer, uint16_t type,
				      uint16_t flags, uint8_t command,
				      uint8_t version)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(buffer);
	struct genlmsghdr *genl;

	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	message->nlmsg_seq = 1;
	genl = mnl_nlmsg_put_extra_header(message, sizeof(*genl));
	genl->cmd = command;
	genl->version = version;
	return message;
}

static bool peers_is_loopback(const struct sockaddr *to)
{
	const struct sockaddr_in6 *to6 = (const void *)to;
	const struct sockaddr_in *to4 = (const void *)to;

	return to->sa_family == AF_INET
		       ? ntohl(to4->sin_addr.s_addr) >> 24 == 127
		       : to->sa_family == AF_INET6 &&
				 IN6_IS_ADDR_LOOPBACK(&to6->sin6_addr);
}

static int peers_peer(const struct nlattr *peer, struct peers *peers)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, peer)
	{
		if (mnl_attr_get_type(attr) == WGPEER_A_ENDPOINT &&
		    mnl_attr_get_payload_len(attr) >=
			    sizeof(struct sockaddr_in))
			peers->is_proxied |=
				peers_is_loopback(mnl_attr_get_payload(attr));
	}
	mnl_attr_for_each_nested(attr, peer)
	{
		if (mnl_attr_get_type(attr) == WGPEER_A_PUBLIC_KEY &&
		    mnl_attr_get_payload_len(attr) == PEERS_KEY_LEN)
			return peers_add(peers, mnl_attr_get_payload(attr));
	}
	return -EBADMSG;
}

static int peers_device_message(const struct nlmsghdr *message, void *arg)
{
	const struct nlattr *attr, *peer;

	mnl_attr_for_each(attr, message, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == WGDEVICE_A_LISTEN_PORT &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
			((struct peers *)arg)->port = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) != WGDEVICE_A_PEERS)
			continue;
		mnl_attr_for_each_nested(peer, attr)
		{
			int ret = peers_peer(peer, arg);

			if (ret) {
				errno = -ret;
				return MNL_CB_ERROR;
			}
		}
	}
	return MNL_CB_OK;
}

static int peers_of_kernel(const struct engine_device *device,
			   struct peers *out)
{
	struct mnl_socket *socket = netlink_open(NETLINK_GENERIC);
	struct nlmsghdr *message;
	uint16_t family = 0;
	char buffer[512];
	int ret;

	if (!socket)
		return -errno;
	message = peers_message(buffer, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(message, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME);
	ret = netlink_ask(socket, message, peers_family_message, &family);
	if (!ret && !family)
		ret = -EOPNOTSUPP;
	if (!ret) {
		message = peers_message(buffer, family, NLM_F_DUMP,
					WG_CMD_GET_DEVICE, WG_GENL_VERSION);
		mnl_attr_put_u32(message, WGDEVICE_A_IFINDEX, device->ifindex);
		ret = netlink_ask(socket, message, peers_device_message, out);
	}
	mnl_socket_close(socket);
	return ret;
}

/* ---- a daemon's --------------------------------------------------------- */

static int peers_hex(const char *text, uint8_t key[PEERS_KEY_LEN])
{
	for (unsigned i = 0; i < PEERS_KEY_LEN; i++) {
		unsigned byte;

		if (sscanf(text + (size_t)2 * i, "%2x", &byte) != 1)
			return -EBADMSG;
		key[i] = (uint8_t)byte;
	}
	return text[(size_t)2 * PEERS_KEY_LEN] == '\n' ? 0 : -EBADMSG;
}

/* Lines of "key=value"; an empty one is the end. */
static int peers_parse(FILE *file, struct peers *out)
{
	static const char name[] = "public_key=";
	char line[512];
	unsigned port;
	int ret = 0;

	while (!ret && fgets(line, sizeof(line), file)) {
		uint8_t key[PEERS_KEY_LEN];

		if (line[0] == '\n')
			return 0;
		if (sscanf(line, "listen_port=%u", &port) == 1)
			out->port = (uint16_t)port;
		out->is_proxied |= !strncmp(line, "endpoint=127.", 13) ||
				   !strncmp(line, "endpoint=[::1]:", 15);
		if (strncmp(line, name, sizeof(name) - 1))
			continue;
		ret = peers_hex(line + sizeof(name) - 1, key);
		if (!ret)
			ret = peers_add(out, key);
	}
	return ret ? ret : -EBADMSG;
}

static int peers_connect(const char *folder, const char *name)
{
	struct timeval wait = {.tv_sec = PEERS_SOCKET_WAIT_S};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s.sock", folder,
		 name);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		int ret = -errno;

		close(fd);
		return ret;
	}
	return fd;
}

static int peers_of_daemon(const struct engine_device *device,
			   struct peers *out)
{
	static const char ask[] = "get=1\n\n";
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);
	int ret, fd = peers_connect("/var/run/wireguard", device->name);
	FILE *file;

	if (fd == -ENOENT)
		fd = peers_connect("/var/run/amneziawg", device->name);
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return -EOPNOTSUPP;
	if (fd < 0)
		return fd;
	if (send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(ask) - 1) {
		ret = -EIO;
		close(fd);
		return ret;
	}
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		out->uid = cred.uid;
	file = fdopen(fd, "r");
	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	ret = peers_parse(file, out);
	fclose(file);
	return ret;
}

int peers_read(const struct engine_device *device, struct peers *out)
{
	struct peers peers = {.uid = NFR_NO_ID};
	int ret = -EOPNOTSUPP;

	peers.is_kernel = !strcmp(device->kind, "wireguard");
	if (peers.is_kernel)
		ret = peers_of_kernel(device, &peers);
	else if (!strcmp(device->kind, "tun"))
		ret = peers_of_daemon(device, &peers);
	if (ret)
		peers_free(&peers);
	else
		*out = peers;
	return ret;
}
