/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disasm.c: image -> text for people: entries as labels, fields, tables and
 * interfaces by name, jumps by the number of their target, and behind each
 * verdict the rule and where it was written.
 */
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "image_layout.h"
#include "tag.h"

enum form {
	FORM_NONE,
	FORM_RET,
	FORM_JUMP,
	FORM_CMP,
	FORM_MASK,
	FORM_TABLE,
	FORM_RULE,
	FORM_MATCH,
	FORM_TAG,
	FORM_DRAW,
	FORM_CHANCE,
	FORM_DONE,
	FORM_JDONE,
	FORM_RANK,
	FORM_JRANK
};

static const struct {
	const char *name;
	enum form form;
} opcodes[] = {
#define NFR_OPCODE(sym, num, opname, opform, text)                             \
	[num] = {.name = (opname), .form = FORM_##opform},
#include "../runtime/opcodes.def"
#undef NFR_OPCODE
};

static const char *const fields[NFR_F_LAST + 1] = {
#define NFR_FIELD(number, name, text) [number] = (name),
#include "fields.def"
#undef NFR_FIELD
};

static const char *const stage_names[] = {"rules", "guard"};
static const char *const dir_names[] = {"in", "out"};
static const char *const family_names[] = {"link", "ipv4", "ipv6"};

/* ---- one instruction --------------------------------------------------- */

static bool is_address(unsigned field)
{
	return field >= NFR_F_SRC0 && field < NFR_F_DST0 + 4;
}

static void print_tag(const struct image *img, __u32 tag, FILE *out)
{
	const char *name = tag_name(img, tag);

	if (name)
		fprintf(out, "\"%s\"", name);
	else
		fprintf(out, "%u", tag);
}

/* families: bits 1 << enum nfr_family of the programs that hold it. */
static void print_value(const struct image *img, const struct nfr_insn *insn,
			unsigned families, FILE *out)
{
	char text[ADDR_TEXT_MAX];

	if ((insn->field == NFR_F_IFID || insn->field == NFR_F_RECEIVED) &&
	    insn->imm > 0) {
		fputs(image_string(img, img->ifaces[insn->imm - 1].name), out);
	} else if (insn->field == NFR_F_TAG) {
		print_tag(img, insn->imm, out);
	} else if (is_address(insn->field) &&
		   !(families & 1u << NFR_FAMILY_IPV6)) {
		const struct addr addr = {.w = {insn->imm}};

		fputs(addr_format(&addr, FAMILY_IPV4, text), out);
	} else if (is_address(insn->field)) {
		fprintf(out, "0x%08x", insn->imm);
	} else if (insn->field == NFR_F_ETHERTYPE ||
		   insn->field == NFR_F_TCPFLAGS || insn->field == NFR_F_ICMP ||
		   insn->field == NFR_F_TOS) {
		fprintf(out, "0x%04x", insn->imm);
	} else {
		fprintf(out, "%u", insn->imm);
	}
}

static void print_side(const struct nfr_insn *insn, FILE *out)
{
	fputs(insn->field == NFR_F_SRC0 ? "src" : "dst", out);
}

static void print_operands(const struct image *img, const struct nfr_insn *insn,
			   __u32 i, unsigned families, FILE *out)
{
	switch (opcodes[insn->op].form) {
	case FORM_RET:
	case FORM_RULE:
	case FORM_MATCH:
	case FORM_DRAW:
	case FORM_DONE:
	case FORM_RANK:
	case FORM_NONE:
		fprintf(out, "%u", insn->imm);
		return;
	case FORM_TAG:
		print_tag(img, insn->imm, out);
		return;
	case FORM_JUMP:
		fprintf(out, "%u", i + 1 + insn->imm);
		return;
	case FORM_CMP:
		fprintf(out, "%s, ", fields[insn->field]);
		print_value(img, insn, families, out);
		break;
	case FORM_MASK:
		fprintf(out, "%s, 0x%04x/0x%04x", fields[insn->field],
			insn->imm & 0xffff, insn->imm >> 16);
		break;
	case FORM_TABLE:
		print_side(insn, out);
		fprintf(out, ", <%s>",
			image_string(img, img->tables[insn->imm].name));
		break;
	case FORM_CHANCE:
	case FORM_JDONE:
	case FORM_JRANK:
		fprintf(out, "%u", insn->imm);
		break;
	}
	fprintf(out, ", %u", i + 1 + insn->jump);
}

static void print_location(const struct image *img, __u32 file, __u32 line,
			   __u32 col, FILE *out)
{
	if (file != IMAGE_NO_FILE)
		fprintf(out, "%s:%u:%u ", image_string(img, img->files[file]),
			line, col);
}

static void print_place(const struct image *img, __u32 rule, FILE *out)
{
	const struct image_ruleinfo *info = &img->ruleinfo[rule];

	print_location(img, info->file, info->line, info->col, out);
	fputs(image_string(img, info->text), out);
}

static bool names_rule(const struct nfr_insn *insn)
{
	enum form form = opcodes[insn->op].form;

	return form == FORM_RET || form == FORM_RULE || form == FORM_MATCH;
}

static void print_insn(const struct image *img, __u32 i, unsigned families,
		       FILE *out)
{
	const struct nfr_insn *insn = &img->code[i];

	fprintf(out, "%6u  %-5s ", i, opcodes[insn->op].name);
	print_operands(img, insn, i, families, out);
	if (names_rule(insn)) {
		fputs("  ; ", out);
		print_place(img, insn->imm, out);
	}
	fputc('\n', out);
}

/* ---- the code ---------------------------------------------------------- */

static void print_labels(const struct image *img, __u32 i, FILE *out)
{
	for (unsigned k = 0; k < NFR_ENTRIES; k++)
		if (img->header->entry[k] == i)
			fprintf(out, "%s/%s/%s:\n", stage_names[k / 6],
				dir_names[k / 3 % 2], family_names[k % 3]);
	for (unsigned k = 0; k < HASH_ENTRIES; k++) {
		const struct hash_head *head = image_hash_head(img, k);

		if (head && head->entry == i)
			fprintf(out, "behind the hash/%s/%s:\n",
				dir_names[k / 3], family_names[k % 3]);
	}
}

__u8 *image_code_families(const struct image *img)
{
	__u8 *families = calloc((size_t)img->insn_count + 1, 1);

	if (!families)
		return NULL;
	for (unsigned k = 0; k < NFR_ENTRIES; k++)
		if (img->header->entry[k] != NFR_NO_ENTRY)
			families[img->header->entry[k]] |= 1u << k % 3;
	for (unsigned k = 0; k < HASH_ENTRIES; k++) {
		const struct hash_head *head = image_hash_head(img, k);

		if (head && !head->is_whole)
			families[head->entry] |= 1u << k % 3;
	}
	for (__u32 i = 0; i < img->insn_count; i++) {
		const struct nfr_insn *insn = &img->code[i];

		if (insn->op == NFR_OP_JA)
			families[i + 1 + insn->imm] |= families[i];
		if (insn->op == NFR_OP_JA || insn->op == NFR_OP_RET ||
		    insn->op == NFR_OP_RETC)
			continue;
		families[i + 1] |= families[i];
		families[i + 1 + insn->jump] |= families[i];
	}
	return families;
}

void disasm_code(const struct image *img, FILE *out)
{
	__u8 *families = image_code_families(img);

	for (__u32 i = 0; i < img->insn_count; i++) {
		print_labels(img, i, out);
		print_insn(img, i, families ? families[i] : 0, out);
	}
	free(families);
}

/* ---- the other sections ------------------------------------------------ */

static void print_header(const struct image *img, FILE *out)
{
	char name[13];

	image_short_hash(img, name);
	fprintf(out, "image %s, version %u, %zu bytes\n", name,
		img->header->abi_version, img->len);
	for (__u32 i = 0; i < img->file_count; i++)
		fprintf(out, "file %u: %s\n", i,
			image_string(img, img->files[i]));
}

static void print_ifaces(const struct image *img, FILE *out)
{
	for (__u32 i = 0; i < img->iface_count; i++) {
		__u32 flags = img->ifaces[i].flags;

		fprintf(out, "interface %u: %s%s%s%s%s%s\n", i + 1,
			image_string(img, img->ifaces[i].name),
			flags & IMAGE_IFACE_TUNNEL ? " tunnel" : "",
			flags & IMAGE_IFACE_LOOPBACK ? " loopback" : "",
			flags & IMAGE_IFACE_SKIP ? " skip" : "",
			flags & IMAGE_IFACE_REBIND ? " rebind" : "",
			flags & IMAGE_IFACE_SPLIT ? " split" : "");
	}
}

static void print_entry(const struct image_entry *e, FILE *out)
{
	bool is_ipv4 = e->family == NFR_FAMILY_IPV4;
	const __u8 *b = e->addr + (is_ipv4 ? 12 : 0);
	char text[ADDR_TEXT_MAX];
	struct addr addr = {.w = {0}};

	for (unsigned i = 0; i < (is_ipv4 ? 4u : 16u); i++)
		addr.w[i / 4] = addr.w[i / 4] << 8 | b[i];
	fprintf(out, "%s%s/%u", e->is_negated ? " !" : " ",
		addr_format(&addr, is_ipv4 ? FAMILY_IPV4 : FAMILY_IPV6, text),
		e->prefix_len);
}

static void print_tables(const struct image *img, FILE *out)
{
	const struct image_entry *e = img->entries;
	const struct image_entry *end = e + img->entry_count;

	for (__u32 i = 0; i < img->table_count; i++) {
		__u32 flags = img->tables[i].flags;

		fprintf(out, "table %u: <%s>%s%s%s%s%s {", i,
			image_string(img, img->tables[i].name),
			flags & IMAGE_TABLE_CONST ? " const" : "",
			flags & IMAGE_TABLE_PERSIST ? " persist" : "",
			flags & IMAGE_TABLE_COUNTERS ? " counters" : "",
			flags & IMAGE_TABLE_DYNAMIC ? " dynamic" : "",
			flags & IMAGE_TABLE_NEVER_EMPTY ? " never-empty" : "");
		for (; e < end && e->table == i; e++)
			print_entry(e, out);
		fputs(" }\n", out);
	}
}

static void print_pool_addr(const struct image *img,
			    const struct image_pool_addr *a, unsigned family,
			    FILE *out)
{
	bool is_ipv4 = family == NFR_FAMILY_IPV4;
	struct addr addr = {
		{a->first[0], a->first[1], a->first[2], a->first[3]}};
	char text[ADDR_TEXT_MAX];
	unsigned len = 0;

	for (unsigned i = 0; i < 4; i++)
		len += (unsigned)__builtin_popcount(a->mask[i]);
	if (a->table != NFR_NO_TABLE)
		fprintf(out, " <%s>",
			image_string(img, img->tables[a->table].name));
	else
		fprintf(out, " %s/%u",
			addr_format(&addr, is_ipv4 ? FAMILY_IPV4 : FAMILY_IPV6,
				    text),
			len);
	if (a->ifid)
		fprintf(out, "@%s",
			image_string(img, img->ifaces[a->ifid - 1].name));
	if (a->weight != 1)
		fprintf(out, " weight %u", a->weight);
}

static void print_pools(const struct image *img, FILE *out)
{
	static const char *const types[] = {"round-robin", "bitmask", "random",
					    "source-hash", "least-states"};

	for (__u32 i = 0; i < img->pool_count; i++) {
		const struct nfr_pool *p = &img->pools[i];

		fprintf(out, "pool %u: id %016llx %s %s ports %u:%u%s%s%s%s {",
			i, (unsigned long long)p->id, family_names[p->family],
			p->reserved & IMAGE_POOL_FIRST ? "first"
						       : types[p->type],
			p->port_low, p->port_high,
			p->flags & NFR_POOL_STICKY ? " sticky" : "",
			p->flags & NFR_POOL_STATIC_PORT ? " static" : "",
			p->flags & NFR_POOL_PORT_SHIFT ? " shift" : "",
			p->reserved & IMAGE_POOL_DRAW ? " draw" : "");
		for (__u32 k = 0; k < p->count; k++)
			print_pool_addr(img, &img->pool_addrs[p->first + k],
					p->family, out);
		fputs(" }\n", out);
	}
}

static void print_number(const char *name, __u32 value, __u32 none, FILE *out)
{
	if (value != none)
		fprintf(out, " %s %u", name, value);
}

static const char *const timeout_names[] = {
#define NFR_TIMEOUT(sym, name, seconds) [NFR_TIMEOUT_##sym] = (name),
#include "../runtime/timeouts.def"
#undef NFR_TIMEOUT
};

static void print_action(const struct nfr_action *a, FILE *out)
{
	print_number("nat", a->nat, NFR_NO_POOL, out);
	print_number("rdr", a->rdr, NFR_NO_POOL, out);
	print_number("route-to", a->route_to, NFR_NO_POOL, out);
	print_number("reply-to", a->reply_to, NFR_NO_POOL, out);
	print_number("dup-to", a->dup_to, NFR_NO_POOL, out);
	print_number("max", a->max_states, 0, out);
	print_number("max-src-nodes", a->max_src_nodes, 0, out);
	print_number("max-src-states", a->max_src_states, 0, out);
	print_number("max-src-conn", a->max_src_conn, 0, out);
	if (a->rate_seconds)
		fprintf(out, " max-src-conn-rate %u/%u", a->rate_conns,
			a->rate_seconds);
	print_number("overload", a->overload, NFR_NO_TABLE, out);
	print_number("flags", a->flags, 0, out);
	for (unsigned i = 0; i < NFR_TIMEOUT_COUNT; i++)
		print_number(timeout_names[i], a->timeouts[i], 0, out);
}

static void print_actions(const struct image *img, FILE *out)
{
	for (__u32 i = 0; i < img->tag_count; i++)
		fprintf(out, "tag %u: %s\n",
			tag_number(image_string(img, img->tags[i])),
			image_string(img, img->tags[i]));
	for (__u32 i = 0; i < img->cgroup_count; i++)
		fprintf(out, "cgroup %u: \"%s\"\n", i + 1,
			image_string(img, img->cgroups[i]));
	print_pools(img, out);
	for (__u32 i = 0; i < img->action_count; i++) {
		fprintf(out, "action %u: id %016llx", i,
			(unsigned long long)img->actions[i].rule_id);
		print_action(&img->actions[i], out);
		fputc('\n', out);
	}
}

/* What is not as by default. */
static void print_config(const struct image *img, FILE *out)
{
	static const __u32 defaults[] = {
#define NFR_TIMEOUT(sym, name, seconds) [NFR_TIMEOUT_##sym] = (seconds),
#include "../runtime/timeouts.def"
#undef NFR_TIMEOUT
	};

	fprintf(out, "config: flags %u", img->config->flags);
	print_number("states", img->config->state_limit, 0, out);
	for (unsigned i = 0; i < NFR_TIMEOUT_COUNT; i++)
		print_number(timeout_names[i], img->config->timeouts[i],
			     defaults[i], out);
	fputc('\n', out);
}

static void print_rules(const struct image *img, FILE *out)
{
	for (__u32 i = 0; i < img->rule_count; i++) {
		const struct nfr_rule *rule = &img->rules[i];
		const char *label = image_string(img, img->ruleinfo[i].label);

		fprintf(out, "rule %u: id %016llx %s%s%s%s%s%s", i,
			(unsigned long long)img->ruleinfo[i].id,
			rule->flags & NFR_RULE_MATCH ? "match"
			: rule->verdict == NFR_PASS  ? "pass"
						     : "block",
			rule->flags & NFR_RULE_LOG ? " log" : "",
			rule->flags & NFR_RULE_STATE ? " state" : "",
			rule->flags & NFR_RULE_ALLOW_OPTS ? " allow-opts" : "",
			rule->flags & NFR_RULE_DEFAULT ? " default" : "",
			rule->flags & NFR_RULE_GUARD ? " guard" : "");
		if (img->ruleinfo[i].flags & IMAGE_RULE_OUTSIDE)
			fputs(" outside", out);
		if (rule->tag)
			fprintf(out, " tag \"%s\"",
				image_string(img, img->tags[rule->tag - 1]));
		print_number("action", rule->action, NFR_NO_ACTION, out);
		if (*label)
			fprintf(out, " label \"%s\"", label);
		fputs("  ; ", out);
		print_place(img, i, out);
		fputc('\n', out);
	}
}

/* ---- the contract ------------------------------------------------------ */

static void print_assert_code(const struct image *img, __u32 from, __u32 end,
			      unsigned families, FILE *out)
{
	for (__u32 i = from; i < end; i++) {
		const struct nfr_insn *insn = &img->assert_code[i];

		fprintf(out, "%6u  %-5s ", i, opcodes[insn->op].name);
		print_operands(img, insn, i, families, out);
		if (insn->op == NFR_OP_RET)
			fputs(insn->imm == IMAGE_ASSERT_MATCH ? "  ; match"
							      : "  ; miss",
			      out);
		fputc('\n', out);
	}
}

static void print_asserts(const struct image *img, FILE *out)
{
	for (__u32 i = 0; i < img->assert_count; i++) {
		const struct image_assert *a = &img->asserts[i];
		__u32 end = img->assert_insn_count;

		for (__u32 k = 0; k < img->assert_count; k++)
			if (img->asserts[k].start > a->start &&
			    img->asserts[k].start < end)
				end = img->asserts[k].start;
		fprintf(out, "assert %u: %s/%s %s  ; ", i, dir_names[a->dir],
			family_names[a->family], a->is_pass ? "pass" : "block");
		print_location(img, a->file, a->line, a->col, out);
		fprintf(out, "%s\n", image_string(img, a->text));
		print_assert_code(img, a->start, end, 1u << a->family, out);
	}
}

static void print_exclude(const struct image *img,
			  const struct image_exclude *x, FILE *out)
{
	bool is_ipv4 = x->families == 1u << NFR_FAMILY_IPV4;
	enum addr_family family = is_ipv4 ? FAMILY_IPV4 : FAMILY_IPV6;
	struct addr first, last;
	char text[2][ADDR_TEXT_MAX];

	if (x->table != IMAGE_NO_TABLE) {
		fprintf(out, "<%s>",
			image_string(img, img->tables[x->table].name));
		return;
	}
	memcpy(first.w, x->first, sizeof(first.w));
	memcpy(last.w, x->last, sizeof(last.w));
	fprintf(out, "%s - %s", addr_format(&first, family, text[0]),
		addr_format(&last, family, text[1]));
}

static void print_excludes(const struct image *img, FILE *out)
{
	for (__u32 i = 0; i < img->exclude_count; i++) {
		const struct image_exclude *x = &img->excludes[i];

		fprintf(out, "exclude %u:%s%s %s", i,
			x->families & 1u << NFR_FAMILY_IPV4 ? " ipv4" : "",
			x->families & 1u << NFR_FAMILY_IPV6 ? " ipv6" : "",
			x->is_negated ? "! " : "");
		print_exclude(img, x, out);
		fputs("  ; ", out);
		print_location(img, x->file, x->line, x->col, out);
		fputc('\n', out);
	}
}

void disasm_image(const struct image *img, FILE *out)
{
	print_header(img, out);
	print_ifaces(img, out);
	print_tables(img, out);
	print_config(img, out);
	print_actions(img, out);
	print_rules(img, out);
	print_asserts(img, out);
	print_excludes(img, out);
	disasm_code(img, out);
}
