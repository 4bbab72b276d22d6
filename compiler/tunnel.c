/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel.c: the tunnel block -> the default rules of a policy, after its
 * mistakes were refused. The sealed guard is made by tunnel_guard.c.
 *
 * Overview: "tunnel T over U" says that on U a packet leaves only as
 * transport, exclude or link. The rules here make that so by default, and stand
 * before the user's, so that a later rule of the user's wins; what the contract
 * forbids is then still stopped by the guard. Among themselves the last match
 * wins too: what is general comes first, T and loopback come last.
 */
#include "tunnel.h"

#include <string.h>

/* ---- what a block can get wrong
 * ---------------------------------------------- */

static bool has_host(const struct ast_side *side)
{
	for (const struct ast_host *h = side->hosts; h; h = h->next)
		if (h->kind == AST_HOST_ANY || h->is_negated ||
		    (h->kind == AST_HOST_PREFIX && h->prefix_len == 0))
			return false;
	return side->hosts != NULL;
}

static bool transport_is_sound(struct tunnel *t, struct tunnel_clause *clause)
{
	const struct ast_match *m = &clause->ast->match;
	struct diag *d = t->check->diag;
	const char *missing = NULL;

	if (!has_host(&m->to)) {
		diag_error(d, clause->ast->span, "contract",
			   "a transport names its endpoint's address");
		diag_note(d, SPAN_NONE,
			  "what goes to any address is not only "
			  "the tunnel's own traffic");
		missing = "";
	} else if (!m->protos) {
		missing = "protocol";
	} else if (!m->to.ports) {
		for (size_t i = 0; i < clause->lists.proto_count; i++)
			if (clause->lists.protos[i].number == CHECK_PROTO_TCP ||
			    clause->lists.protos[i].number == CHECK_PROTO_UDP)
				missing = "port";
	}
	if (missing && *missing)
		diag_error(d, clause->ast->span, "contract",
			   "a transport names its endpoint's %s", missing);
	if (missing)
		diag_hint(d, "as in \"transport proto udp to 198.51.100.7 "
			     "port 51820\"");
	return !missing;
}

/* An empty table must not turn the split into none. */
static bool split_is_sound(struct tunnel *t, const struct tunnel_clause *clause)
{
	bool is_exclude = clause->ast->kind == AST_CLAUSE_EXCLUDE;
	const char *what = is_exclude ? "everything goes outside"
				      : "nothing goes through the tunnel";

	return !hosts_fail_open(t->check, clause->lists.dsts,
				clause->lists.dst_count, is_exclude, what);
}

static bool dns_is_sound(struct tunnel *t, const struct tunnel_clause *clause)
{
	const struct check_lists *l = &clause->lists;

	for (size_t i = 0; i < l->dst_count; i++) {
		const struct policy_host *h = &l->dsts[i].host;

		if (h->kind == POLICY_HOST_RANGE && !h->is_negated &&
		    addr_compare(&h->first, &h->last) == 0)
			continue;
		diag_error(t->check->diag, l->dsts[i].ast.span, "contract",
			   "a resolver is one address");
		return false;
	}
	return true;
}

static bool link_is_sound(struct tunnel *t, const struct tunnel_clause *clause)
{
	static const char *const words[] = {"arp", "ndp", "dhcp", "eapol",
					    "proxy"};
	const size_t count = sizeof(words) / sizeof(*words);
	bool ok = true;

	for (const struct ast_word *w = clause->ast->words; w; w = w->next) {
		const char *near = diag_nearest(w->text, words, count);
		bool known = false;

		for (size_t i = 0; i < count; i++)
			known |= strcmp(w->text, words[i]) == 0;
		if (known)
			continue;
		ok = false;
		diag_error(t->check->diag, w->span, "name",
			   "\"link\" knows arp, ndp, dhcp, eapol and "
			   "proxy, not "
			   "\"%s\"",
			   w->text);
		if (near)
			diag_inline_hint(t->check->diag, "did you mean \"%s\"?",
					 near);
	}
	return ok;
}

static bool device_is_sound(struct tunnel *t)
{
	const struct ast_iface *device = t->ast->device;
	struct diag *d = t->check->diag;

	if (device->is_negated || strcmp(device->name, "any") == 0 ||
	    names_is_loopback(t->check, device->name)) {
		diag_error(d, device->span, "contract",
			   "\"%s\" can not be a tunnel", device->name);
		return false;
	}
	for (const struct ast_iface *o = t->ast->over; o; o = o->next) {
		const char *wrong =
			strcmp(o->name, device->name) == 0
				? "a tunnel does not run over itself"
			: names_is_loopback(t->check, o->name)
				? "loopback is never outside"
			: o->is_negated ? "\"over\" takes names or \"any\""
			: strcmp(o->name, "any") == 0 &&
					(o != t->ast->over || o->next)
				? "\"any\" already holds the others"
				: NULL;

		if (!wrong)
			continue;
		diag_error(d, o->span, "contract", "%s", wrong);
		return false;
	}
	return true;
}

static bool is_split(const struct ast_clause *x)
{
	return x->kind == AST_CLAUSE_EXCLUDE || x->kind == AST_CLAUSE_INCLUDE ||
	       x->kind == AST_CLAUSE_LAN || x->kind == AST_CLAUSE_DISCOVERY;
}

/* A LAN is where the routing table leads; of all else that may say another. */
static bool is_steered(const struct tunnel *t)
{
	for (const struct ast_clause *x = t->ast->clauses; x; x = x->next)
		if (x->kind == AST_CLAUSE_EXCLUDE ||
		    x->kind == AST_CLAUSE_INCLUDE)
			return true;
	return false;
}

/* exclude and include are two ways to split; transport is what carries T. */
static bool kinds_are_sound(struct tunnel *t)
{
	const struct ast_clause *split = NULL;
	bool has_transport = false;
	struct diag *d = t->check->diag;

	for (const struct ast_clause *x = t->ast->clauses; x; x = x->next) {
		has_transport |= x->kind == AST_CLAUSE_TRANSPORT;
		if (!is_split(x))
			continue;
		if (split && (split->kind == AST_CLAUSE_INCLUDE) !=
				     (x->kind == AST_CLAUSE_INCLUDE)) {
			diag_error(d, x->span, "contract",
				   "a tunnel has \"exclude\" or \"include\", "
				   "not both");
			diag_note(d, split->span, "the other one is here");
			return false;
		}
		split = x;
	}
	t->is_include = split && split->kind == AST_CLAUSE_INCLUDE;
	if (has_transport)
		return true;
	diag_error(d, t->node->span, "contract",
		   "a tunnel without \"transport\" carries nothing");
	diag_hint(d, "add how it leaves, as in \"transport proto udp to "
		     "198.51.100.7 port 51820\"");
	return false;
}

/* ---- the block, resolved
 * -------------------------------------------------------- */

static bool clause_resolve(struct tunnel *t, struct tunnel_clause *clause)
{
	const struct ast_clause *ast = clause->ast;
	struct check *c = t->check;

	if (ast->kind == AST_CLAUSE_LINK)
		return link_is_sound(t, clause);
	if (ast->kind == AST_CLAUSE_PEER)
		return tunnel_peer_is_sound(t, clause);
	if (ast->kind == AST_CLAUSE_DISCOVERY)
		return tunnel_discovery_is_sound(t, clause);
	if (ast->kind == AST_CLAUSE_LAN)
		return true;
	if (!match_resolve(c, &ast->match, &clause->lists))
		return false;
	if (ast->kind == AST_CLAUSE_PORTAL)
		return tunnel_portal_is_sound(t, clause) &&
		       match_expand(c, &ast->match, &clause->lists, ast->span,
				    NULL, &clause->matches,
				    &clause->match_count);
	if (ast->kind == AST_CLAUSE_DNS)
		return dns_is_sound(t, clause);
	return (ast->kind == AST_CLAUSE_TRANSPORT
			? transport_is_sound(t, clause)
			: split_is_sound(t, clause)) &&
	       match_expand(c, &ast->match, &clause->lists, ast->span, NULL,
			    &clause->matches, &clause->match_count);
}

static bool clauses_resolve(struct tunnel *t)
{
	bool ok = true;
	size_t i = 0;

	for (const struct ast_clause *x = t->ast->clauses; x; x = x->next) {
		t->clause_count++;
		if (x->kind == AST_CLAUSE_DNS && !t->dns)
			t->dns = x;
	}
	t->clauses = arena_alloc(t->check->arena,
				 (t->clause_count + 1) * sizeof(*t->clauses));
	for (const struct ast_clause *x = t->ast->clauses; x; x = x->next) {
		t->clauses[i].ast = x;
		ok &= clause_resolve(t, &t->clauses[i++]);
	}
	return ok;
}

static void loopbacks_resolve(struct tunnel *t)
{
	struct check *c = t->check;
	size_t count, at;
	const char *const *names = host_iface_names(c->host, &count);

	t->loopbacks =
		arena_alloc(c->arena, (count + 1) * sizeof(*t->loopbacks));
	for (size_t i = 0; i < count; i++)
		if (names_is_loopback(c, names[i])) {
			at = t->loopback_count++;
			t->loopbacks[at].ast.name = names[i];
		}
	if (t->loopback_count == 0)
		t->loopbacks[t->loopback_count++].ast.name = "lo";
	for (size_t i = 0; i < t->loopback_count; i++) {
		struct check_iface *lo = &t->loopbacks[i];

		lo->ifid = names_ifid(c, lo->ast.name, t->node->span);
		if (lo->ifid)
			c->policy->ifaces[lo->ifid - 1].is_loopback = true;
	}
}

static bool ifaces_resolve(struct tunnel *t)
{
	struct check *c = t->check;
	bool is_any = strcmp(t->ast->over->name, "any") == 0;
	bool ok = true;

	if (!device_is_sound(t) || !names_iface(c, t->ast->device, &t->device))
		return false;
	c->policy->ifaces[t->device.ifid - 1].is_tunnel = true;
	c->policy->ifaces[t->device.ifid - 1].is_rebind = t->ast->is_rebind;
	loopbacks_resolve(t);
	t->title =
		arena_printf(c->arena, "tunnel %s over", t->ast->device->name);
	for (const struct ast_iface *o = t->ast->over; o; o = o->next) {
		t->title = arena_printf(c->arena, "%s %s", t->title, o->name);
		t->outside_count++;
	}
	t->outside =
		arena_alloc(c->arena, t->outside_count * sizeof(*t->outside));
	t->outside_count = 0;
	for (const struct ast_iface *o = t->ast->over; o; o = o->next)
		if (!is_any)
			ok &= names_iface(c, o,
					  &t->outside[t->outside_count++]);
	if (is_any) {
		t->outside_count = 1;
		t->outside[0] = t->device;
		t->outside[0].ast.is_negated = true;
	}
	return ok;
}

/* ---- its default rules
 * ------------------------------------------------------------ */

static struct tunnel_say say(const struct tunnel *t, bool is_pass, uint8_t dirs,
			     const char *why)
{
	return (struct tunnel_say){
		.stage = CHECK_RULES,
		.is_pass = is_pass,
		.dirs = dirs,
		.span = t->node->span,
		.why = why,
	};
}

/* Hosts need ARP, and rules do not speak of it; outside the tunnel says so. */
static void rules_arp(struct tunnel *t)
{
	struct tunnel_say arp = say(t, true, TUNNEL_BOTH, "arp");

	arp.ethertype = ETHERTYPE_ARP;
	tunnel_emit(t, &arp, NULL, NULL);
	arp.is_pass = false;
	arp.why = t->title;
	if (t->outside_count)
		tunnel_emit_outside(t, &arp, NULL);
}

static void rules_links(struct tunnel *t)
{
	for (size_t i = 0; i < t->clause_count; i++) {
		if (t->clauses[i].ast->kind != AST_CLAUSE_LINK)
			continue;
		for (size_t j = 0; j < tunnel_link_count; j++) {
			const struct tunnel_link *l = &tunnel_links[j];
			struct tunnel_say pass = say(t, true, l->dirs, l->why);
			struct check_match m = tunnel_link_match(t, l);

			if (!tunnel_has_link(&t->clauses[i], l->word))
				continue;
			pass.ethertype = l->ethertype;
			pass.origin = l->origin;
			pass.ttl = m.numbers.ttl;
			pass.span = t->clauses[i].ast->span;
			tunnel_emit_outside(t, &pass, &m);
		}
	}
}

static void rules_outside(struct tunnel *t)
{
	struct tunnel_say pass = say(t, true, TUNNEL_OUT, t->title);
	struct tunnel_say block = say(t, false, TUNNEL_OUT, "dns");

	pass.keeps_state = true;
	if (t->is_include) {
		tunnel_emit_outside(t, &pass, NULL);
		tunnel_emit_clauses(t, AST_CLAUSE_INCLUDE, &block, "include");
	} else {
		tunnel_emit_lan(t, &pass);
		tunnel_emit_clauses(t, AST_CLAUSE_EXCLUDE, &pass, "exclude");
	}
	if (t->dns) {
		block.span = t->dns->span;
		tunnel_emit_dns(t, &block, NULL, false);
	}
	tunnel_emit_portals(t, &pass);
	tunnel_emit_clauses(t, AST_CLAUSE_TRANSPORT, &pass, "transport");
}

static void rules_inside(struct tunnel *t)
{
	struct tunnel_say pass = say(t, true, TUNNEL_OUT, t->title);
	struct tunnel_say dns = say(t, false, TUNNEL_OUT, "dns");

	pass.keeps_state = dns.keeps_state = true;
	tunnel_emit(t, &pass, &t->device, NULL);
	if (t->dns) {
		dns.span = t->dns->span;
		dns.keeps_state = false;
		tunnel_emit_dns(t, &dns, &t->device, false);
		dns.is_pass = dns.keeps_state = true;
		tunnel_emit_dns(t, &dns, &t->device, true);
	}
	pass.keeps_state = false;
	pass.dirs = TUNNEL_BOTH;
	pass.why = "loopback";
	for (size_t i = 0; i < t->loopback_count; i++)
		tunnel_emit(t, &pass, &t->loopbacks[i], NULL);
}

/* The block with its names resolved, for printing. */
static void tunnel_printable(struct tunnel *t)
{
	struct check *c = t->check;
	struct ast_node *node = arena_new_of(c->arena, struct ast_node);
	struct ast_clause **tail = &node->tunnel.clauses;

	*node = *t->node;
	node->next = NULL;
	for (size_t i = 0; i < t->clause_count; i++) {
		struct ast_clause *x =
			arena_new_of(c->arena, struct ast_clause);

		*x = *t->clauses[i].ast;
		x->next = NULL;
		if (!x->words && x->kind != AST_CLAUSE_LAN)
			x->match = match_printable(c, &t->clauses[i].ast->match,
						   &t->clauses[i].lists);
		if (x->kind == AST_CLAUSE_EXCLUDE && !x->is_trusted)
			x->match.to.hosts =
				tunnel_exclude_printable(t, &t->clauses[i]);
		*tail = x;
		tail = &x->next;
	}
	c->tunnel_printable = node;
	c->tunnel_title = t->title;
}

void tunnel_check(struct check *c)
{
	struct tunnel *t = arena_new_of(c->arena, struct tunnel);
	bool ok;

	*t = (struct tunnel){
		.check = c,
		.node = c->tunnel,
		.ast = &c->tunnel->tunnel,
	};
	ok = ifaces_resolve(t);
	ok &= kinds_are_sound(t);
	ok &= clauses_resolve(t);
	if (ok) {
		tunnel_uplinks_resolve(t);
		c->policy->ifaces[t->device.ifid - 1].is_split = is_steered(t);
	}
	if (!ok || !tunnel_exclude_is_sound(t))
		return;
	rules_arp(t);
	rules_links(t);
	rules_outside(t);
	rules_inside(t);
	tunnel_printable(t);
	c->tunnel_checked = t;
}

void tunnel_finish(struct check *c)
{
	if (c->tunnel_checked)
		tunnel_guard(c->tunnel_checked);
}

void tunnel_none(struct check *c)
{
	struct tunnel t = {.check = c};
	struct tunnel_say arp = {
		.stage = CHECK_RULES,
		.is_pass = true,
		.dirs = TUNNEL_BOTH,
		.ethertype = ETHERTYPE_ARP,
		.why = "arp",
	};

	tunnel_emit(&t, &arp, NULL, NULL);
}
