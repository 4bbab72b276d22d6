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

#define NFR_ABI_VERSION 20

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
		20,	 /* interface id where the packet came in, see below */
	NFR_F_TAG = 21,	 /* of "tag": a hash of its name (tag.h), 0: none */
	NFR_F_MARK = 22, /* skb->mark */
	NFR_F_UID = 23,	 /* of the socket's owner; NFR_NO_ID: no socket */
	NFR_F_GID = 24,
	NFR_F_CGROUP = 25, /* class of the socket's cgroup, 0: none named; those
			      below it follow it */
	NFR_F_ORIGIN = 26, /* NFR_ORIGIN_*: who made what goes out */
	NFR_F_LAST = 26,
	NFR_KEY_WORDS = 32 /* a power of two, so that an index can be masked */
};

/*
 * NFR_F_RECEIVED of what comes in is its own interface. Of what goes out it is
 * where a forwarded packet came in, and 0 when it was made here or nobody
 * knows. An interface that no rule names is NFR_RECEIVED_OTHER.
 */
#define NFR_RECEIVED_OTHER 0xffffu

#define NFR_NO_ID 0xffffffffu

#define NFR_BIT_OPTIONS                                                        \
	(1u << 0) /* IPv4 options, or hop-by-hop/destination options */
#define NFR_BIT_FRAGMENT (1u << 1) /* any fragment, the first included */
#define NFR_BIT_LATER (1u << 2)	   /* a fragment with no transport header */

/*
 * What of these holds for a packet on its way out is asked where a guard asks
 * (NFR_CONFIG_ORIGIN). Of what comes in nothing does; of what is forwarded only
 * NFR_ORIGIN_OWN and NFR_ORIGIN_NEEDED may.
 */
#define NFR_ORIGIN_KERNEL                                                      \
	(1u << 0) /* ARP or neighbour discovery of the kernel's own */
#define NFR_ORIGIN_SOCKET (1u << 1) /* of a TCP or UDP socket of this host */
#define NFR_ORIGIN_TICKET (1u << 2) /* of whom nfr_ticket speaks of */
#define NFR_ORIGIN_OWN                                                         \
	(1u << 3) /* gives away no neighbour that is behind another device */
#define NFR_ORIGIN_NEEDED                                                      \
	(1u << 4) /* asks for no neighbour that nothing here waits for */
#define NFR_ORIGIN_ALL 31u

struct nfr_key {
	__u32 w[NFR_KEY_WORDS];
} __attribute__((aligned(8)));
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
#define NFR_CGROUP_MAX 4096u

/* One rule as the datapath needs it; the index is the operand of RET. */
struct nfr_rule {
	__u8 verdict; /* enum nfr_verdict */
	__u8 flags;   /* NFR_RULE_* */
	__u16 tag;    /* that it gives: 1 + index in the image; 0: none */
	__u32 action; /* index, or NFR_NO_ACTION */
};
_Static_assert(sizeof(struct nfr_rule) == 8, "nfr_rule");
#define NFR_RULE_LOG 0x01
#define NFR_RULE_STATE 0x02	 /* keep state */
#define NFR_RULE_ALLOW_OPTS 0x04 /* passes packets with IP options */
#define NFR_RULE_DEFAULT 0x08	 /* "set default": no rule matched */
#define NFR_RULE_GUARD 0x10	 /* belongs to the sealed guard */
#define NFR_RULE_MATCH 0x20	 /* does not decide: its effects stick */
#define NFR_RULE_COUNTS 0x40	 /* asks a table that counts */
#define NFR_RULE_FLAGS 0x7f

/* Idle seconds, by what a state is. */
enum nfr_timeout {
#define NFR_TIMEOUT(sym, name, seconds) NFR_TIMEOUT_##sym,
#include "timeouts.def"
#undef NFR_TIMEOUT
	NFR_TIMEOUT_COUNT
};

/* What a rule does beside its verdict; few rules have one. */
struct nfr_action {
	__u64 rule_id;	/* stable over reloads: what is counted is its */
	__u32 flags;	/* NFR_ACTION_* */
	__u32 nat, rdr; /* pools, or NFR_NO_POOL */
	__u32 route_to, reply_to, dup_to; /* pools of next hops, the same */
	__u32 overload;			  /* table, or NFR_NO_TABLE */
	/* Limits; 0: none. */
	__u32 max_states, max_src_nodes, max_src_states, max_src_conn;
	__u32 rate_conns, rate_seconds;
	__u32 timeouts[NFR_TIMEOUT_COUNT]; /* seconds; 0: the config's */
	__u32 in_ifid; /* where its packets come in: NFR_IN_* or one device */
};
_Static_assert(sizeof(struct nfr_action) == 64 + 4 * NFR_TIMEOUT_COUNT,
	       "nfr_action");
#define NFR_ACTION_SLOPPY 0x01	     /* no look at sequence numbers */
#define NFR_ACTION_FLOATING 0x02     /* states of any interface */
#define NFR_ACTION_TRACK_RULE 0x04   /* sources are counted a rule ... */
#define NFR_ACTION_TRACK_GLOBAL 0x08 /* ... or for all rules */
#define NFR_ACTION_FLUSH 0x10	     /* overload ends this rule's states ... */
#define NFR_ACTION_FLUSH_GLOBAL 0x20 /* ... or all of the source */
#define NFR_ACTION_FLAGS 0x3f
#define NFR_IN_NOWHERE 0u
#define NFR_IN_ANYWHERE 0xffffu
#define NFR_NO_ACTION 0xffffffffu
#define NFR_NO_POOL 0xffffffffu
#define NFR_NO_TABLE 0xffffffffu
#define NFR_ACTION_MAX 65536u
#define NFR_POOL_MAX 65536u
#define NFR_POOL_ADDR_MAX (1u << 20)

/* Addresses to choose from; how is pf.conf(5)'s "POOL OPTIONS". */
enum nfr_pool_type {
	NFR_POOL_ROUND_ROBIN = 0, /* also of a single address */
	NFR_POOL_BITMASK = 1,
	NFR_POOL_RANDOM = 2,
	NFR_POOL_SOURCE_HASH = 3,
	NFR_POOL_LEAST_STATES = 4
};
struct nfr_pool {
	__u64 id;	 /* equal pools have it in every generation */
	__u32 key[4];	 /* of the source hash */
	__u32 first;	 /* in pool_addrs */
	__u32 count;	 /* of them; 0: translates nothing, so blocks */
	__u16 port_low;	 /* 0: the packet's own port stays */
	__u16 port_high; /* inclusive */
	__u8 type;	 /* enum nfr_pool_type */
	__u8 flags;	 /* NFR_POOL_* */
	__u8 family;	 /* enum nfr_family */
	__u8 reserved;
};
_Static_assert(sizeof(struct nfr_pool) == 40, "nfr_pool");
#define NFR_POOL_STICKY 0x01
#define NFR_POOL_STATIC_PORT 0x02 /* nat: the port must stay */
#define NFR_POOL_PORT_SHIFT                                                    \
	0x04 /* rdr: port_low + (port - the rule's first)                      \
	      */
#define NFR_POOL_FLAGS 0x07

/* One prefix, or next hop, of a pool. */
struct nfr_pool_addr {
	__u32 first[4]; /* key words */
	__u32 mask[4];	/* bits that belong to the network */
	__u32 ifindex;	/* next hops: where; 0: as the route table says. Else
			   whose address it must be; 0: it need not */
	__u32 shift;	/* NFR_POOL_PORT_SHIFT: the rule's first port */
};
_Static_assert(sizeof(struct nfr_pool_addr) == 40, "nfr_pool_addr");

/* ---- maps of one generation -------------------------------------------- */

struct nfr_config {
	__u32 abi_version; /* NFR_ABI_VERSION, else everything blocks */
	__u32 generation;  /* 1, 2, ...; never 0 */
	__u32 hz;	   /* jiffies a second */
	__u32 insn_count;
	__u32 rule_count;
	__u32 has_guard;
	__u32 entry[NFR_ENTRIES]; /* first instruction, or NFR_NO_ENTRY */
	__u32 flags;		  /* NFR_CONFIG_* */
	__u32 state_limit;	  /* "set limit states" */
	__u64 hole; /* the rules' code in the programs, by its hash; 0: none */
	__u32 timeouts[NFR_TIMEOUT_COUNT]; /* seconds */
};
_Static_assert(sizeof(struct nfr_config) == 88 + 4 * NFR_TIMEOUT_COUNT,
	       "nfr_config");
#define NFR_CONFIG_TRANSLATES 0x01   /* some rule has a nat or rdr pool */
#define NFR_CONFIG_FLOATS 0x02	     /* some rule makes floating states */
#define NFR_CONFIG_OVERLOADS 0x04    /* some rule overloads a table */
#define NFR_CONFIG_OWNERS 0x08	     /* some rule asks for a socket's owner */
#define NFR_CONFIG_TAGS 0x10	     /* some rule asks for a tag */
#define NFR_CONFIG_ROUTES 0x20	     /* some rule has a pool of next hops */
#define NFR_CONFIG_GUARD_OWNERS 0x40 /* with OWNERS: the guard asks too */
#define NFR_CONFIG_HASH 0x80	     /* rules are looked for in nfr_hash */
#define NFR_CONFIG_ORIGIN 0x100	     /* some rule asks who made the packet */
#define NFR_CONFIG_EARLY                                                       \
	0x200 /* none asks of what goes out what its socket does not know */
#define NFR_CONFIG_NATIVE 0x400 /* nfr_native_* have programs, or see hole */
#define NFR_CONFIG_STEADY                                                      \
	0x800 /* rules (with NATIVE: those programs) ask no table, and of a    \
		 key no more than the words up to NFR_F_FAMILY */

/* ifaces: HASH, key __u32 ifindex */
struct nfr_iface {
	__u16 ifid;
	__u8 link;  /* enum nfr_link */
	__u8 flags; /* NFR_IFACE_* */
};
_Static_assert(sizeof(struct nfr_iface) == 4, "nfr_iface");
/*
 * near: ARRAY by ifindex of the same, for small numbers, as a hash is slow.
 * Where link is NFR_LINK_UNKNOWN, ifaces is asked.
 */
#define NFR_NEAR_MAX 1024u
#define NFR_IFACE_LOOPBACK 0x02 /* 127/8 and ::1 may be on its wire */
#define NFR_IFACE_TUNNEL                                                       \
	0x01 /* trusted only while its "tunnels" DEVMAP entry lives */

/*
 * ticket: ARRAY of one. Who carries the tunnel, where the policy does not say:
 * learned from the device, and again whenever it is looked at.
 */
struct nfr_ticket {
	__u64 netns_cookie; /* a socket of another namespace never is it */
	__u32 ifindex; /* of the tunnel: void unless it is in tunnels; 0: any */
	__u32 uid;     /* of the socket's owner; NFR_NO_ID: any */
	__u16 port;    /* of the socket, host order; 0: any */
	__u8 kind;     /* NFR_TICKET_* */
	__u8 reserved;
	__u32 reserved_too;
};
_Static_assert(sizeof(struct nfr_ticket) == 24, "nfr_ticket");
#define NFR_TICKET_NONE 0u   /* nobody */
#define NFR_TICKET_SOCKET 1u /* a process: its UDP socket, by port and uid */
#define NFR_TICKET_KERNEL 2u /* the kernel's own UDP socket, by port */
#define NFR_TICKET_ANY 3u    /* not known: whoever does not write raw frames */

/*
 * tables: ARRAY of one, table_find.h. added: HASH of the addresses that the
 * datapath made members of a table since.
 */
#define NFR_ADDED_MAX 4096u
struct nfr_table_address {
	__u64 upper; /* of an address in host order; IPv4 in its upper half */
	__u64 lower;
	__u32 side; /* 2 * table; of IPv6 and 1 */
	__u32 reserved;
};
_Static_assert(sizeof(struct nfr_table_address) == 24, "nfr_table_address");

/* A prefix; IPv4 as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
struct nfr_table_key {
	__u32 prefix_len; /* 32 + prefix length in 128 bits */
	__u32 table_be;
	__u8 addr[16];
};
_Static_assert(sizeof(struct nfr_table_key) == 24, "nfr_table_key");
#define NFR_TABLE_MEMBER 1u  /* value: the longest prefix is a member ... */
#define NFR_TABLE_NEGATED 0u /* ... or is excluded by a negated entry */
/*
 * The rest of a member's value is its slot in table_counts (PERCPU_ARRAY of
 * struct nfr_count), 0 when its table does not count.
 */
#define NFR_TABLE_SLOT(value) ((value) >> 1)
#define NFR_TABLE_COUNT(slot, dir, verdict)                                    \
	(4 * (slot) + 2 * ((dir)&1) + ((verdict)&1))

/* rule_tables: HASH, key the number of a rule with NFR_RULE_COUNTS. */
struct nfr_rule_tables {
	__u32 src, dst; /* a table that counts, plus 1; or 0 */
};
_Static_assert(sizeof(struct nfr_rule_tables) == 8, "nfr_rule_tables");

/*
 * cgroups: HASH. The paths that rules name, as a tree: a step from a node, 0
 * the root, by a component's name to another. Of the root itself: no step.
 */
#define NFR_CGROUP_NAME 124u /* with the zero behind it */
#define NFR_CGROUP_DEPTH 12u
struct nfr_cgroup_key {
	__u32 parent;
	char name[NFR_CGROUP_NAME]; /* zeros behind it */
};
_Static_assert(sizeof(struct nfr_cgroup_key) == 128, "nfr_cgroup_key");
struct nfr_cgroup {
	__u32 node;
	__u32 class; /* NFR_F_CGROUP of what is there; 0: as above it */
};
_Static_assert(sizeof(struct nfr_cgroup) == 8, "nfr_cgroup");

struct nfr_count {
	__u64 packets;
	__u64 bytes;
};
_Static_assert(sizeof(struct nfr_count) == 16, "nfr_count");

/* ---- maps that outlive generations ------------------------------------- */

/* control: ARRAY of one, mmapable; active is the switch. */
struct nfr_control {
	__u32 active; /* slot 0 or 1; NFR_SLOT_OPEN; anything else blocks */
	__u32 trace_block;     /* nonzero: blocked packets also go to the ring
				  buffer */
	__u64 netns_cookie;    /* the namespace this belongs to */
	__u32 generation[2];   /* of each slot; 0: empty */
	__u64 events_lost;     /* ring buffer was full */
	__u32 last_generation; /* ever placed: states name it, so none comes
				  twice */
	__u32 epoch; /* of tables: grows when the datapath changes one */
	__u32 kinds; /* NFR_CONFIG_*, of all states ever made; see verdict.h */
	__u32 seed[5]; /* random: where a flow's state lies */
	/* On a cache line of its own, as every new flow writes here. */
	__u32 states; /* in nfr_states: who begins or ends one counts */
	__u32 steers; /* NFR_STEER_HAS(), and NFR_STEER_PLACED */
	__u32 reserved_too[14];
};
_Static_assert(sizeof(struct nfr_control) == 128, "nfr_control");
#define NFR_SLOT_NONE 2u
/*
 * Hooks pass all: only where a first load was not confirmed in time and there
 * was nothing to go back to. Not a number that comes by accident.
 */
#define NFR_SLOT_OPEN 0x6e65706fu

/*
 * Marks of sockets that are steered. Rules and guard see none of them: such a
 * packet has no mark there.
 */
#define NFR_STEER_SLOT(slot) (1u << (slot))
#define NFR_STEER_PLACED 4u /* rules and routes may be there (steer.h) */
/* Does the policy of the slot lead sockets by NFR_MARK_*? */
#define NFR_STEER_HAS(control, slot)                                           \
	((slot) < 2u && (control)->steers & NFR_STEER_SLOT(slot))
#define NFR_MARK_OUTSIDE 0x6e667201u
#define NFR_MARK_INSIDE 0x6e667202u
#define NFR_MARK_OWNED 0x6e667203u /* outside, by its owner alone */
#define NFR_MARK_SEEN(mark) (((mark) & ~3u) == 0x6e667200u ? 0 : (mark))

/*
 * outside: LPM_TRIE, key struct nfr_table_key of table 0, value __u32 ifindex:
 * where the routes lead that are not the tunnel's; 0: nowhere.
 */
#define NFR_OUTSIDE_OWN                                                        \
	0x80000000u /* set in it: but a route for just this leads into the     \
		       tunnel */

/*
 * pending: ARRAY of one: a struct bpf_timer, then this. A load that waits to
 * be confirmed; only the program "arm" writes here, as an update by user space
 * would end the timer.
 */
struct nfr_pending {
	__u64 deadline_ns;     /* CLOCK_BOOTTIME */
	__u32 state;	       /* NFR_PENDING_* */
	__u32 from_slot;       /* on trial */
	__u32 from_generation; /* the same */
	__u32 to_slot;	       /* NFR_SLOT_NONE, NFR_SLOT_OPEN, or a slot */
	__u32 to_generation;   /* 0: there was none */
	__u32 flags;	       /* NFR_PENDING_PORTAL */
};
_Static_assert(sizeof(struct nfr_pending) == 32, "nfr_pending");
#define NFR_PENDING_NONE 0u
#define NFR_PENDING_WAITING 1u
#define NFR_PENDING_CONFIRMED 2u
#define NFR_PENDING_WENT_BACK 3u  /* by the timer */
#define NFR_PENDING_TAKEN_BACK 4u /* by hand, before its time */
#define NFR_PENDING_PORTAL 1u	  /* a portal's: nobody confirms it */
#define NFR_TIMER_LEN 16u	  /* of struct bpf_timer */

/* What the program "arm" is run with. */
struct nfr_arm {
	__u32 op;		    /* NFR_ARM_* */
	__u32 wait_ms;		    /* of START */
	struct nfr_pending pending; /* START: all but deadline_ns; else state */
};
_Static_assert(sizeof(struct nfr_arm) == 40, "nfr_arm");
#define NFR_ARM_START 1u  /* switches to from_slot and starts the timer */
#define NFR_ARM_SETTLE 2u /* stops it; 1: it waited still */

/*
 * The name of a flow. Seen from the interface: near is the source of what goes
 * out and the destination of what comes in, so both directions of a flow have
 * one key. Addresses are key words (host order), IPv4 in word 0. ICMP echo has
 * its identifier in both ports; protocols without ports have 0.
 */
#define NFR_STATES_MAX 65536u /* and without "set limit states" */
struct nfr_state_key {
	__u32 ifindex; /* 0: of a floating state */
	__u8 proto;
	__u8 family; /* enum nfr_family */
	__u16 reserved;
	__u32 near_addr[4];
	__u32 far_addr[4];
	__u16 near_port;
	__u16 far_port;
};
_Static_assert(sizeof(struct nfr_state_key) == 44, "nfr_state_key");

/* What TCP tracking knows of one side (state.h says how it is used). */
struct nfr_tcp_side {
	__u32 end;	  /* sequence number behind the last it sent */
	__u32 max_end;	  /* behind the last that the other side has allowed */
	__u32 max_window; /* the largest it ever offered, in bytes, never 0 */
	__u8 wscale;	  /* 0-14 once its SYN was seen */
	__u8 flags;	  /* NFR_TCP_* */
	__u16 reserved;
};
_Static_assert(sizeof(struct nfr_tcp_side) == 16, "nfr_tcp_side");
#define NFR_TCP_SEEN 0x01   /* it sent something: end counts */
#define NFR_TCP_SCALES 0x02 /* its SYN said by how much */

/* Where a packet is sent in place of where the route table says. */
struct nfr_hop {
	__u32 ifindex; /* 0: no such order */
	__u32 addr[4]; /* next hop, key words; all 0: the destination itself */
};
_Static_assert(sizeof(struct nfr_hop) == 20, "nfr_hop");

/* The addresses of a flow where they are not those of its name. */
struct nfr_endpoints {
	__u32 near_addr[4];
	__u32 far_addr[4];
	__u16 near_port;
	__u16 far_port;
};
_Static_assert(sizeof(struct nfr_endpoints) == 36, "nfr_endpoints");

/*
 * The name of a state is how its packets look on the wire. Where they are
 * translated, stack says how the host sees them, and aliases (HASH, the same
 * type of key) leads from there to the name: what goes out is found by its
 * alias, what comes in by its name.
 */
struct nfr_state {
	__u64 created; /* in jiffies of the engine's clock */
	__u64 last_seen;
	__u64 packets[2]; /* by enum nfr_dir */
	__u64 bytes[2];
	__u32 rule;	  /* index in the generation below */
	__u32 generation; /* that judged it last */
	__u64 consent[2]; /* of the guard, by enum nfr_dir (guard.h); or 0 */
	__u8 dir;	  /* of the first packet */
	__u8 phase;	  /* NFR_STATE_* */
	__u16 icmp;	/* first packet's type << 8 | code, for judging again */
	__u8 tcpflags;	/* first packet's, for judging again */
	__u8 fins;	/* TCP sides that sent a FIN: bits 1 << enum nfr_dir */
	__u8 tos;	/* first packet's, for judging again */
	__u8 ttl;	/* the same */
	__u32 received; /* the same: ifindex, as ids are an image's; or 0 */
	__u8 bits;	/* the same: NFR_BIT_* */
	__u8 flags;	/* NFR_STATE_HAS_*, NFR_STATE_IS_* */
	__u16 ifid; /* under which it was judged; a tunnel can lose its own */
	__u32 timeout; /* idle jiffies in this phase */
	__u32 tag;     /* first packet's when it came, for judging again */
	struct nfr_tcp_side tcp[2];   /* by enum nfr_dir of what it sends */
	struct nfr_endpoints stack;   /* NFR_STATE_IS_TRANSLATED */
	struct nfr_hop hop[2];	      /* by enum nfr_dir of the packet */
	__u32 mark, uid, gid, cgroup; /* first packet's, for judging again */
	__u32 ifindex;		      /* the same: a floating name has none */
	__u32 epoch;	     /* nfr_control's when it was judged last */
	struct nfr_hop copy; /* NFR_STATE_HAS_COPY: of each packet */
	__u64 pools;	     /* hash of the ids of those that translated it */
	__u64 counted;	     /* NFR_COUNTED_*; 0: no limit counts it */
	__u32 seed;  /* of the first packet's chances; 0: none was drawn */
	__u32 given; /* tag of the first packet behind the rules */
};
_Static_assert(sizeof(struct nfr_state) == 272, "nfr_state");
#define NFR_STATE_OPENING 0	/* only the first side was seen */
#define NFR_STATE_HALF 1	/* TCP: SYN and SYN ACK, no more */
#define NFR_STATE_ESTABLISHED 2 /* both sides were */
#define NFR_STATE_CLOSING 3	/* TCP: one FIN */
#define NFR_STATE_FINWAIT 4	/* TCP: a FIN of each side */
#define NFR_STATE_CLOSED 5	/* TCP: a valid RST */
#define NFR_STATE_IS_TRANSLATED 0x01
#define NFR_STATE_IS_FLOATING 0x02
#define NFR_STATE_IS_SLOPPY 0x04
#define NFR_STATE_IS_LOOSE 0x08 /* TCP: its SYN was not seen */
#define NFR_STATE_HAS_HOP 0x10
#define NFR_STATE_HAS_COPY 0x20

/*
 * states: ARRAY of buckets, mmapable. A hash map of our own, as looking into
 * the kernel's costs a third of a packet's time: kmod-linux/flows.bpf.h says
 * how it is used. A tag of 0 is a free place, an odd one is being filled; who
 * turns another one into 0 has ended the flow.
 */
#define NFR_WAYS 8
#define NFR_BUCKETS 12288u
#define NFR_PLACES (NFR_BUCKETS * NFR_WAYS)
_Static_assert(NFR_PLACES / 3 * 2 >= NFR_STATES_MAX, "nearly all find a place");
struct nfr_flow {
	struct nfr_state_key name;
	__u32 home; /* its first choice of a bucket, whose spilled counts it */
	struct nfr_state state;
};
_Static_assert(sizeof(struct nfr_flow) == 320, "nfr_flow");
struct nfr_bucket {
	__u32 tag[NFR_WAYS];
	__u32 spilled; /* flows whose home this is, and that are elsewhere */
	__u32 reserved[7];
	struct nfr_flow flow[NFR_WAYS];
};
_Static_assert(sizeof(struct nfr_bucket) == 64 + 8 * 320, "nfr_bucket");

/*
 * fragments: LRU_HASH. What the first fragment of a datagram was, so that the
 * others are judged like it.
 */
struct nfr_fragment_key {
	__u32 ifindex;
	__u32 id;
	__u32 src[4]; /* key words, as on the wire of this hook */
	__u32 dst[4];
	__u8 dir;
	__u8 family;
	__u8 proto;
	__u8 reserved;
};
_Static_assert(sizeof(struct nfr_fragment_key) == 44, "nfr_fragment_key");

/* Its addresses are as they come to the hook: what goes out is not translated
 * yet. proto is 0 in IPv6, where only the first fragment's counts (RFC 8200
 * 4.5). A first fragment that was blocked leaves none. */
struct nfr_fragment {
	__u64 seen;		   /* jiffies: when the first came */
	struct nfr_state_key name; /* NFR_FRAGMENT_HAS_STATE: of its flow */
	__u32 rule;		   /* index in the generation below */
	__u32 generation;	   /* that judged the first last */
	__u32 epoch;		   /* nfr_control's, then */
	__u32 ingress;		   /* the first's; ids are an image's */
	__u32 end;		   /* of the first, in bytes of the datagram */
	__u8 flags;		   /* NFR_FRAGMENT_* */
	__u8 reserved;
	__u16 reserved_too;
	__u32 seed;	    /* of the chances that its rules took */
	struct nfr_key key; /* of the first, as the rules saw it */
};
_Static_assert(sizeof(struct nfr_fragment) == 208, "nfr_fragment");
#define NFR_FRAGMENT_HAS_STATE 0x01

/* counted: HASH. What limits count, of one rule or one source of it. */
struct nfr_source_key {
	__u64 rule_id; /* 0: of all rules (source-track global) */
	__u32 addr[4]; /* key words; all 0 in a rule's own entry */
	__u32 family;  /* enum nfr_family; 0: a rule's own entry */
	__u32 reserved;
};
_Static_assert(sizeof(struct nfr_source_key) == 32, "nfr_source_key");

/*
 * The values of counted. A state says where it is: in the own entry of the
 * rule state.counted >> NFR_COUNTED_SHIFT, which is the lower bits of its id,
 * and by its source in one entry more.
 */
struct nfr_source {
	__u32 states;	   /* that are counted here; NFR_SOURCE_DYING: none
			      comes in any more */
	__u32 connections; /* of those, TCP past the handshake */
	__u32 nodes;	   /* own entries: sources that have states */
	__u32 reserved;
	__u64 rate;    /* low word: thousandths of connections, decaying; high
			  word: when, in jiffies */
	__u64 flushed; /* jiffies: states made until then are to end; 0: none */
};
_Static_assert(sizeof(struct nfr_source) == 32, "nfr_source");
#define NFR_SOURCE_DYING 0x80000000u
#define NFR_RATE_SECONDS_MAX 86400u
#define NFR_COUNTED_SHIFT 3
#define NFR_COUNTED_SOURCE 1ull	    /* in its source's entry of the rule ... */
#define NFR_COUNTED_GLOBAL 2ull	    /* ... or of all rules */
#define NFR_COUNTED_CONNECTION 4ull /* also as a connection there */

/*
 * localnet: HASH, key __u32 ifindex. A device whose route_localnet was set, and
 * what it was.
 */
struct nfr_localnet {
	__u32 before;
	__u32 reserved;
};
_Static_assert(sizeof(struct nfr_localnet) == 8, "nfr_localnet");

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
	__u8 action;	 /* NFR_RESULT_*: what else happens to it */
	__u32 rule;	 /* that decided, or NFR_NO_RULE */
};
_Static_assert(sizeof(struct nfr_result) == 8, "nfr_result");
#define NFR_NO_RULE 0xffffffffu
#define NFR_RESULT_REWRITTEN 0x01 /* addresses or ports were changed */
#define NFR_RESULT_REDIRECTED 0x02
#define NFR_RESULT_COPIED 0x04
#define NFR_RESULT_LOGGED 0x08 /* a match rule logs it */

/* ---- limits of the parser, the same in every engine -------------------- */

#define NFR_VLAN_TAGS_MAX 2
#define NFR_EXTHDRS_MAX 6
#define NFR_HEADERS_MAX                                                        \
	256 /* all headers end within this many bytes of the frame */

#endif
