/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel.h: what of agree_kernel is for tests of flows. */
#ifndef NFR_AGREE_KERNEL_H
#define NFR_AGREE_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/statemap.h"

#define AGREE_KERNEL_OBJECTS 2

struct bpf_object;

/*
 * From now on flows go on from frame to frame, and over loads. An object then
 * sees each frame once: what comes in, the first by XDP and the second by tc.
 * All frames must be of ifindex 1, as states are bound to the device.
 */
void agree_kernel_keep_flows(void *self, bool on);
/* Ends all flows, and what is known of fragments. */
void agree_kernel_forget(void *self);
/*
 * Flows go on, and frames are of the devices that they name: ifindexes must be
 * those of this network namespace. One object is loaded and run, what comes in
 * by XDP or by tc.
 */
void agree_kernel_on_devices(void *self, unsigned object, bool is_by_xdp);
/* The last frame as the program left it, until the next. */
const uint8_t *agree_kernel_output(void *self, size_t *len);
/* Where it goes, and a copy of it, if its result's action says so. */
void agree_kernel_orders(void *self, struct nfr_hop *hop, struct nfr_hop *copy);
/* The programs and maps of an object, by their names; not the caller's either.
 */
struct bpf_object *agree_kernel_object(void *self, unsigned object);
/* The map of states of an object; not the caller's to close. */
const struct statemap *agree_kernel_states(void *self, unsigned object);

#endif
