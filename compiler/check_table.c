/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_table.c: declarations of tables, and what stands for one without being
 * declared -> the policy's tables. check_entries.c says what they hold.
 */
#include "check_entries.h"

#include <string.h>

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
		.name = arena_strdup(c->arena, name),
		.span = span,
		.is_declared = node != NULL,
		.prefix_len = -1,
	};
	return &p->tables[p->table_count++];
}

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
				p->tables[i].is_counters = t->is_counters;
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
	table->is_counters = t->is_counters;
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
	names = arena_alloc(c->scratch, (p->table_count + 1) * sizeof(*names));
	for (size_t i = 0; i < p->table_count; i++)
		names[i] = p->tables[i].name;
	near = diag_nearest(name, names, p->table_count);
	diag_error(c->diag, span, "name", "undefined table <%s>", name);
	if (near)
		diag_inline_hint(c->diag, "did you mean <%s>?", near);
	return -1;
}

/* ---- all of a table ------------------------------------------------------ */

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
	return arena_strndup(c->scratch, c->out_bytes, (size_t)ftell(c->out));
}

static void dynamic_fill(struct check *c, struct entries *e,
			 const struct ast_host *h, const char *name)
{
	const struct host_iface *iface = host_iface(c->host, name);
	struct ast_host *found;
	size_t count;

	if (!iface)
		return;
	found = arena_alloc(c->scratch,
			    (iface->addr_count + 1) * sizeof(*found));
	count = hosts_of_iface(iface, h->modifiers, h->prefix_len, found,
			       iface->addr_count);
	for (size_t i = 0; i < count; i++) {
		found[i].span = h->span;
		/* "(eth0)/64" is for IPv6; all of an IPv4 address, as in pf. */
		if (found[i].prefix_len > (int)addr_bits(found[i].family))
			found[i].prefix_len = -1;
		if (hosts_normalise(c, &found[i]))
			entries_add(c, e, &found[i]);
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
	t->iface = is_self ? NULL : arena_strdup(c->arena, h->name);
	t->modifiers = h->modifiers;
	t->prefix_len = h->prefix_len;
	if (is_self)
		names = host_iface_names(c->host, &count);
	for (size_t i = 0; i < count; i++)
		dynamic_fill(c, &e, h, names[i]);
	entries_finish(c, &e, t);
	return (int)(t - c->policy->tables);
}

/*
 * Nobody routes these, or only within one site: RFC 1918, 3927, 6598, 919, and
 * 4291 2.5.6 and 2.7.
 */
int tables_link(struct check *c, struct span span)
{
	static const struct {
		enum addr_family family;
		uint32_t first;
		int prefix_len;
	} nets[] = {
		{FAMILY_IPV4, 0x0a000000, 8},  {FAMILY_IPV4, 0xac100000, 12},
		{FAMILY_IPV4, 0xc0a80000, 16}, {FAMILY_IPV4, 0xa9fe0000, 16},
		{FAMILY_IPV4, 0x64400000, 10}, {FAMILY_IPV4, 0xffffffff, 32},
		{FAMILY_IPV6, 0xfe800000, 10}, {FAMILY_IPV6, 0xff020000, 16},
	};
	struct policy *p = c->policy;
	struct entries e = {0};
	struct policy_table *t;

	for (size_t i = 0; i < p->table_count; i++)
		if (strcmp(p->tables[i].name, TABLE_LINK) == 0)
			return (int)i;
	t = table_push(c, NULL, TABLE_LINK, span);
	if (!t)
		return -1;
	t->is_const = true;
	for (size_t i = 0; i < sizeof(nets) / sizeof(*nets); i++) {
		struct ast_host *h = arena_new_of(c->arena, struct ast_host);

		*h = (struct ast_host){.kind = AST_HOST_PREFIX,
				       .span = span,
				       .family = nets[i].family,
				       .first = {{nets[i].first}},
				       .prefix_len = nets[i].prefix_len};
		entries_add(c, &e, h);
	}
	entries_finish(c, &e, t);
	return (int)(t - p->tables);
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
		entries_add(c, &e, h);
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
