/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * table_find.h: the tables of a generation, and an address -> is it a member.
 *
 * Overview
 *   The networks of a table, the longest prefix first, cut the line of all
 *   addresses into pieces that are members or are not. What is kept is where a
 *   piece begins, in order: the number of beginnings up to an address says
 *   which piece it is in, and as members and others take turns, whether that
 *   number is odd says it all. IPv4 and IPv6 have such a line each, a side.
 *   To count only a few beginnings, a side has a first level: the upper bits
 *   of an address, from the first beginning on, choose a cell, which knows the
 *   beginnings before it; those in it, the second level, are halved.
 *
 * Invariants
 *   - A place is a byte offset; each read is held between 0 and the last place
 *     that may be read, whatever the place says. One that is not is a doubt.
 *   - Written once, before the generation is in force, and never changed.
 *     What the datapath adds is in a map of its own: TABLE_ADDS.
 *
 * Cost
 *   The side, its cell, and the beginnings: three cache lines where addresses
 *   are spread, and one more for each eightfold of the beginnings in a cell.
 *   An IPv6 address that shares its upper half with a beginning needs another.
 */
#ifndef NFR_TABLE_FIND_H
#define NFR_TABLE_FIND_H

#include "packet.h"

#define TABLE_READ_MAX 64u /* bytes that one read may take */
#define TABLE_TURNS 26
#define TABLE_COUNT_MAX ((1u << TABLE_TURNS) - 1) /* beginnings of a side */

/* It begins with this, and struct table_side, IPv4's and IPv6's by table. */
struct table_index {
	__u32 count; /* of tables */
	__u32 reserved[15];
};
_Static_assert(sizeof(struct table_index) == 64, "table_index");

/* Beginnings are 128 bits, in two halves; IPv4's have all theirs on top. */
struct table_side {
	__u64 first;	  /* upper half of the lowest */
	__u32 shift;	  /* of an upper half less first: its cell; 0-63 */
	__u32 cell_count; /* behind the last cell all beginnings are passed */
	__u32 cells;	  /* __u32 before[cell_count + 1], of uppers */
	__u32 count;	  /* of beginnings */
	__u32 uppers;	  /* __u64 upper[], each once; with lowers, struct
			     table_upper */
	__u32 lowers;	  /* __u64 lower[count]; 0: all are 0, and numbers of
			     uppers are numbers of beginnings */
	__u32 values; /* __u32 value[count + 1], of pieces, where their slots
			 are asked for; 0: they take turns */
	__u32 flags;  /* TABLE_ADDS */
	__u32 step;   /* uppers are 1 << step bytes apart: 3, with lowers 4 */
	__u32 reserved[5];
};
_Static_assert(sizeof(struct table_side) == 64, "table_side");

/* Beginnings with that upper half: those behind the first begin, up to end. */
struct table_upper {
	__u64 upper;
	__u32 begin, end;
};
_Static_assert(sizeof(struct table_upper) == 16, "table_upper");

/*
 * A value, as in abi.h, and above it: the datapath adds to this table, so who
 * is no member here may be one of nfr_added.
 */
#define TABLE_ADDS 0x80000000u
#define TABLE_VALUE(value) ((value) & ~TABLE_ADDS)
#define TABLE_DOUBT 0xffffffffu

/* Where all of it is: places 0 to last may be read. */
struct table_bytes {
	const char *base;
	__u64 last;
};

/* Halves of an address, which is key words: of IPv4 all but the first are 0. */
#define TABLE_UPPER(addr) ((__u64)(addr)[0] << 32 | (addr)[1])
#define TABLE_LOWER(addr) ((__u64)(addr)[2] << 32 | (addr)[3])

/* As everywhere in tables, ::ffff:a.b.c.d is a.b.c.d. */
NFR_INLINE struct nfr_table_address table_address(__u64 upper, __u64 lower,
						  __u32 table, __u32 family)
{
	struct nfr_table_address a = {upper, lower, 2 * table, 0};

	if (family != NFR_FAMILY_IPV6) { /* ARP's are IPv4 */
		a.upper = upper >> 32 << 32;
		a.lower = 0;
	} else if (!upper && lower >> 32 == 0xffff) {
		a.upper = lower << 32;
		a.lower = 0;
	} else {
		a.side++;
	}
	return a;
}

NFR_INLINE const void *table_at(const struct table_bytes *bytes, __u64 place)
{
	PACKET_OPAQUE(place);
	return place > bytes->last ? 0 : bytes->base + place;
}

/*
 * 1 or 0, without a jump, as nobody could foretell it. b is opaque so that ~b
 * is no second number that is kept on the stack.
 */
NFR_INLINE __u32 table_is_above(__u64 a, __u64 b)
{
	__u64 above, same;

	PACKET_OPAQUE(b);
	above = a & ~b;
	same = a | ~b;
	PACKET_OPAQUE(above);
	above = (above | (same & (b - a))) >> 63;
	PACKET_OPAQUE(above);
	return (__u32)above;
}

/*
 * Of the __u64 at the place, in order and 1 << step bytes apart, how many up to
 * end are not above key; those up to begin are known to be. Or TABLE_DOUBT. key
 * is read where it is each time: a second place on the stack is too much.
 */
NFR_INLINE __u32 table_count(const struct table_bytes *bytes, __u64 place,
			     __u32 step, __u32 begin, __u32 end,
			     const volatile __u64 *key)
{
	__u32 left = end - begin;

	if (begin > end)
		return TABLE_DOUBT;
	for (int turn = 0; turn < TABLE_TURNS && left; turn++) {
		__u32 half = (left + 1) / 2;
		__u64 middle = (__u64)begin + half - 1;
		const __u64 *at = table_at(bytes, place + (middle << step));

		if (!at)
			return TABLE_DOUBT;
		begin += half & (table_is_above(*at, *key) - 1);
		left -= half;
	}
	return left ? TABLE_DOUBT : begin;
}

/* Beginnings up to an address, of whose upper half so many are. */
NFR_INLINE __u32 table_lower(const struct table_bytes *bytes,
			     const struct table_side *side, __u32 uppers,
			     const struct nfr_table_address *a)
{
	const struct table_upper *last = table_at(
		bytes, side->uppers + sizeof(*last) * ((__u64)uppers - 1));

	if (!last)
		return TABLE_DOUBT;
	if (last->upper != a->upper)
		return last->end;
	return table_count(bytes, side->lowers, 3, last->begin, last->end,
			   &a->lower);
}

/* The number of the piece that an address is in; or TABLE_DOUBT. */
NFR_INLINE __u32 table_piece(const struct table_bytes *bytes,
			     const struct table_side *side,
			     const struct nfr_table_address *a)
{
	__u64 cell = a->upper - side->first;
	const __u32 *before;
	__u32 uppers;

	if (a->upper < side->first)
		return 0;
	cell >>= side->shift & 63;
	if (cell >= side->cell_count)
		return side->count;
	before = table_at(bytes, side->cells + 4 * cell);
	if (!before)
		return TABLE_DOUBT;
	uppers = table_count(bytes, side->uppers, side->step & 7, before[0],
			     before[1], &a->upper);
	if (!side->lowers || uppers == TABLE_DOUBT)
		return uppers;
	return uppers ? table_lower(bytes, side, uppers, a) : 0;
}

/* The value of an address, with TABLE_ADDS; or TABLE_DOUBT. */
NFR_INLINE __u32 table_find(const struct table_bytes *bytes,
			    const struct nfr_table_address *a)
{
	const struct table_index *index = (const void *)bytes->base;
	__u64 row = sizeof(*index) + sizeof(struct table_side) * (__u64)a->side;
	const struct table_side *side = table_at(bytes, row);
	const __u32 *value;
	__u32 piece;

	if (!side || a->side / 2 >= index->count)
		return TABLE_DOUBT;
	piece = table_piece(bytes, side, a);
	if (piece == TABLE_DOUBT)
		return TABLE_DOUBT;
	if (!side->values)
		return (piece & NFR_TABLE_MEMBER) | side->flags;
	value = table_at(bytes, side->values + 4 * (__u64)piece);
	return value ? *value | side->flags : TABLE_DOUBT;
}

#endif
