/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * print.c: nodes -> canonical text, as OpenBSD's pfctl -nv writes it where pf
 * has the same, and with lists where a node still has them.
 */
#include "front.h"

#include <string.h>

static const char tcp_flags[] = "FSRPAUEW";

/* A backslash is only written twice where it would be read as an escape. */
static void print_string(const char *text, FILE *f)
{
	fputc('"', f);
	for (const char *c = text; *c; c++) {
		bool is_special =
			*c == '"' ||
			(*c == '\\' && (!c[1] || c[1] == '"' || c[1] == '\\'));
		if (is_special)
			fputc('\\', f);
		fputc(*c, f);
	}
	fputc('"', f);
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

static bool is_made_of(const char *text, const char *first, const char *rest)
{
	return *text && strchr(first, *text) &&
	       strspn(text, rest) == strlen(text);
}

/* Quoted where it would be read as something else. */
static void print_word(const char *text, FILE *f)
{
	bool is_plain = is_made_of(
		text, LETTERS DIGITS "_:", LETTERS DIGITS "_:.%@+*-");
	if (is_plain && !keyword_needs_quotes(text))
		fputs(text, f);
	else
		print_string(text, f);
}

static void print_table_name(const char *name, FILE *f)
{
	fputc('<', f);
	if (is_made_of(name, LETTERS "_", LETTERS DIGITS "_:.-"))
		fputs(name, f);
	else
		print_string(name, f);
	fputc('>', f);
}

static void print_name(const struct ast_name *name, FILE *f)
{
	if (name->text)
		print_word(name->text, f);
	else
		fprintf(f, "%lld", (long long)name->value);
}

/* What stands before, between and after the members of a list. */
static void open_list(bool is_list, FILE *f)
{
	fputs(is_list ? " { " : " ", f);
}

static void next_of_list(const void *next, FILE *f)
{
	if (next)
		fputs(", ", f);
}

static void close_list(bool is_list, FILE *f)
{
	if (is_list)
		fputs(" }", f);
}

/* ---- parts of a match ---- */

static void print_bare_host(const struct ast_host *host, FILE *f)
{
	char text[ADDR_TEXT_MAX];
	int bits = (int)addr_bits(host->family);
	switch (host->kind) {
	case AST_HOST_ANY:
		fputs("any", f);
		break;
	case AST_HOST_PREFIX:
		fputs(addr_format(&host->first, host->family, text), f);
		if (host->prefix_len >= 0 && host->prefix_len < bits)
			fprintf(f, "/%d", host->prefix_len);
		break;
	case AST_HOST_RANGE:
		fprintf(f, "%s - ",
			addr_format(&host->first, host->family, text));
		fputs(addr_format(&host->last, host->family, text), f);
		break;
	case AST_HOST_TABLE:
		print_table_name(host->name, f);
		break;
	case AST_HOST_NAME:
		print_word(host->name, f);
		if (host->prefix_len >= 0)
			fprintf(f, "/%d", host->prefix_len);
		break;
	default:
		break;
	}
}

void print_host(const struct ast_host *host, FILE *f)
{
	if (host->is_negated)
		fputs("! ", f);
	print_bare_host(host, f);
}

static void print_port(const struct ast_port *port, bool is_list, FILE *f)
{
	static const char *const unary[] = {
		[AST_PORT_EQ] = "= ", [AST_PORT_NE] = "!= ",
		[AST_PORT_LT] = "< ", [AST_PORT_LE] = "<= ",
		[AST_PORT_GT] = "> ", [AST_PORT_GE] = ">= ",
	};
	static const char *const binary[] = {
		[AST_PORT_INSIDE] = " >< ",
		[AST_PORT_OUTSIDE] = " <> ",
		[AST_PORT_INCLUSIVE] = ":",
	};
	bool is_binary = port->op >= AST_PORT_INSIDE;
	bool is_bare = is_binary || (is_list && port->op == AST_PORT_EQ);
	fputs(is_bare ? "" : unary[port->op], f);
	print_name(&port->first, f);
	if (!is_binary)
		return;
	fputs(binary[port->op], f);
	print_name(&port->last, f);
}

static void print_side(const struct ast_side *side, FILE *f)
{
	bool is_list = side->hosts && side->hosts->next;
	open_list(is_list, f);
	if (!side->hosts)
		fputs("any", f);
	for (const struct ast_host *h = side->hosts; h; h = h->next) {
		print_host(h, f);
		next_of_list(h->next, f);
	}
	close_list(is_list, f);
	if (!side->ports)
		return;
	is_list = side->ports->next;
	fputs(" port", f);
	open_list(is_list, f);
	for (const struct ast_port *p = side->ports; p; p = p->next) {
		print_port(p, is_list, f);
		next_of_list(p->next, f);
	}
	close_list(is_list, f);
}

static void print_ifaces(const struct ast_iface *ifaces, FILE *f)
{
	open_list(ifaces->next, f);
	for (const struct ast_iface *i = ifaces; i; i = i->next) {
		fputs(i->is_negated ? "! " : "", f);
		if (!strcmp(i->name, "any"))
			fputs("any", f);
		else
			print_word(i->name, f);
		next_of_list(i->next, f);
	}
	close_list(ifaces->next, f);
}

static void print_family(enum addr_family family, FILE *f)
{
	if (family != FAMILY_ANY)
		fputs(family == FAMILY_IPV4 ? " inet" : " inet6", f);
}

static void print_protos(const struct ast_proto *protos, FILE *f)
{
	if (!protos)
		return;
	fputs(" proto", f);
	open_list(protos->next, f);
	for (const struct ast_proto *p = protos; p; p = p->next) {
		print_name(&p->name, f);
		next_of_list(p->next, f);
	}
	close_list(protos->next, f);
}

static bool is_any(const struct ast_side *side)
{
	return !side->ports &&
	       (!side->hosts ||
		(side->hosts->kind == AST_HOST_ANY && !side->hosts->next));
}

static void print_icmps(const struct ast_match *match, FILE *f)
{
	if (!match->icmps)
		return;
	fputs(match->icmp_family == FAMILY_IPV6 ? " icmp6-type" : " icmp-type",
	      f);
	open_list(match->icmps->next, f);
	for (const struct ast_icmp *i = match->icmps; i; i = i->next) {
		print_name(&i->type, f);
		if (i->has_code) {
			fputs(" code ", f);
			print_name(&i->code, f);
		}
		next_of_list(i->next, f);
	}
	close_list(match->icmps->next, f);
}

static void print_flag_bits(uint8_t bits, FILE *f)
{
	for (int i = 0; tcp_flags[i]; i++) {
		if (bits & 1u << i)
			fputc(tcp_flags[i], f);
	}
}

static void print_flags(const struct ast_match *match, FILE *f)
{
	if (!match->has_flags)
		return;
	fputs(" flags ", f);
	if (match->flags_mask == 0) {
		fputs("any", f);
		return;
	}
	print_flag_bits(match->flags_set, f);
	fputc('/', f);
	print_flag_bits(match->flags_mask, f);
}

/* ---- statements ---- */

void print_rule(const struct ast_rule *rule, FILE *f)
{
	const struct ast_match *m = &rule->match;
	fputs(rule->is_pass ? "pass" : "block drop", f);
	if (rule->has_in != rule->has_out)
		fputs(rule->has_in ? " in" : " out", f);
	fputs(rule->is_logged ? " log" : "", f);
	fputs(rule->is_quick ? " quick" : "", f);
	if (m->ifaces) {
		fputs(" on", f);
		print_ifaces(m->ifaces, f);
	}
	print_family(m->family, f);
	print_protos(m->protos, f);
	if (is_any(&m->from) && is_any(&m->to)) {
		fputs(" all", f);
	} else {
		fputs(" from", f);
		print_side(&m->from, f);
		fputs(" to", f);
		print_side(&m->to, f);
	}
	print_flags(m, f);
	print_icmps(m, f);
	/* Keeping state is what pass does. */
	if (rule->state == AST_STATE_NONE)
		fputs(" no state", f);
	else if (rule->state == AST_STATE_KEEP && !rule->is_pass)
		fputs(" keep state", f);
	if (rule->label && *rule->label) {
		fputs(" label ", f);
		print_string(rule->label, f);
	}
}

static void print_table(const struct ast_table *table, FILE *f)
{
	fputs("table ", f);
	print_table_name(table->name, f);
	fputs(table->is_const ? " const" : "", f);
	fputs(table->is_persist ? " persist" : "", f);
	if (table->hosts || table->has_hosts) {
		fputs(" {", f);
		for (const struct ast_host *h = table->hosts; h; h = h->next) {
			fputs(h->is_negated ? " !" : " ", f);
			print_bare_host(h, f);
		}
		fputs(" }", f);
	}
	for (const struct ast_word *w = table->files; w; w = w->next) {
		fputs(" file ", f);
		print_string(w->text, f);
	}
	fputc('\n', f);
}

static void print_clause(const struct ast_clause *clause, FILE *f)
{
	static const char *const names[] = {
		[AST_CLAUSE_TRANSPORT] = "transport",
		[AST_CLAUSE_EXCLUDE] = "exclude",
		[AST_CLAUSE_INCLUDE] = "include",
		[AST_CLAUSE_DNS] = "dns",
		[AST_CLAUSE_LINK] = "link",
	};
	const struct ast_match *m = &clause->match;
	fprintf(f, "\t%s", names[clause->kind]);
	if (clause->kind == AST_CLAUSE_DNS) {
		print_side(&m->to, f);
	} else if (clause->kind == AST_CLAUSE_LINK) {
		for (const struct ast_word *w = clause->words; w; w = w->next)
			fprintf(f, " %s", w->text);
	} else {
		print_family(m->family, f);
		print_protos(m->protos, f);
		if (!is_any(&m->from)) {
			fputs(" from", f);
			print_side(&m->from, f);
		}
		fputs(" to", f);
		print_side(&m->to, f);
	}
	fputc('\n', f);
}

static void print_tunnel(const struct ast_tunnel *tunnel, FILE *f)
{
	fputs("tunnel", f);
	print_ifaces(tunnel->device, f);
	fputs(" over", f);
	print_ifaces(tunnel->over, f);
	fputs(" {\n", f);
	for (const struct ast_clause *c = tunnel->clauses; c; c = c->next)
		print_clause(c, f);
	fputs("}\n", f);
}

static void print_set(const struct ast_set *set, FILE *f)
{
	if (set->option == AST_SET_DEFAULT) {
		fprintf(f, "set default %s\n", set->is_pass ? "pass" : "block");
		return;
	}
	fputs("set skip on", f);
	print_ifaces(set->ifaces, f);
	fputc('\n', f);
}

void print_node(const struct ast_node *node, FILE *f)
{
	switch (node->kind) {
	case AST_MACRO:
		fprintf(f, "%s = ", node->macro.name);
		print_string(node->macro.value, f);
		fputc('\n', f);
		break;
	case AST_TABLE:
		print_table(&node->table, f);
		break;
	case AST_SET:
		print_set(&node->set, f);
		break;
	case AST_RULE:
		print_rule(&node->rule, f);
		fputc('\n', f);
		break;
	case AST_TUNNEL:
		print_tunnel(&node->tunnel, f);
		break;
	case AST_INCLUDE:
		/* What it held follows as statements of its own. */
		break;
	default:
		break;
	}
}
