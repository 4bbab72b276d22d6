/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_meta.c: what a match asks beside the packet's headers -> policy_meta:
 * the socket's owner and cgroup, marks, tags, chances and rates.
 */
#include "check_internal.h"

#include "tag.h"

#include <string.h>

uint32_t tags_number(struct check *c, const char *name, struct span span)
{
	struct policy *p = c->policy;
	uint64_t *known;
	uint32_t number;

	if (!name)
		return TAG_NONE;
	number = tag_number(name);
	known = seen_put(&c->tags, number);
	if (!*known) {
		p->tags = arena_grow(c->arena, p->tags, p->tag_count,
				     &c->tag_capacity, sizeof(*p->tags));
		p->tags[p->tag_count] = arena_strdup(c->arena, name);
		c->tag_spans = arena_grow(c->arena, c->tag_spans, p->tag_count,
					  &c->tag_span_capacity,
					  sizeof(*c->tag_spans));
		c->tag_spans[p->tag_count] = span;
		*known = ++p->tag_count;
	} else if (strcmp(p->tags[*known - 1], name) != 0) {
		diag_error(c->diag, span, "name",
			   "the tags \"%s\" and \"%s\" have one number", name,
			   p->tags[*known - 1]);
		diag_note(c->diag, c->tag_spans[*known - 1], "\"%s\" is here",
			  p->tags[*known - 1]);
		diag_hint(c->diag, "a flow keeps its tag over reloads by the "
				   "number that is made of the name: choose "
				   "another name");
	}
	return number;
}

/*
 * In pf "unknown" is a number that only = and != compare: "!= root" takes a
 * packet of no socket, "> 0" and "1 <> 9" do not.
 */
static struct policy_id id_of(const struct ast_port *id)
{
	bool is_unknown = id && id->first.text;
	struct policy_id out = {.is_any = !id};
	int64_t first, last;

	if (!id)
		return out;
	out.is_negated = id->op == AST_PORT_NE || id->op == AST_PORT_OUTSIDE;
	out.takes_unknown = id->op == (is_unknown ? AST_PORT_EQ : AST_PORT_NE);
	names_range(id->op, id->first.value, id->last.value, UINT32_MAX, &first,
		    &last);
	if (is_unknown || first > last) {
		first = 1;
		last = 0;
	}
	out.first = (uint32_t)first;
	out.last = (uint32_t)last;
	return out;
}

/* "/user.slice/" -> "user.slice"; the root is "". */
static const char *cgroup_path(struct check *c, const char *path)
{
	size_t len;

	path += strspn(path, "/");
	len = strlen(path);
	while (len && path[len - 1] == '/')
		len--;
	return arena_strndup(c->arena, path, len);
}

/* The same, if the kernel's side can find it: abi.h has the bounds. */
static const char *cgroup_known(struct check *c, const struct ast_word *word)
{
	const char *path = cgroup_path(c, word->text);
	size_t len = 0, depth = *path != 0;
	bool is_whole = true;

	for (const char *p = path; *p; p++) {
		is_whole &= *p != '/' || len > 0;
		len = *p == '/' ? 0 : len + 1;
		depth += *p == '/';
		is_whole &= len < NFR_CGROUP_NAME;
	}
	if (!is_whole || depth > NFR_CGROUP_DEPTH)
		diag_error(c->diag, word->span, "limit",
			   "\"%s\" is no cgroup: at most %u names of at most "
			   "%u bytes each, with one \"/\" between",
			   word->text, NFR_CGROUP_DEPTH, NFR_CGROUP_NAME - 1);
	return path;
}

static void cgroups_fill(struct check *c, const struct ast_word *words,
			 struct policy_meta *out)
{
	struct check_cgroups *asked;
	const char **paths;

	if (!words)
		return;
	for (const struct ast_word *w = words; w; w = w->next)
		out->cgroup_count++;
	asked = arena_new_of(c->arena, struct check_cgroups);
	asked->of = out;
	asked->classes = arena_alloc(c->arena, out->cgroup_count *
						       sizeof(*asked->classes));
	asked->next = c->cgroups;
	c->cgroups = asked;
	out->classes = asked->classes;
	paths = arena_alloc(c->arena, (out->cgroup_count + 1) * sizeof(*paths));
	out->cgroups = paths;
	for (const struct ast_word *w = words; w; w = w->next)
		*paths++ = cgroup_known(c, w);
}

void cgroups_finish(struct check *c)
{
	struct policy *p = c->policy;
	size_t count = 0;

	for (const struct check_cgroups *a = c->cgroups; a; a = a->next)
		count += a->of->cgroup_count;
	p->cgroups = arena_alloc(c->arena, (count + 1) * sizeof(*p->cgroups));
	count = 0;
	for (const struct check_cgroups *a = c->cgroups; a; a = a->next)
		for (size_t i = 0; i < a->of->cgroup_count; i++)
			p->cgroups[count++] = a->of->cgroups[i];
	p->cgroup_count = cgroups_sort(p->cgroups, count);
	for (const struct check_cgroups *a = c->cgroups; a; a = a->next)
		for (size_t i = 0; i < a->of->cgroup_count; i++)
			a->classes[i] = cgroup_class(
				p->cgroups, p->cgroup_count, a->of->cgroups[i]);
}

static void marks_fill(struct check *c, const struct ast_mark *list,
		       struct policy_meta *out)
{
	struct policy_mark *marks;

	for (const struct ast_mark *m = list; m; m = m->next)
		out->mark_count++;
	marks = arena_alloc(c->arena, (out->mark_count + 1) * sizeof(*marks));
	out->marks = marks;
	for (const struct ast_mark *m = list; m; m = m->next)
		*marks++ = (struct policy_mark){m->value, m->mask};
}

static bool is_anything(const struct ast_match *m, const struct ast_rule *r)
{
	return m->users || m->groups || m->cgroups || m->marks || m->tagged ||
	       m->has_prio || (m->ifaces && m->ifaces->is_rdomain) ||
	       (r && (r->probability || r->rate_packets));
}

const struct policy_meta *meta_of(struct check *c, const struct ast_match *m,
				  const struct ast_rule *r)
{
	struct policy_meta *out;

	if (!is_anything(m, r))
		return NULL;
	out = arena_new_of(c->arena, struct policy_meta);
	out->user = id_of(m->users);
	out->group = id_of(m->groups);
	cgroups_fill(c, m->cgroups, out);
	marks_fill(c, m->marks, out);
	out->prio = m->has_prio ? m->prio : -1;
	out->rdomain = -1;
	if (m->ifaces && m->ifaces->is_rdomain) {
		out->rdomain = m->ifaces->rdomain;
		out->rdomain_negated = m->ifaces->is_negated;
	}
	out->has_tagged = m->tagged != NULL;
	out->tagged_negated = m->is_tagged_not;
	out->tagged = tags_number(c, m->tagged, m->tagged_span);
	if (r && r->probability) {
		out->probability = r->probability;
		out->draw = c->policy->draw_count++;
	}
	if (r && r->rate_packets) {
		out->rate_packets = r->rate_packets;
		out->rate_seconds = r->rate_seconds;
		out->rate_draw = c->policy->draw_count++;
	}
	return out;
}
