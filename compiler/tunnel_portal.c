/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel_portal.c: "portal on wlan0" -> rules that let by what the login of a
 * captive portal needs, to two tables that are empty.
 *
 * Overview: "(wlan0:portal)" says where the web is, "(wlan0:portal-dns)" who is
 * asked for names. "nfload portal wlan0" puts the policy in force once more
 * with members in them, on trial, so that the kernel's timer closes it.
 * Whatever else loads or refills a policy empties them.
 *
 * What the tunnel has stays in: a portal is whoever runs the network.
 */
#include <string.h>

#include "tunnel.h"

static bool is_outside(const struct tunnel *t, const char *name)
{
	if (t->outside[0].ast.is_negated)
		return true;
	for (size_t i = 0; i < t->outside_count; i++)
		if (strcmp(t->outside[i].ast.name, name) == 0)
			return true;
	return false;
}

bool tunnel_portal_is_sound(struct tunnel *t, struct tunnel_clause *clause)
{
	struct check *c = t->check;
	size_t count = 0;
	bool ok = true;

	for (const struct ast_iface *i = clause->ast->on; i; i = i->next)
		count++;
	clause->on = arena_alloc(c->arena, count * sizeof(*clause->on));
	for (const struct ast_iface *i = clause->ast->on; i; i = i->next) {
		if (strcmp(i->name, t->ast->device->name) != 0 &&
		    !names_is_loopback(c, i->name) && is_outside(t, i->name)) {
			ok &= names_iface(c, i, &clause->on[clause->on_count]);
			clause->on_count += ok;
			continue;
		}
		diag_error(c->diag, i->span, "contract",
			   "\"%s\" is not outside of the tunnel, so no portal "
			   "is there",
			   i->name);
		diag_hint(c->diag, "a portal is on an interface of \"over\"");
		ok = false;
	}
	return ok;
}

struct door {
	unsigned modifier;
	int proto, port;
};

/* The web, and DNS by both protocols (RFC 8910 for how portals do it). */
static const struct door doors[] = {
	{AST_MOD_PORTAL, CHECK_PROTO_TCP, 80},
	{AST_MOD_PORTAL, CHECK_PROTO_TCP, 443},
	{AST_MOD_PORTAL_DNS, CHECK_PROTO_UDP, 53},
	{AST_MOD_PORTAL_DNS, CHECK_PROTO_TCP, 53},
};

static void emit_door(struct tunnel *t, const struct tunnel_say *s,
		      const struct tunnel_clause *clause,
		      const struct check_iface *on, const struct door *door)
{
	struct check_match any =
		tunnel_proto_match(t, FAMILY_ANY, door->proto, -1);

	tunnel_match_ports(t, &any, -1, -1, door->port, door->port);
	if (s->stage == CHECK_GUARD)
		tunnel_emit_own(t, s, on, &any);
	for (size_t i = 0; i < clause->match_count; i++) {
		struct check_match m = clause->matches[i];

		m.ast.protos = any.ast.protos;
		m.numbers.proto = any.numbers.proto;
		m.ast.to.ports = any.ast.to.ports;
		m.numbers.dport = any.numbers.dport;
		tunnel_match_device(t, &m, on->ast.name, door->modifier, false);
		tunnel_emit(t, s, on, &m);
	}
}

void tunnel_emit_portals(struct tunnel *t, const struct tunnel_say *s)
{
	struct tunnel_say pass = *s;

	pass.is_pass = true;
	pass.keeps_state = s->stage == CHECK_RULES;
	pass.why = "portal";
	for (size_t i = 0; i < t->clause_count; i++) {
		const struct tunnel_clause *clause = &t->clauses[i];

		if (clause->ast->kind != AST_CLAUSE_PORTAL)
			continue;
		pass.span = clause->ast->span;
		for (size_t k = 0; k < clause->on_count; k++)
			for (size_t d = 0; d < sizeof(doors) / sizeof(*doors);
			     d++)
				emit_door(t, &pass, clause, &clause->on[k],
					  &doors[d]);
	}
}
