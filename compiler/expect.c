/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * expect.c: the tokens that the grammar would have taken -> a message that
 * says so in few words: a likely misspelling, a short list, or a class.
 */
#include "front.h"

#include <string.h>

#include "parse.tab.h"

#define LIST_MAX 8

struct expected {
	const char **names;
	int count;
};

static bool has(const struct expected *e, const char *name)
{
	for (int i = 0; i < e->count; i++) {
		if (!strcmp(e->names[i], name))
			return true;
	}
	return false;
}

static void drop(struct expected *e, const char *name)
{
	int kept = 0;
	for (int i = 0; i < e->count; i++) {
		if (strcmp(e->names[i], name))
			e->names[kept++] = e->names[i];
	}
	e->count = kept;
}

static void drop_all(struct expected *e, const char *const *names)
{
	for (; *names; names++)
		drop(e, *names);
}

static void replace(struct expected *e, const char *name, const char *class)
{
	for (int i = 0; i < e->count; i++) {
		if (!strcmp(e->names[i], name))
			e->names[i] = class;
	}
}

/* Names like "a word" are classes, the others are text to be typed. */
static bool is_class(const char *name)
{
	return !strncmp(name, "a ", 2) || !strncmp(name, "an ", 3) ||
	       !strncmp(name, "end ", 4) || !strncmp(name, "the ", 4) ||
	       !strncmp(name, "TCP ", 4);
}

/* What a word is behind a token. */
static const struct {
	int topic;
	const char *class;
} classes[] = {
	{T_ON, "an interface"},
	{T_RECEIVED_ON, "an interface"},
	{T_TUNNEL, "an interface"},
	{T_OVER, "an interface"},
	{T_FOR, "an interface"},
	{T_LOGINTERFACE, "an interface"},
	{T_RDOMAIN, "a number"},
	{T_PROTO, "a protocol"},
	{T_FROM, "an address"},
	{T_TO, "an address"},
	{T_DNS, "an address"},
	{T_NAT_TO, "an address"},
	{T_RDR_TO, "an address"},
	{T_BINAT_TO, "an address"},
	{T_ROUTE_TO, "an address"},
	{T_REPLY_TO, "an address"},
	{T_DUP_TO, "an address"},
	{T_DIVERT_TO, "an address"},
	{T_ARROW, "an address"},
	{T_PORT, "a port"},
	{T_ICMP_TYPE, "an ICMP type"},
	{T_ICMP6_TYPE, "an ICMP type"},
	{T_CODE, "an ICMP code"},
	{T_RETURN_ICMP, "an ICMP code"},
	{T_RETURN_ICMP6, "an ICMP code"},
	{T_FLAGS, "TCP flags"},
	{T_LABEL, "a label"},
	{T_ROUTE, "a label"},
	{T_TAG, "a tag"},
	{T_TAGGED, "a tag"},
	{T_TABLE, "a table name like <name>"},
	{T_OVERLOAD, "a table name like <name>"},
	{T_FILE, "a path"},
	{T_CGROUP, "a path"},
	{T_PEER, "a public key"},
	{T_USER, "a user"},
	{T_GROUP, "a group"},
	{T_MARK, "a mark"},
	{T_TOS, "a type of service"},
	{T_PRIO, "a number from 0 to 7"},
	{T_PROBABILITY, "a probability like 50%"},
	{T_TIMEOUT, "a number of seconds"},
	{T_RTABLE, "a number"},
	{T_WEIGHT, "a number"},
	{T_TTL, "a number"},
	{T_MAX, "a number"},
	{T_MAX_SRC_NODES, "a number"},
	{T_MAX_SRC_STATES, "a number"},
	{T_MAX_SRC_CONN, "a number"},
	{T_MAX_SRC_CONN_RATE, "a rate like 100/10"},
	{T_MAX_PKT_RATE, "a rate like 100/10"},
	{T_MIN_TTL, "a number"},
	{T_MAX_MSS, "a number"},
	{T_DELAY, "a number"},
	{T_FINGERPRINTS, "a path"},
	{T_HOSTID, "a number"},
	{T_DEBUG, "a debug level"},
	{T_OPTIMIZATION, "an optimization"},
	{T_STATE_POLICY, "a state policy"},
	{T_REASSEMBLE, "an answer, yes or no"},
	{T_REQUIRE_ORDER, "an answer, yes or no"},
	{T_LIMIT, "a limit like states 1000"},
	{T_SET_TIMEOUT, "a timeout like tcp.first 60"},
	{T_LOAD, "an anchor's name"},
};

static const char *word_class(int topic)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		if (classes[i].topic == topic)
			return classes[i].class;
	}
	return "a word";
}

/* Of many that could go on the same thing only one name is said. */
static void fold(struct expected *e, const char *first,
		 const char *const *others, const char *class)
{
	if (!has(e, first) || !has(e, others[0]))
		return;
	replace(e, first, class);
	drop_all(e, others);
}

static void fold_groups(struct expected *e)
{
	static const char *const options[] = {
		"label",	"icmp-type",	 "icmp6-type", "keep",
		"no",		"modulate",	 "synproxy",   "user",
		"group",	"cgroup",	 "mark",       "received-on",
		"tag",		"tagged",	 "tos",	       "prio",
		"probability",	"once",		 "allow-opts", "fragment",
		"rtable",	"scrub",	 "set",	       "max-pkt-rate",
		"nat-to",	"rdr-to",	 "binat-to",   "af-to",
		"route-to",	"reply-to",	 "dup-to",     "divert-to",
		"divert-reply", "divert-packet", "!",	       NULL};
	static const char *const pools[] = {
		"random",	  "bitmask",	 "source-hash", "least-states",
		"sticky-address", "static-port", NULL};
	static const char *const states[] = {"max",
					     "if-bound",
					     "floating",
					     "sloppy",
					     "pflow",
					     "source-track",
					     "max-src-nodes",
					     "max-src-states",
					     "max-src-conn",
					     "max-src-conn-rate",
					     "overload",
					     "a timeout",
					     NULL};
	static const char *const sets[] = {"default",
					   "block-policy",
					   "debug",
					   "fingerprints",
					   "hostid",
					   "limit",
					   "loginterface",
					   "optimization",
					   "reassemble",
					   "require-order",
					   "ruleset-optimization",
					   "state-defaults",
					   "state-policy",
					   "syncookies",
					   "timeout",
					   NULL};
	static const char *const scrubs[] = {
		"random-id", "min-ttl",	 "max-mss", "reassemble",
		"set-tos",   "fragment", NULL};
	static const char *const returns[] = {"return-rst", "return-icmp",
					      "return-icmp6", NULL};
	fold(e, "flags", options, "a rule option");
	fold(e, "round-robin", pools, "a pool option");
	fold(e, "no-sync", states, "a state option");
	fold(e, "no-df", scrubs, "a scrub option");
	fold(e, "skip", sets, "an option to set");
	fold(e, "return", returns, "return");
}

/* What could begin or go on the same thing is one thing to the reader. */
static void simplify(struct front *f, struct expected *e)
{
	static const char *const operators[] = {
		"=", "!=", "<", "<=", ">", ">=", NULL};
	static const char *const continuing[] = {"/", "-",    "><",	"<>",
						 ",", "code", "weight", NULL};
	static const char *const address_also[] = {
		"a table",     "!",	"<",   "any",	  "(",	"no-route",
		"urpf-failed", "route", "dns", "rdomain", "no", NULL};
	const char *class = word_class(f->topic_before);
	bool is_word = has(e, "a word");
	bool is_port = is_word && has(e, "!=");
	if (f->paren == T_LOG)
		class = "a log interface";
	else if (f->previous.kind == '/' && f->topic_before == T_FLAGS)
		class = "TCP flags";
	else if (f->previous.kind == '/' && !strcmp(class, "an address"))
		class = "a prefix length";
	if (!is_word) {
		replace(e, "a table", "a table name like <name>");
		replace(e, "a string", "a path in quotes");
	}
	if (is_word) {
		drop(e, "a string");
		replace(e, "a word", class);
		if (is_port)
			drop_all(e, operators);
		drop_all(e, address_also);
		drop(e, "{");
	} else if (has(e, "a table name like <name>")) {
		drop(e, "<");
	}
	fold_groups(e);
	if (e->count > 1)
		drop_all(e, continuing);
	/* Said last, and not where a line need not end. */
	bool may_end = has(e, "end of line") && !has(e, "table") &&
		       !has(e, "transport");
	drop(e, "end of line");
	if (may_end)
		e->names[e->count++] = "end of line";
	drop(e, "end of file");
}

static const char *class_of_many(const struct expected *e)
{
	if (has(e, "table"))
		return "a statement";
	if (has(e, "a rule option"))
		return "the rest of a rule";
	if (has(e, "cgroup"))
		return "the rest of the clause";
	return "something else";
}

static const char *expected_text(struct front *f, struct expected *e)
{
	if (e->count > LIST_MAX || e->count == 0)
		return class_of_many(e);
	const char *text = "";
	for (int i = 0; i < e->count; i++) {
		const char *quote = is_class(e->names[i]) ? "" : "\"";
		const char *comma = i == 0		? ""
				    : i == e->count - 1 ? " or "
							: ", ";
		text = arena_printf(f->arena, "%s%s%s%s%s", text, comma, quote,
				    e->names[i], quote);
	}
	return text;
}

static const char *found_text(struct front *f)
{
	const struct token *t = &f->last;
	const char *text = token_quote(f, t);
	if (t->kind == T_STRING)
		return arena_printf(f->arena, "the string \"%s\"", text);
	if (t->kind == T_TABLE_NAME)
		return arena_printf(f->arena, "<%s>", text);
	if (!t->text && is_class(text))
		return text;
	return arena_printf(f->arena, "\"%s\"", text);
}

/* The keyword that the word was meant to be, if one is near. */
static const char *nearest_keyword(const struct front *f,
				   const struct expected *e)
{
	enum { MAX = 160 };
	const char *keywords[MAX + AST_TIMEOUT_COUNT];
	size_t count = 0;
	if (f->last.kind != T_WORD)
		return NULL;
	for (int i = 0; i < e->count && count < MAX; i++) {
		if (!is_class(e->names[i]))
			keywords[count++] = e->names[i];
	}
	if (has(e, "a timeout"))
		count += keyword_timeout_names(keywords + count,
					       AST_TIMEOUT_COUNT);
	return diag_nearest(f->last.text, keywords, count);
}

/* What pf knows and nfr will not do, and what to do instead. */
static bool is_unsupported(struct front *f)
{
	static const char *const hints[][2] = {
		{"queue", "tc(8) queues packets; \"set prio\" orders them"},
		{"altq", "tc(8) queues packets; \"set prio\" orders them"},
		{"dummynet", "tc(8) shapes traffic"},
		{"os", "fingerprints are easily forged"},
		{"ether", "rules are about IP; a tunnel's \"link\" clause is "
			  "about what an uplink needs besides"},
	};
	const struct token *t = &f->last;
	if (t->kind != T_UNSUPPORTED)
		return false;
	diag_error(f->diag, t->span, "unsupported", "\"%s%s\" is not supported",
		   f->statement == T_SET ? "set " : "", t->text);
	for (size_t i = 0; i < sizeof(hints) / sizeof(*hints); i++) {
		if (!strcmp(hints[i][0], t->text))
			diag_hint(f->diag, "%s", hints[i][1]);
	}
	return true;
}

/* Words that are right but in the wrong place. */
static bool is_rule_word(int kind)
{
	switch (kind) {
	case T_DROP:
	case T_IN:
	case T_OUT:
	case T_LOG:
	case T_QUICK:
	case T_ON:
	case T_INET:
	case T_INET6:
	case T_PROTO:
	case T_ALL:
	case T_FROM:
	case T_TO:
	case T_PORT:
		return true;
	default:
		return false;
	}
}

static void add_hints(struct front *f, bool may_end)
{
	int kind = f->last.kind;
	bool is_rule = f->statement == T_PASS || f->statement == T_BLOCK ||
		       f->statement == T_MATCH;
	if (is_rule && may_end && f->statement_len > 1 && is_rule_word(kind))
		diag_hint(f->diag, "the order is: pass, block or match, in "
				   "or out, "
				   "log, quick, on, inet or inet6, proto, "
				   "from, to, options");
	if (f->statement == T_NAME && kind != T_NEWLINE)
		diag_hint(f->diag, "quote the value: name = \"...\"");
	if (f->topic_before == T_FLAGS && f->previous.kind != T_FLAGS &&
	    kind == T_NEWLINE)
		diag_hint(f->diag, "flags are written set/mask, like S/SA");
}

void expect_report(struct front *f, const char **names, int count)
{
	struct expected e = {names, count};
	bool is_cut = f->is_hopeless || diag_is_full(f->diag);
	if (is_cut || is_unsupported(f)) {
		token_recover(f);
		return;
	}
	const char *found = found_text(f);
	const char *near = nearest_keyword(f, &e);
	bool may_end = has(&e, "end of line");
	if (near) {
		diag_error(f->diag, f->last.span, "parse",
			   "expected \"%s\", found %s", near, found);
		diag_inline_hint(f->diag, "did you mean \"%s\"?", near);
	} else {
		simplify(f, &e);
		diag_error(f->diag, f->last.span, "parse",
			   "expected %s, found %s", expected_text(f, &e),
			   found);
		add_hints(f, may_end);
	}
	token_recover(f);
}
