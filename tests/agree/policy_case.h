/* SPDX-License-Identifier: BSD-2-Clause */
/* policy_case.h: a policy's text, all the way to its image. */
#ifndef NFR_POLICY_CASE_H
#define NFR_POLICY_CASE_H

#include "compiler/image.h"

struct policy_case {
	struct arena *arena;
	struct policy *policy;
	__u8 *bytes;
	struct image img;
};

/*
 * 0, or -EINVAL when the compiler refuses the text, whose diagnosis is then
 * printed on standard error.
 */
int policy_case_new(const char *text, const char *host_profile,
		    enum policy_form, struct policy_case *);
void policy_case_free(struct policy_case *);

#endif
