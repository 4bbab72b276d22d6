/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_expand.c: a match with lists -> matches without, one for each member
 * of their cross product that a packet can fulfil. The order is pf's:
 * interface, protocol, icmp type, source, destination, source port,
 * destination port, user, group, the last one varying fastest.
 */
#include "check_internal.h"

#include <string.h>

/* ---- resolved lists -> their cross product ------------------------------- */

enum axis { IFACE, PROTO, ICMP, SRC, DST, SPORT, DPORT, USER, GROUP, AXES };

/* The members that make one combination; NULL: any. */
struct combination {
	struct check_iface *iface;
	struct check_proto *proto;
	struct check_icmp *icmp;
	struct check_host *src, *dst;
	struct check_port *sport, *dport;
	struct check_id *user, *group;
	enum addr_family family;
	const char *scope; /* the interface that a link-local address is of */
};

static struct combination combination_at(const struct check_lists *l,
					 const size_t at[AXES])
{
	return (struct combination){
		.iface = l->iface_count ? &l->ifaces[at[IFACE]] : NULL,
		.proto = l->proto_count ? &l->protos[at[PROTO]] : NULL,
		.icmp = l->icmp_count ? &l->icmps[at[ICMP]] : NULL,
		.src = l->src_count ? &l->srcs[at[SRC]] : NULL,
		.dst = l->dst_count ? &l->dsts[at[DST]] : NULL,
		.sport = l->sport_count ? &l->sports[at[SPORT]] : NULL,
		.dport = l->dport_count ? &l->dports[at[DPORT]] : NULL,
		.user = l->user_count ? &l->users[at[USER]] : NULL,
		.group = l->group_count ? &l->groups[at[GROUP]] : NULL,
	};
}

static bool family_join(enum addr_family *family, enum addr_family other)
{
	if (*family && other && *family != other)
		return false;
	if (other)
		*family = other;
	return true;
}

/* A link-local address is one interface's; false when another is asked for. */
static bool scope_join(struct combination *x, const struct check_host *h)
{
	const struct check_iface *on = x->iface;

	if (!h || !h->scope)
		return true;
	if (x->scope && strcmp(x->scope, h->scope) != 0)
		return false;
	if (on && !on->is_any && !on->is_word_any && on->ast.name &&
	    strcmp(on->ast.name, h->scope) != 0)
		return false;
	x->scope = h->scope;
	return true;
}

static const char *family_fix(struct combination *x)
{
	if (x->src && !family_join(&x->family, x->src->family))
		return "the source is of another family than the rule";
	if (x->dst && !family_join(&x->family, x->dst->family))
		return x->src && x->src->family
			       ? "source and destination are of different "
				 "families"
			       : "the destination is of another family than "
				 "the rule";
	if (!scope_join(x, x->src) || !scope_join(x, x->dst))
		return "a link-local address is of another interface";
	return NULL;
}

/* NULL, or why no packet can be like this; pf drops the first silently. */
static const char *combination_fix(struct check *c, struct combination *x,
				   const struct ast_match *m, bool *is_error)
{
	int proto = x->proto ? x->proto->number : -1;
	const char *why = family_fix(x);

	*is_error = false;
	if (why)
		return why;
	*is_error = c->is_pf;
	if (proto == CHECK_PROTO_ICMP && x->family == FAMILY_IPV6)
		return "icmp has no IPv6 addresses; icmp6 has";
	if (proto == CHECK_PROTO_ICMP6 && x->family == FAMILY_IPV4)
		return "icmp6 has no IPv4 addresses; icmp has";
	if (m->icmps && !x->family)
		return "icmp-type needs \"inet\" or \"inet6\"";
	return NULL;
}

static uint8_t family_bits(enum addr_family family)
{
	return family ? (uint8_t)(1u << family)
		      : (uint8_t)(1u << FAMILY_IPV4 | 1u << FAMILY_IPV6);
}

static struct policy_match numbers_of(struct check *c,
				      const struct combination *x,
				      const struct ast_match *m,
				      const struct check_lists *l)
{
	static const struct policy_port any_port = {.is_any = true};
	struct policy_match n = {
		.families = family_bits(x->family),
		.on_any = !x->iface || x->iface->is_any,
		.ethertype = -1,
		.proto = x->proto ? x->proto->number : -1,
		.ttl = -1,
		.tos = m->has_tos ? m->tos : -1,
		.is_fragment = m->is_fragment,
		.sport = x->sport ? x->sport->port : any_port,
		.dport = x->dport ? x->dport->port : any_port,
		.icmp_type = x->icmp ? x->icmp->type : (int16_t)-1,
		.icmp_code = x->icmp ? x->icmp->code : (int16_t)-1,
	};

	if (x->scope && (n.on_any || x->iface->is_word_any)) {
		n.on_any = false;
		n.ifid = names_ifid(c, x->scope, SPAN_NONE);
	} else if (!n.on_any) {
		n.ifid = x->iface->ifid;
		n.on_negated =
			x->iface->is_word_any || x->iface->ast.is_negated;
	}
	if (l->has_received) {
		n.has_received = true;
		n.received_ifid = l->received.ifid;
		n.received_negated = l->received.ast.is_negated;
	}
	if (x->src)
		n.src = x->src->host;
	if (x->dst)
		n.dst = x->dst->host;
	if (m->has_flags) {
		n.flags_set = m->flags_set;
		n.flags_mask = m->flags_mask;
	}
	return n;
}

static struct ast_host *host_ast(struct check_host *h)
{
	return h && (h->host.kind != POLICY_HOST_ANY || h->is_special) ? &h->ast
								       : NULL;
}

/* "on lo0", from a link-local address of it. */
static struct ast_iface *scope_ast(struct check *c, const char *scope)
{
	struct ast_iface *on = arena_new_of(c->scratch, struct ast_iface);

	on->name = scope;
	return on;
}

/* The same for printing; members are shared by all combinations. */
static struct ast_match ast_of(struct check *c, const struct combination *x,
			       const struct ast_match *m)
{
	struct ast_match a = *m;

	a.family = x->family;
	a.ifaces = NULL;
	if (x->scope && (!x->iface || x->iface->is_word_any))
		a.ifaces = scope_ast(c, x->scope);
	else if (x->iface)
		a.ifaces = &x->iface->ast;
	a.protos = x->proto ? &x->proto->ast : NULL;
	a.icmps = x->icmp ? &x->icmp->ast : NULL;
	a.from.hosts = host_ast(x->src);
	a.to.hosts = host_ast(x->dst);
	a.from.ports = x->sport ? &x->sport->ast : NULL;
	a.to.ports = x->dport ? &x->dport->ast : NULL;
	a.users = x->user ? &x->user->ast : NULL;
	a.groups = x->group ? &x->group->ast : NULL;
	return a;
}

static void axes_of(const struct check_lists *l, size_t len[AXES])
{
	const size_t counts[AXES] = {
		[IFACE] = l->iface_count, [PROTO] = l->proto_count,
		[ICMP] = l->icmp_count,	  [SRC] = l->src_count,
		[DST] = l->dst_count,	  [SPORT] = l->sport_count,
		[DPORT] = l->dport_count, [USER] = l->user_count,
		[GROUP] = l->group_count,
	};

	for (int i = 0; i < AXES; i++)
		len[i] = counts[i] ? counts[i] : 1;
}

/* How many there are, or 0 when they are more than a policy may have. */
static size_t product(const size_t len[AXES])
{
	size_t n = 1;

	for (int i = 0; i < AXES; i++) {
		if (len[i] > NFR_RULE_MAX / n)
			return 0;
		n *= len[i];
	}
	return n;
}

static bool advance(size_t at[AXES], const size_t len[AXES])
{
	for (int i = AXES - 1; i >= 0; i--) {
		if (++at[i] < len[i])
			return true;
		at[i] = 0;
	}
	return false;
}

static enum addr_family list_family(const struct check_host *hosts,
				    size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (hosts[i].family != hosts[0].family)
			return FAMILY_ANY;
	return count ? hosts[0].family : FAMILY_ANY;
}

/* pf's: the rule's, or the one that all of a side's hosts have. */
static enum addr_family lists_family(const struct check_lists *l,
				     enum addr_family family)
{
	if (!family)
		family = list_family(l->srcs, l->src_count);
	return family ? family : list_family(l->dsts, l->dst_count);
}

static void combination_add(struct check *c, const struct ast_match *m,
			    const struct check_lists *l,
			    const struct combination *x,
			    struct check_match *out)
{
	out->ast = ast_of(c, x, m);
	out->numbers = numbers_of(c, x, m, l);
	out->numbers.meta = meta_of(c, &out->ast, NULL);
	out->src = x->src;
	out->dst = x->dst;
}

bool match_expand(struct check *c, const struct ast_match *m,
		  const struct check_lists *l, struct span span,
		  const struct check_pools *pools, struct check_match **out,
		  size_t *count)
{
	enum addr_family family = lists_family(l, written_family(c, m));
	size_t at[AXES] = {0}, len[AXES], total;
	const char *why = NULL;
	bool ok = true;

	axes_of(l, len);
	total = product(len);
	*count = 0;
	if (total == 0) {
		diag_error(c->diag, span, "limit",
			   "the lists expand to more than %u rules",
			   NFR_RULE_MAX);
		diag_hint(c->diag, "put addresses into a table");
		return false;
	}
	*out = arena_alloc(c->scratch, total * sizeof(**out));
	do {
		struct combination x = combination_at(l, at);
		struct check_match *next = &(*out)[*count];
		bool is_error = false;
		const char *reason;

		x.family = family;
		if (pools && !pools_collapse(c, pools, x.dport, &x.family,
					     &next->effects)) {
			ok = false;
			continue;
		}
		reason = combination_fix(c, &x, m, &is_error);
		if (reason) {
			why = why ? why : reason;
			if (is_error)
				diag_error(c->diag, span, "type", "%s", reason);
			ok &= !is_error;
			continue;
		}
		combination_add(c, m, l, &x, next);
		++*count;
	} while (advance(at, len));
	if (*count == 0 && ok) {
		diag_error(c->diag, span, "type",
			   "rule expands to no valid combination");
		diag_note(c->diag, SPAN_NONE, "%s", why);
	}
	return ok && *count != 0;
}
