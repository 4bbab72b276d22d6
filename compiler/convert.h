/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * convert.h: a pf.conf -> an nfr policy that means the same.
 *
 *   convert_groups.c   "egress", "lo": what they are on this host
 *   convert_negated.c  "! (if)" that fails open -> two rules
 *   convert_macro.c    interfaces -> the macros that name them
 *   convert.c          the text, in nfr's order, and checked as nfr
 *
 * Invariants: the output always parses. It is what "nfload check" takes,
 * unless a statement needs a decision: then an error of the class "convert"
 * stands at its place in the pf.conf and a comment before it in the output,
 * and nfr refuses the output until it is made. Converting the output gives the
 * output.
 */
#ifndef NFR_CONVERT_H
#define NFR_CONVERT_H

#include <stdio.h>

#include "check.h"

struct conversion {
	struct arena *arena;
	struct diag *diag;
	const struct host *host;
	const char *const *warnings; /* -W arguments */
	size_t warning_count;
	/* The interface that stands for "egress", or NULL. */
	const char *egress;
};

/*
 * To be called on what was parsed, before it is checked as pf: replaces the
 * names of interface groups by interfaces, and says so.
 */
void convert_groups(struct conversion *, struct ast *);
/*
 * A policy that was checked as pf, without errors -> text. Returns how many
 * statements need a decision, each of which is an error in diag.
 */
unsigned convert_write(struct conversion *, const struct policy *, FILE *);

/* ---- what the files of convert share ---- */

/* Changes rules that pass all while an address is missing; see there. */
struct ast_node *convert_negated(struct conversion *, const struct policy *,
				 struct ast_node *rules);
/* Names interfaces by macros; returns those of macros that are used. */
struct ast_node *convert_macros(struct conversion *, struct ast_node *macros,
				struct ast_node *rest);

#endif
