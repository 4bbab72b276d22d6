/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_table.c: tables and the files they name -> sorted entries. A table
 * file has one address or prefix a line, "!" before it negates, "#" starts a
 * comment.
 */
#include "check_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/*
 * In the datapath a table has one space of 128 bits, where IPv4 is
 * ::ffff:0:0/96 (abi.h). So an entry in there is an IPv4 entry, and an IPv6
 * prefix that covers all of it needs "no IPv4 address" beside it.
 */
struct entries {
	struct policy_table_entry *items;
	size_t count, capacity;
	bool has_ipv4_all;	 /* 0.0.0.0/0, negated or not */
	struct span covers_ipv4; /* an IPv6 prefix that does; or none */
};

#define TABLE_NAME_MAX 31 /* as in pf */

static struct policy_table *table_push(struct check *c,
				       const struct ast_node *node,
				       const char *name, struct span span)
{
	struct policy *p = c->policy;

	if (p->table_count == NFR_TABLE_MAX) {
		diag_error(c->diag, span, "limit",
			   "a policy has at most %u tables", NFR_TABLE_MAX);
		return NULL;
	}
	c->tables = arena_grow(c->arena, c->tables, p->table_count,
			       &c->check_table_capacity, sizeof(*c->tables));
	c->tables[p->table_count] = (struct check_table){.node = node};
	p->tables = arena_grow(c->arena, p->tables, p->table_count,
			       &c->table_capacity, sizeof(*p->tables));
	p->tables[p->table_count] = (struct policy_table){
		.name = name,
		.span = span,
		.is_declared = node != NULL,
		.prefix_len = -1,
	};
	return &p->tables[p->table_count++];
}

static void entries_of_node(struct check *, const struct ast_table *,
			    struct entries *);

void tables_declare(struct check *c, const struct ast_node *node)
{
	const struct ast_table *t = &node->table;
	struct policy *p = c->policy;
	struct policy_table *table;

	if (strlen(t->name) > TABLE_NAME_MAX)
		diag_error(c->diag, t->name_span, "name",
			   "a table's name has at most %d letters",
			   TABLE_NAME_MAX);
	for (size_t i = 0; i < p->table_count; i++)
		if (strcmp(p->tables[i].name, t->name) == 0) {
			if (c->is_pf) { /* the later one stands */
				struct entries unused = {0};

				if (c->tables[i].node)
					entries_of_node(
						c, &c->tables[i].node->table,
						&unused);
				c->tables[i].node = node;
				p->tables[i].is_const = t->is_const;
				p->tables[i].is_persist = t->is_persist;
				p->tables[i].is_initialised = true;
				return;
			}
			diag_error(c->diag, t->name_span, "name",
				   "table <%s> is declared twice", t->name);
			diag_note(c->diag, p->tables[i].span, "first here");
			return;
		}
	table = table_push(c, node, t->name, t->name_span);
	if (!table)
		return;
	table->is_const = t->is_const;
	table->is_persist = t->is_persist;
	table->is_initialised = t->has_hosts || t->hosts || t->files;
}

bool tables_has(const struct check *c, const char *name)
{
	for (size_t i = 0; i < c->policy->table_count; i++)
		if (strcmp(c->policy->tables[i].name, name) == 0)
			return true;
	return false;
}

int tables_find(struct check *c, const char *name, struct span span)
{
	const struct policy *p = c->policy;
	const char **names;
	const char *near;

	for (size_t i = 0; i < p->table_count; i++)
		if (strcmp(p->tables[i].name, name) == 0) {
			c->tables[i].is_used = true;
			return (int)i;
		}
	check_differs(c, span, "nfr refuses a table that is nowhere declared");
	if (c->is_pf) /* it may come later */
		return table_push(c, NULL, name, span) ? (int)p->table_count - 1
						       : -1;
	names = arena_alloc(c->arena, (p->table_count + 1) * sizeof(*names));
	for (size_t i = 0; i < p->table_count; i++)
		names[i] = p->tables[i].name;
	near = diag_nearest(name, names, p->table_count);
	diag_error(c->diag, span, "name", "undefined table <%s>", name);
	if (near)
		diag_inline_hint(c->diag, "did you mean <%s>?", near);
	return -1;
}

/* ---- entries ------------------------------------------------------------ */

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

static void entry_add(struct check *c, struct entries *e,
		      const struct ast_host *h)
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
		entry_add(c, e, &hosts.items[i].ast);
}

static void entry_of_host(struct check *c, struct entries *e,
			  const struct ast_host *written)
{
	struct ast_host h = *written;

	switch (h.kind) {
	case AST_HOST_PREFIX:
		if (hosts_normalise(c, &h))
			entry_add(c, e, &h);
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
		entry_add(c, e, &h);
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

static void entries_finish(struct check *c, struct entries *e,
			   struct policy_table *t)
{
	const struct ast_host no_ipv4 = {
		.kind = AST_HOST_PREFIX,
		.is_negated = true,
		.family = FAMILY_IPV4,
		.span = e->covers_ipv4,
	};
	size_t kept = 0;

	if (e->covers_ipv4.start && !e->has_ipv4_all)
		entry_add(c, e, &no_ipv4);
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

static void entries_of_node(struct check *c, const struct ast_table *t,
			    struct entries *e)
{
	for (const struct ast_host *h = t->hosts; h; h = h->next)
		entry_of_host(c, e, h);
	for (const struct ast_word *w = t->files; w; w = w->next)
		file_read(c, e, w);
}

void tables_fill(struct check *c)
{
	for (size_t i = 0; i < c->policy->table_count; i++) {
		struct entries e = {0};

		if (!c->tables[i].node)
			continue;
		entries_of_node(c, &c->tables[i].node->table, &e);
		entries_finish(c, &e, &c->policy->tables[i]);
	}
}

/* ---- tables that are not declared ---------------------------------------- */

/* "(eth0:network)/24" or "self"; with modifiers, prefix and all. */
static const char *dynamic_name(struct check *c, const struct ast_host *h)
{
	struct ast_host bare = *h;

	bare.is_negated = false;
	rewind(c->out);
	print_host(&bare, c->out);
	fflush(c->out);
	return arena_strndup(c->arena, c->out_bytes, (size_t)ftell(c->out));
}

static void dynamic_fill(struct check *c, struct entries *e,
			 const struct ast_host *h, const char *name)
{
	const struct host_iface *iface = host_iface(c->host, name);
	struct ast_host *found;
	size_t count;

	if (!iface)
		return;
	found = arena_alloc(c->arena, (iface->addr_count + 1) * sizeof(*found));
	count = hosts_of_iface(iface, h->modifiers, h->prefix_len, found,
			       iface->addr_count);
	for (size_t i = 0; i < count; i++) {
		found[i].span = h->span;
		if (hosts_normalise(c, &found[i]))
			entry_add(c, e, &found[i]);
	}
}

int tables_dynamic(struct check *c, const struct ast_host *h)
{
	const char *name = dynamic_name(c, h);
	bool is_self = strcmp(h->name, "self") == 0;
	struct policy_table *t;
	struct entries e = {0};
	const char *const *names = &h->name;
	size_t count = 1;

	for (size_t i = 0; i < c->policy->table_count; i++)
		if (c->policy->tables[i].is_dynamic &&
		    strcmp(c->policy->tables[i].name, name) == 0)
			return (int)i;
	t = table_push(c, NULL, name, h->span);
	if (!t)
		return -1;
	t->is_dynamic = true;
	t->iface = is_self ? NULL : h->name;
	t->modifiers = h->modifiers;
	t->prefix_len = h->prefix_len;
	if (is_self)
		names = host_iface_names(c->host, &count);
	for (size_t i = 0; i < count; i++)
		dynamic_fill(c, &e, h, names[i]);
	entries_finish(c, &e, t);
	return (int)(t - c->policy->tables);
}

const char *tables_automatic(struct check *c, const struct ast_host *hosts)
{
	const char *name =
		arena_printf(c->arena, "__automatic_%u", c->automatic_count++);
	struct ast_node *node = arena_new_of(c->arena, struct ast_node);
	struct ast_host **tail = &node->table.hosts;
	struct entries e = {0};
	struct policy_table *t;

	node->kind = AST_TABLE;
	node->span = hosts->span;
	node->table.name = name;
	node->table.is_const = true;
	for (const struct ast_host *h = hosts; h; h = h->next) {
		*tail = arena_new_of(c->arena, struct ast_host);
		**tail = *h;
		(*tail)->next = NULL;
		tail = &(*tail)->next;
		entry_add(c, &e, h);
	}
	check_print_head(c, node);
	t = table_push(c, NULL, name, hosts->span);
	if (!t)
		return name;
	t->is_const = t->is_declared = true;
	c->tables[t - c->policy->tables].is_used = true;
	entries_finish(c, &e, t);
	return name;
}

void tables_finish(struct check *c)
{
	for (size_t i = 0; i < c->policy->table_count; i++) {
		const struct policy_table *t = &c->policy->tables[i];

		if (!c->tables[i].node || c->is_pf)
			continue;
		if (t->is_const && t->entry_count == 0)
			diag_warning(c->diag, t->span, WARN_EMPTY_TABLE,
				     "the const table <%s> has no entries, so "
				     "no address is in it",
				     t->name);
		if (!c->tables[i].is_used)
			diag_warning(c->diag, t->span, WARN_UNUSED_TABLE,
				     "the table <%s> is never used", t->name);
	}
}

struct ast_node *tables_printable(struct check *c, const struct ast_node *node)
{
	struct ast_node *copy = node_copy(c, node);
	struct ast_host **tail = &copy->table.hosts;

	for (const struct ast_host *h = node->table.hosts; h; h = h->next) {
		struct check_hosts hosts = {0};

		if (h->kind != AST_HOST_NAME && h->kind != AST_HOST_DNS) {
			*tail = arena_new_of(c->arena, struct ast_host);
			**tail = *h;
			if (h->kind == AST_HOST_PREFIX)
				hosts_normalise(c, *tail);
			(*tail)->next = NULL;
			(*tail)->scope = NULL;
			tail = &(*tail)->next;
			continue;
		}
		hosts_of_name(c, h, &hosts);
		for (size_t i = 0; i < hosts.count; i++) {
			*tail = arena_new_of(c->arena, struct ast_host);
			**tail = hosts.items[i].ast;
			tail = &(*tail)->next;
		}
	}
	*tail = NULL;
	return copy;
}
