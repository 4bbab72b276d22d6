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
	addr_to_mapped(&addr,
		       key->w[NFR_F_FAMILY] == NFR_FAMILY_IPV6 ? FAMILY_IPV6
							       : FAMILY_IPV4,
		       bytes);
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
	case NFR_OP_JHEQ:
		return (value >> 16 & mask) == low;
	case NFR_OP_JHNE:
		return (value >> 16 & mask) != low;
	case NFR_OP_JIN:
	case NFR_OP_JNIN:
		require(insn->imm < img->table_count, "unknown table");
		return in_table(img, key, insn->field, insn->imm) ==
		       (insn->op == NFR_OP_JIN);
	}
	require(false, "unknown opcode");
	return false;
}

/* What a program knows beside the key. */
struct machine {
	const struct image *img;
	struct nfr_key *key;
	struct reference_trace *trace;
	uint32_t candidate; /* or NFR_NO_RULE */
	uint64_t rank;	    /* its; at first more than any */
	uint32_t drawn;
	uint32_t done; /* kinds of older lines, as bits */
	bool has_drawn;
};

static bool is_match_rule(const struct image *img, uint32_t rule)
{
	require(rule < img->rule_count, "unknown rule");
	return img->rules[rule].flags & NFR_RULE_MATCH;
}

/* The rule that decides, or NFR_NO_RULE: it goes on. */
static uint32_t act(struct machine *m, const struct nfr_insn *insn)
{
	struct reference_trace *t = m->trace;

	switch (insn->op) {
	case NFR_OP_SET:
		require(!is_match_rule(m->img, insn->imm), "sets a match rule");
		m->candidate = insn->imm;
		break;
	case NFR_OP_RET:
	case NFR_OP_RETC:
		require(!is_match_rule(m->img, insn->imm),
			"match rule decides");
		return insn->op == NFR_OP_RET || m->candidate == NFR_NO_RULE
			       ? insn->imm
			       : m->candidate;
	case NFR_OP_RETGE:
		if (m->candidate != NFR_NO_RULE && m->candidate >= insn->imm)
			return m->candidate;
		break;
	case NFR_OP_MATCH:
	case NFR_OP_XLATE:
		require(is_match_rule(m->img, insn->imm), "not a match rule");
		if (t && t->count < REFERENCE_TRACE_MAX)
			t->rules[t->count] = insn->imm;
		if (t)
			t->count++;
		if (insn->op == NFR_OP_XLATE && t && t->translate)
			t->translate(t->arg, insn->imm, m->key);
		break;
	case NFR_OP_TAG:
		m->key->w[NFR_F_TAG] = insn->imm;
		break;
	case NFR_OP_DRAW:
		m->drawn = t && t->chance ? t->chance(t->arg, insn->imm) : 0;
		m->has_drawn = true;
		break;
	case NFR_OP_RANK:
		m->rank = insn->imm;
		break;
	case NFR_OP_DONE:
		require(insn->imm < 32, "unknown kind of line");
		m->done |= 1u << insn->imm;
		break;
	default:
		require(false, "unknown opcode");
	}
	return NFR_NO_RULE;
}

/* Instructions to skip behind this one; sets *rule when one decides. */
static uint64_t step(struct machine *m, const struct nfr_insn *insn,
		     uint32_t *rule)
{
	switch (insn->op) {
	case NFR_OP_JA:
		return insn->imm;
	case NFR_OP_JRAND:
		require(m->has_drawn, "no chance was drawn");
		return m->drawn < insn->imm ? 0 : insn->jump;
	case NFR_OP_JDONE:
		require(insn->imm < 32, "unknown kind of line");
		return m->done >> insn->imm & 1 ? insn->jump : 0;
	case NFR_OP_JRANK:
		return m->rank < insn->imm ? insn->jump : 0;
	case NFR_OP_RET:
	case NFR_OP_SET:
	case NFR_OP_RANK:
	case NFR_OP_RETC:
	case NFR_OP_RETGE:
	case NFR_OP_MATCH:
	case NFR_OP_XLATE:
	case NFR_OP_TAG:
	case NFR_OP_DRAW:
	case NFR_OP_DONE:
		*rule = act(m, insn);
		return 0;
	}
	return jumps(m->img, insn, m->key) ? insn->jump : 0;
}

uint32_t reference_vm_trace(const struct image *img, enum nfr_stage stage,
			    struct nfr_key *key, struct reference_trace *trace)
{
	struct machine m = {.img = img,
			    .key = key,
			    .trace = trace,
			    .candidate = NFR_NO_RULE,
			    .rank = UINT64_MAX};
	uint64_t pc = img->header->entry[NFR_ENTRY(stage, key->w[NFR_F_DIR],
						   key->w[NFR_F_FAMILY])];
	uint32_t rule = NFR_NO_RULE;

	if (pc == NFR_NO_ENTRY)
		return NFR_NO_RULE;
	while (rule == NFR_NO_RULE) {
		require(pc < img->insn_count, "ran off the code");
		pc += 1 + step(&m, &img->code[pc], &rule);
	}
	require(rule < img->rule_count, "unknown rule");
	return rule;
}

uint32_t reference_vm_run(const struct image *img, enum nfr_stage stage,
			  const struct nfr_key *key)
{
	struct nfr_key own = *key;

	return reference_vm_trace(img, stage, &own, NULL);
}
