/* SPDX-License-Identifier: BSD-2-Clause */
/* bare.c: a namespace -> empty programs at the hooks that nfr would have there.
 */
#include "bare.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/pkt_cls.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/gate.h"
#include "runtime/links.h"
#include "runtime/netfilter.h"
#include "runtime/tcx.h"

/* Returns a number, and that is all. */
static int bare_program(uint32_t type, uint32_t attach, int32_t returns)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = returns},
		{.code = BPF_JMP | BPF_EXIT},
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = (enum bpf_attach_type)attach);
	int fd = bpf_prog_load((enum bpf_prog_type)type, "nfr_bare",
			       "Dual BSD/GPL", insns, 2, &opts);

	return fd < 0 ? -errno : fd;
}

static int bare_keep(struct bare *b, int link)
{
	if (link < 0)
		return link;
	if (b->count == BARE_LINKS) {
		close(link);
		return -E2BIG;
	}
	b->links[b->count++] = link;
	return 0;
}

/* The floor's. */
static int bare_netfilter(struct bare *b)
{
	static const uint32_t families[] = {NFPROTO_IPV4, NFPROTO_IPV6};
	static const uint32_t hooks[] = {NF_INET_LOCAL_OUT, NF_INET_FORWARD,
					 NF_INET_POST_ROUTING};
	int prog = bare_program(NETFILTER_PROG_TYPE, NETFILTER_ATTACH_TYPE,
				NF_ACCEPT);
	int ret = prog < 0 ? prog : 0;

	for (unsigned i = 0; i < 6 && !ret; i++) {
		struct netfilter_hook hook = {.family = families[i / 3],
					      .hook = hooks[i % 3],
					      .priority = 1};

		ret = bare_keep(b, netfilter_attach(prog, &hook));
	}
	if (prog >= 0)
		close(prog);
	return ret;
}

/* The edge's. */
static int bare_edge(struct bare *b, struct engine_device *device, int prog)
{
	int ret = 0;

	for (unsigned dir = 0; dir < 2 && !ret; dir++) {
		ret = bare_keep(b, tcx_attach(prog, device->ifindex,
					      (enum nfr_dir)dir));
		device->hook[dir].mode = ENGINE_MODE_TCX;
	}
	return ret;
}

static int bare_edges(struct bare *b, struct engine_devices *devices)
{
	int prog = bare_program(BPF_PROG_TYPE_SCHED_CLS, 0, TC_ACT_UNSPEC);
	int ret = prog < 0 ? prog : 0;

	for (size_t i = 0; i < devices->count && !ret; i++)
		if (!(devices->items[i].flags & IFF_LOOPBACK))
			ret = bare_edge(b, &devices->items[i], prog);
	if (prog >= 0)
		close(prog);
	return ret;
}

int bare_attach(struct bare *b, char error[MEASURE_ERROR_MAX])
{
	struct engine_devices devices = {0};
	const char *what = "list the devices";
	int ret = links_list(&devices);
	bool news;

	b->count = 0;
	if (!ret) {
		what = "attach to netfilter";
		ret = bare_netfilter(b);
	}
	if (!ret) {
		what = "attach to tcx";
		ret = bare_edges(b, &devices);
	}
	if (!ret) {
		what = "put up the gate";
		ret = gate_sync(&devices, false, &news);
	}
	engine_devices_free(&devices);
	/* Where the kernel has no gate, nfr has none. */
	if (!ret || ret == -EOPNOTSUPP)
		return 0;
	snprintf(error, MEASURE_ERROR_MAX, "%s: %s", what, strerror(-ret));
	return ret;
}

void bare_free(struct bare *b)
{
	while (b->count)
		close(b->links[--b->count]);
}
