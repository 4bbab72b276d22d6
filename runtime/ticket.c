/* SPDX-License-Identifier: BSD-2-Clause */
/* ticket.c: the tunnel's device and what it says of itself -> its ticket. */
#include "ticket.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "peers.h"
#include "pins.h"

static const struct engine_device *
ticket_device(const struct engine_devices *devices)
{
	for (size_t i = 0; i < devices->count; i++)
		if (devices->items[i].is_tunnel && devices->items[i].is_trusted)
			return &devices->items[i];
	return NULL;
}

/* A policy that states peers is of WireGuard, whose device comes first. */
static bool ticket_states_peers(const struct image *image)
{
	for (__u32 i = 0; i < image->iface_count; i++)
		if (image->ifaces[i].flags & IMAGE_IFACE_TUNNEL &&
		    *image_string(image, image->ifaces[i].peers))
			return true;
	return false;
}

/*
 * A device that can not be asked just now keeps what it said before. One whose
 * peers are reached by this host itself has a proxy, which could be anyone.
 */
static void ticket_of_device(const struct engine_device *device,
			     const struct nfr_ticket *before,
			     struct nfr_ticket *out)
{
	struct peers peers = {0};
	int ret = peers_read(device, &peers);

	if (ret == -EOPNOTSUPP || (!ret && peers.is_proxied)) {
		peers_free(&peers);
		return;
	}
	out->ifindex = device->ifindex;
	out->kind = peers.is_kernel ? NFR_TICKET_KERNEL : NFR_TICKET_SOCKET;
	out->port = peers.port;
	out->uid = peers.uid;
	if (ret && before->ifindex == device->ifindex)
		*out = *before;
	else if (ret)
		out->kind = NFR_TICKET_NONE;
	peers_free(&peers);
}

int ticket_update(int fd, const struct image *image,
		  const struct engine_devices *devices)
{
	const struct engine_device *device = ticket_device(devices);
	struct nfr_ticket before = {0},
			  ticket = {.kind = NFR_TICKET_ANY, .uid = NFR_NO_ID};
	uint32_t zero = 0, inode;
	uint64_t cookie = 0;
	int ret = pins_netns(&cookie, &inode);

	if (ret)
		return ret;
	ticket.netns_cookie = cookie;
	bpf_map_lookup_elem(fd, &zero, &before);
	if (device)
		ticket_of_device(device, &before, &ticket);
	else if (before.ifindex)
		return 0; /* void, until the tunnel is back */
	else if (ticket_states_peers(image))
		ticket.kind = NFR_TICKET_NONE;
	if (!memcmp(&before, &ticket, sizeof(ticket)))
		return 0;
	return bpf_map_update_elem(fd, &zero, &ticket, BPF_ANY) ? -errno : 0;
}

void ticket_copy(int from, int to)
{
	struct nfr_ticket ticket = {.kind = NFR_TICKET_NONE};
	uint32_t zero = 0;

	if (from >= 0)
		bpf_map_lookup_elem(from, &zero, &ticket);
	bpf_map_update_elem(to, &zero, &ticket, BPF_ANY);
}

void ticket_text(const struct nfr_ticket *ticket, char out[TICKET_TEXT_MAX])
{
	char port[24] = "", uid[24] = "";

	if (ticket->port)
		snprintf(port, sizeof(port), " at port %u", ticket->port);
	if (ticket->uid != NFR_NO_ID)
		snprintf(uid, sizeof(uid), " of user %u", ticket->uid);
	switch (ticket->kind) {
	case NFR_TICKET_SOCKET:
		snprintf(out, TICKET_TEXT_MAX, "the UDP socket%s%s", uid, port);
		break;
	case NFR_TICKET_KERNEL:
		snprintf(out, TICKET_TEXT_MAX, "the kernel's UDP socket%s",
			 port);
		break;
	case NFR_TICKET_ANY:
		snprintf(out, TICKET_TEXT_MAX,
			 "any process, but not by raw frames");
		break;
	default:
		snprintf(out, TICKET_TEXT_MAX, "nobody yet");
	}
}

bool ticket_is_asked(const struct image *image)
{
	const __u32 ticket = NFR_ORIGIN_TICKET << 16 | NFR_ORIGIN_TICKET;

	for (__u32 i = 0; i < image->insn_count; i++)
		if (image->code[i].field == NFR_F_ORIGIN &&
		    image->code[i].imm == ticket)
			return true;
	return false;
}
