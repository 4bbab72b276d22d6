/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * native.c: the rules' bytecode -> eBPF instructions.
 *
 * Overview
 *   A program, for any hook, and beside it a subprogram where tables are asked.
 *   It finds the packet in the scratch, looks at direction and family, goes to
 *   the code of their entry, and returns the rule that decides. An instruction
 *   of the bytecode becomes one to four here; all that it knows is in the
 *   frame, in memory. Rules are no function of it: where a return is made safe
 *   (SRSO), each costs 8 ns.
 *
 *   Inline (hole.h) it is no program: the frame comes in a register, code ends
 *   by going to its end, and of the run only what rules read is written. What
 *   asks a table is left to the program.
 *
 * Invariants
 *   - A value is loaded for each test, and again behind each place that is
 *     jumped to. So two ways to a place are the same state to the verifier,
 *     which looks at the code once; values kept in registers would make it look
 *     at each way from the root to a leaf.
 *   - A program is translated whole or not at all.
 *
 * Jumps of conditions reach 32,767 instructions. What is further away is an
 * inverted condition over a long jump (gotol, Linux 6.6).
 */
#include "native.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hole.h"
#include "program.h"

#define REG_RULE BPF_REG_0
#define REG_VALUE BPF_REG_2
#define REG_FAMILY BPF_REG_3
#define REG_FRAME BPF_REG_1
#define REG_FRAME_KEPT BPF_REG_6 /* over calls */
/* Of jumps and calls, which are no places of the bytecode. */
#define TARGET_HAS 0xffffffffu
#define TARGET_END 0xfffffffeu

/* A jump of the eBPF to the code of an instruction of the bytecode. */
struct fixup {
	size_t at;
	__u32 target;
};

struct native {
	const struct image *img;
	struct native_code *code;
	__u32 *place; /* of the bytecode's instructions in code */
	bool *is_target;
	bool *is_far; /* its jump does not reach */
	struct fixup *fixups;
	size_t fixup_count, fixup_capacity;
	__u32 entry[PROGRAM_RULES]; /* or NFR_NO_ENTRY */
	unsigned frame;		    /* register */
	unsigned cached;	    /* field in REG_VALUE + 1; 0: none */
	bool has_failed;	    /* out of memory */
	bool has_far;
	bool is_inline;
};

/* ---- instructions ------------------------------------------------------ */

static void put_load(struct native *n, unsigned reg, size_t off)
{
	native_load_word(n->code, reg, n->frame, off);
}

static void put_store(struct native *n, size_t off, __u32 value)
{
	native_store_word(n->code, n->frame, off, value);
}

static void put_alu(struct native *n, unsigned op, unsigned reg, __u32 value)
{
	native_alu(n->code, op, reg, value);
}

static void put_hop(struct native *n, unsigned op, unsigned reg, __u32 value,
		    int over)
{
	native_hop(n->code, op, reg, value, over);
}

static void put_fixup(struct native *n, __u32 target)
{
	struct fixup *fixups = native_roomy(
		n->fixups, n->fixup_count, &n->fixup_capacity, sizeof(*fixups));

	if (!fixups) {
		n->has_failed = true;
		return;
	}
	n->fixups = fixups;
	fixups[n->fixup_count++] = (struct fixup){n->code->count, target};
}

static void put_goto(struct native *n, __u32 target)
{
	put_fixup(n, target);
	native_put(n->code, (struct bpf_insn){.code = BPF_JMP | BPF_JA});
}

static void put_exit(struct native *n)
{
	if (n->is_inline)
		put_goto(n, TARGET_END);
	else
		native_exit(n->code);
}

static void put_return(struct native *n, __u32 rule)
{
	put_alu(n, BPF_MOV, REG_RULE, rule);
	put_exit(n);
}

static unsigned inverse(unsigned op)
{
	switch (op) {
	case BPF_JEQ:
		return BPF_JNE;
	case BPF_JNE:
		return BPF_JEQ;
	case BPF_JLT:
		return BPF_JGE;
	default: /* BPF_JGT */
		return BPF_JLE;
	}
}

/* When the value compares so, to the target of the instruction at pc. */
static void put_branch(struct native *n, __u32 pc, unsigned op, __u32 value)
{
	__u32 target = pc + 1 + n->img->code[pc].jump;

	if (n->is_far[pc]) {
		put_hop(n, inverse(op), REG_VALUE, value, 1);
		put_goto(n, target);
		return;
	}
	put_fixup(n, target);
	put_hop(n, op, REG_VALUE, value, 0);
}

/* ---- the bytecode's ---------------------------------------------------- */

static void put_field(struct native *n, unsigned field)
{
	if (n->cached != field + 1)
		put_load(n, REG_VALUE, NATIVE_KEY(field));
	n->cached = field + 1;
}

static void put_compare(struct native *n, __u32 pc, unsigned op)
{
	const struct nfr_insn *insn = &n->img->code[pc];

	put_field(n, insn->field);
	put_branch(n, pc, op, insn->imm);
}

/* Below first or above last, which the next instruction says: one test. */
static bool put_range(struct native *n, __u32 pc)
{
	const struct nfr_insn *low = &n->img->code[pc], *high = low + 1;

	if (low->op != NFR_OP_JLT || pc + 1 >= n->img->insn_count ||
	    high->op != NFR_OP_JGT || high->field != low->field ||
	    high->jump + 1 != low->jump || n->is_target[pc + 1] ||
	    high->imm < low->imm)
		return false;
	put_field(n, low->field);
	put_alu(n, BPF_SUB, REG_VALUE, low->imm);
	n->place[pc + 1] = (__u32)n->code->count;
	n->cached = 0;
	put_branch(n, pc + 1, BPF_JGT, high->imm - low->imm);
	return true;
}

static void put_masked(struct native *n, __u32 pc, unsigned shift, unsigned op)
{
	const struct nfr_insn *insn = &n->img->code[pc];

	put_field(n, insn->field);
	if (shift)
		put_alu(n, BPF_RSH, REG_VALUE, shift);
	put_alu(n, BPF_AND, REG_VALUE, insn->imm >> 16);
	n->cached = 0;
	put_branch(n, pc, op, insn->imm & 0xffff);
}

/* Both ways on are never taken, as there is a frame; the verifier asks for
 * them. */
static void put_leave(struct native *n, __u32 pc)
{
	struct bpf_insn never = {.code = BPF_JMP | BPF_JEQ | BPF_K,
				 .dst_reg = REG_FRAME};

	put_fixup(n, pc + 1 + n->img->code[pc].jump);
	native_put(n->code, never);
	never.off = 2;
	native_put(n->code, never);
	put_return(n, NATIVE_NONE);
}

static void put_table(struct native *n, __u32 pc)
{
	const struct nfr_insn *insn = &n->img->code[pc];

	if (n->is_inline) {
		put_leave(n, pc);
		return;
	}
	put_alu(n, BPF_MOV, BPF_REG_1, insn->field);
	put_alu(n, BPF_MOV, BPF_REG_2, insn->imm);
	put_fixup(n, TARGET_HAS);
	native_put(n->code, (struct bpf_insn){.code = BPF_JMP | BPF_CALL,
					      .src_reg = BPF_PSEUDO_CALL});
	native_move(n->code, REG_VALUE, BPF_REG_0);
	n->cached = 0;
	put_hop(n, BPF_JNE, REG_VALUE, NATIVE_HAS_DOUBT, 2);
	put_return(n, NATIVE_NONE); /* the bytecode will say why */
	put_branch(n, pc, insn->op == NFR_OP_JIN ? BPF_JNE : BPF_JEQ, 0);
}

/* The candidate, which is kept as one more; the rule, if there is none. */
static void put_candidate(struct native *n, __u32 rule)
{
	put_load(n, REG_RULE, NATIVE_RUN(candidate));
	put_hop(n, BPF_JNE, REG_RULE, 0, 2);
	put_return(n, rule);
	put_alu(n, BPF_SUB, REG_RULE, 1);
	put_exit(n);
}

static void put_later(struct native *n, __u32 rule)
{
	put_load(n, REG_RULE, NATIVE_RUN(candidate));
	put_hop(n, BPF_JLE, REG_RULE, rule, 2);
	put_alu(n, BPF_SUB, REG_RULE, 1);
	put_exit(n);
}

/* False: there is no translation. */
static bool put_insn(struct native *n, __u32 pc)
{
	const struct nfr_insn *insn = &n->img->code[pc];

	switch (insn->op) {
	case NFR_OP_RET:
		put_return(n, insn->imm);
		return true;
	case NFR_OP_JA:
		put_goto(n, pc + 1 + insn->imm);
		return true;
	case NFR_OP_JEQ:
		put_compare(n, pc, BPF_JEQ);
		return true;
	case NFR_OP_JNE:
		put_compare(n, pc, BPF_JNE);
		return true;
	case NFR_OP_JLT:
		put_compare(n, pc, BPF_JLT);
		return true;
	case NFR_OP_JGT:
		put_compare(n, pc, BPF_JGT);
		return true;
	case NFR_OP_JMEQ:
	case NFR_OP_JMNE:
		put_masked(n, pc, 0,
			   insn->op == NFR_OP_JMEQ ? BPF_JEQ : BPF_JNE);
		return true;
	case NFR_OP_JHEQ:
	case NFR_OP_JHNE:
		put_masked(n, pc, 16,
			   insn->op == NFR_OP_JHEQ ? BPF_JEQ : BPF_JNE);
		return true;
	case NFR_OP_JIN:
	case NFR_OP_JNIN:
		put_table(n, pc);
		return true;
	case NFR_OP_SET:
		put_store(n, NATIVE_RUN(candidate), insn->imm + 1);
		return true;
	case NFR_OP_RANK:
		put_store(n, NATIVE_RUN(rank), insn->imm);
		return true;
	case NFR_OP_JRANK:
		put_load(n, REG_VALUE, NATIVE_RUN(rank));
		n->cached = 0;
		put_branch(n, pc, BPF_JLT, insn->imm);
		return true;
	case NFR_OP_RETC:
		put_candidate(n, insn->imm);
		return true;
	case NFR_OP_RETGE:
		put_later(n, insn->imm);
		return true;
	default:
		return false;
	}
}

/* ---- programs ---------------------------------------------------------- */

static bool is_translated(unsigned op)
{
	return op &&
	       (op <= NFR_OP_RETGE || op == NFR_OP_RANK || op == NFR_OP_JRANK);
}

static bool is_jump(unsigned op)
{
	return (op >= NFR_OP_JEQ && op <= NFR_OP_JHNE) || op == NFR_OP_JRANK;
}

static enum nfr_opcode find_unknown(const struct image *img, __u32 start)
{
	__u32 end = program_end(img, start);

	for (__u32 pc = start; pc < end; pc++)
		if (!is_translated(img->code[pc].op))
			return (enum nfr_opcode)img->code[pc].op;
	return (enum nfr_opcode)0;
}

/* A jump that leaves the program's own code, as no compiler of ours makes. */
static bool leaves(const struct image *img, __u32 start)
{
	__u32 end = program_end(img, start);

	for (__u32 pc = start; pc < end; pc++) {
		const struct nfr_insn *insn = &img->code[pc];

		if (insn->op == NFR_OP_JA && insn->imm >= end - pc - 1)
			return true;
		if (is_jump(insn->op) && insn->jump >= end - pc - 1)
			return true;
	}
	return img->code[end - 1].op != NFR_OP_RET &&
	       img->code[end - 1].op != NFR_OP_RETC &&
	       img->code[end - 1].op != NFR_OP_JA;
}

static void choose_entries(struct native *n, struct native_about *about)
{
	for (unsigned i = 0; i < PROGRAM_RULES; i++) {
		__u32 start = n->img->header->entry[i];
		enum nfr_opcode unknown = find_unknown(n->img, start);

		n->entry[i] = NFR_NO_ENTRY;
		if (unknown && !about->first)
			about->first = unknown;
		if (unknown || leaves(n->img, start))
			continue;
		n->entry[i] = start;
		about->entries++;
	}
}

static bool is_done(const struct native *n, unsigned entry)
{
	for (unsigned i = 0; i < entry; i++)
		if (n->entry[i] == n->entry[entry])
			return true;
	return n->entry[entry] == NFR_NO_ENTRY;
}

static void mark_targets(struct native *n)
{
	for (__u32 pc = 0; pc < n->img->insn_count; pc++) {
		const struct nfr_insn *insn = &n->img->code[pc];
		__u64 target = (__u64)pc + 1 +
			       (insn->op == NFR_OP_JA ? insn->imm : insn->jump);

		if ((insn->op == NFR_OP_JA || is_jump(insn->op)) &&
		    target < n->img->insn_count)
			n->is_target[target] = true;
	}
}

static void put_program(struct native *n, __u32 start)
{
	__u32 end = program_end(n->img, start);

	n->cached = 0;
	for (__u32 pc = start; pc < end; pc++) {
		if (n->is_target[pc])
			n->cached = 0;
		n->place[pc] = (__u32)n->code->count;
		if (put_range(n, pc))
			pc++;
		else
			put_insn(n, pc);
	}
}

/* To the entry of a family, when it is that; the same for both directions. */
static void put_family(struct native *n, unsigned family)
{
	__u32 in = n->entry[NFR_ENTRY(NFR_STAGE_RULES, NFR_DIR_IN, family)];
	__u32 out = n->entry[NFR_ENTRY(NFR_STAGE_RULES, NFR_DIR_OUT, family)];

	if (in == NFR_NO_ENTRY && out == NFR_NO_ENTRY)
		return;
	if (in == out) {
		put_hop(n, BPF_JNE, REG_FAMILY, family, 1);
		put_goto(n, in);
		return;
	}
	put_hop(n, BPF_JNE, REG_FAMILY, family,
		1 + (in != NFR_NO_ENTRY) + (out != NFR_NO_ENTRY));
	if (in != NFR_NO_ENTRY) {
		put_hop(n, BPF_JNE, REG_VALUE, NFR_DIR_IN, 1);
		put_goto(n, in);
		if (out != NFR_NO_ENTRY)
			put_goto(n, out);
		return;
	}
	put_hop(n, BPF_JEQ, REG_VALUE, NFR_DIR_IN, 1);
	put_goto(n, out);
}

/* Has a program that is translated an instruction from first to last? */
static bool has_ops(const struct native *n, unsigned first, unsigned last)
{
	for (unsigned i = 0; i < PROGRAM_RULES; i++) {
		__u32 end = program_end(n->img, n->entry[i]);

		for (__u32 pc = n->entry[i]; pc < end; pc++)
			if (n->img->code[pc].op >= first &&
			    n->img->code[pc].op <= last)
				return true;
	}
	return false;
}

static bool has_tables(const struct native *n)
{
	return has_ops(n, NFR_OP_JIN, NFR_OP_JNIN);
}

static bool has_candidates(const struct native *n)
{
	return has_ops(n, NFR_OP_SET, NFR_OP_RETGE) ||
	       has_ops(n, NFR_OP_RANK, NFR_OP_JRANK);
}

/* As vm_begin(): nothing matched, nothing drawn. */
static void put_begin(struct native *n)
{
	native_put_scratch(n->code);
	native_move(n->code, n->frame, BPF_REG_0);
	put_store(n, NATIVE_RUN(reason), NFR_REASON_VM);
	put_store(n, NATIVE_RUN(paused), NFR_NO_RULE);
	put_store(n, NATIVE_RUN(seed), 0);
	put_store(n, NATIVE_RUN(matched_count), 0);
}

/* The way in; it falls to who says that there is no code. */
static void put_dispatch(struct native *n, bool has_calls)
{
	n->frame = has_calls ? REG_FRAME_KEPT : REG_FRAME;
	if (!n->is_inline)
		put_begin(n);
	if (has_candidates(n)) {
		put_store(n, NATIVE_RUN(candidate), 0);
		put_store(n, NATIVE_RUN(rank), VM_NO_RANK);
	}
	put_load(n, REG_VALUE, NATIVE_KEY(NFR_F_DIR));
	put_load(n, REG_FAMILY, NATIVE_KEY(NFR_F_FAMILY));
	put_family(n, NFR_FAMILY_IPV4);
	put_family(n, NFR_FAMILY_IPV6);
	put_family(n, NFR_FAMILY_LINK);
	put_return(n, NATIVE_NONE);
}

static void put_all(struct native *n)
{
	bool calls = !n->is_inline && has_tables(n);

	n->code->count = n->code->place_count = n->fixup_count = 0;
	put_dispatch(n, calls);
	for (unsigned i = 0; i < PROGRAM_RULES; i++)
		if (!is_done(n, i))
			put_program(n, n->entry[i]);
	if (calls)
		native_put_has(n->code);
}

/* True when some did not reach, and are now far. */
static bool mark_far(struct native *n)
{
	bool has_new = false;

	for (__u32 pc = 0; pc < n->img->insn_count; pc++) {
		const struct nfr_insn *insn = &n->img->code[pc];
		__u32 target = pc + 1 + insn->jump;

		if (!is_jump(insn->op) || n->is_far[pc] ||
		    target >= n->img->insn_count ||
		    n->place[target] < n->place[pc] ||
		    n->place[target] - n->place[pc] < INT16_MAX - 8)
			continue;
		n->is_far[pc] = has_new = true;
	}
	return has_new;
}

static void fix(struct native *n)
{
	for (size_t i = 0; i < n->fixup_count; i++) {
		size_t at = n->fixups[i].at;
		struct bpf_insn *insn = &n->code->insns[at];
		size_t distance;

		if (n->fixups[i].target == TARGET_HAS) {
			insn->imm = (__s32)(n->code->has_at - at - 1);
			continue;
		}
		distance = (n->fixups[i].target == TARGET_END
				    ? n->code->count
				    : n->place[n->fixups[i].target]) -
			   at - 1;
		if (distance <= INT16_MAX) {
			insn->off = (__s16)distance;
			continue;
		}
		/* Only gotos are further: see mark_far(). */
		insn->code = BPF_JMP32 | BPF_JA;
		insn->imm = (__s32)distance;
		n->has_far = true;
	}
}

static size_t most_insns(const struct native *n)
{
	return n->is_inline ? HOLE_CODE_MAX : NATIVE_INSNS_MAX;
}

/* Each instruction of the bytecode becomes one or more. */
static size_t least_insns(const struct native *n)
{
	size_t sum = 0;

	for (unsigned i = 0; i < PROGRAM_RULES; i++)
		if (!is_done(n, i))
			sum += program_end(n->img, n->entry[i]) - n->entry[i];
	return sum;
}

static int native_translate(struct native *n, struct native_about *about)
{
	mark_targets(n);
	do {
		put_all(n);
		if (n->has_failed || n->code->has_failed)
			return -ENOMEM;
		if (n->code->count > most_insns(n)) {
			about->insns = n->code->count;
			return -E2BIG;
		}
	} while (mark_far(n));
	fix(n);
	about->insns = n->code->count;
	about->has_long_jumps = n->has_far;
	about->has_tables = has_tables(n);
	about->is_steady = programs_are_steady(n->img, n->entry);
	return 0;
}

static int native_make(const struct image *img, bool is_inline,
		       struct native_code *code, struct native_about *about)
{
	size_t count = (size_t)img->insn_count + 1;
	struct native n = {.img = img, .code = code, .is_inline = is_inline};
	int ret = -ENOMEM;

	memset(code, 0, sizeof(*code));
	memset(about, 0, sizeof(*about));
	choose_entries(&n, about);
	if (about->entries == 0)
		return -EOPNOTSUPP;
	about->insns = least_insns(&n);
	if (about->insns > most_insns(&n))
		return -E2BIG;
	n.place = calloc(count, sizeof(*n.place));
	n.is_target = calloc(count, sizeof(*n.is_target));
	n.is_far = calloc(count, sizeof(*n.is_far));
	if (n.place && n.is_target && n.is_far)
		ret = native_translate(&n, about);
	free(n.place);
	free(n.is_target);
	free(n.is_far);
	free(n.fixups);
	return ret;
}

int native_compile(const struct image *img, struct native_code *code,
		   struct native_about *about)
{
	return native_make(img, false, code, about);
}

int native_compile_inline(const struct image *img, struct native_code *code,
			  struct native_about *about)
{
	return native_make(img, true, code, about);
}

__u32 native_config(const struct native_about *about)
{
	return NFR_CONFIG_NATIVE | (about->is_steady ? NFR_CONFIG_STEADY : 0);
}

void native_free(struct native_code *code)
{
	free(code->insns);
	memset(code, 0, sizeof(*code));
}
