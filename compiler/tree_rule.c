/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_rule.c: what a rule matches <-> a box of key words.
 *
 * The box holds all that the rule can match. Where it is no more than that, the
 * word is exact: in a leaf whose packets are all inside, it is asked no more.
 * What has no range (a table, a negation, flags) is left to the leaf.
 */
#include "tree_rule.h"

#include <string.h>

/* Both must hold. False: nothing does. */
static bool range_meet(struct tree_range *range, uint32_t first, uint32_t last)
{
	if (range->first < first)
		range->first = first;
	if (range->last > last)
		range->last = last;
	return range->first <= range->last;
}

static bool word_meet(struct tree_rule *rule, unsigned dim, uint32_t first,
		      uint32_t last)
{
	return range_meet(&rule->at[dim], first, last);
}

static void word_blur(struct tree_rule *rule, unsigned dim)
{
	rule->exact &= (uint16_t) ~(1u << dim);
	rule->is_box = false;
}

static bool port_meet(struct tree_rule *rule, unsigned dim,
		      const struct policy_port *port)
{
	if (port->is_any)
		return true;
	if (port->is_negated) {
		word_blur(rule, dim);
		return true;
	}
	return word_meet(rule, dim, port->first, port->last);
}

/*
 * Words that are the same in first and last, then one with a range. If that is
 * all, as of a prefix, the box is exact.
 */
static bool host_meet(struct tree_rule *rule, unsigned dim,
		      const struct policy_host *host, unsigned words)
{
	unsigned i = 0;
	bool is_exact = true;

	if (host->kind == POLICY_HOST_ANY)
		return true;
	if (host->kind != POLICY_HOST_RANGE || host->is_negated) {
		for (i = 0; i < words; i++)
			word_blur(rule, dim + i);
		return true;
	}
	for (; i < words; i++) {
		if (!word_meet(rule, dim + i, host->first.w[i],
			       host->last.w[i]))
			return false;
		if (host->first.w[i] != host->last.w[i])
			break;
	}
	for (i++; i < words; i++)
		is_exact &=
			host->first.w[i] == 0 && host->last.w[i] == UINT32_MAX;
	for (i = 0; i < words && !is_exact; i++)
		word_blur(rule, dim + i);
	return true;
}

/* Does it ask more than interface, protocol, ports and addresses? */
static bool asks_more(const struct policy_match *m)
{
	return m->has_received || m->ethertype >= 0 || m->ttl >= 0 ||
	       m->tos >= 0 || m->is_fragment || m->flags_mask ||
	       m->icmp_type >= 0 || m->origin || m->lacks || m->meta;
}

static bool match_meet(struct tree_rule *rule, const struct policy_match *m,
		       enum nfr_family family)
{
	unsigned words = family == NFR_FAMILY_IPV6 ? 4 : 1;

	if (asks_more(m))
		rule->is_box = false;
	if (!m->on_any && m->on_negated)
		word_blur(rule, TREE_IFID);
	if (!m->on_any && !m->on_negated &&
	    !word_meet(rule, TREE_IFID, m->ifid, m->ifid))
		return false;
	if (family == NFR_FAMILY_LINK) {
		/* The rest is only asked of IP; ARP's addresses in leaves. */
		if (m->ethertype == ETHERTYPE_ARP) {
			word_blur(rule, TREE_SRC);
			word_blur(rule, TREE_DST);
		}
		return true;
	}
	if (m->proto >= 0 && !word_meet(rule, TREE_PROTO, (uint32_t)m->proto,
					(uint32_t)m->proto))
		return false;
	return port_meet(rule, TREE_SPORT, &m->sport) &&
	       port_meet(rule, TREE_DPORT, &m->dport) &&
	       host_meet(rule, TREE_SRC, &m->src, words) &&
	       host_meet(rule, TREE_DST, &m->dst, words);
}

bool tree_rule(const struct policy_rule *rule, uint32_t number,
	       enum nfr_family family, struct tree_rule *out)
{
	bool can = true;

	*out = (struct tree_rule){.number = number,
				  .exact = (1u << TREE_DIMS) - 1,
				  .is_box = true};
	for (unsigned d = 0; d < TREE_DIMS; d++)
		out->at[d].last = UINT32_MAX;
	out->at[TREE_SPORT].last = out->at[TREE_DPORT].last = UINT16_MAX;
	for (size_t i = 0; i < rule->within_count && can; i++)
		can = match_meet(out, &rule->within[i], family);
	return can && match_meet(out, &rule->match, family);
}

static void host_forget(struct policy_host *host, uint32_t known, uint32_t bits)
{
	if ((known & bits) == bits && host->kind == POLICY_HOST_RANGE &&
	    !host->is_negated)
		host->kind = POLICY_HOST_ANY;
}

static void port_forget(struct policy_port *port, uint32_t known, unsigned dim)
{
	if (known >> dim & 1 && !port->is_negated)
		port->is_any = true;
}

/*
 * Flags are asked of TCP only: as long as they are, the protocol stays, unless
 * all that is left would ask for it again.
 */
struct policy_match tree_rest(const struct policy_match *match, uint32_t known)
{
	struct policy_match m = *match;

	if (known >> TREE_IFID & 1 && !m.on_negated)
		m.on_any = true;
	if (known >> TREE_PROTO & 1 && m.flags_mask == 0)
		m.proto = -1;
	port_forget(&m.sport, known, TREE_SPORT);
	port_forget(&m.dport, known, TREE_DPORT);
	host_forget(&m.src, known, TREE_SRC_BITS);
	host_forget(&m.dst, known, TREE_DST_BITS);
	return m;
}
