/* SPDX-License-Identifier: BSD-2-Clause */
/* emit.c: instructions and labels -> a program with its jumps filled in. */
#include "emit.h"

#include <assert.h>

static void emit_insn(struct emit *e, struct nfr_insn insn)
{
	e->insns = arena_grow(e->arena, e->insns, e->count, &e->capacity,
			      sizeof(*e->insns));
	e->insns[e->count++] = insn;
}

void emit_ret(struct emit *e, uint32_t rule)
{
	emit_insn(e, (struct nfr_insn){.op = NFR_OP_RET, .imm = rule});
}

static void label_add(struct emit_label *label, size_t ref)
{
	assert(label->count < EMIT_REFS_MAX);
	label->refs[label->count++] = ref;
}

void emit_jump(struct emit *e, enum nfr_opcode op, unsigned field, uint32_t imm,
	       struct emit_label *label)
{
	label_add(label, e->count);
	emit_insn(e, (struct nfr_insn){
			     .op = (__u8)op, .field = (__u8)field, .imm = imm});
}

void emit_bind(struct emit *e, struct emit_label *label)
{
	for (unsigned i = 0; i < label->count; i++) {
		size_t distance = e->count - label->refs[i] - 1;

		assert(distance <= UINT16_MAX);
		e->insns[label->refs[i]].jump = (__u16)distance;
	}
	label->count = 0;
}

void emit_invert_last(struct emit *e, struct emit_label *from,
		      struct emit_label *to)
{
	struct nfr_insn *insn = &e->insns[e->count - 1];

	assert(from->count > 0 && from->refs[from->count - 1] == e->count - 1);
	from->count--;
	label_add(to, e->count - 1);
	switch (insn->op) {
	case NFR_OP_JEQ:
		insn->op = NFR_OP_JNE;
		break;
	case NFR_OP_JNE:
		insn->op = NFR_OP_JEQ;
		break;
	case NFR_OP_JLT:
		assert(insn->imm > 0);
		insn->op = NFR_OP_JGT;
		insn->imm--;
		break;
	case NFR_OP_JGT:
		assert(insn->imm < UINT32_MAX);
		insn->op = NFR_OP_JLT;
		insn->imm++;
		break;
	default:
		assert(!"only comparisons invert");
	}
}
