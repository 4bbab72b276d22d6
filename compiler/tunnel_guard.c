/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel_guard.c: the tunnel block -> the sealed guard, which is looked at
 * after everything else passed a packet.
 *
 * Overview: the first match decides, and no match has no objection. Of what
 * comes in, only what would turn the host against its tunnel is looked for: the
 * tunnel's own address, redirects, other tunnels. The tunnel's device
 * and loopback come first, so that
 * "! device" after them is every other interface, also one that appears later.
 *
 * Invariants: the last rule for the outside blocks every packet of every
 * family (in include mode: every frame that is not IP), so nothing outside is
 * left to the rules. DNS is blocked before "exclude" is asked, so that a
 * resolver in an excluded network is not asked, and the tunnel's not at any
 * port; a transport on port 53 is a transport.
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
 * ARP neither asks for one nor gives one away, either way. Without the tunnel
 * there are none, and nothing to betray.
 */
static void guard_addresses(struct tunnel *t)
{
	struct tunnel_say block = say(t, false, "the tunnel's address");

	block.is_side_door = true;
	for (size_t i = 0; i < 2; i++) {
		struct check_match m =
			tunnel_own_match(t, t->ast->device->name, i == 0);

		block.ethertype = 0;
		block.dirs = i == 0 ? TUNNEL_OUT : TUNNEL_IN;
		tunnel_emit_outside(t, &block, &m);
		block.ethertype = ETHERTYPE_ARP;
		block.dirs = TUNNEL_BOTH;
		tunnel_emit_outside(t, &block, &m);
	}
}

/* Is it a rule that sends what this host forwards, as it is, inside? */
static bool is_forwarding(const struct tunnel *t, const struct policy_rule *r,
			  enum addr_family family)
{
	const struct policy_match *m = &r->match;

	return r->is_pass && !r->is_generated && !m->on_any && !m->on_negated &&
	       m->ifid == t->device.ifid && m->dirs & TUNNEL_OUT &&
	       m->families & 1u << family &&
	       (m->src.kind == POLICY_HOST_RANGE ||
		m->src.kind == POLICY_HOST_TABLE) &&
	       !m->src.is_negated && !(r->effects && r->effects->nat);
}

/* What such rules do not name, one match each. */
static void sources_named(struct tunnel *t, enum addr_family family,
			  struct policy_rule *rule)
{
	const struct policy *p = t->check->policy;
	struct policy_match *within;

	within = arena_alloc(t->check->arena,
			     (p->rule_count + 1) * sizeof(*within));
	for (size_t i = 0; i < p->rule_count; i++) {
		struct policy_match *m = &within[rule->within_count];

		if (!is_forwarding(t, &p->rules[i], family))
			continue;
		*m = policy_match_any();
		m->families = (uint8_t)(1u << family);
		m->src = p->rules[i].match.src;
		m->src.is_negated = true;
		rule->within_count++;
	}
	rule->within = within;
}

/*
 * Inside, a source that is not the tunnel's own says where this host is, or is
 * forged (RFC 2827); what is forwarded is named by a rule for the device, or
 * translated.
 */
static void guard_sources(struct tunnel *t)
{
	struct tunnel_say block = say(t, false, "another's address");

	block.is_side_door = true;
	for (enum addr_family f = FAMILY_IPV4; f <= FAMILY_IPV6; f++) {
		struct check_match m =
			tunnel_own_match(t, t->ast->device->name, true);
		struct policy_rule named = {.within_count = 0};

		m.ast.family = f;
		m.numbers.families = (uint8_t)(1u << f);
		m.ast.from.hosts->is_negated = true;
		m.numbers.src.is_negated = true;
		sources_named(t, f, &named);
		block.why = named.within_count
				    ? "another's address, which no rule names"
				    : "another's address";
		block.inside = named.within;
		block.inside_count = named.within_count;
		tunnel_emit(t, &block, &t->device, &m);
	}
}

static void guard_inside(struct tunnel *t)
{
	struct tunnel_say pass = say(t, true, t->title);
	struct tunnel_say dns = say(t, true, "dns");

	pass.is_any_frame = true;
	guard_sources(t);
	if (t->dns) {
		dns.span = t->dns->span;
		tunnel_emit_dns(t, &dns, &t->device, true);
		dns.is_pass = false;
		tunnel_emit_dns(t, &dns, &t->device, false);
	}
	tunnel_emit(t, &pass, &t->device, NULL);
	pass.why = "loopback";
	pass.dirs = TUNNEL_BOTH;
	for (size_t i = 0; i < t->loopback_count; i++)
		tunnel_emit(t, &pass, &t->loopbacks[i], NULL);
}

/* A router may say where else to send what is excluded: ICMP's redirects. */
static void guard_redirects(struct tunnel *t)
{
	struct tunnel_say block = say(t, false, "redirect");
	struct check_match m =
		tunnel_proto_match(t, FAMILY_IPV4, CHECK_PROTO_ICMP, 5);

	block.dirs = TUNNEL_IN;
	tunnel_emit_outside(t, &block, &m);
	m = tunnel_proto_match(t, FAMILY_IPV6, CHECK_PROTO_ICMP6, 137);
	tunnel_emit_outside(t, &block, &m);
}

/* Does a transport or exclude clause say this protocol by its name? */
static bool is_named(const struct tunnel *t, unsigned proto)
{
	for (size_t i = 0; i < t->clause_count; i++) {
		const struct tunnel_clause *clause = &t->clauses[i];

		if (clause->ast->kind != AST_CLAUSE_TRANSPORT &&
		    clause->ast->kind != AST_CLAUSE_EXCLUDE)
			continue;
		for (size_t j = 0; j < clause->lists.proto_count; j++)
			if (clause->lists.protos[j].number == (int)proto)
				return true;
	}
	return false;
}

/*
 * What goes to the transport's endpoint is the tunnel's own, also where an
 * exclude clause would open it.
 */
static void guard_endpoint(struct tunnel *t, const struct tunnel_say *block,
			   const struct check_match *match)
{
	struct check_match m = *match;

	m.numbers.meta = NULL; /* whoever it is */
	m.ast.users = m.ast.groups = NULL;
	m.ast.cgroups = NULL;
	m.ast.marks = NULL;
	tunnel_emit_outside(t, block, &m);
}

static void guard_endpoints(struct tunnel *t)
{
	struct tunnel_say block = say(t, false, "another's transport");

	block.is_side_door = true;
	for (size_t i = 0; i < t->clause_count; i++) {
		const struct tunnel_clause *clause = &t->clauses[i];

		if (clause->ast->kind != AST_CLAUSE_TRANSPORT)
			continue;
		block.span = clause->ast->span;
		for (size_t j = 0; j < clause->match_count; j++)
			guard_endpoint(t, &block, &clause->matches[j]);
	}
}

/*
 * IP in IP, IPv6 in IP, GRE: a packet within another, that a router next to us,
 * or this kernel, would unwrap, is no tunnel of ours.
 */
static void guard_wrapped(struct tunnel *t)
{
	static const uint8_t protos[] = {4, 41, 47};
	struct tunnel_say block = say(t, false, "another tunnel");

	block.is_side_door = true;
	block.dirs = TUNNEL_BOTH;
	for (size_t i = 0; i < sizeof(protos); i++) {
		struct check_match m = tunnel_proto_match(t, 0, protos[i], -1);

		if (!is_named(t, protos[i]))
			tunnel_emit_outside(t, &block, &m);
	}
}

/*
 * Who answers for an address behind another device tells the link what is
 * there: inside of the tunnel, too.
 */
static void guard_proxies(struct tunnel *t)
{
	struct check_match m =
		tunnel_proto_match(t, FAMILY_IPV6, CHECK_PROTO_ICMP6, 136);
	struct tunnel_say block = say(t, false, "another's answer");

	for (size_t i = 0; i < t->clause_count; i++)
		if (t->clauses[i].ast->kind == AST_CLAUSE_LINK &&
		    tunnel_has_link(&t->clauses[i], "proxy"))
			return;
	block.is_side_door = true;
	block.lacks = NFR_ORIGIN_OWN;
	tunnel_emit_outside(t, &block, &m);
	block.ethertype = ETHERTYPE_ARP;
	tunnel_emit_outside(t, &block, NULL);
}

/*
 * Who asks the link for an address tells it that somebody here wants it. What
 * may be sent there has come by the floor, and waits for the answer.
 */
static void guard_questions(struct tunnel *t)
{
	struct check_match m =
		tunnel_proto_match(t, FAMILY_IPV6, CHECK_PROTO_ICMP6, 135);
	struct tunnel_say block = say(t, false, "another's question");

	block.is_side_door = true;
	block.lacks = NFR_ORIGIN_NEEDED;
	tunnel_emit_outside(t, &block, &m);
	block.ethertype = ETHERTYPE_ARP;
	tunnel_emit_outside(t, &block, NULL);
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
			m = tunnel_link_match(t, l);
			pass = say(t, true, l->why);
			pass.span = t->clauses[i].ast->span;
			pass.ethertype = l->ethertype;
			pass.origin = l->origin;
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

/* An exclude clause that says where packets go, not whose they are. */
static bool is_by_address(const struct tunnel_clause *clause)
{
	const struct ast_match *m = &clause->ast->match;

	return clause->ast->kind == AST_CLAUSE_EXCLUDE && !m->users &&
	       !m->groups && !m->cgroups;
}

/*
 * Who is excluded goes outside wherever he goes. What is excluded by its
 * address is where a LAN says it is; but what "dns" names is inside, and a LAN
 * that has a host of that address is not asked anything.
 */
static void guard_excludes(struct tunnel *t, const struct tunnel_say *pass)
{
	const struct check_match any =
		tunnel_proto_match(t, FAMILY_ANY, -1, -1);
	struct tunnel_say own = *pass;
	bool is_first = true;

	for (size_t i = 0; i < t->clause_count; i++)
		if (t->clauses[i].ast->kind == AST_CLAUSE_EXCLUDE &&
		    !is_by_address(&t->clauses[i]))
			tunnel_emit_clause(t, &t->clauses[i], pass, "exclude");
	for (size_t i = 0; i < t->clause_count; i++) {
		if (!is_by_address(&t->clauses[i]))
			continue;
		if (is_first && t->dns) {
			own.span = t->dns->span;
			tunnel_emit_resolvers(t, &own, NULL, &any);
		}
		is_first = false;
		tunnel_emit_clause(t, &t->clauses[i], pass, "exclude");
	}
}

void tunnel_guard(struct tunnel *t)
{
	struct tunnel_say pass = say(t, true, t->title);
	struct tunnel_say block = say(t, false, t->title);

	guard_inside(t);
	guard_addresses(t);
	guard_redirects(t);
	guard_proxies(t);
	if (!t->is_include)
		guard_questions(t);
	guard_links(t);
	tunnel_emit_clauses(t, AST_CLAUSE_TRANSPORT, &pass, "transport");
	if (!t->is_include)
		guard_endpoints(t);
	guard_wrapped(t);
	if (t->is_include)
		tunnel_emit_clauses(t, AST_CLAUSE_INCLUDE, &block, "include");
	tunnel_emit_portals(t, &pass);
	guard_dns(t);
	if (t->is_include) {
		tunnel_emit_outside(t, &pass, NULL);
	} else {
		guard_excludes(t, &pass);
		tunnel_emit_lan(t, &pass);
	}
	block.is_any_frame = true;
	tunnel_emit_outside(t, &block, NULL);
}
