/* SPDX-License-Identifier: BSD-2-Clause */
/* statement.c: what the grammar recognised -> nodes that are not rules. */
#include "construct.h"

#include <string.h>

#define LABEL_MAX 63	     /* pf's PF_RULE_LABEL_SIZE - 1 */
#define ANCHOR_NAME_MAX 1023 /* pf's PATH_MAX - 1 */

struct ast_node *node_new(struct front *f, enum ast_kind kind)
{
	struct ast_node *node = arena_new_of(f->arena, struct ast_node);
	node->kind = kind;
	return node;
}

void statement_add(struct front *f, struct span span, struct ast_node *node)
{
	bool is_packed = f->arena != f->keep;
	node->span = span;
	if (f->pack)
		pack_add(f->pack, node, is_packed);
	if (is_packed)
		return;
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

/* In files to be read, and among the hosts to be printed in its place. */
struct ast_table *table_file(struct front *f, struct ast_table *table,
			     struct span span, const char *path)
{
	struct ast_word **tail = &table->files;
	bool has_hosts = table->has_hosts;
	while (*tail)
		tail = &(*tail)->next;
	*tail = word_new(f, span, path);
	table_hosts(table, list_of(host_special(f, span, AST_HOST_FILE, path)));
	table->has_hosts = has_hosts;
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

/* ---- anchors ---- */

/* A node of no meaning that carries the nodes of a block. */
struct ast_node *body_new(struct front *f, struct list nodes)
{
	struct ast_node *body = node_new(f, AST_ANCHOR);
	body->anchor.nodes = nodes.first;
	return body;
}

static void anchor_check(struct front *f, const struct ast_node *nodes)
{
	for (const struct ast_node *n = nodes; n; n = n->next) {
		const char *what = n->kind == AST_TUNNEL   ? "tunnel"
				   : n->kind == AST_SET	   ? "set"
				   : n->kind == AST_ASSERT ? "assert"
							   : NULL;
		if (what)
			diag_error(f->diag, n->span, "parse",
				   "\"%s\" can not be in an anchor", what);
	}
}

struct ast_node *statement_anchor(struct front *f, const char *word,
				  struct span name_span, const char *name,
				  unsigned words, struct options *options,
				  struct ast_node *body)
{
	struct ast_node *node = node_new(f, AST_ANCHOR);
	struct ast_anchor *anchor = &node->anchor;
	anchor->name = name;
	anchor->name_span = name_span;
	anchor->word = word;
	anchor->rule = options_take(f, options);
	anchor->rule.has_in = words & RULE_IN;
	anchor->rule.has_out = words & RULE_OUT;
	anchor->rule.is_quick = words & RULE_QUICK;
	anchor->has_body = body;
	anchor->nodes = body ? body->anchor.nodes : NULL;
	anchor_check(f, anchor->nodes);
	if (name)
		name_check(f, name_span, name, "anchor name", ANCHOR_NAME_MAX);
	if (name && (name[0] == '_' || strstr(name, "/_")))
		diag_error(f->diag, name_span, "parse",
			   "an anchor's name that begins with \"_\" is "
			   "reserved");
	if (!name && !body)
		diag_error(f->diag, name_span, "parse",
			   "an anchor has a name, or rules in braces");
	return node;
}

struct ast_node *statement_load(struct front *f, struct span anchor_span,
				const char *anchor, struct span path_span,
				const char *path)
{
	struct ast_node *node = node_new(f, AST_LOAD);
	name_check(f, anchor_span, anchor, "anchor name", ANCHOR_NAME_MAX);
	name_check(f, path_span, path, "path", FRONT_STRING_MAX);
	node->load = (struct ast_load){anchor, path, anchor_span, path_span};
	return node;
}

struct ast_node *statement_antispoof(struct front *f, struct log log,
				     struct list ifaces,
				     enum addr_family family,
				     struct span label_span, const char *label)
{
	struct ast_node *node = node_new(f, AST_ANTISPOOF);
	struct ast_antispoof *a = &node->antispoof;
	a->is_logged = log.words & RULE_LOG;
	a->is_quick = log.words & RULE_QUICK;
	a->log = log.words / RULE_LOG_OPTION;
	a->log_to = log.to;
	a->ifaces = ifaces.first;
	a->family = family;
	a->label = label;
	a->label_span = label_span;
	if (label)
		name_check(f, label_span, label, "label", LABEL_MAX);
	return node;
}

/* ---- tunnel ---- */

struct ast_node *statement_tunnel(struct front *f, struct ast_iface *device,
				  bool is_rebind, struct list over,
				  struct list clauses)
{
	struct ast_node *node = node_new(f, AST_TUNNEL);
	node->tunnel.device = device;
	node->tunnel.is_rebind = is_rebind;
	node->tunnel.over = over.first;
	node->tunnel.clauses = clauses.first;
	return node;
}

static struct ast_clause *clause_make(struct front *f, struct span span,
				      enum ast_clause_kind kind)
{
	struct ast_clause *clause = arena_new_of(f->arena, struct ast_clause);
	clause->span = span;
	clause->kind = kind;
	return clause;
}

struct ast_clause *clause_new(struct front *f, struct span span,
			      enum ast_clause_kind kind,
			      struct options *options)
{
	struct ast_clause *clause = clause_make(f, span, kind);
	clause->match = options_take(f, options).match;
	return clause;
}

struct ast_clause *clause_trusted(struct front *f, struct span span,
				  struct options *options,
				  struct span trusted_span)
{
	struct ast_clause *clause =
		clause_new(f, span, AST_CLAUSE_EXCLUDE, options);
	clause->is_trusted = true;
	clause->trusted_span = trusted_span;
	return clause;
}

struct ast_clause *clause_dns(struct front *f, struct span span,
			      struct list hosts)
{
	struct ast_clause *clause = clause_make(f, span, AST_CLAUSE_DNS);
	clause->match.to.hosts = hosts.first;
	return clause;
}

struct ast_clause *clause_link(struct front *f, struct span span,
			       struct list words)
{
	struct ast_clause *clause = clause_make(f, span, AST_CLAUSE_LINK);
	clause->words = words.first;
	return clause;
}

struct ast_clause *clause_lan(struct front *f, struct span span)
{
	return clause_make(f, span, AST_CLAUSE_LAN);
}

struct ast_clause *clause_discovery(struct front *f, struct span span,
				    struct list words)
{
	struct ast_clause *clause = clause_make(f, span, AST_CLAUSE_DISCOVERY);
	clause->words = words.first;
	return clause;
}

struct ast_clause *clause_portal(struct front *f, struct span span,
				 struct list ifaces, struct options *who)
{
	struct ast_clause *clause = clause_new(f, span, AST_CLAUSE_PORTAL, who);
	clause->on = ifaces.first;
	return clause;
}

struct ast_clause *clause_peer(struct front *f, struct span span,
			       struct list words)
{
	struct ast_clause *clause = clause_make(f, span, AST_CLAUSE_PEER);
	clause->words = words.first;
	return clause;
}
