/* SPDX-License-Identifier: BSD-2-Clause */
/* emit.h: a growing program, and jumps to places that are not known yet. */
#ifndef NFR_EMIT_H
#define NFR_EMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../runtime/abi.h"
#include "arena.h"

struct emit {
	struct arena *arena;  /* of whoever emits */
	struct arena *code;   /* of insns */
	struct arena *labels; /* of next */
	struct nfr_insn *insns;
	uint32_t
		*next; /* of a waiting jump: the one before it with its label */
	size_t count;
	size_t capacity, next_capacity;
	bool is_too_far; /* a jump was longer than an instruction can say */
};

/* Jumps that wait for their target, the last one first. */
struct emit_label {
	size_t last; /* unless count is 0 */
	size_t count;
};

void emit_ret(struct emit *, uint32_t rule);
/* An instruction with imm alone. */
void emit_op(struct emit *, enum nfr_opcode, uint32_t imm);
/* Skips to the label, however far it is. */
void emit_skip(struct emit *, struct emit_label *);
void emit_jump(struct emit *, enum nfr_opcode, unsigned field, uint32_t imm,
	       struct emit_label *);
/* No jump waits: what is known of those that did is freed. */
void emit_settle(struct emit *);
/* The label is here: all its jumps get their distance. */
void emit_bind(struct emit *, struct emit_label *);
/*
 * The last instruction jumps to from when its test holds; now it jumps to
 * label when the test does not hold. Not for the masks and JA.
 */
void emit_invert_last(struct emit *, struct emit_label *from,
		      struct emit_label *to);

#endif
