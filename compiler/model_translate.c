/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_translate.c: pools and a packet -> the packet with other addresses and
 * ports, as pf_get_transaddr() of OpenBSD's pf_lb.c has it. Where pf draws,
 * pick chooses, so that every possible result can be asked for.
 */
#include "model.h"

#include <string.h>

#define PROTO_ICMP 1
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_ICMP6 58
#define NAT_PORT_FIRST 50001 /* pf's, where nat-to says no ports */
#define NAT_PORT_LAST 65535
#define EMBED_MAX 96 /* the longest prefix that holds an IPv4 address */

/* ---- a pool's addresses ----------------------------------------------------
 */

/* Addresses of one prefix or range; prefix_len is -1 for a range. */
struct span_of_addrs {
	struct addr first, last;
	int prefix_len;
	unsigned weight;
};

static struct span_of_addrs entry_span(const struct policy_table_entry *e)
{
	return (struct span_of_addrs){
		.first = e->addr,
		.last = addr_last(e->addr, e->family, e->prefix_len),
		.prefix_len = e->prefix_len,
		.weight = 1,
	};
}

/* An interface has link-local addresses; nobody is translated to one. */
static bool leads_nowhere(const struct policy_table *table,
			  const struct policy_table_entry *e)
{
	return table->is_dynamic && !(table->modifiers & AST_MOD_PEER) &&
	       e->family == FAMILY_IPV6 && addr_is_link_local6(&e->addr);
}

/*
 * The number-th span of the pool in the family, each as often as its weight;
 * false behind the last one.
 */
static bool pool_span(const struct policy *p, const struct policy_pool *pool,
		      enum addr_family family, size_t number,
		      struct span_of_addrs *out)
{
	for (size_t i = 0; i < pool->target_count; i++) {
		const struct policy_target *t = &pool->targets[i];
		const struct policy_table *table;

		if (t->kind == POLICY_TARGET_RANGE) {
			if (t->family != family || t->weight <= number) {
				number -= t->family == family ? t->weight : 0;
				continue;
			}
			*out = (struct span_of_addrs){t->first, t->last,
						      t->prefix_len, t->weight};
			return true;
		}
		table = &p->tables[t->table];
		for (size_t j = 0; j < table->entry_count; j++) {
			const struct policy_table_entry *e = &table->entries[j];

			if (e->family != family || e->is_negated ||
			    leads_nowhere(table, e))
				continue;
			*out = entry_span(e);
			if (number-- == 0)
				return true;
		}
	}
	return false;
}

static size_t pool_spans(const struct policy *p, const struct policy_pool *pool,
			 enum addr_family family)
{
	struct span_of_addrs s;
	size_t count = 0;

	while (pool_span(p, pool, family, count, &s))
		count++;
	return count;
}

/* The network's bits of a prefix, the host's of from. */
static struct addr masked(const struct span_of_addrs *s,
			  enum addr_family family, const struct addr *from)
{
	struct addr zero = addr_first(*from, family, (unsigned)s->prefix_len);
	struct addr out = s->first;

	for (int i = 0; i < 4; i++)
		out.w[i] |= from->w[i] ^ zero.w[i];
	return out;
}

static bool is_one_way(const struct policy_pool *pool)
{
	return pool->type == AST_POOL_PLAIN || pool->type == AST_POOL_BITMASK;
}

static struct addr one_way(const struct policy_pool *pool,
			   const struct span_of_addrs *s,
			   enum addr_family family, const struct addr *from)
{
	return pool->type == AST_POOL_BITMASK && s->prefix_len >= 0
		       ? masked(s, family, from)
		       : s->first;
}

/* In a table of the pool, a more specific entry may take an address out. */
static bool is_taken_out(const struct policy *p, const struct policy_pool *pool,
			 enum addr_family family, const struct addr *a)
{
	for (size_t i = 0; i < pool->target_count; i++)
		if (pool->targets[i].kind == POLICY_TARGET_TABLE &&
		    !model_table_has(&p->tables[pool->targets[i].table], family,
				     a))
			return true;
	return false;
}

bool model_pool_has(const struct policy *p, const struct policy_pool *pool,
		    enum addr_family family, const struct addr *from,
		    const struct addr *address)
{
	struct span_of_addrs s;
	struct addr only;

	if (is_one_way(pool)) {
		if (!pool_span(p, pool, family, 0, &s))
			return false;
		only = one_way(pool, &s, family, from);
		return addr_compare(&only, address) == 0;
	}
	if (is_taken_out(p, pool, family, address))
		return false;
	for (size_t i = 0; pool_span(p, pool, family, i, &s); i++)
		if (addr_compare(&s.first, address) <= 0 &&
		    addr_compare(address, &s.last) <= 0)
			return true;
	return false;
}

static uint64_t mix(uint64_t x, uint32_t y)
{
	x = (x ^ y) * 0x9e3779b97f4a7c15u;
	return x ^ x >> 29;
}

/* One source has one address by a hash, or while it is remembered. */
static uint64_t pick_of(const struct policy_pool *pool,
			const struct addr *source, uint64_t pick)
{
	if (pool->type == AST_POOL_SOURCE_HASH || pool->is_sticky)
		for (int i = 0; i < 4; i++)
			pick = mix(pick, source->w[i]);
	return pick;
}

/* first + offset, or first again when that is behind last. */
static struct addr offset_in(const struct span_of_addrs *s,
			     enum addr_family family, uint32_t offset)
{
	int low = family == FAMILY_IPV4 ? 0 : 3;
	struct addr a = s->first;
	uint64_t sum = (uint64_t)a.w[low] + offset;

	a.w[low] = (uint32_t)sum;
	if (sum > UINT32_MAX || addr_compare(&a, &s->last) > 0)
		return s->first;
	return a;
}

/* How many addresses pick chooses from; the lowest word's, at most. */
static uint64_t span_size(const struct span_of_addrs *s,
			  enum addr_family family)
{
	int low = family == FAMILY_IPV4 ? 0 : 3;

	for (int i = 0; i < low; i++)
		if (s->first.w[i] != s->last.w[i])
			return UINT32_MAX;
	return (uint64_t)s->last.w[low] - s->first.w[low] + 1;
}

bool model_pool_choose(const struct policy *p, const struct policy_pool *pool,
		       enum addr_family family, const struct addr *from,
		       uint64_t pick, struct addr *out)
{
	size_t count = pool_spans(p, pool, family);
	struct span_of_addrs s;

	if (count == 0)
		return false;
	if (is_one_way(pool)) {
		pool_span(p, pool, family, 0, &s);
		*out = one_way(pool, &s, family, from);
		return true;
	}
	/* A few tries, where parts of a table are taken out. */
	for (unsigned i = 0; i < 64; i++, pick++) {
		pool_span(p, pool, family, pick % count, &s);
		*out = offset_in(
			&s, family,
			(uint32_t)(pick / count % span_size(&s, family)));
		if (!is_taken_out(p, pool, family, out))
			return true;
	}
	return false;
}

/* ---- addresses and ports of one family -------------------------------------
 */

static struct addr key_addr(const struct nfr_key *key, unsigned field)
{
	const uint32_t *w = &key->w[field];

	return (struct addr){{w[0], w[1], w[2], w[3]}};
}

static void key_set_addr(struct nfr_key *key, unsigned field,
			 const struct addr *a)
{
	memcpy(&key->w[field], a->w, sizeof(a->w));
}

static bool has_ports(const struct nfr_key *key)
{
	return key->w[NFR_F_PROTO] == PROTO_TCP ||
	       key->w[NFR_F_PROTO] == PROTO_UDP;
}

static void source_port(const struct policy_pool *pool, uint64_t pick,
			struct nfr_key *key)
{
	uint32_t first = pool->has_port ? pool->port_first : NAT_PORT_FIRST;
	uint32_t last = pool->has_port ? pool->port_last : NAT_PORT_LAST;

	if (!pool->is_static_port && has_ports(key))
		key->w[NFR_F_SPORT] =
			(uint32_t)(first + pick % (last - first + 1));
}

static void destination_port(const struct policy_pool *pool,
			     struct nfr_key *key)
{
	uint32_t count = (uint32_t)pool->port_last - pool->port_first + 1;

	if (pool->has_port && has_ports(key))
		key->w[NFR_F_DPORT] =
			(key->w[NFR_F_DPORT] - pool->port_base) % count +
			pool->port_first;
}

bool model_translate(const struct policy *p, const struct policy_effects *e,
		     uint64_t pick, struct nfr_key *key)
{
	enum addr_family family = (enum addr_family)key->w[NFR_F_FAMILY];
	struct addr src = key_addr(key, NFR_F_SRC0), a;
	struct addr dst = key_addr(key, NFR_F_DST0);

	if (e->nat) {
		if (!model_pool_choose(p, e->nat, family, &src,
				       pick_of(e->nat, &src, pick), &a))
			return false;
		key_set_addr(key, NFR_F_SRC0, &a);
		source_port(e->nat, pick, key);
		src = a;
	}
	if (e->rdr) {
		if (!model_pool_choose(p, e->rdr, family, &dst,
				       pick_of(e->rdr, &src, pick), &a))
			return false;
		key_set_addr(key, NFR_F_DST0, &a);
		destination_port(e->rdr, key);
	}
	return true;
}

/* ---- af-to: RFC 6052 --------------------------------------------------------
 */

/* Where octet i of the IPv4 address is in the IPv6 one; 8 is not used. */
static unsigned embedded_at(unsigned prefix_len, unsigned i)
{
	unsigned at = prefix_len / 8 + i;

	return prefix_len < EMBED_MAX && at >= 8 ? at + 1 : at;
}

static bool embeds(unsigned prefix_len)
{
	return prefix_len % 8 == 0 && prefix_len >= 32 &&
	       (prefix_len <= 64 || prefix_len == EMBED_MAX);
}

static struct addr embed(struct addr prefix, unsigned prefix_len, uint32_t ipv4)
{
	struct addr out;

	if (!embeds(prefix_len))
		prefix_len = EMBED_MAX;
	out = addr_first(prefix, FAMILY_IPV6, prefix_len);
	for (unsigned i = 0; i < 4; i++) {
		unsigned at = embedded_at(prefix_len, i);

		out.w[at / 4] |= (ipv4 >> (24 - 8 * i) & 0xff)
				 << (24 - 8 * (at % 4));
	}
	return out;
}

/* The new destination; from is the new source. */
static bool family_destination(const struct policy *p,
			       const struct policy_effects *e, uint64_t pick,
			       const struct addr *from, struct nfr_key *key)
{
	struct addr dst = key_addr(key, NFR_F_DST0), out = {{0}};
	const struct addr low = {{dst.w[3]}};
	struct span_of_addrs s = {.prefix_len = 0};

	if (e->af_dst && !pool_span(p, e->af_dst, e->af_to, 0, &s))
		return false;
	if (e->af_to == FAMILY_IPV6)
		out = embed(e->af_dst ? s.first : *from,
			    e->af_dst && s.prefix_len >= 0
				    ? (unsigned)s.prefix_len
				    : EMBED_MAX,
			    dst.w[0]);
	else if (!e->af_dst)
		out = low;
	else if (s.prefix_len >= 0)
		out = masked(&s, FAMILY_IPV4, &low);
	else if (!model_pool_choose(p, e->af_dst, FAMILY_IPV4, &low, pick,
				    &out))
		return false;
	key_set_addr(key, NFR_F_DST0, &out);
	return true;
}

/* Only echoes have a counterpart that says the same. */
static bool family_icmp(struct nfr_key *key)
{
	static const uint32_t echoes[2][2] = {{8 << 8, 128 << 8},
					      {0 << 8, 129 << 8}};
	bool is_v6 = key->w[NFR_F_PROTO] == PROTO_ICMP6;

	if (!is_v6 && key->w[NFR_F_PROTO] != PROTO_ICMP)
		return true;
	for (int i = 0; i < 2; i++) {
		if (key->w[NFR_F_ICMP] != echoes[i][is_v6])
			continue;
		key->w[NFR_F_ICMP] = echoes[i][!is_v6];
		key->w[NFR_F_PROTO] = is_v6 ? PROTO_ICMP : PROTO_ICMP6;
		return true;
	}
	return false;
}

bool model_translate_family(const struct policy *p,
			    const struct policy_effects *e, uint64_t pick,
			    struct nfr_key *key)
{
	struct addr src = key_addr(key, NFR_F_SRC0), a;

	if (key->w[NFR_F_FAMILY] == e->af_to)
		return true;
	if (!e->af_from ||
	    !model_pool_choose(p, e->af_from, e->af_to, &src,
			       pick_of(e->af_from, &src, pick), &a) ||
	    !family_destination(p, e, pick, &a, key) || !family_icmp(key))
		return false;
	key_set_addr(key, NFR_F_SRC0, &a);
	source_port(e->af_from, pick, key);
	if (e->af_dst)
		destination_port(e->af_dst, key);
	key->w[NFR_F_FAMILY] = e->af_to;
	key->w[NFR_F_ETHERTYPE] = e->af_to == FAMILY_IPV4 ? 0x0800 : 0x86dd;
	return true;
}
