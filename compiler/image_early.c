/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_early.c: bytecode -> can a socket be told before it sends?
 *
 * Before its first packet a socket does not know its port, unless it is bound;
 * the ports that the kernel gives are at least 1024 (ip_local_port_range). What
 * it will write into the packet beside addresses and ports, it may change until
 * then; and chances are drawn by packet.
 */
#include "image_layout.h"

#define EARLY_PORT_MIN 1024u

/* Is the answer the same for every port that the kernel gives? */
static bool asks_early_port(const struct nfr_insn *insn)
{
	switch (insn->op) {
	case NFR_OP_JEQ:
	case NFR_OP_JNE:
		return insn->imm < EARLY_PORT_MIN || insn->imm > UINT16_MAX;
	case NFR_OP_JLT:
		return insn->imm <= EARLY_PORT_MIN;
	case NFR_OP_JGT:
		return insn->imm < EARLY_PORT_MIN || insn->imm >= UINT16_MAX;
	default:
		return false;
	}
}

/* What a first segment has: SYN, whether it offers ECN or not (RFC 3168 6). */
static bool asks_early_flags(const struct nfr_insn *insn)
{
	__u32 ecn = 0xc0;

	return (insn->op == NFR_OP_JMEQ || insn->op == NFR_OP_JMNE) &&
	       !(insn->imm >> 16 & ecn);
}

static bool asks_early(const struct nfr_insn *insn)
{
	if (insn->op == NFR_OP_DRAW)
		return false;
	if (insn->op < NFR_OP_JEQ || insn->op > NFR_OP_JHNE)
		return true; /* no test of a field, or of an address */
	switch (insn->field) {
	case NFR_F_SPORT:
		return asks_early_port(insn);
	case NFR_F_TCPFLAGS:
		return asks_early_flags(insn);
	case NFR_F_BITS:
	case NFR_F_TOS:
		return false;
	default:
		return true;
	}
}

/* A program ends where nothing behind is jumped to. */
static bool program_is_early(const struct nfr_insn *insns, size_t count,
			     size_t at)
{
	size_t furthest = at, target;

	for (; at < count; at++) {
		const struct nfr_insn *insn = &insns[at];
		bool is_end = insn->op == NFR_OP_RET || insn->op == NFR_OP_RETC;

		if (!asks_early(insn))
			return false;
		target = at + 1 +
			 (insn->op == NFR_OP_JA ? insn->imm : insn->jump);
		if (!is_end && target > furthest)
			furthest = target;
		if (is_end && furthest <= at)
			return true;
	}
	return true;
}

bool image_is_early(const struct nfr_insn *insns, size_t count,
		    const __u32 *entry)
{
	for (unsigned stage = 0; stage < NFR_STAGES; stage++)
		for (unsigned f = NFR_FAMILY_IPV4; f <= NFR_FAMILY_IPV6; f++) {
			__u32 at = entry[NFR_ENTRY(stage, NFR_DIR_OUT, f)];

			if (at != NFR_NO_ENTRY &&
			    !program_is_early(insns, count, at))
				return false;
		}
	return true;
}
