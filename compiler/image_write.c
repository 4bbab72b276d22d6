/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image_write.c: policy and code -> the bytes of an image.
 *
 * In two steps: behind the first the policy is not needed any more. Sections
 * are filled in by themselves, as their counts tell where they are only when
 * all are known; each ends as it is copied, and the data form, which may be
 * most of an image, grows to be the image. Nothing depends on addresses or
 * time, and padding is zero, so the same policy gives the same bytes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "image_contract.h"
#include "image_effects.h"
#include "image_layout.h"
#include "tag.h"

struct image_draft {
	const struct policy *policy;
	const struct code *code;
	const struct sources *sources;
	struct image_effects effects;
	const char **tags; /* the policy's, by their numbers */
	struct string_pool strings;
	__u32 count[IMAGE_SECTIONS];
	void *items[IMAGE_SECTIONS]; /* malloc'd */
	uint64_t offset[IMAGE_SECTIONS];
	__u32 guard_first;
};

static void *section(const struct image_draft *w, enum image_section s)
{
	return w->items[s];
}

static bool has_guard(const struct image_draft *w)
{
	return w->policy->guard_count > 0;
}

/* ---- rules ------------------------------------------------------------- */

static bool counts(const struct image_draft *w, const struct policy_host *host)
{
	return host->kind == POLICY_HOST_TABLE && !host->is_negated &&
	       w->policy->tables[host->table].is_counters;
}

/* 1 + its index in the image. */
static __u16 tag_at(const struct image_draft *w, uint32_t number)
{
	size_t low = 0, high = w->policy->tag_count;

	while (low < high) {
		size_t at = low + (high - low) / 2;

		if (tag_number(w->tags[at]) < number)
			low = at + 1;
		else
			high = at;
	}
	return (__u16)(low + 1);
}

static struct nfr_rule make_rule(const struct image_draft *w,
				 const struct policy_rule *rule, bool is_guard)
{
	struct nfr_rule out = {.verdict = rule->is_pass ? NFR_PASS : NFR_BLOCK,
			       .action = NFR_NO_ACTION};

	if (rule->allows_opts)
		out.flags |= NFR_RULE_ALLOW_OPTS;
	if (counts(w, &rule->match.src) || counts(w, &rule->match.dst))
		out.flags |= NFR_RULE_COUNTS;
	if (rule->is_logged)
		out.flags |= NFR_RULE_LOG;
	if (is_guard)
		out.flags |= NFR_RULE_GUARD;
	else if (rule->is_default)
		out.flags |= NFR_RULE_DEFAULT;
	if (rule->keeps_state && rule->is_pass && !is_guard)
		out.flags |= NFR_RULE_STATE;
	if (rule->is_match)
		out.flags = NFR_RULE_MATCH | (out.flags & NFR_RULE_LOG);
	if (!is_guard && rule->effects && rule->effects->tag != TAG_NONE)
		out.tag = tag_at(w, rule->effects->tag);
	return out;
}

static struct image_ruleinfo make_ruleinfo(struct image_draft *w,
					   const struct policy_rule *rule)
{
	struct image_ruleinfo out = {
		.id = rule->id,
		.label = pool_add(&w->strings, rule->label),
		.text = pool_add(&w->strings, rule->text),
	};

	image_place(w->sources, rule->span, &out.file, &out.line, &out.col);
	if (image_is_outside(w->policy, rule))
		out.flags |= IMAGE_RULE_OUTSIDE;
	if (rule->is_side_door)
		out.flags |= IMAGE_RULE_ADDRESS;
	if (rule->is_quick)
		out.flags |= IMAGE_RULE_QUICK;
	if (rule->is_generated)
		out.flags |= IMAGE_RULE_GENERATED;
	return out;
}

/* What lower_policy() put behind the guard's last rule. */
static const struct policy_rule no_objection = {
	.is_pass = true,
	.is_generated = true,
	.text = "# the guard has no objection",
};

static void fill_rule(struct image_draft *w, size_t at,
		      const struct policy_rule *rule, bool is_guard)
{
	struct image_ruleinfo info = make_ruleinfo(w, rule);

	((struct image_ruleinfo *)section(w, IMAGE_RULEINFO))[at] = info;
	((struct nfr_rule *)section(w, IMAGE_RULES))[at] =
		make_rule(w, rule, is_guard);
}

static void fill_rules(struct image_draft *w)
{
	const struct policy *p = w->policy;
	size_t at = 0;

	for (size_t i = 0; i < p->rule_count; i++, at++) {
		fill_rule(w, at, &p->rules[i], false);
		((struct nfr_rule *)section(w, IMAGE_RULES))[at].action =
			w->effects.action_of[i];
	}
	for (size_t i = 0; i < p->guard_count; i++, at++)
		fill_rule(w, at, &p->guard[i], true);
	if (has_guard(w))
		fill_rule(w, at, &no_objection, true);
}

/* ---- tables ------------------------------------------------------------ */

static void mark_host(const struct policy_host *host, bool is_negated,
		      struct image_table *tables)
{
	if (host->kind == POLICY_HOST_TABLE && host->is_negated == is_negated)
		tables[host->table].flags |= IMAGE_TABLE_NEVER_EMPTY;
}

static void mark_match(const struct policy_match *match, bool is_negated,
		       struct image_table *tables)
{
	mark_host(&match->src, is_negated, tables);
	mark_host(&match->dst, is_negated, tables);
}

/*
 * "pass to ! <t>" passes everything while t is empty, and a guard that blocks
 * "to <t>" outside of the tunnel nothing. But while the tunnel has no address,
 * there is none to keep inside.
 */
static void mark_rule(const struct policy_rule *rule, bool is_guard,
		      struct image_table *tables)
{
	bool is_negated = rule->is_pass;

	if ((!rule->is_pass && !is_guard) || rule->is_side_door)
		return;
	for (size_t i = 0; i < rule->within_count; i++)
		mark_match(&rule->within[i], is_negated, tables);
	mark_match(&rule->match, is_negated, tables);
}

static void mark_tables(const struct policy *p, struct image_table *tables)
{
	for (size_t i = 0; i < p->rule_count; i++)
		mark_rule(&p->rules[i], false, tables);
	for (size_t i = 0; i < p->guard_count; i++)
		mark_rule(&p->guard[i], true, tables);
}

static struct image_table make_table(struct image_draft *w,
				     const struct policy_table *t)
{
	struct image_table out = {.name = pool_add(&w->strings, t->name),
				  .prefix_len = IMAGE_NO_PREFIX};

	if (t->is_const)
		out.flags |= IMAGE_TABLE_CONST;
	if (t->is_persist)
		out.flags |= IMAGE_TABLE_PERSIST;
	if (t->is_counters)
		out.flags |= IMAGE_TABLE_COUNTERS;
	if (t->is_persist && !t->is_const && !t->is_initialised)
		out.flags |= IMAGE_TABLE_KEEP;
	if (!t->is_dynamic)
		return out;
	out.flags |= IMAGE_TABLE_DYNAMIC;
	out.iface = pool_add(&w->strings, t->iface ? t->iface : "");
	out.modifiers = (__u8)t->modifiers;
	if (t->prefix_len >= 0)
		out.prefix_len = (__u8)t->prefix_len;
	return out;
}

static int entry_order(const void *a, const void *b)
{
	return image_entry_compare(a, b);
}

static void fill_tables(struct image_draft *w)
{
	struct image_entry *first, *e;

	for (size_t i = 0; i < w->policy->table_count; i++) {
		struct image_table made = make_table(w, &w->policy->tables[i]);

		((struct image_table *)section(w, IMAGE_TABLES))[i] = made;
	}
	first = e = section(w, IMAGE_ENTRIES);
	for (size_t i = 0; i < w->policy->table_count; i++) {
		const struct policy_table *table = &w->policy->tables[i];

		for (size_t k = 0; k < table->entry_count; k++, e++) {
			const struct policy_table_entry *from =
				&table->entries[k];

			e->family = (__u8)from->family;
			e->table = (__u32)i;
			e->prefix_len = from->prefix_len;
			e->is_negated = from->is_negated;
			addr_to_mapped(&from->addr, from->family, e->addr);
		}
	}
	mark_tables(w->policy, section(w, IMAGE_TABLES));
	qsort(first, (size_t)(e - first), sizeof(*e), entry_order);
}

_Static_assert(AST_MOD_NETWORK == IMAGE_MODIFIER_NETWORK &&
		       AST_MOD_BROADCAST == IMAGE_MODIFIER_BROADCAST &&
		       AST_MOD_PEER == IMAGE_MODIFIER_PEER &&
		       AST_MOD_NO_ALIAS == IMAGE_MODIFIER_NO_ALIAS &&
		       AST_MOD_LAN == IMAGE_MODIFIER_LAN &&
		       AST_MOD_PORTAL == IMAGE_MODIFIER_PORTAL &&
		       AST_MOD_PORTAL_DNS == IMAGE_MODIFIER_PORTAL_DNS,
	       "the language's modifiers are the image's");

static struct image_iface make_iface(struct image_draft *w,
				     const struct policy_iface *iface)
{
	struct image_iface out = {.name = pool_add(&w->strings, iface->name)};

	if (iface->is_tunnel)
		out.flags |= IMAGE_IFACE_TUNNEL;
	if (iface->is_loopback)
		out.flags |= IMAGE_IFACE_LOOPBACK;
	if (iface->is_skipped)
		out.flags |= IMAGE_IFACE_SKIP;
	if (iface->is_rebind)
		out.flags |= IMAGE_IFACE_REBIND;
	if (iface->is_split)
		out.flags |= IMAGE_IFACE_SPLIT;
	out.peers = pool_add(&w->strings, iface->peers ? iface->peers : "");
	return out;
}

static void fill_ifaces(struct image_draft *w)
{
	const struct policy *p = w->policy;

	for (size_t i = 0; i < p->iface_count; i++)
		pool_add(&w->strings, p->ifaces[i].name);
	for (size_t i = 0; i < p->iface_count; i++) {
		struct image_iface made = make_iface(w, &p->ifaces[i]);

		((struct image_iface *)section(w, IMAGE_IFACES))[i] = made;
	}
}

/* A string, as the item of a section that has nothing else. */
static void fill_string(struct image_draft *w, enum image_section s, size_t i,
			const char *text)
{
	__u32 offset = pool_add(&w->strings, text);

	((__u32 *)section(w, s))[i] = offset;
}

static void fill_files(struct image_draft *w)
{
	for (uint32_t i = 0; i < w->count[IMAGE_FILES]; i++)
		fill_string(w, IMAGE_FILES, i,
			    sources_file(w->sources, i)->path);
}

/* ---- the contract ------------------------------------------------------ */

/* Asserts without code speak of no packet. */
static void fill_contract(struct image_draft *w)
{
	struct image_exclude *excludes = section(w, IMAGE_EXCLUDES);

	for (size_t i = 0; i < w->policy->assert_count; i++)
		pool_add(&w->strings, w->policy->asserts[i].text);
	for (size_t i = 0; i < w->policy->exclude_count; i++)
		excludes[i] =
			image_make_exclude(&w->policy->excludes[i], w->sources);
}

static void fill_asserts(struct image_draft *w)
{
	struct image_assert *asserts = section(w, IMAGE_ASSERTS);

	for (size_t i = 0; i < w->code->assert_count; i++)
		asserts[i] = image_make_assert(w->policy, &w->code->asserts[i],
					       w->sources, &w->strings);
}

/* ---- what rules do ----------------------------------------------------- */

static void copy_items(struct image_draft *w, enum image_section s,
		       const void *items)
{
	if (w->count[s])
		memcpy(section(w, s), items, w->count[s] * image_item_len[s]);
}

static void fill_effects(struct image_draft *w)
{
	for (size_t i = 0; i < w->policy->tag_count; i++)
		fill_string(w, IMAGE_TAGS, i, w->tags[i]);
	for (size_t i = 0; i < w->policy->cgroup_count; i++)
		fill_string(w, IMAGE_CGROUPS, i, w->policy->cgroups[i]);
	copy_items(w, IMAGE_ACTIONS, w->effects.actions);
	copy_items(w, IMAGE_POOLS, w->effects.pools);
	copy_items(w, IMAGE_POOL_ADDRS, w->effects.addrs);
}

static void fill_config(struct image_draft *w)
{
	w->effects.config.flags = image_config_flags(
		w->effects.actions, w->effects.action_count, w->code->insns,
		w->code->count, w->code->entry);
	copy_items(w, IMAGE_CONFIG, &w->effects.config);
}

/* ---- the whole --------------------------------------------------------- */

/* 0, -E2BIG or -ENOMEM; the limits are those of abi.h, and 32-bit counts. */
static int make_room(struct image_draft *w, enum image_section s,
		     uint64_t count)
{
	if (count > UINT32_MAX / image_item_len[s])
		return -E2BIG;
	w->count[s] = (__u32)count;
	w->items[s] = calloc((size_t)count + 1, image_item_len[s]);
	return w->items[s] ? 0 : -ENOMEM;
}

static int make_rooms(struct image_draft *w)
{
	const struct policy *p = w->policy;
	uint64_t rules = (uint64_t)p->rule_count + p->guard_count +
			 (has_guard(w) ? 1 : 0);
	uint64_t entries = 0;
	int err = 0;

	for (size_t i = 0; i < p->table_count; i++)
		entries += p->tables[i].entry_count;
	if (rules > NFR_RULE_MAX || p->table_count > NFR_TABLE_MAX ||
	    p->tag_count > UINT16_MAX || p->iface_count > NFR_IFACE_MAX ||
	    p->cgroup_count > NFR_CGROUP_MAX)
		return -E2BIG;
	const struct {
		enum image_section section;
		uint64_t count;
	} rooms[] = {
		{IMAGE_RULES, rules},
		{IMAGE_RULEINFO, rules},
		{IMAGE_TABLES, p->table_count},
		{IMAGE_ENTRIES, entries},
		{IMAGE_IFACES, p->iface_count},
		{IMAGE_EXCLUDES, p->exclude_count},
		{IMAGE_TAGS, p->tag_count},
		{IMAGE_CGROUPS, p->cgroup_count},
		{IMAGE_ACTIONS, w->effects.action_count},
		{IMAGE_POOLS, w->effects.pool_count},
		{IMAGE_POOL_ADDRS, w->effects.addr_count},
		{IMAGE_CONFIG, 1},
		{IMAGE_FILES, w->sources ? sources_count(w->sources) : 0},
	};
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]) && !err; i++)
		err = make_room(w, rooms[i].section, rooms[i].count);
	return err;
}

static void fill_header(const struct image_draft *w, __u8 *bytes, uint64_t len)
{
	struct image_header *header = (struct image_header *)(void *)bytes;

	header->magic = IMAGE_MAGIC;
	header->abi_version = NFR_ABI_VERSION;
	header->len = (__u32)len;
	header->guard_first = w->guard_first;
	memcpy(header->entry, w->code->entry, sizeof(header->entry));
	for (unsigned i = 0; i < IMAGE_SECTIONS; i++) {
		header->section[i].offset = (__u32)w->offset[i];
		header->section[i].count = w->count[i];
	}
	image_hash(bytes, (size_t)len, header->hash);
}

static int compare_tags(const void *left, const void *right)
{
	uint32_t a = tag_number(*(const char *const *)left);
	uint32_t b = tag_number(*(const char *const *)right);

	return (a > b) - (a < b);
}

static int sort_tags(struct image_draft *w)
{
	size_t count = w->policy->tag_count;

	w->tags = calloc(count + 1, sizeof(*w->tags));
	if (!w->tags)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		w->tags[i] = w->policy->tags[i];
	qsort(w->tags, count, sizeof(*w->tags), compare_tags);
	return 0;
}

/* All that is made of the policy, and the strings with it. */
static int fill_policy(struct image_draft *w)
{
	int err = make_rooms(w);

	if (err)
		return err;
	w->guard_first = (__u32)w->policy->rule_count;
	pool_init(&w->strings);
	fill_files(w);
	fill_ifaces(w);
	fill_tables(w);
	fill_rules(w);
	image_effects_drop(&w->effects);
	fill_contract(w);
	fill_effects(w);
	if (!w->policy->assert_count)
		pool_close(&w->strings);
	return w->strings.error;
}

int image_begin(const struct policy *policy, const struct sources *sources,
		struct image_draft **out)
{
	struct image_draft *w = calloc(1, sizeof(*w));
	int err;

	*out = w;
	if (!w)
		return -ENOMEM;
	*w = (struct image_draft){.policy = policy, .sources = sources};
	err = image_effects_make(policy, &w->effects);
	if (!err)
		err = sort_tags(w);
	return err ? err : fill_policy(w);
}

static int fill_code(struct image_draft *w, const struct code *code)
{
	int err;

	if (code->count > NFR_INSN_MAX)
		return -E2BIG;
	w->code = code;
	err = make_room(w, IMAGE_ASSERTS, code->assert_count);
	if (err)
		return err;
	fill_asserts(w);
	fill_config(w);
	w->count[IMAGE_CODE] = (__u32)code->count;
	w->count[IMAGE_ASSERT_CODE] = (__u32)code->assert_insn_count;
	w->count[IMAGE_HASH] = (__u32)code->hash_len;
	w->count[IMAGE_STRINGS] = (__u32)w->strings.len;
	return w->strings.error;
}

/* Where the section is made; NULL: it is in its place. */
static const void *section_source(const struct image_draft *w,
				  enum image_section s)
{
	switch (s) {
	case IMAGE_CODE:
		return w->code->insns;
	case IMAGE_ASSERT_CODE:
		return w->code->assert_insns;
	case IMAGE_HASH:
		return w->code->hash;
	case IMAGE_STRINGS:
		return w->strings.bytes;
	default:
		return w->items[s];
	}
}

static void section_end(struct image_draft *w, enum image_section s)
{
	if (s == IMAGE_STRINGS)
		pool_free(&w->strings);
	free(w->items[s]);
	w->items[s] = NULL;
}

/* The image's block; of a data form that may be taken, with it in its place. */
static __u8 *block_new(struct image_draft *w, struct code *code, size_t len)
{
	__u8 *block = realloc(code->takes_hash ? code->hash : NULL, len);

	if (block && code->takes_hash) {
		code->hash = NULL;
		memmove(block + w->offset[IMAGE_HASH], block, code->hash_len);
	}
	return block;
}

int image_finish(struct image_draft *w, struct code *code, __u8 **bytes,
		 size_t *len_out)
{
	int err = fill_code(w, code);
	uint64_t len, end = sizeof(struct image_header);
	__u8 *image;

	if (err)
		return err;
	len = image_layout(w->count, w->offset);
	if (len > UINT32_MAX)
		return -E2BIG;
	image = block_new(w, code, (size_t)len);
	if (!image)
		return -ENOMEM;
	memset(image, 0, sizeof(struct image_header));
	for (unsigned i = 0; i < IMAGE_SECTIONS; i++) {
		const void *from = section_source(w, i);
		size_t size = w->count[i] * image_item_len[i];

		memset(image + end, 0, (size_t)(w->offset[i] - end));
		if (from && size)
			memcpy(image + w->offset[i], from, size);
		end = w->offset[i] + size;
		section_end(w, i);
	}
	memset(image + end, 0, (size_t)(len - end));
	fill_header(w, image, len);
	*bytes = image;
	*len_out = (size_t)len;
	return 0;
}

void image_draft_free(struct image_draft **draft)
{
	struct image_draft *w = *draft;

	if (!w)
		return;
	for (unsigned i = 0; i < IMAGE_SECTIONS; i++)
		free(w->items[i]);
	pool_free(&w->strings);
	image_effects_free(&w->effects);
	free(w->tags);
	free(w);
	*draft = NULL;
}

int image_write(const struct policy *policy, const struct code *code,
		const struct sources *sources, __u8 **bytes, size_t *len)
{
	struct code copied = *code;
	struct image_draft *draft;
	int err = image_begin(policy, sources, &draft);

	copied.takes_hash = false;
	if (!err)
		err = image_finish(draft, &copied, bytes, len);
	image_draft_free(&draft);
	return err;
}
