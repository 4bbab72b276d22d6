/* SPDX-License-Identifier: BSD-2-Clause */
/* parse_rule.y: a rule's verdict, what it matches, its options; see parse.y. */
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
