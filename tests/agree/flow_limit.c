/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_limit.c: a flow, and those that there are -> is it one too many for its
 * rule? pf.conf(5), "STATEFUL TRACKING OPTIONS". A flow counts as long as it
 * lives where it was counted first, whatever rule stands behind it later.
 */
#include "flow_model.h"

static const struct ast_state_options *options_of(const struct flow_model *m,
						  const struct flow *f)
{
	const struct policy_state *state = m->policy->rules[f->rule].state;

	return state ? state->options : NULL;
}

/* Do both count as flows of one source: of one rule, or of all that track? */
static bool same_source(const struct flow *a, const struct flow *b)
{
	return a->track && a->track == b->track &&
	       (a->track == AST_TRACK_GLOBAL ||
		a->counted_by == b->counted_by) &&
	       a->family == b->family &&
	       addr_compare(flow_source(a), flow_source(b)) == 0;
}

/* Does one of the flows before the i-th count for the same source? */
static bool is_known_source(const struct flow_model *m, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!m->flows[k].gives_way &&
		    same_source(&m->flows[k], &m->flows[i]))
			return true;
	return false;
}

/* A limit of sources is the rule's; the others are of what sources do at all.
 */
static enum ast_track track_of(const struct ast_state_options *o)
{
	if (o->track)
		return o->track;
	if (o->max_src_nodes)
		return AST_TRACK_RULE;
	return o->max_src_states || o->max_src_conn || o->rate_conns
		       ? AST_TRACK_GLOBAL
		       : AST_TRACK_NONE;
}

bool flow_limit_begin(const struct flow_model *m, struct flow *f)
{
	const struct ast_state_options *o = options_of(m, f);
	uint32_t all = 0, own = 0, sources = 0;

	if (!o)
		return true;
	f->track = track_of(o);
	f->is_counted = o->max || f->track;
	f->counted_by = m->policy->rules[f->rule].id;
	for (size_t i = 0; i < m->count; i++) {
		const struct flow *g = &m->flows[i];

		if (g->gives_way)
			continue;
		own += same_source(g, f);
		if (!g->is_counted || g->counted_by != f->counted_by)
			continue;
		all++;
		sources += g->track == AST_TRACK_RULE && !is_known_source(m, i);
	}
	return !(o->max && all >= o->max) &&
	       !(o->max_src_states && own >= o->max_src_states) &&
	       !(o->max_src_nodes && !own && sources >= o->max_src_nodes);
}

static uint32_t connections(const struct flow_model *m, const struct flow *f)
{
	uint32_t count = 0;

	for (size_t i = 0; i < m->count; i++)
		count += m->flows[i].is_connection &&
			 same_source(&m->flows[i], f);
	return count;
}

bool flow_limit_connect(struct flow_model *m, const struct flow_hook *h,
			struct flow **of)
{
	struct flow *f = *of;
	const struct ast_state_options *o = options_of(m, f);

	if (f->proto != TRACE_TCP || f->phase != FLOW_ESTABLISHED ||
	    !f->track || f->is_connection)
		return true;
	f->is_connection = true;
	if (!o)
		return true;
	if (o->rate_conns &&
	    flow_rate(m, h, f, o->rate_seconds) > o->rate_conns * 1000) {
		flow_overload(m, h, f);
		return false;
	}
	if (!o->max_src_conn || connections(m, f) <= o->max_src_conn)
		return true;
	flow_sweep(m, h, of);
	f = *of;
	if (connections(m, f) <= o->max_src_conn)
		return true;
	flow_overload(m, h, f);
	return false;
}
