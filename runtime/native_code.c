/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native_code.c: eBPF instructions, one behind the other; and what is the same
 * in every program of rules: how it finds the packet, and how it asks a table.
 */
#include "native_code.h"

#include <stdlib.h>

#include "embed.h"

/* ---- instructions ------------------------------------------------------ */

void *native_roomy(void *items, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? 2 * *capacity : 1024;

	if (count < *capacity)
		return items;
	items = realloc(items, wanted * size);
	if (items)
		*capacity = wanted;
	return items;
}

void native_put(struct native_code *code, struct bpf_insn insn)
{
	struct bpf_insn *insns = native_roomy(code->insns, code->count,
					      &code->capacity, sizeof(*insns));

	if (!insns) {
		code->has_failed = true;
		return;
	}
	code->insns = insns;
	insns[code->count++] = insn;
}

void native_load_word(struct native_code *code, unsigned reg, unsigned base,
		      size_t off)
{
	native_put(code, (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,
					   .dst_reg = reg,
					   .src_reg = base,
					   .off = (__s16)off});
}

void native_store_word(struct native_code *code, unsigned base, size_t off,
		       __u32 value)
{
	native_put(code, (struct bpf_insn){.code = BPF_ST | BPF_MEM | BPF_W,
					   .dst_reg = base,
					   .off = (__s16)off,
					   .imm = (__s32)value});
}

void native_move(struct native_code *code, unsigned reg, unsigned from)
{
	native_put(code, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_X,
					   .dst_reg = reg,
					   .src_reg = from});
}

void native_alu(struct native_code *code, unsigned op, unsigned reg,
		__u32 value)
{
	native_put(code, (struct bpf_insn){.code = BPF_ALU | BPF_K | op,
					   .dst_reg = reg,
					   .imm = (__s32)value});
}

void native_exit(struct native_code *code)
{
	native_put(code, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

void native_hop(struct native_code *code, unsigned op, unsigned reg,
		__u32 value, int over)
{
	native_put(code, (struct bpf_insn){.code = BPF_JMP32 | BPF_K | op,
					   .dst_reg = reg,
					   .off = (__s16)over,
					   .imm = (__s32)value});
}

/* ---- maps --------------------------------------------------------------- */

/* Over so many instructions, when the pointer in BPF_REG_0 is none. */
static void put_hop_null(struct native_code *code, unsigned op, int over)
{
	native_put(code, (struct bpf_insn){.code = BPF_JMP | BPF_K | op,
					   .dst_reg = BPF_REG_0,
					   .off = (__s16)over});
}

static void put_key(struct native_code *code, int off)
{
	native_move(code, BPF_REG_2, BPF_REG_10);
	/* BPF_K is 0. */
	native_put(code, (struct bpf_insn){.code = BPF_ALU64 | BPF_ADD,
					   .dst_reg = BPF_REG_2,
					   .imm = off});
}

/* The next instruction loads it. */
static void put_place(struct native_code *code, enum native_name name)
{
	if (name >= NATIVE_NAMES || code->place_count == NATIVE_PLACES) {
		code->has_failed = true;
		return;
	}
	code->places[code->place_count].at = code->count;
	code->places[code->place_count++].name = name;
}

/* The value of the key on the stack, or NULL, in BPF_REG_0. */
static void put_lookup(struct native_code *code, enum native_name map, int off)
{
	put_key(code, off);
	put_place(code, map);
	native_put(code, (struct bpf_insn){.code = BPF_LD | BPF_IMM | BPF_DW,
					   .dst_reg = BPF_REG_1,
					   .src_reg = BPF_PSEUDO_MAP_FD,
					   .imm = -1});
	native_put(code, (struct bpf_insn){0});
	native_put(code, (struct bpf_insn){.code = BPF_JMP | BPF_CALL,
					   .imm = BPF_FUNC_map_lookup_elem});
}

void native_put_scratch(struct native_code *code)
{
	native_store_word(code, BPF_REG_10, (size_t)-4, 0);
	put_lookup(code, NATIVE_SCRATCH, -4);
	put_hop_null(code, BPF_JNE, 2);
	native_alu(code, BPF_MOV, BPF_REG_0, NATIVE_NONE);
	native_exit(code);
}

/* ---- tables ------------------------------------------------------------- */

static bool is_place(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) &&
	       (__u32)insn[1].imm == NATIVE_PLACE(0) >> 32;
}

/* Compiled: kmod-linux/native_has.bpf.c. */
void native_put_has(struct native_code *code)
{
	size_t len;
	const struct bpf_insn *insns = embed_native_has(&len);

	code->has_at = code->count;
	for (size_t i = 0; i < len / sizeof(*insns); i++) {
		if (is_place(&insns[i]))
			put_place(code, (enum native_name)insns[i].imm);
		native_put(code, insns[i]);
		if (insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			native_put(code, insns[++i]);
	}
}
