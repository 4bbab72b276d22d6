/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.y: tokens -> calls of the constructors of construct.h. One grammar in
 * four files, which the Makefile joins in this order for bison, with #line:
 *
 *   parse.y         tokens and types; the policy and its statements
 *   parse_rule.y    rules: verdict, what a rule matches, its options
 *   parse_action.y  state, scrub, pools; the tunnel's block
 *   parse_report.y  the parser's own errors
 *
 * Bison has no rules with parameters, so each list is written out: a member, a
 * list of members with or without commas.
 */
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
%token LAN "lan" DISCOVERY "discovery" LINK "link" PEER "peer" PORTAL "portal" TRUSTED "trusted"
%token <text> ARP "arp" NDP "ndp" DHCP "dhcp" EAPOL "eapol" PROXY "proxy"
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
%type <list> over over_list portal_on clauses link_words words block
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
%type <options> head options clause_head clause_who
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
