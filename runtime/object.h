/* SPDX-License-Identifier: BSD-2-Clause */
/* object.h: an eBPF object -> with maps that are there already. */
#ifndef NFR_OBJECT_H
#define NFR_OBJECT_H

#include <bpf/libbpf.h>

#include "pins.h"

/* Of count maps, those that the object has become these; -1 is none. */
int object_share(struct bpf_object *, const struct pin_spec *, size_t count,
		 const int *fds);
/* Does the program use both maps? -errno: it can not be asked. */
int object_uses(int prog, int one, int other);
/*
 * The program in a slot, where it was loaded for these two maps: a new fd, or
 * -1.
 */
int object_in_slot(int slots, uint32_t slot, int one, int other);
/* What the kernel says that a map or a program takes (fdinfo), or 0. */
uint64_t object_bytes(int fd);

#endif
