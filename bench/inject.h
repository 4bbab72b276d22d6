/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inject.h: one frame -> so many of it over a lab's cable, without sockets.
 *
 * The kernel makes the frames itself (BPF_F_TEST_XDP_LIVE_FRAMES, Linux 5.18)
 * and redirects them to near's end; far's takes them as a card's driver takes
 * what it received: XDP sees a page that nobody copied, and what passes becomes
 * an skb. All on the core that asked for it.
 */
#ifndef NFR_INJECT_H
#define NFR_INJECT_H

#include "craft.h"
#include "lab.h"

struct inject {
	struct bpf_object *object;
	int prog, device; /* of it; fds */
};

/* All: 0, or -errno with error set. inject_close() in any case. */
int inject_open(struct inject *out, char error[MEASURE_ERROR_MAX]);
void inject_close(struct inject *);
/* Once, so that far takes frames without an XDP program, too. */
int inject_ready(const struct lab *, char error[MEASURE_ERROR_MAX]);
/*
 * *ns: mean of a frame, from its redirect to what became of it, whole. The
 * kernel counts it batch by batch (64 frames, which far takes at once); what it
 * needs before and after them, some 0.1 s, is not in it.
 */
int inject_send(const struct inject *, const struct lab *, const struct craft *,
		unsigned count, double *ns, char error[MEASURE_ERROR_MAX]);
/* Frames that far has taken, whatever became of them. */
int inject_taken(const struct lab *, uint64_t *out,
		 char error[MEASURE_ERROR_MAX]);

#endif
