/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy.h: the checked policy. Names are resolved, lists expanded, families
 * fixed; what is left is numbers to compare packets with.
 */
#ifndef NFR_POLICY_H
#define NFR_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../runtime/abi.h"
#include "addr.h"
#include "ast.h"
#include "policy_effects.h"

#define ETHERTYPE_ARP 0x0806

/* The last three ask the routing table about the address. */
enum policy_host_kind {
	POLICY_HOST_ANY,
	POLICY_HOST_RANGE,
	POLICY_HOST_TABLE,
	POLICY_HOST_NO_ROUTE,	 /* no route leads to it */
	POLICY_HOST_URPF_FAILED, /* the route to it is through another
				    interface than the packet's */
	POLICY_HOST_ROUTE,	 /* the route to it has label */
};

struct policy_host {
	enum policy_host_kind kind : 8;
	bool is_negated;
	uint32_t table; /* index in policy.tables */
	union {
		struct {
			/* Inclusive; of the rule's one family. */
			struct addr first, last;
		};
		const char *label; /* of a route */
	};
};

/* Every port operator as one inclusive range, negated or not. */
struct policy_port {
	bool is_any;
	bool is_negated;
	uint16_t first, last;
};

/*
 * A packet matches when all of these do. A rule with ports has proto TCP or
 * UDP, one with icmp_type has proto ICMP or ICMPv6, one with a range has just
 * one family in families. flags are compared only when the packet is TCP.
 */
struct policy_match {
	uint8_t dirs;	  /* bits 1 << enum nfr_dir */
	uint8_t families; /* bits 1 << enum nfr_family */
	bool on_any : 1;
	bool on_negated : 1;
	bool is_fragment : 1;  /* only fragments, the first included */
	bool has_received : 1; /* received-on: where a forwarded packet came in
				*/
	bool received_negated : 1;
	uint8_t origin; /* NFR_ORIGIN_*, all of which it must have ... */
	uint8_t lacks;	/* ... and none of these */
	uint8_t flags_set, flags_mask; /* mask 0: not compared */
	uint16_t ifid;		       /* unless on_any */
	int32_t ethertype; /* -1 any; families is LINK alone. ARP's src and dst
			      are whose address it gives and asks for */
	int16_t proto;	   /* -1 any */
	int16_t ttl;	   /* -1 any */
	int16_t tos;	   /* -1 any; the whole byte, ECN included */
	uint16_t received_ifid; /* 0: any interface, so not a local packet */
	struct policy_host src, dst;
	struct policy_port sport, dport;
	int16_t icmp_type, icmp_code;	/* -1 any */
	const struct policy_meta *meta; /* beside the headers; NULL: nothing */
};

/*
 * A rule in anchors has their criteria in within, outermost first: all must
 * match too. group_end is of an anchor with quick: the index behind its last
 * rule, where the search ends when any of its rules decided; 0: none.
 * A "match" rule never decides: it has is_match, and neither is_pass nor
 * keeps_state; a quick one ends the search, and what matched before decides.
 * An anchor's tag is a match rule before its rules.
 */
struct policy_rule {
	struct policy_match match;
	const struct policy_match *within;
	uint32_t within_count;
	uint32_t group_end;
	bool is_pass;
	bool is_match;
	bool is_quick;
	bool allows_opts;
	bool is_floating; /* its states are not bound to the interface */
	bool is_logged;
	bool keeps_state;
	bool is_default;   /* the last of rules: matches everything */
	bool is_side_door; /* the guard's own: no rule breaks it */
	bool is_generated; /* not written as a rule: link, tunnel, default */
	const struct policy_effects *effects; /* NULL: none */
	const struct policy_state *state;     /* NULL: as by default, or none */
	const char *label;		      /* "" when none */
	const char *anchor;		      /* "" or the path, as "one/two" */
	struct span span;
	uint64_t id;	  /* stable: hash of the canonical text, and how many
			     equal ones came before */
	const char *text; /* canonical, one expanded rule */
};

struct policy_table_entry {
	enum addr_family family;
	uint8_t prefix_len;
	bool is_negated;
	struct addr addr; /* host bits zero */
	struct span span;
};

/*
 * A dynamic table is an address in parentheses, or self, named after its
 * text; the loader fills it again from the interface.
 */
struct policy_table {
	const char *name;
	bool is_const;
	bool is_persist;
	bool is_counters;    /* each entry counts what its rules decide */
	bool is_initialised; /* addresses or a file were written, or { } */
	bool is_declared;    /* false: used only, as pf allows */
	bool is_dynamic;
	const char *iface;  /* of a dynamic one; NULL: self, every interface */
	unsigned modifiers; /* enum ast_modifier, ored */
	int prefix_len;	    /* behind the address as written, or -1 */
	struct policy_table_entry *entries; /* sorted, unique */
	size_t entry_count;
	struct span span;
};

struct policy_iface {
	const char *name;
	bool is_tunnel;
	bool is_loopback;  /* binds only to a loopback device */
	bool is_skipped;   /* set skip on: no hook is attached */
	bool is_rebind;	   /* a tunnel made later counts too */
	bool is_split;	   /* a tunnel that not all goes through but the LAN */
	const char *peers; /* public keys, spaces between; NULL: any */
};

/* What "set" says, beside what rules have from it. */
struct policy_options {
	uint32_t timeouts[NFR_TIMEOUT_COUNT]; /* seconds */
	uint32_t timeouts_given;	      /* bits 1 << enum nfr_timeout */
	uint32_t state_limit;		      /* 0: none */
};

enum feature {
#define NFR_FEATURE(sym, name, runs, why) FEATURE_##sym,
#include "features.def"
#undef NFR_FEATURE
	FEATURE_COUNT
};
const char *feature_name(enum feature);
bool feature_runs(enum feature);
const char *feature_why(enum feature); /* it does not; or NULL */

/* Something that was understood, and that the datapath does not do yet. */
struct policy_unsupported {
	enum feature feature;
	struct span span;
};

/* "assert block|pass ...", with lists expanded; an image keeps them. */
struct policy_assert {
	struct policy_match match;
	bool is_pass;
	const char *text; /* canonical, of the whole statement */
	struct span span;
};

/* What a tunnel lets go outside, whatever else a packet is. */
struct policy_exclude {
	struct policy_host host;
	uint8_t families; /* bits 1 << enum addr_family */
	struct span span;
};

/* Which form the rules get beside their bytecode: as form.c says, or so. */
enum policy_form { POLICY_FORM_AUTO, POLICY_FORM_CODE, POLICY_FORM_HASH };

/*
 * rules are in the order of evaluation by pf: the last match wins, a quick
 * one ends. The last rule is the default, which is beaten by every other.
 * guard is looked at after a pass: the first match decides, no match has no
 * objection. In an image the guard's rules are numbered after the rules.
 */
struct policy {
	enum policy_form form; /* that rules get beside their bytecode */
	struct policy_rule *rules;
	size_t rule_count;
	struct policy_rule *guard;
	size_t guard_count;
	struct policy_table *tables;
	size_t table_count;
	struct policy_iface *ifaces; /* ifid 1 is ifaces[0] */
	size_t iface_count;
	struct policy_options options;
	const char **tags; /* names that rules give or ask for */
	size_t tag_count;
	const char **cgroups; /* that are named, parents first: class 1 first */
	size_t cgroup_count;
	uint32_t draw_count; /* chances, of policy_meta.draw */
	struct policy_assert *asserts;
	size_t assert_count;
	struct policy_exclude *excludes;
	size_t exclude_count;
	struct policy_unsupported *unsupported;
	size_t unsupported_count;
	/* The expanded statements for printing: macros, tables, sets, tunnels
	 * and rules, in order. */
	struct ast_node *printable;
};

/*
 * Fills order with the indexes of all rules, so that the first one that
 * matches decides: what quick, anchors and "last match" come to.
 */
void policy_order(const struct policy *, uint32_t *order);

/* cgroup_class.c: "vpn.slice" has "vpn.slice/daemon"; the root, "", has all. */
bool cgroup_has(const char *group, const char *path);
/* Sorts, drops doubles, returns how many are left. */
size_t cgroups_sort(const char **paths, size_t count);
/* Of a path that is one of these. */
struct policy_class cgroup_class(const char *const *paths, size_t count,
				 const char *path);
/* NFR_F_CGROUP of a socket in any path; NULL: of none. */
uint32_t cgroup_number(const char *const *paths, size_t count,
		       const char *path);

/* Every IP packet, both ways, on every interface. */
struct policy_match policy_match_any(void);

#endif
