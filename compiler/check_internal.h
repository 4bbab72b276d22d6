/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_internal.h: what the files of check share.
 *
 *   check_table.c   tables                 -> policy_table
 *   check_entries.c tables and their files -> sorted entries
 *   check_names.c   one written name       -> numbers (icmp.c has the words)
 *   check_host.c    one written host       -> addresses
 *   check_lists.c   a match's lists        -> resolved lists
 *   check_expand.c  a match with lists     -> matches without
 *   check_pool.c    translation and routes -> one address or table each
 *   check_meta.c    what it asks beside headers -> policy_meta
 *   check_effects.c what a rule does       -> sound, and what does not run
 *   check_actions.c the same, expanded     -> policy_effects, policy_state
 *   check_state.c   keep state (...)       -> as pf prints it
 *   check_label.c   a label's macros       -> the rule's own words
 *   check_rule.c    a rule                 -> policy_rule with text and id
 *   check_anchor.c  anchors and their files -> rules within criteria
 *   check_antispoof.c  antispoof           -> block rules
 *   check_set.c     set                    -> defaults for what follows
 *   tunnel*.c       the tunnel block       -> default rules and guard
 *   check_corner.c  where verdicts change  -> values to try
 *   check_context.c what may be true beside headers -> contexts
 *   check_assert.c  asserts, the contract  -> witnesses against them
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
	const struct ast_node *node; /* NULL: not declared */
	bool is_used;
};

/*
 * The anchors around a statement: criteria that all must match, the path of
 * their names, and the number of the next rule.
 */
struct check_scope {
	struct check_scope *up; /* NULL: the main rules */
	const char *path;	/* "" or "one/two" */
	const struct policy_match *within;
	size_t within_count;
	unsigned depth;
	uint32_t nr;
};

/* What an anchor's name stands for. */
struct check_body {
	const char *path;
	size_t number; /* in the order of the text */
	const struct ast_node *nodes;
	struct span span;
	const struct ast_node *node; /* that loads it; NULL: it is inline */
	bool is_used;
	bool is_wild; /* an anchor with a star evaluates it */
};

/* A statement "assert block|pass ...", expanded. */
struct check_assert {
	struct check_assert *next;
	bool is_pass;
	struct policy_match match;
	struct span span;
};

/* Options that count for what follows them. */
struct check_defaults {
	bool returns;			       /* set block-policy return */
	bool is_floating;		       /* set state-policy */
	bool is_if_bound;		       /* the same, said aloud */
	const struct ast_state_options *state; /* set state-defaults, or NULL */
};

/* check_seen.c: keys and what is known of each; a value of 0 is nothing. */
struct check_seen_slot {
	uint64_t key, value;
};

struct check_seen {
	struct check_seen_slot *slots;
	size_t slot_count, count;
};

struct check {
	struct arena *arena;	  /* of what is longer there than a rule */
	struct arena *scratch;	  /* of what is not; it may be arena */
	struct arena *rules_only; /* emptied behind each rule */
	struct arena *rule_texts;
	struct sources *sources;
	struct diag *diag;
	const struct host *host;
	struct policy *policy;
	size_t rule_capacity, guard_capacity, table_capacity, iface_capacity;
	struct check_table *tables;
	size_t check_table_capacity;
	const struct ast_node *tunnel;	    /* the one block, or NULL */
	const char *tunnel_title;	    /* "tunnel wg0 over any" */
	struct ast_node *tunnel_printable;  /* the same with names resolved */
	struct tunnel *tunnel_checked;	    /* what it says, or NULL */
	const struct ast_node *set_default; /* or NULL */
	/* What is printed: options, macros and tables, then the rules. */
	struct ast_node *heads, **heads_tail;
	struct ast_node *rules, **tail;
	struct check_scope *scope;
	struct check_body **bodies; /* sorted when all are declared */
	size_t body_count, body_capacity;
	size_t anchor_count; /* that were evaluated, once an evaluation */
	struct check_defaults defaults;
	struct check_assert *asserts, **asserts_tail;
	size_t unsupported_capacity, exclude_capacity, assert_capacity;
	struct check_seen noted;  /* what unsupported holds */
	uint32_t automatic_count; /* tables that pools made */
	struct check_seen texts;  /* hashes of all rules' texts; how often */
	struct check_seen
		quick;		/* of quick rules' criteria; the first's span */
	struct check_seen tags; /* numbers; 1 + index in the policy */
	struct span *tag_spans; /* by that index */
	size_t tag_capacity, tag_span_capacity;
	struct check_cgroups *cgroups; /* that rules ask, to be numbered */
	FILE *out;		       /* where texts are printed first */
	char *out_bytes;
	size_t out_len;
	struct span span; /* of the statement at hand */
	bool is_full; /* the policy has NFR_RULE_MAX rules, which was said */
	bool lists_differences;
	bool is_lean;	   /* nothing is to be printed */
	bool is_pf;	   /* pf's defaults and leniencies */
	bool allows_leaks; /* the contract is left to the guard */
	bool is_block;	   /* the rule at hand blocks */
};

/* With check --pf: nfr takes this otherwise than pf. */
void check_differs(struct check *, struct span, const char *how);
/* The datapath does not do what stands at span yet, if it does not. */
void feature_note(struct check *, enum feature, struct span);
/* Appends to what is printed. */
void check_print_head(struct check *, struct ast_node *);
void check_print_rule(struct check *, struct ast_node *);
struct ast_node *node_copy(struct check *, const struct ast_node *);
void statement_check(struct check *, const struct ast_node *);
/* Tables, bodies of anchors, and what counts wherever it stands. */
void declare_all(struct check *, const struct ast_node *first, const char *path,
		 unsigned depth);

/* ---- written names, resolved: the ast for printing, and the numbers ---- */

struct check_iface {
	struct ast_iface ast;
	bool is_any;	  /* whatever it is */
	bool is_word_any; /* "any": whatever it is, but loopback */
	uint16_t ifid;	  /* with is_word_any, loopback's */
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
	const char *scope; /* the interface of a link-local address, or NULL */
	bool is_special;   /* no-route and the like: not in host */
	/* The interface's name that stood for it, as written; or NULL. */
	const struct ast_host *iface;
};

struct check_hosts {
	struct check_host *items;
	size_t count, capacity;
};

/* user or group */
struct check_id {
	struct ast_port ast;
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
	struct check_id *users, *groups;
	size_t iface_count, proto_count, icmp_count, src_count, dst_count,
		sport_count, dport_count, user_count, group_count;
	struct check_iface received;
	bool has_received;
};

/* One member of the cross product. */
struct check_match {
	struct ast_match ast;
	struct policy_match numbers;	    /* dirs is the caller's */
	const struct check_host *src, *dst; /* NULL: any */
	struct ast_effects effects;	    /* pools with one member each */
};

/* A written pool with its hosts resolved. */
struct check_pool {
	const struct ast_pool *ast; /* NULL: none */
	struct check_hosts hosts;
	int port_first, port_last;
};

enum check_pool_kind {
	POOL_NAT,
	POOL_RDR,
	POOL_BINAT,
	POOL_ROUTE,
	POOL_REPLY,
	POOL_DUP,
	POOL_AF_FROM,
	POOL_AF_DST,
	POOL_COUNT
};

struct check_pools {
	const struct ast_effects *ast;
	struct check_pool of[POOL_COUNT];
};

/* All return false after saying what is wrong. */
bool names_iface(struct check *, const struct ast_iface *,
		 struct check_iface *out);
/* Says that the host has no such interface, where that is a mistake. */
bool names_iface_exists(struct check *, const char *name, struct span);
/* A port by number or by service, of proto if it has one there; -1: an error.
 */
int names_port_number(struct check *, const struct ast_name *,
		      const char *proto);
bool names_id(struct check *, const struct ast_port *, bool is_group,
	      struct check_id *out);
bool names_proto(struct check *, const struct ast_name *,
		 struct check_proto *out);
/* The inclusive range of an operator, of numbers up to max; empty when first >
 * last. */
void names_range(enum ast_port_op, int64_t a, int64_t b, int64_t max,
		 int64_t *first, int64_t *last);
/* proto: "tcp", "udp" or NULL for either. */
bool names_port(struct check *, const struct ast_port *, const char *proto,
		struct check_port *out);
bool names_icmp(struct check *, const struct ast_icmp *, enum addr_family,
		struct check_icmp *out);
/* An ifid for name, new or old; 0 when there is no room, which is said. */
uint16_t names_ifid(struct check *, const char *name, struct span);
bool names_is_loopback(const struct check *, const char *name);
/* Is it the device of the policy's tunnel? */
bool names_is_tunnel(const struct check *, const char *name);

/* Resolves a list of hosts, as it stands in a rule of family. */
bool hosts_resolve(struct check *, const struct ast_host *, enum addr_family,
		   struct check_host **out, size_t *count);
/* Appends what one written host stands for. */
bool host_resolve(struct check *, const struct ast_host *,
		  struct check_hosts *);
/* Appends an interface's addresses, or says an error that teaches. */
bool hosts_of_name(struct check *, const struct ast_host *,
		   struct check_hosts *);
/* The addresses that modifiers choose, at most max; returns how many. */
size_t hosts_of_iface(const struct host_iface *, unsigned modifiers,
		      int prefix_len, struct ast_host *out, size_t max);
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

/* The family that a written match has; pf asks for it beside icmp-type. */
enum addr_family written_family(const struct check *, const struct ast_match *);
bool match_resolve(struct check *, const struct ast_match *,
		   struct check_lists *out);
/* The cross product, in pf's order. */
bool match_expand(struct check *, const struct ast_match *,
		  const struct check_lists *, struct span,
		  const struct check_pools *, struct check_match **out,
		  size_t *count);

/* check_pool.c: effects may be NULL. */
bool pools_resolve(struct check *, const struct ast_effects *,
		   struct check_pools *out);
/*
 * The pools that a rule of family has; the family becomes theirs when the
 * rule has none.
 */
bool pools_collapse(struct check *, const struct check_pools *,
		    const struct check_port *dport, enum addr_family *family,
		    struct ast_effects *out);

/* check_effects.c: what a rule does beside its verdict. */
bool effects_are_sound(struct check *, const struct ast_rule *);
void effects_note(struct check *, const struct ast_rule *);
bool return_finish(struct check *, struct ast_rule *);
bool returns_resolve(struct check *, const struct ast_rule *);

/* check_meta.c: NULL when nothing is asked; the rule may be NULL. */
/* The cgroups that a rule asks, until all are known. */
struct check_cgroups {
	struct check_cgroups *next;
	const struct policy_meta *of;
	struct policy_class *classes;
};

/* Numbers the cgroups that all of the policy names. */
void cgroups_finish(struct check *);
const struct policy_meta *meta_of(struct check *, const struct ast_match *,
				  const struct ast_rule *);
/* Number of the tag, which policy.tags then has; TAG_NONE for NULL. */
uint32_t tags_number(struct check *, const char *name, struct span);

/*
 * check_actions.c: of an expanded rule, whose texts are final; NULL when there
 * are none. False after saying what is wrong.
 */
bool effects_of(struct check *, const struct ast_rule *,
		const struct policy_effects **out);
bool state_of(struct check *, const struct ast_rule *,
	      const struct policy_state **out);
/* What an anchor itself does: its tag. */
const struct policy_effects *effects_of_anchor(struct check *,
					       const struct ast_rule *);

/* check_state.c: keep state and its options as pf prints them. */
bool state_is_sound(struct check *, const struct ast_rule *);
void state_finish(struct check *, struct ast_rule *, int proto);
bool rule_keeps_state(const struct ast_rule *);

/* check_anchor.c */
void anchors_sort(struct check *); /* behind the last declaration */
void anchors_declare(struct check *, const struct ast_node *, const char *path,
		     unsigned depth);
void anchor_check(struct check *, const struct ast_node *);
void anchors_finish(struct check *);
void antispoof_check(struct check *, const struct ast_node *);

/* check_set.c */
void set_declare(struct check *, const struct ast_node *);
void set_check(struct check *, const struct ast_node *);

/*
 * check_context.c: at most max contexts of packets, of which some rule asks
 * something; the first is the usual one. Returns how many, at least 1.
 */
struct model_context;
size_t contexts_of(struct check *, size_t max, struct model_context **out);
/* "" or ", user 0 group 0 ...". */
const char *context_text(struct check *, const struct model_context *);

/* check_search.c: packets that a rule decides. */
struct search;
struct search_packet {
	struct nfr_key key;
	const struct model_context *context;
};
struct search *search_new(struct check *);
/*
 * A packet of match, or of all when that is NULL, that rule decides (an index
 * of the image's numbering, so perhaps the guard's), with the verdict asked
 * for; false when none was found, which is no proof that there is none.
 */
bool search_find(struct search *, const struct policy_match *match,
		 uint32_t rule, bool is_pass, struct search_packet *out);
/* A packet that the rules pass by rule and the guard then blocks. */
bool search_guarded(struct search *, uint32_t rule, struct search_packet *out);
const char *search_text(struct search *, const struct search_packet *);
/* Was something left out, as there is too much of it? */
bool search_is_over(const struct search *);
/* May a rule change an address or port before others see it? */
bool search_translates(const struct search *);

/* check_assert.c: asserts and the contract, on generated packets. */
void assert_check(struct check *, const struct ast_node *);
void asserts_finish(struct check *);
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
/* The table that stands for (interface) or self, made when it is new. */
int tables_dynamic(struct check *, const struct ast_host *);
/* What does not leave the link or its site; no name of the user's is it. */
#define TABLE_LINK "(link)"
int tables_link(struct check *, struct span);
/* A table <__automatic_N> of hosts, printed; its name. */
const char *tables_automatic(struct check *, const struct ast_host *);

/* Where a rule goes. */
enum check_stage { CHECK_RULES, CHECK_GUARD };

/* A label or tag with its macros replaced; nr counts expanded rules from 0. */
const char *label_expand(struct check *, const char *label,
			 const struct ast_match *, uint32_t nr);
/* What is known of key, to be changed from 0. It holds until the next call. */
uint64_t *seen_put(struct check_seen *, uint64_t key);
uint64_t seen_find(const struct check_seen *, uint64_t key);
void seen_free(struct check_seen *);
/* Text in the arena of an expanded rule. */
const char *rule_text(struct check *, const struct ast_rule *);
/* Appends a copy with its id; the rule's text is set. */
void rule_add(struct check *, enum check_stage, const struct policy_rule *);
void rule_check(struct check *, const struct ast_node *);
uint8_t rule_dirs(const struct ast_rule *);

void tunnel_check(struct check *);
/* The guard, when all rules are known. */
void tunnel_finish(struct check *);
/* Rules for frames that are not IP, where there is no tunnel. */
void tunnel_none(struct check *);

#endif
