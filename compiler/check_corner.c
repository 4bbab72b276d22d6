/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_corner.c: a checked policy -> the values of each field where verdicts
 * change: the ends of every range and their neighbours.
 */
#include "check_search.h"

static void corner_add(struct corners *c, struct addr a)
{
	if (c->count == CORNERS_MAX)
		return;
	for (size_t i = 0; i < c->count; i++)
		if (addr_compare(&c->items[i], &a) == 0)
			return;
	c->items[c->count++] = a;
}

static void number_add(struct corners *c, int64_t value, int64_t max)
{
	if (value >= 0 && value <= max)
		corner_add(c, (struct addr){{(uint32_t)value}});
}

static struct addr addr_step(struct addr a, enum addr_family family, int by)
{
	int last = family == FAMILY_IPV4 ? 0 : 3;

	for (int i = last; i >= 0; i--) {
		a.w[i] += (uint32_t)by;
		if (a.w[i] != (by > 0 ? 0 : UINT32_MAX))
			break;
	}
	return a;
}

static void range_add(struct corners *c, enum addr_family family,
		      const struct addr *first, const struct addr *last)
{
	corner_add(c, *first);
	corner_add(c, *last);
	corner_add(c, addr_step(*first, family, -1));
	corner_add(c, addr_step(*last, family, 1));
}

static void table_add(struct search *s, const struct policy_table *t, int side)
{
	for (size_t i = 0; i < t->entry_count; i++) {
		const struct policy_table_entry *e = &t->entries[i];
		struct addr last = addr_last(e->addr, e->family, e->prefix_len);

		range_add(&s->hosts[e->family - 1][side], e->family, &e->addr,
			  &last);
	}
}

static void host_add(struct search *s, const struct policy_match *m,
		     const struct policy_host *h, int side)
{
	enum addr_family family =
		m->families & 1u << FAMILY_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6;

	if (h->kind == POLICY_HOST_RANGE)
		range_add(&s->hosts[family - 1][side], family, &h->first,
			  &h->last);
	if (h->kind == POLICY_HOST_TABLE)
		table_add(s, &s->policy->tables[h->table], side);
}

static void port_add(struct corners *c, const struct policy_port *p)
{
	if (p->is_any)
		return;
	number_add(c, p->first, 65535);
	number_add(c, p->last, 65535);
	number_add(c, p->first - 1, 65535);
	number_add(c, p->last + 1, 65535);
}

static void match_add(struct search *s, const struct policy_match *m)
{
	number_add(&s->numbers[PROTO], m->proto, 255);
	number_add(&s->numbers[TOS], m->tos, 255);
	port_add(&s->numbers[SPORT], &m->sport);
	port_add(&s->numbers[DPORT], &m->dport);
	host_add(s, m, &m->src, 0);
	host_add(s, m, &m->dst, 1);
	number_add(&s->numbers[DETAIL], m->flags_mask ? m->flags_set : -1, 255);
	if (m->icmp_type >= 0)
		number_add(&s->numbers[DETAIL],
			   m->icmp_type << 8 |
				   (m->icmp_code < 0 ? 0 : m->icmp_code),
			   65535);
}

/* What a packet looks like where nothing is asked of it; shown first. */
static void usual_add(struct search *s)
{
	static const uint8_t protos[] = {CHECK_PROTO_UDP, CHECK_PROTO_TCP,
					 CHECK_PROTO_ICMP, CHECK_PROTO_ICMP6,
					 253};
	const struct addr src6 = {{0x20010db8, 0, 0, 1}};
	const struct addr dst6 = {{0x20010db8, 9, 9, 9}};

	for (size_t i = 0; i < sizeof(protos); i++)
		number_add(&s->numbers[PROTO], protos[i], 255);
	number_add(&s->numbers[SPORT], 40000, 65535);
	number_add(&s->numbers[DPORT], 443, 65535);
	number_add(&s->numbers[DETAIL], 0x02, 65535); /* SYN */
	number_add(&s->numbers[DETAIL], 8 << 8, 65535);
	number_add(&s->numbers[DETAIL], 0x10, 65535);
	number_add(&s->numbers[TOS], 0, 255);
	corner_add(&s->hosts[0][0], (struct addr){{0x0a000001}});
	corner_add(&s->hosts[0][1], (struct addr){{0x09090909}});
	corner_add(&s->hosts[1][0], src6);
	corner_add(&s->hosts[1][1], dst6);
}

static void contexts_add(struct search *s)
{
	const struct policy *p = s->policy;

	s->context_count = contexts_of(s->check, CONTEXTS_MAX, &s->contexts);
	for (size_t i = 0; i < s->context_count; i++)
		s->numbers[CONTEXT].items[i].w[0] = (uint32_t)i;
	s->numbers[CONTEXT].count = s->context_count;
	if (s->contexts[0].is_spent)
		s->is_spent = arena_alloc(s->check->arena, p->rule_count);
	for (size_t i = 0; i < p->rule_count; i++) {
		const struct policy_effects *e = p->rules[i].effects;

		s->is_translated |= p->rules[i].is_match && e &&
				    (e->nat || e->rdr || e->af_to);
	}
}

void corners_collect(struct search *s)
{
	const struct policy *p = s->policy;

	usual_add(s);
	contexts_add(s);
	for (size_t i = p->iface_count + 1; i-- > 0;)
		number_add(&s->numbers[IFID], (int64_t)i, NFR_IFACE_MAX);
	for (const struct check_assert *a = s->check->asserts; a; a = a->next)
		match_add(s, &a->match);
	for (size_t i = 0; i < p->guard_count; i++)
		match_add(s, &p->guard[i].match);
	for (size_t i = 0; i < p->rule_count; i++) {
		for (size_t j = 0; j < p->rules[i].within_count; j++)
			match_add(s, &p->rules[i].within[j]);
		match_add(s, &p->rules[i].match);
	}
}
