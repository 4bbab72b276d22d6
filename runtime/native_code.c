/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native_code.c: eBPF instructions, one behind the other; and what is the same
 * in every program of rules: how it finds the packet, and how it asks a table.
 */
#include "native_code.h"

#include <arpa/inet.h>
#include <stdlib.h>

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

/* The value of the key on the stack, or NULL, in BPF_REG_0. */
static void put_lookup(struct native_code *code, enum native_map map, int off)
{
	put_key(code, off);
	code->places[code->place_count].at = code->count;
	code->places[code->place_count++].map = map;
	native_put(code, (struct bpf_insn){.code = BPF_LD | BPF_IMM | BPF_DW,
					   .dst_reg = BPF_REG_1,
					   .src_reg = BPF_PSEUDO_MAP_FD,
					   .imm = -1});
	native_put(code, (struct bpf_insn){0});
	native_put(code, (struct bpf_insn){.code = BPF_JMP | BPF_CALL,
					   .imm = BPF_FUNC_map_lookup_elem});
}

static void put_scratch(struct native_code *code, __u32 otherwise)
{
	native_store_word(code, BPF_REG_10, (size_t)-4, 0);
	put_lookup(code, NATIVE_SCRATCH, -4);
	put_hop_null(code, BPF_JNE, 2);
	native_alu(code, BPF_MOV, BPF_REG_0, otherwise);
	native_exit(code);
}

void native_put_scratch(struct native_code *code)
{
	put_scratch(code, NATIVE_NONE);
}

/* ---- tables ------------------------------------------------------------- */

/* struct nfr_table_key, at the stack's end. */
#define KEY_AT(member)                                                         \
	((size_t)((int)offsetof(struct nfr_table_key, member) -                \
		  (int)sizeof(struct nfr_table_key)))

static void put_store_reg(struct native_code *code, unsigned reg, size_t off)
{
	native_put(code, (struct bpf_insn){.code = BPF_STX | BPF_MEM | BPF_W,
					   .dst_reg = BPF_REG_10,
					   .src_reg = reg,
					   .off = (__s16)off});
}

static void put_swap(struct native_code *code, unsigned reg)
{
	native_put(code,
		   (struct bpf_insn){.code = BPF_ALU | BPF_END | BPF_TO_BE,
				     .dst_reg = reg,
				     .imm = 32});
}

static void put_address(struct native_code *code, unsigned first, unsigned word,
			unsigned to)
{
	native_load_word(code, BPF_REG_5, BPF_REG_0, NATIVE_KEY(first + word));
	put_swap(code, BPF_REG_5);
	put_store_reg(code, BPF_REG_5, KEY_AT(addr) + 4 * to);
}

#define TABLE_KEY_INSNS 20

/* As table_key(). The scratch is in BPF_REG_0, the address starts at first. */
static void put_table_key(struct native_code *code, unsigned first)
{
	native_hop(code, BPF_JNE, BPF_REG_3, NFR_FAMILY_IPV6, 13);
	for (unsigned i = 0; i < 4; i++)
		put_address(code, first, i, i);
	native_put(code, (struct bpf_insn){.code = BPF_JMP | BPF_JA, .off = 6});
	native_store_word(code, BPF_REG_10, KEY_AT(addr), 0);
	native_store_word(code, BPF_REG_10, KEY_AT(addr) + 4, 0);
	native_store_word(code, BPF_REG_10, KEY_AT(addr) + 8, htonl(0xffff));
	put_address(code, first, 0, 3);
}

void native_put_has(struct native_code *code)
{
	unsigned field = BPF_REG_6, table = BPF_REG_7;

	code->has_at = code->count;
	native_move(code, field, BPF_REG_1);
	native_move(code, table, BPF_REG_2);
	put_scratch(code, 0);
	native_load_word(code, BPF_REG_3, BPF_REG_0, NATIVE_KEY(NFR_F_FAMILY));
	native_store_word(code, BPF_REG_10, KEY_AT(prefix_len), 32 + 128);
	put_swap(code, table);
	put_store_reg(code, table, KEY_AT(table_be));
	native_hop(code, BPF_JEQ, field, NFR_F_DST0, TABLE_KEY_INSNS + 1);
	put_table_key(code, NFR_F_SRC0);
	native_put(code, (struct bpf_insn){.code = BPF_JMP | BPF_JA,
					   .off = TABLE_KEY_INSNS});
	put_table_key(code, NFR_F_DST0);
	put_lookup(code, NATIVE_TABLES, -(int)sizeof(struct nfr_table_key));
	put_hop_null(code, BPF_JEQ, 2);
	native_load_word(code, BPF_REG_0, BPF_REG_0, 0);
	native_alu(code, BPF_AND, BPF_REG_0, NFR_TABLE_MEMBER);
	native_exit(code);
}
