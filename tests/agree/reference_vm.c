/* SPDX-License-Identifier: BSD-2-Clause */
/* reference_vm.c: image and key -> rule, one instruction after the other. */
#include "reference_vm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool is_so, const char *what)
{
	if (is_so)
		return;
	fprintf(stderr, "reference_vm: %s\n", what);
	abort();
}

/* Do the first len bits agree? */
static bool has_prefix(const uint8_t *addr, const uint8_t *prefix, unsigned len)
{
	for (unsigned i = 0; i < len; i++)
		if ((addr[i / 8] ^ prefix[i / 8]) & 0x80u >> i % 8)
			return false;
	return true;
}

/* A table is one space of 128 bits, IPv4 in ::ffff:0:0/96. */
static unsigned entry_len(const struct image_entry *e)
{
	return e->prefix_len + (e->family == NFR_FAMILY_IPV4 ? 96u : 0u);
}

static bool in_table(const struct image *img, const struct nfr_key *key,
		     unsigned field, uint32_t table)
{
	const struct image_entry *best = NULL;
	struct addr addr;
	uint8_t bytes[16];

	memcpy(addr.w, &key->w[field], sizeof(addr.w));
	addr_to_mapped(&addr, (enum addr_family)key->w[NFR_F_FAMILY], bytes);
	for (uint32_t i = 0; i < img->entry_count; i++) {
		const struct image_entry *e = &img->entries[i];

		if (e->table == table &&
		    has_prefix(bytes, e->addr, entry_len(e)) &&
		    (!best || entry_len(best) < entry_len(e)))
			best = e;
	}
	return best && !best->is_negated;
}

static bool jumps(const struct image *img, const struct nfr_insn *insn,
		  const struct nfr_key *key)
{
	uint32_t value, mask = insn->imm >> 16, low = insn->imm & 0xffff;

	require(insn->field <= NFR_F_LAST, "unknown field");
	value = key->w[insn->field];
	switch (insn->op) {
	case NFR_OP_JEQ:
		return value == insn->imm;
	case NFR_OP_JNE:
		return value != insn->imm;
	case NFR_OP_JLT:
		return value < insn->imm;
	case NFR_OP_JGT:
		return value > insn->imm;
	case NFR_OP_JMEQ:
		return (value & mask) == low;
	case NFR_OP_JMNE:
		return (value & mask) != low;
	case NFR_OP_JIN:
	case NFR_OP_JNIN:
		require(insn->imm < img->table_count, "unknown table");
		return in_table(img, key, insn->field, insn->imm) ==
		       (insn->op == NFR_OP_JIN);
	}
	require(false, "unknown opcode");
	return false;
}

uint32_t reference_vm_run(const struct image *img, enum nfr_stage stage,
			  const struct nfr_key *key)
{
	uint64_t pc = img->header->entry[NFR_ENTRY(stage, key->w[NFR_F_DIR],
						   key->w[NFR_F_FAMILY])];

	if (pc == NFR_NO_ENTRY)
		return NFR_NO_RULE;
	for (;;) {
		const struct nfr_insn *insn;

		require(pc < img->insn_count, "ran off the code");
		insn = &img->code[pc++];
		if (insn->op == NFR_OP_RET) {
			require(insn->imm < img->rule_count, "unknown rule");
			return insn->imm;
		}
		if (insn->op == NFR_OP_JA)
			pc += insn->imm;
		else if (jumps(img, insn, key))
			pc += insn->jump;
	}
}
