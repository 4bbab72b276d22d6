/* SPDX-License-Identifier: BSD-2-Clause */
/* parse.y: tokens -> calls of the constructors of construct.h. */
%require "3.8"
%define api.pure full
%define api.prefix {parse_}
%define api.token.prefix {T_}
%define api.location.type {struct span}
%define parse.lac full
%define parse.error custom
%locations
%expect 0
%param {struct front *f}
%initial-action { @$ = SPAN_NONE; }

%code requires {
#include "compiler/construct.h"
}

%code top {
#include <stdio.h>
}

%code {
/* No alloca: a stack that grows must not be the process's. */
#define YYSTACK_USE_ALLOCA 0
#define YYMAXDEPTH 10000

#define YYLLOC_DEFAULT(out, parts, count) \
	((out) = (count) ? span_join(YYRHSLOC(parts, 1), \
				     YYRHSLOC(parts, count)) \
			 : span_after(YYRHSLOC(parts, 0)))

static inline struct span span_after(struct span before)
{
	return (struct span){before.end, before.end};
}

int parse_lex(PARSE_STYPE *, struct span *, struct front *);
static void parse_error(const struct span *, struct front *, const char *);
}

%union {
	const char *text;
	unsigned bits;
	bool is_true;
	int kind;
	enum addr_family family;
	enum ast_port_op op;
	struct list list;
	struct ast_side side;
	struct sides sides;
	struct log log;
	struct item item;
	const struct verdict *verdict;
	struct ast_word *word;
	struct ast_setting *setting;
	struct ast_iface *iface;
	struct ast_host *host;
	struct ast_port *port;
	struct ast_icmp *icmp;
	struct ast_mark *mark;
	struct ast_pool *pool;
	struct ast_state_options *state;
	struct ast_scrub *scrub;
	struct ast_changes *changes;
	struct ast_table *table;
	struct ast_clause *clause;
	struct ast_node *node;
	struct options *options;
}

%token EOF 0 "end of file"
%token NEWLINE "end of line"
%token <text> WORD "a word"
%token <text> STRING "a string"
%token <text> TABLE_NAME "a table"
%token <text> NAME "a macro name"
%token <text> VALUE "a value"
%token <text> USE "a macro"
%token <text> UNSUPPORTED "an unsupported word"
%token <text> TIMEOUT "a timeout"
%token PASS "pass" BLOCK "block" MATCH "match" DROP "drop"
%token RETURN "return" RETURN_RST "return-rst" RETURN_ICMP "return-icmp"
%token RETURN_ICMP6 "return-icmp6" TTL "ttl"
%token ANCHOR "anchor" LOAD "load" ANTISPOOF "antispoof" FOR "for"
%token <text> OLD_ANCHOR "an anchor of the older kind"
%token ASSERT "assert" NAT "nat" RDR "rdr" BINAT "binat" ARROW "->"
%token TABLE "table" PERSIST "persist" CONST "const" COUNTERS "counters"
%token FILE "file"
%token SET "set" DEFAULT "default" SKIP "skip" BLOCK_POLICY "block-policy"
%token DEBUG "debug" FINGERPRINTS "fingerprints" HOSTID "hostid"
%token LIMIT "limit" LOGINTERFACE "loginterface"
%token OPTIMIZATION "optimization" REQUIRE_ORDER "require-order"
%token RULESET_OPTIMIZATION "ruleset-optimization"
%token STATE_DEFAULTS "state-defaults" STATE_POLICY "state-policy"
%token SYNCOOKIES "syncookies" SET_TIMEOUT "timeout"
%token TUNNEL "tunnel" OVER "over" REBIND "rebind"
%token TRANSPORT "transport" EXCLUDE "exclude" INCLUDE "include" DNS "dns"
%token LINK "link" TRUSTED "trusted"
%token <text> ARP "arp" NDP "ndp" DHCP "dhcp" EAPOL "eapol"
%token IN "in" OUT "out" LOG "log" MATCHES "matches" QUICK "quick" ON "on"
%token RDOMAIN "rdomain" INET "inet" INET6 "inet6" PROTO "proto"
%token ALL "all" FROM "from" PORT "port" TO "to" ANY "any"
%token NO_ROUTE "no-route" URPF_FAILED "urpf-failed" ROUTE "route"
%token FLAGS "flags" ICMP_TYPE "icmp-type" ICMP6_TYPE "icmp6-type"
%token CODE "code" LABEL "label" KEEP "keep" MODULATE "modulate"
%token SYNPROXY "synproxy" NO "no" STATE "state"
%token USER "user" GROUP "group" CGROUP "cgroup" MARK "mark"
%token RECEIVED_ON "received-on" TAG "tag" TAGGED "tagged" TOS "tos"
%token PRIO "prio" PROBABILITY "probability" ONCE "once"
%token ALLOW_OPTS "allow-opts" FRAGMENT "fragment" RTABLE "rtable"
%token MAX_PKT_RATE "max-pkt-rate" DELAY "delay"
%token SCRUB "scrub" NO_DF "no-df" RANDOM_ID "random-id" MIN_TTL "min-ttl"
%token MAX_MSS "max-mss" SET_TOS "set-tos" REASSEMBLE "reassemble"
%token MAX "max" NO_SYNC "no-sync" SOURCE_TRACK "source-track" RULE "rule"
%token GLOBAL "global" MAX_SRC_NODES "max-src-nodes"
%token MAX_SRC_STATES "max-src-states" MAX_SRC_CONN "max-src-conn"
%token MAX_SRC_CONN_RATE "max-src-conn-rate" OVERLOAD "overload"
%token FLUSH "flush" IF_BOUND "if-bound" FLOATING "floating"
%token SLOPPY "sloppy" PFLOW "pflow"
%token NAT_TO "nat-to" RDR_TO "rdr-to" BINAT_TO "binat-to" AF_TO "af-to"
%token ROUTE_TO "route-to" REPLY_TO "reply-to" DUP_TO "dup-to"
%token DIVERT_TO "divert-to" DIVERT_REPLY "divert-reply"
%token DIVERT_PACKET "divert-packet" WEIGHT "weight"
%token BITMASK "bitmask" RANDOM "random" SOURCE_HASH "source-hash"
%token ROUND_ROBIN "round-robin" LEAST_STATES "least-states"
%token STICKY_ADDRESS "sticky-address" STATIC_PORT "static-port"
%token NE "!=" LE "<=" GE ">=" INSIDE "><" OUTSIDE "<>"
%token '=' "=" '<' "<" '>' ">" '!' "!" '/' "/" '-' "-" ',' ","
%token '{' "{" '}' "}" '(' "(" ')' ")" '[' "[" ']' "]"

/* "pass on eth0 route-to ..." is in the older place, which means the same. */
%precedence EMPTY
%precedence ROUTE_TO REPLY_TO DUP_TO

%type <node> statement option rule body
%type <table> table_parts
%type <is_true> default rebind
%type <bits> direction quick
%type <kind> set_word old old_pass pool_word route_word state state_flag state_number track flush
%type <log> log_quick log log_list
%type <item> log_item state_item scrub_item scrub_word change
%type <verdict> verdict
%type <family> family af icmp_family
%type <sides> sides
%type <side> from to side
%type <list> statements on ifaces iface_list iface_any anti_ifaces anti_list protos proto proto_list
%type <list> hosts host_list host_item addresses address_list address_item
%type <list> ports port_list icmps icmp_list cgroups cgroup_list marks mark_list
%type <list> pool_hosts pool_list settings setting_list
%type <list> over over_list clauses link_words block
%type <iface> iface iface_not anti_iface received
%type <host> host host_not pool_host gateway
%type <port> port
%type <op> unary binary
%type <icmp> icmp
%type <mark> mark
%type <word> cgroup
%type <setting> setting
%type <pool> pool
%type <state> state_options state_list
%type <scrub> scrub_list old_scrub
%type <changes> change_list
%type <options> head options clause_head
%type <clause> clause
%type <text> word table_name link_word anchor_word name value yes_no_df label

%%

policy:
	%empty
	| policy NEWLINE
	| policy statement NEWLINE { statement_add(f, @2, $2); }
	| policy error NEWLINE { yyerrok; }
	;

statement:
	NAME '=' VALUE { $$ = statement_macro(f, $1, $3); }
	| INCLUDE STRING { $$ = statement_include(f, @2, $2); }
	| SET option { $$ = $2; }
	| TABLE table_name table_parts { $$ = statement_table(f, @2, $2, $3); }
	| rule
	| anchor_word name direction quick options body
		{ $$ = statement_anchor(f, $1, @2, $2, $3 | $4, $5, $6); }
	| LOAD ANCHOR word FROM word
		{ $$ = statement_load(f, @3, $3, @5, $5); }
	| ANTISPOOF log_quick FOR anti_ifaces af label
		{ $$ = statement_antispoof(f, $2, $4, $5, @6, $6); }
	| ASSERT default direction options
		{ $$ = statement_assert(f, $2, $3, $4); }
	| TUNNEL iface rebind OVER over block
		{ $$ = statement_tunnel(f, $2, $3, $5, $6); }
	;

statements:
	%empty { $$ = list_of(NULL); }
	| statements NEWLINE
	| statements statement NEWLINE { $$ = list_add_node($1, @2, $2); }
	| statements error NEWLINE { yyerrok; }
	;

word: WORD | STRING ;
name: %empty { $$ = NULL; } | word ;
optional_comma: %empty | ',' ;

/* ---- table ---- */

table_name: TABLE_NAME | '<' word '>' { $$ = $2; } ;

table_parts:
	%empty { $$ = table_new(f); }
	| table_parts CONST { $$ = $1; $$->is_const = true; }
	| table_parts PERSIST { $$ = $1; $$->is_persist = true; }
	| table_parts COUNTERS { $$ = $1; $$->is_counters = true; }
	| table_parts FILE word { $$ = table_file(f, $1, @3, $3); }
	| table_parts '{' '}' { $$ = table_hosts($1, list_of(NULL)); }
	| table_parts '{' address_list '}' { $$ = table_hosts($1, $3); }
	;

/* What a table's or resolvers' braces hold. */
address_list:
	address_item
	| address_list optional_comma address_item { $$ = list_join($1, $3); }
	;

address_item:
	host_not { $$ = list_of($1); }
	| '{' address_list '}' { $$ = $2; }
	;

/* ---- set ---- */

option:
	DEFAULT default { $$ = set_default(f, $2); }
	| SKIP ON ifaces { $$ = set_skip(f, $3); }
	| BLOCK_POLICY DROP { $$ = set_word(f, AST_SET_BLOCK_POLICY, @2, "drop"); }
	| BLOCK_POLICY RETURN
		{ $$ = set_word(f, AST_SET_BLOCK_POLICY, @2, "return"); }
	| set_word value { $$ = set_word(f, $1, @2, $2); }
	| REASSEMBLE value yes_no_df { $$ = set_reassemble(f, @2, $2, $3); }
	| STATE_DEFAULTS state_list { $$ = set_state_defaults(f, $2); }
	| SYNCOOKIES word { $$ = set_word(f, AST_SET_SYNCOOKIES, @2, $2); }
	| SYNCOOKIES word '(' setting_list ')'
		{ $$ = set_syncookies(f, @2, $2, $4); }
	| LIMIT settings { $$ = set_settings(f, AST_SET_LIMIT, $2); }
	| SET_TIMEOUT settings { $$ = set_settings(f, AST_SET_TIMEOUT, $2); }
	;

default: PASS { $$ = true; } | BLOCK { $$ = false; } ;

set_word:
	DEBUG { $$ = AST_SET_DEBUG; }
	| FINGERPRINTS { $$ = AST_SET_FINGERPRINTS; }
	| HOSTID { $$ = AST_SET_HOSTID; }
	| LOGINTERFACE { $$ = AST_SET_LOGINTERFACE; }
	| OPTIMIZATION { $$ = AST_SET_OPTIMIZATION; }
	| REQUIRE_ORDER { $$ = AST_SET_REQUIRE_ORDER; }
	| RULESET_OPTIMIZATION { $$ = AST_SET_RULESET_OPTIMIZATION; }
	| STATE_POLICY { $$ = AST_SET_STATE_POLICY; }
	;

value: word | NO { $$ = "no"; } ;
yes_no_df: %empty { $$ = NULL; } | NO_DF { $$ = "no-df"; } ;

settings:
	setting { $$ = list_of($1); }
	| '{' setting_list '}' { $$ = $2; }
	;

setting_list:
	setting { $$ = list_of($1); }
	| setting_list optional_comma setting { $$ = list_append($1, $3); }
	;

setting: word word { $$ = setting_new(f, @1, $1, @2, $2); } ;

/* ---- anchors and antispoof ---- */

anchor_word: ANCHOR { $$ = "anchor"; } | OLD_ANCHOR ;

body:
	%empty { $$ = NULL; }
	| '{' statements '}' { $$ = body_new(f, $2); }
	;

anti_ifaces:
	anti_iface { $$ = list_of($1); }
	| '{' anti_list '}' { $$ = $2; }
	;

anti_list:
	anti_ifaces
	| anti_list optional_comma anti_ifaces { $$ = list_join($1, $3); }
	;

anti_iface:
	iface_not
	| '(' iface ')' { $$ = iface_dynamic($2, @$); }
	;

af:
	%empty %prec EMPTY { $$ = FAMILY_ANY; }
	| INET { $$ = FAMILY_IPV4; }
	| INET6 { $$ = FAMILY_IPV6; }
	;

label: %empty { $$ = NULL; } | LABEL word { $$ = $2; } ;

/* ---- rules ---- */

rule:
	verdict direction log_quick options
		{ $$ = statement_rule(f, $1, @1, $2, $3, $4); }
	| old old_pass options ARROW pool
		{ $$ = statement_old(f, $1, $2, $3, @5, $5); }
	| old old_pass log options ARROW pool
		{ $$ = statement_old_log(f, $1, $2, @3, $3, $4, @6, $6); }
	| NO old options { $$ = statement_no(f, $2, $3); }
	| SCRUB direction log_quick head old_scrub
		{ $$ = statement_scrub(f, $2, $3, $4, $5); }
	| NO SCRUB direction head
		{ $$ = statement_no_scrub(f, $3, $4); }
	;

verdict:
	PASS { $$ = verdict_plain(VERDICT_PASS); }
	| MATCH { $$ = verdict_plain(VERDICT_MATCH); }
	| BLOCK { $$ = verdict_plain(VERDICT_BLOCK); }
	| BLOCK DROP { $$ = verdict_plain(VERDICT_DROP); }
	| BLOCK RETURN { $$ = verdict_plain(VERDICT_RETURN); }
	| BLOCK RETURN_RST { $$ = verdict_plain(VERDICT_RST); }
	| BLOCK RETURN_RST '(' TTL word ')' { $$ = verdict_ttl(f, @5, $5); }
	| BLOCK RETURN_ICMP { $$ = verdict_plain(VERDICT_ICMP); }
	| BLOCK RETURN_ICMP '(' word ')'
		{ $$ = verdict_code(f, AST_RETURN_ICMP, @4, $4); }
	| BLOCK RETURN_ICMP '(' word optional_comma word ')'
		{ $$ = verdict_codes(f, @4, $4, @6, $6); }
	| BLOCK RETURN_ICMP6 { $$ = verdict_plain(VERDICT_ICMP6); }
	| BLOCK RETURN_ICMP6 '(' word ')'
		{ $$ = verdict_code(f, AST_RETURN_ICMP6, @4, $4); }
	;

old:
	NAT { $$ = POOL_NAT; }
	| RDR { $$ = POOL_RDR; }
	| BINAT { $$ = POOL_BINAT; }
	;

old_pass: %empty { $$ = false; } | PASS { $$ = true; } ;

direction:
	%empty { $$ = 0; }
	| IN { $$ = RULE_IN; }
	| OUT { $$ = RULE_OUT; }
	;

quick: %empty { $$ = 0; } | QUICK { $$ = RULE_QUICK; } ;

log_quick:
	%empty { $$ = (struct log){0}; }
	| log
	| QUICK { $$ = (struct log){RULE_QUICK, NULL}; }
	| log QUICK { $$ = (struct log){$1.words | RULE_QUICK, $1.to}; }
	| QUICK log { $$ = (struct log){$2.words | RULE_QUICK, $2.to}; }
	;

log:
	LOG { $$ = (struct log){RULE_LOG, NULL}; }
	| LOG '(' log_list ')' { $$ = $3; }
	;

log_list:
	log_item { $$ = log_add(f, (struct log){RULE_LOG, NULL}, $1); }
	| log_list optional_comma log_item { $$ = log_add(f, $1, $3); }
	;

log_item:
	ALL { $$ = item_new(AST_LOG_ALL, @1); }
	| MATCHES { $$ = item_new(AST_LOG_MATCHES, @1); }
	| USER { $$ = item_new(AST_LOG_USER, @1); }
	| TO word { $$ = item_text(0, @$, @2, $2); }
	;

head:
	on family protos sides { $$ = options_new(f, $1, $2, $3, $4); }
	| on route_word pool family protos sides /* the older place */
		{ $$ = option_pool(f, options_new(f, $1, $4, $5, $6), @2, $2,
				   $3); }
	;

on:
	%empty { $$ = list_of(NULL); }
	| ON ifaces { $$ = $2; }
	| ON RDOMAIN word { $$ = list_of(iface_rdomain(f, @$, @3, $3, false)); }
	| ON '!' RDOMAIN word
		{ $$ = list_of(iface_rdomain(f, @$, @4, $4, true)); }
	;

ifaces:
	iface_any
	| iface_not { $$ = list_of($1); }
	| '{' iface_list '}' { $$ = $2; }
	;

iface_list:
	ifaces
	| iface_list optional_comma ifaces { $$ = list_join($1, $3); }
	;

iface_any: ANY { $$ = list_of(iface_new(f, @1, "any")); } ;

iface_not:
	iface
	| '!' iface { $$ = iface_negate($2, @1); }
	;

iface: word { $$ = iface_new(f, @1, $1); } ;
received: iface | ANY { $$ = iface_new(f, @1, "any"); } ;

family: af ;

protos:
	%empty { $$ = list_of(NULL); }
	| PROTO proto { $$ = $2; }
	;

proto:
	word { $$ = list_of(proto_new(f, @1, $1)); }
	| '{' proto_list '}' { $$ = $2; }
	;

proto_list:
	proto
	| proto_list optional_comma proto { $$ = list_join($1, $3); }
	;

sides:
	ALL { $$ = (struct sides){0}; }
	| from to { $$ = (struct sides){$1, $2}; }
	;

from: %empty { $$ = (struct ast_side){0}; } | FROM side { $$ = $2; } ;
to: %empty { $$ = (struct ast_side){0}; } | TO side { $$ = $2; } ;

side:
	hosts { $$ = side_new(f, $1, list_of(NULL)); }
	| PORT ports { $$ = side_new(f, list_of(NULL), $2); }
	| hosts PORT ports { $$ = side_new(f, $1, $3); }
	;

hosts:
	ANY { $$ = list_of(NULL); }
	| host_not { $$ = list_of($1); }
	| '{' host_list '}' { $$ = $2; }
	;

host_list:
	host_item
	| host_list optional_comma host_item { $$ = list_join($1, $3); }
	;

host_item:
	ANY { $$ = list_of(host_any(f, @1)); }
	| host_not { $$ = list_of($1); }
	| '{' host_list '}' { $$ = $2; }
	;

host_not:
	host
	| '!' host { $$ = host_negate($2, @1); }
	;

host:
	word { $$ = host_word(f, @1, $1); }
	| word '/' word { $$ = host_prefix(f, @$, $1, @3, $3); }
	| word '-' word { $$ = host_range(f, @1, $1, @3, $3); }
	| table_name { $$ = host_table(f, @1, $1); }
	| '(' word ')' { $$ = host_dynamic(f, @$, @2, $2); }
	| '(' word ')' '/' word
		{ $$ = host_length(f, host_dynamic(f, @$, @2, $2), @5, $5); }
	| NO_ROUTE { $$ = host_special(f, @1, AST_HOST_NO_ROUTE, NULL); }
	| URPF_FAILED { $$ = host_special(f, @1, AST_HOST_URPF_FAILED, NULL); }
	| ROUTE word { $$ = host_special(f, @$, AST_HOST_ROUTE, $2); }
	| DNS word { $$ = host_special(f, @$, AST_HOST_DNS, $2); }
	;

/* Ports, users and groups: what the words may be is checked around them. */
ports:
	port { $$ = list_of($1); }
	| '{' port_list '}' { $$ = $2; }
	;

port_list:
	ports
	| port_list optional_comma ports { $$ = list_join($1, $3); }
	;

port:
	word { $$ = port_word(f, @1, $1); }
	| unary word { $$ = port_unary(f, @$, $1, @2, $2); }
	| word binary word { $$ = port_binary(f, @$, $2, @1, $1, @3, $3); }
	;

unary:
	'=' { $$ = AST_PORT_EQ; }
	| NE { $$ = AST_PORT_NE; }
	| '<' { $$ = AST_PORT_LT; }
	| LE { $$ = AST_PORT_LE; }
	| '>' { $$ = AST_PORT_GT; }
	| GE { $$ = AST_PORT_GE; }
	;

binary:
	INSIDE { $$ = AST_PORT_INSIDE; }
	| OUTSIDE { $$ = AST_PORT_OUTSIDE; }
	;

options:
	head
	| options FLAGS ANY { $$ = option_flags(f, $1, @2, @3, "", ""); }
	| options FLAGS word '/' word
		{ $$ = option_flags(f, $1, @2, span_join(@3, @5), $3, $5); }
	| options FLAGS '/' word
		{ $$ = option_flags(f, $1, @2, span_join(@3, @4), "", $4); }
	| options icmp_family icmps { $$ = option_icmp(f, $1, @2, $2, $3); }
	| options LABEL word { $$ = option_label(f, $1, @2, @3, $3); }
	| options TAG word { $$ = option_tag(f, $1, @2, @3, $3); }
	| options TAGGED word { $$ = option_tagged(f, $1, @2, @3, $3, false); }
	| options '!' TAGGED word
		{ $$ = option_tagged(f, $1, @3, @4, $4, true); }
	| options USER ports { $$ = option_users(f, $1, @2, $3); }
	| options GROUP ports { $$ = option_groups(f, $1, @2, $3); }
	| options CGROUP cgroups { $$ = option_cgroups(f, $1, @2, $3); }
	| options MARK marks { $$ = option_marks(f, $1, @2, $3); }
	| options RECEIVED_ON received { $$ = option_received(f, $1, @2, $3); }
	| options '!' RECEIVED_ON received
		{ $$ = option_received(f, $1, @3, iface_negate($4, @2)); }
	| options state STATE state_options
		{ $$ = option_state(f, $1, span_join(@2, @3), $2, $4); }
	| options NO STATE
		{ $$ = option_state(f, $1, span_join(@2, @3), AST_STATE_NONE,
				    NULL); }
	| options SCRUB '(' scrub_list ')'
		{ $$ = option_scrub(f, $1, @2, $4); }
	| options SET change
		{ $$ = option_set(f, $1, @2, change_add(f, NULL, $3)); }
	| options SET '(' change_list ')' { $$ = option_set(f, $1, @2, $4); }
	| options TOS word { $$ = option_tos(f, $1, @2, @3, $3); }
	| options PRIO word { $$ = option_prio(f, $1, @2, @3, $3); }
	| options PROBABILITY word
		{ $$ = option_probability(f, $1, @2, @3, $3); }
	| options RTABLE word { $$ = option_rtable(f, $1, @2, @3, $3); }
	| options MAX_PKT_RATE word '/' word
		{ $$ = option_rate(f, $1, @2, @3, $3, @5, $5); }
	| options ONCE { $$ = option_once(f, $1, @2); }
	| options ALLOW_OPTS { $$ = option_allow_opts(f, $1, @2); }
	| options FRAGMENT { $$ = option_fragment(f, $1, @2); }
	| options pool_word pool { $$ = option_pool(f, $1, @2, $2, $3); }
	| options route_word pool { $$ = option_pool(f, $1, @2, $2, $3); }
	| options AF_TO af FROM pool
		{ $$ = option_af_to(f, $1, @2, @3, $3, $5, NULL); }
	| options AF_TO af FROM pool TO pool
		{ $$ = option_af_to(f, $1, @2, @3, $3, $5, $7); }
	| options DIVERT_TO host PORT word
		{ $$ = option_divert(f, $1, @2, AST_DIVERT_TO, $3, @5, $5); }
	| options DIVERT_PACKET PORT word
		{ $$ = option_divert(f, $1, @2, AST_DIVERT_PACKET, NULL, @4,
				     $4); }
	| options DIVERT_REPLY
		{ $$ = option_divert(f, $1, @2, AST_DIVERT_REPLY, NULL, @2,
				     NULL); }
	;

icmp_family:
	ICMP_TYPE { $$ = FAMILY_IPV4; }
	| ICMP6_TYPE { $$ = FAMILY_IPV6; }
	;

icmps:
	icmp { $$ = list_of($1); }
	| '{' icmp_list '}' { $$ = $2; }
	;

icmp_list:
	icmps
	| icmp_list optional_comma icmps { $$ = list_join($1, $3); }
	;

icmp:
	word { $$ = icmp_new(f, @1, $1); }
	| word CODE word
		{ $$ = icmp_with_code(f, icmp_new(f, @1, $1), @3, $3); }
	;

cgroups:
	cgroup { $$ = list_of($1); }
	| '{' cgroup_list '}' { $$ = $2; }
	;

cgroup_list:
	cgroup { $$ = list_of($1); }
	| cgroup_list optional_comma cgroup { $$ = list_append($1, $3); }
	;

cgroup: word { $$ = word_new(f, @1, $1); } ;

marks:
	mark { $$ = list_of($1); }
	| '{' mark_list '}' { $$ = $2; }
	;

mark_list:
	mark { $$ = list_of($1); }
	| mark_list optional_comma mark { $$ = list_append($1, $3); }
	;

mark:
	word { $$ = mark_new(f, @1, $1, @1, NULL); }
	| word '/' word { $$ = mark_new(f, @1, $1, @3, $3); }
	;

/* ---- state ---- */

state:
	KEEP { $$ = AST_STATE_KEEP; }
	| MODULATE { $$ = AST_STATE_MODULATE; }
	| SYNPROXY { $$ = AST_STATE_SYNPROXY; }
	;

state_options: %empty { $$ = NULL; } | '(' state_list ')' { $$ = $2; } ;

state_list:
	state_item { $$ = state_add(f, NULL, $1); }
	| state_list optional_comma state_item { $$ = state_add(f, $1, $3); }
	;

state_item:
	state_flag { $$ = item_new($1, @1); }
	| state_number word { $$ = item_text($1, @1, @2, $2); }
	| SOURCE_TRACK track { $$ = item_number(STATE_TRACK, @1, $2); }
	| MAX_SRC_CONN_RATE word '/' word
		{ $$ = item_pair(STATE_RATE, @1, @2, $2, @4, $4); }
	| OVERLOAD table_name flush
		{ $$ = item_text(STATE_OVERLOAD + $3, @1, @2, $2); }
	| TIMEOUT word { $$ = item_pair(STATE_TIMEOUT, @1, @2, $2, @1, $1); }
	;

state_flag:
	NO_SYNC { $$ = STATE_NO_SYNC; }
	| IF_BOUND { $$ = STATE_IF_BOUND; }
	| FLOATING { $$ = STATE_FLOATING; }
	| SLOPPY { $$ = STATE_SLOPPY; }
	| PFLOW { $$ = STATE_PFLOW; }
	;

state_number:
	MAX { $$ = STATE_MAX; }
	| MAX_SRC_NODES { $$ = STATE_MAX_NODES; }
	| MAX_SRC_STATES { $$ = STATE_MAX_STATES; }
	| MAX_SRC_CONN { $$ = STATE_MAX_CONN; }
	;

track:
	%empty { $$ = AST_TRACK; }
	| RULE { $$ = AST_TRACK_RULE; }
	| GLOBAL { $$ = AST_TRACK_GLOBAL; }
	;

flush:
	%empty { $$ = 0; }
	| FLUSH { $$ = 1; }
	| FLUSH GLOBAL { $$ = 2; }
	;

/* ---- what is done to packets ---- */

scrub_list:
	scrub_item { $$ = scrub_add(f, NULL, $1); }
	| scrub_list optional_comma scrub_item { $$ = scrub_add(f, $1, $3); }
	;

scrub_item:
	scrub_word
	| REASSEMBLE word { $$ = item_text(SCRUB_REASSEMBLE, @1, @2, $2); }
	;

scrub_word:
	NO_DF { $$ = item_new(SCRUB_NO_DF, @1); }
	| RANDOM_ID { $$ = item_new(SCRUB_RANDOM_ID, @1); }
	| MIN_TTL word { $$ = item_text(SCRUB_MIN_TTL, @1, @2, $2); }
	| MAX_MSS word { $$ = item_text(SCRUB_MAX_MSS, @1, @2, $2); }
	;

/* The older scrub line's words; fragments are always put together. */
old_scrub:
	%empty { $$ = NULL; }
	| old_scrub optional_comma scrub_item { $$ = scrub_add(f, $1, $3); }
	| old_scrub optional_comma SET_TOS word
		{ $$ = scrub_add(f, $1, item_text(SCRUB_SET_TOS, @3, @4, $4)); }
	| old_scrub optional_comma FRAGMENT REASSEMBLE
	| old_scrub optional_comma FRAGMENT word
		{ $$ = scrub_fragment(f, $1, @4, $4); }
	;

change_list:
	change { $$ = change_add(f, NULL, $1); }
	| change_list optional_comma change { $$ = change_add(f, $1, $3); }
	;

change:
	PRIO word { $$ = item_text(CHANGE_PRIO, @1, @2, $2); }
	| PRIO '(' word ')' { $$ = item_text(CHANGE_PRIO, @1, @3, $3); }
	| PRIO '(' word optional_comma word ')'
		{ $$ = item_pair(CHANGE_PRIO, @1, @3, $3, @5, $5); }
	| TOS word { $$ = item_text(CHANGE_TOS, @1, @2, $2); }
	| DELAY word { $$ = item_text(CHANGE_DELAY, @1, @2, $2); }
	;

pool_word:
	NAT_TO { $$ = POOL_NAT; }
	| RDR_TO { $$ = POOL_RDR; }
	| BINAT_TO { $$ = POOL_BINAT; }
	;

route_word:
	ROUTE_TO { $$ = POOL_ROUTE; }
	| REPLY_TO { $$ = POOL_REPLY; }
	| DUP_TO { $$ = POOL_DUP; }
	;

pool:
	pool_hosts { $$ = pool_new(f, @1, $1); }
	| pool_hosts PORT word { $$ = pool_port(f, pool_new(f, @$, $1), @3, $3); }
	| pool BITMASK { $$ = pool_type(f, $1, @2, AST_POOL_BITMASK); }
	| pool RANDOM { $$ = pool_type(f, $1, @2, AST_POOL_RANDOM); }
	| pool SOURCE_HASH { $$ = pool_type(f, $1, @2, AST_POOL_SOURCE_HASH); }
	| pool SOURCE_HASH word { $$ = pool_hash(f, $1, @2, @3, $3); }
	| pool ROUND_ROBIN { $$ = pool_type(f, $1, @2, AST_POOL_ROUND_ROBIN); }
	| pool LEAST_STATES { $$ = pool_type(f, $1, @2, AST_POOL_LEAST_STATES); }
	| pool STICKY_ADDRESS { $$ = pool_sticky(f, $1, @2); }
	| pool STATIC_PORT { $$ = pool_static(f, $1, @2); }
	;

pool_hosts:
	pool_host { $$ = list_of($1); }
	| '{' pool_list '}' { $$ = $2; }
	;

pool_list:
	pool_hosts
	| pool_list optional_comma pool_hosts { $$ = list_join($1, $3); }
	;

pool_host:
	gateway
	| gateway WEIGHT word { $$ = host_weight(f, $1, @3, $3); }
	;

gateway:
	host { $$ = host_gateway(f, $1); }
	| '(' word word ')' { $$ = host_via(f, @$, @2, $2, host_word(f, @3, $3)); }
	| '(' word word '/' word ')'
		{ $$ = host_via(f, @$, @2, $2,
				host_prefix(f, span_join(@3, @5), $3, @5, $5)); }
	;

/* ---- tunnel ---- */

rebind: %empty { $$ = false; } | REBIND { $$ = true; } ;

over:
	iface_any
	| iface { $$ = list_of($1); }
	| '{' over_list '}' { $$ = $2; }
	;

over_list:
	iface { $$ = list_of($1); }
	| over_list optional_comma iface { $$ = list_append($1, $3); }
	;

block: '{' clauses '}' { $$ = $2; } ;

clauses:
	%empty { $$ = list_of(NULL); }
	| clauses NEWLINE
	| clauses clause NEWLINE { $$ = list_append($1, $2); }
	| clauses error NEWLINE { yyerrok; }
	;

clause:
	TRANSPORT clause_head
		{ $$ = clause_new(f, @$, AST_CLAUSE_TRANSPORT, $2); }
	| EXCLUDE clause_head
		{ $$ = clause_new(f, @$, AST_CLAUSE_EXCLUDE, $2); }
	| EXCLUDE clause_head TRUSTED
		{ $$ = clause_trusted(f, @$, $2, @3); }
	| INCLUDE clause_head
		{ $$ = clause_new(f, @$, AST_CLAUSE_INCLUDE, $2); }
	| DNS addresses { $$ = clause_dns(f, @$, $2); }
	| LINK link_words { $$ = clause_link(f, @$, $2); }
	;

clause_head:
	family protos from TO side
		{ $$ = options_new(f, list_of(NULL), $1, $2,
				   (struct sides){$3, $5}); }
	| clause_head USER ports { $$ = option_users(f, $1, @2, $3); }
	| clause_head GROUP ports { $$ = option_groups(f, $1, @2, $3); }
	| clause_head CGROUP cgroups { $$ = option_cgroups(f, $1, @2, $3); }
	| clause_head MARK marks { $$ = option_marks(f, $1, @2, $3); }
	;

addresses:
	address_item
	| addresses optional_comma address_item { $$ = list_join($1, $3); }
	;

link_words:
	link_word { $$ = list_of(word_new(f, @1, $1)); }
	| link_words optional_comma link_word
		{ $$ = list_append($1, word_new(f, @3, $3)); }
	;

link_word: ARP | NDP | DHCP | EAPOL ;

%%

const char *token_name(int kind)
{
	return yysymbol_name(YYTRANSLATE(kind));
}

static int yyreport_syntax_error(const yypcontext_t *context, struct front *f)
{
	enum { MAX = 128 };
	yysymbol_kind_t kinds[MAX];
	const char *names[MAX];
	int count = yypcontext_expected_tokens(context, kinds, MAX);
	if (count < 0)
		return count;
	for (int i = 0; i < count; i++)
		names[i] = yysymbol_name(kinds[i]);
	expect_report(f, names, count);
	return 0;
}

/* Only "memory exhausted" comes here: the stack has YYMAXDEPTH entries. */
static void parse_error(const struct span *span, struct front *f,
			const char *message)
{
	(void)message;
	diag_error(f->diag, *span, "parse",
		   "this statement is nested too deeply");
}
