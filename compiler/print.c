/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * print.c: nodes -> canonical text, as OpenBSD's pfctl -nv writes it where pf
 * has the same, and with lists where a node still has them.
 */
#include <string.h>

#include "print_internal.h"

static void print_nodes(const struct ast_node *, unsigned depth, FILE *);

static void print_table(const struct ast_table *table, FILE *f)
{
	bool is_open = false;
	fputs("table ", f);
	print_table_name(table->name, f);
	fputs(table->is_const ? " const" : "", f);
	fputs(table->is_persist ? " persist" : "", f);
	fputs(table->is_counters ? " counters" : "", f);
	for (const struct ast_host *h = table->hosts; h; h = h->next) {
		bool is_file = h->kind == AST_HOST_FILE;
		if (is_open == is_file)
			fputs(is_file ? " }" : " {", f);
		is_open = !is_file;
		fputs(h->is_negated ? " !" : " ", f);
		print_bare_host(h, f);
	}
	if (is_open)
		fputs(" }", f);
	else if (!table->hosts && table->has_hosts)
		fputs(" { }", f);
}

static void print_clause(const struct ast_clause *clause, FILE *f)
{
	static const char *const names[] = {
		[AST_CLAUSE_TRANSPORT] = "transport",
		[AST_CLAUSE_EXCLUDE] = "exclude",
		[AST_CLAUSE_INCLUDE] = "include",
		[AST_CLAUSE_DNS] = "dns",
		[AST_CLAUSE_LINK] = "link",
		[AST_CLAUSE_PEER] = "peer",
		[AST_CLAUSE_LAN] = "exclude lan",
		[AST_CLAUSE_DISCOVERY] = "exclude discovery",
		[AST_CLAUSE_PORTAL] = "portal on",
	};
	const struct ast_match *m = &clause->match;
	fprintf(f, "\t%s", names[clause->kind]);
	if (clause->kind == AST_CLAUSE_DNS) {
		print_side(&m->to, f);
	} else if (clause->kind == AST_CLAUSE_LINK ||
		   clause->kind == AST_CLAUSE_LAN ||
		   clause->kind == AST_CLAUSE_DISCOVERY) {
		for (const struct ast_word *w = clause->words; w; w = w->next)
			fprintf(f, " %s", w->text);
	} else if (clause->kind == AST_CLAUSE_PORTAL) {
		print_ifaces(clause->on, f);
		print_owners(m, f);
	} else if (clause->kind == AST_CLAUSE_PEER) {
		for (const struct ast_word *w = clause->words; w; w = w->next)
			fprintf(f, " \"%s\"", w->text);
	} else {
		print_family(m->family, f);
		print_protos(m->protos, f);
		if (!side_is_any(&m->from)) {
			fputs(" from", f);
			print_side(&m->from, f);
		}
		fputs(" to", f);
		print_side(&m->to, f);
		print_owners(m, f);
		fputs(clause->is_trusted ? " trusted" : "", f);
	}
	fputc('\n', f);
}

static void print_tunnel(const struct ast_tunnel *tunnel, FILE *f)
{
	fputs("tunnel", f);
	print_ifaces(tunnel->device, f);
	fputs(tunnel->is_rebind ? " rebind over" : " over", f);
	print_ifaces(tunnel->over, f);
	fputs(" {\n", f);
	for (const struct ast_clause *c = tunnel->clauses; c; c = c->next)
		print_clause(c, f);
	fputc('}', f);
}

/* ---- set ---- */

/* One line each, as pf. */
static void print_settings(const struct ast_set *set, const char *option,
			   FILE *f)
{
	for (const struct ast_setting *s = set->settings; s; s = s->next)
		fprintf(f, "set %s %s %lld%s", option, s->name,
			(long long)s->value, s->next ? "\n" : "");
}

/* In braces even when it is one, as pf. */
static void print_skip(const struct ast_iface *ifaces, FILE *f)
{
	fputs("set skip on {", f);
	for (const struct ast_iface *i = ifaces; i; i = i->next) {
		fputs(i->is_negated ? " ! " : " ", f);
		print_word(i->name, f);
	}
	fputs(" }", f);
}

static void print_syncookies(const struct ast_set *set, FILE *f)
{
	fprintf(f, "set syncookies %s", set->word);
	for (const struct ast_setting *s = set->settings; s; s = s->next)
		fprintf(f, "%s%s %lld%%%s", s == set->settings ? " (" : "",
			s->name, (long long)s->value, s->next ? ", " : ")");
}

static void print_set(const struct ast_set *set, FILE *f)
{
	static const char *const words[] = {
		[AST_SET_BLOCK_POLICY] = "block-policy",
		[AST_SET_DEBUG] = "debug",
		[AST_SET_OPTIMIZATION] = "optimization",
		[AST_SET_REASSEMBLE] = "reassemble",
		[AST_SET_REQUIRE_ORDER] = "require-order",
		[AST_SET_RULESET_OPTIMIZATION] = "ruleset-optimization",
		[AST_SET_STATE_POLICY] = "state-policy",
	};
	switch (set->option) {
	case AST_SET_DEFAULT:
		fprintf(f, "set default %s", set->is_pass ? "pass" : "block");
		return;
	case AST_SET_SKIP:
		print_skip(set->ifaces, f);
		return;
	case AST_SET_FINGERPRINTS:
		fputs("set fingerprints ", f);
		print_string(set->word, f);
		return;
	case AST_SET_LOGINTERFACE:
		fputs("set loginterface ", f);
		print_word(set->word, f);
		return;
	case AST_SET_HOSTID:
		fprintf(f, "set hostid 0x%08x", set->value);
		return;
	case AST_SET_STATE_DEFAULTS:
		fputs("set state-defaults ", f);
		print_state_options(set->state, f);
		return;
	case AST_SET_LIMIT:
		print_settings(set, "limit", f);
		return;
	case AST_SET_TIMEOUT:
		print_settings(set, "timeout", f);
		return;
	case AST_SET_SYNCOOKIES:
		print_syncookies(set, f);
		return;
	default:
		fprintf(f, "set %s %s%s", words[set->option], set->word,
			set->is_no_df ? " no-df" : "");
		return;
	}
}

/* ---- anchors and what stands for rules ---- */

static void print_anchor(const struct ast_anchor *anchor, unsigned depth,
			 FILE *f)
{
	fputs("anchor", f);
	if (anchor->name) {
		fputc(' ', f);
		print_string(anchor->name, f);
	}
	print_direction(&anchor->rule, f);
	fputs(anchor->rule.is_quick ? " quick" : "", f);
	print_head(&anchor->rule.match, f);
	print_options(&anchor->rule, f);
	if (!anchor->has_body)
		return;
	fputs(" {\n", f);
	print_nodes(anchor->nodes, depth + 1, f);
	fprintf(f, "%*s}", (int)(2 * depth), "");
}

static void print_antispoof(const struct ast_antispoof *a, FILE *f)
{
	fputs("antispoof", f);
	print_log(a->is_logged, a->log, a->log_to, f);
	fputs(a->is_quick ? " quick for" : " for", f);
	print_ifaces(a->ifaces, f);
	print_family(a->family, f);
	if (a->label) {
		fputs(" label ", f);
		print_string(a->label, f);
	}
}

static void print_assert(const struct ast_rule *r, FILE *f)
{
	fputs(r->is_pass ? "assert pass" : "assert block", f);
	print_direction(r, f);
	print_head(&r->match, f);
	print_options(r, f);
}

static void print_load(const struct ast_load *load, FILE *f)
{
	fputs("load anchor ", f);
	print_string(load->anchor, f);
	fputs(" from ", f);
	print_string(load->path, f);
}

static void print_statement(const struct ast_node *node, unsigned depth,
			    FILE *f)
{
	switch (node->kind) {
	case AST_MACRO:
		fprintf(f, "%s = ", node->macro.name);
		print_string(node->macro.value, f);
		break;
	case AST_TABLE:
		print_table(&node->table, f);
		break;
	case AST_SET:
		print_set(&node->set, f);
		break;
	case AST_RULE:
		print_rule(&node->rule, f);
		break;
	case AST_TUNNEL:
		print_tunnel(&node->tunnel, f);
		break;
	case AST_ANCHOR:
		print_anchor(&node->anchor, depth, f);
		break;
	case AST_LOAD:
		print_load(&node->load, f);
		break;
	case AST_ANTISPOOF:
		print_antispoof(&node->antispoof, f);
		break;
	case AST_ASSERT:
		print_assert(&node->rule, f);
		break;
	case AST_INCLUDE:
		break;
	}
}

static void print_nodes(const struct ast_node *nodes, unsigned depth, FILE *f)
{
	for (const struct ast_node *n = nodes; n; n = n->next) {
		/* What an include held follows as statements of its own. */
		if (n->kind == AST_INCLUDE)
			continue;
		fprintf(f, "%*s", (int)(2 * depth), "");
		print_statement(n, depth, f);
		fputc('\n', f);
	}
}

void print_node(const struct ast_node *node, FILE *f)
{
	struct ast_node one = *node;
	one.next = NULL;
	print_nodes(&one, 0, f);
}
