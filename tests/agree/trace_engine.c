/* SPDX-License-Identifier: BSD-2-Clause */
/* trace_engine.c: the native datapath and the kernel's, for traces. */
#include "trace_engine.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agree.h"
#include "kernel.h"
#include "kmod-linux/marks.h"
#include "runtime/datapath_user.h"

#define STATES_MAX 256

const char *const trace_devices[TRACE_DEVICES] = {"eth0", "eth1", "wg0"};

/* ---- native ---------------------------------------------------------------
 */

static int native_open(void **self, const char **why)
{
	*why = "datapath_new() failed";
	return datapath_new(STATES_MAX, (struct datapath **)self);
}

static void native_begin(void *self, uint64_t variety, bool translates)
{
	(void)variety;
	(void)translates;
	datapath_forget_states(self);
}

static uint32_t native_ifindex(void *self, unsigned device)
{
	(void)self;
	return device + 2;
}

static int native_load(void *self, const struct image *image)
{
	struct datapath_device own[TRACE_DEVICES];

	for (unsigned i = 0; i < TRACE_DEVICES; i++)
		own[i] = (struct datapath_device){
			.name = trace_devices[i],
			.ifindex = native_ifindex(self, i),
			.link = NFR_LINK_ETHER};
	return datapath_switch(self, image, own, TRACE_DEVICES);
}

static int native_judge(void *self, const struct flow_hook *h,
			const uint8_t *bytes, size_t len,
			struct trace_left *left)
{
	const struct datapath_frame own = {
		.bytes = bytes,
		.writable = left->bytes,
		.caplen = len,
		.len = len,
		.ifindex = native_ifindex(self, h->device),
		.ingress = h->ingress == FLOW_HERE
				   ? 0
				   : native_ifindex(self, h->ingress),
		.dir = h->dir,
		.now_ms = h->now_ms,
		.hops = h->hops,
		.was_here = h->was_here};

	memcpy(left->bytes, bytes, len);
	left->result = datapath_judge(self, &own, NULL, NULL);
	left->hop = datapath_orders(self).hop;
	left->copy = datapath_orders(self).copy;
	return 0;
}

static void native_states(void *self,
			  void (*visit)(void *arg, const struct nfr_state_key *,
					const struct nfr_state *),
			  void *arg)
{
	datapath_each_state(self, visit, arg);
}

static void native_close(void **self)
{
	datapath_free((struct datapath **)self);
}

const struct trace_engine trace_native = {
	.name = "native",
	.has_clock = true,
	.open = native_open,
	.begin = native_begin,
	.load = native_load,
	.judge = native_judge,
	.states = native_states,
	.ifindex = native_ifindex,
	.close = native_close,
};

/* ---- the kernel: in a network namespace of our own -------------------------
 */

struct in_kernel {
	void *agree;
	uint32_t ifindex[TRACE_DEVICES];
	unsigned object;
	int capture; /* a socket: what leaves by any device */
};

static int make_devices(struct in_kernel *k)
{
	char command[256];

	if (unshare(CLONE_NEWNET) != 0)
		return -errno;
	/* So that nobody else sends. */
	if (system("sysctl -qw net.ipv6.conf.default.disable_ipv6=1 >&2") != 0)
		return -ENODEV;
	for (unsigned i = 0; i < TRACE_DEVICES; i++) {
		const char *name = trace_devices[i];

		snprintf(command, sizeof(command),
			 "{ ip link add %s type veth peer name %s-peer && "
			 "ip link set %s up && ip link set %s-peer up; } >&2",
			 name, name, name, name);
		if (system(command) != 0)
			return -ENODEV;
		k->ifindex[i] = if_nametoindex(trace_devices[i]);
		if (!k->ifindex[i])
			return -ENODEV;
	}
	k->capture =
		socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL));
	return k->capture < 0 ? -errno : 0;
}

/* The copy that was sent; there is one at most. 0 or -errno. */
static int take_copy(struct in_kernel *k, size_t len, struct trace_left *left)
{
	uint8_t bytes[TRACE_FRAME_MAX];
	struct sockaddr_ll from = {0};
	socklen_t from_len = sizeof(from);
	ssize_t got;

	left->has_copy = false;
	while ((got = recvfrom(k->capture, bytes, sizeof(bytes), MSG_TRUNC,
			       (struct sockaddr *)&from, &from_len)) >= 0) {
		if (from.sll_pkttype != PACKET_OUTGOING)
			continue; /* at the other end */
		if (left->has_copy || (size_t)got != len)
			return -EBADMSG;
		left->has_copy = true;
		left->copy_ifindex = (uint32_t)from.sll_ifindex;
		memcpy(left->copied, bytes, len);
	}
	return errno == EAGAIN ? 0 : -errno;
}

static void kernel_close(void **self)
{
	struct in_kernel *k = *self;

	if (k && k->agree)
		agree_kernel.close(&k->agree);
	if (k && k->capture > 0)
		close(k->capture);
	free(k);
	*self = NULL;
}

static int kernel_open(void **self, const char **why)
{
	struct in_kernel *k = calloc(1, sizeof(*k));
	int ret;

	if (!k)
		return -ENOMEM;
	ret = agree_kernel.open(&k->agree, why);
	if (!ret) {
		ret = make_devices(k);
		*why = "no devices in a namespace of its own";
	}
	if (ret)
		kernel_close((void **)&k);
	*self = k;
	return ret;
}

/* XDP does not rewrite; there the hook is tc's. */
static void kernel_begin(void *self, uint64_t variety, bool translates)
{
	struct in_kernel *k = self;

	k->object = variety % AGREE_KERNEL_OBJECTS;
	agree_kernel_on_devices(k->agree, k->object,
				!translates && variety / 2 % 2);
	agree_kernel_forget(k->agree);
}

static int kernel_load(void *self, const struct image *image)
{
	struct in_kernel *k = self;
	struct agree_device own[TRACE_DEVICES];

	for (unsigned i = 0; i < TRACE_DEVICES; i++)
		own[i] = (struct agree_device){.name = trace_devices[i],
					       .ifindex = k->ifindex[i],
					       .link = NFR_LINK_ETHER};
	return agree_kernel.load(k->agree, image, own, TRACE_DEVICES);
}

static uint32_t mark_of(const struct flow_hook *h)
{
	uint32_t mark = h->hops;

	if (h->is_copy)
		mark |= ENV_IS_COPY;
	if (h->was_here)
		mark |= ENV_WAS_HERE;
	return mark ? ENV_MARK | mark : 0;
}

static int kernel_judge(void *self, const struct flow_hook *h,
			const uint8_t *bytes, size_t len,
			struct trace_left *result)
{
	struct in_kernel *k = self;
	const struct agree_frame frame = {
		.bytes = bytes,
		.len = len,
		.ifindex = k->ifindex[h->device],
		.ingress = h->ingress == FLOW_HERE ? 0 : k->ifindex[h->ingress],
		.dir = h->dir,
		.link = NFR_LINK_ETHER,
		.mark = mark_of(h),
		.has_come_in = h->has_come_in};
	int ret = agree_kernel.judge(k->agree, &frame, &result->result);
	const uint8_t *left;
	size_t left_len;

	if (!ret)
		ret = take_copy(k, len, result);
	if (ret)
		return ret;
	left = agree_kernel_output(k->agree, &left_len);
	if (left_len != len)
		return -EBADMSG;
	memcpy(result->bytes, left, len);
	agree_kernel_orders(k->agree, &result->hop, &result->copy);
	return 0;
}

static void kernel_states(void *self,
			  void (*visit)(void *arg, const struct nfr_state_key *,
					const struct nfr_state *),
			  void *arg)
{
	struct in_kernel *k = self;
	const struct statemap *map = agree_kernel_states(k->agree, k->object);
	struct nfr_flow flow;

	for (uint32_t place = statemap_next(map, 0); place < NFR_PLACES;
	     place = statemap_next(map, place + 1))
		if (statemap_read(map, place, &flow))
			visit(arg, &flow.name, &flow.state);
}

static uint32_t kernel_ifindex(void *self, unsigned device)
{
	return ((struct in_kernel *)self)->ifindex[device];
}

const struct trace_engine trace_kernel = {
	.name = "kernel",
	.sends = true,
	.open = kernel_open,
	.begin = kernel_begin,
	.load = kernel_load,
	.judge = kernel_judge,
	.states = kernel_states,
	.ifindex = kernel_ifindex,
	.close = kernel_close,
};
