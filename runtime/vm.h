/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * vm.h: bytecode and a key -> the rule that decides, and the match rules that
 * applied before it.
 *
 * verify.c promises that a program ends in a rule on every path. Nothing here
 * relies on it: an instruction that is not there, an unknown one, or a loop
 * that is cut short leaves no rule, and the caller blocks.
 *
 * A match rule that translates changes the key that later rules see. That is
 * not done here: the program pauses, the caller does it and resumes.
 *
 * The environment gives env_insn(), env_table_has() and env_random(), and in
 * eBPF either NFR_BPF_LOOP or VM_BREAK, a statement that may leave the loop
 * (env.bpf.h).
 */
#ifndef NFR_VM_H
#define NFR_VM_H

#include "packet.h"
#include "vm_run.h"

/* The machine itself, while it runs: in registers and on the stack. */
struct vm {
	struct env *env;
	struct nfr_key *key; /* its tag is written */
	struct vm_run *run;  /* NULL: of a program without match rules */
	__u32 pc;
	__u32 rule; /* NFR_NO_RULE until one decides */
	__u32 candidate;
	__u32 rank; /* of the candidate; at first above all */
	__u32 seed;
	__u32 drawn;
	__u32 done;
	__u32 asked;
};

/* Is the address that starts at this field in the table? Less than 0: doubt. */
NFR_INLINE int vm_in_table(struct env *env, const struct nfr_key *key,
			   __u32 field, __u32 table)
{
	const __u32 *addr =
		field == NFR_F_SRC0 ? &key->w[NFR_F_SRC0] : &key->w[NFR_F_DST0];

	return env_table_has(env, table, key->w[NFR_F_FAMILY], addr);
}

/* Nonzero when the program stops, as a table was not to be asked. */
NFR_INLINE int vm_ask_table(struct vm *vm, const struct nfr_insn *insn,
			    int *is_jump)
{
	int has = vm_in_table(vm->env, vm->key, insn->field, insn->imm);

	*is_jump = has == (insn->op == NFR_OP_JIN);
	if (has < 0 && vm->run)
		vm->run->reason = NFR_REASON_TABLE;
	return has < 0;
}

/*
 * The chance of this number under a seed: uniform, and for two numbers as good
 * as independent (the finish of a 32-bit hash, a bijection of its input).
 */
NFR_INLINE __u32 vm_chance(__u32 seed, __u32 number)
{
	__u32 x = seed ^ number * 0x9e3779b9u;

	x = (x ^ x >> 16) * 0x7feb352du;
	x = (x ^ x >> 15) * 0x846ca68bu;
	return x ^ x >> 16;
}

NFR_INLINE void vm_draw(struct vm *vm, __u32 number)
{
	vm->asked |= VM_CHANCE;
	if (!vm->seed)
		vm->seed = env_random(vm->env) | 1;
	vm->drawn = vm_chance(vm->seed, number);
}

/* Zero, or nonzero when there is no room to remember the rule. */
NFR_INLINE int vm_match(struct vm *vm, __u32 rule)
{
	struct vm_run *run = vm->run;
	__u32 count;

	if (!run)
		return 1;
	count = run->matched_count;
	if (count >= VM_MATCHED_MAX) {
		run->reason = NFR_REASON_MATCHES;
		return 1;
	}
	run->matched[count & (VM_MATCHED_MAX - 1)] = rule;
	run->matched_count = count + 1;
	return 0;
}

NFR_INLINE int vm_pause(struct vm *vm, __u32 rule)
{
	if (!vm_match(vm, rule) && vm->run)
		vm->run->paused = rule;
	return 1;
}

NFR_INLINE int vm_tag(struct vm *vm, __u32 tag)
{
	if (!vm->run)
		return 1;
	vm->key->w[NFR_F_TAG] = tag;
	return 0;
}

/* What ends a program or changes what it knows; nonzero when it stops. */
NFR_INLINE int vm_effect(struct vm *vm, __u32 op, __u32 imm)
{
	switch (op) {
	case NFR_OP_SET:
		vm->candidate = imm + 1;
		return 0;
	case NFR_OP_RETC:
		vm->rule = vm->candidate ? vm->candidate - 1 : imm;
		return 1;
	case NFR_OP_RANK:
		vm->rank = imm;
		return 0;
	case NFR_OP_RETGE:
		if (vm->candidate <= imm)
			return 0;
		vm->rule = vm->candidate - 1;
		return 1;
	case NFR_OP_MATCH:
		return vm_match(vm, imm);
	case NFR_OP_XLATE:
		return vm_pause(vm, imm);
	case NFR_OP_TAG:
		return vm_tag(vm, imm);
	case NFR_OP_DRAW:
		vm_draw(vm, imm);
		return 0;
	case NFR_OP_DONE:
		vm->done |= 1u << (imm & 31);
		return 0;
	default:
		return 1;
	}
}

/* One instruction; nonzero when the program ended or pauses. */
NFR_INLINE int vm_step(struct vm *vm)
{
	const struct nfr_insn *insn = env_insn(vm->env, vm->pc);
	__u32 value, imm, mask;
	int is_jump = 0;

	if (!insn)
		return 1;
	value = vm->key->w[insn->field & (NFR_KEY_WORDS - 1)];
	vm->asked |= 1u << (insn->field & (NFR_KEY_WORDS - 1));
	imm = insn->imm;
	mask = imm >> 16;
	vm->pc++;
	switch (insn->op) {
	case NFR_OP_RET:
		vm->rule = imm;
		return 1;
	case NFR_OP_JA:
		vm->pc += imm;
		return 0;
	case NFR_OP_JEQ:
		is_jump = value == imm;
		break;
	case NFR_OP_JNE:
		is_jump = value != imm;
		break;
	case NFR_OP_JLT:
		is_jump = value < imm;
		break;
	case NFR_OP_JGT:
		is_jump = value > imm;
		break;
	case NFR_OP_JMEQ:
		is_jump = (value & mask) == (imm & 0xffff);
		break;
	case NFR_OP_JMNE:
		is_jump = (value & mask) != (imm & 0xffff);
		break;
	case NFR_OP_JHEQ:
		is_jump = (value >> 16 & mask) == (imm & 0xffff);
		break;
	case NFR_OP_JHNE:
		is_jump = (value >> 16 & mask) != (imm & 0xffff);
		break;
	case NFR_OP_JIN:
	case NFR_OP_JNIN:
		if (vm_ask_table(vm, insn, &is_jump))
			return 1;
		break;
	case NFR_OP_JRAND:
		is_jump = vm->drawn >= imm;
		break;
	case NFR_OP_JRANK:
		is_jump = vm->rank < imm;
		break;
	case NFR_OP_JDONE:
		is_jump = vm->done >> (imm & 31) & 1;
		break;
	default:
		return vm_effect(vm, insn->op, imm);
	}
	if (is_jump)
		vm->pc += insn->jump;
	return 0;
}

#ifdef NFR_BPF_LOOP
static long vm_turn(__u32 turn, void *vm)
{
	(void)turn;
	return vm_step(vm);
}
#endif

NFR_INLINE void vm_loop(struct vm *vm)
{
	if (vm->pc == NFR_NO_ENTRY)
		return;
#if defined(NFR_BPF_LOOP)
	bpf_loop(NFR_INSN_MAX, vm_turn, vm, 0);
#elif defined(__bpf__)
	for (;;) {
		VM_BREAK;
		if (vm_step(vm))
			break;
	}
#else
	for (__u32 turn = 0; turn < NFR_INSN_MAX; turn++)
		if (vm_step(vm))
			break;
#endif
}

/*
 * The rule that decides, or NFR_NO_RULE: of a program that neither tags nor
 * applies match rules, as all of the guard's.
 */
NFR_INLINE __u32 vm_run(struct env *env, const struct nfr_key *key, __u32 start)
{
	struct vm vm = {
		.env = env,
		.key = (struct nfr_key *)key, /* not written without a run */
		.pc = start,
		.rule = NFR_NO_RULE,
		.rank = VM_NO_RANK,
	};

	vm_loop(&vm);
	return vm.rule;
}

/* Before the first vm_go(). seed: 0, or an earlier run's, to draw the same. */
NFR_INLINE void vm_begin(struct vm_run *run, __u32 start, __u32 seed)
{
	run->reason = NFR_REASON_VM;
	run->paused = NFR_NO_RULE;
	run->seed = seed;
	run->matched_count = 0;
	run->pc = start;
	run->candidate = 0;
	run->done = 0;
	run->rank = VM_NO_RANK;
	run->asked = 0;
}

/*
 * The rule that decides, or NFR_NO_RULE. Then run->paused is the match rule
 * whose pools are to change the key before this is called again; if it is none
 * either, run->reason says why.
 */
NFR_INLINE __u32 vm_go(struct env *env, struct nfr_key *key, struct vm_run *run)
{
	struct vm vm = {
		.env = env,
		.key = key,
		.run = run,
		.pc = run->pc,
		.rule = NFR_NO_RULE,
		.candidate = run->candidate,
		.rank = run->rank,
		.seed = run->seed,
		.done = run->done,
		.asked = run->asked,
	};

	run->paused = NFR_NO_RULE;
	vm_loop(&vm);
	run->pc = vm.pc;
	run->candidate = vm.candidate;
	run->rank = vm.rank;
	run->seed = vm.seed;
	run->done = vm.done;
	run->asked = vm.asked;
	return vm.rule;
}

#endif
