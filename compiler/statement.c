/* SPDX-License-Identifier: BSD-2-Clause */
/* statement.c: what the grammar recognised -> nodes of the ast. */
#include "front.h"

#include <string.h>

#define LABEL_MAX 63 /* pf's PF_RULE_LABEL_SIZE - 1 */

static const char tcp_flags[] = "FSRPAUEW"; /* bit 0 first */

struct ast_side side_new(struct list hosts, struct list ports)
{
	return (struct ast_side){.hosts = hosts.first, .ports = ports.first};
}

struct ast_match match_new(struct list ifaces, enum addr_family family,
			   struct list protos, struct sides sides)
{
	return (struct ast_match){
		.ifaces = ifaces.first,
		.family = family,
		.protos = protos.first,
		.from = sides.from,
		.to = sides.to,
	};
}

struct ast_match match_to(struct list hosts)
{
	return (struct ast_match){.to.hosts = hosts.first};
}

/* ---- options ---- */

struct options *options_new(struct front *f)
{
	return arena_new_of(f->arena, struct options);
}

/* An option is given once. */
static void option_take(struct front *f, struct options *o,
			enum rule_option option, struct span at,
			const char *name)
{
	if (o->given[option].start) {
		diag_error(f->diag, at, "parse", "\"%s\" is given twice", name);
		diag_note(f->diag, o->given[option], "the first one is");
	}
	o->given[option] = at;
}

static uint8_t flags_parse(struct front *f, struct span span, const char *text)
{
	uint8_t bits = 0;
	for (const char *c = text; *c; c++) {
		const char *flag = strchr(tcp_flags, *c);
		if (flag) {
			bits |= (uint8_t)(1u << (flag - tcp_flags));
			continue;
		}
		diag_error(f->diag, span, "range",
			   "\"%c\" is not a TCP flag: F S R P A U E W", *c);
		return 0;
	}
	return bits;
}

struct options *option_flags(struct front *f, struct options *o, struct span at,
			     struct span span, const char *set,
			     const char *mask)
{
	struct ast_match *m = &o->rule.match;
	option_take(f, o, OPTION_FLAGS, at, "flags");
	unsigned before = diag_errors(f->diag);
	m->has_flags = true;
	m->flags_set = flags_parse(f, span, set);
	m->flags_mask = flags_parse(f, span, mask);
	m->flags_span = span_join(at, span);
	if (diag_errors(f->diag) == before && m->flags_set & ~m->flags_mask)
		diag_error(f->diag, span, "range",
			   "flags %s/%s never match: %s has a flag that %s "
			   "does not look at",
			   set, mask, set, mask);
	return o;
}

struct options *option_icmp(struct front *f, struct options *o, struct span at,
			    enum addr_family family, struct list icmps)
{
	option_take(f, o, OPTION_ICMP, at,
		    family == FAMILY_IPV4 ? "icmp-type" : "icmp6-type");
	o->rule.match.icmps = icmps.first;
	o->rule.match.icmp_family = family;
	o->rule.match.icmp_span = at;
	return o;
}

struct options *option_label(struct front *f, struct options *o, struct span at,
			     struct span span, const char *label)
{
	option_take(f, o, OPTION_LABEL, at, "label");
	if (!*label)
		diag_error(f->diag, span, "parse", "the label is empty");
	else if (strlen(label) > LABEL_MAX)
		diag_error(f->diag, span, "range",
			   "label is too long: %zu bytes, at most %d",
			   strlen(label), LABEL_MAX);
	o->rule.label = label;
	o->rule.label_span = span;
	return o;
}

struct options *option_state(struct front *f, struct options *o, struct span at,
			     enum ast_state state)
{
	option_take(f, o, OPTION_STATE, at, "state");
	o->rule.state = state;
	o->rule.state_span = at;
	return o;
}

/* ---- statements ---- */

static struct ast_node *node_new(struct front *f, enum ast_kind kind)
{
	struct ast_node *node = arena_new_of(f->arena, struct ast_node);
	node->kind = kind;
	return node;
}

void statement_add(struct front *f, struct span span, struct ast_node *node)
{
	node->span = span;
	*f->ast->tail = node;
	f->ast->tail = &node->next;
}

struct ast_node *statement_macro(struct front *f, const char *name,
				 const char *value)
{
	struct ast_node *node = node_new(f, AST_MACRO);
	node->macro.name = name;
	node->macro.value = value;
	return node;
}

struct ast_node *statement_include(struct front *f, struct span span,
				   const char *path)
{
	struct ast_node *node = node_new(f, AST_INCLUDE);
	node->include.path = path;
	node->include.path_span = span;
	return node;
}

struct ast_node *statement_default(struct front *f, bool is_pass)
{
	struct ast_node *node = node_new(f, AST_SET);
	node->set.option = AST_SET_DEFAULT;
	node->set.is_pass = is_pass;
	return node;
}

struct ast_node *statement_skip(struct front *f, struct list ifaces)
{
	struct ast_node *node = node_new(f, AST_SET);
	node->set.option = AST_SET_SKIP;
	node->set.ifaces = ifaces.first;
	return node;
}

struct ast_node *statement_rule(struct front *f, bool is_pass, unsigned words,
				struct ast_match head,
				const struct options *options)
{
	struct ast_node *node = node_new(f, AST_RULE);
	struct ast_rule *rule = &node->rule;
	const struct ast_match *given = &options->rule.match;
	*rule = options->rule;
	rule->is_pass = is_pass;
	rule->has_in = words & RULE_IN;
	rule->has_out = words & RULE_OUT;
	rule->is_logged = words & RULE_LOG;
	rule->is_quick = words & RULE_QUICK;
	rule->match = head;
	rule->match.icmps = given->icmps;
	rule->match.icmp_family = given->icmp_family;
	rule->match.icmp_span = given->icmp_span;
	rule->match.has_flags = given->has_flags;
	rule->match.flags_set = given->flags_set;
	rule->match.flags_mask = given->flags_mask;
	rule->match.flags_span = given->flags_span;
	return node;
}

struct ast_table *table_new(struct front *f)
{
	return arena_new_of(f->arena, struct ast_table);
}

struct ast_table *table_hosts(struct ast_table *table, struct list hosts)
{
	struct ast_host **tail = &table->hosts;
	while (*tail)
		tail = &(*tail)->next;
	*tail = hosts.first;
	table->has_hosts = true;
	return table;
}

struct ast_table *table_file(struct ast_table *table, struct ast_word *path)
{
	struct ast_word **tail = &table->files;
	while (*tail)
		tail = &(*tail)->next;
	*tail = path;
	return table;
}

struct ast_node *statement_table(struct front *f, struct span name_span,
				 const char *name, struct ast_table *parts)
{
	struct ast_node *node = node_new(f, AST_TABLE);
	/* Says when the name is too long, as where a rule names it. */
	host_table(f, name_span, name);
	node->table = *parts;
	node->table.name = name;
	node->table.name_span = name_span;
	return node;
}

struct ast_node *statement_tunnel(struct front *f, struct ast_iface *device,
				  struct list over, struct list clauses)
{
	struct ast_node *node = node_new(f, AST_TUNNEL);
	node->tunnel.device = device;
	node->tunnel.over = over.first;
	node->tunnel.clauses = clauses.first;
	return node;
}

struct ast_clause *clause_new(struct front *f, struct span span,
			      enum ast_clause_kind kind, struct ast_match match,
			      struct list words)
{
	struct ast_clause *clause = arena_new_of(f->arena, struct ast_clause);
	clause->span = span;
	clause->kind = kind;
	clause->match = match;
	clause->words = words.first;
	return clause;
}
