/* SPDX-License-Identifier: BSD-2-Clause */
/* native_elf.h: generated eBPF -> another object with it linked in. */
#ifndef NFR_NATIVE_ELF_H
#define NFR_NATIVE_ELF_H

#include <linux/bpf.h>
#include <stddef.h>

#include "native_frame.h"

#define NATIVE_PATH 32

/* The body of datapath_native(); r1 is its struct native_frame. */
struct native_code {
	struct bpf_insn *insns;
	size_t count, capacity;
	size_t *calls; /* instructions that call datapath_native_has() */
	size_t call_count, call_capacity;
};

/*
 * *out is malloc'ed: the object with code in place of its weak function. 0 or
 * -errno; then *out is untouched.
 */
int native_link(const void *object, size_t object_len,
		const struct native_code *, void **out, size_t *len);

#endif
