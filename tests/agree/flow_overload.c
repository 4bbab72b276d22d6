/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_overload.c: a source that was too many -> a member of a table, and what
 * "flush" ends. pf.conf(5), "STATEFUL TRACKING OPTIONS".
 */
#include "flow_model.h"

#include <stdlib.h>
#include <string.h>

#define THOUSAND 1000
#define SWEEP_MS 1000

/* ---- tables ---------------------------------------------------------------
 */

/* As the policy says; what packets added to those of before is gone. */
void flow_tables_load(struct flow_model *m)
{
	const struct policy *p = m->loaded_policy;

	if (p->table_count > FLOW_TABLES)
		abort();
	m->own = *p;
	if (p->table_count)
		memcpy(m->tables, p->tables,
		       p->table_count * sizeof(*m->tables));
	m->own.tables = m->tables;
	m->policy = &m->own;
}

bool flow_overloads(const struct policy *p)
{
	for (size_t i = 0; i < p->rule_count; i++)
		if (p->rules[i].state &&
		    p->rules[i].state->overload != POLICY_NONE)
			return true;
	return false;
}

/* False: it was a member. */
static bool add(struct flow_model *m, uint32_t table, enum addr_family family,
		const struct addr *a)
{
	struct policy_table *t = &m->tables[table];
	struct policy_table_entry *own = m->entries[table];
	uint8_t bits = family == FAMILY_IPV4 ? 32 : 128;

	if (model_table_has(t, family, a))
		return false;
	if (t->entries != own && t->entry_count)
		memcpy(own, t->entries, t->entry_count * sizeof(*own));
	t->entries = own;
	for (size_t i = 0; i < t->entry_count; i++)
		if (own[i].family == family && own[i].prefix_len == bits &&
		    addr_compare(&own[i].addr, a) == 0) {
			own[i].is_negated = false;
			return true;
		}
	if (t->entry_count == FLOW_ENTRIES)
		abort(); /* a trace has fewer */
	own[t->entry_count++] = (struct policy_table_entry){
		.family = family, .prefix_len = bits, .addr = *a};
	return true;
}

/* ---- sources --------------------------------------------------------------
 */

/* Who began it, as the first packet had it. */
const struct addr *flow_source(const struct flow *f)
{
	return f->dir == NFR_DIR_OUT ? &f->stack.src : &f->wire.src;
}

static struct flow_source *source(struct flow_model *m, const struct flow *f,
				  uint64_t rule)
{
	struct flow_source *s = m->sources;

	for (; s < m->sources + m->source_count; s++)
		if (s->rule == rule && s->family == f->family &&
		    addr_compare(&s->addr, flow_source(f)) == 0)
			return s;
	if (m->source_count++ == FLOW_SOURCES)
		abort(); /* a trace has fewer */
	*s = (struct flow_source){
		.rule = rule, .family = f->family, .addr = *flow_source(f)};
	return s;
}

uint32_t flow_rate(struct flow_model *m, const struct flow_hook *h,
		   const struct flow *f, uint32_t seconds)
{
	struct flow_source *s =
		source(m, f, f->track == AST_TRACK_GLOBAL ? 0 : f->counted_by);
	uint64_t window = (uint64_t)seconds * 1000;
	uint64_t age = h->now_ms - s->rate_ms;

	s->rate = age >= window ? 0
				: (uint32_t)(s->rate - s->rate * age / window);
	s->rate += THOUSAND;
	s->rate_ms = h->now_ms;
	return s->rate;
}

void flow_overload(struct flow_model *m, const struct flow_hook *h,
		   const struct flow *f)
{
	const struct policy_rule *rule = &m->policy->rules[f->rule];
	const struct ast_state_options *o = rule->state->options;
	bool is_new = rule->state->overload != POLICY_NONE &&
		      add(m, rule->state->overload, f->family, flow_source(f));
	bool flushes = o->is_flush || o->is_flush_global;

	if (flushes) {
		struct flow_source *s =
			source(m, f, o->is_flush_global ? 0 : rule->id);

		s->is_flushed = m->has_flushed = true;
		s->flushed_ms = h->now_ms;
	}
	m->epoch += is_new || flushes;
}

bool flow_is_flushed(const struct flow_model *m, const struct flow *f)
{
	if (f->epoch == m->epoch)
		return false;
	for (size_t i = 0; i < m->source_count; i++) {
		const struct flow_source *s = &m->sources[i];

		if (s->is_flushed && s->family == f->family &&
		    (!s->rule || (f->is_counted && s->rule == f->counted_by)) &&
		    addr_compare(&s->addr, flow_source(f)) == 0 &&
		    s->flushed_ms >= f->began_ms)
			return true;
	}
	return false;
}

void flow_sweep(struct flow_model *m, const struct flow_hook *h,
		struct flow **keep)
{
	if (m->has_swept && h->now_ms - m->swept_ms < SWEEP_MS)
		return;
	m->has_swept = true;
	m->swept_ms = h->now_ms;
	for (size_t i = m->count; i-- > 0;) {
		if (&m->flows[i] == *keep || !flow_is_flushed(m, &m->flows[i]))
			continue;
		if (*keep == &m->flows[m->count - 1])
			*keep = &m->flows[i];
		flow_end(m, &m->flows[i]);
	}
}
