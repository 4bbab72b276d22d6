/* SPDX-License-Identifier: BSD-2-Clause */
/* parse.y: tokens -> calls of the constructors in ast.c and statement.c. */
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
#include "compiler/front.h"
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
	enum addr_family family;
	enum ast_port_op op;
	struct list list;
	struct ast_side side;
	struct sides sides;
	struct ast_match match;
	struct ast_word *word;
	struct ast_iface *iface;
	struct ast_host *host;
	struct ast_port *port;
	struct ast_icmp *icmp;
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
%token PASS "pass" BLOCK "block" DROP "drop"
%token TABLE "table" PERSIST "persist" CONST "const" FILE "file"
%token SET "set" DEFAULT "default" SKIP "skip"
%token TUNNEL "tunnel" OVER "over"
%token TRANSPORT "transport" EXCLUDE "exclude" INCLUDE "include" DNS "dns" LINK "link"
%token <text> ARP "arp" NDP "ndp" DHCP "dhcp" EAPOL "eapol"
%token IN "in" OUT "out" LOG "log" QUICK "quick" ON "on"
%token INET "inet" INET6 "inet6" PROTO "proto"
%token ALL "all" FROM "from" PORT "port" TO "to" ANY "any"
%token FLAGS "flags" ICMP_TYPE "icmp-type" ICMP6_TYPE "icmp6-type"
%token CODE "code" LABEL "label" KEEP "keep" NO "no" STATE "state"
%token NE "!=" LE "<=" GE ">=" INSIDE "><" OUTSIDE "<>"
%token '=' "=" '<' "<" '>' ">" '!' "!" '/' "/" '-' "-" ',' ","
%token '{' "{" '}' "}" '(' "(" ')' ")" '[' "[" ']' "]"

%type <node> statement
%type <table> table_parts
%type <is_true> verdict default
%type <bits> direction log_quick
%type <family> family icmp_family
%type <match> head clause_head
%type <sides> sides
%type <side> from to side
%type <list> on ifaces iface_list iface_any protos proto proto_list
%type <list> hosts host_list host_item addresses address_list address_item
%type <list> ports port_list icmps icmp_list
%type <list> over over_list clauses link_words block
%type <iface> iface iface_not
%type <host> host host_not
%type <port> port
%type <op> unary binary
%type <icmp> icmp
%type <options> options
%type <clause> clause
%type <text> word table_name link_word

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
	| SET DEFAULT default { $$ = statement_default(f, $3); }
	| SET SKIP ON ifaces { $$ = statement_skip(f, $4); }
	| TABLE table_name table_parts
		{ $$ = statement_table(f, @2, $2, $3); }
	| verdict direction log_quick head options
		{ $$ = statement_rule(f, $1, $2 | $3, $4, $5); }
	| TUNNEL iface OVER over block
		{ $$ = statement_tunnel(f, $2, $4, $5); }
	;

word: WORD | STRING ;
optional_comma: %empty | ',' ;

/* ---- table ---- */

table_name: TABLE_NAME | '<' word '>' { $$ = $2; } ;

table_parts:
	%empty { $$ = table_new(f); }
	| table_parts CONST { $$ = $1; $$->is_const = true; }
	| table_parts PERSIST { $$ = $1; $$->is_persist = true; }
	| table_parts FILE word { $$ = table_file($1, word_new(f, @3, $3)); }
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

default: PASS { $$ = true; } | BLOCK { $$ = false; } ;

/* ---- rules ---- */

verdict:
	PASS { $$ = true; }
	| BLOCK { $$ = false; }
	| BLOCK DROP { $$ = false; }
	;

direction:
	%empty { $$ = 0; }
	| IN { $$ = RULE_IN; }
	| OUT { $$ = RULE_OUT; }
	;

log_quick:
	%empty { $$ = 0; }
	| LOG { $$ = RULE_LOG; }
	| QUICK { $$ = RULE_QUICK; }
	| LOG QUICK { $$ = RULE_LOG | RULE_QUICK; }
	| QUICK LOG { $$ = RULE_LOG | RULE_QUICK; }
	;

head:
	on family protos sides
		{ $$ = match_new($1, $2, $3, $4); }
	;

on:
	%empty { $$ = list_of(NULL); }
	| ON ifaces { $$ = $2; }
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

family:
	%empty { $$ = FAMILY_ANY; }
	| INET { $$ = FAMILY_IPV4; }
	| INET6 { $$ = FAMILY_IPV6; }
	;

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
	hosts { $$ = side_new($1, list_of(NULL)); }
	| PORT ports { $$ = side_new(list_of(NULL), $2); }
	| hosts PORT ports { $$ = side_new($1, $3); }
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
	;

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
	%empty { $$ = options_new(f); }
	| options FLAGS ANY { $$ = option_flags(f, $1, @2, @3, "", ""); }
	| options FLAGS word '/' word
		{ $$ = option_flags(f, $1, @2, span_join(@3, @5), $3, $5); }
	| options FLAGS '/' word
		{ $$ = option_flags(f, $1, @2, span_join(@3, @4), "", $4); }
	| options icmp_family icmps { $$ = option_icmp(f, $1, @2, $2, $3); }
	| options LABEL word { $$ = option_label(f, $1, @2, @3, $3); }
	| options KEEP STATE
		{ $$ = option_state(f, $1, span_join(@2, @3),
				    AST_STATE_KEEP); }
	| options NO STATE
		{ $$ = option_state(f, $1, span_join(@2, @3),
				    AST_STATE_NONE); }
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

/* ---- tunnel ---- */

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
		{ $$ = clause_new(f, @$, AST_CLAUSE_TRANSPORT, $2,
				  list_of(NULL)); }
	| EXCLUDE clause_head
		{ $$ = clause_new(f, @$, AST_CLAUSE_EXCLUDE, $2,
				  list_of(NULL)); }
	| INCLUDE clause_head
		{ $$ = clause_new(f, @$, AST_CLAUSE_INCLUDE, $2,
				  list_of(NULL)); }
	| DNS addresses
		{ $$ = clause_new(f, @$, AST_CLAUSE_DNS, match_to($2),
				  list_of(NULL)); }
	| LINK link_words
		{ $$ = clause_new(f, @$, AST_CLAUSE_LINK,
				  (struct ast_match){0}, $2); }
	;

clause_head:
	family protos from TO side
		{ $$ = match_new(list_of(NULL), $1, $2,
				 (struct sides){$3, $5}); }
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
