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
	AST_HOST_PREFIX,  /* first, prefix_len (-1: none written) */
	AST_HOST_RANGE,	  /* first - last */
	AST_HOST_TABLE,	  /* <name> */
	AST_HOST_NAME,	  /* an interface's or a host's name, unresolved, with
			     modifiers; "self" is every interface */
	AST_HOST_DYNAMIC, /* (name), asked at run time; modifiers, prefix_len */
	AST_HOST_NO_ROUTE,
	AST_HOST_URPF_FAILED,
	AST_HOST_ROUTE, /* route name: a routing label */
	AST_HOST_DNS,	/* dns "name" */
	AST_HOST_FILE,	/* in a table: file "name" stands here; see files */
};

/* Of an interface's name; bits. */
enum ast_modifier {
	AST_MOD_NETWORK = 1,
	AST_MOD_BROADCAST = 2,
	AST_MOD_PEER = 4,
	AST_MOD_NO_ALIAS = 8, /* :0 */
	AST_MOD_LAN = 16,     /* its networks that are private */
	/* Not of its addresses: empty, but while "nfload portal" has it open.
	 */
	AST_MOD_PORTAL = 32,
	AST_MOD_PORTAL_DNS = 64,
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
	unsigned modifiers;
	const char *scope; /* of fe80::1%scope: also the rule's interface */
	const char *macro; /* printed as $macro in place of name, or NULL */
	/* Members of a pool only. */
	const char *iface; /* addr@iface, (iface addr); or NULL */
	uint16_t weight;   /* 0: none written */
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

/* Of user and group too; their numbers go to 2^32 - 1. */
struct ast_port {
	struct ast_port *next;
	struct span span;
	enum ast_port_op op;
	struct ast_name first, last;
};

struct ast_iface {
	struct ast_iface *next;
	struct span span;
	const char *name;  /* "any" is every interface */
	const char *macro; /* printed as $macro in place of name, or NULL */
	bool is_negated;
	bool is_dynamic; /* (name): antispoof only */
	bool is_rdomain; /* on rdomain N; name is NULL */
	uint16_t rdomain;
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

/* mark VALUE[/MASK] */
struct ast_mark {
	struct ast_mark *next;
	struct span span;
	uint32_t value, mask;
};

/* One side: from or to. Empty lists mean any. */
struct ast_side {
	struct ast_host *hosts;
	struct ast_port *ports;
};

enum ast_state {
	AST_STATE_DEFAULT,
	AST_STATE_KEEP,
	AST_STATE_NONE,
	AST_STATE_MODULATE,
	AST_STATE_SYNPROXY,
};

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
	struct ast_iface *received_on; /* at most one, may be negated */
	struct ast_port *users, *groups;
	struct ast_word *cgroups; /* paths below the cgroup2 mount */
	struct ast_mark *marks;
	const char *tagged; /* or NULL */
	struct span tagged_span;
	bool is_tagged_not;
	bool is_fragment;
	bool has_tos, has_prio;
	uint8_t tos, prio;
	/* Where these words are; none: not given. */
	struct span received_span, users_span, groups_span, cgroups_span,
		marks_span, fragment_span, tos_span, prio_span;
};

enum ast_return {
	AST_RETURN_DEFAULT, /* as "set block-policy" says; drop when nowhere */
	AST_RETURN_DROP,
	AST_RETURN, /* what fits the packet */
	AST_RETURN_RST,
	AST_RETURN_ICMP,
	AST_RETURN_ICMP6,
};

enum ast_log { /* of log (...); bits */
	       AST_LOG_ALL = 1,
	       AST_LOG_MATCHES = 2,
	       AST_LOG_USER = 4,
};

/* The order in which they are printed is pf's. */
enum ast_timeout {
#define NFR_TIMEOUT(sym, name, seconds) AST_TIMEOUT_##sym,
#include "../runtime/timeouts.def"
#undef NFR_TIMEOUT
	AST_TIMEOUT_COUNT
};

enum ast_track { AST_TRACK_NONE, AST_TRACK, AST_TRACK_RULE, AST_TRACK_GLOBAL };

/* Behind keep, modulate or synproxy state. A number of 0 is none. */
struct ast_state_options {
	struct span span;
	uint32_t max, max_src_nodes, max_src_states, max_src_conn;
	uint32_t rate_conns, rate_seconds; /* max-src-conn-rate */
	bool is_no_sync, is_if_bound, is_floating, is_sloppy, is_pflow;
	enum ast_track track;
	const char *overload; /* a table, or NULL */
	struct span overload_span;
	bool is_flush, is_flush_global;
	uint32_t timeouts[AST_TIMEOUT_COUNT];
	uint32_t timeouts_given; /* bits 1 << enum ast_timeout */
};

/* scrub (...) */
struct ast_scrub {
	struct span span;
	bool is_no_df, is_random_id, is_reassemble_tcp;
	bool has_set_tos; /* the older line's; set (tos ...) says it now */
	uint8_t set_tos;
	uint8_t min_ttl;  /* 0: none */
	uint16_t max_mss; /* 0: none */
};

/* set (...) of a rule */
struct ast_changes {
	struct span span;
	bool has_prio, has_tos, has_delay;
	uint8_t prio, prio_lowdelay, tos;
	uint16_t delay;
};

enum ast_pool_type {
	AST_POOL_PLAIN, /* none written */
	AST_POOL_BITMASK,
	AST_POOL_RANDOM,
	AST_POOL_SOURCE_HASH,
	AST_POOL_ROUND_ROBIN,
	AST_POOL_LEAST_STATES,
};

enum ast_pool_port {
	AST_POOL_PORT_NONE,
	AST_POOL_PORT_ONE,   /* port first */
	AST_POOL_PORT_RANGE, /* port first:last */
	AST_POOL_PORT_OPEN,  /* port first:*, as many as the rule has */
};

/* Behind nat-to, rdr-to, binat-to, af-to, route-to ... */
struct ast_pool {
	struct span span; /* with the word before it */
	struct ast_host *hosts;
	enum ast_pool_port port_kind;
	struct ast_name port_first, port_last;
	enum ast_pool_type type;
	const char *hash_key; /* as written, or NULL: a random one */
	struct span hash_key_span;
	bool is_sticky;
	bool is_static_port;
	bool is_binat; /* a half of binat-to: keeps the bits behind the prefix
			*/
};

enum ast_divert {
	AST_DIVERT_NONE,
	AST_DIVERT_TO,
	AST_DIVERT_REPLY,
	AST_DIVERT_PACKET
};

/* What happens to a packet beside the verdict; pointers are NULL when not. */
struct ast_effects {
	struct ast_pool *nat, *rdr, *binat;
	struct ast_pool *route_to, *reply_to, *dup_to;
	enum addr_family af_to; /* FAMILY_ANY: none */
	struct span af_to_span;
	struct ast_pool *af_from, *af_dst; /* af_dst may be NULL */
	enum ast_divert divert;
	struct span divert_span;
	struct ast_host *divert_host;
	struct ast_name divert_port;
	struct ast_scrub *scrub;
	struct ast_changes *changes;
};

/* The older lines that say what must not be translated. */
enum ast_no {
	AST_NO_NOTHING,
	AST_NO_NAT,
	AST_NO_RDR,
	AST_NO_BINAT,
	AST_NO_SCRUB
};

/* pass, match, or block: neither of both. */
struct ast_rule {
	bool is_pass;
	bool is_match;
	bool has_in, has_out; /* neither: both */
	bool is_logged;
	bool is_quick;
	struct ast_match match;
	enum ast_state state;
	struct span state_span;
	struct ast_state_options *state_options; /* or NULL */
	const char *label;			 /* or NULL */
	struct span label_span;
	enum ast_return ret; /* of block */
	struct span ret_span;
	uint8_t ret_ttl;		     /* return-rst (ttl N), 0: none */
	struct ast_name ret_icmp, ret_icmp6; /* codes; span none: default */
	unsigned log;			     /* enum ast_log, ored */
	const char *log_to;		     /* "pflog1", or NULL */
	const char *tag;		     /* or NULL */
	struct span tag_span;
	uint32_t probability; /* of 2^32 - 1; 0: none written */
	struct span probability_span;
	bool is_once, allows_opts;
	bool has_rtable;
	uint8_t rtable;
	struct span once_span, allow_opts_span, rtable_span;
	uint32_t rate_packets, rate_seconds; /* max-pkt-rate; 0: none */
	struct span rate_span;
	struct ast_effects *effects; /* or NULL */
	enum ast_no no;		     /* is_match is set beside it */
	enum ast_no older; /* an older line that translates: of which kind */
	bool keeps_older;  /* printed as the older line, whose first match wins
			    */
};

/*
 * anchor NAME MATCH { ... }: the rule holds the criteria, and label, tag,
 * quick and log where written. The body's statements are in nodes.
 */
struct ast_anchor {
	const char *
		name; /* or NULL; a path, perhaps with "/" before or "*" last */
	struct span name_span;
	const char *word; /* "anchor", or the older "nat-anchor" ... */
	struct ast_rule rule;
	bool has_body;
	struct ast_node *nodes;
};

struct ast_load {
	const char *anchor, *path;
	struct span anchor_span, path_span;
};

struct ast_antispoof {
	bool is_logged, is_quick;
	unsigned log;
	const char *log_to;
	struct ast_iface *ifaces;
	enum addr_family family;
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
	bool is_counters;
	struct ast_host *hosts; /* in order; negated ones too */
	struct ast_word *files; /* paths, as written */
	bool has_hosts;		/* an empty { } was written */
};

enum ast_option {
	AST_SET_DEFAULT,
	AST_SET_SKIP,
	AST_SET_BLOCK_POLICY,	      /* word: drop, return */
	AST_SET_DEBUG,		      /* word: emerg ... debug */
	AST_SET_FINGERPRINTS,	      /* word: a path */
	AST_SET_HOSTID,		      /* value */
	AST_SET_LIMIT,		      /* settings */
	AST_SET_LOGINTERFACE,	      /* word: a name or "none" */
	AST_SET_OPTIMIZATION,	      /* word: normal ... */
	AST_SET_REASSEMBLE,	      /* word: yes, no; is_no_df */
	AST_SET_REQUIRE_ORDER,	      /* word: yes, no; older */
	AST_SET_RULESET_OPTIMIZATION, /* word: none, basic, profile */
	AST_SET_STATE_DEFAULTS,	      /* state */
	AST_SET_STATE_POLICY,	      /* word: if-bound, floating */
	AST_SET_SYNCOOKIES,	      /* word: never, always, adaptive;
					 settings: start and end in percent */
	AST_SET_TIMEOUT,	      /* settings */
};

/* NAME VALUE */
struct ast_setting {
	struct ast_setting *next;
	struct span span;
	const char *name;
	int64_t value;
	bool is_percent;
};

struct ast_set {
	enum ast_option option;
	bool is_pass;		  /* set default pass */
	struct ast_iface *ifaces; /* set skip on */
	const char *word;
	struct span word_span;
	bool is_no_df;
	uint32_t value;
	struct ast_setting *settings;
	struct ast_state_options *state;
};

enum ast_clause_kind {
	AST_CLAUSE_TRANSPORT,
	AST_CLAUSE_EXCLUDE,
	AST_CLAUSE_INCLUDE,
	AST_CLAUSE_DNS,	      /* match.to.hosts: the resolvers */
	AST_CLAUSE_LINK,      /* words: arp ndp dhcp eapol
				 proxy */
	AST_CLAUSE_PEER,      /* words: public keys */
	AST_CLAUSE_LAN,	      /* exclude lan; no words */
	AST_CLAUSE_DISCOVERY, /* exclude discovery; words: of discovery.def */
	AST_CLAUSE_PORTAL,    /* on; match: whose */
};

struct ast_clause {
	struct ast_clause *next;
	struct span span;
	enum ast_clause_kind kind;
	struct ast_match match;
	struct ast_word *words;
	struct ast_iface *on;
	bool is_trusted; /* exclude ... trusted */
	struct span trusted_span;
};

struct ast_tunnel {
	struct ast_iface *device;
	bool is_rebind; /* a device of this name made later counts too */
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
	AST_INCLUDE, /* kept for printing the source; what it holds follows it
		      */
	AST_ANCHOR,
	AST_LOAD, /* load anchor NAME from PATH */
	AST_ANTISPOOF,
	AST_ASSERT, /* rule: what its match must come to */
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
		struct ast_anchor anchor;
		struct ast_load load;
		struct ast_antispoof antispoof;
	};
};

struct ast {
	struct ast_node *first;
	struct ast_node **tail;
	struct pack *pack; /* or NULL: see parse_file_packed() */
};

/* print.c: canonical text, one statement a line, that parses to the same. */
void print_node(const struct ast_node *, FILE *); /* anchors with their body */
void print_rule(const struct ast_rule *, FILE *); /* without newline */
void print_host(const struct ast_host *, FILE *);

#endif
