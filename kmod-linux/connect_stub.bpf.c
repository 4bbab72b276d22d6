/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * connect_stub.bpf.c: a socket that is to be connected -> the question of the
 * active generation (connect.bpf.c). stub.bpf.c says how. A program of one hook
 * can not call one of another, so each has slots of its own.
 *
 * Where there is none, packets are blocked, and sockets are left alone.
 */
#define NFR_STUB
#include "kmod-linux/maps.bpf.h"
#include "kmod-linux/slots.bpf.h"

#define CONNECT_GO_ON 1

SLOTS(nfr_slots_conn4, 2);
SLOTS(nfr_slots_conn6, 2);
SLOTS(nfr_slots_sock, 2);

/* The slot of this namespace's policy, or one that is none. */
static __always_inline __u32 connect_slot(void *ctx)
{
	__u32 zero = 0;
	volatile struct nfr_control *control =
		bpf_map_lookup_elem(&nfr_control, &zero);

	if (!control || bpf_get_netns_cookie(ctx) != control->netns_cookie)
		return NFR_SLOT_NONE;
	return control->active;
}

#define CONNECT_STUB(hook, prog, context, slots)                               \
	SEC(hook)                                                              \
	int prog(struct context *ctx)                                          \
	{                                                                      \
		__u32 slot = connect_slot(ctx);                                \
                                                                               \
		if (slot == 0)                                                 \
			bpf_tail_call_static(ctx, &(slots), 0);                \
		else if (slot == 1)                                            \
			bpf_tail_call_static(ctx, &(slots), 1);                \
		return CONNECT_GO_ON;                                          \
	}

CONNECT_STUB("cgroup/connect4", nfr_stub_conn4, bpf_sock_addr, nfr_slots_conn4)
CONNECT_STUB("cgroup/connect6", nfr_stub_conn6, bpf_sock_addr, nfr_slots_conn6)
CONNECT_STUB("cgroup/sock_create", nfr_stub_sock, bpf_sock, nfr_slots_sock)

char _license[] SEC("license") = "Dual BSD/GPL";
