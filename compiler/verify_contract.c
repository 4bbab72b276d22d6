/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verify_contract.c: the sections that are asked when tables change -> 0, or
 * why they are refused. The asserts' code is as total as the rules' (verify.c),
 * and ends in one of two words. Nobody judges packets by it.
 */
#include <errno.h>
#include <stdlib.h>

#include "image_layout.h"

static bool is_string(const struct image *img, __u32 offset)
{
	return offset < img->header->section[IMAGE_STRINGS].count;
}

static bool is_place(const struct image *img, __u32 file)
{
	return file == IMAGE_NO_FILE || file < img->file_count;
}

static const char *check_assert(const struct image *img,
				const struct image_assert *a)
{
	if (a->start >= img->assert_insn_count)
		return "outside of the code";
	if (a->dir > NFR_DIR_OUT || a->is_pass > 1 || a->reserved ||
	    (a->family != NFR_FAMILY_IPV4 && a->family != NFR_FAMILY_IPV6))
		return "unknown flags";
	if (!is_string(img, a->text) || !is_place(img, a->file))
		return "no such string or file";
	return NULL;
}

/* Marks where instruction i goes to; NULL when that is in order. */
static const char *follow(const struct image *img, __u32 i, bool *is_reached)
{
	const struct nfr_insn *insn = &img->assert_code[i];
	__u32 left = img->assert_insn_count - i - 1;
	__u32 jump = insn->op == NFR_OP_JA ? insn->imm : insn->jump;

	if (insn->op == NFR_OP_RET)
		return NULL;
	if (jump >= left)
		return "jumps behind the end";
	is_reached[i + 1 + jump] = true;
	if (insn->op != NFR_OP_JA)
		is_reached[i + 1] = true;
	return NULL;
}

static int check_code(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	bool *is_reached =
		calloc((size_t)img->assert_insn_count + 1, sizeof(*is_reached));
	int err = 0;

	if (!is_reached) {
		image_refuse(error, "out of memory");
		return -ENOMEM;
	}
	for (__u32 i = 0; i < img->assert_count; i++)
		is_reached[img->asserts[i].start] = true;
	for (__u32 i = 0; i < img->assert_insn_count && !err; i++) {
		const char *why = verify_operands(img, &img->assert_code[i],
						  IMAGE_ASSERT_MATCH + 1);

		if (!why && !is_reached[i])
			why = "can not be reached";
		if (!why)
			why = follow(img, i, is_reached);
		if (why)
			err = image_refuse(error,
					   "the asserts' instruction %u: %s", i,
					   why);
	}
	free(is_reached);
	return err;
}

static const char *check_exclude(const struct image *img,
				 const struct image_exclude *x)
{
	const __u8 known = 1u << NFR_FAMILY_IPV4 | 1u << NFR_FAMILY_IPV6;

	if (x->table != IMAGE_NO_TABLE && x->table >= img->table_count)
		return "no such table";
	if (!x->families || x->families & ~known ||
	    (x->families == known && x->table == IMAGE_NO_TABLE))
		return "unknown family";
	if (x->is_negated > 1 || x->reserved || x->reserved2)
		return "unknown flags";
	return is_place(img, x->file) ? NULL : "no such file";
}

int verify_contract(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	const char *why;

	if (img->assert_insn_count > NFR_INSN_MAX)
		return image_refuse(error,
				    "asserts of more than %u instructions",
				    NFR_INSN_MAX);
	for (__u32 i = 0; i < img->assert_count; i++) {
		why = check_assert(img, &img->asserts[i]);
		if (why)
			return image_refuse(error, "assert %u: %s", i, why);
	}
	for (__u32 i = 0; i < img->exclude_count; i++) {
		why = check_exclude(img, &img->excludes[i]);
		if (why)
			return image_refuse(error, "exclude %u: %s", i, why);
	}
	return check_code(img, error);
}
