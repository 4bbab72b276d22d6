/* SPDX-License-Identifier: BSD-2-Clause */
/* parse_action.y: what a rule does, and the tunnel's block; see parse.y. */

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

portal_on:
	iface { $$ = list_of($1); }
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
	| EXCLUDE clause_who
		{ $$ = clause_new(f, @$, AST_CLAUSE_EXCLUDE, $2); }
	| EXCLUDE clause_head TRUSTED
		{ $$ = clause_trusted(f, @$, $2, @3); }
	| EXCLUDE LAN { $$ = clause_lan(f, @$); }
	| EXCLUDE DISCOVERY words { $$ = clause_discovery(f, @$, $3); }
	| EXCLUDE DISCOVERY '{' words '}'
		{ $$ = clause_discovery(f, @$, $4); }
	| INCLUDE clause_head
		{ $$ = clause_new(f, @$, AST_CLAUSE_INCLUDE, $2); }
	| INCLUDE clause_who
		{ $$ = clause_new(f, @$, AST_CLAUSE_INCLUDE, $2); }
	| DNS addresses { $$ = clause_dns(f, @$, $2); }
	| LINK link_words { $$ = clause_link(f, @$, $2); }
	| PEER words { $$ = clause_peer(f, @$, $2); }
	| PORTAL ON portal_on
		{ $$ = clause_portal(f, @$, $3, options_any(f)); }
	| PORTAL ON portal_on clause_who
		{ $$ = clause_portal(f, @$, $3, $4); }
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

/* Whose, wherever it goes. */
clause_who:
	USER ports { $$ = option_users(f, options_any(f), @1, $2); }
	| GROUP ports { $$ = option_groups(f, options_any(f), @1, $2); }
	| CGROUP cgroups { $$ = option_cgroups(f, options_any(f), @1, $2); }
	| clause_who USER ports { $$ = option_users(f, $1, @2, $3); }
	| clause_who GROUP ports { $$ = option_groups(f, $1, @2, $3); }
	| clause_who CGROUP cgroups { $$ = option_cgroups(f, $1, @2, $3); }
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

words:
	word { $$ = list_of(word_new(f, @1, $1)); }
	| words optional_comma word
		{ $$ = list_append($1, word_new(f, @3, $3)); }
	;

link_word: ARP | NDP | DHCP | EAPOL | PROXY ;
