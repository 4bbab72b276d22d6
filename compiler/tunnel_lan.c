/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel_lan.c: "exclude lan" and "exclude discovery" -> what goes to the
 * network next to a device, and nowhere else.
 *
 * Overview
 *   The LAN is, a device at a time, the networks of its own addresses that are
 *   private or link-local: the table "(eth0:lan)". Out of the tunnel a packet
 * to one of them leaves by that device only, so no route that a router hands
 * out takes it elsewhere. Discovery is the groups of discovery.def, out; and
 * in, from the LAN, what asks there and what answers.
 *
 * Invariants
 *   - A network that is not wholly private is none: who hands it out may want
 *     the world.
 *   - What the tunnel has is not the LAN's: its networks and its resolvers.
 *   - DNS goes to no LAN, also when there is no "dns" clause.
 *   - "over any" means the devices that the host has when the policy is
 *     compiled. One that comes later has no LAN until it is compiled again.
 */
#include <string.h>

#include "tunnel.h"

#define PROTO_IGMP 2
#define MLD_QUERY 130 /* RFC 2710; IGMP's are RFC 9776 */
#define MLD_REPORT 131
#define MLD2_REPORT 143 /* RFC 9777 */
#define HOP_LIMIT_LINK 1
#define PORT_EPHEMERAL 32768 /* ip_local_port_range begins here */

struct discovery {
	const char *word, *groups[2]; /* IPv4, IPv6 */
	int port;
};

static const struct discovery discoveries[] = {
#define NFR_DISCOVERY(word, group4, group6, port, what)                        \
	{word, {group4, group6}, port},
#include "discovery.def"
#undef NFR_DISCOVERY
};

#define DISCOVERY_COUNT (sizeof(discoveries) / sizeof(*discoveries))

/* ---- what a clause can get wrong --------------------------------------- */

bool tunnel_discovery_is_sound(struct tunnel *t,
			       const struct tunnel_clause *clause)
{
	struct diag *d = t->check->diag;
	const char *words[DISCOVERY_COUNT], *known = "";
	bool ok = true;

	for (size_t i = 0; i < DISCOVERY_COUNT; i++) {
		words[i] = discoveries[i].word;
		known = arena_printf(t->check->arena, "%s%s%s", known,
				     i == 0			? ""
				     : i + 1 == DISCOVERY_COUNT ? " and "
								: ", ",
				     words[i]);
	}
	for (const struct ast_word *w = clause->ast->words; w; w = w->next) {
		const char *near =
			diag_nearest(w->text, words, DISCOVERY_COUNT);
		bool is_known = false;

		for (size_t i = 0; i < DISCOVERY_COUNT; i++)
			is_known |= strcmp(w->text, words[i]) == 0;
		if (is_known)
			continue;
		ok = false;
		diag_error(d, w->span, "name",
			   "\"exclude discovery\" knows %s, not \"%s\"", known,
			   w->text);
		if (near)
			diag_inline_hint(d, "did you mean \"%s\"?", near);
		else
			diag_hint(d, "another group is an exclude of its own, "
				     "as in \"exclude proto udp to 224.0.1.1 "
				     "port 123\"");
	}
	return ok;
}

/* ---- the devices ------------------------------------------------------- */

static bool needs_uplinks(const struct tunnel *t)
{
	for (size_t i = 0; i < t->clause_count; i++)
		if (t->clauses[i].ast->kind == AST_CLAUSE_LAN ||
		    t->clauses[i].ast->kind == AST_CLAUSE_DISCOVERY)
			return true;
	return false;
}

void tunnel_uplinks_resolve(struct tunnel *t)
{
	struct check *c = t->check;
	size_t count;
	const char *const *names = host_iface_names(c->host, &count);

	t->uplinks = t->outside;
	t->uplink_count = t->outside_count;
	if (!needs_uplinks(t) || !t->outside[0].ast.is_negated)
		return;
	t->uplinks = arena_alloc(c->arena, (count + 1) * sizeof(*t->uplinks));
	t->uplink_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct check_iface *up = &t->uplinks[t->uplink_count];

		if (names_is_loopback(c, names[i]) ||
		    strcmp(names[i], t->ast->device->name) == 0)
			continue;
		*up = (struct check_iface){.ast.name = names[i]};
		up->ifid = names_ifid(c, names[i], t->node->span);
		t->uplink_count += up->ifid != 0;
	}
}

/* ---- matches ----------------------------------------------------------- */

static void match_to(struct tunnel *t, struct check_match *m,
		     struct ast_host *host, bool is_source)
{
	struct policy_host *numbers =
		is_source ? &m->numbers.src : &m->numbers.dst;

	host->span = t->node->span;
	host->prefix_len = -1;
	(is_source ? &m->ast.from : &m->ast.to)->hosts = host;
	if (host->kind == AST_HOST_PREFIX)
		*numbers = (struct policy_host){
			.kind = POLICY_HOST_RANGE,
			.first = host->first,
			.last = host->first,
		};
	else
		*numbers = (struct policy_host){
			.kind = POLICY_HOST_TABLE,
			.table = (uint32_t)tables_dynamic(t->check, host),
		};
}

void tunnel_match_device(struct tunnel *t, struct check_match *m,
			 const char *device, unsigned modifiers, bool is_source)
{
	struct ast_host *host = arena_new_of(t->check->arena, struct ast_host);

	host->kind = AST_HOST_DYNAMIC;
	host->name = device;
	host->modifiers = modifiers;
	match_to(t, m, host, is_source);
}

static void match_group(struct tunnel *t, struct check_match *m,
			const char *group)
{
	struct ast_host *host = arena_new_of(t->check->arena, struct ast_host);

	host->kind = AST_HOST_PREFIX;
	addr_parse(group, &host->first, &host->family);
	m->ast.family = host->family;
	m->numbers.families = (uint8_t)(1u << host->family);
	match_to(t, m, host, false);
}

static void emit_to_lan(struct tunnel *t, const struct tunnel_say *s, int dport)
{
	static const int protos[] = {CHECK_PROTO_TCP, CHECK_PROTO_UDP};
	const unsigned count = dport < 0 ? 1 : 2;

	for (size_t i = 0; i < t->uplink_count; i++) {
		for (unsigned k = 0; k < count; k++) {
			struct check_match m = tunnel_proto_match(
				t, FAMILY_ANY, dport < 0 ? -1 : protos[k], -1);

			tunnel_match_ports(t, &m, -1, -1, dport, dport);
			tunnel_match_device(t, &m, t->uplinks[i].ast.name,
					    AST_MOD_LAN, false);
			tunnel_emit(t, s, &t->uplinks[i], &m);
		}
	}
}

/* ---- the LAN ----------------------------------------------------------- */

static void emit_own(struct tunnel *t, const struct tunnel_say *s,
		     const struct check_iface *on, const struct check_match *m)
{
	if (on)
		tunnel_emit(t, s, on, m);
	else
		tunnel_emit_outside(t, s, m);
}

/* Without the tunnel there is none of it, and nothing to keep in. */
static struct tunnel_say say_own(const struct tunnel_say *s, const char *why)
{
	struct tunnel_say block = *s;

	block.is_pass = block.keeps_state = false;
	block.is_side_door = true;
	block.why = why;
	return block;
}

void tunnel_emit_resolvers(struct tunnel *t, const struct tunnel_say *s,
			   const struct check_iface *on,
			   const struct check_match *match)
{
	struct tunnel_say block = say_own(s, "the tunnel's resolver");

	for (size_t i = 0; i < t->clause_count; i++) {
		const struct tunnel_clause *clause = &t->clauses[i];

		if (clause->ast->kind != AST_CLAUSE_DNS)
			continue;
		for (size_t j = 0; j < clause->lists.dst_count; j++) {
			struct check_host *to = &clause->lists.dsts[j];
			struct check_match m = *match;

			m.ast.family = to->family;
			m.numbers.families = (uint8_t)(1u << to->family);
			m.ast.to.hosts = &to->ast;
			m.numbers.dst = to->host;
			emit_own(t, &block, on, &m);
		}
	}
}

void tunnel_emit_own(struct tunnel *t, const struct tunnel_say *s,
		     const struct check_iface *on,
		     const struct check_match *match)
{
	struct tunnel_say block = say_own(s, "the tunnel's network");
	struct check_match m = *match;

	tunnel_match_device(t, &m, t->ast->device->name, AST_MOD_NETWORK,
			    false);
	emit_own(t, &block, on, &m);
	tunnel_emit_resolvers(t, s, on, match);
}

static void emit_lan_pass(struct tunnel *t, const struct tunnel_say *s)
{
	struct tunnel_say pass = *s;

	pass.is_pass = true;
	pass.keeps_state = s->stage == CHECK_RULES;
	pass.why = "exclude lan";
	emit_to_lan(t, &pass, -1);
}

static void emit_lan_blocks(struct tunnel *t, const struct tunnel_say *s)
{
	struct tunnel_say block = *s;
	struct check_match m;

	block.is_pass = block.keeps_state = false;
	/* Without a LAN nothing of it passes either. */
	block.is_side_door = true;
	block.why = "dns";
	if (!t->dns) {
		emit_to_lan(t, &block, 53);
		emit_to_lan(t, &block, 853);
	}
	m = tunnel_proto_match(t, FAMILY_ANY, -1, -1);
	tunnel_emit_own(t, &block, NULL, &m);
}

/* ---- discovery --------------------------------------------------------- */

/*
 * A report of who listens to a group, to the routers or to the group. Switches
 * that look into it send the group's packets only there (RFC 4541). family is
 * 0 for IPv4, type of IPv6.
 */
static void emit_report(struct tunnel *t, const struct tunnel_say *s,
			unsigned family, int type, const char *to)
{
	struct tunnel_say pass = *s;
	struct check_match m =
		family == 0 ? tunnel_proto_match(t, FAMILY_IPV4, PROTO_IGMP, -1)
			    : tunnel_proto_match(t, FAMILY_IPV6,
						 CHECK_PROTO_ICMP6, type);

	pass.allows_opts = s->stage == CHECK_RULES; /* the router alert */
	pass.ttl = m.numbers.ttl = HOP_LIMIT_LINK;
	match_group(t, &m, to);
	tunnel_emit_outside(t, &pass, &m);
}

/* Who asks for reports. */
static void emit_queries(struct tunnel *t, const struct tunnel_say *s)
{
	struct tunnel_say pass = *s;
	struct check_match m =
		tunnel_proto_match(t, FAMILY_IPV4, PROTO_IGMP, -1);

	pass.dirs = TUNNEL_IN;
	pass.allows_opts = true;
	pass.ttl = m.numbers.ttl = HOP_LIMIT_LINK;
	tunnel_emit_outside(t, &pass, &m);
	m = tunnel_proto_match(t, FAMILY_IPV6, CHECK_PROTO_ICMP6, MLD_QUERY);
	m.numbers.ttl = HOP_LIMIT_LINK;
	tunnel_emit_outside(t, &pass, &m);
}

static void emit_questions(struct tunnel *t, const struct tunnel_say *s,
			   const struct discovery *d, unsigned family)
{
	struct check_match m =
		tunnel_proto_match(t, FAMILY_ANY, CHECK_PROTO_UDP, -1);

	tunnel_match_ports(t, &m, -1, -1, d->port, d->port);
	match_group(t, &m, d->groups[family]);
	tunnel_emit_outside(t, s, &m);
}

/*
 * Of the LAN: who asks the group, or this host; and who answers a question of
 * this host's, which no state knows, as it went to the group.
 */
static void emit_answers(struct tunnel *t, const struct tunnel_say *s,
			 const struct discovery *d)
{
	const int sports[] = {-1, d->port};
	const int dports[][2] = {{d->port, d->port}, {PORT_EPHEMERAL, 65535}};
	struct tunnel_say pass = *s;

	pass.dirs = TUNNEL_IN;
	for (size_t i = 0; i < t->uplink_count; i++) {
		for (unsigned k = 0; k < 2; k++) {
			struct check_match m = tunnel_proto_match(
				t, FAMILY_ANY, CHECK_PROTO_UDP, -1);

			tunnel_match_ports(t, &m, sports[k], sports[k],
					   dports[k][0], dports[k][1]);
			tunnel_match_device(t, &m, t->uplinks[i].ast.name,
					    AST_MOD_LAN, true);
			tunnel_emit(t, &pass, &t->uplinks[i], &m);
		}
	}
}

static void emit_discovery(struct tunnel *t, const struct tunnel_say *s,
			   const struct discovery *d)
{
	struct tunnel_say pass = *s;

	pass.is_pass = true;
	pass.why =
		arena_printf(t->check->arena, "exclude discovery %s", d->word);
	for (unsigned family = 0; family < 2; family++) {
		emit_questions(t, &pass, d, family);
		emit_report(t, &pass, family, MLD_REPORT, d->groups[family]);
	}
	if (s->stage == CHECK_RULES)
		emit_answers(t, &pass, d);
}

static void emit_discoveries(struct tunnel *t, const struct tunnel_say *s)
{
	bool done[DISCOVERY_COUNT] = {false}, is_any = false;
	struct tunnel_say pass = *s;

	for (size_t i = 0; i < t->clause_count; i++) {
		const struct tunnel_clause *clause = &t->clauses[i];

		if (clause->ast->kind != AST_CLAUSE_DISCOVERY)
			continue;
		pass.span = clause->ast->span;
		for (size_t k = 0; k < DISCOVERY_COUNT; k++) {
			if (done[k] ||
			    !tunnel_has_link(clause, discoveries[k].word))
				continue;
			done[k] = is_any = true;
			emit_discovery(t, &pass, &discoveries[k]);
		}
	}
	pass.is_pass = true;
	pass.why = "exclude discovery";
	if (!is_any)
		return;
	emit_report(t, &pass, 0, -1, "224.0.0.22");
	emit_report(t, &pass, 1, MLD2_REPORT, "ff02::16");
	if (s->stage == CHECK_RULES)
		emit_queries(t, &pass);
}

/* ---- the two readers --------------------------------------------------- */

/* In the rules the last match wins, in the guard the first. */
void tunnel_emit_lan(struct tunnel *t, const struct tunnel_say *s)
{
	struct tunnel_say say = *s;
	bool is_done = false;

	for (size_t i = 0; i < t->clause_count && !is_done; i++) {
		if (t->clauses[i].ast->kind != AST_CLAUSE_LAN)
			continue;
		is_done = true;
		say.span = t->clauses[i].ast->span;
		if (s->stage == CHECK_RULES)
			emit_lan_pass(t, &say);
		emit_lan_blocks(t, &say);
		if (s->stage == CHECK_GUARD)
			emit_lan_pass(t, &say);
	}
	say = *s;
	say.keeps_state = false;
	emit_discoveries(t, &say);
}
