/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_route.c: route-to and reply-to: a flow's rule -> where its packets are
 * sent in place of where the route table says. pf.conf(5), "ROUTING". Pools
 * have one hop, with its device.
 */
#include "flow_model.h"

#include <string.h>

static const struct policy_pool *way_of(const struct policy_rule *r,
					unsigned way)
{
	if (!r->effects || r->effects->is_no)
		return NULL;
	return way ? r->effects->reply_to : r->effects->route_to;
}

bool flow_routes(const struct policy *p)
{
	for (size_t i = 0; i < p->rule_count; i++)
		if (way_of(&p->rules[i], 0) || way_of(&p->rules[i], 1))
			return true;
	return false;
}

static unsigned device_of(const struct flow_hook *h, const char *name)
{
	unsigned device = 0;

	while (strcmp(h->names[device], name) != 0)
		device++;
	return device;
}

void flow_route(struct flow *f, const struct flow_hook *h,
		const struct model_outcome *o)
{
	f->ways[0] = o->route_to;
	f->ways[1] = o->reply_to;
	for (unsigned way = 0; way < 2; way++) {
		unsigned dir = way ? !f->dir : f->dir;
		const struct policy_pool *pool = f->ways[way];

		f->hop[dir] = FLOW_NOWHERE;
		if (!pool)
			continue;
		f->hop[dir] = device_of(h, pool->targets[0].iface);
		f->hop_at[dir] = pool->targets[0].first;
	}
}

bool flow_same_ways(const struct policy *p, const struct model_outcome *o,
		    const struct flow *f)
{
	const struct policy_rule *r = &p->rules[o->decider];

	for (unsigned way = 0; way < 2; way++) {
		const struct policy_pool *now = way_of(r, way);

		if (!now != !f->ways[way] ||
		    (now && !flow_same_pool(p, now, f->policy, f->ways[way])))
			return false;
	}
	return true;
}

/* Of two flows that the host knows by one name, the later one. */
void flow_take_answers(struct flow_model *m, struct flow *f)
{
	f->has_answers = f->hop[NFR_DIR_OUT] != FLOW_NOWHERE;
	for (size_t i = 0; i < m->count && f->has_answers; i++) {
		struct flow *g = &m->flows[i];
		struct trace_ends ends =
			g->dir == f->dir ? g->stack : trace_swapped(&g->stack);

		if (g != f && g->family == f->family && g->proto == f->proto &&
		    trace_same_ends(&ends, &f->stack))
			g->has_answers = false;
	}
}
