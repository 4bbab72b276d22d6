/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel_guard.c: the tunnel block -> the sealed guard, which is looked at
 * after everything else passed a packet.
 *
 * Overview: the first match decides, and no match has no objection. Of what
 * comes in, only the tunnel's own address is looked for. The tunnel's device
 * and loopback come first, so that
 * "! device" after them is every other interface, also one that appears later.
 *
 * Invariants: the last rule for the outside blocks every packet of every
 * family (in include mode: every frame that is not IP), so nothing outside is
 * left to the rules. DNS is blocked before "exclude" is asked, so that a
 * resolver in an excluded network is not asked; a transport on port 53 is a
 * transport.
 */
#include "tunnel.h"

static struct tunnel_say say(const struct tunnel *t, bool is_pass,
			     const char *why)
{
	return (struct tunnel_say){
		.stage = CHECK_GUARD,
		.is_pass = is_pass,
		.dirs = TUNNEL_OUT,
		.span = t->node->span,
		.why = why,
	};
}

/*
 * The tunnel's own addresses are inside: what has one as its source outside
 * betrays it (CVE-2019-14899), and what comes from outside to one is forged.
 * Without the tunnel there are none, and nothing to betray.
 */
static void guard_addresses(struct tunnel *t)
{
	struct tunnel_say block = say(t, false, "the tunnel's address");

	block.is_address = true;
	for (size_t i = 0; i < 2; i++) {
		struct check_match m =
			tunnel_own_match(t, t->ast->device->name, i == 0);

		block.dirs = i == 0 ? TUNNEL_OUT : TUNNEL_IN;
		tunnel_emit_outside(t, &block, &m);
	}
}

/* Inside, an address of another interface of this host says where it is. */
static void guard_sources(struct tunnel *t)
{
	struct tunnel_say rule = say(t, true, "the tunnel's address");
	struct check_match m = tunnel_own_match(t, t->ast->device->name, true);

	tunnel_emit(t, &rule, &t->device, &m);
	m = tunnel_own_match(t, "self", true);
	rule.is_pass = false;
	rule.is_address = true;
	rule.why = "another's address";
	tunnel_emit(t, &rule, &t->device, &m);
}

static void guard_inside(struct tunnel *t)
{
	struct tunnel_say pass = say(t, true, t->title);
	struct tunnel_say dns = say(t, true, "dns");

	pass.is_any_frame = true;
	if (t->dns) {
		dns.span = t->dns->span;
		tunnel_emit_dns(t, &dns, &t->device, true);
		dns.is_pass = false;
		tunnel_emit_dns(t, &dns, &t->device, false);
	}
	guard_sources(t);
	tunnel_emit(t, &pass, &t->device, NULL);
	pass.why = "loopback";
	pass.dirs = TUNNEL_BOTH;
	for (size_t i = 0; i < t->loopback_count; i++)
		tunnel_emit(t, &pass, &t->loopbacks[i], NULL);
}

static void guard_links(struct tunnel *t)
{
	for (size_t i = 0; i < t->clause_count; i++) {
		if (t->clauses[i].ast->kind != AST_CLAUSE_LINK)
			continue;
		for (size_t j = 0; j < tunnel_link_count; j++) {
			const struct tunnel_link *l = &tunnel_links[j];
			struct check_match m;
			struct tunnel_say pass;

			if (!(l->dirs & TUNNEL_OUT) ||
			    !tunnel_has_link(&t->clauses[i], l->word))
				continue;
			m = tunnel_link_match(t->check, l);
			pass = say(t, true, l->why);
			pass.span = t->clauses[i].ast->span;
			pass.ethertype = l->ethertype;
			pass.ttl = m.numbers.ttl;
			tunnel_emit_outside(t, &pass, &m);
		}
	}
}

static void guard_dns(struct tunnel *t)
{
	struct tunnel_say block = say(t, false, "dns");

	if (!t->dns)
		return;
	block.span = t->dns->span;
	for (size_t i = 0; i < t->outside_count; i++)
		tunnel_emit_dns(t, &block, &t->outside[i], false);
}

void tunnel_guard(struct tunnel *t)
{
	struct tunnel_say pass = say(t, true, t->title);
	struct tunnel_say block = say(t, false, t->title);

	guard_inside(t);
	guard_addresses(t);
	guard_links(t);
	tunnel_emit_clauses(t, AST_CLAUSE_TRANSPORT, &pass, "transport");
	if (t->is_include)
		tunnel_emit_clauses(t, AST_CLAUSE_INCLUDE, &block, "include");
	guard_dns(t);
	if (t->is_include)
		tunnel_emit_outside(t, &pass, NULL);
	else
		tunnel_emit_clauses(t, AST_CLAUSE_EXCLUDE, &pass, "exclude");
	block.is_any_frame = true;
	tunnel_emit_outside(t, &block, NULL);
}
