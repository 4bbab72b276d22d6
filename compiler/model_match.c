/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_match.c: a packet and what is known of it -> does it fulfil what a
 * rule asks?
 */
#include "model.h"

#include <string.h>

#include "tag.h"

/* ---- of its headers -------------------------------------------------------
 */

static bool range_has(const struct addr *first, const struct addr *last,
		      const struct addr *a)
{
	return addr_compare(first, a) <= 0 && addr_compare(a, last) <= 0;
}

/*
 * The longest prefix that covers the address says whether it is a member. In
 * a table ::ffff:a.b.c.d is a.b.c.d (RFC 4291 2.5.5.2).
 */
bool model_table_has(const struct policy_table *t, enum addr_family family,
		     const struct addr *a)
{
	const struct policy_table_entry *best = NULL;
	const struct addr ipv4 = {{a->w[3]}};

	if (family == FAMILY_IPV6 && !a->w[0] && !a->w[1] &&
	    a->w[2] == 0xffff) {
		family = FAMILY_IPV4;
		a = &ipv4;
	}

	for (size_t i = 0; i < t->entry_count; i++) {
		const struct policy_table_entry *e = &t->entries[i];
		struct addr first, last;

		if (e->family != family)
			continue;
		first = addr_first(e->addr, family, e->prefix_len);
		last = addr_last(e->addr, family, e->prefix_len);
		if (range_has(&first, &last, a) &&
		    (!best || e->prefix_len > best->prefix_len))
			best = e;
	}
	return best && !best->is_negated;
}

bool model_host_matches(const struct policy *p, const struct policy_host *h,
			enum addr_family family, const uint32_t *words)
{
	struct addr a = {{words[0], words[1], words[2], words[3]}};
	bool is_in = true;

	if (h->kind == POLICY_HOST_RANGE)
		is_in = range_has(&h->first, &h->last, &a);
	else if (h->kind == POLICY_HOST_TABLE)
		is_in = model_table_has(&p->tables[h->table], family, &a);
	else
		return true;
	return is_in != h->is_negated;
}

bool model_port_matches(const struct policy_port *port, uint32_t value)
{
	if (port->is_any)
		return true;
	return (port->first <= value && value <= port->last) !=
	       port->is_negated;
}

bool model_iface_matches(const struct policy_match *m, uint32_t ifid)
{
	return m->on_any || (m->ifid == ifid) != m->on_negated;
}

static bool transport_matches(const struct policy_match *m,
			      const struct nfr_key *key)
{
	uint32_t icmp = key->w[NFR_F_ICMP];
	uint32_t flags = key->w[NFR_F_TCPFLAGS];

	if (m->proto >= 0 && key->w[NFR_F_PROTO] != (uint32_t)m->proto)
		return false;
	if (!model_port_matches(&m->sport, key->w[NFR_F_SPORT]) ||
	    !model_port_matches(&m->dport, key->w[NFR_F_DPORT]))
		return false;
	if (m->icmp_type >= 0 && icmp >> 8 != (uint32_t)m->icmp_type)
		return false;
	if (m->icmp_code >= 0 && (icmp & 0xff) != (uint32_t)m->icmp_code)
		return false;
	return key->w[NFR_F_PROTO] != 6 ||
	       (flags & m->flags_mask) == m->flags_set;
}

/* Id 0 in a rule is any interface: whatever was not made here. */
static bool received_matches(const struct policy_match *m, uint32_t received)
{
	bool is_it;

	if (!m->has_received)
		return true;
	is_it = m->received_ifid ? received == m->received_ifid : received != 0;
	return is_it != m->received_negated;
}

static bool hosts_match(const struct policy *p, const struct policy_match *m,
			enum addr_family family, const struct nfr_key *key)
{
	return model_host_matches(p, &m->src, family, &key->w[NFR_F_SRC0]) &&
	       model_host_matches(p, &m->dst, family, &key->w[NFR_F_DST0]);
}

bool model_matches(const struct policy *p, const struct policy_match *m,
		   const struct nfr_key *key)
{
	uint32_t family = key->w[NFR_F_FAMILY];

	if (!(m->dirs & 1u << key->w[NFR_F_DIR]) ||
	    !(m->families & 1u << family) ||
	    !model_iface_matches(m, key->w[NFR_F_IFID]) ||
	    !received_matches(m, key->w[NFR_F_RECEIVED]))
		return false;
	if (m->ethertype >= 0 &&
	    key->w[NFR_F_ETHERTYPE] != (uint32_t)m->ethertype)
		return false;
	if (m->origin & ~key->w[NFR_F_ORIGIN] ||
	    m->lacks & key->w[NFR_F_ORIGIN])
		return false;
	if (family == NFR_FAMILY_LINK) /* the rest is only asked of IP */
		return !m->is_fragment && (m->ethertype != ETHERTYPE_ARP ||
					   hosts_match(p, m, FAMILY_IPV4, key));
	if (m->is_fragment && !(key->w[NFR_F_BITS] & NFR_BIT_FRAGMENT))
		return false;
	if (m->tos >= 0 && key->w[NFR_F_TOS] != (uint32_t)m->tos)
		return false;
	if (m->ttl >= 0 && key->w[NFR_F_TTL] != (uint32_t)m->ttl)
		return false;
	return transport_matches(m, key) &&
	       hosts_match(p, m, (enum addr_family)family, key);
}

/* ---- beside them -----------------------------------------------------------
 */

struct model_context model_no_context(void)
{
	return (struct model_context){.tag = TAG_NONE};
}

static bool id_has(const struct policy_id *id, bool is_known, uint32_t value)
{
	if (id->is_any)
		return true;
	if (!is_known)
		return id->takes_unknown;
	return (id->first <= value && value <= id->last) != id->is_negated;
}

static bool cgroups_have(const struct policy_meta *m, const char *path)
{
	for (size_t i = 0; i < m->cgroup_count; i++)
		if (path && cgroup_has(m->cgroups[i], path))
			return true;
	return m->cgroup_count == 0;
}

static bool marks_have(const struct policy_meta *m, uint32_t mark)
{
	for (size_t i = 0; i < m->mark_count; i++)
		if ((mark & m->marks[i].mask) == m->marks[i].value)
			return true;
	return m->mark_count == 0;
}

static uint32_t draw_of(const struct model_context *x, uint32_t draw)
{
	return x->draws ? x->draws[draw] : 0;
}

static bool meta_holds(const struct policy_meta *m,
		       const struct model_context *x)
{
	if (!id_has(&m->user, x->has_socket, x->uid) ||
	    !id_has(&m->group, x->has_socket, x->gid) ||
	    !cgroups_have(m, x->cgroup) || !marks_have(m, x->mark))
		return false;
	if (m->prio >= 0 && m->prio != x->prio)
		return false;
	if (m->rdomain >= 0 && (m->rdomain == x->rdomain) == m->rdomain_negated)
		return false;
	if (m->has_tagged && (m->tagged == x->tag) == m->tagged_negated)
		return false;
	if (m->probability && draw_of(x, m->draw) >= m->probability)
		return false;
	return !m->rate_packets || draw_of(x, m->rate_draw) == 0;
}

static bool route_holds(const struct policy_host *h,
			const struct model_context *x, unsigned side)
{
	const char *label = x->route[side].label;
	bool is_it;

	if (h->kind == POLICY_HOST_NO_ROUTE)
		is_it = x->route[side].is_missing;
	else if (h->kind == POLICY_HOST_URPF_FAILED)
		is_it = x->is_urpf_failed;
	else if (h->kind == POLICY_HOST_ROUTE)
		is_it = label && strcmp(label, h->label) == 0;
	else
		return true;
	return is_it != h->is_negated;
}

bool model_context_meets(const struct policy_match *m,
			 const struct model_context *x)
{
	return route_holds(&m->src, x, 0) && route_holds(&m->dst, x, 1) &&
	       (!m->meta || meta_holds(m->meta, x));
}

bool model_meets(const struct policy *p, const struct policy_match *m,
		 const struct nfr_key *key, const struct model_context *x)
{
	return model_matches(p, m, key) && model_context_meets(m, x);
}

bool model_rule_matches(const struct policy *p, const struct policy_rule *r,
			const struct nfr_key *key,
			const struct model_context *x)
{
	for (size_t i = 0; i < r->within_count; i++)
		if (!model_meets(p, &r->within[i], key, x))
			return false;
	return model_meets(p, &r->match, key, x);
}
