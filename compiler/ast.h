/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ast.h: what the text says, with spans; nothing is looked up yet.
 *
 * The same nodes serve twice. The parser makes them with lists as written;
 * check expands a rule into rules whose lists have at most one member and
 * whose names are resolved. print.c prints both, so what is printed is what
 * was understood.
 */
#ifndef NFR_AST_H
#define NFR_AST_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "addr.h"
#include "arena.h"
#include "source.h"

/* A word or number as written: port, protocol, icmp type, user ... */
struct ast_name {
	struct span span;
	const char *text; /* NULL: value is a number */
	int64_t value;
};

enum ast_host_kind {
	AST_HOST_ANY,
	AST_HOST_PREFIX, /* first, prefix_len (-1: none written) */
	AST_HOST_RANGE,	 /* first - last */
	AST_HOST_TABLE,	 /* <name> */
	AST_HOST_NAME,	 /* an interface's or a host's name, unresolved */
};

struct ast_host {
	struct ast_host *next;
	struct span span;
	enum ast_host_kind kind;
	bool is_negated;
	enum addr_family family;
	struct addr first, last;
	int prefix_len;
	const char *name;
};

enum ast_port_op {
	AST_PORT_EQ,
	AST_PORT_NE,
	AST_PORT_LT,
	AST_PORT_LE,
	AST_PORT_GT,
	AST_PORT_GE,
	AST_PORT_INSIDE,   /* a >< b: without the ends */
	AST_PORT_OUTSIDE,  /* a <> b */
	AST_PORT_INCLUSIVE /* a : b */
};

struct ast_port {
	struct ast_port *next;
	struct span span;
	enum ast_port_op op;
	struct ast_name first, last;
};

struct ast_iface {
	struct ast_iface *next;
	struct span span;
	const char *name; /* "any" is every interface */
	bool is_negated;
};

struct ast_proto {
	struct ast_proto *next;
	struct ast_name name;
};

struct ast_icmp {
	struct ast_icmp *next;
	struct span span;
	struct ast_name type, code;
	bool has_code;
};

/* A word of a list, such as a link clause's. */
struct ast_word {
	struct ast_word *next;
	struct span span;
	const char *text;
};

/* One side: from or to. Empty lists mean any. */
struct ast_side {
	struct ast_host *hosts;
	struct ast_port *ports;
};

enum ast_state { AST_STATE_DEFAULT, AST_STATE_KEEP, AST_STATE_NONE };

/* What a rule or a tunnel's clause matches. */
struct ast_match {
	struct ast_iface *ifaces;
	enum addr_family family;
	struct ast_proto *protos;
	struct ast_side from, to;
	struct ast_icmp *icmps;
	enum addr_family icmp_family; /* icmp-type: IPV4, icmp6-type: IPV6 */
	struct span icmp_span;
	bool has_flags; /* "flags any" has it with mask 0 */
	uint8_t flags_set, flags_mask;
	struct span flags_span;
};

struct ast_rule {
	bool is_pass;
	bool has_in, has_out; /* neither: both */
	bool is_logged;
	bool is_quick;
	struct ast_match match;
	enum ast_state state;
	struct span state_span;
	const char *label; /* or NULL */
	struct span label_span;
};

struct ast_macro {
	const char *name;
	const char *value;
};

struct ast_table {
	const char *name;
	struct span name_span;
	bool is_const;
	bool is_persist;
	struct ast_host *hosts; /* in order; negated ones too */
	struct ast_word *files; /* paths, as written */
	bool has_hosts;		/* an empty { } was written */
};

enum ast_option { AST_SET_DEFAULT, AST_SET_SKIP };
struct ast_set {
	enum ast_option option;
	bool is_pass;		  /* set default pass */
	struct ast_iface *ifaces; /* set skip on */
};

enum ast_clause_kind {
	AST_CLAUSE_TRANSPORT,
	AST_CLAUSE_EXCLUDE,
	AST_CLAUSE_INCLUDE,
	AST_CLAUSE_DNS,	 /* match.to.hosts: the resolvers */
	AST_CLAUSE_LINK, /* words: arp ndp dhcp eapol */
};

struct ast_clause {
	struct ast_clause *next;
	struct span span;
	enum ast_clause_kind kind;
	struct ast_match match;
	struct ast_word *words;
};

struct ast_tunnel {
	struct ast_iface *device;
	struct ast_iface *over; /* names, or "any" */
	struct ast_clause *clauses;
};

struct ast_include {
	const char *path;
	struct span path_span;
};

enum ast_kind {
	AST_MACRO,
	AST_TABLE,
	AST_SET,
	AST_RULE,
	AST_TUNNEL,
	AST_INCLUDE, /* kept for printing the source; what it holds follows it */
};

struct ast_node {
	struct ast_node *next;
	enum ast_kind kind;
	struct span span; /* the whole statement */
	union {
		struct ast_macro macro;
		struct ast_table table;
		struct ast_set set;
		struct ast_rule rule;
		struct ast_tunnel tunnel;
		struct ast_include include;
	};
};

struct ast {
	struct ast_node *first;
	struct ast_node **tail;
};

/* print.c: canonical text, one statement a line, that parses to the same. */
void print_node(const struct ast_node *, FILE *);
void print_rule(const struct ast_rule *, FILE *); /* without newline */
void print_host(const struct ast_host *, FILE *);

#endif
