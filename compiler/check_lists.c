/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_lists.c: the lists that a match is written with -> the same with names
 * resolved, and back into one match for printing.
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

/* pf's group, where it is no interface's name and may stand: not to block. */
static bool is_egress(const struct check *c, const struct ast_iface *f)
{
	return !f->is_rdomain && strcmp(f->name, "egress") == 0 &&
	       !f->is_negated && !c->is_pf && !c->is_block &&
	       !host_iface(c->host, f->name);
}

/* The uplinks of now, by name: a rule does not follow the default route. */
static bool egress_resolve(struct check *c, const struct ast_iface *f,
			   struct check_lists *out)
{
	size_t count, first = out->iface_count;
	const char *const *names = host_default_ifaces(c->host, &count);
	bool ok = true;

	for (size_t i = 0; i < count; i++) {
		struct ast_iface uplink = *f;

		if (names_is_tunnel(c, names[i]))
			continue;
		uplink.name = names[i];
		ok &= names_iface(c, &uplink, &out->ifaces[out->iface_count++]);
	}
	if (out->iface_count == first) {
		diag_error(c->diag, f->span, "egress",
			   "\"egress\" has the default route, and no interface "
			   "but a tunnel has one here");
		diag_hint(c->diag, "name the uplink");
		return false;
	}
	diag_warning(c->diag, f->span, WARN_EGRESS,
		     "\"egress\" is %s from now on, wherever the default route "
		     "goes later",
		     out->ifaces[first].ast.name);
	return ok;
}

static bool ifaces_resolve(struct check *c, const struct ast_match *m,
			   struct check_lists *out)
{
	size_t most, uplinks;
	bool ok = true;

	LIST_COUNT(ast_iface, m->ifaces, most);
	host_default_ifaces(c->host, &uplinks);
	out->ifaces = arena_alloc(c->scratch, (most * (uplinks + 1) + 1) *
						      sizeof(*out->ifaces));
	for (const struct ast_iface *f = m->ifaces; f; f = f->next) {
		if (is_egress(c, f)) {
			ok &= egress_resolve(c, f, out);
			continue;
		}
		ok &= names_iface(c, f, &out->ifaces[out->iface_count++]);
		if (f->is_negated && most > 1 && ok) {
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
	out->protos = arena_alloc(c->scratch, (out->proto_count + 1) *
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
		arena_alloc(c->scratch, out->icmp_count * sizeof(*out->icmps));
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
	*out = arena_alloc(c->scratch, *count * sizeof(**out));
	for (const struct ast_port *p = ports; p; p = p->next, i++)
		ok &= names_port(c, p, proto, &(*out)[i]);
	return ok;
}

static bool ids_resolve(struct check *c, const struct ast_port *ids,
			bool is_group, struct check_id **out, size_t *count)
{
	bool ok = true;
	size_t i = 0;

	LIST_COUNT(ast_port, ids, *count);
	*out = arena_alloc(c->scratch, (*count + 1) * sizeof(**out));
	for (const struct ast_port *p = ids; p; p = p->next, i++)
		ok &= names_id(c, p, is_group, &(*out)[i]);
	return ok;
}

static bool fragment_is_sound(struct check *c, const struct ast_match *m)
{
	if (!m->is_fragment || !(m->from.ports || m->to.ports || m->icmps ||
				 (m->has_flags && m->flags_mask)))
		return true;
	diag_error(c->diag, m->fragment_span, "type",
		   "a later fragment has no ports, flags or icmp types");
	return false;
}

/* "! received-on any" is what was made here. */
static bool received_resolve(struct check *c, const struct ast_iface *written,
			     struct check_iface *out)
{
	if (strcmp(written->name, "any") != 0)
		return names_iface(c, written, out);
	*out = (struct check_iface){.ast = *written, .is_any = true};
	return true;
}

/* What stands beside the lists that expand. */
static bool others_resolve(struct check *c, const struct ast_match *m,
			   struct check_lists *out)
{
	bool ok = fragment_is_sound(c, m);

	ok &= ids_resolve(c, m->users, false, &out->users, &out->user_count);
	ok &= ids_resolve(c, m->groups, true, &out->groups, &out->group_count);
	out->has_received = m->received_on != NULL;
	if (m->received_on)
		ok &= received_resolve(c, m->received_on, &out->received);
	if (m->users)
		feature_note(c, FEATURE_USER, m->users_span);
	if (m->groups)
		feature_note(c, FEATURE_GROUP, m->groups_span);
	if (m->cgroups)
		feature_note(c, FEATURE_CGROUP, m->cgroups_span);
	if (m->marks)
		feature_note(c, FEATURE_MARK, m->marks_span);
	if (m->tagged)
		feature_note(c, FEATURE_TAGGED, m->tagged_span);
	if (m->has_prio)
		feature_note(c, FEATURE_PRIO, m->prio_span);
	return ok;
}

enum addr_family written_family(const struct check *c,
				const struct ast_match *m)
{
	return m->icmps && !c->is_pf ? m->icmp_family : m->family;
}

bool match_resolve(struct check *c, const struct ast_match *m,
		   struct check_lists *out)
{
	enum addr_family family = written_family(c, m);
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
	ok &= others_resolve(c, m, out);
	return ok;
}

/* ---- resolved lists -> one ast with lists -------------------------------- */

#define LIST_LINK(c, type, items, count, member, head)                         \
	do {                                                                   \
		type **tail_ = &(head);                                        \
		*tail_ = NULL;                                                 \
		for (size_t i_ = 0; i_ < (count); i_++) {                      \
			*tail_ = arena_new_of((c)->scratch, type);             \
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
