/* SPDX-License-Identifier: BSD-2-Clause */
/* image_layout.c: counts of items -> places in the image; bytes -> hash. */
#include "image_layout.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sha2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

const size_t image_item_len[IMAGE_SECTIONS] = {
	[IMAGE_CODE] = sizeof(struct nfr_insn),
	[IMAGE_RULES] = sizeof(struct nfr_rule),
	[IMAGE_RULEINFO] = sizeof(struct image_ruleinfo),
	[IMAGE_TABLES] = sizeof(struct image_table),
	[IMAGE_ENTRIES] = sizeof(struct image_entry),
	[IMAGE_IFACES] = sizeof(struct image_iface),
	[IMAGE_FILES] = sizeof(__u32),
	[IMAGE_ASSERTS] = sizeof(struct image_assert),
	[IMAGE_ASSERT_CODE] = sizeof(struct nfr_insn),
	[IMAGE_EXCLUDES] = sizeof(struct image_exclude),
	[IMAGE_TAGS] = sizeof(__u32),
	[IMAGE_ACTIONS] = sizeof(struct nfr_action),
	[IMAGE_POOLS] = sizeof(struct nfr_pool),
	[IMAGE_POOL_ADDRS] = sizeof(struct image_pool_addr),
	[IMAGE_CGROUPS] = sizeof(__u32),
	[IMAGE_CONFIG] = sizeof(struct image_config),
	[IMAGE_HASH] = 1,
	[IMAGE_STRINGS] = 1,
};

const char *const image_section_name[IMAGE_SECTIONS] = {
	[IMAGE_CODE] = "code",
	[IMAGE_RULES] = "rules",
	[IMAGE_RULEINFO] = "ruleinfo",
	[IMAGE_TABLES] = "tables",
	[IMAGE_ENTRIES] = "entries",
	[IMAGE_IFACES] = "ifaces",
	[IMAGE_FILES] = "files",
	[IMAGE_ASSERTS] = "asserts",
	[IMAGE_ASSERT_CODE] = "asserts' code",
	[IMAGE_EXCLUDES] = "excludes",
	[IMAGE_TAGS] = "tags",
	[IMAGE_ACTIONS] = "actions",
	[IMAGE_POOLS] = "pools",
	[IMAGE_POOL_ADDRS] = "pool addresses",
	[IMAGE_CGROUPS] = "cgroups",
	[IMAGE_CONFIG] = "config",
	[IMAGE_HASH] = "hash",
	[IMAGE_STRINGS] = "strings",
};

uint64_t image_layout(const __u32 count[IMAGE_SECTIONS],
		      uint64_t offset[IMAGE_SECTIONS])
{
	uint64_t at = sizeof(struct image_header);

	for (unsigned i = 0; i < IMAGE_SECTIONS; i++) {
		offset[i] = at;
		at += (uint64_t)count[i] * image_item_len[i];
		at = (at + IMAGE_ALIGN - 1) & ~(uint64_t)(IMAGE_ALIGN - 1);
	}
	return at;
}

void image_hash(const void *bytes, size_t len, __u8 out[IMAGE_HASH_LEN])
{
	static const __u8 zero[IMAGE_HASH_LEN];
	const size_t at = offsetof(struct image_header, hash);
	const __u8 *b = bytes;
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, b, at);
	SHA256Update(&ctx, zero, sizeof(zero));
	SHA256Update(&ctx, b + at + sizeof(zero), len - at - sizeof(zero));
	SHA256Final(out, &ctx);
}

int image_entry_compare(const struct image_entry *a,
			const struct image_entry *b)
{
	if (a->table != b->table)
		return a->table < b->table ? -1 : 1;
	if (memcmp(a->addr, b->addr, sizeof(a->addr)) != 0)
		return memcmp(a->addr, b->addr, sizeof(a->addr));
	return (int)a->prefix_len - (int)b->prefix_len;
}

int image_refuse(char error[IMAGE_ERROR_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, IMAGE_ERROR_MAX, fmt, args);
	va_end(args);
	return -EBADMSG;
}

__u32 image_table_key(const struct image_entry *entry,
		      struct nfr_table_key *key)
{
	*key = (struct nfr_table_key){
		.prefix_len = 32u + entry->prefix_len,
		.table_be = htonl(entry->table),
	};
	if (entry->family == NFR_FAMILY_IPV4)
		key->prefix_len += 96;
	memcpy(key->addr, entry->addr, sizeof(key->addr));
	return entry->is_negated ? NFR_TABLE_NEGATED : NFR_TABLE_MEMBER;
}

static __u32 action_flags(const struct nfr_action *a)
{
	__u32 flags = 0;

	if (a->nat != NFR_NO_POOL || a->rdr != NFR_NO_POOL)
		flags |= NFR_CONFIG_TRANSLATES;
	if (a->route_to != NFR_NO_POOL || a->reply_to != NFR_NO_POOL ||
	    a->dup_to != NFR_NO_POOL)
		flags |= NFR_CONFIG_ROUTES;
	if (a->flags & NFR_ACTION_FLOATING)
		flags |= NFR_CONFIG_FLOATS;
	if (a->overload != NFR_NO_TABLE)
		flags |= NFR_CONFIG_OVERLOADS;
	return flags;
}

static bool asks_owner(const struct nfr_insn *insn)
{
	return insn->field == NFR_F_UID || insn->field == NFR_F_GID ||
	       insn->field == NFR_F_CGROUP;
}

static size_t guard_begin(const __u32 *entry)
{
	size_t first = SIZE_MAX;

	for (unsigned i = NFR_ENTRY(NFR_STAGE_GUARD, 0, 0); i < NFR_ENTRIES;
	     i++)
		if (entry[i] != NFR_NO_ENTRY && entry[i] < first)
			first = entry[i];
	return first;
}

__u32 image_config_flags(const struct nfr_action *actions, size_t action_count,
			 const struct nfr_insn *insns, size_t insn_count,
			 const __u32 *entry)
{
	size_t guard = guard_begin(entry);
	__u32 flags = 0;

	if (image_is_early(insns, insn_count, entry))
		flags |= NFR_CONFIG_EARLY;
	for (size_t i = 0; i < action_count; i++)
		flags |= action_flags(&actions[i]);
	for (size_t i = 0; i < insn_count; i++) {
		if (insns[i].field == NFR_F_TAG)
			flags |= NFR_CONFIG_TAGS;
		if (insns[i].field == NFR_F_ORIGIN)
			flags |= NFR_CONFIG_ORIGIN;
		if (!asks_owner(&insns[i]))
			continue;
		flags |= NFR_CONFIG_OWNERS;
		if (i >= guard)
			flags |= NFR_CONFIG_GUARD_OWNERS;
	}
	return flags;
}
