/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_expand.c: a match with lists -> matches without, one for each member
 * of their cross product that a packet can fulfil. The order is pf's:
 * interface, protocol, icmp type, source, destination, source port,
 * destination port, the last one varying fastest.
 */
#include "check_internal.h"

#include <string.h>

/* ---- written lists -> resolved lists ------------------------------------ */

#define LIST_COUNT(type, list, out)                                            \
	do {                                                                   \
		(out) = 0;                                                     \
		for (const struct type *item_ = (list); item_;                 \
		     item_ = item_->next)                                      \
			(out)++;                                               \
	} while (0)

static bool ifaces_resolve(struct check *c, const struct ast_match *m,
			   struct check_lists *out)
{
	bool ok = true;
	size_t i = 0;

	LIST_COUNT(ast_iface, m->ifaces, out->iface_count);
	out->ifaces = arena_alloc(c->arena, (out->iface_count + 1) *
						    sizeof(*out->ifaces));
	for (const struct ast_iface *f = m->ifaces; f; f = f->next, i++) {
		ok &= names_iface(c, f, &out->ifaces[i]);
		if (f->is_negated && out->iface_count > 1 && ok) {
			diag_warning(c->diag, f->span, WARN_NEGATED_LIST,
				     "a negated interface in a list: the rules "
				     "that come of it together match nearly "
				     "everything");
		}
	}
	return ok;
}

static bool protos_resolve(struct check *c, const struct ast_match *m,
			   struct check_lists *out)
{
	bool ok = true;
	size_t i = 0;

	LIST_COUNT(ast_proto, m->protos, out->proto_count);
	out->protos = arena_alloc(c->arena, (out->proto_count + 1) *
						    sizeof(*out->protos));
	for (const struct ast_proto *p = m->protos; p; p = p->next, i++) {
		const struct check_proto *r = &out->protos[i];

		if (!names_proto(c, &p->name, &out->protos[i])) {
			ok = false;
		} else if ((r->number == CHECK_PROTO_ICMP &&
			    m->family == FAMILY_IPV6) ||
			   (r->number == CHECK_PROTO_ICMP6 &&
			    m->family == FAMILY_IPV4)) {
			diag_error(c->diag, p->name.span, "type",
				   "proto %s is not in %s",
				   r->number == CHECK_PROTO_ICMP ? "icmp"
								 : "icmp6",
				   m->family == FAMILY_IPV4 ? "inet" : "inet6");
			ok = false;
		}
	}
	return ok;
}

static bool icmps_resolve(struct check *c, const struct ast_match *m,
			  struct check_lists *out)
{
	bool is_v6 = m->icmp_family == FAMILY_IPV6;
	int wanted = is_v6 ? CHECK_PROTO_ICMP6 : CHECK_PROTO_ICMP;
	bool ok = true;
	size_t i = 0;

	if (!m->icmps)
		return true;
	if (m->family && m->family != m->icmp_family) {
		diag_error(c->diag, m->icmp_span, "type", "%s is not in %s",
			   is_v6 ? "icmp6-type" : "icmp-type",
			   is_v6 ? "inet" : "inet6");
		return false;
	}
	for (size_t j = 0; j < out->proto_count; j++)
		ok &= out->protos[j].number == wanted;
	if (!ok || out->proto_count == 0) {
		diag_error(c->diag, m->icmp_span, "type",
			   "%s needs \"proto %s\"",
			   is_v6 ? "icmp6-type" : "icmp-type",
			   is_v6 ? "icmp6" : "icmp");
		return false;
	}
	LIST_COUNT(ast_icmp, m->icmps, out->icmp_count);
	out->icmps =
		arena_alloc(c->arena, out->icmp_count * sizeof(*out->icmps));
	for (const struct ast_icmp *t = m->icmps; t; t = t->next, i++)
		ok &= names_icmp(c, t, m->icmp_family, &out->icmps[i]);
	return ok;
}

/* The protocol whose service names count: "tcp", "udp" or NULL for either. */
static const char *service_proto(const struct check_lists *l)
{
	bool all_tcp = true, all_udp = true;

	for (size_t i = 0; i < l->proto_count; i++) {
		all_tcp &= l->protos[i].number == CHECK_PROTO_TCP;
		all_udp &= l->protos[i].number == CHECK_PROTO_UDP;
	}
	return all_tcp ? "tcp" : all_udp ? "udp" : NULL;
}

static bool ports_need_proto(struct check *c, const struct ast_port *ports,
			     const struct check_lists *l)
{
	if (l->proto_count == 0) {
		diag_error(c->diag, ports->span, "type",
			   "a port needs \"proto tcp\" or \"proto udp\"");
		diag_hint(c->diag, "add \"proto { tcp udp }\"");
		return false;
	}
	for (size_t i = 0; i < l->proto_count; i++) {
		int number = l->protos[i].number;

		if (number == CHECK_PROTO_TCP || number == CHECK_PROTO_UDP)
			continue;
		diag_error(c->diag, ports->span, "type",
			   "only tcp and udp have ports");
		diag_note(c->diag, l->protos[i].ast.name.span,
			  "this protocol has none");
		return false;
	}
	return true;
}

static bool ports_resolve(struct check *c, const struct ast_port *ports,
			  const struct check_lists *l, struct check_port **out,
			  size_t *count)
{
	const char *proto = service_proto(l);
	bool ok = true;
	size_t i = 0;

	if (!ports)
		return true;
	if (!ports_need_proto(c, ports, l))
		return false;
	LIST_COUNT(ast_port, ports, *count);
	*out = arena_alloc(c->arena, *count * sizeof(**out));
	for (const struct ast_port *p = ports; p; p = p->next, i++)
		ok &= names_port(c, p, proto, &(*out)[i]);
	return ok;
}

static enum addr_family match_family(const struct ast_match *m)
{
	return m->icmps ? m->icmp_family : m->family;
}

bool match_resolve(struct check *c, const struct ast_match *m,
		   struct check_lists *out)
{
	enum addr_family family = match_family(m);
	bool ok;

	memset(out, 0, sizeof(*out));
	ok = ifaces_resolve(c, m, out);
	if (protos_resolve(c, m, out)) {
		ok &= icmps_resolve(c, m, out);
		ok &= ports_resolve(c, m->from.ports, out, &out->sports,
				    &out->sport_count);
		ok &= ports_resolve(c, m->to.ports, out, &out->dports,
				    &out->dport_count);
	} else {
		ok = false;
	}
	ok &= hosts_resolve(c, m->from.hosts, family, &out->srcs,
			    &out->src_count);
	ok &= hosts_resolve(c, m->to.hosts, family, &out->dsts,
			    &out->dst_count);
	return ok;
}

/* ---- resolved lists -> their cross product ------------------------------- */

enum axis { IFACE, PROTO, ICMP, SRC, DST, SPORT, DPORT, AXES };

/* The members that make one combination; NULL: any. */
struct combination {
	struct check_iface *iface;
	struct check_proto *proto;
	struct check_icmp *icmp;
	struct check_host *src, *dst;
	struct check_port *sport, *dport;
	enum addr_family family;
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

/* NULL, or why no packet can be like this. */
static const char *combination_fix(struct combination *x,
				   const struct ast_match *m)
{
	int proto = x->proto ? x->proto->number : -1;

	x->family = match_family(m);
	if (x->src && !family_join(&x->family, x->src->family))
		return "the source is of another family than the rule";
	if (x->dst && !family_join(&x->family, x->dst->family))
		return x->src && x->src->family
			       ? "source and destination are of different "
				 "families"
			       : "the destination is of another family than "
				 "the rule";
	if (proto == CHECK_PROTO_ICMP && x->family == FAMILY_IPV6)
		return "icmp has no IPv6 addresses; icmp6 has";
	if (proto == CHECK_PROTO_ICMP6 && x->family == FAMILY_IPV4)
		return "icmp6 has no IPv4 addresses; icmp has";
	return NULL;
}

static uint8_t family_bits(enum addr_family family)
{
	return family ? (uint8_t)(1u << family)
		      : (uint8_t)(1u << FAMILY_IPV4 | 1u << FAMILY_IPV6);
}

static struct policy_match numbers_of(const struct combination *x,
				      const struct ast_match *m)
{
	static const struct policy_port any_port = {.is_any = true};
	struct policy_match n = {
		.families = family_bits(x->family),
		.on_any = !x->iface || x->iface->is_any,
		.ethertype = -1,
		.proto = x->proto ? x->proto->number : -1,
		.ttl = -1,
		.tos = -1,
		.sport = x->sport ? x->sport->port : any_port,
		.dport = x->dport ? x->dport->port : any_port,
		.icmp_type = x->icmp ? x->icmp->type : (int16_t)-1,
		.icmp_code = x->icmp ? x->icmp->code : (int16_t)-1,
	};

	if (!n.on_any) {
		n.ifid = x->iface->ifid;
		n.on_negated = x->iface->ast.is_negated;
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
	return h && h->host.kind != POLICY_HOST_ANY ? &h->ast : NULL;
}

/* The same for printing; members are shared by all combinations. */
static struct ast_match ast_of(const struct combination *x,
			       const struct ast_match *m)
{
	struct ast_match a = *m;

	a.family = x->family;
	a.ifaces = x->iface && !x->iface->is_any ? &x->iface->ast : NULL;
	a.protos = x->proto ? &x->proto->ast : NULL;
	a.icmps = x->icmp ? &x->icmp->ast : NULL;
	a.from.hosts = host_ast(x->src);
	a.to.hosts = host_ast(x->dst);
	a.from.ports = x->sport ? &x->sport->ast : NULL;
	a.to.ports = x->dport ? &x->dport->ast : NULL;
	return a;
}

static void axes_of(const struct check_lists *l, size_t len[AXES])
{
	const size_t counts[AXES] = {
		[IFACE] = l->iface_count, [PROTO] = l->proto_count,
		[ICMP] = l->icmp_count,	  [SRC] = l->src_count,
		[DST] = l->dst_count,	  [SPORT] = l->sport_count,
		[DPORT] = l->dport_count,
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

bool match_expand(struct check *c, const struct ast_match *m,
		  const struct check_lists *l, struct span span,
		  struct check_match **out, size_t *count)
{
	size_t at[AXES] = {0}, len[AXES], total;
	const char *why = NULL;

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
	*out = arena_alloc(c->arena, total * sizeof(**out));
	do {
		struct combination x = combination_at(l, at);
		const char *reason = combination_fix(&x, m);

		if (reason) {
			why = why ? why : reason;
			continue;
		}
		(*out)[*count].ast = ast_of(&x, m);
		(*out)[(*count)++].numbers = numbers_of(&x, m);
	} while (advance(at, len));
	if (*count == 0) {
		diag_error(c->diag, span, "type",
			   "rule expands to no valid combination");
		diag_note(c->diag, SPAN_NONE, "%s", why);
	}
	return *count != 0;
}

/* ---- resolved lists -> one ast with lists -------------------------------- */

#define LIST_LINK(c, type, items, count, member, head)                         \
	do {                                                                   \
		type **tail_ = &(head);                                        \
		*tail_ = NULL;                                                 \
		for (size_t i_ = 0; i_ < (count); i_++) {                      \
			*tail_ = arena_new_of((c)->arena, type);               \
			**tail_ = (items)[i_].member;                          \
			tail_ = &(*tail_)->next;                               \
		}                                                              \
	} while (0)

struct ast_match match_printable(struct check *c, const struct ast_match *m,
				 const struct check_lists *l)
{
	struct ast_match a = *m;

	LIST_LINK(c, struct ast_iface, l->ifaces, l->iface_count, ast,
		  a.ifaces);
	LIST_LINK(c, struct ast_proto, l->protos, l->proto_count, ast,
		  a.protos);
	LIST_LINK(c, struct ast_icmp, l->icmps, l->icmp_count, ast, a.icmps);
	LIST_LINK(c, struct ast_host, l->srcs, l->src_count, ast, a.from.hosts);
	LIST_LINK(c, struct ast_host, l->dsts, l->dst_count, ast, a.to.hosts);
	LIST_LINK(c, struct ast_port, l->sports, l->sport_count, ast,
		  a.from.ports);
	LIST_LINK(c, struct ast_port, l->dports, l->dport_count, ast,
		  a.to.ports);
	return a;
}
