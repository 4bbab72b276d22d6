/* SPDX-License-Identifier: BSD-2-Clause */
/* tokens.h: the scanner's work, to look at. */
#ifndef NFR_TOKENS_H
#define NFR_TOKENS_H

#include <stdio.h>

#include "parse.h"

/*
 * Prints file:line:col, kind and text of every token that the grammar would
 * see, one a line; errors go to diag, as by parse_file().
 */
void tokens_print(struct arena *, struct sources *, struct diag *,
		  const struct source_file *, const struct parse_define *,
		  size_t define_count, FILE *);

#endif
