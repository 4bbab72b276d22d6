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

enum policy_host_kind { POLICY_HOST_ANY, POLICY_HOST_RANGE, POLICY_HOST_TABLE };

struct policy_host {
	enum policy_host_kind kind;
	bool is_negated;
	struct addr first, last; /* inclusive; of the rule's one family */
	uint32_t table;		 /* index in policy.tables */
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
	bool on_any;
	bool on_negated;
	uint16_t ifid;	   /* unless on_any */
	int32_t ethertype; /* -1 any; families is LINK alone */
	int32_t proto;	   /* -1 any */
	int32_t ttl;	   /* -1 any */
	struct policy_host src, dst;
	struct policy_port sport, dport;
	uint8_t flags_set, flags_mask; /* mask 0: not compared */
	int16_t icmp_type, icmp_code;  /* -1 any */
};

struct policy_rule {
	struct policy_match match;
	bool is_pass;
	bool is_quick;
	bool is_logged;
	bool keeps_state;
	bool is_default;   /* the last of rules: matches everything */
	bool is_generated; /* not written as a rule: link, tunnel, default */
	const char *label; /* "" when none */
	struct span span;
	uint64_t id;	   /* stable: hash of the canonical text, and how many
			      equal ones came before */
	const char *text;  /* canonical, one expanded rule */
};

struct policy_table_entry {
	enum addr_family family;
	uint8_t prefix_len;
	bool is_negated;
	struct addr addr; /* host bits zero */
	struct span span;
};

struct policy_table {
	const char *name;
	bool is_const;
	struct policy_table_entry *entries; /* sorted, unique */
	size_t entry_count;
	struct span span;
};

struct policy_iface {
	const char *name;
	bool is_tunnel;
	bool is_loopback; /* binds only to a loopback device */
	bool is_skipped;  /* set skip on: no hook is attached */
};

/*
 * rules are in the order of evaluation by pf: the last match wins, a quick
 * one ends. The last rule is the default, which is beaten by every other.
 * guard is looked at after a pass: the first match decides, no match has no
 * objection. In an image the guard's rules are numbered after the rules.
 */
struct policy {
	struct policy_rule *rules;
	size_t rule_count;
	struct policy_rule *guard;
	size_t guard_count;
	struct policy_table *tables;
	size_t table_count;
	struct policy_iface *ifaces; /* ifid 1 is ifaces[0] */
	size_t iface_count;
	/* The expanded statements for printing: macros, tables, sets, tunnels
	 * and rules, in order. */
	struct ast_node *printable;
};

#endif
