/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/*
 * abi.h: the one header that the kernel side and user space share.
 *
 * Everything here is either stored in a .nfi image, stored in a BPF map, or
 * read back from one. Fixed-width types, no pointers, no padding that is not
 * named. Integers are host byte order unless the name ends in _be. A change
 * of any size, offset or meaning below is a new NFR_ABI_VERSION.
 */
#ifndef NFR_ABI_H
#define NFR_ABI_H

#include <linux/types.h>

#define NFR_ABI_VERSION 2

/* Directions, as the interface sees them. */
enum nfr_dir { NFR_DIR_IN = 0, NFR_DIR_OUT = 1 };

/* What a packet is to the rules; the second index of an entry point. */
enum nfr_family {
	NFR_FAMILY_LINK = 0,
	NFR_FAMILY_IPV4 = 1,
	NFR_FAMILY_IPV6 = 2
};

/* How a device's frames begin. An unknown link type blocks. */
enum nfr_link { NFR_LINK_UNKNOWN = 0, NFR_LINK_ETHER = 1, NFR_LINK_RAW = 2 };

enum nfr_verdict { NFR_BLOCK = 0, NFR_PASS = 1 };

/* Verdict reasons, from reasons.def. */
enum nfr_reason {
#define NFR_REASON(sym, name, doubt, text) NFR_REASON_##sym,
#include "reasons.def"
#undef NFR_REASON
	NFR_REASON_COUNT
};

/* ---- the packet key ---------------------------------------------------- */

/*
 * The key is an array of 32-bit words in host byte order, so that a range of
 * ports or addresses is a numeric range and one comparison is one
 * instruction. An IPv4 address is in word 0 of its field, words 1-3 are zero;
 * an IPv6 address is four words, most significant first. A field that a packet
 * does not have is zero, and the compiler tests for its presence first.
 */
enum nfr_field {
	NFR_F_IFID = 0,	 /* interface id of the image; 0: none the rules name */
	NFR_F_PROTO = 1, /* IP protocol after extension headers */
	NFR_F_SPORT = 2, /* TCP and UDP */
	NFR_F_DPORT = 3,
	NFR_F_TCPFLAGS =
		4, /* low byte of the flags: CWR ECE URG ACK PSH RST SYN FIN */
	NFR_F_ICMP = 5, /* type << 8 | code, ICMP and ICMPv6 */
	NFR_F_BITS = 6, /* NFR_BIT_* */
	NFR_F_ETHERTYPE =
		7, /* innermost, host byte order; 0x0800/0x86dd on raw links */
	NFR_F_SRC0 = 8,	   /* SRC0..SRC3 */
	NFR_F_DST0 = 12,   /* DST0..DST3 */
	NFR_F_DIR = 16,	   /* enum nfr_dir */
	NFR_F_FAMILY = 17, /* enum nfr_family */
	NFR_F_TTL = 18,	   /* TTL or hop limit */
	NFR_F_TOS = 19,	   /* IPv4 TOS byte or IPv6 traffic class, with ECN */
	NFR_F_RECEIVED =
		20, /* interface id where the packet came in, see below */
	NFR_F_LAST = 20,
	NFR_KEY_WORDS = 32 /* a power of two, so that an index can be masked */
};

/*
 * NFR_F_RECEIVED of what comes in is its own interface. Of what goes out it is
 * where a forwarded packet came in, and 0 when it was made here or nobody
 * knows. An interface that no rule names is NFR_RECEIVED_OTHER.
 */
#define NFR_RECEIVED_OTHER 0xffffu

#define NFR_BIT_OPTIONS                                                        \
	(1u << 0) /* IPv4 options, or hop-by-hop/destination options */
#define NFR_BIT_FRAGMENT (1u << 1) /* any fragment, the first included */
#define NFR_BIT_LATER (1u << 2)	   /* a fragment with no transport header */

struct nfr_key {
	__u32 w[NFR_KEY_WORDS];
};
_Static_assert(sizeof(struct nfr_key) == 128, "nfr_key");

/* ---- bytecode ---------------------------------------------------------- */

enum nfr_opcode {
#define NFR_OPCODE(sym, num, name, form, text) NFR_OP_##sym = (num),
#include "opcodes.def"
#undef NFR_OPCODE
	NFR_OP_END
};

/*
 * One instruction. jump counts instructions after the next one (0 falls
 * through), so every jump is forward. Unused fields are zero.
 */
struct nfr_insn {
	__u8 op;    /* enum nfr_opcode */
	__u8 field; /* enum nfr_field */
	__u16 jump;
	__u32 imm;
};
_Static_assert(sizeof(struct nfr_insn) == 8, "nfr_insn");

/* Programs of an image: the rules and the sealed guard, by direction and
 * family. */
enum nfr_stage { NFR_STAGE_RULES = 0, NFR_STAGE_GUARD = 1, NFR_STAGES = 2 };
#define NFR_ENTRIES 12
#define NFR_ENTRY(stage, dir, family) ((stage)*6 + (dir)*3 + (family))
#define NFR_NO_ENTRY                                                           \
	0xffffffffu /* no program: rules block, a guard has no objection */

#define NFR_INSN_MAX (1u << 20)
#define NFR_RULE_MAX (1u << 18)
#define NFR_IFACE_MAX 1024u
#define NFR_TABLE_MAX 4096u

/* One rule as the datapath needs it; the index is the operand of RET. */
struct nfr_rule {
	__u8 verdict; /* enum nfr_verdict */
	__u8 flags;   /* NFR_RULE_* */
	__u16 reserved;
	__u32 state_max; /* reserved, 0 */
};
_Static_assert(sizeof(struct nfr_rule) == 8, "nfr_rule");
#define NFR_RULE_LOG 0x01
#define NFR_RULE_STATE 0x02	 /* keep state */
#define NFR_RULE_ALLOW_OPTS 0x04 /* passes packets with IP options */
#define NFR_RULE_DEFAULT 0x08	 /* "set default": no rule matched */
#define NFR_RULE_GUARD 0x10	 /* belongs to the sealed guard */
#define NFR_RULE_FLAGS 0x1f

/* ---- maps of one generation -------------------------------------------- */

struct nfr_config {
	__u32 abi_version; /* NFR_ABI_VERSION, else everything blocks */
	__u32 generation;  /* 1, 2, ...; never 0 */
	__u32 hz;	   /* jiffies a second */
	__u32 insn_count;
	__u32 rule_count;
	__u32 has_guard;
	__u32 entry[NFR_ENTRIES]; /* first instruction, or NFR_NO_ENTRY */
};
_Static_assert(sizeof(struct nfr_config) == 72, "nfr_config");

/* ifaces: HASH, key __u32 ifindex */
struct nfr_iface {
	__u16 ifid;
	__u8 link;  /* enum nfr_link */
	__u8 flags; /* NFR_IFACE_* */
};
_Static_assert(sizeof(struct nfr_iface) == 4, "nfr_iface");
#define NFR_IFACE_TUNNEL                                                       \
	0x01 /* trusted only while its "tunnels" DEVMAP entry lives */

/* tables: LPM_TRIE over (table, address); IPv4 as ::ffff:a.b.c.d (RFC
 * 4291 2.5.5.2) */
struct nfr_table_key {
	__u32 prefix_len; /* 32 + prefix length in 128 bits */
	__u32 table_be;
	__u8 addr[16];
};
_Static_assert(sizeof(struct nfr_table_key) == 24, "nfr_table_key");
#define NFR_TABLE_MEMBER 1u  /* value: the longest prefix is a member ... */
#define NFR_TABLE_NEGATED 0u /* ... or is excluded by a negated entry */

struct nfr_count {
	__u64 packets;
	__u64 bytes;
};
_Static_assert(sizeof(struct nfr_count) == 16, "nfr_count");

/* ---- maps that outlive generations ------------------------------------- */

/* control: ARRAY of one, mmapable; active is the switch. */
struct nfr_control {
	__u32 active;	       /* slot 0 or 1; anything else blocks */
	__u32 trace_block;     /* nonzero: blocked packets also go to the ring
				  buffer */
	__u64 netns_cookie;    /* the namespace this belongs to */
	__u32 generation[2];   /* of each slot; 0: empty */
	__u64 events_lost;     /* ring buffer was full */
	__u32 last_generation; /* ever placed: states name it, so none comes
				  twice */
	__u32 reserved;
};
_Static_assert(sizeof(struct nfr_control) == 40, "nfr_control");

/*
 * states: HASH. Seen from the interface: near is the source of what goes out
 * and the destination of what comes in, so both directions of a flow have one
 * key. Addresses are key words (host order), IPv4 in word 0. ICMP echo has its
 * identifier in both ports; protocols without ports have 0.
 */
struct nfr_state_key {
	__u32 ifindex;
	__u8 proto;
	__u8 family; /* enum nfr_family */
	__u16 reserved;
	__u32 near_addr[4];
	__u32 far_addr[4];
	__u16 near_port;
	__u16 far_port;
};
_Static_assert(sizeof(struct nfr_state_key) == 44, "nfr_state_key");

struct nfr_state {
	__u64 created; /* in jiffies of the engine's clock */
	__u64 last_seen;
	__u64 packets[2]; /* by enum nfr_dir */
	__u64 bytes[2];
	__u32 rule;	  /* index in the generation below */
	__u32 generation; /* that judged it last */
	__u8 dir;	  /* of the first packet */
	__u8 phase;	  /* NFR_STATE_* */
	__u16 icmp;	/* first packet's type << 8 | code, for judging again */
	__u8 tcpflags;	/* first packet's, for judging again */
	__u8 fins;	/* TCP sides that sent a FIN: bits 1 << enum nfr_dir */
	__u8 tos;	/* first packet's, for judging again */
	__u8 ttl;	/* the same */
	__u32 received; /* the same: ifindex, as ids are an image's; or 0 */
	__u8 bits;	/* the same: NFR_BIT_* */
	__u8 reserved;
	__u16 ifid; /* under which it was judged; a tunnel can lose its own */
};
_Static_assert(sizeof(struct nfr_state) == 72, "nfr_state");
#define NFR_STATE_OPENING 0	/* only the first side was seen */
#define NFR_STATE_ESTABLISHED 1 /* both sides were */
#define NFR_STATE_CLOSING 2	/* TCP: one FIN */
#define NFR_STATE_CLOSED                                                       \
	3 /* TCP: RST, or a FIN after a FIN of the other side */

/* events: RINGBUF records */
struct nfr_event {
	__u64 time_ns; /* CLOCK_MONOTONIC */
	__u32 ifindex;
	__u32 generation;
	__u32 rule;
	__u32 length; /* of the packet from its network header */
	__u8 verdict;
	__u8 reason;
	__u8 dir;
	__u8 family;
	__u8 proto;
	__u8 tcpflags;
	__u16 icmp;
	__u16 sport;
	__u16 dport;
	__u16 ethertype;
	__u16 bits;   /* NFR_BIT_* */
	__u32 src[4]; /* key words */
	__u32 dst[4];
	__u32 reserved;
};
_Static_assert(sizeof(struct nfr_event) == 80, "nfr_event");

/* What the datapath says of one packet; left in the scratch map too. */
struct nfr_result {
	__u8 verdict;
	__u8 reason;
	__u8 from_state; /* 1: a state passed it */
	__u8 reserved;
	__u32 rule; /* that decided, or NFR_NO_RULE */
};
_Static_assert(sizeof(struct nfr_result) == 8, "nfr_result");
#define NFR_NO_RULE 0xffffffffu

/* ---- limits of the parser, the same in every engine -------------------- */

#define NFR_VLAN_TAGS_MAX 2
#define NFR_EXTHDRS_MAX 6
#define NFR_HEADERS_MAX                                                        \
	256 /* all headers end within this many bytes of the frame */

#endif
