/* SPDX-License-Identifier: BSD-2-Clause */
/* generation_code.h: an image's rules -> the datapath's object with them in. */
#ifndef NFR_GENERATION_CODE_H
#define NFR_GENERATION_CODE_H

#include "generation.h"
#include "native.h"

struct generation_code {
	struct native_code code, inlined; /* called; or in a hole (hole.h) */
	struct native_about about;
	uint64_t hole;	       /* names inlined; 0: it is not there */
	enum engine_kind kind; /* of the image without it */
	bool is_there;
	enum engine_kind refused; /* what was chosen, and is not to be had */
	char why[192];		  /* what was chosen, in a sentence's end */
};

/*
 * Code, if options ask for it, or leave the choice and it is the best form.
 * -EOPNOTSUPP, with err set, when it was asked for by name and nothing of the
 * image can be. generation_code_free() in any case.
 */
int generation_code_make(struct generation_code *, const struct image *,
			 const struct engine_options *, struct engine_error *);
/* The kernel has no room for the image's data form: code says why. */
void generation_code_drop_hash(struct generation_code *, const struct image *,
			       int code);
/*
 * Into the generation, which has its maps, unless its programs have the code
 * inside; then kind, kind_why, code_insns, hole_used and refused say what it
 * is. What the kernel refuses is no failure: other forms find the rules then.
 */
int generation_code_place(struct generation_code *, struct generation *,
			  const struct engine_options *, struct engine_error *);
void generation_code_free(struct generation_code *);

#endif
