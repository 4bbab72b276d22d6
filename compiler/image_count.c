/* SPDX-License-Identifier: BSD-2-Clause */
/* image_count.c: which entries of an image's tables count, and for which rules.
 */
#include <string.h>

#include "image.h"

static bool counts(const struct image *img, const struct image_entry *e)
{
	return img->tables[e->table].flags & IMAGE_TABLE_COUNTERS &&
	       !e->is_negated;
}

__u32 image_slots(const struct image *img)
{
	__u32 slots = 1;

	for (__u32 i = 0; i < img->entry_count; i++)
		slots += counts(img, &img->entries[i]);
	return slots;
}

void image_entry_slots(const struct image *img, __u32 *slots)
{
	__u32 next = 1;

	for (__u32 i = 0; i < img->entry_count; i++)
		slots[i] = counts(img, &img->entries[i]) ? next++ : 0;
}

/*
 * The tests before a RET or SET are its rule's, the anchors' first. "! <t>" has
 * no entry that could count.
 */
void image_rule_tables(const struct image *img, struct nfr_rule_tables *out)
{
	struct nfr_rule_tables asked = {0, 0};

	memset(out, 0, img->rule_count * sizeof(*out));
	for (__u32 i = 0; i < img->insn_count; i++) {
		const struct nfr_insn *insn = &img->code[i];

		if (insn->op == NFR_OP_JNIN &&
		    img->tables[insn->imm].flags & IMAGE_TABLE_COUNTERS) {
			if (insn->field == NFR_F_SRC0)
				asked.src = insn->imm + 1;
			else
				asked.dst = insn->imm + 1;
		}
		if (insn->op == NFR_OP_MATCH || insn->op == NFR_OP_XLATE)
			asked = (struct nfr_rule_tables){0, 0};
		if (insn->op != NFR_OP_RET && insn->op != NFR_OP_SET)
			continue;
		if (img->rules[insn->imm].flags & NFR_RULE_COUNTS &&
		    (asked.src || asked.dst))
			out[insn->imm] = asked;
		asked = (struct nfr_rule_tables){0, 0};
	}
}
