/* SPDX-License-Identifier: BSD-2-Clause */
/* program.c: the programs of an image -> where they end, and what they ask. */
#include "program.h"

/* What begins behind the program at start is its end. */
static __u32 nearer_end(__u32 start, __u32 begin, __u32 end)
{
	return begin != NFR_NO_ENTRY && begin > start && begin < end ? begin
								     : end;
}

__u32 program_end(const struct image *img, __u32 start)
{
	__u32 end = img->insn_count;

	for (unsigned i = 0; i < NFR_ENTRIES; i++)
		end = nearer_end(start, img->header->entry[i], end);
	/* And those behind a hash, which the entries do not name. */
	for (unsigned i = 0; i < PROGRAM_RULES; i++) {
		const struct hash_head *head = image_hash_head(img, i);

		if (head)
			end = nearer_end(start, head->entry, end);
	}
	return end;
}

/* Does it decide by the key alone, and by its first words? */
static bool insn_is_steady(const struct nfr_insn *insn)
{
	switch (insn->op) {
	case NFR_OP_JEQ:
	case NFR_OP_JNE:
	case NFR_OP_JLT:
	case NFR_OP_JGT:
	case NFR_OP_JMEQ:
	case NFR_OP_JMNE:
	case NFR_OP_JHEQ:
	case NFR_OP_JHNE:
		return insn->field <= NFR_F_FAMILY;
	case NFR_OP_RET:
	case NFR_OP_JA:
	case NFR_OP_SET:
	case NFR_OP_RETC:
	case NFR_OP_RETGE:
	case NFR_OP_RANK:
	case NFR_OP_JRANK:
		return true;
	default:
		return false;
	}
}

static bool program_is_steady(const struct image *img, __u32 start)
{
	__u32 end = program_end(img, start);

	for (__u32 pc = start; pc < end; pc++)
		if (!insn_is_steady(&img->code[pc]))
			return false;
	return true;
}

bool programs_are_steady(const struct image *img,
			 const __u32 entry[PROGRAM_RULES])
{
	for (unsigned i = 0; i < PROGRAM_RULES; i++)
		if (entry[i] != NFR_NO_ENTRY &&
		    !program_is_steady(img, entry[i]))
			return false;
	return true;
}
