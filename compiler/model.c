/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.c: a policy and a packet key -> the verdict. This text is what a
 * policy means; every engine is compared with it, so it is written to be read
 * and not to be fast.
 */
#include "model.h"

static bool range_has(const struct addr *first, const struct addr *last,
		      const struct addr *a)
{
	return addr_compare(first, a) <= 0 && addr_compare(a, last) <= 0;
}

/*
 * The longest prefix that covers the address says whether it is a member. In
 * a table ::ffff:a.b.c.d is a.b.c.d (RFC 4291 2.5.5.2).
 */
static bool table_has(const struct policy_table *t, enum addr_family family,
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

	if (h->kind == POLICY_HOST_ANY)
		return true;
	if (h->kind == POLICY_HOST_RANGE)
		is_in = range_has(&h->first, &h->last, &a);
	if (h->kind == POLICY_HOST_TABLE)
		is_in = table_has(&p->tables[h->table], family, &a);
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
	if (family == NFR_FAMILY_LINK) /* what follows is only asked of IP */
		return !m->is_fragment;
	if (m->is_fragment && !(key->w[NFR_F_BITS] & NFR_BIT_FRAGMENT))
		return false;
	if (m->tos >= 0 && key->w[NFR_F_TOS] != (uint32_t)m->tos)
		return false;
	if (m->ttl >= 0 && key->w[NFR_F_TTL] != (uint32_t)m->ttl)
		return false;
	return transport_matches(m, key) &&
	       model_host_matches(p, &m->src, (enum addr_family)family,
				  &key->w[NFR_F_SRC0]) &&
	       model_host_matches(p, &m->dst, (enum addr_family)family,
				  &key->w[NFR_F_DST0]);
}

bool model_rule_matches(const struct policy *p, const struct policy_rule *r,
			const struct nfr_key *key)
{
	for (size_t i = 0; i < r->within_count; i++)
		if (!model_matches(p, &r->within[i], key))
			return false;
	return model_matches(p, &r->match, key);
}

/*
 * pf's order: the last match wins, unless a quick one ends the search, or a
 * quick anchor does when it is left after one of its rules matched.
 */
uint32_t model_classify(const struct policy *p, const struct nfr_key *key)
{
	uint32_t last = (uint32_t)p->rule_count - 1; /* the default */
	size_t end = last;

	for (uint32_t i = 0; i < end; i++) {
		const struct policy_rule *r = &p->rules[i];

		if (r->is_match || !model_rule_matches(p, r, key))
			continue;
		last = i;
		if (r->is_quick)
			break;
		if (r->group_end && r->group_end < end)
			end = r->group_end;
	}
	return last;
}

/* The guard's order: the first match wins. */
uint32_t model_guard(const struct policy *p, const struct nfr_key *key)
{
	for (size_t i = 0; i < p->guard_count; i++)
		if (model_rule_matches(p, &p->guard[i], key))
			return (uint32_t)(p->rule_count + i);
	return NFR_NO_RULE;
}

static struct nfr_result result(bool is_pass, enum nfr_reason reason,
				uint32_t rule)
{
	return (struct nfr_result){
		.verdict = is_pass ? NFR_PASS : NFR_BLOCK,
		.reason = (__u8)reason,
		.rule = rule,
	};
}

/* What is left to say of a packet that rule passes for reason. */
static struct nfr_result judge_passed(const struct policy *p,
				      const struct nfr_key *key,
				      enum nfr_reason reason, uint32_t rule)
{
	uint32_t guard;

	if (key->w[NFR_F_BITS] & NFR_BIT_OPTIONS && !p->rules[rule].allows_opts)
		return result(false, NFR_REASON_IP_OPTIONS, rule);
	guard = model_guard(p, key);
	if (guard != NFR_NO_RULE && !p->guard[guard - p->rule_count].is_pass)
		return result(false, NFR_REASON_GUARD, guard);
	return result(true, reason, rule);
}

struct nfr_result model_judge(const struct policy *p, const struct nfr_key *key)
{
	enum nfr_reason reason = NFR_REASON_RULE;
	uint32_t rule;

	if (key->w[NFR_F_BITS] & NFR_BIT_LATER)
		return result(false, NFR_REASON_FRAGMENT, NFR_NO_RULE);
	rule = model_classify(p, key);
	if (p->rules[rule].is_default) {
		/* "set default pass" is about IP. */
		if (key->w[NFR_F_FAMILY] == NFR_FAMILY_LINK)
			return result(false, NFR_REASON_ETHERTYPE, rule);
		reason = NFR_REASON_DEFAULT;
	}
	if (!p->rules[rule].is_pass)
		return result(false, reason, rule);
	return judge_passed(p, key, reason, rule);
}

struct nfr_result model_judge_flow(const struct policy *p,
				   const struct nfr_key *key, uint32_t rule)
{
	struct nfr_result r;

	if (key->w[NFR_F_BITS] & NFR_BIT_LATER)
		return result(false, NFR_REASON_FRAGMENT, NFR_NO_RULE);
	r = judge_passed(p, key, NFR_REASON_STATE, rule);
	r.from_state = r.verdict == NFR_PASS;
	return r;
}
