/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel_emit.c: what a tunnel block says -> generated rules, each with a text
 * that names the clause it comes from.
 */
#include "tunnel.h"

#include <string.h>

#define HOP_LIMIT_NDP 255 /* RFC 4861, 6.1 and 7.1: it was not forwarded */
#define ETHERTYPE_EAPOL 0x888e

#define LINK_FRAME(word, dirs, end, origin, ethertype)                         \
	{                                                                      \
		word, "link " word, dirs, end, origin, ethertype, 0, -1, -1,   \
			-1, -1                                                 \
	}
#define LINK_NDP(dirs, end, origin, type)                                      \
	{                                                                      \
		"ndp", "link ndp", dirs, end, origin, 0, FAMILY_IPV6,          \
			CHECK_PROTO_ICMP6, -1, -1, type                        \
	}
#define LINK_DHCP(dirs, end, family, sport, dport)                             \
	{                                                                      \
		"dhcp", "link dhcp", dirs, end, 0, 0, family, CHECK_PROTO_UDP, \
			sport, dport, -1                                       \
	}

/*
 * What a link needs to live. NDP without redirects (137), as these change
 * routes. RFC 826; RFC 4861; RFC 2131 and 8415; IEEE 802.1X.
 *
 * The kernel asks for neighbours that it may send to: the floor has stopped all
 * else before. Others may ask for, and send to, what is on the link, so that
 * none of this carries anything further. A lease from a server elsewhere is
 * renewed by broadcast in the end (RFC 2131 4.4.5).
 */
const struct tunnel_link tunnel_links[] = {
	LINK_FRAME("arp", TUNNEL_OUT, TUNNEL_TO_LINK, 0, ETHERTYPE_ARP),
	LINK_FRAME("arp", TUNNEL_OUT, TUNNEL_ANYWHERE, NFR_ORIGIN_KERNEL,
		   ETHERTYPE_ARP),
	LINK_FRAME("arp", TUNNEL_IN, TUNNEL_ANYWHERE, 0, ETHERTYPE_ARP),
	LINK_FRAME("eapol", TUNNEL_BOTH, TUNNEL_ANYWHERE, 0, ETHERTYPE_EAPOL),
	LINK_NDP(TUNNEL_OUT, TUNNEL_TO_LINK, 0, 133),
	LINK_NDP(TUNNEL_IN, TUNNEL_FROM_LINK, 0, 134),
	LINK_NDP(TUNNEL_OUT, TUNNEL_TO_LINK, 0, 135),
	LINK_NDP(TUNNEL_OUT, TUNNEL_ANYWHERE, NFR_ORIGIN_KERNEL, 135),
	LINK_NDP(TUNNEL_IN, TUNNEL_ANYWHERE, 0, 135),
	LINK_NDP(TUNNEL_OUT, TUNNEL_TO_LINK, 0, 136),
	LINK_NDP(TUNNEL_OUT, TUNNEL_ANYWHERE, NFR_ORIGIN_KERNEL, 136),
	LINK_NDP(TUNNEL_IN, TUNNEL_ANYWHERE, 0, 136),
	LINK_DHCP(TUNNEL_OUT, TUNNEL_TO_LINK, FAMILY_IPV4, 68, 67),
	LINK_DHCP(TUNNEL_IN, TUNNEL_ANYWHERE, FAMILY_IPV4, 67, 68),
	LINK_DHCP(TUNNEL_OUT, TUNNEL_TO_LINK, FAMILY_IPV6, 546, 547),
	LINK_DHCP(TUNNEL_IN, TUNNEL_ANYWHERE, FAMILY_IPV6, 547, 546),
};
const size_t tunnel_link_count = sizeof(tunnel_links) / sizeof(*tunnel_links);

bool tunnel_has_link(const struct tunnel_clause *clause, const char *word)
{
	for (const struct ast_word *w = clause->ast->words; w; w = w->next)
		if (strcmp(w->text, word) == 0)
			return true;
	return false;
}

/* ---- matches made by hand --------------------------------------------------
 */

static struct check_match match_any(void)
{
	struct check_match match = {.numbers = policy_match_any()};

	match.numbers.dirs = 0; /* the caller's */
	return match;
}

static void match_family(struct check_match *m, enum addr_family family)
{
	if (!family)
		return;
	m->ast.family = family;
	m->numbers.families = (uint8_t)(1u << family);
}

static void match_proto(struct check *c, struct check_match *m, int proto)
{
	if (proto < 0)
		return;
	m->numbers.proto = proto;
	m->ast.protos = arena_new_of(c->arena, struct ast_proto);
	m->ast.protos->name = (struct ast_name){
		.text = host_proto_name((unsigned)proto),
		.value = proto,
	};
}

static void match_ports(struct check *c, struct ast_port **ast,
			struct policy_port *numbers, int first, int last)
{
	if (first < 0)
		return;
	*numbers = (struct policy_port){
		.first = (uint16_t)first,
		.last = (uint16_t)last,
	};
	*ast = arena_new_of(c->arena, struct ast_port);
	(*ast)->op = first == last ? AST_PORT_EQ : AST_PORT_INCLUSIVE;
	(*ast)->first.value = first;
	(*ast)->last.value = last;
}

static void match_port(struct check *c, struct ast_port **ast,
		       struct policy_port *numbers, int port)
{
	match_ports(c, ast, numbers, port, port);
}

void tunnel_match_ports(struct tunnel *t, struct check_match *m,
			int sport_first, int sport_last, int dport_first,
			int dport_last)
{
	match_ports(t->check, &m->ast.from.ports, &m->numbers.sport,
		    sport_first, sport_last);
	match_ports(t->check, &m->ast.to.ports, &m->numbers.dport, dport_first,
		    dport_last);
}

static void match_icmp(struct check *c, struct check_match *m, int type)
{
	struct ast_icmp *icmp;

	if (type < 0)
		return;
	m->numbers.icmp_type = (int16_t)type;
	m->numbers.icmp_code = 0;
	icmp = arena_new_of(c->arena, struct ast_icmp);
	icmp->type.value = type;
	icmp->type.text = icmp_type_name(m->ast.family, (unsigned)type);
	icmp->has_code = true;
	m->ast.icmps = icmp;
	m->ast.icmp_family = m->ast.family;
}

static void match_host(struct tunnel *t, struct check_match *m,
		       struct ast_host *host, int table, bool is_source)
{
	struct policy_host *numbers =
		is_source ? &m->numbers.src : &m->numbers.dst;

	host->span = t->node->span;
	host->prefix_len = -1;
	if (table >= 0)
		*numbers = (struct policy_host){
			.kind = POLICY_HOST_TABLE,
			.is_negated = host->is_negated,
			.table = (uint32_t)table,
		};
	(is_source ? &m->ast.from : &m->ast.to)->hosts = host;
}

struct check_match tunnel_link_match(struct tunnel *t,
				     const struct tunnel_link *l)
{
	struct check_match m = match_any();
	struct check *c = t->check;
	struct ast_host *host;

	if (l->end != TUNNEL_ANYWHERE) {
		host = arena_new_of(c->arena, struct ast_host);
		host->kind = AST_HOST_TABLE;
		host->name = TABLE_LINK;
		match_host(t, &m, host, tables_link(c, t->node->span),
			   l->end == TUNNEL_FROM_LINK);
	}
	if (l->ethertype)
		return m;
	match_family(&m, l->family);
	match_proto(c, &m, l->proto);
	match_port(c, &m.ast.from.ports, &m.numbers.sport, l->sport);
	match_port(c, &m.ast.to.ports, &m.numbers.dport, l->dport);
	match_icmp(c, &m, l->icmp_type);
	if (l->icmp_type >= 0)
		m.numbers.ttl = HOP_LIMIT_NDP;
	return m;
}

struct check_match tunnel_proto_match(struct tunnel *t, enum addr_family family,
				      int proto, int icmp_type)
{
	struct check_match m = match_any();

	match_family(&m, family);
	match_proto(t->check, &m, proto);
	match_icmp(t->check, &m, icmp_type);
	if (icmp_type >= 0) {
		m.numbers.icmp_code = -1;
		m.ast.icmps->has_code = false;
	}
	return m;
}

struct check_match tunnel_own_match(struct tunnel *t, const char *device,
				    bool is_source)
{
	struct ast_host *host = arena_new_of(t->check->arena, struct ast_host);
	struct check_match m = match_any();

	host->kind = AST_HOST_DYNAMIC;
	host->name = device;
	host->prefix_len = -1;
	match_host(t, &m, host, tables_dynamic(t->check, host), is_source);
	return m;
}

/* ---- rules ------------------------------------------------------------------
 */

static const char *say_origin(const struct tunnel_say *s)
{
	return s->lacks & NFR_ORIGIN_OWN       ? " of another device"
	       : s->lacks & NFR_ORIGIN_NEEDED  ? " that nothing waits for"
	       : s->origin & NFR_ORIGIN_TICKET ? " by the tunnel's own"
	       : s->origin & NFR_ORIGIN_SOCKET ? " by a socket"
	       : s->origin & NFR_ORIGIN_KERNEL ? " by the kernel"
					       : "";
}

static const char *say_text(struct tunnel *t, const struct tunnel_say *s,
			    const struct ast_match *match)
{
	struct arena *a = t->check->arena;
	struct ast_rule r = {
		.is_pass = s->is_pass,
		.has_in = s->dirs == TUNNEL_IN,
		.has_out = s->dirs == TUNNEL_OUT,
		.match = *match,
		.ret = AST_RETURN_DROP,
		.allows_opts = s->allows_opts,
	};
	const char *extra = "";

	if (s->is_pass && s->stage == CHECK_RULES && !s->keeps_state)
		r.state = AST_STATE_NONE;
	if (s->ethertype)
		extra = arena_printf(a, " ethertype 0x%04x",
				     (unsigned)s->ethertype);
	else if (s->within)
		extra = arena_printf(a, " within %s", s->within->text);
	else if (s->ttl > 0)
		extra = arena_printf(a, " hop limit %d", s->ttl);
	return arena_printf(
		a, "%s%s%s%s (%s)", s->stage == CHECK_GUARD ? "guard: " : "",
		rule_text(t->check, &r), extra, say_origin(s), s->why);
}

static const struct policy_match *within_match(struct tunnel *t,
					       const struct addr_range *range)
{
	struct policy_match *m =
		arena_new_of(t->check->arena, struct policy_match);

	*m = match_any().numbers;
	m->dirs = TUNNEL_BOTH;
	m->families = (uint8_t)(1u << range->family);
	m->dst = (struct policy_host){
		.kind = POLICY_HOST_RANGE,
		.first = range->addr,
		.last = addr_last(range->addr, range->family,
				  range->prefix_len),
	};
	return m;
}

void tunnel_emit(struct tunnel *t, const struct tunnel_say *s,
		 const struct check_iface *on, const struct check_match *match)
{
	struct check_match m = match ? *match : match_any();
	struct ast_iface iface;
	struct policy_rule rule;

	m.numbers.dirs = s->dirs;
	m.numbers.origin = s->origin;
	m.numbers.lacks = s->lacks;
	m.numbers.on_any = !on;
	if (on) {
		iface = on->ast;
		m.ast.ifaces = &iface;
		m.numbers.ifid = on->ifid;
		m.numbers.on_negated = on->ast.is_negated;
	}
	if (s->ethertype) {
		m.numbers.families = 1u << NFR_FAMILY_LINK;
		m.numbers.ethertype = s->ethertype;
	}
	if (s->is_any_frame)
		m.numbers.families |= 1u << NFR_FAMILY_LINK;
	if (s->keeps_state) /* from the middle of a connection, too */
		m.ast.has_flags = m.numbers.proto < 0 ||
				  m.numbers.proto == CHECK_PROTO_TCP;
	rule = (struct policy_rule){
		.match = m.numbers,
		.is_pass = s->is_pass,
		.keeps_state = s->keeps_state,
		.is_generated = true,
		.is_side_door = s->is_side_door,
		.allows_opts = s->allows_opts,
		.span = s->span,
		.text = say_text(t, s, &m.ast),
	};
	rule.within = s->inside;
	rule.within_count = s->inside_count;
	if (s->within) {
		rule.within = within_match(t, s->within);
		rule.within_count = 1;
	}
	rule_add(t->check, s->stage, &rule);
}

void tunnel_emit_outside(struct tunnel *t, const struct tunnel_say *s,
			 const struct check_match *match)
{
	for (size_t i = 0; i < t->outside_count; i++)
		tunnel_emit(t, s, &t->outside[i], match);
}

/*
 * Who may send it: whom the policy names, by an own socket, else who is known
 * to carry the tunnel. A mark is a hint: anyone can set it.
 */
static uint8_t transport_origin(const struct ast_clause *clause)
{
	const struct ast_match *m = &clause->match;

	return m->users || m->groups || m->cgroups ? NFR_ORIGIN_SOCKET
						   : NFR_ORIGIN_TICKET;
}

void tunnel_emit_clause(struct tunnel *t, const struct tunnel_clause *clause,
			const struct tunnel_say *s, const char *why)
{
	struct tunnel_say clause_say = *s;

	clause_say.why = why;
	clause_say.span = clause->ast->span;
	if (clause->ast->kind == AST_CLAUSE_TRANSPORT &&
	    s->stage == CHECK_GUARD)
		clause_say.origin = transport_origin(clause->ast);
	for (size_t j = 0; j < clause->match_count; j++)
		tunnel_emit_exclude(t, &clause_say, clause,
				    &clause->matches[j]);
}

void tunnel_emit_clauses(struct tunnel *t, enum ast_clause_kind kind,
			 const struct tunnel_say *s, const char *why)
{
	for (size_t i = 0; i < t->clause_count; i++)
		if (t->clauses[i].ast->kind == kind)
			tunnel_emit_clause(t, &t->clauses[i], s, why);
}

/* ---- DNS --------------------------------------------------------------------
 */

/* DNS on 53, DNS over TLS and over QUIC on 853 (RFC 1035, 7858, 9250). */
static void emit_dns_to(struct tunnel *t, const struct tunnel_say *s,
			const struct check_iface *on, struct check_host *to)
{
	static const int protos[] = {CHECK_PROTO_TCP, CHECK_PROTO_UDP};
	static const int ports[] = {53, 853};

	for (int i = 0; i < 4; i++) {
		struct check_match m = match_any();

		match_proto(t->check, &m, protos[i / 2]);
		match_port(t->check, &m.ast.to.ports, &m.numbers.dport,
			   ports[i % 2]);
		if (to) {
			match_family(&m, to->family);
			m.ast.to.hosts = &to->ast;
			m.numbers.dst = to->host;
		}
		tunnel_emit(t, s, on, &m);
	}
}

void tunnel_emit_dns(struct tunnel *t, const struct tunnel_say *s,
		     const struct check_iface *on, bool to_resolvers)
{
	struct tunnel_say dns = *s;

	if (!to_resolvers) {
		emit_dns_to(t, s, on, NULL);
		return;
	}
	for (size_t i = 0; i < t->clause_count; i++) {
		const struct tunnel_clause *clause = &t->clauses[i];

		if (clause->ast->kind != AST_CLAUSE_DNS)
			continue;
		dns.span = clause->ast->span;
		for (size_t j = 0; j < clause->lists.dst_count; j++)
			emit_dns_to(t, &dns, on, &clause->lists.dsts[j]);
	}
}
