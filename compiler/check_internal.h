/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_internal.h: what the files of check share.
 *
 *   check_table.c   tables and their files -> policy_table
 *   check_names.c   one written name       -> numbers (icmp.c has the words)
 *   check_host.c    one written host       -> addresses
 *   check_expand.c  a match with lists     -> matches without
 *   check_label.c   a label's macros       -> the rule's own words
 *   check_rule.c    a rule                 -> policy_rule with text and id
 *   tunnel*.c       the tunnel block       -> default rules and guard
 *   check.c         the order of all that
 */
#ifndef NFR_CHECK_INTERNAL_H
#define NFR_CHECK_INTERNAL_H

#include "check.h"

#define CHECK_PROTO_ICMP 1
#define CHECK_PROTO_TCP 6
#define CHECK_PROTO_UDP 17
#define CHECK_PROTO_ICMP6 58

/* What check knows of a table beside the policy's part; the same index. */
struct check_table {
	const struct ast_node *node;
	bool is_used;
};

/* Texts seen so far, and how often. */
struct check_text {
	struct check_text *next;
	const char *text;
	uint64_t hash;
	uint32_t count;
	struct span span; /* of the first */
};

struct check_texts {
	struct check_text **heads;
	size_t head_count, count;
};

struct check {
	struct arena *arena;
	struct sources *sources;
	struct diag *diag;
	const struct host *host;
	struct policy *policy;
	size_t rule_capacity, guard_capacity, table_capacity, iface_capacity;
	struct check_table *tables;
	size_t check_table_capacity;
	const struct ast_node *tunnel;	    /* the one block, or NULL */
	struct ast_node *tunnel_printable;  /* the same with names resolved */
	const struct ast_node *set_default; /* or NULL */
	struct ast_node **tail;		    /* of policy->printable */
	struct check_texts texts;	    /* of all rules */
	struct check_texts quick;	    /* criteria of quick rules */
	FILE *out;			    /* where texts are printed first */
	char *out_bytes;
	size_t out_len;
	uint32_t written; /* expanded rules that are not generated */
	bool is_full; /* the policy has NFR_RULE_MAX rules, which was said */
};

/* ---- written names, resolved: the ast for printing, and the numbers ---- */

struct check_iface {
	struct ast_iface ast;
	bool is_any;
	uint16_t ifid;
};

struct check_proto {
	struct ast_proto ast;
	int number; /* -1: any */
};

struct check_icmp {
	struct ast_icmp ast;
	int16_t type, code; /* -1: any */
};

struct check_host {
	struct ast_host ast;
	enum addr_family family;
	struct policy_host host;
};

struct check_port {
	struct ast_port ast;
	struct policy_port port;
};

/* The lists of a match; empty: any. */
struct check_lists {
	struct check_iface *ifaces;
	struct check_proto *protos;
	struct check_icmp *icmps;
	struct check_host *srcs, *dsts;
	struct check_port *sports, *dports;
	size_t iface_count, proto_count, icmp_count, src_count, dst_count,
		sport_count, dport_count;
};

/* One member of the cross product. */
struct check_match {
	struct ast_match ast;
	struct policy_match numbers; /* dirs is the caller's */
};

/* All return false after saying what is wrong. */
bool names_iface(struct check *, const struct ast_iface *,
		 struct check_iface *out);
bool names_proto(struct check *, const struct ast_name *,
		 struct check_proto *out);
/* proto: "tcp", "udp" or NULL for either. */
bool names_port(struct check *, const struct ast_port *, const char *proto,
		struct check_port *out);
bool names_icmp(struct check *, const struct ast_icmp *, enum addr_family,
		struct check_icmp *out);
/* An ifid for name, new or old; 0 when there is no room, which is said. */
uint16_t names_ifid(struct check *, const char *name, struct span);
bool names_is_loopback(const struct check *, const char *name);

/* Resolves a list of hosts, as it stands in a rule of family. */
bool hosts_resolve(struct check *, const struct ast_host *, enum addr_family,
		   struct check_host **out, size_t *count);
/* An interface's addresses as hosts, or an error that teaches. */
bool hosts_of_name(struct check *, const struct ast_host *,
		   struct check_host **out, size_t *count, size_t *capacity);
/*
 * Is an empty table among hosts, negated or not as asked for? Said as an
 * error, with what would come of it.
 */
bool hosts_fail_open(struct check *, const struct check_host *, size_t count,
		     bool is_negated, const char *what);
/* Clears host bits; false when the length is none of the family's. */
bool hosts_normalise(struct check *, struct ast_host *);

/* icmp.c: pf's names of types and codes. -1 or NULL when there is none. */
int icmp_type_number(enum addr_family, const char *name);
const char *icmp_type_name(enum addr_family, unsigned type);
int icmp_code_number(enum addr_family, unsigned type, const char *name);
const char *icmp_code_name(enum addr_family, unsigned type, unsigned code);
/* The type names of a family; returns how many, at most max. */
size_t icmp_type_names(enum addr_family, const char **names, size_t max);

bool match_resolve(struct check *, const struct ast_match *,
		   struct check_lists *out);
/* The cross product, in pf's order. */
bool match_expand(struct check *, const struct ast_match *,
		  const struct check_lists *, struct span,
		  struct check_match **out, size_t *count);
/* The match as written, with its lists resolved, for printing. */
struct ast_match match_printable(struct check *, const struct ast_match *,
				 const struct check_lists *);

void tables_declare(struct check *, const struct ast_node *);
void tables_fill(struct check *);
/* What to say of them when all rules were seen. */
void tables_finish(struct check *);
/* The declaration with names resolved, for printing. */
struct ast_node *tables_printable(struct check *, const struct ast_node *);
/* Index, marked as used, or -1 after an error. */
int tables_find(struct check *, const char *name, struct span);
bool tables_has(const struct check *, const char *name);

/* Where a rule goes. */
enum check_stage { CHECK_RULES, CHECK_GUARD };

/* A label with its macros replaced; nr counts written rules from 0. */
const char *label_expand(struct check *, const char *label,
			 const struct ast_match *, uint32_t nr);
/* Text in the arena of an expanded rule. */
const char *rule_text(struct check *, const struct ast_rule *);
/* Appends a copy with its id; the rule's text is set. */
void rule_add(struct check *, enum check_stage, const struct policy_rule *);
void rule_check(struct check *, const struct ast_node *);

void tunnel_check(struct check *);
/* Rules for frames that are not IP, where there is no tunnel. */
void tunnel_none(struct check *);

#endif
