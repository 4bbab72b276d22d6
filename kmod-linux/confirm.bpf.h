/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * confirm.bpf.h: a policy on trial -> in force, or gone back from by a timer.
 *
 * Overview
 *   nfr_arm() switches to the new slot and starts the timer in one run that no
 *   signal can cut in two. Nobody has to live from then on: the timer is the
 *   kernel's and its map is pinned. Who confirms stops the timer first; once
 *   bpf_timer_cancel() returns, it has run wholly or will not run.
 *
 * Invariants
 *   - Only the slot on trial is gone back from: a switch by hand meanwhile
 *     stays.
 *   - The slot that is gone back to holds what it held at the start, else
 *     everything blocks.
 */
#ifndef NFR_CONFIRM_BPF_H
#define NFR_CONFIRM_BPF_H

#include "kmod-linux/maps.bpf.h"

#define CONFIRM_CLOCK_BOOTTIME 7 /* time asleep counts */
#define CONFIRM_NS_A_MS 1000000ull

struct confirm_value {
	struct bpf_timer timer;
	struct nfr_pending pending;
};
_Static_assert(sizeof(struct bpf_timer) == NFR_TIMER_LEN, "bpf_timer");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct confirm_value);
} nfr_pending SEC(".maps");

static int confirm_go_back(void *map, __u32 *key, struct confirm_value *value)
{
	struct nfr_pending *pending = &value->pending;
	__u32 zero = 0, to = pending->to_slot;
	struct nfr_control *control = bpf_map_lookup_elem(&nfr_control, &zero);

	(void)map;
	(void)key;
	if (!control || pending->state != NFR_PENDING_WAITING)
		return 0;
	if (to == 0 && control->generation[0] != pending->to_generation)
		to = NFR_SLOT_NONE;
	else if (to == 1 && control->generation[1] != pending->to_generation)
		to = NFR_SLOT_NONE;
	__sync_val_compare_and_swap(&control->active, pending->from_slot, to);
	pending->state = NFR_PENDING_WENT_BACK;
	return 0;
}

static __always_inline int confirm_start(struct nfr_control *control,
					 struct confirm_value *value,
					 const struct nfr_arm *arm)
{
	__u32 before = control->active;
	__u64 wait_ns = arm->wait_ms * CONFIRM_NS_A_MS;
	long ret;

	bpf_timer_init(&value->timer, &nfr_pending, CONFIRM_CLOCK_BOOTTIME);
	ret = bpf_timer_set_callback(&value->timer, confirm_go_back);
	if (ret)
		return ret;
	value->pending = arm->pending;
	value->pending.state = NFR_PENDING_WAITING;
	value->pending.deadline_ns = bpf_ktime_get_boot_ns() + wait_ns;
	control->active = arm->pending.from_slot;
	ret = bpf_timer_start(&value->timer, wait_ns, 0);
	if (ret) {
		control->active = before;
		value->pending.state = NFR_PENDING_NONE;
	}
	return ret;
}

SEC("syscall")
int nfr_arm(struct nfr_arm *arm)
{
	__u32 zero = 0;
	struct nfr_control *control = bpf_map_lookup_elem(&nfr_control, &zero);
	struct confirm_value *value = bpf_map_lookup_elem(&nfr_pending, &zero);

	if (!control || !value)
		return -1;
	if (arm->op == NFR_ARM_START)
		return confirm_start(control, value, arm);
	bpf_timer_cancel(&value->timer);
	if (value->pending.state != NFR_PENDING_WAITING)
		return 0;
	value->pending.state = arm->pending.state;
	return 1;
}

#endif
