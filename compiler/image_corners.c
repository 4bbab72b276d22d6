/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_corners.c: bytecode and tables -> the values where verdicts change: the
 * ends of ranges and prefixes, and their neighbours.
 *
 * An IPv6 address is compared word by word, equal words first, so the words
 * that a rule has asked for so far are the front of the next corner.
 */
#include "image_corners.h"

#include <string.h>

#include "image_edit.h"
#include "image_layout.h"

#define TABLE_ENTRIES_MAX 48 /* of one table, asked by one rule */

static const struct {
	unsigned first, last; /* key words */
	__u32 max;
} dimensions[DIMENSIONS] = {
	[DIM_IFID] = {NFR_F_IFID, NFR_F_IFID, NFR_IFACE_MAX},
	[DIM_PROTO] = {NFR_F_PROTO, NFR_F_PROTO, 255},
	[DIM_SRC] = {NFR_F_SRC0, NFR_F_SRC0 + 3, UINT32_MAX},
	[DIM_DST] = {NFR_F_DST0, NFR_F_DST0 + 3, UINT32_MAX},
	[DIM_SPORT] = {NFR_F_SPORT, NFR_F_SPORT, 65535},
	[DIM_DPORT] = {NFR_F_DPORT, NFR_F_DPORT, 65535},
	[DIM_TCPFLAGS] = {NFR_F_TCPFLAGS, NFR_F_TCPFLAGS, 255},
	[DIM_ICMP] = {NFR_F_ICMP, NFR_F_ICMP, 65535},
	[DIM_TOS] = {NFR_F_TOS, NFR_F_TOS, 255},
	[DIM_TTL] = {NFR_F_TTL, NFR_F_TTL, 255},
	[DIM_MARK] = {NFR_F_MARK, NFR_F_MARK, UINT32_MAX},
	[DIM_UID] = {NFR_F_UID, NFR_F_UID, UINT32_MAX},
	[DIM_GID] = {NFR_F_GID, NFR_F_GID, UINT32_MAX},
	[DIM_CGROUP] = {NFR_F_CGROUP, NFR_F_CGROUP, UINT32_MAX},
};

enum dimension corners_dimension(unsigned field)
{
	for (int d = 0; d < DIMENSIONS; d++)
		if (dimensions[d].first <= field && field <= dimensions[d].last)
			return (enum dimension)d;
	return DIMENSIONS;
}

static void corner_add(struct corners *c, struct addr a)
{
	if (c->count == CORNERS_MAX)
		return;
	for (size_t i = 0; i < c->count; i++)
		if (addr_compare(&c->items[i], &a) == 0)
			return;
	c->items[c->count++] = a;
}

static void number_add(struct corners *c, __u32 value)
{
	corner_add(c, (struct addr){{value}});
}

static struct addr addr_step(struct addr a, enum nfr_family family, bool is_up)
{
	for (int i = family == NFR_FAMILY_IPV4 ? 0 : 3; i >= 0; i--) {
		a.w[i] += is_up ? 1u : UINT32_MAX;
		if (a.w[i] != (is_up ? 0 : UINT32_MAX))
			break;
	}
	return a;
}

static void range_add(struct corners *c, enum nfr_family family,
		      struct addr first, struct addr last)
{
	corner_add(c, first);
	corner_add(c, last);
	corner_add(c, addr_step(first, family, false));
	corner_add(c, addr_step(last, family, true));
}

static void entry_add(struct corners *c, enum nfr_family family,
		      const struct image_entry *e)
{
	enum addr_family as = (enum addr_family)family;
	const __u8 *b = e->addr + (family == NFR_FAMILY_IPV4 ? 12 : 0);
	struct addr a = {{0}};

	if (e->family != family)
		return;
	for (unsigned i = 0; i < addr_bits(as) / 8; i++)
		a.w[i / 4] = a.w[i / 4] << 8 | b[i];
	range_add(c, family, a, addr_last(a, as, e->prefix_len));
}

/* ---- where they come from ---------------------------------------------- */

static void ifaces_add(struct corners *c, const struct image *img)
{
	const __u32 known = IMAGE_IFACE_TUNNEL | IMAGE_IFACE_LOOPBACK;

	for (__u32 i = 0; i < img->iface_count; i++)
		if (!(img->ifaces[i].flags & known))
			number_add(c, i + 1);
	number_add(c, 0);
	for (__u32 i = 0; i < img->iface_count; i++)
		number_add(c, i + 1);
}

void corners_usual(struct corners c[DIMENSIONS], const struct image *img,
		   enum nfr_family family)
{
	static const __u8 protos[] = {17, 6, 1, 58, 253};
	const struct addr src6 = {{0x20010db8, 0, 0, 1}};
	const struct addr dst6 = {{0x20010db8, 9, 9, 9}};

	ifaces_add(&c[DIM_IFID], img);
	for (size_t i = 0; i < sizeof(protos); i++)
		number_add(&c[DIM_PROTO], protos[i]);
	number_add(&c[DIM_SPORT], 40000);
	number_add(&c[DIM_DPORT], 443);
	number_add(&c[DIM_TCPFLAGS], 0x02); /* SYN */
	number_add(&c[DIM_TCPFLAGS], 0x10);
	number_add(&c[DIM_ICMP], 8 << 8);
	number_add(&c[DIM_ICMP], 128 << 8);
	number_add(&c[DIM_TOS], 0);
	number_add(&c[DIM_TTL], 64);
	number_add(&c[DIM_MARK], 0);
	number_add(&c[DIM_UID], NFR_NO_ID);
	number_add(&c[DIM_GID], NFR_NO_ID);
	number_add(&c[DIM_CGROUP], 0);
	if (family == NFR_FAMILY_IPV4) {
		number_add(&c[DIM_SRC], 0x0a000001);
		number_add(&c[DIM_DST], 0x09090909);
	} else {
		corner_add(&c[DIM_SRC], src6);
		corner_add(&c[DIM_DST], dst6);
	}
}

/* The word at hand, behind those before it; what follows is open. */
static void words_add(struct corners *c, enum nfr_family family,
		      struct addr *front, unsigned word, __u32 value)
{
	struct addr first, last;

	front->w[word] = value;
	first = last = *front;
	for (unsigned i = word + 1; i < 4; i++) {
		first.w[i] = 0;
		last.w[i] = family == NFR_FAMILY_IPV4 ? 0 : UINT32_MAX;
	}
	range_add(c, family, first, last);
}

static void table_add(struct corners *c, const struct image *img, __u32 table,
		      enum nfr_family family)
{
	const struct image_entry *entries;
	size_t count, added = 0;

	entries = image_table_entries(img, table, &count);
	for (size_t i = 0; i < count && added < TABLE_ENTRIES_MAX; i++) {
		entry_add(c, family, &entries[i]);
		added += entries[i].family == family;
	}
}

static void constant_add(struct corners *c, enum dimension d, __u32 value)
{
	__u32 max = dimensions[d].max;

	if (value <= max)
		number_add(c, value);
	if (value > 0 && value - 1 <= max)
		number_add(c, value - 1);
	if (value < max)
		number_add(c, value + 1);
}

void corners_of_code(struct corners c[DIMENSIONS], const struct image *img,
		     const struct nfr_insn *insns, size_t count,
		     enum nfr_family family)
{
	struct addr front[2] = {{{0}}};

	for (size_t i = 0; i < count; i++) {
		const struct nfr_insn *insn = &insns[i];
		enum dimension d = corners_dimension(insn->field);

		if (insn->op == NFR_OP_RET)
			memset(front, 0, sizeof(front));
		if (insn->op == NFR_OP_RET || insn->op == NFR_OP_JA ||
		    d == DIMENSIONS || d == DIM_IFID)
			continue;
		if (insn->op == NFR_OP_JIN || insn->op == NFR_OP_JNIN)
			table_add(&c[d], img, insn->imm, family);
		else if (d == DIM_SRC || d == DIM_DST)
			words_add(&c[d], family, &front[d - DIM_SRC],
				  insn->field - dimensions[d].first, insn->imm);
		else if (insn->op == NFR_OP_JMEQ || insn->op == NFR_OP_JMNE)
			number_add(&c[d], insn->imm & 0xffff);
		else
			constant_add(&c[d], d, insn->imm);
	}
}

static int entry_order(const struct image_entry *a, const struct image_entry *b)
{
	int order = image_entry_compare(a, b);

	return order ? order : a->is_negated - b->is_negated;
}

void corners_of_change(struct corners c[DIMENSIONS], const struct image *before,
		       const struct image *after, enum nfr_family family)
{
	__u32 i = 0, k = 0;

	while (i < before->entry_count || k < after->entry_count) {
		const struct image_entry *old = &before->entries[i];
		const struct image_entry *new = &after->entries[k];
		int order = i == before->entry_count  ? 1
			    : k == after->entry_count ? -1
						      : entry_order(old, new);

		if (order) {
			const struct image_entry *e = order < 0 ? old : new;

			entry_add(&c[DIM_SRC], family, e);
			entry_add(&c[DIM_DST], family, e);
		}
		i += order <= 0;
		k += order >= 0;
	}
}

void corners_merge(struct corners *to, const struct corners *from)
{
	for (size_t i = 0; i < from->count; i++)
		corner_add(to, from->items[i]);
}
