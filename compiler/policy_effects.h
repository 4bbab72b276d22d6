/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy_effects.h: what a rule asks and does beside the packet's headers.
 * Numbers are host byte order; strings and structs are the policy's arena's.
 */
#ifndef NFR_POLICY_EFFECTS_H
#define NFR_POLICY_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "addr.h"
#include "ast.h"

/* ---- what a rule asks ------------------------------------------------------
 */

/*
 * Who owns the socket here that a packet is of: first..last, negated or not.
 * first > last is an empty range: "= unknown", and negated "!= unknown". A
 * packet of no socket here matches when takes_unknown.
 */
struct policy_id {
	bool is_any;
	bool is_negated;
	bool takes_unknown;
	uint32_t first, last;
};

/* The packet's mark, masked, equals value. */
struct policy_mark {
	uint32_t value, mask;
};

/* NFR_F_CGROUP of a cgroup that is named, and of the named ones below it. */
struct policy_class {
	uint32_t first, last;
};

/*
 * Of an expanded rule, an anchor or a clause; all that is asked must hold. A
 * chance is one draw a packet, shared by all that has the same draw: an
 * anchor's by its rules.
 */
struct policy_meta {
	struct policy_id user, group;
	const char *const *cgroups; /* any of; paths below the mount, without
				       "/" at an end; what is below one is in */
	const struct policy_class *classes; /* of each, when all are known */
	size_t cgroup_count;		    /* 0: not asked */
	const struct policy_mark *marks;    /* any of */
	size_t mark_count;		    /* 0: not asked */
	int32_t prio;			    /* -1 any */
	int32_t rdomain;		    /* on rdomain N; -1 any */
	bool rdomain_negated;
	bool has_tagged, tagged_negated;
	uint32_t tagged;      /* number of the tag (tag.h) */
	uint32_t probability; /* of 2^32 - 1; 0: always */
	uint32_t draw;	      /* index of the chance, in policy.draw_count */
	uint32_t rate_packets, rate_seconds; /* max-pkt-rate; 0: none. Above
						it the rule does not match */
	uint32_t rate_draw;		     /* as draw: is it exceeded? */
};

/* ---- what a rule does ------------------------------------------------------
 */

enum policy_target_kind { POLICY_TARGET_RANGE, POLICY_TARGET_TABLE };

/* A member of a pool: addresses of one family, or a table. */
struct policy_target {
	enum policy_target_kind kind;
	enum addr_family family; /* of a range */
	struct addr first, last; /* inclusive */
	int prefix_len;		 /* of a prefix or a host; -1: first - last */
	uint32_t table;		 /* index in policy.tables */
	const char *iface;	 /* routing: out through it; NULL: by route */
	uint16_t ifid;		 /* the same, 0: by route */
	uint16_t weight;	 /* at least 1 */
};

/*
 * What nat-to and the like choose from: one member, or several only where
 * they route. first..last of has_port is what a source port is taken from
 * (nat) or a destination port led to (rdr): port_base is led to port_first,
 * the ones behind it follow, around at port_last.
 */
struct policy_pool {
	enum ast_pool_type type; /* PLAIN: the first address always */
	const struct policy_target *targets;
	size_t target_count;
	bool is_sticky;
	bool is_static_port;
	bool has_port;
	uint16_t port_first, port_last, port_base;
	bool has_hash_key; /* else the loader draws one */
	uint8_t hash_key[16];
};

#define POLICY_NONE UINT32_MAX /* no table */

/* How a block answers. Codes are of unreachable messages. */
struct policy_return {
	enum ast_return kind; /* never AST_RETURN_DEFAULT */
	uint8_t ttl;	      /* of a RST; 0: the system's */
	uint8_t icmp_code, icmp6_code;
};

/* Beside the verdict; pointers are NULL when not. */
struct policy_effects {
	/* Sources and destinations; both halves of binat-to are here, each in a
	 * rule of its direction, and are BITMASK when they are prefixes. */
	const struct policy_pool *nat, *rdr;
	const struct policy_pool *route_to, *reply_to, *dup_to;
	enum addr_family af_to;			    /* FAMILY_ANY: none */
	const struct policy_pool *af_from, *af_dst; /* af_dst: or NULL */
	/*
	 * An older line: the first of its kind (enum ast_no) that matches is
	 * the only one that counts, and what says "no" ends the search for
	 * its kind.
	 */
	enum ast_no older;
	bool is_no;
	uint32_t tag; /* its number (tag.h), or TAG_NONE */
	bool is_once;
	int rtable;	    /* -1: none */
	unsigned log;	    /* enum ast_log, ored */
	const char *log_to; /* interface, or NULL */
	struct policy_return ret;
	enum ast_divert divert;
	enum addr_family divert_family; /* of divert-to ADDRESS */
	struct addr divert_addr;
	uint16_t divert_port;
	const struct ast_scrub *scrub;
	const struct ast_changes *changes; /* set (...) */
};

/* Of a rule that keeps state. */
struct policy_state {
	enum ast_state kind; /* KEEP, MODULATE or SYNPROXY */
	const struct ast_state_options *options; /* never NULL */
	uint32_t overload; /* index in policy.tables, or POLICY_NONE */
};

#endif
