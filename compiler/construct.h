/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * construct.h: the constructors that parse.y calls: words with spans -> nodes
 * of the ast. They check what can be said of a word alone; nothing is looked
 * up in the host.
 *
 *   ast.c            lists, names, numbers, interfaces, ports
 *   ast_host.c       hosts
 *   ast_pool.c       pools: what addresses and routes are changed to
 *   ast_state.c      the options in parentheses: state, scrub, set, log
 *   ast_option.c     a rule's options
 *   ast_rule.c       rules, and the older lines that become rules
 *   ast_set.c        the set statement
 *   statement.c      the other statements
 */
#ifndef NFR_CONSTRUCT_H
#define NFR_CONSTRUCT_H

#include "front.h"

/* A list under construction; items have their next pointer first. */
struct list {
	void *first, *last;
};

/* A word of a list in parentheses, with one or two values. */
struct item {
	int kind;
	struct span at;
	struct span span, span2;
	const char *text, *text2;
	int number;
};

/* ---- ast.c ---- */
struct list list_of(void *item);
struct list list_append(struct list, void *item);
struct list list_join(struct list, struct list);
struct list list_add_node(struct list, struct span, struct ast_node *);

/* Decimal or 0x, as pf; false when it is a name. Huge ones are INT64_MAX. */
bool text_is_number(const char *text, int64_t *value);
/* A number from min to max; min after an error that says what it is. */
int64_t text_number(struct front *, struct span, const char *text,
		    const char *what, int64_t min, int64_t max);
/* A number from 0 to max, or a name that is not empty. */
struct ast_name name_new(struct front *, struct span, const char *text,
			 const char *what, int64_t max);
/* Index in names, or -1 after an error with a suggestion. */
int word_choose(struct front *, struct span, const char *text, const char *what,
		const char *const *names, size_t count);
/* Of a word: the part from..to, or all of it when it came from a macro. */
struct span part_span(struct span, const char *word, size_t from, size_t to);

struct item item_new(int kind, struct span at);
struct item item_number(int kind, struct span at, int number);
struct item item_text(int kind, struct span at, struct span, const char *);
struct item item_pair(int kind, struct span at, struct span, const char *,
		      struct span, const char *);

struct ast_word *word_new(struct front *, struct span, const char *text);
struct ast_iface *iface_new(struct front *, struct span, const char *name);
struct ast_iface *iface_negate(struct ast_iface *, struct span);
struct ast_iface *iface_dynamic(struct ast_iface *, struct span);
struct ast_iface *iface_rdomain(struct front *, struct span, struct span,
				const char *number, bool is_negated);
struct ast_proto *proto_new(struct front *, struct span, const char *text);
struct ast_icmp *icmp_new(struct front *, struct span, const char *type);
struct ast_icmp *icmp_with_code(struct front *, struct ast_icmp *, struct span,
				const char *code);
struct ast_mark *mark_new(struct front *, struct span, const char *value,
			  struct span, const char *mask); /* mask: or NULL */
/* Their words are numbers only after ports_check(). */
struct ast_port *port_word(struct front *, struct span, const char *text);
struct ast_port *port_unary(struct front *, struct span, enum ast_port_op,
			    struct span word_span, const char *text);
struct ast_port *port_binary(struct front *, struct span, enum ast_port_op,
			     struct span first_span, const char *first,
			     struct span last_span, const char *last);
struct ast_port *ports_check(struct front *, struct list, const char *what,
			     int64_t max);

/* ---- ast_host.c ---- */
struct ast_host *host_any(struct front *, struct span);
struct ast_host *host_word(struct front *, struct span, const char *text);
struct ast_host *host_prefix(struct front *, struct span, const char *text,
			     struct span len_span, const char *len_text);
struct ast_host *host_length(struct front *, struct ast_host *, struct span,
			     const char *len_text);
struct ast_host *host_range(struct front *, struct span, const char *first,
			    struct span last_span, const char *last);
struct ast_host *host_table(struct front *, struct span, const char *name);
struct ast_host *host_dynamic(struct front *, struct span, struct span,
			      const char *name);
struct ast_host *host_special(struct front *, struct span, enum ast_host_kind,
			      const char *name);
struct ast_host *host_negate(struct ast_host *, struct span);

/* ---- ast_pool.c ---- */
enum pool_word {
	POOL_NAT,
	POOL_RDR,
	POOL_BINAT,
	POOL_ROUTE,
	POOL_REPLY,
	POOL_DUP
};
/* addr@if */
struct ast_host *host_gateway(struct front *, struct ast_host *);
/* (if addr), the older way to say addr@if */
struct ast_host *host_via(struct front *, struct span, struct span,
			  const char *iface, struct ast_host *);
struct ast_host *host_weight(struct front *, struct ast_host *, struct span,
			     const char *);
struct ast_pool *pool_new(struct front *, struct span, struct list hosts);
struct ast_pool *pool_port(struct front *, struct ast_pool *, struct span,
			   const char *);
struct ast_pool *pool_type(struct front *, struct ast_pool *, struct span,
			   enum ast_pool_type);
struct ast_pool *pool_hash(struct front *, struct ast_pool *, struct span at,
			   struct span, const char *key);
struct ast_pool *pool_sticky(struct front *, struct ast_pool *, struct span);
struct ast_pool *pool_static(struct front *, struct ast_pool *, struct span);

/* ---- ast_state.c: NULL makes a new one ---- */
enum state_item {
	STATE_NO_SYNC,
	STATE_IF_BOUND,
	STATE_FLOATING,
	STATE_SLOPPY,
	STATE_PFLOW,
	STATE_MAX,
	STATE_MAX_NODES,
	STATE_MAX_STATES,
	STATE_MAX_CONN,
	STATE_TRACK,
	STATE_RATE,
	STATE_TIMEOUT,
	STATE_OVERLOAD,
	STATE_OVERLOAD_FLUSH,
	STATE_OVERLOAD_FLUSH_GLOBAL,
};
enum scrub_item {
	SCRUB_NO_DF,
	SCRUB_RANDOM_ID,
	SCRUB_MIN_TTL,
	SCRUB_MAX_MSS,
	SCRUB_REASSEMBLE,
	SCRUB_SET_TOS,
};
enum change_item { CHANGE_PRIO, CHANGE_TOS, CHANGE_DELAY };

/* in, out, log, quick: bits; from RULE_LOG_OPTION on enum ast_log. */
enum rule_word {
	RULE_IN = 1,
	RULE_OUT = 2,
	RULE_LOG = 4,
	RULE_QUICK = 8,
	RULE_LOG_OPTION = 16
};

struct log {
	unsigned words;
	const char *to; /* an interface, or NULL */
};

struct log log_add(struct front *, struct log, struct item);
struct ast_state_options *state_add(struct front *, struct ast_state_options *,
				    struct item);
struct ast_scrub *scrub_add(struct front *, struct ast_scrub *, struct item);
struct ast_scrub *scrub_fragment(struct front *, struct ast_scrub *,
				 struct span, const char *);
struct ast_changes *change_add(struct front *, struct ast_changes *,
			       struct item);
/* A name such as lowdelay, or a number; 0 after an error. */
uint8_t tos_number(struct front *, struct span, const char *);

/* ---- ast_option.c ---- */
enum rule_option {
	OPTION_FLAGS,
	OPTION_ICMP,
	OPTION_LABEL,
	OPTION_TAG,
	OPTION_TAGGED,
	OPTION_RECEIVED,
	OPTION_CGROUP,
	OPTION_MARK,
	OPTION_STATE,
	OPTION_SCRUB,
	OPTION_TOS,
	OPTION_PRIO,
	OPTION_PROBABILITY,
	OPTION_RTABLE,
	OPTION_RATE,
	OPTION_ONCE,
	OPTION_ALLOW_OPTS,
	OPTION_FRAGMENT,
	OPTION_NAT, /* binat-to too */
	OPTION_RDR,
	OPTION_ROUTE,
	OPTION_AF_TO,
	OPTION_DIVERT,
	OPTION_COUNT
};

/* A rule as it comes. */
struct options {
	struct options *next_free;
	struct ast_rule rule;
	struct span given[OPTION_COUNT];
};

struct sides {
	struct ast_side from, to;
};

/* Empty lists: any. */
struct ast_side side_new(struct front *, struct list hosts, struct list ports);
struct options *options_new(struct front *, struct list ifaces,
			    enum addr_family, struct list protos, struct sides);
/* Of any packet. */
struct options *options_any(struct front *);
/* The rule; the options are used again. */
struct ast_rule options_take(struct front *, struct options *);

/* at: of the option's word. Both empty: any. */
struct options *option_flags(struct front *, struct options *, struct span at,
			     struct span, const char *set, const char *mask);
struct options *option_icmp(struct front *, struct options *, struct span at,
			    enum addr_family, struct list);
struct options *option_label(struct front *, struct options *, struct span at,
			     struct span, const char *label);
struct options *option_tag(struct front *, struct options *, struct span at,
			   struct span, const char *tag);
struct options *option_tagged(struct front *, struct options *, struct span at,
			      struct span, const char *tag, bool is_not);
struct options *option_users(struct front *, struct options *, struct span at,
			     struct list);
struct options *option_groups(struct front *, struct options *, struct span at,
			      struct list);
struct options *option_cgroups(struct front *, struct options *, struct span at,
			       struct list);
struct options *option_marks(struct front *, struct options *, struct span at,
			     struct list);
struct options *option_received(struct front *, struct options *,
				struct span at, struct ast_iface *);
struct options *option_state(struct front *, struct options *, struct span,
			     enum ast_state, struct ast_state_options *);
struct options *option_scrub(struct front *, struct options *, struct span at,
			     struct ast_scrub *);
struct options *option_set(struct front *, struct options *, struct span at,
			   struct ast_changes *);
struct options *option_tos(struct front *, struct options *, struct span at,
			   struct span, const char *);
struct options *option_prio(struct front *, struct options *, struct span at,
			    struct span, const char *);
struct options *option_probability(struct front *, struct options *,
				   struct span at, struct span, const char *);
struct options *option_rtable(struct front *, struct options *, struct span at,
			      struct span, const char *);
struct options *option_rate(struct front *, struct options *, struct span at,
			    struct span, const char *packets, struct span,
			    const char *seconds);
struct options *option_once(struct front *, struct options *, struct span at);
struct options *option_allow_opts(struct front *, struct options *,
				  struct span at);
struct options *option_fragment(struct front *, struct options *,
				struct span at);
struct options *option_pool(struct front *, struct options *, struct span at,
			    enum pool_word, struct ast_pool *);
struct options *option_af_to(struct front *, struct options *, struct span at,
			     struct span, enum addr_family,
			     struct ast_pool *from, struct ast_pool *to);
struct options *option_divert(struct front *, struct options *, struct span at,
			      enum ast_divert, struct ast_host *, struct span,
			      const char *port);

/* ---- ast_rule.c ---- */
enum verdict_kind {
	VERDICT_PASS,
	VERDICT_MATCH,
	VERDICT_BLOCK,
	VERDICT_DROP,
	VERDICT_RETURN,
	VERDICT_RST,
	VERDICT_ICMP,
	VERDICT_ICMP6,
};

struct verdict {
	bool is_pass, is_match;
	enum ast_return ret;
	uint8_t ttl;
	struct ast_name icmp, icmp6;
};

const struct verdict *verdict_plain(enum verdict_kind);
const struct verdict *verdict_ttl(struct front *, struct span, const char *);
const struct verdict *verdict_code(struct front *, enum ast_return, struct span,
				   const char *);
const struct verdict *verdict_codes(struct front *, struct span, const char *,
				    struct span, const char *);

struct ast_node *statement_rule(struct front *, const struct verdict *,
				struct span, unsigned direction, struct log,
				struct options *);
/* nat, rdr, binat: POOL_NAT ... */
struct ast_node *statement_old(struct front *, enum pool_word, bool is_pass,
			       struct options *, struct span,
			       struct ast_pool *);
struct ast_node *statement_old_log(struct front *, enum pool_word, bool is_pass,
				   struct span log_span, struct log,
				   struct options *, struct span,
				   struct ast_pool *);
struct ast_node *statement_no(struct front *, enum pool_word, struct options *);
struct ast_node *statement_scrub(struct front *, unsigned direction, struct log,
				 struct options *, struct ast_scrub *);
struct ast_node *statement_no_scrub(struct front *, unsigned direction,
				    struct options *);
struct ast_node *statement_assert(struct front *, bool is_pass,
				  unsigned direction, struct options *);

/* ---- ast_set.c ---- */
struct ast_node *set_default(struct front *, bool is_pass);
struct ast_node *set_skip(struct front *, struct list ifaces);
struct ast_node *set_word(struct front *, enum ast_option, struct span,
			  const char *);
struct ast_node *set_reassemble(struct front *, struct span, const char *,
				const char *no_df); /* or NULL */
struct ast_node *set_state_defaults(struct front *, struct ast_state_options *);
struct ast_node *set_syncookies(struct front *, struct span, const char *,
				struct list settings);
struct ast_node *set_settings(struct front *, enum ast_option, struct list);
struct ast_setting *setting_new(struct front *, struct span, const char *name,
				struct span, const char *value);

/* ---- statement.c ---- */
struct ast_node *node_new(struct front *, enum ast_kind);
void statement_add(struct front *, struct span, struct ast_node *);
struct ast_node *statement_macro(struct front *, const char *name,
				 const char *value);
struct ast_node *statement_include(struct front *, struct span,
				   const char *path);
struct ast_node *statement_table(struct front *, struct span name_span,
				 const char *name, struct ast_table *parts);
/* body: of body_new(), or NULL. */
struct ast_node *statement_anchor(struct front *, const char *word, struct span,
				  const char *name, unsigned words,
				  struct options *, struct ast_node *body);
struct ast_node *body_new(struct front *, struct list nodes);
struct ast_node *statement_load(struct front *, struct span, const char *anchor,
				struct span, const char *path);
struct ast_node *statement_antispoof(struct front *, struct log,
				     struct list ifaces, enum addr_family,
				     struct span, const char *label);
struct ast_node *statement_tunnel(struct front *, struct ast_iface *device,
				  bool is_rebind, struct list over,
				  struct list clauses);
struct ast_table *table_new(struct front *);
struct ast_table *table_hosts(struct ast_table *, struct list);
struct ast_table *table_file(struct front *, struct ast_table *, struct span,
			     const char *path);
struct ast_clause *clause_new(struct front *, struct span, enum ast_clause_kind,
			      struct options *);
struct ast_clause *clause_trusted(struct front *, struct span, struct options *,
				  struct span);
struct ast_clause *clause_dns(struct front *, struct span, struct list hosts);
struct ast_clause *clause_link(struct front *, struct span, struct list words);
struct ast_clause *clause_lan(struct front *, struct span);
struct ast_clause *clause_discovery(struct front *, struct span,
				    struct list words);
struct ast_clause *clause_portal(struct front *, struct span,
				 struct list ifaces, struct options *who);
struct ast_clause *clause_peer(struct front *, struct span, struct list words);
/* Says when it is empty, or has more than max bytes. */
void name_check(struct front *, struct span, const char *text, const char *what,
		size_t max);

#endif
