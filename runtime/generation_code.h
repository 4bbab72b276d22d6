/* SPDX-License-Identifier: BSD-2-Clause */
/* generation_code.h: an image's rules -> the datapath's object with them in. */
#ifndef NFR_GENERATION_CODE_H
#define NFR_GENERATION_CODE_H

#include "engine.h"
#include "native.h"

struct generation_code {
	struct native_code code;
	struct native_about about;
	enum engine_kind kind; /* of the image without it */
	bool is_there;
	bool is_refused;  /* it was asked for, and would be too much */
	uint8_t hash[32]; /* of code; zero where there is none */
	char why[192];	  /* what was chosen, in a sentence's end */
};

/*
 * Code, if options ask for it by name. -EOPNOTSUPP, with err set, when nothing
 * of it can be; what would be too much is refused, and the VM runs it.
 * generation_code_free() in any case.
 */
int generation_code_make(struct generation_code *, const struct image *,
			 const struct engine_options *, struct engine_error *);
/* The object to load; *own is to be freed behind it. 0 or -errno. */
int generation_code_object(const struct generation_code *, enum engine_loop,
			   const void **bytes, size_t *len, void **own);
/* The kernel refused it: from now on there is none, and why says so. */
void generation_code_drop(struct generation_code *, int code);
void generation_code_free(struct generation_code *);

#endif
