/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * hash_format.h: the data form of a program: what compiler/hash.c writes into
 * an image and classify_hash.h reads, in the kernel and outside.
 *
 * Overview
 *   A rule asks a source prefix, a destination prefix and a service (protocol,
 *   TCP flags, interface, ports). Rules with prefixes of the same two lengths
 *   are a tuple. Small tables turn a packet's service into its class, and a
 *   class and the two addresses into rows of bits, a bit a tuple: only tuples
 *   whose bit is in all rows can have a rule. Those are looked up in one hash
 *   table, the one with the earliest rule first, until no earlier rule is left.
 *
 * Invariants
 *   - A place is a byte offset in the section; every read is held within it
 *     by its reader, whatever the place says.
 *   - Rows may have bits too many, never too few.
 *   - Tuples are numbered by their earliest rule.
 *   - Ranks number the rules of a program in the order of first match.
 */
#ifndef NFR_HASH_FORMAT_H
#define NFR_HASH_FORMAT_H

#include <linux/types.h>

#define HASH_NONE 0xffffffffu	/* no head, no rule, an empty slot's rank */
#define HASH_READ_MAX 320u	/* bytes that one read may take */
#define HASH_TUPLES_MAX 512u	/* of a program */
#define HASH_CLASSES_MAX 65535u /* of services; and rows of the filters */
#define HASH_IFIDS 1025u	/* 0 and NFR_IFACE_MAX */
#define HASH_ROW_WORDS 8u	/* of 64 bits: HASH_TUPLES_MAX */
#define HASH_SLOTS 4u		/* of a line */

/* The fields that make a service, beside ports. */
enum hash_field { HASH_PROTO, HASH_TCPFLAGS, HASH_IFID, HASH_FIELDS };

/*
 * An address's rows: one by 16 bits of it from bit "from" on, one by a hash of
 * its first bits, under mask.
 */
struct hash_side {
	__u32 window;	    /* __u16 rows[65536] */
	__u32 window_word;  /* word of the address, 0-3 */
	__u32 window_shift; /* 0 or 16 */
	__u32 filter;	    /* __u16 rows[1 << filter_bits] */
	__u32 filter_bits;  /* 1-16 */
	__u32 mask[4];
	__u32 reserved[7];
};
_Static_assert(sizeof(struct hash_side) == 64, "hash_side");

/* The section begins with this. */
struct hash_index {
	__u32 head[6]; /* place, by entry of the rules; or HASH_NONE */
	__u32 reserved[10];
	__u8 low_bits[64]; /* number of a bit, by hash_bit_index() */
};
_Static_assert(sizeof(struct hash_index) == 128, "hash_index");
#define HASH_LOW_BITS 64u /* the place of low_bits */

/* One program: a direction and family of the rules. */
struct hash_head {
	__u32 words;	  /* of an address: 1 or 4 */
	__u32 row_words;  /* of a row of bits */
	__u32 entry;	  /* of its bytecode, for rules that are not here */
	__u32 is_whole;	  /* there are none: otherwise decides */
	__u32 otherwise;  /* the rule, if none is found */
	__u32 rank_count; /* of rules */
	__u32 rules;	  /* __u32 rule[rank_count], by rank */
	__u32 tuples;	  /* struct hash_tuple, tuple_count of them */
	__u32 tuple_count;
	__u32 lines; /* struct hash_line, 1 << line_bits of them */
	__u32 line_bits;
	__u32 lists; /* struct hash_item, list_count of them */
	__u32 list_count;
	__u32 exact; /* struct hash_exact, exact_count of them; IPv6 */
	__u32 exact_count;
	__u32 rows; /* of bits, of the addresses */
	__u32 row_count;
	__u32 class_rows; /* of bits, by class */
	__u32 class_count;
	__u32 services;	   /* how many */
	__u32 asks;	   /* __u32 bits, by class and then by service */
	__u32 asks_stride; /* bytes of one class there */
	__u32 combine; /* __u16 by classes of the fields, HASH_PROTO first */
	__u32 field[HASH_FIELDS];	/* __u8 class by value */
	__u32 field_count[HASH_FIELDS]; /* of classes */
	__u32 sports, dports;		/* __u16 class[65536] */
	__u32 sport_count, dport_count, combine_count;
	__u32 classes;	/* __u16 by combine, sport and dport class */
	__u32 parts;	/* what ends the head's parts */
	__u32 before;	/* 0 - 64: number of the first tuple, a word before */
	__u32 key_mask; /* of b in a slot: IPv4 all of it, IPv6 nothing */
	__u32 firsts;	/* __u32 rank, by table and then by class */
	__u32 first_count; /* of tables */
	__u32 reserved[8];
	struct hash_side src, dst;
};
_Static_assert(sizeof(struct hash_head) == 320, "hash_head");

struct hash_tuple {
	__u32 best; /* the least rank in it */
	__u32 seed;
	__u32 reserved[2];
	__u32 src_mask[4], dst_mask[4];
};
_Static_assert(sizeof(struct hash_tuple) == 48, "hash_tuple");

/*
 * The key is a tuple, and of IPv4 both masked addresses as a and b; of IPv6 a
 * is a fingerprint, and b the number of an exact. rank is that of its only
 * rule, and the lower half of service what that asks; or, with HASH_LIST, rank
 * is the number of an item, and that half says how many. Of 0 it is the number
 * of a table: the first of all these rules for each class of packets.
 */
struct hash_slot {
	__u32 a, b;
	__u32 rank;    /* HASH_NONE, as is service: empty, and so are the line's
			  slots behind it */
	__u32 service; /* and the tuple, shifted by HASH_TUPLE */
};
#define HASH_LIST 0x80000000u
#define HASH_TUPLE 16
#define HASH_LOWER 0xffffu
#define HASH_ITEMS_AT_ONCE                                                     \
	3u /* of a list; a longer one has a table or turns                     \
	    */

struct hash_line {
	struct hash_slot slot[HASH_SLOTS];
};
_Static_assert(sizeof(struct hash_line) == 64, "hash_line");

/* Of one key, the earliest first. */
struct hash_item {
	__u32 rank;
	__u32 service;
};

struct hash_exact {
	__u32 src[4], dst[4]; /* masked */
	__u32 tuple;
	__u32 reserved[7];
};
_Static_assert(sizeof(struct hash_exact) == 64, "hash_exact");

/* ---- what writer and reader compute alike ------------------------------- */

#define HASH_K0 0x9e3779b97f4a7c15ull /* odd, without a pattern */
#define HASH_K1 0xbf58476d1ce4e5b9ull
#define HASH_K2 0x94d049bb133111ebull
#define HASH_K3 0xd6e8feb86659fd93ull

#define HASH_PAIR(a, b) ((__u64)(a) << 32 | (b))

static inline __attribute__((always_inline)) __u64 hash_finish(__u64 x)
{
	x ^= x >> 32;
	x *= HASH_K1;
	return x ^ x >> 29;
}

/* Of masked addresses of one word. The line is by the upper bits. */
static inline __attribute__((always_inline)) __u64
hash_short(__u32 src, __u32 dst, __u32 seed)
{
	return hash_finish((HASH_PAIR(src, dst) + seed * HASH_K3) * HASH_K0);
}

/* The finish of a sum over the pairs of words, each by a factor of its own. */
static inline __attribute__((always_inline)) __u64
hash_long(const __u32 src[4], const __u32 dst[4], __u32 seed)
{
	__u64 x = HASH_PAIR(src[0], src[1]) * HASH_K0 +
		  HASH_PAIR(src[2], src[3]) * HASH_K1 +
		  HASH_PAIR(dst[0], dst[1]) * HASH_K2 +
		  HASH_PAIR(dst[2], dst[3]) * HASH_K3;

	return hash_finish((x ^ x >> 31) + seed * HASH_K3);
}

/* Of an address for its filter; the row is by the upper bits. */
static inline __attribute__((always_inline)) __u64
hash_filter(const __u32 a[4], const __u32 mask[4], __u32 words)
{
	__u64 x = (a[0] & mask[0]) * HASH_K0;

	if (words > 1)
		x += (a[1] & mask[1]) * HASH_K1 + (a[2] & mask[2]) * HASH_K2 +
		     (a[3] & mask[3]) * HASH_K3;
	return (x ^ x >> 32) * HASH_K2;
}

/*
 * 0-63 for the 64 numbers with one bit, each another one (de Bruijn;
 * Leiserson, Prokop, Randall 1998).
 */
static inline __attribute__((always_inline)) __u32 hash_bit_index(__u64 bit)
{
	return (__u32)(bit * 0x03f79d71b4cb0a89ull >> 58);
}

#endif
