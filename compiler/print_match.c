/* SPDX-License-Identifier: BSD-2-Clause */
/* print_match.c: what a rule matches -> text, in pf's order. */
#include "print_internal.h"

#include <string.h>

static const char tcp_flags[] = "FSRPAUEW";

/* ---- hosts and ports ---- */

static void print_interface_host(const struct ast_host *host, FILE *f)
{
	bool is_dynamic = host->kind == AST_HOST_DYNAMIC;
	fputs(is_dynamic ? "(" : "", f);
	/* Modifiers are part of the word. */
	if (host->macro)
		fprintf(f, "$%s", host->macro);
	else if (host->modifiers)
		fputs(host->name, f);
	else
		print_word(host->name, f);
	fputs(host->modifiers & AST_MOD_NETWORK ? ":network" : "", f);
	fputs(host->modifiers & AST_MOD_LAN ? ":lan" : "", f);
	fputs(host->modifiers & AST_MOD_PORTAL ? ":portal" : "", f);
	fputs(host->modifiers & AST_MOD_PORTAL_DNS ? ":portal-dns" : "", f);
	fputs(host->modifiers & AST_MOD_BROADCAST ? ":broadcast" : "", f);
	fputs(host->modifiers & AST_MOD_PEER ? ":peer" : "", f);
	fputs(host->modifiers & AST_MOD_NO_ALIAS ? ":0" : "", f);
	fputs(is_dynamic ? ")" : "", f);
	if (host->prefix_len >= 0)
		fprintf(f, "/%d", host->prefix_len);
}

static void print_prefix(const struct ast_host *host, FILE *f)
{
	char text[ADDR_TEXT_MAX];
	int bits = (int)addr_bits(host->family);
	fputs(addr_format(&host->first, host->family, text), f);
	if (host->scope)
		fprintf(f, "%%%s", host->scope);
	if (host->prefix_len >= 0 && host->prefix_len < bits)
		fprintf(f, "/%d", host->prefix_len);
}

static void print_special(const char *word, const char *name, FILE *f)
{
	fprintf(f, "%s ", word);
	print_string(name, f);
}

void print_bare_host(const struct ast_host *host, FILE *f)
{
	char text[ADDR_TEXT_MAX];
	switch (host->kind) {
	case AST_HOST_ANY:
		fputs("any", f);
		break;
	case AST_HOST_PREFIX:
		print_prefix(host, f);
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
	case AST_HOST_DYNAMIC:
		print_interface_host(host, f);
		break;
	case AST_HOST_NO_ROUTE:
		fputs("no-route", f);
		break;
	case AST_HOST_URPF_FAILED:
		fputs("urpf-failed", f);
		break;
	case AST_HOST_ROUTE:
		print_special("route", host->name, f);
		break;
	case AST_HOST_DNS:
		print_special("dns", host->name, f);
		break;
	case AST_HOST_FILE:
		print_special("file", host->name, f);
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
	};
	bool is_binary = port->op >= AST_PORT_INSIDE;
	bool is_bare = is_binary || (is_list && port->op == AST_PORT_EQ);
	if (port->op == AST_PORT_INCLUSIVE) {
		print_port_range(&port->first, &port->last, f);
		return;
	}
	fputs(is_bare ? "" : unary[port->op], f);
	print_name(&port->first, f);
	if (!is_binary)
		return;
	fputs(binary[port->op], f);
	print_name(&port->last, f);
}

static void print_ports(const char *word, const struct ast_port *ports, FILE *f)
{
	if (!ports)
		return;
	fprintf(f, " %s", word);
	open_list(ports->next, f);
	for (const struct ast_port *p = ports; p; p = p->next) {
		print_port(p, ports->next, f);
		next_of_list(p->next, f);
	}
	close_list(ports->next, f);
}

void print_side(const struct ast_side *side, FILE *f)
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
	print_ports("port", side->ports, f);
}

static void print_iface_name(const struct ast_iface *i, FILE *f)
{
	if (i->macro)
		fprintf(f, "$%s", i->macro);
	else if (!strcmp(i->name, "any"))
		fputs("any", f);
	else
		print_word(i->name, f);
}

void print_ifaces(const struct ast_iface *ifaces, FILE *f)
{
	open_list(ifaces->next, f);
	for (const struct ast_iface *i = ifaces; i; i = i->next) {
		fputs(i->is_negated ? "! " : "", f);
		fputs(i->is_dynamic ? "(" : "", f);
		if (i->is_rdomain)
			fprintf(f, "rdomain %u", i->rdomain);
		else
			print_iface_name(i, f);
		fputs(i->is_dynamic ? ")" : "", f);
		next_of_list(i->next, f);
	}
	close_list(ifaces->next, f);
}

void print_family(enum addr_family family, FILE *f)
{
	if (family != FAMILY_ANY)
		fputs(family == FAMILY_IPV4 ? " inet" : " inet6", f);
}

void print_protos(const struct ast_proto *protos, FILE *f)
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

bool side_is_any(const struct ast_side *side)
{
	return !side->ports &&
	       (!side->hosts ||
		(side->hosts->kind == AST_HOST_ANY && !side->hosts->next));
}

void print_head(const struct ast_match *m, FILE *f)
{
	if (m->ifaces) {
		fputs(" on", f);
		print_ifaces(m->ifaces, f);
	}
	print_family(m->family, f);
	print_protos(m->protos, f);
	if (side_is_any(&m->from) && side_is_any(&m->to)) {
		fputs(" all", f);
		return;
	}
	fputs(" from", f);
	print_side(&m->from, f);
	fputs(" to", f);
	print_side(&m->to, f);
}

/* ---- criteria behind the addresses ---- */

static void print_marks(const struct ast_mark *marks, FILE *f)
{
	if (!marks)
		return;
	fputs(" mark", f);
	open_list(marks->next, f);
	for (const struct ast_mark *m = marks; m; m = m->next) {
		fprintf(f, "0x%x", m->value);
		if (m->mask != UINT32_MAX)
			fprintf(f, "/0x%x", m->mask);
		next_of_list(m->next, f);
	}
	close_list(marks->next, f);
}

static void print_cgroups(const struct ast_word *cgroups, FILE *f)
{
	if (!cgroups)
		return;
	fputs(" cgroup", f);
	open_list(cgroups->next, f);
	for (const struct ast_word *w = cgroups; w; w = w->next) {
		print_string(w->text, f);
		next_of_list(w->next, f);
	}
	close_list(cgroups->next, f);
}

void print_owners(const struct ast_match *m, FILE *f)
{
	print_ports("user", m->users, f);
	print_ports("group", m->groups, f);
	print_cgroups(m->cgroups, f);
	print_marks(m->marks, f);
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

void print_criteria(const struct ast_match *m, FILE *f)
{
	const struct ast_iface *on = m->received_on;
	if (on) {
		fprintf(f, " %sreceived-on ", on->is_negated ? "!" : "");
		print_iface_name(on, f);
	}
	print_owners(m, f);
	print_flags(m, f);
	print_icmps(m, f);
	if (m->has_tos)
		fprintf(f, " tos 0x%02x", m->tos);
	if (m->has_prio)
		fprintf(f, " prio %u", m->prio);
}

void print_tagged(const struct ast_match *m, FILE *f)
{
	if (!m->tagged)
		return;
	fprintf(f, " %stagged ", m->is_tagged_not ? "! " : "");
	print_word(m->tagged, f);
}
