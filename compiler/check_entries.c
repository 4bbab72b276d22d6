/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_entries.c: written members of tables and the files they name -> sorted
 * entries. A table file has one address or prefix a line, "!" before it
 * negates, "#" starts a comment.
 */
#include "check_entries.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const struct addr mapped_base = {{0, 0, 0xffff, 0}};

static void entry_fit(struct entries *e, struct policy_table_entry *entry)
{
	unsigned len = entry->prefix_len;
	struct addr base;

	if (entry->family == FAMILY_IPV6 && len < 96) {
		base = addr_first(mapped_base, FAMILY_IPV6, len);
		if (addr_compare(&base, &entry->addr) == 0)
			e->covers_ipv4 = entry->span;
	} else if (entry->family == FAMILY_IPV6) {
		base = addr_first(entry->addr, FAMILY_IPV6, 96);
		if (addr_compare(&base, &mapped_base) == 0) {
			entry->family = FAMILY_IPV4;
			entry->addr = (struct addr){{entry->addr.w[3]}};
			entry->prefix_len = (uint8_t)(len - 96);
		}
	}
	if (entry->family == FAMILY_IPV4 && entry->prefix_len == 0)
		e->has_ipv4_all = true;
}

void entries_add(struct check *c, struct entries *e, const struct ast_host *h)
{
	unsigned len = h->prefix_len < 0 ? addr_bits(h->family)
					 : (unsigned)h->prefix_len;

	e->items = arena_grow(c->arena, e->items, e->count, &e->capacity,
			      sizeof(*e->items));
	e->items[e->count++] = (struct policy_table_entry){
		.family = h->family,
		.prefix_len = (uint8_t)len,
		.is_negated = h->is_negated,
		.addr = h->first,
		.span = h->span,
	};
	entry_fit(e, &e->items[e->count - 1]);
}

static void entry_of_name(struct check *c, struct entries *e,
			  const struct ast_host *h)
{
	struct check_hosts hosts = {0};

	if (!hosts_of_name(c, h, &hosts))
		return;
	for (size_t i = 0; i < hosts.count; i++)
		entries_add(c, e, &hosts.items[i].ast);
}

static void entry_of_host(struct check *c, struct entries *e,
			  const struct ast_host *written)
{
	struct ast_host h = *written;

	switch (h.kind) {
	case AST_HOST_PREFIX:
		if (hosts_normalise(c, &h))
			entries_add(c, e, &h);
		return;
	case AST_HOST_NAME:
	case AST_HOST_DNS:
		entry_of_name(c, e, written);
		return;
	case AST_HOST_DYNAMIC:
		diag_error(c->diag, h.span, "type",
			   "a table can not hold an interface's addresses at "
			   "run time");
		diag_hint(c->diag,
			  "\"%s\" without parentheses is what it has "
			  "now",
			  h.name);
		return;
	case AST_HOST_RANGE:
		diag_error(c->diag, h.span, "type",
			   "a table holds addresses and prefixes, no ranges");
		diag_hint(c->diag, "write the prefixes that make up the range");
		return;
	case AST_HOST_TABLE:
		diag_error(c->diag, h.span, "type",
			   "a table can not hold a table");
		return;
	case AST_HOST_ANY:
		diag_error(c->diag, h.span, "type",
			   "a table can not hold \"any\"");
		diag_hint(c->diag, "0.0.0.0/0 and ::/0 are every address");
		return;
	case AST_HOST_FILE:
		return;
	default:
		diag_error(c->diag, h.span, "type",
			   "a table holds addresses and prefixes");
		return;
	}
}

/* ---- table files -------------------------------------------------------- */

/* "10.0.0.0/8" or "::1"; false when it is neither. */
static bool prefix_parse(struct check *c, const char *text, size_t len,
			 struct ast_host *h)
{
	const char *slash = memchr(text, '/', len);
	size_t addr_len = slash ? (size_t)(slash - text) : len;
	int prefix = 0;

	if (memchr(text, '\0', len) ||
	    addr_parse(arena_strndup(c->arena, text, addr_len), &h->first,
		       &h->family) != 0)
		return false;
	h->kind = AST_HOST_PREFIX;
	h->prefix_len = -1;
	if (!slash)
		return true;
	if (addr_len + 1 == len || len - addr_len > 4)
		return false;
	for (size_t i = addr_len + 1; i < len; i++) {
		if (!isdigit((unsigned char)text[i]))
			return false;
		prefix = prefix * 10 + (text[i] - '0');
	}
	h->prefix_len = prefix;
	return prefix <= (int)addr_bits(h->family);
}

static void line_read(struct check *c, struct entries *e,
		      const struct source_file *file, size_t start, size_t end)
{
	const char *hash = memchr(file->text + start, '#', end - start);
	struct ast_host h = {0};

	if (hash)
		end = (size_t)(hash - file->text);
	while (start < end && isspace((unsigned char)file->text[start]))
		start++;
	while (end > start && isspace((unsigned char)file->text[end - 1]))
		end--;
	if (start == end)
		return;
	h.span = (struct span){file->base + (uint32_t)start,
			       file->base + (uint32_t)end};
	if (file->text[start] == '!') {
		h.is_negated = true;
		while (++start < end &&
		       isspace((unsigned char)file->text[start]))
			;
	}
	if (!prefix_parse(c, file->text + start, end - start, &h)) {
		diag_error(c->diag, h.span, "table",
			   "this line of a table file is no address or prefix");
		return;
	}
	if (hosts_normalise(c, &h))
		entries_add(c, e, &h);
}

static void file_read(struct check *c, struct entries *e,
		      const struct ast_word *word)
{
	const struct source_file *file;
	int err = sources_read(c->sources, word->text, word->span, &file);

	if (err) {
		diag_error(c->diag, word->span, "file",
			   "can not read the table file \"%s\": %s", word->text,
			   strerror(-err));
		return;
	}
	for (size_t start = 0; start < file->len && !diag_is_full(c->diag);) {
		const char *nl =
			memchr(file->text + start, '\n', file->len - start);
		size_t end = nl ? (size_t)(nl - file->text) : file->len;

		line_read(c, e, file, start, end);
		start = end + 1;
	}
}

/* ---- all of a table ------------------------------------------------------ */

static int entry_compare(const void *va, const void *vb)
{
	const struct policy_table_entry *a = va, *b = vb;
	int by_addr = addr_compare(&a->addr, &b->addr);

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (by_addr)
		return by_addr;
	if (a->prefix_len != b->prefix_len)
		return a->prefix_len < b->prefix_len ? -1 : 1;
	return (a->span.start > b->span.start) -
	       (a->span.start < b->span.start);
}

static bool entry_is_same(const struct policy_table_entry *a,
			  const struct policy_table_entry *b)
{
	return a->family == b->family && a->prefix_len == b->prefix_len &&
	       addr_compare(&a->addr, &b->addr) == 0;
}

void entries_finish(struct check *c, struct entries *e, struct policy_table *t)
{
	const struct ast_host no_ipv4 = {
		.kind = AST_HOST_PREFIX,
		.is_negated = true,
		.family = FAMILY_IPV4,
		.span = e->covers_ipv4,
	};
	size_t kept = 0;

	if (e->covers_ipv4.start && !e->has_ipv4_all)
		entries_add(c, e, &no_ipv4);
	if (e->count)
		qsort(e->items, e->count, sizeof(*e->items), entry_compare);
	for (size_t i = 0; i < e->count; i++) {
		const struct policy_table_entry *item = &e->items[i];
		const struct policy_table_entry *last =
			kept ? &e->items[kept - 1] : NULL;

		if (!last || !entry_is_same(last, item)) {
			e->items[kept++] = *item;
		} else if (last->is_negated != item->is_negated) {
			diag_error(c->diag, item->span, "table",
				   "this is both in table <%s> and negated "
				   "in it",
				   t->name);
			diag_note(c->diag, last->span, "the other one is here");
		}
	}
	t->entries = e->items;
	t->entry_count = kept;
}

void entries_of_node(struct check *c, const struct ast_table *t,
		     struct entries *e)
{
	for (const struct ast_host *h = t->hosts; h; h = h->next)
		entry_of_host(c, e, h);
	for (const struct ast_word *w = t->files; w; w = w->next)
		file_read(c, e, w);
}
