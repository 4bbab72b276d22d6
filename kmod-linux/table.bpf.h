/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* table.bpf.h: both maps of tables, and an address -> its value. */
#ifndef NFR_TABLE_BPF_H
#define NFR_TABLE_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "runtime/table_find.h"

/* As table_find() has it, without TABLE_ADDS; or TABLE_DOUBT. */
NFR_INLINE __u32 table_value(void *tables, void *added, __u64 last,
			     struct nfr_table_address a)
{
	struct table_bytes bytes = {.last = last};
	__u32 value;

	PACKET_IN_MEMORY(a); /* where the second map wants it */
	bytes.base = bpf_map_lookup_elem(tables, &a.reserved);
	if (!bytes.base)
		return TABLE_DOUBT;
	value = table_find(&bytes, &a);
	if (value == TABLE_DOUBT || !(value & TABLE_ADDS))
		return value;
	value = TABLE_VALUE(value);
	return bpf_map_lookup_elem(added, &a) ? value | NFR_TABLE_MEMBER
					      : value;
}

#endif
