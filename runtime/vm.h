/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * vm.h: bytecode and a key -> the rule that decides.
 *
 * verify.c promises that a program ends in RET on every path. Nothing here
 * relies on it: an instruction that is not there, an unknown one, or a loop
 * that is cut short leaves no rule, and the caller blocks.
 *
 * The environment gives env_insn() and env_table_has(), and in eBPF either
 * NFR_BPF_LOOP or VM_BREAK, a statement that may leave the loop (env.bpf.h).
 */
#ifndef NFR_VM_H
#define NFR_VM_H

#include "packet.h"

struct vm {
	struct env *env;
	const struct nfr_key *key;
	__u32 pc;
	__u32 rule; /* NFR_NO_RULE until a RET */
};

/* Is the address that starts at this field in the table? */
NFR_INLINE int vm_in_table(struct env *env, const struct nfr_key *key,
			   __u32 field, __u32 table)
{
	const __u32 *addr =
		field == NFR_F_SRC0 ? &key->w[NFR_F_SRC0] : &key->w[NFR_F_DST0];
	struct nfr_table_key name = {.prefix_len = 32 + 128,
				     .table_be = PACKET_SWAP32(table)};
	__u32 addr_be[4] = {0};

	if (key->w[NFR_F_FAMILY] == NFR_FAMILY_IPV4) {
		addr_be[2] = PACKET_SWAP32(0xffffu);
		addr_be[3] = PACKET_SWAP32(addr[0]);
	} else {
		for (int i = 0; i < 4; i++)
			addr_be[i] = PACKET_SWAP32(addr[i]);
	}
	__builtin_memcpy(name.addr, addr_be, sizeof(name.addr));
	return env_table_has(env, &name);
}

/* One instruction; nonzero when the program ended. */
NFR_INLINE int vm_step(struct vm *vm)
{
	const struct nfr_insn *insn = env_insn(vm->env, vm->pc);
	__u32 value, imm, mask;
	int is_jump = 0;

	if (!insn)
		return 1;
	value = vm->key->w[insn->field & (NFR_KEY_WORDS - 1)];
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
	case NFR_OP_JIN:
	case NFR_OP_JNIN:
		is_jump = vm_in_table(vm->env, vm->key, insn->field, imm) ==
			  (insn->op == NFR_OP_JIN);
		break;
	default:
		return 1;
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

/* The rule that decides, or NFR_NO_RULE. */
NFR_INLINE __u32 vm_run(struct env *env, const struct nfr_key *key, __u32 start)
{
	struct vm vm = {
		.env = env, .key = key, .pc = start, .rule = NFR_NO_RULE};

	if (start == NFR_NO_ENTRY)
		return NFR_NO_RULE;
#if defined(NFR_BPF_LOOP)
	bpf_loop(NFR_INSN_MAX, vm_turn, &vm, 0);
#elif defined(__bpf__)
	for (;;) {
		VM_BREAK;
		if (vm_step(&vm))
			break;
	}
#else
	for (__u32 turn = 0; turn < NFR_INSN_MAX; turn++)
		if (vm_step(&vm))
			break;
#endif
	return vm.rule;
}

#endif
