/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify.c: bytecode -> 0, or why it is refused.
 *
 * Jumps are forward only, so one walk in order sees every way that can lead to
 * an instruction before the instruction itself: linear time, and a program can
 * not run for more steps than it has instructions. What is accepted ends in a
 * rule of its stage on every way from every entry, and reads nothing but the
 * key and tables of this image.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "image_layout.h"
#include "tag.h"

enum form {
	FORM_NONE,
	FORM_RET,
	FORM_JUMP,
	FORM_CMP,
	FORM_MASK,
	FORM_TABLE,
	FORM_RULE,
	FORM_MATCH,
	FORM_TAG,
	FORM_DRAW,
	FORM_CHANCE,
	FORM_DONE,
	FORM_JDONE,
	FORM_RANK,
	FORM_JRANK
};

/* What is known of the ways to an instruction, beside bits 1 << stage. */
#define WAY_STAGES (1u << NFR_STAGE_RULES | 1u << NFR_STAGE_GUARD)
#define WAY_UNDRAWN (1u << NFR_STAGES) /* of one at least: no chance drawn */

static const __u8 forms[] = {
#define NFR_OPCODE(sym, num, name, form, text) [num] = FORM_##form,
#include "../runtime/opcodes.def"
#undef NFR_OPCODE
};

static bool is_iface(const struct nfr_insn *insn)
{
	return insn->field == NFR_F_IFID || insn->field == NFR_F_RECEIVED;
}

static const char *check_compare(const struct image *img,
				 const struct nfr_insn *insn)
{
	/* Below the first number that is none is each. */
	if (is_iface(insn) &&
	    insn->imm > img->iface_count + (insn->op == NFR_OP_JLT))
		return "no such interface";
	return NULL;
}

static const char *check_mask(const struct nfr_insn *insn)
{
	__u32 mask = insn->imm >> 16, value = insn->imm & 0xffff;

	if (is_iface(insn))
		return "an interface is not compared under a mask";
	return value & ~mask ? "value has bits outside of the mask" : NULL;
}

static const char *check_table(const struct image *img,
			       const struct nfr_insn *insn)
{
	if (insn->field != NFR_F_SRC0 && insn->field != NFR_F_DST0)
		return "a table holds addresses only";
	return insn->imm >= img->table_count ? "no such table" : NULL;
}

static const char *check_rule_number(const struct image *img, __u32 rule,
				     bool is_match)
{
	if (rule >= img->rule_count)
		return "no such rule";
	if (!!(img->rules[rule].flags & NFR_RULE_MATCH) != is_match)
		return is_match ? "not a match rule"
				: "a match rule does not decide";
	return NULL;
}

static const char *check_match(const struct image *img,
			       const struct nfr_insn *insn)
{
	const char *why = check_rule_number(img, insn->imm, true);
	const struct nfr_action *action = NULL;

	if (why || insn->op != NFR_OP_XLATE)
		return why;
	if (img->rules[insn->imm].action != NFR_NO_ACTION)
		action = &img->actions[img->rules[insn->imm].action];
	if (!action ||
	    (action->nat == NFR_NO_POOL && action->rdr == NFR_NO_POOL))
		return "the rule has no pools";
	return NULL;
}

/* What only the rules' programs have. */
static const char *check_effect(const struct image *img, enum form form,
				const struct nfr_insn *insn)
{
	bool is_jump =
		form == FORM_CHANCE || form == FORM_JDONE || form == FORM_JRANK;

	if (insn->field != 0 || (!is_jump && insn->jump != 0))
		return "unused operands are not zero";
	switch (form) {
	case FORM_RULE:
		return check_rule_number(img, insn->imm, false);
	case FORM_MATCH:
		return check_match(img, insn);
	case FORM_TAG:
		return tag_name(img, insn->imm) ? NULL : "no such tag";
	case FORM_DONE:
	case FORM_JDONE:
		return insn->imm >= 32 ? "no such kind of line" : NULL;
	default:
		return NULL;
	}
}

static enum form form_of(const struct nfr_insn *insn)
{
	return insn->op < sizeof(forms) ? (enum form)forms[insn->op]
					: FORM_NONE;
}

const char *verify_operands(const struct image *img,
			    const struct nfr_insn *insn, __u32 rets)
{
	enum form form = form_of(insn);

	if (form == FORM_NONE)
		return "unknown opcode";
	if (form >= FORM_RULE)
		return "only rules do this";
	if (form == FORM_RET || form == FORM_JUMP) {
		if (insn->field != 0 || insn->jump != 0)
			return "unused operands are not zero";
		if (form == FORM_RET && insn->imm >= rets)
			return "no such rule";
		return NULL;
	}
	if (insn->field > NFR_F_LAST)
		return "unknown field";
	if (form == FORM_CMP)
		return check_compare(img, insn);
	return form == FORM_MASK ? check_mask(insn) : check_table(img, insn);
}

static const char *check_operands(const struct image *img,
				  const struct nfr_insn *insn)
{
	enum form form = form_of(insn);
	const char *why;

	if (form >= FORM_RULE)
		return check_effect(img, form, insn);
	why = verify_operands(img, insn, img->rule_count);
	return !why && form == FORM_RET
		       ? check_rule_number(img, insn->imm, false)
		       : why;
}

/* What a way with these bits may meet; NULL when it may meet that. */
static const char *check_way(const struct image *img,
			     const struct nfr_insn *insn, unsigned ways)
{
	enum form form = form_of(insn);
	unsigned stage =
		form == FORM_RET && insn->imm >= img->header->guard_first
			? NFR_STAGE_GUARD
			: NFR_STAGE_RULES;

	if (form >= FORM_RULE && (ways & WAY_STAGES) != 1u << stage)
		return "only rules do this, no guard";
	if (form == FORM_RULE && insn->imm >= img->header->guard_first)
		return "decides by a rule of the other stage";
	if (form == FORM_RET && (ways & WAY_STAGES) != 1u << stage)
		return "decides by a rule of the other stage";
	if (form == FORM_CHANCE && ways & WAY_UNDRAWN)
		return "no chance was drawn";
	return NULL;
}

/* Marks where instruction i goes to; NULL when that is in order. */
static const char *follow(const struct image *img, __u32 i, __u8 *ways)
{
	const struct nfr_insn *insn = &img->code[i];
	__u32 left = img->insn_count - i - 1; /* instructions behind it */
	__u8 on = ways[i];

	if (insn->op == NFR_OP_RET || insn->op == NFR_OP_RETC)
		return NULL;
	if (insn->op == NFR_OP_JA) {
		if (insn->imm >= left)
			return "jumps behind the end";
		ways[i + 1 + insn->imm] |= on;
		return NULL;
	}
	if (insn->jump >= left)
		return "jumps behind the end";
	if (insn->op == NFR_OP_DRAW)
		on &= (__u8)~WAY_UNDRAWN;
	ways[i + 1 + insn->jump] |= on;
	ways[i + 1] |= on;
	return NULL;
}

static int check_code(const struct image *img, __u8 *ways,
		      char error[IMAGE_ERROR_MAX])
{
	for (__u32 i = 0; i < img->insn_count; i++) {
		const char *why = check_operands(img, &img->code[i]);

		if (!why && ways[i] == 0)
			why = "can not be reached";
		if (!why)
			why = check_way(img, &img->code[i], ways[i]);
		if (!why)
			why = follow(img, i, ways);
		if (why)
			return image_refuse(error, "instruction %u: %s", i,
					    why);
	}
	return 0;
}

static int check_rule(const struct image *img, __u32 i,
		      char error[IMAGE_ERROR_MAX])
{
	const struct nfr_rule *rule = &img->rules[i];
	__u32 guard_first = img->header->guard_first;
	bool is_last = i + 1 == img->rule_count;

	if (rule->verdict > NFR_PASS)
		return image_refuse(error, "rule %u: unknown verdict", i);
	if (rule->flags & ~NFR_RULE_FLAGS)
		return image_refuse(error, "rule %u: unknown flags", i);
	if (rule->tag > img->tag_count)
		return image_refuse(error, "rule %u: no such tag", i);
	if (rule->action != NFR_NO_ACTION && rule->action >= img->action_count)
		return image_refuse(error, "rule %u: no such action", i);
	if (!!(rule->flags & NFR_RULE_GUARD) != (i >= guard_first))
		return image_refuse(error, "rule %u: %s the guard's", i,
				    i >= guard_first ? "is not" : "is one of");
	if (!!(rule->flags & NFR_RULE_DEFAULT) != (i == guard_first - 1))
		return image_refuse(
			error,
			"rule %u: the default is the last of the rules, "
			"and only that",
			i);
	if (rule->flags & NFR_RULE_MATCH &&
	    (rule->verdict != NFR_BLOCK ||
	     rule->flags & ~(NFR_RULE_MATCH | NFR_RULE_LOG)))
		return image_refuse(error, "rule %u: a match rule decides", i);
	if (rule->flags & NFR_RULE_GUARD &&
	    (rule->tag || rule->action != NFR_NO_ACTION))
		return image_refuse(error, "rule %u: a guard only decides", i);
	if (rule->flags & NFR_RULE_STATE &&
	    (rule->verdict != NFR_PASS || rule->flags & NFR_RULE_GUARD))
		return image_refuse(
			error, "rule %u: only a passing rule keeps state", i);
	if (i >= guard_first && is_last &&
	    (rule->verdict != NFR_PASS || rule->flags != NFR_RULE_GUARD))
		return image_refuse(
			error, "rule %u: the guard's last is no objection", i);
	return 0;
}

static int check_rules(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	__u32 guard_first = img->header->guard_first;

	if (guard_first == 0)
		return image_refuse(error, "no default rule");
	if (guard_first > img->rule_count)
		return image_refuse(error,
				    "the guard begins behind the last rule");
	for (__u32 i = 0; i < img->rule_count; i++) {
		int err = check_rule(img, i, error);

		if (err)
			return err;
	}
	return 0;
}

static int check_entries(const struct image *img, __u8 *ways,
			 char error[IMAGE_ERROR_MAX])
{
	bool has_guard = img->header->guard_first < img->rule_count;

	for (unsigned i = 0; i < NFR_ENTRIES; i++) {
		bool is_guard = i >= NFR_ENTRY(NFR_STAGE_GUARD, 0, 0);
		__u32 entry = img->header->entry[i];

		if (is_guard && !has_guard) {
			if (entry != NFR_NO_ENTRY)
				return image_refuse(error, "entry %u: no guard",
						    i);
			continue;
		}
		if (entry >= img->insn_count)
			return image_refuse(error,
					    "entry %u: outside of the code", i);
		ways[entry] |= WAY_UNDRAWN | 1u << (is_guard ? NFR_STAGE_GUARD
							     : NFR_STAGE_RULES);
	}
	for (unsigned i = 0; i < 6; i++) {
		const struct hash_head *head = image_hash_head(img, i);

		if (!head || head->is_whole)
			continue;
		if (head->entry >= img->insn_count)
			return image_refuse(error,
					    "hash %u: its rest is outside of "
					    "the code",
					    i);
		ways[head->entry] |= WAY_UNDRAWN | 1u << NFR_STAGE_RULES;
	}
	return 0;
}

static int check_limits(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	if (img->insn_count > NFR_INSN_MAX)
		return image_refuse(error, "more than %u instructions",
				    NFR_INSN_MAX);
	if (img->rule_count > NFR_RULE_MAX)
		return image_refuse(error, "more than %u rules", NFR_RULE_MAX);
	if (img->table_count > NFR_TABLE_MAX)
		return image_refuse(error, "more than %u tables",
				    NFR_TABLE_MAX);
	if (img->action_count > NFR_ACTION_MAX)
		return image_refuse(error, "more than %u actions",
				    NFR_ACTION_MAX);
	if (img->iface_count > NFR_IFACE_MAX)
		return image_refuse(error, "more than %u interfaces",
				    NFR_IFACE_MAX);
	return 0;
}

int verify_code(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	__u8 *ways;
	int err = check_limits(img, error);

	if (!err)
		err = check_rules(img, error);
	if (err)
		return err;
	ways = calloc((size_t)img->insn_count + 1, sizeof(*ways));
	if (!ways) {
		image_refuse(error, "out of memory");
		return -ENOMEM;
	}
	err = check_entries(img, ways, error);
	if (!err)
		err = check_code(img, ways, error);
	free(ways);
	return err;
}
