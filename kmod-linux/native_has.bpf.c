/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * native_has.bpf.c: the subprogram of generated code that asks a table. Its
 * instructions are copied into each program that needs it (native_code.c),
 * which writes the maps where it loads a number of NATIVE_PLACE().
 */
#include "kmod-linux/table.bpf.h"
#include "runtime/native_code.h"

#define PLACE(what)                                                            \
	({                                                                     \
		__u64 x;                                                       \
		__asm__ volatile("%0 = %1 ll"                                  \
				 : "=r"(x)                                     \
				 : "i"(NATIVE_PLACE(what)));                   \
		x;                                                             \
	})

SEC("native")
__u32 native_has(__u32 field, __u32 table)
{
	__u32 zero = 0, value;
	const struct verdict *v =
		bpf_map_lookup_elem((void *)PLACE(NATIVE_SCRATCH), &zero);
	const __u32 *w, *addr;

	if (!v)
		return NATIVE_HAS_DOUBT;
	w = v->packet.key.w;
	addr = field == NFR_F_SRC0 ? &w[NFR_F_SRC0] : &w[NFR_F_DST0];
	value = table_value((void *)PLACE(NATIVE_TABLES),
			    (void *)PLACE(NATIVE_ADDED), PLACE(NATIVE_LAST),
			    table_address(TABLE_UPPER(addr), TABLE_LOWER(addr),
					  table, w[NFR_F_FAMILY]));
	return value == TABLE_DOUBT ? NATIVE_HAS_DOUBT
				    : value & NFR_TABLE_MEMBER;
}
