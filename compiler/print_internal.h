/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * print_internal.h: what the files of print share.
 *
 *   print_word.c    words, names and lists
 *   print_match.c   what a rule matches
 *   print_rule.c    rules, and what they do to packets
 *   print.c         statements
 */
#ifndef NFR_PRINT_INTERNAL_H
#define NFR_PRINT_INTERNAL_H

#include "ast.h"

/* ---- print_word.c ---- */
void print_string(const char *text, FILE *);
/* Quoted where it would be read as something else. */
void print_word(const char *text, FILE *);
void print_table_name(const char *name, FILE *);
/* 80:90 or, without a last, 80:*; one word, so quotes are around all of it. */
void print_port_range(const struct ast_name *first, const struct ast_name *last,
		      FILE *);
void print_name(const struct ast_name *, FILE *);
/* What stands before, between and after the members of a list. */
void open_list(bool is_list, FILE *);
void next_of_list(const void *next, FILE *);
void close_list(bool is_list, FILE *);

/* ---- print_match.c: each with a blank before it ---- */
void print_bare_host(const struct ast_host *, FILE *); /* but this */
void print_side(const struct ast_side *, FILE *);
void print_ifaces(const struct ast_iface *, FILE *);
void print_family(enum addr_family, FILE *);
void print_protos(const struct ast_proto *, FILE *);
bool side_is_any(const struct ast_side *);
/* on, family, proto, from and to */
void print_head(const struct ast_match *, FILE *);
/* user, group, cgroup, mark */
void print_owners(const struct ast_match *, FILE *);
/* received-on, the owners, flags, icmp-type, tos, prio */
void print_criteria(const struct ast_match *, FILE *);
void print_tagged(const struct ast_match *, FILE *);

/* ---- print_rule.c ---- */
void print_log(bool is_logged, unsigned log, const char *to, FILE *);
void print_direction(const struct ast_rule *, FILE *);
/* What stands behind the addresses. */
void print_options(const struct ast_rule *, FILE *);
/* As in parentheses, but without them. */
void print_state_options(const struct ast_state_options *, FILE *);

#endif
