/* SPDX-License-Identifier: BSD-2-Clause */
/* kernel.h: what of agree_kernel is for tests of flows. */
#ifndef NFR_AGREE_KERNEL_H
#define NFR_AGREE_KERNEL_H

#include <stdbool.h>

#define AGREE_KERNEL_OBJECTS 2

/*
 * From now on flows go on from frame to frame, and over loads. An object then
 * sees each frame once: what comes in, the first by XDP and the second by tc.
 * All frames must be of ifindex 1, as states are bound to the device.
 */
void agree_kernel_keep_flows(void *self, bool on);
/* Ends all flows, and what is known of fragments. */
void agree_kernel_forget(void *self);
/* The map of states of an object; not the caller's to close. */
int agree_kernel_states(void *self, unsigned object);

#endif
