/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_read.c: bytes -> a view whose every index and offset was checked.
 *
 * The hash finds damage; whoever writes an image on purpose can compute one, so
 * nothing behind it is believed either. The layout has no freedom: the counts
 * say where each section is, and the bytes between sections are zero.
 */
#include <assert.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "image_layout.h"

const char *image_string(const struct image *img, __u32 offset)
{
	assert(offset < img->header->section[IMAGE_STRINGS].count);
	return img->strings + offset;
}

void image_short_hash(const struct image *img, char out[13])
{
	for (unsigned i = 0; i < 6; i++)
		snprintf(out + (size_t)2 * i, 3, "%02x", img->header->hash[i]);
}

/* ---- header and layout ------------------------------------------------- */

static int check_header(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	const struct image_header *header = img->header;
	__u8 hash[IMAGE_HASH_LEN];

	if (img->len < sizeof(header->magic) + sizeof(header->abi_version))
		return image_refuse(error, "not an nfr image: too short");
	if (header->magic != IMAGE_MAGIC)
		return image_refuse(error, "not an nfr image");
	if (header->abi_version != NFR_ABI_VERSION) {
		image_refuse(error,
			     "image of version %u, this is for version %u",
			     header->abi_version, NFR_ABI_VERSION);
		return -EPROTO;
	}
	if (img->len < sizeof(*header) || header->len != img->len)
		return image_refuse(error, "damaged: its length is %zu",
				    img->len);
	image_hash(img->bytes, img->len, hash);
	if (memcmp(hash, header->hash, sizeof(hash)) != 0)
		return image_refuse(error, "damaged: its hash is another");
	return 0;
}

static bool is_zero(const __u8 *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (bytes[i])
			return false;
	return true;
}

static int check_layout(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	uint64_t offset[IMAGE_SECTIONS + 1];
	__u32 count[IMAGE_SECTIONS];

	for (unsigned i = 0; i < IMAGE_SECTIONS; i++)
		count[i] = img->header->section[i].count;
	offset[IMAGE_SECTIONS] = image_layout(count, offset);
	if (offset[IMAGE_SECTIONS] != img->len)
		return image_refuse(error, "sections take %llu bytes, not %zu",
				    (unsigned long long)offset[IMAGE_SECTIONS],
				    img->len);
	for (unsigned i = 0; i < IMAGE_SECTIONS; i++) {
		uint64_t end = offset[i] + count[i] * image_item_len[i];

		if (img->header->section[i].offset != offset[i])
			return image_refuse(error, "section %s is not at %llu",
					    image_section_name[i],
					    (unsigned long long)offset[i]);
		if (!is_zero(img->bytes + end, offset[i + 1] - end))
			return image_refuse(error, "padding behind section %s",
					    image_section_name[i]);
	}
	return 0;
}

static void view_sections(struct image *img)
{
	const struct image_header *header = img->header;
	const __u8 *at[IMAGE_SECTIONS];

	for (unsigned i = 0; i < IMAGE_SECTIONS; i++)
		at[i] = img->bytes + header->section[i].offset;
	img->code = (const void *)at[IMAGE_CODE];
	img->rules = (const void *)at[IMAGE_RULES];
	img->ruleinfo = (const void *)at[IMAGE_RULEINFO];
	img->tables = (const void *)at[IMAGE_TABLES];
	img->entries = (const void *)at[IMAGE_ENTRIES];
	img->ifaces = (const void *)at[IMAGE_IFACES];
	img->files = (const void *)at[IMAGE_FILES];
	img->asserts = (const void *)at[IMAGE_ASSERTS];
	img->assert_code = (const void *)at[IMAGE_ASSERT_CODE];
	img->excludes = (const void *)at[IMAGE_EXCLUDES];
	img->tags = (const void *)at[IMAGE_TAGS];
	img->actions = (const void *)at[IMAGE_ACTIONS];
	img->pools = (const void *)at[IMAGE_POOLS];
	img->pool_addrs = (const void *)at[IMAGE_POOL_ADDRS];
	img->cgroups = (const void *)at[IMAGE_CGROUPS];
	img->config = (const void *)at[IMAGE_CONFIG];
	img->hash = at[IMAGE_HASH];
	img->strings = (const void *)at[IMAGE_STRINGS];
	img->insn_count = header->section[IMAGE_CODE].count;
	img->rule_count = header->section[IMAGE_RULES].count;
	img->table_count = header->section[IMAGE_TABLES].count;
	img->entry_count = header->section[IMAGE_ENTRIES].count;
	img->iface_count = header->section[IMAGE_IFACES].count;
	img->file_count = header->section[IMAGE_FILES].count;
	img->assert_count = header->section[IMAGE_ASSERTS].count;
	img->assert_insn_count = header->section[IMAGE_ASSERT_CODE].count;
	img->exclude_count = header->section[IMAGE_EXCLUDES].count;
	img->tag_count = header->section[IMAGE_TAGS].count;
	img->action_count = header->section[IMAGE_ACTIONS].count;
	img->pool_count = header->section[IMAGE_POOLS].count;
	img->cgroup_count = header->section[IMAGE_CGROUPS].count;
	img->hash_len = header->section[IMAGE_HASH].count;
	img->pool_addr_count = header->section[IMAGE_POOL_ADDRS].count;
}

/* ---- what the sections hold -------------------------------------------- */

static bool is_string(const struct image *img, __u32 offset)
{
	return offset < img->header->section[IMAGE_STRINGS].count;
}

/* Any offset inside is then a string that ends inside. */
static int check_strings(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	__u32 len = img->header->section[IMAGE_STRINGS].count;

	if (len == 0 || img->strings[0] || img->strings[len - 1])
		return image_refuse(error,
				    "strings do not begin and end with NUL");
	return 0;
}

static int check_ruleinfo(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	__u32 count = img->header->section[IMAGE_RULEINFO].count;

	if (count != img->rule_count)
		return image_refuse(error, "%u rules, but places of %u",
				    img->rule_count, count);
	for (__u32 i = 0; i < count; i++) {
		const struct image_ruleinfo *info = &img->ruleinfo[i];

		if (!is_string(img, info->label) || !is_string(img, info->text))
			return image_refuse(error, "rule %u: no such string",
					    i);
		if (info->file != IMAGE_NO_FILE &&
		    info->file >= img->file_count)
			return image_refuse(error, "rule %u: no such file", i);
		if (info->flags & ~(IMAGE_RULE_QUICK | IMAGE_RULE_GENERATED |
				    IMAGE_RULE_OUTSIDE | IMAGE_RULE_ADDRESS))
			return image_refuse(error, "rule %u: unknown flags", i);
	}
	return 0;
}

/* Bits of the address behind its prefix. */
static bool has_host_bits(const struct image_entry *e)
{
	unsigned bit =
		e->prefix_len + (e->family == NFR_FAMILY_IPV4 ? 96u : 0u);

	for (; bit < 128; bit++)
		if (e->addr[bit / 8] & 0x80u >> bit % 8)
			return true;
	return false;
}

static const char *check_entry(const struct image *img,
			       const struct image_entry *e)
{
	static const __u8 mapped[12] = {[10] = 0xff, [11] = 0xff};
	bool is_mapped;

	if (e->table >= img->table_count)
		return "no such table";
	if (e->family != NFR_FAMILY_IPV4 && e->family != NFR_FAMILY_IPV6)
		return "unknown family";
	if (e->prefix_len > (e->family == NFR_FAMILY_IPV4 ? 32 : 128))
		return "prefix is too long";
	if (e->is_negated > 1 || e->reserved)
		return "unknown flags";
	is_mapped = memcmp(e->addr, mapped, sizeof(mapped)) == 0;
	if (e->family == NFR_FAMILY_IPV4 && !is_mapped)
		return "IPv4 address is not mapped";
	if (e->family == NFR_FAMILY_IPV6 && e->prefix_len >= 96 && is_mapped)
		return "IPv4 address as IPv6";
	if (has_host_bits(e))
		return "address has bits behind its prefix";
	return NULL;
}

static const char *check_table(const struct image *img,
			       const struct image_table *table)
{
	const __u32 known = IMAGE_TABLE_CONST | IMAGE_TABLE_PERSIST |
			    IMAGE_TABLE_DYNAMIC | IMAGE_TABLE_NEVER_EMPTY |
			    IMAGE_TABLE_KEEP | IMAGE_TABLE_COUNTERS;
	const __u8 modifiers = IMAGE_MODIFIER_NETWORK |
			       IMAGE_MODIFIER_BROADCAST | IMAGE_MODIFIER_PEER |
			       IMAGE_MODIFIER_NO_ALIAS | IMAGE_MODIFIER_LAN |
			       IMAGE_MODIFIER_PORTAL |
			       IMAGE_MODIFIER_PORTAL_DNS;
	bool is_dynamic = table->flags & IMAGE_TABLE_DYNAMIC;

	if (!is_string(img, table->name) || !is_string(img, table->iface))
		return "no such string";
	if (table->flags & ~known || table->modifiers & ~modifiers ||
	    table->reserved)
		return "unknown flags";
	if (!is_dynamic && (table->iface || table->modifiers))
		return "an interface, but it is not dynamic";
	if (table->prefix_len != IMAGE_NO_PREFIX &&
	    (!is_dynamic || table->prefix_len > 128))
		return "prefix is too long";
	return NULL;
}

static int check_tables(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	for (__u32 i = 0; i < img->table_count; i++) {
		const char *why = check_table(img, &img->tables[i]);

		if (why)
			return image_refuse(error, "table %u: %s", i, why);
	}
	for (__u32 i = 0; i < img->entry_count; i++) {
		const struct image_entry *e = &img->entries[i];
		const char *why = check_entry(img, e);

		if (!why && i > 0 && image_entry_compare(e - 1, e) >= 0)
			why = "not in order";
		if (why)
			return image_refuse(error, "table entry %u: %s", i,
					    why);
	}
	return 0;
}

static bool is_known_name(const struct image *img, __u32 before,
			  const char *name)
{
	for (__u32 i = 0; i < before; i++)
		if (strcmp(image_string(img, img->ifaces[i].name), name) == 0)
			return true;
	return false;
}

static int check_ifaces(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	const __u32 known = IMAGE_IFACE_TUNNEL | IMAGE_IFACE_LOOPBACK |
			    IMAGE_IFACE_SKIP | IMAGE_IFACE_REBIND |
			    IMAGE_IFACE_SPLIT;

	if (img->iface_count > NFR_IFACE_MAX)
		return image_refuse(error, "more than %u interfaces",
				    NFR_IFACE_MAX);
	for (__u32 i = 0; i < img->iface_count; i++) {
		const struct image_iface *iface = &img->ifaces[i];
		const char *name;

		if (!is_string(img, iface->name) ||
		    !is_string(img, iface->peers) || iface->flags & ~known)
			return image_refuse(error,
					    "interface %u: no such string "
					    "or flag",
					    i + 1);
		name = image_string(img, iface->name);
		if (!*name || strlen(name) >= IF_NAMESIZE)
			return image_refuse(error, "interface %u: not a name",
					    i + 1);
		if (is_known_name(img, i, name))
			return image_refuse(error, "interface %u: named twice",
					    i + 1);
	}
	return 0;
}

static int check_files(const struct image *img, char error[IMAGE_ERROR_MAX])
{
	for (__u32 i = 0; i < img->file_count; i++)
		if (!is_string(img, img->files[i]))
			return image_refuse(error, "file %u: no such string",
					    i);
	return 0;
}

int image_open(const void *bytes, size_t len, struct image *out,
	       char error[IMAGE_ERROR_MAX])
{
	static int (*const checks[])(const struct image *, char *) = {
		check_strings, check_ruleinfo, check_tables,
		check_ifaces,  check_files,    image_check_effects,
		verify_hash,   verify_code,    verify_contract,
	};
	struct image img = {.bytes = bytes, .len = len, .header = bytes};
	int err;

	assert((uintptr_t)bytes % IMAGE_ALIGN == 0);
	err = check_header(&img, error);
	if (!err)
		err = check_layout(&img, error);
	if (err)
		return err;
	view_sections(&img);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		err = checks[i](&img, error);
		if (err)
			return err;
	}
	*out = img;
	return 0;
}
