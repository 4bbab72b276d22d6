/* SPDX-License-Identifier: BSD-2-Clause */
/* compile.h: the whole way, from a path to an image; what the tools call. */
#ifndef NFR_COMPILE_H
#define NFR_COMPILE_H

#include "check.h"
#include "convert.h"
#include "image.h"
#include "parse.h"

struct compile_options {
	const char *host_profile; /* NULL: the running system */
	const struct parse_define *defines;
	size_t define_count;
	const char *const *warnings; /* -W arguments */
	size_t warning_count;
	bool is_pf;		/* pf's own defaults and leniencies */
	bool lists_differences; /* with is_pf: from nfr, as warnings */
	bool is_converted; /* with is_pf: groups of interfaces are replaced */
	enum policy_form form; /* of the rules, beside bytecode */
	bool is_lean; /* nothing is printed: statements end with the check */
	const struct progress *progress; /* or NULL */
	bool is_checked; /* no image: what does not run yet is only noted */
};

struct compilation {
	struct arena *arena;
	struct arena *texts;	  /* of files, when is_lean, else NULL */
	struct arena *rules;	  /* of ast and policy */
	struct arena *rule_texts; /* of the policy's, when is_lean, else NULL */
	struct arena *program;	  /* of code */
	struct sources *sources;
	struct diag *diag;
	struct host *host;
	struct ast ast;
	struct conversion conversion; /* when is_converted */
	struct policy *policy;	      /* NULL after errors */
	struct code code;	      /* empty when there is no image */
	__u8 *image; /* NULL after errors, and when is_checked and
			the policy holds what does not run yet */
	size_t image_len;
	bool is_too_large; /* for a data form: see struct code */
};

/*
 * 0 with *out filled in, even when diag holds errors; -errno when the file or
 * the host profile could not be read, or -EINVAL for a bad -W, with *error set
 * to a static or arena message (the compilation is returned for that too).
 */
int compile_file(const char *path, const struct compile_options *,
		 struct compilation **out, const char **error);
void compile_free(struct compilation **);

#endif
