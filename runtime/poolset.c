/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poolset.c: an image's pools and tables -> pools of prefixes.
 *
 * An entry of a table is a prefix; entries with "!" and longer prefixes take
 * parts of it out, so it is halved until each half is all in or all out.
 */
#include "poolset.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/image_edit.h"

struct maker {
	const struct image *image;
	struct poolset *set;
	__u32 (*ifindex)(void *arg, const char *name);
	void *arg;
	int error;
};

/* Of one table, and of the pool that is made of it. */
struct members {
	const struct image_entry *entries;
	size_t count;
	__u8 family;
	struct nfr_pool_addr like; /* what its prefixes have in common */
};

static void add(struct maker *m, const struct nfr_pool_addr *addr)
{
	struct poolset *set = m->set;

	if (!m->error && set->addr_count >= NFR_POOL_ADDR_MAX)
		m->error = -E2BIG;
	if (m->error)
		return;
	if (set->addr_count == set->addr_capacity) {
		size_t capacity = 2 * set->addr_capacity + 16;
		struct nfr_pool_addr *grown =
			reallocarray(set->addrs, capacity, sizeof(*set->addrs));

		if (!grown) {
			m->error = -ENOMEM;
			return;
		}
		set->addrs = grown;
		set->addr_capacity = capacity;
	}
	set->addrs[set->addr_count++] = *addr;
}

/* ---- a table's prefixes ------------------------------------------------ */

static unsigned family_bits(__u8 family)
{
	return family == NFR_FAMILY_IPV4 ? 32 : 128;
}

static void entry_words(const struct image_entry *e, __u32 words[4])
{
	const __u8 *b = e->addr + (e->family == NFR_FAMILY_IPV4 ? 12 : 0);

	memset(words, 0, 4 * sizeof(*words));
	for (unsigned i = 0; i < family_bits(e->family) / 8; i++)
		words[i / 4] = words[i / 4] << 8 | b[i];
}

static __u32 word_mask(unsigned len, unsigned word)
{
	unsigned bits = len > 32 * word ? len - 32 * word : 0;

	return bits >= 32 ? 0xffffffffu : ~(0xffffffffu >> bits);
}

/* Is the entry in the prefix, or the prefix itself? */
static bool is_below(const struct image_entry *e, const __u32 first[4],
		     unsigned len)
{
	__u32 words[4];

	if (e->prefix_len < len)
		return false;
	entry_words(e, words);
	for (unsigned i = 0; i < 4; i++)
		if ((words[i] ^ first[i]) & word_mask(len, i))
			return false;
	return true;
}

/*
 * 1: an entry with "!" is below the prefix, 2: it is the prefix, and so is all
 * that is left of it; 0: none.
 */
static int taken_out(const struct members *t, const __u32 first[4],
		     unsigned len)
{
	int found = 0;

	for (size_t i = 0; i < t->count; i++) {
		const struct image_entry *e = &t->entries[i];

		if (e->family != t->family || !e->is_negated ||
		    !is_below(e, first, len))
			continue;
		if (e->prefix_len == len)
			return 2;
		found = 1;
	}
	return found;
}

static void add_prefix(struct maker *m, const struct members *t,
		       const __u32 first[4], unsigned len)
{
	struct nfr_pool_addr addr = t->like;
	__u32 upper[4];
	int taken;

	if (m->error)
		return;
	taken = taken_out(t, first, len);
	if (taken == 2)
		return;
	if (taken == 0) {
		for (unsigned i = 0; i < 4; i++) {
			addr.first[i] = first[i];
			addr.mask[i] = word_mask(len, i);
		}
		add(m, &addr);
		return;
	}
	memcpy(upper, first, sizeof(upper));
	upper[len / 32] |= 0x80000000u >> len % 32;
	add_prefix(m, t, first, len + 1);
	add_prefix(m, t, upper, len + 1);
}

/* fe80::/10 of an interface leads nowhere but to its link. */
static bool leads_nowhere(const struct image_table *t,
			  const struct image_entry *e)
{
	return t->flags & IMAGE_TABLE_DYNAMIC &&
	       !(t->modifiers & IMAGE_MODIFIER_PEER) &&
	       e->family == NFR_FAMILY_IPV6 && e->addr[0] == 0xfe &&
	       (e->addr[1] & 0xc0) == 0x80;
}

static void add_table(struct maker *m, __u32 table, __u8 family,
		      const struct nfr_pool_addr *like)
{
	struct members t = {.family = family, .like = *like};

	t.entries = image_table_entries(m->image, table, &t.count);
	for (size_t i = 0; i < t.count; i++) {
		__u32 first[4];

		if (t.entries[i].family != family || t.entries[i].is_negated ||
		    leads_nowhere(&m->image->tables[table], &t.entries[i]))
			continue;
		entry_words(&t.entries[i], first);
		add_prefix(m, &t, first, t.entries[i].prefix_len);
	}
}

/* ---- pools ------------------------------------------------------------- */

static __u32 device_of(const struct maker *m, __u16 ifid)
{
	__u32 ifindex;

	if (!ifid)
		return 0;
	ifindex = m->ifindex(
		m->arg,
		image_string(m->image, m->image->ifaces[ifid - 1].name));
	return ifindex ? ifindex : POOLSET_NO_DEVICE;
}

/* Addresses that are a device's own, and not its network's or peer's. */
static bool is_own(const struct image_table *t)
{
	return t->flags & IMAGE_TABLE_DYNAMIC &&
	       !(t->modifiers & ~IMAGE_MODIFIER_NO_ALIAS) &&
	       t->prefix_len == IMAGE_NO_PREFIX;
}

/* Of a group of devices, any. */
static __u32 owner_of(const struct maker *m, __u32 table)
{
	const struct image_table *t = &m->image->tables[table];

	return is_own(t) ? m->ifindex(m->arg, image_string(m->image, t->iface))
			 : 0;
}

static void add_addr(struct maker *m, const struct image_pool_addr *from,
		     __u8 family)
{
	struct nfr_pool_addr addr = {.ifindex = device_of(m, from->ifid),
				     .shift = from->shift};

	memcpy(addr.first, from->first, sizeof(addr.first));
	memcpy(addr.mask, from->mask, sizeof(addr.mask));
	if (from->table != NFR_NO_TABLE && !from->ifid)
		addr.ifindex = owner_of(m, from->table);
	for (unsigned i = 0; i < from->weight && !m->error; i++) {
		if (from->table == NFR_NO_TABLE)
			add(m, &addr);
		else
			add_table(m, from->table, family, &addr);
	}
}

/* The first address of the first prefix is all that counts. */
static void keep_first(struct poolset *set, struct nfr_pool *pool)
{
	struct nfr_pool_addr *addr;

	if (set->addr_count == pool->first)
		return;
	set->addr_count = pool->first + 1;
	addr = &set->addrs[pool->first];
	for (unsigned i = 0; i < family_bits(pool->family) / 32; i++)
		addr->mask[i] = 0xffffffffu;
}

static void make_pool(struct maker *m, __u32 number, void (*draw)(__u32 key[4]))
{
	const struct nfr_pool *from = &m->image->pools[number];
	struct nfr_pool *to = &m->set->pools[number];

	*to = *from;
	to->reserved = 0;
	to->first = (__u32)m->set->addr_count;
	for (__u32 i = 0; i < from->count; i++)
		add_addr(m, &m->image->pool_addrs[from->first + i],
			 from->family);
	if (from->reserved & IMAGE_POOL_FIRST)
		keep_first(m->set, to);
	if (from->reserved & IMAGE_POOL_DRAW && draw)
		draw(to->key);
	to->count = (__u32)(m->set->addr_count - to->first);
}

int poolset_new(const struct image *image,
		__u32 (*ifindex)(void *arg, const char *name), void *arg,
		void (*draw)(__u32 key[4]), struct poolset **out)
{
	struct poolset *set = calloc(1, sizeof(*set));
	struct maker m = {
		.image = image, .set = set, .ifindex = ifindex, .arg = arg};

	if (!set)
		return -ENOMEM;
	set->pool_count = image->pool_count;
	set->pools = calloc(set->pool_count + 1, sizeof(*set->pools));
	if (!set->pools)
		m.error = -ENOMEM;
	for (__u32 i = 0; i < image->pool_count && !m.error; i++)
		make_pool(&m, i, draw);
	if (m.error)
		poolset_free(&set);
	else
		*out = set;
	return m.error;
}

void poolset_free(struct poolset **set)
{
	if (*set) {
		free((*set)->pools);
		free((*set)->addrs);
	}
	free(*set);
	*set = NULL;
}
