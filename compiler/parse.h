/* SPDX-License-Identifier: BSD-2-Clause */
/* parse.h: text -> ast. */
#ifndef NFR_PARSE_H
#define NFR_PARSE_H

#include "ast.h"
#include "diag.h"
#include "source.h"

struct parse_define {
	const char *name, *value; /* -D name=value; beats the file's own */
};

/*
 * Parses file and what it includes. Errors go to diag; parsing goes on at the
 * next statement. The ast holds what could be understood.
 */
void parse_file(struct arena *, struct sources *, struct diag *,
		const struct source_file *, const struct parse_define *defines,
		size_t define_count, struct ast *out);
/*
 * The same, but rules of the file are packed (pack.h): out->first has all other
 * statements, out->pack, which is the caller's to free, all in their order.
 */
void parse_file_packed(struct arena *, struct sources *, struct diag *,
		       const struct source_file *,
		       const struct parse_define *defines, size_t define_count,
		       struct ast *out);

#endif
