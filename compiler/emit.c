/* SPDX-License-Identifier: BSD-2-Clause */
/* emit.c: instructions and labels -> a program with its jumps filled in. */
#include "emit.h"

#include <assert.h>

static void emit_insn(struct emit *e, struct nfr_insn insn)
{
	e->insns = arena_grow(e->code, e->insns, e->count, &e->capacity,
			      sizeof(*e->insns));
	e->next = arena_grow(e->labels, e->next, e->count, &e->next_capacity,
			     sizeof(*e->next));
	e->insns[e->count++] = insn;
}

void emit_ret(struct emit *e, uint32_t rule)
{
	emit_op(e, NFR_OP_RET, rule);
}

void emit_op(struct emit *e, enum nfr_opcode op, uint32_t imm)
{
	emit_insn(e, (struct nfr_insn){.op = (__u8)op, .imm = imm});
}

static void label_add(struct emit *e, struct emit_label *label, size_t ref)
{
	e->next[ref] = (uint32_t)label->last;
	label->last = ref;
	label->count++;
}

static size_t label_take(const struct emit *e, struct emit_label *label)
{
	size_t ref = label->last;

	label->last = e->next[ref];
	label->count--;
	return ref;
}

void emit_jump(struct emit *e, enum nfr_opcode op, unsigned field, uint32_t imm,
	       struct emit_label *label)
{
	emit_insn(e, (struct nfr_insn){
			     .op = (__u8)op, .field = (__u8)field, .imm = imm});
	label_add(e, label, e->count - 1);
}

void emit_skip(struct emit *e, struct emit_label *label)
{
	emit_op(e, NFR_OP_JA, 0);
	label_add(e, label, e->count - 1);
}

void emit_settle(struct emit *e)
{
	arena_release(e->labels, (struct arena_mark){0, 0});
	e->next = NULL;
	e->next_capacity = 0;
}

void emit_bind(struct emit *e, struct emit_label *label)
{
	while (label->count > 0) {
		size_t ref = label_take(e, label);
		size_t distance = e->count - ref - 1;

		if (e->insns[ref].op == NFR_OP_JA) {
			e->insns[ref].imm = (__u32)distance;
			continue;
		}
		e->is_too_far |= distance > UINT16_MAX;
		e->insns[ref].jump = (__u16)distance;
	}
}

void emit_invert_last(struct emit *e, struct emit_label *from,
		      struct emit_label *to)
{
	struct nfr_insn *insn = &e->insns[e->count - 1];

	assert(from->count > 0 && from->last == e->count - 1);
	label_add(e, to, label_take(e, from));
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
