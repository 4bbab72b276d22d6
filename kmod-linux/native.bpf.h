/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * native.bpf.h: the place of generated code, and what that calls.
 *
 * runtime/native_elf.c links another datapath_native() over this weak one. Both
 * are global: the verifier looks at them without what the callers know.
 */
#ifndef NFR_NATIVE_BPF_H
#define NFR_NATIVE_BPF_H

#include "kmod-linux/maps.bpf.h"
#include "runtime/native_frame.h"
#include "runtime/table_key.h"

__u32 datapath_native(struct native_frame *frame);
__u32 datapath_native_has(struct native_frame *frame, __u32 field, __u32 table);

/* The rule that decides on the packet's key, or NATIVE_NONE. */
__attribute__((weak, noinline)) __u32
datapath_native(struct native_frame *frame)
{
	asm volatile("" ::"r"(frame));
	return NATIVE_NONE;
}

/* Is the address that starts at the field in the table? As env_table_has(). */
__attribute__((noinline)) __u32 datapath_native_has(struct native_frame *frame,
						    __u32 field, __u32 table)
{
	const __u32 *key, *value;
	struct nfr_table_key name;

	if (!frame)
		return 0;
	key = &frame->w[NATIVE_KEY(0) / 4];
	table_key(table, key[NFR_F_FAMILY],
		  field == NFR_F_SRC0 ? &key[NFR_F_SRC0] : &key[NFR_F_DST0],
		  &name);
	value = bpf_map_lookup_elem(&nfr_tables, &name);
	return value && *value & NFR_TABLE_MEMBER;
}

#endif
