/* SPDX-License-Identifier: BSD-2-Clause */
/* near_key.c: a policy -> keys at the corners of its rules, and next to them.
 */
#include "near_key.h"

static uint32_t near(struct random *r, uint32_t first, uint32_t last)
{
	switch (random_below(r, 6)) {
	case 0:
		return first - 1;
	case 1:
		return last + 1;
	case 2:
		return last;
	case 3:
		return first + (uint32_t)random_next(r) %
				       (last - first ? last - first : 1);
	default:
		return first;
	}
}

static void near_host(struct random *r, const struct policy_host *host,
		      uint32_t *w, unsigned words)
{
	bool is_range = host->kind == POLICY_HOST_RANGE;
	bool is_first = random_once_in(r, 2);

	for (unsigned i = 0; i < words; i++)
		if (!is_range)
			w[i] = 0x0a000000 + random_below(r, 1u << 26);
		else if (is_first && i + 1 < words)
			w[i] = host->first.w[i];
		else
			w[i] = near(r, host->first.w[i], host->last.w[i]);
}

static uint32_t near_port(struct random *r, const struct policy_port *port)
{
	if (port->is_any)
		return random_below(r, UINT16_MAX + 1);
	return near(r, port->first, port->last) & UINT16_MAX;
}

static uint32_t near_proto(struct random *r, const struct policy_match *m,
			   enum nfr_family family)
{
	static const uint8_t protos[] = {6, 6, 17, 17, 50};

	if (m->proto >= 0 && !random_once_in(r, 12))
		return (uint32_t)m->proto;
	if (random_once_in(r, 8))
		return family == NFR_FAMILY_IPV4 ? 1 : 58;
	return random_pick(r, protos);
}

/* What belongs to the protocol. */
static void near_transport(struct random *r, const struct policy_match *a,
			   const struct policy_match *b, uint32_t *w)
{
	uint32_t proto = w[NFR_F_PROTO];

	if (proto == 6 || proto == 17) {
		w[NFR_F_SPORT] = near_port(r, &b->sport);
		w[NFR_F_DPORT] = near_port(r, &a->dport);
	}
	if (proto == 6)
		w[NFR_F_TCPFLAGS] = random_once_in(r, 2) ? 2 : 16;
	if (proto == 1 || proto == 58)
		w[NFR_F_ICMP] = (a->icmp_type >= 0 ? (uint32_t)a->icmp_type : 8)
					<< 8 |
				random_below(r, 2);
}

struct nfr_key near_key(const struct policy *policy, struct random *r,
			enum nfr_family family)
{
	uint32_t rules = (uint32_t)policy->rule_count - 1;
	const struct policy_match *a =
		&policy->rules[random_below(r, rules)].match;
	const struct policy_match *b =
		random_once_in(r, 2)
			? a
			: &policy->rules[random_below(r, rules)].match;
	unsigned words = family == NFR_FAMILY_IPV6 ? 4 : 1;
	uint32_t ifaces = (uint32_t)policy->iface_count;
	struct nfr_key key = {.w = {0}};
	uint32_t *w = key.w;

	w[NFR_F_FAMILY] = family;
	w[NFR_F_DIR] = random_below(r, 2);
	w[NFR_F_IFID] =
		random_once_in(r, 3) ? random_below(r, ifaces + 1) : a->ifid;
	w[NFR_F_RECEIVED] = w[NFR_F_DIR] == NFR_DIR_IN && w[NFR_F_IFID]
				    ? w[NFR_F_IFID]
				    : NFR_RECEIVED_OTHER;
	w[NFR_F_UID] = w[NFR_F_GID] = NFR_NO_ID;
	w[NFR_F_TTL] = 255 - random_below(r, 2);
	if (family == NFR_FAMILY_LINK) {
		w[NFR_F_ETHERTYPE] = random_once_in(r, 2) ? 0x0806 : 0x88cc;
		return key;
	}
	w[NFR_F_ETHERTYPE] = family == NFR_FAMILY_IPV4 ? 0x0800 : 0x86dd;
	w[NFR_F_PROTO] = near_proto(r, a, family);
	near_transport(r, a, b, w);
	near_host(r, &a->src, &w[NFR_F_SRC0], words);
	near_host(r, &b->dst, &w[NFR_F_DST0], words);
	return key;
}
