/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* table_bench.h: what bench_table.bpf.c is asked, and says. */
#ifndef NFR_TABLE_BENCH_H
#define NFR_TABLE_BENCH_H

#include "abi.h"

#define TABLE_BENCH_ASKED 16384u /* a power of two */

struct table_bench {
	__u64 upper, lower; /* as in struct nfr_table_address */
	__u32 family;
	__u32 said;
	struct nfr_table_key key; /* the same address */
	__u64 reserved[2];
};
_Static_assert(sizeof(struct table_bench) == 64, "table_bench");

#endif
