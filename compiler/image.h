/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.h: the .nfi file: bytecode, rules, labels, places, tables and names in
 * one block of bytes. The same policy gives the same bytes. Little-endian.
 *
 * struct image is a view: every pointer in it points into bytes, and every
 * index and offset in it was checked, so readers need not check again.
 */
#ifndef NFR_IMAGE_H
#define NFR_IMAGE_H

#include "../runtime/hash_format.h"
#include "lower.h"

#define IMAGE_MAGIC 0x3149464eu /* "NFI1" */
#define IMAGE_HASH_LEN 32	/* SHA-256 (FIPS 180-4), by libmd */
#define IMAGE_ERROR_MAX 160

enum image_section {
	IMAGE_CODE,	/* struct nfr_insn */
	IMAGE_RULES,	/* struct nfr_rule */
	IMAGE_RULEINFO, /* struct image_ruleinfo, one a rule */
	IMAGE_TABLES,	/* struct image_table */
	IMAGE_ENTRIES,	/* struct image_entry, sorted by table, address, prefix
			 */
	IMAGE_IFACES,	/* struct image_iface, ifid 1 first */
	IMAGE_FILES,	/* __u32 string: source paths */
	IMAGE_ASSERTS,	/* struct image_assert */
	IMAGE_ASSERT_CODE, /* struct nfr_insn */
	IMAGE_EXCLUDES,	   /* struct image_exclude */
	IMAGE_TAGS,	   /* __u32 string, by their numbers (tag.h) */
	IMAGE_ACTIONS,	   /* struct nfr_action */
	IMAGE_POOLS,	  /* struct nfr_pool; first and count are in the next */
	IMAGE_POOL_ADDRS, /* struct image_pool_addr */
	IMAGE_CGROUPS,	  /* __u32 string: paths, class 1 first */
	IMAGE_CONFIG,	  /* struct image_config, one */
	IMAGE_HASH,	  /* bytes: the data form (hash_format.h), or none */
	IMAGE_STRINGS,	  /* bytes; offset 0 is "" */
	IMAGE_SECTIONS
};

struct image_header {
	__u32 magic;
	__u32 abi_version;
	__u32 len;	   /* of the whole image */
	__u32 guard_first; /* rules before it are the policy's, the rest the
			      guard's */
	__u8 hash[IMAGE_HASH_LEN]; /* of all bytes, with this field zero */
	__u32 entry[NFR_ENTRIES];
	struct {
		__u32 offset; /* multiple of 8 */
		__u32 count;  /* of items */
	} section[IMAGE_SECTIONS];
};

struct image_ruleinfo {
	__u64 id;
	__u32 label; /* strings */
	__u32 text;  /* strings: the rule in canonical form */
	__u32 file;  /* index in files, or 0xffffffff */
	__u32 line;
	__u32 col;
	__u32 flags; /* IMAGE_RULE_* */
};
#define IMAGE_RULE_QUICK 1u
#define IMAGE_RULE_GENERATED 2u
#define IMAGE_RULE_OUTSIDE                                                     \
	4u /* it passes, by the user's word, and can not                       \
	      match the tunnel's device: what it passes and                    \
	      the guard stops breaks the contract */
#define IMAGE_RULE_ADDRESS                                                     \
	8u /* the guard's, by addresses that only the tunnel's device          \
	      may use: no promise of the user's is about these */

struct image_table {
	__u32 name;
	__u32 flags;	 /* IMAGE_TABLE_* */
	__u32 iface;	 /* strings: of a dynamic one; "" is every interface */
	__u8 modifiers;	 /* IMAGE_MODIFIER_*; 0 unless dynamic */
	__u8 prefix_len; /* that a dynamic one writes behind an address, or
			    IMAGE_NO_PREFIX */
	__u16 reserved;
};
#define IMAGE_TABLE_CONST 1u
#define IMAGE_TABLE_PERSIST 2u
#define IMAGE_TABLE_DYNAMIC 4u	   /* holds addresses of interfaces */
#define IMAGE_TABLE_NEVER_EMPTY 8u /* empty, it would open the policy */
#define IMAGE_TABLE_KEEP 16u	   /* takes over what it held before the load */
#define IMAGE_TABLE_COUNTERS 32u   /* each entry counts */
#define IMAGE_MODIFIER_NETWORK 1u
#define IMAGE_MODIFIER_BROADCAST 2u
#define IMAGE_MODIFIER_PEER 4u
#define IMAGE_MODIFIER_NO_ALIAS 8u
#define IMAGE_MODIFIER_LAN 16u
#define IMAGE_MODIFIER_PORTAL 32u /* none of its addresses: see portal */
#define IMAGE_MODIFIER_PORTAL_DNS 64u
#define IMAGE_NO_PREFIX 255u

struct image_entry {
	__u32 table;
	__u8 family;	 /* enum nfr_family */
	__u8 prefix_len; /* 0-32 or 0-128 */
	__u8 is_negated;
	__u8 reserved;
	__u8 addr[16]; /* network order, IPv4 mapped */
};

struct image_iface {
	__u32 name;
	__u32 flags; /* IMAGE_IFACE_* */
	__u32 peers; /* strings: a tunnel's, in base64, spaces between; "" any
		      */
	__u32 reserved;
};
#define IMAGE_IFACE_TUNNEL 1u
#define IMAGE_IFACE_LOOPBACK 2u
#define IMAGE_IFACE_SKIP 4u
#define IMAGE_IFACE_REBIND 8u /* a tunnel made later counts too */
#define IMAGE_IFACE_SPLIT                                                      \
	16u /* a tunnel with "include", or that excludes more than the LAN */

/*
 * The contract, to be asked again when tables change. An assert is one or more
 * of these, a direction, a family and a member of its lists each. Its program
 * ends in IMAGE_ASSERT_MATCH for a packet that the assert speaks of.
 */
struct image_assert {
	__u32 start; /* in the asserts' code */
	__u8 dir;    /* enum nfr_dir */
	__u8 family; /* enum nfr_family, IP */
	__u8 is_pass;
	__u8 reserved;
	__u32 text; /* strings: the whole statement in canonical form */
	__u32 file; /* index in files, or 0xffffffff */
	__u32 line;
	__u32 col;
};
#define IMAGE_ASSERT_MISS 0u  /* operands of RET */
#define IMAGE_ASSERT_MATCH 1u /* in the asserts' code */

/* What the tunnel lets go outside, whatever else a packet is. */
struct image_exclude {
	__u32 table;   /* index, or IMAGE_NO_TABLE: from first to last */
	__u8 families; /* bits 1 << enum nfr_family; with a range one of them */
	__u8 is_negated;
	__u16 reserved;
	__u32 file; /* index in files, or 0xffffffff */
	__u32 line;
	__u32 col;
	__u32 reserved2;
	__u32 first[4]; /* key words */
	__u32 last[4];
};
#define IMAGE_NO_TABLE 0xffffffffu

/*
 * In an image the last byte of a pool is IMAGE_POOL_*. Where a rule takes
 * IPv4 and IPv6 alike and its pools do, each pool is two, IPv4 first, and the
 * action names that one.
 */
#define IMAGE_POOL_FIRST 1u /* one address: the first that there is */
#define IMAGE_POOL_DRAW 2u  /* the loader draws the key of its hash */
#define IMAGE_POOL_KNOWN 3u

struct image_pool_addr {
	__u32 first[4]; /* key words; nothing beside mask */
	__u32 mask[4];	/* ones, then zeros */
	__u32 table;	/* index: its addresses; NFR_NO_TABLE: the prefix */
	__u32 shift;	/* as nfr_pool_addr has it */
	__u16 ifid;	/* of next hops; 0: as the route table says */
	__u16 weight;	/* at least 1 */
	__u32 reserved;
};

/* What "set" says. */
struct image_config {
	__u32 flags;			   /* NFR_CONFIG_* */
	__u32 state_limit;		   /* 0: as many as there is room for */
	__u32 timeouts[NFR_TIMEOUT_COUNT]; /* seconds */
};

struct image {
	const __u8 *bytes;
	size_t len;
	const struct image_header *header;
	const struct nfr_insn *code;
	const struct nfr_rule *rules;
	const struct image_ruleinfo *ruleinfo;
	const struct image_table *tables;
	const struct image_entry *entries;
	const struct image_iface *ifaces;
	const __u32 *files;
	const struct image_assert *asserts;
	const struct nfr_insn *assert_code;
	const struct image_exclude *excludes;
	const struct nfr_action *actions;
	const struct nfr_pool *pools;
	const struct image_pool_addr *pool_addrs;
	const struct image_config *config;
	const __u32 *tags;    /* strings, by their numbers */
	const __u32 *cgroups; /* strings; class 1 first */
	const __u8 *hash;     /* hash_len bytes */
	const char *strings;
	__u32 insn_count, rule_count, table_count, entry_count, iface_count,
		file_count, assert_count, assert_insn_count, exclude_count,
		action_count, tag_count, pool_count, pool_addr_count,
		cgroup_count, hash_len;
};

/* Bytes are malloc'd and the caller's. 0, -E2BIG or -ENOMEM. */
int image_write(const struct policy *, const struct code *,
		const struct sources *, __u8 **bytes, size_t *len);
/*
 * The same in steps, for whom memory is short: a policy without asserts may
 * end behind image_begin(), the code behind image_finish(), which takes its
 * data form if it may. The draft is freed whatever they return, 0, -E2BIG or
 * -ENOMEM.
 */
struct image_draft;
int image_begin(const struct policy *, const struct sources *,
		struct image_draft **out);
int image_finish(struct image_draft *, struct code *, __u8 **bytes,
		 size_t *len);
void image_draft_free(struct image_draft **);

/*
 * Views bytes, which must be 8-byte aligned and outlive the view. Checks
 * magic, version, length, hash, every section and, by verify_code(), the
 * bytecode. 0, or -EPROTO (another version), -EBADMSG (damaged) with a message.
 */
int image_open(const void *bytes, size_t len, struct image *out,
	       char error[IMAGE_ERROR_MAX]);

/* An entry as a prefix of 128 bits: fills in the key, returns the value. */
__u32 image_table_key(const struct image_entry *, struct nfr_table_key *);
/*
 * image_count.c. Slots of entries that count, by their order, from 1; slot 0 is
 * nobody's. How many slots there are, 0 included.
 */
__u32 image_slots(const struct image *);
/* Fills in the slot of each entry, 0 for those that do not count. */
void image_entry_slots(const struct image *, __u32 *slots);
/* What the rules with NFR_RULE_COUNTS ask, one a rule of the image. */
void image_rule_tables(const struct image *, struct nfr_rule_tables *);
const char *image_string(const struct image *, __u32 offset);
/* First 12 hex digits of the hash: the image's short name. */
void image_short_hash(const struct image *, char out[13]);

/* verify_hash.c: the head of an entry of the rules, or NULL. */
const struct hash_head *image_hash_head(const struct image *, unsigned entry);

/* disasm.c: bits 1 << enum nfr_family of the programs that reach each
 * instruction, malloc'd, or NULL. */
__u8 *image_code_families(const struct image *);

/* verify.c: the bytecode is total and touches nothing it may not. Called by
 * image_open. */
int verify_code(const struct image *, char error[IMAGE_ERROR_MAX]);

/* disasm.c: the bytecode as text, with labels for entries and rule places. */
void disasm_code(const struct image *, FILE *);
void disasm_image(const struct image *, FILE *); /* header and all sections */

#endif
