/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * queues.h: devices -> the frames that wait in their queues (qdisc), dropped.
 *
 * A queue is behind every hook, so what waits there when a policy with a tunnel
 * comes was never judged by it, and would leave after it. The kernel empties a
 * device's queues, whatever they are, when their length is set anew, and keeps
 * how they are set up; the device stays up.
 */
#ifndef NFR_QUEUES_H
#define NFR_QUEUES_H

#include "engine.h"

/*
 * Of the devices that are neither loopback, tunnel nor skipped. say is called
 * for each that had frames, and with a nonzero error (-errno) for one that
 * still has them. 0, or -errno when nobody can say what waits.
 */
int queues_empty(const struct engine_devices *,
		 void (*say)(void *arg, const char *device, uint32_t frames,
			     int error),
		 void *arg);

#endif
