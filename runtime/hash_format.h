/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * hash_format.h: the data form of a program: what compiler/hash.c writes into
 * an image and classify_hash.h reads, in the kernel and outside.
 *
 * Overview
 *   A rule asks a source prefix, a destination prefix and a service (protocol,
 *   TCP flags, interface, ports). Rules with prefixes of the same two lengths
 *   are a tuple. Small tables turn a packet's service into its class, a trie
 *   each of its addresses into a row of bits, a bit a tuple; the class has such
 *   a row too. Only tuples whose bit is in all three can have a rule. Each has
 *   a hash table of its own, and the one with the earliest rule is asked first,
 *   until no earlier rule is left.
 *
 * Invariants
 *   - A place is a byte offset in the section; every read is held within it
 *     by its reader, whatever the place says.
 *   - Rows may have bits too many, never too few.
 *   - Tuples are numbered by their earliest rule, and lie by hash_place().
 *   - Ranks number the rules of a program in the order of first match.
 */
#ifndef NFR_HASH_FORMAT_H
#define NFR_HASH_FORMAT_H

#include <linux/types.h>

#define HASH_NONE 0xffffffffu	/* no head, no rule, an empty slot's rank */
#define HASH_READ_MAX 256u	/* bytes that one read may take */
#define HASH_TUPLES_MAX 512u	/* of a program */
#define HASH_CLASSES_MAX 65535u /* of services */
#define HASH_IFIDS 1025u	/* 0 and NFR_IFACE_MAX */
#define HASH_ROW_WORDS 8u	/* of 64 bits: HASH_TUPLES_MAX */
#define HASH_SLOTS 2u		/* of a line */
#define HASH_LEVELS 3u		/* of a trie */

/* The fields that make a service, beside ports. */
enum hash_field { HASH_PROTO, HASH_TCPFLAGS, HASH_IFID, HASH_FIELDS };

/*
 * A trie of one side's addresses. A node is a number: which bits of the address
 * choose a cell (of one word, shifted left and then right), and from which cell
 * on. HASH_LEVELS cells are looked at; the last is the place of a row, from
 * that of all rows on, the others are nodes. Bits between those that are asked
 * for may be left out.
 */
struct hash_side {
	__u32 root;	  /* a node */
	__u32 cells;	  /* __u32 cell[cell_count] */
	__u32 cell_count; /* even */
	__u32 reserved;
};
_Static_assert(sizeof(struct hash_side) == 16, "hash_side");

#define HASH_NODE(left, right, word, first)                                    \
	((left) | (right) << 5 | (word) << 10 | (first) / 2 << 12)
#define HASH_NODE_LEFT(node) (node)	    /* of a shift by its lower 5 bits */
#define HASH_NODE_RIGHT(node) ((node) >> 5) /* the same: 16-31 */
#define HASH_NODE_WORD(node) ((node) >> 10 & 3)
#define HASH_NODE_PLACE(node) ((node) >> 12 << 3) /* in bytes */
#define HASH_CELLS_MAX (1u << 20)		  /* so many can be named */

/* The section begins with this. */
struct hash_index {
	__u32 head[6]; /* place, by entry of the rules; or HASH_NONE */
	__u32 reserved[10];
};
_Static_assert(sizeof(struct hash_index) == 64, "hash_index");

/* One program: a direction and family of the rules. */
struct hash_head {
	__u32 words;	  /* of an address: 1 or 4 */
	__u32 row_words;  /* of a row of bits */
	__u32 entry;	  /* of its bytecode, for rules that are not here */
	__u32 is_whole;	  /* there are none: otherwise decides */
	__u32 otherwise;  /* the rule, if none is found */
	__u32 rank_count; /* of rules */
	__u32 rules;	  /* __u32 rule[rank_count], by rank */
	__u32 tuples;	  /* struct hash_tuple, 64 for each word of a row */
	__u32 tuple_count;
	__u32 lines; /* struct hash_line, or of IPv6 struct hash_wide */
	__u32 line_count;
	__u32 lists; /* struct hash_item, list_count of them */
	__u32 list_count;
	__u32 rows; /* of bits, of the addresses */
	__u32 row_count;
	__u32 class_rows; /* of bits, by class */
	__u32 class_count;
	__u32 services;	   /* how many */
	__u32 asks;	   /* __u32 bits, by class and then by service */
	__u32 asks_stride; /* bytes of one class there */
	__u32 firsts; /* __u16 number in a list from 1 on, or 0; by order and
			 class, and then how long such a list is */
	__u32 order_count;
	__u32 order_len; /* class_count + 1 */
	__u32 protos;	 /* __u32 by protocol: see hash_class() */
	__u32 flags;	 /* the same by TCP flags, and by interface */
	__u32 ifids;
	__u32 is_plain; /* these two are not asked for */
	__u32 combine;	/* __u32 by the sum of the three, if not plain */
	__u32 combine_count;
	__u32 sports, dports;	      /* __u16 class[ports_mask + 1] */
	__u32 sport_mask, dport_mask; /* 0 or 65535 */
	__u32 dport_count;	      /* of classes */
	__u32 classes;		      /* __u16 by protocols, sport, dport */
	__u32 cell_count;	      /* of classes */
	__u32 parts;		      /* what ends the head's parts */
	__u32 reserved[19];
	struct hash_side src, dst;
};
_Static_assert(sizeof(struct hash_head) == 256, "hash_head");

/* masks: of IPv4 one of both addresses, of IPv6 two of each. */
struct hash_tuple {
	__u64 mask[4];
	__u64 factor[2]; /* of IPv4 the first */
	__u32 best; /* the least rank in it; HASH_NONE: there is no such tuple
		     */
	__u32 line; /* its first */
	__u32 line_count; /* by hash_line_of(); others are behind them ... */
	__u32 end;	  /* ... up to here; the last has an empty slot */
};
_Static_assert(sizeof(struct hash_tuple) == 64, "hash_tuple");

/*
 * key is both masked addresses. rank is that of its only rule, and service what
 * that asks. Or rank is the number of the first item of a list: with HASH_LIST
 * service says the order of its services, by which "firsts" knows the first
 * item for each class of packets; with HASH_WALK how many there are.
 */
struct hash_slot {
	__u64 key;
	__u32 rank; /* HASH_NONE, as is service: empty, and so are the line's
		       slots behind it */
	__u32 service;
};
#define HASH_LIST 0x80000000u
#define HASH_WALK 0x40000000u
#define HASH_LOWER 0x3fffffffu

struct hash_line {
	struct hash_slot slot[HASH_SLOTS];
};
_Static_assert(sizeof(struct hash_line) == 32, "hash_line");

/* A line of IPv6, which is one slot: what a cache reads at once. */
struct hash_wide {
	__u64 key[4];
	__u32 rank;
	__u32 service;
	__u32 reserved[6];
};
_Static_assert(sizeof(struct hash_wide) == 64, "hash_wide");

/* Of one key, the earliest first. */
struct hash_item {
	__u32 rank;
	__u32 service;
};

/* ---- what writer and reader compute alike ------------------------------- */

#define HASH_K0 0x9e3779b97f4a7c15ull /* odd, without a pattern */
#define HASH_K1 0xbf58476d1ce4e5b9ull
#define HASH_K2 0x94d049bb133111ebull

#define HASH_PAIR(a, b) ((__u64)(a) << 32 | (b))
/* Two words of an address as they lie in memory, so that one read has them. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HASH_WIDE(a, b) HASH_PAIR(b, a)
#else
#define HASH_WIDE(a, b) HASH_PAIR(a, b)
#endif

static inline __attribute__((always_inline)) __u64 hash_finish(__u64 x)
{
	x ^= x >> 32;
	x *= HASH_K1;
	return x ^ x >> 29;
}

/* Of masked addresses. The line is by the upper half: see hash_line_of(). */
static inline __attribute__((always_inline)) __u64 hash_short(__u64 key,
							      __u64 factor)
{
	return key * factor;
}

/* A product takes bits up, not down; this takes the upper ones down. */
#define HASH_FOLD(x) ((x) ^ (x) >> 32)

/*
 * The same of IPv6, of two wide words of each address. Each product keeps all
 * of a word, the folds let both addresses reach all upper bits.
 */
static inline __attribute__((always_inline)) __u64
hash_long(const __u64 masked[4], const __u64 factor[2])
{
	__u64 src = masked[0] * HASH_K0 + masked[1] * HASH_K1;
	__u64 dst = masked[2] * HASH_K0 + masked[3] * HASH_K1;

	return HASH_FOLD(src) * factor[0] + HASH_FOLD(dst) * factor[1];
}

/* Which of count lines. */
static inline __attribute__((always_inline)) __u32 hash_line_of(__u64 hash,
								__u32 count)
{
	return (__u32)((hash >> 32) * count >> 32);
}

/*
 * Where the tuple of one bit of a word lies among its 64: each in another place
 * (de Bruijn; Leiserson, Prokop, Randall 1998).
 */
static inline __attribute__((always_inline)) __u32 hash_place(__u64 bit)
{
	return (__u32)(bit * 0x03f79d71b4cb0a89ull >> 58);
}

#endif
