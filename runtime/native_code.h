/* SPDX-License-Identifier: BSD-2-Clause */
/* native_code.h: a program of eBPF in the making, instruction by instruction.
 */
#ifndef NFR_NATIVE_CODE_H
#define NFR_NATIVE_CODE_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>

#include "native_frame.h"

/*
 * What a program names that the loader will know: maps, and the last place in
 * the tables (table_find.h). Until then a load of this number stands there.
 */
enum native_name {
	NATIVE_SCRATCH,
	NATIVE_TABLES,
	NATIVE_ADDED,
	NATIVE_LAST,
	NATIVE_NAMES
};
#define NATIVE_PLACE(name) (0x6e667200ll << 32 | (name))
#define NATIVE_PLACES 8 /* that it names them in */

/* What the subprogram that asks a table returns beside 0 and 1. */
#define NATIVE_HAS_DOUBT 2u

/* What returns to who called it: a rule, or NATIVE_NONE. */
struct native_code {
	struct bpf_insn *insns;
	size_t count, capacity;
	struct {
		size_t at;
		enum native_name name;
	} places[NATIVE_PLACES];
	size_t place_count;
	size_t has_at;	 /* its subprogram that asks a table; 0: none */
	bool has_failed; /* out of memory */
};

/* An array that grows: where there is room for one more; NULL: no memory. */
void *native_roomy(void *items, size_t count, size_t *capacity, size_t size);

void native_put(struct native_code *, struct bpf_insn);
void native_load_word(struct native_code *, unsigned reg, unsigned base,
		      size_t off);
void native_store_word(struct native_code *, unsigned base, size_t off,
		       __u32 value);
void native_move(struct native_code *, unsigned reg, unsigned from);
/* On 32 bits. */
void native_alu(struct native_code *, unsigned op, unsigned reg, __u32 value);
void native_exit(struct native_code *);
/* Over so many instructions, when the lower half of the register is so. */
void native_hop(struct native_code *, unsigned op, unsigned reg, __u32 value,
		int over);

/* The way in: the scratch in BPF_REG_0, or NATIVE_NONE is returned. */
void native_put_scratch(struct native_code *);
/*
 * The subprogram: the field that an address begins at in BPF_REG_1, a table in
 * BPF_REG_2 -> 1 or 0, as env_table_has(), or NATIVE_HAS_DOUBT.
 */
void native_put_has(struct native_code *);

#endif
