/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_search.c: a checked policy -> packets that one rule decides.
 *
 * Overview: the ends of every range in the policy, and their neighbours, are
 * where verdicts change. For each field these corners are collected once. A
 * search for packets of some criteria takes the corners that fulfil them,
 * tries all combinations when these are few, else random ones, and asks the
 * model. The random numbers are the same each time.
 *
 * Bound: a search is over after MATCHES_MAX comparisons of a packet with a
 * rule, and all searches of a policy after TOTAL_MAX.
 */
#include "check_search.h"

#include <stdlib.h>
#include <string.h>

#include "tag.h"

#define PACKETS_MAX 4096
#define MATCHES_MAX 4000000u
#define TOTAL_MAX 60000000u

struct search *search_new(struct check *c)
{
	struct search *s = arena_new_of(c->arena, struct search);

	s->check = c;
	s->policy = c->policy;
	s->random = 0x9e3779b97f4a7c15u;
	s->left = TOTAL_MAX;
	corners_collect(s);
	return s;
}

/* ---- packets of some criteria ---------------------------------------------
 */

/*
 * a is of the packet that arrives. b is of a rule: what it sees may have been
 * translated by others, when is_seen_late.
 */
struct wanted {
	const struct policy_match *a, *b; /* either may be NULL */
	bool is_seen_late;
	enum nfr_dir dir;
	enum addr_family family;
};

/* Can what holds now meet m? Another rule may give it m's tag. */
static bool context_fits(const struct policy_match *m, struct model_context x)
{
	if (m->meta && m->meta->has_tagged)
		x.tag = m->meta->tagged_negated ? TAG_NONE : m->meta->tagged;
	return model_context_meets(m, &x);
}

static bool corner_fits(const struct search *s, const struct policy_match *m,
			enum dimension d, enum addr_family family,
			const struct addr *a)
{
	if (!m)
		return true;
	switch (d) {
	case IFID:
		return model_iface_matches(m, a->w[0]);
	case PROTO:
		return m->proto < 0 || (uint32_t)m->proto == a->w[0];
	case SRC:
		return model_host_matches(s->policy, &m->src, family, a->w);
	case DST:
		return model_host_matches(s->policy, &m->dst, family, a->w);
	case SPORT:
		return model_port_matches(&m->sport, a->w[0]);
	case DPORT:
		return model_port_matches(&m->dport, a->w[0]);
	case TOS:
		return m->tos < 0 || (uint32_t)m->tos == a->w[0];
	case CONTEXT:
		return context_fits(m, s->contexts[a->w[0]]);
	default:
		return true;
	}
}

/* What b asks of these is asked of the packet as it is by then. */
static bool is_late(const struct wanted *w, int d)
{
	return w->is_seen_late &&
	       (d == SRC || d == DST || d == SPORT || d == DPORT);
}

/* Fills s->fit; false when a field has no corner that fits. */
static bool corners_fit(struct search *s, const struct wanted *w)
{
	for (int d = 0; d < DIMENSIONS; d++) {
		const struct corners *from = &s->numbers[d];
		struct corners *to = &s->fit[d];

		if (d == SRC || d == DST)
			from = &s->hosts[w->family - 1][d - SRC];
		to->count = 0;
		if (s->left < from->count) {
			s->is_over = true;
			return false;
		}
		s->left -= from->count;
		for (size_t i = 0; i < from->count; i++)
			if (corner_fits(s, w->a, (enum dimension)d, w->family,
					&from->items[i]) &&
			    (is_late(w, d) ||
			     corner_fits(s, w->b, (enum dimension)d, w->family,
					 &from->items[i])))
				to->items[to->count++] = from->items[i];
		if (to->count == 0)
			return false;
	}
	return true;
}

static struct nfr_key key_at(const struct search *s, const struct wanted *w,
			     const size_t at[DIMENSIONS])
{
	const struct addr *a[DIMENSIONS];
	uint32_t proto, detail;
	struct nfr_key key = {0};

	for (int d = 0; d < DIMENSIONS; d++)
		a[d] = &s->fit[d].items[at[d]];
	proto = a[PROTO]->w[0];
	detail = a[DETAIL]->w[0];
	key.w[NFR_F_IFID] = a[IFID]->w[0];
	key.w[NFR_F_DIR] = w->dir;
	key.w[NFR_F_FAMILY] = w->family;
	key.w[NFR_F_ETHERTYPE] = w->family == FAMILY_IPV4 ? 0x0800 : 0x86dd;
	key.w[NFR_F_PROTO] = proto;
	key.w[NFR_F_TTL] = 64;
	key.w[NFR_F_TOS] = a[TOS]->w[0];
	if (w->dir == NFR_DIR_IN)
		key.w[NFR_F_RECEIVED] = key.w[NFR_F_IFID] ? key.w[NFR_F_IFID]
							  : NFR_RECEIVED_OTHER;
	memcpy(&key.w[NFR_F_SRC0], a[SRC]->w, sizeof(a[SRC]->w));
	memcpy(&key.w[NFR_F_DST0], a[DST]->w, sizeof(a[DST]->w));
	if (proto == CHECK_PROTO_TCP || proto == CHECK_PROTO_UDP) {
		key.w[NFR_F_SPORT] = a[SPORT]->w[0];
		key.w[NFR_F_DPORT] = a[DPORT]->w[0];
	}
	if (proto == CHECK_PROTO_TCP)
		key.w[NFR_F_TCPFLAGS] = detail & 0xff;
	if (proto == CHECK_PROTO_ICMP || proto == CHECK_PROTO_ICMP6)
		key.w[NFR_F_ICMP] = detail;
	return key;
}

static uint64_t random_next(struct search *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return s->random;
}

static bool at_next(struct search *s, size_t at[DIMENSIONS], bool is_small)
{
	for (int d = 0; d < DIMENSIONS; d++) {
		if (!is_small) {
			at[d] = random_next(s) % s->fit[d].count;
			continue;
		}
		if (++at[d] < s->fit[d].count)
			return true;
		at[d] = 0;
	}
	return !is_small;
}

static bool is_few(const struct search *s)
{
	uint64_t product = 1;

	for (int d = 0; d < DIMENSIONS; d++)
		product *= product > PACKETS_MAX ? 1 : s->fit[d].count;
	return product <= PACKETS_MAX;
}

/* Is this the packet that was looked for? */
typedef bool search_test(const struct search_packet *,
			 const struct model_outcome *, const struct search *,
			 const void *looked_for);

static void evaluate(const struct search *s, const struct search_packet *packet,
		     struct model_outcome *out)
{
	struct model_context x = *packet->context;

	if (s->is_spent) {
		memcpy(s->is_spent, x.is_spent, s->policy->rule_count);
		x.is_spent = s->is_spent;
	}
	model_evaluate(s->policy, &packet->key, &x, out);
}

static bool is_wanted(const struct search *s, const struct wanted *w,
		      const struct search_packet *packet)
{
	const struct policy *p = s->policy;

	return (!w->a || model_meets(p, w->a, &packet->key, packet->context)) &&
	       (!w->b || w->is_seen_late ||
		model_matches(p, w->b, &packet->key));
}

static bool search_box(struct search *s, const struct wanted *w,
		       search_test *test, const void *looked_for,
		       struct search_packet *out)
{
	struct model_outcome outcome;
	uint64_t cost = s->policy->rule_count + s->policy->guard_count + 1;
	uint64_t matches = MATCHES_MAX;
	size_t at[DIMENSIONS] = {0};
	bool is_small;

	if (!corners_fit(s, w))
		return false;
	is_small = is_few(s);
	for (unsigned i = 0; i < PACKETS_MAX; i++) {
		out->key = key_at(s, w, at);
		out->context =
			&s->contexts[s->fit[CONTEXT].items[at[CONTEXT]].w[0]];
		if (s->left < cost)
			s->is_over = true;
		if (matches < cost || s->left < cost)
			return false;
		matches -= cost;
		s->left -= cost;
		if (is_wanted(s, w, out)) {
			evaluate(s, out, &outcome);
			if (test(out, &outcome, s, looked_for))
				return true;
		}
		if (!at_next(s, at, is_small))
			return false;
	}
	return false;
}

static bool search_ways(struct search *s, const struct policy_match *a,
			const struct policy_match *b, bool is_seen_late,
			search_test *test, const void *looked_for,
			struct search_packet *out)
{
	for (unsigned i = 0; i < 4; i++) {
		struct wanted w = {
			.a = a,
			.b = b,
			.is_seen_late = is_seen_late,
			.dir = i & 1 ? NFR_DIR_IN : NFR_DIR_OUT,
			.family = i & 2 ? FAMILY_IPV6 : FAMILY_IPV4,
		};
		uint8_t dirs = (a ? a->dirs : 0xff) & (b ? b->dirs : 0xff);
		uint8_t families =
			(a ? a->families : 0xff) & (b ? b->families : 0xff);

		if ((dirs & 1u << w.dir) && (families & 1u << w.family) &&
		    search_box(s, &w, test, looked_for, out))
			return true;
	}
	return false;
}

static bool search_all(struct search *s, const struct policy_match *a,
		       const struct policy_match *b, search_test *test,
		       const void *looked_for, struct search_packet *out)
{
	return search_ways(s, a, b, false, test, looked_for, out) ||
	       (s->is_translated && b &&
		search_ways(s, a, b, true, test, looked_for, out));
}

/* ---- what is looked for -----------------------------------------------------
 */

struct decided {
	uint32_t rule;
	bool is_pass;
};

/* Only first packets of connections are asked to pass: the rest has a state. */
static bool is_decided(const struct search_packet *packet,
		       const struct model_outcome *out, const struct search *s,
		       const void *looked_for)
{
	const struct decided *d = looked_for;
	const uint32_t *w = packet->key.w;

	(void)s;
	if (!d->is_pass && w[NFR_F_PROTO] == CHECK_PROTO_TCP &&
	    w[NFR_F_TCPFLAGS] != 0x02)
		return false;
	return (out->result.verdict == NFR_PASS) == d->is_pass &&
	       out->result.rule == d->rule;
}

static bool is_guarded(const struct search_packet *packet,
		       const struct model_outcome *out, const struct search *s,
		       const void *looked_for)
{
	uint32_t ifid = packet->key.w[NFR_F_IFID];
	uint32_t rule = out->result.rule;

	if (rule >= s->policy->rule_count &&
	    rule - s->policy->rule_count < s->policy->guard_count &&
	    s->policy->guard[rule - s->policy->rule_count].is_side_door)
		return false; /* stopped by where it comes from */
	if (ifid && s->policy->ifaces[ifid - 1].is_tunnel)
		return false; /* stopped, but not outside */
	return out->result.reason == NFR_REASON_GUARD &&
	       out->decider == *(const uint32_t *)looked_for;
}

static const struct policy_match *match_of(const struct policy *p,
					   uint32_t rule)
{
	if (rule < p->rule_count)
		return p->rules[rule].is_default ? NULL : &p->rules[rule].match;
	return &p->guard[rule - p->rule_count].match;
}

bool search_find(struct search *s, const struct policy_match *match,
		 uint32_t rule, bool is_pass, struct search_packet *out)
{
	struct decided d = {.rule = rule, .is_pass = is_pass};

	return search_all(s, match, match_of(s->policy, rule), is_decided, &d,
			  out);
}

bool search_guarded(struct search *s, uint32_t rule, struct search_packet *out)
{
	return search_all(s, NULL, match_of(s->policy, rule), is_guarded, &rule,
			  out);
}

/* ---- "udp 10.0.0.1:40000 > 9.9.9.9:53 out eth0" ----------------------------
 */

static const char *end_text(struct search *s, const struct nfr_key *key,
			    unsigned addr, uint32_t port)
{
	struct arena *a = s->check->arena;
	enum addr_family family = (enum addr_family)key->w[NFR_F_FAMILY];
	const uint32_t *w = &key->w[addr];
	struct addr host = {{w[0], w[1], w[2], w[3]}};
	char text[ADDR_TEXT_MAX];
	uint32_t proto = key->w[NFR_F_PROTO];

	addr_format(&host, family, text);
	if (proto != CHECK_PROTO_TCP && proto != CHECK_PROTO_UDP)
		return arena_printf(a, "%s", text);
	return arena_printf(a, family == FAMILY_IPV6 ? "[%s]:%u" : "%s:%u",
			    text, port);
}

bool search_is_over(const struct search *s)
{
	return s->is_over;
}

bool search_translates(const struct search *s)
{
	return s->is_translated;
}

/* ", as 192.0.2.1:50001 > 9.9.9.9:53": how it leaves, where that differs. */
static const char *translated_text(struct search *s,
				   const struct search_packet *packet)
{
	struct model_outcome out;

	evaluate(s, packet, &out);
	if (out.result.verdict != NFR_PASS)
		out.key = out.seen;
	if (memcmp(&out.key, &packet->key, sizeof(out.key)) == 0)
		return "";
	return arena_printf(
		s->check->arena, ", as %s > %s",
		end_text(s, &out.key, NFR_F_SRC0, out.key.w[NFR_F_SPORT]),
		end_text(s, &out.key, NFR_F_DST0, out.key.w[NFR_F_DPORT]));
}

const char *search_text(struct search *s, const struct search_packet *packet)
{
	const struct nfr_key *key = &packet->key;
	struct arena *a = s->check->arena;
	uint32_t proto = key->w[NFR_F_PROTO], ifid = key->w[NFR_F_IFID];
	const char *name = host_proto_name(proto);

	if (!name)
		name = arena_printf(a, "proto %u", proto);
	if (proto == CHECK_PROTO_ICMP || proto == CHECK_PROTO_ICMP6)
		name = arena_printf(a, "%s type %u", name,
				    key->w[NFR_F_ICMP] >> 8);
	return arena_printf(a, "%s %s > %s %s %s%s%s", name,
			    end_text(s, key, NFR_F_SRC0, key->w[NFR_F_SPORT]),
			    end_text(s, key, NFR_F_DST0, key->w[NFR_F_DPORT]),
			    key->w[NFR_F_DIR] == NFR_DIR_OUT ? "out" : "in",
			    ifid ? s->policy->ifaces[ifid - 1].name
				 : "an interface that no rule names",
			    context_text(s->check, packet->context),
			    translated_text(s, packet));
}
